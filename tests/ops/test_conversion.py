"""Casts and copies."""

import pytest

import airi

CASTS = {
    "half": airi.float16,
    "float": airi.float32,
    "double": airi.float64,
    "char": airi.int8,
    "short": airi.int16,
    "int": airi.int32,
    "long": airi.int64,
    "byte": airi.uint8,
    "bool": airi.bool,
}


@pytest.mark.parametrize("name", CASTS)
def test_casts_named_after_a_dtype(name):
    x = airi.tensor([0.0, 1.7, -2.9, 3.0])
    cast = getattr(x, name)()
    assert cast.dtype is CASTS[name]
    assert getattr(cast, name)() is cast
    if name != "byte":  # negative numbers have none there
        assert cast.tolist() == x.numpy().astype(CASTS[name].numpy).tolist()


def test_gradients_pass_between_float_dtypes():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    (x.double().half().float() * airi.tensor([1.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [1, 3]
    assert x.grad.dtype is airi.float32
    assert not x.long().requires_grad


def test_to_in_all_its_forms():
    x = airi.ones(2)
    other = airi.ones(1, dtype=airi.float64)
    for same in (x.to("cpu"), x.to(airi.float32), x.to(airi.device("cpu")), x.to(x), x.cpu()):
        assert same is x
    for wide in (
        x.to(airi.float64),
        x.to(dtype=airi.float64),
        x.to("cpu", airi.float64),
        x.to("cpu", airi.float64, True),
        x.to(device="cpu", dtype=airi.float64, non_blocking=True),
        x.to(other),
        x.to(other=other),
        x.type_as(other),
    ):
        assert wide.dtype is airi.float64
    for copied in (x.to("cpu", copy=True), x.to(airi.float32, False, True)):
        assert copied is not x
        assert copied.data_ptr() != x.data_ptr()
    for bad in (lambda: x.to("cuda"), x.cuda, lambda: x.type("torch.cuda.FloatTensor")):
        with pytest.raises(RuntimeError, match="CPU"):
            bad()
    with pytest.raises(TypeError, match="colour"):
        x.to(colour=1)
    with pytest.raises(TypeError, match="dtype"):
        x.to(3)


def test_type_and_the_old_tensor_types():
    x = airi.ones(2)
    assert x.type() == "airi.FloatTensor"
    for long in ("torch.LongTensor", "airi.LongTensor", airi.LongTensor, airi.int64):
        assert x.type(long).dtype is airi.int64
    with pytest.raises(ValueError, match="BlueTensor"):
        x.type("torch.BlueTensor")
    assert isinstance(x, airi.FloatTensor)
    assert not isinstance(x, airi.LongTensor)
    assert not isinstance(3, airi.LongTensor)
    airi.set_default_tensor_type("torch.DoubleTensor")
    try:
        assert airi.ones(1).dtype is airi.float64
    finally:
        airi.set_default_tensor_type(airi.FloatTensor)


def test_clone_and_contiguous():
    x = airi.arange(6.0).reshape(2, 3)
    assert x.contiguous() is x
    turned = x.t()
    assert not turned.is_contiguous()
    dense = turned.contiguous(memory_format=airi.contiguous_format)
    assert dense.is_contiguous()
    assert dense.tolist() == turned.tolist()
    copy = x.clone(memory_format=airi.preserve_format)
    copy[0, 0] = 9
    assert x.tolist()[0][0] == 0
