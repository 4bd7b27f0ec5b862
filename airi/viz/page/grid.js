// Matrices as pictures with numbers, and as small tables.

// The line between cells, which small ones do without.
const gapOf = (cell) => (cell > 13 ? 1 : 0);

// Paints rows × columns `values`; `options`: cell (pixels), scale, grey, faded(i), fade
// (how much of faded cells is seen), numbers, and rgb (three planes of values in place of one). Returns the context for what is drawn over it.
function paintGrid(canvas, values, rows, columns, options) {
  const { cell } = options;
  options.palette = isDark() ? DARK : LIGHT;
  const sharp = Math.max(1, Math.ceil(window.devicePixelRatio || 1));
  canvas.width = columns * cell * sharp;
  canvas.height = rows * cell * sharp;
  canvas.style.width = `${columns * cell}px`;
  const context = canvas.getContext("2d");
  context.scale(sharp, sharp);
  const line = gapOf(cell);
  if (!line) {
    context.imageSmoothingEnabled = false;
    context.drawImage(asImage(values, rows, columns, options), 0, 0, columns * cell, rows * cell);
    return context;
  }
  for (let i = 0; i < rows * columns; i += 1) {
    const x = (i % columns) * cell;
    const y = Math.floor(i / columns) * cell;
    const colour = colourAt(values, i, options);
    context.globalAlpha = opacityAt(i, options);
    context.fillStyle = `rgb(${colour.join(",")})`;
    context.fillRect(x, y, cell - line, cell - line);
    context.globalAlpha = 1;
    if (options.numbers) number(context, values[i], x + cell / 2, y + cell / 2, cell, colour);
  }
  return context;
}

const opacityAt = (i, { faded, fade }) => (faded && faded(i) ? fade ?? 0.16 : 1);

// One pixel for each cell: many cells are painted at once when no line is between them.
function asImage(values, rows, columns, options) {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  for (let i = 0; i < rows * columns; i += 1) {
    image.data.set(colourAt(values, i, options), 4 * i);
    image.data[4 * i + 3] = 255 * opacityAt(i, options);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

function colourAt(values, i, { scale, grey, rgb, palette }) {
  if (rgb) return rgb.map((plane) => Math.round(255 * plane[i]));
  if (grey) return Array(3).fill(Math.round(255 * values[i]));
  return colourOf(values[i], scale, palette ?? (isDark() ? DARK : LIGHT));
}

function number(context, value, x, y, cell, colour) {
  const text = short(value);
  context.fillStyle = inkOn(colour);
  context.font = `${Math.min(15, cell / 3.3)}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, x, y, cell - 2);
}

// Black or white, whichever has the greater contrast: never less than 4.5 to 1.
function inkOn(colour) {
  const [red, green, blue] = colour.map((value) => (value / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000" : "#fff";
}

// A number in few letters, for a cell, and with the sign that a minus is.
function short(value) {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size >= 1e4) return told(value, 2);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return told(Number(value.toFixed(digits)) || 0, 4);
}

function told(value, digits = 4) {
  return written(value, digits).replace("-", "−");
}

function greatest(values) {
  let most = 0;
  for (const each of values) if (Math.abs(each) > most) most = Math.abs(each);
  return most;
}

// A small table of numbers on the colours of the heat-maps.
function gridTable(parent, caption, values, columns, options) {
  const figure = made("figure", "", undefined, parent);
  made("figcaption", "", caption, figure);
  const table = made("table", "grid", undefined, figure);
  for (let from = 0; from < values.length; from += columns) {
    const row = made("tr", "", undefined, table);
    for (let i = from; i < from + columns; i += 1) {
      const cell = made("td", "", short(values[i]), row);
      const colour = colourAt(values, i, options);
      cell.style.backgroundColor = `rgb(${colour.join(",")})`;
      cell.style.color = inkOn(colour);
      if (options.outside && options.outside(i)) cell.className = "outside";
    }
  }
}
