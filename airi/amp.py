"""Mixed precision: `autocast` and `GradScaler`.

autocast permits a lower precision where that is faster. On a CPU under NumPy it never is, so airi
computes every op in the dtype of its tensors: more exactly than was asked for, not less.
Source: ``torch.amp``.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from airi.autograd.mode import no_grad

__all__ = [
    "GradScaler",
    "autocast",
    "custom_bwd",
    "custom_fwd",
    "is_autocast_available",
    "is_autocast_enabled",
]

_DEVICES = ("cpu", "cuda", "mps", "xpu")


class autocast(contextlib.ContextDecorator):
    """``with autocast("cpu", dtype=airi.bfloat16):`` computes as ever, see above.

    Raises RuntimeError for a device type that PyTorch does not know. Source: ``torch.autocast``.
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            kind = type(device_type).__name__
            raise ValueError(f"autocast: device_type must be a str, got {kind}")
        if device_type not in _DEVICES:
            raise RuntimeError(f"autocast: device_type {device_type!r} is not one of {_DEVICES}")

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exc: object) -> None:
        return None


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast changes the precision on that device: False.

    Source: ``torch.amp.is_autocast_available``.
    """
    return False


def is_autocast_enabled(device_type: str = "cpu") -> bool:
    """Whether ops compute in a lower precision: False. Source: ``torch.is_autocast_enabled``."""
    return False


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str = "cpu", cast_inputs: Any = None
) -> Callable[..., Any]:
    """Decorator of a Function's forward: the function itself, as no op is cast.

    Source: ``torch.amp.custom_fwd``.
    """
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(
    bwd: Callable[..., Any] | None = None, *, device_type: str = "cpu"
) -> Callable[..., Any]:
    """Decorator of a Function's backward: the function itself. Source: ``torch.amp.custom_bwd``."""
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)
    return bwd


class GradScaler:
    """Scales a loss up, so that small gradients do not vanish in float16, and gradients down again.

    A step whose gradients overflowed is left out, and the scale halved; after `growth_interval`
    steps without it doubles. With ``device="cuda"``, PyTorch's default, it is disabled, as there is
    no GPU: ``scale`` returns its argument and ``step`` just steps. Example::

        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()

    Source: ``torch.amp.GradScaler``; P. Micikevicius et al., "Mixed precision training" (2018).
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if growth_factor <= 1.0:
            raise ValueError(f"GradScaler: growth_factor must be above 1, got {growth_factor}")
        if not 0 < backoff_factor < 1.0:
            raise ValueError(f"GradScaler: backoff_factor must be below 1, got {backoff_factor}")
        self._enabled = enabled and device != "cuda"
        self._scale = float(init_scale)
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        self._overflowed: dict[
            int, bool
        ] = {}  # by optimizer, of those whose gradients are unscaled
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """The tensor, or each of a list or tuple of them, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, (tuple, list)):
            return type(outputs)(self.scale(each) for each in outputs)
        return outputs * self._scale

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of the optimizer's parameters by the scale, to clip them, say.

        Raises RuntimeError when called twice between two updates.
        """
        if not self._enabled:
            return
        if id(optimizer) in self._overflowed:
            raise RuntimeError(
                "unscale_: already called for this optimizer since the last update()"
            )
        overflowed = False
        with no_grad():
            for group in optimizer.param_groups:
                for each in group["params"]:
                    if each.grad is not None:
                        each.grad.mul_(1.0 / self._scale)
                        overflowed |= not np.isfinite(each.grad._array).all()
        self._overflowed[id(optimizer)] = bool(overflowed)

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step()`` with unscaled gradients, unless one of them is inf or NaN.

        Returns what the optimizer does, None where the step was left out. Raises RuntimeError for a
        closure, and when called twice between two updates.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if args or "closure" in kwargs:
            raise RuntimeError("step: a closure is not supported with a GradScaler")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step: already called for this optimizer since the last update()")
        if id(optimizer) not in self._overflowed:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return None if self._overflowed[id(optimizer)] else optimizer.step(**kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Adapt the scale to what happened since the last update, or set it."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif any(self._overflowed.values()):
            self._scale *= self._backoff_factor
            self._growth_tracker = 0
        elif not self._overflowed:
            raise RuntimeError("update: no gradients were unscaled since the last update()")
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                self._scale *= self._growth_factor
                self._growth_tracker = 0
        self._overflowed, self._stepped = {}, set()

    def get_scale(self) -> float:
        """The scale; 1 if disabled."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self) -> bool:
        """Whether it scales."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` needs to go on; empty if disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state; RuntimeError for the empty one of a disabled scaler."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError("load_state_dict: the state is of a disabled GradScaler")
        self._scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]
