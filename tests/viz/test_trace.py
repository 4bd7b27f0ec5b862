"""trace: backward as a sequence of events."""

from __future__ import annotations

import numpy as np
import pytest

import airi
from airi import nn, viz
from airi.viz import layout


def leaf(*values):
    return airi.tensor(values, requires_grad=True)


def mlp():
    airi.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    x, target = airi.randn(5, 4), airi.tensor([0, 1, 2, 1, 0])
    return model, viz.trace(lambda: nn.functional.cross_entropy(model(x), target))


def test_one_event_per_op_in_the_order_of_the_walk():
    _, tr = mlp()
    assert [event.op for event in tr] == ["CrossEntropy", "Linear", "Relu", "Linear"]
    assert [event.step for event in tr] == [0, 1, 2, 3]
    assert tr[1].scope == "Sequential.2"
    assert len(tr) == 4


def test_gradients_in_and_out_are_those_of_backward():
    model, tr = mlp()
    np.testing.assert_array_equal(tr[1].grads_out[1], model[2].weight.grad.numpy())
    np.testing.assert_array_equal(tr[2].grads_in[0], tr[1].grads_out[0])
    np.testing.assert_array_equal(tr[2].grads_out[0], tr[2].grads_in[0] * (tr[2].values_out[0] > 0))
    assert tr[3].grads_out[0] is None  # the data want none
    assert {leaf.name for leaf in tr.leaves} == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_the_rule_has_shapes():
    a, b = airi.randn(5, 3, requires_grad=True), airi.randn(3, 4, requires_grad=True)
    tr = viz.trace((a @ b).sum())
    wanted = "dL/dx[5×3] = g[5×4] @ y.mT[4×3], dL/dy[3×4] = x.mT[3×5] @ g[5×4]"
    assert tr[1].rule_text == wanted


def test_accumulation_and_broadcasting_are_flagged():
    x, bias = airi.randn(5, 3, requires_grad=True), airi.randn(3, requires_grad=True)

    def program():
        y = x + bias
        return (y * y).sum()

    tr = viz.trace(program)
    add = next(event for event in tr if event.op == "Add")
    assert add.accumulated
    assert add.arrivals == (2,)
    assert add.undone == {1: (0,)}
    assert "summed over dimension 0" in str(add)
    assert "used 2 times" in str(add)
    np.testing.assert_allclose(add.grads_out[1], bias.grad.numpy())


def test_lines_and_values_need_recording():
    x = leaf(1.0, 2.0)
    plain = viz.trace((x * 2.0).sum())
    assert plain[0].source is None
    with viz.record():
        loss = (x * 2.0).sum()  # this line
    tr = viz.trace(loss)
    assert "test_trace.py:" in tr[0].where
    assert tr[1].line == "loss = (x * 2.0).sum()  # this line"
    np.testing.assert_array_equal(tr[1].values_out[0], [2.0, 4.0])
    assert tr[1].seconds_forward > 0


def test_without_recording_saved_values_and_leaves_are_known():
    x = leaf(1.0, 2.0)
    tr = viz.trace(x.exp().sum())
    np.testing.assert_array_equal(tr[1].values_in[0], [1.0, 2.0])
    np.testing.assert_allclose(tr[1].values_out[0], np.exp([1.0, 2.0]), rtol=1e-6)


def test_stepping():
    _, tr = mlp()
    assert tr.step().step == 0
    assert tr.step().step == 1
    assert tr.back().step == 0
    with pytest.raises(IndexError, match="first"):
        tr.back()
    for _ in range(3):
        tr.step()
    with pytest.raises(IndexError, match="last"):
        tr.step()


def test_the_table():
    _, tr = mlp()
    text = str(tr)
    assert "CrossEntropy" in text
    assert "Sequential.2" in text
    assert "test_trace.py" in text


def test_the_profile_adds_up_to_what_the_events_took():
    _, tr = mlp()
    profile = tr.profile()
    assert [(row.step, row.op, row.scope) for row in profile.rows] == [
        (event.step, event.op, event.scope) for event in tr
    ]
    assert [row.forward_ms for row in profile.rows] == [1e3 * e.seconds_forward for e in tr]
    assert [row.backward_ms for row in profile.rows] == [1e3 * e.seconds_backward for e in tr]
    assert [row.saved_bytes for row in profile.rows] == [event.bytes_saved for event in tr]
    assert all(row.forward_ms > 0 and row.backward_ms > 0 for row in profile.rows)
    assert all(row.total_ms == row.forward_ms + row.backward_ms for row in profile.rows)
    assert profile.forward_ms == pytest.approx(sum(row.forward_ms for row in profile.rows))
    assert profile.backward_ms == pytest.approx(sum(row.backward_ms for row in profile.rows))
    assert profile.total_ms == pytest.approx(sum(row.total_ms for row in profile.rows))
    assert profile.saved_bytes == sum(row.saved_bytes for row in profile.rows)


def test_the_profile_as_text_is_its_rows_and_totals():
    _, tr = mlp()
    profile = tr.profile()
    head, *lines, total, kept = str(profile).splitlines()
    columns = {word: head.index(word) for word in ("forward ms", "backward ms", "share", "saved")}
    times = {}
    for word in ("forward ms", "backward ms"):
        times[word] = [float(each[columns[word] :].split()[0]) for each in (*lines, total)]
        assert sum(times[word][:-1]) == pytest.approx(times[word][-1], abs=0.003)  # as rounded
    assert times["forward ms"][-1] == pytest.approx(profile.forward_ms, abs=6e-4)
    assert times["backward ms"][-1] == pytest.approx(profile.backward_ms, abs=6e-4)
    shares = [int(each[columns["share"] :].split("%")[0]) for each in lines]
    assert sum(shares) == pytest.approx(100, abs=2)
    assert total[columns["saved"] :] == viz.health.bytes_text(profile.saved_bytes)
    assert kept.startswith(viz.health.bytes_text(profile.kept_bytes))


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("step", lambda row: row.step),
        ("forward", lambda row: -row.forward_ms),
        ("backward", lambda row: -row.backward_ms),
        ("saved", lambda row: -row.saved_bytes),
    ],
)
def test_the_profile_is_sorted(sort, key):
    _, tr = mlp()
    rows = tr.profile(sort=sort).rows
    assert [row.step for row in rows] == [row.step for row in sorted(tr.profile().rows, key=key)]
    with pytest.raises(ValueError, match="profile: sort must be one of"):
        tr.profile(sort="time")


def test_saved_bytes_by_op_and_in_memory():
    _, tr = mlp()
    saved = {row.step: row.saved_bytes for row in tr.profile().rows}
    relu = 5 * 8 * 4
    assert saved[2] == relu
    assert saved[1] == relu + 3 * 8 * 4  # x, which is relu's output, and the weight
    assert saved[3] == 5 * 4 * 4  # x alone: the data want no gradient
    # relu's output once; the weight is a parameter
    assert tr.profile().kept_bytes == tr.bytes_kept == saved[0] + relu + saved[3]


def test_a_profile_without_recorded_forward():
    profile = viz.trace((leaf(1.0, 2.0).exp() * 2.0).sum()).profile()
    assert [row.forward_ms for row in profile.rows] == [None] * 3
    assert profile.forward_ms is None
    assert profile.total_ms == profile.backward_ms > 0
    assert "total" in str(profile)


def test_nothing_is_observed_afterwards():
    from airi.autograd.mode import current, observing

    mlp()
    with pytest.raises(RuntimeError), viz.record():
        airi.ones(2) @ airi.ones(3)
    assert not observing
    assert current().observers == ()
    assert not current().source


def test_record_keeps_nothing_of_graphs_that_died():
    from airi.viz.recording import _forwards

    before = len(_forwards)
    with viz.record():
        y = leaf(1.0).exp().sum()
        assert len(_forwards) == before + 2
        del y
        assert len(_forwards) == before


def test_a_users_function_and_several_outputs():
    class Twice(airi.autograd.Function):
        """outs = 2 x and 3 x;  dx = 2 g + 3 h"""

        @staticmethod
        def forward(ctx, x):
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            return 2 * g + 3 * h

    x = leaf(1.0, 2.0)

    def program():
        first, second = Twice.apply(x)
        return (first * second).sum()

    tr = viz.trace(program)
    event = next(event for event in tr if event.op == "Twice")
    assert event.outputs == ("out[0]", "out[1]")
    assert event.inputs == ("x",)
    assert event.rule_text == "dL/dx[2] = 2 g[2] + 3 h"
    np.testing.assert_array_equal(event.grads_out[0], x.grad.numpy())
    assert tr.check()


def test_clear_errors():
    with pytest.raises(TypeError, match="trace: expected a Tensor"):
        viz.trace(3.0)
    with pytest.raises(RuntimeError, match="requires_grad"):
        viz.trace(airi.ones(1).sum())
    with pytest.raises(ValueError, match=r"\.html"):
        mlp()[1].save("trace.svg")


# Health


def badges(tr):
    return {badge.kind for event in tr for badge in event.badges}


def test_healthy_has_no_badges():
    assert badges(mlp()[1]) == set()


def test_badges():
    x = airi.randn(4, 6, requires_grad=True)
    assert "vanishing" in badges(viz.trace((x * 1e-12).sum()))
    assert "exploding" in badges(viz.trace((x * 1e6).sum()))
    assert "dead" in badges(viz.trace(lambda: (x - 10.0).relu().sum()))
    assert "zero" in badges(viz.trace(lambda: (x - 10.0).relu().sum()))
    assert "nan" in badges(viz.trace((x * float("nan")).sum()))


def test_statistics_are_exact_and_survive_large_numbers():
    from airi.viz.statistics import statistics

    stats = statistics(np.array([1e200, -1e200, 0.0, np.nan, np.inf]))
    assert stats.norm == pytest.approx(np.sqrt(2) * 1e200)
    assert (stats.nan, stats.inf, stats.size) == (1, 1, 5)
    assert stats.zeros == pytest.approx(0.2)
    assert (stats.min, stats.max, stats.mean) == (-1e200, 1e200, 0.0)
    largest = np.finfo(np.float64).max
    assert statistics(np.full(4, largest)).mean == largest
    assert statistics(np.full(4, 5e-324)).norm == 1e-323
    assert statistics(np.zeros((0, 3))).size == 0


class Stop(airi.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2.0

    @staticmethod
    def backward(ctx, g):
        raise ValueError("no way\nsecond line")


def stopped():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match="no way") as caught:
        viz.trace(lambda: Stop.apply(x.exp()).sin().sum())
    assert x.grad is None
    assert any("sys.last_value.trace" in note for note in caught.value.__notes__)
    assert caught.value.trace.error is caught.value
    return caught.value.trace


def test_a_rule_that_raises_leaves_the_steps_up_to_it():
    tr = stopped()
    assert [event.op for event in tr] == ["Sum", "Sin", "Stop"]
    assert [event.error is None for event in tr] == [True, True, False]
    np.testing.assert_array_equal(tr[2].grads_in[0], tr[1].grads_out[0])
    assert tr.leaves == []
    assert "! step 2 Stop: its backward raised ValueError: no way" in str(tr)
    assert "! its backward raised ValueError: no way" in str(tr[2])
    report = tr.check()
    assert [each.reason for each in report.unchecked] == ["its backward raised an error"]
    assert not report.wrong


def test_a_gradient_of_the_wrong_shape_is_its_ops_fault():
    class Wide(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2.0

        @staticmethod
        def backward(ctx, g):
            return airi.ones(5)

    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match="shape") as caught:
        viz.trace(Wide.apply(x).sum())
    assert [event.error is None for event in caught.value.trace] == [True, False]


def test_a_hook_that_raises_is_no_ops_fault():
    x = leaf(1.0, 2.0)
    y = x.exp()

    def hook(g):
        raise ValueError("from a hook")

    y.register_hook(hook)
    with pytest.raises(ValueError, match="from a hook") as caught:
        viz.trace(y.sin().sum())
    tr = caught.value.trace
    assert [event.op for event in tr] == ["Sum", "Sin"]
    assert all(event.error is None for event in tr)
    assert str(tr).endswith("! backward stopped after this: ValueError: from a hook")
    pytest.importorskip("graphviz")
    if layout.find_engine("json"):
        assert "ValueError: from a hook" in tr.html()


def test_a_second_backward_marks_the_op_whose_values_are_freed():
    x = leaf(1.0, 2.0)
    loss = (x * 3.0).sin().sum()
    loss.backward()
    with pytest.raises(RuntimeError, match="a second time") as caught:
        viz.trace(loss)
    assert [event.op for event in caught.value.trace if event.error] == ["Sin"]


def test_errors_before_the_first_step_have_no_trace():
    with pytest.raises(RuntimeError, match="scalar outputs") as caught:
        viz.trace(leaf(1.0, 2.0) * 2.0)
    assert not hasattr(caught.value, "trace")


def test_a_forward_that_raises_leaves_what_was_recorded():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError) as caught:
        viz.trace(lambda: x.exp() @ airi.ones(3))
    pytest.importorskip("graphviz")
    assert "Exp" in str(viz.draw(caught.value.recording))
