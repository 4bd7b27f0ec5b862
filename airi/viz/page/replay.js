// The replay: steps, keys, slider, search, language and theme.
const steps = now.events.length;
let at = 0;
let playing = null;

const graph = new Graph($("graph"), data, (box) => {
  const step = data.boxes[box].step;
  if (step !== null) go(step, false);
});
const predictions = new Predictions();
const panel = new Panel($("details"), data, predictions);

function go(step, follow = true) {
  at = Math.max(0, Math.min(steps, step));
  graph.show(at, follow);
  panel.show(at);
  tell();
}

// What the page says of the step, in text: for the counter and for screen readers.
function tell() {
  const event = now.events[at];
  let said = say("done");
  if (event) {
    const names = event.inputs.filter((each) => each.grad !== null).map((each) => each.name);
    const sent = names.length ? say("sentOne", { names: names.join(", ") }) : say("sentNone");
    said = say("said", { n: at + 1, all: steps, op: event.op, sent });
  }
  $("said").textContent = said;
  $("count").textContent = event ? say("count", { n: at + 1, all: steps }) : say("done");
  $("slider").value = at;
  $("slider").setAttribute("aria-valuetext", said);
  $("graph").setAttribute("aria-label", say("graph", { said }));
  $("back").disabled = $("first").disabled = at === 0;
  $("next").disabled = $("last").disabled = at === steps;
}

function play(on) {
  clearInterval(playing);
  playing = null;
  if (on) {
    if (at === steps) go(0);
    playing = setInterval(() => {
      if (at < steps) go(at + 1);
      if (at === steps) play(false);
    }, 1000);
  }
  const shape = playing ? "M4 3h3v10H4zM9 3h3v10H9z" : "M4 2.5v11L13 8z";
  $("play").querySelector("path").setAttribute("d", shape);
  name("play", playing ? "pause" : "play");
}

function translate() {
  translateFrame("title");
  for (const id of ["first", "back", "next", "last", "slider"]) name(id, id);
  name("snapshot", "snapshots");
  play(playing !== null);
  tellSnapshot(Number($("snapshot").value));
  showBirth();
  go(at, false);
}

// Another trace of the same graph: another training step, or the other of two.
function choose(number) {
  now = data.snapshots[number];
  graph.draw();
  showBirth();
  tellSnapshot(number);
  go(at, false);
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

const KEYS = {
  ArrowRight: () => go(at + 1),
  ArrowLeft: () => go(at - 1),
  Home: () => go(0),
  End: () => go(steps),
  " ": () => play(!playing),
  ...ZOOM_KEYS(graph),
};

listenToKeys(KEYS);
listenToFrame(graph, translate, (box) => {
  if (data.boxes[box].step !== null) go(data.boxes[box].step);
});
$("predict").addEventListener("click", () => {
  predictions.on = !predictions.on;
  $("predict").setAttribute("aria-pressed", predictions.on);
  go(at, false);
});
$("series").hidden = data.snapshots.length < 2;
$("snapshot").max = data.snapshots.length - 1;
$("snapshot").value = 0;
$("snapshot").addEventListener("input", () => choose(Number($("snapshot").value)));
$("slider").max = steps;
$("slider").addEventListener("input", () => go(Number($("slider").value)));
$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(at - 1));
$("next").addEventListener("click", () => go(at + 1));
$("last").addEventListener("click", () => go(steps));
$("play").addEventListener("click", () => play(!playing));

graph.fit(0.75);
translate();
go(0);
