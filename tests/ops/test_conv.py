"""Convolution as an op: its second derivatives, its shapes, and what it refuses."""

import numpy as np
import pytest

import airi
from airi.autograd import gradgradcheck
from airi.nn import functional as F
from airi.ops.conv import Conv2d, Conv2dInputGrad, Conv2dWeightGrad
from tests.second_order import assert_agrees_with_pytorch

RNG = np.random.default_rng(3)
STEPS = {"stride": (2, 1), "padding": (1, 0), "dilation": (1, 2), "groups": 2}


def normal(*shape):
    return RNG.standard_normal(shape)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"stride": 2, "padding": 1},
        {"stride": (1, 2), "padding": (2, 0), "dilation": (2, 1)},
        {"groups": 2, "padding": "same"},
        {"groups": 4, "padding": "valid"},
    ],
)
def test_conv2d_is_pytorchs_to_second_order(settings):
    channels = 4 // settings.get("groups", 1)
    arrays = normal(2, 4, 6, 7), normal(8, channels, 3, 3), normal(8)
    assert_agrees_with_pytorch(lambda _, f, *xs: f.conv2d(*xs, **settings), *arrays)


def test_conv_transpose2d_is_pytorchs_to_second_order():
    assert_agrees_with_pytorch(
        lambda _, f, *xs: f.conv_transpose2d(*xs, 2, 1, 1, 2, 2),
        normal(2, 4, 3, 4), normal(4, 3, 3, 2), normal(6),
    )  # fmt: skip


def test_the_three_rules_are_each_others_adjoints():
    x, w = normal(2, 4, 6, 7), normal(6, 2, 3, 2)
    out = Conv2d.apply(x, w, None, **STEPS)
    y = normal(*out.shape)
    dx = Conv2dInputGrad.apply(y, w, input_size=(6, 7), **STEPS)
    dw = Conv2dWeightGrad.apply(y, x, kernel_size=(3, 2), **STEPS)
    inner = np.vdot(out, y)
    np.testing.assert_allclose([np.vdot(x, dx), np.vdot(w, dw)], inner)


@pytest.mark.parametrize(
    ("rule", "shapes", "size"),
    [
        (Conv2dInputGrad, [(2, 6, 3, 5), (6, 2, 3, 2)], {"input_size": (6, 7)}),
        (Conv2dWeightGrad, [(2, 6, 3, 5), (2, 4, 6, 7)], {"kernel_size": (3, 2)}),
    ],
)
def test_derivatives_of_the_gradients_themselves(rule, shapes, size):
    inputs = [airi.tensor(normal(*shape), requires_grad=True) for shape in shapes]
    assert gradgradcheck(lambda a, b: rule.apply(a, b, **size, **STEPS), inputs)


def test_third_derivative():
    x = airi.tensor(normal(1, 2, 4, 4), requires_grad=True)
    w = airi.tensor(normal(2, 2, 3, 3), requires_grad=True)
    value = (F.conv2d(x, w) ** 2).sum()  # of fourth order in x and w together
    (dx,) = airi.autograd.grad(value, x, create_graph=True)
    (dw,) = airi.autograd.grad((dx**2).sum(), w, create_graph=True)
    (third,) = airi.autograd.grad((dw**2).sum(), x)
    step = 1e-5

    def second(data):
        leaf = airi.tensor(data, requires_grad=True)
        (g,) = airi.autograd.grad((F.conv2d(leaf, w) ** 2).sum(), leaf, create_graph=True)
        (h,) = airi.autograd.grad((g**2).sum(), w)
        return (h**2).sum().item()

    direction = normal(*x.shape)
    ahead, behind = (second(x.detach().numpy() + s * direction) for s in (step, -step))
    np.testing.assert_allclose(
        (ahead - behind) / (2 * step), (third * direction).sum().item(), 1e-6
    )


def test_no_gradient_is_computed_for_the_data(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("nobody wants the gradient of the input")

    monkeypatch.setattr(Conv2dInputGrad, "forward", refuse)
    w = airi.tensor(normal(3, 2, 3, 3), requires_grad=True)
    out = F.conv2d(airi.tensor(normal(1, 2, 5, 5)), w)
    assert out.grad_fn.saved.count(None) >= 1  # the weights are for that gradient only
    out.sum().backward()
    assert w.grad.shape == w.shape


def test_float32_stays_close_to_float64():
    x, w = normal(4, 8, 12, 12), normal(8, 8, 5, 5)
    exact = F.conv2d(airi.tensor(x), airi.tensor(w)).numpy()
    single = F.conv2d(*(airi.tensor(each.astype(np.float32)) for each in (x, w))).numpy()
    assert single.dtype == np.float32
    assert np.abs(single - exact).max() < 1e-5 * np.abs(exact).max()


@pytest.mark.parametrize("unbatched", [False, True])
def test_unfold_times_weight_is_a_convolution(unbatched):
    x, w = airi.tensor(normal(2, 3, 6, 5)), airi.tensor(normal(4, 3, 3, 2))
    x = x[0] if unbatched else x
    columns = F.unfold(x, (3, 2), padding=1)
    wanted = F.conv2d(x, w, padding=1)
    np.testing.assert_allclose((w.flatten(1) @ columns).numpy(), wanted.flatten(-2).numpy())


def test_fold_counts_overlaps():
    ones = airi.ones(1, 1, 4, 4)
    counts = F.fold(F.unfold(ones, 3), (4, 4), 3)
    assert counts[0, 0].tolist() == [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]]


def ones(*shape, dtype=None):
    return airi.ones(*shape, dtype=dtype)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: F.conv2d(ones(8, 8), ones(4, 3, 3, 3)), r"3 \(unbatched\) or 4 .*\(8, 8\)"),
        (lambda: F.conv2d(ones(2, 3, 8, 8), ones(4, 2, 3, 3)), "takes 2 channels.* has 3"),
        (lambda: F.conv2d(ones(2, 4, 8, 8), ones(3, 2, 3, 3), groups=2), "divisible by groups=2"),
        (
            lambda: F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3), ones(2)),
            r"bias .*\(1,\), got \(2,\)",
        ),
        (
            lambda: F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3, dtype=airi.float64)),
            "float32 and airi.float64",
        ),
        (
            lambda: F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3), stride=0),
            "stride must be at least 1",
        ),
        (lambda: F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3), padding=-1), "padding .* at least 0"),
        (lambda: F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3), stride=(1, 2, 3)), "list of 2 ints"),
        (lambda: F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3), dilation=4), r"\(9, 9\).*\(8, 8\)"),
        (lambda: F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3), padding="full"), "'same' or 'valid'"),
        (lambda: F.conv1d(ones(1, 1, 2), ones(1, 1, 3)), r"\(3,\).* \(2,\)"),
        (
            lambda: F.conv_transpose2d(ones(1, 2, 3, 3), ones(3, 1, 2, 2)),
            "takes 3 channels.* has 2",
        ),
        (
            lambda: F.conv_transpose2d(ones(1, 1, 3, 3), ones(1, 1, 2, 2), output_padding=1),
            "smaller than either stride or dilation",
        ),
        (lambda: F.conv_transpose2d(ones(1, 1, 1, 1), ones(1, 1, 2, 2), padding=1), "too small"),
        (lambda: F.fold(ones(1, 9, 5), (4, 4), 3), r"2 \* 2 patches"),
    ],
)
def test_refusals_say_what_was_given(make, message):
    with pytest.raises(RuntimeError, match=message):
        make()


def test_same_padding_wants_stride_one():
    with pytest.raises(RuntimeError, match="'same' is not supported with a stride"):
        F.conv2d(ones(1, 1, 8, 8), ones(1, 1, 3, 3), stride=2, padding="same")


def test_integers_and_complex_numbers():
    x, w = airi.arange(9).reshape(1, 1, 3, 3), airi.tensor([[[[1, 0], [0, -1]]]])
    assert airi.conv2d(x, w).tolist() == [[[[-4, -4], [-4, -4]]]]
    turned = airi.conv2d(x * 1j, w * 1j)
    assert turned.tolist() == [[[[4, 4], [4, 4]]]]
    with pytest.raises(TypeError, match=r"conv2d\(x: bool"):
        airi.conv2d(x > 4, w > 0)
