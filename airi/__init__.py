"""airi: automatic differentiation on NumPy that one can read, draw and check.

The names are PyTorch's: ``import airi as torch``.
"""

# isort: off
# Before NumPy is imported: it tells NumPy's BLAS how its threads should wait.
from airi.threads import get_num_threads, set_num_threads

# The module airi.tensor before the function airi.tensor, which takes over its name below.
from airi.tensor import Size, Tensor

# isort: on
from math import e, inf, nan, pi
from typing import TYPE_CHECKING
from typing import Any as _Any

from airi import accelerator, amp, autograd, backends, compiler, cuda, mps, sparse, xpu
from airi._version import __version__
from airi.amp import GradScaler, autocast, is_autocast_enabled
from airi.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from airi.compiler import compile
from airi.device import device
from airi.dtypes import (
    bfloat16,
    bool,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int,
    int8,
    int16,
    int32,
    int64,
    long,
    set_default_dtype,
    short,
    uint8,
    uint16,
    uint32,
    uint64,
)
from airi.inplace_functions import *
from airi.layout import *
from airi.memory import *
from airi.ops.activation import *
from airi.ops.bessel import i0
from airi.ops.bounds import *
from airi.ops.comparison import *
from airi.ops.complex import *
from airi.ops.contraction import *
from airi.ops.conversion import *
from airi.ops.counting import *
from airi.ops.creation import *
from airi.ops.cumulative import *
from airi.ops.diagonals import *
from airi.ops.elementwise import *
from airi.ops.erf import *
from airi.ops.extremes import *
from airi.ops.gamma import *
from airi.ops.index_along import *
from airi.ops.index_reduce import *
from airi.ops.indexing import *
from airi.ops.integration import *
from airi.ops.interchange import from_dlpack, to_dlpack
from airi.ops.joining import *
from airi.ops.linalg import *
from airi.ops.linalg_factor import householder_product as orgqr
from airi.ops.linalg_functions import det, logdet, matrix_exp, slogdet
from airi.ops.linalg_lowrank import *
from airi.ops.linalg_older import *
from airi.ops.masking import *
from airi.ops.matmul import *
from airi.ops.number_parts import *
from airi.ops.padding import constant_pad_nd
from airi.ops.positions import *
from airi.ops.questions import *
from airi.ops.random import *
from airi.ops.ranges import *
from airi.ops.recurrent_layers import *
from airi.ops.reduction import *
from airi.ops.renorm import *
from airi.ops.rounding import *
from airi.ops.scattering import *
from airi.ops.softmax import *
from airi.ops.sorting import *
from airi.ops.spectral import *
from airi.ops.splitting import *
from airi.ops.statistics import *
from airi.ops.ternary import *
from airi.ops.transcendental import *
from airi.ops.trigonometry import *
from airi.ops.views import *
from airi.ops.written_views import *
from airi.printing import set_printoptions
from airi.random import *
from airi.serialization import load, save
from airi.settings import *
from airi.sparse import mm as spmm
from airi.sparse import sparse_coo_tensor
from airi.storage import TypedStorage, UntypedStorage, is_storage
from airi.tensor_types import *

if TYPE_CHECKING:
    from airi import (
        datasets,
        distributions,
        fft,
        func,
        layers,
        linalg,
        nn,
        onnx,
        optim,
        signal,
        special,
        utils,
        viz,
    )
    from airi.func import vmap
    from airi.viz import summary

newaxis = None

# Packages that most programs use, loaded when first asked for: `import airi` stays quick.
_LAZY = (
    "datasets",
    "distributed",
    "distributions",
    "fft",
    "func",
    "jit",
    "layers",
    "linalg",
    "nn",
    "onnx",
    "optim",
    "signal",
    "special",
    "testing",
    "utils",
    "viz",
)

# Functions of these packages.
_LAZY_FUNCTIONS = {"summary": "viz", "vmap": "func"}

# Functions of airi.nn.functional that PyTorch has here too, with the same arguments.
_FUNCTIONAL = (
    "adaptive_avg_pool1d",
    "avg_pool1d",
    "bilinear",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_similarity",
    "group_norm",
    "layer_norm",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool3d",
    "native_channel_shuffle",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "rms_norm",
)

__all__ = sorted(
    {name for name in globals() if not name.startswith("_") and name != "TYPE_CHECKING"}
    | {"__version__", *_LAZY, *_LAZY_FUNCTIONS, *_FUNCTIONAL}
)


def __getattr__(name: str) -> _Any:
    if name in _LAZY or name in _LAZY_FUNCTIONS:
        import importlib

        if name in _LAZY_FUNCTIONS:
            return getattr(importlib.import_module(f"airi.{_LAZY_FUNCTIONS[name]}"), name)
        return importlib.import_module(f"airi.{name}")
    if name in _FUNCTIONAL:
        from airi.nn import functional

        return getattr(functional, name)
    from airi.compat.names import missing

    # obj=None keeps Python from adding a suggestion of its own.
    raise AttributeError(missing("airi", "torch", name, __all__), name=name, obj=None)


def __dir__() -> list[str]:
    return __all__
