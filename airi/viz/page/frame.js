// What every page with a graph has: search and zoom.
// A replay has the events of one or more traces of the graph; one of them is shown.
let now = data.snapshots ? data.snapshots[0] : { events: [], norms: [] };
let matches = [];
let match = 0;

function translateFrame(title) {
  translatePage(title);
  for (const id of ["closer", "farther"]) name(id, id);
  $("search").placeholder = say("search");
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
    graph.focus(graph.active);
  });
  $("closer").addEventListener("click", () => graph.zoom(1.25));
  $("farther").addEventListener("click", () => graph.zoom(0.8));
  $("whole").addEventListener("click", () => graph.fit());
  listenToPage(changed);
}

const ZOOM_KEYS = (graph) => ({
  "/": () => $("search").focus(),
  "+": () => graph.zoom(1.25),
  "=": () => graph.zoom(1.25),
  "-": () => graph.zoom(0.8),
  0: () => graph.fit(),
});
