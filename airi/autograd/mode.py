"""What is recorded: switches of the running thread, as context managers and decorators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airi.autograd.basics import PerThread

if TYPE_CHECKING:
    from airi.autograd.observer import Observer
    from airi.autograd.scope import Scope

_F = TypeVar("_F", bound=Callable[..., Any])


class State:
    """The switches of one thread. Each thread starts from these values and changes only its own."""

    __slots__ = ("grad", "inference", "source", "scope", "observers", "saved_hooks")

    def __init__(self) -> None:
        self.grad = True
        self.inference = False
        self.source = False
        self.scope: Scope | None = None
        self.observers: tuple[Observer, ...] = ()
        self.saved_hooks: tuple[Any, ...] = ()  # pairs (pack, unpack), the innermost last


_states = PerThread(State)


def current() -> State:
    """The running thread's switches."""
    return _states.get()


# The observers of all threads. Every op looks here first: an empty list is the quickest answer.
observing: list[Observer] = []


class _Switch:
    """A setting that holds inside ``with`` or inside a decorated function or generator."""

    _values: dict[str, bool]

    def __enter__(self) -> None:
        self._before = {name: getattr(current(), name) for name in self._values}
        for name, value in self._values.items():
            setattr(current(), name, value)

    def __exit__(self, *exc: object) -> None:
        for name, value in self._before.items():
            setattr(current(), name, value)

    def _again(self) -> _Switch:
        """A fresh switch for each call, so that decorated functions may recurse."""
        copy = object.__new__(type(self))
        copy._values = self._values
        return copy

    def __call__(self, function: _F) -> _F:
        if _is_generator(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return cast("_F", inside)

    def _wrap_generator(self, function: Any) -> Any:
        """The switch holds while the generator runs, not while its caller has the turn."""

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            resume, value = generator.send, None
            while True:
                try:
                    with self._again():
                        item = resume(value)
                except StopIteration as stop:
                    return stop.value
                try:
                    resume, value = generator.send, (yield item)
                except GeneratorExit:
                    generator.close()
                    raise
                except BaseException as error:
                    resume, value = generator.throw, error

        return inside


def _is_generator(function: Any) -> bool:
    from inspect import isgeneratorfunction  # slow to import, and only decorators need it

    return isgeneratorfunction(function)


class no_grad(_Switch):
    """Record nothing: results do not require grad. Source: ``torch.no_grad``.

    Example::

        with airi.no_grad():
            weight -= 0.1 * weight.grad
    """

    _values = {"grad": False}

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        return switch if function is None else switch(function)  # @no_grad without parentheses


class enable_grad(no_grad):
    """Record again inside a ``no_grad`` block. Source: ``torch.enable_grad``."""

    _values = {"grad": True}


class set_grad_enabled(_Switch):
    """Turn recording on or off, at once or, in a ``with``, until its end.

    Example: ``airi.set_grad_enabled(False)``. Source: ``torch.set_grad_enabled``.
    """

    def __init__(self, mode: bool) -> None:
        self._values = {"grad": bool(mode)}
        self._outside = current().grad
        current().grad = bool(mode)

    def __enter__(self) -> None:
        self._before = {"grad": self._outside}
        current().grad = self._values["grad"]

    def __call__(self, function: _F) -> _F:
        current().grad = self._outside  # as a decorator it acts inside the function only
        return super().__call__(function)

    def _again(self) -> _Switch:
        again = _Switch()
        again._values = self._values
        return again


class inference_mode(_Switch):
    """``no_grad`` whose results may never enter a graph later. Source: ``torch.inference_mode``."""

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        switch = super().__new__(cls)
        if callable(mode):
            switch._values = {"grad": False, "inference": True}
            return switch(mode)
        switch._values = {"grad": False, "inference": True} if mode else {"inference": False}
        return switch

    def __init__(self, mode: bool | Callable[..., Any] = True) -> None:
        pass  # __new__ has done it: as a bare decorator no switch is returned


def is_grad_enabled() -> bool:
    """Whether operations are being recorded. Source: ``torch.is_grad_enabled``."""
    return current().grad


def is_inference_mode_enabled() -> bool:
    """Whether the thread is inside ``inference_mode``."""
    return current().inference
