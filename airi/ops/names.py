"""Arguments that many functions have: dimensions, NumPy's names for them, and the tensor itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# The wrappers say in `also_takes` which arguments they add, and which each is another name of:
# `airi doctor` asks.
_ALIASES = {"axis": "dim", "keepdims": "keepdim"}


def numpy_names(function: Callable[P, R]) -> Callable[P, R]:
    """Let `function` be called with ``axis=``, ``keepdims=`` and ``out=`` too."""

    @functools.wraps(function)
    def either(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs:
            for theirs, ours in _ALIASES.items():
                if theirs in kwargs:
                    if ours in kwargs:
                        raise TypeError(f"{function.__name__}: both {ours}= and {theirs}= given")
                    kwargs[ours] = kwargs.pop(theirs)
            out = kwargs.pop("out", None)
            if out is not None:
                from airi.ops.out import written  # which stands on modules that import this one

                return written(function.__name__, out, either(*args, **kwargs))
        try:
            return function(*args, **kwargs)
        except AttributeError as error:
            raise _what_is_no_tensor(function, args, kwargs, error) from error

    vars(either)["also_takes"] = {**_ALIASES, "out": None}
    return either


def takes_out(function: Callable[P, R]) -> Callable[P, R]:
    """Let `function` be called with ``out=`` too: see ``written`` in airi/ops/out.py."""

    @functools.wraps(function)
    def either(*args: P.args, **kwargs: P.kwargs) -> R:
        out = kwargs.pop("out", None) if kwargs else None
        try:
            result = function(*args, **kwargs)
        except AttributeError as error:
            raise _what_is_no_tensor(function, args, kwargs, error) from error
        if out is None:
            return result
        from airi.ops.out import written  # which stands on modules that import this one

        return written(function.__name__, out, result)

    vars(either)["also_takes"] = {"out": None}
    return either


def _what_is_no_tensor(function: Any, args: Any, kwargs: Any, error: AttributeError) -> Exception:
    """TypeError for an argument that should be a Tensor and lacks what these have, else `error`."""
    import inspect

    signature = inspect.signature(function)
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        if value is error.obj and str(signature.parameters[name].annotation).startswith("Tensor"):
            kind = type(value).__name__
            return TypeError(f"{function.__name__}: {name} must be a Tensor, got {kind}")
    return error


def require_tensor(function: str, name: str, value: Any) -> None:
    """TypeError for numbers, lists and others that are neither Tensors nor arrays."""
    if not hasattr(value, "ndim"):
        raise TypeError(f"{function}: {name} must be a Tensor, got {type(value).__name__}")


def normal_dim(function: str, dim: int, ndim: int) -> int:
    """`dim` counted from the front; IndexError where the tensor has no such dimension.

    A 0-dimensional tensor counts as having one dimension, as in PyTorch.
    """
    limit = ndim or 1
    if not isinstance(dim, int) or isinstance(dim, bool):
        try:
            dim = dim.__index__()
        except AttributeError:
            kind = type(dim).__name__
            raise TypeError(f"{function}: dim must be an int, got {kind}") from None
    if not -limit <= dim < limit:
        raise IndexError(
            f"{function}: dim {dim} is out of range for a tensor of {ndim} dimensions; expected "
            f"{-limit} to {limit - 1}"
        )
    return dim % limit


def normal_dims(
    function: str, dim: int | tuple[int, ...] | list[int] | None, ndim: int
) -> tuple[int, ...]:
    """`dim` as a tuple of dimensions counted from the front; None and () mean all of them."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(ndim))
    given = (dim,) if not isinstance(dim, (tuple, list)) else dim
    dims = tuple(normal_dim(function, each, ndim) for each in given)
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"{function}: a dimension appears twice in dim={tuple(given)}")
    return dims if ndim else ()
