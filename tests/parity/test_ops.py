"""PyTorch's own database of ops: the same arguments here and there, and the same of everything.

Each op of OpInfo as a function, as a method and in place: values, dtypes, shapes, fields, which
results require grad and which are views; gradients of first and second order; what PyTorch refuses
is refused. Random ops start from the same seed. ``not_yet_right.py`` names what differs; an op
that is mended must leave that table, or its test fails.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")  # PyTorch's database needs it

import airi  # noqa: E402

from .conversion import (  # noqa: E402
    NotConvertible,
    array,
    borrowed,
    described,
    difference,
    fresh,
    tensors_of,
    to_airi,
    unequal,
)
from .not_yet_right import LACKING, NO_OUT, NOT_REFUSED, NOT_RIGHT  # noqa: E402
from .opinfo import COMPARABLE, EVERY, forms, lacks, samples, why_not_comparable  # noqa: E402

REFUSALS = (TypeError, ValueError, RuntimeError, IndexError)

# Samples of each op in a dtype: with gradients in the first two.
MOST = {
    torch.float64: 14,
    torch.complex128: 6,
    torch.float32: 4,
    torch.int64: 5,
    torch.bool: 4,
}
SECOND_ORDER = 4  # of how many samples the gradient's gradient is compared, too

# What the results hold is undefined: memory as it was.
UNINITIALIZED = {
    "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
    "resize_", "resize_as_",
}  # fmt: skip

# Which of equal elements comes first is undefined, and integers have many of them.
ANY_OF_EQUALS = {"argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "sort", "topk"}

# How many times the usual tolerance, where PyTorch itself computes with few digits.
SLACK = {
    "cov": 1000,  # weights in float32
    "matrix_exp": 20,
    "special.bessel_j0": 1000,
    "special.bessel_j1": 1000,
    "special.bessel_y0": 1000,
    "special.bessel_y1": 1000,
}

# Where a result may be a view here and not in PyTorch, or the other way round.
VIEWS_ASIDE = {
    "conj": "PyTorch marks a view as conjugated; airi computes the numbers",
    "H": "as conj",
    "mH": "as conj",
    "bool": "airi has no memory formats: nothing to copy for",
    "cdouble": "as bool",
    "cfloat": "as bool",
    "double": "as bool",
    "float": "as bool",
    "long": "as bool",
    "nn.functional.pixel_shuffle": "with a factor of 1 PyTorch copies",
    "nn.functional.pixel_unshuffle": "with a factor of 1 PyTorch copies",
    "sum_to_size": "of a number to a number PyTorch copies",
}

# Names under which a refusal may speak of an op, beside its own and its aliases.
SPEAKS_OF = {
    "__rmod__": ("remainder",),
    "__rpow__": ("pow",),
    "aminmax": ("amin",),
    "as_strided_scatter": ("as_strided",),
    "bitwise_left_shift": ("left_shift",),
    "bitwise_right_shift": ("right_shift",),
    "diagonal_copy": ("diagonal",),
    "dstack": ("cat",),
    "hsplit": ("tensor_split",),
    "hstack": ("cat",),
    "narrow_copy": ("narrow",),
    "nn.functional.linear_cross_entropy": ("cross_entropy", "linear"),
    "nn.functional.linear_cross_entropy.chunked": ("cross_entropy", "linear"),
    "nn.functional.linear_cross_entropy.chunked_none": ("cross_entropy", "linear"),
    "nn.functional.triplet_margin_with_distance_loss": (
        "triplet_margin_loss",
        "cosine_similarity",
        "pairwise_distance",
    ),
    "reshape_as": ("reshape",),
    "t_copy": ("t",),
    "unbind_copy": ("unbind",),
    "vdot": ("dot",),
    "view_as": ("view",),
    "view_copy": ("view",),
    "vsplit": ("tensor_split",),
    "vstack": ("cat",),
}


class Differs(AssertionError):
    """An op that gives something else than PyTorch does."""


def parameters(table: dict[str, str], names: list[str]) -> list[Any]:
    """The names, those of the table expected to differ."""

    def marks(name):
        if name not in table:
            return ()
        return pytest.mark.xfail(reason=table[name], raises=Differs, strict=True)

    return [pytest.param(name, marks=marks(name)) for name in names]


PRESENT = sorted(name for name in COMPARABLE if name not in LACKING)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", parameters(NOT_RIGHT, PRESENT))
def test_op(name):
    info = COMPARABLE[name]
    pairs = forms(info)
    for form, (ours, _) in pairs.items():
        if ours is None:
            raise Differs(f"{name} is lacking as {form}")
    compared = 0
    for dtype, most in MOST.items():
        if not info.supports_dtype(dtype, "cpu"):
            continue
        with_gradient = dtype in info.supported_backward_dtypes("cpu")
        for number, sample in enumerate(samples(info, dtype, with_gradient, most)):
            for form, (ours, theirs) in pairs.items():
                orders = 0
                if with_gradient and dtype in (torch.float64, torch.complex128):
                    small = form == "function" and number < SECOND_ORDER
                    orders = 2 if small and info.supports_gradgrad else 1
                try:
                    Comparison(name, form, ours, theirs, sample, dtype).run(orders)
                    compared += 1
                except NotConvertible:
                    continue
    assert compared, "no sample can be compared"


class Comparison:
    """One call of PyTorch's function and of airi's, with the same arguments."""

    def __init__(self, name, form, ours, theirs, sample, dtype):
        self.name, self.form, self.ours, self.theirs = name, form, ours, theirs
        self.sample = sample
        args = [sample.input, *sample.args]
        self.text = f"{name} as {form}({described(args, sample.kwargs)})"
        self.our_leaves: list[Any] = []
        self.their_leaves: list[Any] = []
        self.our_args, self.our_kwargs = to_airi((args, sample.kwargs), self.our_leaves)
        self.their_args, self.their_kwargs = fresh((args, sample.kwargs), self.their_leaves)
        if form == "in place" and self.their_leaves:  # leaves cannot be written into
            self.our_args[0] = self.our_args[0].clone()
            self.their_args[0] = self.their_args[0].clone()
        self.slack = SLACK.get(name, 1)
        self.skips_ties = name in ANY_OF_EQUALS and dtype not in (torch.float64, torch.complex128)

    def run(self, orders: int) -> None:
        theirs = self.call_theirs()
        if isinstance(theirs, Exception):
            self.must_be_refused(theirs)
            return
        ours = self.call_ours()
        if self.form == "in place" and ours is not self.our_args[0]:
            raise Differs(f"{self.text}: does not return the tensor it writes into")
        if self.form == "function":
            self.compare_inputs()
            self.compare_views(ours, theirs)
        prepare = self.sample.output_process_fn_grad
        ours, theirs = borrowed(prepare)(ours), prepare(theirs)
        if self.skips_ties:
            ours, theirs = self.without_ties(ours, theirs)
        known = self.name not in UNINITIALIZED
        self.check(difference(ours, theirs, self.slack, known), "")
        if orders and known:
            self.compare_gradients(ours, theirs, orders)

    def call_theirs(self) -> Any:
        torch.manual_seed(7)
        try:
            return self.theirs(*self.their_args, **self.their_kwargs)
        except Exception as error:
            return error

    def call_ours(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            airi.manual_seed(7)
            try:
                return self.ours(*self.our_args, **self.our_kwargs)
            except Exception as error:
                raise Differs(f"{self.text}: {type(error).__name__}: {error}") from error

    def must_be_refused(self, theirs: Exception) -> None:
        """PyTorch refuses some samples in place: results that do not fit, for one."""
        try:
            self.ours(*self.our_args, **self.our_kwargs)
        except REFUSALS:
            return
        raise Differs(f"{self.text} is not refused: {theirs}")

    def check(self, problem: str | None, where: str) -> None:
        if problem:
            raise Differs(f"{self.text}: {where}{problem}")

    def compare_inputs(self) -> None:
        """An op that writes into its arguments does so here, and no other."""
        for ours, theirs in zip(
            tensors_of(self.our_args, airi.Tensor),
            tensors_of(self.their_args, torch.Tensor),
            strict=True,
        ):
            if tuple(ours.shape) == tuple(theirs.shape) and self.name not in UNINITIALIZED:
                self.check(unequal(array(ours), array(theirs)), "the arguments after: ")

    def compare_views(self, ours: Any, theirs: Any) -> None:
        """Whether a result shares its memory with an argument."""
        if self.name in VIEWS_ASIDE:
            return
        our_args = list(tensors_of(self.our_args, airi.Tensor))
        their_args = list(tensors_of(self.their_args, torch.Tensor))
        for one, other in zip(
            tensors_of(ours, airi.Tensor), tensors_of(theirs, torch.Tensor), strict=False
        ):
            for our_arg, their_arg in zip(our_args, their_args, strict=True):
                if not (other.numel() and their_arg.numel()):
                    continue
                memory = their_arg.untyped_storage().data_ptr()
                expected = other.untyped_storage().data_ptr() == memory
                shares = np.shares_memory(raw(one), raw(our_arg))
                if shares != expected:
                    raise Differs(f"{self.text}: a view is {shares}, expected {expected}")

    def without_ties(self, ours: Any, theirs: Any) -> tuple[Any, Any]:
        if self.name == "argsort":
            raise NotConvertible("argsort")
        if isinstance(theirs, tuple):
            return ours[0], theirs[0]
        return ours, theirs

    def compare_gradients(self, ours: Any, theirs: Any, orders: int) -> None:
        """Gradients of a sum in which every element of every result counts differently."""
        our_outputs = [each for each in tensors_of(ours, airi.Tensor) if each.requires_grad]
        their_outputs = [each for each in tensors_of(theirs, torch.Tensor) if each.requires_grad]
        for order in range(1, orders + 1):
            if not their_outputs:
                return
            weights = [counted(each) for each in their_outputs]
            try:
                expected = torch.autograd.grad(
                    their_outputs, self.their_leaves, [torch.from_numpy(w) for w in weights],
                    create_graph=order < orders, allow_unused=True,
                )  # fmt: skip
            except (RuntimeError, NotImplementedError):  # PyTorch has no derivative
                return
            try:
                got = airi.autograd.grad(
                    our_outputs, self.our_leaves, [airi.from_numpy(w) for w in weights],
                    create_graph=order < orders, allow_unused=True,
                )  # fmt: skip
            except Exception as error:
                raise Differs(
                    f"{self.text}: gradient {order}: {type(error).__name__}: {error}"
                ) from error
            self.compare_each(got, expected, f"gradient {order} ")
            # What does not depend on the leaves is a gradient of zero: either may say so by None.
            both = [
                (one, other) for one, other in zip(got, expected, strict=True)
                if other is not None and other.requires_grad
                and one is not None and one.requires_grad
            ]  # fmt: skip
            our_outputs = [one for one, _ in both]
            their_outputs = [other for _, other in both]

    def compare_each(self, got: Any, expected: Any, what: str) -> None:
        leaves = zip(got, expected, self.their_leaves, strict=True)
        for number, (one, other, leaf) in enumerate(leaves):
            zeros = np.zeros(tuple(leaf.shape), array(leaf).dtype)
            ours = zeros if one is None else array(one)
            theirs = zeros if other is None else array(other)
            where = f"{what}of input {number}: "
            if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
                self.check(f"{ours.dtype} {ours.shape}", where)
            self.check(unequal(ours, theirs, 10 * self.slack), where)


def raw(tensor: airi.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def counted(output: Any) -> np.ndarray:
    """Weights for each element of a result, none alike."""
    weights = np.linspace(0.5, 1.5, output.numel()).reshape(tuple(output.shape))
    if output.is_complex():
        weights = weights + 1j * weights[..., ::-1] if output.ndim else weights + 0.5j
    return np.asarray(weights, array(output).dtype)


WITH_OUT = [name for name in PRESENT if COMPARABLE[name].supports_out]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", parameters(NO_OUT, WITH_OUT))
def test_out(name):
    """What ``out=`` holds afterwards, given tensors without elements, and that it is returned."""
    info = COMPARABLE[name]
    ours, theirs = forms(info)["function"]
    dtype = torch.float64 if info.supports_dtype(torch.float64, "cpu") else torch.int64
    for sample in samples(info, dtype, False, most=2):
        call = Comparison(name, "function", ours, theirs, sample, dtype)
        expected = call.call_theirs()
        several = isinstance(expected, tuple)
        parts = expected if several else (expected,)
        if not all(isinstance(each, torch.Tensor) for each in parts):
            continue
        given = [airi.empty(0, dtype=to_airi(each.dtype)) for each in parts]
        call.our_kwargs["out"] = tuple(given) if several else given[0]
        got = call.call_ours()
        returned = tensors_of(got, airi.Tensor)
        assert all(one is other for one, other in zip(returned, given, strict=True))
        prepare = sample.output_process_fn_grad
        got, expected = borrowed(prepare)(got), prepare(expected)
        call.check(difference(got, expected, call.slack, name not in UNINITIALIZED), "")


def accepts(function: Any, args: list[Any], kwargs: dict[str, Any]) -> bool:
    try:
        function(*args, **kwargs)
    except Exception:
        return False
    return True


# The database's wrong arguments of multinomial are memory as it was: sometimes they are right.
WITH_ERRORS = [
    name for name in PRESENT
    if COMPARABLE[name].error_inputs_func is not None and name != "multinomial"
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", parameters(NOT_REFUSED, WITH_ERRORS))
def test_what_pytorch_refuses_is_refused(name):
    info = COMPARABLE[name]
    pairs = forms(info)
    ours, theirs = pairs.get("function") or pairs["method"]
    torch.manual_seed(0)
    aliases = [alias.name for alias in info.aliases]
    names = [each.split(".")[-1] for each in (info.name, *aliases)] + list(SPEAKS_OF.get(name, ()))
    for failing in info.error_inputs("cpu"):
        sample = failing.sample_input
        args = [sample.input, *sample.args]
        text = f"{name}({described(args, sample.kwargs)})"
        try:
            our_args, our_kwargs = to_airi((args, sample.kwargs))
        except NotConvertible:
            continue
        if accepts(theirs, args, sample.kwargs):  # for all that its database says
            continue
        try:
            ours(*our_args, **our_kwargs)
        except REFUSALS as error:
            said = str(error)
        else:
            raise Differs(f"{text} is not refused: {failing.error_regex}")
        if not any(each.strip("_") in said for each in names):
            raise Differs(f"{text}: the refusal names no function: {said}")


def test_lacking_ops_are_listed_by_name():
    assert sorted(name for name, info in COMPARABLE.items() if lacks(info)) == sorted(LACKING)


def test_tables_name_ops_of_the_database():
    assert not (set(NOT_RIGHT) | set(NOT_REFUSED) | set(NO_OUT)) - set(PRESENT)
    assert not (SLACK.keys() | VIEWS_ASIDE.keys() | SPEAKS_OF.keys() | UNINITIALIZED) - set(
        COMPARABLE
    )


def test_how_many_ops_are_right(capsys):
    right = [name for name in PRESENT if name not in NOT_RIGHT]
    aside = [name for name in EVERY if why_not_comparable(name)]
    with capsys.disabled():
        print(
            f"\nOpInfo: {len(right)} of {len(COMPARABLE)} comparable ops are right, "
            f"{len(NOT_RIGHT)} not yet, {len(LACKING)} lacking; {len(aside)} are not comparable"
        )
    assert len(right) >= 450
