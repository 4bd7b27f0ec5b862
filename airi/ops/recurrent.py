"""The rules of recurrent layers: LSTM, GRU and the simple one.

A rule is one layer in one direction with all its time steps. What does not depend on the step
before is one product of matrices for all steps: the inputs' share of the gates, and in backward
the gradients of inputs and weights. Between them a loop goes through time with one product a step.

Sequences of different lengths are packed as in PyTorch: rows in order of time, those of one step
together, the longest sequence first. `batch_sizes` says how many sequences reach each step. So a
step always works on the first rows of the state; walking backwards, sequences join in, with the
state that they begin with. For a batch of equal lengths all sizes are equal.

Layers on layers and their arguments are in `recurrent_layers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from airi.autograd.engine import grad
from airi.autograd.graph import Rule
from airi.autograd.sums import add_up
from airi.ops import kernels, product
from airi.ops import recurrent_steps as step
from airi.ops.activation import relu
from airi.ops.joining import cat
from airi.ops.matmul import linear
from airi.ops.product import matrix_product, product_into
from airi.ops.splitting import split
from airi.ops.transcendental import sigmoid
from airi.ops.trigonometry import tanh
from airi.ops.views import Reshape, narrow, reshape, shape_of

# -- walking through time -----------------------------------------------------------------------


def _steps(batch_sizes: Sequence[int], reverse: bool) -> list[slice]:
    """The rows of each time step, in the order in which the layer goes through them."""
    ends = accumulate(batch_sizes)
    steps = [slice(end - size, end) for end, size in zip(ends, batch_sizes, strict=True)]
    return steps[::-1] if reverse else steps


def _size(rows: slice) -> int:
    return rows.stop - rows.start


def _states_before(after: np.ndarray, initial: np.ndarray, steps: list[slice]) -> np.ndarray:
    """The states that each step began with, given those that it left."""
    before = np.empty_like(after)
    before[steps[0]] = initial[: _size(steps[0])]
    for last, rows in pairwise(steps):
        size = _size(rows)
        known = min(size, _size(last))
        before[rows.start : rows.start + known] = after[last.start : last.start + known]
        before[rows.start + known : rows.stop] = initial[known:size]
    return before


def _last_states(after: np.ndarray, initial: np.ndarray, steps: list[slice]) -> np.ndarray:
    """The state that each sequence ends with, given those after each step."""
    last = np.empty_like(initial)
    known = 0
    for rows in reversed(steps):
        size = _size(rows)
        last[known:size] = after[rows.start + known : rows.stop]
        known = max(known, size)
        if known == len(initial):
            break
    return last


def _input_share(x: np.ndarray, w_ih: np.ndarray, bias: np.ndarray | None, out: np.ndarray) -> None:
    """out = x w_ih' + bias for all time steps at once"""
    product_into(x.reshape(-1, x.shape[-1]), w_ih.T, out, bias)


def _sum_of(b_ih: np.ndarray | None, b_hh: np.ndarray | None) -> np.ndarray | None:
    if b_ih is None or b_hh is None:
        return b_hh if b_ih is None else b_ih
    return b_ih + b_hh


def _input_gradients(
    dgates: np.ndarray, x: np.ndarray, w_ih: np.ndarray, needs: tuple[bool, ...]
) -> tuple[Any, Any, Any]:
    """dx, dw_ih and db_ih: undoes `_input_share`. `needs` says which are wanted."""
    dx = None
    if needs[0]:
        dx = np.empty(x.shape, x.dtype)
        product_into(dgates, w_ih, dx.reshape(-1, x.shape[-1]))
    dw_ih = matrix_product(dgates.T, x.reshape(-1, x.shape[-1])) if needs[1] else None
    return dx, dw_ih, add_up(dgates, 0) if needs[2] else None


def _reserved(
    dtype: np.dtype, rows: int, widths: Sequence[int], memory: np.ndarray | None = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Memory for what backward will want, and arrays (rows, width) on it, one after another.

    It is an output of the rule as bytes, since nothing else is to be computed from it.
    """
    if memory is None:
        memory = np.empty(rows * sum(widths) * dtype.itemsize, np.uint8)
    values = memory.view(dtype)
    ends = accumulate(rows * width for width in widths)
    return memory, [
        values[end - rows * width : end].reshape(rows, width)
        for end, width in zip(ends, widths, strict=True)
    ]


def _gradients_by_recording(
    cell: Callable[..., tuple[Any, ...]],
    inputs: tuple[Any, ...],
    g: tuple[Any, ...],
    needs: tuple[bool, ...],
    batch_sizes: Sequence[int],
    reverse: bool,
) -> tuple[Any, ...]:
    """The gradients of a layer as results of recorded ops, to be differentiated once more.

    The layer is computed again, with `cell` for each step. Each input gets a node in between:
    gradients are wanted with respect to these, not through what one input has to do with another.
    """
    marked = [
        Reshape.apply(each, shape=shape_of(each)) if need else each
        for each, need in zip(inputs, needs, strict=True)
    ]
    results = _recorded_layer(cell, marked, len(g) - 1, batch_sizes, reverse)
    used = [pair for pair in zip(results, g, strict=True) if pair[0].requires_grad]
    wanted = [each for each, need in zip(marked, needs, strict=True) if need]
    outs, starts = zip(*used, strict=True)
    found = iter(grad(outs, wanted, starts, create_graph=True, allow_unused=True))
    return tuple([next(found) if need else None for need in needs])


def _recorded_layer(
    cell: Callable[..., tuple[Any, ...]],
    inputs: Sequence[Any],
    count: int,
    batch_sizes: Sequence[int],
    reverse: bool,
) -> tuple[Any, ...]:
    """A layer made of ordinary ops, whose inputs are x, `count` states and the weights.

    ``cell(x, *states, *weights)`` gives the next states. Returns the first state after each step,
    in x's form, and the last states.
    """
    x, states, weights = inputs[0], inputs[1 : 1 + count], inputs[1 + count :]
    rows = reshape(x, (-1, x.shape[-1]))
    batch = states[0].shape[0]
    outs = []
    for at in _steps(batch_sizes, reverse):
        size = _size(at)
        seen = [narrow(each, 0, 0, size) for each in states]
        new = cell(narrow(rows, 0, at.start, size), *seen, *weights)
        outs.append(new[0])
        if size < batch:  # the other sequences keep their states
            rest = [narrow(each, 0, size, batch - size) for each in states]
            new = tuple([cat(pair) for pair in zip(new, rest, strict=True)])
        states = new
    out = cat(outs[::-1] if reverse else outs)
    return reshape(out, (*shape_of(x)[:-1], out.shape[-1])), *states


# -- the rules ----------------------------------------------------------------------------------


class LSTM(Rule):
    """i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of the quarters of x w_ih' + h w_hh' + biases

    c = f * c + i * g;  h = o * tanh(c), or (o * tanh(c)) w_hr' where there is a projection.

    x is (T, B, I), or (rows, I) of packed sequences; h (B, P), c (B, H). out holds h after each
    step. Backward: with dc += dh * o * (1 - tanh(c)**2), the gates' inputs have the gradients
    dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g**2), dh * tanh(c) * o *
    (1 - o); one step earlier dh is these times w_hh, and dc is dc * f.
    """

    outputs = ("out", "h_n", "c_n", "reserve")

    @staticmethod
    def forward(x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, *, batch_sizes, reverse):
        rows, size = sum(batch_sizes), c.shape[1]
        widths = (4 * size, size) if w_hr is None else (4 * size, size, size)
        reserve, (gates, cells, *unprojected) = _reserved(x.dtype, rows, widths)
        bias = _sum_of(b_ih, b_hh)
        out = np.empty((rows, h.shape[1]), x.dtype)
        shape = (*x.shape[:-1], h.shape[1])
        steps = _steps(batch_sizes, reverse)
        if w_hr is None and product.lstm(x, w_ih, bias, w_hh, h, c, gates, cells, out, steps):
            h, c = _last_states(out, h, steps), _last_states(cells, c, steps)
            return out.reshape(shape), h, c, reserve
        _input_share(x, w_ih, bias, out=gates)
        h, c = h.copy(), c.copy()
        recurrent = np.empty((len(h), 4 * size), x.dtype)
        times_w_hh = kernels.product_with(w_hh.T, rows)
        times_w_hr = None if w_hr is None else kernels.product_with(w_hr.T, rows)
        for at in steps:
            n = _size(at)
            times_w_hh(h[:n], recurrent[:n])
            inner = unprojected[0][at] if unprojected else out[at]
            step.lstm_step(gates[at], recurrent[:n], c[:n], cells[at], inner)
            if times_w_hr is not None:
                times_w_hr(inner, out[at])
            h[:n] = out[at]
        return out.reshape(shape), h, c, reserve

    @staticmethod
    def backward(
        g, x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr, out, reserve, batch_sizes, reverse, needs
    ):
        if not isinstance(out, np.ndarray):
            inputs = (x, h, c, w_ih, w_hh, b_ih, b_hh, w_hr)
            return _gradients_by_recording(_lstm_cell, inputs, g[:3], needs, batch_sizes, reverse)
        rows, size = sum(batch_sizes), c.shape[1]
        widths = (4 * size, size) if w_hr is None else (4 * size, size, size)
        _, (gates, cells, *unprojected) = _reserved(x.dtype, rows, widths, reserve)
        steps = _steps(batch_sizes, reverse)
        dout = g[0].reshape(rows, h.shape[1])
        dh, dc = g[1].copy(), g[2].copy()
        dgates = np.empty_like(gates)
        dx = np.empty(x.shape, x.dtype) if needs[0] else None
        dh_all = np.empty_like(dout) if unprojected else None
        sums = None
        if not unprojected:
            states = (h, c, gates, cells, out, steps)
            sums = product.lstm_grad(x, w_ih, w_hh, *states, dout, dgates, dh, dc, dx)
        if sums is None:
            before = _states_before(cells, c, steps)
            times_w_hh = kernels.product_with(w_hh, rows)
            for at in reversed(steps):
                n = _size(at)
                dh_now = np.add(dh[:n], dout[at], out=None if dh_all is None else dh_all[at])
                inner = dh_now if dh_all is None else dh_now @ w_hr
                step.lstm_step_backward(gates[at], before[at], cells[at], inner, dc[:n], dgates[at])
                times_w_hh(dgates[at], dh[:n])
            if dx is not None:
                product_into(dgates, w_ih, dx.reshape(-1, x.shape[-1]))
        dw_ih = dw_hh = db = dw_hr = None
        if needs[3]:
            dw_ih = matrix_product(dgates.T, x.reshape(-1, x.shape[-1]))
        if needs[4]:
            dw_hh = matrix_product(dgates.T, _states_before(out.reshape(rows, -1), h, steps))
        if dh_all is not None and needs[7]:
            dw_hr = matrix_product(dh_all.T, unprojected[0])
        if needs[5] or needs[6]:
            db = add_up(dgates if sums is None else sums, 0)
        return dx, dh, dc, dw_ih, dw_hh, db, db, dw_hr


class GRU(Rule):
    """r, z = sigmoid of the first thirds of x w_ih' + b_ih + h w_hh' + b_hh

    n = tanh(x w_in' + b_in + r * (h w_hn' + b_hn)) with the last thirds;  h = (1 - z) * n + z * h.

    Shapes as in `LSTM`. Backward: the gradients of what n, z and r are functions of are
    dn = dh * (1 - z) * (1 - n**2), dh * (h_before - n) * z * (1 - z) and dn * (h w_hn' + b_hn) *
    r * (1 - r); one step earlier dh is dh * z plus these times w_hh, with dn * r instead of dn.
    """

    outputs = ("out", "h_n", "reserve")

    @staticmethod
    def forward(x, h, w_ih, w_hh, b_ih, b_hh, *, batch_sizes, reverse):
        rows, size = sum(batch_sizes), h.shape[1]
        reserve, (gates, candidates) = _reserved(x.dtype, rows, (3 * size, size))
        _input_share(x, w_ih, b_ih, out=gates)
        h = h.copy()
        out = np.empty((rows, size), x.dtype)
        recurrent = np.empty((len(h), 3 * size), x.dtype)
        times_w_hh = kernels.product_with(w_hh.T, rows)
        for at in _steps(batch_sizes, reverse):
            n = _size(at)
            times_w_hh(h[:n], recurrent[:n])
            if b_hh is not None:
                recurrent[:n] += b_hh
            step.gru_step(gates[at], recurrent[:n], h[:n], candidates[at])
            out[at] = h[:n]
        return out.reshape(*x.shape[:-1], size), h, reserve

    @staticmethod
    def backward(g, x, h, w_ih, w_hh, b_ih, b_hh, out, reserve, batch_sizes, reverse, needs):
        if not isinstance(out, np.ndarray):
            inputs = (x, h, w_ih, w_hh, b_ih, b_hh)
            return _gradients_by_recording(_gru_cell, inputs, g[:2], needs, batch_sizes, reverse)
        rows, size = sum(batch_sizes), h.shape[1]
        _, (gates, candidates) = _reserved(x.dtype, rows, (3 * size, size), reserve)
        steps = _steps(batch_sizes, reverse)
        dout = g[0].reshape(rows, size)
        dh = g[1].copy()
        dgates = np.empty_like(gates)
        drecurrent = np.empty_like(gates)
        before = _states_before(out.reshape(rows, size), h, steps)
        through_gates = np.empty_like(dh)
        times_w_hh = kernels.product_with(w_hh, rows)
        for at in reversed(steps):
            dh_now = dh[: _size(at)]
            dh_now += dout[at]
            step.gru_step_backward(
                gates[at], candidates[at], before[at], dh_now, dgates[at], drecurrent[at]
            )
            dh_now += times_w_hh(drecurrent[at], through_gates[: _size(at)])
        dx, dw_ih, db_ih = _input_gradients(dgates, x, w_ih, (needs[0], needs[2], needs[4]))
        dw_hh = matrix_product(drecurrent.T, before) if needs[3] else None
        return dx, dh, dw_ih, dw_hh, db_ih, add_up(drecurrent, 0) if needs[5] else None


class RNN(Rule):
    """h = tanh or relu of x w_ih' + b_ih + h w_hh' + b_hh

    Shapes as in `LSTM`. Backward: dz = dh * (1 - h**2) or dh where h > 0; one step earlier dh is
    dz w_hh.
    """

    outputs = ("out", "h_n")

    @staticmethod
    def forward(x, h, w_ih, w_hh, b_ih, b_hh, *, nonlinearity, batch_sizes, reverse):
        rows, size = sum(batch_sizes), h.shape[1]
        out = np.empty((rows, size), x.dtype)
        _input_share(x, w_ih, _sum_of(b_ih, b_hh), out=out)
        h = h.copy()
        recurrent = np.empty_like(h)
        times_w_hh = kernels.product_with(w_hh.T, rows)
        for at in _steps(batch_sizes, reverse):
            n = _size(at)
            now = out[at]
            now += times_w_hh(h[:n], recurrent[:n])
            if nonlinearity == "tanh":
                np.tanh(now, out=now)
            else:
                np.maximum(now, 0, out=now)
            h[:n] = now
        return out.reshape(*x.shape[:-1], size), h

    @staticmethod
    def backward(g, x, h, w_ih, w_hh, b_ih, b_hh, out, nonlinearity, batch_sizes, reverse, needs):
        if not isinstance(out, np.ndarray):
            inputs = (x, h, w_ih, w_hh, b_ih, b_hh)
            cell = _tanh_cell if nonlinearity == "tanh" else _relu_cell
            return _gradients_by_recording(cell, inputs, g, needs, batch_sizes, reverse)
        rows, size = sum(batch_sizes), h.shape[1]
        steps = _steps(batch_sizes, reverse)
        out = out.reshape(rows, size)
        slope = 1 - out * out if nonlinearity == "tanh" else (out > 0).astype(out.dtype)
        dz = slope
        dout = g[0].reshape(rows, size)
        dh = g[1].copy()
        times_w_hh = kernels.product_with(w_hh, rows)
        for at in reversed(steps):
            dh_now = dh[: _size(at)]
            dh_now += dout[at]
            dz[at] *= dh_now
            times_w_hh(dz[at], dh_now)
        dx, dw_ih, db = _input_gradients(dz, x, w_ih, (needs[0], needs[2], needs[4]))
        dw_hh = matrix_product(dz.T, _states_before(out, h, steps)) if needs[3] else None
        if needs[5]:
            db = add_up(dz, 0) if db is None else db
        return dx, dh, dw_ih, dw_hh, db, db


# One step in ordinary ops: what derivatives of higher order are taken of.


def _lstm_cell(
    x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any
) -> tuple[Any, Any]:
    gates = linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)
    i, f, g, o = split(gates, c.shape[1], 1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return h if w_hr is None else linear(h, w_hr), c


def _gru_cell(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple[Any]:
    of_x, of_h = (
        split(each, h.shape[1], 1) for each in (linear(x, w_ih, b_ih), linear(h, w_hh, b_hh))
    )
    r = sigmoid(of_x[0] + of_h[0])
    z = sigmoid(of_x[1] + of_h[1])
    n = tanh(of_x[2] + r * of_h[2])
    return ((1 - z) * n + z * h,)


def _tanh_cell(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple[Any]:
    return (tanh(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)),)


def _relu_cell(x: Any, h: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> tuple[Any]:
    return (relu(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)),)
