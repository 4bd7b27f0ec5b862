"""Sums of products over named dimensions: einsum and what is written with it.

Any number of operands is contracted in pairs. A pair is one matrix product, batched over the
dimensions that both have and keep, so that BLAS does the work.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from airi.autograd.graph import Rule
from airi.ops import elementwise, reduction
from airi.ops.diagonals import diagonal
from airi.ops.matmul import check_same_dtype
from airi.ops.names import normal_dim, takes_out
from airi.ops.out import written
from airi.ops.product import matrix_product
from airi.ops.views import Permute, reshape, shape_of

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "einsum",
    "kron",
    "tensordot",
]


class Einsum(Rule):
    """out = sum of x * y over the letters that "x,y->out" leaves out

    dx = einsum("out,y->x", g, y), dy = einsum("out,x->y", g, x): every letter is in two of the
    three terms at least, and once in each
    """

    holomorphic = True
    only_for = {"x": "y", "y": "x"}

    @staticmethod
    def forward(x, y, *, equation):
        terms, out = equation.split("->")
        of_x, of_y = terms.split(",")
        return _contracted(x, of_x, y, of_y, out)

    @staticmethod
    def backward(g, x, y, equation, needs):
        terms, out = equation.split("->")
        of_x, of_y = terms.split(",")
        dx = Einsum.apply(g, y, equation=f"{out},{of_y}->{of_x}") if needs[0] else None
        dy = Einsum.apply(g, x, equation=f"{out},{of_x}->{of_y}") if needs[1] else None
        return dx, dy


def _contracted(x: np.ndarray, of_x: str, y: np.ndarray, of_y: str, out: str) -> np.ndarray:
    """The sum of products of two arrays as a product of matrices."""
    sizes = dict(zip(of_x + of_y, x.shape + y.shape, strict=True))
    batch = [each for each in out if each in of_x and each in of_y]
    summed = [each for each in of_x if each in of_y and each not in out]
    rows = [each for each in out if each not in of_y]
    columns = [each for each in out if each not in of_x]
    if not summed:
        return np.multiply(_aligned(x, of_x, out), _aligned(y, of_y, out))
    if rows and columns and out.index(columns[0]) < out.index(rows[0]):
        return _contracted(y, of_y, x, of_x, out)  # then the result needs no reordering
    left = _as_matrices(x, of_x, sizes, batch, rows, summed)
    right = _as_matrices(y, of_y, sizes, batch, summed, columns)
    order = [*batch, *rows, *columns]
    result = matrix_product(left, right).reshape([sizes[each] for each in order])
    return result if "".join(order) == out else _ordered(result, order, out)


def _ordered(array: np.ndarray, letters: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    return array.transpose([letters.index(each) for each in wanted])


def _aligned(array: np.ndarray, letters: str, out: str) -> np.ndarray:
    """The array with its dimensions in the order of `out`, size 1 where it lacks one."""
    present = _ordered(array, letters, [each for each in out if each in letters])
    return present[tuple([slice(None) if each in letters else None for each in out])]


def _as_matrices(
    array: np.ndarray, letters: str, sizes: dict[str, int], *groups: list[str]
) -> np.ndarray:
    """The array as (batch, rows, columns), each group of letters made one dimension."""
    batch, *matrix = groups
    shape = [math.prod([sizes[each] for each in group]) for group in groups]
    ordered = _ordered(array, letters, [*batch, *matrix[0], *matrix[1]])
    return ordered.reshape(shape if batch else shape[1:])


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products in Einstein's notation: ``einsum("bij,bjk->bik", x, y)``.

    A letter names a dimension in each operand. Letters that the output leaves out are summed over,
    a letter twice in one operand takes its diagonal, "..." stands for dimensions to broadcast.
    Without "->" the output has "..." and then the letters that occur once, in alphabetical order.
    Lists of ints may follow the operands instead: ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.
    Raises RuntimeError where equation and shapes do not fit. Source: ``torch.einsum``.
    """
    if not isinstance(equation, str):
        equation, operands = _equation_of_lists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if not operands:
        raise RuntimeError("einsum: needs at least one operand")
    check_same_dtype("einsum", *operands)
    terms, out = _parsed(equation, [shape_of(each) for each in operands])
    tensors, terms = _canonical(list(operands), terms)
    for pair in _order_of_pairs(tensors, terms, out):
        first, second = sorted(pair)
        y, of_y = tensors.pop(second), terms.pop(second)
        x, of_x = tensors.pop(first), terms.pop(first)
        kept = set(out).union(*terms)
        x, of_x = _summed(x, of_x, kept.union(of_y))
        y, of_y = _summed(y, of_y, kept.union(of_x))
        of_both = out if not terms else "".join(dict.fromkeys(of_x + of_y))
        result = "".join([each for each in of_both if each in kept])
        tensors.append(Einsum.apply(x, y, equation=f"{of_x},{of_y}->{result}"))
        terms.append(result)
    last, term = _summed(tensors[0], terms[0], set(out))
    order = tuple([term.index(each) for each in out])
    return last if order == tuple(range(len(out))) else Permute.apply(last, dims=order)


def _equation_of_lists(given: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The equation of ``einsum(x, [0, 1], y, [1, 2], [0, 2])``."""
    operands, lists = given[::2], given[1::2]
    terms = ",".join(_letters(each) for each in lists)
    if len(operands) == len(lists):
        return terms, operands
    return f"{terms}->{_letters(operands[-1])}", operands[:-1]


def _letters(subscripts: Any) -> str:
    alphabet = string.ascii_uppercase + string.ascii_lowercase
    try:
        return "".join("..." if each is Ellipsis else alphabet[each] for each in subscripts)
    except (TypeError, IndexError):
        raise RuntimeError(
            f"einsum: expected a list of ints from 0 to 51 after each operand, got {subscripts!r}"
        ) from None


def _parsed(equation: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """The terms and the output of an equation, with letters in place of every "..."."""
    text = "".join(equation.split())
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise RuntimeError(f"einsum: {equation!r} is for {len(terms)} operands, got {len(shapes)}")
    for term in [*terms, output]:
        rest = term.replace("...", "", 1)
        wrong = [each for each in rest if each not in string.ascii_letters]
        if wrong:
            raise RuntimeError(
                f"einsum: {wrong[0]!r} in {equation!r}; expected letters, commas, one '->' and at "
                "most one '...' in each term"
            )
    unused = [each for each in string.ascii_letters if each not in text]
    dots = ""
    for number, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        named = len(term.replace("...", ""))
        if named > len(shape) or (named < len(shape) and "..." not in term):
            raise RuntimeError(
                f"einsum: {term!r} in {equation!r} does not fit operand {number} of shape {shape}"
            )
        extra = unused[: len(shape) - named][::-1]  # aligned at the right, as in broadcasting
        terms[number] = term.replace("...", "".join(extra))
        dots = max(dots, "".join(extra), key=len)
    if not arrow:
        letters = sorted(each for each in inputs if each in string.ascii_letters)
        output = "..." + "".join([each for each in letters if inputs.count(each) == 1])
    return terms, _checked_output(equation, output.replace("...", dots), terms)


def _checked_output(equation: str, output: str, terms: list[str]) -> str:
    for each in output:
        if output.count(each) > 1:
            raise RuntimeError(f"einsum: {each!r} is twice in the output of {equation!r}")
        if not any(each in term for term in terms):
            raise RuntimeError(
                f"einsum: {each!r} is in the output of {equation!r} but in none of its operands"
            )
    return output


def _canonical(tensors: list[Any], terms: list[str]) -> tuple[list[Any], list[str]]:
    """The operands with every letter once in a term and one size in all of them."""
    for number, term in enumerate(terms):
        for each in dict.fromkeys(term):
            while terms[number].count(each) > 1:
                tensors[number], terms[number] = _diagonal_of(
                    tensors[number], terms[number], each, number
                )
    sizes: dict[str, int] = {}
    for number, (tensor, term) in enumerate(zip(tensors, terms, strict=True)):
        for each, size in zip(term, tensor.shape, strict=True):
            known = sizes.get(each, 1)
            if size != known and 1 not in (size, known):
                raise RuntimeError(
                    f"einsum: dimension {each!r} has size {size} in operand {number} but {known} "
                    "in one before it"
                )
            sizes[each] = size if known == 1 else known
    for number, (tensor, term) in enumerate(zip(tensors, terms, strict=True)):
        kept = [i for i, each in enumerate(term) if tensor.shape[i] == sizes[each]]
        if len(kept) < len(term):  # a size of 1 that is broadcast need not be there
            tensors[number] = reshape(tensor, tuple([tensor.shape[i] for i in kept]))
            terms[number] = "".join([term[i] for i in kept])
    return tensors, terms


def _diagonal_of(tensor: Any, term: str, letter: str, number: int) -> tuple[Any, str]:
    """The diagonal of the first two dimensions of that letter, as the last dimension."""
    first = term.index(letter)
    second = term.index(letter, first + 1)
    if tensor.shape[first] != tensor.shape[second]:
        raise RuntimeError(
            f"einsum: {letter!r} is repeated in operand {number} for dimensions of different "
            f"sizes, {tensor.shape[first]} and {tensor.shape[second]}"
        )
    rest = [each for i, each in enumerate(term) if i not in (first, second)]
    return diagonal(tensor, 0, first, second), "".join([*rest, letter])


def _summed(tensor: Any, term: str, kept: set[str]) -> tuple[Any, str]:
    """The operand summed over the letters that nothing else has."""
    alone = tuple([i for i, each in enumerate(term) if each not in kept])
    if not alone:
        return tensor, term
    return reduction.sum(tensor, alone), "".join([each for each in term if each in kept])


def _order_of_pairs(tensors: list[Any], terms: list[str], out: str) -> list[tuple[int, int]]:
    """Which two operands to contract next, until one is left; the result goes to the end."""
    if len(tensors) == 2:
        return [(0, 1)]
    if len(tensors) == 1:
        return []
    shapes = [np.broadcast_to(np.float32(0), each.shape) for each in tensors]
    path, _ = np.einsum_path(f"{','.join(terms)}->{out}", *shapes, optimize="greedy")
    pairs: list[tuple[int, int]] = []
    left = len(tensors)
    for step in path[1:]:
        together = sorted(step)
        if len(together) == 1:
            continue
        pairs.append((together[0], together[1]))
        left -= 1
        for _ in together[2:]:  # NumPy takes several at once where no pair is better: last and new
            together = [each - (each > together[0]) - (each > together[1]) for each in together[2:]]
            pairs.append((together[0], left - 1))
            left -= 1
    return pairs


@takes_out
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sums of products over `dims`: so many last ones of `a` and first ones of `b`, or two lists.

    The result has the other dimensions of `a`, then those of `b`. Raises RuntimeError where sizes
    differ. Example: ``airi.tensordot(x, y, dims=([1, 2], [0, 1]))``. Source: ``torch.tensordot``.
    """
    check_same_dtype("tensordot", a, b)
    of_a, of_b = _tensordot_dims(a, b, dims)
    for i, j in zip(of_a, of_b, strict=True):
        if a.shape[i] == b.shape[j]:
            continue
        if a.shape[i] == 1:
            b = reduction.sum(b, j, keepdim=True, dtype=b.dtype)
        elif b.shape[j] == 1:
            a = reduction.sum(a, i, keepdim=True, dtype=a.dtype)
        else:
            raise RuntimeError(
                f"tensordot: dimension {i} of shape {shape_of(a)} and {j} of {shape_of(b)} are "
                "summed over together and must be equal, or one of them 1"
            )
    letters = string.ascii_letters[: a.ndim + b.ndim]
    term_a, term_b = letters[: a.ndim], list(letters[a.ndim :])
    for i, j in zip(of_a, of_b, strict=True):
        term_b[j] = term_a[i]
    once = [each for each in (*term_a, *term_b) if (each in term_a) != (each in term_b)]
    return Einsum.apply(a, b, equation=f"{term_a},{''.join(term_b)}->{''.join(once)}")


def _tensordot_dims(a: Any, b: Any, dims: Any) -> tuple[list[int], list[int]]:
    if isinstance(dims, int):
        if not 0 <= dims <= min(a.ndim, b.ndim):
            raise RuntimeError(
                f"tensordot: dims must be 0 to {min(a.ndim, b.ndim)} for shapes {shape_of(a)} and "
                f"{shape_of(b)}, got {dims}"
            )
        return list(range(a.ndim - dims, a.ndim)), list(range(dims))
    try:
        of_a, of_b = ([each] if isinstance(each, int) else list(each) for each in dims)
    except (TypeError, ValueError):
        raise RuntimeError(f"tensordot: dims must be an int or two lists, got {dims!r}") from None
    if len(of_a) != len(of_b):
        raise RuntimeError(f"tensordot: the two lists of dims differ in length: {of_a} and {of_b}")
    of_a = [normal_dim("tensordot", each, a.ndim) for each in of_a]
    of_b = [normal_dim("tensordot", each, b.ndim) for each in of_b]
    if len(set(of_a)) < len(of_a) or len(set(of_b)) < len(of_b):
        raise RuntimeError(f"tensordot: a dimension appears twice in dims={dims}")
    return of_a, of_b


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Kronecker's product: a copy of `other` in place of every element of `input`, times it.

    Sizes multiply, dimensions being added in front of the smaller. Example: shapes (2, 3) and
    (4, 5) give (8, 15). Source: ``torch.kron``.
    """
    ndim = max(input.ndim, other.ndim)
    outer = (1,) * (ndim - input.ndim) + shape_of(input)
    inner = (1,) * (ndim - other.ndim) + shape_of(other)
    spread = reshape(input, tuple([n for size in outer for n in (size, 1)]))
    tiled = reshape(other, tuple([n for size in inner for n in (1, size)]))
    sizes = tuple([n * m for n, m in zip(outer, inner, strict=True)])
    result = reshape(elementwise.mul(spread, tiled), sizes)
    return result if out is None else written("kron", out, result)
