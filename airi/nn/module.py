"""Module: the base of everything that has parameters."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from airi import dtypes
from airi.autograd.graph import wrap
from airi.autograd.mode import current, no_grad
from airi.autograd.scope import Scope
from airi.nn import state_dict as states
from airi.nn.hooks import HookMethods
from airi.nn.parameter import Buffer, Parameter, is_lazy
from airi.tensor import Tensor


class Module(HookMethods):
    """Base class of models and their layers.

    A subclass makes its parameters and child modules in ``__init__``, after
    ``super().__init__()``, and says in ``forward`` what it computes; calling the module runs it.
    A Parameter, Buffer or Module that is assigned as an attribute becomes part of the module.
    Example::

        class Classifier(nn.Module):
            def __init__(self):
                super().__init__()
                self.hidden = nn.Linear(784, 100)
                self.out = nn.Linear(100, 10)

            def forward(self, x):
                return self.out(self.hidden(x).relu())

    Source: ``torch.nn.Module``.
    """

    training: bool
    _version = 1  # of the layout of a module's own state dict, kept in its metadata

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def __init__(self) -> None:
        set_attribute = super().__setattr__
        set_attribute("training", True)
        set_attribute("_parameters", {})
        set_attribute("_buffers", {})
        set_attribute("_modules", {})
        set_attribute("_non_persistent_buffers_set", set())

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes. Each subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        # What is recorded meanwhile is the module's own; a context manager would cost more.
        outside = current().scope
        current().scope = Scope(self, outside)
        try:
            if self._hooks is None:
                return self.forward(*args, **kwargs)
            return self._hooks.call(self, args, kwargs)
        finally:
            current().scope = outside

    # -- attributes -----------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # Called only for what is no plain attribute.
        attributes = self.__dict__
        if "_modules" in attributes:
            if name in attributes["_parameters"]:
                return attributes["_parameters"][name]
            if name in attributes["_modules"]:
                return attributes["_modules"][name]
            if name in attributes["_buffers"]:
                return attributes["_buffers"][name]
        raise _NoAttribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if isinstance(value, (Parameter, Module, Buffer)):
            self._require_init(f"assign {type(value).__name__} {name!r}")
            self._set_member(name, value)
            return
        for registry, kind in _REGISTRIES:
            members = attributes.get(registry)
            if members and name in members:
                _refuse_kind(self, name, value, kind)
                members[name] = value
                return
        super().__setattr__(name, value)

    def _set_member(self, name: str, value: Parameter | Module | Buffer) -> None:
        if isinstance(value, Parameter):
            self._forget(name, "_buffers", "_modules")
            self.register_parameter(name, value)
        elif name in self._parameters:
            _refuse_kind(self, name, value, Parameter)
        elif isinstance(value, Module):
            self._forget(name, "_buffers")
            self.register_module(name, value)
        elif name in self._modules:
            _refuse_kind(self, name, value, Module)
        else:
            self._forget(name)
            self.register_buffer(name, value, value.persistent)

    def _forget(self, name: str, *registries: str) -> None:
        """Make way for a member of that name."""
        self.__dict__.pop(name, None)
        for registry in registries:
            getattr(self, registry).pop(name, None)
        if registries:
            self._non_persistent_buffers_set.discard(name)

    def __delattr__(self, name: str) -> None:
        for registry, _ in _REGISTRIES:
            if name in self.__dict__.get(registry, ()):
                del getattr(self, registry)[name]
                self._non_persistent_buffers_set.discard(name)
                return
        try:
            super().__delattr__(name)
        except AttributeError:
            raise _NoAttribute(self, name) from None

    def __dir__(self) -> list[str]:
        names = {*super().__dir__()}
        for registry, _ in _REGISTRIES:
            names.update(self.__dict__.get(registry, ()))
        return sorted(name for name in names if not name[:1].isdigit())

    def _require_init(self, action: str) -> None:
        if "_modules" not in self.__dict__:
            kind = type(self).__name__
            raise AttributeError(
                f"{kind}: cannot {action} before Module.__init__() call; begin "
                f"{kind}.__init__ with super().__init__()"
            )

    # -- registering ----------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or None to reserve the name. Source: ``torch.nn.Module``."""
        self._check_new("parameter", name, param, Parameter, "_parameters")
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"register_parameter: parameter {name!r} must be a leaf, but it was computed by "
                f"{param.grad_fn.describe()}; compute such values in forward()"
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is state but no parameter; in the state dict where `persistent`."""
        self._check_new("buffer", name, tensor, Tensor, "_buffers")
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a child module under a name. Source: ``torch.nn.Module.register_module``."""
        self._check_new("module", name, module, Module, "_modules")
        self._modules[name] = module

    add_module = register_module

    def _check_new(self, what: str, name: Any, value: Any, kind: type, registry: str) -> None:
        function = f"register_{what}"
        self._require_init(f"register a {what}")
        if not isinstance(name, str):
            raise TypeError(f"{function}: name must be a string, got {type(name).__name__}")
        if "." in name or not name:
            raise KeyError(f'{function}: name must not be empty or contain ".", got {name!r}')
        if name not in self.__dict__[registry] and hasattr(self, name):
            raise KeyError(f"{function}: {type(self).__name__} has an attribute {name!r} already")
        if value is not None and not isinstance(value, kind):
            raise TypeError(
                f"{function}: {what} {name!r} must be a {kind.__name__} or None, got "
                f"{type(value).__name__}"
            )

    # -- looking up by a dotted name ---------------------------------------------------------------

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name, e.g. ``"block.conv1"``; ``""`` is the module itself.

        Raises AttributeError where there is none. Source: ``torch.nn.Module.get_submodule``.
        """
        module = self
        for name in target.split(".") if target else []:
            child = getattr(module, name)
            if not isinstance(child, Module):
                raise AttributeError(
                    f"get_submodule: {name!r} in {target!r} is a {type(child).__name__}, no Module"
                )
            module = child
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put `module` in the place of a dotted name.

        With `strict` there must be one already. Raises ValueError for an empty name or what is no
        Module, AttributeError where the way there does not exist.
        Source: ``torch.nn.Module.set_submodule``.
        """
        if not target:
            raise ValueError("set_submodule: the name of the module is empty")
        if not isinstance(module, Module):
            kind = type(module).__name__
            raise ValueError(f"set_submodule: expected a Module for {target!r}, got {kind}")
        above, _, name = target.rpartition(".")
        parent = self.get_submodule(above)
        if strict or hasattr(parent, name):
            parent.get_submodule(name)  # raises where it is missing or no module
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name, e.g. ``"block.conv1.weight"``; else AttributeError."""
        return self._get("get_parameter", target, "_parameters")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name; AttributeError where there is none."""
        return self._get("get_buffer", target, "_buffers")

    def _get(self, function: str, target: str, registry: str) -> Any:
        above, _, name = target.rpartition(".")
        module = self.get_submodule(above)
        found = getattr(module, name)
        if found is None or name not in getattr(module, registry):
            raise AttributeError(f"{function}: {target!r} is a {type(found).__name__}")
        return found

    # -- going through -------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """The module itself and all below it with their dotted names, parents first.

        A module that is reached twice comes once unless ``remove_duplicate=False``.
        Source: ``torch.nn.Module.named_modules``.
        """
        seen = set() if memo is None else memo
        waiting = [(prefix, self)]
        while waiting:
            name, module = waiting.pop()
            if remove_duplicate:
                if module in seen:
                    continue
                seen.add(module)
            yield name, module
            for child_name, child in reversed(module._modules.items()):
                if child is not None:
                    waiting.append((_joined(name, child_name), child))

    def modules(self) -> Iterator[Module]:
        """The module itself and all below it."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below, each once, with their names."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly below, each once."""
        for _, module in self.named_children():
            yield module

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names; without `recurse` the module's own only.

        A shared parameter comes once, under its first name, unless ``remove_duplicate=False``.
        Source: ``torch.nn.Module.named_parameters``.
        """
        yield from self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters: what an optimizer takes."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their dotted names, as `named_parameters`."""
        yield from self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def _named_members(
        self, registry: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        modules: Iterable[tuple[str, Module]] = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        seen = set()
        for module_name, module in modules:
            for name, member in getattr(module, registry).items():
                if member is None or (remove_duplicate and id(member) in seen):
                    continue
                seen.add(id(member))
                yield _joined(module_name, name), member

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call `fn` with every module below and then with the module itself; returns the module.

        Example: ``net.apply(init_weights)``. Source: ``torch.nn.Module.apply``.
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # -- modes -----------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Set training mode (dropout drops, batch norm uses the batch) here and below."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: mode must be a bool, got {type(mode).__name__}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode here and below: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say for all parameters whether their gradients are wanted: to freeze a model."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero in place."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.detach_().zero_()

    # -- other dtypes ----------------------------------------------------------------------------

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating-point parameters and buffers in place: ``net.to(airi.float64)``.

        Takes what ``Tensor.to`` takes; a complex dtype too. Raises TypeError for an integer dtype
        and RuntimeError for a device other than the CPU. Source: ``torch.nn.Module.to``.
        """
        probe = wrap(np.empty(0, np.float32)).to(*args, **kwargs)
        if probe._array.dtype.kind not in dtypes.DIFFERENTIABLE:
            raise TypeError(
                f"to: a module can only take a floating-point or complex dtype, not {probe.dtype}"
            )

        def converted(tensor: Tensor) -> Tensor:
            is_number = tensor._array.dtype.kind in dtypes.DIFFERENTIABLE
            return tensor.to(*args, **kwargs) if is_number else tensor

        return self._convert(converted)

    def type(self, dst_type: Any) -> Self:
        """Convert all parameters and buffers to a dtype, in place."""
        return self._convert(lambda t: t.to(dst_type))

    def float(self) -> Self:
        """Convert floating-point parameters and buffers to float32, in place."""
        return self._to_float(dtypes.float32)

    def double(self) -> Self:
        """Convert floating-point parameters and buffers to float64, in place."""
        return self._to_float(dtypes.float64)

    def half(self) -> Self:
        """Convert floating-point parameters and buffers to float16, in place."""
        return self._to_float(dtypes.float16)

    def bfloat16(self) -> Self:
        """Convert floating-point parameters and buffers to bfloat16, in place."""
        return self._to_float(dtypes.bfloat16)

    def _to_float(self, dtype: dtypes.dtype) -> Self:
        return self._convert(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def cpu(self) -> Self:
        """The module itself: it is there already."""
        return self

    def cuda(self, device: Any = None) -> Self:
        """Raises RuntimeError: airi computes on the CPU. Source: ``torch.nn.Module.cuda``."""
        raise RuntimeError(
            f"{type(self).__name__}.cuda: airi computes on the CPU, there is no GPU; guard it with "
            "airi.cuda.is_available()"
        )

    def share_memory(self) -> Self:
        """`Tensor.share_memory_` for all parameters and buffers; returns the module.

        Source: ``torch.nn.Module.share_memory``.
        """
        for each in (*self.parameters(), *self.buffers()):
            each.share_memory_()
        return self

    def _convert(self, function: Callable[[Tensor], Tensor]) -> Self:
        """Give every parameter, its gradient and every buffer other values, keeping the object."""
        with no_grad():
            for tensor in [*self.parameters(), *self.buffers()]:
                if is_lazy(tensor):
                    tensor.convert(function)  # type: ignore[attr-defined]
                    continue
                tensor.data = function(tensor)
                if tensor.grad is not None:
                    tensor.grad.data = function(tensor.grad)
        return self

    # -- state dicts -----------------------------------------------------------------------------

    def state_dict(
        self, *, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """All parameters and persistent buffers by dotted name, on the module's own memory.

        The tensors are detached unless `keep_vars`. Example:
        ``airi.save(net.state_dict(), "net.pkl")``. Source: ``torch.nn.Module.state_dict``.
        """
        if destination is None:
            destination = states.new_state_dict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        hooks = self._hooks
        for hook in tuple(hooks.state_dict_pre.values()) if hooks else ():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                inside = f"{prefix}{name}."
                module.state_dict(destination=destination, prefix=inside, keep_vars=keep_vars)
        for hook in tuple(hooks.state_dict_post.values()) if hooks else ():
            if hook(self, destination, prefix, local_metadata) is not None:
                raise RuntimeError("a state_dict post-hook must return None; it changes the dict")
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Put the module's own state, not its children's, into `destination`."""
        for name, tensor in states.local_state(self).items():
            kept = keep_vars or is_lazy(tensor)
            destination[prefix + name] = tensor if kept else tensor.detach()
        if states.has_extra_state(self, "get_extra_state"):
            destination[prefix + states.EXTRA_STATE] = self.get_extra_state()

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> states.IncompatibleKeys:
        """Copy the values of a state dict into the parameters and buffers.

        With `assign` its tensors take their places instead. Returns the keys that are missing and
        unexpected. Raises RuntimeError that lists those where `strict`, and every size mismatch.
        Example: ``net.load_state_dict(airi.load("net.pkl"))``.
        Source: ``torch.nn.Module.load_state_dict``.
        """
        return states.load(self, state_dict, strict, assign)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load the module's own state, not its children's: a subclass may translate old layouts."""
        for hook in tuple(self._hooks.load_pre.values()) if self._hooks else ():
            hook(
                self,
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        states.load_one(
            self,
            state_dict,
            prefix,
            local_metadata.get("assign_to_params_buffers", False),
            missing_keys,
            unexpected_keys,
            error_msgs,
        )

    def get_extra_state(self) -> Any:
        """Other state to put into the state dict; a subclass that has some overrides this."""
        raise RuntimeError(f"{type(self).__name__} has no extra state to save")

    def set_extra_state(self, state: Any) -> None:
        """Take the extra state of a state dict; goes with `get_extra_state`."""
        raise RuntimeError(f"{type(self).__name__} has no extra state to load")

    # -- text ------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands in the parentheses of the module's repr; a layer says its arguments."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        children = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        return f"{type(self).__name__}({arranged(extra, children)})"


def arranged(extra: str, children: list[str]) -> str:
    """The inside of a module's repr: on one line where that is enough."""
    lines = [*(extra.split("\n") if extra else []), *children]
    if not lines:
        return ""
    if not children and len(lines) == 1:
        return extra
    return "\n  " + "\n  ".join(lines) + "\n"


def indented(text: str) -> str:
    """The text with every line but the first two columns further in."""
    return text.replace("\n", "\n  ")


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


_REGISTRIES: tuple[tuple[str, type], ...] = (
    ("_parameters", Parameter),
    ("_modules", Module),
    ("_buffers", Tensor),
)


def _refuse_kind(module: Module, name: str, value: Any, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(
            f"{type(module).__name__}.{name} is a {kind.__name__}: cannot assign a "
            f"{type(value).__name__} to it, only a {kind.__name__} or None (del it first to put "
            "something else in its place)"
        )


class _NoAttribute(AttributeError):
    """Looks for names like the one asked for when it is read: hasattr() makes many, reads none."""

    def __init__(self, module: Module, name: str) -> None:
        # obj=None keeps Python from adding a suggestion of its own to ours.
        super().__init__(name=name, obj=None)
        self.module = module
        self.name: str = name

    def __str__(self) -> str:
        kind = type(self.module).__name__
        text = f"{kind!r} object has no attribute {self.name!r}"
        if "_modules" not in self.module.__dict__:
            return f"{text}: {kind}.__init__ has not called super().__init__() yet"
        if isinstance(getattr(type(self.module), self.name, None), property):
            return f"{text}: the code of the property of that name raised AttributeError"
        names = [each for each in dir(self.module) if not each.startswith("_")]
        near = difflib.get_close_matches(self.name, names)
        return f"{text}; did you mean {' or '.join(map(repr, near))}?" if near else text

    def __reduce__(self) -> Any:  # to another process, whose module is another one
        return AttributeError, (str(self),)


# What a traceback calls it: how it is made is of no concern to who reads one.
_NoAttribute.__module__, _NoAttribute.__qualname__ = "builtins", "AttributeError"
