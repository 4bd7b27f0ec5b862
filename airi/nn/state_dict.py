"""Saving a tree of modules as a flat dict of named tensors, and loading it again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from airi.autograd.mode import no_grad
from airi.nn.parameter import Parameter, is_lazy
from airi.tensor import Tensor

if TYPE_CHECKING:
    from airi.nn.module import Module

EXTRA_STATE = "_extra_state"


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` found to differ between model and state dict."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        missing, unexpected = self
        return f"IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"


def new_state_dict() -> Any:
    """An empty state dict; its attribute ``_metadata`` holds the version of each module in it."""
    state: Any = OrderedDict()
    state._metadata = {}
    return state


def local_state(module: Module) -> dict[str, Tensor]:
    """The module's own parameters and persistent buffers, without its children's."""
    state: dict[str, Tensor] = {}
    for name, parameter in module._parameters.items():
        if parameter is not None:
            state[name] = parameter
    for name, buffer in module._buffers.items():
        if buffer is not None and name not in module._non_persistent_buffers_set:
            state[name] = buffer
    return state


def load(module: Module, state_dict: Mapping[str, Any], strict: bool, assign: bool) -> Any:
    """Copy the values of a state dict into a module and all below it."""
    if not isinstance(state_dict, Mapping):
        kind = type(state_dict).__name__
        raise TypeError(f"load_state_dict: expected a dict of tensors by name, got {kind}")
    loading = _Loading(getattr(state_dict, "_metadata", None) or {}, assign)
    loading.into(module, OrderedDict(state_dict), "")
    loading.raise_errors(type(module).__name__, strict)
    return loading.keys


class _Loading:
    """One load_state_dict: what was missing, unexpected or wrong so far."""

    def __init__(self, metadata: Mapping[str, Any], assign: bool) -> None:
        self.metadata = metadata
        self.assign = assign
        self.keys = IncompatibleKeys([], [])
        self.errors: list[str] = []

    def into(self, module: Module, state: Mapping[str, Any], prefix: str) -> None:
        local_metadata = dict(self.metadata.get(prefix[:-1], {}))
        if self.assign:
            local_metadata["assign_to_params_buffers"] = True
        module._load_from_state_dict(
            state,
            prefix,
            local_metadata,
            True,
            self.keys.missing_keys,
            self.keys.unexpected_keys,
            self.errors,
        )
        for name, child in module._modules.items():
            if child is not None:
                inside = f"{prefix}{name}."
                part = {key: each for key, each in state.items() if key.startswith(inside)}
                self.into(child, part, inside)
        if module._hooks is not None:
            for hook in tuple(module._hooks.load_post.values()):
                if hook(module, self.keys) is not None:
                    raise TypeError(
                        "a load_state_dict post-hook must return None; it changes the lists of "
                        "keys that it is given"
                    )

    def raise_errors(self, name: str, strict: bool) -> None:
        errors = list(self.errors)
        if strict:
            kinds = [("Unexpected", self.keys.unexpected_keys), ("Missing", self.keys.missing_keys)]
            for kind, keys in kinds:
                if keys:
                    listed = ", ".join(f'"{key}"' for key in keys)
                    errors.insert(0, f"{kind} key(s) in state_dict: {listed}.")
        if errors:
            listed = "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {name}:\n\t{listed}")


def load_one(
    module: Module,
    state_dict: Mapping[str, Any],
    prefix: str,
    assign: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    errors: list[str],
) -> None:
    """Load the module's own tensors and extra state, and note the keys that do not fit."""
    own = local_state(module)
    for name, tensor in own.items():
        key = prefix + name
        if key in state_dict:
            _load_tensor(module, name, tensor, key, state_dict[key], assign, errors)
        else:
            missing_keys.append(key)

    extra_key = prefix + EXTRA_STATE
    if has_extra_state(module, "set_extra_state"):
        if extra_key in state_dict:
            module.set_extra_state(state_dict[extra_key])
        else:
            missing_keys.append(extra_key)
    elif extra_key in state_dict:
        unexpected_keys.append(extra_key)

    for key in state_dict:
        if not key.startswith(prefix) or key == extra_key:
            continue
        name, dot, _ = key[len(prefix) :].partition(".")
        if name not in (module._modules if dot else own):
            unexpected_keys.append(key)


def has_extra_state(module: Module, method: str) -> bool:
    """Whether the module's class defines extra state, by `get_extra_state` or `set_extra_state`."""
    from airi.nn.module import Module

    return getattr(type(module), method) is not getattr(Module, method)


def _load_tensor(
    module: Module,
    name: str,
    tensor: Tensor,
    key: str,
    value: Any,
    assign: bool,
    errors: list[str],
) -> None:
    if not isinstance(value, Tensor):
        errors.append(f'"{key}" must be a Tensor in the state_dict, got {type(value).__name__}')
        return
    if is_lazy(value):
        if not is_lazy(tensor):
            errors.append(f'"{key}" is not initialized in the state_dict, but in the model it is')
        return
    if is_lazy(tensor):
        tensor.materialize(value.shape)  # type: ignore[attr-defined]
    if value.shape != tensor.shape:
        errors.append(
            f"size mismatch for {key}: the shape in the state_dict is {tuple(value.shape)}, in "
            f"the model {tuple(tensor.shape)}"
        )
        return
    with no_grad():
        if not assign:
            tensor.copy_(value)
        elif isinstance(tensor, Parameter):
            setattr(module, name, Parameter(value, requires_grad=tensor.requires_grad))
        else:
            setattr(module, name, value)
