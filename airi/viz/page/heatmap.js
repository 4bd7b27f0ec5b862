// Tensors as pictures: blue below zero, red above, in the same scale for a whole tensor.
const NAN_COLOUR = [158, 60, 200];
const INFINITE_COLOUR = [224, 164, 0];
const LIGHT = { zero: [247, 247, 245], low: [33, 102, 172], high: [178, 24, 43] };
const DARK = { zero: [38, 42, 50], low: [92, 172, 238], high: [244, 109, 92] };

function valuesOf(tensor) {
  if (!tensor.values) {
    const raw = Uint8Array.from(atob(tensor.data), (letter) => letter.charCodeAt(0));
    tensor.values = new Float32Array(raw.buffer);
  }
  return tensor.values;
}

function colourOf(value, scale, palette) {
  if (Number.isNaN(value)) return NAN_COLOUR;
  if (!Number.isFinite(value)) return INFINITE_COLOUR;
  const strength = scale > 0 ? Math.min(1, Math.abs(value) / scale) ** 0.7 : 0;
  const end = value < 0 ? palette.low : palette.high;
  return palette.zero.map((from, i) => Math.round(from + (end[i] - from) * strength));
}

const [WIDTH, HEIGHT] = [372, 300]; // of a picture in the panel, in pixels, at most

// Where the cells of a tensor are on its canvas.
function measured(tensor) {
  const [rows, columns] = tensor.cells ?? tensor.shape;
  const [down, across] = tensor.grid ?? [1, 1];
  const gap = down * across > 1 ? 3 : 0;
  const wide = (WIDTH - gap * (across - 1)) / Math.max(1, columns * across);
  const high = (HEIGHT - gap * (down - 1)) / Math.max(1, rows * down);
  const cell = Math.max(2, Math.min(22, Math.floor(wide), Math.floor(high)));
  const step = { x: columns * cell + gap, y: rows * cell + gap };
  return {
    rows, columns, down, across, gap, cell, step,
    width: Math.max(1, across * step.x - gap), height: Math.max(1, down * step.y - gap),
  };
}

function paint(canvas, tensor, dark) {
  const place = measured(tensor);
  const sharp = Math.max(1, Math.ceil(window.devicePixelRatio || 1));
  canvas.width = place.width * sharp;
  canvas.height = place.height * sharp;
  canvas.style.width = `${place.width}px`;
  const context = canvas.getContext("2d");
  context.scale(sharp, sharp);
  const values = valuesOf(tensor);
  const scale = Math.max(Math.abs(Number(tensor.stats[0])), Math.abs(Number(tensor.stats[1])));
  const palette = dark ? DARK : LIGHT;
  const line = place.cell > 5 ? 1 : 0;
  for (let i = 0; i < values.length; i += 1) {
    const [x, y] = cornerOf(i, place);
    context.fillStyle = `rgb(${colourOf(values[i], scale, palette).join(",")})`;
    context.fillRect(x, y, place.cell - line, place.cell - line);
  }
}

function cornerOf(i, place) {
  const inTile = place.rows * place.columns;
  const tile = Math.floor(i / inTile);
  const row = Math.floor((i % inTile) / place.columns);
  const column = i % place.columns;
  return [
    (tile % place.across) * place.step.x + column * place.cell,
    Math.floor(tile / place.across) * place.step.y + row * place.cell,
  ];
}

// The index in the whole tensor of the value at a point of the canvas, and the value.
function valueAt(tensor, x, y) {
  const place = measured(tensor);
  const across = Math.floor(x / place.step.x);
  const down = Math.floor(y / place.step.y);
  const column = Math.floor((x - across * place.step.x) / place.cell);
  const row = Math.floor((y - down * place.step.y) / place.cell);
  if (row < 0 || column < 0 || row >= place.rows || column >= place.columns) return null;
  const tile = down * place.across + across;
  const i = (tile * place.rows + row) * place.columns + column;
  const values = valuesOf(tensor);
  if (across >= place.across || !(i < values.length)) return null;
  const shape = tensor.shape;
  if (shape.length === 0) return { index: [], value: values[i] };
  if (shape.length === 1) {
    return { index: [Math.floor((i * shape[0]) / values.length)], value: values[i] };
  }
  const index = [
    Math.floor((row * shape.at(-2)) / place.rows),
    Math.floor((column * shape.at(-1)) / place.columns),
  ];
  return { index: [...leading(shape, tile), ...index], value: values[i] };
}

// The index in all dimensions but the last two of the matrix that is number `tile`.
function leading(shape, tile) {
  const index = [];
  for (const size of shape.slice(0, -2).reverse()) {
    index.unshift(tile % size);
    tile = Math.floor(tile / size);
  }
  return index;
}
