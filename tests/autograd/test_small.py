"""Kernels for small arrays: the same numbers as the rules that they stand for, or none at all."""

import numpy as np
import pytest

import airi
from airi.autograd.graph import Rule
from airi.ops import activation, elementwise, matmul, transcendental, trigonometry

pytest.importorskip("airi.autograd.small_ext")

RULES = [
    *(elementwise.Add, elementwise.Sub, elementwise.Mul, elementwise.Div),
    *(elementwise.Neg, elementwise.Square),
    *(transcendental.Pow, transcendental.Sqrt, transcendental.Exp, transcendental.Log),
    *(transcendental.Sigmoid, trigonometry.Tanh),
]
SHAPES = [(), (1,), (4, 4), (0, 3), (45, 45)]


def arrays_for(rule, shape, dtype):
    numbers = np.random.default_rng(0)
    arrays = [np.asarray(numbers.uniform(0.5, 2, shape), dtype) for _ in rule.inputs]
    return [arrays[0], 2] if rule is transcendental.Pow else arrays


def forward(rule, x, y=None):
    return rule.small.forward(x, y, None)


def wanted_of(rule, inputs, out, needs):
    known = {**dict(zip(rule.inputs, inputs, strict=True)), "out": out, "needs": needs}
    return [known[name] for name in rule._wanted()]


def test_every_rule_with_a_kernel_is_tested():
    large = type(activation.Relu.small)  # of large arrays: see tests/ops/test_fused.py
    pending, found = [Rule], set()
    while pending:
        rule = pending.pop()
        pending += rule.__subclasses__()
        if rule.__dict__.get("small") is not None and not isinstance(rule.small, large):
            found.add(rule)
    assert found - {matmul.Linear} <= set(RULES)  # Linear: see tests/ops/test_linear_kernel.py


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_forward_and_backward_are_those_of_the_rule(rule, shape, dtype):
    inputs = arrays_for(rule, shape, dtype)
    out = forward(rule, *inputs)
    expected = np.asarray(rule.forward(*inputs))
    assert out.dtype == expected.dtype
    np.testing.assert_array_equal(out, expected)
    g = np.asarray(np.random.default_rng(1).normal(size=shape), dtype)
    for needs in [(True, True), (True, False), (False, True)]:
        if (len(inputs) == 1 or isinstance(inputs[-1], int)) and needs != (True, False):
            continue
        values = wanted_of(rule, inputs, out, needs)
        theirs = rule.backward(g, *values)
        theirs = theirs if isinstance(theirs, tuple) else (theirs,)
        for own in (False, True):
            given = g.copy()
            ours = rule.small.backward(given, tuple(values), own)
            assert own or np.array_equal(given, g)
            assert len(ours) == len(theirs)
            for one, other, needed in zip(ours, theirs, needs, strict=False):
                assert (one is None) == (other is None) or not needed
                if one is not None and needed:
                    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_is_not_small_and_alike_is_left_to_the_rule(rule):
    def refused(*arrays):
        return forward(rule, *arrays) is None

    several = len(rule.inputs)
    one = np.ones((4, 4), np.float32)
    assert refused(*[np.ones((300, 300))] * several)
    assert refused(*[np.ones((4, 4), np.int64)] * several)
    assert refused(*[np.ones((4, 4), np.float16)] * several)
    assert refused(*[np.ones((4, 4), np.complex64)] * several)
    assert refused(*[one.T[::2]] * several)
    assert refused(*[one.astype(">f4")] * several)
    if several == 2:
        assert refused(one, np.ones(4, np.float32))
        assert refused(one, np.ones((4, 4)))
        assert refused(np.ones(4, np.float32), one)
        assert refused(one, True)


def test_numbers_stay_weak():
    x = airi.ones(2)
    assert (x * 0.1).dtype is airi.float32
    assert (x * 0.1).tolist() == (x.numpy() * 0.1).tolist()
    assert (1.0 - x).tolist() == [0.0, 0.0]
    assert (2 / airi.full((2,), 4.0)).tolist() == [0.5, 0.5]
    with np.errstate(all="ignore"):
        assert (x * 1e300).tolist() == [np.inf, np.inf]
    with pytest.raises((OverflowError, RuntimeError)):
        x * 10**400


def test_a_rule_with_another_backward_has_no_kernel(monkeypatch):
    x = airi.ones(3, requires_grad=True)
    monkeypatch.setattr(trigonometry.Tanh, "backward", staticmethod(lambda g, out: g * 7))
    x.tanh().sum().backward()
    assert x.grad.tolist() == [7.0, 7.0, 7.0]


def test_a_rule_with_another_forward_has_no_kernel_until_its_own_is_back(monkeypatch):
    x = airi.ones(3)
    with monkeypatch.context() as inside:
        inside.setattr(elementwise.Mul, "forward", staticmethod(lambda x, y: x + 10 * y))
        assert (x * x).tolist() == [11.0, 11.0, 11.0]
        assert elementwise.Mul.facts.small is None
    assert elementwise.Mul.facts.small is not None
    assert (x * x).tolist() == [1.0, 1.0, 1.0]


def test_a_subclass_has_no_kernel():
    class Louder(trigonometry.Tanh):
        @staticmethod
        def forward(x):
            return 2 * np.tanh(x)

    assert Louder.facts.small is None
    assert Louder.apply(airi.zeros(2)).tolist() == [0.0, 0.0]


def test_gradients_that_arrive_twice_are_added_without_spoiling_the_first():
    x = airi.ones(3, requires_grad=True)
    y = x * 2.0
    (y * y + y).sum().backward()
    assert x.grad.tolist() == [10.0, 10.0, 10.0]
    g = airi.ones(3)
    (y.detach().requires_grad_() + x).backward(g)
    assert g.tolist() == [1.0, 1.0, 1.0]
