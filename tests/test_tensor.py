"""The Tensor's own surface: what scripts expect of one besides the ops."""

import copy
import math
import pickle

import numpy as np
import pytest

import airi


def grad_of(function):
    """The gradient of sum(function(x)) at x = [1, 2]."""
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    function(x).sum().backward()
    return x.grad.tolist()


class TestNumbers:
    def test_item_and_tolist(self):
        assert airi.tensor([[2.5]]).item() == 2.5
        assert type(airi.tensor(2).item()) is int
        assert type(airi.tensor(True).item()) is bool
        assert airi.tensor([[1, 2]]).tolist() == [[1, 2]]
        assert airi.tensor(1.5).tolist() == 1.5
        with pytest.raises(RuntimeError, match=r"\(2,\)"):
            airi.ones(2).item()

    def test_conversion_to_python_numbers(self):
        assert float(airi.tensor([2.5])) == 2.5
        assert int(airi.tensor(2.7)) == 2
        assert complex(airi.tensor(2.0)) == 2 + 0j
        assert math.sqrt(airi.tensor(4.0)) == 2
        assert [10, 20, 30][airi.tensor(1)] == 20
        assert list(range(airi.tensor(3))) == [0, 1, 2]
        with pytest.raises(ValueError, match="one element"):
            float(airi.ones(2))
        with pytest.raises(TypeError, match="index"):
            [1, 2][airi.tensor(1.0)]

    def test_truth(self):
        assert airi.tensor([[1]])
        assert not airi.tensor(0.0)
        for many in (airi.ones(2), airi.tensor([])):
            with pytest.raises(RuntimeError, match="truth"):
                bool(many)

    def test_format(self):
        assert f"{airi.tensor(1.23456):.2f}" == "1.23"
        assert f"{airi.tensor(1.5)}" == "1.5"
        assert f"{airi.tensor(3):04d}" == "0003"
        assert f"{airi.ones(2)}" == "tensor([1., 1.])"
        assert "%.1f" % airi.tensor(1.25) == "1.2"  # noqa: UP031
        with pytest.raises(TypeError, match="format"):
            f"{airi.ones(2):.2f}"


class TestSequence:
    def test_len_iteration_and_membership(self):
        x = airi.tensor([[1.0, 2.0], [3.0, 4.0]])
        assert len(x) == 2
        assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
        assert [row.tolist() for row in reversed(x)] == [[3, 4], [1, 2]]
        assert 3.0 in x
        assert airi.tensor(5.0) not in x
        for what in (len, iter):
            with pytest.raises(TypeError, match="0-dimensional"):
                what(airi.tensor(1.0))
        with pytest.raises(RuntimeError, match="str"):
            "a" in x  # noqa: B015

    def test_iteration_is_recorded(self):
        assert grad_of(lambda x: sum(k * each for k, each in enumerate(x, 3))) == [3, 4]

    def test_tensors_are_hashed_by_identity(self):
        x, y = airi.ones(2), airi.ones(2)
        assert len({x: 1, y: 2}) == 2


class TestNumPy:
    def test_numpy_shares_memory(self):
        x = airi.zeros(2)
        x.numpy()[0] = 5
        np.asarray(x)[1] = 6
        assert x.tolist() == [5, 6]
        assert np.array(x, dtype=np.int32).dtype == np.int32

    def test_numpy_is_refused_inside_a_graph(self):
        x = airi.ones(2, requires_grad=True)
        for convert in (x.numpy, lambda: np.asarray(x), lambda: np.exp(x)):
            with pytest.raises(RuntimeError, match="detach"):
                convert()
        assert x.numpy(force=True).tolist() == [1, 1]
        assert x.detach().numpy().tolist() == [1, 1]

    @pytest.mark.parametrize(
        ("function", "gradient"),
        [
            (lambda x: np.array([3.0, 4.0], np.float32) * x, [3, 4]),
            (lambda x: x * np.array([3.0, 4.0], np.float32), [3, 4]),
            (lambda x: np.float64(2) * x, [2, 2]),
            (lambda x: x * np.float32(2), [2, 2]),
            (lambda x: np.float64(2) - x, [-1, -1]),
            (lambda x: np.int64(2) * x, [2, 2]),
            (lambda x: np.ones(2, np.float32) - x, [-1, -1]),
            (lambda x: np.float64(2) / x, [-2, -0.5]),
            (lambda x: x ** np.float64(2), [2, 4]),
        ],
    )
    def test_arithmetic_with_numpy_is_recorded(self, function, gradient):
        assert grad_of(function) == gradient

    def test_numpy_scalars_do_not_promote(self):
        x = airi.ones(2)
        for result in (np.float64(2) * x, x + np.float64(2), x * np.int64(2)):
            assert result.dtype is airi.float32
        assert (airi.ones(2, dtype=airi.int64) * np.float64(2.5)).tolist() == [2.5, 2.5]

    def test_numpy_functions(self):
        x = airi.tensor([4.0, 9.0])
        assert isinstance(np.sqrt(x), airi.Tensor)
        assert np.sqrt(x).tolist() == [2, 3]
        assert np.concatenate([x, x]).tolist() == [4, 9, 4, 9]
        assert np.allclose(x, [4, 9])
        assert np.zeros(5)[airi.tensor([0, 1])].shape == (2,)


class TestCopies:
    def test_deepcopy_of_a_leaf(self):
        x = airi.ones(2, requires_grad=True)
        x.grad = airi.zeros(2)
        x.tag = ["mine"]
        x.name = "weight"
        twin = copy.deepcopy(x)
        twin.tag.append("yours")
        with airi.no_grad():
            twin.add_(1)
        assert x.tolist() == [1, 1]
        assert twin.requires_grad
        assert twin.is_leaf
        assert twin.grad is not x.grad
        assert twin.grad.tolist() == [0, 0]
        assert (x.tag, twin.tag, twin.name) == (["mine"], ["mine", "yours"], "weight")

    def test_deepcopy_keeps_what_is_shared(self):
        x = airi.ones(2)
        first, second = copy.deepcopy([x, x])
        assert first is second

    def test_deepcopy_inside_a_graph_is_refused(self):
        with pytest.raises(RuntimeError, match="MulBackward"):
            copy.deepcopy(airi.ones(2, requires_grad=True) * 2)

    def test_pickle(self):
        x = airi.arange(6.0).reshape(2, 3).t().requires_grad_()
        x.name = "weight"
        twin = pickle.loads(pickle.dumps(x))
        assert twin.tolist() == x.tolist()
        assert twin.requires_grad
        assert twin.name == "weight"
        assert pickle.loads(pickle.dumps(airi.float32)) is airi.float32
        assert pickle.loads(pickle.dumps(airi.device("cpu"))) == airi.device("cpu")
        assert pickle.loads(pickle.dumps(airi.contiguous_format)) is airi.contiguous_format

    def test_shallow_copy_shares_memory(self):
        x = airi.ones(2)
        copy.copy(x)[0] = 5
        assert x.tolist() == [5, 1]


class TestMemory:
    def test_data_shares_memory_without_graph(self):
        x = airi.ones(2, requires_grad=True)
        x.data.add_(1)
        x.data[0] = 7
        assert x.tolist() == [7, 2]
        assert not x.data.requires_grad
        x.data = airi.zeros(3)
        assert x.shape == (3,)
        assert x.requires_grad
        with pytest.raises(TypeError, match="ndarray"):
            x.data = np.zeros(3)

    def test_grad_can_be_set_and_deleted(self):
        x = airi.ones(2, requires_grad=True)
        x.grad = airi.zeros(2)
        del x.grad
        assert x.grad is None
        with pytest.raises(RuntimeError, match="shape"):
            x.grad = airi.zeros(3)
        with pytest.raises(TypeError, match="list"):
            x.grad = [0, 0]

    def test_strides_and_offsets(self):
        x = airi.arange(6).view(2, 3)
        assert x.stride() == (3, 1)
        assert x.stride(0) == 3
        assert x[1].storage_offset() == 3
        assert x.storage_offset() == 0
        assert not x.T.is_contiguous()
        assert (x.nbytes, x.itemsize, x.element_size()) == (48, 8, 8)

    def test_resize(self):
        x = airi.arange(4)
        assert x.resize_(2).tolist() == [0, 1]
        assert x.resize_(2, 3).shape == (2, 3)
        assert x.flatten()[:2].tolist() == [0, 1]
        assert x.resize_as_(airi.ones(1, 2)).tolist() == [[0, 1]]
        with pytest.raises(RuntimeError, match="requires grad"):
            airi.ones(2, requires_grad=True).resize_(1)

    def test_apply(self):
        x = airi.tensor([[1.0, 2.0]])
        assert x.apply_(lambda each: each * 10) is x
        assert x.tolist() == [[10, 20]]


class TestShape:
    def test_size_is_a_tuple_of_ints(self):
        size = airi.ones(2, 3).shape
        assert size == (2, 3)
        assert repr(size) == "airi.Size([2, 3])"
        assert size.numel() == 6
        assert isinstance(size[:1], airi.Size)
        for longer in (size + (4,), (4,) + size, size * 2):
            assert isinstance(longer, airi.Size)
        assert (4,) + size == (4, 2, 3)
        assert airi.Size([airi.tensor(2), 3]) == (2, 3)
        with pytest.raises(TypeError, match="ints"):
            airi.Size("ab")
        assert pickle.loads(pickle.dumps(size)) == size

    def test_size_and_dims(self):
        x = airi.ones(2, 3)
        assert x.size() == (2, 3)
        assert x.size(-1) == x.size(dim=1) == 3
        assert (x.ndim, x.dim(), x.numel(), x.nelement()) == (2, 2, 6, 6)
        with pytest.raises(IndexError, match="dim 5"):
            x.size(5)

    def test_transposes(self):
        x = airi.arange(24.0).reshape(2, 3, 4)
        np.testing.assert_array_equal(x.T.numpy(), x.numpy().T)
        np.testing.assert_array_equal(x.mT.numpy(), x.numpy().swapaxes(1, 2))
        assert x[0].H.shape == (4, 3)
        assert grad_of(lambda v: v.T * airi.tensor([3.0, 4.0])) == [3, 4]
        with pytest.raises(RuntimeError, match="matrices"):
            x.H  # noqa: B018
        with pytest.raises(RuntimeError, match="two dimensions"):
            airi.ones(2).mT  # noqa: B018


class TestDtypeAndDevice:
    def test_dtype_objects(self):
        assert airi.float is airi.float32
        assert airi.long is airi.int64
        assert airi.float32.is_floating_point
        assert not airi.int8.is_floating_point
        assert airi.int8.is_signed
        assert not airi.uint8.is_signed
        assert airi.float64.itemsize == 8
        assert repr(airi.bool) == "airi.bool"
        assert {airi.float32: 1}[airi.ones(1).dtype] == 1
        with pytest.raises(TypeError, match="floating-point"):
            airi.set_default_dtype(airi.int64)

    def test_device_objects(self):
        cpu = airi.device("cpu")
        assert airi.ones(1).device == cpu
        assert airi.device("cpu:0") != cpu
        assert str(airi.device("cpu", 0)) == "cpu:0"
        assert airi.device("cpu:0").index == 0
        assert repr(cpu) == "device(type='cpu')"
        assert airi.device(cpu) == cpu
        assert {cpu: 1}[airi.device("cpu")] == 1
        with pytest.raises(RuntimeError, match="cuda"):
            airi.device("cuda")

    def test_what_scripts_ask(self):
        x = airi.ones(1)
        assert not airi.cuda.is_available()
        assert airi.cuda.device_count() == 0
        assert not airi.backends.mps.is_available()
        airi.backends.cudnn.deterministic = True
        airi.cuda.manual_seed_all(1)
        with pytest.raises(RuntimeError, match="GPU"):
            airi.cuda.synchronize()
        assert not x.is_cuda
        assert x.get_device() == -1
        assert x.layout is airi.strided
        assert x.real is x
        assert airi.pi == math.pi
        assert airi.newaxis is None


def test_subclasses_keep_their_class_when_copied():
    class Weight(airi.Tensor):
        pass

    weight = Weight([1.0, 2.0])
    assert isinstance(weight, airi.Tensor)
    assert type(copy.deepcopy(weight)) is Weight
    assert weight.tolist() == [1, 2]


class TestMissingAttributes:
    def test_a_misspelt_method_says_what_is_near(self):
        with pytest.raises(AttributeError, match=r"Tensor has no 'sofmax'; did you mean softmax"):
            airi.ones(2).sofmax()

    def test_a_method_of_pytorchs_alone_says_where_the_names_are(self):
        with pytest.raises(
            AttributeError, match=r"PyTorch has it, airi does not.*pytorch_names\.md"
        ):
            airi.ones(2).as_subclass(airi.Tensor)

    def test_asking_is_no_error(self):
        x = airi.ones(2)
        assert not hasattr(x, "no_such_thing")
        assert getattr(x, "no_such_thing", 7) == 7
        x.no_such_thing = 1
        assert x.no_such_thing == 1
