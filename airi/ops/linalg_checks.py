"""What the files of linear algebra share: their error, checks of arguments, transposes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import elementwise
from airi.ops.promotion import require_float
from airi.ops.views import array_of, shape_of


class LinAlgError(RuntimeError):
    """A decomposition failed: a matrix is singular, not positive definite, or did not converge.

    Source: ``torch.linalg.LinAlgError``.
    """


def check_matrix(function: str, input: Any, name: str = "A", *, half: bool = False) -> None:
    """RuntimeError unless it is a matrix of floats or a batch of such, (..., m, n).

    LAPACK has nothing for float16; `half` is for what does without it.
    """
    check_tensor(function, input, name)
    if input.ndim < 2:
        raise RuntimeError(
            f"{function}: {name} must have at least 2 dimensions, got shape {shape_of(input)}"
        )
    require_float(function, input)
    if array_of(input).dtype == np.float16 and not half:
        raise RuntimeError(f"{function}: not for float16; convert {name} with float()")


def check_tensor(function: str, input: Any, name: str) -> None:
    if not isinstance(array_of(input), np.ndarray):
        raise TypeError(f"{function}: {name} must be a Tensor, got {type(input).__name__}")


def check_square(function: str, input: Any, name: str = "A") -> None:
    """`check_matrix`, and RuntimeError unless the matrices are square."""
    check_matrix(function, input, name)
    if input.shape[-1] != input.shape[-2]:
        raise RuntimeError(
            f"{function}: {name} must be batches of square matrices, got shape {shape_of(input)}"
        )


def check_same_float(function: str, A: Any, B: Any) -> None:
    """RuntimeError unless both have one floating dtype: solving does not convert."""
    check_tensor(function, A, "A")
    check_tensor(function, B, "B")
    require_float(function, A, B)
    if array_of(A).dtype != array_of(B).dtype:
        raise RuntimeError(
            f"{function}: expected tensors of one dtype, got {array_of(A).dtype} and "
            f"{array_of(B).dtype}"
        )


def transposed(x: Any) -> Any:
    """The transpose of each matrix, without conjugation: holomorphic rules are written with it."""
    return x.mT


def mH(x: Any) -> Any:
    """The conjugate transpose of each matrix, x.mH."""
    return x.mT.conj()


class Identity(Rule):
    """out = identity matrices in the shape of x: a constant"""

    complex = True

    @staticmethod
    def forward(x):
        out = np.empty(x.shape, x.dtype)
        out[...] = np.eye(*x.shape[-2:])
        return out

    @staticmethod
    def backward(g):
        return elementwise.Zeros.apply(g)


def first_failing(
    function: Callable[[np.ndarray], Any], matrices: np.ndarray
) -> tuple[str, np.ndarray]:
    """Which matrix NumPy fails at, "(Batch element i): " or "" for a single one, and the matrix."""
    flat = matrices.reshape(-1, *matrices.shape[-2:])
    for number, matrix in enumerate(flat):
        try:
            function(matrix)
        except np.linalg.LinAlgError:
            return (f"(Batch element {number}): " if matrices.ndim > 2 else ""), matrix
    raise AssertionError("NumPy failed for the batch but for none of its matrices")
