"""Recurrent layers over a whole sequence, forward and backward."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row

SEQUENCE = {"steps": 64, "batch": 32, "hidden": 256}
TINY = {"steps": 3, "batch": 2, "hidden": 4}


def forward_and_backward(torch: Any, layer: Any, gates: int, steps: int, batch: int) -> Step:
    hidden = layer.hidden_size
    x = torch.randn(steps, batch, hidden, requires_grad=True)
    g = torch.randn(steps, batch, hidden)
    wanted = (x, *layer.parameters())
    # In each step the input and the last state meet a matrix for each gate; backward is twice that.
    flops = 3 * steps * 2 * (2 * batch * hidden * gates * hidden)
    return Step(lambda: torch.autograd.grad(layer(x)[0], wanted, g), flops=flops)


@row(floor=1.0, aim=1.5, sizes=SEQUENCE, tiny=TINY)
def lstm(torch: Any, steps: int, batch: int, hidden: int) -> Step:
    """LSTM over a sequence."""
    return forward_and_backward(torch, torch.nn.LSTM(hidden, hidden), 4, steps, batch)


@row(floor=1.0, aim=1.5, sizes=SEQUENCE, tiny=TINY)
def gru(torch: Any, steps: int, batch: int, hidden: int) -> Step:
    """GRU over a sequence."""
    return forward_and_backward(torch, torch.nn.GRU(hidden, hidden), 3, steps, batch)
