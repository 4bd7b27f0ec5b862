"""Layers that many scripts use and that nobody tunes: activations, norms, dropout, losses.

At the size of a layer of a small network, forward and backward. The floor is PyTorch's own time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.row import Step, row
from benchmarks.rows.elementwise import forward_and_backward

Shape = tuple[int, ...]
IMAGES = {"shape": (16, 64, 16, 16)}
SMALL_IMAGES = {"shape": (16, 64, 8, 8)}
TINY_IMAGES = {"shape": (2, 4, 3, 3)}
MATRIX = {"shape": (128, 64)}
SEQUENCE = {"shape": (16, 50, 64)}
TINY = {"shape": (4, 8)}


def layer_step(torch: Any, layer: Any, shape: Shape) -> Step:
    """Forward, and backward to the input and the layer's parameters."""
    x = torch.randn(shape, requires_grad=True)
    g = torch.randn_like(layer(x))
    wanted = (x, *layer.parameters())
    return Step(lambda: torch.autograd.grad(layer(x), wanted, g), bytes=5 * g.nbytes)


@row("leaky-relu", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
@row("leaky-relu-small", floor=1.0, aim=1.2, sizes=MATRIX, tiny=TINY)
def leaky_relu(torch: Any, shape: Shape) -> Step:
    """LeakyReLU, forward and backward."""
    return forward_and_backward(torch, torch.nn.LeakyReLU(0.1), shape)


@row("hardswish", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
@row("hardswish-small", floor=1.0, aim=1.2, sizes=MATRIX, tiny=TINY)
def hardswish(torch: Any, shape: Shape) -> Step:
    """Hardswish, forward and backward."""
    return forward_and_backward(torch, torch.nn.Hardswish(), shape)


@row("elu", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
def elu(torch: Any, shape: Shape) -> Step:
    """ELU, forward and backward."""
    return forward_and_backward(torch, torch.nn.ELU(), shape)


@row("softplus", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
def softplus(torch: Any, shape: Shape) -> Step:
    """Softplus, forward and backward."""
    return forward_and_backward(torch, torch.nn.Softplus(), shape)


@row("clamp", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
def clamp(torch: Any, shape: Shape) -> Step:
    """clamp to two numbers, forward and backward."""
    return forward_and_backward(torch, lambda x: torch.clamp(x, -0.5, 0.5), shape)


@row("prelu", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
def prelu(torch: Any, shape: Shape) -> Step:
    """PReLU with one weight, forward and backward to input and weight."""
    return layer_step(torch, torch.nn.PReLU(), shape)


@row("glu", floor=1.0, aim=1.2, sizes=SEQUENCE, tiny=TINY)
def glu(torch: Any, shape: Shape) -> Step:
    """GLU of the last dimension, forward and backward."""
    return forward_and_backward(torch, torch.nn.GLU(), shape)


@row("group-norm", floor=1.0, aim=1.2, sizes=SMALL_IMAGES, tiny=TINY_IMAGES)
def group_norm(torch: Any, shape: Shape) -> Step:
    """GroupNorm with a group for each 8 channels, forward and backward."""
    return layer_step(torch, torch.nn.GroupNorm(max(shape[1] // 8, 1), shape[1]), shape)


@row("layer-norm-sequence", floor=1.0, aim=1.2, sizes=SEQUENCE, tiny=TINY)
def layer_norm(torch: Any, shape: Shape) -> Step:
    """LayerNorm of the last dimension, forward and backward."""
    return layer_step(torch, torch.nn.LayerNorm(shape[-1]), shape)


@row("batch-norm-small", floor=1.0, aim=1.2, sizes={"shape": (32, 64, 8, 8)}, tiny=TINY_IMAGES)
def batch_norm(torch: Any, shape: Shape) -> Step:
    """BatchNorm2d in training, forward and backward."""
    return layer_step(torch, torch.nn.BatchNorm2d(shape[1]), shape)


@row("dropout2d", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
def dropout2d(torch: Any, shape: Shape) -> Step:
    """Dropout2d of half of the channels, forward and backward."""
    return forward_and_backward(torch, torch.nn.Dropout2d(0.5), shape)


def loss_step(torch: Any, loss: Callable[[Any, Any], Any], shape: Shape) -> Step:
    """Forward and backward of a loss to the prediction."""
    x, target = torch.randn(shape, requires_grad=True), torch.rand(shape)
    return Step(lambda: torch.autograd.grad(loss(x, target), x)[0], bytes=5 * x.nbytes)


@row("l1-loss", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
def l1_loss(torch: Any, shape: Shape) -> Step:
    """The mean absolute error, forward and backward."""
    return loss_step(torch, torch.nn.functional.l1_loss, shape)


@row("huber-loss", floor=1.0, aim=1.2, sizes=IMAGES, tiny=TINY_IMAGES)
def huber_loss(torch: Any, shape: Shape) -> Step:
    """Huber's loss, forward and backward."""
    return loss_step(torch, torch.nn.functional.huber_loss, shape)
