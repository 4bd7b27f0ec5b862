"""PyTorch's database of ops, OpInfo, seen from airi: what there is to compare, and in what forms.

Import it only where PyTorch is installed.
"""

from __future__ import annotations

import functools
import random
import re
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import airi

from .conversion import borrowed

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from torch.testing._internal.common_methods_invocations import op_db

# Entries that no program of a user's can call, or whose results are not tensors as airi has them.
NOT_COMPARABLE = {
    r"jiterator_.*": "code for a GPU, compiled from a string",
    r"_(?!_).*|torch\._.*|torch\.ops\..*": "private: a piece of another op, called by none else",
    r"slice|max_pool2d_with_indices_backward|native_dropout_backward": "not a function of torch's",
    r"masked\..*": "the prototype torch.masked, which importing torch does not give",
    r"sparse\..*|to_sparse": "sparse arguments or results; tests/test_sparse.py",
    r"bmm\.triton_optimized|nn\.functional\.batch_norm\.without_cudnn": "again, for a GPU",
    r"hash_tensor": "a hash of memory, promised to nobody",
}


def full_name(info: Any) -> str:
    """The name with its variant, as OpInfo lists them: ``div.floor_rounding``."""
    return f"{info.name}.{info.variant_test_name}" if info.variant_test_name else info.name


def why_not_comparable(name: str) -> str | None:
    for pattern, reason in NOT_COMPARABLE.items():
        if re.fullmatch(pattern, name):
            return reason
    return None


EVERY = {full_name(info): info for info in op_db}
COMPARABLE = {name: info for name, info in EVERY.items() if why_not_comparable(name) is None}


def forms(info: Any) -> dict[str, tuple[Any, Any]]:
    """For each form that PyTorch has - function, method, in place - the pair (airi's, PyTorch's).

    airi's is None where it lacks the form.
    """
    theirs = {"function": info.op, "method": info.method_variant, "in place": info.inplace_variant}
    return {form: (_ours(info, each), each) for form, each in theirs.items() if each is not None}


def _ours(info: Any, theirs: Any) -> Callable[..., Any] | None:
    """airi's function or method for one of PyTorch's, or for a lambda of the database's."""
    if isinstance(theirs, types.FunctionType) and theirs.__module__.startswith("torch.testing"):
        return borrowed(theirs)
    if isinstance(theirs, functools.partial):
        function = _at(airi, info.name)
        return function and functools.partial(function, *theirs.args, **theirs.keywords)
    name = getattr(theirs, "__name__", None)
    if name is not None and getattr(torch.Tensor, name, None) is theirs:
        return getattr(airi.Tensor, name, None)
    return _at(airi, info.name)


def _at(root: Any, path: str) -> Any:
    for name in path.split("."):
        root = getattr(root, name, None)
    return root


def lacks(info: Any) -> bool:
    """Whether airi has this op in no form at all."""
    if any(ours is None for ours, _ in forms(info).values()):
        return all(ours is None for ours, _ in forms(info).values())
    return False


def samples(info: Any, dtype: torch.dtype, requires_grad: bool, most: int) -> list[Any]:
    """At most so many of the database's samples for a dtype, evenly from among the small ones."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the database may draw so
    made = list(info.sample_inputs("cpu", dtype, requires_grad=requires_grad))
    small = [each for each in made if _size(each) <= 3000] or made[:1]
    step = max(1, -(-len(small) // most))
    return small[::step]


def _size(sample: Any) -> int:
    tensors = _tensors((sample.input, sample.args, sample.kwargs))
    return sum(each.numel() for each in tensors)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
