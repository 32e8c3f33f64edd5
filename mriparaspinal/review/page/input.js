/* Mouse and keys. */

import { byId } from "./panel.js";

/* How near the pointer counts as on a point, in pixels of the screen. */
const REACH = 8;
const WHOLE = { low: 0, high: 255 };

function setWindow(view, width, level) {
  const w = Math.max(2, Math.min(510, width));
  const l = Math.max(0, Math.min(255, level));
  view.window = { low: l - w / 2, high: l + w / 2 };
  view.paint();
}

function changeWindow(view, byWidth, byLevel) {
  const { low, high } = view.window;
  setWindow(view, high - low + byWidth, (high + low) / 2 + byLevel);
}

export function listenToPointer(view, editor, state, actions) {
  const { canvas } = view;
  let pressed = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const onImage = (event) => view.toImage(...place(event));
  const reach = () => REACH / view.scale;

  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    actions.busy();
    if (!state.slice) return;
    canvas.focus();
    canvas.setPointerCapture(event.pointerId);
    state.cursor = null;
    const kind = event.button === 2 ? "window" : event.button === 1 || event.ctrlKey || event.metaKey ? "pan" : "draw";
    pressed = { kind, at: place(event), far: 0 };
    if (kind === "draw") editor.down(onImage(event), reach(), event.shiftKey);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    state.pointer = onImage(event);
    if (!state.slice) return;
    if (!pressed || pressed.kind === "draw") {
      editor.move(state.pointer, reach());
      return;
    }
    const [x, y] = place(event);
    const [dx, dy] = [x - pressed.at[0], y - pressed.at[1]];
    pressed.at = [x, y];
    pressed.far += Math.abs(dx) + Math.abs(dy);
    if (pressed.kind === "pan") {
      view.left += dx;
      view.top += dy;
    } else if (pressed.far > 4) changeWindow(view, dx, dy);
    actions.redraw();
  });
  canvas.addEventListener("pointerup", () => {
    if (pressed?.kind === "draw") editor.up();
    else if (pressed?.kind === "window" && pressed.far <= 4 && !editor.finish()) editor.step(1, true);
    pressed = null;
    actions.redraw();
  });
  canvas.addEventListener("pointercancel", () => { pressed = null; editor.up(); });
  canvas.addEventListener("pointerleave", () => { state.pointer = null; actions.redraw(); });
  canvas.addEventListener("dblclick", () => editor.finish());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    actions.busy();
    view.zoom(Math.exp(-Math.sign(event.deltaY) * Math.min(0.25, Math.abs(event.deltaY) / 400)), ...place(event));
    actions.redraw();
  }, { passive: false });
}

/* A cross that is moved by keys, and a click where it stands. */
function moveCross(view, editor, state, [dx, dy], far) {
  const step = far ? 10 : 1;
  const at = state.cursor || [Math.round(view.columns / 2), Math.round(view.rows / 2)];
  state.cursor = state.cursor ? [at[0] + dx * step, at[1] + dy * step] : at;
  editor.move(state.cursor, REACH / view.scale);
}

function clickCross(view, editor, state, add) {
  state.cursor ||= [Math.round(view.columns / 2), Math.round(view.rows / 2)];
  if (editor.drag) editor.up();
  else editor.down(state.cursor, REACH / view.scale, add);
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function keyed(view, editor, state, actions) {
  const middle = () => [view.canvas.clientWidth / 2, view.canvas.clientHeight / 2];
  return {
    n: () => actions.go(1), p: () => actions.go(-1), pagedown: () => actions.go(1), pageup: () => actions.go(-1),
    s: actions.save, r: () => actions.judge("reviewed"), a: () => actions.judge("look-again"), e: () => actions.judge("exclude"),
    c: () => actions.toggle("contours"), f: () => actions.toggle("fat"), g: () => actions.toggle("snap"), b: actions.brush,
    m: actions.mirror, x: () => editor.removeShape(), "?": actions.keys,
    t: (event) => actions.take(0, event.shiftKey), y: (event) => actions.take(1, event.shiftKey),
    enter: () => { if (!editor.finish()) editor.step(1, true); },
    tab: (event) => editor.step(event.shiftKey ? -1 : 1),
    escape: () => { editor.clicks = []; editor.brush = false; state.cursor = null; },
    backspace: () => (editor.clicks.length ? editor.undo() : editor.remove()), delete: () => editor.remove(),
    "[": () => { editor.radius = Math.max(2, editor.radius / 1.2); }, "]": () => { editor.radius = Math.min(120, editor.radius * 1.2); },
    "+": () => view.zoom(1.25, ...middle()), "=": () => view.zoom(1.25, ...middle()), "-": () => view.zoom(0.8, ...middle()),
    0: () => view.fit(), w: () => { view.window = { ...WHOLE }; view.paint(); },
    " ": (event) => clickCross(view, editor, state, event.shiftKey),
    undo: () => editor.undo(), redo: () => editor.redo(),
  };
}

export function listenToKeys(view, editor, state, actions) {
  const keys = keyed(view, editor, state, actions);
  const act = (name, event) => {
    // What is being dragged is dropped where it is: no key finds it half done. Space itself drags the cross.
    if (name !== " ") editor.up();
    keys[name](event);
    actions.redraw();
  };
  for (const button of document.querySelectorAll("[data-key]"))
    button.addEventListener("click", (event) => { act(button.dataset.key, event); view.canvas.focus(); });

  addEventListener("keydown", (event) => {
    actions.busy();
    const { target } = event;
    if (byId("keys").open || !state.session) return;
    if (target.matches("input:not([type=radio])")) {
      if (event.key === "Enter" || event.key === "Escape") view.canvas.focus();
      return;
    }
    const command = event.ctrlKey || event.metaKey;
    const onButton = target.matches("button, input") && [" ", "Enter", "Tab"].includes(event.key);
    const key = event.key.toLowerCase();
    let did = true;
    if (onButton) return;
    if (command && key === "z") act(event.shiftKey ? "redo" : "undo", event);
    else if (command && key === "y") act("redo", event);
    else if (command && key === "s") act("s", event);
    else if (event.key in ARROWS) arrow(event);
    // On many keyboards [ and ] need AltGr.
    else if ((command || event.altKey) && !event.getModifierState("AltGraph")) did = false;
    else if (/^[1-9]$/.test(key) && editor.order[key - 1]) {
      editor.up();
      editor.select(editor.order[key - 1]);
    }
    else if (key in keys && key.length > 0 && !["undo", "redo"].includes(key)) act(key, event);
    else did = false;
    if (did) event.preventDefault();
  });

  function arrow(event) {
    const [dx, dy] = ARROWS[event.key];
    if (event.altKey) changeWindow(view, 8 * dx, 8 * -dy);
    else if (event.ctrlKey || event.metaKey) {
      view.left -= 40 * dx;
      view.top -= 40 * dy;
    } else moveCross(view, editor, state, [dx, dy], event.shiftKey);
    actions.redraw();
  }
}
