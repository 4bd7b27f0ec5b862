"""How the class of a rule is read: what its forward takes, and what its backward names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

_HAS_VAR_POSITIONAL = 0x04  # inspect.CO_VARARGS
ONE_OUTPUT = ("out",)

# How a node gets a value that backward names: (one of these, which one, only for which input).
INPUT, REST, OUTPUT, SHAPE, SHAPES_OF_REST, ATTRIBUTE, NEEDS = range(7)


class Facts:
    """What recording asks of a rule at every use, in one place."""

    rule: Any
    one_output: bool
    is_view: bool
    differentiable: bool
    holomorphic: bool
    frees: bool  # whether a node holds values that backward releases
    plan: tuple[tuple[int, Any, int | None], ...]
    small: Any  # the kernel for small arrays, None where there is none or it may not be used


class RuleType(type):
    """The type of rules: it sees where one is given another forward or backward.

    A test or a lesson does that to try a fault; a kernel does not know of it, so it stands aside
    until the rule's own are back.
    """

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in ("forward", "backward") and "facts" in cls.__dict__:
            cls._choose_kernel()  # type: ignore[attr-defined]


class Declared(metaclass=RuleType):
    """What the class of a rule says of it.

    Subclasses may set

    * ``outputs``: the names of the results where forward returns a tuple;
    * ``broadcasts``: inputs are broadcast together, so the engine sums gradients back to shape;
    * ``is_view``: the result shares the memory of the first input;
    * ``holomorphic``: it takes complex numbers and has a complex derivative, see `graph.py`;
    * ``complex``: it takes complex numbers, and backward is right for them as it is written;
    * ``symmetric``: the first input is a symmetric matrix: forward may read one triangle of it, and
      backward is right for changes that leave it symmetric;
    * ``only_for``: ``{"x": "y"}`` says that x is needed for the gradient of y only, and is not
      saved when y wants none (backward then gets None for it);
    * ``small``: a kernel that computes the same rule without a frame of Python, first for small
      arrays (`small_ext.pyx`); `fused.kernel` makes those of activations.
    """

    outputs: ClassVar[tuple[str, ...]] = ONE_OUTPUT
    broadcasts: ClassVar[bool] = False
    is_view: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    holomorphic: ClassVar[bool] = False
    complex: ClassVar[bool] = False
    only_for: ClassVar[dict[str, str]] = {}
    small: ClassVar[Any] = None

    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Any] | None] = None  # None: no gradient passes

    inputs: ClassVar[tuple[str, ...]] = ()
    variadic: ClassVar[bool] = False  # whether the last input is *args
    attributes: ClassVar[tuple[str, ...]] = ()
    facts: ClassVar[Facts]
    _own: ClassVar[tuple[Any, Any]]  # forward and backward as they were written

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "forward" in cls.__dict__:
            cls._read_forward()
        facts = Facts()
        facts.rule = cls
        wanted = cls._wanted() if cls.backward is not None else []
        facts.plan = tuple([cls._plan_for(name) for name in wanted])
        facts.frees = any(kind in (INPUT, REST, OUTPUT) for kind, _, _ in facts.plan)
        facts.one_output = cls.outputs is ONE_OUTPUT
        facts.is_view = cls.is_view
        facts.differentiable = cls.backward is not None
        facts.holomorphic = cls.holomorphic
        cls.facts = facts
        cls._own = cls._as_written()
        cls._choose_kernel()

    @classmethod
    def _choose_kernel(cls) -> None:
        # What a subclass changes, a kernel does not know.
        untouched = cls._as_written() == cls._own
        cls.facts.small = cls.__dict__.get("small") if untouched else None

    @classmethod
    def _as_written(cls) -> tuple[Any, Any]:
        return getattr(cls, "forward", None), cls.backward

    @classmethod
    def _read_forward(cls) -> None:
        # From the code object: inspect.signature would take half of the time of `import airi`.
        code = cls.forward.__code__
        count, attributes = code.co_argcount, code.co_kwonlyargcount
        names = code.co_varnames
        cls.variadic = bool(code.co_flags & _HAS_VAR_POSITIONAL)
        cls.attributes = names[count : count + attributes]
        cls.inputs = names[:count]
        if cls.variadic:
            cls.inputs += (names[count + attributes],)

    @classmethod
    def _wanted(cls) -> list[str]:
        assert cls.backward is not None
        code = cls.backward.__code__
        return list(code.co_varnames[1 : code.co_argcount])

    @classmethod
    def _plan_for(cls, name: str) -> tuple[int, Any, int | None]:
        """How a node gets the value that backward calls `name`."""
        last = len(cls.inputs) - 1
        only_for = cls.inputs.index(cls.only_for[name]) if name in cls.only_for else None
        if name in cls.inputs:
            at = cls.inputs.index(name)
            if cls.variadic and at == last:
                return REST, at, None
            return INPUT, at, only_for
        if name.endswith("_shape") and name.removesuffix("_shape") in cls.inputs:
            at = cls.inputs.index(name.removesuffix("_shape"))
            return (SHAPES_OF_REST if cls.variadic and at == last else SHAPE), at, None
        if name in cls.attributes:
            return ATTRIBUTE, name, None
        if name in cls.outputs:
            return OUTPUT, cls.outputs.index(name), only_for
        if name == "needs":
            return NEEDS, None, None
        known = [*cls.inputs, *(f"{each}_shape" for each in cls.inputs), *cls.attributes]
        raise TypeError(
            f"{cls.__name__}.backward names {name!r}, which its forward does not have; "
            f"it may name {', '.join([*known, *cls.outputs, 'needs'])}"
        )
