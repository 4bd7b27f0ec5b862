"""Spectral norm as PyTorch had it first: ``weight_orig``, buffers ``weight_u`` and ``weight_v``.

Source: ``torch.nn.utils.spectral_norm``.
"""

from __future__ import annotations

from typing import Any

from airi.autograd.mode import no_grad
from airi.nn import functional as F
from airi.nn.module import Module
from airi.nn.parameter import Parameter
from airi.nn.utils.parametrizations import output_dim
from airi.ops.creation import empty
from airi.tensor import Tensor


class SpectralNorm:
    """The hook that computes ``module.name`` from ``name_orig`` before each call."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}"
            )
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix with a row for each output."""
        if self.dim:
            others = [each for each in range(weight.ndim) if each != self.dim]
            weight = weight.permute(self.dim, *others)
        return weight.reshape(weight.shape[0], -1)

    def compute_weight(self, module: Module, iterate: bool) -> Tensor:
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = self.matrix(weight)
        if iterate:
            with no_grad():
                fixed = matrix.detach()
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(fixed.T.mv(u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(fixed.mv(v), dim=0, eps=self.eps))
            u, v = u.clone(), v.clone()  # the buffers change before backward needs them
        return weight / u.dot(matrix.mv(v))

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, iterate=module.training))


def _hooks(module: Module) -> Any:
    return module._hooks.forward_pre if module._hooks is not None else {}


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """weight = weight_orig / its largest singular value, computed before each call.

    ``parametrizations.spectral_norm`` is the newer form of it. Raises RuntimeError where it is
    there already. Example: ``spectral_norm(nn.Linear(20, 40))``. Source: Miyato et al. 2018,
    "Spectral normalization for generative adversarial networks"; ``torch.nn.utils.spectral_norm``.
    """
    for each in _hooks(module).values():
        if isinstance(each.function, SpectralNorm) and each.function.name == name:
            raise RuntimeError(f"spectral_norm: {name!r} of the module has spectral norm already")
    hook = SpectralNorm(name, n_power_iterations, output_dim(module) if dim is None else dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"spectral_norm: {name!r} of {type(module).__name__} is None")
    rows, columns = hook.matrix(weight.detach()).shape
    del module._parameters[name]
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.detach())
    for suffix, size in (("u", rows), ("v", columns)):
        start = empty(size, dtype=weight.dtype).normal_(0, 1)
        module.register_buffer(f"{name}_{suffix}", F.normalize(start, dim=0, eps=eps))
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make the weight an ordinary parameter again. ValueError where it has no spectral norm.

    Source: ``torch.nn.utils.remove_spectral_norm``.
    """
    for key, hook in _hooks(module).items():
        made = hook.function
        if isinstance(made, SpectralNorm) and made.name == name:
            with no_grad():
                weight = made.compute_weight(module, iterate=False)
            delattr(module, name)
            delattr(module, f"{name}_u")
            delattr(module, f"{name}_v")
            delattr(module, f"{name}_orig")
            module.register_parameter(name, Parameter(weight.detach()))
            del _hooks(module)[key]
            return module
    raise ValueError(
        f"remove_spectral_norm: {name!r} of {type(module).__name__} has no spectral norm"
    )
