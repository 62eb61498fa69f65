// The numbers of one step: from the sum a to the pixel that is drawn, and log p so far.

const sub = (name, at) => `<i>${name}</i><sub>${at}</sub>`;
// Columns of which the model counts “off” in its sum, since on is the more frequent value.
const USUALLY_ON = data.flipped.reduce((sum, each) => sum + each, 0);
const factorAt = (at, isFlipped) => (isFlipped ? `(1 − ${sub("x", at)})` : sub("x", at));
const factorOfAny = () => (USUALLY_ON === 0 || USUALLY_ON === n ? factorAt("j", USUALLY_ON > 0)
  : `(${sub("x", "j")} or 1 − ${sub("x", "j")})`);
const sumAt = (k) => `<i>b</i> + Σ<sub>j&lt;${k}</sub> ${sub("W", "j")} ${factorOfAny()}`;
// A probability with three digits, within its ends.
const chance = (p) => (p < 0.0005 ? "&lt; <b>0.001</b>" : p > 0.9995 ? "&gt; <b>0.999</b>" : `= <b>${p.toFixed(3)}</b>`);

function showNumbers() {
  const step = state.step;
  const done = step >= n;
  byId("numbers").parentElement.classList.toggle("ended", done);
  byId("clear").hidden = !(done && state.leaks);
  showFormula();
  showYardstick(done);
  if (done) {
    showEnd();
    return;
  }
  const k = step + 1;
  const isKnown = state.painted[order[step]] >= 0;
  if (state.leaks) {
    byId("numbers-title").textContent = `What the connected network says of pixel ${k}`;
    byId("numbers-said").textContent = `It reads all ${n} pixels, also the framed one and those after it. ` +
      "What is not drawn yet goes in as off.";
  } else {
    byId("numbers-title").textContent = isKnown ? `Pixel ${k} is known` : `How pixel ${k} is decided`;
    const before = step === 0 ? "nothing yet" : step === 1 ? "one pixel" : `the first ${step} pixels`;
    byId("numbers-said").textContent = `The network has seen ${before}. ` + (isKnown
      ? "The framed one keeps its value; its probability counts all the same."
      : "It now decides the framed one:");
  }
  const now = state.leaks ? denseStep(step) : nadeStep(step);
  showUnits(step, now);
  showChance(step, now);
}

function showFormula() {
  const [begin, end] = data.activation === "relu" ? ["max(", ", 0)"] : ["σ(", ")"];
  const y = `${sub("V", "k")} ${sub("h", "k")} + ${sub("c", "k")}`;
  const p = state.temperature === 1 ? `σ(${y})` : `σ((${y}) / ${state.temperature.toFixed(1)})`;
  byId("formula").innerHTML = `<span>${sub("h", "k")} = ${begin}${sumAt("k")}${end}</span> ` +
    `<span>for k ≥ 2 (${sub("h", 1)} is a parameter)</span> <span>p(${sub("x", "k")} = 1 | ${sub("x", "&lt;k")}) = ${p}</span>`;
  byId("usually").hidden = USUALLY_ON === 0;
}

// Everything that the shown step computes.
function nadeStep(step) {
  const walk = net.walkTo(Math.max(0, step - 1), row.pixels);
  const before = Float64Array.from(walk.a);
  const previous = step ? order[step - 1] : -1;
  const bit = step ? net.factor(step - 1, row.pixels[previous]) : 0;
  const column = step ? net.inputs(step - 1) : null;
  if (step) walk.learn(row.pixels[previous]);
  const y = walk.logit();
  const h = state.masked ? net.maskedHidden(step, row.pixels) : walk.h;
  const V = net.outputs(step);
  return { before, previous, bit, column, a: walk.a, h, V, y: state.masked ? net.logit(step, h) : y, c: net.c[order[step]] };
}

function denseStep(step) {
  const column = order[step];
  const pixels = seen();
  const a = dense.sums(pixels);
  const V = dense.outputs(column);
  return {
    before: null, previous: column, bit: pixels[column], column: dense.inputs(column),
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
  const relu = data.activation === "relu" && !connected;
  const showsMask = state.masked && !connected && step > 0;
  byId("line-masked").hidden = !showsMask;
  byId("line-before").hidden = connected || state.masked || step === 0;
  byId("line-column").hidden = !connected && (state.masked || step === 0);
  if (showsMask) {
    const side = Math.max(2, Math.floor(112 / data.width));
    picture(byId("strip-masked"), data, n, side, (column) => css(stepOf[column] >= step ? colours.unknown
      : row.pixels[column] ? colours.on : colours.off), order[step]);
    byId("strip-masked").setAttribute("aria-label", `${step} pixels go in, ${n - step} are masked`);
  }
  if (!byId("line-before").hidden) strip(byId("strip-before"), now.before, bySign, unit, `The sum before, ${wide} numbers`);
  if (!byId("line-column").hidden) {
    byId("column-name").innerHTML = connected ? `column of pixel ${k} <b>itself</b>`
      : `<span>+ ${factorAt(k - 1, data.flipped[now.previous])} · ${sub("W", k - 1)}</span>`;
    strip(byId("strip-column"), now.column, (found) => (now.bit ? bySign(found) : mixed(colours.card, colours.line, 0.6)), unit,
      now.bit ? "The column of weights that was added" : "Nothing was added");
    byId("column-said").textContent = columnSaid(step, now);
  }
  byId("a-name").innerHTML = connected ? "a = b + Σ over all pixels of W x"
    : step === 0 ? "a = b" : `${state.masked ? "" : "= "}a = ${sumAt(k)}`;
  const ones = order.slice(0, step).filter((column, each) => net.factor(each, row.pixels[column])).length;
  byId("a-said").textContent = connected ? "Every pixel is in this sum, also the one that is asked about."
    : step === 0 ? "Nothing is added yet: the sum begins with b. It is used from pixel 2 on."
    : `The sum of b and ${ones} column${ones === 1 ? "" : "s"}, for pixels ` +
      (USUALLY_ON === 0 ? "that are on." : USUALLY_ON === n ? "that are off." : "with their rarer value.");
  strip(byId("strip-a"), now.a, bySign, unit, `The sum a, ${wide} numbers from ${number(Math.min(...now.a))} to ${number(Math.max(...now.a))}`);
  const first = step === 0 && !connected;
  byId("h-name").innerHTML = first ? `${sub("h", 1)}, a parameter` : connected ? "h = σ(a)" : `${sub("h", k)} = ${relu ? "max(a, 0)" : "σ(a)"}`;
  byId("h-said").textContent = first
    ? `Only for pixel 1 h is not computed from a: there is nothing to look at yet. Training chose these ${wide} numbers.`
    : connected ? "The same numbers serve all outputs. Every pixel went into them."
    : `All it remembers of ${step === 1 ? "pixel 1" : `pixels 1 to ${step}`}: ${wide} numbers${relu ? "" : " from 0 to 1"}.`;
  const highest = relu ? Math.max(1e-9, ...now.h) : 1;
  strip(byId("strip-h"), now.h, (found) => share(Math.min(1, Math.max(0, found / highest))), unit, `The hidden units h, ${wide} numbers`);
  const heaviest = Math.max(...products.map(Math.abs));
  byId("v-name").innerHTML = `<span>${sub("V", k)} ⊙ ${connected ? "<i>h</i>" : sub("h", k)},</span> unit by unit: the votes`;
  byId("v-said").textContent = `Blue votes for on, orange for off. The votes add up to ${number(now.y - now.c)}.`;
  strip(byId("strip-v"), products, (found) => signed(found, heaviest), unit, `The votes of ${wide} units, which add up to ${number(now.y - now.c)}`);
  for (const [name, end] of [["sum", most], ["vote", heaviest]]) {
    byId(`${name}-low`).textContent = number(-end, 1 + (end < 1));
    byId(`${name}-high`).textContent = number(end, 1 + (end < 1));
  }
  byId("h-high").textContent = relu ? number(highest, 1) : "1";
  showUnit(unit, now, products, first);
}

// Why the column of a pixel is added, or is not.
function columnSaid(step, now) {
  const pixel = state.leaks ? now.bit : row.pixels[now.previous];
  const then = now.bit ? "its column of W is added." : "nothing is added.";
  if (state.leaks) {
    const waits = state.painted[now.previous] < 0;
    return `Pixel ${step + 1} ${waits ? "is not drawn yet and goes in as" : "is"} ${nameOf(pixel)}, so x = ${pixel}: ${then}`;
  }
  if (!data.flipped[now.previous]) return `Pixel ${step} is ${nameOf(pixel)}, so x = ${pixel}: ${then}`;
  return `Pixel ${step} is ${nameOf(pixel)}: x = ${pixel}. It is usually on, so 1 − x = ${now.bit} counts: ${then}`;
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
  const cooled = now.y / state.temperature;
  const p = sigmoid(cooled);
  byId("y-name").innerHTML = `<span>y = ${sub("V", k)} ${state.leaks ? "<i>h</i>" : sub("h", k)} + ${sub("c", k)}</span>`;
  byId("y-said").innerHTML = `${number(now.y - now.c)} ${plus(now.c)} = <b>${number(now.y)}</b>`;
  const warmth = state.temperature === 1 ? "y" : `y / ${state.temperature.toFixed(1)}`;
  const given = step ? ` | ${sub("x", `&lt;${k}`)}` : "";
  byId("p-name").innerHTML = state.leaks ? `output ${k} = σ(${warmth})`
    : `<span>p(${sub("x", k)} = 1${given})</span> <span>= σ(${warmth})</span>`;
  const willBe = Number(u < p);
  const decision = painted >= 0
    ? `Known: ${nameOf(painted)}, nothing is drawn.`
    : `The seed gives u = ${u.toFixed(3)}, which is ${u < p ? "" : "not "}below it. So Step will draw x = ${willBe}: <b>${nameOf(willBe)}</b>.`;
  byId("p-said").innerHTML = `σ(${number(cooled)}) ${chance(p)}. ${decision}`;
  byId("chance-p").style.width = `${100 * p}%`;
  byId("chance-u").style.left = `${100 * u}%`;
  byId("chance-u").hidden = painted >= 0;
  showSum(step, painted >= 0);
}

// A sum of logarithms in both units, which are said.
function inUnits(total) {
  const nats = `<b>${number(total)} nats</b>`;
  return state.leaks ? `${nats} (no log-probability)`
    : `${nats} (natural logarithm), or ${number(total / Math.LN2)} bits (base 2)`;
}

// log p of the pixels so far and of the framed one.
function showSum(step, isKnown) {
  const k = step + 1;
  const before = row.logs.slice(0, step).reduce((sum, each) => sum + each, 0);
  const name = state.leaks ? "output" : "p";
  const one = seenPixel(step) ? name : `(1 − ${name})`;
  const place = isKnown ? "" : state.leaks ? ", as off" : ", as Step will draw it";
  byId("log-name").innerHTML = state.leaks ? "Σ log of the outputs"
    : `log p(${step ? `${sub("x", 1)} … ` : ""}${sub("x", k)})`;
  byId("log-said").innerHTML = (step ? `So far ${number(before)}. ` : "") +
    `This pixel adds log ${one} = ${number(row.logs[step])}${place}. Together ${inUnits(before + row.logs[step])}.`;
  showSurprise(step + 1);
}

// The pixel of a step that counts in log p.
const seenPixel = (step) => (state.leaks ? seen() : row.pixels)[order[step]];

function showSurprise(until) {
  const bits = row.logs.map((each) => -each / Math.LN2);
  const most = Math.max(...bits.slice(0, until));
  const at = bits.indexOf(most) + 1;
  bars(byId("surprise"), bits, until, `Surprise of each pixel so far, in bits; the largest is ${number(most, 1)}`);
  byId("surprise-said").textContent = "A bar for each pixel so far: how surprising its value was, in bits. " +
    `That is −log₂ p if it is on, and −log₂ (1 − p) if it is off. The most surprising: pixel ${at}, ${number(most, 1)} bits.` +
    (state.temperature === 1 ? "" : " log p and the bars are those of temperature 1.");
}

// What log p of the whole picture may be compared with.
function showYardstick(done) {
  const { trained } = data;
  byId("yardstick").hidden = !done || state.leaks;
  const known = trained ? `mean of ${number(trained.valid_rows, 0)} pictures held out from training ${number(-trained.valid_nats, 1)}; ` +
    `pixels that do not depend on each other ${number(-trained.independent_nats, 1)}; ` : "";
  byId("yardstick").textContent = `For comparison, in nats: ${known}every pixel on with probability one half ${number(-n * Math.LN2, 1)}.`;
}

function showEnd() {
  byId("numbers-title").textContent = state.leaks ? `The connected network’s ${n} outputs` : `All ${n} pixels are decided`;
  byId("numbers-said").innerHTML = state.leaks
    ? "Each output was told its own pixel. Their product is no probability of the picture."
    : `Drawn from nothing, exactly this picture comes once in 2<sup>${number(-row.total / Math.LN2, 0)}</sup> draws. Play another, or paint.`;
  byId("log-name").innerHTML = state.leaks ? "Σ log of the outputs" : "log p(x)";
  byId("log-said").innerHTML = `All pixels together: ${inUnits(row.total)}.`;
  showSurprise(n);
}
