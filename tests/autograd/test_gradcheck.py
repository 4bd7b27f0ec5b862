"""gradcheck finds wrong rules, says what is wrong, and does not cry wolf."""

import numpy as np
import pytest

import airi
from airi.autograd import Function, gradcheck, gradgradcheck
from airi.autograd.gradcheck import GradcheckError


def leaf(*shape, seed=0):
    values = np.random.default_rng(seed).uniform(0.5, 2.0, shape)
    return airi.tensor(values, requires_grad=True)


def wrong(backward):
    """x**2 with the backward given."""

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            return backward(g, *ctx.saved_tensors)

    return Square.apply


@pytest.mark.parametrize("fast_mode", [False, True])
def test_right_rules_pass(fast_mode):
    x, y = leaf(2, 3), leaf(3, seed=1)
    assert gradcheck(lambda a, b: ((a * b).exp(), a / b), (x, y), fast_mode=fast_mode)
    assert gradgradcheck(lambda a, b: (a * b).exp() / a, (x, y), fast_mode=fast_mode)


@pytest.mark.parametrize("fast_mode", [False, True])
@pytest.mark.parametrize("factor", [0.0, 1.01, 0.99, -1.0, 2.0])
def test_wrong_by_a_factor(factor, fast_mode):
    square = wrong(lambda g, x: factor * 2 * x * g)
    assert not gradcheck(square, leaf(2, 2), raise_exception=False, fast_mode=fast_mode)


def message(function, *inputs):
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function, inputs)
    return str(caught.value)


def test_the_message_names_argument_element_and_values():
    def one_element_wrong(g, x):
        out = (2 * x * g).numpy().copy()
        out[1, 0] = 0.0
        return airi.from_numpy(out)

    x = leaf(2, 2)
    text = message(lambda a, b: b + wrong(one_element_wrong)(a), x, leaf(2, 2, seed=1))
    assert "argument 0 (shape (2, 2), airi.float64)" in text
    assert "input element (1, 0)" in text
    assert "analytic 0" in text
    assert f"numeric {2 * x.detach().numpy()[1, 0]:.4f}"[:12] in text


def test_the_message_guesses_the_cause():
    assert "0.5 x numeric everywhere" in message(wrong(lambda g, x: x * g), leaf(3))
    assert "-1 x numeric" in message(wrong(lambda g, x: -2 * x * g), leaf(3))
    assert "no gradient arrives" in message(wrong(lambda g, x: g * 0.0), leaf(3))
    assert "leaves out the incoming gradient" in message(wrong(lambda g, x: 2 * x), leaf(3))
    transposed = wrong(lambda g, x: (2 * x * g).t().reshape(2, 3))
    assert "transposed" in message(transposed, leaf(2, 3))
    kink = airi.tensor(np.array([0.0, 1.0]), requires_grad=True)
    assert "not differentiable" in message(airi.relu, kink)
    single = airi.tensor([1.0, 2.0], requires_grad=True)
    assert "float32" in message(airi.exp, single)


def test_a_wrong_second_derivative_is_found():
    class Detached(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x.detach() ** 2 * g

    x = leaf(3)
    assert gradcheck(Detached.apply, x)
    with pytest.raises(GradcheckError):
        gradgradcheck(Detached.apply, x)


def test_randomness_is_found():
    state = iter(range(1, 1000))
    noisy = wrong(lambda g, x: 2 * x * g * (1 + 1e-7 * next(state)))
    with pytest.raises(GradcheckError, match="two backward passes"):
        gradcheck(noisy, leaf(2))


def test_inputs_come_back_unchanged():
    x = leaf(2, 3)
    before = x.detach().numpy().copy()
    gradcheck(airi.exp, x)
    gradcheck(airi.exp, x, fast_mode=True)
    np.testing.assert_array_equal(x.detach().numpy(), before)
    assert x.grad is None


def test_what_cannot_be_checked_is_refused():
    with pytest.raises(ValueError, match="requires grad"):
        gradcheck(airi.exp, airi.tensor([1.0]))
    with pytest.raises(ValueError, match="backward mode only"):
        gradcheck(airi.exp, leaf(1), check_forward_ad=True)
    expanded = leaf(1).expand(3)
    with pytest.raises(GradcheckError, match="clone"):
        gradcheck(airi.exp, expanded)


def test_empty_and_zero_dimensional_inputs():
    assert gradcheck(airi.exp, leaf(0, 3))
    assert gradcheck(airi.exp, leaf())
