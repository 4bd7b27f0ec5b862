"""draw: what is in the picture, on paper and in files."""

import json
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

import airi
from airi import nn, viz
from airi.viz import layout
from airi.viz.rows import rows

pytest.importorskip("graphviz")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 4)
        self.act = nn.ReLU()
        self.fc2 = nn.Linear(4, 2)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


def drawn():
    x = airi.tensor(np.ones((5, 3), np.float32), requires_grad=True)
    model = Net()
    return viz.draw(model(x).sum(), names={"x": x})


def test_ops_parameters_shapes_and_modules_are_there():
    source = drawn().source
    for text in ("fc1: Linear", "act: ReLU", "fc2: Linear", "fc1.weight", "fc2.bias", "4 × 3"):
        assert text in source
    assert "5 × 2  float32" in source
    assert source.count("subgraph") == 4  # Net and its three layers


def test_frames_hold_their_ops():
    lines = drawn().source.splitlines()
    frame = next(i for i, line in enumerate(lines) if "act: ReLU" in line)
    assert any("Relu" in line for line in lines[frame : frame + 4])


def test_a_parameter_used_twice_is_drawn_once_per_use():
    w = airi.tensor([2.0], requires_grad=True)
    source = viz.draw((w * w).exp(), names={"w": w}).source
    assert source.count("used 2 times") == 2


def test_results_show_their_value():
    x = airi.tensor([3.0], requires_grad=True)
    assert "12" in viz.draw((x * 4.0).sum()).source


def engines():
    found = [("dot", shutil.which("dot")), ("wheel", layout.find_engine("png"))]
    return [pytest.param(path, id=name) for name, path in found if path]


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_files(tmp_path, ending):
    if layout.find_engine(ending) is None:
        pytest.skip("no layout engine")
    content = drawn().save(tmp_path / f"graph.{ending}").read_bytes()
    assert content.startswith(b"\x89PNG" if ending == "png" else b"<?xml")


def test_dot_text_needs_no_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(layout.shutil, "which", lambda *args, **kwargs: None)
    drawing = drawn()
    assert drawing.save(tmp_path / "graph.dot").read_text().startswith("digraph")
    with pytest.raises(RuntimeError, match=r"pip install graphviz-pure.*apt install graphviz"):
        drawing.save(tmp_path / "graph.svg")
    assert not (tmp_path / "graph.svg").exists()
    assert set(drawing._repr_mimebundle_()) == {"text/plain"}


def test_notebooks_get_svg():
    if layout.find_engine() is None:
        pytest.skip("no layout engine")
    assert "<svg" in drawn()._repr_mimebundle_()["image/svg+xml"]


def test_a_layout_that_takes_too_long_is_ended():
    if layout.find_engine() is None:
        pytest.skip("no layout engine")
    with pytest.raises(TimeoutError, match="did not finish"):
        layout.render(drawn().source, "svg", seconds=0.0001)


@pytest.mark.parametrize("error", [TimeoutError, layout.LayoutError])
@pytest.mark.parametrize("ending", ["svg", "png", "html"])
def test_where_graphviz_gives_up_the_graph_stands_in_rows(tmp_path, monkeypatch, ending, error):
    if layout.find_engine() is None:
        pytest.skip("no layout engine")
    render = layout.render

    def gives_up(source, format, seconds=8.0, options=()):
        if not options:
            raise error("draw: dot did not finish")
        return render(source, format, seconds, options)

    monkeypatch.setattr(layout, "render", gives_up)
    monkeypatch.setattr("airi.viz.drawing.render", gives_up)
    with pytest.warns(UserWarning, match="did not finish: the graph is laid out in plain rows"):
        content = drawn().save(tmp_path / f"graph.{ending}").read_bytes()
    if ending != "png":
        for text in (b"fc1: Linear", b"fc1.weight", b"Relu"):
            assert text in content


def boxes_apart(placed):
    """Whether no two boxes and no two frames overlap, except frames that are in one another."""
    edges = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in placed.nodes.values()]
    apart = True
    for i, one in enumerate(edges):
        for other in edges[:i]:
            across = min(one[2], other[2]) - max(one[0], other[0])
            down = min(one[3], other[3]) - max(one[1], other[1])
            apart = apart and (across <= 0 or down <= 0)
    return apart


@pytest.mark.parametrize("direction", ["TB", "BT", "LR", "RL"])
def test_rows(direction):
    model = Stack(4, residual=True)
    picture = viz.draw(model(airi.ones(3, 4)).sum(), fold=False)._picture
    placed = rows(picture, direction)
    assert set(placed.nodes) == {box.key for box in picture.boxes}
    assert len(placed.frames) == len(placed.scopes) == 4 * 3 + 2
    assert boxes_apart(placed)
    across, sign = direction in ("LR", "RL"), 1 if direction in ("TB", "LR") else -1
    for (source, target), curves in placed.edges.items():
        start, end = placed.nodes[source], placed.nodes[target]
        assert sign * (end[1 - across] - start[1 - across]) > 0
        assert all(len(curve) == 5 for curve in curves)
    for x, y, width, height in placed.nodes.values():
        assert 0 <= x - width / 2 <= x + width / 2 <= placed.width
        assert 0 <= y - height / 2 <= y + height / 2 <= placed.height


def test_a_graph_that_leads_back_into_a_module_stands_in_rows_too():
    class Halves(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            yield self.fc(x)
            yield self.fc(x * 2.0)

    x = airi.ones(2, 4, requires_grad=True)
    model = Halves()
    first, second = model(x)
    picture = viz.draw((first * second).sum(), fold=False)._picture
    assert boxes_apart(rows(picture))


def test_recurrent_steps_in_a_python_loop():
    if layout.find_engine() is None:
        pytest.skip("no layout engine")
    cell, head = nn.LSTMCell(3, 4), nn.Linear(4, 2)
    h, c = airi.zeros(2, 4), airi.zeros(2, 4)
    outs = []
    for step in airi.randn(60, 2, 3):
        h, c = cell(step, (h, c))
        outs.append(head(h))
    svg = viz.draw(airi.stack(outs).sum(), fold=False).svg()  # with labels on arrows `dot` fails
    assert svg.count("used 60 times") == 60 * 6


HOSTILE = ['</script><b>"quoted"</b>', "\\N\\n", "<b>bold</b>", "x" * 10_000, "\u202eabc\n\0"]


@pytest.mark.parametrize("name", HOSTILE, ids=["html", "escapes", "label", "long", "control"])
def test_hostile_names_stay_text(name):
    x = airi.tensor([3.0], requires_grad=True)
    drawing = viz.draw((x * 4.0).sum(), names={name: x})
    assert len(drawing.source) < 5_000
    if layout.find_engine() is not None:
        svg = drawing.svg()
        assert "<b>" not in svg
        assert "<script" not in svg


def test_clear_errors(tmp_path):
    with pytest.raises(RuntimeError, match="requires grad"):
        viz.draw(airi.tensor([1.0]))
    with pytest.raises(TypeError, match="ndarray"):
        viz.draw(np.ones(3))
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.html, \.dot"):
        drawn().save(tmp_path / "graph.jpg")
    with pytest.raises(ValueError, match="direction"):
        viz.draw(airi.tensor([1.0], requires_grad=True) * 2.0, direction="up")


def test_import_airi_does_not_import_pictures():
    code = "import airi, sys; assert not {'graphviz', 'matplotlib', 'tqdm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_same_graph_is_the_same_text():
    def text():
        airi.manual_seed(0)
        return re.sub(r"op[0-9]+", "op", drawn().source)

    assert text() == text()


# Depth, repeats and details


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.norm = nn.LayerNorm(4)

    def forward(self, x):
        return self.norm(self.fc(x).relu())


class Stack(nn.Module):
    def __init__(self, count, residual=False):
        super().__init__()
        self.blocks = nn.ModuleList([Block() for _ in range(count)])
        self.head = nn.Linear(4, 2)
        self.residual = residual

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x) if self.residual else block(x)
        return self.head(x)


def ops(drawing):
    return [box.lines[0] for box in drawing._picture.boxes if box.kind == "op"]


def modules(drawing):
    return [box.lines[0] for box in drawing._picture.boxes if box.kind == "module"]


def test_depth_shows_modules_as_one_box():
    model = Stack(2)
    loss = model(airi.ones(3, 4)).sum()
    whole = viz.draw(loss, depth=0)
    assert modules(whole) == ["Stack"]
    assert ops(whole) == ["Sum"]
    parts = viz.draw(loss, depth=1, fold=False)
    assert modules(parts) == ["blocks.0: Block", "blocks.1: Block", "head: Linear"]
    assert "3 ops" in parts.source
    deep = viz.draw(loss, depth=9, fold=False)
    assert deep.source == viz.draw(loss, fold=False).source
    with pytest.raises(ValueError, match="depth"):
        viz.draw(loss, depth=-1)


def test_blocks_that_repeat_are_shown_once():
    folded = viz.draw(Stack(5)(airi.ones(3, 4)).sum())
    assert ops(folded) == ["Linear", "Relu", "LayerNorm", "Linear", "Sum"]
    assert "× 5" in folded.source
    unfolded = viz.draw(Stack(5)(airi.ones(3, 4)).sum(), fold=False)
    assert len(ops(unfolded)) == 17
    # The way from the repeated block to what follows is there.
    boxes = {box.key: box for box in folded._picture.boxes}
    ways = [(boxes[a].lines[0], boxes[b].lines[0]) for a, b, _ in folded._picture.arrows]
    assert ("LayerNorm", "Linear") in ways


def test_blocks_with_ops_between_them_are_folded_together():
    folded = viz.draw(Stack(6, residual=True)(airi.ones(3, 4)).sum())
    assert len(ops(folded)) <= 10
    assert "× 6" in folded.source or "× 5" in folded.source


def test_blocks_side_by_side_are_not_folded():
    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.ih, self.hh = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            return self.ih(x) + self.hh(x)

    model = Gate()
    assert ops(viz.draw(model(airi.ones(2, 4)).sum())) == ["Linear", "Linear", "Add", "Sum"]


def test_names_are_those_of_the_time_of_drawing():
    model = Stack(2)
    drawing = viz.draw(model(airi.ones(3, 4)).sum(), fold=False)
    del model
    assert "blocks.1: Block" in str(drawing)


def test_modules_as_boxes_are_folded_too():
    model = Stack(5)
    assert modules(viz.draw(model(airi.ones(3, 4)).sum(), depth=1)) == [
        "blocks.0: Block",
        "head: Linear",
    ]


def test_different_blocks_are_not_folded():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 4))
    assert len(ops(viz.draw(model(airi.ones(2, 4)).sum()))) == 6


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(4, 4)

    def forward(self, x, steps):
        for _ in range(steps):
            x = self.cell(x)
        return x


def test_a_shared_parameter_is_drawn_once_per_use_and_linked():
    model = Recurrent()
    loss = model(airi.ones(2, 4), 60).sum()
    drawing = viz.draw(loss, fold=False)
    shared = [box for box in drawing._picture.boxes if box.shared == "cell.weight"]
    assert len(shared) == 60
    assert drawing.source.count("used 60 times") == 120  # weight and bias
    assert "× 60" in viz.draw(loss).source


def test_values_gradients_and_what_is_saved():
    w = airi.tensor([2.0, 3.0], requires_grad=True)
    with viz.record():
        loss = (w.exp() * 2.0).sum()
    drawing = viz.draw(loss, values=True, grads=True, saved=True)
    assert "[2, 3]" in drawing.source
    assert "saved: out (8 B)" in drawing.source
    assert "backward has not run" in drawing.source
    assert "backward has not run" in str(drawing)
    loss.backward()
    drawing = viz.draw(loss, grads=True, saved=True)
    assert "grad: [14.778, 40.171]" in drawing.source
    assert "saved values are freed" in drawing.source
    assert "backward has not run" not in drawing.source


def test_the_text_tree():
    text = str(drawn())
    lines = text.splitlines()
    assert lines[0] == "Net"
    assert lines[1] == "  fc1: Linear"
    assert lines[2] == "    Linear  5 × 4  float32  <- x, fc1.weight, fc1.bias"
    assert lines[-1].startswith("result  scalar")
    assert "× 5" in str(viz.draw(Stack(5)(airi.ones(3, 4)).sum()))


def test_a_forward_that_fails_is_drawn_up_to_there():
    x = airi.ones(2, 4, requires_grad=True)

    def program():
        hidden = (x * 2.0).relu()
        return hidden @ airi.ones(3, 3)

    with pytest.raises(RuntimeError), viz.record() as recording:
        program()
    drawing = viz.draw(recording)
    assert ops(drawing) == ["Mul", "Relu"]
    assert "RuntimeError" in drawing.source
    assert "matmul" in drawing.source
    assert "RuntimeError" in str(drawing)
    with pytest.raises(RuntimeError, match="nothing was recorded"), viz.record() as nothing:
        viz.draw(nothing)


def test_html(tmp_path):
    if layout.find_engine("json") is None:
        pytest.skip("no layout engine")
    page = drawn().save(tmp_path / "graph.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "default-src 'none'" in page
    assert "fc1.weight" in page


def test_names_in_large_models_are_looked_up_once(monkeypatch):
    count = 0
    original = nn.Module.named_modules

    def named_modules(self, *args, **kwargs):
        nonlocal count
        count += 1
        return original(self, *args, **kwargs)

    model = Stack(30)
    loss = model(airi.ones(3, 4)).sum()
    monkeypatch.setattr(nn.Module, "named_modules", named_modules)
    viz.draw(loss, fold=False)
    viz.trace(loss)
    assert count < 40  # named_parameters lists modules too


@pytest.mark.skipif(layout.find_engine("json") is None, reason="no layout engine")
@pytest.mark.parametrize("name", ["&lt;'", "a\\n", '"q"', "<b>x</b>"])
def test_names_are_drawn_as_they_are(name, tmp_path):
    """Graphviz reads entities and escapes in labels; the page and the picture show the text."""
    model = nn.Sequential()
    model.add_module(name, nn.Linear(2, 2))
    drawing = viz.draw(model(airi.ones(1, 2)).sum())
    texts = ElementTree.fromstring(drawing.svg()).iter("{http://www.w3.org/2000/svg}text")
    assert f"{name}: Linear" in {"".join(each.itertext()).strip() for each in texts}
    page = drawing.save(tmp_path / "graph.html").read_text(encoding="utf-8")
    frames = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])["frames"]
    assert f"{name}: Linear" in [frame[4] for frame in frames]


@pytest.mark.parametrize("depth", [None, 1])
def test_all_steps_of_an_lstm_are_folded(depth):
    class Unrolled(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.LSTMCell(3, 4)

        def forward(self, steps):
            h, c = airi.zeros(2, 4), airi.zeros(2, 4)
            for step in steps:
                h, c = self.cell(step, (h, c))
            return h  # nothing uses the last c

    source = viz.draw(Unrolled()(airi.randn(60, 2, 3)).sum(), depth=depth).source
    assert "× 60" in source
    assert "× 59" not in source
