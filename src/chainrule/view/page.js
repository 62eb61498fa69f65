// The page: what is painted, how far the drawing has come, and what a reader sees of it. The other
// scripts show the numbers of a step (numbers.js) and comparisons (compared.js).

const net = new Nade(data);
const dense = new Dense(data.dense, net.n);
const { n, d, order } = net;
const stepOf = new Int32Array(n);
order.forEach((column, step) => (stepOf[column] = step));
const SHOWN_COMPLETIONS = 100; // over which later probabilities are averaged
const NEXT = Math.min(8, n); // pixels over all ways of which outputs are summed
const FIRST_SEED = 1;
const CLEAR = 0.7; // the temperature of pictures that serve as examples
const TRIED = 40; // pictures of which one serves as an example
const UNSURE = 1.5; // a logit between −1.5 and 1.5
const WIDEST = 360; // a picture, in pixels of the screen
const THUMB = 64; // the picture in small

const state = {
  painted: new Int8Array(n).fill(-1), // by column: 1 on, 0 off, -1 unknown
  step: 0, // how many pixels the network has seen: the next one is decided
  seed: FIRST_SEED,
  temperature: 1,
  speed: 4,
  brush: 1,
  leaks: false, // whether the fully connected network draws
  masked: false, // whether each sum is computed from all inputs
  unit: 0,
  cursor: 0, // the column that keys on the picture act on
  example: FIRST_SEED,
};
// The whole drawing: {pixels, from, y, logs, total}, pixels by column, y and logs by step. From step
// `from` on, the network that is chosen has drawn it.
let row = { pixels: new Int8Array(n), from: 0 };
let playing = 0; // the time of the last step while it plays
let later = 0; // a timer of work that can wait

// p(on) by a logit, at the temperature at which pixels are drawn
const chanceOf = (y) => sigmoid(y / state.temperature);
const total = (logs) => logs.reduce((sum, each) => sum + each, 0);
const nameOf = (isOn) => (isOn ? "on" : "off");
const place = (column) => `row ${Math.floor(column / data.width) + 1}, column ${(column % data.width) + 1}`;

function number(found, digits = 2) {
  const text = Math.abs(found).toFixed(digits);
  return (found < 0 && Number(text) !== 0 ? "−" : "") + text.replace(/\B(?=(\d{3})+(?!\d))/g, text.includes(".") ? "" : ",");
}

const plus = (found, digits) => `${found < 0 ? "−" : "+"} ${number(Math.abs(found), digits)}`;

function percent(p) {
  if (p > 0.9995) return "> 99.9 %";
  return p < 0.0005 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`;
}

// ---- what is drawn ----

// How many pixels are known without a gap, from the first in the order.
function prefix() {
  const gap = order.findIndex((column) => state.painted[column] < 0);
  return gap < 0 ? n : gap;
}

// Draws the row from a step on. What comes before stays as it is, but for what is painted.
function draw(from = 0) {
  const fixed = state.painted;
  const pixels = row.pixels.map((each, column) => (fixed[column] < 0 ? each : fixed[column]));
  row = { pixels, from };
  row.pixels = state.leaks
    ? dense.draw(order, from, fixed, seen(from), state.seed, state.temperature)
    : complete(net.walkTo(from, pixels), fixed, pixels, state.seed, state.temperature);
}

const logsOf = (y, pixels) => Float64Array.from(order, (column) => logOf(y[column], pixels[column]));

// The logits and log p of the picture. NADE's stay as they are while it draws; those of the
// connected network are of the picture as it stands.
function measure() {
  if (state.leaks) {
    const y = dense.logits(seen());
    row.y = Float64Array.from(order, (column) => y[column]);
    row.logs = logsOf(y, seen());
  } else {
    row.y = net.logits(row.pixels);
    row.logs = row.y.map((y, step) => logOf(y, row.pixels[order[step]]));
  }
  row.total = total(row.logs);
}

// The pixels that the connected network has before it at a step; what is not drawn counts as off.
function seen(until = state.step) {
  const pixels = new Int8Array(n);
  for (let step = 0; step < n; step++) {
    const column = order[step];
    if (step < until) pixels[column] = row.pixels[column];
    else if (state.painted[column] >= 0) pixels[column] = state.painted[column];
  }
  return pixels;
}

// ---- the picture ----

const cells = [];

function buildGrid() {
  const grid = byId("grid");
  grid.style.gridTemplateColumns = `repeat(${data.width}, minmax(0, 1fr))`;
  grid.classList.toggle("fine", data.width > 20);
  for (let at = 0; at < n; at += data.width) {
    const line = document.createElement("div");
    line.setAttribute("role", "row");
    for (let column = at; column < Math.min(n, at + data.width); column++) {
      const cell = document.createElement("div");
      cell.setAttribute("role", "gridcell");
      cell.id = `cell-${column}`;
      cells.push(cell);
      line.append(cell);
    }
    grid.append(line);
  }
}

// `start` is the number of pixels that are known without a gap.
function statusOf(column, start = prefix()) {
  const step = stepOf[column];
  const pixel = state.painted[column];
  if (pixel >= 0) return `known ${nameOf(pixel)}${step > start && !state.leaks ? " unheeded" : ""}`;
  if (step < state.step) return `drawn ${nameOf(row.pixels[column])}`;
  return "unknown";
}

function showGrid() {
  const current = state.step < n ? order[state.step] : -1;
  const start = prefix();
  cells.forEach((cell, column) => {
    const classes = [statusOf(column, start)];
    if (column === current) classes.push("current");
    if (column === state.cursor) classes.push("cursor");
    const wanted = classes.join(" ");
    if (cell.className !== wanted) cell.className = wanted;
  });
  sayCell();
}

// What is known of the pixel under the cursor, for eyes and for screen readers.
function sayCell() {
  const column = state.cursor;
  const [kind, pixel, unheeded] = statusOf(column).split(" ");
  const p = chances.p[column];
  const how = kind === "unknown" ? "not drawn yet" : `${kind === "known" ? "known" : "drawn"}: ${pixel}`;
  const text = `Pixel ${stepOf[column] + 1} (${place(column)}), ${how}, probability of on ${percent(p)}`;
  byId("cell-said").textContent = text;
  cells[column].setAttribute("aria-label", text + (unheeded ? ", not seen yet by earlier pixels" : ""));
  byId("grid").setAttribute("aria-activedescendant", `cell-${column}`);
}

// A pixel that becomes unknown has yet to be drawn, so the frame goes back to it. Otherwise the
// frame passes over what is known.
function paint(column, pixel) {
  const step = stepOf[column];
  const start = prefix();
  if (state.painted[column] === pixel && (pixel >= 0 || step >= state.step)) return;
  state.painted[column] = pixel;
  const settles = pixel >= 0 && !byId("gaps").checked;
  if (settles) settle(step);
  byId("taken").textContent = pixel < 0 ? takenBack(step) : "";
  if (pixel < 0) state.step = Math.min(state.step, step);
  else if (state.step >= start) state.step = Math.max(state.step, prefix());
  draw(state.leaks ? state.step : settles ? Math.min(step, start) : step);
  render();
}

// What is unknown before a step becomes known: as it was drawn, or else off.
function settle(step) {
  order.slice(0, step).forEach((column, each) => {
    if (state.painted[column] < 0) state.painted[column] = each < state.step ? row.pixels[column] : 0;
  });
}

// The pixels that are lost if the pixel of a step becomes unknown.
function takenBack(step) {
  const lost = order.slice(step + 1, state.step).filter((column) => state.painted[column] < 0).length;
  const those = lost === 1 ? "the pixel that was" : `the ${lost} pixels that were`;
  return lost === 0 ? "" : `Play draws pixel ${step + 1} again, and ${those} drawn after it.`;
}

function setPainted(painted) {
  state.painted = painted;
  stop();
  draw();
  go(prefix());
}

// A picture that the network draws serves as an example: the next of those that have as many lit
// pixels as its pictures have on average.
function examplePicture() {
  const lit = (pixels) => pixels.reduce((sum, each, column) => sum + each, 0);
  const drawn = (seed, temperature) => complete(new Walk(net), new Int8Array(n).fill(-1), new Int8Array(n), seed, temperature);
  const usual = Array.from({ length: TRIED }, (_, seed) => lit(drawn(seed, 1))).reduce((sum, each) => sum + each) / TRIED;
  let best;
  for (let tried = 0; tried < TRIED; tried++) {
    const pixels = drawn(7919 * state.example, CLEAR);
    if (best === undefined || lit(pixels) > lit(best)) best = pixels;
    if (lit(pixels) >= usual) return pixels;
    state.example += 1;
  }
  return best;
}

// Half of an example is known. A first half ends before the first pixel of which the network is
// unsure: it says more than one of which it is sure.
function example(first) {
  const pixels = examplePicture();
  const unsure = net.logits(pixels).findIndex((y, step) => step >= n >> 1 && Math.abs(y) < UNSURE);
  const half = first && unsure >= 0 ? unsure : n >> 1;
  return Int8Array.from({ length: n }, (_, column) => (stepOf[column] < half) === first ? pixels[column] : -1);
}

// ---- the probability of every pixel, given what is drawn so far ----

const chances = { p: new Float64Array(n), sums: new Float64Array(n), count: 0, walk: null };

// Starts the sums again. The probabilities of pixels up to the framed one are exact.
function beginChances() {
  for (let step = 0; step < n; step++) chances.p[order[step]] = chanceOf(row.y[step]);
  const done = state.leaks || state.step + 1 >= n;
  chances.count = done ? SHOWN_COMPLETIONS : 0;
  if (done) return;
  chances.walk = net.walkTo(state.step, row.pixels);
  chances.sums.fill(0);
}

// Later pixels: the mean of their probabilities over completions, as many as this time allows.
// Known pixels keep their value in these, as in the ways that are shown.
function refineChances(milliseconds) {
  const fixed = state.painted;
  const end = performance.now() + milliseconds;
  let found = false;
  while (chances.count < SHOWN_COMPLETIONS && (chances.count < 4 || performance.now() < end)) {
    complete(chances.walk, fixed, row.pixels, 104729 + chances.count, state.temperature, (step, y) => {
      chances.sums[order[step]] += chanceOf(y);
    });
    chances.count += 1;
    found = true;
  }
  if (!found) return;
  for (let step = state.step + 1; step < n; step++) {
    chances.p[order[step]] = chances.sums[order[step]] / chances.count;
  }
}

function showMap() {
  const canvas = byId("map");
  const wide = Math.min(WIDEST, canvas.parentElement.clientWidth);
  const side = Math.max(2, Math.floor(wide / data.width));
  byId("grid").style.maxWidth = `${side * data.width}px`; // as large as the map
  const current = state.step < n ? order[state.step] : -1;
  picture(canvas, data, n, side, (column) => share(chances.p[column]), current);
  canvas.side = side;
  canvas.setAttribute("aria-label", current < 0 ? "The probability that each pixel had when it was drawn"
    : `The probability of on for each pixel; for pixel ${state.step + 1} it is ${percent(chances.p[current])}`);
  const cooled = state.temperature === 1 ? "" : ` At temperature ${state.temperature}.`;
  byId("map-said").textContent = (state.leaks
    ? "All outputs of the connected network at once, for the picture as it stands. Each reads its own pixel."
    : current < 0 ? "What each pixel had when it was decided, given the pixels before it."
    : "Up to the frame exact, given the pixels before each. After it: the mean over " +
      `${chances.count < SHOWN_COMPLETIONS ? "" : `${chances.count} `}ways to go on` + (unheeded().length
        ? ", in which known pixels keep their value. This is not p(on | dotted pixels): earlier pixels ignore them." : ".")) + cooled;
}

function showSix() {
  const holder = byId("six");
  if (!holder.children.length) {
    for (let way = 0; way < 6; way++) {
      const figure = document.createElement("figure");
      figure.className = "way";
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      figure.append(canvas, document.createElement("figcaption"));
      holder.append(figure);
    }
  }
  const start = prefix();
  const from = state.step < n ? state.step : start;
  const fixed = state.painted;
  const walk = net.walkTo(from, row.pixels);
  const known = Int8Array.from(row.pixels);
  [...holder.children].forEach((figure, way) => {
    const drawn = complete(walk, fixed, known, state.seed + 1 + way, state.temperature);
    const [canvas, caption] = figure.children;
    const side = Math.max(1, Math.min(16, Math.floor(figure.clientWidth / data.width)));
    picture(canvas, data, n, side, (column) => {
      const isOn = drawn[column];
      if (fixed[column] >= 0) return css(isOn ? colours.on : colours.off);
      return css(isOn ? colours["drawn-on"] : colours["drawn-off"]);
    }, -1);
    const nats = net.logProb(drawn);
    caption.textContent = `log p ${number(nats, 1)}`;
    canvas.setAttribute("aria-label", `Way ${way + 1} to go on, log p ${number(nats, 1)} nats`);
  });
  byId("six-title").textContent = state.leaks ? "Six ways NADE would go on" : state.step < n ? "Six ways to go on" : "Six other ways";
  byId("six-said").textContent = (start >= n ? "Every pixel is known: nothing is left to draw."
    : "Each keeps " + (state.step < n ? "what is known or drawn so far" : "what is known") +
      ", and draws the rest with other random numbers.") +
    " log p is of the whole picture, as a natural logarithm (in nats): nearer to 0 is likelier.";
}

// ---- evidence that the order does not allow ----

// Columns that are known, but not seen by all that is drawn before them.
function unheeded() {
  const first = prefix();
  return order.filter((column, step) => step > first && state.painted[column] >= 0);
}

function showGap() {
  const after = unheeded();
  const blind = after.length > 0 && !state.leaks;
  byId("gap").hidden = !blind;
  byId("fill").hidden = !blind || state.step >= n;
  if (!blind) return;
  const first = prefix();
  const last = Math.max(...after.map((column) => stepOf[column]));
  const gaps = order.filter((column, step) => step < last && state.painted[column] < 0).length;
  const one = after.length === 1;
  const [dotted, them] = one ? ["the dotted one", "That one"] : ["the dotted ones", "They"];
  byId("gap-said").textContent = state.step > first
    ? `Pixel ${first + 1} was not known, but ${after.length} later ${one ? "pixel was" : "pixels were"} (dotted). ` +
      `NADE drew pixel ${first + 1} without a look at ${dotted}. ${them} kept ${one ? "its" : "their"} value, but the picture need not fit.`
    : `Pixel ${first + 1} is not known, but ${after.length} later ${one ? "pixel is" : "pixels are"} (dotted). ` +
      `NADE draws each pixel from those before it, so it draws pixel ${first + 1} without a look at ${dotted}. ` +
      `${them} ${one ? "keeps its" : "keep their"} value, but the picture need not fit.`;
  byId("gap-answer").innerHTML = "For an exact answer, NADE would have to add up " +
    (gaps === 1 ? "both values of that pixel" : `all 2<sup>${gaps}</sup> ways to fill the ${gaps} unknown pixels`) +
    ` before ${one ? "it" : "the last of them"}. An orderless network is another kind: it is trained to predict any pixels from any others. ` +
    "In a terminal, <code>chainrule fit TABLE</code> trains one.";
  byId("fill").textContent = `Set ${gaps === 1 ? "this unknown pixel" : `these ${gaps} unknown pixels`} to off`;
}

// ---- all together ----

// What depends on much computing waits until the reader pauses; while it plays, it is rare.
function render() {
  measure();
  beginChances();
  refineChances(playing ? 6 : 12);
  showGrid();
  showMap();
  showGap();
  showNumbers();
  showCounts();
  byId("at").textContent = state.step < n ? `${state.step} of ${n}` : `all ${n}`;
  showNow();
  byId("position").value = state.step;
  byId("position").setAttribute("aria-valuetext", `${state.step} of ${n} pixels are decided`);
  byId("step").disabled = state.step >= n;
  byId("back").disabled = state.step <= 0;
  byId("play").textContent = playing ? "Pause" : "Play";
  frame.classList.toggle("leaks", state.leaks);
  if (!later) later = setTimeout(renderLater, playing ? 250 : 30);
}

// The step in a line and the picture in small, for a window that has no room for its numbers.
function showNow() {
  const { step } = state;
  const column = order[step];
  const total = `${number(row.total, 1)} nats`;
  byId("now").textContent = step >= n ? `All ${n} are decided: ` + (state.leaks
      ? `sum of log outputs ${total} (no log-probability)` : `log p = ${total}`)
    : `Pixel ${step + 1}: on ${percent(chanceOf(row.y[step]))}, ` + (state.painted[column] >= 0
      ? `known: ${nameOf(state.painted[column])}` : `Step draws ${nameOf(row.pixels[column])}`);
  const start = prefix();
  const side = Math.max(2, Math.floor(THUMB / Math.max(data.width, data.height)));
  picture(byId("thumb"), data, n, side, (each) => css(colours[toneOf(each, start)]), step < n ? column : -1);
}

function toneOf(column, start) {
  const [kind, pixel] = statusOf(column, start).split(" ");
  return kind === "unknown" ? "unknown" : (kind === "drawn" ? "drawn-" : "") + pixel;
}

function renderLater() {
  later = 0;
  refineChances(playing ? 4 : 30);
  showMap();
  sayCell();
  showSix();
  if (!playing) showLeak();
  if (chances.count < SHOWN_COMPLETIONS && !playing) later = setTimeout(renderLater, 20);
}

function go(step) {
  byId("taken").textContent = "";
  state.step = Math.max(0, Math.min(n, step));
  if (state.step < row.from) draw(state.step); // by the network that is chosen now
  state.cursor = order[Math.min(state.step, n - 1)];
  render();
}

function stop() {
  playing = 0;
}

const perSecond = () => Math.round((n / 16) * 2 ** ((state.speed - 4) * 0.8)) || 1;

function play() {
  if (playing) {
    stop();
    render();
    return;
  }
  if (state.step >= n) go(prefix() < n ? prefix() : 0);
  playing = performance.now();
  render();
  requestAnimationFrame(tick);
}

function tick(now) {
  if (!playing || signal?.aborted) return;
  const due = Math.floor(((now - playing) / 1000) * perSecond());
  if (due > 0) {
    playing += (due / perSecond()) * 1000;
    state.step = Math.min(n, state.step + due);
    if (state.step >= n) stop();
    go(state.step);
  }
  if (playing) requestAnimationFrame(tick);
}

function redraw() {
  draw();
  render();
}

function setSeed(seed) {
  state.seed = Math.max(0, Math.min(999999, Math.floor(seed) || 0));
  byId("seed").value = state.seed;
}

// ---- hands ----

function pointed(event) {
  const found = root.elementFromPoint(event.clientX, event.clientY)?.closest("[role=gridcell]");
  return found ? cells.indexOf(found) : -1;
}

function listenToGrid() {
  const grid = byId("grid");
  let painting = false;
  const stroke = (event) => {
    const column = pointed(event);
    if (column < 0) return;
    state.cursor = column;
    if (painting) paint(column, state.brush);
    showGrid();
  };
  grid.addEventListener("pointerdown", (event) => {
    painting = true;
    grid.focus({ preventScroll: true });
    stroke(event);
    event.preventDefault();
  });
  grid.addEventListener("pointermove", stroke);
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => (painting = false), { signal });
  grid.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -data.width, ArrowDown: data.width };
    const paints = { 1: 1, 0: 0, Delete: -1, Backspace: -1, " ": state.brush, Enter: state.brush };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      const wanted = state.cursor + moves[event.key];
      const wraps = Math.abs(moves[event.key]) === 1 && Math.floor(wanted / data.width) !== Math.floor(state.cursor / data.width);
      if (wanted >= 0 && wanted < n && !wraps) state.cursor = wanted;
      showGrid();
    } else if (event.key in paints) paint(state.cursor, paints[event.key]);
    else return;
    event.preventDefault();
  });
  byId("map").addEventListener("pointermove", (event) => {
    const { side } = event.target;
    const column = Math.floor(event.offsetY / side) * data.width + Math.floor(event.offsetX / side);
    if (column >= 0 && column < n) {
      state.cursor = column;
      showGrid();
    }
  });
}

function listenToStrips() {
  for (const canvas of root.querySelectorAll(".strip:not(#strip-masked)")) {
    canvas.addEventListener("pointermove", (event) => {
      const unit = Math.floor(event.offsetY / canvas.side) * canvas.across + Math.floor(event.offsetX / canvas.side);
      if (unit === state.unit || unit < 0 || unit >= (state.leaks ? dense.d : d)) return;
      state.unit = unit;
      showNumbers();
    });
  }
  byId("unit").addEventListener("input", (event) => {
    state.unit = event.target.value - 1;
    showNumbers();
  });
}

function listenToBar() {
  const clicks = {
    play,
    step: () => { stop(); go(state.step + 1); },
    back: () => { stop(); go(state.step - 1); },
    another: () => {
      setSeed(state.seed + 1);
      state.step = prefix();
      draw();
      stop();
      play();
    },
    half: () => { state.example += 1; setPainted(example(true)); },
    blank: () => setPainted(Int8Array.from({ length: n }, (_, column) => (stepOf[column] < n >> 1 ? 0 : -1))),
    later: () => setPainted(example(false)),
    nothing: () => setPainted(new Int8Array(n).fill(-1)),
    fill: () => {
      const last = Math.max(...order.filter((column) => state.painted[column] >= 0).map((column) => stepOf[column]));
      setPainted(state.painted.map((pixel, column) => (pixel < 0 && stepOf[column] < last ? 0 : pixel)));
    },
    time: timeBoth,
    clear: play,
    more: () => {
      const isOpen = byId("controls").classList.toggle("open");
      byId("more").setAttribute("aria-expanded", isOpen);
    },
  };
  for (const [id, act] of Object.entries(clicks)) byId(id).addEventListener("click", act);
  byId("position").addEventListener("input", (event) => { stop(); go(Number(event.target.value)); });
  byId("speed").addEventListener("input", (event) => { state.speed = Number(event.target.value); showSettings(); });
  byId("temperature").addEventListener("input", (event) => {
    state.temperature = Number(event.target.value);
    showSettings();
    redraw();
  });
  byId("seed").addEventListener("change", (event) => { setSeed(Number(event.target.value)); redraw(); });
  const radios = {
    brush: (chosen) => { state.brush = Number(chosen); },
    way: (chosen) => { state.masked = chosen === "masked"; render(); },
    network: (chosen) => { state.leaks = chosen === "dense"; draw(state.step); render(); }, // the picture stays
  };
  for (const [name, act] of Object.entries(radios)) {
    for (const input of root.querySelectorAll(`input[name=${name}]`)) {
      input.addEventListener("change", () => act(input.value));
    }
  }
  root.addEventListener("keydown", (event) => {
    const keys = { p: "play", n: "step", b: "back" };
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches?.("input[type=number]")) return;
    byId(keys[event.key]).click();
  });
}

function showSettings() {
  byId("speed-shown").textContent = `${perSecond()}/s`;
  byId("temperature-shown").textContent = state.temperature.toFixed(1);
}

function begin() {
  readColours();
  buildGrid();
  listenToGrid();
  listenToStrips();
  listenToBar();
  byId("speed").value = state.speed;
  byId("gaps").checked = false;
  for (const input of root.querySelectorAll("input[type=radio]")) input.checked = input.defaultChecked;
  byId("temperature").value = state.temperature;
  setSeed(state.seed);
  showSettings();
  state.painted = example(true);
  draw();
  go(prefix());
  const repaint = () => { readColours(); render(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint, { signal });
  onWidth(repaint);
}

begin();
