// The graph alone: a click on a parameter that is used several times shows all of its uses.
const graph = new Graph($("graph"), data, (number) => {
  const { shared } = data.boxes[number];
  data.boxes.forEach((box, i) => {
    graph.boxes[i].classList.toggle("same", shared !== "" && box.shared === shared);
  });
});

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
graph.fit(0.5);
