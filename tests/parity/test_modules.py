"""PyTorch's own database of modules: the same arguments and weights here and there, in float64.

Every sample of ``torch.testing._internal.common_modules.module_db``: output, gradients of inputs
and parameters, keys of the state dict, repr; and every sample that must fail. A module that airi
lacks is skipped by name. The last test says how many of PyTorch's modules are right.
"""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any

import numpy as np
import pytest

import airi
from airi import nn

from ..nn.test_layers import LAYERS
from ..nn.test_loss import LOSSES

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    common_modules = pytest.importorskip("torch.testing._internal.common_modules")

INFOS = {info.module_cls.__name__: info for info in common_modules.module_db}

# Modules that draw random numbers in forward: their values differ by nature.
RANDOM = {"FractionalMaxPool2d", "FractionalMaxPool3d"}

# PyTorch keeps constants of these in float32.
IMPRECISE = {"CELU", "Hardsigmoid", "Hardswish", "SELU", "Hardtanh"}

# Of many samples a few of each kind are enough: they differ in ways that do not matter here.
MOST = 40

results: dict[str, bool] = {}


def to_airi(value: Any, leaves: list[Any] | None = None) -> Any:
    """PyTorch's tensors, dtypes and lists of them as airi's; those that require grad are noted."""
    if isinstance(value, torch.Tensor):
        ours = airi.from_numpy(value.detach().numpy().copy())
        if value.requires_grad:
            ours.requires_grad_()
            if leaves is not None:
                leaves.append(ours)
        return ours
    if isinstance(value, torch.dtype):
        return getattr(airi, str(value).split(".")[1])
    if isinstance(value, torch.device):
        return None
    if isinstance(value, torch.nn.Module):
        return airi_module(value)
    if callable(value) and hasattr(nn.functional, getattr(value, "__name__", "?")):
        return getattr(nn.functional, value.__name__)
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(to_airi(each, leaves) for each in value)
    if isinstance(value, dict):
        return {key: to_airi(each, leaves) for key, each in value.items()}
    return value


def airi_module(theirs: Any) -> Any:
    """A module that is an argument of another one."""
    if isinstance(theirs, torch.nn.TransformerEncoderLayer):
        attention = theirs.self_attn
        return nn.TransformerEncoderLayer(
            attention.embed_dim, attention.num_heads, theirs.linear1.out_features,
            theirs.dropout.p, to_airi(theirs.activation), theirs.norm1.eps,
            attention.batch_first, theirs.norm_first, theirs.linear1.bias is not None,
        )  # fmt: skip
    return getattr(nn, type(theirs).__name__)()


def fresh(value: Any) -> Any:
    """Arguments with leaves of their own."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, (list, tuple)):
        return type(value)(fresh(each) for each in value)
    if isinstance(value, dict):
        return {key: fresh(each) for key, each in value.items()}
    return value


def leaves_of(value: Any) -> list[Any]:
    """The tensors in arguments that require grad, each once as it comes."""
    if isinstance(value, torch.Tensor):
        return [value] if value.requires_grad else []
    if isinstance(value, (list, tuple)):
        return [leaf for each in value for leaf in leaves_of(each)]
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves_of(each)]
    return []


def tensors_of(value: Any) -> list[Any]:
    """The tensors in a result, through tuples and packed sequences."""
    if isinstance(value, (torch.Tensor, airi.Tensor)):
        return [value]
    if hasattr(value, "batch_sizes"):
        return [value.data]
    if isinstance(value, (list, tuple)):
        return [each for part in value for each in tensors_of(part)]
    return []


def assert_close(ours: Any, theirs: Any, rtol: float, what: str) -> None:
    if theirs is None:
        assert ours is None or not np.any(ours.numpy()), what
        return
    if ours is None:  # no gradient where PyTorch's is zero
        assert not theirs.any(), what
        return
    expected = theirs.detach().numpy()
    got = ours.detach().numpy()
    assert got.shape == expected.shape, what
    assert got.dtype == expected.dtype, what
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=1e-10, err_msg=what)


def backward(outputs: list[Any]) -> None:
    """The gradient of a sum in which every element of every output counts differently."""
    total: Any = None
    for each in outputs:
        if not (each.requires_grad and each.is_floating_point()):
            continue
        weights = np.linspace(0.5, 1.5, each.numel()).reshape(tuple(each.shape))
        framework = torch if isinstance(each, torch.Tensor) else airi
        part = (each * framework.from_numpy(weights)).sum()
        total = part if total is None else total + part
    if total is not None:
        total.backward()


def samples(info: Any, training: bool) -> list[Any]:
    torch.manual_seed(0)
    made = info.module_inputs_func(
        info, device="cpu", dtype=torch.float64, requires_grad=True, training=training
    )
    usable = [
        each for each in made
        # The options of LinearCrossEntropyLoss compute the same in pieces.
        if not (each.constructor_input.kwargs or {}).get("options")
    ]  # fmt: skip
    step = max(1, len(usable) // MOST)
    return usable[::step]


def check_sample(name: str, info: Any, sample: Any, training: bool) -> None:
    made, called = sample.constructor_input, sample.forward_input
    kwargs = {key: each for key, each in made.kwargs.items() if key != "device"}
    theirs = info.module_cls(*made.args, **kwargs).double()
    ours = getattr(nn, name)(*to_airi(made.args), **to_airi(kwargs)).double()
    theirs.train(training)
    ours.train(training)
    assert type(ours).__name__ == type(theirs).__name__
    assert list(ours.state_dict()) == list(theirs.state_dict())
    if called is None:
        return
    args, call_kwargs = fresh((called.args, called.kwargs))
    if info.is_lazy:
        theirs(*args, **call_kwargs)
        ours(*to_airi(args), **to_airi(call_kwargs))
    state = {key: to_airi(each.detach().clone()) for key, each in theirs.state_dict().items()}
    ours.load_state_dict(state)
    our_leaves: list[Any] = []
    our_args, our_kwargs = to_airi(args, our_leaves), to_airi(call_kwargs, our_leaves)
    their_leaves = leaves_of(args) + leaves_of(call_kwargs)
    if name == "CTCLoss":  # PyTorch's gradient is that of the logits: both behind log_softmax
        args = (args[0].log_softmax(-1), *args[1:])
        our_args = (our_args[0].log_softmax(-1), *our_args[1:])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        their_out = tensors_of(theirs(*args, **call_kwargs))
        our_out = tensors_of(ours(*our_args, **our_kwargs))
    rtol = 1e-6 if name in IMPRECISE else 1e-8
    assert len(our_out) == len(their_out)
    if name in RANDOM:
        assert [tuple(each.shape) for each in our_out] == [tuple(e.shape) for e in their_out]
        return
    for one, other in zip(our_out, their_out):
        assert_close(one, other, rtol, "output")
    backward(their_out)
    backward(our_out)
    assert len(our_leaves) == len(their_leaves)
    for number, (one, other) in enumerate(zip(our_leaves, their_leaves)):
        assert_close(one.grad, other.grad, rtol, f"gradient of input {number}")
    for (key, one), (_, other) in zip(
        ours.named_parameters(), theirs.named_parameters(), strict=True
    ):
        assert_close(one.grad, other.grad, rtol, f"gradient of {key}")
    for key, value in theirs.state_dict().items():
        assert_close(ours.state_dict()[key], value, rtol, key)


def described(sample: Any) -> str:
    made, called = sample.constructor_input, sample.forward_input
    shapes = [getattr(each, "shape", each) for each in called.args] if called else []
    return f"{made.args} {made.kwargs} called with {shapes}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(INFOS))
def test_module(name):
    if name not in nn.__all__:
        results[name] = False
        pytest.skip(f"airi has no nn.{name}")
    info = INFOS[name]
    results[name] = False
    for training in (True, False) if info.train_and_eval_differ else (True,):
        for sample in samples(info, training):
            try:
                check_sample(name, info, sample, training)
            except Exception as error:
                raise AssertionError(f"nn.{name}: {described(sample)}: {error}") from error
    results[name] = True


WITH_ERRORS = sorted(name for name, info in INFOS.items() if info.module_error_inputs_func)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WITH_ERRORS)
def test_what_pytorch_refuses_is_refused(name):
    if name not in nn.__all__:
        pytest.skip(f"airi has no nn.{name}")
    info = INFOS[name]
    torch.manual_seed(0)
    failing = info.module_error_inputs_func(
        info, device="cpu", dtype=torch.float64, requires_grad=False, training=False
    )
    for each in failing:
        sample = each.module_error_input
        made, called = sample.constructor_input, sample.forward_input
        kwargs = {key: value for key, value in made.kwargs.items() if key != "device"}
        kwargs = {"dtype": torch.float64, **kwargs} if takes_dtype(name) else kwargs
        error = refusal(name, made, kwargs, called)
        assert error is not None, f"{described(sample)} is not refused"
        assert len(str(error)) > 15, described(sample)


def refusal(name: str, made: Any, kwargs: Any, called: Any) -> Exception | None:
    """The error of making a module and calling it, of one of the types that PyTorch raises."""
    try:
        module = getattr(nn, name)(*to_airi(made.args), **to_airi(kwargs))
        if called is not None:
            module(*to_airi(called.args), **to_airi(called.kwargs))
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        return error
    return None


def takes_dtype(name: str) -> bool:
    return "dtype" in inspect.signature(getattr(nn, name)).parameters


def test_how_many_modules_are_right(capsys):
    if len(results) < len(INFOS):
        pytest.skip("the whole file is needed for that")
    wrong = sorted(name for name, good in results.items() if not good)
    theirs = {
        name for name, each in vars(torch.nn).items()
        if isinstance(each, type) and issubclass(each, torch.nn.Module)
        and not re.search("Base$|^Module$|^DataParallel$|^Container$", name)
    }  # fmt: skip
    by_hand = {name for name, *_ in (*LAYERS, *LOSSES)}
    compared = (set(results) - set(wrong)) | by_hand
    missing = sorted(theirs - set(nn.__all__))
    with capsys.disabled():
        print(
            f"\n{len(results) - len(wrong)} of the {len(results)} modules of module_db are right, "
            f"{len(compared & theirs)} of PyTorch's {len(theirs)} with those of tests/nn; airi "
            f"lacks {', '.join(missing) or 'none'}"
        )
    assert not wrong
