"""Recurrent layers: RNN, LSTM and GRU over sequences, and their single steps.

Source: ``torch.nn``.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from airi.nn import init
from airi.nn.module import Module
from airi.nn.parameter import Parameter, new_parameter
from airi.nn.utils.rnn import PackedSequence
from airi.ops import recurrent_layers as layers
from airi.ops.creation import new_zeros
from airi.ops.index_along import index_select
from airi.ops.views import squeeze, unsqueeze
from airi.tensor import Tensor

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "RNN_TANH": layers.rnn_tanh,
    "RNN_RELU": layers.rnn_relu,
    "LSTM": layers.lstm,
    "GRU": layers.gru,
}


class RNNBase(Module):
    """What RNN, LSTM and GRU have in common: parameters, checks, and the forms of the input.

    The parameters of layer k are ``weight_ih_lk`` (gates * hidden_size, features), ``weight_hh_lk``
    (gates * hidden_size, hidden_size), ``bias_ih_lk``, ``bias_hh_lk`` (gates * hidden_size), with
    "_reverse" after the name for the other direction. All begin uniform in +-1/sqrt(hidden_size).
    Raises TypeError and ValueError for arguments that cannot be. Source: ``torch.nn.RNNBase``.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_arguments()
        self.dropout = float(dropout)
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                names = []
                for name, shape in self._shapes(first=layer == 0).items():
                    names.append(f"{name}_l{layer}{suffix}")
                    setattr(self, names[-1], new_parameter(*shape, device=device, dtype=dtype))
                self._all_weights.append(names)
        self.reset_parameters()

    def _check_arguments(self) -> None:
        kind = type(self).__name__
        for name, wanted in (("bias", bool), ("batch_first", bool)):
            value = getattr(self, name)
            if not isinstance(value, wanted):
                raise TypeError(f"{kind}: {name} must be a bool, got {type(value).__name__}")
        for name in ("input_size", "hidden_size", "num_layers", "proj_size"):
            value = getattr(self, name)
            if not isinstance(value, int):
                raise TypeError(f"{kind}: {name} must be an int, got {type(value).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{kind}: {name} must be positive, got {getattr(self, name)}")
        p = self.dropout
        if isinstance(p, bool) or not isinstance(p, (int, float)) or not 0 <= p <= 1:
            raise ValueError(f"{kind}: dropout must be a number between 0 and 1, got {p!r}")
        if p > 0 and self.num_layers == 1:
            warnings.warn(
                f"{kind}: dropout={p} does nothing with num_layers=1: it is applied between layers",
                stacklevel=4,
            )
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError(
                f"{kind}: proj_size must be 0 or positive and less than hidden_size "
                f"{self.hidden_size}, got {self.proj_size}"
            )
        if self.mode not in _GATES:
            raise ValueError(f"{kind}: mode must be one of {', '.join(_GATES)}, got {self.mode!r}")

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _features(self) -> int:
        """How many numbers h has."""
        return self.proj_size or self.hidden_size

    def _shapes(self, first: bool) -> dict[str, tuple[int, ...]]:
        """The parameters of a layer in one direction."""
        gates = _GATES[self.mode] * self.hidden_size
        inputs = self.input_size if first else self._features * self._directions
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (gates, inputs),
            "weight_hh": (gates, self._features),
        }
        if self.bias:
            shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        return shapes

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: on the CPU parameters need not be neighbours. Accepted for scripts."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def forward(self, input: Any, hx: Any = None) -> Any:
        if isinstance(input, PackedSequence):
            self._check_input(input.data, 2)
            x, batch_sizes = input.data, input.batch_sizes
            batch = int(batch_sizes[0])
        else:
            _require_tensors(type(self).__name__, "input", input)
            if input.ndim not in (2, 3):
                raise ValueError(
                    f"{type(self).__name__}: expected input of 2 or 3 dimensions, got shape "
                    f"{tuple(input.shape)}"
                )
            batch_dim = 0 if self.batch_first else 1
            batched = input.ndim == 3
            x, batch_sizes = input if batched else unsqueeze(input, batch_dim), None
            self._check_input(x, 3)
            batch = x.shape[batch_dim]
            if hx is not None:
                hx = self._with_batch(hx, batched)
        if hx is None:
            states = self._zeros(x, batch)
        else:
            states = self._states(hx)
            self._check_states(states, batch)
        if isinstance(input, PackedSequence):
            states = _in_order(states, input.sorted_indices)
        output, *last = self._run(x, states, batch_sizes)
        if isinstance(input, PackedSequence):
            output = PackedSequence(
                output, batch_sizes, input.sorted_indices, input.unsorted_indices
            )
            last = _in_order(last, input.unsorted_indices)
        elif not batched:
            output = squeeze(output, batch_dim)
            last = [squeeze(each, 1) for each in last]
        return output, (tuple(last) if self.mode == "LSTM" else last[0])

    def _run(self, x: Tensor, states: list[Tensor], batch_sizes: Tensor | None) -> Any:
        weights = [weight for each in self.all_weights for weight in each]
        return _FUNCTIONS[self.mode](
            x,
            tuple(states) if self.mode == "LSTM" else states[0],
            weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            self.batch_first,
            batch_sizes,
        )

    def _check_input(self, x: Tensor, ndim: int) -> None:
        kind, dtype = type(self).__name__, self.weight_ih_l0.dtype
        if x.dtype != dtype:
            raise ValueError(
                f"{kind}: input is {x.dtype} but the weights are {dtype}; convert the input with "
                f"input.to({dtype}) or the module with module.to({x.dtype})"
            )
        if x.ndim != ndim:
            raise RuntimeError(
                f"{kind}: input must have {ndim} dimensions, got shape {tuple(x.shape)}"
            )
        if x.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{kind}: the last dimension of input must be input_size {self.input_size}, got "
                f"shape {tuple(x.shape)}"
            )

    def _states(self, hx: Any) -> list[Tensor]:
        """The initial states as a list."""
        kind = type(self).__name__
        states = _pair(kind, hx) if self.mode == "LSTM" else [hx]
        _require_tensors(kind, "hx", *states)
        return states

    def _with_batch(self, hx: Any, batched: bool) -> Any:
        """The initial states with a batch dimension, which they must have if the input has."""
        states = self._states(hx)
        for each in states:
            if each.ndim != (3 if batched else 2):
                raise RuntimeError(
                    f"{type(self).__name__}: for {'batched' if batched else 'unbatched'} input hx "
                    f"must have {3 if batched else 2} dimensions, got shape {tuple(each.shape)}"
                )
        if not batched:
            states = [unsqueeze(each, 1) for each in states]
        return states if self.mode == "LSTM" else states[0]

    def _state_shapes(self, batch: int) -> list[tuple[int, int, int]]:
        count = self.num_layers * self._directions
        shapes = [(count, batch, self._features), (count, batch, self.hidden_size)]
        return shapes if self.mode == "LSTM" else shapes[:1]

    def _zeros(self, x: Tensor, batch: int) -> list[Tensor]:
        return [new_zeros(x, shape) for shape in self._state_shapes(batch)]

    def _check_states(self, states: list[Tensor], batch: int) -> None:
        for number, (each, shape) in enumerate(zip(states, self._state_shapes(batch), strict=True)):
            if tuple(each.shape) != shape:
                name = f"hx[{number}]" if self.mode == "LSTM" else "hx"
                raise RuntimeError(
                    f"{type(self).__name__}: expected {name} of shape {shape}, got "
                    f"{tuple(each.shape)}"
                )
            if each.dtype != self.weight_ih_l0.dtype:
                raise RuntimeError(
                    f"{type(self).__name__}: hx is {each.dtype} but the weights are "
                    f"{self.weight_ih_l0.dtype}"
                )

    def extra_repr(self) -> str:
        parts = [str(self.input_size), str(self.hidden_size)]
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        for name, default in defaults.items():
            if getattr(self, name) != default:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)


def _in_order(states: list[Tensor], order: Tensor | None) -> list[Tensor]:
    return states if order is None else [index_select(each, 1, order) for each in states]


def _require_tensors(kind: str, name: str, *given: Any) -> None:
    for each in given:
        if not isinstance(each, Tensor):
            raise TypeError(f"{kind}: {name} must be a Tensor, got {type(each).__name__}")


def _pair(kind: str, hx: Any) -> list[Tensor]:
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        got = f"{len(hx)} items" if isinstance(hx, (tuple, list)) else type(hx).__name__
        raise TypeError(f"{kind}: hx must be a pair of Tensors (h, c), got {got}")
    return list(hx)


def _refuse_projection(kind: str, proj_size: int) -> None:
    if proj_size:
        raise ValueError(f"{kind}: only LSTM has proj_size, got {proj_size}")


class RNN(RNNBase):
    """Simple recurrent layers: h_t = tanh(x_t W_ih' + b_ih + h_(t-1) W_hh' + b_hh).

    Returns (output, h_n): h of the last layer after each step, and of all layers after the last.
    Shapes, with D directions: input (L, N, input_size), (N, L, input_size) with `batch_first`,
    (L, input_size), or a PackedSequence; output likewise with D * hidden_size; h_0, h_n
    (D * num_layers, N, hidden_size); h_0 is zero unless given. `dropout` acts between layers;
    `nonlinearity` is "tanh" or "relu". Example: ``output, h_n = nn.RNN(10, 20, 2)(x)``.
    Source: Elman, 1990; ``torch.nn.RNN``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: int = 0,
    ) -> None:
        _refuse_projection("RNN", proj_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: nonlinearity must be 'tanh' or 'relu', got {nonlinearity!r}")
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory: gates decide what a cell state c keeps, adds and shows.

    i, f, o = sigmoid and g = tanh of x_t W_ih' + b_ih + h_(t-1) W_hh' + b_hh, a quarter each in the
    order i, f, g, o; c_t = f * c_(t-1) + i * g; h_t = o * tanh(c_t), times W_hr' where `proj_size`
    is positive. Returns (output, (h_n, c_n)), takes (input, (h_0, c_0)); shapes as in `RNN`, h with
    proj_size numbers if that is positive. Example: ``output, (h_n, c_n) = nn.LSTM(10, 20, 2)(x)``.
    Source: Hochreiter and Schmidhuber, 1997; Sak et al., 2014 (projection); ``torch.nn.LSTM``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )


class GRU(RNNBase):
    """Gated recurrent units: a gate mixes the old state with a new candidate.

    r, z = sigmoid of x_t W_ih' + b_ih + h_(t-1) W_hh' + b_hh, the first two thirds; with the last
    thirds n = tanh(x_t W_in' + b_in + r * (h_(t-1) W_hn' + b_hn)); h_t = (1 - z) * n + z * h_(t-1).
    Returns (output, h_n); shapes as in `RNN`. Example: ``output, h_n = nn.GRU(10, 20, 2)(x)``.
    Source: Cho et al., 2014; ``torch.nn.GRU``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        proj_size: int = 0,
    ) -> None:
        _refuse_projection("GRU", proj_size)
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
        )


class RNNCellBase(Module):
    """What the cells have in common: weight_ih, weight_hh, bias_ih and bias_hh of their gates.

    All begin uniform in +-1/sqrt(hidden_size). Source: ``torch.nn.RNNCellBase``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = new_parameter(rows, input_size, device=device, dtype=dtype)
        self.weight_hh = new_parameter(rows, hidden_size, device=device, dtype=dtype)
        for name in ("bias_ih", "bias_hh"):
            parameter = new_parameter(rows, device=device, dtype=dtype) if bias else None
            self.register_parameter(name, parameter)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(self, function: Any, input: Tensor, states: list[Tensor] | None, count: int) -> Any:
        """One step, for an input with or without a batch dimension; zeros where states is None."""
        kind = type(self).__name__
        for name, each in [("input", input), *[("hx", state) for state in states or ()]]:
            _require_tensors(kind, name, each)
            if each.ndim not in (1, 2):
                raise ValueError(
                    f"{kind}: {name} must have 1 or 2 dimensions, got shape {tuple(each.shape)}"
                )
        if input.shape[-1] != self.input_size:
            raise RuntimeError(
                f"{kind}: the last dimension of input must be input_size {self.input_size}, got "
                f"shape {tuple(input.shape)}"
            )
        batched = input.ndim == 2
        x = input if batched else unsqueeze(input, 0)
        if states is None:
            states = [new_zeros(x, (x.shape[0], self.hidden_size))] * count
        elif not batched:
            states = [unsqueeze(each, 0) for each in states]
        hx = tuple(states) if count > 1 else states[0]
        result = function(x, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        if batched:
            return result
        return tuple([squeeze(each, 0) for each in result]) if count > 1 else squeeze(result, 0)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias else f"{text}, bias={self.bias}"


class RNNCell(RNNCellBase):
    """One step of `RNN`: h' = tanh(x W_ih' + b_ih + h W_hh' + b_hh), or relu.

    Shapes: input (N, input_size) or (input_size), hx and result (N, hidden_size) or (hidden_size);
    hx is zero unless given. Example: ``h = nn.RNNCell(10, 20)(x, h)``.
    Source: ``torch.nn.RNNCell``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(
                f"RNNCell: nonlinearity must be 'tanh' or 'relu', got {self.nonlinearity!r}"
            )
        function = layers.rnn_tanh_cell if self.nonlinearity == "tanh" else layers.rnn_relu_cell
        return self._step(function, input, None if hx is None else [hx], 1)

    def extra_repr(self) -> str:
        text = super().extra_repr()
        other = self.nonlinearity != "tanh"
        return f"{text}, nonlinearity={self.nonlinearity}" if other else text


class LSTMCell(RNNCellBase):
    """One step of `LSTM`: the new (h, c) of an input and hx = (h, c), which is zero unless given.

    Shapes as in `RNNCell`. Example: ``h, c = nn.LSTMCell(10, 20)(x, (h, c))``.
    Source: ``torch.nn.LSTMCell``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        return self._step(layers.lstm_cell, input, None if hx is None else _pair("LSTMCell", hx), 2)


class GRUCell(RNNCellBase):
    """One step of `GRU`. Shapes as in `RNNCell`. Example: ``h = nn.GRUCell(10, 20)(x, h)``.

    Source: ``torch.nn.GRUCell``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(layers.gru_cell, input, None if hx is None else [hx], 1)
