// NADE's recursion over pixels, in float64, as ops/nade/reference.py has it. Steps count from 0, and
// pixels are 1 if they are on. The weights V and c give the logit of on. W is that of the model, in
// which some columns are coded the other way: their pixels add their column of W if they are off.

function floats({ bits, base64 }) {
  const { buffer } = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  if (bits === 64) return new Float64Array(buffer);
  if (bits === 32) return Float64Array.from(new Float32Array(buffer));
  // The upper halves of floats of 32 bits.
  const upper = Uint32Array.from(new Uint16Array(buffer), (half) => half << 16);
  return Float64Array.from(new Float32Array(upper.buffer));
}

// Consecutive parts of an array, of these lengths.
function parts(values, lengths) {
  let at = 0;
  return lengths.map((length) => values.subarray(at, (at += length)));
}

const sigmoid = (y) => 1 / (1 + Math.exp(-y));
const logSigmoid = (y) => (y >= 0 ? -Math.log1p(Math.exp(-y)) : y - Math.log1p(Math.exp(y)));
const logOf = (y, pixel) => logSigmoid(pixel ? y : -y); // log p(pixel) by the logit y of on

// A number between 0 and 1 that depends on the seed and the step alone.
function uniform(seed, step) {
  let bits = Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca77);
  for (const factor of [0x2c1b3c6d, 0x297a2d39, 0x7feb352d]) {
    bits = Math.imul(bits ^ (bits >>> 16), factor);
  }
  return (((bits ^ (bits >>> 15)) >>> 0) + 0.5) / 2 ** 32;
}

class Nade {
  constructor({ order, hidden, activation, weights, flipped }) {
    this.order = order; // order[k] is the column of step k
    this.flipped = flipped; // by column: 1 if a pixel adds its column of W when it is off
    this.n = order.length;
    this.d = hidden;
    this.act = activation === "relu" ? (a) => Math.max(a, 0) : sigmoid;
    const lengths = [this.n * hidden, hidden, hidden, this.n * hidden, this.n];
    [this.W, this.b, this.first, this.V, this.c] = parts(floats(weights), lengths);
  }

  // What the column of W of a step is multiplied by: x, or 1 − x.
  factor(step, pixel) {
    return pixel ^ this.flipped[this.order[step]];
  }

  inputs(step) {
    return this.W.subarray(this.order[step] * this.d, (this.order[step] + 1) * this.d);
  }

  outputs(step) {
    return this.V.subarray(this.order[step] * this.d, (this.order[step] + 1) * this.d);
  }

  // The logit of on at a step: V_k h + c_k.
  logit(step, h) {
    const V = this.outputs(step);
    let y = this.c[this.order[step]];
    for (let unit = 0; unit < this.d; unit++) y += V[unit] * h[unit];
    return y;
  }

  // The walk that has learned the first steps of a row.
  walkTo(step, pixels) {
    const walk = new Walk(this);
    while (walk.step < step) walk.learn(pixels[this.order[walk.step]]);
    return walk;
  }

  // The logits of all steps; later pixels change no earlier one.
  logits(pixels) {
    const found = new Float64Array(this.n);
    const walk = new Walk(this);
    for (let step = 0; step < this.n; step++) {
      found[step] = walk.logit();
      walk.learn(pixels[this.order[step]]);
    }
    return found;
  }

  // The same logits by masking: each sum is computed from all columns, of which later ones are
  // multiplied by 0.
  maskedLogits(pixels) {
    return Float64Array.from({ length: this.n }, (_, step) => this.logit(step, this.maskedHidden(step, pixels)));
  }

  maskedHidden(step, pixels) {
    if (step === 0) return this.first;
    const a = Float64Array.from(this.b);
    for (let each = 0; each < this.n; each++) {
      const masked = each < step ? this.factor(each, pixels[this.order[each]]) : 0;
      const W = this.inputs(each);
      for (let unit = 0; unit < this.d; unit++) a[unit] += masked * W[unit];
    }
    return a.map(this.act);
  }

  logProb(pixels) {
    return this.logits(pixels).reduce((sum, y, step) => sum + logOf(y, pixels[this.order[step]]), 0);
  }
}

// The sum a over the pixels learned so far, kept from step to step.
class Walk {
  constructor(net) {
    this.net = net;
    this.step = 0;
    this.a = Float64Array.from(net.b);
    this.h = net.first;
  }

  copy() {
    const made = Object.create(Walk.prototype);
    return Object.assign(made, this, { a: Float64Array.from(this.a) });
  }

  logit() {
    this.h ??= this.a.map(this.net.act);
    return this.net.logit(this.step, this.h);
  }

  // A factor of 0 adds nothing, so that the hidden units stay as they are after the first step.
  learn(pixel) {
    const adds = this.net.factor(this.step, pixel);
    if (adds) {
      const W = this.net.inputs(this.step);
      for (let unit = 0; unit < W.length; unit++) this.a[unit] += W[unit];
    }
    if (adds || this.step === 0) this.h = null;
    this.step += 1;
  }
}

// The pixels of a whole picture: those of `fixed`, where they are no -1; others are drawn after the walk.
// `each` is told the step and the logit of every step that the walk has yet to make.
function complete(walk, fixed, pixels, seed, temperature, each) {
  const { net } = walk;
  const drawn = Int8Array.from(pixels);
  for (const rest = walk.copy(); rest.step < net.n; ) {
    const { step } = rest;
    const column = net.order[step];
    const y = rest.logit();
    if (each) each(step, y);
    drawn[column] = fixed[column] >= 0 ? fixed[column] : Number(uniform(seed, step) < sigmoid(y / temperature));
    rest.learn(drawn[column]);
  }
  return drawn;
}

// A fully connected network with one hidden layer: every output depends on every pixel.
class Dense {
  constructor({ hidden, weights }, n) {
    this.n = n;
    this.d = hidden;
    const lengths = [n * hidden, hidden, hidden * n, n];
    [this.E, this.b, this.D, this.c] = parts(floats(weights), lengths);
  }

  sums(pixels) {
    const a = Float64Array.from(this.b);
    for (let column = 0; column < this.n; column++) {
      if (pixels[column]) this.inputs(column).forEach((weight, unit) => (a[unit] += weight));
    }
    return a;
  }

  // The weights between a column and the hidden units.
  inputs(column) {
    return this.E.subarray(column * this.d, (column + 1) * this.d);
  }

  outputs(column) {
    return Float64Array.from({ length: this.d }, (_, unit) => this.D[unit * this.n + column]);
  }

  logit(column, h) {
    return this.outputs(column).reduce((sum, weight, unit) => sum + weight * h[unit], this.c[column]);
  }

  // The logit of a column whose own pixel differs by this much from that in the sums a.
  told(column, change, a) {
    const W = this.inputs(column);
    let y = this.c[column];
    for (let unit = 0; unit < this.d; unit++) y += this.D[unit * this.n + column] * sigmoid(a[unit] + change * W[unit]);
    return y;
  }

  // Logits by column.
  logits(pixels) {
    const h = this.sums(pixels).map(sigmoid);
    const y = Float64Array.from(this.c);
    for (let unit = 0; unit < this.d; unit++) {
      const V = this.D.subarray(unit * this.n, (unit + 1) * this.n);
      for (let column = 0; column < this.n; column++) y[column] += h[unit] * V[column];
    }
    return y;
  }

  // Draws pixel after pixel from a step on, as if this were a model. Until a pixel is drawn it goes
  // in as `pixels` has it, and its own output reads that.
  draw(order, from, fixed, pixels, seed, temperature) {
    const drawn = Int8Array.from(pixels);
    const a = this.sums(drawn);
    let h = a.map(sigmoid);
    for (let step = from; step < order.length; step++) {
      const column = order[step];
      if (fixed[column] >= 0) continue;
      const found = Number(uniform(seed, step) < sigmoid(this.logit(column, h) / temperature));
      if (found !== drawn[column]) {
        this.inputs(column).forEach((weight, unit) => (a[unit] += found ? weight : -weight));
        drawn[column] = found;
        h = a.map(sigmoid);
      }
    }
    return drawn;
  }
}

// Over all ways to fill these columns, the sum of the products of their probabilities, as the other
// pixels are. It is 1 for columns that follow each other in a density. `logitsOf` has the logits of
// the columns for a row.
function sumOver(columns, pixels, logitsOf) {
  const row = Int8Array.from(pixels);
  let total = 0;
  for (let pattern = 0; pattern < 2 ** columns.length; pattern++) {
    columns.forEach((column, bit) => (row[column] = (pattern >> bit) & 1));
    const y = logitsOf(row);
    total += Math.exp(columns.reduce((sum, column, at) => sum + logOf(y[at], row[column]), 0));
  }
  return total;
}
