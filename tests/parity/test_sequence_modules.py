"""Recurrent layers, attention and Transformers with the arguments of PyTorch's own ModuleInfo."""

from typing import Any

import numpy as np
import pytest

import airi

torch = pytest.importorskip("torch")
common_modules = pytest.importorskip("torch.testing._internal.common_modules")

NAMES = (
    "GRU",
    "GRUCell",
    "LSTM",
    "LSTMCell",
    "MultiheadAttention",
    "RNN",
    "RNNCell",
    "Transformer",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
)
INFOS = {
    info.module_cls.__name__: info
    for info in common_modules.module_db
    if info.module_cls.__module__.startswith("torch.nn.modules") and info.name.count(".") == 1
}


def converted(value: Any, made: dict[int, Any] | None = None) -> Any:
    """Arguments of PyTorch as airi's; one tensor twice stays one."""
    made = {} if made is None else made
    if isinstance(value, torch.Tensor):
        if id(value) not in made:
            made[id(value)] = airi.tensor(value.detach().numpy().copy())
            made[id(value)].requires_grad_(value.requires_grad)
        return made[id(value)]
    if isinstance(value, torch.nn.utils.rnn.PackedSequence):
        return airi.nn.utils.rnn.PackedSequence(*[converted(each, made) for each in value])
    if isinstance(value, (list, tuple)):
        return type(value)(converted(each, made) for each in value)
    if isinstance(value, dict):
        return {key: converted(each, made) for key, each in value.items()}
    if isinstance(value, torch.nn.TransformerEncoderLayer):
        return twin(value)
    if isinstance(value, torch.dtype):
        return getattr(airi, str(value).split(".")[1])
    if callable(value):  # an activation
        return getattr(airi.nn.functional, value.__name__)
    return value


def twin(layer: Any) -> Any:
    """airi's encoder layer with PyTorch's settings and weights."""
    attention = layer.self_attn
    ours = airi.nn.TransformerEncoderLayer(
        attention.embed_dim,
        attention.num_heads,
        layer.linear1.out_features,
        layer.dropout.p,
        converted(layer.activation),
        layer.norm1.eps,
        attention.batch_first,
        layer.norm_first,
        layer.linear1.bias is not None,
        dtype=airi.float64,
    )
    return with_weights_of(ours, layer)


def with_weights_of(ours: Any, theirs: Any) -> Any:
    ours.load_state_dict({k: airi.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return ours


def tensors(value: Any) -> list[Any]:
    """The tensors of a nested result or nested arguments."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [each for part in value for each in tensors(part)]
    return [value] if hasattr(value, "requires_grad") else []


def results(module: Any, args: Any, kwargs: Any) -> list[np.ndarray]:
    """Outputs and all gradients of the sum of their squares."""
    inputs = tensors([args, kwargs])
    for each in inputs:
        if each.requires_grad:
            each.retain_grad()  # some are transposes of the leaves
    out = tensors(module(*args, **kwargs))
    sum((each * each).sum() for each in out if each.requires_grad).backward()
    gradients = [each.grad for each in [*module.parameters(), *inputs]]
    return [None if each is None else each.detach().numpy() for each in (*out, *gradients)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore")  # of PyTorch: nested tensors, masks of two kinds
def test_module_agrees(name, training):
    info = INFOS[name]
    make = {"device": "cpu", "dtype": torch.float64, "requires_grad": True, "training": training}
    for given in info.module_inputs_func(info, **make):
        args, kwargs = given.constructor_input.args, given.constructor_input.kwargs
        theirs = info.module_cls(*args, **kwargs).double().train(training)
        ours = getattr(airi.nn, name)(*converted(args), **converted(kwargs)).double()
        with_weights_of(ours.train(training), theirs)
        for module in [*theirs.modules(), *ours.modules()]:  # what is dropped is not comparable
            if isinstance(getattr(module, "dropout", None), float):
                module.dropout = 0.0
            if type(module).__name__ == "Dropout":
                module.p = 0.0
        inputs = given.forward_input.args, given.forward_input.kwargs
        mine = results(ours, *converted(inputs))
        for one, other in zip(mine, results(theirs, *inputs), strict=True):
            assert (one is None) == (other is None), given.desc
            if one is not None:
                assert one.dtype == other.dtype, given.desc
                np.testing.assert_allclose(one, other, atol=1e-9, err_msg=given.desc)


@pytest.mark.parametrize("name", [each for each in NAMES if INFOS[each].module_error_inputs_func])
def test_errors_are_raised_too(name):
    info = INFOS[name]
    make = {"device": "cpu", "dtype": torch.float64, "requires_grad": False, "training": False}
    for given in info.module_error_inputs_func(info, **make):
        made = given.module_error_input

        def attempt(made=made):
            args, kwargs = made.constructor_input.args, made.constructor_input.kwargs
            module = getattr(airi.nn, name)(*converted(args), **converted(kwargs))
            if made.forward_input is not None:
                args, kwargs = made.forward_input.args, made.forward_input.kwargs
                module(*converted(args), **converted(kwargs))

        with pytest.raises(given.error_type):
            attempt()
