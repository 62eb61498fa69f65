// What NADE is compared with: sums that are not kept, and a network that sees every pixel.

// How many times as many multiplications masked sums take as kept ones.
const ratio = () => number((n + 1) / 2, n % 2 ? 0 : 1);

function showCounts() {
  const steps = state.step;
  const counts = { reused: 2 * d * steps, masked: (n + 1) * d * steps };
  for (const line of byId("counts").children) {
    const [, { children: [bar, text] }] = line.children;
    bar.style.width = `${Math.max(0.5, (60 * counts[line.dataset.way]) / Math.max(1, counts.masked))}%`;
    text.textContent = number(counts[line.dataset.way], 0);
    line.classList.toggle("chosen", (line.dataset.way === "masked") === state.masked);
  }
  byId("ways").disabled = state.leaks;
  const whole = (each) => number(each, 0);
  byId("counts-said").textContent = `Both give the same probabilities. They differ in work. ${state.leaks
    ? `NADE would have multiplied, up to this pixel:` : "Multiplications up to this pixel:"}`;
  byId("ways-said").textContent = state.leaks
    ? "The connected network has no sum to keep: it computes all outputs at once, from all pixels."
    : `Each pixel takes ${d} for its votes V h. Kept, ${d} more multiply the one column that is new, even by 0: ` +
      `${d} + ${d} = ${whole(2 * d)}. Masked, the columns of all ${n} pixels are multiplied again: ` +
      `${n} · ${d} + ${d} = ${whole((n + 1) * d)}, ${ratio()} times as many. ` +
      `All ${n} pixels: ${whole(2 * d * n)} against ${whole((n + 1) * d * n)}.`;
}

function timeBoth() {
  const { pixels } = row;
  const seconds = (work) => {
    const began = performance.now();
    let times = 0;
    while (times < 3 || (performance.now() - began < 40 && times < 1000)) {
      work();
      times += 1;
    }
    return (performance.now() - began) / times;
  };
  const [kept, masked] = [net.logits(pixels), net.maskedLogits(pixels)];
  const apart = Math.max(...kept.map((each, step) => Math.abs(each - masked[step])));
  const [quick, slow] = [seconds(() => net.logits(pixels)), seconds(() => net.maskedLogits(pixels))];
  byId("timed").textContent = `The whole picture, on this machine: kept ${number(quick)} ms, masked ${number(slow)} ms, ` +
    `${number(slow / quick, 0)} times as long. ` +
    (slow / quick < (n + 1) / 2 ? `That is less than ${ratio()}, because memory and loops take time, too. ` : "") + (apart ? `The results differ by ${apart.toExponential(0)} at most.` : "The results are the same.");
}

// Where the steps begin that NADE is least sure of, all together.
function widest(pixels) {
  const open = net.logits(pixels).map((y) => sigmoid(y) * sigmoid(-y));
  const sums = Array.from({ length: n - NEXT + 1 }, (_, from) => open.subarray(from, from + NEXT).reduce((sum, each) => sum + each));
  return sums.indexOf(Math.max(...sums));
}

// The picture so far and what NADE makes of it: one picture, whichever network draws.
function finished() {
  return complete(net.walkTo(state.step, row.pixels), state.painted, row.pixels, state.seed, state.temperature);
}

function showLeak() {
  const pixels = finished();
  const nats = { nade: -net.logProb(pixels), dense: -total(logsOf(dense.logits(pixels), pixels)) };
  for (const line of byId("leak-bars").children) {
    const [, { children: [bar, text] }] = line.children;
    bar.style.width = `${(60 * nats[line.dataset.network]) / Math.max(nats.nade, nats.dense, 1)}%`;
    text.textContent = `${number(nats[line.dataset.network])} nats`;
    line.classList.toggle("chosen", (line.dataset.network === "dense") === state.leaks);
  }
  byId("leak-said").textContent = state.leaks
    ? "Its loss is small, because each output copies its own pixel. It draws almost nothing for the same reason: a pixel that is " +
      "not drawn yet must go in as something, here as off, and its output says off again. " +
      (state.step < n ? "Play, and see." : "Clear and let it draw, and see.")
    : "A fully connected network has a smaller loss. Yet it has no probability of a picture: each output reads its own pixel and " +
      "copies it. Choose it beside Speed: the picture stays as it is. Then let that network draw one.";
  byId("scored-said").textContent = "The loss that training makes small, −Σ log of the outputs, in nats (natural logarithms), " + (state.step < n
    ? "for one picture: the pixels so far, and the rest as NADE draws it with this seed."
    : "for the finished picture.");
  showTold(pixels);
  const from = widest(pixels);
  const next = order.slice(from, from + NEXT);
  const start = net.walkTo(from, pixels);
  const sums = {
    nade: sumOver(next, pixels, (each) => {
      const walk = start.copy();
      return next.map((column) => {
        const y = walk.logit();
        walk.learn(each[column]);
        return y;
      });
    }),
    dense: sumOver(next, pixels, (each) => {
      const h = dense.sums(each).map(sigmoid);
      return next.map((column) => dense.logit(column, h));
    }),
  };
  const ways = 2 ** NEXT;
  byId("sum-said").textContent = `A test. Keep all other pixels. Fill pixels ${from + 1} to ${from + NEXT}, of which NADE is least ` +
    `sure, in all ${ways} ways, and multiply their ${NEXT} outputs each time. Given what comes before, one of these ways ` +
    `must happen, so the ${ways} products must add up to 1. NADE’s add up to ${number(sums.nade, 4)}, the connected network’s ` +
    `add up to ${number(sums.dense, 1)}.`;
}

// What both networks say of one pixel, told that it is off and told that it is on. It is the pixel
// of this picture for which that makes the largest difference to the connected network.
function showTold(pixels) {
  const a = dense.sums(pixels);
  const both = order.map((column) => [0, 1].map((pixel) => chanceOf(dense.told(column, pixel - pixels[column], a))));
  const gains = both.map(([off, on]) => on - off);
  const step = gains.indexOf(Math.max(...gains));
  const own = chanceOf(net.walkTo(step, pixels).logit()); // whatever the pixel is
  const found = { nade: [own, own], dense: both[step] };
  byId("told-said").textContent = `The probability of “on” for pixel ${step + 1}, the one that the connected network copies most:`;
  for (const line of byId("told").tBodies[0].rows) {
    const name = line.dataset.network;
    found[name].forEach((p, at) => (line.cells[at + 1].textContent = percent(p)));
    line.classList.toggle("chosen", (name === "dense") === state.leaks);
  }
}
