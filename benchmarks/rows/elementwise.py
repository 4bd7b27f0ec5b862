"""Element by element, and the reductions: work that is bound by memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.row import Step, row

Shape = tuple[int, ...]
MILLION = {"shape": (1024, 1024)}
LARGE = {"shape": (4096, 4096)}
TINY = {"shape": (4, 8)}


def forward(torch: Any, function: Callable[[Any], Any], shape: Shape) -> Step:
    x = torch.randn(shape)
    return Step(lambda: function(x), bytes=x.nbytes + function(x).nbytes)


def forward_and_backward(torch: Any, function: Callable[[Any], Any], shape: Shape) -> Step:
    x = torch.randn(shape, requires_grad=True)
    y = function(x)
    g = torch.randn_like(y)
    # Forward reads x and writes y; backward reads one of them and g, and writes the gradient of x.
    return Step(
        lambda: torch.autograd.grad(function(x), x, g)[0], bytes=3 * x.nbytes + 2 * y.nbytes
    )


@row("gelu-1m", floor=1.0, aim=1.2, sizes=MILLION, tiny=TINY)
def gelu(torch: Any, shape: Shape) -> Step:
    """GELU, forward and backward."""
    return forward_and_backward(torch, torch.nn.functional.gelu, shape)


@row("sum-1m", floor=1.0, aim=1.2, sizes=MILLION, tiny=TINY)
def sum_(torch: Any, shape: Shape) -> Step:
    """The sum of all elements, forward and backward."""
    x = torch.randn(shape, requires_grad=True)
    return Step(lambda: torch.autograd.grad(torch.sum(x), x)[0], bytes=2 * x.nbytes)


@row("exp-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
@row("exp-1m", floor=1.3, aim=2.0, sizes=MILLION, tiny=TINY)
def exp(torch: Any, shape: Shape) -> Step:
    """exp, forward."""
    return forward(torch, torch.exp, shape)


@row("tanh-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
@row("tanh-1m", floor=1.3, aim=5.0, sizes=MILLION, tiny=TINY)
def tanh(torch: Any, shape: Shape) -> Step:
    """tanh, forward."""
    return forward(torch, torch.tanh, shape)


@row("mean-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
@row("mean-1m", floor=1.3, aim=4.0, sizes=MILLION, tiny=TINY)
def mean(torch: Any, shape: Shape) -> Step:
    """The mean of all elements, forward."""
    return forward(torch, torch.mean, shape)


@row("sum-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
def sum_large(torch: Any, shape: Shape) -> Step:
    """The sum of all elements, forward."""
    return forward(torch, torch.sum, shape)


@row("gelu-16m", floor=1.0, aim=4.0, sizes=LARGE, tiny=TINY)
def gelu_large(torch: Any, shape: Shape) -> Step:
    """GELU, forward."""
    return forward(torch, torch.nn.functional.gelu, shape)


@row("broadcast-add-1m", floor=1.3, aim=1.5, sizes=MILLION, tiny=TINY)
def broadcast_add(torch: Any, shape: Shape) -> Step:
    """A matrix plus a row, forward."""
    bias = torch.randn(shape[-1])
    return forward(torch, lambda x: x + bias, shape)
