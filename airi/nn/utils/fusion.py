"""Batch norms in evaluation mode as part of the layer before. ``torch.nn.utils.fusion``."""

from __future__ import annotations

import copy
from typing import Any

from airi.nn.parameter import Parameter
from airi.ops.creation import ones_like, zeros_like
from airi.tensor import Tensor


def _scale_and_bias(
    bias: Tensor | None, mean: Tensor, var: Tensor, eps: float, w: Tensor | None, b: Tensor | None
) -> tuple[Tensor, Tensor]:
    bias = zeros_like(mean) if bias is None else bias
    w = ones_like(mean) if w is None else w
    b = zeros_like(mean) if b is None else b
    scale = w * (var + eps).rsqrt()
    return scale, (bias - mean) * scale + b


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that does what `conv_w` and a batch norm do.

    Source: ``torch.nn.utils.fusion.fuse_conv_bn_weights``.
    """
    scale, bias = _scale_and_bias(conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    weight = conv_w * scale.reshape(shape)
    return (
        Parameter(weight.detach(), conv_w.requires_grad),
        Parameter(bias.detach(), conv_w.requires_grad if conv_b is None else conv_b.requires_grad),
    )


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear layer that does what `linear_w` and a batch norm do.

    Source: ``torch.nn.utils.fusion.fuse_linear_bn_weights``.
    """
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A convolution that does what `conv` and then `bn` do, both in evaluation mode.

    Example: ``fuse_conv_bn_eval(conv.eval(), bn.eval())``.
    Source: ``torch.nn.utils.fusion.fuse_conv_bn_eval``.
    """
    return _fused("fuse_conv_bn_eval", conv, bn, transpose)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A linear layer that does what `linear` and then `bn` do, both in evaluation mode.

    Source: ``torch.nn.utils.fusion.fuse_linear_bn_eval``.
    """
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise ValueError(
            f"fuse_linear_bn_eval: the layers have {linear.out_features} and {bn.num_features} "
            "features"
        )
    return _fused("fuse_linear_bn_eval", linear, bn, False)


def _fused(function: str, layer: Any, bn: Any, transpose: bool) -> Any:
    if layer.training or bn.training:
        raise AssertionError(f"{function}: both modules must be in evaluation mode; call eval()")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError(f"{function}: the batch norm needs running averages")
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias,
        transpose,
    )  # fmt: skip
    return fused
