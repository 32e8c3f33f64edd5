/* ---- verdicts: kept in this browser, saved as the review.csv that "quantify --review" reads ---- */

const WORDS = { reviewed: "reviewed", "look-again": "look again", exclude: "exclude" };
const KEPT = `mriparaspinal ${document.body.dataset.study} `;
const READER = "mriparaspinal reader";
const verdicts = new Map(); // slice → { region or "": { verdict, reason, comment } }
let keeps = true; // whether this browser keeps anything
let unsaved = false;

function sayKept() {
  byId("kept").textContent = keeps
    ? "Your verdicts stay in this browser, and nowhere else, until you save them."
    : "This browser keeps nothing: save your verdicts before you close the page.";
}

function keep(key, text) {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    keeps = false;
    sayKept();
  }
}

function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    keeps = false;
    return null;
  }
}

/* What the review left out that was measured with is excluded still, and so stands in the next review.csv, too. */
const BEFORE = "excluded by an earlier review";
const before = (slice) => (slice.dataset.excluded || "").split(" ").filter(Boolean).map((name) => (name === "slice" ? "" : name));

function restore(slice) {
  let found = {};
  try {
    found = JSON.parse(kept(KEPT + slice.dataset.image) || "{}");
  } catch { /* not ours */ }
  const texts = Object.entries(found).filter(([, v]) => v && [v.verdict, v.reason, v.comment].every((t) => typeof t === "string"));
  const earlier = before(slice).map((region) => [region, { verdict: "exclude", reason: BEFORE, comment: "" }]);
  verdicts.set(slice, Object.fromEntries([...earlier, ...texts]));
  showVerdict(slice);
}

function showVerdict(slice) {
  const region = slice.querySelector(".what").value;
  const { verdict = "", reason = "", comment = "" } = verdicts.get(slice)[region] || {};
  for (const [name, text] of Object.entries({ said: verdict, reason, comment })) {
    const field = slice.querySelector(`.${name}`);
    if (field.value !== text) field.value = text;
  }
  showTold(slice);
}

function told(slice) {
  return Object.entries(verdicts.get(slice)).map(([region, { verdict, reason, comment }]) =>
    [`${region ? `${region}: ` : ""}${WORDS[verdict] || "none"}`, reason, comment].filter(Boolean).join(" – "));
}

function showTold(slice) {
  const texts = told(slice);
  for (const line of [slice.querySelector(".told"), ...(slice === wholeOf ? [byId("whole-told")] : [])]) {
    line.textContent = texts.length ? `Verdict: ${texts.join("; ")}` : "";
  }
  slice.classList.toggle("judged", texts.length > 0);
  const count = rowsOfAll().length;
  byId("save").disabled = !slices.some((one) => verdicts.has(one) && told(one).length);
  byId("save").textContent = `Save review.csv (${count})`;
}

function judge(slice, region, change) {
  const all = verdicts.get(slice);
  const now = { verdict: "", reason: "", comment: "", ...all[region], ...change };
  if (!now.verdict && now.reason === BEFORE) now.reason = "";
  // One that is taken back stays as none, or the earlier one would come again.
  if (Object.values(now).some(Boolean) || before(slice).includes(region)) all[region] = now;
  else delete all[region];
  keep(KEPT + slice.dataset.image, Object.keys(all).length ? JSON.stringify(all) : null);
  unsaved = true;
  byId("refusal").hidden = true;
  showVerdict(slice);
}

/* R, A and E: on the whole slice; the same key takes it back. */
function judgeByKey(slice, verdict) {
  const now = verdicts.get(slice)[""];
  slice.querySelector(".what").value = "";
  judge(slice, "", { verdict: now && now.verdict === verdict ? "" : verdict });
  if (verdict === "exclude" && verdicts.get(slice)[""]?.verdict === verdict) {
    if (whole.open) whole.close();
    slice.querySelector(".reason").focus();
  }
}

function rowsOfAll() {
  const reader = byId("reader").value.trim();
  return slices.flatMap((slice) => Object.entries(verdicts.get(slice) || {})
    .filter(([, v]) => v.verdict)
    .map(([region, v]) => [slice.dataset.image, region, reader, v.verdict, v.reason.trim(), v.comment.trim()]));
}

/* What "quantify" would refuse is said here, and nothing is saved before it is settled. */
function firstFault() {
  for (const slice of slices) {
    const all = verdicts.get(slice);
    for (const [region, v] of Object.entries(all)) {
      const of = `${slice.dataset.image}${region ? `, ${region}` : ""}`;
      if (!v.verdict && (v.reason || v.comment)) return [slice, region, `${of}: a reason or comment without a verdict; choose one, or delete the text`];
      if (v.verdict === "exclude" && !v.reason.trim()) return [slice, region, `${of}: to exclude needs a reason; write one`];
      if (region && v.verdict && v.verdict !== "exclude" && all[""]?.verdict === "exclude")
        return [slice, region, `${of}: the slice is excluded, and this region of it is “${WORDS[v.verdict]}”; take one of them back`];
    }
  }
  return null;
}

/* As the other tables: a spreadsheet shows a text that looks like a formula and does not run it; numbers stay. */
function csvCell(text) {
  const number = /^-(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  const harmless = /^'*[=+\-@\t\r]/.test(text) && !number ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

byId("save").addEventListener("click", () => {
  const fault = firstFault();
  byId("refusal").hidden = !fault;
  if (fault) {
    const [slice, region, text] = fault;
    byId("refusal").textContent = `Not saved. ${text}.`;
    slice.hidden = false;
    slice.querySelector(".what").value = region;
    showVerdict(slice);
    slice.querySelector(".said").focus();
    return;
  }
  const header = ["image", "region", "reader", "verdict", "reason", "comment"];
  const lines = [header, ...rowsOfAll()].map((row) => row.map(csvCell).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.join("\n") + "\n"], { type: "text/csv" }));
  link.download = "review.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  unsaved = false;
});

function listenToVerdict(slice) {
  const region = () => slice.querySelector(".what").value;
  slice.querySelector(".what").addEventListener("change", () => showVerdict(slice));
  slice.querySelector(".said").addEventListener("change", (event) => judge(slice, region(), { verdict: event.target.value }));
  for (const name of ["reason", "comment"])
    slice.querySelector(`.${name}`).addEventListener("input", (event) => judge(slice, region(), { [name]: event.target.value }));
}

byId("reader").value = kept(READER) || "";
byId("reader").addEventListener("input", (event) => keep(READER, event.target.value || null));
addEventListener("storage", ({ key }) => {
  const slice = slices.find((one) => KEPT + one.dataset.image === key);
  if (slice) restore(slice);
});
addEventListener("beforeunload", (event) => { if (unsaved && !keeps) event.preventDefault(); });

