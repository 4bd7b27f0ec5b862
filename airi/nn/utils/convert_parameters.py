"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from airi.ops.joining import cat
from airi.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The parameters flattened and joined; gradients pass.

    Example: ``parameters_to_vector(net.parameters()).norm()``.
    Source: ``torch.nn.utils.parameters_to_vector``.
    """
    return cat([each.reshape(-1) for each in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make consecutive parts of `vec` the values of the parameters.

    They are views of `vec`. Raises TypeError where it is no Tensor and RuntimeError where it has
    not as many elements as the parameters together.
    Source: ``torch.nn.utils.vector_to_parameters``.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a Tensor, got {type(vec).__name__}")
    parameters = list(parameters)
    count = sum(each.numel() for each in parameters)
    if vec.ndim != 1 or vec.numel() != count:
        raise RuntimeError(
            f"vector_to_parameters: the parameters have {count} elements, the vector has shape "
            f"{tuple(vec.shape)}"
        )
    start = 0
    for each in parameters:
        end = start + each.numel()
        each.data = vec[start:end].reshape(each.shape).data
        start = end
