"""Files of PyTorch in airi, and airi's in PyTorch."""

import collections
import io
import subprocess
import sys

import numpy as np
import pytest

import airi
from airi import nn
from airi.serialization import storages

torch = pytest.importorskip("torch")

DTYPES = list(storages.TYPES)


def in_airi(obj, path, *, as_zip=True, **options):
    """What airi reads of what PyTorch writes."""
    torch.save(obj, path, _use_new_zipfile_serialization=as_zip)
    return airi.load(path, **options)


def in_torch(obj, path, *, as_zip=True, **options):
    """What PyTorch reads of what airi writes."""
    airi.save(obj, path, _use_new_zipfile_serialization=as_zip)
    return torch.load(path, weights_only=True, **options)


def assert_same(airis, torchs):
    assert repr(airis.dtype).replace("airi.", "torch.") == repr(torchs.dtype)
    assert tuple(airis.shape) == tuple(torchs.shape)
    assert airis.stride() == torchs.stride()
    assert airis.requires_grad == torchs.requires_grad
    plain = torchs.detach()
    if plain.dtype is torch.bfloat16:
        plain, airis = plain.float(), airis.detach().float()
    np.testing.assert_array_equal(airis.detach().numpy(), plain.numpy())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.pt"


both_formats = pytest.mark.parametrize("as_zip", [True, False], ids=["zip", "stream"])


@both_formats
@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_both_ways(name, path, as_zip):
    if name == "bfloat16":
        pytest.importorskip("ml_dtypes")
    values = torch.tensor([[0, 1, 2], [3, 100, 5]]).to(getattr(torch, name))
    back = in_airi(values, path, as_zip=as_zip)
    assert_same(back, values)
    assert_same(back, in_torch(back, path, as_zip=as_zip))


@pytest.mark.parametrize("name", ["uint16", "uint32", "uint64"])
def test_dtypes_without_a_storage_class(name, path):
    values = torch.tensor([[1, 2, 3], [4, 5, 6]]).to(getattr(torch, name))
    back = in_airi([values, values.t()], path)
    assert_same(back[1], values.t())
    again = in_torch(back, path)
    assert_same(back[0], again[0])
    assert_same(back[1], again[1])
    assert again[0].data_ptr() == again[1].data_ptr()


@both_formats
def test_views_keep_strides_and_share_their_storage(path, as_zip):
    whole = torch.arange(24.0).reshape(4, 6)
    parts = [whole, whole.t(), whole[1:3, ::2], whole[2], whole.expand(2, 4, 6), whole[:, 5]]
    read = in_airi(parts, path, as_zip=as_zip)
    for a, t in zip(read, parts):
        assert_same(a, t)
        assert a.storage_offset() == t.storage_offset()
    read[0][2, 0] = -1.0
    assert read[1][0, 2].item() == read[3][0].item() == -1.0

    again = in_torch(read, path, as_zip=as_zip)
    for a, t in zip(read, again):
        assert_same(a, t)
    assert len({each.untyped_storage().data_ptr() for each in again}) == 1


def test_a_slice_of_a_large_array_and_negative_strides(path):
    backwards = airi.from_numpy(np.arange(6.0)[::-1])
    empty = airi.zeros(0, 3)
    read = in_torch({"b": backwards, "e": empty, "s": airi.tensor(3.0)}, path)
    np.testing.assert_array_equal(read["b"].numpy(), np.arange(6.0)[::-1])
    assert tuple(read["e"].shape) == (0, 3)
    assert read["s"].item() == 3.0


def test_one_memory_in_two_dtypes_is_refused(path):
    numbers = np.arange(4, dtype=np.int32)
    two = [airi.from_numpy(numbers), airi.from_numpy(numbers.view(np.float32))]
    with pytest.raises(RuntimeError, match="share memory as int32 and float32"):
        airi.save(two, path)
    assert not path.exists()


@both_formats
def test_parameters_and_attributes(path, as_zip):
    plain = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    frozen = torch.nn.Parameter(torch.tensor([1, 2]), requires_grad=False)
    tagged = torch.nn.Parameter(torch.ones(2))
    tagged.tag = "output"
    marked = torch.ones(2)
    marked.mark = {"a": 1}
    read = in_airi([plain, frozen, tagged, marked], path, as_zip=as_zip)
    assert [type(each) for each in read] == [nn.Parameter] * 3 + [airi.Tensor]
    assert read[0].requires_grad
    assert not read[1].requires_grad
    assert read[2].tag == "output"
    assert read[3].mark == {"a": 1}

    again = in_torch(read, path, as_zip=as_zip)
    assert [type(each) for each in again] == [torch.nn.Parameter] * 3 + [torch.Tensor]
    assert again[2].tag == "output"
    assert again[3].mark == {"a": 1}


def test_plain_data(path):
    data = {
        "epoch": 3,
        "big": 2**70,
        "lr": 1e-4,
        "flags": (True, None, [1, [2, [3]]]),
        "text": "ä\n\U0001f600",
        "bytes": b"\x00\xff",
        "set": {1, 2},
        "ordered": collections.OrderedDict(b=1, a=2),
        "count": collections.Counter("aab"),
        3: "integer key",
        "complex": 1 + 2j,
    }
    torchs = {"dtype": torch.float16, "size": torch.Size([2, 3]), "device": torch.device("cpu")}
    airis = {"dtype": airi.float16, "size": airi.Size([2, 3]), "device": airi.device("cpu")}
    assert in_airi({**data, **torchs}, path) == {**data, **airis}
    assert in_torch({**data, **airis}, path) == {**data, **torchs}


@both_formats
def test_numpy_values(path, as_zip):
    data = {
        "float": np.float64(0.5),
        "int": np.int64(-3),
        "array": np.arange(6, dtype=np.int16).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "text": np.array(["a", "bcd"]),
        "big": np.arange(3, dtype=">i4"),
    }
    for read in (in_airi(data, path, as_zip=as_zip), roundtrip(data, path)):
        assert list(read) == list(data)
        for key, value in data.items():
            np.testing.assert_array_equal(read[key], value)
            assert read[key].dtype == value.dtype.newbyteorder("=")


def roundtrip(obj, path):
    airi.save(obj, path)
    return airi.load(path)


def test_devices_of_others_become_the_cpu(path):
    assert in_airi([torch.device("cuda:1"), torch.device("meta")], path) == [airi.device("cpu")] * 2


def models(lib):
    return lib.nn.Sequential(
        lib.nn.Conv2d(3, 4, 3, padding=1), lib.nn.BatchNorm2d(4), lib.nn.ReLU(), lib.nn.Flatten(),
        lib.nn.Linear(64, 5),
    )  # fmt: skip


@both_formats
def test_state_dicts_both_ways(path, as_zip):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32)
    torchs, airis = models(torch), models(airi)
    airis.load_state_dict(in_airi(torchs.state_dict(), path, as_zip=as_zip))
    wanted = torchs(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(airis(airi.tensor(x)).detach().numpy(), wanted, rtol=1e-5, atol=1e-6)

    state = in_torch(airis.state_dict(), path, as_zip=as_zip)
    assert list(state) == list(torchs.state_dict())
    other = models(torch)
    other.load_state_dict(state)
    assert state._metadata == torchs.state_dict()._metadata


def test_a_state_dict_older_than_num_batches_tracked(path):
    state = dict(torch.nn.BatchNorm1d(3).state_dict())  # a dict has no versions of modules
    del state["num_batches_tracked"]
    airis = nn.BatchNorm1d(3)
    airis.load_state_dict(in_airi(state, path))
    assert airis.num_batches_tracked.item() == 0


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_training_goes_on_in_the_other_library(name, path):
    options = {"lr": 0.1, **({"momentum": 0.9} if name in ("SGD", "RMSprop") else {})}

    def start(lib):
        parameter = lib.nn.Parameter(lib.tensor([1.0, -2.0, 3.0]))
        optimizer = getattr(lib.optim, name)([parameter], **options)
        return parameter, optimizer, lib.optim.lr_scheduler.StepLR(optimizer, 2)

    def steps(parameter, optimizer, scheduler):
        for _ in range(3):
            optimizer.zero_grad()
            (parameter**2).sum().backward()
            optimizer.step()
            scheduler.step()

    def states(run):
        return {"p": run[0].detach(), "o": run[1].state_dict(), "s": run[2].state_dict()}

    def go_on(lib, state):
        run = start(lib)
        with lib.no_grad():
            run[0].copy_(state["p"])
        run[1].load_state_dict(state["o"])
        run[2].load_state_dict(state["s"])
        steps(*run)
        return run

    first = start(torch)
    steps(*first)
    in_the_middle = states(first)
    airis = go_on(airi, in_airi(in_the_middle, path))
    torchs = go_on(torch, in_the_middle)
    np.testing.assert_allclose(
        airis[0].detach().numpy(), torchs[0].detach().numpy(), rtol=1e-6, atol=1e-7
    )
    back = go_on(torch, in_torch(states(airis), path))
    wanted = go_on(airi, states(airis))
    np.testing.assert_allclose(
        back[0].detach().numpy(), wanted[0].detach().numpy(), rtol=1e-6, atol=1e-7
    )


def test_whole_modules_of_pytorch(path):
    torchs = models(torch).eval()
    with pytest.raises(Exception, match=r"torch\.nn\.modules\.container\.Sequential.*weights_only"):
        in_airi(torchs, path)
    read = airi.load(path, weights_only=False)
    assert isinstance(read, nn.Sequential)
    assert not read.training
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(
        read(airi.tensor(x)).detach().numpy(),
        torchs(torch.tensor(x)).detach().numpy(),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (torch.nn.LSTM(3, 4, 2, batch_first=True), (2, 5, 3)),
        (torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (2, 5, 8)),
        (torch.nn.Conv1d(2, 3, 3, padding=1, padding_mode="reflect"), (1, 2, 6)),
    ],
    ids=lambda each: type(each).__name__,
)
def test_whole_layers_of_pytorch(module, shape, path):
    module.eval()
    read = in_airi(module, path, weights_only=False)
    x = torch.randn(shape)
    wanted, found = module(x), read(airi.tensor(x.numpy()))
    if isinstance(wanted, tuple):
        wanted, found = wanted[0], found[0]
    np.testing.assert_allclose(
        found.detach().numpy(), wanted.detach().numpy(), rtol=1e-5, atol=1e-5
    )


def test_what_airi_has_not_is_named(path):
    torch.save(torch.ones(2, dtype=torch.float8_e5m2), path)
    with pytest.raises(Exception, match=r"torch\.float8_e5m2"):
        airi.load(path)
    torch.save(torch.eye(2).to_sparse(), path)
    with pytest.raises(Exception, match="_rebuild_sparse_tensor"):
        airi.load(path)


@both_formats
def test_open_files_of_all_kinds(path, as_zip):
    buffer = io.BytesIO()
    torch.save([torch.ones(2)], buffer, _use_new_zipfile_serialization=as_zip)
    buffer.seek(0)
    assert airi.load(buffer)[0].tolist() == [1, 1]
    buffer = io.BytesIO()
    airi.save([airi.ones(2)], buffer, _use_new_zipfile_serialization=as_zip)
    buffer.seek(0)
    assert torch.load(buffer)[0].tolist() == [1, 1]


def test_mapped_memory_is_a_copy_on_write(path):
    torch.save({"a": torch.arange(5), "b": torch.ones(3, dtype=torch.float64)}, path)
    read = airi.load(path, mmap=True)
    assert read["a"].tolist() == [0, 1, 2, 3, 4]
    read["b"].mul_(2)
    assert read["b"].tolist() == [2, 2, 2]
    assert torch.load(path)["b"].tolist() == [1, 1, 1]
    airi.save({"c": airi.ones(3)}, path)
    assert torch.load(path, mmap=True)["c"].tolist() == [1, 1, 1]


def test_big_endian_files(path):
    import zipfile

    torch.save(torch.tensor([1.0, 2.0]), path)
    swapped = path.with_name("swapped.pt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(swapped, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("byteorder"):
                content = b"big"
            elif "/data/" in name:
                content = np.frombuffer(content, "<f4").astype(">f4").tobytes()
            new.writestr(name, content)
    assert airi.load(swapped).tolist() == [1, 2]


def test_without_pytorch(path):
    torch.save({"w": torch.arange(3.0)}, path)
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import airi\n"
        f"assert airi.load({str(path)!r})['w'].tolist() == [0, 1, 2]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
