"""Element types: promotion as PyTorch's table, ranges, old tensor types, bfloat16."""

import subprocess
import sys

import numpy as np
import pytest

import airi
from airi import dtypes

NAMES = [each._name for each in dtypes.ALL]


def both(name):
    torch = pytest.importorskip("torch")
    return getattr(airi, name), getattr(torch, name)


def name_of(dtype):
    return str(dtype).split(".")[1]


@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("second", NAMES)
def test_promotion_is_pytorchs(first, second):
    torch = pytest.importorskip("torch")
    mine, theirs = both(first), both(second)
    try:
        wanted = torch.promote_types(mine[1], theirs[1])
    except RuntimeError:
        with pytest.raises(RuntimeError):
            airi.promote_types(mine[0], theirs[0])
        return
    if wanted is torch.complex32:
        return  # airi has none
    assert name_of(airi.promote_types(mine[0], theirs[0])) == name_of(wanted)
    assert airi.can_cast(mine[0], theirs[0]) == torch.can_cast(mine[1], theirs[1])


KINDS = ("uint8", "int16", "int64", "bool", "float16", "bfloat16", "float32", "float64")


@pytest.mark.parametrize("default", ["float32", "float64"])
@pytest.mark.parametrize("name", [*KINDS, "complex64", "complex128"])
def test_result_type_is_pytorchs(name, default):
    """A tensor with dimensions beside one without, and beside Python numbers."""
    torch = pytest.importorskip("torch")
    airi.set_default_dtype(getattr(airi, default))
    torch.set_default_dtype(getattr(torch, default))
    try:
        mine, theirs = both(name)
        x, y = airi.ones(2, dtype=mine), torch.ones(2, dtype=theirs)
        for other in [*KINDS, "complex64", "complex128"]:
            a, b = both(other)
            wanted = torch.result_type(y, torch.ones((), dtype=b))
            if wanted is not torch.complex32:
                assert name_of(airi.result_type(x, airi.ones((), dtype=a))) == name_of(wanted)
        for number in (True, 2, 2.5, 2j):
            wanted = torch.result_type(y, number)
            if wanted is torch.complex32:
                continue
            assert name_of(airi.result_type(x, number)) == name_of(wanted)
            assert name_of((x * number).dtype) == name_of((y * number).dtype)
    finally:
        airi.set_default_dtype(airi.float32)
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("name", NAMES)
def test_properties_are_pytorchs(name):
    mine, theirs = both(name)
    for each in ("is_floating_point", "is_complex", "is_signed", "itemsize"):
        assert getattr(mine, each) == getattr(theirs, each)
    for function in ("to_real", "to_complex"):
        try:
            wanted = getattr(theirs, function)()
        except RuntimeError:
            wanted = None
        if wanted is None or name_of(wanted) not in NAMES:
            continue
        assert name_of(getattr(mine, function)()) == name_of(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_ranges_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    mine, theirs = both(name)
    if mine.kind in "iu":
        wanted, got = torch.iinfo(theirs), airi.iinfo(mine)
        fields = ("bits", "min", "max", "dtype")
    elif mine.kind in "fc":
        wanted, got = torch.finfo(theirs), airi.finfo(mine)
        fields = ("bits", "eps", "min", "max", "tiny", "smallest_normal", "resolution", "dtype")
    else:
        return
    for field in fields:
        assert getattr(got, field) == getattr(wanted, field)


@pytest.mark.parametrize("name", NAMES)
def test_type_names_go_round(name):
    x = airi.zeros(2, dtype=getattr(airi, name))
    assert x.type().startswith("airi.")
    assert airi.ones(2).abs().type(x.type()).dtype is x.dtype
    assert airi.ones(2).type(x.type().replace("airi", "torch")).dtype is x.dtype


def test_the_old_constructor():
    made = airi.BFloat16Tensor([1, 2])
    assert made.dtype is airi.bfloat16
    assert isinstance(made, airi.BFloat16Tensor)


def test_unsigned_integers():
    x = airi.tensor([1, 65535], dtype=airi.uint16)
    assert (x + x).tolist() == [2, 65534]
    assert (x * 1.5).dtype is airi.float32
    assert airi.tensor([2**64 - 1], dtype=airi.uint64).item() == 2**64 - 1
    with pytest.raises(RuntimeError, match="no common dtype"):
        x + airi.ones(2, dtype=airi.int32)


# -- bfloat16 -------------------------------------------------------------------------------------


def test_importing_airi_does_not_import_ml_dtypes():
    code = "import airi, sys; x = airi.bfloat16; assert 'ml_dtypes' not in sys.modules, x"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_ml_dtypes_the_extra_is_named():
    code = (
        "import sys; sys.modules['ml_dtypes'] = None\n"
        "import airi\n"
        "assert airi.bfloat16.itemsize == 2 and airi.bfloat16.is_floating_point\n"
        "try:\n"
        "    airi.zeros(2, dtype=airi.bfloat16)\n"
        "except ImportError as error:\n"
        "    assert 'airi[bfloat16]' in str(error)\n"
        "else:\n"
        "    raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_bfloat16_number():
    x = airi.tensor([1 / 3], dtype=airi.bfloat16)
    assert x.item() == 0.333984375
    assert type(x.item()) is float
    assert repr(x) == "tensor([0.3340], dtype=airi.bfloat16)"
    assert x.half().dtype is airi.float16
    assert airi.from_numpy(x.numpy()).dtype is airi.bfloat16
    assert airi.zeros_like(x).dtype is airi.bfloat16
    assert airi.rand(3, dtype=airi.bfloat16).max() < 1


def test_sums_do_not_round_after_every_step():
    assert airi.ones(1000, dtype=airi.bfloat16).sum().item() == 1000
    assert airi.full((1000,), 1.5, dtype=airi.bfloat16).mean().item() == 1.5


def test_writes_in_place_keep_bfloat16():
    x = airi.ones(3, dtype=airi.bfloat16)
    x += 1
    x.mul_(1.5).exp_()
    x[0] = 5
    x[1:].add_(airi.ones(2))
    assert x.dtype is airi.bfloat16
    assert x.tolist() == [5, 21.125, 21.125]


def test_a_model_trains_in_bfloat16():
    torch = pytest.importorskip("torch")
    losses = []
    start = airi.nn.Sequential(airi.nn.Linear(4, 8), airi.nn.ReLU(), airi.nn.Linear(8, 3))
    values = [each.detach().numpy().copy() for each in start.parameters()]
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((16, 4)), rng.integers(0, 3, 16)
    for lib in (airi, torch):
        net = lib.nn.Sequential(lib.nn.Linear(4, 8), lib.nn.ReLU(), lib.nn.Linear(8, 3))
        with lib.no_grad():
            for mine, value in zip(net.parameters(), values, strict=True):
                mine.copy_(lib.tensor(value))
        net.bfloat16()
        optimizer = lib.optim.Adam(net.parameters(), lr=0.05)
        data = lib.tensor(x).bfloat16()
        for _ in range(20):
            loss = lib.nn.functional.cross_entropy(net(data), lib.tensor(y))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert loss.dtype == lib.bfloat16
        losses.append(loss.item())
    assert losses[0] < 0.7
    assert losses[0] == pytest.approx(losses[1], abs=0.05)


def test_second_derivatives_in_bfloat16():
    x = airi.tensor([2.0], dtype=airi.bfloat16, requires_grad=True)
    (first,) = airi.autograd.grad((x**3).sum(), x, create_graph=True)
    (second,) = airi.autograd.grad(first.sum(), x)
    assert (first.item(), second.item()) == (12, 12)
    assert second.dtype is airi.bfloat16


def test_saving_bfloat16(tmp_path):
    state = {"w": airi.randn(3, dtype=airi.bfloat16)}
    airi.save(state, tmp_path / "w.pt")
    back = airi.load(tmp_path / "w.pt")
    assert back["w"].dtype is airi.bfloat16
    assert airi.equal(back["w"], state["w"])
