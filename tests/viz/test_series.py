"""TrainingTrace and compare: several traces of one graph."""

from __future__ import annotations

import numpy as np
import pytest

import airi
from airi import nn, optim, viz

from .planting import nodes_of, plant


def train(steps, every, most=50):
    airi.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = viz.TrainingTrace(every=every, most=most)
    x = airi.randn(8, 3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        losses.append(history.backward(lambda: ((model(x) - 1.0) ** 2).mean()).item())
        optimizer.step()
    return history, losses


def test_every_kth_step_is_recorded():
    history, losses = train(7, every=3)
    assert history.steps == [0, 3, 6]
    np.testing.assert_allclose(history.losses, [losses[i] for i in (0, 3, 6)])
    assert losses[-1] < losses[0]
    assert all(each.check() for each in history)
    assert not np.allclose(history[0].leaves[0].grad, history[2].leaves[0].grad)
    assert "largest" in str(history)
    assert len(train(7, every=1, most=2)[0]) == 2


def test_training_is_the_same_as_without():
    assert train(6, every=2)[1] == train(6, every=100)[1]


def test_another_program_is_refused():
    history = viz.TrainingTrace(every=1)
    x = airi.ones(2, requires_grad=True)
    history.backward(lambda: x.exp().sum())
    with pytest.raises(ValueError, match="differ at step 1: Exp in one, Sin in the other"):
        history.backward(lambda: x.sin().sum())
    with pytest.raises(ValueError, match="every"):
        viz.TrainingTrace(every=0)
    with pytest.raises(RuntimeError, match="nothing is recorded"):
        viz.TrainingTrace().html()


def traced(wrong):
    x = airi.tensor([0.5, 1.0], requires_grad=True)
    with viz.record():
        loss = (x.sin() * 2.0).exp().sum()
    if wrong:
        plant(next(node for node in nodes_of([loss]) if node.rule.__name__ == "Mul"), factor=1.5)
    return viz.trace(loss)


def test_compare_finds_the_first_that_differs():
    same = viz.compare(traced(False), traced(False))
    assert same.first is None
    assert all(row.relative == 0 for row in same.rows)
    found = viz.compare(traced(False), traced(True), ("reference", "mine"))
    assert found.first.op == "Mul"
    assert [row.op for row in found.rows if row.relative > 0.3] == ["Mul", "Sin"]
    assert "the first to differ: step 2, Mul" in str(found)
    assert "reference" in str(found)


def test_compare_needs_the_same_program():
    x = airi.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="compare: the graphs differ at step 0"):
        viz.compare(viz.trace(x.sum()), viz.trace(x.mean()))


def test_the_page_has_a_snapshot_of_each(tmp_path):
    pytest.importorskip("graphviz")
    from .test_replay import data_of

    history, _ = train(5, every=2)
    page = history.save(tmp_path / "training.html").read_text(encoding="utf-8")
    labels = [each["label"][0] for each in data_of(page)["snapshots"]]
    assert [(key, values["n"]) for key, values in labels] == [("stepLoss", n) for n in (0, 2, 4)]
    with pytest.raises(ValueError, match=r"\.html"):
        history.save(tmp_path / "training.png")
