"""Pruning: parameters parts of which are kept at zero by a mask. Source: ``torch.nn.utils.prune``.

A pruned parameter ``weight`` is computed before each call as ``weight_orig * weight_mask``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from airi.nn.module import Module
from airi.ops.creation import ones_like
from airi.ops.joining import cat
from airi.ops.random import rand, rand_like
from airi.tensor import Tensor

Amount = int | float


class BasePruningMethod(ABC):
    """A way to choose what is pruned; a subclass says it in ``compute_mask``.

    `PRUNING_TYPE` is what is chosen among: "unstructured" (elements not yet pruned), "structured"
    (slices) or "global" (elements of several tensors).
    """

    _tensor_name: str
    PRUNING_TYPE: str = "unstructured"

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of `t`: 0 where it is pruned, within those of `default_mask`."""

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter times its mask."""
        original = getattr(module, f"{self._tensor_name}_orig")
        mask = getattr(module, f"{self._tensor_name}_mask")
        return mask.to(original.dtype) * original

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """`t` with its pruned parts set to zero, without a module."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise ValueError("prune: importance_scores must have the shape of the tensor")
        mask = ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, mask)

    @classmethod
    def apply(
        cls,
        module: Module,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> BasePruningMethod:
        """Prune a parameter of a module, also one that is pruned already."""
        method = cls(*args, **kwargs)
        method._tensor_name = name
        before = None
        for key, each in _hooks(module).items():
            if isinstance(each.function, BasePruningMethod) and each.function._tensor_name == name:
                before = each.function
                del _hooks(module)[key]
                break
        combined: BasePruningMethod = method
        if before is not None:
            container = before
            if not isinstance(container, PruningContainer):
                container = PruningContainer(before)
            container.add_pruning_method(method)
            combined = container
        original = getattr(module, name if before is None else f"{name}_orig")
        scores = original if importance_scores is None else importance_scores
        if scores.shape != original.shape:
            raise ValueError("prune: importance_scores must have the shape of the parameter")
        if before is None:
            del module._parameters[name]
            module.register_parameter(f"{name}_orig", original)
            default = ones_like(original.detach())
        else:
            default = getattr(module, f"{name}_mask").detach().clone()
        mask = combined.compute_mask(scores.detach(), default)
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, combined.apply_mask(module))
        module.register_forward_pre_hook(combined)
        return combined

    def remove(self, module: Module) -> None:
        """Make the pruned values the parameter itself; the caller takes the hook away."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        delattr(module, name)
        original = module._parameters[f"{name}_orig"]
        assert original is not None
        original.data = weight.detach()
        del module._parameters[f"{name}_orig"], module._buffers[f"{name}_mask"]
        module.register_parameter(name, original)


def _hooks(module: Module) -> Any:
    return module._hooks.forward_pre if module._hooks is not None else {}


class PruningContainer(BasePruningMethod):
    """Several prunings of one parameter, one after the other."""

    PRUNING_TYPE = "global"

    def __init__(self, *args: Any) -> None:
        methods = list(args[0]) if len(args) == 1 and isinstance(args[0], Iterable) else list(args)
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if methods:
            self._tensor_name = methods[0]._tensor_name
        for each in methods:
            self.add_pruning_method(each)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add one for the same parameter; TypeError or ValueError for anything else."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method).__name__} is no BasePruningMethod")
        if method._tensor_name != self._tensor_name:
            raise ValueError(
                f"a pruning of {method._tensor_name!r} cannot be added to those of "
                f"{self._tensor_name!r}"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: int) -> BasePruningMethod:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with what the last method prunes of that which was left."""
        method = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype)
        if method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim  # type: ignore[attr-defined]
            others = [each for each in range(t.ndim) if each != dim]
            part: Any = (slice(None),) * dim + (mask.sum(others) != 0,)
        elif method.PRUNING_TYPE == "unstructured":
            part = mask == 1
        else:
            part = slice(None)
        mask = mask.clone()
        mask[part] = method.compute_mask(t[part], default_mask=mask[part]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class RandomUnstructured(BasePruningMethod):
    """Prunes `amount` elements (an int, or a fraction of them) at random."""

    def __init__(self, amount: Amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        # The largest draws go, as in PyTorch: one seed prunes the same elements in both.
        return _without_smallest(-rand_like(t).reshape(-1), self.amount, default_mask)


class L1Unstructured(BasePruningMethod):
    """Prunes the `amount` elements (an int, or a fraction of them) of smallest absolute value."""

    def __init__(self, amount: Amount) -> None:
        _check_amount(amount)
        self.amount = amount

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return _without_smallest(t.abs().reshape(-1), self.amount, default_mask)


class _Structured(BasePruningMethod):
    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def slices(self, t: Tensor, default_mask: Tensor, importance: Tensor) -> Tensor:
        """The mask without the least important slices along `dim`."""
        count = _count(self.amount, t.shape[self.dim])
        mask = default_mask.clone()
        dropped = importance.argsort()[:count]
        mask[(slice(None),) * (self.dim % t.ndim) + (dropped,)] = 0
        return mask


class RandomStructured(_Structured):
    """Prunes `amount` slices along `dim` at random."""

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return self.slices(t, default_mask, rand(t.shape[self.dim]))


class LnStructured(_Structured):
    """Prunes the `amount` slices along `dim` of the smallest n-norm."""

    def __init__(self, amount: Amount, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        others = [each for each in range(t.ndim) if each != self.dim % t.ndim]
        return self.slices(t, default_mask, t.norm(self.n, others))


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask * self.mask.to(default_mask.dtype)


def _check_amount(amount: Any) -> None:
    if isinstance(amount, bool) or not isinstance(amount, (int, float)):
        raise TypeError(f"prune: amount must be a number, got {type(amount).__name__}")
    if amount < 0 or (isinstance(amount, float) and amount > 1):
        raise ValueError(
            f"prune: amount must be an int that is not negative or a fraction, got {amount}"
        )


def _count(amount: Amount, size: int) -> int:
    count = round(amount * size) if isinstance(amount, float) else amount
    if count > size:
        raise ValueError(f"prune: amount={amount} is more than the {size} that there are")
    return count


def _without_smallest(importance: Tensor, amount: Amount, default_mask: Tensor) -> Tensor:
    mask = default_mask.clone()
    dropped = importance.argsort()[: _count(amount, importance.numel())]
    mask.view(-1)[dropped] = 0
    return mask


def identity(module: Module, name: str) -> Module:
    """Make a mask that prunes nothing."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: Amount) -> Module:
    """Prune elements at random. Example: ``random_unstructured(linear, "weight", amount=0.3)``."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: Amount, importance_scores: Tensor | None = None
) -> Module:
    """Prune the elements of smallest absolute value (or score)."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: Amount, dim: int) -> Module:
    """Prune slices along `dim` at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: Amount,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune the slices along `dim` of smallest n-norm."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: Mapping[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune the least important elements of several parameters together.

    Example: ``global_unstructured([(a, "weight"), (b, "weight")], L1Unstructured, amount=0.2)``.
    """
    chosen = list(parameters)
    given = importance_scores or {}
    scores = [given.get((m, name), getattr(m, name)).detach().reshape(-1) for m, name in chosen]
    masks = [
        getattr(m, f"{name}_mask", ones_like(getattr(m, name).detach())).reshape(-1)
        for m, name in chosen
    ]
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError("global_unstructured: the pruning method must be unstructured")
    container = PruningContainer()
    container._tensor_name = method._tensor_name = "temp"
    container.add_pruning_method(method)
    mask = container.compute_mask(cat(scores), cat(masks))
    start = 0
    for (module, name), part in zip(chosen, scores):
        own = mask[start : start + part.numel()].reshape(getattr(module, name).shape)
        custom_from_mask(module, name, own)
        start += part.numel()


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune what `mask` has as 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: Module, name: str) -> Module:
    """Make the pruned values the parameter itself: it may grow again.

    Raises ValueError where the parameter is not pruned.
    """
    for key, each in _hooks(module).items():
        method = each.function
        if isinstance(method, BasePruningMethod) and method._tensor_name == name:
            method.remove(module)
            del _hooks(module)[key]
            return module
    raise ValueError(f"remove: {name!r} of {type(module).__name__} is not pruned")


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module or of one below it is pruned."""
    return any(
        isinstance(each.function, BasePruningMethod)
        for below in module.modules()
        for each in _hooks(below).values()
    )
