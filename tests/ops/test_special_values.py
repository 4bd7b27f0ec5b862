"""Signed zeros, infinities, NaN and kinks: values and gradients are PyTorch's."""

import math

import numpy as np
import pytest

import airi

torch = pytest.importorskip("torch")

INF, NAN = np.inf, np.nan
NUMBERS = np.array([0.0, -0.0, 0.5, -0.5, 1, -1, 2, 3, -3, 6, 30, -30, 100, INF, -INF, NAN])

TOP_LEVEL = """
    abs sign floor ceil trunc frac round neg square reciprocal nan_to_num exp exp2 expm1 log log2
    log10 log1p sqrt rsqrt sigmoid logit sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh
    sinc erf erfc erfinv relu selu celu hardshrink
"""
FUNCTIONAL = """
    relu6 leaky_relu elu gelu silu mish softplus softsign hardtanh hardsigmoid hardswish logsigmoid
    tanhshrink softshrink
"""
TWO = """
    add sub mul div pow maximum minimum fmax fmin remainder fmod atan2 hypot logaddexp logaddexp2
    xlogy copysign
"""
# Gradients at these numbers are left out. At NaN: PyTorch's branches happen to fall otherwise. At
# inf: airi gives the limit, where PyTorch divides inf by inf.
NAN_DIFFERS = ("leaky_relu", "elu", "selu", "celu", "softshrink", "hardshrink", "hardswish")
EXCEPT = dict.fromkeys(NAN_DIFFERS, np.isnan)
EXCEPT["softsign"] = np.isinf
EXCEPT["copysign"] = lambda x: ~np.isfinite(x)


def assert_same(mine, theirs):
    np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-12)


def compared(function, reference, *arrays):
    """Results and gradients of both on leaves that hold the arrays."""
    ours = [airi.tensor(each, requires_grad=True) for each in arrays]
    other = [torch.tensor(each, requires_grad=True) for each in arrays]
    with np.errstate(invalid="ignore"):  # inf - inf and the like in add, sub, mul
        out = function(*ours)
    wanted = reference(*other)
    assert_same(out.detach().numpy(), wanted.detach().numpy())
    out.backward(airi.ones_like(out))
    wanted.backward(torch.ones_like(wanted))
    return [x.grad.numpy() for x in ours], [x.grad.numpy() for x in other]


@pytest.mark.parametrize("name", TOP_LEVEL.split() + FUNCTIONAL.split())
def test_of_one_number(name):
    function = getattr(airi, name, None) or getattr(airi.nn.functional, name)
    reference = (
        getattr(torch, name) if name in TOP_LEVEL.split() else getattr(torch.nn.functional, name)
    )
    ((mine,), (theirs,)) = compared(function, reference, NUMBERS)
    asked = ~EXCEPT[name](NUMBERS) if name in EXCEPT else slice(None)
    assert_same(mine[asked], theirs[asked])


@pytest.mark.parametrize("name", TWO.split())
def test_of_two_numbers(name):
    x, y = (each.reshape(-1) for each in np.meshgrid(NUMBERS, NUMBERS))
    mine, theirs = compared(getattr(airi, name), getattr(torch, name), x, y)
    for a, b in zip(mine, theirs, strict=True):
        different = ~np.isclose(a, b, rtol=1e-7, equal_nan=True)
        if name in EXCEPT:
            different &= ~EXCEPT[name](x)
        assert not different.any(), np.stack([x, y, a, b])[:, different].T


@pytest.mark.parametrize("dtype", [airi.float32, airi.float64])
@pytest.mark.parametrize(
    ("op", "slope"),
    [
        (lambda x: 2.1**x, lambda x: 2.1**x * math.log(2.1)),
        (lambda x: airi.xlogy(x, 2.1), lambda x: np.full_like(x, math.log(2.1))),
    ],
)
def test_a_number_keeps_its_precision_in_recorded_gradients(op, slope, dtype):
    x = airi.tensor([0.5, -1.5], dtype=dtype, requires_grad=True)
    for recorded in (False, True):
        (gradient,) = airi.autograd.grad(op(x).sum(), x, create_graph=recorded)
        assert gradient.dtype == dtype
        rtol = 1e-14 if dtype == airi.float64 else 1e-6
        np.testing.assert_allclose(gradient.detach(), slope(x.detach().numpy()), rtol=rtol)


def test_a_number_beyond_the_dtype_is_an_error_that_names_the_op():
    with pytest.raises(RuntimeError, match=r"threshold.*uint8"):
        airi.threshold(airi.tensor([1, 2], dtype=airi.uint8), 1, -9)
