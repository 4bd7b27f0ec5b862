// The graph as SVG: boxes and arrows where the layout put them; pan, zoom, search.
const SVG = "http://www.w3.org/2000/svg";

function drawn(name, attributes, parent = null) {
  const element = document.createElementNS(SVG, name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  parent?.append(element);
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
    this.at = 0; // the step that is shown
    this.reached = new Set(); // by a gradient, of the leaves
    this.active = Math.max(0, data.boxes.findIndex((box) => box.kind === "result")); // by Tab
    this.found = new Set();
    this.shared = "";
    this.scene = drawn("g", {}, svg);
    this.size = [svg.clientWidth, svg.clientHeight];
    this.isOpen = false;
    this.draw();
    this.listen();
  }

  // Everything anew: after another trace or language was chosen.
  draw() {
    const { data } = this;
    const hadFocus = this.scene.contains(document.activeElement);
    this.scene.replaceChildren();
    this.tiles = [];
    for (const [x, y, width, height] of data.frames) {
      drawn("rect", { class: "frame", x, y, width, height, rx: 8 }, this.scene);
    }
    this.edges = [];
    const edges = this.layer((number) => this.drawEdge(number));
    data.edges.forEach(({ curve }, number) => {
      let [left, right, top, bottom] = [curve[0], curve[0], curve[1], curve[1]];
      for (let i = 2; i < curve.length; i += 2) {
        left = Math.min(left, curve[i]);
        right = Math.max(right, curve[i]);
        top = Math.min(top, curve[i + 1]);
        bottom = Math.max(bottom, curve[i + 1]);
      }
      this.place(edges, number, left, top, right, bottom);
    });
    for (const [x, y, , , label] of data.frames) {
      drawn("text", { class: "label", x: x + 8, y: y + 15 }, this.scene).textContent = label;
    }
    this.boxes = [];
    const boxes = this.layer((number) => this.drawBox(number));
    this.homes = data.boxes.map(({ at: [x, y, width, height] }, number) => {
      const [left, top] = [x - width / 2, y - height / 2];
      return this.place(boxes, number, left, top, left + width, top + height);
    });
    this.showTiles();
    if (hadFocus) this.focus(this.active);
  }

  layer(draw) {
    return { group: drawn("g", {}, this.scene), tiles: new Map(), draw };
  }

  // A layer has parts, which are drawn when they are first in sight and not rendered when they are
  // not: a large graph is there as soon as a small one.
  place(layer, number, left, top, right, bottom) {
    const key = `${Math.floor(left / TILE[0])} ${Math.floor(top / TILE[1])}`;
    let tile = layer.tiles.get(key);
    if (!tile) {
      tile = { layer, numbers: [], left, top, right, bottom, group: null, isShown: false };
      layer.tiles.set(key, tile);
      this.tiles.push(tile);
    }
    tile.numbers.push(number);
    tile.left = Math.min(tile.left, left);
    tile.top = Math.min(tile.top, top);
    tile.right = Math.max(tile.right, right);
    tile.bottom = Math.max(tile.bottom, bottom);
    return tile;
  }

  // The part with the box that Tab goes to is there in any case.
  showTiles() {
    if (!this.isOpen) return;
    const { x, y, scale } = this.view;
    const [width, height] = this.size;
    for (const tile of this.tiles) {
      const isInSight = tile.right * scale + x > -MARGIN && tile.left * scale + x < width + MARGIN &&
        tile.bottom * scale + y > -MARGIN && tile.top * scale + y < height + MARGIN;
      const isShown = isInSight || tile === this.homes[this.active];
      if (isShown === tile.isShown) continue;
      tile.isShown = isShown;
      if (isShown && !tile.group) this.fill(tile);
      tile.group.setAttribute("display", isShown ? "inline" : "none");
    }
  }

  fill(tile) {
    tile.group = drawn("g", {}, tile.layer.group);
    for (const number of tile.numbers) tile.group.append(tile.layer.draw(number));
  }

  drawEdge(number) {
    const norm = now.norms[number] ?? null;
    const group = drawn("g", {});
    drawn("path", { "stroke-width": this.widthOf(norm) }, group);
    drawn("polygon", {}, group);
    if (norm !== null) {
      const tell = () => { drawn("title", {}, group).textContent = `|g| = ${norm}`; };
      group.addEventListener("pointerenter", tell, { once: true });
    }
    this.edges[number] = group;
    this.paintEdge(number);
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

  drawBox(number) {
    const box = this.data.boxes[number];
    const [x, y, width, height] = box.at;
    const group = drawn("g", { role: "button", tabindex: number === this.active ? 0 : -1 });
    const rounded = box.kind === "op" ? 7 : 2;
    drawn("rect", { x: x - width / 2, y: y - height / 2, width, height, rx: rounded }, group);
    const lines = linesOf(box, number);
    const first = y - ((lines.length - 1) * 13) / 2 + 4;
    lines.forEach((line, i) => {
      const text = drawn("text", { x, y: (first + 13 * i).toFixed(1) }, group);
      text.textContent = line;
      if (i === 0) text.setAttribute("class", "name");
    });
    const event = box.step === null ? null : now.events[box.step];
    group.setAttribute("aria-label", this.nameOf(lines, event));
    if (event?.badges.length) this.drawMark(event, x + width / 2, y - height / 2, group);
    group.addEventListener("click", () => this.choose(number));
    group.addEventListener("focus", () => {
      this.activate(number);
      if (group.matches(":focus-visible")) this.reveal(number);
    });
    this.boxes[number] = group;
    this.paintBox(number);
    return group;
  }

  // What a screen reader says of a box: what is written there, its step and what is wrong.
  nameOf(lines, event) {
    const said = [...lines];
    if (event) {
      said.push(say("count", { n: now.events.indexOf(event) + 1, all: now.events.length }));
      said.push(...event.badges.map(([, text]) => spoken(text)));
    }
    return said.join(", ");
  }

  drawMark(event, x, y, group) {
    drawn("circle", { class: `badge ${event.badges[0][0]}`, cx: x - 3, cy: y + 3, r: 6 }, group);
    drawn("text", { class: "mark", x: x - 3, y: y + 6.5 }, group).textContent = "!";
  }

  // Goes to a box's step, and marks all boxes of a parameter that is used several times.
  choose(number) {
    this.shared = this.data.boxes[number].shared;
    this.paint();
    this.onChoose(number);
  }

  // How boxes and arrows look in step `at`: what came before is done, what goes on now is lit.
  paint() {
    this.boxes.forEach((_, number) => this.paintBox(number));
    this.edges.forEach((_, number) => this.paintEdge(number));
  }

  paintBox(number) {
    const box = this.data.boxes[number];
    const event = box.step === null ? null : now.events[box.step];
    const verdict = event?.check?.verdict;
    const states = {
      done: box.step !== null && box.step < this.at,
      current: number === this.current,
      reached: box.step === null && this.reached.has(number),
      found: this.found.has(number),
      same: this.shared !== "" && box.shared === this.shared,
      ill: event?.badges.length,
      wrong: verdict === "wrong",
      right: verdict === "right",
      unreached: now.stop && box.kind === "op" && !event,
    };
    this.setClass(this.boxes[number], `box ${box.kind}`, states);
  }

  paintEdge(number) {
    const group = this.edges[number];
    const edge = this.data.edges[number];
    const isNow = this.isSent(number) && edge.to === this.current;
    const isPast = this.hasPassed(number);
    this.point(group, edge.curve, isPast || isNow);
    const arriving = edge.from === this.current;
    const broken = now.norms[number] === "nan";
    this.setClass(group, "edge", { done: isPast, current: isNow, arriving, broken });
  }

  setClass(element, name, states) {
    const names = [name, ...Object.keys(states).filter((each) => states[each])].join(" ");
    if (element.getAttribute("class") !== names) element.setAttribute("class", names);
  }

  isSent(number) {
    return (now.norms[number] ?? null) !== null;
  }

  hasPassed(number) {
    const { kind, step } = this.data.boxes[this.data.edges[number].to];
    return this.isSent(number) && (kind === "result" || (step !== null && step < this.at));
  }

  // The box of the step that is shown.
  get current() {
    return now.events[this.at]?.box ?? null;
  }

  show(at, follow) {
    this.at = at;
    const { boxes, edges } = this.data;
    this.reached = new Set();
    edges.forEach((edge, number) => {
      if (boxes[edge.from].step !== null) return;
      const isNow = this.isSent(number) && edge.to === this.current;
      if (isNow || this.hasPassed(number)) this.reached.add(edge.from);
    });
    this.paint();
    if (this.current === null) return;
    if (follow) this.reveal(this.current);
    if (!this.scene.contains(document.activeElement)) this.activate(this.current);
  }

  find(words) {
    const wanted = words.trim().toLowerCase();
    const matches = [];
    this.data.boxes.forEach((box, number) => {
      const event = box.step === null ? null : now.events[box.step];
      const text = [...linesOf(box, number), event ? event.scope : ""].join("\n").toLowerCase();
      if (wanted !== "" && text.includes(wanted)) matches.push(number);
    });
    this.found = new Set(matches);
    this.paint();
    return matches;
  }

  // The box that Tab goes to: one of all, as in a toolbar; up and down go to the others.
  activate(number) {
    this.boxes[this.active]?.setAttribute("tabindex", -1);
    this.active = number;
    this.showTiles();
    this.boxes[number]?.setAttribute("tabindex", 0);
  }

  focus(number) {
    this.reveal(number);
    this.activate(number);
    this.boxes[number].focus({ preventScroll: true });
  }

  // Boxes follow one another as they are read: row by row, and in a row from the left.
  walk(by) {
    const { boxes } = this.data;
    const before = (a, b) => boxes[a].at[1] - boxes[b].at[1] || boxes[a].at[0] - boxes[b].at[0];
    this.order ??= boxes.map((_, number) => number).sort(before);
    const next = this.order[this.order.indexOf(this.active) + by];
    if (next !== undefined) this.focus(next);
  }

  move() {
    const { x, y, scale } = this.view;
    this.scene.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    this.showTiles();
  }

  open() {
    this.isOpen = true;
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
    this.svg.addEventListener("keydown", (event) => {
      const act = {
        ArrowDown: () => this.walk(1),
        ArrowUp: () => this.walk(-1),
        Enter: () => this.choose(this.active),
        " ": () => this.choose(this.active),
      }[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
    // A browser scrolls to what gets the focus; here the view moves.
    const stage = this.svg.parentElement;
    stage.addEventListener("focusin", () => { stage.scrollTo(0, 0); });
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
