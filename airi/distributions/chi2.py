"""Chi2: the sum of squares of normal numbers."""

from __future__ import annotations

from airi.distributions import constraints
from airi.distributions.gamma import Gamma
from airi.tensor import Tensor

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of `df` squared standard normal numbers: ``Gamma(df / 2, 1 / 2)``.

    Source: ``torch.distributions.Chi2``.
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Tensor | float, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args)

    @property
    def df(self) -> Tensor:
        return self.concentration * 2
