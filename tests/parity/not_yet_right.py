"""Ops of PyTorch's database that are not yet right, by name and with what differs.

The tests expect these to fail: one that is mended must be taken off its list.
"""

# Ops that airi has in no form.
LACKING = {
    "grid_sampler_2d": "grid_sample, with numbers for names",
    "grid_sampler_3d": "grid_sample, with numbers for names",
    "native_batch_norm": "batch_norm, with its statistics",
    "native_group_norm": "group_norm, with its statistics",
    "native_layer_norm": "layer_norm, with its statistics",
}

_COMPLEX = "complex numbers are refused"
_UNREAD = "PyTorch gives elements that are not read a gradient, airi gives them 0"

# Ops that give something else than PyTorch: values, dtypes, forms or gradients.
NOT_RIGHT = {
    "addbmm": "in place into a tensor of another shape, which PyTorch resizes",
    "addr": "bool is refused",
    "as_strided": "no form in place",
    "as_strided.partial_views": "no form in place",
    "as_strided_scatter": "PyTorch gives an overwritten number a gradient",
    "chalf": "NumPy has no complex numbers of 32 bits",
    "cholesky": "PyTorch's gradient of a complex matrix is not Hermitian for upper=True",
    "cholesky_inverse": _UNREAD,
    "cholesky_solve": _UNREAD,
    "geqrf": _COMPLEX,
    "histogramdd": "given edges are copied, in PyTorch they are returned",
    "linalg.cholesky": "as cholesky",
    "linalg.cholesky_ex": "as cholesky",
    "linalg.ldl_factor": _COMPLEX,
    "linalg.ldl_factor_ex": _COMPLEX,
    "linalg.ldl_solve": _COMPLEX,
    "linalg.norm.subgradients_at_zero": "PyTorch's second derivative is NaN at 0, airi's is 0",
    "logaddexp": _COMPLEX,
    "logcumsumexp": _COMPLEX,
    "logsumexp": _COMPLEX,
    "nn.functional.avg_pool3d": "means of integers are truncated twice",
    "nn.functional.batch_norm": "an empty input of one dimension is refused",
    "nn.functional.ctc_loss": "PyTorch's gradient is that of the logits behind log_softmax",
    "nn.functional.fractional_max_pool2d": "samples outside 0 to 1, of which PyTorch reads memory",
    "nn.functional.linear_cross_entropy.chunked": "no options",
    "nn.functional.linear_cross_entropy.chunked_none": "no options",
    "nn.functional.rms_norm": _COMPLEX,
    "nn.functional.silu.complex": _COMPLEX,
    "nn.functional.softsign": _COMPLEX,
    "sum_to_size": "of a bool PyTorch makes an int64",
}

_SHARED = "out= may share memory with an argument: it is written after all is computed"
_METHOD = "a method of Tensor called on a number, which Python refuses for methods in C"

# Ops that accept arguments which PyTorch refuses, or refuse them without a word about the function.
NOT_REFUSED = {
    "__rand__": _METHOD,
    "__rdiv__": _METHOD,
    "__ror__": _METHOD,
    "__rxor__": _METHOD,
    "aminmax": "out= of another dtype",
    "arange": "a step of 0.5 for an out= of integers",
    "bernoulli": _SHARED,
    "cat": _SHARED,
    "complex": "out= of another complex dtype",
    "gather": "out= of another dtype",
    "index_select": _SHARED,
    "kthvalue": _SHARED,
    "masked_fill": "a complex value where nothing is filled",
    "masked_select": _SHARED,
    "take": _SHARED,
}

_UNDOCUMENTED = "PyTorch takes it, though it is not in its documentation"

# Ops without out=.
NO_OUT = {
    "nn.functional.avg_pool2d": _UNDOCUMENTED,
    "nn.functional.avg_pool3d": _UNDOCUMENTED,
    "nn.functional.gelu": _UNDOCUMENTED,
    "nn.functional.hardshrink": _UNDOCUMENTED,
    "nn.functional.linear": _UNDOCUMENTED,
    "nn.functional.logsigmoid": _UNDOCUMENTED,
    "nn.functional.softplus": _UNDOCUMENTED,
    "nn.functional.softshrink": _UNDOCUMENTED,
}
