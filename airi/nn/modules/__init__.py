"""The modules under the names of PyTorch's files, for scripts that import from these.

``airi.nn.modules.batchnorm`` is `airi.nn.normalization`, and so on: the same module under another
name, not a copy. Source: ``torch.nn.modules``.
"""

from __future__ import annotations

import sys
from typing import Any

from airi.nn import (
    activation,
    adaptive,
    containers,
    conv,
    distance,
    dropout,
    fold,
    lazy,
    linear,
    loss,
    module,
    normalization,
    padding,
    pooling,
    recurrent,
    shape,
    sparse,
    transformer,
    upsampling,
)
from airi.nn.modules import utils as utils

_FILES = {
    "activation": activation,
    "adaptive": adaptive,
    "batchnorm": normalization,
    "channelshuffle": upsampling,
    "container": containers,
    "conv": conv,
    "distance": distance,
    "dropout": dropout,
    "flatten": shape,
    "fold": fold,
    "instancenorm": normalization,
    "lazy": lazy,
    "linear": linear,
    "loss": loss,
    "module": module,
    "normalization": normalization,
    "padding": padding,
    "pixelshuffle": upsampling,
    "pooling": pooling,
    "rnn": recurrent,
    "sparse": sparse,
    "transformer": transformer,
    "upsampling": upsampling,
}

for _name, _file in _FILES.items():
    sys.modules[f"{__name__}.{_name}"] = _file
    globals()[_name] = _file

__all__ = sorted([*_FILES, "utils"])


def __getattr__(name: str) -> Any:
    from airi import nn

    if name in nn.__all__:  # PyTorch has the layers here too
        return getattr(nn, name)
    from airi.compat.names import missing

    raise AttributeError(
        missing("airi.nn.modules", "torch.nn.modules", name, [*__all__, *nn.__all__]),
        name=name,
        obj=None,
    )
