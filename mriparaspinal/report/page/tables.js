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

/* ---- figures: on a small screen as wide as it, or as large as they are ---- */

for (const button of document.querySelectorAll(".enlarge")) {
  button.addEventListener("click", () => {
    const isLarge = button.closest(".chart").querySelector("img").classList.toggle("large");
    button.setAttribute("aria-pressed", isLarge);
  });
}

/* ---- print: everything there is, as it was measured ---- */

addEventListener("beforeprint", () => {
  for (const slice of [...tried.keys()]) reset(slice);
  for (const frame of document.querySelectorAll(".frame.zoomed")) move(frame, FIRST);
  for (const details of document.querySelectorAll("details:not([open])")) {
    details.open = true;
    details.dataset.closed = "";
  }
});
addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-closed]")) {
    details.open = false;
    delete details.dataset.closed;
  }
});
