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
  let said = say("done");
  if (event) {
    const names = event.inputs.filter((each) => each.grad !== null).map((each) => each.name);
    const sent = names.length ? say("sentOne", { names: names.join(", ") }) : say("sentNone");
    said = say("said", { n: at + 1, all: steps, op: event.op, sent });
  }
  $("said").textContent = said;
  $("count").textContent = event ? say("count", { n: at + 1, all: steps }) : say("done");
  $("slider").setAttribute("aria-valuetext", said);
  $("graph").setAttribute("aria-label", say("graph", { said }));
}

function translate() {
  translateFrame("title");
  player.translate();
  name("snapshot", "snapshots");
  tellSnapshot(Number($("snapshot").value));
  showBirth();
  go(player.at, false);
}

// Another trace of the same graph: another training step, or the other of two.
function choose(number) {
  now = data.snapshots[number];
  graph.draw();
  showBirth();
  tellSnapshot(number);
  go(player.at, false);
}

function tellSnapshot(number) {
  const words = { label: now.label, n: number + 1, all: data.snapshots.length };
  $("label").textContent = say("snapshot", words);
  $("snapshot").setAttribute("aria-valuetext", $("label").textContent);
}

function showBirth() {
  const birth = now.birth;
  $("birth").hidden = !birth;
  if (!birth) return;
  const word = { forward: "birthForward", backward: "birthBackward", data: "birthData" };
  $("birth").replaceChildren();
  made("strong", "", say(word[birth.phase], birth), $("birth"));
  if (birth.where) made("code", "", birth.where, $("birth"));
  for (const line of birth.inputs) made("span", "", line, $("birth"));
  if (birth.step === null) return;
  const button = made("button", "", say("show"), $("birth"));
  button.type = "button";
  button.addEventListener("click", () => go(birth.step));
}

listenToKeys({ ...player.keys, ...ZOOM_KEYS(graph) });
listenToFrame(graph, translate, (box) => {
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
graph.fit(0.75);
translate();
go(0);
