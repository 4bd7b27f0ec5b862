"""Convolutions whose kernel covers the whole image: the last layer of a critic, the first of a
generator, 1 x 1 layers after global pooling. There is one place for the kernel, so each of the
three passes is one product of matrices, a row for each image and one for each filter.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from airi.ops.product import matrix_product


def covers(
    dtype: np.dtype, size: Any, kernel: Any, padding: Any, dilation: Any, groups: int
) -> bool:
    """Whether a kernel of size `kernel` has one place in images of size `size`, and products pay.

    Half precision is left to the convolution, which sums it in float32.
    """
    return (
        tuple(size) == tuple(kernel)
        and padding == (0, 0)
        and dilation == (1, 1)
        and groups == 1
        and dtype != np.float16
    )


def forward(x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    """(N, C, H, W), (F, C, H, W) -> (N, F, 1, 1)"""
    out = matrix_product(_rows(x), _rows(w).T, bias)
    return out.reshape(out.shape + (1, 1))


def input_grad(y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """(N, F, 1, 1), (F, C, H, W) -> (N, C, H, W)"""
    return matrix_product(_rows(y), _rows(w)).reshape(y.shape[:1] + w.shape[1:])


def weight_grad(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(N, F, 1, 1), (N, C, H, W) -> (F, C, H, W)"""
    return matrix_product(_rows(y).T, _rows(x)).reshape(y.shape[1:2] + x.shape[1:])


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))
