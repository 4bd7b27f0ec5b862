"""The adaptive softmax: a classifier over many classes, most of which are rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from airi.nn import functional as F
from airi.nn.containers import ModuleList, Sequential
from airi.nn.linear import Linear
from airi.nn.module import Module
from airi.ops.creation import zeros
from airi.ops.joining import cat
from airi.tensor import Tensor


class ASMoutput(NamedTuple):
    """What `AdaptiveLogSoftmaxWithLoss` returns: log-probabilities of the targets, their loss."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax in two steps: frequent classes and clusters first, then rare classes in a cluster.

    Classes are numbered by falling frequency; `cutoffs` are where the clusters begin. Cluster i is
    seen through ``in_features // div_value ** (i + 1)`` dimensions. Shapes: input (N, in_features)
    or (in_features,), target (N,) or (); returns (output, loss): log-probabilities of the targets
    and minus their mean. Raises ValueError for cutoffs that do not grow within 1 to n_classes - 1,
    RuntimeError for shapes and targets that do not fit.
    Example: ``nn.AdaptiveLogSoftmaxWithLoss(64, 10000, [100, 1000])``.
    Source: Grave et al. 2016, "Efficient softmax approximation for GPUs";
    ``torch.nn.AdaptiveLogSoftmaxWithLoss``.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        starts = list(cutoffs)
        grows = starts == sorted(set(starts)) and all(int(each) == each for each in starts)
        if not starts:
            raise ValueError("AdaptiveLogSoftmaxWithLoss: cutoffs must not be empty")
        if not grows or starts[0] <= 0 or starts[-1] > n_classes - 1:
            raise ValueError(
                "AdaptiveLogSoftmaxWithLoss: cutoffs must be different ints that grow from 1 to at "
                f"most n_classes - 1 = {n_classes - 1}, got {starts}"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*starts, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = starts[0]
        self.n_clusters = len(starts)
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i, (start, stop) in enumerate(zip(self.cutoffs, self.cutoffs[1:])):
            inner = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, inner, bias=False, **options),
                    Linear(inner, stop - start, bias=False, **options),
                )
            )

    def reset_parameters(self) -> None:
        """Draw new initial values."""
        self.head.reset_parameters()
        for into, out in self.tail:
            into.reset_parameters()
            out.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> ASMoutput:
        self._check(input, target)
        batched = target.ndim > 0
        rows = input if batched else input.unsqueeze(0)
        labels = target if batched else target.unsqueeze(0)
        head = F.log_softmax(self.head(rows), 1)
        output = zeros(labels.shape[0], dtype=head.dtype)
        for i, (start, stop) in enumerate(zip([0, *self.cutoffs], self.cutoffs)):
            here = ((labels >= start) & (labels < stop)).nonzero().squeeze(1)
            if not here.numel():
                continue
            within = labels[here] - start
            if i == 0:
                found = head[here, within]
            else:
                tail = F.log_softmax(self.tail[i - 1](rows[here]), 1)
                column = self.shortlist_size + i - 1
                found = head[here, column] + tail.gather(1, within.unsqueeze(1)).squeeze(1)
            output = output.index_copy(0, here, found)
        loss = -output.mean()
        return ASMoutput(output if batched else output.squeeze(0), loss)

    def _check(self, input: Tensor, target: Tensor) -> None:
        shapes = f"got shapes {tuple(input.shape)} and {tuple(target.shape)}"
        if target.ndim > 1 or input.ndim != target.ndim + 1:
            raise RuntimeError(
                "AdaptiveLogSoftmaxWithLoss: expected input (N, in_features) and target (N,), or "
                f"one sample of each, {shapes}"
            )
        if target.ndim == 1 and input.shape[0] != target.shape[0]:
            raise RuntimeError(
                "AdaptiveLogSoftmaxWithLoss: input and target must have one batch size, " + shapes
            )
        if target.numel() and not 0 <= int(target.min()) <= int(target.max()) < self.n_classes:
            raise RuntimeError(
                f"AdaptiveLogSoftmaxWithLoss: targets must lie in 0 to {self.n_classes - 1}, got "
                f"{int(target.min())} to {int(target.max())}"
            )

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities of all classes, (N, n_classes) from (N, in_features)."""
        return self._all(input, self.head(input))

    def _all(self, input: Tensor, head_output: Tensor) -> Tensor:
        head = F.log_softmax(head_output, 1)
        parts = [head[:, : self.shortlist_size]]
        for i in range(self.n_clusters):
            column = self.shortlist_size + i
            parts.append(F.log_softmax(self.tail[i](input), 1) + head[:, column : column + 1])
        return cat(parts, 1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class of each sample, (N,): ``log_prob(input).argmax(1)``, but faster
        where frequent classes win.
        """
        head_output = self.head(input)
        best = head_output.argmax(1)
        rare = (best >= self.shortlist_size).nonzero().squeeze(1)
        if rare.numel():
            best[rare] = self._all(input[rare], head_output[rare]).argmax(1)
        return best
