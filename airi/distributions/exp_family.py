"""ExponentialFamily, where PyTorch has it."""

from airi.distributions.distribution import ExponentialFamily

__all__ = ["ExponentialFamily"]
