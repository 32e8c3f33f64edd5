/* ---- the whole slice ---- */

const whole = byId("whole");
const wholeFrame = whole.querySelector(".frame");
let wholeOf = null; // the slice that is shown

function svg(name, attributes, ...inner) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inner);
  return made;
}

function fillWhole(slice) {
  const frame = slice.querySelector(".frame");
  const image = frame.querySelector("img");
  const [left, top, columns, rows] = ["left", "top", "columns", "rows"].map((name) => Number(frame.dataset[name]));
  const [around, inner] = wholeFrame.querySelectorAll("img");
  const isPart = "whole" in frame.dataset;
  around.src = isPart ? frame.dataset.whole : image.src;
  around.alt = `The whole slice. ${image.alt}`;
  inner.hidden = !isPart;
  if (isPart) inner.src = image.src;
  const percent = { left: left / columns, top: top / rows, width: image.getAttribute("width") / columns, height: image.getAttribute("height") / rows };
  for (const [name, part] of Object.entries(percent)) inner.style[name] = `${100 * part}%`;
  wholeFrame.style.aspectRatio = `${columns} / ${rows}`;
  wholeFrame.style.width = `min(100%, ${(66 * columns) / rows}vh)`;
  const layer = wholeFrame.querySelector("svg");
  layer.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
  const drawn = [...frame.querySelectorAll("svg > *")].map((one) => one.cloneNode(true));
  for (const one of drawn) {
    if (!one.matches(".names")) continue;
    one.setAttribute("font-size", Math.max(5, columns / 34));
    spreadNames(one, image.getAttribute("width"), image.getAttribute("height"));
  }
  for (const one of drawn) delete one.dataset.size;
  const middle = frame.querySelector("text.IVD, text.VB");
  if (middle) {
    const [x, y] = [Number(middle.getAttribute("x")), Number(middle.getAttribute("y"))];
    drawn.push(svg("line", { class: "midline", x1: x, x2: x, y1: y + columns / 40, y2: rows - top }));
  }
  layer.replaceChildren(svg("g", { transform: `translate(${left} ${top})` }, ...drawn));
  byId("whole-name").textContent = slice.querySelector("h4").textContent.trim();
  const reasons = slice.querySelectorAll(".reasons > li, .dashed > li");
  byId("whole-reasons").replaceChildren(...[...reasons].map((reason) => reason.cloneNode(true)));
  wholeOf = slice;
  showTold(slice);
  move(wholeFrame, FIRST);
}

function openWhole(slice) {
  if (!slice.querySelector(".frame")) return;
  fillWhole(slice);
  if (!whole.open) whole.showModal();
  wholeFrame.focus();
}

function wholeGo(step) {
  const shown = slices.filter((slice) => !slice.hidden && slice.querySelector(".frame"));
  const next = shown[shown.indexOf(wholeOf) + step];
  if (next) fillWhole(next);
}

whole.addEventListener("close", () => {
  wholeOf.focus({ preventScroll: true });
  wholeOf.scrollIntoView({ block: "nearest", behavior: "instant" });
});
whole.addEventListener("click", (event) => { if (event.target === whole) whole.close(); });
byId("whole-close").addEventListener("click", () => whole.close());
byId("whole-previous").addEventListener("click", () => wholeGo(-1));
byId("whole-next").addEventListener("click", () => wholeGo(1));
listenToButtons(whole, wholeFrame);
listenTo(wholeFrame, () => {}, true);

