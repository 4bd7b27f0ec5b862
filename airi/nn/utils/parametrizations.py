"""Parametrizations that are used often: weight norm, spectral norm, orthogonal matrices.

Source: ``torch.nn.utils.parametrizations``.
"""

from __future__ import annotations

from airi.autograd.mode import no_grad
from airi.nn import functional as F
from airi.nn.module import Module
from airi.nn.utils import parametrize
from airi.ops.creation import empty, zeros_like
from airi.ops.elementwise import where
from airi.ops.joining import cat
from airi.ops.linalg_factor import householder_product, qr
from airi.ops.linalg_functions import matrix_exp
from airi.ops.linalg_older import geqrf
from airi.ops.linalg_solve import solve
from airi.ops.ranges import eye
from airi.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def norm_except(v: Tensor, dim: int | None) -> Tensor:
    """The 2-norms over all dimensions but `dim`, which are kept; of all with None."""
    if dim is None or dim == -1:
        return v.norm()
    others = [each for each in range(v.ndim) if each != dim % v.ndim]
    return (v * v).sum(others, keepdim=True).sqrt() if others else v.abs()


def _tensor_of(function: str, module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{function}: {type(module).__name__} has no parameter or buffer {name!r}")
    return weight


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """weight = g * v / ||v||: length and direction of each row (of dimension `dim`) are trained.

    They are ``parametrizations.weight.original0`` and ``original1``; None is one norm for all.
    Example: ``weight_norm(nn.Linear(20, 40))``. Source: Salimans & Kingma 2016, "Weight
    normalization"; ``torch.nn.utils.parametrizations.weight_norm``.
    """
    _tensor_of("weight_norm", module, name)
    return parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        if n_power_iterations <= 0:
            raise ValueError(
                f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}"
            )
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"spectral_norm: dim must be one of the {weight.ndim} dimensions, got {dim}"
            )
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._matrix(weight.detach())
            rows, columns = matrix.shape
            for name, size in (("_u", rows), ("_v", columns)):
                start = empty(size, dtype=weight.dtype).normal_(0, 1)
                self.register_buffer(name, F.normalize(start, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _matrix(self, weight: Tensor) -> Tensor:
        if self.dim:
            others = [each for each in range(weight.ndim) if each != self.dim]
            weight = weight.permute(self.dim, *others)
        return weight.flatten(1)

    @no_grad()
    def _power_method(self, matrix: Tensor, count: int) -> None:
        for _ in range(count):
            self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.T.mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            self._power_method(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # the buffers change before backward needs them
        return weight / u.dot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """weight = original / its largest singular value, found by power iterations in training.

    `dim` is the one that counts the outputs: 1 for transposed convolutions, else 0.
    Example: ``spectral_norm(nn.Linear(20, 40))``. Source: Miyato et al. 2018, "Spectral
    normalization for generative adversarial networks";
    ``torch.nn.utils.parametrizations.spectral_norm``.
    """
    weight = _tensor_of("spectral_norm", module, name)
    dim = output_dim(module) if dim is None else dim
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return parametrize.register_parametrization(module, name, made)


def output_dim(module: Module) -> int:
    """The dimension of a layer's weight that counts its outputs."""
    return 1 if getattr(module, "transposed", False) else 0


_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """An orthogonal matrix from any matrix: the exponential or Cayley transform of its skew part,
    or a product of Householder reflections whose vectors are the columns below the diagonal.

    The diagonal of the latter is +-1 and holds signs. With a trivialization the result is
    ``base @`` that, and assigning sets the base.
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape = tuple(weight.shape)
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        tall = x.mT if wide else x
        if self.orthogonal_map == "householder":
            below = tall.tril(-1)
            q = householder_product(below, 2.0 / (1.0 + (below * below).sum(-2)))
            q = q * tall.detach().diagonal(dim1=-2, dim2=-1).unsqueeze(-2)
        else:
            q = self._of_skew(tall.tril())
        if "base" in self._buffers:
            q = self.base @ q
        return q.mT if wide else q

    def _of_skew(self, lower: Tensor) -> Tensor:
        rows, columns = lower.shape[-2:]
        square = F.pad(lower, (0, rows - columns))
        skew = square - square.mT
        if self.orthogonal_map == "matrix_exp":
            q = matrix_exp(skew)
        else:
            one = eye(rows, dtype=lower.dtype)
            q = solve(one - skew / 2, one + skew / 2)
        return q[..., :columns]

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if tuple(q.shape) != self.shape:
            raise ValueError(
                f"orthogonal: expected a matrix of shape {self.shape}, got {tuple(q.shape)}"
            )
        wide = q.shape[-2] < q.shape[-1]
        tall = q.mT if wide else q
        if "base" not in self._buffers:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    f"orthogonal: the map {self.orthogonal_map!r} without a trivialization has no "
                    "inverse, so the weight cannot be set"
                )
            start = _reflections(tall)
            return start.mT if wide else start
        self.base = _completed(tall)
        start = zeros_like(q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1)  # what every map takes to the identity
        return start


def _reflections(q: Tensor) -> Tensor:
    """The vectors of the reflections that give q, below a diagonal of signs."""
    vectors, tau = geqrf(q)
    signs = vectors.diagonal(dim1=-2, dim2=-1).sign()
    vectors.diagonal(dim1=-2, dim2=-1).copy_(where(tau == 0, -signs, signs))
    return vectors


def _completed(q: Tensor) -> Tensor:
    """A whole orthogonal matrix that begins with the columns of q, made orthogonal."""
    rows, columns = q.shape[-2:]
    rest = empty(*q.shape[:-1], rows - columns, dtype=q.dtype).normal_(0, 1)
    whole, r = qr(cat([q, rest], -1))
    return whole * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """weight has orthonormal columns, or rows where these are fewer, and stays so in training.

    Maps: "matrix_exp" (for square matrices), "cayley", "householder" (for others). With
    `use_trivialization` the map is taken around a base matrix, the weight at the beginning. Raises
    ValueError for another map or a weight of one dimension.
    Example: ``orthogonal(nn.Linear(20, 40))``. Source: Lezcano-Casado 2019, "Trivializations for
    gradient-based optimization on manifolds"; ``torch.nn.utils.parametrizations.orthogonal``.
    """
    weight = _tensor_of("orthogonal", module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"orthogonal: expected a matrix or a batch of them, got shape {tuple(weight.shape)}"
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            f"orthogonal: orthogonal_map must be one of {_MAPS}, got {orthogonal_map!r}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)
