// What every page with a graph has: search, zoom, language and theme.
const data = JSON.parse(document.getElementById("data").textContent);
// A replay has the events of one or more traces of the graph; one of them is shown.
let now = data.snapshots ? data.snapshots[0] : { events: [], norms: [] };
const $ = (id) => document.getElementById(id);
let matches = [];
let match = 0;

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function name(id, word) {
  $(id).title = say(word);
  $(id).setAttribute("aria-label", say(word));
}

function translateFrame(title) {
  document.documentElement.lang = language === "pt" ? "pt-BR" : "en";
  document.title = `airi: ${say(title)}`;
  for (const each of document.querySelectorAll("[data-word]")) {
    each.textContent = say(each.dataset.word);
  }
  for (const id of ["closer", "farther"]) name(id, id);
  $("search").placeholder = say("search");
  $("language").textContent = say("language");
  $("language").lang = language === "pt" ? "en" : "pt-BR";
  $("language").title = say("languageTitle");
  $("theme").textContent = say(isDark() ? "light" : "dark");
}

function search(graph) {
  matches = graph.find($("search").value);
  match = 0;
  $("found").textContent = $("search").value.trim() ? say("found", { n: matches.length }) : "";
  if (matches.length) graph.reveal(matches[0]);
}

// Wires the frame to a graph; `changed` is called after a change of language or theme, `onMatch`
// with the box that Enter goes to.
function listenToFrame(graph, changed, onMatch) {
  $("search").addEventListener("input", () => search(graph));
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && matches.length) {
      const box = matches[match % matches.length];
      match += 1;
      graph.reveal(box);
      onMatch(box);
    }
    if (event.key !== "Escape") return;
    $("search").value = "";
    search(graph);
    $("graph").focus();
  });
  $("closer").addEventListener("click", () => graph.zoom(1.25));
  $("farther").addEventListener("click", () => graph.zoom(0.8));
  $("whole").addEventListener("click", () => graph.fit());
  $("language").addEventListener("click", () => {
    language = language === "pt" ? "en" : "pt";
    changed();
  });
  $("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

const ZOOM_KEYS = (graph) => ({
  "/": () => $("search").focus(),
  "+": () => graph.zoom(1.25),
  "=": () => graph.zoom(1.25),
  "-": () => graph.zoom(0.8),
  0: () => graph.fit(),
});

// Keys act wherever the focus is, but not while one is typing or on what has a use for them.
function listenToKeys(keys) {
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("input:not([type=range]), select");
    const presses = event.key === " " && ["BUTTON", "SUMMARY"].includes(event.target.tagName);
    const slides = event.target.type === "range" && /^(Arrow|Home|End)/.test(event.key);
    if (isTyping || presses || slides || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
}
