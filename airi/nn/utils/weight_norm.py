"""Weight norm as PyTorch had it first: two parameters ``weight_g`` and ``weight_v``.

Source: ``torch.nn.utils.weight_norm``.
"""

from __future__ import annotations

from typing import Any

from airi.nn.module import Module
from airi.nn.parameter import Parameter
from airi.nn.utils.parametrizations import norm_except


class WeightNorm:
    """The hook that computes ``module.name`` from ``name_g`` and ``name_v`` before each call."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except(v, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def _hooks(module: Module) -> Any:
    return module._hooks.forward_pre if module._hooks is not None else {}


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """weight = weight_g * weight_v / ||weight_v||, computed before each call.

    ``parametrizations.weight_norm`` is the newer form of it. Raises RuntimeError where it is there
    already. Example: ``weight_norm(nn.Linear(20, 40))``. Source: Salimans & Kingma 2016, "Weight
    normalization"; ``torch.nn.utils.weight_norm``.
    """
    for hook in _hooks(module).values():
        if isinstance(hook.function, WeightNorm) and hook.function.name == name:
            raise RuntimeError(f"weight_norm: {name!r} of the module has weight norm already")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except(weight, hook.dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module, None)
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again. ValueError where it has no weight norm.

    Source: ``torch.nn.utils.remove_weight_norm``.
    """
    for key, hook in _hooks(module).items():
        made = hook.function
        if isinstance(made, WeightNorm) and made.name == name:
            weight = made.compute_weight(module)
            delattr(module, name)
            del module._parameters[f"{name}_g"], module._parameters[f"{name}_v"]
            setattr(module, name, Parameter(weight.detach()))
            del _hooks(module)[key]
            return module
    raise ValueError(f"remove_weight_norm: {name!r} of {type(module).__name__} has no weight norm")
