"""Functions on the parameters of modules and their gradients. Source: ``torch.nn.utils``."""

from airi.compat.names import refusing
from airi.nn.utils import rnn
from airi.nn.utils.clip_grad import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from airi.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters

__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]

__getattr__ = refusing("airi.nn.utils", "torch.nn.utils", __all__)
