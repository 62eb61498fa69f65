// The numbers of one step: from the sum a to the pixel that is drawn, and log p so far.

const sub = (name, at) => `<i>${name}</i><sub>${at}</sub>`;

function showNumbers() {
  const step = state.step;
  const done = step >= n;
  byId("numbers").parentElement.classList.toggle("ended", done);
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
  const relu = data.activation === "relu" && !connected;
  const showsMask = state.masked && !connected && step > 0;
  byId("line-masked").hidden = !showsMask;
  byId("line-before").hidden = connected || state.masked || step === 0;
  byId("line-column").hidden = !connected && (state.masked || step === 0);
  if (showsMask) {
    const side = Math.max(2, Math.floor(112 / data.width));
    pixels(byId("strip-masked"), data, n, side, (column) => css(stepOf[column] >= step ? colours.unknown
      : row.codes[column] ? colours.on : colours.off), order[step]);
    byId("strip-masked").setAttribute("aria-label", `${step} pixels go in, ${n - step} are masked`);
  }
  if (!byId("line-before").hidden) strip(byId("strip-before"), now.before, bySign, unit, `The sum before, ${wide} numbers`);
  if (!byId("line-column").hidden) {
    byId("column-name").innerHTML = connected ? `column of pixel ${k} <b>itself</b>` : `+ ${sub("x", k - 1)} · column of pixel ${k - 1}`;
    strip(byId("strip-column"), now.column, (found) => (now.bit ? bySign(found) : mixed(colours.card, colours.line, 0.6)), unit,
      now.bit ? "The column of weights that was added" : "Nothing was added");
    const waits = connected && state.painted[now.previous] < 0;
    byId("column-said").textContent = `Pixel ${connected ? k : k - 1} ${waits ? "is not drawn yet and goes in as" : "is"} ` +
      `${nameOf(value(now.previous, now.bit))}, so x = ${now.bit}: ` + (now.bit ? "its column of W is added." : "nothing is added.");
  }
  byId("a-name").innerHTML = connected ? "a = b + Σ over all pixels of W x"
    : step === 0 ? "a = b" : `${state.masked ? "" : "= "}a = b + Σ<sub>j&lt;${k}</sub> W<sub>j</sub> x<sub>j</sub>`;
  const ones = order.slice(0, step).filter((each) => row.codes[each]).length;
  byId("a-said").textContent = connected ? "Every pixel is in this sum, also the one that is asked about."
    : step === 0 ? "Nothing is added yet: the sum begins with b. It is used from pixel 2 on."
    : `The sum of b and of ${ones} column${ones === 1 ? "" : "s"}: one for each x = 1 so far.`;
  strip(byId("strip-a"), now.a, bySign, unit, `The sum a, ${wide} numbers from ${number(Math.min(...now.a))} to ${number(Math.max(...now.a))}`);
  const first = step === 0 && !connected;
  byId("h-name").innerHTML = first ? `${sub("h", 1)}, a parameter` : connected ? "h = σ(a)" : `${sub("h", k)} = ${relu ? "max(a, 0)" : "σ(a)"}`;
  byId("h-said").textContent = first
    ? `Only for pixel 1 h is not computed from a: there is nothing to look at yet. Training chose these ${wide} numbers.`
    : connected ? "The same numbers serve all outputs. Every pixel went into them."
    : `What the network remembers of the first ${step === 1 ? "pixel" : `${step} pixels`}: ${wide} numbers${relu ? "" : " between 0 and 1"}, and nothing else.`;
  const highest = relu ? Math.max(1e-9, ...now.h) : 1;
  strip(byId("strip-h"), now.h, (found) => share(Math.min(1, Math.max(0, found / highest))), unit, `The hidden units h, ${wide} numbers`);
  byId("v-name").innerHTML = `<span>${sub("V", k)} · h</span>`;
  byId("v-said").textContent = `Each unit votes: blue for x = 1, orange for x = 0. The votes add up to ${number(now.y - now.c)}.`;
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
  const cooled = now.y / state.temperature;
  const p = sigmoid(cooled);
  byId("y-name").innerHTML = `<span>y = ${sub("V", k)} h + ${sub("c", k)}</span>`;
  byId("y-said").innerHTML = `${number(now.y - now.c)} ${plus(now.c)} = <b>${number(now.y)}</b>`;
  const warmth = state.temperature === 1 ? "y" : `y / ${state.temperature}`;
  byId("p-name").innerHTML = state.leaks ? `output ${k} = σ(${warmth})`
    : `<span>p(${sub("x", k)} = 1 | ${sub("x", `&lt;${k}`)})</span> <span>= σ(${warmth})</span>`;
  const means = data.flipped[column] ? ` (here x = 1 is off, so on has ${percent(1 - p)})` : "";
  const willBe = Number(u < p);
  const decision = painted >= 0
    ? `Known: ${nameOf(painted)}, nothing is drawn.`
    : `A random number u = ${u.toFixed(3)}, by the seed, is ${u < p ? "" : "not "}below it. So Step will draw x = ${willBe}: <b>${nameOf(value(column, willBe))}</b>.`;
  byId("p-said").innerHTML = `σ(${number(cooled)}) = <b>${p.toFixed(3)}</b>${means}. ${decision}`;
  byId("chance-p").style.width = `${100 * p}%`;
  byId("chance-u").style.left = `${100 * u}%`;
  byId("chance-u").hidden = painted >= 0;
  showSum(step, painted >= 0);
}

// log p of the pixels so far and of the framed one.
function showSum(step, isKnown) {
  const k = step + 1;
  const before = row.logs.slice(0, step).reduce((sum, each) => sum + each, 0);
  const total = before + row.logs[step];
  const name = state.leaks ? "output" : "p";
  const one = seenCode(step) ? name : `(1 − ${name})`;
  const place = isKnown ? "" : state.leaks ? ", as off" : ", as Step will draw it";
  const unit = state.leaks ? "no log-probability" : `${number(total / Math.LN2)} bits`;
  byId("log-name").innerHTML = state.leaks ? "Σ log of the outputs" : `log p(${sub("x", 1)} … ${sub("x", k)})`;
  byId("log-said").innerHTML = `So far ${number(before)}. This pixel adds log ${one} = ${number(row.logs[step])}${place}. ` +
    `Together <b>${number(total)} nats</b> (${unit}).`;
  showSurprise(step + 1);
}

// The code of the pixel of a step that counts in log p.
const seenCode = (step) => (state.leaks ? seen() : row.codes)[order[step]];

function showSurprise(until) {
  const bits = row.logs.map((each) => -each / Math.LN2);
  const most = Math.max(...bits.slice(0, until));
  const at = bits.indexOf(most) + 1;
  bars(byId("surprise"), bits, until, `Surprise of each pixel so far, in bits; the largest is ${number(most, 1)}`);
  byId("surprise-said").textContent = "A bar for each pixel so far: how surprising its value was, in bits. " +
    `That is −log₂ p of an x = 1, and −log₂ (1 − p) of an x = 0. The most surprising: pixel ${at}, ${number(most, 1)} bits.` +
    (state.temperature === 1 ? "" : " log p and the bars are those of temperature 1.");
}

// What log p of the whole picture may be compared with.
function showYardstick(done) {
  const { trained } = data;
  byId("yardstick").hidden = !done || state.leaks;
  const known = trained ? `mean of ${number(trained.valid_rows, 0)} pictures held out from training ${number(-trained.valid_nats, 1)}; ` +
    `pixels that do not depend on each other ${number(-trained.independent_nats, 1)}; ` : "";
  byId("yardstick").textContent = `For comparison, in nats: ${known}a fair coin for each pixel ${number(-n * Math.LN2, 1)}.`;
}

function showEnd() {
  const bits = row.total / Math.LN2;
  byId("numbers-title").textContent = state.leaks ? `The connected network’s ${n} outputs` : `All ${n} pixels are decided`;
  byId("numbers-said").innerHTML = state.leaks
    ? "Each output was told its own pixel. Their product is no probability of the picture."
    : `If nothing is known, the network draws exactly this picture once in 2<sup>${number(-bits, 0)}</sup> times. Play another, or paint.`;
  byId("log-name").innerHTML = state.leaks ? "Σ log of the outputs" : "log p(x)";
  byId("log-said").innerHTML = `All pixels together: <b>${number(row.total)} nats</b> ` +
    `(${state.leaks ? "no log-probability" : `${number(bits)} bits`}).`;
  showSurprise(n);
}
