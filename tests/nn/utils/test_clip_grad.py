"""clip_grad_norm_, clip_grad_value_, get_total_norm, as PyTorch's."""

import math

import pytest

import airi
from airi import nn
from airi.nn.utils import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm

from ..parity import assert_close, assert_same


def parameters(t, *gradients):
    """Parameters with these gradients; None for one that has none."""
    made = []
    for gradient in gradients:
        values = t.tensor([1.0] if gradient is None else gradient, dtype=t.float64)
        parameter = t.nn.Parameter(t.ones_like(values))
        parameter.grad = None if gradient is None else values
        made.append(parameter)
    return made


@pytest.mark.parametrize("norm_type", [2, 2.0, 1, 3.5, math.inf, -math.inf, 0.5, "inf"])
@pytest.mark.parametrize("max_norm", [0.7, 1e3])
def test_clip_grad_norm(norm_type, max_norm):
    torch = pytest.importorskip("torch")
    gradients = ([[3.0, -4.0], [0.5, 0.0]], None, [12.0])
    ours, theirs = parameters(airi, *gradients), parameters(torch, *gradients)
    before = [each.grad for each in ours]
    total = clip_grad_norm_(ours, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(theirs, max_norm, norm_type)
    assert_close(total, expected, "norm")
    for one, other, same in zip(ours, theirs, before):
        assert one.grad is same
        assert_close(*((None, None) if same is None else (one.grad, other.grad)), "gradient")


def test_one_parameter_a_generator_and_none():
    (parameter,) = parameters(airi, [3.0, 4.0])
    assert clip_grad_norm_(parameter, 1.0).item() == 5.0
    assert parameter.grad.tolist() == pytest.approx([0.6, 0.8])
    assert clip_grad_norm_((each for each in [parameter]), 0.5).item() == pytest.approx(1)
    assert parameter.grad.tolist() == pytest.approx([0.3, 0.4])
    assert clip_grad_norm_([], 1.0).item() == 0.0
    assert clip_grad_norm_(parameters(airi, None), 1.0).item() == 0.0


def test_non_finite_norms():
    def program(t):
        seen = []
        for value in (math.inf, math.nan):
            given = parameters(t, [value, 1.0], [2.0])
            with pytest.raises(RuntimeError, match="non-finite"):
                t.nn.utils.clip_grad_norm_(given, 1.0, error_if_nonfinite=True)
            seen.append(given[1].grad.tolist())
            t.nn.utils.clip_grad_norm_(given, 1.0)
            seen += [[str(x) for x in each.grad.tolist()] for each in given]
        return seen

    assert_same(program)


def test_clip_grad_value():
    def program(t):
        given = parameters(t, [3.0, -4.0, 0.5], None, [12.0])
        t.nn.utils.clip_grad_value_(given, 2)
        return [each.grad for each in given if each.grad is not None]

    assert_same(program)


def test_total_norm_and_clipping_with_it():
    (parameter,) = parameters(airi, [3.0, 4.0])
    total = get_total_norm([parameter.grad])
    assert (total.item(), total.dtype) == (5.0, airi.float64)
    assert get_total_norm([]).item() == 0
    clip_grads_with_norm_([parameter], 2.5, total)
    assert parameter.grad.tolist() == pytest.approx([1.5, 2.0])


def test_backward_through_a_clipped_gradient_is_refused():
    (x,) = parameters(airi, None)
    gradient = airi.autograd.grad((x * x * x).sum(), x, create_graph=True)[0]
    out = gradient * gradient
    x.grad = gradient
    clip_grad_value_(x, 0.5)
    with pytest.raises(RuntimeError, match="changed in place"):
        out.sum().backward()


def test_as_used_in_training():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    (model(airi.ones(2, 3)) * 100).sum().backward()
    before = clip_grad_norm_(model.parameters(), 0.1)
    assert before.item() > 0.1
    assert get_total_norm(each.grad for each in model.parameters()).item() == pytest.approx(0.1)
