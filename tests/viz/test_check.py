"""trace(...).check(): the op whose backward is wrong, and no other."""

from __future__ import annotations

import numpy as np
import pytest

import airi
from airi import nn, viz
from airi.ops.activation import Relu
from airi.train import convnet as course_convnet

from ..op_table import ROWS
from ..test_op_laws import calls, leaf, made, outputs, resolve
from .planting import nodes_of, plant, program


@pytest.mark.parametrize("row", [r for r in ROWS if r.grad], ids=lambda row: row.name)
def test_no_false_alarm(row):
    for call in calls(row):
        with viz.record():
            loss, _ = program(row.name, call, rounds=0)
        report = viz.trace(loss).check()
        assert not report.wrong, report


@pytest.mark.parametrize("row", [r for r in ROWS if r.grad], ids=lambda row: row.name)
def test_no_false_alarm_and_nothing_unchecked_without_recorded_values(row):
    for call in calls(row)[:3]:
        loss, mine = program(row.name, call, rounds=0)
        trace = viz.trace(loss)
        report = trace.check()
        assert not report.wrong, report
        keys = {f"op{node.number}" for node in mine}
        reasons = {each.reason for each in report.unchecked if trace[each.step].key in keys}
        # The gradient of vectors with a phase belongs to the inputs that were really used.
        has_phase = any(word in row.name for word in ("eig", "svd"))
        assert has_phase or not any("not known" in each for each in reasons), report


def single(array):
    """The leaf in float32 or complex64, of a float64 or complex128 sample."""
    made = leaf(array)
    if not made.requires_grad:
        return made
    low = np.complex64 if array.dtype.kind == "c" else np.float32
    return airi.tensor(array.astype(low), requires_grad=True)


@pytest.mark.parametrize("row", [r for r in ROWS if r.grad], ids=lambda row: row.name)
def test_no_false_alarm_in_single_precision(row):
    for call in calls(row):
        with viz.record():
            try:
                args, kwargs = made(call, single)
                result = resolve(airi, row.name)(*args, **kwargs)
                parts = [each for each in outputs(result) if getattr(each, "requires_grad", False)]
                total = airi.tensor(0.1)
                for each in parts:
                    each = each.abs() if each.dtype.is_complex else each
                    total = total + (each * airi.randn(each.shape)).sum().to(airi.float32)
            except (RuntimeError, TypeError, ValueError):
                continue  # a sample that is of float64 by an argument
        if total.requires_grad:
            report = viz.trace(total).check()
            assert not report.wrong, report


class OnlyInFloat32(airi.autograd.Function):
    """sin with a backward whose float32 part has a slip of 1 %."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        slip = 1.01 if g.dtype == airi.float32 else 1.0
        return g * x.cos() * slip


def test_a_fault_in_float32_alone_is_found():
    x = airi.randn(50, requires_grad=True)
    tr = traced(lambda: (OnlyInFloat32.apply(x * 2.0).exp() * 0.1).sum())
    (wrong,) = tr.check().wrong
    assert wrong.op == "OnlyInFloat32"
    assert wrong.analytic / wrong.numeric == pytest.approx(1.01, rel=1e-4)
    assert str(wrong).endswith("as sent in float32: run anew in float64 the rule is right")
    y = airi.randn(50, dtype=airi.float64, requires_grad=True)
    assert traced(lambda: (OnlyInFloat32.apply(y * 2.0).exp() * 0.1).sum()).check()


def test_an_infinite_result_hides_its_derivative():
    x = airi.tensor([0.0, 1.0], requires_grad=True)
    report = traced(lambda: (x.log() * 1.0).sum()).check()
    assert not report.wrong, report
    assert {each.op for each in report.unchecked} >= {"Sum"}
    mask = airi.tensor([True, False, False])
    scores = airi.randn(3, requires_grad=True)
    masked = traced(lambda: (scores.masked_fill(mask, -airi.inf).softmax(0) * airi.arange(3)).sum())
    assert masked.check()
    assert not masked.report.unchecked


def test_a_hook_that_changes_gradients_is_no_fault():
    x = airi.randn(5, requires_grad=True)

    def program():
        y = (x * 2.0).sin()
        y.grad_fn.register_hook(lambda given, _: (given[0] * 3.0,))
        return y.sum()

    assert traced(program).check()


def test_saturated_and_cancelling_ops_in_float32_are_no_faults():
    x = airi.tensor([[30.0, -30.0, 17.0], [1000.0, 1000.1, 999.9]], requires_grad=True)
    for op in (
        airi.sigmoid,
        airi.tanh,
        lambda x: nn.functional.softmax(x, 1),
        lambda x: nn.functional.layer_norm(x, (3,)),
        lambda x: x.var(1),
        lambda x: x.softmax(1).log_softmax(1),
    ):
        report = traced(
            lambda op=op: (op(x) * airi.tensor([1.0, 2.0, 3.0])[: op(x).shape[-1]]).sum()
        )
        assert report.check(), report.report


def traced(function):
    with viz.record():
        return viz.trace(function())


@pytest.mark.parametrize("drop", [nn.functional.dropout, nn.functional.alpha_dropout])
def test_random_ops_are_repeated_as_they_were(drop):
    airi.manual_seed(0)
    x = airi.randn(20, 20, requires_grad=True)
    with viz.record():
        loss = drop(x, 0.5, training=True).exp().sum()
    node = next(n for n in nodes_of([loss]) if "Dropout" in n.rule.__name__)
    assert viz.trace(loss, retain_graph=True).check()
    plant(node)
    assert [each.op for each in viz.trace(loss).check().wrong] == [node.rule.__name__]


@pytest.mark.parametrize(
    "kinked",
    [
        lambda x: x.relu(),
        lambda x: x.abs(),
        lambda x: airi.maximum(x, x * 1.0),
        lambda x: x.clamp(0.0, 1.0),
        lambda x: nn.functional.max_pool2d(x.reshape(1, 1, 4, 4), 2),
        lambda x: x.amax(),
        lambda x: x.sort().values,
        lambda x: x.round() + x,
    ],
)
def test_kinks_are_no_faults(kinked):
    x = airi.zeros(16, requires_grad=True)
    report = traced(lambda: (kinked(x) * 3.0).sum()).check()
    assert report, report


def test_it_says_analytic_against_numeric():
    x = airi.tensor([1.0, 2.0, 3.0], requires_grad=True)
    with viz.record():
        loss = (x * 2.0).exp().sum()
    plant(next(n for n in nodes_of([loss]) if n.rule.__name__ == "Exp"), factor=1.01)
    report = viz.trace(loss).check()
    (wrong,) = report.wrong
    assert not report
    assert wrong.op == "Exp"
    assert wrong.input == "x"
    assert wrong.analytic / wrong.numeric == pytest.approx(1.01, rel=1e-6)
    assert "test_check.py" in str(report)
    assert "analytic / numeric = 1.01" in str(report)


def test_a_users_own_function_is_checked():
    class Cube(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x**2 * g  # wrong: 3

    x = airi.tensor([1.0, 2.0], requires_grad=True)
    (wrong,) = traced(lambda: Cube.apply(x).sum()).check().wrong
    assert wrong.op == "Cube"
    assert wrong.analytic / wrong.numeric == pytest.approx(2 / 3, rel=1e-6)


def test_one_wrong_element_of_many_is_found():
    x = airi.randn(200, requires_grad=True)
    with viz.record():
        loss = x.sin().sum()
    node = next(n for n in nodes_of([loss]) if n.rule.__name__ == "Sin")
    plant(node, factor=np.where(np.arange(200) == 77, 0.0, 1.0))
    assert [each.op for each in viz.trace(loss).check().wrong] == ["Sin"]


def test_what_nobody_kept_is_computed_again():
    model = course_convnet(channels=1, height=28, width=28, classes=10)
    images, labels = airi.randn(2, 1, 28, 28), airi.tensor([3, 7])

    def loss():
        return nn.functional.cross_entropy(model(images), labels)

    report = viz.trace(loss()).check()
    assert [each.verdict for each in report] == ["right"] * 11, report
    assert not any(each.at_random for each in report)
    failing = loss()
    node = next(each for each in nodes_of([failing]) if each.rule.__name__ == "Relu")
    plant(node)
    (wrong,) = viz.trace(failing).check().wrong
    assert wrong.op == "Relu"


def test_where_inputs_cannot_be_computed_again_they_are_random():
    x = airi.randn(3, requires_grad=True)
    data = airi.tensor([0.5, -1.0, 2.0])
    loss = ((x + data).relu().exp() + data).sum()
    report = viz.trace(loss, retain_graph=True).check()
    assert {each.op for each in report if each.at_random} >= {"Relu", "Add"}
    assert not report.unchecked, report
    assert "at random inputs of the same shape" in str(report).splitlines()[0]
    plant(next(each for each in nodes_of([loss]) if each.rule.__name__ == "Relu"))
    (wrong,) = viz.trace(loss).check().wrong
    assert (wrong.op, wrong.at_random) == ("Relu", True)
    assert str(wrong).endswith("at random inputs of the same shape: forward kept none")


def test_what_a_constant_changed_is_not_taken_for_the_input():
    layer = nn.Linear(4, 4)
    layer.bias.requires_grad_(False).fill_(-1.0)  # not saved: looks like a layer without bias
    report = viz.trace(layer(airi.randn(8, 4)).relu().sum()).check()
    assert report, report
    assert [each.op for each in report if each.at_random] == ["Relu"]
    bare = nn.Linear(4, 4, bias=False)
    report = viz.trace(bare(airi.randn(8, 4)).relu().sum()).check()
    assert not any(each.at_random for each in report), report


class FaultyInFloat32(Relu):
    """relu with a backward whose float32 part has a slip of 1 %."""

    @staticmethod
    def backward(g, out):
        slip = 1.01 if g.dtype == np.float32 else 1.0
        return Relu.backward(g, out) * slip


def test_a_fault_in_float32_is_found_where_inputs_are_computed_again():
    x = airi.randn(50, requires_grad=True)
    (wrong,) = viz.trace(FaultyInFloat32.apply(x * 2.0).sum()).check().wrong
    assert wrong.op == "FaultyInFloat32"
    assert "as sent in float32" in str(wrong)


def test_gradients_and_the_generator_are_left_alone():
    x = airi.randn(3, requires_grad=True)
    tr = traced(lambda: x.sin().sum())
    before = x.grad.clone()
    state = airi.get_rng_state()
    tr.check()
    assert (x.grad == before).all()
    assert (airi.get_rng_state() == state).all()


def test_values_written_in_place_afterwards_are_still_checked():
    x = airi.randn(5, requires_grad=True)

    def program():
        y = x * 2.0
        y.sin_()
        y[1:3].mul_(3.0)
        return y.sum()

    tr = traced(program)
    with airi.no_grad():
        x.zero_()
    report = tr.check()
    assert report
    assert not report.unchecked, report


class Noisy(airi.autograd.Function):
    """x times numbers that forward draws by `draw`."""

    draw = staticmethod(airi.randn_like)

    @staticmethod
    def forward(ctx, x):
        ctx.scale = Noisy.draw(x)
        return x * ctx.scale

    @staticmethod
    def backward(ctx, g):
        return g * ctx.scale.to(g.dtype)


def test_random_numbers_that_a_users_function_draws_are_drawn_alike(monkeypatch):
    x = airi.randn(20, requires_grad=True)
    tr = traced(lambda: Noisy.apply(x).sum())
    state = airi.get_rng_state()
    report = tr.check()
    assert [each.verdict for each in report] == ["right", "right"], report
    assert (airi.get_rng_state() == state).all()
    rng = np.random.default_rng(0)
    monkeypatch.setattr(Noisy, "draw", lambda x: airi.tensor(rng.normal(size=tuple(x.shape))))
    (drawn,) = tr.check().unchecked
    assert drawn.reason == "it draws random numbers"


def test_samples_of_distributions_give_no_false_alarm():
    a = airi.tensor([0.5, 2.0, 5.0], requires_grad=True)

    def program():
        x = airi.distributions.Gamma(a, a).rsample() * airi.distributions.Dirichlet(a).rsample()
        return (x * airi.distributions.Normal(a, a).rsample()).sum()

    report = traced(program).check()
    assert report, report
    assert {each.op for each in report.unchecked} <= {"StandardGamma", "Drawn"}, report


def test_many_equal_numbers_are_no_fault():
    airi.manual_seed(0)
    x = airi.randn(8, 8, 16, 16, requires_grad=True)
    for _ in range(5):
        report = traced(lambda: nn.functional.max_pool2d(x.relu(), 2).pow(2).sum()).check()
        assert report, report


def own(forward, backward):
    """A user's function of these two."""

    class Own(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return forward(x, y)

        @staticmethod
        def backward(ctx, g):
            return backward(g, *ctx.saved_tensors)

    return Own


@pytest.mark.parametrize(
    ("forward", "backward", "wrong"),
    [
        (lambda x, y: x @ y, lambda g, x, y: (g @ y.T, x.T @ g), None),
        (lambda x, y: x @ y, lambda g, x, y: (g @ y, x.T @ g), "x"),  # transposed
        (lambda x, y: x - y, lambda g, x, y: (g, g), "y"),  # sign
        (lambda x, y: x * x + y, lambda g, x, y: (g * x, g), "x"),  # factor 2
        (lambda x, y: x * (x + y), lambda g, x, y: (g * (x + y), g * x), "x"),  # one of two uses
        (lambda x, y: x + y[0], lambda g, x, y: (g, g * 0 + g.mean(0)), "y"),  # mean for sum
        (lambda x, y: x * y, lambda g, x, y: (g * y, None), "y"),  # forgotten
        (lambda x, y: x * y.detach(), lambda g, x, y: (g * y, g * 0), "y"),
    ],
)
def test_the_usual_faults(forward, backward, wrong):
    airi.manual_seed(0)
    x, y = airi.randn(4, 4, requires_grad=True), airi.randn(4, 4, requires_grad=True)
    function = own(forward, backward)

    def program():
        h = function.apply(x * 1.0, y * 1.0).tanh()
        return (h.sigmoid() @ h + h).pow(2).sum()

    found = [(each.op, each.input) for each in traced(program).check().wrong]
    assert found == ([] if wrong is None else [("Own", wrong)])


def test_one_use_of_a_shared_parameter_is_told_from_the_others():
    layer = nn.Linear(4, 4)
    with viz.record():
        h = airi.randn(3, 4)
        for _ in range(4):
            h = layer(h).tanh()
        loss = h.sum()
    node = [each for each in nodes_of([loss]) if each.rule.__name__ == "Linear"][2]
    plant(node, 1)
    tr = viz.trace(loss)
    (wrong,) = tr.check().wrong
    assert tr[wrong.step].key == f"op{node.number}"
    assert wrong.input == "weight"
