// The page: findings in their rows, and what is decided about each. Texts of the table reach the
// page as text only, never as markup.

const data = JSON.parse(document.getElementById("data").textContent);
const SHOWN = 100; // findings that are drawn at once
const KEY = `chainrule-review-${data.id}`;
const decisions = new Map(); // number of a finding → {state: "accepted" | "dismissed", value}
const history = [];
const cards = new Map(); // number of a finding → its element, once drawn
const found = new Map(); // row → columns with findings
let listed = []; // the numbers of the findings that the filter lets through
let drawn = 0; // how many of them are on the page
let current = 0; // number of the finding that keys act on
const byId = (id) => document.getElementById(id);

data.findings.forEach(({ row, column }) => {
  if (!found.has(row)) found.set(row, new Set());
  found.get(row).add(column);
});

function element(name, classes, text) {
  const made = document.createElement(name);
  if (classes) made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
}

// A cell as text; a missing one is named.
function cell(name, classes, text) {
  const made = element(name, text === "" ? `${classes} empty` : classes, text === "" ? "empty" : text);
  made.title = text;
  return made;
}

const percent = (p) => p >= 0.9995 ? "> 99.9 %" : p < 0.001 ? "< 0.1 %" : `${+(100 * p).toPrecision(3)} %`;

function reasons(finding) {
  const said = [];
  if (finding.kind !== null) said.push(finding.kind);
  if (finding.probability !== null) said.push(`probability ${percent(finding.probability)}`);
  if (finding.low !== null && finding.high !== null) said.push(`likely ${finding.low} to ${finding.high}`);
  if (finding.bits !== null) said.push(`${finding.bits.toFixed(1)} bits`);
  if (finding.q !== null) said.push(`q ${finding.q < 0.001 ? "< 0.001" : +finding.q.toPrecision(2)}`);
  return said;
}

function why(number) {
  const edited = decisions.get(number).value !== data.findings[number].suggested;
  return (edited ? ["edited by hand"] : []).concat(reasons(data.findings[number])).join(", ");
}

function button(text, key, act) {
  const made = element("button", "", text);
  made.type = "button";
  made.title = key;
  made.setAttribute("aria-keyshortcuts", key);
  made.addEventListener("click", (event) => {
    event.stopPropagation(); // the card would select itself, and not what comes next
    act();
  });
  return made;
}

function draw(number) {
  const finding = data.findings[number];
  const card = element("li", "finding");
  card.dataset.number = number;
  card.addEventListener("focusin", () => select(number, false));
  card.addEventListener("click", () => select(number, false));
  const what = element("div", "what");
  const where = element("p", "where");
  where.append(element("b", "", data.columns[finding.column]), ` in row ${finding.row}`);
  what.append(where, element("div", "change"), element("p", "why", reasons(finding).join(" · ")));
  const buttons = element("div", "do");
  buttons.append(
    button("Accept", "a", () => accept(number)),
    button("Dismiss", "d", () => decide(number, "dismissed")),
    button("Edit", "e", () => edit(number)),
  );
  const row = element("dl", "row");
  data.rows[finding.row].forEach((text, column) => {
    const odd = column === finding.column;
    const also = !odd && found.get(finding.row).has(column);
    const pair = element("div", odd ? "odd" : also ? "found" : "");
    if (also) pair.title = "this cell is a finding too";
    const name = element("dt", "", data.columns[column]);
    name.title = data.columns[column];
    pair.append(name, cell("dd", "", text));
    row.append(pair);
  });
  card.append(what, buttons, row);
  cards.set(number, card);
  refresh(number);
  return card;
}

// Shows what is decided about a finding.
function refresh(number) {
  const card = cards.get(number);
  if (!card) return;
  const finding = data.findings[number];
  const { state = "open", value = finding.suggested } = decisions.get(number) ?? {};
  card.className = `finding ${state}`;
  const [accept, dismiss] = card.querySelectorAll(".do button");
  accept.setAttribute("aria-pressed", state === "accepted");
  dismiss.setAttribute("aria-pressed", state === "dismissed");
  const change = card.querySelector(".change");
  change.replaceChildren(cell("span", "old", finding.old), element("span", "soft", "→"));
  change.append(value === null ? element("span", "soft", "no suggestion") : cell("span", "new", value));
  const stands = state === "accepted" ? value : finding.old;
  const shown = cell("dd", "", stands);
  card.querySelector(".odd dd").replaceWith(shown);
  const said = state === "open" ? "undecided" : state;
  card.setAttribute("aria-label",
    `${data.columns[finding.column]}, row ${finding.row}: ${finding.old || "empty"}, suggested ${value ?? "nothing"}; ${said}`);
}

// Without a value it is about the suggestion. What is decided a second time is taken back.
function decide(number, state, value) {
  const before = decisions.get(number);
  const again = before?.state === state && (value === undefined || before.value === value);
  if (value === undefined) value = data.findings[number].suggested;
  if (!again && state === "accepted" && value === null) {
    edit(number);
    return;
  }
  history.push({ number, before });
  if (again) decisions.delete(number);
  else decisions.set(number, { state, value });
  changed(number);
  if (!again) next(number);
}

function undo() {
  const last = history.pop();
  if (!last) return;
  if (last.before) decisions.set(last.number, last.before);
  else decisions.delete(last.number);
  changed(last.number);
  if (!listed.includes(last.number)) list();
  select(last.number);
}

function changed(number) {
  refresh(number);
  count();
  keep();
}

// A second line in a cell keeps the line ends that the cell had.
function typed(text, old) {
  return old.includes("\r\n") ? text.replace(/\r?\n/g, "\r\n") : text;
}

// Accepts what was typed; the cell's own text means that it is right.
function take(number, text) {
  const { old } = data.findings[number];
  const value = typed(text, old);
  const [state, was] = value === old ? ["dismissed"] : ["accepted", value];
  const before = decisions.get(number);
  if (before?.state === state && (state === "dismissed" || before.value === was)) {
    refresh(number); // as before
    next(number);
  } else decide(number, state, was);
}

function accept(number) {
  const box = cards.get(number)?.querySelector("textarea");
  if (box) take(number, box.value);
  else decide(number, "accepted");
}

function edit(number) {
  select(number);
  const finding = data.findings[number];
  const card = cards.get(number);
  const { value = finding.suggested ?? finding.old } = decisions.get(number) ?? {};
  const box = element("textarea");
  box.value = value;
  box.rows = Math.min(6, value.split("\n").length);
  box.setAttribute("aria-label", `new value of ${data.columns[finding.column]} in row ${finding.row}`);
  const leave = () => { refresh(number); select(number); };
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    take(number, box.value);
  });
  card.querySelector(".change").replaceChildren(cell("span", "old", finding.old), element("span", "soft", "→"), box);
  box.focus();
  box.select();
}

function select(number, move = true) {
  cards.get(current)?.removeAttribute("aria-current");
  cards.get(current)?.setAttribute("tabindex", "-1");
  current = number;
  while (!cards.get(number)?.isConnected && drawn < listed.length) more();
  const card = cards.get(number);
  if (!card) return;
  card.setAttribute("aria-current", "true");
  card.setAttribute("tabindex", "0");
  if (!move) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const at = listed.indexOf(current);
  const to = listed[Math.max(0, Math.min(listed.length - 1, at + by))];
  if (to !== undefined) select(to);
}

// Goes to the next undecided finding, or stays where there is none.
function next(number) {
  const at = listed.indexOf(number);
  const later = [...listed.slice(at + 1), ...listed.slice(0, at + 1)];
  const to = later.find((each) => !decisions.has(each));
  select(to ?? number);
}

function more() {
  const upto = Math.min(listed.length, drawn + SHOWN);
  byId("findings").append(...listed.slice(drawn, upto).map((number) => cards.get(number) ?? draw(number)));
  drawn = upto;
  byId("more").hidden = drawn === listed.length;
  byId("more").textContent = `Show ${Math.min(SHOWN, listed.length - drawn)} more`;
}

// Draws the findings that the filter lets through.
function list() {
  const column = byId("column").value;
  const state = byId("state").value;
  listed = [...data.findings.keys()].filter((number) =>
    (column === "" || data.findings[number].column === Number(column)) &&
    (state === "all" || (decisions.get(number)?.state ?? "open") === state));
  drawn = 0;
  byId("findings").replaceChildren();
  byId("none").hidden = listed.length > 0;
  more();
  if (listed.length) select(listed.includes(current) ? current : listed[0], false);
}

const decided = (state) => [...decisions.values()].filter((each) => each.state === state).length;

function count() {
  const accepted = decided("accepted");
  const dismissed = decided("dismissed");
  const open = data.findings.length - accepted - dismissed;
  byId("counts").textContent = `${accepted} accepted · ${dismissed} dismissed · ${open} undecided`;
  byId("done").style.width = `${(100 * decisions.size) / Math.max(1, data.findings.length)}%`;
  byId("undo").disabled = history.length === 0;
}

// Decisions survive a reload of the page, if the browser lets pages keep something.
function keep() {
  try { localStorage.setItem(KEY, JSON.stringify([...decisions])); } catch { /* a private window */ }
}

function restore() {
  try {
    for (const [number, decision] of JSON.parse(localStorage.getItem(KEY) ?? "[]")) decisions.set(number, decision);
  } catch { /* as above */ }
}

function accepted() {
  return [...decisions].filter(([, { state }]) => state === "accepted").map(([number, { value }]) =>
    ({ finding: data.findings[number], value, why: why(number) }));
}

function save(parts, name) {
  const link = element("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function columns() {
  const counts = new Map();
  data.findings.forEach(({ column }) => counts.set(column, (counts.get(column) ?? 0) + 1));
  const option = (value, text) => { const made = element("option", "", text); made.value = value; return made; };
  byId("column").append(option("", `all (${data.findings.length})`),
    ...[...counts].sort((a, b) => a[0] - b[0]).map(([column, n]) => option(column, `${data.columns[column]} (${n})`)));
}

const KEYS = {
  a: () => accept(current),
  d: () => decide(current, "dismissed"),
  e: () => edit(current),
  n: () => next(current),
  j: () => step(1), ArrowDown: () => step(1),
  k: () => step(-1), ArrowUp: () => step(-1),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, textarea")) return;
  if (event.key === "u") undo();
  else if (Object.hasOwn(KEYS, event.key) && listed.includes(current)) KEYS[event.key]();
  else return;
  event.preventDefault();
});
byId("column").addEventListener("change", list);
byId("state").addEventListener("change", list);
byId("more").addEventListener("click", more);
byId("undo").addEventListener("click", undo);
byId("save-table").addEventListener("click", () => save(spliced(data, accepted()), data.table_name));
byId("save-patch").addEventListener("click", () => save([patch(data, accepted())], data.patch_name));
columns();
restore();
count();
list();
