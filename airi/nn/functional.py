"""The ops of neural networks as functions, under PyTorch's names. Source: ``torch.nn.functional``.

Nothing is computed here. Most names are the ops themselves; the rest add PyTorch's arguments that
choose among ops, such as ``inplace=True``.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from airi.compat.names import refusing
from airi.nn.functional_names import (
    adaptive_max_pool1d_with_indices,
    adaptive_max_pool2d_with_indices,
    adaptive_max_pool3d_with_indices,
    fractional_max_pool2d_with_indices,
    fractional_max_pool3d_with_indices,
    max_pool1d_with_indices,
    max_pool2d_with_indices,
    max_pool3d_with_indices,
    native_channel_shuffle,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from airi.ops import activation, creation
from airi.ops import elementwise_inplace as inplace_forms
from airi.ops import softmax as probabilities
from airi.ops.activation import (
    glu,
    hardshrink,
    logsigmoid,
    prelu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
)
from airi.ops.adaptive_pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
)
from airi.ops.attention import scaled_dot_product_attention
from airi.ops.contraction import einsum
from airi.ops.conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d, fold, unfold
from airi.ops.conv3d import (
    conv3d,
    conv_transpose3d,
)
from airi.ops.ctc import (
    ctc_loss,
)
from airi.ops.distance import cosine_similarity, normalize, pairwise_distance, pdist
from airi.ops.dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)
from airi.ops.elementwise_inplace import (
    celu_,
    elu_,
    hardtanh_,
    leaky_relu_,
    relu_,
    rrelu_,
    selu_,
    threshold_,
)
from airi.ops.embedding import embedding
from airi.ops.embedding_bag import (
    embedding_bag,
)
from airi.ops.extremes import argmax
from airi.ops.fractional_pool import (
    fractional_max_pool2d,
    fractional_max_pool3d,
)
from airi.ops.gelu import gelu
from airi.ops.grid import (
    affine_grid,
    grid_sample,
)
from airi.ops.loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    kl_div,
    multilabel_soft_margin_loss,
    nll_loss,
)
from airi.ops.margin_loss import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from airi.ops.matmul import linear
from airi.ops.multihead import multi_head_attention_forward
from airi.ops.names import numpy_names
from airi.ops.norm import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    rms_norm,
)
from airi.ops.padding import pad
from airi.ops.pool import (
    avg_pool1d,
    avg_pool2d,
    lp_pool1d,
    lp_pool2d,
    max_pool1d,
    max_pool2d,
    max_unpool1d,
    max_unpool2d,
)
from airi.ops.pool3d import (
    adaptive_avg_pool3d,
    adaptive_max_pool3d,
    avg_pool3d,
    lp_pool3d,
    max_pool3d,
    max_unpool3d,
)
from airi.ops.random import exponential_
from airi.ops.regression_loss import (
    gaussian_nll_loss,
    huber_loss,
    l1_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
)
from airi.ops.resize import channel_shuffle, interpolate, pixel_shuffle, pixel_unshuffle
from airi.ops.scattering import one_hot
from airi.ops.transcendental import sigmoid
from airi.ops.trigonometry import tanh

if TYPE_CHECKING:
    from airi.tensor import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "embedding",
    "embedding_bag",
    "feature_alpha_dropout",
    "fold",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "linear_cross_entropy",
    "local_response_norm",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_head_attention_forward",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "native_channel_shuffle",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

__getattr__ = refusing("airi.nn.functional", "torch.nn.functional", __all__)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0). Example: ``relu(x)``. Source: ``torch.nn.functional.relu``."""
    return relu_(input) if inplace else activation.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6). Source: ``torch.nn.functional.relu6``."""
    return inplace_forms.relu6_(input) if inplace else activation.relu6(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input where positive, else negative_slope * input.

    Source: ``torch.nn.functional.leaky_relu``.
    """
    if inplace:
        return leaky_relu_(input, negative_slope)
    return activation.leaky_relu(input, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """`leaky_relu` with slopes drawn from [lower, upper) in training, their mean otherwise.

    Source: ``torch.nn.functional.rrelu``.
    """
    function = rrelu_ if inplace else activation.rrelu
    return function(input, lower, upper, training)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, else alpha * (e ** input - 1). Source: ``torch.nn.functional.elu``."""
    return elu_(input, alpha) if inplace else activation.elu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` scaled so that mean 0 and variance 1 stay. Source: ``torch.nn.functional.selu``."""
    return selu_(input) if inplace else activation.selu(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, else alpha * (e ** (input / alpha) - 1).

    Source: ``torch.nn.functional.celu``.
    """
    return celu_(input, alpha) if inplace else activation.celu(input, alpha)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input * sigmoid(input). Source: ``torch.nn.functional.silu``."""
    return inplace_forms.silu_(input) if inplace else activation.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * tanh(softplus(input)). Source: ``torch.nn.functional.mish``."""
    return inplace_forms.mish_(input) if inplace else activation.mish(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """input, cut off at `min_val` and `max_val`. Source: ``torch.nn.functional.hardtanh``."""
    function = hardtanh_ if inplace else activation.hardtanh
    return function(input, min_val, max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(input + 3) / 6. Source: ``torch.nn.functional.hardsigmoid``."""
    return inplace_forms.hardsigmoid_(input) if inplace else activation.hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * relu6(input + 3) / 6. Source: ``torch.nn.functional.hardswish``."""
    return inplace_forms.hardswish_(input) if inplace else activation.hardswish(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it exceeds `threshold`, else `value`.

    Source: ``torch.nn.functional.threshold``.
    """
    function = threshold_ if inplace else activation.threshold
    return function(input, threshold, value)


def _chosen_dim(function: str, input: Tensor, dim: int | None) -> int:
    """`dim`, or where it is left out PyTorch's old choice of it, with a warning."""
    if dim is not None:
        return dim
    warnings.warn(f"{function}: pass dim=; leaving it out is deprecated", stacklevel=3)
    return 0 if input.ndim in (0, 1, 3) else 1


@numpy_names
def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """e ** input over its sum along `dim`. Source: ``torch.nn.functional.softmax``."""
    return probabilities.softmax(input, _chosen_dim("softmax", input, dim), dtype)


@numpy_names
def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """softmax(-input, dim). Source: ``torch.nn.functional.softmin``."""
    return probabilities.softmin(input, _chosen_dim("softmin", input, dim), dtype)


@numpy_names
def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """The logarithm of softmax, computed without loss.

    Source: ``torch.nn.functional.log_softmax``.
    """
    return probabilities.log_softmax(input, _chosen_dim("log_softmax", input, dim), dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A random choice along `dim` with probabilities softmax(logits), relaxed to be differentiable.

    softmax((logits + Gumbel noise) / tau); with `hard` the one-hot vector of its largest element,
    with the gradient of the relaxed one. Source: Jang et al., 2016;
    ``torch.nn.functional.gumbel_softmax``.
    """
    noise = -exponential_(creation.empty_like(logits.detach())).log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    chosen = argmax(soft, dim, keepdim=True)
    exact = creation.zeros_like(soft.detach()).scatter_(dim, chosen, 1.0)
    return exact - soft.detach() + soft


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """out[..., k] = input1 @ weight[k] @ input2 + bias[k].

    Shapes: input1 (..., I), input2 (..., J), weight (K, I, J), bias (K,); result (..., K). Raises
    RuntimeError where they do not fit. Source: ``torch.nn.functional.bilinear``.
    """
    if weight.ndim != 3 or (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:]):
        raise RuntimeError(
            "bilinear: expected input1 (..., I), input2 (..., J) and weight (K, I, J), got shapes "
            f"{tuple(input1.shape)}, {tuple(input2.shape)} and {tuple(weight.shape)}"
        )
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            "bilinear: all but the last dimension of the inputs must agree, got shapes "
            f"{tuple(input1.shape)} and {tuple(input2.shape)}"
        )
    out = einsum("...i,kij,...j->...k", input1, weight, input2)
    return out if bias is None else out + bias


def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: None = None,
) -> Tensor:
    """cross_entropy(linear(input, linear_weight, linear_bias), target): a classifier's last layer.

    Shapes: input (N, I) or (I,), linear_weight (C, I), target and the other arguments as in
    `cross_entropy`; or linear_weight (C, ..., I) for logits (N, C, ...), linear_bias then (C, ...).
    `options`, with which PyTorch computes the logits in pieces, must be None.
    Source: ``torch.nn.functional.linear_cross_entropy``.
    """
    if options is not None:
        raise ValueError(f"linear_cross_entropy: options must be None, got {options!r}")
    shape = tuple(linear_weight.shape)
    if input.shape[-1] != shape[-1]:
        raise RuntimeError(
            f"linear_cross_entropy: input and linear_weight must have one last size, got "
            f"{input.shape[-1]} and {shape[-1]}"
        )
    if len(shape) > 2 and input.ndim == 1:
        raise RuntimeError(
            f"linear_cross_entropy: a linear_weight of shape {shape} needs an input (N, I), got "
            f"{tuple(input.shape)}"
        )
    flat_bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight.reshape(-1, shape[-1]), flat_bias)
    logits = logits.reshape(*input.shape[:-1], *shape[:-1])
    ignored = -100 if ignore_index is None else ignore_index
    return cross_entropy(
        logits,
        target,
        weight,
        ignore_index=ignored,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """`conv1d` with the time first and the channels last.

    Shapes: input (T, N, C), weight (K, C, F), bias (F,); result (OT, N, F).
    Source: ``torch.nn.functional.conv_tbc``.
    """
    if input.ndim != 3 or weight.ndim != 3 or bias.ndim != 1:
        raise RuntimeError(
            "conv_tbc: expected input (T, N, C), weight (K, C, F) and bias (F,), got shapes "
            f"{tuple(input.shape)}, {tuple(weight.shape)} and {tuple(bias.shape)}"
        )
    out = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return out.permute(2, 0, 1)
