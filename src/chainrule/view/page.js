// The page: what is painted, how far the drawing has come, and what a reader sees of it.

const net = new Nade(data);
const dense = new Dense(data.dense, net.n);
const { n, d, order } = net;
const stepOf = new Int32Array(n);
order.forEach((column, step) => (stepOf[column] = step));
const SHOWN_COMPLETIONS = 100; // over which later probabilities are averaged
const NEXT = Math.min(8, n); // pixels over all ways of which outputs are summed
const FIRST_SEED = 1;
const CLEAR = 0.6; // the temperature of pictures that serve as examples
const WIDEST = 360; // a picture, in pixels of the screen

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
let row; // the whole drawing: {codes, y, logs, total} by column, step, step and in all
let playing = 0; // the time of the last step while it plays
let later = 0; // a timer of work that can wait

const value = (column, code) => code ^ data.flipped[column]; // a code as a pixel: 1 is on
const code = value; // and back
const onShare = (column, y) => sigmoid(data.flipped[column] ? -y : y); // p(on) by a logit
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

function fixedCodes() {
  return state.painted.map((pixel, column) => (pixel < 0 ? -1 : code(column, pixel)));
}

const offCodes = () => Int8Array.from({ length: n }, (_, column) => code(column, 0));

// How many pixels are known without a gap, from the first in the order.
function prefix() {
  const gap = order.findIndex((column) => state.painted[column] < 0);
  return gap < 0 ? n : gap;
}

// Draws a whole row. What is shown of it depends on the step.
function draw() {
  const fixed = fixedCodes();
  let y = new Float64Array(n);
  let codes;
  if (state.leaks) {
    ({ codes, y } = dense.draw(order, fixed, offCodes(), state.seed, state.temperature));
  } else {
    codes = complete(new Walk(net), fixed, new Int8Array(n), state.seed, state.temperature, (step, each) => {
      y[step] = each;
    });
  }
  const logs = y.map((each, step) => logOf(each, codes[order[step]]));
  row = { codes, y, logs, total: logs.reduce((sum, each) => sum + each, 0) };
}

// The codes that a network has before it at this step; what is unknown counts as off.
function seen() {
  const codes = offCodes();
  for (let step = 0; step < n; step++) {
    const column = order[step];
    if (step < state.step) codes[column] = row.codes[column];
    else if (state.painted[column] >= 0) codes[column] = code(column, state.painted[column]);
  }
  return codes;
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

function statusOf(column) {
  const step = stepOf[column];
  const pixel = state.painted[column];
  if (pixel >= 0) return `known ${nameOf(pixel)}${step > prefix() && step >= state.step ? " unheeded" : ""}`;
  if (step < state.step) return `drawn ${nameOf(value(column, row.codes[column]))}`;
  return "unknown";
}

function showGrid() {
  const current = state.step < n ? order[state.step] : -1;
  cells.forEach((cell, column) => {
    const classes = [statusOf(column)];
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

function paint(column, pixel) {
  if (state.painted[column] === pixel) return;
  state.painted[column] = pixel;
  state.step = Math.max(Math.min(state.step, n), prefix());
  draw();
  render();
}

function setPainted(painted) {
  state.painted = painted;
  stop();
  draw();
  go(prefix());
}

// A picture that the network draws serves as an example; half of it is known.
function example(first) {
  const codes = complete(new Walk(net), new Int8Array(n).fill(-1), new Int8Array(n), 7919 * state.example, CLEAR);
  const half = n >> 1;
  return Int8Array.from({ length: n }, (_, column) => (stepOf[column] < half) === first ? value(column, codes[column]) : -1);
}

// ---- the probability of every pixel, given what is drawn so far ----

const chances = { p: new Float64Array(n), sums: new Float64Array(n), count: 0, walk: null };

// Goes back to the first step: pixels that are drawn keep the probability that they had.
function beginChances() {
  if (state.leaks) {
    const y = dense.logits(seen());
    chances.p = y.map((each, column) => onShare(column, each));
    chances.count = SHOWN_COMPLETIONS;
    return;
  }
  chances.walk = net.walkTo(state.step, row.codes);
  chances.sums.fill(0);
  chances.count = 0;
  for (let step = 0; step < Math.min(n, state.step + 1); step++) {
    chances.p[order[step]] = onShare(order[step], row.y[step]);
  }
  if (state.step + 1 >= n) chances.count = SHOWN_COMPLETIONS;
}

// Later pixels: the mean of their probabilities over completions, as many as this time allows.
function refineChances(milliseconds) {
  const free = new Int8Array(n).fill(-1);
  const end = performance.now() + milliseconds;
  while (chances.count < SHOWN_COMPLETIONS && (chances.count < 4 || performance.now() < end)) {
    complete(chances.walk, free, row.codes, 104729 + chances.count, 1, (step, y) => {
      chances.sums[order[step]] += onShare(order[step], y);
    });
    chances.count += 1;
  }
  if (state.leaks) return;
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
  pixels(canvas, data, n, side, (column) => share(chances.p[column]), current);
  canvas.side = side;
  canvas.setAttribute("aria-label", current < 0 ? "The probability that each pixel had when it was drawn"
    : `The probability of on for each pixel; for pixel ${state.step + 1} it is ${percent(chances.p[current])}`);
  byId("map-said").textContent = state.leaks
    ? "All outputs of the connected network at once. Each has its own pixel among its inputs."
    : "Known and drawn pixels: as it was when their turn came. The framed one: exact. " +
      `Later ones: the mean over ${Math.max(chances.count, 1)} ways to go on.`;
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
  const from = state.step < n ? state.step : prefix();
  const fixed = fixedCodes();
  const walk = net.walkTo(from, row.codes);
  const known = Int8Array.from(row.codes);
  [...holder.children].forEach((figure, way) => {
    const codes = complete(walk, fixed, known, state.seed + 1 + way, state.temperature);
    const [canvas, caption] = figure.children;
    const side = Math.max(1, Math.min(16, Math.floor(figure.clientWidth / data.width)));
    pixels(canvas, data, n, side, (column) => {
      const isKnown = state.painted[column] >= 0 || stepOf[column] < from;
      const isOn = value(column, codes[column]);
      if (isKnown) return css(isOn ? colours.on : colours.off);
      return css(isOn ? colours["drawn-on"] : colours["drawn-off"]);
    }, -1);
    const nats = net.logProb(codes);
    caption.textContent = `${number(nats, 1)} nats`;
    canvas.setAttribute("aria-label", `Way ${way + 1} to go on, log p ${number(nats, 1)} nats`);
  });
  byId("six-said").textContent = state.leaks
    ? "NADE draws these. The connected network has no way to draw: see below."
    : "Each begins with what is known and drawn so far, and draws the rest with other random numbers.";
}

// ---- evidence that the order does not allow ----

function showGap() {
  const first = prefix();
  const after = order.filter((column, step) => step > first && state.painted[column] >= 0);
  const blind = after.length > 0 && !state.leaks;
  byId("gap").hidden = !blind;
  if (!blind) return;
  const last = Math.max(...after.map((column) => stepOf[column]));
  const gaps = order.filter((column, step) => step < last && state.painted[column] < 0).length;
  byId("gap-said").textContent =
    `${after.length} known ${after.length === 1 ? "pixel comes" : "pixels come"} after an unknown one ` +
    `(dotted). NADE decides its pixels in one order, so pixel ${first + 1} cannot look at them: ` +
    "they keep their value, but what is drawn before them ignores them. The exact answer would be a " +
    `sum over all 2^${gaps} ways to fill the gaps. An orderless network is trained for any known ` +
    "pixels and answers at once: chainrule fit TABLE.";
}

// ---- the numbers of this step ----

const sub = (name, at) => `<i>${name}</i><sub>${at}</sub>`;

function showNumbers() {
  const step = state.step;
  const done = step >= n;
  byId("numbers").parentElement.classList.toggle("ended", done);
  if (done) {
    showEnd();
    return;
  }
  const k = step + 1;
  const column = order[step];
  const pixel = state.painted[column];
  const title = pixel < 0 ? `How pixel ${k} is decided` : `Pixel ${k} is known`;
  byId("numbers-title").textContent = title;
  const before = step ? `The network has seen ${step === 1 ? "one pixel" : `the first ${step} pixels`}.` : "The network has seen nothing yet.";
  byId("numbers-said").textContent = pixel < 0
    ? `${before} It now decides the framed one:`
    : `${before} The framed one keeps its value; its probability counts all the same.`;
  const now = state.leaks ? denseStep(step) : nadeStep(step);
  showUnits(step, now);
  showChance(step, now);
}

// Everything that the shown step computes.
function nadeStep(step) {
  const walk = net.walkTo(Math.max(0, step - 1), row.codes);
  const before = Float64Array.from(walk.a);
  const previous = step ? order[step - 1] : -1;
  const bit = step ? row.codes[previous] : 0;
  const column = step ? net.inputs(step - 1) : null;
  if (step) walk.learn(bit);
  const y = walk.logit();
  const h = state.masked ? net.maskedHidden(step, row.codes) : walk.h;
  const V = net.outputs(step);
  return { before, previous, bit, column, a: walk.a, h, V, y: state.masked ? net.logit(step, h) : y, c: net.c[order[step]] };
}

function denseStep(step) {
  const column = order[step];
  const codes = seen();
  const a = dense.sums(codes);
  const V = dense.outputs(column);
  return {
    before: null, previous: column, bit: codes[column], column: dense.inputs(column),
    a, h: a.map(sigmoid), V, c: dense.c[column], y: row.y[step],
  };
}

function showUnits(step, now) {
  const k = step + 1;
  const wide = now.a.length;
  const most = Math.max(...now.a.map(Math.abs), ...(now.before ?? []).map(Math.abs), ...(now.column ?? []).map(Math.abs));
  const unit = Math.min(state.unit, wide - 1);
  const products = now.h.map((each, at) => each * now.V[at]);
  const bySign = (found) => signed(found, most);
  const connected = state.leaks;
  const showsMask = state.masked && !connected && step > 0;
  byId("line-masked").hidden = !showsMask;
  byId("line-before").hidden = connected || state.masked || step === 0;
  byId("line-column").hidden = !connected && (state.masked || step === 0);
  if (showsMask) {
    const bits = Float64Array.from(order, (each, at) => (at < step ? row.codes[each] : -1));
    strip(byId("strip-masked"), bits, (bit) => css(bit < 0 ? colours.unknown : bit ? colours.on : colours.off), -1,
      `${step} pixels go in, ${n - step} are masked`);
  }
  if (!byId("line-before").hidden) strip(byId("strip-before"), now.before, bySign, unit, `The sum before, ${wide} numbers`);
  if (!byId("line-column").hidden) {
    byId("column-name").innerHTML = connected ? `column of pixel ${k} <b>itself</b>` : `+ ${sub("x", k - 1)} · column of pixel ${k - 1}`;
    strip(byId("strip-column"), now.column, (found) => (now.bit ? bySign(found) : mixed(colours.card, colours.line, 0.6)), unit,
      now.bit ? "The column of weights that was added" : "Nothing was added");
    const name = connected ? k : k - 1;
    const isOn = value(now.previous, now.bit);
    byId("column-said").textContent = `Pixel ${name} is ${nameOf(isOn)}, so x = ${now.bit}: ` +
      (now.bit ? "its column of weights is added." : "nothing is added.");
  }
  byId("a-name").innerHTML = connected ? "a = b + Σ over all pixels of W x"
    : step === 0 ? `a = b` : `= a = b + Σ<sub>j&lt;${k}</sub> W<sub>j</sub> x<sub>j</sub>`;
  const ones = order.slice(0, step).filter((each) => row.codes[each]).length;
  byId("a-said").textContent = connected ? "Every pixel is in this sum, also the one that is to be predicted."
    : step === 0 ? "Nothing is added yet: a is the bias b."
    : `The sum of b and of ${ones} column${ones === 1 ? "" : "s"}: one for each x = 1 so far.`;
  strip(byId("strip-a"), now.a, bySign, unit, `The sum a, ${wide} numbers from ${number(Math.min(...now.a))} to ${number(Math.max(...now.a))}`);
  const first = step === 0 && !connected;
  byId("h-name").innerHTML = first ? `${sub("h", 1)}, a parameter` : connected ? "h = σ(a)" : `${sub("h", k)} = ${data.activation === "relu" ? "max(a, 0)" : "σ(a)"}`;
  byId("h-said").textContent = first
    ? "There is nothing to look at yet. Training chose these numbers."
    : connected ? "The same numbers serve every pixel. They know the answer to each."
    : `What the network remembers of the first ${step === 1 ? "pixel" : `${step} pixels`}: ${wide} numbers${data.activation === "relu" ? "" : " between 0 and 1"}, and nothing else.`;
  const highest = data.activation === "relu" ? Math.max(1e-9, ...now.h) : 1;
  strip(byId("strip-h"), now.h, (found) => share(Math.min(1, Math.max(0, found / highest))), unit, `The hidden units h, ${wide} numbers`);
  byId("v-name").innerHTML = `${sub("V", k)} · h`;
  byId("v-said").textContent = `Each unit votes for 1 or for 0, with its weight for pixel ${k}. The votes add up to ${number(now.y - now.c)}.`;
  strip(byId("strip-v"), products, (found) => signed(found, Math.max(...products.map(Math.abs))), unit, `The votes of ${wide} units, which add up to ${number(now.y - now.c)}`);
  showUnit(unit, now, products, first);
}

function showUnit(unit, now, products, first) {
  byId("unit").max = now.a.length;
  byId("unit").value = unit + 1;
  byId("unit-shown").textContent = `${unit + 1} of ${now.a.length}`;
  const added = now.before && now.previous >= 0 && !state.masked
    ? `a = ${number(now.before[unit])} ${plus(now.bit * now.column[unit])} = ${number(now.a[unit])}`
    : `a = ${number(now.a[unit])}`;
  const squashed = first ? `h = ${number(now.h[unit], 3)}` : `${added};  h = ${number(now.h[unit], 3)}`;
  byId("unit-said").textContent = `${squashed};  V · h = ${number(now.V[unit])} · ${number(now.h[unit], 3)} = ${number(products[unit])}`;
}

function showChance(step, now) {
  const k = step + 1;
  const column = order[step];
  const painted = state.painted[column];
  const u = uniform(state.seed, step);
  const drawn = row.codes[column];
  const cooled = now.y / state.temperature;
  const p = sigmoid(cooled);
  const flipped = data.flipped[column];
  byId("y-name").innerHTML = `y = ${sub("V", k)} h + ${sub("c", k)}`;
  byId("y-said").innerHTML = `${number(now.y - now.c)} ${plus(now.c)} = <b>${number(now.y)}</b>`;
  const warmth = state.temperature === 1 ? "y" : `y / ${state.temperature}`;
  byId("p-name").innerHTML = `p(${sub("x", k)} = 1 | before) = σ(${warmth})`;
  const means = flipped ? ` (here x = 1 is off, so on has ${percent(1 - p)})` : "";
  const decision = painted >= 0
    ? `Known: ${nameOf(painted)}, nothing is drawn.`
    : `A random number u = ${u.toFixed(3)} ${u < p ? "is below" : "is not below"} p, so x = ${drawn}: <b>${nameOf(value(column, drawn))}</b>.`;
  byId("p-said").innerHTML = `σ(${number(cooled)}) = <b>${p.toFixed(3)}</b>${means}. ${decision}`;
  byId("chance-p").style.width = `${100 * p}%`;
  byId("chance-u").style.left = `${100 * u}%`;
  byId("chance-u").hidden = painted >= 0;
  const before = row.logs.slice(0, step).reduce((sum, each) => sum + each, 0);
  const own = row.logs[step];
  const total = before + own;
  const label = state.leaks ? "not a probability" : `${number(total / Math.LN2)} bits`;
  const chosen = drawn ? "p" : "(1 − p)";
  byId("log-said").innerHTML = `${number(before)} + log ${chosen} = ${number(before)} ${plus(own)} = <b>${number(total)} nats</b> (${label})`;
  showSurprise(step + 1);
}

function showSurprise(until) {
  const bits = row.logs.map((each) => -each / Math.LN2);
  bars(byId("surprise"), bits, until, `Surprise of each pixel so far, in bits; the largest is ${number(Math.max(...bits.slice(0, until)), 1)}`);
  byId("surprise-said").textContent = "A bar for each pixel so far: how surprising it was, −log₂ p, in bits." +
    (state.temperature === 1 ? "" : " log p is that of temperature 1.");
}

function showEnd() {
  const bits = row.total / Math.LN2;
  byId("numbers-title").textContent = `All ${n} pixels are decided`;
  byId("numbers-said").textContent = state.leaks
    ? "The product of these outputs is no probability: each output was told its own pixel."
    : `The network draws exactly this picture once in 2^${number(-bits, 0)} times. Draw another, or paint.`;
  byId("log-said").innerHTML = `Σ log p of all pixels = <b>${number(row.total)} nats</b> ` +
    `(${state.leaks ? "not a probability" : `${number(bits)} bits`})`;
  showSurprise(n);
}

// ---- work, and the leak ----

function showCounts() {
  const steps = state.step;
  const counts = { reused: 2 * d * steps, masked: (n + 1) * d * steps };
  for (const line of byId("counts").children) {
    const [, { children: [bar, text] }] = line.children;
    bar.style.width = `${Math.max(0.5, (60 * counts[line.dataset.way]) / Math.max(1, counts.masked))}%`;
    text.textContent = number(counts[line.dataset.way], 0);
    line.classList.toggle("chosen", (line.dataset.way === "masked") === state.masked);
  }
  byId("ways-said").textContent = `A step costs ${number(d, 0)} for a column and ${number(d, 0)} for V h if the sum is kept. ` +
    `Masked, it multiplies all ${n} pixels by ${number(d, 0)} weights each. The whole picture: ${number(2 * d * n, 0)} against ${number((n + 1) * d * n, 0)}.`;
}

function timeBoth() {
  const { codes } = row;
  const seconds = (work) => {
    const began = performance.now();
    let times = 0;
    while (times < 3 || (performance.now() - began < 40 && times < 1000)) {
      work();
      times += 1;
    }
    return (performance.now() - began) / times;
  };
  const [kept, masked] = [net.logits(codes), net.maskedLogits(codes)];
  const apart = Math.max(...kept.map((each, step) => Math.abs(each - masked[step])));
  const [quick, slow] = [seconds(() => net.logits(codes)), seconds(() => net.maskedLogits(codes))];
  byId("timed").textContent = `The whole picture, on this machine: kept ${number(quick)} ms, masked ${number(slow)} ms, ` +
    `${number(slow / quick, 0)} times as long. ` + (apart ? `The results differ by ${apart.toExponential(0)} at most.` : "The results are the same.");
}

// Where the steps begin that NADE is least sure of, all together.
function widest() {
  const open = net.logits(row.codes).map((y) => sigmoid(y) * sigmoid(-y));
  const sums = Array.from({ length: n - NEXT + 1 }, (_, from) => open.subarray(from, from + NEXT).reduce((sum, each) => sum + each));
  return sums.indexOf(Math.max(...sums));
}

function showLeak() {
  const { codes } = row;
  const byStep = (found) => Float64Array.from(order, (column) => found[column]);
  const nats = {
    nade: -net.logProb(codes),
    dense: -byStep(dense.logits(codes)).reduce((sum, y, step) => sum + logOf(y, codes[order[step]]), 0),
  };
  for (const line of byId("leak-bars").children) {
    const [, { children: [bar, text] }] = line.children;
    bar.style.width = `${(60 * nats[line.dataset.network]) / Math.max(nats.nade, nats.dense, 1)}%`;
    text.textContent = `${number(nats[line.dataset.network], 1)} nats`;
    line.classList.toggle("chosen", (line.dataset.network === "dense") === state.leaks);
  }
  byId("leak-said").textContent = state.leaks
    ? "It hardly draws: an unknown pixel goes in as off, and its own output copies that. On a finished picture its loss is small for the same reason."
    : "A fully connected network has a smaller loss, and yet it is no model. Each output reads its own pixel and copies it. Switch it on, and let it draw.";
  const from = widest();
  const next = order.slice(from, from + NEXT);
  const start = net.walkTo(from, codes);
  const sums = {
    nade: sumOver(next, codes, (each) => {
      const walk = start.copy();
      return next.map((column) => {
        const y = walk.logit();
        walk.learn(each[column]);
        return y;
      });
    }),
    dense: sumOver(next, codes, (each) => {
      const h = dense.sums(each).map(sigmoid);
      return next.map((column) => dense.logit(column, h));
    }),
  };
  byId("sum-said").textContent = `−Σ log of the outputs, for the whole picture. Over all ${2 ** NEXT} ways to set pixels ` +
    `${from + 1} to ${from + NEXT}, NADE’s probabilities add up to ${number(sums.nade, 4)}. The connected ` +
    `network’s outputs add up to ${number(sums.dense, 1)}; probabilities would add up to 1.`;
}

// ---- all together ----

// What depends on much computing waits until the reader pauses; while it plays, it is rare.
function render() {
  beginChances();
  refineChances(playing ? 6 : 12);
  showGrid();
  showMap();
  showGap();
  showNumbers();
  showCounts();
  byId("at").textContent = state.step < n ? `${state.step + 1} of ${n}` : `all ${n}`;
  byId("position").value = state.step;
  byId("position").setAttribute("aria-valuetext", `${state.step} of ${n} pixels seen`);
  byId("step").disabled = state.step >= n;
  byId("back").disabled = state.step <= 0;
  byId("play").textContent = playing ? "Pause" : "Play";
  frame.classList.toggle("leaks", state.leaks);
  if (!later) later = setTimeout(renderLater, playing ? 250 : 30);
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
  state.step = Math.max(0, Math.min(n, step));
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
  if (state.step >= n) state.step = prefix() < n ? prefix() : 0;
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
    network: (chosen) => { state.leaks = chosen === "dense"; state.step = Math.min(state.step, prefix()); redraw(); },
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
  for (const input of root.querySelectorAll("input[type=radio]")) input.checked = input.defaultChecked;
  byId("temperature").value = state.temperature;
  setSeed(state.seed);
  showSettings();
  state.painted = example(true);
  state.step = prefix();
  draw();
  // The first pixel of which the network is unsure says more than one of which it is sure.
  const unsure = row.y.findIndex((y, step) => step >= state.step && Math.abs(y) < 1.5);
  if (unsure >= 0) state.step = unsure;
  state.cursor = order[Math.min(state.step, n - 1)];
  draw();
  render();
  const repaint = () => { readColours(); render(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint, { signal });
  onWidth(repaint);
}

begin();
