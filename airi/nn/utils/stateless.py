"""Calling a module with other parameters than its own. Source: ``torch.nn.utils.stateless``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airi.nn.module import Module
from airi.tensor import Tensor

_REGISTRIES = ("_parameters", "_buffers")


def functional_call(
    module: Module,
    parameters_and_buffers: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """``module(*args, **kwargs)`` with other tensors in place of its parameters and buffers.

    The older place of ``airi.func.functional_call``, which says what the arguments are.
    Source: ``torch.nn.utils.stateless.functional_call``.
    """
    if not isinstance(module, Module):
        raise TypeError(f"functional_call: module must be a Module, got {type(module).__name__}")
    given = _merged(parameters_and_buffers)
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, given, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def _merged(dicts: Any) -> dict[str, Tensor]:
    if isinstance(dicts, Mapping):
        return dict(dicts)
    if not isinstance(dicts, (tuple, list)) or not all(isinstance(d, Mapping) for d in dicts):
        raise ValueError(
            f"functional_call: expected a dict or a tuple of dicts, got {type(dicts).__name__}"
        )
    merged: dict[str, Tensor] = {}
    for each in dicts:
        twice = sorted(merged.keys() & each.keys())
        if twice:
            raise ValueError(f"functional_call: {', '.join(twice)} are in more than one dict")
        merged |= each
    return merged


Place = tuple[dict[str, Any], str]


def _places(module: Module) -> dict[str, Place]:
    """Where each parameter and buffer is kept, by its dotted name."""
    places: dict[str, Place] = {}
    for prefix, each in module.named_modules(remove_duplicate=False):
        for registry in _REGISTRIES:
            members = vars(each)[registry]
            for name, tensor in members.items():
                if tensor is not None:
                    places[f"{prefix}.{name}" if prefix else name] = members, name
    return places


def _groups(places: dict[str, Place], tie_weights: bool) -> dict[str, list[str]]:
    """For each name all names of the same tensor."""
    by_tensor: dict[Any, list[str]] = {}
    for name, (members, key) in places.items():
        by_tensor.setdefault(id(members[key]) if tie_weights else name, []).append(name)
    return {name: names for names in by_tensor.values() for name in names}


@contextlib.contextmanager
def _replaced(
    module: Module, given: dict[str, Tensor], tie_weights: bool, strict: bool
) -> Iterator[None]:
    places = _places(module)
    unknown = sorted(given.keys() - places.keys())
    groups = _groups(places, tie_weights)
    covered = {tied for name in given if name in groups for tied in groups[name]}
    missing = sorted(places.keys() - covered) if strict else []
    if (unknown and strict) or missing:
        raise RuntimeError(
            f"functional_call: {type(module).__name__} has no {', '.join(unknown) or 'other names'}"
            f"; missing: {', '.join(missing) or 'none'}"
        )
    new: dict[str, Tensor] = {}
    for name, tensor in given.items():
        for tied in groups.get(name, ()):
            if tied != name and tied in given and given[tied] is not tensor:
                raise ValueError(
                    f"functional_call: {name} and {tied} are one tensor of the module, but two "
                    "different ones were given; pass tie_weights=False to untie them"
                )
            new[tied] = tensor
    before = {name: places[name][0][places[name][1]] for name in new}
    try:
        for name, tensor in new.items():
            members, key = places[name]
            members[key] = tensor
        yield
    finally:
        for name, tensor in before.items():
            members, key = places[name]
            members[key] = tensor
