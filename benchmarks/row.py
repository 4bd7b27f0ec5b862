"""What a benchmark is: a function that builds a step under whichever library it is handed.

airi has PyTorch's names, so one function serves both:

    @row(floor=1.3, aim=2.0, sizes={"shape": (1024, 1024)}, tiny={"shape": (4, 8)})
    def exp(torch, shape):
        x = torch.randn(shape)
        return Step(lambda: torch.exp(x), bytes=2 * x.nbytes)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """What is timed, and the work that is in it, where the row states it."""

    run: Callable[[], object]
    flops: float = 0  # of the plain algorithm
    bytes: float = 0  # that have to be read or written at least
    ops: int = 1  # a step of many small ops is reported as the time of one of them


@dataclass(frozen=True)
class Row:
    """One row of the table."""

    name: str
    build: Callable[..., Step]
    floor: float | None  # PyTorch's time / airi's is to be this at least,
    aim: float | None  # and had better be this
    sizes: dict[str, Any]
    tiny: dict[str, Any]  # sizes at which a step takes no time
    unit: str = "ms"  # or "us an op", or "MB": then the step returns the megabytes
    warm_up: int = 2  # steps that are run before the first one counts

    @property
    def family(self) -> str:
        return self.build.__module__.rpartition(".")[2]

    @property
    def about(self) -> str:
        """What is done, and at which sizes."""
        sizes = ", ".join(f"{name} {value}" for name, value in self.sizes.items())
        return f"{(self.build.__doc__ or '').splitlines()[0].rstrip('.')}: {sizes}"


ROWS: dict[str, Row] = {}


def add_row(build: Callable[..., Step], name: str = "", **facts: Any) -> None:
    """Put a row into the table."""
    name = name or build.__name__.replace("_", "-")
    if name in ROWS:
        raise ValueError(f"two rows are called {name!r}")
    ROWS[name] = Row(name, build, **facts)


def row(name: str = "", **facts: Any) -> Callable[[Callable[..., Step]], Callable[..., Step]]:
    """Make a row of a function, named after it unless told otherwise; several may be stacked."""

    def register(build: Callable[..., Step]) -> Callable[..., Step]:
        add_row(build, name, **facts)
        return build

    return register
