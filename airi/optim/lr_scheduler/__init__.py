"""Schedules of the learning rate. Source: ``torch.optim.lr_scheduler``.

The loop of a training run with one::

    scheduler = StepLR(optimizer, step_size=10)
    for epoch in range(30):
        train(...)            # calls optimizer.step()
        scheduler.step()
"""

from airi.compat.names import refusing
from airi.optim.lr_scheduler.annealing import CosineAnnealingLR, CosineAnnealingWarmRestarts
from airi.optim.lr_scheduler.base import LRScheduler, _LRScheduler
from airi.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from airi.optim.lr_scheduler.cycles import CyclicLR, OneCycleLR
from airi.optim.lr_scheduler.factors import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from airi.optim.lr_scheduler.plateau import ReduceLROnPlateau

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "_LRScheduler",
]

__getattr__ = refusing("airi.optim.lr_scheduler", "torch.optim.lr_scheduler", __all__)
