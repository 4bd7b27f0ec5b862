"""The convolution and pooling kernels: compiled when the extension is built, else plain NumPy.

Both implement the functions described in ``conv_ref.py``. The choice is made when a kernel is
first used, so that ``import airi`` neither loads the extension nor warns about its absence.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from airi import threads
from airi.threads import threads_that_sleep as threads_that_sleep  # for those that load kernels

_NAMES = (
    "avg_pool2d_backward",
    "avg_pool2d_forward",
    "conv2d_forward",
    "conv2d_input_grad",
    "conv2d_weight_grad",
    "max_pool2d_backward",
    "max_pool2d_backward_by_places",
    "max_pool2d_forward",
)

_module: ModuleType | None = None


def implementation() -> ModuleType:
    """The module that computes: ``conv_ext``, or ``conv_ref`` with one warning."""
    global _module
    if _module is None:
        try:
            with threads_that_sleep():
                import airi.ops.conv_ext as module
            threads.let_blas_threads_sleep()
        except ImportError as error:
            from airi.ops import conv_ref as module

            warnings.warn(
                f"airi's compiled kernels are not available ({error}); convolutions and pooling "
                "run in plain NumPy, which is much slower. To build them install a C compiler and "
                "run `pip install .` (or, in a checkout, `python setup.py build_ext --inplace`).",
                RuntimeWarning,
                stacklevel=3,
            )
        _module = module
    return _module


def __getattr__(name: str):
    if name in _NAMES:
        return partial(_in_single_precision, getattr(implementation(), name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# Below, packing costs more than it saves.
_ROWS_WORTH_PACKING = 16


def product_with(matrix: np.ndarray, rows: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function ``f(x, out)`` that computes ``out = x @ matrix``, for `rows` rows x altogether.

    All are matrices, x and out C-contiguous. It may use a copy of the matrix as it is now.
    """
    if matrix.dtype == np.float32 and rows >= _ROWS_WORTH_PACKING:
        return implementation().PackedMatrix(matrix).multiply
    return lambda x, out: np.matmul(x, matrix, out=out)


def _in_single_precision(kernel: Callable[..., Any], first: np.ndarray, *rest: Any) -> Any:
    """Call a kernel, which knows float32 and float64; half precision passes through float32."""
    if first.dtype != np.float16:
        return kernel(first, *rest)
    widened = [
        each.astype(np.float32) if getattr(each, "dtype", None) == np.float16 else each
        for each in (first, *rest)
    ]
    result = kernel(*widened)
    if isinstance(result, tuple):  # the largest elements and their places
        return result[0].astype(np.float16), *result[1:]
    return result.astype(np.float16)
