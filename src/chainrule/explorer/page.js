// The page asks Python about one row, and shows each column's distribution given the others.
const names = data.columns.map(column => column.name);
const state = {
  cells: Object.fromEntries(names.map(name => [name, null])), // what the fields show
  opened: {}, // the cells of the table's row
  last: {}, // the last known text of each cell
  shares: {}, drawn: {},
  tables: data.tables, table: data.tables.length ? data.tables[0].table : 0,
  row: null, wanted: null, // the row that is shown, and the one that was asked for last
  findings: {}, // by table
  typical: {}, // log p of a table's rows, by table and known columns
  seed: 0, asked: 0, opening: 0, draws: 0,
};
const made = {}; // the elements of each column, by name
const HEIGHT = 70, ODD = 10, WAIT = 120;
const LETTER = 6.2; // the width of a letter below a picture
const LONGEST = 12; // letters of a cell on a button
const FEWEST = 20; // rows, from which on a row is compared with them

function element(name, properties = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) found.addEventListener(key.slice(2), value);
    else if (key in found) found[key] = value;
    else found.setAttribute(key, value);
  }
  found.append(...children);
  return found;
}

function drawn(name, attributes, text) {
  const found = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
  if (text !== undefined) found.textContent = text;
  return found;
}

const short = text => text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
const signed = text => text.replaceAll("-", "−");
const tableNow = () => state.tables.find(each => each.table === state.table);
const isKnown = name => state.cells[name] !== null;

function complain(error, id = "error") {
  byId(id).hidden = !error;
  byId(id).textContent = error ? error.message : "";
}

// Columns

function build() {
  data.columns.forEach((column, k) => {
    const {name} = column, id = `cell-${k}`, described = `about-${k}`;
    const field = column.levels
      ? element("select", {id, onchange: () => set(name, field.value)},
          ...["", ...column.levels].map(level =>
            element("option", {value: level}, level === "" ? "unknown" : level)))
      : element("input", {id, type: "text", autocomplete: "off", spellcheck: false,
          placeholder: "unknown", oninput: () => soon(name, field.value)});
    field.setAttribute("aria-describedby", described);
    const toggle = element("button", {type: "button", onclick: () => toggled(name)});
    const bits = element("span", {className: "bits"});
    const about = element("div", {className: "about", id: described, "aria-live": "polite"});
    const picture = drawn("svg", {role: "img", "aria-label": `distribution of ${name}`});
    const expected = element("p", {className: "expected"});
    const item = element("li", {className: "column"},
      element("div", {className: "head"}, element("label", {htmlFor: id}, name), bits),
      element("div", {className: "cell"}, field, toggle), about, picture, expected);
    made[name] = {item, field, toggle, bits, about, picture, expected};
    byId("columns").append(item);
  });
  byId("rare").hidden = !data.columns.some(column => column.levels);
  const left = data.left_out;
  byId("left-out").hidden = !left.length;
  byId("left-out").querySelector("summary").textContent =
    `Left out when the model was fitted: ${left.map(each => each.name).join(", ")}`;
  byId("left-out").querySelector("ul").append(
    ...left.map(each => element("li", {}, `${each.name}: ${each.reason}`)));
}

let waiting = null;
function soon(name, text) { // while someone types; what other fields hold is kept at once
  keep(name, text);
  clearTimeout(waiting);
  waiting = setTimeout(refresh, WAIT);
}

function keep(name, text) {
  state.cells[name] = text === null || text.trim() === "" ? null : text;
  if (isKnown(name)) state.last[name] = text;
}

function set(name, text) {
  keep(name, text);
  write(name);
  return refresh();
}

function write(name) { // shows a cell in its field
  const {field} = made[name], text = state.cells[name];
  const isListed = text === null || field.tagName !== "SELECT" || [...field.options].some(o => o.value === text);
  if (!isListed) field.add(element("option", {value: text}, text));
  field.value = text ?? "";
}

function setAll(cells, row) {
  state.opened = row === null ? {} : cells;
  state.last = {};
  for (const name of names) {
    keep(name, cells[name] ?? null);
    write(name);
  }
  state.row = state.wanted = row;
  return refresh();
}

// What a cell that is unknown would become again.
const earlier = name => state.opened[name] ?? state.last[name] ?? null;

function toggled(name) {
  return set(name, isKnown(name) ? null : earlier(name));
}

async function refresh() {
  const number = ++state.asked;
  clearTimeout(waiting);
  complain(null);
  for (const name of names) {
    const {item, toggle} = made[name], known = isKnown(name), text = earlier(name);
    item.classList.toggle("unknown", !known);
    toggle.textContent = known ? "make unknown" : text === null ? "unknown" : `restore ${short(text)}`;
    toggle.disabled = !known && text === null;
  }
  places();
  age();
  try {
    const found = await ask("row", {cells: state.cells, row: state.row, table: state.table});
    if (number !== state.asked) return; // an answer to an older question
    show(found);
    await compare(number, found.nats);
  } catch (error) {
    if (number === state.asked) refuse(error);
  }
}

// Which row of which table is shown, and where to go from there.
function places() {
  const rows = tableNow()?.rows ?? 0;
  byId("which").hidden = !state.tables.length;
  byId("table").replaceChildren(...state.tables.map(each => element("option", {value: each.table},
    `${each.name} (${each.rows.toLocaleString("en")} rows)`)));
  byId("table").value = state.table;
  byId("number").value = state.row ?? "";
  byId("number").max = Math.max(0, rows - 1);
  byId("range").textContent = rows ? `of 0 … ${rows - 1}` : "";
  byId("before").disabled = !(state.row > 0);
  byId("after").disabled = !(rows > 0 && (state.row ?? -1) < rows - 1);
  byId("own").hidden = !tableNow();
  byId("own").textContent = `Look at ${tableNow()?.name}`;
}

function show(found) {
  const bits = found.nats === null ? null : found.nats / Math.LN2;
  frame.classList.remove("refused");
  byId("nats").textContent = found.nats === null ? "−∞"
    : signed(`${found.nats.toFixed(3)} nats = ${bits.toFixed(2)} bits`);
  for (const column of found.columns) {
    const {bits, picture, expected} = made[column.name], known = isKnown(column.name);
    const isOutside = known && column.outside;
    bits.textContent = isOutside ? "not a value of this column"
      : known && column.bits !== null ? `${column.bits.toFixed(1)} bits` : "";
    bits.classList.toggle("odd", isOutside || (known && column.bits >= ODD));
    expected.textContent = `expected ${column.expected}${column.level ? ` (${column.level})` : ""}`
      + (column.kind === "log" ? " · logarithmic axis" : "");
    state.drawn[column.name] = [column, state.shares[column.name], state.cells[column.name]];
    chart(picture, ...state.drawn[column.name]);
    state.shares[column.name] = column.shares;
    tell(column.name, isOutside);
  }
}

// What is said of a cell below its field: a finding, and what the table has instead.
function tell(name, isOutside = false) {
  const {item, about, field} = made[name], text = state.cells[name], own = state.opened[name] ?? null;
  const asOpened = state.row !== null && text === own;
  const finding = asOpened ? findingOf(name) : undefined;
  item.classList.remove("wrong");
  item.classList.toggle("found", Boolean(finding?.sure) || isOutside);
  item.classList.toggle("odd", Boolean(finding && !finding.sure) && !isOutside);
  field.removeAttribute("aria-invalid");
  about.replaceChildren();
  if (finding) {
    about.append(element("span", {}, `${finding.sure ? "Probably wrong" : "Worth a look"}: ${finding.said}. `));
    if (finding.suggested !== null) {
      about.append(element("button", {type: "button",
        onclick: () => { set(name, finding.suggested); field.focus(); }}, `Use ${finding.suggested}`));
    }
  } else if (isOutside) {
    about.append(`${name} takes ${data.columns.find(column => column.name === name).takes}.`);
  } else if (text !== null && own !== null && !asOpened) {
    about.append(element("span", {className: "soft"}, `Row ${state.row} has ${own}. `),
      element("button", {type: "button", onclick: () => { set(name, own); field.focus(); }}, "Restore"));
  }
}

function findingOf(name) {
  const found = state.findings[state.table];
  const each = found?.findings.find(each => each.row === state.row && each.column === name);
  return each && {...each, sure: found.sure};
}

// Cells that cannot be are said where they stand. All pictures are those of the row before.
function refuse(error) {
  const cells = error.cells ?? {};
  complain(Object.keys(cells).length ? null : error);
  if (!Object.keys(cells).length) return;
  frame.classList.add("refused");
  byId("nats").textContent = "—";
  byId("typical").textContent = "";
  for (const name of names) {
    if (!(name in cells)) { tell(name); continue; }
    const {item, about, field, bits} = made[name];
    item.classList.remove("found", "odd");
    item.classList.add("wrong");
    field.setAttribute("aria-invalid", "true");
    bits.textContent = "";
    about.replaceChildren(`${cells[name]}.`);
  }
}

// Sets log p beside that of the table's rows, of which the same cells are known.
async function compare(number, nats) {
  const table = tableNow(), known = names.filter(isKnown);
  byId("typical").textContent = "";
  if (!table || !known.length || nats === null) return;
  const key = JSON.stringify([table.table, known]);
  state.typical[key] ??= ask("typical", {known, table: table.table}).then(found => found.nats);
  let others;
  try {
    others = await state.typical[key];
  } catch {
    delete state.typical[key]; // a comparison that failed says nothing
    return;
  }
  if (number !== state.asked || others.length < FEWEST) return;
  const share = others.filter(each => each > nats).length / others.length;
  const middle = others[Math.floor(others.length / 2)].toFixed(1);
  byId("typical").textContent =
    signed(`typical: ${middle} nats; odder than ${Math.round(100 * share)} % of the rows`);
}

// Pictures: bars of levels, steps of bins.

function chart(picture, column, old, cell) {
  const levels = column.kind === "levels";
  const width = picture.clientWidth || 300;
  picture.setAttribute("viewBox", `0 0 ${width} ${HEIGHT + 14}`);
  const count = column.shares.length, step = width / count;
  const top = Math.max(...column.shares, ...(old ?? [0]), 1e-9);
  const height = share => HEIGHT * (share ?? 0) / top;
  const bars = (shares, name, gap) => shares.map((share, k) => drawn("rect", {
    class: name, x: k * step + gap * step, y: HEIGHT - height(share),
    width: step * (1 - 2 * gap), height: height(share)}));
  picture.replaceChildren(
    ...(old ? bars(old, "old", levels ? 0.1 : 0) : []),
    ...bars(column.shares, "now", levels ? 0.22 : 0.12));
  const place = where(column, cell);
  if (place !== null) {
    picture.append(drawn("line", {class: "here", x1: place * step, x2: place * step, y1: 0, y2: HEIGHT}));
  }
  label(picture, column, step, width);
  picture.setAttribute("aria-label", `distribution of ${column.name}: ${column.expected}`);
}

// Where a cell stands, in bins; null if it is unknown or beyond the picture.
function where(column, cell) {
  if (cell === null || cell === undefined) return null;
  if (column.kind === "levels") {
    const k = column.names.indexOf(cell);
    return k < 0 ? null : k + 0.5;
  }
  const of = text => column.kind === "dates"
    ? Date.parse((text.length > 10 ? text.replace(" ", "T") : `${text}T00:00:00`) + "Z") : Number(text);
  const value = of(cell), ends = column.names.map(of);
  if (!(value >= ends[0] && value <= ends[ends.length - 1])) return null;
  const k = Math.min(ends.findIndex(end => end >= value), ends.length - 1);
  if (k <= 0) return 0;
  return k - 1 + (value - ends[k - 1]) / (ends[k] - ends[k - 1]);
}

function label(picture, column, step, width) {
  const names = column.kind === "levels" ? column.names : column.ticks;
  const within = names !== null; // a name below each bar, or numbers at ends of bins
  const every = within ? Math.ceil(names.length * 34 / width) : 1;
  const shown = within
    ? names.map((name, k) => [k + 0.5, name]).filter((_, k) => k % every === 0)
    : column.axis.map(([k, text]) => [k, column.kind === "dates" ? text.slice(0, 10) : text]);
  const room = Math.max(3, Math.floor(width / LETTER / shown.length));
  shown.forEach(([at, name], k) => {
    const anchor = within ? "middle" : k === 0 ? "start" : k === shown.length - 1 ? "end" : "middle";
    const text = name.length > room ? name.slice(0, room - 1) + "…" : name;
    const half = LETTER * text.length / 2; // a name in the middle of a narrow bar stays within
    const x = within ? Math.min(Math.max(at * step, half), width - half) : at * step;
    picture.append(drawn("text", {x, y: HEIGHT + 11, "text-anchor": anchor}, text));
  });
}

// Rows like this

// Rows that were drawn before the last change do not belong to what is shown.
function age() {
  state.draws++;
  byId("drawn").classList.add("stale");
  byId("draw-said").textContent = byId("drawn-within").hidden
    ? "Drawn from the model, given the known cells." : "Drawn before the last change.";
}

async function draw() {
  if (names.every(isKnown)) {
    byId("drawn-within").hidden = true;
    byId("draw-said").textContent = "All cells are known: make some unknown first.";
    return;
  }
  const number = ++state.draws;
  complain(null);
  try {
    const cells = {...state.cells};
    const found = await ask("similar", {cells, seed: state.seed++, table: state.table});
    if (number !== state.draws) return;
    const row = texts => element("tr", {}, ...texts.map((text, k) => element("td",
      {className: cells[names[k]] === null ? "new" : "given"}, text ?? "")));
    byId("drawn").replaceChildren(
      element("thead", {}, element("tr", {}, ...names.map(name => element("th", {scope: "col"}, name)))),
      element("tbody", {}, ...found.rows.map(row)));
    byId("drawn").classList.remove("stale");
    byId("drawn-within").hidden = false;
    byId("draw-said").textContent = "Drawn from the model, given the known cells. What is marked was drawn.";
  } catch (error) { refuse(error); }
}

// Wrong cells of a table

async function load(file) {
  byId("found").textContent = `reading ${file.name} …`;
  try {
    const found = await ask("load", {name: file.name}, await file.arrayBuffer());
    state.tables = found.tables;
    complain(null, "drop-error");
    places();
    await look(found.table);
    if (state.row === null && !names.some(isKnown)) await openRow(0, found.table);
  } catch (error) {
    complain(error, "drop-error");
    list(state.listed);
  }
}

async function look(table) {
  const {name} = state.tables.find(each => each.table === table);
  byId("found").textContent = `looking at ${name} …`;
  try {
    state.findings[table] ??= await ask("wrong", {table});
    complain(null, "drop-error");
    list(table);
    names.forEach(each => made[each].item.classList.contains("wrong") || tell(each));
  } catch (error) {
    complain(error, "drop-error");
    list(state.listed);
  }
}

const share = q => q < 0.001 ? "below 0.1 %" : `${(100 * q).toFixed(1)} %`;

// Lists the findings of a table; of none, if nothing was looked at.
function list(table) {
  const found = state.findings[table], {name} = state.tables.find(each => each.table === table) ?? {};
  state.listed = table;
  byId("found").textContent = "";
  if (!found) return;
  const count = found.all, percent = Math.round(100 * found.fdr);
  byId("found").textContent = found.sure
    ? `${name}: ${count} ${count === 1 ? "cell" : "cells"}, surest first`
      + (count > found.findings.length ? `; the first ${found.findings.length} are shown` : "")
      + `. q is the share of a cell and those above it that is expected to be right; at most ${percent} %. Rows count from 0.`
    : `${name}: no cell is surely wrong; any list would have more than ${percent} % false findings. `
      + "Worth a look, but not sure: the oddest cells, given the rest of their rows. Rows count from 0.";
  byId("findings").replaceChildren(...found.findings.map(each => element("li", {},
    element("button", {type: "button", onclick: () => openRow(each.row, table, each.column)},
      element("strong", {}, `row ${each.row} · ${each.column} = ${each.found}`), ` · ${each.said}`,
      element("span", {className: "soft"}, found.sure ? ` · q ${share(each.q)}` : ` · ${each.bits.toFixed(1)} bits`)))));
}

// Opens a row of a table, and goes to one of its cells.
async function openRow(row, table = state.table, column = null) {
  const number = ++state.opening;
  state.wanted = row;
  try {
    const found = await ask("open", {row, table});
    if (number !== state.opening) return; // another row was asked for
    state.table = table;
    await setAll(found.cells, row);
    if (column === null || !made[column]) return;
    made[column].item.scrollIntoView({block: "center"});
    made[column].field.focus({preventScroll: true});
  } catch (error) {
    if (number !== state.opening) return;
    state.wanted = state.row;
    places();
    complain(error);
  }
}

function step(by) {
  const last = (tableNow()?.rows ?? 0) - 1;
  openRow(Math.min(last, Math.max(0, (state.wanted ?? -1) + by)));
}

function listen() {
  byId("nothing").addEventListener("click", () => { state.opening++; setAll({}, null); });
  byId("before").addEventListener("click", () => step(-1));
  byId("after").addEventListener("click", () => step(1));
  byId("number").addEventListener("change", event => {
    if (event.target.value !== "") openRow(Math.trunc(Number(event.target.value)));
  });
  byId("table").addEventListener("change", event => openRow(0, Number(event.target.value)));
  byId("draw").addEventListener("click", draw);
  byId("own").addEventListener("click", () => look(state.table));
  byId("file").addEventListener("change", event => {
    const [file] = event.target.files;
    if (file) load(file).finally(() => { event.target.value = ""; }); // it may be chosen again
  });
  const drop = byId("drop");
  drop.addEventListener("dragover", event => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", event => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) load(event.dataTransfer.files[0]);
  });
  onWidth(() => {
    for (const [name, drawn] of Object.entries(state.drawn)) chart(made[name].picture, ...drawn);
  });
}

build();
listen();
if (state.tables.length && tableNow().rows) openRow(0); else refresh();
