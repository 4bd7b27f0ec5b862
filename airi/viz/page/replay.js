// The replay: steps, keys, slider, search, language and theme.
const steps = now.events.length;

const graph = new Graph($("graph"), data, (box) => {
  const step = data.boxes[box].step;
  if (step !== null) go(step, false);
});
const predictions = new Predictions();
const panel = new Panel($("details"), data, predictions);

const player = new Player(steps, (at, follow) => {
  graph.show(at, follow);
  panel.show(at);
  tell(at);
});
const go = (step, follow) => player.go(step, follow);

// What the page says of the step, in text: for the counter and for screen readers.
function tell(at) {
  const event = now.events[at];
  let said = say(now.stop ? "stopped" : "done");
  if (event) {
    const names = event.inputs.filter((each) => each.grad !== null).map((each) => each.name);
    const sent = names.length ? say("sentOne", { names: names.join(", ") }) : say("sentNone");
    said = say("said", { n: at + 1, all: steps, op: event.op, sent });
  }
  $("said").textContent = said;
  $("count").textContent = event ? say("count", { n: at + 1, all: steps }) : said.split(":")[0];
  $("slider").setAttribute("aria-valuetext", said);
  $("graph").setAttribute("aria-label", say("graph", { said }));
}

let drawnIn = language;

function changed() {
  translate();
  if (drawnIn !== language) {
    drawnIn = language;
    graph.draw();
    search(graph);
  }
  go(player.at, false);
}

function translate() {
  translateFrame("title");
  player.translate();
  name("snapshot", "snapshots");
  $("answers").setAttribute("aria-label", say("copy"));
  tellSnapshot(Number($("snapshot").value));
  showAlarms();
}

// Another trace of the same graph: another training step, or the other of two.
function choose(number) {
  now = data.snapshots[number];
  graph.draw();
  showAlarms();
  tellSnapshot(number);
  go(player.at, false);
}

function tellSnapshot(number) {
  const words = { label: spoken(now.label), n: number + 1, all: data.snapshots.length };
  $("label").textContent = say("snapshot", words);
  $("snapshot").setAttribute("aria-valuetext", $("label").textContent);
}

// What went wrong: where the first NaN was made, and what ended backward.
function showAlarms() {
  const { birth, stop } = now;
  $("birth").hidden = !birth;
  $("stop").hidden = !stop;
  if (birth) {
    const word = `birth${sentence(birth.phase)}`;
    const said = say(word, { op: birth.op, kind: spoken(birth.kind) });
    showAlarm($("birth"), said, birth.where, birth.inputs.map(spoken), birth.step);
  }
  const wrong = now.events.findIndex((event) => event.check?.verdict === "wrong");
  $("wrong").hidden = wrong < 0;
  if (wrong >= 0) {
    const { op, check, where } = now.events[wrong];
    const verdict = verdictOf(check);
    const said = `${op}: ${verdict[0].toLowerCase()}${verdict.slice(1)}`;
    showAlarm($("wrong"), said, where, [], wrong);
  }
  if (stop) {
    const { step, error } = stop;
    const said = step === null
      ? say("stoppedAfter", { n: steps, error })
      : say("stoppedAt", { n: step + 1, op: now.events[step].op, error });
    showAlarm($("stop"), said, step === null ? "" : now.events[step].where, [], step);
  }
}

function showAlarm(root, said, where, lines, step) {
  root.replaceChildren();
  made("strong", "", said, root);
  if (where) made("code", "", where, root);
  for (const line of lines) made("span", "", line, root);
  if (step === null) return;
  const button = made("button", "", say("show"), root);
  button.type = "button";
  button.addEventListener("click", () => go(step));
}

listenToKeys({ ...player.keys, ...ZOOM_KEYS(graph) });
listenToFrame(graph, changed, (box) => {
  if (data.boxes[box].step !== null) go(data.boxes[box].step);
});
$("predict").addEventListener("click", () => {
  predictions.on = !predictions.on;
  $("predict").setAttribute("aria-pressed", predictions.on);
  go(player.at, false);
});
$("series").hidden = data.snapshots.length < 2;
$("snapshot").max = data.snapshots.length - 1;
$("snapshot").value = 0;
$("snapshot").addEventListener("input", () => choose(Number($("snapshot").value)));
graph.open();
translate();
go(0);
graph.opened = () => go(player.at);
