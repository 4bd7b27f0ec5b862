"""A function of one example made into a function of a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from airi.autograd.graph import wrap
from airi.autograd.mode import no_grad
from airi.ops.joining import stack
from airi.random import default_generator, refuse_draws
from airi.tensor import Tensor
from airi.utils._pytree import TreeSpec, broadcast_prefix, tree_flatten, tree_unflatten

_RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that maps func over a dimension of its arguments and stacks what it returns.

    It is what a loop would do, and is computed by one: func is called once per example. That gives
    every function's right result and gradient, data-dependent branches included, but is no faster
    than the loop; a batched formula is. `chunk_size`, PyTorch's bound on memory, changes nothing.

    `in_dims` says which dimension of each positional argument is the batch, None for an argument
    that all examples share; a nested structure follows that of the arguments. Keyword arguments are
    batched at 0. `out_dims` says where the batch goes in each output, None for one that does not
    depend on the example. `randomness`: "error" forbids random numbers, "different" draws anew for
    each example, "same" gives each the same. Raises ValueError where these do not fit.

    Example: ``vmap(airi.dot)(x, y)`` has the dot product of each pair of rows.
    Source: ``torch.func.vmap``.
    """
    if randomness not in _RANDOMNESS:
        raise RuntimeError(f"vmap: randomness must be one of {_RANDOMNESS}, got {randomness!r}")
    if chunk_size is not None and not (chunk_size == "auto" or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size must be None or positive, got {chunk_size}")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        batch = _Batch(getattr(func, "__name__", repr(func)), in_dims, args, kwargs)
        results = batch.results(func, randomness)
        return _collected(batch, results, out_dims)

    return mapped


class _Batch:
    """The arguments of one call: leaves with the dimension that each is batched over."""

    def __init__(
        self, name: str, in_dims: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.name = name
        if not isinstance(in_dims, (int, tuple, list)):
            raise ValueError(
                f"vmap({name}): in_dims must be an int or a tuple in the structure of the inputs, "
                f"got {type(in_dims).__name__}"
            )
        if not args:
            raise ValueError(f"vmap({name}): there are no inputs to map over")
        prefix = tuple(in_dims) if isinstance(in_dims, list) else in_dims
        leaves, spec = tree_flatten(args)
        dims = broadcast_prefix(prefix, spec)
        if dims is None:
            raise ValueError(
                f"vmap({name}): in_dims={in_dims} does not fit the structure of the inputs, {spec}"
            )
        by_name, kwargs_spec = tree_flatten(kwargs)
        self.specs = spec, kwargs_spec
        self.leaves = [*leaves, *by_name]
        self.dims = [
            *(self._dim(dim, leaf) for dim, leaf in zip(dims, leaves, strict=True)),
            *(0 if isinstance(leaf, Tensor) and leaf.ndim else None for leaf in by_name),
        ]
        self.size = self._size()

    def _dim(self, dim: Any, leaf: Any) -> int | None:
        """The batch dimension of a leaf counted from the front, None where it has none."""
        if dim is None:
            return None
        if not isinstance(dim, int):
            raise ValueError(f"vmap({self.name}): in_dims must hold ints or None, got {dim!r}")
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"vmap({self.name}): in_dim {dim} is for a {type(leaf).__name__}; only Tensors "
                "have dimensions, use None"
            )
        if not -leaf.ndim <= dim < leaf.ndim:
            raise ValueError(
                f"vmap({self.name}): in_dim {dim} is out of range for an input of shape "
                f"{tuple(leaf.shape)}"
            )
        return dim % leaf.ndim

    def _size(self) -> int:
        sizes = [
            leaf.shape[dim]
            for dim, leaf in zip(self.dims, self.leaves, strict=True)
            if dim is not None
        ]
        if not sizes:
            raise ValueError(f"vmap({self.name}): expected at least one Tensor to map over")
        if any(size != sizes[0] for size in sizes):
            raise ValueError(
                f"vmap({self.name}): all tensors must have the same size in the mapped dimension, "
                f"got sizes {sizes}"
            )
        return sizes[0]

    def example(self, number: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of one example."""
        return self._arguments(lambda leaf, dim: leaf.select(dim, number))

    def blank(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments of zeros, to learn the shapes of the outputs of an empty batch."""

        def zeros(leaf: Any, dim: int) -> Any:
            shape = leaf.shape[:dim] + leaf.shape[dim + 1 :]
            return wrap(np.zeros(shape, leaf._array.dtype))

        return self._arguments(zeros)

    def _arguments(self, take: Callable[[Any, int], Any]) -> Any:
        leaves = [
            leaf if dim is None else take(leaf, dim)
            for leaf, dim in zip(self.leaves, self.dims, strict=True)
        ]
        spec, kwargs_spec = self.specs
        count = spec.num_leaves
        return tree_unflatten(leaves[:count], spec), tree_unflatten(leaves[count:], kwargs_spec)

    def results(self, func: Callable[..., Any], randomness: str) -> list[Any]:
        """What func returns for each example; for an empty batch what it returns for zeros."""
        if randomness == "error":
            with refuse_draws(
                "vmap: a random number was drawn with randomness='error'; pass 'different' (anew "
                "for each example) or 'same', or draw outside"
            ):
                return self._called(func, None)
        return self._called(func, default_generator.get_state() if randomness == "same" else None)

    def _called(self, func: Callable[..., Any], random_state: Any) -> list[Any]:
        if self.size == 0:
            with no_grad():
                args, kwargs = self.blank()
                return [func(*args, **kwargs)]
        results = []
        for number in range(self.size):
            if random_state is not None:
                default_generator.set_state(random_state)
            args, kwargs = self.example(number)
            results.append(func(*args, **kwargs))
        return results


def _collected(batch: _Batch, results: list[Any], out_dims: Any) -> Any:
    first, spec = tree_flatten(results[0])
    dims = _out_dims(batch.name, out_dims, spec)
    columns = [first]
    for each in results[1:]:
        leaves, other = tree_flatten(each)
        if other != spec:
            raise ValueError(
                f"vmap({batch.name}): it returned {spec} for one example and {other} for another"
            )
        columns.append(leaves)
    outputs = [_output(batch, [leaves[i] for leaves in columns], dim) for i, dim in enumerate(dims)]
    return tree_unflatten(outputs, spec)


def _out_dims(name: str, out_dims: Any, spec: TreeSpec) -> list[Any]:
    prefix = tuple(out_dims) if isinstance(out_dims, list) and spec.type is tuple else out_dims
    if spec.type is None and isinstance(prefix, (tuple, list)) and len(prefix) == 1:
        prefix = prefix[0]
    dims = broadcast_prefix(prefix, spec)
    if dims is None:
        raise ValueError(
            f"vmap({name}): out_dims={out_dims} does not fit the structure of the outputs, {spec}"
        )
    for each in dims:
        if each is not None and not isinstance(each, int):
            raise ValueError(f"vmap({name}): out_dims must hold ints or None, got {each!r}")
    return dims


def _output(batch: _Batch, parts: list[Any], dim: int | None) -> Any:
    if dim is None:
        return parts[0]
    for each in parts:
        if not isinstance(each, Tensor):
            raise ValueError(
                f"vmap({batch.name}): it must return Tensors, got {type(each).__name__}; for an "
                "output that is none, use None in out_dims"
            )
    if not -parts[0].ndim - 1 <= dim <= parts[0].ndim:
        raise IndexError(
            f"vmap({batch.name}): out_dim {dim} is out of range for outputs of shape "
            f"{tuple(parts[0].shape)}"
        )
    result = stack(parts, dim)
    return result if batch.size else result.narrow(dim, 0, 0).clone()
