// The picture of the first screen stands in the page; this draws other choices of it.
const SVG = "http://www.w3.org/2000/svg";
const FIELDS = ["model", "attribute", "measure", "group", "examples", "teacher",
  "student", "low", "high", "changeLow", "changeHigh", "state"];

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function shape(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const one = (value) => value.toFixed(1);
// A rate beside a limit that it keeps or breaks: it never looks as if it were the limit.
const beside = (value, limit) => [1, 2, 3].map((digits) => value.toFixed(digits))
  .find((text) => value === limit || Number(text) !== limit) ?? one(value);
const signed = (value) => (value >= 0 ? "+" : "") + one(value);

// As in first_screen.py: the tens around all marks, of at least a width.
function axisOf(dots, leastSpan) {
  const marks = dots.flatMap((dot) => [dot.teacher, dot.student,
    dot.teacher + dot.changeLow, dot.teacher + dot.changeHigh]);
  let first = Math.max(10 * Math.floor(Math.min(...marks) / 10), 0);
  let last = Math.min(10 * Math.ceil(Math.max(...marks) / 10), 100);
  if (last - first < leastSpan) {
    first = Math.max(last - leastSpan, 0);
    last = first + leastSpan;
  }
  const place = (value) => {
    const share = Math.min(Math.max((value - first) / (last - first), 0), 1);
    return `${(100 * share).toFixed(2)}%`;
  };
  return { first, last, place };
}

function plot(dot, axis, limit) {
  const at = axis.place;
  const low = at(dot.teacher + dot.changeLow), high = at(dot.teacher + dot.changeHigh);
  const line = (kind, x1, x2, y1 = 9, y2 = 9) =>
    shape("line", { class: kind, x1, x2, y1, y2 });
  const marks = [
    line("rule", 0, "100%"), line("span", low, high),
    line("cap", low, low, 4, 14), line("cap", high, high, 4, 14),
    line("way", at(dot.teacher), at(dot.student)),
    shape("rect", { class: "teacher", x: at(dot.teacher), y: 9, width: 9, height: 9,
      transform: "translate(-4.5 -4.5)" }),
    shape("circle", { class: "student", cx: at(dot.student), cy: 9, r: 5.5 }),
  ];
  if (limit !== null && limit >= axis.first && limit <= axis.last) {
    marks.push(line("limit-line", at(limit), at(limit), 0, 18));
  }
  return shape("svg", { "aria-hidden": "true", height: 18 }, ...marks);
}

function head(axis) {
  const step = axis.last - axis.first <= 50 ? 10 : 20;
  const ticks = [];
  for (let tick = axis.first; tick <= axis.last; tick += step) {
    const isEnd = tick === axis.first || tick + step > axis.last;
    ticks.push(shape("text", { x: axis.place(tick), y: 13 }, tick + (isEnd ? " %" : "")));
  }
  return shape("svg", { height: 18 }, ...ticks);
}

function row(dot, axis, limit, beyond, words) {
  const name = element("span", { class: "name" }, `${dot.group} `,
    element("span", { class: "note" }, dot.examples.toLocaleString("en")));
  if (beyond) {
    const kind = beyond.endsWith("not sure") ? "below note" : "below";
    name.append(" ", element("span", { class: kind }, beyond));
  }
  const change = dot.student - dot.teacher;
  const item = element("li", { class: `dot ${dot.state}` }, name, plot(dot, axis, limit),
    element("span", { class: "values" }, `${one(dot.teacher)} → ${beside(dot.student, limit)} %`),
    element("span", { class: "change" }, `${signed(change)} (${signed(dot.changeLow)} ` +
      `to ${signed(dot.changeHigh)}) ${words[dot.state]}`));
  item.title = `${dot.group}: ${one(dot.student)} % of ${dot.examples} examples, ` +
    `${one(dot.low)} to ${one(dot.high)} % for the student alone`;
  return item;
}

// Whether the interval of the student's own rate is beyond the limit.
function surelyBeyond(limit, moreIsWorse) {
  return (dot) => moreIsWorse ? dot.low > limit : dot.high < limit;
}

// Which groups of a model are beyond the limit: the sure ones first, each the farthest
// first.
function beyondLimit(dots, rate, limit, moreIsWorse, isSure = () => false) {
  const sign = moreIsWorse ? -1 : 1;
  return dots.filter((dot) => sign * rate(dot) < sign * limit)
    .sort((a, b) => isSure(b) - isSure(a) || sign * (rate(a) - rate(b)));
}

function sentence(title, all, beyond, rate, limit, isSure) {
  if (!beyond.length) return `${title}: none of ${all} groups`;
  const named = beyond.slice(0, 6).map((dot) => `${dot.group} (${beside(rate(dot), limit)} %` +
    `${isSure && !isSure(dot) ? ", not sure" : ""})`);
  const more = beyond.length > 6 ? ` and ${beyond.length - 6} more` : "";
  const sure = isSure ? `; surely: ${beyond.filter(isSure).length}` : "";
  return `${title}: ${beyond.length} of ${all} groups, ${named.join(", ")}${more}${sure}`;
}

function showLimit(data, chosen, limit) {
  const box = document.getElementById("limit");
  const moreIsWorse = data.ofWrong[chosen.measure];
  const side = moreIsWorse ? "above" : "below";
  const of = (model) => data.dots.filter((dot) => dot.model === model &&
    dot.attribute === chosen.attribute && dot.measure === chosen.measure);
  const student = (dot) => dot.student, teacher = (dot) => dot.teacher;
  const lines = [], counts = [];
  const add = (title, dots, rate, isSure) => {
    const beyond = beyondLimit(dots, rate, limit, moreIsWorse, isSure);
    lines.push(sentence(title, dots.length, beyond, rate, limit, isSure));
    counts.push(`${title}: ${beyond.length}`);
  };
  add("teacher", of(chosen.model), teacher);
  data.choices.model.forEach((title, model) => {
    if (of(model).length) add(title, of(model), student, surelyBeyond(limit, moreIsWorse));
  });
  box.hidden = false;
  box.querySelector("p").textContent = `Of ${of(chosen.model).length} groups of ` +
    `${data.choices.attribute[chosen.attribute]} are ${side} ${limit} %: ${counts.join(", ")}.`;
  box.querySelector("ul").replaceChildren(...lines.map((line) => element("li", {}, line)),
    element("li", { class: "note" }, "Surely: the 95 % interval of the student's own rate is."));
}

function draw(data, form, isLimitAsked = false) {
  const chosen = Object.fromEntries(["model", "attribute", "measure"].map(
    (what) => [what, Number(form.elements[what].value)]));
  const moreIsWorse = data.ofWrong[chosen.measure];
  if (!isLimitAsked) form.elements.limit.value = moreIsWorse ? 20 : 80;
  const limit = Number(form.elements.limit.value);
  const found = data.dots.filter((dot) => Object.entries(chosen).every(
    ([what, index]) => dot[what] === index));
  const figure = document.getElementById("dots");
  const names = Object.fromEntries(Object.entries(chosen).map(
    ([what, index]) => [what, data.choices[what][index]]));
  const title = `${names.measure} by ${names.attribute}, teacher to ${names.model}: ${data.order}.`;
  document.getElementById("dots-title").textContent = title[0].toUpperCase() + title.slice(1);
  form.elements["limit-value"].value = `${limit} %`;
  document.querySelector("#limit-label span").textContent =
    moreIsWorse ? "At most, for every group" : "Floor for every group";
  const note = document.getElementById("dots-note");
  const list = figure.querySelector("ol");
  if (!found.length) {
    list.replaceChildren();
    note.textContent = "No group has enough examples to compare.";
  } else {
    const dots = found.slice(0, data.mostGroups);
    const axis = axisOf(dots, data.leastSpan);
    const beyond = new Set(beyondLimit(dots, (dot) => dot.student, limit, moreIsWorse));
    const word = moreIsWorse ? "above the limit" : "below the floor";
    const isSure = surelyBeyond(limit, moreIsWorse);
    const told = (dot) => beyond.has(dot) ? word + (isSure(dot) ? "" : ", not sure") : "";
    list.replaceChildren(...dots.map((dot) =>
      row(dot, axis, limit, told(dot), data.words)));
    figure.querySelector(".head svg").replaceWith(head(axis));
    note.textContent = (axis.first ? `The axis begins at ${axis.first} %, not at 0. ` : "") +
      (found.length > dots.length ? `${found.length - dots.length} more groups are in the table. ` : "") +
      "The intervals of all groups hold together.";
  }
  showLimit(data, chosen, limit);
}

function startPicture() {
  const source = document.getElementById("dots-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  data.dots = data.dots.map((values) =>
    Object.fromEntries(FIELDS.map((name, index) => [name, values[index]])));
  const form = document.getElementById("controls");
  form.hidden = false;
  // Of wrong answers 20 of 100 are asked at most, of right ones 80 at least, until
  // somebody asks for another number.
  let asked = false;
  form.addEventListener("input", (event) => {
    asked ||= event.target.name === "limit";
    draw(data, form, asked);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  draw(data, form);
}

// Commands name the directory of this file, where it is on a disk.
function nameWorkdir() {
  if (location.protocol !== "file:") return;
  const path = decodeURIComponent(location.pathname).replace(/\/[^/]*$/, "") || "/";
  const word = /^[\w.\/+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
  for (const code of document.querySelectorAll(".cards code")) {
    code.textContent = code.textContent.replaceAll("WORKDIR", () => word);
  }
}

// Tables as CSV, exactly as in tables/, out of the page itself.
function addDownloads() {
  const source = document.getElementById("csv-data");
  if (!source) return;
  for (const [name, text] of Object.entries(JSON.parse(source.textContent))) {
    const table = document.getElementById(`table-${name}`);
    const button = element("button", { class: "download", type: "button",
      "aria-label": `Download CSV: ${name}` }, "Download CSV");
    button.addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      element("a", { href: url, download: `${name}.csv` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
    table.closest(".scroll").before(button);
  }
}

startPicture();
nameWorkdir();
addDownloads();
