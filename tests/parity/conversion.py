"""PyTorch's values as airi's, and results of both compared.

Import it only where PyTorch is installed.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import airi


class NotConvertible(Exception):
    """An argument that airi has nothing for, such as a sparse tensor."""


def to_airi(value: Any, leaves: list[Any] | None = None) -> Any:
    """Tensors, dtypes and all else of PyTorch in arguments as airi's.

    ``leaves`` collects the tensors that require grad, in the order of ``fresh``.
    """
    if isinstance(value, torch.Tensor):
        return _tensor(value, leaves)
    if isinstance(value, torch.dtype | torch.memory_format):
        return _named(airi, str(value))
    if isinstance(value, torch.layout):
        if value != torch.strided:
            raise NotConvertible(str(value))
        return airi.strided
    if isinstance(value, torch.device):
        return airi.device(value.type)
    if isinstance(value, torch.Generator):
        return airi.Generator().manual_seed(value.initial_seed())
    if isinstance(value, torch.Size):
        return airi.Size(value)
    if isinstance(value, torch.nn.PairwiseDistance):
        return airi.nn.PairwiseDistance(value.norm, value.eps, value.keepdim)
    if isinstance(value, list | tuple):
        return type(value)(to_airi(each, leaves) for each in value)
    if isinstance(value, dict):
        return {key: to_airi(each, leaves) for key, each in value.items()}
    if callable(value) and hasattr(airi.nn.functional, getattr(value, "__name__", "?")):
        return getattr(airi.nn.functional, value.__name__)
    return value


def _tensor(value: Any, leaves: list[Any] | None) -> airi.Tensor:
    if value.layout != torch.strided or value.is_meta or value.ndim > 64:  # as many has NumPy
        raise NotConvertible(f"{value.layout} on {value.device}, {value.ndim} dimensions")
    if value.dtype == torch.bfloat16:
        ours = airi.from_numpy(value.detach().float().numpy()).bfloat16()
    else:
        _named(airi, str(value.dtype))
        ours = airi.from_numpy(plain(value).clone().numpy())
    if value.requires_grad:
        ours.requires_grad_()
        if leaves is not None:
            leaves.append(ours)
    return ours


def _named(root: Any, path: str) -> Any:
    """What ``torch.float32``, written so, is in airi."""
    name = path.split(".")[-1]
    if not hasattr(root, name):
        raise NotConvertible(path)
    return getattr(root, name)


def fresh(value: Any, leaves: list[Any]) -> Any:
    """The arguments with leaves of their own, which ``leaves`` collects."""
    if isinstance(value, torch.Tensor):
        copy = value.detach().clone().requires_grad_(value.requires_grad)
        if value.requires_grad:
            leaves.append(copy)
        return copy
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
        return type(value)(fresh(each, leaves) for each in value)
    if isinstance(value, dict):
        return {key: fresh(each, leaves) for key, each in value.items()}
    return value


def plain(value: Any) -> Any:
    """A tensor of PyTorch's without the marks it may wear: conjugated, negated, known as zero."""
    value = value.detach()
    if value._is_zerotensor():
        return torch.zeros(value.shape, dtype=value.dtype)
    return value.resolve_conj().resolve_neg()


def array(value: Any) -> np.ndarray:
    """The numbers of a tensor of either framework; bfloat16 as float32."""
    if isinstance(value, torch.Tensor):
        value = plain(value)
        return value.float().numpy() if value.dtype == torch.bfloat16 else value.numpy()
    value = value.detach().resolve_conj()
    return (value.float() if value.dtype == airi.bfloat16 else value).numpy()


def borrowed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A Python function written for PyTorch, run with airi under the name torch."""
    if not isinstance(function, types.FunctionType):
        return function
    names = {**function.__globals__, "torch": airi, "wrapper_set_seed": seeded}
    copy = types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def seeded(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """airi's counterpart of the helper in PyTorch's database that seeds with 42."""
    airi.manual_seed(42)
    return function(*args, **kwargs)


def tensors_of(value: Any, kind: type) -> Iterator[Any]:
    """The tensors in a result, through tuples and lists."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors_of(each, kind)


def difference(ours: Any, theirs: Any, slack: float = 1, values: bool = True) -> str | None:
    """How a result differs from PyTorch's - in kind, fields, dtype, shape, numbers - or None.

    ``slack`` widens the tolerance; ``values=False`` leaves out the numbers.
    """
    if isinstance(theirs, torch.Tensor):
        if theirs.layout != torch.strided:
            raise NotConvertible(str(theirs.layout))
        if not isinstance(ours, airi.Tensor):
            return f"a {type(ours).__name__}, expected a Tensor"
        if str(ours.dtype).split(".")[-1] != str(theirs.dtype).split(".")[-1]:
            return f"dtype {ours.dtype}, expected {theirs.dtype}"
        if tuple(ours.shape) != tuple(theirs.shape):
            return f"shape {tuple(ours.shape)}, expected {tuple(theirs.shape)}"
        if ours.requires_grad != theirs.requires_grad:
            return f"requires_grad {ours.requires_grad}, expected {theirs.requires_grad}"
        return unequal(array(ours), array(theirs), slack) if values else None
    if isinstance(theirs, list | tuple) and not isinstance(theirs, torch.Size):
        if not isinstance(ours, list | tuple):
            return f"a {type(ours).__name__}, expected a {type(theirs).__name__}"
        if len(ours) != len(theirs):
            return f"{len(ours)} results, expected {len(theirs)}"
        for field in getattr(type(theirs), "__match_args__", ()):
            if not hasattr(ours, field):
                return f"no field {field!r}"
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            different = difference(one, other, slack, values)
            if different:
                return f"result {number}: {different}"
        return None
    if isinstance(theirs, torch.Size):
        return None if tuple(ours) == tuple(theirs) else f"{ours}, expected {theirs}"
    if isinstance(theirs, bool | int | float | complex):
        if type(ours) is not type(theirs):
            return f"a {type(ours).__name__}, expected a {type(theirs).__name__}"
        return unequal(np.asarray(ours), np.asarray(theirs), slack) if values else None
    return None


def unequal(ours: np.ndarray, theirs: np.ndarray, slack: float = 1) -> str | None:
    """Where two arrays of one shape differ the first time by more than rounding, or None."""
    rtol, atol = (1e-7, 1e-9) if theirs.dtype in (np.float64, np.complex128) else (2e-4, 1e-5)
    if theirs.dtype == np.float16:
        rtol, atol = 1e-2, 1e-2
    with np.errstate(all="ignore"):
        wrong = ~np.isclose(ours, theirs, rtol=rtol * slack, atol=atol * slack, equal_nan=True)
    if not wrong.any():
        return None
    where = tuple(int(index) for index in np.argwhere(wrong)[0])
    count = f"{np.count_nonzero(wrong)} of {wrong.size} differ"
    return f"{ours[where]!r} at {where}, expected {theirs[where]!r} ({count})"


def described(args: Any, kwargs: dict[str, Any]) -> str:
    """The arguments in short: dtypes and shapes of tensors, the rest as it is."""

    def short(value: Any) -> str:
        if isinstance(value, torch.Tensor):
            known = value.numel() <= 4 and not (value.is_sparse or value.is_meta)
            numbers = f"={value.tolist()}" if known else ""
            return f"{str(value.dtype)[6:]}{list(value.shape)}{numbers}"
        if isinstance(value, list | tuple):
            return "(" + ", ".join(map(short, value)) + ")"
        return repr(value)

    parts = [short(each) for each in args]
    parts += [f"{key}={short(each)}" for key, each in kwargs.items()]
    return ", ".join(parts)[:400]
