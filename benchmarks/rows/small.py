"""Where the arithmetic takes no time, and the framework's own cost is what remains."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row

CHAIN = {"floor": 2.5, "aim": 10.0, "unit": "us an op"}
SCALARS, SMALL = {"shape": (), "ops": 1_000}, {"shape": (4, 4), "ops": 1_000}
TINY = {"shape": (2, 2), "ops": 4}


def leaves_and_chain(torch: Any, shape: tuple[int, ...], ops: int) -> tuple[Any, Any]:
    """x, w and b, and a function that multiplies and adds them in turn."""
    x, w, b = (torch.full(shape, value, requires_grad=True) for value in (1.0, 0.99, 0.01))

    def total():
        y = x
        for _ in range(ops // 2):
            y = y * w + b
        return y.sum()

    return (x, w, b), total


@row("chain-4x4", sizes=SMALL, tiny=TINY, **CHAIN)
@row("chain-scalar", sizes=SCALARS, tiny=TINY | {"shape": ()}, **CHAIN)
def chain(torch: Any, shape: tuple[int, ...], ops: int) -> Step:
    """Multiplications and additions in a chain, forward and backward."""
    leaves, total = leaves_and_chain(torch, shape, ops)

    def run():
        for leaf in leaves:
            leaf.grad = None
        total().backward()
        return [leaf.grad for leaf in leaves]

    return Step(run, ops=ops)


@row(sizes=SMALL, tiny=TINY, **CHAIN)
def chain_grad(torch: Any, shape: tuple[int, ...], ops: int) -> Step:
    """The same chain, its gradients by autograd.grad instead of backward."""
    leaves, total = leaves_and_chain(torch, shape, ops)
    return Step(lambda: torch.autograd.grad(total(), leaves), ops=ops)


@row(floor=1.5, aim=3.0, sizes={"points": 100, "hidden": 16}, tiny={"points": 5, "hidden": 4})
def tiny_mlp(torch: Any, points: int, hidden: int) -> Step:
    """Training step of a net of three layers on points of the plane, SGD."""
    nn = torch.nn
    net = nn.Sequential(
        nn.Linear(2, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y = torch.randn(points, 2), torch.randn(points, 1)

    def run():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return Step(run)
