"use strict";
/* What the page can do beyond being read. It changes no result, stores nothing and asks no network. */

const slices = [...document.querySelectorAll(".slice")];
const byId = (id) => document.getElementById(id);
const FAT = [255, 60, 60, 150];

document.documentElement.classList.add("js");

/* ---- the pixels of a slice ---- */

/* The pixels of a mask from its outline ("M h v z" along the edges of pixels): every upright edge turns
   inside into outside for the rest of its row. */
function pixelsOf(path, width, height) {
  const turns = new Uint8Array((width + 1) * height);
  let x = 0;
  let y = 0;
  for (const [, command, first, second] of path.matchAll(/([Mhv])(-?\d+)(?: (-?\d+))?/g)) {
    const length = Number(first);
    if (command === "M") {
      x = length;
      y = Number(second);
    } else if (command === "h") {
      x += length;
    } else {
      for (let row = Math.min(y, y + length); row < Math.max(y, y + length); row++) {
        turns[row * (width + 1) + x] ^= 1;
      }
      y += length;
    }
  }
  const pixels = [];
  for (let row = 0; row < height; row++) {
    let inside = 0;
    for (let column = 0; column < width; column++) {
      inside ^= turns[row * (width + 1) + column];
      if (inside) pixels.push(row * width + column);
    }
  }
  return Uint32Array.from(pixels);
}

const opened = new Map();

/* Grey levels and masks of a slice; null where this browser does not give the pixels as they are. */
function open(slice) {
  if (!opened.has(slice)) opened.set(slice, read(slice));
  return opened.get(slice);
}

async function read(slice) {
  const image = slice.querySelector("img");
  if (!image) return null;
  await image.decode();
  const width = image.naturalWidth;
  const height = image.naturalHeight;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i++) grey[i] = rgba[4 * i];
  const regions = new Map();
  for (const row of slice.querySelectorAll("tr[data-key]")) {
    const path = [...slice.querySelectorAll("path[data-key]")].find((p) => p.dataset.key === row.dataset.key);
    if (path) regions.set(row.dataset.key, pixelsOf(path.getAttribute("d"), width, height));
  }
  const found = { width, height, grey, regions };
  return isAsMeasured(slice, found) ? found : null;
}

/* Some browsers blur the pixels that a page reads, for privacy. Better no exploration than a wrong one. */
function isAsMeasured(slice, found) {
  return [...slice.querySelectorAll("tr[data-key]")].every((row) => {
    const pixels = pixelsOfRow(row, found);
    const fat = countAbove(found.grey, pixels, Number(slice.dataset.threshold));
    return pixels.length === Number(row.dataset.px) && fat === Number(row.dataset.fat);
  });
}

function pixelsOfRow(row, found) {
  const [muscle, side] = row.dataset.key.split(" ");
  if (side !== "both") return found.regions.get(row.dataset.key) || [];
  return ["left", "right"].flatMap((one) => [...(found.regions.get(`${muscle} ${one}`) || [])]);
}

function countAbove(grey, pixels, threshold) {
  let count = 0;
  for (const pixel of pixels) if (grey[pixel] > threshold) count++;
  return count;
}

/* ---- fat pixels ---- */

const near = new Set();
const tried = new Map(); // slice → threshold that is being tried

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) {
        near.add(target);
      } else {
        near.delete(target);
        if (!tried.has(target)) opened.delete(target);
      }
      paint(target);
    }
  },
  { rootMargin: "300px" },
);

async function paint(slice) {
  const wanted = () => near.has(slice) && "threshold" in slice.dataset && (byId("see-fat").checked || tried.has(slice));
  const old = slice.querySelector("canvas");
  if (!wanted()) {
    if (old) old.remove();
    return;
  }
  const found = await open(slice);
  if (!found) {
    blind(slice);
    return;
  }
  if (!wanted()) return;
  const threshold = tried.has(slice) ? tried.get(slice) : Number(slice.dataset.threshold);
  const canvas = slice.querySelector("canvas") || document.createElement("canvas");
  canvas.width = found.width;
  canvas.height = found.height;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Pixels brighter than ${threshold}`);
  const context = canvas.getContext("2d");
  const layer = context.createImageData(found.width, found.height);
  for (const pixels of found.regions.values()) {
    for (const pixel of pixels) if (found.grey[pixel] > threshold) layer.data.set(FAT, 4 * pixel);
  }
  context.putImageData(layer, 0, 0);
  slice.querySelector("img").after(canvas);
}

function blind(slice) {
  const tools = slice.querySelector(".explore");
  if (tools) tools.textContent = "This browser does not give the pixels of a picture as they are: nothing to explore here.";
}

/* ---- another threshold ---- */

async function tryThreshold(slice, threshold) {
  const found = await open(slice);
  if (!found) {
    blind(slice);
    return;
  }
  tried.set(slice, threshold);
  for (const row of slice.querySelectorAll("tr[data-key]")) {
    const pixels = pixelsOfRow(row, found);
    row.querySelector(".try").textContent = (countAbove(found.grey, pixels, threshold) / pixels.length).toFixed(3);
  }
  showThreshold(slice, threshold);
  near.add(slice);
  paint(slice);
}

function reset(slice) {
  tried.delete(slice);
  for (const cell of slice.querySelectorAll("td.try")) cell.textContent = "";
  showThreshold(slice, Number(slice.dataset.threshold));
  paint(slice);
}

function showThreshold(slice, threshold) {
  const isTried = tried.has(slice);
  const first = Math.floor(threshold) + 1;
  slice.querySelector(".explored").hidden = !isTried;
  slice.querySelector(".reset").disabled = !isTried;
  slice.querySelector(".level").textContent = isTried ? `brighter than ${threshold}` : `the study’s: ${threshold}`;
  slice.querySelector(".explore input").value = Math.floor(threshold);
  const line = slice.querySelector(".histogram .threshold");
  line.setAttribute("x1", first);
  line.setAttribute("x2", first);
  const range = slice.querySelector(".histogram .fat-range");
  range.setAttribute("x", first);
  range.setAttribute("width", 256 - first);
}

/* ---- tools of each slice ---- */

for (const slice of slices) {
  const tools = slice.querySelector(".tools");
  tools.append(byId("slice-tools").content.cloneNode(true));
  const explore = tools.querySelector(".explore");
  if ("threshold" in slice.dataset && slice.querySelector("img") && slice.querySelector(".histogram")) {
    showThreshold(slice, Number(slice.dataset.threshold));
    explore.querySelector("input").addEventListener("input", (event) => tryThreshold(slice, Number(event.target.value)));
    explore.querySelector(".reset").addEventListener("click", () => reset(slice));
  } else {
    explore.remove();
  }
  tools.querySelector(".mark input").addEventListener("change", () => markChanged(slice));
  observer.observe(slice);
}
addEventListener("beforeprint", () => [...tried.keys()].forEach(reset));

/* ---- marks ---- */

let unsaved = false;

const marked = () => slices.filter((slice) => slice.classList.contains("marked"));

function markChanged(slice) {
  slice.classList.toggle("marked", slice.querySelector(".mark input").checked);
  const count = marked().length;
  unsaved = count > 0;
  byId("save").disabled = count === 0;
  byId("save").textContent = `Save marked as CSV (${count})`;
}

/* As the other tables: a spreadsheet shows a text that looks like a formula and does not run it; numbers stay. */
function csvCell(text) {
  const number = /^-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  const harmless = /^'*[=+\-@\t\r]/.test(text) && !number ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

byId("save").addEventListener("click", () => {
  const rows = marked().map(({ dataset: d }) => [d.participant, d.segment, d.image, d.reasons]);
  const lines = [["participant_id", "segment", "image", "reasons"], ...rows].map((row) => row.map(csvCell).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  link.download = "needs-another-look.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  unsaved = false;
});
addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

/* ---- filters ---- */

const KINDS = {
  unusual: (slice) => "unusual" in slice.dataset,
  problem: (slice) => "problem" in slice.dataset,
  look: (slice) => "look" in slice.dataset,
  marked: (slice) => slice.classList.contains("marked"),
};

function filter() {
  const kind = KINDS[byId("show-kind").value] || (() => true);
  const group = byId("show-group").value;
  const segment = byId("show-segment").value;
  for (const slice of slices) {
    const isIn = (!group || slice.dataset.group === group) && (!segment || slice.dataset.segment.split(" ")[0] === segment);
    slice.hidden = !(isIn && kind(slice));
  }
  const count = slices.filter((slice) => !slice.hidden).length;
  byId("shown").textContent = `${count} of ${slices.length} shown`;
  byId("none-left").hidden = count > 0;
}
for (const id of ["show-kind", "show-group", "show-segment"]) byId(id).addEventListener("change", filter);
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

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (event.target.closest("input:not([type=checkbox]), select, .scroll")) return;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
    event.preventDefault();
    go(event.key === "ArrowRight" ? 1 : -1);
    return;
  }
  const slice = event.target.closest(".slice");
  if (!slice) return;
  if (event.key === "m" || event.key === "M") slice.querySelector(".mark input").click();
  if (event.key === "f" || event.key === "F") byId("see-fat").click();
});

/* ---- tables ---- */

/* Numbers by size (the first in the cell), a dash last, texts by the alphabet. */
function sortKey(text) {
  const number = text.replaceAll("−", "-").match(/<?\s*-?\d+(\.\d+)?/);
  if (!number) return { number: NaN, text };
  const below = number[0].startsWith("<");
  return { number: Number(number[0].replace("<", "")) - (below ? 1e-9 : 0), text };
}

function compareKeys(a, b, isNumeric) {
  if (!isNumeric) return a.text.localeCompare(b.text, "en", { numeric: true });
  if (Number.isNaN(a.number) || Number.isNaN(b.number)) return 0;
  return a.number - b.number;
}

function makeSortable(table) {
  const body = table.tBodies[0];
  const original = [...body.rows];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
      const order = next === undefined ? "ascending" : next;
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      if (order === null) {
        body.append(...original);
        return;
      }
      head.setAttribute("aria-sort", order);
      const keyed = original.map((row) => ({ row, key: sortKey(row.cells[column].textContent.trim()) }));
      const isNumeric = column > 0 && keyed.some(({ key }) => /^[<−-]?[\d.]|^r = /.test(key.text));
      const isEmpty = ({ key }) => (isNumeric ? Number.isNaN(key.number) : key.text === "");
      const filled = keyed.filter((one) => !isEmpty(one));
      const sign = order === "ascending" ? 1 : -1;
      filled.sort((a, b) => sign * compareKeys(a.key, b.key, isNumeric));
      body.append(...filled.map(({ row }) => row), ...keyed.filter(isEmpty).map(({ row }) => row));
    });
  });
}
document.querySelectorAll("table[data-sortable]").forEach(makeSortable);

byId("toolbar").hidden = slices.length === 0;
filter();
