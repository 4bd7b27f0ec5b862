"""All rows. The order of the imports is the order of the table."""

# isort: off
from __future__ import annotations

import difflib
import fnmatch

from benchmarks.row import ROWS, Row
from benchmarks.rows import training  # noqa: F401
from benchmarks.rows import convolution  # noqa: F401
from benchmarks.rows import pooling  # noqa: F401
from benchmarks.rows import normalization  # noqa: F401
from benchmarks.rows import elementwise  # noqa: F401
from benchmarks.rows import layers  # noqa: F401
from benchmarks.rows import indexing  # noqa: F401
from benchmarks.rows import recurrent  # noqa: F401
from benchmarks.rows import transformer  # noqa: F401
from benchmarks.rows import small  # noqa: F401
from benchmarks.rows import optimizers  # noqa: F401
from benchmarks.rows import processes  # noqa: F401


def chosen(patterns: list[str]) -> list[Row]:
    """The rows that are meant: by name, by family, or by a pattern such as ``conv-*-forward``.

    Raises:
        ValueError: if nothing is called so.
    """
    if not patterns:
        return list(ROWS.values())
    wanted = set()
    for pattern in patterns:
        hits = [
            each.name
            for each in ROWS.values()
            if each.family == pattern or fnmatch.fnmatchcase(each.name, pattern)
        ]
        if not hits:
            names = list(ROWS) + [each.family for each in ROWS.values()]
            near = ", ".join(difflib.get_close_matches(pattern, dict.fromkeys(names)))
            raise ValueError(f"no row is called {pattern!r}" + (f"; near: {near}" if near else ""))
        wanted.update(hits)
    return [each for each in ROWS.values() if each.name in wanted]
