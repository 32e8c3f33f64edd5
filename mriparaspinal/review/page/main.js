/* The review page: a slice is loaded, drawn on, measured, kept, saved and judged. */

import { ask, askBytes, leave, Refused } from "./api.js";
import { Editor } from "./editor.js";
import { listenToKeys, listenToPointer } from "./input.js";
import { byId, hideBar, scope, showBar, showKeys, showLevels, showList, showProblems, showRegions, showVerdict, used, verdictOn } from "./panel.js";
import { View, addColours } from "./view.js";

const view = new View(byId("canvas"));
const state = {
  session: null, number: -1, slice: null, measured: null, unsaved: false, loading: 0,
  contours: true, fat: false, snap: true, cursor: null, pointer: null, waiting: null, refining: null, failed: false, asked: "", of: null,
  untimed: null, // why the time was not recorded
};
const editor = new Editor({ changed: redraw, done: changed, closed: refine, chosen: showPanel });

let frame = 0;

function redraw() {
  if (!frame) frame = requestAnimationFrame(paint);
}

function paint() {
  frame = 0;
  const { slice } = state;
  view.draw({
    shapes: editor.shapes, active: editor.active, hover: editor.hover, clicks: editor.clicks, curve: editor.curve(),
    region: editor.region, proposals: slice ? slice.proposals : [], others: slice ? slice.others : [], contours: state.contours, fat: state.fat,
    brush: editor.brush, radius: editor.radius, pointer: state.pointer, cursor: state.cursor, spacing: slice?.spacing,
  });
  showText();
}

function showText() {
  if (!state.slice) return;
  const { low, high } = view.window;
  const at = state.cursor || state.pointer;
  const [x, y] = (at || [-1, -1]).map(Math.floor);
  const level = x >= 0 && y >= 0 && x < view.columns && y < view.rows ? `  grey ${view.grey[y * view.columns + x]} at ${x}, ${y}` : "";
  byId("readout").textContent = `W ${high - low}  L ${Math.round((high + low) / 2)}  ×${view.scale.toFixed(2)}${level}`;
  const others = state.slice.proposals.map(({ name, draft }, i) => `${i ? "dotted" : "dashed"}: ${name}${draft ? " (draft)" : ""}`).join(" · ");
  byId("hint").textContent = [state.contours && others, hint()].filter(Boolean).join("\n");
  for (const [id, pressed] of [["see-contours", state.contours], ["see-fat", state.fat], ["brush", editor.brush], ["snap", state.snap]])
    byId(id).setAttribute("aria-pressed", String(pressed));
  byId("undo").disabled = !editor.past.length && !editor.clicks.length;
  byId("redo").disabled = !editor.future.length;
  byId("take").disabled = !state.slice.proposals.some((one) => one.shapes.length);
}

function hint() {
  const { region, active, clicks } = editor;
  if (clicks.length) return `${region}: ${points(clicks)}; ${clicks.length > 2 ? "Enter or a click on the first closes" : "go on along its border"}`;
  if (!active) return `${region}: click 8 to 12 points along its border`;
  if (!active.polygon) return `${region} is no polygon: X deletes it, to draw it anew`;
  if (editor.brush) return `${region}: push the border from inside or outside`;
  return `${region}${size()}: drag points or the line; Enter for the next region`;
}

const points = ({ length }) => `${length} ${length === 1 ? "point" : "points"}`;

/* The area of the region, where the size of a pixel is known and the region is measured. */
function size() {
  const { slice: { spacing }, measured, of } = state;
  const pixels = of === editor.shapes && measured?.regions[editor.region]?.csa_px;
  return spacing && pixels ? ` ${((pixels * spacing[0] * spacing[1]) / 100).toFixed(2)} cm²` : "";
}

function showPanel() {
  if (!state.slice) return;
  const { session, number, slice, measured } = state;
  const reading = session.readings[number];
  showRegions(editor, measured, reading.verdicts, slice.draft ? reading.expected : {});
  const drawn = new Set(editor.shapes.map((shape) => shape.region));
  const open = !drawn.size || state.of === editor.shapes ? "" : state.failed ? "not measured" : "measuring…";
  const missing = session.regions.filter((region) => !drawn.has(region) && !session.optional.includes(region.split("_")[0]));
  showProblems(measured && drawn.size ? measured.problems : [], missing, slice.draft, open);
  showVerdict(reading.verdicts, editor.region, reading.name);
  byId("state").textContent = state.unsaved ? "not saved" : slice.digest ? "saved" : "no contours yet";
  byId("state").className = state.unsaved ? "unsaved" : "";
  byId("draft").hidden = !slice.draft;
  byId("place").textContent = [reading.participant, reading.segment, reading.why].filter(Boolean).join("  ·  ");
}

function showSlices() {
  const { session, number } = state;
  showList(session.readings, number, go);
  byId("counter").textContent = `${number + 1} / ${session.readings.length}`;
  byId("previous").disabled = number === 0;
  byId("next").disabled = number === session.readings.length - 1;
}

function tell(error) {
  if (!(error instanceof Refused)) throw error;
  showBar(error.message, { Close: () => {} });
}

/* ---- a slice ---- */

async function go(number) {
  if (number < 0 || number >= state.session.readings.length) return;
  editor.up();
  editor.finish();
  spend();
  const turn = ++state.loading;
  try {
    await settled();
    const [slice, grey] = await Promise.all([ask(`slices/${number}`), askBytes(`slices/${number}/grey`)]);
    if (turn === state.loading) show(number, slice, grey);
  } catch (error) {
    if (turn === state.loading) showNothing(number, error);
  }
}

/* A slice that cannot be opened: nothing of the one before stays. */
function showNothing(number, error) {
  Object.assign(state, { number, slice: null, measured: null, unsaved: false });
  view.grey = null;
  editor.load([], [], 1, 1);
  for (const id of ["regions", "problems", "readout", "hint", "state", "place"]) byId(id).replaceChildren();
  byId("draft").hidden = true;
  byId("name").textContent = state.session.readings[number].name;
  showSlices();
  showLevels(state.session.readings, number, state.session.blind, go);
  redraw();
  tell(error);
}

function show(number, slice, grey) {
  const { session } = state;
  Object.assign(state, { number, slice, measured: null, unsaved: slice.unsaved !== null, cursor: null, busy: 0, failed: false, asked: "" });
  editor.load(slice.unsaved ? restored(slice) : slice.shapes, session.regions, slice.columns, slice.rows);
  view.show(grey, slice.rows, slice.columns);
  const reading = session.readings[number];
  reading.verdicts = slice.verdicts;
  byId("name").textContent = reading.name;
  const left = session.imageLeft === "right" ? "R" : "L";
  byId("corner-left").textContent = left;
  byId("corner-right").textContent = left === "R" ? "L" : "R";
  showBar("");
  if (state.untimed) tell(state.untimed);
  showSlices();
  showLevels(session.readings, number, session.blind, go);
  redraw();
  showPanel();
  if (slice.changed && slice.unsaved) offerChoice(`${reading.name}: the file of contours was changed on the disk after this was drawn`);
  measure();
}

/* What was drawn and not saved; shapes that are no polygons are those of the file. Their numbers hold for the file
   that they were drawn upon. */
function restored(slice) {
  return slice.unsaved
    .map((kept) => (kept.points ? { ...kept, index: slice.changed ? null : kept.index, polygon: true } : slice.shapes.find((s) => s.index === kept.index && s.region === kept.region)))
    .filter(Boolean);
}

/* ---- requests, one after another ---- */

let requests = Promise.resolve();

function queue(work) {
  const done = requests.then(work);
  requests = done.catch(() => {});
  return done;
}

const drawn = (shapes = editor.shapes) => shapes.map(({ region, index, points, polygon }) => ({ region, index, points: polygon ? points : null }));

/* All that was drawn is refined and kept. */
async function settled() {
  await state.refining;
  await requests;
}

/* Something was finished: it is kept on the disk, then measured. */
function changed() {
  const { number, slice } = state;
  if (!slice) return;
  const now = { base: slice.digest, shapes: drawn(editor.finished) };
  Object.assign(state, { unsaved: true, failed: false });
  askNoMore();
  state.session.readings[number].unsaved = true;
  showPanel();
  queue(() => {
    // A save before this one has numbered the shapes of the file anew.
    const kept = state.slice === slice ? { base: slice.digest, shapes: drawn(editor.finished) } : now;
    return ask(`slices/${number}/keep`, { ...kept, session: slice.session });
  }).catch((error) => choose(error, slice));
  clearTimeout(state.waiting);
  state.waiting = setTimeout(measure, 120);
}

async function measure() {
  const { number, slice, loading } = state;
  const asked = editor.shapes;
  try {
    const measured = await ask(`slices/${number}/measure`, { base: slice.digest, shapes: drawn() });
    if (loading !== state.loading || asked !== editor.shapes) return;
    Object.assign(state, { measured, of: asked, failed: false });
    view.setFat(measured.fat);
  } catch (error) {
    if (loading !== state.loading) return;
    state.failed = true;
    showPanel();
    tell(error);
    return;
  }
  showPanel();
  redraw();
}

function refine(shape, clicks) {
  if (state.snap) state.refining = refineNow(shape, clicks);
}

async function refineNow(shape, clicks) {
  const { number } = state;
  try {
    const { points } = await ask(`slices/${number}/refine`, { points: clicks });
    if (points && number === state.number) editor.refined(shape, points);
  } catch (error) {
    tell(error);
  }
}

async function save(force = false) {
  const { number, slice } = state;
  if (!slice) return false;
  editor.up();
  editor.finish();
  try {
    await settled();
    if (state.slice !== slice) return false;
    const sent = editor.finished;
    await queue(async () => {
      await ask(`slices/${number}/save`, { base: slice.digest, session: slice.session, shapes: drawn(sent), force });
      saved(number, slice, sent, await ask(`slices/${number}?session=${slice.session ?? ""}`));
    });
    return true;
  } catch (error) {
    choose(error, slice);
    return false;
  }
}

/* The file holds what was `sent`; what was drawn since then is still to be saved. */
function saved(number, slice, sent, fresh) {
  Object.assign(slice, fresh);
  const here = state.slice === slice;
  const unsaved = here && editor.finished !== sent;
  Object.assign(state.session.readings[number], { unsaved, contours: fresh.digest !== null, draft: fresh.draft });
  if (here) {
    state.unsaved = unsaved;
    editor.rebase(sent, fresh.shapes);
    showPanel();
    redraw();
    measure();
  }
  showSlices();
}

/* Where the file is not the one that was drawn upon, the reader chooses; all else is told. */
function choose(error, slice) {
  if (error.changed && state.slice === slice) offerChoice(error.message);
  else tell(error);
}

function offerChoice(text) {
  const { number, slice } = state;
  showBar(`${text}. Which one is to stay?`, {
    "Mine: write it over the file": () => save(true),
    "The file: give mine up": async () => {
      await queue(() => ask(`slices/${number}/discard`, { session: slice.session })).catch(tell);
      state.session.readings[number].unsaved = false;
      go(number);
    },
    "Decide later": () => {},
  });
}

/* ---- judging ---- */

async function judge(verdict) {
  const { number, slice, session, loading } = state;
  if (!slice) return;
  const region = scope() ? editor.region : "";
  const before = verdictOn(session.readings[number].verdicts, region)?.verdict;
  const again = before === verdict && verdict !== "reviewed";
  const [reason, comment] = ["reason", "comment"].map((id) => byId(id).value.trim());
  if (verdict === "exclude" && !again && !reason) {
    byId("reason").classList.add("wanted");
    byId("reason").focus();
    return;
  }
  byId("reason").classList.remove("wanted");
  if (verdict === "reviewed") {
    if (!sure()) return;
    if ((state.unsaved || editor.clicks.length > 2) && !(await save())) return;
    if (state.slice === slice && state.unsaved) {
      showBar("The slice was drawn on while it was being saved, so it is not kept as reviewed: look at it and press R again", { Close: () => {} });
      return;
    }
  }
  const told = { region, verdict: again ? "" : verdict, reason: again ? "" : reason, comment: again ? "" : comment };
  try {
    await judged(number, slice, told);
    if (verdict === "reviewed" && !region && loading === state.loading && number + 1 < session.readings.length) go(number + 1);
  } catch (error) {
    choose(error, slice);
  }
}

/* A judgement is sent; the digest that comes back is that of this slice, whichever is shown by then. */
async function judged(number, slice, told) {
  const { verdicts, digest } = await queue(() => ask(`slices/${number}/judge`, { ...told, base: slice.digest, session: slice.session }));
  const reading = state.session.readings[number];
  reading.verdicts = verdicts;
  slice.digest = digest;
  if (told.verdict === "reviewed" && !told.region) reading.draft = slice.draft = false;
  if (state.slice === slice) used(told);
  showSlices();
  showPanel();
}

/* What was asked is answered, or is no longer so. */
function askNoMore() {
  if (state.asked) hideBar(state.asked.slice(state.asked.indexOf(" ") + 1));
  state.asked = "";
}

/* Whether the slice is to be kept as reviewed: asked once where it looks like a slip. */
function sure() {
  const { clicks, region, shapes } = editor;
  const what = scope() ? region : "the slice";
  let found = "";
  if (clicks.length) found = `${region}: ${points(clicks)} not yet closed; R again ${clicks.length > 2 ? "closes them to a contour" : "gives them up"} and keeps ${what} as reviewed`;
  else if (!shapes.length) found = `no contour is drawn on this slice; R again keeps ${what} as reviewed all the same`;
  const question = found && `${state.number} ${found}`;
  if (question && state.asked !== question) {
    state.asked = question;
    showBar(found, { "Reviewed (R)": () => judge("reviewed"), "Not yet": () => { state.asked = ""; } });
    return false;
  }
  askNoMore();
  if (clicks.length < 3) editor.clicks = [];
  return true;
}

/* Reason and comment belong to a judgement: they are kept when it is there. */
function annotate() {
  const { number, slice } = state;
  if (!slice) return;
  const region = scope() ? editor.region : "";
  const verdict = verdictOn(state.session.readings[number].verdicts, region);
  if (byId("reason").classList.contains("wanted")) judge("exclude");
  else if (verdict) {
    const told = { region, verdict: verdict.verdict, reason: byId("reason").value.trim(), comment: byId("comment").value.trim() };
    judged(number, slice, told).catch((error) => choose(error, slice));
  }
}

/* ---- time, only where it was asked for ---- */

const IDLE_MS = 60000;

function busy() {
  const now = performance.now();
  if (state.session?.timing && state.last && now - state.last < IDLE_MS) state.busy += now - state.last;
  state.last = now;
}

function spend() {
  busy();
  if (!state.session?.timing || !state.slice || !state.busy) return;
  const seconds = state.busy / 1000;
  state.busy = 0;
  leave(`slices/${state.number}/spend`, { seconds }).then(() => {
    if (state.untimed) hideBar(state.untimed.message);
    state.untimed = null;
  }, (error) => {
    state.untimed = error;
    tell(error);
  });
}

function take(which, all) {
  const proposal = state.slice?.proposals[which];
  const most = state.session?.mostShapes;
  const parts = proposal ? editor.take(proposal.shapes, all, most) : 0;
  if (parts > most) showBar(`${all ? proposal.name : editor.region} was not taken: ${parts} contours would lie on this slice; expected at most ${most}; draw the region anew`, { Close: () => {} });
}

const actions = {
  go: (by) => go(state.number + by),
  save: () => save(), judge, keys: showKeys, redraw, busy,
  mirror: () => editor.mirror(),
  take,
  toggle(name) {
    state[name] = !state[name];
    redraw();
  },
  brush() {
    editor.finish();
    editor.brush = !editor.brush;
    redraw();
  },
};

async function begin() {
  listenToPointer(view, editor, state, actions);
  listenToKeys(view, editor, state, actions);
  byId("previous").addEventListener("click", () => actions.go(-1));
  byId("next").addEventListener("click", () => actions.go(1));
  byId("save").addEventListener("click", () => { view.canvas.focus(); save(); });
  byId("help").addEventListener("click", showKeys);
  byId("finish").addEventListener("click", finish);
  for (const button of document.querySelectorAll("#verdicts button")) button.addEventListener("click", () => { view.canvas.focus(); judge(button.dataset.verdict); });
  for (const id of ["reason", "comment"]) byId(id).addEventListener("change", annotate);
  byId("scope").addEventListener("change", showPanel);
  new ResizeObserver(() => { if (view.grey) { view.resized(); redraw(); } }).observe(view.canvas);
  document.addEventListener("visibilitychange", () => { if (document.hidden) spend(); else busy(); });
  try {
    state.session = await ask("session");
    addColours(state.session.colours);
    const { readings } = state.session;
    const first = readings.findIndex((reading) => !verdictOn(reading.verdicts, ""));
    await go(Math.max(0, first));
  } catch (error) {
    tell(error);
  }
}

async function finish() {
  editor.finish();
  spend();
  try {
    await settled();
    await ask("end", {});
  } catch (error) {
    return tell(error);
  }
  const left = state.session.readings.filter((reading) => reading.unsaved).length;
  const kept = left ? ` ${left} of the slices hold contours that are not saved: they are kept, and come back when review is started again.` : "";
  showBar(`The program has ended.${kept} This tab can be closed.`);
  document.querySelector("main").inert = true;
  return undefined;
}

begin();
