"""draw: what is in the picture, on paper and in files."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

import airi
from airi import nn, viz
from airi.viz import layout

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
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot"):
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
