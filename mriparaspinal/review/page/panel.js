/* All that stands beside the slice: lists, numbers, problems, judgement. Texts are set as texts, never as HTML. */

import { askImage } from "./api.js";
import { colour } from "./view.js";

export const byId = (id) => document.getElementById(id);

function make(name, text = "", classes = "") {
  const element = document.createElement(name);
  element.textContent = text;
  element.className = classes;
  return element;
}

const MARKS = { reviewed: "●", "look-again": "!", exclude: "✕" };

export const verdictOn = (verdicts, region) => verdicts.find((one) => one.region === region);

/* ---- slices ---- */

export function showList(readings, now, go) {
  const rows = readings.map((reading, number) => {
    const row = make("li");
    const button = make("button", "", number === now ? "now" : "");
    const verdict = verdictOn(reading.verdicts, "")?.verdict || "";
    button.append(
      make("span", MARKS[verdict] || (reading.draft ? "D" : reading.contours ? "◐" : "○"), `mark ${verdict}`),
      make("span", reading.name, "text"),
      make("span", reading.unsaved ? "*" : "", "star"),
    );
    button.title = [verdict || (reading.draft ? "draft" : reading.contours ? "contours" : "no contours"),
      reading.unsaved ? "unsaved" : "", reading.why].filter(Boolean).join("; ");
    button.addEventListener("click", () => go(number));
    row.append(button);
    return row;
  });
  byId("list").replaceChildren(...rows);
  rows[now]?.scrollIntoView({ block: "nearest" });
  const done = readings.filter((reading) => verdictOn(reading.verdicts, "")).length;
  byId("done").textContent = `${done} of ${readings.length} judged`;
}

const thumbnails = new Map();

export function showLevels(readings, now, blind, go) {
  byId("levels-part").hidden = blind;
  if (blind) return;
  const mine = readings.map((reading, number) => ({ reading, number })).filter(({ reading }) => reading.participant === readings[now].participant);
  const buttons = mine.map(({ reading, number }) => {
    const button = make("button", "", number === now ? "now" : "");
    const image = make("img");
    image.alt = "";
    if (!thumbnails.has(number)) thumbnails.set(number, askImage(`slices/${number}/thumbnail`));
    thumbnails.get(number).then((address) => { image.src = address; }, () => thumbnails.delete(number));
    button.append(image, make("span", reading.segment));
    button.title = reading.name;
    button.setAttribute("aria-label", `${reading.participant} ${reading.segment}`);
    button.addEventListener("click", () => go(number));
    return button;
  });
  byId("levels").replaceChildren(...buttons);
}

/* ---- regions ---- */

export function showRegions(editor, measured, verdicts, expected) {
  const rows = editor.order.map((region, i) => {
    const row = make("li");
    const button = make("button");
    const dot = make("span", "", "dot");
    const drawn = editor.of(region).length > 0;
    dot.style.borderColor = colour(region);
    dot.style.background = drawn ? colour(region) : "transparent";
    const numbers = measured?.regions[region];
    const fi = numbers && numbers.fat_px !== null && region.includes("_") ? `  FI ${(numbers.fat_px / numbers.csa_px).toFixed(3)}` : "";
    const verdict = verdictOn(verdicts, region)?.verdict;
    button.append(dot, make("span", region), make("span", drawn && numbers ? `${numbers.csa_px} px${fi}` : "", "numbers"),
      make("span", verdict ? MARKS[verdict] : "", "verdict"));
    button.dataset.region = region;
    const hope = region in expected ? `; Dice to expect of the draft: ${expected[region].toFixed(2)}` : "";
    button.title = `${region}${i < 9 ? ` (${i + 1})` : ""}${hope}`;
    button.setAttribute("aria-current", String(region === editor.region));
    button.addEventListener("click", () => editor.select(region));
    row.append(button);
    return row;
  });
  byId("regions").replaceChildren(...rows);
}

const DRAFT = "A program drew this: it is not measured until it is reviewed. The Dice that it expects tells good " +
  "regions from bad ones between slices, but little within multifidus: look at every MF.";

/* `open`: what there is to say while what is drawn has no numbers yet. */
export function showProblems(problems, missing, draft, open) {
  const rows = problems.map((problem) => {
    const row = make("li", problem.shape ? `${problem.shape}: ${problem.message}` : problem.message, problem.severity);
    row.dataset.code = problem.code;
    row.append(make("em", ` → ${problem.remedy}`));
    return row;
  });
  if (draft) rows.unshift(make("li", DRAFT, "none"));
  if (missing.length) rows.unshift(make("li", `not drawn yet: ${missing.join(", ")}`, "none"));
  if (open) rows.push(make("li", open, "none"));
  byId("problems").replaceChildren(...(rows.length ? rows : [make("li", "none found", "none")]));
}

/* ---- judgement ---- */

export const scope = () => document.querySelector("#scope input:checked").value;

/* Reason and comment that were typed, and are in no judgement yet; and for what both were filled in last. */
const typed = new Set();
let filledSlice = null;
let filled = null;

for (const name of ["reason", "comment"]) byId(name).addEventListener("input", () => typed.add(name));

/* A judgement holds these texts now. */
export function used(texts) {
  for (const name of ["reason", "comment"]) if (byId(name).value.trim() === texts[name]) typed.delete(name);
}

export function showVerdict(verdicts, region, slice) {
  byId("scope-region").textContent = region;
  const verdict = verdictOn(verdicts, scope() ? region : "");
  for (const button of document.querySelectorAll("#verdicts button"))
    button.setAttribute("aria-pressed", String(verdict?.verdict === button.dataset.verdict));
  // What was typed for one slice is never told of another.
  if (slice !== filledSlice) typed.clear();
  const now = JSON.stringify([slice, scope() && region, verdict]);
  for (const name of ["reason", "comment"])
    if (now !== filled && !typed.has(name)) byId(name).value = verdict?.[name] || "";
  [filledSlice, filled] = [slice, now];
}

/* ---- what has to be told ---- */

/* A line across the page, with a button for each way on. */
export function showBar(text, choices = {}) {
  const bar = byId("bar");
  bar.hidden = !text;
  const buttons = Object.entries(choices).map(([label, act]) => {
    const button = make("button", label);
    button.addEventListener("click", () => { bar.hidden = true; act(); });
    return button;
  });
  bar.replaceChildren(make("span", text), ...buttons);
}

/* That line, where it still stands there. */
export function hideBar(text) {
  if (byId("bar").textContent.startsWith(text)) showBar("");
}

const KEYS = [
  ["Drawing", [
    ["click", "add a point; drag a point of a contour, or its line"],
    ["Enter", "close the contour, then on to the next empty region"], ["right click", "the same"],
    ["1 … 9, Tab", "choose a region"], ["Shift click", "begin another part of the region"],
    ["Backspace", "take back a click; delete the point under the pointer"], ["X", "delete the contour"],
    ["B", "brush: push the border"], ["[ ]", "smaller, larger brush"],
    ["M", "copy from the other side, mirrored"], ["T, Y", "take the proposed contour (of the first, second reader)"],
    ["Shift T, Y", "take all of them"], ["G", "snap clicked contours to the slice, or not"],
    ["Ctrl Z, Ctrl Y", "undo, redo"], ["Esc", "give up the clicks"]]],
  ["Looking", [
    ["wheel, + −", "zoom"], ["Ctrl drag, middle drag", "move the slice"], ["right drag", "window and level"],
    ["Alt arrows", "window and level"], ["Ctrl arrows", "move the slice"], ["0, W", "whole slice; window as it was"],
    ["C", "contours on and off"], ["F", "fat pixels on and off"],
    ["arrows, Space", "move a cross (Shift: faster); click with it"]]],
  ["Slices", [
    ["N, P", "next, previous slice"], ["S", "save"], ["R", "save, reviewed, and on"],
    ["A", "look again"], ["E", "exclude, with a reason"], ["?", "these keys"]]],
];

export function showKeys() {
  const dialog = byId("keys");
  const parts = KEYS.flatMap(([title, keys]) => {
    const list = make("dl");
    for (const [key, meaning] of keys) list.append(make("dt", key), make("dd", meaning));
    return [make("h2", title), list];
  });
  const close = make("button", "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(...parts, close);
  dialog.showModal();
}
