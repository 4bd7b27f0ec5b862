// Predict mode: what an op sends on is hidden until one has said its shape, sign or value.
const isFramed = window.self !== window.top;
$("answers").addEventListener("focus", () => $("answers").select());

class Predictions {
  constructor() {
    this.on = false;
    this.answers = new Map();
  }

  key(step, input) {
    return `${data.snapshots.indexOf(now)}/${step}/${input}`;
  }

  hides(step, input) {
    return this.on && !this.answers.has(this.key(step, input));
  }

  // The questions for one gradient, in place of its picture.
  ask(parent, step, input, tensor, reveal) {
    const form = made("div", "predict", undefined, parent);
    form.setAttribute("role", "group");
    made("p", "", say("ask", { name: `dL/d${input.name}` }), form);
    const shape = this.field(form, "predictShape", "text");
    const sign = made("select", "", undefined, this.label(form, "predictSign"));
    for (const [value, text] of [["", "?"], ["+", "+"], ["-", "−"], ["0", "0"]]) {
      made("option", "", text, sign).value = value;
    }
    const value = this.field(form, "predictValue", "text");
    const button = made("button", "", say("answer"), form);
    button.type = "button";
    // No <form>: a notebook's frame lets none be sent, and then tells nobody.
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.tagName === "INPUT") button.click();
    });
    button.addEventListener("click", () => {
      if (!shape.value.trim() && !sign.value && !value.value.trim()) {
        shape.focus();
        return;
      }
      const answer = { step, op: now.events[step].op, input: input.name };
      if (data.snapshots.length > 1) answer.snapshot = data.snapshots.indexOf(now);
      if (shape.value.trim()) answer.shape = (shape.value.match(/\d+/g) ?? []).map(Number);
      if (sign.value) answer.sign = sign.value;
      if (value.value.trim()) answer.value = Number(value.value.trim().replace(",", "."));
      if (Number.isNaN(answer.value)) delete answer.value;
      this.answers.set(this.key(step, input.name), { answer, right: this.marks(answer, tensor) });
      this.offer();
      reveal();
    });
  }

  label(form, word) {
    const label = made("label", "", undefined, form);
    made("span", "", say(word), label);
    return label;
  }

  field(form, word, type) {
    const input = made("input", "", undefined, this.label(form, word));
    input.type = type;
    input.autocomplete = "off";
    return input;
  }

  // Sign and value are asked of the first element.
  marks(answer, tensor) {
    const first = valuesOf(tensor)[0];
    const right = {};
    if (answer.shape) right.shape = answer.shape.join() === tensor.shape.join();
    if (answer.sign) right.sign = answer.sign === (first > 0 ? "+" : first < 0 ? "-" : "0");
    if (answer.value !== undefined) {
      right.value = Math.abs(answer.value - first) <= 0.01 * Math.abs(first) + 1e-6;
    }
    return right;
  }

  // What was said of a gradient that is now shown.
  tell(parent, step, input) {
    const known = this.answers.get(this.key(step, input.name));
    if (!known) return;
    const words = { shape: "predictShape", sign: "predictSign", value: "predictValue" };
    for (const [what, isRight] of Object.entries(known.right)) {
      const said = Array.isArray(known.answer[what])
        ? known.answer[what].join("×") || say("scalar") : known.answer[what];
      const text = `${isRight ? "✓" : "✗"} ${say(words[what])}: ${said}`;
      made("p", isRight ? "note check-right" : "note check-wrong", text, parent);
    }
  }

  // The answers as a file; in a notebook's frame, which may save none, as a text to copy.
  offer() {
    const answers = [...this.answers.values()].map((each) => each.answer);
    const text = JSON.stringify({ airi: "answers", version: 1, answers }, null, 1);
    $("answers").value = text;
    $("copy").hidden = !isFramed;
    $("export").href = `data:application/json;charset=utf-8,${encodeURIComponent(text)}`;
    $("export").hidden = isFramed;
  }
}
