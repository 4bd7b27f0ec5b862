"""Batch norm, layer norm, softmax and log-softmax."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row
from benchmarks.rows.elementwise import LARGE, MILLION, TINY, forward, forward_and_backward

Shape = tuple[int, ...]


@row(floor=1.6, aim=4.0, sizes={"shape": (32, 64, 56, 56)}, tiny={"shape": (2, 3, 4, 4)})
def batch_norm(torch: Any, shape: Shape) -> Step:
    """BatchNorm2d in training, forward and backward to input, weight and bias."""
    layer = torch.nn.BatchNorm2d(shape[1])
    x, g = torch.randn(shape, requires_grad=True), torch.randn(shape)
    wanted = (x, layer.weight, layer.bias)
    # Forward reads x and writes y; backward reads x and g and writes the gradient of x.
    return Step(lambda: torch.autograd.grad(layer(x), wanted, g), bytes=5 * g.nbytes)


@row("softmax-1m", floor=1.0, aim=1.2, sizes=MILLION, tiny=TINY)
def softmax(torch: Any, shape: Shape) -> Step:
    """Softmax of each row, forward and backward."""
    return forward_and_backward(torch, lambda x: torch.softmax(x, -1), shape)


@row("log-softmax-1m", floor=1.0, aim=1.2, sizes=MILLION, tiny=TINY)
def log_softmax(torch: Any, shape: Shape) -> Step:
    """Log-softmax of each row, forward and backward."""
    return forward_and_backward(torch, lambda x: torch.log_softmax(x, -1), shape)


@row("layer-norm-1m", floor=1.0, aim=1.2, sizes=MILLION, tiny=TINY)
def layer_norm(torch: Any, shape: Shape) -> Step:
    """Layer norm of each row, forward and backward to input, weight and bias."""
    layer = torch.nn.LayerNorm(shape[-1])
    x, g = torch.randn(shape, requires_grad=True), torch.randn(shape)
    wanted = (x, layer.weight, layer.bias)
    return Step(lambda: torch.autograd.grad(layer(x), wanted, g), bytes=5 * g.nbytes)


@row("softmax-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
def softmax_large(torch: Any, shape: Shape) -> Step:
    """Softmax of each row, forward."""
    return forward(torch, lambda x: torch.softmax(x, -1), shape)


@row("log-softmax-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
def log_softmax_large(torch: Any, shape: Shape) -> Step:
    """Log-softmax of each row, forward."""
    return forward(torch, lambda x: torch.log_softmax(x, -1), shape)


@row("layer-norm-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
def layer_norm_large(torch: Any, shape: Shape) -> Step:
    """Layer norm of each row, forward."""
    return forward(torch, lambda x: torch.nn.functional.layer_norm(x, shape[-1:]), shape)
