/* ---- tools of each slice ---- */

for (const slice of slices) {
  const grey = "threshold" in slice.dataset && slice.querySelector("img") && slice.querySelector(".histogram");
  if (grey) {
    slice.querySelector(".exploring").append(byId("explore-tools").content.cloneNode(true));
    showThreshold(slice, Number(slice.dataset.threshold));
    slice.querySelector(".explore input").addEventListener("input", (event) => tryThreshold(slice, Number(event.target.value)));
    slice.querySelector(".reset").addEventListener("click", () => reset(slice));
  }
  slice.querySelector(".judge").append(byId("verdict-tools").content.cloneNode(true));
  const frame = slice.querySelector(".frame");
  if (frame) {
    const image = frame.querySelector("img");
    spreadNames(frame.querySelector(".names"), image.getAttribute("width"), image.getAttribute("height"));
    slice.querySelector("figcaption").after(byId("view-tools").content.cloneNode(true));
    listenTo(frame, () => openWhole(slice), false);
    listenToButtons(slice, frame);
    slice.querySelector(".open").addEventListener("click", () => openWhole(slice));
  }
  listenToVerdict(slice);
  observer.observe(slice);
}
slices.forEach(restore);
keep(`${KEPT}?`, "");
keep(`${KEPT}?`, null);
sayKept();

/* ---- filters ---- */

const KINDS = {
  unusual: (slice) => "unusual" in slice.dataset,
  problem: (slice) => "problem" in slice.dataset,
  look: (slice) => "look" in slice.dataset,
  judged: (slice) => slice.classList.contains("judged"),
  open: (slice) => !slice.classList.contains("judged"),
};

const FILTERS = ["show-kind", "show-group", "show-segment"];

function filter() {
  const [kind, group, segment] = FILTERS.map((id) => byId(id)?.value || "");
  const isKind = KINDS[kind] || (() => true);
  for (const slice of slices) {
    const isIn = (!group || slice.dataset.group === group) && (!segment || slice.dataset.segment.split(" ")[0] === segment);
    slice.hidden = !(isIn && isKind(slice));
  }
  const count = slices.filter((slice) => !slice.hidden).length;
  byId("shown").textContent = `${count} of ${slices.length} shown`;
  if (byId("none-left")) byId("none-left").hidden = count > 0;
}
for (const id of FILTERS) byId(id)?.addEventListener("change", filter);
byId("see-fat").addEventListener("change", () => slices.forEach(paint));
for (const name of ["outlines", "names"]) {
  byId(`see-${name}`).addEventListener("change", (event) => {
    document.body.classList.toggle(`no-${name}`, !event.target.checked);
  });
}

/* ---- from slice to slice ---- */

function go(step) {
  const shown = slices.filter((slice) => !slice.hidden);
  if (!shown.length) return;
  const at = shown.indexOf(document.activeElement.closest(".slice"));
  let next = at + step;
  if (at < 0) {
    const below = shown.findIndex((slice) => slice.getBoundingClientRect().bottom > innerHeight / 4);
    next = below < 0 ? shown.length - 1 : below;
  }
  const slice = shown[Math.max(0, Math.min(shown.length - 1, next))];
  slice.focus({ preventScroll: true });
  slice.scrollIntoView({ block: "start", behavior: "instant" });
}
byId("previous").addEventListener("click", () => go(-1));
byId("next").addEventListener("click", () => go(1));

/* ---- keys ---- */

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/* Whether an arrow did something: with Alt for window and level, with Ctrl for the place, alone for another slice. */
function arrow(event, frame) {
  const [dx, dy] = ARROWS[event.key];
  if (event.altKey) changeWindow(8 * dx, -8 * dy);
  else if (event.ctrlKey || event.metaKey) frame && shift(frame, -dx / 8, -dy / 8);
  else if (dx) (whole.open ? wholeGo : go)(dx);
  else return false;
  return true;
}

const KEYS = {
  "+": ({ frame }) => frame && zoom(frame, 1.25), "=": ({ frame }) => frame && zoom(frame, 1.25),
  "-": ({ frame }) => frame && zoom(frame, 0.8), "0": ({ frame }) => frame && move(frame, FIRST),
  w: asStored, f: () => byId("see-fat").click(), o: ({ slice }) => openWhole(slice),
  r: ({ slice }) => judgeByKey(slice, "reviewed"), a: ({ slice }) => judgeByKey(slice, "look-again"),
  e: ({ slice }) => judgeByKey(slice, "exclude"),
};

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=checkbox]), select, .scroll")) return;
  const slice = whole.open ? wholeOf : event.target.closest(".slice");
  const frame = whole.open ? wholeFrame : slice && slice.querySelector(".frame");
  const key = event.key.toLowerCase();
  if (event.key in ARROWS) {
    if (!event.shiftKey && arrow(event, frame)) event.preventDefault();
  } else if (!event.ctrlKey && !event.metaKey && !event.altKey && key in KEYS && (slice || key === "w")) {
    event.preventDefault();
    KEYS[key]({ slice, frame });
  }
});

asStored();
for (const id of ["toolbar", "keys"]) byId(id).hidden = slices.length === 0;
filter();

