// The page asks Python about one row, and shows each column's distribution given the others.
const state = {
  cells: Object.fromEntries(data.columns.map(c => [c.name, null])),
  shares: {}, drawn: {}, row: null, rows: data.rows, seed: 0, asked: 0,
};
const made = {}; // the elements of each column, by name
const HEIGHT = 70, ODD = 10, WAIT = 120;
const LETTER = 6.2; // the width of a letter below a picture

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

function complain(error) {
  byId("error").hidden = !error;
  byId("error").textContent = error ? error.message : "";
}

// Columns

function build() {
  data.columns.forEach((column, k) => {
    const id = `cell-${k}`;
    const field = column.levels
      ? element("select", {id, onchange: () => set(column.name, field.value)},
          ...["", ...column.levels].map(level =>
            element("option", {value: level}, level === "" ? "unknown" : level)))
      : element("input", {id, type: "text", autocomplete: "off", spellcheck: false,
          placeholder: "unknown", oninput: () => soon(column.name, field.value)});
    const toggle = element("button", {
      type: "button", title: "make this cell unknown", "aria-pressed": "true",
      onclick: () => set(column.name, null)}, "unknown");
    const bits = element("span", {className: "bits"});
    const picture = drawn("svg", {role: "img", "aria-label": `distribution of ${column.name}`});
    const expected = element("p", {className: "expected"});
    const item = element("li", {className: "column"},
      element("div", {className: "head"}, element("label", {htmlFor: id}, column.name), bits),
      element("div", {className: "cell"}, field, toggle), picture, expected);
    made[column.name] = {item, field, toggle, bits, picture, expected};
    byId("columns").append(item);
  });
}

let waiting = null;
function soon(name, text) { // while someone types
  clearTimeout(waiting);
  waiting = setTimeout(() => set(name, text), WAIT);
}

function set(name, text) {
  state.cells[name] = text === null || text.trim() === "" ? null : text;
  if (state.cells[name] === null) made[name].field.value = "";
  refresh();
}

function setAll(cells, row) {
  for (const column of data.columns) {
    const text = cells[column.name] ?? null;
    state.cells[column.name] = text;
    const {field} = made[column.name];
    const isListed = text === null || field.tagName !== "SELECT" || [...field.options].some(o => o.value === text);
    if (!isListed) field.add(element("option", {value: text}, text));
    field.value = text ?? "";
  }
  state.row = row;
  return refresh();
}

async function refresh() {
  const number = ++state.asked;
  for (const column of data.columns) {
    const known = state.cells[column.name] !== null;
    made[column.name].item.classList.toggle("unknown", !known);
    made[column.name].toggle.setAttribute("aria-pressed", String(!known));
  }
  byId("number").value = state.row ?? "";
  byId("before").disabled = !(state.row > 0);
  byId("after").disabled = !(state.rows > 0 && (state.row ?? -1) < state.rows - 1);
  try {
    const found = await ask("row", {cells: state.cells, row: state.row});
    if (number !== state.asked) return; // an answer to an older question
    complain(null);
    show(found);
  } catch (error) {
    if (number === state.asked) complain(error);
  }
}

function show(found) {
  const bits = found.nats === null ? null : found.nats / Math.LN2;
  byId("nats").textContent = found.nats === null ? "−∞"
    : `${found.nats.toFixed(3)} nats = ${bits.toFixed(2)} bits`.replaceAll("-", "−");
  for (const column of found.columns) {
    const {bits, picture, expected} = made[column.name];
    const known = state.cells[column.name] !== null;
    bits.textContent = known && column.bits !== null ? `${column.bits.toFixed(1)} bits` : "";
    bits.classList.toggle("odd", known && column.bits >= ODD);
    expected.textContent = `expected ${column.expected}`;
    state.drawn[column.name] = [column, state.shares[column.name], state.cells[column.name]];
    chart(picture, ...state.drawn[column.name]);
    state.shares[column.name] = column.shares;
  }
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

// Rows like this, and odd cells of a table

async function draw() {
  try {
    const found = await ask("similar", {cells: state.cells, seed: state.seed++});
    const names = data.columns.map(c => c.name);
    const row = cells => element("tr", {}, ...cells.map((cell, k) => element("td",
      {className: state.cells[names[k]] === null ? "" : "given"}, cell ?? "")));
    byId("drawn").replaceChildren(
      element("thead", {}, element("tr", {}, ...names.map(name => element("th", {scope: "col"}, name)))),
      element("tbody", {}, ...found.rows.map(row)));
    complain(null);
  } catch (error) { complain(error); }
}

async function look(file) {
  byId("findings").replaceChildren(element("li", {className: "soft"}, "looking…"));
  try {
    const found = await ask("wrong", {}, file ? await file.arrayBuffer() : new ArrayBuffer(0));
    state.rows = found.rows;
    if (file) state.row = null; // the row that is shown is of another table
    byId("findings").replaceChildren(...found.findings.map(each => element("li", {},
      element("button", {type: "button", onclick: () => openRow(each.row).then(() => frame.scrollIntoView())},
        `row ${each.row} · ${each.column} = ${each.found} · ${each.said}`))));
    if (!found.findings.length) {
      byId("findings").replaceChildren(element("li", {className: "soft"}, "no cell is odd"));
    }
    complain(null);
    byId("after").disabled = !(state.rows > 0);
  } catch (error) {
    byId("findings").replaceChildren();
    complain(error);
  }
}

async function openRow(row) {
  try {
    const found = await ask("open", {row});
    await setAll(found.cells, row);
  } catch (error) { complain(error); }
}

function listen() {
  byId("nothing").addEventListener("click", () => setAll({}, null));
  byId("before").addEventListener("click", () => openRow(state.row - 1));
  byId("after").addEventListener("click", () => openRow((state.row ?? -1) + 1));
  byId("number").addEventListener("change", event => {
    if (event.target.value !== "") openRow(Number(event.target.value));
  });
  byId("draw").addEventListener("click", draw);
  byId("own").addEventListener("click", () => look(null));
  byId("file").addEventListener("change", event => {
    if (event.target.files.length) look(event.target.files[0]);
  });
  const drop = byId("drop");
  drop.addEventListener("dragover", event => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", event => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) look(event.dataTransfer.files[0]);
  });
  byId("own").hidden = !data.rows;
  onWidth(() => {
    for (const [name, drawn] of Object.entries(state.drawn)) chart(made[name].picture, ...drawn);
  });
}

build();
listen();
if (data.rows) openRow(0); else refresh();
