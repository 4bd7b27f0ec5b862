"""Where the arithmetic takes no time, and the framework's own cost is what remains."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row

CHAIN = {"floor": 2.5, "aim": 10.0, "unit": "us an op"}


@row("chain-4x4", sizes={"shape": (4, 4), "ops": 1_000}, tiny={"shape": (4, 4), "ops": 4}, **CHAIN)
@row("chain-scalar", sizes={"shape": (), "ops": 1_000}, tiny={"shape": (), "ops": 4}, **CHAIN)
def chain(torch: Any, shape: tuple[int, ...], ops: int) -> Step:
    """Multiplications and additions in a chain, forward and backward."""
    x, w, b = (torch.full(shape, value, requires_grad=True) for value in (1.0, 0.99, 0.01))

    def run():
        y = x
        for _ in range(ops // 2):
            y = y * w + b
        return torch.autograd.grad(y.sum(), (x, w, b))

    return Step(run, ops=ops)


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
