"""Tensor: an array with a place in the graph. What is not an op lives here."""

from __future__ import annotations

import copy
import math
import operator
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from airi import dtypes, spelling
from airi.autograd import engine, graph
from airi.autograd.basics import Version
from airi.autograd.graph import Handle, Node, replay_view
from airi.autograd.mode import current, enable_grad
from airi.device import CPU, device
from airi.layout import layout, strided
from airi.ops.complex import imag, real
from airi.ops.creation import legacy_array
from airi.ops.methods import TensorMethods
from airi.ops.operators import Operators
from airi.ops.splitting import Unbind
from airi.ops.views import Permute
from airi.storage import TypedStorage, UntypedStorage, is_shared, shared_copy


class Size(tuple[int, ...]):
    """A shape: a tuple of ints that prints and counts as PyTorch's. Source: ``torch.Size``."""

    __slots__ = ()

    def __new__(cls, sizes: Iterable[Any] = ()) -> Size:
        try:
            return super().__new__(cls, map(operator.index, sizes))
        except TypeError:
            raise TypeError(f"Size: expected a sequence of ints, got {sizes!r}") from None

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"{spelling.own_name}.Size({list(self)})"

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return Size(part) if isinstance(at, slice) else part

    def __add__(self, other: Any) -> Size:
        return Size((*self, *other))

    def __radd__(self, other: Any) -> Size:
        return Size((*other, *self))

    def __mul__(self, times: Any) -> Size:
        return Size(super().__mul__(times))

    __rmul__ = __mul__


class Tensor(Operators, TensorMethods):
    """An n-dimensional array that remembers how it was computed.

    ``Tensor(2, 3)`` is uninitialised float32, ``Tensor([1, 2])`` holds these values as float32, as
    in PyTorch; ``airi.tensor(...)`` is what one usually wants. Source: ``torch.Tensor``.
    """

    name: str | None = None  # a label of the user's own for pictures
    __array_priority__ = 1000  # ndarray + Tensor is a Tensor

    def __init__(self, *data: Any, **kwargs: Any) -> None:
        # `wrap` makes Tensors without coming here.
        self._array = legacy_array("Tensor", data, kwargs, dtypes.default_numpy())
        self._counter = Version()

    # -- what it is ---------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return tuple.__new__(Size, self._array.shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension. Source: ``torch.Tensor.size``."""
        if dim is None:
            return self.shape
        if not -self.ndim <= dim < self.ndim:
            raise IndexError(f"size: dim {dim} is out of range for a tensor of shape {self.shape}")
        return self._array.shape[dim]

    @property
    def ndim(self) -> int:
        return self._array.ndim

    def dim(self) -> int:
        """The number of dimensions."""
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        """The number of elements."""
        return self._array.size

    nelement = numel

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.of(self._array.dtype)

    @property
    def device(self) -> device:
        return CPU

    @property
    def itemsize(self) -> int:
        return self._array.itemsize

    def element_size(self) -> int:
        """The bytes of one element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    def stride(self, dim: int | None = None) -> Any:
        """Steps from one element to the next along each dimension, in elements."""
        strides = tuple([each // self._array.itemsize for each in self._array.strides])
        return strides if dim is None else strides[dim]

    def storage(self) -> TypedStorage:
        """The memory that it shows part of, as elements. Source: ``torch.Tensor.storage``."""
        return TypedStorage.of(self._array)

    def untyped_storage(self) -> UntypedStorage:
        """That memory as bytes. Source: ``torch.Tensor.untyped_storage``."""
        return UntypedStorage.of(self._array)

    def share_memory_(self) -> Tensor:
        """Move the values to memory that processes share which are forked afterwards.

        Views made before keep the old memory, and of a view it is a RuntimeError. Nothing is done
        where it is shared already. Source: ``torch.Tensor.share_memory_``.
        """
        if not self.is_shared():
            if self._base is not None:
                raise RuntimeError("share_memory_: this is a view; share its base, or a clone()")
            self._array = shared_copy(self._array)
        return self

    def is_shared(self) -> bool:
        """Whether `share_memory_` was called on it or on what it is a view of."""
        return is_shared(self._array)

    def is_set_to(self, tensor: Tensor) -> bool:
        """Whether both show the same memory in the same shape and strides."""
        mine, other = self._array, tensor._array
        return (mine.ctypes.data, mine.shape, mine.strides) == (
            other.ctypes.data,
            other.shape,
            other.strides,
        )

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._array.ctypes.data

    def storage_offset(self) -> int:
        """How many elements of the memory that it shows part of lie before its first."""
        whole = self._array
        while isinstance(whole.base, np.ndarray):
            whole = whole.base
        return (self._array.ctypes.data - whole.ctypes.data) // self._array.itemsize

    @property
    def layout(self) -> layout:
        return strided

    def is_contiguous(self) -> bool:
        """Whether the elements lie in memory in the order of the indices."""
        return self._array.flags.c_contiguous

    def is_floating_point(self) -> bool:
        return self._array.dtype.kind in dtypes.FLOATING

    def is_complex(self) -> bool:
        return self._array.dtype.kind == "c"

    def is_signed(self) -> bool:
        return self._array.dtype.kind in "ifVc"

    def is_conj(self) -> bool:
        """False: conj() computes at once. Source: ``torch.Tensor.is_conj``."""
        return False

    def is_neg(self) -> bool:
        """False: negation computes at once. Source: ``torch.Tensor.is_neg``."""
        return False

    def is_inference(self) -> bool:
        """Whether it was made in inference_mode."""
        return self._counter is None

    is_cpu = True
    is_cuda = False
    is_meta = False
    is_mkldnn = False
    is_mps = False
    is_nested = False
    is_xpu = False
    is_sparse = False
    is_quantized = False

    def get_device(self) -> int:
        """-1: the CPU."""
        return -1

    def is_pinned(self) -> bool:
        """False: memory is pinned for GPUs only."""
        return False

    def pin_memory(self, device: Any = None) -> Tensor:
        """Raises RuntimeError: memory is pinned for GPUs, and there is none."""
        raise RuntimeError("pin_memory: airi computes on the CPU, there is no GPU")

    @property
    def T(self) -> Tensor:
        """All dimensions in reverse order. A view. Source: ``torch.Tensor.T``."""
        return Permute.apply(self, dims=tuple(reversed(range(self.ndim))))

    @property
    def mT(self) -> Tensor:
        """The last two dimensions swapped. A view. Source: ``torch.Tensor.mT``."""
        if self.ndim < 2:
            raise RuntimeError(f"mT: needs two dimensions at least, got shape {tuple(self.shape)}")
        return self.transpose(-2, -1)

    @property
    def H(self) -> Tensor:
        """A matrix transposed and conjugated. Source: ``torch.Tensor.H``."""
        if self.ndim not in (0, 2):
            raise RuntimeError(f"H: only for matrices, got shape {tuple(self.shape)}; use mH")
        return self.T.conj()

    @property
    def mH(self) -> Tensor:
        """The last two dimensions swapped, conjugated. Source: ``torch.Tensor.mH``."""
        return self.mT.conj()

    @property
    def real(self) -> Tensor:
        """The real part, a view; of a real tensor itself. Source: ``torch.Tensor.real``."""
        return real(self)

    @real.setter
    def real(self, value: Any) -> None:
        real(self).copy_(value)

    @property
    def imag(self) -> Tensor:
        """The imaginary part, a view. Source: ``torch.Tensor.imag``."""
        return imag(self)

    @imag.setter
    def imag(self, value: Any) -> None:
        imag(self).copy_(value)

    # -- its place in the graph -----------------------------------------------------------------

    def _follow_base(self) -> None:
        """Of a view: derive the edge anew where the base was written in place since."""
        base = self._base
        assert base is not None
        if base._edge is self._base_edge:
            return
        if self._steps is None:
            raise RuntimeError(
                "this view is one of several made by one op (unbind, split, chunk) or was made by "
                "an autograd.Function, and its base was written in place since; clone() the view "
                "before the write"
            )
        before = self._edge
        with enable_grad():
            self._edge = replay_view((*base._back, *self._steps), base)._edge
        self._base_edge = base._edge
        graph.move_retained(self, before)

    @property
    def requires_grad(self) -> bool:
        if self._base is not None and self._base._edge is not self._base_edge:
            differentiable = self._array.dtype.kind in dtypes.DIFFERENTIABLE
            return self._base._edge is not None and differentiable
        return self._edge is not None or self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Say whether gradients of this leaf are wanted; returns the tensor.

        Raises RuntimeError for integers, and where a tensor inside a graph should stop wanting
        them (use detach()). Source: ``torch.Tensor.requires_grad_``.
        """
        if self.grad_fn is not None:
            if not requires_grad:
                raise RuntimeError(
                    "requires_grad_: only a leaf's flag can be changed; use detach() for a tensor "
                    f"without a graph (this one was made by {self._made_by()[0].describe()})"
                )
            return self
        if requires_grad and self._array.dtype.kind not in dtypes.DIFFERENTIABLE:
            raise RuntimeError(
                "requires_grad_: only floating-point and complex tensors can require gradients, "
                f"not {self.dtype}"
            )
        if requires_grad and self._counter is None and not current().inference:
            raise RuntimeError(
                "requires_grad_: not for a tensor made in inference_mode; clone() it"
            )
        self._requires_grad = bool(requires_grad)
        return self

    def _made_by(self) -> tuple[Node, int]:
        """Of no leaf, once `grad_fn` was asked for: its node, and which output of it this is."""
        assert self._edge is not None
        return self._edge

    @property
    def grad_fn(self) -> Node | None:
        if self._base is not None:
            self._follow_base()
        return self._edge[0] if self._edge is not None else None

    @property
    def output_nr(self) -> int:
        return self._edge[1] if self._edge is not None else 0

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def grad(self) -> Tensor | None:
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"grad must be a Tensor or None, got {type(value).__name__}")
            if value._array.shape != self._array.shape or value._array.dtype != self._array.dtype:
                raise RuntimeError(
                    f"grad must have the tensor's shape {tuple(self.shape)} and dtype "
                    f"{self.dtype}, got {tuple(value.shape)} and {value.dtype}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def data(self) -> Tensor:
        """The same memory without the graph. Writing to it is not noticed by backward."""
        return graph.wrap(self._array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data must be a Tensor, got {type(value).__name__}")
        self._array = value._array

    def detach(self) -> Tensor:
        """The same memory without the graph; writing to it is noticed by backward.

        Source: ``torch.Tensor.detach``.
        """
        result = graph.wrap(self._array)
        result._counter = self._counter
        return result

    def detach_(self) -> Tensor:
        """Cut the tensor itself from its graph. Raises RuntimeError for views."""
        if self._base is not None:
            raise RuntimeError("detach_: not for a view; use detach()")
        self._edge = None
        self._requires_grad = False
        return self

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradients of this tensor to ``.grad`` of the leaves it was computed from.

        `gradient` is needed where the tensor has more than one element. The graph is freed unless
        `retain_graph`; `create_graph` records the pass itself, for higher derivatives.
        Example: ``loss.backward()``. Source: ``torch.Tensor.backward``.
        """
        engine.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Keep ``.grad`` of this tensor, no leaf, too. Source: ``torch.Tensor.retain_grad``."""
        if not self.requires_grad:
            raise RuntimeError("retain_grad: this tensor does not require grad")
        if not self.is_leaf:
            node, number = self._made_by()
            node.retained = node.retained or {}
            node.retained[number] = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        if self.is_leaf:
            return False
        node, number = self._made_by()
        return bool(node.retained) and number in (node.retained or {})

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call ``hook(grad)`` when this tensor's gradient is complete; it may return another.

        Returns a handle whose ``remove()`` takes the hook away. Example:
        ``h.register_hook(lambda g: g.clamp(-1, 1))``. Source: ``torch.Tensor.register_hook``.
        """
        if not self.requires_grad:
            raise RuntimeError("register_hook: this tensor does not require grad")
        if not self.is_leaf:
            node, number = self._made_by()
            return node.register_tensor_hook(number, hook)
        self._hooks = {} if self._hooks is None else self._hooks
        return Handle(self._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call ``hook(leaf)`` after backward has added to this leaf's ``.grad``."""
        if not self.requires_grad or not self.is_leaf:
            raise RuntimeError(
                "register_post_accumulate_grad_hook: only for leaf tensors that require grad"
            )
        if self._after_accumulation is None:
            self._after_accumulation = {}
        return Handle(self._after_accumulation, hook)

    @property
    def _version(self) -> int:
        """How often this memory was written in place. Source: ``torch.Tensor._version``."""
        if self._counter is None:
            raise RuntimeError("_version: not counted for a tensor made in inference_mode")
        return self._counter.value

    # -- its values ---------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The NumPy array, sharing memory.

        Raises RuntimeError where the tensor requires grad, since what NumPy does to it is not
        recorded: detach() first, or pass ``force=True``. Source: ``torch.Tensor.numpy``.
        """
        if self.requires_grad and not force:
            raise RuntimeError(
                "numpy: this tensor requires grad; NumPy's operations would not be recorded. Use "
                "tensor.detach().numpy()"
            )
        return self._array

    def item(self) -> Any:
        """The value of a tensor of one element, as a Python number."""
        if self._array.size != 1:
            raise RuntimeError(
                f"item: only a tensor of one element has it; this one has shape {tuple(self.shape)}"
            )
        return self._array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self._array.tolist()

    def apply_(self, callable: Callable[[Any], Any]) -> Tensor:
        """Each element = callable(element), in place. Slow. Source: ``torch.Tensor.apply_``."""
        values = np.array([callable(each) for each in self._array.ravel().tolist()])
        return self.copy_(graph.wrap(values.reshape(self._array.shape)))

    # NumPy: an array from a Tensor, and Tensors from NumPy's functions and from ndarray * Tensor.

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"a {self.dtype} tensor cannot be a {dtype} array without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()

    def __array_wrap__(self, array: np.ndarray, context: Any = None, scalar: bool = False) -> Any:
        return graph.wrap(array)

    def __bool__(self) -> bool:
        if self._array.size != 1:
            raise RuntimeError(
                f"a tensor of shape {tuple(self.shape)} has no single truth value; use any() or "
                "all()"
            )
        return bool(self._array.item())

    def _number(self) -> Any:
        if self._array.size != 1:
            raise ValueError(
                "only a tensor of one element can be converted to a Python number; this one has "
                f"shape {tuple(self.shape)}"
            )
        return self._array.item()

    def __float__(self) -> float:
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __complex__(self) -> complex:
        return complex(self._number())

    def __index__(self) -> int:
        if self._array.dtype.kind not in "iub" or self._array.size != 1:
            raise TypeError(
                "only an integer tensor of one element can be used as an index; this is "
                f"{self.dtype} of shape {tuple(self.shape)}"
            )
        return int(self._array.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-dimensional tensor")
        return len(self._array)

    def __iter__(self) -> Iterator[Tensor]:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-dimensional tensor")
        return iter(Unbind.apply(self, dim=0))

    def __reversed__(self) -> Tensor:
        return self.flip(0) if self.ndim else self

    def __contains__(self, value: Any) -> bool:
        if isinstance(value, Tensor):
            value = value._array
        elif not isinstance(value, int | float | complex | np.generic):
            raise RuntimeError(f"in: expected a Tensor or a number, got {type(value).__name__}")
        return bool((self._array == value).any())

    __hash__ = object.__hash__  # by identity, though == compares elements

    def __repr__(self) -> str:
        from airi.printing import tensor_text

        return tensor_text(self)

    if not TYPE_CHECKING:  # type checkers shall go on missing what is not there

        def __getattr__(self, name: str) -> Any:
            from airi.compat.names import Lacking

            raise Lacking(type(self).__name__, "torch.Tensor", name, type(self))

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "only leaf tensors can be deep-copied; this one was made by "
                f"{self._made_by()[0].describe()}: detach() or clone() it first"
            )
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        result._array = self._array.copy()
        result._counter = Version()
        result._requires_grad = self._requires_grad
        if self._grad is not None:
            result._grad = self._grad.__deepcopy__(memo)
        vars(result).update(copy.deepcopy(self._users_attributes(), memo))
        return result

    def _users_attributes(self) -> dict[str, Any]:
        """What was set on the tensor from outside: its name, tags on parameters."""
        return {key: each for key, each in vars(self).items() if key not in OWN_ATTRIBUTES}

    def __reduce_ex__(self, protocol: Any) -> Any:
        parts = (type(self), self._array, self.requires_grad)
        return _rebuilt, parts, self._users_attributes() or None


# What a tensor itself keeps; a copy sets these one by one and takes over all others.
OWN_ATTRIBUTES = frozenset(graph.OF_A_NEW_TENSOR)


def _rebuilt(kind: type[Tensor], array: np.ndarray, requires_grad: bool) -> Tensor:
    """A pickled tensor again."""
    result = kind.__new__(kind)
    result._array = array
    result._counter = Version()
    result._requires_grad = requires_grad
    return result


graph.Tensor = Tensor  # recording makes Tensors; the graph itself must not import upwards
