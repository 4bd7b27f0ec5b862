// The convolution: a window that slides, what it sums, and where backward scatters gradients.
const [channels, height, width] = data.padded.shape;
const [filters, outHeight, outWidth] = data.output.shape;
const [, taken, kernelHeight, kernelWidth] = data.weight.shape; // taken: channels of a group
const [top_, , left] = data.pads;
const imageHeight = height - data.pads[0] - data.pads[1];
const imageWidth = width - data.pads[2] - data.pads[3];
const area = kernelHeight * kernelWidth;
const pixels = outHeight * outWidth;
const canBeColour = data.isPicture && channels === 3;
let isBackward = false;
let filter = 0;
let channel = 0; // within the filter's group
let inColour = canBeColour;

const padded = valuesOf(data.padded);
const weight = valuesOf(data.weight);
const output = valuesOf(data.output);
const gradOutput = valuesOf(data.gradOutput);

const firstChannel = () => Math.floor(filter / (filters / data.groups)) * taken;
const plane = (values, number, size) => values.subarray(number * size, (number + 1) * size);
const kernelOf = (c) => plane(weight, filter * taken + c, area);

// A window's places in the padded plane: those of the first one, moved by where it starts.
const taps = Array.from({ length: area }, (_, i) => (
  Math.floor(i / kernelWidth) * data.dilation[0] * width + (i % kernelWidth) * data.dilation[1]
));
const startOf = (at) => (
  Math.floor(at / outWidth) * data.stride[0] * width + (at % outWidth) * data.stride[1]
);
const windowOf = (at) => taps.map((tap) => startOf(at) + tap);

function isOutside(i) {
  const row = Math.floor(i / width) - top_;
  const column = (i % width) - left;
  return row < 0 || column < 0 || row >= imageHeight || column >= imageWidth;
}

function patchOf(at, c) {
  const values = plane(padded, firstChannel() + c, height * width);
  return windowOf(at).map((i) => values[i]);
}

// dL/dinput of one channel from the pixels up to `at` of this filter.
function scattered(at) {
  const sum = new Float64Array(height * width);
  const kernel = kernelOf(channel);
  for (let p = 0; p <= at; p += 1) {
    const g = gradOutput[filter * pixels + p];
    const start = startOf(p);
    for (let i = 0; i < area; i += 1) sum[start + taps[i]] += g * kernel[i];
  }
  return sum;
}

// dL/dkernel of one channel from the pixels up to `at`.
function gathered(at, c) {
  const sum = new Float64Array(area);
  const values = plane(padded, firstChannel() + c, height * width);
  for (let p = 0; p <= at; p += 1) {
    const g = gradOutput[filter * pixels + p];
    const start = startOf(p);
    for (let i = 0; i < area; i += 1) sum[i] += g * values[start + taps[i]];
  }
  return sum;
}

function gatheredAll(at) {
  return Array.from({ length: taken }, (_, c) => [...gathered(at, c)]).flat();
}

// Sizes of cells: large enough to read on a beamer, small enough for three plates in a row.
function cellFor(rows, columns, room) {
  return Math.max(1, Math.min(30, Math.floor(room / Math.max(rows, columns))));
}

function stageRoom() {
  const wide = $("stage").clientWidth - 48;
  if (wide < 500) return wide;
  return Math.max(220, Math.min(440, (wide - 230) / 2, $("stage").clientHeight - 300));
}

function caption(id, words, quiet = "") {
  $(id).textContent = `${words} `;
  made("small", "", quiet, $(id));
}

function showInput(at) {
  const cell = cellFor(height, width, stageRoom());
  const number = firstChannel() + channel;
  let values = plane(padded, number, height * width);
  const options = {
    cell, scale: greatest(padded), grey: data.isPicture, faded: isOutside, fade: 0.3,
  };
  let words = say("inputName");
  let quiet = `${channels}×${imageHeight}×${imageWidth}`;
  if (isBackward) {
    values = scattered(at);
    const whole = plane(valuesOf(data.gradPadded), number, height * width);
    Object.assign(options, { grey: false, scale: Math.max(greatest(whole), greatest(values)) });
    words = say("dInput");
    quiet = say(filters / data.groups > 1 ? "overFilters" : "soFar");
    if (taken > 1) quiet += ` · ${say("channelN", { c: number })}`;
  } else if (inColour) {
    options.rgb = [0, 1, 2].map((c) => plane(padded, c, height * width));
  }
  const context = paintGrid($("input"), values, height, width, options);
  drawImageFrame(context, cell);
  drawWindow(context, at, cell);
  caption("inputName", words, quiet);
}

function drawImageFrame(context, cell) {
  if (!data.pads.some((each) => each > 0)) return;
  const edge = gapOf(cell);
  context.strokeStyle = ink("--edge-done");
  context.lineWidth = 1;
  context.setLineDash([4, 3]);
  context.strokeRect(left * cell - 0.5, top_ * cell - 0.5,
    imageWidth * cell - edge + 1, imageHeight * cell - edge + 1);
  context.setLineDash([]);
}

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);

function outlined(context, x, y, wide, high) {
  context.strokeStyle = isDark() ? "#0d1014" : "#ffffff";
  context.lineWidth = 5;
  context.strokeRect(x, y, wide, high);
  context.strokeStyle = ink("--mark");
  context.lineWidth = 2.5;
  context.strokeRect(x, y, wide, high);
}

function drawWindow(context, at, cell) {
  const places = windowOf(at);
  const isWide = data.dilation.some((each) => each > 1);
  const edge = gapOf(cell);
  if (isWide) {
    for (const i of places) {
      outlined(context, (i % width) * cell, Math.floor(i / width) * cell, cell - edge, cell - edge);
    }
    return;
  }
  const [x, y] = [(places[0] % width) * cell, Math.floor(places[0] / width) * cell];
  outlined(context, x, y, kernelWidth * cell - edge, kernelHeight * cell - edge);
}

function showKernel(at) {
  const cell = Math.max(4, Math.min(46, Math.floor(160 / Math.max(kernelHeight, kernelWidth))));
  const values = isBackward ? gathered(at, channel) : kernelOf(channel);
  let scale = greatest(plane(weight, filter, area * taken));
  if (isBackward) {
    const whole = plane(valuesOf(data.gradWeight), filter, area * taken);
    scale = Math.max(greatest(whole), greatest(values));
  }
  paintGrid($("kernel"), values, kernelHeight, kernelWidth, { cell, scale, numbers: cell > 24 });
  caption("kernelName", say(isBackward ? "dKernel" : "kernelName"),
    isBackward ? say(at === pixels - 1 ? "complete" : "soFar") : `${kernelHeight}×${kernelWidth}`);
}

// A picture that is still a picture afterwards, as a blurred one is.
const isGreyOutput = () => !isBackward && data.outputIsPicture[filter];

function showOutput(at) {
  const cell = cellFor(outHeight, outWidth, stageRoom());
  const values = plane(isBackward ? gradOutput : output, filter, pixels);
  const faded = (i) => i > at;
  const options = { cell, scale: greatest(values), faded, grey: isGreyOutput() };
  const context = paintGrid($("output"), values, outHeight, outWidth, options);
  const edge = gapOf(cell);
  outlined(context, (at % outWidth) * cell, Math.floor(at / outWidth) * cell,
    cell - edge, cell - edge);
  caption("outputName", say(isBackward ? "dOutput" : "outputName"),
    `${filters}×${outHeight}×${outWidth}`);
}

// The column form: a row of the filter, the columns around this one, and their results.
function showColumns(at) {
  const all = taken * area;
  const isPart = all > 60 && taken > 1;
  const first = isPart ? channel * area : 0;
  const rows = Math.min(isPart ? area : all, 121);
  const cell = Math.max(3, Math.min(16, Math.floor(150 / rows)));
  const gap = 26;
  const canvas = $("columns");
  const wide = Math.max(240, Math.min(880, $("stage").clientWidth - 60));
  const count = Math.max(1, Math.min(pixels, Math.floor((wide - rows * cell - 2 * gap) / cell)));
  const from = Math.max(0, Math.min(pixels - count, at - Math.floor(count / 2)));
  const sharp = Math.max(1, Math.ceil(window.devicePixelRatio || 1));
  const canvasHeight = (rows + 1) * cell + 18;
  const canvasWidth = rows * cell + gap + count * cell + 4;
  canvas.width = canvasWidth * sharp;
  canvas.height = canvasHeight * sharp;
  canvas.style.width = `${canvasWidth}px`;
  const context = canvas.getContext("2d");
  context.scale(sharp, sharp);
  const palette = isDark() ? DARK : LIGHT;
  const fill = (value, scale, x, y, grey = false) => {
    const colour = grey ? Array(3).fill(Math.round(255 * value)) : colourOf(value, scale, palette);
    context.fillStyle = `rgb(${colour.join(",")})`;
    context.fillRect(x, y, cell - 1, cell - 1);
  };
  const row = isBackward ? gatheredAll(at) : plane(weight, filter, all);
  const rowScale = isBackward
    ? greatest(plane(valuesOf(data.gradWeight), filter, all)) : greatest(row);
  const scale = greatest(padded);
  const results = plane(isBackward ? gradOutput : output, filter, pixels);
  const resultScale = greatest(results);
  const below = rows * cell + 14; // the row of the filter stands beside the row of results
  const right = rows * cell + gap;
  for (let r = 0; r < rows; r += 1) {
    fill(row[first + r], rowScale, r * cell, below);
  }
  for (let p = from; p < from + count; p += 1) {
    for (let r = 0; r < rows; r += 1) {
      const c = Math.floor((first + r) / area);
      const i = windowOf(p)[(first + r) % area];
      fill(padded[(firstChannel() + c) * height * width + i], scale, right + (p - from) * cell,
        r * cell + 1, data.isPicture);
    }
    context.globalAlpha = p > at ? 0.16 : 1;
    fill(results[p], resultScale, right + (p - from) * cell, below, isGreyOutput());
    context.globalAlpha = 1;
  }
  context.fillStyle = ink("--soft");
  context.font = "13px system-ui, sans-serif";
  context.fillText(say(isBackward ? "dFilter" : "filterWord"), 0, below - 6);
  const x = right + (at - from) * cell - 1;
  outlined(context, x + 0.5, 1.5, cell, rows * cell - 1);
  outlined(context, x + 0.5, below - 0.5, cell, cell);
  caption("columnsName", say(isBackward ? "columnsBackward" : "columnsName"));
  const words = { k: all, p: pixels, n: at + 1, a: from + 1, b: from + count };
  const part = isPart ? ` ${say("columnsPart", { c: firstChannel() + channel })}` : "";
  $("columnsNote").textContent = say("columnsNote", words) + part;
}

function showDetails(at) {
  const root = $("details");
  root.replaceChildren();
  const [i, j] = [Math.floor(at / outWidth), at % outWidth];
  const value = output[filter * pixels + at];
  const g = gradOutput[filter * pixels + at];
  const index = `[${filter}, ${i}, ${j}]`;
  if (isBackward) {
    made("h2", "", `${say("dOutput")}${index} = ${told(g)}`, root);
    showScatter(root, at, g);
  } else {
    made("h2", "", `${say("outputName")}${index} = ${told(value)}`, root);
    showProducts(root, at, value);
  }
  made("p", "quiet", say("colours"), root);
  const words = { i, j, n: taken * area, value: told(isBackward ? g : value) };
  $("said").textContent = say(isBackward ? "saidBackward" : "saidForward", words);
  $("count").textContent = say("pixel", { n: at + 1, all: pixels });
  $("slider").setAttribute("aria-valuetext", $("said").textContent);
  for (const id of ["input", "kernel", "output", "columns"]) {
    $(id).setAttribute("aria-label", `${$(`${id}Name`).textContent}. ${$("said").textContent}`);
  }
}

function tableOptions(at) {
  const places = windowOf(at);
  return { scale: greatest(padded), outside: (i) => isOutside(places[i]) };
}

const MOST_CHANNELS = 3;
const sumOf = (values) => values.reduce((sum, each) => sum + each, 0);

// The channels whose numbers are shown: the chosen one first.
function channelsShown() {
  const rest = Array.from({ length: taken }, (_, c) => c).filter((c) => c !== channel);
  const shown = inColour ? [0, 1, 2] : [channel, ...rest.slice(0, MOST_CHANNELS - 1)];
  return shown.filter((c) => c < taken).sort((a, b) => a - b);
}

function showProducts(root, at, value) {
  const shown = channelsShown();
  const kernelScale = greatest(plane(weight, filter, area * taken));
  const sums = Array.from({ length: taken }, (_, c) => {
    const kernel = kernelOf(c);
    return patchOf(at, c).map((each, tap) => each * kernel[tap]);
  });
  const productScale = greatest(sums.flat());
  for (const c of shown) {
    if (taken > 1) made("h3", "", say("channelN", { c: firstChannel() + c }), root);
    const terms = made("div", "terms", undefined, root);
    const windowOptions = { ...tableOptions(at), grey: data.isPicture };
    gridTable(terms, say("windowIn"), patchOf(at, c), kernelWidth, windowOptions);
    made("span", "sign", "×", terms);
    gridTable(terms, say("taps"), [...kernelOf(c)], kernelWidth, { scale: kernelScale });
    made("span", "sign", "=", terms);
    gridTable(terms, say("products"), sums[c], kernelWidth, { scale: productScale });
  }
  if (shown.length < taken) {
    const others = sums.filter((_, c) => !shown.includes(c)).flat();
    const words = { n: taken - shown.length, sum: told(sumOf(others)) };
    made("p", "quiet", say("more", words), root);
  }
  const sum = made("p", "sum", `${say("sum")} ${told(sumOf(sums.flat()))}`, root);
  if (data.bias) sum.append(` + ${say("bias")} ${told(data.bias[filter])}`);
  sum.append(" = ");
  made("b", "", told(value), sum);
  showOutsideNote(root, at);
}

function showOutsideNote(root, at) {
  if (windowOf(at).some(isOutside)) made("p", "quiet", say("outside"), root);
}

function showScatter(root, at, g) {
  if (!data.ownGradient) made("p", "quiet", say("lossIs"), root);
  const shown = channelsShown();
  const sent = shown.map((c) => [...kernelOf(c)].map((each) => each * g));
  const kept = shown.map((c) => patchOf(at, c).map((each) => each * g));
  const lost = windowOf(at).some(isOutside);
  made("h3", "", say("toInput"), root);
  showTables(root, shown, sent, { ...tableOptions(at), scale: greatest(sent.flat()) });
  if (lost) made("p", "quiet", `${say("outside")}. ${say("lost")}`, root);
  made("h3", "", say("toWeight"), root);
  showTables(root, shown, kept, { scale: greatest(kept.flat()) });
}

function showTables(root, shown, tables, options) {
  const terms = made("div", "terms", undefined, root);
  shown.forEach((c, at) => {
    const words = taken > 1 ? say("channelN", { c: firstChannel() + c }) : "";
    gridTable(terms, words, tables[at], kernelWidth, options);
  });
}

const player = new Player(pixels - 1, (at) => {
  showInput(at);
  showKernel(at);
  showOutput(at);
  showColumns(at);
  showDetails(at);
}, Math.max(60, Math.min(700, 40000 / pixels)));

function fillSelects() {
  $("filterLabel").hidden = filters === 1;
  $("filter").replaceChildren();
  data.names.forEach((each, i) => { made("option", "", spoken(each), $("filter")).value = i; });
  $("filter").value = filter;
  fillChannels();
}

function fillChannels() {
  $("channelLabel").hidden = taken === 1 && !canBeColour;
  $("channel").replaceChildren();
  if (canBeColour) made("option", "", say("colours3"), $("channel")).value = "colour";
  for (let c = 0; c < taken; c += 1) {
    made("option", "", String(firstChannel() + c), $("channel")).value = c;
  }
  $("channel").value = inColour ? "colour" : channel;
}

function translate() {
  translatePage("convolutionTitle");
  player.translate();
  fillSelects();
  turn(isBackward);
}

function turn(backward) {
  isBackward = backward;
  $("forward").setAttribute("aria-pressed", !backward);
  $("backward").setAttribute("aria-pressed", backward);
  $("pick").textContent = say(backward ? "pickBackward" : "pick");
  player.go(player.at);
}

$("forward").addEventListener("click", () => turn(false));
$("backward").addEventListener("click", () => turn(true));
$("filter").addEventListener("change", () => {
  filter = Number($("filter").value);
  fillChannels();
  player.go(player.at);
});
$("channel").addEventListener("change", () => {
  inColour = $("channel").value === "colour";
  channel = inColour ? 0 : Number($("channel").value);
  player.go(player.at);
});
$("output").addEventListener("click", (event) => {
  const canvas = $("output");
  const row = Math.floor((event.offsetY / canvas.clientHeight) * outHeight);
  const column = Math.floor((event.offsetX / canvas.clientWidth) * outWidth);
  player.go(Math.min(outHeight - 1, row) * outWidth + Math.min(outWidth - 1, column));
});
listenToKeys({
  ...player.keys,
  ArrowUp: () => { if (player.at >= outWidth) player.go(player.at - outWidth); },
  ArrowDown: () => { if (player.at + outWidth < pixels) player.go(player.at + outWidth); },
  b: () => turn(!isBackward),
});
listenToPage(translate);
window.addEventListener("resize", () => player.go(player.at));
// It opens at the pixel that stands out most, away from the padding where it can be.
const inside = Array.from({ length: pixels }, (_, at) => at).filter((at) => (
  !isOutside(startOf(at)) && !isOutside(startOf(at) + taps[area - 1])
));
player.at = (inside.length ? inside : [0]).reduce(
  (best, at) => (Math.abs(output[at]) > Math.abs(output[best]) ? at : best),
);
translate();
