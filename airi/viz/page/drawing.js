// The graph alone.
const graph = new Graph($("graph"), data, () => {});

let drawnIn = language;

function translate() {
  translateFrame("graphTitle");
  $("graph").setAttribute("aria-label", say("graphTitle"));
  $("notice").textContent = sentence(spoken(data.notice));
  if (drawnIn !== language) {
    drawnIn = language;
    graph.draw();
  }
}

listenToFrame(graph, translate, () => {});
listenToKeys(ZOOM_KEYS(graph));
translate();
graph.smallest = 0.5;
graph.open();
