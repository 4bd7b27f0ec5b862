"""What happens at one time step of a recurrent layer besides the products of matrices.

The rows of all arrays are the sequences of a batch; all are C-contiguous. What each function
computes is written here in NumPy. Where the extension was built, it does the same for float32 in
one pass.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


@functools.cache
def _compiled() -> Any:
    """The extension, or None where it was not built; loaded when a step is first computed."""
    try:
        import airi.ops.recurrent_ext as module
    except ImportError:
        return None
    return module


def lstm_step(
    gates: np.ndarray, recurrent: np.ndarray, c: np.ndarray, cells: np.ndarray, h: np.ndarray
) -> None:
    """i, f, g, o = the gates of gates + recurrent;  c = f * c + i * g;  h = o * tanh(c)

    Shapes: gates and recurrent (n, 4 H), the others (n, H). `gates` is overwritten with i, f, g
    and o; `cells` gets a copy of the new c.
    """
    kernels = _compiled()
    if kernels is not None and kernels.lstm_step(gates, recurrent, c, cells, h):
        return
    gates += recurrent
    i, f, g, o = np.split(gates, 4, 1)
    sigmoid_(gates[:, : 2 * c.shape[1]])
    np.tanh(g, out=g)
    sigmoid_(o)
    c *= f
    c += np.multiply(i, g, out=h)
    cells[...] = c
    np.tanh(c, out=h)
    h *= o


def lstm_step_backward(
    gates: np.ndarray,
    before: np.ndarray,
    cells: np.ndarray,
    dh: np.ndarray,
    dc: np.ndarray,
    dgates: np.ndarray,
) -> None:
    """From the gradients of h and c to those of the gates' inputs and of the c before.

    `gates` holds i, f, g and o, `before` and `cells` the c before and after the step. `dc` is
    overwritten, `dgates` (n, 4 H) gets the result.
    """
    kernels = _compiled()
    if kernels is not None and kernels.lstm_step_backward(gates, before, cells, dh, dc, dgates):
        return
    i, f, g, o = np.split(gates, 4, 1)
    di, df, dg, do = np.split(dgates, 4, 1)
    tanh_c = np.tanh(cells)
    dc += dh * o * (1 - tanh_c * tanh_c)
    np.multiply(dc, g * i * (1 - i), out=di)
    np.multiply(dc, before * f * (1 - f), out=df)
    np.multiply(dc, i * (1 - g * g), out=dg)
    np.multiply(dh, tanh_c * o * (1 - o), out=do)
    dc *= f


def gru_step(
    gates: np.ndarray, recurrent: np.ndarray, h: np.ndarray, candidate: np.ndarray
) -> None:
    """r, z = the gates of gates + recurrent;  n = tanh(x_n + r * h_n);  h = (1 - z) * n + z * h

    Shapes: gates and recurrent (n, 3 H), the others (n, H). `gates` is overwritten with r, z and
    n; `candidate` gets h_n, the last third of `recurrent`.
    """
    kernels = _compiled()
    if kernels is not None and kernels.gru_step(gates, recurrent, h, candidate):
        return
    size = h.shape[1]
    sigmoids = gates[:, : 2 * size]
    sigmoids += recurrent[:, : 2 * size]
    sigmoid_(sigmoids)
    r, z, n = np.split(gates, 3, 1)
    candidate[...] = recurrent[:, 2 * size :]
    n += r * candidate
    np.tanh(n, out=n)
    h -= n
    h *= z
    h += n


def gru_step_backward(
    gates: np.ndarray,
    candidate: np.ndarray,
    before: np.ndarray,
    dh: np.ndarray,
    dgates: np.ndarray,
    drecurrent: np.ndarray,
) -> None:
    """From the gradient of h to those of the gates' inputs and, directly, of the h before.

    `gates` holds r, z and n, `candidate` is as `gru_step` left it, `before` is the h before the
    step. `dh` is overwritten; `dgates` and `drecurrent` (n, 3 H) get the results.
    """
    kernels = _compiled()
    given = (gates, candidate, before, dh, dgates, drecurrent)
    if kernels is not None and kernels.gru_step_backward(*given):
        return
    r, z, n = np.split(gates, 3, 1)
    dr, dz, dn = np.split(dgates, 3, 1)
    np.multiply(dh * (1 - z), 1 - n * n, out=dn)
    np.multiply(dh * (before - n), z * (1 - z), out=dz)
    np.multiply(dn * candidate, r * (1 - r), out=dr)
    drecurrent[...] = dgates
    drecurrent[:, 2 * r.shape[1] :] *= r
    dh *= z


def sigmoid_(x: np.ndarray) -> None:
    """x = 1 / (1 + e**-x), in place"""
    x *= -1  # np.negative is wrong in place for some strides, see Neg
    np.exp(x, out=x)
    x += 1
    np.reciprocal(x, out=x)
