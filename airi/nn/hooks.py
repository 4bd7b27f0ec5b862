"""Hooks of a module: what else runs when it is called, differentiated, saved or loaded."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

from airi.autograd.graph import Handle, Node
from airi.autograd.mode import current
from airi.ops.boundary import Boundary
from airi.tensor import Tensor

if TYPE_CHECKING:
    from airi.nn.module import Module


class ForwardHook(NamedTuple):
    """A function to call around forward, and how."""

    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False

    def __call__(self, module: Module, args: Any, kwargs: Any, *result: Any) -> Any:
        if self.with_kwargs:
            return self.function(module, args, kwargs, *result)
        return self.function(module, args, *result)


HookDict = OrderedDict[int, Any]


def register(hooks: HookDict, hook: Any, prepend: bool = False) -> Handle:
    """Add a hook after the others, or before them; the handle takes it away."""
    function = hook.function if isinstance(hook, ForwardHook) else hook
    if not callable(function):
        raise TypeError(f"a hook must be callable, got {type(function).__name__}")
    handle = Handle(hooks, hook)
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


class HookFunctions(MutableMapping[int, Any]):
    """The functions of a module's hooks by the numbers of their handles.

    Scripts look at them and take them away: ``layer._forward_hooks.clear()``.
    """

    def __init__(self, hooks: HookDict) -> None:
        self._hooks = hooks

    def __getitem__(self, key: int) -> Any:
        hook = self._hooks[key]
        return hook.function if isinstance(hook, ForwardHook) else hook

    def __setitem__(self, key: int, function: Any) -> None:
        self._hooks[key] = function

    def __delitem__(self, key: int) -> None:
        del self._hooks[key]

    def __iter__(self) -> Iterator[int]:
        return iter(self._hooks)

    def __len__(self) -> int:
        return len(self._hooks)

    def __repr__(self) -> str:
        return repr(OrderedDict(self))


class ForwardHookFunctions(HookFunctions):
    """Those around forward."""

    def __setitem__(self, key: int, function: Any) -> None:
        self._hooks[key] = ForwardHook(function)


def _replace(hooks: MutableMapping[int, Any], others: Mapping[int, Any]) -> None:
    others = dict(others)  # a look at the hooks themselves is about to be emptied
    hooks.clear()
    hooks.update(others)


class Hooks:
    """The hooks of one module, which has none of these until the first is registered."""

    def __init__(self) -> None:
        self.forward_pre: HookDict = OrderedDict()
        self.forward: HookDict = OrderedDict()
        self.backward_pre: HookDict = OrderedDict()
        self.backward: HookDict = OrderedDict()
        self.state_dict_pre: HookDict = OrderedDict()
        self.state_dict_post: HookDict = OrderedDict()
        self.load_pre: HookDict = OrderedDict()
        self.load_post: HookDict = OrderedDict()

    def call(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The module's forward, with the hooks around it."""
        called: set[int] = set()
        result = None
        try:
            args, kwargs = self._before(module, args, kwargs)
            passage = None
            if self.backward or self.backward_pre:
                passage = _Passage(module, self)
                args = passage.enter(args)
            result = module.forward(*args, **kwargs)
            for key, hook in tuple(self.forward.items()):
                called.add(key)
                changed = hook(module, args, kwargs, result)
                if changed is not None:
                    result = changed
            return result if passage is None else passage.leave(result)
        except Exception:
            self._call_always(called, module, args, kwargs, result)
            raise

    def _before(self, module: Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
        for hook in tuple(self.forward_pre.values()):
            changed = hook(module, args, kwargs)
            if changed is None:
                continue
            if not hook.with_kwargs:
                args = changed if isinstance(changed, tuple) else (changed,)
            elif isinstance(changed, tuple) and len(changed) == 2:
                args, kwargs = changed
            else:
                raise RuntimeError(
                    f"a forward pre-hook of {type(module).__name__} with kwargs must return None "
                    f"or a tuple (new_args, new_kwargs), got {changed!r}"
                )
        return args, kwargs

    def _call_always(
        self, called: set[int], module: Module, args: Any, kwargs: Any, result: Any
    ) -> None:
        """After an error: the hooks that want to be called nevertheless."""
        for key, hook in tuple(self.forward.items()):
            if not hook.always_call or key in called:
                continue
            try:
                hook(module, args, kwargs, result)
            except Exception as error:
                warnings.warn(
                    f"a forward hook of {type(module).__name__} with always_call=True failed "
                    f"after forward had failed: {error}",
                    stacklevel=2,
                )


class _Passage:
    """One call of a module with backward hooks: its gradients on their way out and in.

    The tensors that enter and leave the module pass an identity op each. Backward reaches that of
    the outputs first (`at_outputs`) and that of the inputs last (`at_inputs`).
    """

    def __init__(self, module: Module, hooks: Hooks) -> None:
        self.module = module
        self.hooks = tuple(hooks.backward.values())
        self.prehooks = tuple(hooks.backward_pre.values())
        self.input_places: tuple[int, ...] = ()
        self.input_count = 0
        self.output_places: tuple[int, ...] = ()
        self.output_count = 0
        self.grad_output: tuple[Any, ...] | None = None

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.input_count = len(args)
        args, self.input_places, node = _through_boundary(args)
        if node is not None:
            node.register_hook(self.at_inputs)
        return args

    def leave(self, result: Any) -> Any:
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                f"{type(self.module).__name__} has backward hooks, which need an output that is a "
                f"Tensor or a tuple of Tensors; it returned {type(result).__name__}",
                stacklevel=2,
            )
            return result
        outputs = result if isinstance(result, tuple) else (result,)
        self.output_count = len(outputs)
        passed, self.output_places, node = _through_boundary(outputs)
        if node is None:
            return result
        node.register_prehook(self.at_outputs)
        if isinstance(result, Tensor):
            return passed[0]
        return type(result)._make(passed) if hasattr(result, "_make") else passed

    def at_outputs(self, gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        grad_output = _spread(gradients, self.output_places, self.output_count)
        for hook in self.prehooks:
            changed = hook(self.module, grad_output)
            if changed is not None:
                grad_output = self._checked(changed, self.output_count, "pre-hook", "grad_output")
        if self.input_places:
            self.grad_output = grad_output
        else:
            self._call_without_inputs(grad_output)
        return tuple([grad_output[at] for at in self.output_places])

    def _call_without_inputs(self, grad_output: tuple[Any, ...]) -> None:
        nothing = (None,) * self.input_count
        for hook in self.hooks:
            changed = hook(self.module, nothing, grad_output)
            if changed is not None and any(each is not None for each in _as_tuple(changed)):
                raise RuntimeError(
                    f"a backward hook of {type(self.module).__name__} returned a gradient, but no "
                    "input of this call requires grad"
                )

    def at_inputs(self, gradients: tuple[Any, ...], _: Any) -> tuple[Any, ...] | None:
        grad_output, self.grad_output = self.grad_output, None
        if grad_output is None:
            return None  # a double backward that reached the inputs without passing the outputs
        grad_input = _spread(gradients, self.input_places, self.input_count)
        for hook in self.hooks:
            changed = hook(self.module, grad_input, grad_output)
            if changed is not None:
                grad_input = self._checked(changed, self.input_count, "hook", "grad_input")
        return tuple([grad_input[at] for at in self.input_places])

    def _checked(self, changed: Any, count: int, kind: str, name: str) -> tuple[Any, ...]:
        changed = _as_tuple(changed)
        if len(changed) != count:
            raise RuntimeError(
                f"a backward {kind} of {type(self.module).__name__} returned an invalid number of "
                f"{name}: got {len(changed)}, expected {count}"
            )
        return changed


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _through_boundary(
    values: tuple[Any, ...],
) -> tuple[tuple[Any, ...], tuple[int, ...], Node | None]:
    """The values, those that require grad behind one identity op; where they are; its node."""
    places = tuple(
        [at for at, each in enumerate(values) if isinstance(each, Tensor) and each.requires_grad]
    )
    if not places or not current().grad:
        return values, (), None
    passed = list(values)
    for at, each in zip(places, Boundary.apply(*[values[at] for at in places]), strict=True):
        passed[at] = each
    return tuple(passed), places, passed[places[0]].grad_fn


def _spread(gradients: tuple[Any, ...], places: tuple[int, ...], count: int) -> tuple[Any, ...]:
    """The gradients at their places among `count` values, None elsewhere."""
    spread: list[Any] = [None] * count
    for at, gradient in zip(places, gradients, strict=True):
        spread[at] = gradient
    return tuple(spread)


class HookMethods:
    """The part of Module that registers hooks."""

    _hooks: Hooks | None = None

    def _own_hooks(self) -> Hooks:
        if self._hooks is None:
            self._hooks = Hooks()
        return self._hooks

    # PyTorch's own names for the registered hooks, which scripts use though they are private.

    @property
    def _forward_pre_hooks(self) -> HookFunctions:
        return ForwardHookFunctions(self._own_hooks().forward_pre)

    @_forward_pre_hooks.setter
    def _forward_pre_hooks(self, hooks: Mapping[int, Any]) -> None:
        _replace(self._forward_pre_hooks, hooks)

    @property
    def _forward_hooks(self) -> HookFunctions:
        return ForwardHookFunctions(self._own_hooks().forward)

    @_forward_hooks.setter
    def _forward_hooks(self, hooks: Mapping[int, Any]) -> None:
        _replace(self._forward_hooks, hooks)

    @property
    def _backward_hooks(self) -> HookFunctions:
        return HookFunctions(self._own_hooks().backward)

    @_backward_hooks.setter
    def _backward_hooks(self, hooks: Mapping[int, Any]) -> None:
        _replace(self._backward_hooks, hooks)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> Handle:
        """Call ``hook(module, args)`` before forward; it may return other args.

        With `with_kwargs` it is ``hook(module, args, kwargs)`` and may return ``(args, kwargs)``.
        The handle's ``remove()`` takes it away.
        Source: ``torch.nn.Module.register_forward_pre_hook``.
        """
        return register(self._own_hooks().forward_pre, ForwardHook(hook, with_kwargs), prepend)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> Handle:
        """Call ``hook(module, args, output)`` after forward; it may return another output.

        With `with_kwargs` it is ``hook(module, args, kwargs, output)``; with `always_call` it is
        called also where forward raised. Source: ``torch.nn.Module.register_forward_hook``.
        """
        entry = ForwardHook(hook, with_kwargs, always_call)
        return register(self._own_hooks().forward, entry, prepend)

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(module, grad_output)`` before the module's backward; it may return another.

        Source: ``torch.nn.Module.register_full_backward_pre_hook``.
        """
        return register(self._own_hooks().backward_pre, hook, prepend)

    def register_full_backward_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(module, grad_input, grad_output)`` after the module's backward.

        Both are tuples, one gradient for each positional input and each output, None where there
        is none; it may return another grad_input.
        Source: ``torch.nn.Module.register_full_backward_hook``.
        """
        return register(self._own_hooks().backward, hook, prepend)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, prefix, keep_vars)`` before ``state_dict``."""
        return register(self._own_hooks().state_dict_pre, hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, state_dict, prefix, local_metadata)`` after ``state_dict``."""
        return register(self._own_hooks().state_dict_post, hook)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, state_dict, prefix, local_metadata, strict, missing_keys,
        unexpected_keys, error_msgs)`` before the module's own state is loaded; it may change them.
        """
        return register(self._own_hooks().load_pre, hook)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may change their lists."""
        return register(self._own_hooks().load_post, hook)
