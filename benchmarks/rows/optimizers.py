"""One update of many parameters."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row

PARAMETERS = {"tensors": 40, "shape": (150, 200)}  # 1.2 million
TINY = {"tensors": 2, "shape": (2, 3)}


def update(
    torch: Any, make: Any, tensors: int, shape: tuple[int, ...], passes: int, **options: float
) -> Step:
    """A step of the optimizer that reads or writes each parameter's arrays in so many passes."""
    parameters = [torch.nn.Parameter(torch.randn(shape)) for _ in range(tensors)]
    for parameter in parameters:
        parameter.grad = torch.randn(shape)
    optimizer = make(parameters, lr=1e-3, **options)

    def run():
        optimizer.step()
        return parameters[0]

    return Step(run, bytes=passes * sum(parameter.nbytes for parameter in parameters))


@row(floor=1.5, aim=3.0, sizes=PARAMETERS, tiny=TINY)
def adam(torch: Any, tensors: int, shape: tuple[int, ...]) -> Step:
    """An update by Adam."""
    return update(torch, torch.optim.Adam, tensors, shape, passes=7)


@row(floor=1.5, aim=3.0, sizes=PARAMETERS, tiny=TINY)
def adamw(torch: Any, tensors: int, shape: tuple[int, ...]) -> Step:
    """An update by AdamW."""
    return update(torch, torch.optim.AdamW, tensors, shape, passes=7)


@row(floor=1.5, aim=3.0, sizes=PARAMETERS, tiny=TINY)
def sgd_momentum(torch: Any, tensors: int, shape: tuple[int, ...]) -> Step:
    """An update by SGD with momentum."""
    return update(torch, torch.optim.SGD, tensors, shape, passes=5, momentum=0.9)
