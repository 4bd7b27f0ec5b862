"""Recurrent layers on one another, over whole sequences, and single steps of them.

What a layer computes is in `recurrent.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from airi.ops.dropout import dropout as drop
from airi.ops.joining import cat, stack
from airi.ops.matmul import check_same_dtype
from airi.ops.recurrent import GRU, LSTM, RNN
from airi.ops.views import select, shape_of, transpose

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "gru",
    "gru_cell",
    "lstm",
    "lstm_cell",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
]


def lstm(
    input: Tensor,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
    batch_sizes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Layers of long short-term memory over a sequence: (output, h_n, c_n).

    Shapes, with D directions: input (T, B, I), with `batch_first` (B, T, I), with `batch_sizes` the
    rows (N, I) of a packed sequence; hx: h (layers * D, B, P) and c (layers * D, B, H); output has
    D * P features. P is H without a projection. `params` holds for each layer and direction w_ih
    (4 H, I), w_hh (4 H, P), the two biases where `has_biases`, and w_hr (P, H) where there is a
    projection. Between layers there is `dropout` when training. Raises RuntimeError where shapes
    or dtypes do not fit. Source: Hochreiter and Schmidhuber, 1997; ``torch.lstm``.
    """

    def layer(x: Any, states: Any, weights: Any, **walk: Any) -> Any:
        return LSTM.apply(x, *states, *weights, **walk)[:3]

    settings = (has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)
    return _layers("lstm", layer, 4, input, tuple(hx), params, *settings)


def gru(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
    batch_sizes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Layers of gated recurrent units over a sequence: (output, h_n).

    Arguments as in `lstm`, with 3 gates and no c. Source: Cho et al., 2014; ``torch.gru``.
    """

    def layer(x: Any, states: Any, weights: Any, **walk: Any) -> Any:
        return GRU.apply(x, *states, *weights[:4], **walk)[:2]

    settings = (has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)
    return _layers("gru", layer, 3, input, (hx,), params, *settings)


def rnn_tanh(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
    batch_sizes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Simple recurrent layers, h = tanh(x w_ih' + b_ih + h w_hh' + b_hh): (output, h_n).

    Arguments as in `lstm`, with 1 gate and no c. Source: Elman, 1990; ``torch.rnn_tanh``.
    """

    def layer(x: Any, states: Any, weights: Any, **walk: Any) -> Any:
        return RNN.apply(x, *states, *weights[:4], nonlinearity="tanh", **walk)

    settings = (has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)
    return _layers("rnn_tanh", layer, 1, input, (hx,), params, *settings)


def rnn_relu(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
    batch_sizes: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """`rnn_tanh` with relu in place of tanh. Source: ``torch.rnn_relu``."""

    def layer(x: Any, states: Any, weights: Any, **walk: Any) -> Any:
        return RNN.apply(x, *states, *weights[:4], nonlinearity="relu", **walk)

    settings = (has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)
    return _layers("rnn_relu", layer, 1, input, (hx,), params, *settings)


def _layers(
    function: str,
    layer: Callable[..., tuple[Tensor, ...]],
    gates: int,
    input: Tensor,
    states: tuple[Tensor, ...],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
    batch_sizes: Tensor | None,
) -> tuple[Tensor, ...]:
    """Each layer in each direction, the outputs of one the inputs of the next."""
    check_same_dtype(function, input, *states, *params)
    directions = 2 if bidirectional else 1
    weights = _by_layer(function, params, has_biases, num_layers * directions)
    if batch_sizes is None:
        _require_ndim(function, 3, input=input)
        x = transpose(input, 0, 1) if batch_first else input
        sizes = (x.shape[1],) * x.shape[0]
    else:
        _require_ndim(function, 2, input=input)
        x = input
        sizes = tuple(batch_sizes.tolist())
    _check_states(function, states, num_layers * directions, sizes)
    finals = []
    for number in range(num_layers):
        if number > 0:
            x = drop(x, dropout, train)
        outs = []
        for at in range(number * directions, (number + 1) * directions):
            initial = [select(each, 0, at) for each in states]
            _check_weights(function, gates, x, initial, weights[at])
            reverse = at % directions == 1
            out, *final = layer(x, initial, weights[at], batch_sizes=sizes, reverse=reverse)
            outs.append(out)
            finals.append(final)
        x = cat(outs, -1) if bidirectional else outs[0]
    output = transpose(x, 0, 1) if batch_first and batch_sizes is None else x
    return output, *[stack(each) for each in zip(*finals, strict=True)]


def _by_layer(
    function: str, params: Sequence[Tensor], has_biases: bool, count: int
) -> list[list[Tensor | None]]:
    """w_ih, w_hh, b_ih, b_hh and w_hr of each layer and direction, None for what is not there."""
    each, rest = divmod(len(params), count)
    least = 4 if has_biases else 2
    if rest or each not in (least, least + 1):
        raise RuntimeError(
            f"{function}: expected {least} weights, or {least + 1} with a projection, for each of "
            f"{count} layers and directions, got {len(params)}"
        )
    groups = [list(params[at * each : (at + 1) * each]) for at in range(count)]
    none: list[Tensor | None] = [None]
    return [
        [*group[:2], *(group[2:4] if has_biases else none * 2), *(group[least:] or none)]
        for group in groups
    ]


def _require_ndim(function: str, ndim: int, **tensors: Tensor) -> None:
    for name, each in tensors.items():
        if each.ndim != ndim:
            raise RuntimeError(
                f"{function}: {name} must have {ndim} dimensions, got shape {shape_of(each)}"
            )


def _check_states(
    function: str, states: Sequence[Tensor], count: int, sizes: tuple[int, ...]
) -> None:
    if not sizes:
        raise RuntimeError(f"{function}: expected a sequence of at least one step, got none")
    for each in states:
        if each.ndim != 3 or tuple(each.shape[:2]) != (count, sizes[0]):
            raise RuntimeError(
                f"{function}: expected states of shape ({count}, {sizes[0]}, hidden), one for each "
                f"layer and direction, got {shape_of(each)}"
            )


def _check_weights(
    function: str, gates: int, x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor | None]
) -> None:
    """RuntimeError where the weights of one layer do not fit its inputs and states."""
    h, last = states[0].shape[-1], states[-1].shape[-1]
    expected: list[tuple[int, ...]] = [
        (gates * last, x.shape[-1]),
        (gates * last, h),
        (gates * last,),
        (gates * last,),
        (h, last),
    ]
    names = ("w_ih", "w_hh", "b_ih", "b_hh", "w_hr")
    for name, weight, shape in zip(names, weights, expected, strict=False):
        if weight is not None and shape_of(weight) != shape:
            raise RuntimeError(
                f"{function}: {name} must have shape {shape} for inputs of {x.shape[-1]} features "
                f"and states of {' and '.join(str(each.shape[-1]) for each in states)}, got "
                f"{shape_of(weight)}"
            )
    if h != last and (len(weights) < 5 or weights[4] is None):
        raise RuntimeError(f"{function}: h has {h} features and c {last}, but there is no w_hr")


# -- one step -----------------------------------------------------------------------------------


def lstm_cell(
    input: Tensor,
    hx: Sequence[Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of `lstm` for input (B, I) and hx = (h, c), both (B, H): the new (h, c).

    Weights (4 H, I) and (4 H, H), biases (4 H). Raises RuntimeError where shapes or dtypes do not
    fit. Example: ``h, c = lstm_cell(x, (h, c), w_ih, w_hh)``. Source: ``torch.lstm_cell``.
    """
    h, c = hx
    walk = _one_step("lstm_cell", 4, input, (h, c), w_ih, w_hh, b_ih, b_hh)
    return LSTM.apply(input, h, c, w_ih, w_hh, b_ih, b_hh, None, **walk)[1:3]


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of `gru` for input (B, I) and hx (B, H): the new h. Source: ``torch.gru_cell``."""
    walk = _one_step("gru_cell", 3, input, (hx,), w_ih, w_hh, b_ih, b_hh)
    return GRU.apply(input, hx, w_ih, w_hh, b_ih, b_hh, **walk)[1]


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of `rnn_tanh` for input (B, I) and hx (B, H): the new h.

    Source: ``torch.rnn_tanh_cell``.
    """
    walk = _one_step("rnn_tanh_cell", 1, input, (hx,), w_ih, w_hh, b_ih, b_hh)
    return RNN.apply(input, hx, w_ih, w_hh, b_ih, b_hh, nonlinearity="tanh", **walk)[1]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of `rnn_relu` for input (B, I) and hx (B, H): the new h.

    Source: ``torch.rnn_relu_cell``.
    """
    walk = _one_step("rnn_relu_cell", 1, input, (hx,), w_ih, w_hh, b_ih, b_hh)
    return RNN.apply(input, hx, w_ih, w_hh, b_ih, b_hh, nonlinearity="relu", **walk)[1]


def _one_step(
    function: str, gates: int, input: Tensor, states: Sequence[Tensor], *weights: Tensor | None
) -> dict[str, Any]:
    """How a rule walks through one step, once the arguments are found to fit."""
    check_same_dtype(function, input, *states, *[each for each in weights if each is not None])
    _require_ndim(function, 2, input=input)
    for each in states:
        if each.ndim != 2 or each.shape[0] != input.shape[0]:
            raise RuntimeError(
                f"{function}: expected states of shape ({input.shape[0]}, hidden) for input of "
                f"shape {shape_of(input)}, got {shape_of(each)}"
            )
    _check_weights(function, gates, input, states, weights)
    return {"batch_sizes": (input.shape[0],), "reverse": False}
