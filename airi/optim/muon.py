"""Muon: momentum for matrices, whose steps are as long in every direction."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi.optim.optimizer import Params
from airi.optim.passes import scale_add
from airi.optim.per_parameter import (
    PerParameterOptimizer,
    arrays_of,
    check_not_negative,
    in_float32,
    like,
    refuse_complex,
)
from airi.tensor import Tensor

_ADJUSTMENTS = (None, "original", "match_rms_adamw")


class Muon(PerParameterOptimizer):
    """Muon: momentum, orthogonalized by Newton-Schulz iterations; for matrices only.

    With G the gradient of a parameter P of n rows and m columns::

        B = momentum * B + (1 - momentum) * G
        U = (1 - momentum) * G + momentum * B         (nesterov; else U = B)
        X = U / |U|, then `ns_steps` times  X = a * X + b * (X X') X + c * (X X')**2 X
        P = (1 - lr * weight_decay) * P - lr * s * X

    with ``a, b, c = ns_coefficients``. The iterations drive all singular values of X to about 1;
    they are computed in bfloat16's precision. s is ``sqrt(max(1, n / m))``, or
    ``0.2 * sqrt(max(n, m))`` for ``adjust_lr_fn="match_rms_adamw"``, which suits learning rates
    of AdamW. Biases, embeddings and the like are for another optimizer. Raises ValueError for
    options out of range and for parameters that are no matrices. State: ``momentum_buffer``.
    Example: ``optim.Muon([layer.weight], lr=0.02)``.
    Source: Jordan et al., Muon: An optimizer for hidden layers in neural networks (2024); Liu et
    al., Muon is Scalable for LLM Training (2025); ``torch.optim.Muon``.
    """

    def __init__(
        self,
        params: Params,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def _check_group(self, group: dict[str, Any]) -> None:
        check_not_negative("Muon", group, "lr", "weight_decay", "momentum")
        if group["adjust_lr_fn"] not in _ADJUSTMENTS:
            raise ValueError(
                f"Muon: adjust_lr_fn must be one of {_ADJUSTMENTS}, got {group['adjust_lr_fn']!r}"
            )
        if len(group["ns_coefficients"]) != 3:
            raise ValueError(
                f"Muon: ns_coefficients must be three numbers, got {group['ns_coefficients']!r}"
            )
        if not group["ns_steps"] < 100:
            raise ValueError(f"Muon: ns_steps must be below 100, got {group['ns_steps']!r}")
        for at, param in enumerate(group["params"]):
            if param.ndim != 2:
                raise ValueError(
                    f"Muon: params must be matrices, but number {at} has shape "
                    f"{tuple(param.shape)}; give it to another optimizer"
                )

    def _update(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = like(param)
        refuse_complex("Muon", param)
        with in_float32(arrays_of(param, grad, state["momentum_buffer"])) as (p, g, b):
            self._step(p, g, b, group)

    def _step(self, p: np.ndarray, g: np.ndarray, b: np.ndarray, group: dict[str, Any]) -> None:
        lr, momentum = float(group["lr"]), float(group["momentum"])
        scale_add(b, momentum, g, 1 - momentum)
        update = b
        if group["nesterov"]:
            update = b.copy()
            scale_add(update, momentum, g, 1 - momentum)
        x = _orthogonalized(
            update, group["ns_coefficients"], int(group["ns_steps"]), float(group["eps"])
        )
        rows, columns = p.shape
        size = math.sqrt(max(1.0, rows / max(columns, 1)))
        if group["adjust_lr_fn"] == "match_rms_adamw":
            size = 0.2 * math.sqrt(max(rows, columns))
        p *= 1 - lr * float(group["weight_decay"])
        scale_add(p, 1, x.astype(p.dtype, copy=False), -lr * size)


def _orthogonalized(
    matrix: np.ndarray, coefficients: tuple[float, float, float], steps: int, eps: float
) -> np.ndarray:
    """A matrix with the singular vectors of `matrix` and singular values of about 1."""
    a, b, c = coefficients
    upright = matrix.shape[0] > matrix.shape[1]
    x = _bfloat16(matrix.T if upright else matrix)
    x = _bfloat16(x / max(float(_bfloat16(np.linalg.norm(x))), eps))
    for _ in range(steps):
        gram = _bfloat16(x @ x.T)
        polynomial = _bfloat16(b * gram + c * (gram @ gram))
        x = _bfloat16(a * x + polynomial @ x)
    return x.T if upright else x


def _bfloat16(x: Any) -> np.ndarray:
    """float32 numbers rounded to the 8 significant bits of bfloat16, halves to even."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    rounded = bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))
    return (rounded & np.uint32(0xFFFF0000)).view(np.float32)
