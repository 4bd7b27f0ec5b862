"""Arithmetic without NumPy's warnings, as in PyTorch: inf and NaN are results, not accidents.

``np.errstate`` costs more than a small op. NumPy keeps its settings in a context variable, and to
set that directly costs a tenth. Where a NumPy keeps them elsewhere, ``np.errstate`` it is.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import numpy as np


def _find() -> tuple[contextvars.ContextVar[Any], Any] | None:
    """NumPy's context variable and its value for "ignore everything"."""
    with np.errstate(all="ignore"):
        for variable, value in contextvars.copy_context().items():
            if variable.name == "numpy.ufunc.extobj":
                return variable, value
    return None


_found = _find()

if _found is not None:
    _variable, _ignore_all = _found

    def silence() -> Any:
        """Turn NumPy's warnings off in this thread; `restore` takes what this returns."""
        return _variable.set(_ignore_all)

    restore = _variable.reset

else:

    def silence() -> Any:
        """Turn NumPy's warnings off in this thread; `restore` takes what this returns."""
        before = np.errstate(all="ignore")
        before.__enter__()
        return before

    def restore(before: Any) -> None:
        """What holds before `silence` holds again."""
        before.__exit__(None, None, None)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """``with quiet():`` NumPy does not warn."""
    before = silence()
    try:
        yield
    finally:
        restore(before)
