"""gradcheck and gradgradcheck: are the rules of a function its true derivatives?

The Jacobian that backward gives, row by row, is held against central differences of the function
itself. A failure names the argument, the element, both values and, where the pattern gives it
away, the likely cause. A complex number counts as two real ones, its parts: a gradient
dL/da + i dL/db holds the derivatives by both.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from airi.autograd import engine, graph
from airi.autograd.mode import enable_grad, no_grad


class GradcheckError(RuntimeError):
    """What a failed gradcheck raises. Source: ``torch.autograd.gradcheck.GradcheckError``."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check the gradients of ``func(*inputs)`` against central differences.

    |analytic - numeric| <= atol + rtol * |numeric| must hold for every pair of an output element
    and an element of an input that requires grad: (f(x + eps) - f(x - eps)) / (2 eps); of complex
    ones for both parts. Inputs should be float64 or complex128. ``fast_mode`` compares one random
    projection of each Jacobian instead. Returns True; a failure raises GradcheckError, or returns
    False with ``raise_exception=False``. Outputs are checked one at a time, which covers
    ``check_undefined_grad``. Forward mode and batched gradients are not there: ValueError.

    Example: ``gradcheck(airi.exp, (airi.randn(3, dtype=airi.float64, requires_grad=True),))``.
    Source: ``torch.autograd.gradcheck``.
    """
    if check_forward_ad or check_batched_grad or not check_backward_ad:
        raise ValueError("gradcheck: airi checks backward mode only, one gradient at a time")
    if masked:
        raise ValueError("gradcheck: airi has no sparse tensors, so masked=True has no meaning")
    check = _Check(func, _as_tuple(inputs), eps, atol, rtol)
    try:
        check.inputs_are_usable()
        if fast_mode:
            check.projections()
        else:
            check.jacobians()
        check.is_repeatable(nondet_tol)
        if check_grad_dtypes:
            check.dtypes()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check the second derivatives: `gradcheck` of the gradients of ``func``.

    `grad_outputs`, which the first derivatives start from, are random where not given. Arguments
    and errors are those of `gradcheck`. Source: ``torch.autograd.gradgradcheck``.
    """
    if check_fwd_over_rev or not check_rev_over_rev:
        raise ValueError("gradgradcheck: airi checks reverse over reverse mode only")
    tensors = _as_tuple(inputs)
    if grad_outputs is None:
        starts = _random_like(_outputs(func, tensors), gen_non_contig_grad_outputs)
    else:
        starts = _as_tuple(grad_outputs)
    count = len(tensors)

    def gradients(*arguments: Any) -> tuple[Any, ...]:
        values, given = arguments[:count], arguments[count:]
        with enable_grad():
            outputs = _outputs(func, values)
            wanted = [each for each in values if _wants_grad(each)]
            found = engine.grad(outputs, wanted, given, create_graph=True, allow_unused=True)
        return tuple(each for each in found if each is not None)

    return gradcheck(
        gradients,
        (*tensors, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
        masked=masked,
    )


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _wants_grad(value: Any) -> bool:
    return isinstance(value, graph.Tensor) and value.requires_grad


def _outputs(func: Callable[..., Any], inputs: Sequence[Any]) -> list[Any]:
    """The differentiable outputs of a call."""
    return [each for each in _as_tuple(func(*inputs)) if _wants_grad(each)]


def _random_like(tensors: Sequence[Any], strided: bool) -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    result = []
    for each in tensors:
        array = _random(rng, each._array)
        if strided and array.ndim:
            array = np.repeat(array, 2, axis=-1)[..., ::2]
        start = graph.wrap(array)
        start._requires_grad = True
        result.append(start)
    return tuple(result)


def _random(rng: np.random.Generator, like: np.ndarray) -> np.ndarray:
    array = np.empty(like.shape, like.dtype)
    array[...] = rng.standard_normal(like.shape)
    if like.dtype.kind == "c":
        array.imag = rng.standard_normal(like.shape)
    return array


def _parts(array: np.ndarray) -> np.ndarray:
    """All elements in one line as float64, the parts of a complex one beside each other."""
    if array.dtype.kind == "c":
        return np.array(array, np.complex128, order="C").reshape(-1).view(np.float64)
    return np.array(array, np.float64).reshape(-1)


def _units(dtype: np.dtype) -> tuple[complex, ...]:
    """The directions in which an element of that dtype can move."""
    return (1.0, 1.0j) if dtype.kind == "c" else (1.0,)


def _place(at: int, tensor: Any) -> tuple[tuple[int, ...], complex, str]:
    """Which element the real number at that place of `_parts` is of, and which part of it."""
    units = _units(tensor._array.dtype)
    element, part = divmod(at, len(units))
    name = "" if len(units) == 1 else ("the real part of ", "the imaginary part of ")[part]
    index = np.unravel_index(element, tensor._array.shape)
    return tuple(int(i) for i in index), units[part], name


def _size(tensor: Any) -> int:
    """How many real numbers a tensor holds."""
    return tensor._array.size * len(_units(tensor._array.dtype))


class _Check:
    """One gradcheck: the function, its inputs and the tolerances."""

    def __init__(
        self,
        func: Callable[..., Any],
        inputs: tuple[Any, ...],
        eps: float,
        atol: float,
        rtol: float,
    ) -> None:
        self.func = func
        self.inputs = inputs
        self.eps = eps
        self.atol = atol
        self.rtol = rtol
        self.positions = [i for i, each in enumerate(inputs) if _wants_grad(each)]
        self.wanted = [inputs[i] for i in self.positions]

    def inputs_are_usable(self) -> None:
        if not self.positions:
            raise ValueError("gradcheck: no input requires grad, so there is nothing to check")
        for position, tensor in zip(self.positions, self.wanted, strict=True):
            if not tensor._array.flags.writeable:
                raise GradcheckError(
                    f"gradcheck: argument {position} cannot be changed element by element "
                    "(expanded or read-only memory); pass a clone()"
                )

    # Two ways to look at the derivatives.

    def analytic(self, output: Any, start: np.ndarray) -> list[np.ndarray]:
        """The vector-Jacobian product of backward for each wanted input."""
        found = engine.grad(
            output, self.wanted, graph.wrap(start), retain_graph=True, allow_unused=True
        )
        return [
            np.zeros_like(tensor._array) if each is None else each._array
            for each, tensor in zip(found, self.wanted, strict=True)
        ]

    def evaluate(self) -> list[np.ndarray]:
        """The values of the outputs that are differentiable, at the inputs as they are now."""
        if len(self._differentiable) == 0:
            return []
        with no_grad():
            outputs = _as_tuple(self.func(*self.inputs))
        return [_parts(outputs[i]._array) for i in self._differentiable]

    def outputs(self) -> list[Any]:
        with enable_grad():
            every = _as_tuple(self.func(*self.inputs))
        self._differentiable = [i for i, each in enumerate(every) if _wants_grad(each)]
        return [every[i] for i in self._differentiable]

    def jacobians(self) -> None:
        """Every entry: output element by input element."""
        outputs = self.outputs()
        analytic = [self._analytic_jacobians(each) for each in outputs]
        for number, position in enumerate(self.positions):
            numeric = self._numeric_jacobians(self.wanted[number])
            for at in range(len(outputs)):
                self._compare(position, at, analytic[at][number], numeric[at], outputs[at])

    def _analytic_jacobians(self, output: Any) -> list[np.ndarray]:
        shape, dtype = output._array.shape, output._array.dtype
        rows: list[list[np.ndarray]] = [[] for _ in self.wanted]
        for index, unit in itertools.product(np.ndindex(shape), _units(dtype)):
            start = np.zeros(shape, dtype)
            start[index] = unit
            for each, gradient in zip(rows, self.analytic(output, start), strict=True):
                each.append(_parts(gradient))
        return [
            np.array(each, np.float64).reshape(_size(output), _size(tensor))
            for each, tensor in zip(rows, self.wanted, strict=True)
        ]

    def _numeric_jacobians(self, tensor: Any) -> list[np.ndarray]:
        columns: list[list[np.ndarray]] = []
        units = _units(tensor._array.dtype)
        for index, unit in itertools.product(np.ndindex(tensor._array.shape), units):
            above = self._moved(tensor, index, self.eps * unit)
            below = self._moved(tensor, index, -self.eps * unit)
            pairs = zip(above, below, strict=True)
            columns.append([(a - b) / (2 * self.eps) for a, b in pairs])
        if not columns:
            return [np.zeros((each.size, 0)) for each in self.evaluate()]
        return [np.stack(each, axis=1) for each in zip(*columns, strict=True)]

    def _moved(self, tensor: Any, index: tuple[int, ...], by: complex) -> list[np.ndarray]:
        array = tensor._array
        before = array[index]
        array[index] = before + by
        try:
            return self.evaluate()
        finally:
            array[index] = before

    def projections(self) -> None:
        """One random number per pair of output and input: u^T J v both ways."""
        rng = np.random.default_rng(0)
        for at, output in enumerate(self.outputs()):
            u = _random(rng, output._array)
            gradients = self.analytic(output, u)
            for number, position in enumerate(self.positions):
                array = self.wanted[number]._array
                v = _random(rng, array)
                before = array.copy()
                try:
                    array[...] = before + self.eps * v
                    above = self.evaluate()[at]
                    array[...] = before - self.eps * v
                    below = self.evaluate()[at]
                finally:
                    array[...] = before
                numeric = float(_parts(u) @ (above - below)) / (2 * self.eps)
                analytic = float(_parts(gradients[number]) @ _parts(v))
                if not abs(analytic - numeric) <= self.atol + self.rtol * abs(numeric):
                    raise GradcheckError(
                        f"gradcheck (fast_mode): the gradient of argument {position} with respect "
                        f"to output {at} is wrong: along a random direction analytic "
                        f"{analytic:.6g}, numeric {numeric:.6g}. Run with fast_mode=False to see "
                        f"which element.{self._precision_hint()}"
                    )

    def is_repeatable(self, tolerance: float) -> None:
        for at, output in enumerate(self.outputs()):
            start = np.ones_like(output._array)
            pairs = zip(self.analytic(output, start), self.analytic(output, start), strict=True)
            for position, (first, second) in zip(self.positions, pairs, strict=True):
                if first.size and not np.abs(first - second).max() <= tolerance:
                    raise GradcheckError(
                        f"gradcheck: two backward passes gave argument {position} different "
                        f"gradients of output {at} (nondet_tol={tolerance}): is there randomness?"
                    )

    def dtypes(self) -> None:
        for output in self.outputs():
            gradients = self.analytic(output, np.ones_like(output._array))
            for position, each, tensor in zip(self.positions, gradients, self.wanted, strict=True):
                if each.dtype != tensor._array.dtype:
                    raise GradcheckError(
                        f"gradcheck: argument {position} is {tensor._array.dtype}, its gradient "
                        f"{each.dtype}"
                    )

    # What went wrong, in words.

    def _compare(
        self, position: int, at: int, analytic: np.ndarray, numeric: np.ndarray, output: Any
    ) -> None:
        with np.errstate(invalid="ignore"):
            distance = np.abs(analytic - numeric)
            excess = distance - (self.atol + self.rtol * np.abs(numeric))
        same = (analytic == numeric) | (np.isnan(analytic) & np.isnan(numeric))
        wrong = ~same & ~(excess <= 0)
        if not wrong.any():
            return
        tensor = self.inputs[position]
        with np.errstate(invalid="ignore"):
            worst = np.where(wrong, np.where(np.isnan(excess), np.inf, excess), -np.inf).argmax()
        row, column = (int(i) for i in np.unravel_index(worst, wrong.shape))
        element, unit, of_element = _place(column, tensor)
        result, _, of_result = _place(row, output)
        made_by = output.grad_fn.describe() if output.grad_fn is not None else "a leaf"
        raise GradcheckError(
            f"gradcheck: the gradient of argument {position} (shape {tuple(tensor.shape)}, "
            f"{tensor.dtype}) with respect to output {at} ({made_by}) is wrong\n"
            f"  worst at {of_element}input element {element}, {of_result}output element {result}: "
            f"analytic {analytic[row, column]:.6g}, numeric {numeric[row, column]:.6g}\n"
            f"  {int(wrong.sum())} of {wrong.size} entries differ by more than "
            f"atol={self.atol} + rtol={self.rtol} * |numeric|"
            f"{self._cause(position, at, analytic, numeric, wrong, element, unit, row)}"
        )

    def _cause(
        self,
        position: int,
        at: int,
        analytic: np.ndarray,
        numeric: np.ndarray,
        wrong: np.ndarray,
        element: tuple[int, ...],
        unit: complex,
        row: int,
    ) -> str:
        """The likely cause, by the pattern of what is wrong; more than one may fit."""
        if self._precision_hint():
            return self._precision_hint()
        causes = []
        array = self.inputs[position]._array
        shape = (*array.shape, 2) if array.dtype.kind == "c" else array.shape
        if not analytic.any():
            causes.append(
                "no gradient arrives at all: is it detached, or None where it should not be?"
            )
        elif len(analytic) > 1 and np.array_equal(analytic, analytic[:1].repeat(len(analytic), 0)):
            causes.append(
                "the same for every output element: backward leaves out the incoming gradient"
            )
        elif (factor := _constant_factor(analytic, numeric)) is not None:
            causes.append(
                f"analytic = {factor:.4g} x numeric everywhere: a constant factor or sign"
            )
        elif array.dtype.kind == "c" and _lacks_conjugation(analytic, numeric):
            causes.append("backward multiplies by a complex value that it should conjugate")
        elif _is_transposed(analytic, numeric, shape, self.atol, self.rtol):
            causes.append("the gradient of each output is right but transposed")
        if self._has_kink(position, at, element, unit, row):
            causes.append("the function is not differentiable at this point (a kink or a jump)")
        return "".join(f"\n  likely cause: {each}" for each in causes)

    def _has_kink(
        self, position: int, at: int, element: tuple[int, ...], unit: complex, row: int
    ) -> bool:
        tensor, step = self.inputs[position], self.eps * unit
        here = self.evaluate()[at][row]
        right = (self._moved(tensor, element, step)[at][row] - here) / self.eps
        left = (here - self._moved(tensor, element, -step)[at][row]) / self.eps
        # For a smooth function both sides differ by about eps times the second derivative.
        return bool(abs(right - left) > 0.05 * max(abs(right), abs(left), 1e-3))

    def _precision_hint(self) -> str:
        low = [
            f"argument {i} is {each.dtype}"
            for i, each in zip(self.positions, self.wanted, strict=True)
            if each._array.dtype not in (np.float64, np.complex128)
        ]
        if not low:
            return ""
        return (
            f"\n  likely cause: {', '.join(low)}: differences of eps={self.eps} need float64 inputs"
        )


def _constant_factor(analytic: np.ndarray, numeric: np.ndarray) -> float | None:
    """f where analytic = f * numeric in every entry, and f is not 1."""
    large = np.abs(numeric) > 1e-3 * max(float(np.abs(numeric).max(initial=0)), 1e-6)
    if not large.any() or not np.isfinite(analytic).all():
        return None
    ratios = analytic[large] / numeric[large]
    factor = float(np.median(ratios))
    scale = float(np.abs(analytic).max())
    fits = np.allclose(analytic, factor * numeric, rtol=1e-3, atol=1e-4 * scale)
    return factor if fits and abs(factor - 1) > 1e-3 else None


def _lacks_conjugation(analytic: np.ndarray, numeric: np.ndarray) -> bool:
    """Whether the derivatives of one part by the other have the wrong sign, and all else fits."""
    row_part, column_part = (np.arange(size) % 2 for size in analytic.shape)
    signs = np.where(row_part[:, None] == column_part, 1, -1)
    return np.allclose(signs * analytic, numeric, rtol=1e-3, atol=1e-5)


def _is_transposed(
    analytic: np.ndarray, numeric: np.ndarray, shape: tuple[int, ...], atol: float, rtol: float
) -> bool:
    """Whether swapping two dimensions of the input's gradient makes it right."""
    for first, second in itertools.combinations(range(len(shape)), 2):
        turned = analytic.reshape(-1, *shape).swapaxes(first + 1, second + 1)
        for candidate in (
            turned.reshape(analytic.shape),
            _refilled(analytic, shape, first, second),
        ):
            if np.allclose(candidate, numeric, rtol=rtol, atol=atol):
                return True
    return False


def _refilled(jacobian: np.ndarray, shape: tuple[int, ...], first: int, second: int) -> np.ndarray:
    """The gradient read in the transposed order: what a wrong reshape after a .T does."""
    order = list(shape)
    order[first], order[second] = order[second], order[first]
    turned = jacobian.reshape(-1, *order).swapaxes(first + 1, second + 1)
    return turned.reshape(jacobian.shape)
