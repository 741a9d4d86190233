"use strict";

// Tables are complete without this script; it adds sorting and filtering.
const order = new Intl.Collator(undefined, { numeric: true });

function value(row, index) {
  const cell = row.cells[index];
  return cell.dataset.value ?? cell.textContent;
}

// Empty cells stay last in both directions.
function compare(a, b, numeric, sign) {
  if (a === "" || b === "") return (a === "") - (b === "");
  return sign * (numeric ? a - b : order.compare(a, b));
}

function sort(table, header, index) {
  const descending = header.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const numeric = header.classList.contains("number");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  rows.sort((a, b) =>
    compare(value(a, index), value(b, index), numeric, descending ? -1 : 1));
  body.append(...rows);
}

function addSorting(table) {
  Array.from(table.tHead.rows[0].cells).forEach((header, index) => {
    // Chromium prints a header with a <button> on the table's first page alone.
    const button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.textContent = header.textContent;
    button.addEventListener("click", () => sort(table, header, index));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();  // A space would scroll.
      sort(table, header, index);
    });
    header.replaceChildren(button);
  });
}

function addFilter(table) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  const count = document.createElement("span");
  label.className = "filter";
  input.type = "search";
  count.setAttribute("role", "status");
  label.append("Show rows with ", input, " ", count);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += !row.hidden;
    }
    count.textContent = `${shown} of ${table.tBodies[0].rows.length} rows`;
  });
  table.closest(".scroll").before(label);
}

for (const table of document.querySelectorAll("table")) {
  addSorting(table);
  if (table.tBodies[0].rows.length > 12) addFilter(table);
}
