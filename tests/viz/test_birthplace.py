"""Where the first NaN or Inf was made, as `trace` and `detect_anomaly` tell it."""

from __future__ import annotations

import linecache
import re
import warnings

import numpy as np
import pytest

import airi
from airi import nn, optim, viz
from airi.nn import functional as F


def leaf(*values, dtype=None):
    return airi.tensor(values, requires_grad=True, dtype=dtype)


def square(size, value, dtype):
    return airi.full((1, 1, size, size), value, dtype=dtype, requires_grad=True)


def huge(dtype):
    """A number whose square is infinite."""
    return 1e30 if dtype is airi.float32 else 1e300


# Programs by what makes the first NaN or Inf; the line says "born". Small contiguous arrays, as
# here, are what the kernels for small arrays take.


def div(dtype):
    x = leaf(0.0, 1.0, dtype=dtype)
    return ((x * 1.0) / (x * 2.0)).relu().sum()  # born


def mul(dtype):
    y = leaf(huge(dtype), 1.0, dtype=dtype) * 1.0
    y = y * y  # born
    return (y - y).sum()


def sqrt(dtype):
    y = leaf(-1.0, 4.0, dtype=dtype).sqrt()  # born
    return y.clamp(0.0, 1.0).sum()


def log_in_place(dtype):
    y = leaf(1.0, -1.0, dtype=dtype) * 1.0
    y.log_()  # born
    return y.sum()


def log_of_a_view_in_place(dtype):
    y = leaf(1.0, -1.0, 2.0, dtype=dtype) * 1.0
    y[1:].log_()  # born
    return (y * 2.0).sum()


def div_in_place(dtype):
    y = leaf(1.0, 0.0, dtype=dtype) * 1.0
    y /= airi.zeros(2, dtype=dtype)  # born
    return y.sum()


def div_of_a_view(dtype):
    y = (square(2, 0.0, dtype) * 1.0).mT[0, 0]
    return (y / y).sum()  # born


def matmul(dtype):
    x = square(3, huge(dtype), dtype)[0, 0]
    y = x @ x  # born
    return (y - y).sum()


def linear(dtype):
    x = square(3, huge(dtype), dtype)[0, 0]
    y = F.linear(x, x, x[0])  # born
    return F.softmax(y, 1).sum()


def conv2d(dtype):
    x = square(5, huge(dtype), dtype)
    y = F.conv2d(x, square(3, huge(dtype), dtype))  # born
    return F.batch_norm(y.relu(), None, None, training=True).sum()


def avg_pool2d(dtype):
    x = square(4, float(np.finfo(str(dtype).removeprefix("airi.")).max), dtype)
    y = F.avg_pool2d(x * 1.0, 2)  # born
    return (y - y).sum()


def max_pool2d(dtype):
    y = (square(4, -1.0, dtype) * 1.0).log()  # born
    return F.max_pool2d(y, 2).sum()


def attention(dtype):
    q = square(2, huge(dtype), dtype)
    return F.scaled_dot_product_attention(q, q, q).sum()  # born


def gru(dtype):
    layer = nn.GRU(1, 1, bias=False, dtype=dtype)
    with airi.no_grad():  # the reset gate is 0, what it is multiplied with is infinite
        layer.weight_ih_l0.fill_(-huge(dtype))
        layer.weight_hh_l0[2] = huge(dtype)
        layer.weight_hh_l0[:2] = 0.0
    x, h = airi.full((2, 1, 1), huge(dtype), dtype=dtype)
    return layer(x.reshape(1, 1, 1), h.reshape(1, 1, 1))[0].sum()  # born


def rnn(dtype):
    layer = nn.RNN(1, 1, nonlinearity="relu", dtype=dtype)
    with airi.no_grad():
        layer.weight_ih_l0.fill_(huge(dtype))
    y, _ = layer(airi.full((1, 1, 1), huge(dtype), dtype=dtype))  # born
    return (y - y).sum()


def cross_entropy(dtype):
    x = square(2, huge(dtype), dtype)[0, 0]
    y = x * x  # born
    return F.cross_entropy(y, airi.tensor([0, 1]))


def users_function(dtype):
    class Own(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return airi.tensor(x.detach().numpy() * np.nan)

        @staticmethod
        def backward(ctx, g):
            return g

    return Own.apply(leaf(1.0, dtype=dtype) * 1.0).sum()  # born


def without_gradient(dtype):
    x = leaf(1.0, 2.0, dtype=dtype)
    scale = airi.zeros(2, dtype=dtype) / airi.zeros(2, dtype=dtype)  # born
    return (x * scale).sum()


def adam_step(dtype):
    layer = nn.Linear(2, 1, dtype=dtype)
    optimizer = optim.Adam(layer.named_parameters(), eps=0.0)
    layer(airi.zeros(4, 2, dtype=dtype)).sum().backward()
    optimizer.step()  # born
    return layer(airi.ones(4, 2, dtype=dtype)).sum()


def sgd_step(dtype):
    layer = nn.Linear(2, 1, dtype=dtype)
    optimizer = optim.SGD(layer.parameters(), lr=huge(dtype))
    layer(airi.full((4, 2), huge(dtype), dtype=dtype)).sum().backward()
    optimizer.step()  # born
    y = layer(airi.ones(4, 2, dtype=dtype))
    return (y - y).sum()


FORWARD = {
    div: ("forward", "Div"),
    mul: ("forward", "Mul"),
    sqrt: ("forward", "Sqrt"),
    log_in_place: ("forward", "Log"),
    log_of_a_view_in_place: ("forward", "Log"),
    div_in_place: ("forward", "Div"),
    div_of_a_view: ("forward", "Div"),
    matmul: ("forward", "MatMul"),
    linear: ("forward", "Linear"),
    conv2d: ("forward", "Conv2d"),
    avg_pool2d: ("forward", "AvgPool2d"),
    max_pool2d: ("forward", "Log"),
    attention: ("forward", "Attention"),
    gru: ("forward", "GRU"),
    rnn: ("forward", "RNN"),
    cross_entropy: ("forward", "Mul"),
    users_function: ("forward", "Own"),
    without_gradient: ("forward", "Div"),
    adam_step: ("update", "Adam.step"),
    sgd_step: ("update", "SGD.step"),
}
DTYPES = pytest.mark.parametrize("dtype", [airi.float32, airi.float64], ids=str)


def is_born_at(place):
    """Whether the line of a ``file:number`` is the one of that mark."""
    file, _, number = place.rpartition(":")
    assert file.endswith("test_birthplace.py")
    return "# born" in linecache.getline(__file__, int(number))


@DTYPES
@pytest.mark.parametrize("program", FORWARD, ids=lambda program: program.__name__)
def test_trace_names_what_made_the_first(program, dtype):
    birth = viz.trace(lambda: program(dtype)).birthplace
    assert (birth.phase, birth.op) == FORWARD[program]
    assert is_born_at(birth.source)
    assert birth.inputs
    assert all(":" in line for line in birth.inputs)


@DTYPES
@pytest.mark.parametrize("program", FORWARD, ids=lambda program: program.__name__)
def test_detect_anomaly_names_what_made_the_first(program, dtype):
    said = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with airi.autograd.detect_anomaly():
                program(dtype).backward()
        except RuntimeError as error:
            said.append(str(error))
    said = [str(each.message) for each in caught] + said
    _, op = FORWARD[program]
    # The first message tells of the first NaN and, where that came out of an infinity, of that too.
    described = rf"{re.escape(op)} \((?:in module \S+, )?at (\S+:\d+)\)\n  \S+: "
    places = re.findall(described, said[0])
    assert places, said[0]
    assert any(map(is_born_at, places))


def sqrt_backward(dtype):
    return ((leaf(0.0, 4.0, dtype=dtype) * 1.0).sqrt() * 0.0).sum()  # born


def pow_backward(dtype):
    return ((leaf(0.0, 4.0, dtype=dtype) * 1.0) ** 0.5 * 0.0).sum()  # born


def users_backward(dtype):
    class Own(airi.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2.0

        @staticmethod
        def backward(ctx, g):
            return airi.tensor(g.numpy() * np.nan)

    return Own.apply(leaf(1.0, dtype=dtype) * 1.0).sum()  # born


BACKWARD = {sqrt_backward: "Sqrt", pow_backward: "Pow", users_backward: "Own"}


@DTYPES
@pytest.mark.parametrize("program", BACKWARD, ids=lambda program: program.__name__)
def test_both_name_the_rule_of_backward_and_the_gradient_that_arrived(program, dtype):
    birth = viz.trace(lambda: program(dtype)).birthplace
    assert (birth.phase, birth.op, birth.kind) == ("backward", BACKWARD[program], "NaN")
    assert is_born_at(birth.source)
    assert any(line.startswith("dL/dout: ") for line in birth.inputs)
    with (
        pytest.raises(RuntimeError, match="returned NaN") as caught,
        airi.autograd.detect_anomaly(),
    ):
        program(dtype).backward()
    op, place = re.match(r"(\w+)Backward \(at (\S+)\)", str(caught.value)).groups()
    assert op == BACKWARD[program]
    assert is_born_at(place)
    assert "\n  gradient of out: " in str(caught.value)


def test_detect_anomaly_tells_of_a_nan_that_came_in_from_outside():
    x = leaf(1.0, 2.0)
    with (
        airi.autograd.detect_anomaly(),
        pytest.raises(
            RuntimeError, match=r"the first NaN came in from outside, used first by Copy"
        ),
    ):
        (x * (x * 1.0).fill_(np.nan)).sum().backward()


def test_an_optimizers_step_that_keeps_numbers_finite_is_not_named():
    layer = nn.Linear(2, 1)
    optimizer = optim.Adam(layer.parameters())

    def program():
        layer(airi.ones(4, 2)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        return layer(airi.tensor([[np.nan, 1.0]])).sum()

    birth = viz.trace(program).birthplace
    assert (birth.phase, birth.op) == ("data", "Linear")


def test_birthplace_in_the_forward_pass():
    x = leaf(-1.0, 2.0)

    def program():
        y = x * 1.0
        z = y.log()  # here
        return (z + y).sum()

    birth = viz.trace(program).birthplace
    assert (birth.phase, birth.op, birth.kind) == ("forward", "Log", "NaN")
    assert "test_birthplace.py:" in birth.where
    assert "[-1, 2]" in birth.inputs[0]


def test_birthplace_in_the_backward_pass():
    x = leaf(0.0, 4.0)
    birth = viz.trace(lambda: (x.sqrt() * 0.0).sum()).birthplace
    assert (birth.phase, birth.op) == ("backward", "Sqrt")
    assert any("dL/dout" in line for line in birth.inputs)


def test_birthplace_in_the_data():
    x = leaf(1.0, 2.0)
    data = airi.tensor([1.0, np.nan])
    birth = viz.trace(lambda: (x * data).sum()).birthplace
    assert (birth.phase, birth.op) == ("data", "Mul")


def test_birthplace_in_an_op_that_no_gradient_passes():
    x = leaf(1.0, 2.0)

    def program():
        data = airi.zeros(2) / airi.zeros(2)
        return (x * data).sum()

    birth = viz.trace(program).birthplace
    assert (birth.phase, birth.op, birth.step) == ("forward", "Div", None)
    assert "test_birthplace.py:" in birth.where


def test_infinities_of_masks_are_no_birthplace():
    x = leaf(1.0, 2.0, 3.0)
    mask = airi.tensor([False, True, False])
    tr = viz.trace(lambda: (x.masked_fill(mask, -np.inf).softmax(0) * x).sum())
    assert tr.birthplace is None


def test_birthplace_in_a_row_that_is_masked_whole():
    x = leaf(1.0, 2.0)
    mask = airi.tensor([True, True])
    birth = viz.trace(lambda: (x.masked_fill(mask, -np.inf).softmax(0) * x).sum()).birthplace
    assert (birth.phase, birth.op, birth.kind) == ("forward", "Softmax", "NaN")


def test_birthplace_where_an_exponential_overflows():
    x = leaf(1000.0, 1.0)
    birth = viz.trace(lambda: (x.exp() / (x.exp() + 1.0)).sum()).birthplace
    assert (birth.phase, birth.op, birth.kind) == ("forward", "Exp", "Inf")


def test_birthplace_in_the_data_is_of_the_kind_that_came_in():
    layer = nn.LSTM(2, 2)
    birth = viz.trace(lambda: layer(airi.full((3, 1, 2), np.inf))[0].sum()).birthplace
    assert (birth.phase, birth.op, birth.kind) == ("data", "LSTM", "Inf")
    assert "test_birthplace.py:" in birth.where
