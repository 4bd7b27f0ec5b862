"""Products of sparse and dense matrices, and how a sparse operand makes itself known.

The rules take the values of a sparse matrix as one input and where they stand as attributes. They
are each other's derivatives: with out = A B, dB = A^T g, and dA is g B^T at A's places only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule

if TYPE_CHECKING:
    from airi.sparse import SparseTensor as SparseTensorType
    from airi.tensor import Tensor

# The class stands above this module; `airi/sparse.py` assigns it here when it is imported, as
# `airi/tensor.py` does with its own in `autograd/graph.py`.
SparseTensor: Any = None

_CHUNK = 1 << 20  # elements of the products that are held at a time


class SparseOperand(RuntimeError):
    """A sparse tensor was given to something that takes dense ones only."""


class SparseMatMul(Rule):
    """out[row[k]] += values[k] * dense[col[k]];  dvalues, ddense: see the module's text"""

    @staticmethod
    def forward(values, dense, *, row, col, rows):
        out = np.zeros((rows, dense.shape[1]), np.result_type(values, dense))
        order = np.argsort(row, kind="stable")
        step = max(1, _CHUNK // max(1, dense.shape[1]))
        for start in range(0, len(order), step):
            part = order[start : start + step]
            products = values[part, None] * dense[col[part]]
            its_rows, firsts = np.unique(row[part], return_index=True)
            out[its_rows] += np.add.reduceat(products, firsts, axis=0)
        return out

    @staticmethod
    def backward(g, values, dense, row, col, dense_shape, needs):
        dvalues = SampledProducts.apply(g, dense, row=row, col=col) if needs[0] else None
        if not needs[1]:
            return dvalues, None
        return dvalues, SparseMatMul.apply(values, g, row=col, col=row, rows=dense_shape[0])


class SampledProducts(Rule):
    """out[k] = x[row[k]] . y[col[k]];  dx, dy are products of the sparse g with y and x"""

    @staticmethod
    def forward(x, y, *, row, col):
        out = np.empty(len(row), np.result_type(x, y))
        step = max(1, _CHUNK // max(1, x.shape[1]))
        for start in range(0, len(row), step):
            part = slice(start, start + step)
            out[part] = np.einsum("kj,kj->k", x[row[part]], y[col[part]])
        return out

    @staticmethod
    def backward(g, x, y, x_shape, y_shape, row, col, needs):
        dx = SparseMatMul.apply(g, y, row=row, col=col, rows=x_shape[0]) if needs[0] else None
        dy = SparseMatMul.apply(g, x, row=col, col=row, rows=y_shape[0]) if needs[1] else None
        return dx, dy


def sparse_product(function: str, input: Any, other: Any) -> Tensor:
    """``input @ other`` of a sparse matrix and a dense matrix or vector, in either order."""
    if isinstance(other, SparseTensor):
        if isinstance(input, SparseTensor):
            raise SparseOperand(
                f"{function}: a product of two sparse tensors is not supported; call to_dense() on "
                "one of them"
            )
        return sparse_product(function, other.t(), input.transpose(0, -1)).transpose(0, -1)
    if not hasattr(other, "requires_grad"):
        raise TypeError(f"{function}: other must be a Tensor, got {type(other).__name__}")
    if input.ndim != 2 or input.dense_dim() or other.ndim not in (1, 2):
        raise RuntimeError(
            f"{function}: expected a sparse matrix and a dense matrix or vector, got shapes "
            f"{tuple(input.shape)} and {tuple(other.shape)}"
        )
    if input.shape[1] != other.shape[0]:
        raise RuntimeError(
            f"{function}: shapes {tuple(input.shape)} and {tuple(other.shape)} cannot be multiplied"
        )
    if input.dtype != other.dtype:
        raise RuntimeError(
            f"{function}: both must have one dtype, got {input.dtype} and {other.dtype}"
        )
    row, col = input._indices()._array
    dense = other if other.ndim == 2 else other.unsqueeze(1)
    out = SparseMatMul.apply(input._values(), dense, row=row, col=col, rows=input.shape[0])
    return out if other.ndim == 2 else out.squeeze(1)


# Methods of a dense Tensor


def to_sparse(input: Tensor, sparse_dim: int | None = None) -> SparseTensorType:
    """The elements other than 0 with their places; with `sparse_dim` only that many dimensions.

    Gradients pass to these elements. Raises RuntimeError for a sparse_dim beyond the dimensions.
    Source: ``torch.Tensor.to_sparse``.
    """
    count = input.ndim if sparse_dim is None else sparse_dim
    if not 0 <= count <= input.ndim:
        raise RuntimeError(f"to_sparse: sparse_dim must lie in 0 to {input.ndim}, got {count}")
    array = input._array
    nonzero = array != 0
    if count < array.ndim:
        nonzero = nonzero.any(axis=tuple(range(count, array.ndim)))
    return SparseTensor.at(input, np.stack(np.nonzero(nonzero)) if count else np.zeros((0, 1), int))


def to_dense(input: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, or in another dtype: it is dense. Source: ``torch.Tensor.to_dense``."""
    return input if dtype is None else input.to(dtype)


def _refused(name: str) -> Any:
    def method(input: Tensor) -> Any:
        raise RuntimeError(f"{name}: only for sparse tensors; this one is dense (see to_sparse())")

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"Of a sparse tensor, see `airi.sparse`. Source: ``torch.Tensor.{name}``."
    return method


coalesce = _refused("coalesce")
indices = _refused("indices")
values = _refused("values")
is_coalesced = _refused("is_coalesced")
_nnz = _refused("_nnz")
_indices = _refused("_indices")
_values = _refused("_values")
sparse_dim = _refused("sparse_dim")
dense_dim = _refused("dense_dim")
