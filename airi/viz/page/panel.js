// The panel: what one op received and sent on, as formula, pictures and numbers.
class Panel {
  constructor(root, data, predictions) {
    this.root = root;
    this.data = data;
    this.predictions = predictions;
    this.valuesAreOpen = false;
    this.paintings = [];
  }

  show(at) {
    this.root.replaceChildren();
    this.paintings = [];
    if (at < now.events.length) this.showEvent(now.events[at], at);
    else this.showLeaves();
    this.repaint();
  }

  repaint() {
    const dark = isDark();
    for (const [canvas, tensor] of this.paintings) paint(canvas, tensor, dark);
  }

  showEvent(event, at) {
    const head = made("h2", "", event.op, this.root);
    if (event.scope) made("span", "scope", event.scope, head);
    this.showNotes(event);
    const isAsked = event.inputs.some((input) => {
      return input.grad !== null && this.predictions.hides(at, input.name);
    });
    const rule = ruleOf(event);
    if (rule.length) this.showRule(rule, event, !isAsked);
    if (event.where) {
      const line = made("p", "line", undefined, this.root);
      made("span", "where", event.where, line);
      made("code", "", event.line, line);
    }
    this.section("arrives");
    made("p", "quiet", say("colours"), this.root);
    for (const output of event.outputs) {
      if (output.grad === null || output.uses === 0) continue;
      const notes = output.uses > 1 ? [say("accumulates", { n: output.uses })] : [];
      this.tensor(`dL/d${output.name}`, spoken(output.shape), output.grad, notes);
    }
    const sent = event.inputs.filter((input) => input.grad !== null);
    if (sent.length) this.section("sends");
    for (const input of sent) {
      if (this.predictions.hides(at, input.name)) {
        const reveal = () => this.show(at);
        this.predictions.ask(this.root, at, input, this.data.tensors[input.grad], reveal);
        continue;
      }
      this.predictions.tell(this.root, at, input);
      const dims = input.undone.join(", ");
      const notes = input.undone.length ? [say("undone", { dims })] : [];
      this.tensor(`dL/d${input.name}`, this.shapeOf(input.grad), input.grad, notes, input.from);
    }
    this.showValues(event);
    this.showFacts(event);
  }

  showNotes(event) {
    for (const [kind, text] of event.badges) {
      made("p", `note ${kind}`, sentence(spoken(text)), this.root);
    }
    const { check } = event;
    if (check) made("p", `note check-${check.verdict}`, verdictOf(check), this.root);
    const differs = data.differs?.[now.events.indexOf(event)];
    if (differs !== undefined) {
      const text = say("differs", { percent: written(100 * differs, 3) });
      made("p", "note flagged", text, this.root);
    }
  }

  // A line for each gradient; where broadcasting is undone the line says over what it is summed.
  showRule(parts, event, withShapes) {
    const rule = made("div", "rule", undefined, this.root);
    let line = null;
    let undone = [];
    let sized = new Set();
    const end = () => {
      if (line.className) made("span", "", ` (${say("unsent")})`, line);
      if (undone.length) made("span", "undone", ` (Σ dim ${undone.join(", ")})`, line);
    };
    parts.forEach(([text, shape], i) => {
      const input = event.inputs.find((each) => text === `dL/d${each.name}`);
      if (!line || input) {
        if (line) end();
        line = made("p", input?.grad === null ? "unsent" : "", undefined, rule);
        undone = input ? input.undone : [];
        sized = new Set();
      }
      const isLast = parts[i + 1]?.[0].startsWith("dL/d");
      const said = isLast ? text.replace(/[,;] *$/, "") : text;
      const word = made("span", shape ? "sized" : "", said, line);
      if (shape && withShapes && !sized.has(text)) made("sub", "", spoken(shape), word);
      sized.add(text);
    });
    end();
    made("p", "quiet", say("g"), this.root);
  }

  showValues(event) {
    const known = [
      ...event.inputs.map((each) => [say("input"), each]),
      ...event.outputs.map((each) => [say("output"), each]),
    ].filter(([, each]) => each.value !== null);
    if (!known.length) return;
    const details = made("details", "", undefined, this.root);
    details.open = this.valuesAreOpen;
    details.addEventListener("toggle", () => { this.valuesAreOpen = details.open; });
    made("summary", "", say("values"), details);
    const outer = this.root;
    this.root = details;
    for (const [side, each] of known) {
      if (typeof each.value === "string") made("p", "plain", `${each.name} = ${each.value}`, details);
      else this.tensor(`${each.name} (${side})`, this.shapeOf(each.value), each.value, []);
    }
    this.root = outer;
  }

  showFacts(event) {
    const list = made("dl", "", undefined, this.root);
    const fact = (word, text) => {
      made("dt", "", say(word), list);
      made("dd", "", text, list);
    };
    const [forward, backward] = event.ms;
    const times = { f: forward === null ? "" : written(forward, 2), b: written(backward, 2) };
    fact("time", say(forward === null ? "timeBack" : "timeText", times));
    fact("saved", bytes(event.saved));
    fact("python", `trace[${now.events.indexOf(event)}]`);
    if (event.attributes.length) fact("attributes", event.attributes.join(", "));
  }

  showLeaves() {
    made("h2", "", say(now.stop ? "stopped" : "done"), this.root);
    if (now.stop) made("p", "note error", now.stop.error, this.root);
    for (const leaf of now.leaves) {
      const n = leaf.boxes.length;
      const notes = n > 1 ? [say("accumulates", { n })] : [];
      this.tensor(`dL/d${spoken(leaf.name)}`, this.shapeOf(leaf.grad), leaf.grad, notes);
    }
  }

  section(word) {
    made("h3", "", say(word), this.root);
  }

  shapeOf(number) {
    return this.data.tensors[number].shape.join("×") || say("scalar");
  }

  // A tensor: its name, picture, the value under the pointer, and its statistics.
  tensor(name, shape, number, notes, to = null) {
    const tensor = this.data.tensors[number];
    const figure = made("figure", "", undefined, this.root);
    const caption = made("figcaption", "", undefined, figure);
    made("bdi", "name", name, caption);
    made("span", "shape", `${shape}  ${tensor.dtype}`, caption);
    if (to !== null) {
      made("bdi", "to", say("to", { name: spoken(this.data.boxes[to].lines[0]) }), caption);
    }
    for (const note of notes) made("p", "note flagged", note, figure);
    const canvas = made("canvas", "", undefined, figure);
    const [min, max, mean, norm, zeros] = tensor.stats;
    const heard = { name, shape, min: written(min), max: written(max), norm: written(norm) };
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", say("picture", heard));
    this.paintings.push([canvas, tensor]);
    const total = tensor.shape.reduce((product, size) => product * size, 1);
    const shown = valuesOf(tensor).length;
    const part = shown < total ? partOf(tensor, shown, total) : "";
    const under = made("p", "under", part, figure);
    canvas.addEventListener("pointermove", (event) => {
      const shrunk = measured(tensor).width / canvas.clientWidth; // on a narrow screen
      const found = valueAt(tensor, event.offsetX * shrunk, event.offsetY * shrunk);
      const words = found && { at: found.index.join(", "), value: written(found.value) };
      under.textContent = found ? say("cell", words) : part;
    });
    canvas.addEventListener("pointerleave", () => { under.textContent = part; });
    const line = made("p", "stats", undefined, figure);
    const numbers = [["min", min], ["max", max], ["mean", mean], ["norm", norm]];
    for (const [word, value] of numbers) this.statistic(say(word), written(value), line);
    if (zeros) this.statistic(say("zeros"), `${written(100 * zeros, 3)}%`, line);
    if (tensor.nan) this.statistic("NaN", written(tensor.nan), line, "bad");
    if (tensor.inf) this.statistic("Inf", written(tensor.inf), line, "bad");
  }

  statistic(word, value, parent, className = "") {
    const pair = made("span", className, `${word} `, parent);
    made("b", "", value, pair);
  }
}

// The pieces of the formula, each with a shape or none. In Portuguese a number stands for the piece
// of that place in English.
function ruleOf(event) {
  const [english, portuguese = english] = event.rule;
  const pieces = language === "pt" ? portuguese : english;
  return pieces.map((each) => [typeof each === "number" ? english[each] : each].flat());
}

// What a check found of a rule.
function verdictOf(check) {
  const shown = { ...check, analytic: written(check.analytic), numeric: written(check.numeric) };
  const verdict = sentence(say(check.verdict, shown));
  const isExplained = check.reason && check.verdict !== "kink";
  return isExplained ? say("because", { verdict, reason: spoken(check.reason) }) : verdict;
}

// How many values of a tensor are in its picture, and of many matrices the last one's index.
function partOf(tensor, shown, total) {
  const said = say("part", { n: written(shown, 15), all: written(total, 15) });
  if (tensor.shape.length < 3) return said;
  const tiles = shown / (tensor.cells[0] * tensor.cells[1]);
  const [first, last] = [0, tiles - 1].map((tile) => `[${leading(tensor.shape, tile).join(", ")}]`);
  return first === last ? `${said}: ${first}` : `${said}: ${first} – ${last}`;
}
