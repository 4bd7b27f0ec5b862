"""Complex numbers beyond the op table: refusals, casts, views, special points, gradients."""

import warnings

import numpy as np
import pytest

import airi
from airi.autograd import gradcheck
from airi.autograd.gradcheck import GradcheckError


@pytest.mark.parametrize(
    "call",
    [
        lambda z: z.max(),
        lambda z: z.relu(),
        lambda z: z < 1,
        lambda z: z.floor(),
        lambda z: z.sign(),
        lambda z: z % 2,
        lambda z: z // 2,
        lambda z: z.sort(),
        lambda z: z.argmax(),
        lambda z: z.clamp(0, 1),
        lambda z: airi.nn.functional.gelu(z),
        lambda z: airi.nn.functional.mse_loss(z, z),
        lambda z: airi.cummax(z, 0),
        lambda z: airi.erf(z),
        lambda z: z.median(),
        lambda z: z.unique(),
        lambda z: float(z[0]),
    ],
)
def test_what_has_no_meaning_is_refused(call):
    z = airi.tensor([1 + 2j, 3 - 1j])
    with pytest.raises((RuntimeError, TypeError)):
        call(z)


def test_a_refusal_names_the_op():
    with pytest.raises(RuntimeError, match=r"maximum\(x: complex64 \(1,\).*complex numbers"):
        airi.maximum(airi.tensor([1j]), airi.tensor([2j]))


def test_the_gradient_of_a_real_loss_points_uphill():
    z = airi.tensor([3 + 4j], requires_grad=True)
    z.abs().sum().backward()
    np.testing.assert_allclose(z.grad.numpy(), [0.6 + 0.8j], rtol=1e-6)


def test_backward_needs_a_real_loss():
    z = airi.tensor([1j], requires_grad=True)
    with pytest.raises(RuntimeError, match="real scalar"):
        z.sum().backward()


def test_the_gradient_of_a_real_input_is_real():
    x = airi.tensor([1.0, 2.0], requires_grad=True)
    ((x * airi.tensor([1j, 2.0])) ** 2).abs().sum().backward()
    assert x.grad.dtype == airi.float32


def test_a_cast_to_real_warns():
    z = airi.tensor([1 + 2j])
    with pytest.warns(UserWarning, match="imaginary part"):
        assert z.to(airi.float32).tolist() == [1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert z.to(airi.bool).tolist() == [True]
        assert z.cdouble().dtype is airi.complex128


def test_complex_numbers_are_not_written_into_real_tensors():
    for write in (
        lambda x: x.add_(1j),
        lambda x: x.fill_(1j),
        lambda x: x.__setitem__(0, 1j),
        lambda x: x.mul_(airi.tensor(1j)),
    ):
        with pytest.raises(RuntimeError):
            write(airi.ones(2))
    with pytest.raises(RuntimeError, match="abs_"):
        airi.tensor([1j]).abs_()
    with pytest.warns(UserWarning, match="imaginary part"):
        assert airi.ones(1).copy_(airi.tensor([2 + 1j])).tolist() == [2]


def test_complex_numbers_are_written_into_complex_tensors():
    z = airi.zeros(2, 2, dtype=airi.complex64)
    z.scatter_(1, airi.tensor([[0], [1]]), 2j)
    z.masked_fill_(z == 0, 7j)
    z[0, 1] = 1 + 1j
    assert z.tolist() == [[2j, 1 + 1j], [7j, 2j]]
    assert 7j in z
    assert complex(z[0, 0]) == 2j


def test_parts_are_views():
    z = airi.zeros(2, dtype=airi.complex64)
    z.real = airi.tensor([1.0, 2.0])
    z.imag.fill_(3.0)
    assert z.tolist() == [1 + 3j, 2 + 3j]
    pairs = airi.view_as_real(z)
    pairs[0, 1] = 7.0
    assert z[0].item() == 1 + 7j
    assert airi.view_as_complex(pairs).data_ptr() == z.data_ptr()


def test_a_write_to_a_part_passes_gradients():
    x = airi.tensor([1.0, 2.0], dtype=airi.float64, requires_grad=True)

    def function(x):
        z = x * (1 + 1j)
        z.imag.mul_(x)
        return z

    assert gradcheck(function, (x,))


@pytest.mark.parametrize("strided", [False, True])
def test_view_as_real_of_any_layout(strided):
    z = airi.randn(3, 4, dtype=airi.complex128, requires_grad=True)
    assert gradcheck(lambda z: airi.view_as_real(z.T if strided else z), (z,))


@pytest.mark.parametrize("dtype", [airi.float32, airi.float64])
def test_view_as_complex_of_a_single_number(dtype):
    x = airi.tensor([3.0, 4.0], dtype=dtype, requires_grad=True)
    airi.view_as_complex(x).abs().backward()
    assert x.grad.tolist() == pytest.approx([0.6, 0.8])


def test_view_as_complex_says_what_it_needs():
    for wrong in (airi.ones(3), airi.ones(2, dtype=airi.int64), airi.ones(2, 3).T):
        with pytest.raises(RuntimeError, match="view_as_complex"):
            airi.view_as_complex(wrong)
    with pytest.raises(RuntimeError, match="imag"):
        airi.imag(airi.ones(2))


def test_adjoint_and_h_conjugate():
    z = airi.tensor([[1 + 2j, 3.0]])
    for turned in (z.H, z.mH, z.adjoint()):
        assert turned.tolist() == [[1 - 2j], [3 - 0j]]
    assert z.T.tolist() == [[1 + 2j], [3 + 0j]]
    x = airi.ones(2, 3)
    assert x.conj() is x


def test_gradients_at_zero_are_finite():
    z = airi.zeros(2, dtype=airi.complex128, requires_grad=True)
    (z.abs() + z.angle() + z.sgn().real).sum().backward()
    assert z.grad.tolist() == [0, 0]


class _WrongSquare(airi.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z

    @staticmethod
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0]


def test_gradcheck_recognises_a_missing_conjugate():
    z = airi.tensor([1 + 2j], dtype=airi.complex128, requires_grad=True)
    with pytest.raises(GradcheckError, match=r"part of input element(.|\n)*should conjugate"):
        gradcheck(_WrongSquare.apply, (z,))


def test_modules_can_be_complex():
    torch = pytest.importorskip("torch")
    layer = airi.nn.Linear(3, 2).to(airi.complex64)
    other = torch.nn.Linear(3, 2, dtype=torch.complex64)
    other.load_state_dict(
        {key: torch.tensor(each.numpy()) for key, each in layer.state_dict().items()}
    )
    x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.complex64) * (1 + 2j)
    layer(airi.tensor(x)).abs().sum().backward()
    other(torch.tensor(x)).abs().sum().backward()
    for mine, theirs in zip(layer.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), theirs.grad.numpy(), rtol=1e-4)


def test_complex_survives_saving(tmp_path):
    state = {"z": airi.randn(2, 3, dtype=airi.complex128), "w": airi.tensor([1j])}
    airi.save(state, tmp_path / "z.pt")
    back = airi.load(tmp_path / "z.pt")
    for key, each in state.items():
        assert back[key].dtype is each.dtype
        assert airi.equal(back[key], each)


def test_printing_is_pytorchs():
    torch = pytest.importorskip("torch")
    for values in ([1 + 2j, 3.5 - 1j], [[0j, 1e6 + 1j]], 1j, [complex("nan"), complex(1, np.inf)]):
        assert repr(airi.tensor(values)) == repr(torch.tensor(values)).replace("torch", "airi")


def test_random_complex_numbers_have_variance_one():
    airi.manual_seed(0)
    z = airi.randn(20000, dtype=airi.complex64)
    assert abs(z.var().item() - 1) < 0.03
    assert abs(z.real.var().item() - 0.5) < 0.03
    u = airi.rand(100, dtype=airi.complex128)
    assert u.imag.min() >= 0
    assert u.real.max() < 1
