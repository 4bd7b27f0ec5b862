// The graph as SVG: boxes and arrows where the layout put them; pan, zoom, search.
const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

const TILE = [1200, 800]; // width and height of a part that is rendered or not
const MARGIN = 200; // around what is in sight, in pixels

// What a box says: its own lines, or those that it has in the trace that is shown.
function linesOf(box, number) {
  return (now.lines?.[number] ?? box.lines).map((line) => {
    const isNumber = language === "pt" && /^-?\d\.?\d*(e-?\d+)?$/.test(line);
    return isNumber ? line.replace(".", ",") : spoken(line);
  });
}

class Graph {
  constructor(svg, data, onChoose) {
    this.svg = svg;
    this.data = data;
    this.view = { x: 0, y: 0, scale: 1 };
    this.onChoose = onChoose;
    this.scene = drawn("g", {}, svg);
    this.size = [svg.clientWidth, svg.clientHeight];
    this.draw();
    this.listen();
  }

  // Everything anew: after another trace or language was chosen.
  draw() {
    const { data } = this;
    this.scene.replaceChildren();
    this.tiles = [];
    for (const frame of data.frames) this.drawFrame(frame);
    const edgesLayer = this.layer();
    this.edges = data.edges.map((edge, number) => {
      return this.drawEdge(edge, now.norms[number] ?? null, edgesLayer);
    });
    for (const frame of data.frames) this.drawLabel(frame);
    const boxesLayer = this.layer();
    this.boxes = data.boxes.map((box, number) => this.drawBox(box, number, boxesLayer));
    this.showTiles();
  }

  layer() {
    return { group: drawn("g", {}, this.scene), tiles: new Map() };
  }

  // The part of a layer that something belongs to. Parts out of sight are not rendered: a large
  // graph is there as soon as a small one.
  tile(layer, left, top, right, bottom) {
    const place = `${Math.floor(left / TILE[0])} ${Math.floor(top / TILE[1])}`;
    if (!layer.tiles.has(place)) {
      const group = drawn("g", { display: "none" }, layer.group);
      const tile = { group, left, top, right, bottom, isShown: false };
      layer.tiles.set(place, tile);
      this.tiles.push(tile);
    }
    const tile = layer.tiles.get(place);
    tile.left = Math.min(tile.left, left);
    tile.top = Math.min(tile.top, top);
    tile.right = Math.max(tile.right, right);
    tile.bottom = Math.max(tile.bottom, bottom);
    return tile.group;
  }

  showTiles() {
    const { x, y, scale } = this.view;
    const [width, height] = this.size;
    for (const tile of this.tiles) {
      const isShown = tile.right * scale + x > -MARGIN && tile.left * scale + x < width + MARGIN &&
        tile.bottom * scale + y > -MARGIN && tile.top * scale + y < height + MARGIN;
      if (isShown === tile.isShown) continue;
      tile.isShown = isShown;
      if (isShown) tile.group.removeAttribute("display");
      else tile.group.setAttribute("display", "none");
    }
  }

  drawFrame([x, y, width, height]) {
    drawn("rect", { class: "frame", x, y, width, height, rx: 8 }, this.scene);
  }

  drawLabel([x, y, , , label]) {
    drawn("text", { class: "label", x: x + 8, y: y + 15 }, this.scene).textContent = label;
  }

  drawEdge(edge, norm, layer) {
    const across = edge.curve.filter((_, i) => i % 2 === 0);
    const down = edge.curve.filter((_, i) => i % 2 === 1);
    const [left, top] = [Math.min(...across), Math.min(...down)];
    const tile = this.tile(layer, left, top, Math.max(...across), Math.max(...down));
    const group = drawn("g", { class: "edge" }, tile);
    drawn("path", { "stroke-width": this.widthOf(norm) }, group);
    drawn("polygon", {}, group);
    this.point(group, edge.curve, false);
    if (norm !== null) {
      const tell = () => { drawn("title", {}, group).textContent = `|g| = ${norm}`; };
      group.addEventListener("pointerenter", tell, { once: true });
    }
    if (norm === "nan") group.classList.add("broken");
    return group;
  }

  // Turn an arrow: the way of the value forward or, once the gradient has passed, its way back.
  point(group, points, isBack) {
    if (group.isBack === isBack) return;
    group.isBack = isBack;
    const [x, y, nextX, nextY] = points;
    const [endX, endY, tipX, tipY] = points.slice(-4);
    const curve = [];
    for (let i = 2; i < points.length - 2; i += 2) curve.push(`${points[i]} ${points[i + 1]}`);
    const rest = isBack ? `L${tipX} ${tipY}` : "";
    const [path, head] = group.children;
    path.setAttribute("d", `M${x} ${y}C${curve.join(" ")}${rest}`);
    const length = Math.hypot(nextX - x, nextY - y) || 1;
    const start = [x + (8 * (nextX - x)) / length, y + (8 * (nextY - y)) / length];
    const corners = isBack ? this.head(start, [x, y]) : this.head([endX, endY], [tipX, tipY]);
    head.setAttribute("points", corners);
  }

  head(end, tip) {
    const length = Math.hypot(tip[0] - end[0], tip[1] - end[1]) || 1;
    const across = [(4 * (tip[1] - end[1])) / length, (-4 * (tip[0] - end[0])) / length];
    const corners = [
      [end[0] + across[0], end[1] + across[1]], tip, [end[0] - across[0], end[1] - across[1]],
    ];
    return corners.flat().map((value) => value.toFixed(1)).join(" ");
  }

  // The logarithm of the gradient's norm, from 1e-6 (thin) to 1e3 (thick).
  widthOf(norm) {
    if (typeof norm !== "number" || norm === 0) return 0.8;
    return (1 + (Math.max(-6, Math.min(3, Math.log10(norm))) + 6) * 0.45).toFixed(2);
  }

  drawBox(box, number, layer) {
    const [x, y, width, height] = box.at;
    const [left, top] = [x - width / 2, y - height / 2];
    const tile = this.tile(layer, left, top, left + width, top + height);
    const group = drawn("g", { class: `box ${box.kind}` }, tile);
    const rounded = box.kind === "op" ? 7 : 2;
    drawn("rect", { x: left, y: top, width, height, rx: rounded }, group);
    const lines = linesOf(box, number);
    const first = y - ((lines.length - 1) * 13) / 2 + 4;
    lines.forEach((line, i) => {
      const text = drawn("text", { x, y: (first + 13 * i).toFixed(1) }, group);
      text.textContent = line;
      if (i === 0) text.setAttribute("class", "name");
    });
    const event = box.step === null ? null : now.events[box.step];
    if (event) this.drawMarks(event, x + width / 2, y - height / 2, group);
    if (now.stop && box.kind === "op" && !event) group.classList.add("unreached");
    group.addEventListener("click", () => {
      this.markUses(box.shared);
      this.onChoose(number);
    });
    return group;
  }

  // All boxes of a parameter that is used several times.
  markUses(shared) {
    this.data.boxes.forEach((box, i) => {
      this.boxes[i].classList.toggle("same", shared !== "" && box.shared === shared);
    });
  }

  drawMarks(event, x, y, group) {
    if (event.badges.length) {
      group.classList.add("ill");
      drawn("circle", { class: `badge ${event.badges[0][0]}`, cx: x - 3, cy: y + 3, r: 6 }, group);
      drawn("text", { class: "mark", x: x - 3, y: y + 6.5 }, group).textContent = "!";
    }
    if (event.check && event.check.verdict === "wrong") group.classList.add("wrong");
    if (event.check && event.check.verdict === "right") group.classList.add("right");
  }

  // Show step `at`: what came before is done, what goes on now is lit.
  show(at, follow) {
    const { boxes, edges } = this.data;
    const { events } = now;
    const current = at < events.length ? events[at].box : null;
    const reached = new Set();
    boxes.forEach((box, number) => {
      const isDone = box.step !== null && box.step < at;
      this.boxes[number].classList.toggle("done", isDone);
      this.boxes[number].classList.toggle("current", number === current);
    });
    edges.forEach((edge, number) => {
      const step = boxes[edge.to].step;
      const isSent = (now.norms[number] ?? null) !== null;
      const isPast = boxes[edge.to].kind === "result" || (step !== null && step < at);
      const flows = isSent && isPast;
      const isNow = isSent && edge.to === current;
      const arriving = edge.from === current;
      this.edges[number].classList.toggle("done", flows);
      this.point(this.edges[number], edge.curve, flows || isNow);
      this.edges[number].classList.toggle("current", isNow);
      this.edges[number].classList.toggle("arriving", arriving);
      if ((flows || isNow) && boxes[edge.from].step === null) reached.add(edge.from);
    });
    boxes.forEach((box, number) => {
      if (box.step === null) this.boxes[number].classList.toggle("reached", reached.has(number));
    });
    if (follow && current !== null) this.reveal(current);
  }

  find(words) {
    const wanted = words.trim().toLowerCase();
    const matches = [];
    this.data.boxes.forEach((box, number) => {
      const event = box.step === null ? null : now.events[box.step];
      const text = [...linesOf(box, number), event ? event.scope : ""].join("\n").toLowerCase();
      const isMatch = wanted !== "" && text.includes(wanted);
      this.boxes[number].classList.toggle("found", isMatch);
      if (isMatch) matches.push(number);
    });
    return matches;
  }

  move() {
    const { x, y, scale } = this.view;
    this.scene.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    this.showTiles();
  }

  open() {
    this.fit(this.smallest ?? (innerWidth > 820 ? 1 : 0.75));
    this.opened?.();
  }

  // The whole graph where that can be read, else its end at the result.
  fit(smallest = 0) {
    const [width, height] = this.size;
    const [graphWidth, graphHeight] = this.data.size;
    const scale = Math.min((width - 24) / graphWidth, (height - 24) / graphHeight, 1.6);
    this.view.scale = Math.max(scale, smallest, 0.02);
    this.view.x = (width - graphWidth * this.view.scale) / 2;
    this.view.y = Math.max(12, (height - graphHeight * this.view.scale) / 2);
    this.move();
  }

  zoom(factor, x = this.size[0] / 2, y = this.size[1] / 2) {
    const scale = Math.max(0.02, Math.min(6, this.view.scale * factor));
    const ratio = scale / this.view.scale;
    this.view = { x: x - (x - this.view.x) * ratio, y: y - (y - this.view.y) * ratio, scale };
    this.move();
  }

  // Move as little as needed for a box and its neighbourhood to be seen.
  reveal(number) {
    const [x, y] = this.data.boxes[number].at;
    const { scale } = this.view;
    const [width, height] = this.size;
    const margin = { x: width * 0.2, y: height * 0.25 };
    const at = { x: this.view.x + x * scale, y: this.view.y + y * scale };
    const right = width - margin.x;
    const bottom = height - margin.y;
    this.view.x += Math.max(margin.x - at.x, 0) + Math.min(right - at.x, 0);
    this.view.y += Math.max(margin.y - at.y, 0) + Math.min(bottom - at.y, 0);
    this.move();
  }

  listen() {
    new ResizeObserver(() => {
      const wasHidden = !this.size[0];
      this.size = [this.svg.clientWidth, this.svg.clientHeight];
      if (wasHidden) this.open(); // a frame of a notebook has no size at first
      this.showTiles();
    }).observe(this.svg);
    const touches = new Map();
    let spread = 0;
    this.svg.addEventListener("pointerdown", (event) => {
      touches.set(event.pointerId, [event.clientX, event.clientY]);
      spread = 0;
    });
    this.svg.addEventListener("pointermove", (event) => {
      const before = touches.get(event.pointerId);
      if (!before) return;
      touches.set(event.pointerId, [event.clientX, event.clientY]);
      if (touches.size === 1) {
        this.view.x += event.clientX - before[0];
        this.view.y += event.clientY - before[1];
        this.move();
        return;
      }
      const [one, other] = [...touches.values()];
      const wide = Math.hypot(one[0] - other[0], one[1] - other[1]);
      const box = this.svg.getBoundingClientRect();
      const middle = [(one[0] + other[0]) / 2 - box.left, (one[1] + other[1]) / 2 - box.top];
      if (spread) this.zoom(wide / spread, ...middle);
      spread = wide;
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
      this.svg.addEventListener(name, (event) => touches.delete(event.pointerId));
    }
    this.svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = this.svg.getBoundingClientRect();
      const factor = Math.exp(-event.deltaY * 0.0015);
      this.zoom(factor, event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
  }
}
