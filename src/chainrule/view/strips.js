// Canvases: strips of units, maps of pixels, bars of surprise. Colours are those of the style.

const style = getComputedStyle(frame);
let colours = {};

function rgb(name) {
  const hex = style.getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// Reads the colours again, as when the reader changes from light to dark.
function readColours() {
  const names = ["paper", "card", "on", "off", "drawn-on", "drawn-off", "unknown", "below", "above", "frame", "line", "ink", "soft"];
  colours = Object.fromEntries(names.map((name) => [name, rgb(`--${name}`)]));
}

const css = ([red, green, blue]) => `rgb(${red | 0} ${green | 0} ${blue | 0})`;
const mixed = (from, to, share) => css(from.map((each, at) => each + (to[at] - each) * share));
// The root makes small numbers visible beside large ones.
const signed = (value, most) => mixed(colours.off, value < 0 ? colours.below : colours.above,
  Math.sqrt(Math.min(1, Math.abs(value) / (most || 1))));
const share = (value) => mixed(colours.off, colours.on, value);

// A canvas of this size in CSS pixels, sharp on any screen.
function sized(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide;
    canvas.height = high;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}

// Squares of a strip: as large as its width allows in few rows.
function layout(width, count) {
  for (let rows = 1; ; rows++) {
    const across = Math.ceil(count / rows);
    const side = Math.min(22, Math.floor(width / across));
    if (side >= (rows < 4 ? 12 : rows < 9 ? 8 : 5) || across === 1) return { across, rows, side };
  }
}

// One square a unit. `marked` is outlined; the label tells those who cannot see it.
function strip(canvas, values, colourOf, marked, label) {
  const { across, rows, side } = layout(canvas.parentElement.clientWidth, values.length);
  const pen = sized(canvas, across * side, rows * side);
  canvas.across = across;
  canvas.side = side;
  values.forEach((value, at) => {
    pen.fillStyle = colourOf(value, at);
    pen.fillRect((at % across) * side, Math.floor(at / across) * side, side - 1, side - 1);
  });
  if (marked >= 0) {
    const [x, y] = [(marked % across) * side, Math.floor(marked / across) * side];
    for (const [colour, inset] of [[colours.ink, 1], [colours.card, 2.5]]) {
      pen.strokeStyle = css(colour);
      pen.lineWidth = inset < 2 ? 2 : 1;
      pen.strokeRect(x + inset, y + inset, side - 1 - 2 * inset, side - 1 - 2 * inset);
    }
  }
  canvas.setAttribute("aria-label", label);
}

// A picture of pixels, each in its colour, with a frame around one.
function picture(canvas, { height, width }, count, side, colourOf, framed) {
  const pen = sized(canvas, width * side, height * side);
  const gap = width <= 20 && side > 4 ? 1 : 0;
  for (let at = 0; at < count; at++) {
    pen.fillStyle = colourOf(at);
    pen.fillRect((at % width) * side, Math.floor(at / width) * side, side - gap, side - gap);
  }
  if (framed >= 0) {
    const line = side > 8 ? 3 : 2;
    pen.strokeStyle = css(colours.frame);
    pen.lineWidth = line;
    pen.strokeRect((framed % width) * side - gap / 2, Math.floor(framed / width) * side - gap / 2, side, side);
  }
}

// Bars, one a step, as high as their value; those at and after `until` are faint.
function bars(canvas, values, until, label) {
  const width = canvas.parentElement.clientWidth;
  const high = 56;
  const pen = sized(canvas, width, high);
  const each = width / values.length;
  const most = Math.max(1, ...values);
  values.forEach((value, at) => {
    if (at >= until) return;
    const tall = Math.max(1, (value / most) * (high - 2));
    pen.fillStyle = css(colours["drawn-on"]);
    pen.fillRect(at * each, high - tall, Math.max(1, each - (each > 3 ? 1 : 0)), tall);
  });
  pen.fillStyle = css(colours.line);
  pen.fillRect(0, high - 1, width, 1);
  pen.fillRect(0, 0, width, 1);
  pen.fillStyle = css(colours.soft);
  pen.font = "11px system-ui, sans-serif";
  pen.fillText(`${most.toFixed(1)} bits`, 0, 12);
  canvas.setAttribute("aria-label", label);
}
