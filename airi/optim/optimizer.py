"""Optimizer: the base of all optimizers, with its parameter groups, state and hooks."""

from __future__ import annotations

import copy
import functools
import itertools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airi.autograd.graph import Handle
from airi.autograd.mode import current, observing
from airi.tensor import Tensor

Params = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]
Closure = Callable[[], Any]
StateDict = dict[str, Any]


class _Required:
    def __repr__(self) -> str:
        return "<required parameter>"


required: Any = _Required()  # as a default: every parameter group must give this option itself

# The states of PyTorch's optimizers that are one number for the whole parameter. They keep their
# own dtype when loaded, so that a run that is resumed is as if it had not been broken.
SCALARS = ("step", "eta", "mu", "mu_product")

_HOOKS = (
    "_step_pre_hooks",
    "_step_post_hooks",
    "_state_dict_pre_hooks",
    "_state_dict_post_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class Optimizer:
    """Base class of optimizers: holds parameters and changes them in ``step()``.

    `params` is an iterable of leaf tensors, of ``(name, tensor)`` pairs, or of dicts that each
    hold ``"params"`` and the options in which that group differs from `defaults`. Raises TypeError
    for what is no Tensor and ValueError for no parameters, one given twice, or one that is no leaf.

    A subclass defines ``step``; ``self.state[p]`` is a dict of whatever it remembers of p::

        class Descent(Optimizer):
            def __init__(self, params, lr=0.1):
                super().__init__(params, {"lr": lr})

            @airi.no_grad()
            def step(self, closure=None):
                for group in self.param_groups:
                    for p in group["params"]:
                        p.add_(p.grad, alpha=-group["lr"])

    Source: ``torch.optim.Optimizer``.
    """

    state: defaultdict[Any, Any]
    param_groups: list[dict[str, Any]]
    defaults: dict[str, Any]

    _step_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _step_post_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _load_state_dict_post_hooks: OrderedDict[int, Callable[..., Any]]

    _stepped: bool = False  # whether step() was ever called; learning-rate schedulers ask

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.step)  # type: ignore[method-assign]  # on purpose

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        name = type(self).__name__
        if isinstance(params, Tensor):
            raise TypeError(
                f"{name}: params must be an iterable of Tensors or dicts, got a Tensor; "
                "put it into a list"
            )
        if not isinstance(params, Iterable):
            hint = "; pass its parameters()" if hasattr(params, "parameters") else ""
            raise TypeError(
                f"{name}: params must be an iterable of Tensors or dicts, got "
                f"{type(params).__name__}{hint}"
            )
        self._make_hooks()
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(f"{name}: params is empty; there is nothing to optimize")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        for hooks in _HOOKS:
            setattr(self, hooks, OrderedDict())

    # -- parameter groups -------------------------------------------------------------------------

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Optimize the parameters ``param_group["params"]`` too, with the group's own options.

        Options that the dict does not name are the optimizer's defaults. Errors as of the class.
        Example: ``optimizer.add_param_group({"params": head.parameters(), "lr": 0.01})``.
        Source: ``torch.optim.Optimizer.add_param_group``.
        """
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(
                f"{name}: a parameter group must be a dict, got {type(param_group).__name__}"
            )
        if "params" not in param_group:
            raise ValueError(
                f"{name}: a parameter group needs the key 'params'; it has {list(param_group)}"
            )
        param_group["params"], names = self._listed(param_group["params"])
        if names:
            param_group["param_names"] = names
        for option, default in self.defaults.items():
            if default is required and option not in param_group:
                raise ValueError(f"{name}: a parameter group must give the option {option!r}")
            param_group.setdefault(option, default)
        self._refuse_mixed(param_group)
        self._check_group(param_group)
        self.param_groups.append(param_group)

    def _listed(self, params: Any) -> tuple[list[Tensor], list[str]]:
        """The parameters of a group as a list, and their names where they have any."""
        optimizer = type(self).__name__
        if isinstance(params, set | frozenset):
            raise TypeError(
                f"{optimizer}: params must have an order that is the same in every run, "
                "which a set has not; pass a list"
            )
        listed = [params] if isinstance(params, Tensor) else list(params)
        names = [each[0] for each in listed if isinstance(each, tuple)]
        if names and len(names) != len(listed):
            raise ValueError(f"{optimizer}: either all parameters come with a name, or none does")
        tensors = [each[1] for each in listed] if names else listed
        for at, each in enumerate(tensors):
            if not isinstance(each, Tensor):
                raise TypeError(
                    f"{optimizer}: params must be Tensors, but number {at} is a "
                    f"{type(each).__name__}"
                )
            if not (each.is_leaf or each.retains_grad):
                raise ValueError(
                    f"{optimizer}: only leaf tensors can be optimized, but number {at}, of shape "
                    f"{tuple(each.shape)}, was computed by {each.grad_fn}; pass the tensor it was "
                    "computed from, or detach() it"
                )
        return tensors, names

    def _refuse_mixed(self, new: dict[str, Any]) -> None:
        """Refuse a parameter that is there already, and a group with names beside one without."""
        name = type(self).__name__
        seen = {id(each) for group in self.param_groups for each in group["params"]}
        for at, each in enumerate(new["params"]):
            if id(each) in seen:
                raise ValueError(
                    f"{name}: a parameter is given twice: number {at} of group "
                    f"{len(self.param_groups)}, of shape {tuple(each.shape)}"
                )
            seen.add(id(each))
        if any(("param_names" in group) != ("param_names" in new) for group in self.param_groups):
            raise ValueError(f"{name}: either all parameter groups come with names, or none does")

    def _check_group(self, group: dict[str, Any]) -> None:
        """Raise for options of a group that make no sense; subclasses say which."""

    # -- steps ------------------------------------------------------------------------------------

    def step(self, closure: Closure | None = None) -> Any:
        """Change the parameters by their gradients; subclasses define how.

        `closure`, where given, computes the loss and its gradients anew and returns the loss, which
        step then returns.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define step()")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or with ``set_to_none=False`` fill them with 0.

        Source: ``torch.optim.Optimizer.zero_grad``.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p.grad is None:
                    p.grad = None
                else:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    # -- state dicts ------------------------------------------------------------------------------

    def state_dict(self) -> StateDict:
        """State and options as plain data, with a number in the place of each parameter.

        Returns ``{"state": {number: {...}}, "param_groups": [{..., "params": [number, ...]}]}``;
        tensors of the state are not copied. Source: ``torch.optim.Optimizer.state_dict``.
        """
        for pre_hook in self._state_dict_pre_hooks.values():
            pre_hook(self)
        every = itertools.chain.from_iterable(group["params"] for group in self.param_groups)
        number = {id(p): at for at, p in enumerate(every)}
        groups = [
            {
                **{key: value for key, value in group.items() if key != "params"},
                "params": [number[id(p)] for p in group["params"]],
            }
            for group in self.param_groups
        ]
        state = {
            number[id(key)] if isinstance(key, Tensor) else key: value
            for key, value in self.state.items()
        }
        result: StateDict = {"state": state, "param_groups": groups}
        for post_hook in self._state_dict_post_hooks.values():
            changed = post_hook(self, result)
            result = result if changed is None else changed
        return result

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Take over state and options from what `state_dict` returned. Values are copied.

        Raises ValueError for what is no such dict, and where the number of groups, or of
        parameters in one, differs. Source: ``torch.optim.Optimizer.load_state_dict``.
        """
        if isinstance(state_dict, Mapping):  # a copy that hooks may change
            state_dict = dict(state_dict)
        for pre_hook in self._load_state_dict_pre_hooks.values():
            changed = pre_hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        self._refuse_what_is_no_state_dict(state_dict)
        groups = [dict(copy.deepcopy(group)) for group in state_dict["param_groups"]]
        self._refuse_other_groups(groups)
        by_number: dict[Any, Tensor] = {}
        for ours, theirs in zip(self.param_groups, groups):
            by_number.update(zip(theirs["params"], ours["params"]))
            theirs["params"] = ours["params"]
            for option, default in self.defaults.items():  # which an older version did not have
                theirs.setdefault(option, default)
            if "param_names" in ours:
                theirs.setdefault("param_names", ours["param_names"])
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            param = by_number.get(key)
            state[key if param is None else param] = _copied(value, param)
        self.__setstate__({"state": state, "param_groups": groups})
        for post_hook in self._load_state_dict_post_hooks.values():
            post_hook(self)

    def _refuse_what_is_no_state_dict(self, state_dict: Any) -> None:
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= set(state_dict):
            keys = f" of {list(state_dict)[:5]}" if isinstance(state_dict, Mapping) else ""
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: expected the state_dict() of an "
                "optimizer, a dict of 'state' and 'param_groups'; got "
                f"{type(state_dict).__name__}{keys}"
            )

    def _refuse_other_groups(self, groups: list[dict[str, Any]]) -> None:
        ours = [len(group["params"]) for group in self.param_groups]
        theirs = [len(group["params"]) for group in groups]
        if ours != theirs:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: the state is of an optimizer with "
                f"{len(theirs)} parameter group(s) of {theirs} parameters; this one has "
                f"{len(ours)} of {ours}"
            )

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._make_hooks()

    # -- hooks ------------------------------------------------------------------------------------

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` before each step.

        `args` starts with the optimizer; the hook may return other ``(args, kwargs)``. The handle's
        ``remove()`` takes the hook away. Source: ``torch.optim.Optimizer.register_step_pre_hook``.
        """
        return Handle(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return Handle(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer)`` before `state_dict`; with `prepend`, before other hooks."""
        return _registered(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer, state_dict)`` after `state_dict`; it may return another dict."""
        return _registered(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer, state_dict)`` before loading; it may return another dict."""
        return _registered(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> Handle:
        """Call ``hook(optimizer)`` after loading."""
        return _registered(self._load_state_dict_post_hooks, hook, prepend)

    def __repr__(self) -> str:
        text = f"{type(self).__name__} ("
        for at, group in enumerate(self.param_groups):
            text += f"\nParameter Group {at}\n"
            for key in sorted(group):
                if key != "params":
                    text += f"    {key}: {group[key]}\n"
        return text + ")"


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` between the hooks of the optimizer it is called on."""

    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not hooked:  # through super(): the hooks belong to the outer call
            return step(self, *args, **kwargs)
        self._stepped = True
        if not hasattr(self, "_step_pre_hooks"):
            self._make_hooks()  # a wrapper of another optimizer may never have called __init__
        if not self._step_pre_hooks and not self._step_post_hooks and not observing:
            return step(self, *args, **kwargs)
        args = (self, *args)
        for pre_hook in self._step_pre_hooks.values():
            changed = pre_hook(self, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(
                    f"{type(self).__name__}.step: a pre-hook must return None or (args, kwargs), "
                    f"got {changed!r}"
                )
            args, kwargs = changed
        observers = current().observers
        for observer in observers:
            observer.steps(self)
        result = step(*args, **kwargs)
        for observer in observers:
            observer.stepped(self)
        for post_hook in self._step_post_hooks.values():
            post_hook(self, args, kwargs)
        return result

    return hooked


def _registered(hooks: OrderedDict[int, Any], hook: Any, prepend: bool) -> Handle:
    handle = Handle(hooks, hook)
    hooks.move_to_end(handle.id, last=not prepend)
    return handle


def _copied(value: Any, param: Tensor | None, key: str | None = None) -> Any:
    """A copy of a loaded state; what belongs to a parameter takes its dtype, but for scalars."""
    if isinstance(value, Tensor):
        value = value.detach().clone()
        if param is not None and key not in SCALARS and param.dtype.is_floating_point:
            return value.to(param.dtype)
        return value
    if isinstance(value, dict):
        return {name: _copied(each, param, name) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)([_copied(each, param) for each in value])
    return copy.deepcopy(value)
