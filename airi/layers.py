"""The course's building blocks: arrays in, arrays out, each with a backward of its own.

A network is a list of blocks that one drives by hand::

    blocks = [Linear(3072, 100, reg=1e-3), Relu(), Linear(100, 10, reg=1e-3), Softmax()]
    out = images
    for block in blocks:
        out = block(out)
    loss = blocks[-1].NLLloss(labels)
    dout = blocks[-1].backward(labels)
    for block in reversed(blocks[:-1]):
        dout = block.backward(dout)
    for block in blocks:
        block.update(lr=0.1)
        block.zero_grad()

Each block records a little graph of its own in the forward pass, and its backward walks that graph;
`compute` is the same step on Tensors, for one graph through all blocks.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi import dtypes
from airi.autograd.mode import enable_grad, no_grad
from airi.nn import functional
from airi.ops.creation import from_numpy, zeros
from airi.ops.random import randn
from airi.tensor import Tensor

__all__ = ["AiriLayer", "Conv2D", "Flatten", "Linear", "Relu", "Softmax"]


class AiriLayer:
    """A block with ``forward``, ``backward``, ``update`` and ``zero_grad``.

    A block of your own defines `compute`, on Tensors, and puts its parameters (leaf Tensors that
    require grad) into ``self.parameters``. ``reg`` is the weight of the L2 penalty reg * sum(w**2)
    on the parameter called "weight".
    """

    def __init__(self, reg: float = 0.0) -> None:
        if reg < 0:
            raise ValueError(f"{type(self).__name__}: reg must not be negative, got {reg}")
        self.reg = reg
        self.parameters: dict[str, Tensor] = {}
        self._input: Tensor | None = None
        self._output: Tensor | None = None

    def compute(self, x: Tensor) -> Tensor:
        """The block's function on Tensors, written with airi's ops."""
        raise TypeError(f"{type(self).__name__} must define compute(self, x)")

    def forward(self, x: np.ndarray) -> np.ndarray:
        """The block's output for a batch `x`; remembers its graph for `backward`.

        `x` is taken in the dtype of the parameters, where there are any. The output is read-only,
        since backward may need it as it is: copy() it to change it.
        """
        array = _floats(type(self).__name__, x)
        for each in self.parameters.values():
            array = array.astype(each._array.dtype, copy=False)
        self._input = from_numpy(array).requires_grad_()
        with enable_grad():
            self._output = self.compute(self._input)
        out = self._output.detach().numpy().view()
        out.flags.writeable = False
        return out

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.forward(x)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        """The gradient of the loss with respect to the block's input, given that of its output.

        The gradients of the parameters, with 2 * reg * w added to the weight's, are added to what
        is there since `zero_grad`. Raises RuntimeError before a forward, or where shapes differ.
        """
        name = type(self).__name__
        if self._input is None or self._output is None:
            raise RuntimeError(f"{name}.backward: call the block on a batch first")
        gradient = from_numpy(_floats(name, dout))
        if gradient.shape != self._output.shape:
            raise RuntimeError(
                f"{name}.backward: dout has shape {tuple(gradient.shape)}; expected that of the "
                f"output, {tuple(self._output.shape)}"
            )
        self._output.backward(gradient)
        return self._finish()

    def _finish(self) -> np.ndarray:
        """Add the penalty's gradient, let the graph go and hand on the input's gradient."""
        assert self._input is not None
        assert self._input.grad is not None
        dx = self._input.grad.numpy()
        self._input = self._output = None
        weight = self.parameters.get("weight")
        if self.reg and weight is not None and weight.grad is not None:
            weight.grad.add_(weight.detach(), alpha=2 * self.reg)
        return dx

    def penalty(self) -> Tensor:
        """reg * sum(w**2), the part of the loss that keeps weights small."""
        if not self.reg or "weight" not in self.parameters:
            return zeros(())
        return self.reg * (self.parameters["weight"] ** 2).sum()

    def update(self, lr: float) -> None:
        """One step of gradient descent: w -= lr * gradient."""
        with no_grad():
            for each in self.parameters.values():
                if each.grad is not None:
                    each.sub_(each.grad, alpha=lr)

    def zero_grad(self) -> None:
        """Forget the gradients of the parameters."""
        for each in self.parameters.values():
            each.grad = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_input": None, "_output": None}  # a saved block has no graph


def _floats(name: str, array: Any) -> np.ndarray:
    """The array itself where it is of floats, else as the default float dtype."""
    if isinstance(array, Tensor):
        raise TypeError(f"{name}: takes NumPy arrays; use compute() for Tensors")
    array = np.asarray(array)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name}: expected an array of numbers, got dtype {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(dtypes.default_numpy())


def _weight(*shape: int, fan_in: int) -> Tensor:
    """Normal numbers with variance 2 / fan_in, which keeps the scale of activations under ReLU.

    Source: He et al., "Delving Deep into Rectifiers", 2015.
    """
    return (randn(*shape) * math.sqrt(2 / fan_in)).requires_grad_()


class Linear(AiriLayer):
    """out = x @ weight + bias: x (N, input_size), weight (input_size, hidden_size)."""

    def __init__(
        self, input_size: int, hidden_size: int, reg: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__(reg)
        self.parameters["weight"] = _weight(input_size, hidden_size, fan_in=input_size)
        if bias:
            self.parameters["bias"] = zeros(hidden_size, requires_grad=True)

    def compute(self, x: Tensor) -> Tensor:
        out = x @ self.parameters["weight"]
        return out + self.parameters["bias"] if "bias" in self.parameters else out


class Relu(AiriLayer):
    """out = max(x, 0)"""

    def compute(self, x: Tensor) -> Tensor:
        return x.relu()


class Flatten(AiriLayer):
    """out = x with all dimensions but the first made one."""

    def compute(self, x: Tensor) -> Tensor:
        return x.flatten(1)


class Conv2D(AiriLayer):
    """A convolution of images (N, in_channels, H, W) with num_filters square filters.

    The output is (N, num_filters, OH, OW), OH = (H + 2 * pad - filter_size) // stride + 1.
    """

    def __init__(
        self,
        in_channels: int,
        num_filters: int,
        filter_size: int,
        stride: int = 1,
        pad: int = 0,
        reg: float = 0.0,
    ) -> None:
        super().__init__(reg)
        self.stride = stride
        self.pad = pad
        shape = (num_filters, in_channels, filter_size, filter_size)
        self.parameters["weight"] = _weight(*shape, fan_in=in_channels * filter_size**2)
        self.parameters["bias"] = zeros(num_filters, requires_grad=True)

    def compute(self, x: Tensor) -> Tensor:
        weight, bias = self.parameters["weight"], self.parameters["bias"]
        return functional.conv2d(x, weight, bias, self.stride, self.pad)


class Softmax(AiriLayer):
    """out = e**x / sum(e**x): probabilities of the classes, from scores x (N, classes).

    The last block of a network: `NLLloss` is the loss for labels, `backward(labels)` its gradient.
    """

    def compute(self, x: Tensor) -> Tensor:
        return functional.softmax(x, dim=1)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """The mean of -log softmax(x)[y], on Tensors."""
        return functional.cross_entropy(x, y)

    def NLLloss(self, y: np.ndarray) -> float:
        """The mean negative log-likelihood of the labels `y` (N,) for the batch seen last."""
        return self._loss_of(y).item()

    def backward(self, y: np.ndarray) -> np.ndarray:
        """The gradient of `NLLloss` with respect to the scores: (softmax(x) - one_hot(y)) / N."""
        self._loss_of(y).backward()
        return self._finish()

    def _loss_of(self, y: np.ndarray) -> Tensor:
        if self._input is None:
            raise RuntimeError("Softmax: call the block on a batch of scores first")
        labels = np.asarray(y)
        if labels.dtype.kind not in "iu" or labels.shape != self._input.shape[:1]:
            raise ValueError(
                f"Softmax: y must be integer labels of shape ({self._input.shape[0]},), got "
                f"{labels.dtype} of shape {labels.shape}"
            )
        with enable_grad():
            return self.loss(self._input, from_numpy(labels.astype(np.int64)))
