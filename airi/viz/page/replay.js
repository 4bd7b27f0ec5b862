// The replay: steps, keys, slider, search, language and theme.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const steps = data.events.length;
let at = 0;
let playing = null;
let matches = [];
let match = 0;

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

const graph = new Graph($("graph"), data, (box) => {
  const step = data.boxes[box].step;
  if (step !== null) go(step, false);
});
const panel = new Panel($("details"), data);

function go(step, follow = true) {
  at = Math.max(0, Math.min(steps, step));
  graph.show(at, follow);
  panel.show(at);
  tell();
}

// What the page says of the step, in text: for the counter and for screen readers.
function tell() {
  const event = data.events[at];
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

function name(id, word) {
  $(id).title = say(word);
  $(id).setAttribute("aria-label", say(word));
}

function translate() {
  document.documentElement.lang = language === "pt" ? "pt-BR" : "en";
  document.title = `airi: ${say("title")}`;
  for (const each of document.querySelectorAll("[data-word]")) {
    each.textContent = say(each.dataset.word);
  }
  for (const id of ["first", "back", "next", "last", "closer", "farther", "slider"]) name(id, id);
  $("search").placeholder = say("search");
  $("language").textContent = say("language");
  $("language").lang = language === "pt" ? "en" : "pt-BR";
  $("language").title = say("languageTitle");
  $("theme").textContent = say(isDark() ? "light" : "dark");
  $("details").title = "";
  play(playing !== null);
  showBirth();
}

function showBirth() {
  const birth = data.birth;
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

function search() {
  matches = graph.find($("search").value);
  match = 0;
  $("found").textContent = $("search").value.trim() ? say("found", { n: matches.length }) : "";
  if (matches.length) graph.reveal(matches[0]);
}

function nextMatch() {
  if (!matches.length) return;
  const box = matches[match % matches.length];
  match += 1;
  graph.reveal(box);
  if (data.boxes[box].step !== null) go(data.boxes[box].step);
}

const KEYS = {
  ArrowRight: () => go(at + 1),
  ArrowLeft: () => go(at - 1),
  Home: () => go(0),
  End: () => go(steps),
  " ": () => play(!playing),
  "/": () => $("search").focus(),
  "+": () => graph.zoom(1.25),
  "=": () => graph.zoom(1.25),
  "-": () => graph.zoom(0.8),
  0: () => graph.fit(),
};

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.id === "search";
  const presses = event.key === " " && ["BUTTON", "SUMMARY"].includes(event.target.tagName);
  const slides = event.target.id === "slider" && /^(Arrow|Home|End)/.test(event.key);
  if (isTyping || presses || slides || event.ctrlKey || event.metaKey || event.altKey) return;
  if (!KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

$("search").addEventListener("input", search);
$("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") nextMatch();
  if (event.key !== "Escape") return;
  $("search").value = "";
  search();
  $("graph").focus();
});
$("slider").max = steps;
$("slider").addEventListener("input", () => go(Number($("slider").value)));
$("first").addEventListener("click", () => go(0));
$("back").addEventListener("click", () => go(at - 1));
$("next").addEventListener("click", () => go(at + 1));
$("last").addEventListener("click", () => go(steps));
$("play").addEventListener("click", () => play(!playing));
$("closer").addEventListener("click", () => graph.zoom(1.25));
$("farther").addEventListener("click", () => graph.zoom(0.8));
$("whole").addEventListener("click", () => graph.fit());
$("language").addEventListener("click", () => {
  language = language === "pt" ? "en" : "pt";
  translate();
  go(at, false);
});
$("theme").addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  translate();
  panel.repaint();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  translate();
  panel.repaint();
});

translate();
graph.fit(0.75);
go(0);
