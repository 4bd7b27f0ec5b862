"""Products of matrices and vectors: matmul and its special cases, sums with products, linear.

Batches times one matrix are computed as one product. Sums over other sets of dimensions are in
`contraction.py`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule, is_tensor
from airi.autograd.small import small_kernel
from airi.dtypes import DIFFERENTIABLE, bfloat16
from airi.ops import elementwise
from airi.ops.inplace import write
from airi.ops.names import require_tensor, takes_out
from airi.ops.out import written
from airi.ops.product import matrix_product
from airi.ops.reduction import Sum
from airi.ops.sparse import SparseOperand, sparse_product
from airi.ops.views import Reshape, array_of, permute, reshape

if TYPE_CHECKING:
    from airi.ops.elementwise import Number
    from airi.tensor import Tensor

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bmm",
    "dot",
    "ger",
    "inner",
    "matmul",
    "mm",
    "mv",
    "outer",
    "vdot",
]


def as_rows(x: Any) -> Any:
    """All dimensions but the last made one."""
    if x.ndim == 2:
        return x
    return Reshape.apply(x, shape=(math.prod(x.shape[:-1]), x.shape[-1]))


def _product_gradients(
    g: Any,
    x: Any,
    y: Any,
    x_shape: tuple[int, ...],
    y_shape: tuple[int, ...],
    needs: tuple[bool, ...],
) -> tuple[Any, Any]:
    """dx and dy of x @ y; what broadcasting repeated is left for the engine to sum up."""
    dx = dy = None
    if len(y_shape) == 1:
        column = reshape(g, (*g.shape, 1)) if len(x_shape) > 1 else g
        dx = column * y if needs[0] else None
        if needs[1]:
            dy = x * g if len(x_shape) == 1 else MatMul.apply(as_rows(x).mT, reshape(g, (-1,)))
        return dx, dy
    if needs[0]:
        dx = MatMul.apply(g, y.mT)
    if needs[1]:
        if len(y_shape) == 2:
            x, g = as_rows(x), as_rows(g)
        dy = MatMul.apply(x.mT, g)
    return dx, dy


class MatMul(Rule):
    """out = x @ y, batched over leading dimensions;  dx = g @ y.mT, dy = x.mT @ g"""

    holomorphic = True
    broadcasts = True
    only_for = {"x": "y", "y": "x"}

    @staticmethod
    def forward(x, y):
        return matrix_product(x, y)

    @staticmethod
    def backward(g, x, y, x_shape, y_shape, needs):
        return _product_gradients(g, x, y, x_shape, y_shape, needs)


def check_same_dtype(function: str, *tensors: Any) -> list[np.ndarray]:
    """The arrays of the tensors; products do not convert, so they must have one dtype, not bool."""
    arrays = []
    common = None
    for each in tensors:
        array = array_of(each)
        if not isinstance(array, np.ndarray):
            kinds = ", ".join(type(each).__name__ for each in tensors)
            raise TypeError(f"{function}: expected Tensors, got {kinds}")
        common = common or array.dtype
        if array.dtype != common or common.kind == "b":
            kinds = " and ".join(str(array_of(each).dtype) for each in tensors)
            raise RuntimeError(f"{function}: expected tensors of one number dtype, got {kinds}")
        arrays.append(array)
    return arrays


def _check_inner(function: str, x: Any, y: Any) -> tuple[int, int]:
    """How many dimensions both have; the last of x must be the last but one of y, or the only."""
    of_x, of_y = [each.shape for each in check_same_dtype(function, x, y)]
    if not of_x or not of_y:
        raise RuntimeError(
            f"{function}: needs one dimension at least on both sides, got shapes {of_x} and {of_y};"
            " use * for numbers"
        )
    rows = of_y[-2] if len(of_y) > 1 else of_y[0]
    if of_x[-1] != rows:
        raise RuntimeError(
            f"{function}: shapes {of_x} and {of_y} cannot be multiplied: {of_x[-1]} columns times "
            f"{rows} rows"
        )
    return len(of_x), len(of_y)


def _check_ndim(function: str, **expected: tuple[Any, int]) -> None:
    """Each argument, given as name=(tensor, ndim), must have that many dimensions."""
    for name, (tensor, ndim) in expected.items():
        require_tensor(function, name, tensor)
        if tensor.ndim != ndim:
            raise RuntimeError(
                f"{function}: {name} must have {ndim} dimension{'s' * (ndim > 1)}, got shape "
                f"{tuple(tensor.shape)}"
            )


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The matrix product: out[..., i, j] = sum over k of input[..., i, k] * other[..., k, j].

    Leading dimensions are broadcast. A 1-dimensional input counts as a row, a 1-dimensional other
    as a column, and that dimension is dropped again. Raises RuntimeError where shapes do not fit or
    dtypes differ. Example: ``airi.matmul(airi.ones(5, 2, 3), airi.ones(3)).shape`` is (5, 2).
    Source: ``torch.matmul``.
    """
    if out is not None:
        return written("matmul", out, matmul(input, other))
    try:
        ndim, other_ndim = _check_inner("matmul", input, other)
        if ndim == 1 and other_ndim > 1:
            row = MatMul.apply(reshape(input, (1, -1)), other)
            return reshape(row, (*row.shape[:-2], row.shape[-1]))
        return MatMul.apply(input, other)
    except SparseOperand:
        return sparse_product("matmul", input, other)


def rmatmul(input: Tensor, other: Any) -> Tensor:
    """other @ input: what ``array @ tensor`` calls."""
    return matmul(other, input)


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The product of two matrices: `matmul` without batches.

    Raises RuntimeError for other than 2 dimensions. Source: ``torch.mm``.
    """
    if out is not None:
        return written("mm", out, mm(input, mat2))
    _check_ndim("mm", input=(input, 2), mat2=(mat2, 2))
    try:
        _check_inner("mm", input, mat2)
        return MatMul.apply(input, mat2)
    except SparseOperand:
        return sparse_product("mm", input, mat2)


def _check_batches(function: str, batch1: Any, batch2: Any) -> None:
    _check_ndim(function, batch1=(batch1, 3), batch2=(batch2, 3))
    _check_inner(function, batch1, batch2)
    if batch1.shape[0] != batch2.shape[0]:
        raise RuntimeError(
            f"{function}: shapes {tuple(batch1.shape)} and {tuple(batch2.shape)} hold "
            f"{batch1.shape[0]} and {batch2.shape[0]} matrices; batches are not broadcast here"
        )


def bmm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Matrix products in pairs: (b, n, k) times (b, k, m) gives (b, n, m), without broadcasting.

    Raises RuntimeError for other than 3 dimensions. Source: ``torch.bmm``.
    """
    _check_batches("bmm", input, mat2)
    result = MatMul.apply(input, mat2)
    return result if out is None else written("bmm", out, result)


def mv(input: Tensor, vec: Tensor, *, out: Tensor | None = None) -> Tensor:
    """A matrix times a vector: (n, k) times (k,) gives (n,). Source: ``torch.mv``."""
    _check_ndim("mv", input=(input, 2), vec=(vec, 1))
    _check_inner("mv", input, vec)
    result = MatMul.apply(input, vec)
    return result if out is None else written("mv", out, result)


def dot(input: Tensor, tensor: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of the products of two vectors' elements.

    Raises RuntimeError for other than 1 dimension and different lengths. Source: ``torch.dot``.
    """
    _check_ndim("dot", input=(input, 1), tensor=(tensor, 1))
    _check_inner("dot", input, tensor)
    result = MatMul.apply(input, tensor)
    return result if out is None else written("dot", out, result)


def vdot(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """The sum of conj(input) * other over two vectors: for real ones `dot`.

    Source: ``torch.vdot``.
    """
    result = dot(input.conj(), other)
    return result if out is None else written("vdot", out, result)


@takes_out
def inner(input: Tensor, other: Tensor) -> Tensor:
    """Sums of products over the last dimension of both: out[..., ,,,] = input[..., k] other[,,, k].

    A 0-dimensional tensor multiplies. Example: shapes (2, 5) and (3, 4, 5) give (2, 3, 4).
    Source: ``torch.inner``.
    """
    check_same_dtype("inner", input, other)
    if input.ndim == 0 or other.ndim == 0:
        return elementwise.mul(input, other)
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner: the last dimensions of shapes {tuple(input.shape)} and {tuple(other.shape)} "
            "must be equal"
        )
    if other.ndim == 1:
        return MatMul.apply(input, other)
    out = MatMul.apply(as_rows(input), as_rows(other).mT)
    return reshape(out, (*input.shape[:-1], *other.shape[:-1]))


def outer(input: Tensor, vec2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """out[i, j] = input[i] * vec2[j] for two vectors, in their common dtype.

    Raises RuntimeError for other than 1 dimension. Source: ``torch.outer``.
    """
    _check_ndim("outer", input=(input, 1), vec2=(vec2, 1))
    result = elementwise.mul(reshape(input, (input.shape[0], 1)), vec2)
    return result if out is None else written("outer", out, result)


ger = outer


class Addmm(Rule):
    """out = beta * input + alpha * (x @ y), input being ignored for beta = 0

    dinput = beta * g, dx = alpha * g @ y.mT, dy = alpha * x.mT @ g
    """

    holomorphic = True
    broadcasts = True
    only_for = {"x": "y", "y": "x"}

    @staticmethod
    def forward(input, x, y, *, beta, alpha):
        out = matrix_product(x, y)
        if alpha != 1:
            out *= alpha
        if beta != 0:
            out += input if beta == 1 else beta * input
        return out

    @staticmethod
    def backward(g, x, y, x_shape, y_shape, beta, alpha, needs):
        scaled = g if alpha == 1 else alpha * g
        dx, dy = _product_gradients(scaled, x, y, x_shape, y_shape, needs[1:])
        return beta * g if needs[0] else None, dx, dy


def _factor(function: str, factor: Any, integral: bool) -> Any:
    """beta or alpha: for integers a float is truncated, as PyTorch does in all but addr."""
    if not integral or not isinstance(factor, float):
        return factor
    if function.rstrip("_") == "addr":
        raise RuntimeError(
            f"{function}: beta and alpha must be ints for integer tensors, got {factor}"
        )
    return int(factor)


def _addmm(name: str, input: Any, x: Any, y: Any, beta: Any, alpha: Any) -> Any:
    """The sum as a new tensor or, where the name ends in _, written to input."""
    check_same_dtype(name, input, x)
    integral = array_of(input).dtype.kind not in DIFFERENTIABLE
    beta, alpha = _factor(name, beta, integral), _factor(name, alpha, integral)
    if name.endswith("_"):
        return write(input, name, Addmm, x, y, beta=beta, alpha=alpha)
    return Addmm.apply(input, x, y, beta=beta, alpha=alpha)


def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """out = beta * input + alpha * (mat1 @ mat2), input being broadcast; ignored for beta = 0.

    Raises RuntimeError where shapes do not fit. Example: ``airi.addmm(bias, x, weight)``.
    Source: ``torch.addmm``.
    """
    result = _matrices("addmm", input, mat1, mat2, beta, alpha)
    return result if out is None else written("addmm", out, result)


def addmm_(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """`addmm`, in place. Source: ``torch.Tensor.addmm_``."""
    return _matrices("addmm_", input, mat1, mat2, beta, alpha)


def _matrices(name: str, input: Any, mat1: Any, mat2: Any, beta: Any, alpha: Any) -> Any:
    _check_ndim(name, mat1=(mat1, 2), mat2=(mat2, 2))
    _check_inner(name, mat1, mat2)
    return _addmm(name, input, mat1, mat2, beta, alpha)


def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """out = beta * input + alpha * (mat @ vec), see `addmm`. Source: ``torch.addmv``."""
    result = _matrix_and_vector("addmv", input, mat, vec, beta, alpha)
    return result if out is None else written("addmv", out, result)


def addmv_(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """`addmv`, in place. Source: ``torch.Tensor.addmv_``."""
    return _matrix_and_vector("addmv_", input, mat, vec, beta, alpha)


def _matrix_and_vector(name: str, input: Any, mat: Any, vec: Any, beta: Any, alpha: Any) -> Any:
    _check_ndim(name, mat=(mat, 2), vec=(vec, 1))
    _check_inner(name, mat, vec)
    return _addmm(name, input, mat, vec, beta, alpha)


def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """out = beta * input + alpha * outer(vec1, vec2), see `addmm`. Source: ``torch.addr``."""
    result = _vectors("addr", input, vec1, vec2, beta, alpha)
    return result if out is None else written("addr", out, result)


def addr_(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """`addr`, in place. Source: ``torch.Tensor.addr_``."""
    return _vectors("addr_", input, vec1, vec2, beta, alpha)


def _vectors(name: str, input: Any, vec1: Any, vec2: Any, beta: Any, alpha: Any) -> Any:
    _check_ndim(name, vec1=(vec1, 1), vec2=(vec2, 1))
    check_same_dtype(name, vec1, vec2)
    column, row = reshape(vec1, (vec1.shape[0], 1)), reshape(vec2, (1, vec2.shape[0]))
    return _addmm(name, input, column, row, beta, alpha)


def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """out = beta * input + alpha * bmm(batch1, batch2), see `addmm`. Source: ``torch.baddbmm``."""
    _check_batches("baddbmm", batch1, batch2)
    result = _addmm("baddbmm", input, batch1, batch2, beta, alpha)
    return result if out is None else written("baddbmm", out, result)


def baddbmm_(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """`baddbmm`, in place. Source: ``torch.Tensor.baddbmm_``."""
    _check_batches("baddbmm_", batch1, batch2)
    return _addmm("baddbmm_", input, batch1, batch2, beta, alpha)


def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: Number = 1,
    alpha: Number = 1,
    out: Tensor | None = None,
) -> Tensor:
    """out = beta * input + alpha * (sum over b of batch1[b] @ batch2[b]), see `addmm`.

    Source: ``torch.addbmm``.
    """
    result = _summed_batches("addbmm", input, batch1, batch2, beta, alpha)
    return result if out is None else written("addbmm", out, result)


def addbmm_(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Number = 1, alpha: Number = 1
) -> Tensor:
    """`addbmm`, in place. Source: ``torch.Tensor.addbmm_``."""
    return _summed_batches("addbmm_", input, batch1, batch2, beta, alpha)


def _summed_batches(name: str, input: Any, batch1: Any, batch2: Any, beta: Any, alpha: Any) -> Any:
    _check_batches(name, batch1, batch2)
    count, rows, inner_size = batch1.shape
    # A sum of products is one product of the matrices side by side and one below the other.
    side_by_side = reshape(permute(batch1, (1, 0, 2)), (rows, count * inner_size))
    stacked = reshape(batch2, (count * inner_size, batch2.shape[2]))
    return _addmm(name, input, side_by_side, stacked, beta, alpha)


class Linear(Rule):
    """out = x @ weight.T + bias;  dx = g @ weight, dweight = g.T @ x, dbias = sum of g's rows"""

    small = small_kernel("Linear", "airi.ops.linear_ext")
    holomorphic = True
    only_for = {"x": "weight", "weight": "x"}

    @classmethod
    def prepare(cls, arrays):
        x, weight, bias = arrays
        _check_linear(x, weight, bias)
        return arrays

    @staticmethod
    def forward(x, weight, bias):
        return matrix_product(x, weight.T, bias)

    @staticmethod
    def backward(g, x, weight, x_shape, needs):
        rows = as_rows(g)
        dx = dweight = None
        if needs[0]:
            dx = MatMul.apply(rows, weight)
            dx = dx if len(x_shape) == 2 else reshape(dx, x_shape)
        if needs[1]:
            dweight = MatMul.apply(rows.mT, as_rows(x))
        dbias = Sum.apply(rows, dim=(0,), keepdim=False) if needs[2] else None
        return dx, dweight, dbias


def _check_linear(input: Any, weight: Any, bias: Any) -> None:
    given = (input, weight) if bias is None else (input, weight, bias)
    shapes = [each.shape for each in check_same_dtype("linear", *given)]
    of_input, of_weight = shapes[:2]
    fits = len(of_weight) == 2 and of_input and of_input[-1] == of_weight[1]
    if not fits or (bias is not None and shapes[2] != of_weight[:1]):
        names = ("input", "weight", "bias")
        got = " and ".join(f"{name} {shape}" for name, shape in zip(names, shapes, strict=False))
        raise RuntimeError(
            "linear: expected shapes (..., in) of input, (out, in) of weight and (out,) of bias, "
            f"got {got}"
        )


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """out = input @ weight.T + bias: input (..., in), weight (out, in), bias (out), out (..., out).

    Raises RuntimeError where shapes do not fit or dtypes differ.
    Example: ``linear(x, airi.ones(10, 784))``. Source: ``torch.nn.functional.linear``.
    """
    tensors = is_tensor(input) and is_tensor(weight) and (bias is None or is_tensor(bias))
    if not tensors or bfloat16.is_known:  # else the rule checks, after its kernel said no
        _check_linear(input, weight, bias)
    return Linear.apply(input, weight, bias)
