// The optimizer lab: paths on contour lines, and the parts of the next update as arrows.
const [[x0, x1], [y0, y1]] = data.domain;
const heights = new Float32Array(
  Uint8Array.from(atob(data.heights), (letter) => letter.charCodeAt(0)).buffer,
);
const ARROWS = ["gradient", "momentum", "corrected_momentum", "scaled", "step"];
const hidden = new Set();
let chosen = 0;
let size = { width: 0, height: 0 };

const told = (value, digits = 4) => written(value, digits).replace("-", "−");
const colour = (run) => `var(--run${run % 8})`;

function drawn(tag, attributes, parent) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.append(element);
  return element;
}

// Where a point of the surface is on the plate, in pixels.
const acrossOf = (x) => ((Number(x) - x0) / (x1 - x0)) * size.width;
const downOf = (y) => ((y1 - Number(y)) / (y1 - y0)) * size.height;

function measure() {
  const stage = $("stage");
  const isPhone = matchMedia("(max-width: 820px)").matches;
  const room = [stage.clientWidth - (isPhone ? 22 : 34), isPhone ? 460 : stage.clientHeight - 34];
  const ratio = (x1 - x0) / (y1 - y0);
  const width = Math.max(160, Math.min(room[0], room[1] * ratio));
  size = { width: Math.round(width), height: Math.round(width / ratio) };
  $("plate").style.width = `${size.width}px`;
  $("plate").style.height = `${size.height}px`;
  $("paths").setAttribute("viewBox", `0 0 ${size.width} ${size.height}`);
}

// The height at a point between the grid's.
function heightAt(across, down) {
  const x = Math.min(data.columns - 1.001, (across / size.width) * (data.columns - 1));
  const y = Math.min(data.rows - 1.001, (1 - down / size.height) * (data.rows - 1));
  const [i, j] = [Math.floor(x), Math.floor(Math.max(0, y))];
  const [u, v] = [x - i, Math.max(0, y) - j];
  const at = j * data.columns + i;
  return (heights[at] * (1 - u) + heights[at + 1] * u) * (1 - v)
    + (heights[at + data.columns] * (1 - u) + heights[at + data.columns + 1] * u) * v;
}

// Bands between the contour lines, and a line wherever a band ends.
function paintLand() {
  const canvas = $("land");
  const sharp = Math.max(1, Math.min(2, window.devicePixelRatio || 1));
  const [width, height] = [Math.round(size.width * sharp), Math.round(size.height * sharp)];
  canvas.width = width;
  canvas.height = height;
  canvas.style.width = `${size.width}px`;
  const bands = new Uint8Array(width * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const value = heightAt(column / sharp, row / sharp);
      let band = 0;
      while (band < data.levels.length && value > data.levels[band]) band += 1;
      bands[row * width + column] = band;
    }
  }
  const low = isDark() ? [22, 52, 84] : [176, 205, 236];
  const high = isDark() ? [28, 33, 41] : [252, 252, 250];
  const line = isDark() ? [74, 90, 112] : [150, 168, 190];
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < bands.length; i += 1) {
    const share = data.levels.length ? bands[i] / data.levels.length : 0;
    const isEdge = bands[i] !== bands[i + 1] && (i + 1) % width !== 0;
    const isLine = isEdge || (i + width < bands.length && bands[i] !== bands[i + width]);
    for (let c = 0; c < 3; c += 1) {
      image.data[4 * i + c] = isLine ? line[c] : low[c] + (high[c] - low[c]) * share;
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

const placeOf = (run, at) => Math.min(at, run.path.length - 1);
const pixelOf = ([x, y]) => [acrossOf(x), downOf(y)];
// Far points would overflow what SVG can draw; the line to them keeps its direction well enough.
const bounded = (value) => Math.max(-1e5, Math.min(1e5, value));

function isAway([x, y]) {
  return x < x0 || x > x1 || y < y0 || y > y1;
}

function showPaths(at) {
  const root = $("paths");
  root.replaceChildren();
  showAxes(root);
  for (const point of data.minima) {
    const [x, y] = pixelOf(point);
    drawn("path", { class: "minimum", d: `M${x - 6} ${y}h12M${x} ${y - 6}v12` }, root);
  }
  const order = data.runs.map((_, i) => i).filter((i) => i !== chosen && !hidden.has(i));
  if (!hidden.has(chosen)) order.push(chosen);
  for (const i of order) showPath(root, i, at);
  if (!hidden.has(chosen)) showArrows(root, at);
  for (const i of order) showHead(root, i, at);
}

function showAxes(root) {
  const label = (value, attributes) => {
    drawn("text", { class: "axis", ...attributes }, root).textContent = told(value, 3);
  };
  label(x0, { x: 6, y: size.height - 8 });
  label(x1, { x: size.width - 6, y: size.height - 8, "text-anchor": "end" });
  label(y0, { x: 6, y: size.height - 24 });
  label(y1, { x: 26, y: 16 });
}

function showPath(root, i, at) {
  const run = data.runs[i];
  const points = run.path.slice(0, placeOf(run, at) + 1)
    .map((point) => pixelOf(point).map((each) => bounded(each).toFixed(1)).join(",")).join(" ");
  if (i === chosen) drawn("polyline", { class: "halo", points }, root);
  const path = drawn("polyline", { class: "trail", points }, root);
  path.classList.toggle("chosen", i === chosen);
  path.style.stroke = colour(i);
}

// Where the optimizer is; at the border of the picture where it has left it.
function showHead(root, i, at) {
  const run = data.runs[i];
  const [x, y] = pixelOf(run.path[placeOf(run, at)]);
  const near = [Math.max(9, Math.min(size.width - 9, x)), Math.max(9, Math.min(size.height - 9, y))];
  const head = markOf(i, near[0], near[1], i === chosen ? 8 : 6.5);
  head.classList.add("head", "pick");
  drawn("title", {}, head).textContent = run.name;
  head.addEventListener("click", () => choose(i));
  root.append(head);
}

// A mark with the run's colour and a shape of its own, for those who do not tell the colours apart.
function markOf(i, x, y, r) {
  const corners = [0, 4, 3, -4, 5, 6, -3, 8][i % 8];
  const count = Math.abs(corners);
  const turn = corners === 4 ? Math.PI / 4 : corners === -3 ? Math.PI / 2 : -Math.PI / 2;
  const points = Array.from({ length: count }, (_, k) => {
    const angle = turn + (2 * Math.PI * k) / count;
    return `${x + 1.15 * r * Math.cos(angle)},${y + 1.15 * r * Math.sin(angle)}`;
  });
  const mark = count ? drawn("polygon", { points: points.join(" ") })
    : drawn("circle", { cx: x, cy: y, r });
  mark.style.fill = colour(i);
  return mark;
}

// A part of the chosen run's next update as it points: all but the step go against the gradient.
function partOf(run, part, at) {
  const value = run.parts[part] && run.parts[part][at];
  if (!value) return null;
  return value.map((each) => (part === "step" ? Number(each) : -Number(each)));
}

function showArrows(root, at) {
  const run = data.runs[chosen];
  if (at >= run.path.length - 1) return;
  const [x, y] = pixelOf(run.path[at]);
  if (isAway(run.path[at])) return;
  for (const part of ARROWS) {
    const value = partOf(run, part, at);
    if (!value || !value.every(Number.isFinite)) continue;
    const [across, down] = [acrossOf(x0 + value[0]), downOf(y1 + value[1])];
    const length = Math.hypot(across, down);
    if (length === 0) continue;
    const shown = part === "step" ? Math.max(30, Math.min(length, 2000)) : compressed(run, part, value);
    arrow(root, x, y, across / length, down / length, shown, part);
  }
}

// From 34 to 104 pixels, by the size beside the largest of that part on this path.
function compressed(run, part, value) {
  const sizes = run.parts[part].filter(Boolean).map((each) => Math.hypot(...each.map(Number)));
  const most = Math.max(...sizes.filter(Number.isFinite), 1e-300);
  const share = Math.log10(Math.max(1e-4, Math.hypot(...value) / most)) / 4 + 1;
  return 34 + 70 * share;
}

function arrow(root, x, y, dx, dy, length, part) {
  const group = drawn("g", { class: "arrow" }, root);
  const [endX, endY] = [x + dx * length, y + dy * length];
  const [stopX, stopY] = [endX - dx * 9, endY - dy * 9];
  drawn("line", { class: "under", x1: x, y1: y, x2: stopX, y2: stopY }, group);
  const line = drawn("line", { x1: x, y1: y, x2: stopX, y2: stopY }, group);
  line.style.stroke = `var(--${part})`;
  const head = drawn("polygon", {
    points: `${endX},${endY} ${stopX - dy * 5.5},${stopY + dx * 5.5} ${stopX + dy * 5.5},${stopY - dx * 5.5}`,
  }, group);
  head.style.fill = `var(--${part})`;
}

function showLegend(at) {
  const root = $("legend");
  const focused = document.activeElement && document.activeElement.id;
  root.replaceChildren();
  data.runs.forEach((run, i) => {
    const box = made("input", "", undefined, root);
    box.type = "checkbox";
    box.id = `shown${i}`;
    box.checked = !hidden.has(i);
    box.setAttribute("aria-label", say("shows", { name: run.name }));
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(i);
      else hidden.add(i);
      player.go(player.at);
    });
    const button = made("button", "", undefined, root);
    button.type = "button";
    button.id = `run${i}`;
    button.setAttribute("aria-pressed", i === chosen);
    button.addEventListener("click", () => choose(i));
    const swatch = drawn("svg", { class: "mark-swatch", width: 18, height: 18, "aria-hidden": true });
    swatch.append(markOf(i, 9, 9, 6.5));
    button.append(swatch);
    made("bdi", "", run.name, button);
    if (run.options) made("small", "", run.options, button);
    const place = placeOf(run, at);
    const isOver = run.diverged !== null && at >= run.diverged;
    if (isOver) made("span", "off", say("divergedAt", { n: run.diverged }), button);
    else if (isAway(run.path[place])) made("span", "off", say("outsideNow"), button);
    made("output", "", told(run.losses[place]), root);
  });
  if (focused && $(focused)) $(focused).focus();
}

function showDetails(at) {
  const root = $("details");
  const run = data.runs[chosen];
  root.replaceChildren();
  made("h3", "", say("partsOf", { name: run.name }), root);
  const formula = run.formula[language === "pt" ? 1 : 0];
  if (formula.length) made("pre", "", formula.join("\n"), root);
  if (at >= run.path.length - 1) {
    const isOver = run.diverged !== null;
    made("p", isOver ? "note nan" : "quiet",
      isOver ? say("divergedAt", { n: run.diverged }) : say("atEnd"), root);
  } else {
    showParts(root, run, at);
  }
}

function showParts(root, run, at) {
  const table = made("table", "parts", undefined, root);
  const order = ["gradient", "momentum", "squares", "corrected_momentum", "corrected_squares",
    "scaled", "step"];
  for (const part of order) {
    const raw = run.parts[part] && run.parts[part][at];
    if (!raw) continue;
    const value = part.endsWith("squares") ? raw.map(Number) : partOf(run, part, at);
    const row = made("tr", "", undefined, table);
    const label = made("td", "", undefined, row);
    const swatch = made("span", "swatch", undefined, label);
    if (ARROWS.includes(part)) swatch.style.background = `var(--${part})`;
    label.append(say(run.labels[part] ?? part));
    for (const each of value) made("td", "", told(each, 3), row);
  }
  made("p", "quiet", say("partsNote"), root);
}

// Losses over the steps, on a scale that bends near zero: powers of ten on both sides of it.
function showChart(at) {
  const root = $("chart");
  root.replaceChildren();
  const width = Math.max(200, root.clientWidth || 430);
  const height = 130;
  root.setAttribute("viewBox", `0 0 ${width} ${height}`);
  root.setAttribute("aria-label", say("lossChart"));
  const shown = data.runs.filter((_, i) => !hidden.has(i));
  const all = shown.flatMap((run) => run.losses.map(Number)).filter(Number.isFinite);
  const first = Math.max(...data.runs.map((run) => Math.abs(Number(run.losses[0]))), 1e-9);
  const bent = (value) => Math.sign(value) * Math.log10(1 + Math.abs(value) / (1e-4 * first));
  const limited = (value) => Math.max(-30 * first, Math.min(30 * first, value));
  const bottom = Math.min(0, ...all.map((each) => bent(limited(each))));
  const top = Math.max(bent(first), ...all.map((each) => bent(limited(each))));
  const left = 4;
  const x = (step) => left + (step / Math.max(1, data.steps)) * (width - left - 8);
  const y = (value) => 18 + (1 - (bent(limited(value)) - bottom) / (top - bottom || 1)) * (height - 26);
  drawn("line", { class: "rule-line", x1: left, x2: width, y1: y(0), y2: y(0) }, root);
  drawn("text", { class: "axis", x: left, y: 11 }, root).textContent = say("loss");
  data.runs.forEach((run, i) => {
    if (hidden.has(i)) return;
    const points = run.losses.map((each, step) => `${x(step).toFixed(1)},${y(Number(each)).toFixed(1)}`);
    const line = drawn("polyline", { class: "trail", points: points.join(" ") }, root);
    line.classList.toggle("chosen", i === chosen);
    line.style.stroke = colour(i);
  });
  drawn("line", { class: "now", x1: x(at), x2: x(at), y1: 14, y2: height - 4 }, root);
}

function show(at) {
  showPaths(at);
  showLegend(at);
  showChart(at);
  showDetails(at);
  const run = data.runs[chosen];
  const place = placeOf(run, at);
  const [px, py] = run.path[place];
  const words = { n: at, name: run.name, x: told(px), y: told(py), loss: told(run.losses[place]) };
  $("said").textContent = say("labSaid", words);
  $("count").textContent = say("labStep", { n: at, all: data.steps });
  $("slider").setAttribute("aria-valuetext", $("said").textContent);
  const names = data.runs.map((each) => each.name).join(", ");
  const plot = { surface: spoken(data.surface), names, said: $("said").textContent };
  $("paths").setAttribute("aria-label", say("labPlot", plot));
}

function choose(i) {
  chosen = (i + data.runs.length) % data.runs.length;
  hidden.delete(chosen);
  player.go(player.at);
}

const player = new Player(data.steps, show, Math.max(60, Math.min(500, 15000 / data.steps)));

function translate() {
  translatePage("labTitle");
  $("surface").textContent = spoken(data.surface);
  player.translate();
  measure();
  paintLand();
  player.go(player.at);
}

listenToKeys({
  ...player.keys,
  ArrowUp: () => choose(chosen - 1),
  ArrowDown: () => choose(chosen + 1),
});
listenToPage(translate);
window.addEventListener("resize", translate);
player.at = Math.min(Math.floor(data.steps / 2), 8);
translate();
