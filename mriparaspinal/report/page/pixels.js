"use strict";
/* What a page can do beyond being read. It changes no result and asks no network; verdicts are kept in this browser. */

const byId = (id) => document.getElementById(id);
const slices = [...document.querySelectorAll(".slice")];
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
  slice.classList.toggle("trying", isTried);
  slice.querySelector(".level").textContent = isTried ? `brighter than ${threshold}` : `the study’s: ${threshold}`;
  slice.querySelector(".explore input").value = Math.floor(threshold);
  const line = slice.querySelector(".histogram .threshold");
  line.setAttribute("x1", first);
  line.setAttribute("x2", first);
  const range = slice.querySelector(".histogram .fat-range");
  range.setAttribute("x", first);
  range.setAttribute("width", 256 - first);
}

