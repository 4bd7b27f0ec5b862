"""Pooling, forward and backward."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row

IMAGES = (64, 32, 56, 56)
HALVES = {"shape": IMAGES, "kernel": 2, "stride": 2, "padding": 0}
OVERLAPS = {"shape": IMAGES, "kernel": 3, "stride": 2, "padding": 1}
TINY = {"shape": (2, 3, 6, 6)}


def both_ways(torch: Any, pool: Any, shape: tuple[int, ...], *window: int) -> Step:
    x = torch.randn(shape, requires_grad=True)
    y = pool(x, *window)
    g = torch.randn_like(y)
    # Forward reads x and writes y; backward reads g and writes the gradient of x.
    return Step(
        lambda: torch.autograd.grad(pool(x, *window), x, g)[0], bytes=2 * (x.nbytes + g.nbytes)
    )


@row("max-pool-3x3s2", floor=1.5, aim=5.0, sizes=OVERLAPS, tiny=TINY)
@row("max-pool-2x2", floor=1.5, aim=5.0, sizes=HALVES, tiny=TINY)
def max_pool(
    torch: Any, shape: tuple[int, ...], kernel: int = 2, stride: int = 2, padding: int = 0
) -> Step:
    """Max pooling, forward and backward."""
    return both_ways(torch, torch.nn.functional.max_pool2d, shape, kernel, stride, padding)


@row("avg-pool-3x3s2", floor=1.5, aim=5.0, sizes=OVERLAPS, tiny=TINY)
@row("avg-pool-2x2", floor=1.5, aim=5.0, sizes=HALVES, tiny=TINY)
def avg_pool(
    torch: Any, shape: tuple[int, ...], kernel: int = 2, stride: int = 2, padding: int = 0
) -> Step:
    """Average pooling, forward and backward."""
    return both_ways(torch, torch.nn.functional.avg_pool2d, shape, kernel, stride, padding)
