"""Functions that make functions: derivatives, and maps over a batch.

Functions of Tensors, or of tuples, lists and dicts of them, go in; what comes out can be given
to the next transform, to any depth. Derivatives by forward mode are made of two backward passes,
as `airi.autograd.transforms` explains.

Source: ``torch.func``.
"""

from airi.compat.names import refusing
from airi.func.batching import vmap
from airi.func.derivatives import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from airi.func.modules import functional_call, stack_module_state

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]

__getattr__ = refusing("airi.func", "torch.func", __all__)
