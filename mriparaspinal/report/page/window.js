/* ---- window and level, zoom and place: the same for a slice in the page and for the whole slice ---- */

/* Grey levels are shown through a filter, LOW and below black, HIGH and above white; the same on all slices. */
const STORED = { low: 0, high: 255 };
let levels = { ...STORED };

function setWindow(width, level) {
  const w = Math.max(2, Math.min(510, width));
  const l = Math.max(0, Math.min(255, level));
  levels = { low: l - w / 2, high: l + w / 2 };
  for (const part of byId("window-filter").firstElementChild.children) {
    part.setAttribute("slope", 255 / w);
    part.setAttribute("intercept", -levels.low / w);
  }
  const isStored = levels.low === STORED.low && levels.high === STORED.high;
  document.documentElement.classList.toggle("windowed", !isStored);
  byId("window").textContent = `window ${Math.round(w)}, level ${Math.round(l)}`;
  byId("window-reset").disabled = isStored;
  for (const slider of document.querySelectorAll(".by-width")) slider.value = Math.round(w);
  for (const slider of document.querySelectorAll(".by-level")) slider.value = Math.round(l);
}

function changeWindow(byWidth, byLevel) {
  setWindow(levels.high - levels.low + byWidth, (levels.high + levels.low) / 2 + byLevel);
}

const asStored = () => setWindow(255, 127.5);

/* Where the stage lies in its frame, in parts of the frame's size: a point u of it is seen at place + scale · u. */
const FIRST = { scale: 1, x: 0, y: 0 };
const places = new WeakMap();

function move(frame, { scale, x, y }) {
  const least = 1 - scale;
  const place = { scale, x: Math.min(0, Math.max(least, x)), y: Math.min(0, Math.max(least, y)) };
  places.set(frame, place);
  const stage = frame.querySelector(".stage");
  stage.style.transform = scale === 1 ? "" : `translate(${100 * place.x}%, ${100 * place.y}%) scale(${scale})`;
  stage.style.setProperty("--zoom", scale); // lines stay thin
  frame.classList.toggle("zoomed", scale > 1);
  const names = frame.querySelector(".names");
  if (!names) return;
  names.dataset.size ||= names.getAttribute("font-size");
  names.setAttribute("font-size", names.dataset.size / scale ** 0.8);
}

function zoom(frame, factor, u = 0.5, v = 0.5) {
  const { scale, x, y } = places.get(frame) || FIRST;
  const next = Math.max(1, Math.min(30, scale * factor));
  move(frame, { scale: next, x: u - ((u - x) * next) / scale, y: v - ((v - y) * next) / scale });
}

function shift(frame, byX, byY) {
  const { scale, x, y } = places.get(frame) || FIRST;
  move(frame, { scale, x: x + byX, y: y + byY });
}

/* Names that would lie upon each other, one below or above the other; within the picture. */
function spreadNames(names, columns, rows) {
  const size = Number(names.getAttribute("font-size"));
  const taken = [];
  for (const name of names.children) {
    name.dataset.at ||= name.getAttribute("y");
    const half = 0.33 * size * name.textContent.length;
    const x = Math.max(half, Math.min(columns - half, Number(name.getAttribute("x"))));
    const ys = [0, 1, -1, 2, -2, 3, -3].map((step) => Number(name.dataset.at) + 1.15 * step * size);
    const isFree = (y) => y > size / 2 && y < rows - size / 2
      && taken.every((one) => Math.abs(one.y - y) >= 1.1 * size || Math.abs(one.x - x) >= one.half + half);
    const y = ys.find(isFree) ?? ys[0];
    taken.push({ x, y, half });
    name.setAttribute("x", x);
    name.setAttribute("y", y);
  }
}

/* Left drag moves, right drag (or with Shift) is for window and level, a wheel zooms: in the page with Ctrl only. */
function listenTo(frame, clicked, anyWheel) {
  let pressed = null;
  frame.addEventListener("dragstart", (event) => event.preventDefault());
  frame.addEventListener("contextmenu", (event) => event.preventDefault());
  frame.addEventListener("pointerdown", (event) => {
    pressed = { levels: event.button === 2 || event.shiftKey, x: event.clientX, y: event.clientY, far: 0 };
    if (event.pointerType === "mouse") frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    if (!pressed) return;
    const [dx, dy] = [event.clientX - pressed.x, event.clientY - pressed.y];
    pressed.far += Math.abs(dx) + Math.abs(dy);
    Object.assign(pressed, { x: event.clientX, y: event.clientY });
    if (pressed.levels) changeWindow(dx, dy);
    else shift(frame, dx / frame.clientWidth, dy / frame.clientHeight);
  });
  frame.addEventListener("pointerup", (event) => {
    if (pressed && pressed.far < 5 && event.button === 0) clicked();
    pressed = null;
  });
  frame.addEventListener("pointercancel", () => { pressed = null; });
  frame.addEventListener("wheel", (event) => {
    if (!anyWheel && !event.ctrlKey) return;
    event.preventDefault();
    const box = frame.getBoundingClientRect();
    const factor = Math.exp(-Math.sign(event.deltaY) * Math.min(0.25, Math.abs(event.deltaY) / 400));
    zoom(frame, factor, (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  }, { passive: false });
}

function listenToButtons(tools, frame) {
  const [width, level] = [tools.querySelector(".by-width"), tools.querySelector(".by-level")];
  for (const slider of [width, level])
    slider.addEventListener("input", () => setWindow(Number(width.value), Number(level.value)));
  tools.querySelector(".as-stored").addEventListener("click", asStored);
  tools.querySelector(".closer").addEventListener("click", () => zoom(frame, 1.5));
  tools.querySelector(".farther").addEventListener("click", () => zoom(frame, 1 / 1.5));
  tools.querySelector(".as-at-first").addEventListener("click", () => move(frame, FIRST));
}

byId("window-reset").addEventListener("click", asStored);

