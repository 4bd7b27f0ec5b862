"""The laws that hold for every op: each test here runs over every row of the op table."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import zlib
from typing import Any

import numpy as np
import pytest

import airi
import airi.ops
from airi.autograd import gradcheck, gradgradcheck
from airi.autograd.graph import Rule
from airi.autograd.observer import Observer, observed_by

from .op_table import ROWS
from .op_table.row import Call, Row

BY_NAME = {row.name: row for row in ROWS}


def rows(choose=lambda row: True):
    chosen = [row for row in ROWS if choose(row)]
    return pytest.mark.parametrize("row", chosen, ids=[row.name for row in chosen])


def resolve(root: Any, name: str) -> Any:
    """The function that a row names, made of it what the row says (`Row.tried`)."""
    row = BY_NAME.get(name)
    function = named(root, name)
    return function if row is None or row.tried is None else row.tried(function)


def named(root: Any, name: str) -> Any:
    """``root.a.b`` for the name ``a.b``, the method of Tensor for ``.b``."""
    if name.startswith("."):
        return getattr(root.Tensor, name[1:])
    for part in name.split("."):
        root = getattr(root, part)
    return root


def calls(row: Row) -> list[Call]:
    return list(row.samples(np.random.default_rng(zlib.crc32(row.name.encode()))))


def convert(value: Any, array: Any) -> Any:
    """`value` with every array in it, also in lists and tuples, replaced by ``array(it)``."""
    if isinstance(value, np.ndarray):
        return array(value)
    if type(value) in (list, tuple):
        return type(value)(convert(each, array) for each in value)
    return value


def made(call: Call, array: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return convert(call.args, array), {k: convert(v, array) for k, v in call.kwargs.items()}


def pytorchs(arguments: Any) -> Any:
    """Arguments with PyTorch's dtypes in place of airi's."""
    torch = pytest.importorskip("torch")
    args, kwargs = arguments
    return args, {
        key: getattr(torch, str(each).split(".")[1]) if isinstance(each, airi.dtype) else each
        for key, each in kwargs.items()
    }


def leaf(array: np.ndarray) -> airi.Tensor:
    """float64 and complex numbers want a gradient, the rest is constant."""
    wanted = array.dtype == np.float64 or array.dtype.kind == "c"
    return airi.tensor(array, requires_grad=wanted)


def constant(array: np.ndarray) -> airi.Tensor:
    return airi.tensor(array)


def leaves(value: Any) -> list[Any]:
    """The tensors in arguments that want a gradient (airi's or PyTorch's)."""
    if isinstance(value, dict):
        return [each for part in value.values() for each in leaves(part)]
    if isinstance(value, (list, tuple)):
        return [each for part in value for each in leaves(part)]
    return [value] if getattr(value, "requires_grad", False) else []


def outputs(result: Any) -> list[Any]:
    """The tensors (or arrays) of a result, whether it is one or a tuple of them."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def ones_like(tensor: airi.Tensor) -> airi.Tensor:
    return airi.from_numpy(np.ones_like(tensor.detach().numpy()))


def plain(value: Any) -> np.ndarray:
    if hasattr(value, "detach"):
        value = value.detach().resolve_conj().numpy()
    return np.asarray(value)


def assert_same(got: Any, wanted: Any, rtol: float = 1e-10, atol: float = 1e-10) -> None:
    got, wanted = outputs(got), outputs(wanted)
    assert len(got) == len(wanted)
    for mine, theirs in zip(got, wanted, strict=True):
        mine, theirs = plain(mine), plain(theirs)
        assert mine.shape == theirs.shape
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=atol)


def function_of(row: Row, call: Call) -> tuple[Any, list[airi.Tensor]]:
    """The call as a function of its differentiable tensors alone, and these tensors."""
    args, kwargs = made(call, leaf)
    tensors = leaves([args, kwargs])

    def function(*given: airi.Tensor) -> Any:
        replacement = iter(given)

        def exchange(value: Any) -> Any:
            if isinstance(value, airi.Tensor):
                return next(replacement) if value.requires_grad else value
            if type(value) in (list, tuple):
                return type(value)(exchange(each) for each in value)
            return value

        new = exchange(args), {key: exchange(value) for key, value in kwargs.items()}
        result = resolve(airi, row.name)(*new[0], **new[1])
        return tuple(result) if isinstance(result, (tuple, list)) else result

    return function, tensors


@rows(lambda row: row.numpy is not None)
def test_value_is_numpys(row):
    for call in calls(row):
        args, kwargs = made(call, constant)
        got = resolve(airi, row.name)(*args, **kwargs)
        assert_same(got, row.numpy(*call.args, **call.kwargs), atol=row.atol)


@rows(lambda row: row.grad)
def test_first_derivative(row):
    for call in calls(row):
        function, tensors = function_of(row, call)
        assert tensors, "a differentiable op needs samples with float64 arrays"
        assert gradcheck(function, tensors)


@rows(lambda row: row.grad and row.second)
def test_second_derivative(row):
    for call in calls(row):
        function, tensors = function_of(row, call)
        assert gradgradcheck(function, tensors, fast_mode=True)


@rows(lambda row: not row.grad)
def test_no_gradient_passes(row):
    for call in calls(row):
        args, kwargs = made(call, leaf)
        for each in outputs(resolve(airi, row.name)(*args, **kwargs)):
            if isinstance(each, airi.Tensor):
                assert not each.requires_grad


def strided(array: np.ndarray) -> np.ndarray:
    """The same values in memory that is reversed, transposed and has gaps."""
    if array.ndim == 0:
        return array
    wide = np.repeat(array.T[..., ::-1].copy(), 2, axis=-1)[..., ::2]
    return wide[..., ::-1].T


@rows(lambda row: row.grad and row.layout)
def test_memory_layout_does_not_matter(row):
    for call in calls(row):
        results = []
        for layout in (np.asarray, strided):

            def own(array, layout=layout):
                tensor = airi.from_numpy(layout(array))
                wanted = array.dtype in (np.float64, np.complex128)
                return tensor.requires_grad_() if wanted else tensor

            args, kwargs = made(call, own)
            result = outputs(resolve(airi, row.name)(*args, **kwargs))
            seeds = [each for each in result if getattr(each, "requires_grad", False)]
            airi.autograd.backward(seeds, [ones_like(each) for each in seeds])
            gradients = [each.grad for each in leaves([args, kwargs])]
            results.append([result, [0.0 if g is None else g for g in gradients]])
        assert_same(results[1][0], results[0][0])
        assert_same(results[1][1], results[0][1])


def single(array: np.ndarray) -> airi.Tensor:
    if array.dtype not in (np.float64, np.complex128):
        return airi.tensor(array)
    narrow = np.float32 if array.dtype == np.float64 else np.complex64
    return airi.tensor(array.astype(narrow), requires_grad=True)


@rows(lambda row: row.grad)
def test_float32_stays_float32(row):
    for call in calls(row):
        args, kwargs = made(call, single)
        result = outputs(resolve(airi, row.name)(*args, **kwargs))
        exact, exact_kwargs = made(call, constant)
        wanted = outputs(resolve(airi, row.name)(*exact, **exact_kwargs))
        asked = kwargs.get("dtype")
        seeds = [each for each in result if getattr(each, "requires_grad", False)]
        for mine, precise in zip(result, wanted, strict=True):
            if isinstance(mine, airi.Tensor) and mine.is_floating_point() and asked is None:
                assert mine.dtype == airi.float32
            np.testing.assert_allclose(plain(mine), plain(precise), rtol=2e-4, atol=2e-5)
        airi.autograd.backward(seeds, [ones_like(each) for each in seeds])
        for each in leaves([args, kwargs]):
            if each.grad is not None:
                assert each.grad.dtype == each.dtype
                assert each.grad.shape == each.shape


# What rounded coordinates or statistics change by more than that, and residuals in float64.
SENSITIVE = ("linalg.lstsq", "nn.functional.grid_sample", "nn.functional.group_norm")


@rows(lambda row: row.grad and row.name not in SENSITIVE)
def test_bfloat16_is_float32_rounded(row):
    """bfloat16 in, bfloat16 out, computed in float32: values and gradients. Or refused."""
    pytest.importorskip("ml_dtypes")
    for call in calls(row):
        try:
            narrow, narrow_grads = _in_precision(row, call, airi.bfloat16)
        except RuntimeError as error:
            if "float32" in str(error) or "bfloat16" in str(error):
                continue
            raise
        wide, wide_grads = _in_precision(row, call, airi.float32)
        if call.kwargs.get("dtype") is None:
            for mine, exact in zip(narrow, wide, strict=True):
                expected = airi.bfloat16 if exact.dtype == airi.float32 else exact.dtype
                assert mine.dtype == expected
        for mine, exact in zip([*narrow, *narrow_grads], [*wide, *wide_grads], strict=True):
            if isinstance(exact, airi.Tensor) and not exact.is_complex():
                largest = np.abs(plain(exact), dtype=np.float64).max(initial=1.0)
                assert_same(mine.double(), exact.double(), rtol=0.05, atol=0.05 * largest)


def _in_precision(row: Row, call: Call, dtype: airi.dtype) -> tuple[list[Any], list[Any]]:
    """Results and gradients of a call with numbers that bfloat16 holds, in that dtype."""

    def rounded(array):
        if array.dtype not in (np.float32, np.float64):
            return leaf(array)
        tensor = airi.tensor(array).to(airi.bfloat16).to(dtype)
        return tensor.requires_grad_() if array.dtype == np.float64 else tensor

    args, kwargs = made(call, rounded)
    result = outputs(resolve(airi, row.name)(*args, **kwargs))
    seeds = [each for each in result if getattr(each, "requires_grad", False)]
    airi.autograd.backward(seeds, [ones_like(each) for each in seeds])
    return result, [each.grad for each in leaves([args, kwargs])]


def complex_calls(row: Row) -> list[Call]:
    """The samples with an imaginary part in every float64 array."""
    rng = np.random.default_rng(zlib.crc32(row.name.encode()))

    def turned(array: np.ndarray) -> np.ndarray:
        if array.dtype != np.float64:
            return array
        return np.asarray(array + 1j * rng.uniform(-1.5, 1.5, array.shape))

    turned_calls = [Call(*made(call, turned)) for call in calls(row)]
    for call in turned_calls:
        if getattr(call.kwargs.get("dtype"), "is_floating_point", False):
            call.kwargs["dtype"] = call.kwargs["dtype"].to_complex()
    return turned_calls


@rows(lambda row: row.complex and row.grad)
def test_complex_derivatives(row):
    for call in complex_calls(row):
        function, tensors = function_of(row, call)
        assert tensors
        assert gradcheck(function, tensors)
        if row.second:
            assert gradgradcheck(function, tensors, fast_mode=True)


@rows(lambda row: row.complex and row.torch is not None)
def test_complex_is_pytorchs(row):
    """Values, dtypes and gradients, in both precisions."""
    for call in complex_calls(row):
        compare_with_pytorch(row, call, rtol=1e-8)

        def single(array):
            return array.astype(np.complex64) if array.dtype == np.complex128 else array

        compare_with_pytorch(row, Call(*made(call, single)), rtol=2e-3)


@rows(lambda row: not row.complex)
def test_complex_is_refused(row):
    """Or, where an op is made of others that take complex numbers, right all the same."""
    for call in complex_calls(row):
        args, kwargs = made(call, leaf)
        if not any(each.is_complex() for each in leaves([args, kwargs])):
            continue
        try:
            resolve(airi, row.name)(*args, **kwargs)
        except (RuntimeError, TypeError, ValueError):
            continue
        assert row.grad, "neither refused nor said to take complex numbers"
        assert gradcheck(*function_of(row, call))


@rows(lambda row: row.empty is not None)
def test_empty(row):
    for call in row.empty():
        args, kwargs = made(call, leaf)
        result = outputs(resolve(airi, row.name)(*args, **kwargs))
        if row.numpy is not None:
            assert_same(result, row.numpy(*call.args, **call.kwargs))
        seeds = [each for each in result if getattr(each, "requires_grad", False)]
        if seeds:
            airi.autograd.backward(seeds, [ones_like(each) for each in seeds])
            for each in leaves([args, kwargs]):
                assert each.grad is None or each.grad.shape == each.shape


@rows(lambda row: row.grad)
def test_write_in_place_is_noticed_or_harmless(row):
    """Overwriting any input or output before backward raises, or does not change a gradient."""
    for call in calls(row):
        honest = _gradients(row, call, overwrite=None)
        if honest is None:
            continue
        for number in range(honest[1]):
            try:
                spoiled = _gradients(row, call, overwrite=number)
            except RuntimeError as error:
                if "in place" not in str(error):
                    raise
            else:
                assert_same(spoiled[0], honest[0])


def _gradients(row: Row, call: Call, overwrite: int | None) -> Any:
    """The gradients of a call, with one tensor among inputs and outputs overwritten before."""
    args, kwargs = made(call, leaf)
    wanted = leaves([args, kwargs])
    # Copies stand for the leaves, which may not be written in place themselves.
    inner = {id(each): each * 1.0 for each in wanted}

    def copy(value: Any) -> Any:
        if isinstance(value, airi.Tensor):
            return inner.get(id(value), value)
        return type(value)(copy(v) for v in value) if type(value) in (list, tuple) else value

    result = resolve(airi, row.name)(*copy(args), **{k: copy(v) for k, v in kwargs.items()})
    results = [each for each in outputs(result) if getattr(each, "requires_grad", False)]
    if not results:
        return None
    # Sums of squares of the results: their gradients are then not constant, but already taken.
    starts = [each.detach().clone() for each in results]
    touchable = [*inner.values(), *results]
    if overwrite is not None:
        target = touchable[overwrite]
        with airi.no_grad():
            if target.detach().numpy().flags.writeable:
                target.mul_(3.0)
    airi.autograd.backward(results, starts)
    gradients = [np.zeros(each.shape) if each.grad is None else each.grad for each in wanted]
    return gradients, len(touchable)


@rows(lambda row: row.in_place)
def test_in_place_form_agrees(row):
    for call in calls(row):
        args, kwargs = made(call, leaf)
        wanted = resolve(airi, row.name)(*args, **kwargs)
        first = args[0]
        if wanted.shape != first.shape or wanted.dtype != first.dtype:
            with pytest.raises(RuntimeError):
                getattr(first * 1.0, f"{row.name.split('.')[-1]}_")(*args[1:], **kwargs)
            continue
        target = first * 1.0 if first.is_floating_point() else first.clone()
        before = target._array
        got = getattr(target, f"{row.name.split('.')[-1]}_")(*args[1:], **kwargs)
        assert got is target
        assert target._array is before
        assert_same(got, wanted)
        if not wanted.requires_grad:
            continue
        tensors = leaves([args, kwargs])
        start = ones_like(wanted.detach())
        theirs = airi.autograd.grad(wanted, tensors, start, allow_unused=True)
        mine = airi.autograd.grad(got, tensors, start, allow_unused=True)
        for a, b in zip(mine, theirs, strict=True):
            assert_same(0.0 if a is None else a, 0.0 if b is None else b)


@rows(lambda row: row.method and "." not in row.name)
def test_method_is_the_function(row):
    assert getattr(airi.Tensor, row.name) is getattr(airi, row.name)


@rows(lambda row: row.integers)
def test_integers_are_pytorchs(row):
    torch = pytest.importorskip("torch")
    for call in calls(row):
        for dtype in (np.int64, np.int32, np.uint8):

            def whole(array, dtype=dtype):
                return (np.abs(array) * 3 + 1).astype(dtype) if array.dtype.kind == "f" else array

            args, kwargs = made(call, lambda a, w=whole: airi.tensor(w(a)))
            theirs, their_kwargs = pytorchs(made(call, lambda a, w=whole: torch.tensor(w(a))))
            try:
                wanted = outputs(resolve(torch, row.torch or row.name)(*theirs, **their_kwargs))
            except RuntimeError:
                with pytest.raises((RuntimeError, TypeError)):
                    resolve(airi, row.name)(*args, **kwargs)
                continue
            got = outputs(resolve(airi, row.name)(*args, **kwargs))
            assert_same(got, wanted, rtol=1e-5)
            for mine, other in zip(got, wanted, strict=True):
                assert str(mine.dtype).split(".")[1] == str(other.dtype).split(".")[1]


@rows(lambda row: row.torch is not None)
def test_pytorch_agrees(row):
    """Values, dtypes and first derivatives are PyTorch's."""
    for call in calls(row):
        compare_with_pytorch(row, call)


def compare_with_pytorch(row: Row, call: Call, rtol: float = 1e-8) -> None:
    torch = pytest.importorskip("torch")

    def theirs(array):
        wanted = array.dtype == np.float64 or array.dtype.kind == "c"
        return torch.tensor(array, requires_grad=wanted)

    args, kwargs = made(call, leaf)
    other_args, other_kwargs = pytorchs(made(call, theirs))
    got = outputs(resolve(airi, row.name)(*args, **kwargs))
    wanted = outputs(resolve(torch, row.torch or row.name)(*other_args, **other_kwargs))
    assert_same(got, wanted, rtol=rtol, atol=max(row.atol, rtol))
    for mine, other in zip(got, wanted, strict=True):
        if isinstance(mine, airi.Tensor):
            assert str(mine.dtype).split(".")[1] == str(other.dtype).split(".")[1]
    if not row.grad:
        return
    pairs = [
        (a, b)
        for a, b in zip(got, wanted, strict=True)
        if getattr(a, "requires_grad", False) and b.requires_grad
    ]
    assert pairs
    rng = np.random.default_rng(1)
    starts = [_start(rng, each) for each, _ in pairs]
    airi.autograd.backward([a for a, _ in pairs], [airi.tensor(s) for s in starts])
    torch.autograd.backward([b for _, b in pairs], [torch.tensor(s) for s in starts])
    for mine, other in zip(leaves([args, kwargs]), leaves([other_args, other_kwargs]), strict=True):
        if mine.grad is None and other.grad is None:
            continue
        zeros = np.zeros(tuple(mine.shape))
        a = zeros if mine.grad is None else mine.grad
        b = zeros if other.grad is None else other.grad
        assert_same(a, b, rtol=10 * rtol, atol=rtol)


def _start(rng: np.random.Generator, result: airi.Tensor) -> np.ndarray:
    """Where a gradient starts: random numbers in the shape and dtype of a result."""
    start = rng.standard_normal(tuple(result.shape))
    if result.is_complex():
        start = start + 1j * rng.standard_normal(tuple(result.shape))
    return start.astype(result.detach().numpy().dtype)


# Nothing is left out.


def op_modules():
    for each in pkgutil.iter_modules(airi.ops.__path__):
        if each.name not in ("conv_ext", "erf_ext"):
            yield importlib.import_module(f"airi.ops.{each.name}")


def rules(of: type[Rule] = Rule) -> list[type[Rule]]:
    found = []
    for each in of.__subclasses__():
        found += [each, *rules(each)]
    return found


# Functions that make tensors or look at them: they have tests of their own, not rows.
NOT_OPS = {"creation", "questions", "random", "ranges"}


def public_functions():
    for module in op_modules():
        if module.__name__.split(".")[-1] in NOT_OPS:
            continue
        for name in getattr(module, "__all__", []):
            if inspect.isfunction(getattr(module, name)):
                yield module, name


def test_every_public_op_has_a_row():
    covered = {id(named(airi, row.name)) for row in ROWS}
    missing = [
        f"{module.__name__}.{name}"
        for module, name in public_functions()
        if id(getattr(module, name)) not in covered
    ]
    assert not missing, f"ops without a row in the op table: {', '.join(missing)}"


# Rules that no row can apply: the tests of these modules do.
TESTED_ELSEWHERE = (
    "airi.ops.inplace",
    "airi.ops.boundary",
    "airi.ops.gamma_sample",
    "airi.ops.random",
    "airi.ops.sparse",
)


def test_every_rule_is_exercised():
    """Each differentiable rule of airi.ops is applied by some row: forward, or in its backward."""
    used: set[type[Rule]] = set()

    class Collector(Observer):
        def computed(self, rule, node, inputs, results, seconds):
            used.add(next(each for each in rule.__mro__ if "forward" in each.__dict__))

    list(op_modules())
    with observed_by(Collector()):
        for row in ROWS:
            for call in calls(row):
                args, kwargs = made(call, leaf)
                results = [
                    each
                    for each in outputs(resolve(airi, row.name)(*args, **kwargs))
                    if getattr(each, "requires_grad", False)
                ]
                if results:
                    starts = [ones_like(each) for each in results]
                    airi.autograd.backward(results, starts, create_graph=True)
        for row in ROWS:
            if row.in_place:
                test_in_place_form_agrees(row)
    missing = [
        f"{rule.__module__}.{rule.__name__}"
        for rule in rules()
        if rule.__module__.startswith("airi.ops.")
        and rule.__module__ not in TESTED_ELSEWHERE
        and rule.backward is not None
        and "forward" in rule.__dict__
        and rule not in used
    ]
    assert not missing, f"rules that no row exercises: {', '.join(missing)}"


def test_rows_are_unique():
    assert len(BY_NAME) == len(ROWS)
