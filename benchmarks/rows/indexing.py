"""Picking elements by index, and adding them back. The gradient of one is the other."""

from __future__ import annotations

from typing import Any

from benchmarks.row import Step, row

TABLE = {"words": 50_000, "width": 256, "picked": 4_096}
TINY_TABLE = {"words": 12, "width": 4, "picked": 6}
SQUARE = {"size": 1_000}
TINY_SQUARE = {"size": 5}


@row(floor=1.0, aim=2.0, sizes=TABLE, tiny=TINY_TABLE)
def embedding_gradient(torch: Any, words: int, width: int, picked: int) -> Step:
    """The dense gradient of a table of words of which some were looked up."""
    table = torch.randn(words, width, requires_grad=True)
    indices = torch.randint(0, words, (picked,))
    y = torch.nn.functional.embedding(indices, table)
    g = torch.randn_like(y)
    return Step(
        lambda: torch.autograd.grad(y, table, g, retain_graph=True)[0],
        bytes=table.nbytes + g.nbytes,
    )


@row(floor=1.0, aim=2.0, sizes=TABLE, tiny=TINY_TABLE)
def index_select(torch: Any, words: int, width: int, picked: int) -> Step:
    """Some rows of a large table."""
    table = torch.randn(words, width)
    indices = torch.randint(0, words, (picked,))
    return Step(lambda: torch.index_select(table, 0, indices), bytes=2 * 4 * picked * width)


@row(floor=1.0, aim=2.0, sizes=SQUARE, tiny=TINY_SQUARE)
def gather(torch: Any, size: int) -> Step:
    """A square of elements, each from somewhere in its row."""
    x = torch.randn(size, size)
    indices = torch.randint(0, size, (size, size))
    return Step(lambda: torch.gather(x, 1, indices), bytes=2 * x.nbytes + indices.nbytes)


@row(floor=1.0, aim=2.0, sizes=SQUARE, tiny=TINY_SQUARE)
def scatter_add(torch: Any, size: int) -> Step:
    """A square of elements, each added somewhere in its row."""
    x, start = torch.randn(size, size), torch.zeros(size, size)
    indices = torch.randint(0, size, (size, size))
    return Step(
        lambda: torch.scatter_add(start, 1, indices, x), bytes=3 * x.nbytes + indices.nbytes
    )
