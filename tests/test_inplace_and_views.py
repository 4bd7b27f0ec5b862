"""Writing in place, views of one memory, and what backward makes of both.

The numbers here are worked out by hand; `test_random_programs` compares with PyTorch.
"""

from __future__ import annotations

import numpy as np
import pytest

import airi
from airi.autograd import grad

from .inplace_programs import gradients, run


def leaf(*values: float) -> airi.Tensor:
    return airi.tensor(values, dtype=airi.float64, requires_grad=True)


def total(tensor: airi.Tensor) -> airi.Tensor:
    return tensor.sum()


def assert_values(tensor: airi.Tensor | None, wanted: object) -> None:
    assert tensor is not None
    np.testing.assert_allclose(tensor.detach().numpy(), wanted, rtol=1e-12)


# -- versions -------------------------------------------------------------------------------------


def test_version_counts_writes_to_the_memory():
    x = airi.zeros(2, 3)
    row, alias, data = x[0], x.detach(), x.data
    assert x._version == 0
    x.add_(1)
    row.mul_(2)
    alias.zero_()
    x[1, 2] = 5
    assert x._version == row._version == alias._version == 4
    assert data._version == 0
    data.fill_(3)
    assert x._version == 4
    assert_values(x, np.full((2, 3), 3.0))


def test_clone_and_copies_have_versions_of_their_own():
    x = airi.zeros(3)
    copies = [x.clone(), x * 1, x[airi.tensor([0, 1, 2])], airi.zeros(3, 2).t().reshape(6)]
    x.add_(1)
    assert all(each._version == 0 for each in copies)


def test_in_place_under_no_grad_is_counted_but_not_recorded():
    w = leaf(1, 2)
    y = (w * w).sum()
    with airi.no_grad():
        w -= 0.5
    assert w.is_leaf
    assert w._version == 1
    with pytest.raises(RuntimeError, match="in place"):
        y.backward()


# -- a write reaches base and views ----------------------------------------------------------------


def test_write_to_base_is_seen_by_views_taken_before():
    a = leaf(1, 2, 3)
    x = a * 2
    head = x[:2]
    x.mul_(airi.tensor([10.0, 100.0, 1000.0], dtype=airi.float64))
    assert_values(head, [20, 400])
    (head * head).sum().backward()
    assert_values(a.grad, [2 * 20 * 20, 2 * 400 * 200, 0])


def test_write_to_view_is_seen_by_base_and_sibling_views():
    a, b = leaf(1, 2, 3), leaf(5)
    x = a * 2
    head, tail = x[:2], x[1:]
    head.mul_(b)
    assert_values(x, [10, 20, 6])
    assert_values(tail, [20, 6])
    total(x + airi.cat([tail, airi.zeros(1, dtype=airi.float64)])).backward()
    # x = 2ab, 2ab, 2a; tail counts the last two once more
    assert_values(a.grad, [10, 20, 4])
    assert_values(b.grad, [2 * 1 + 2 * (2 * 2)])


def test_chain_of_transpose_slice_and_reshape():
    a = airi.arange(6.0, dtype=airi.float64).reshape(2, 3).requires_grad_()
    x = a * 1
    corner = x.t()[1:].unsqueeze(0)[0, :, 1]  # x[1, 1:]
    corner.copy_(airi.tensor([7.0, 8.0]))
    corner.mul_(2)
    assert_values(x, [[0, 1, 2], [3, 14, 16]])
    (x * x).sum().backward()
    assert_values(a.grad, [[0, 2, 4], [6, 0, 0]])


def test_write_to_view_of_a_base_that_is_not_contiguous():
    a = leaf(1, 2, 3, 4, 5, 6)
    x = a.reshape(2, 3).t() * 1  # laid out as a's
    assert not x.is_contiguous()
    x.t().reshape(-1)[4].mul_(10.0)
    assert_values(x, [[1, 4], [2, 50], [3, 6]])
    total(x * x).backward()
    assert_values(a.grad, [2, 4, 6, 8, 1000, 12])


def test_view_of_0_dimensions():
    a = leaf(1, 2, 3)
    x = total(a)
    same = x.squeeze()
    same.mul_(3.0)
    (x + 2 * same).backward()
    assert_values(a.grad, [9, 9, 9])


def test_several_writes_to_one_base():
    weights = leaf(1, 2, 3)
    out = airi.zeros(3, dtype=airi.float64)
    for i in range(3):
        out[i] = weights[i] ** (i + 1)
    assert_values(out, [1, 4, 27])
    out.sum().backward()
    assert_values(weights.grad, [1, 4, 27])


def test_part_of_an_expanded_tensor_can_be_written():
    a = leaf(1, 2)
    x = a * 1
    x.expand(3, 2)[:1].mul_(4.0)
    total(x).backward()
    assert_values(x, [4, 8])
    assert_values(a.grad, [4, 4])


def test_view_of_detached_memory_passes_no_gradient():
    a = leaf(1, 2)
    x = a * 2
    x.detach().mul_(5.0)
    assert_values(x, [10, 20])
    total(x).backward()
    assert_values(a.grad, [2, 2])


def test_values_that_overlap_the_target_are_read_first():
    x = airi.arange(5.0)
    x[1:] = x[:-1]
    assert_values(x, [0, 0, 1, 2, 3])
    y = airi.tensor([[2.0, 3.0], [4.0, 5.0]])
    y.mul_(y[:, :1])
    assert_values(y, [[4, 6], [16, 20]])


def test_tensor_times_itself_in_place():
    a = leaf(1, 2, 3)
    x = a * 2
    x.mul_(x)
    total(x).backward()
    assert_values(a.grad, [8, 16, 24])


def test_augmented_assignment_of_results():
    a = leaf(1, 2)
    x = a * 3
    before = x
    x += a
    x *= 2
    x -= 1
    x /= 4
    x **= 2
    assert x is before
    assert_values(x, [((4 * v) * 2 - 1) ** 2 / 16 for v in (1, 2)])
    total(x).backward()
    assert_values(a.grad, [2 * ((4 * v) * 2 - 1) / 4 * 2 for v in (1, 2)])


# -- what is refused -------------------------------------------------------------------------------


def refuses(message: str):
    return pytest.raises(RuntimeError, match=message)


def test_leaf_and_view_of_leaf_are_refused_and_unchanged():
    w = leaf(1, 2)
    for target in (w, w[:1], w.view(2, 1)):
        with refuses("leaf"):
            target.mul_(2)
    with refuses("leaf"):
        w[0] = 5
    with refuses("leaf"):
        w.unsqueeze_(0)
    assert_values(w, [1, 2])
    assert w._version == 0


def test_leaf_that_is_a_view_is_refused():
    part = airi.zeros(3)[:2].requires_grad_()
    with refuses("leaf"):
        part.add_(1)


def test_view_made_under_no_grad_is_refused():
    x = leaf(1, 2) * 2
    with airi.no_grad():
        part = x[:1]
    inner = part[0]
    w = leaf(3)[0]
    for each in (part, inner):
        with refuses("no_grad"):
            each.mul_(w)
    with airi.no_grad():
        part.mul_(2)
    assert_values(x, [4, 4])


@pytest.mark.parametrize(
    "parts", [lambda x: x.unbind(0), lambda x: x.split(1), lambda x: x.chunk(2)]
)
def test_parts_made_together_are_refused(parts):
    x = leaf(1, 2) * 2
    first, second = parts(x)
    with refuses("several"):
        first.mul_(2)
    x.mul_(3)
    with refuses("several"):
        total(second)
    with airi.no_grad():
        first.mul_(2)


def test_parts_without_gradient_can_be_written():
    x = airi.zeros(2, 2)
    for number, row in enumerate(x.unbind(0)):
        row.add_(number)
    assert_values(x, [[0, 0], [1, 1]])


def test_tensor_split_gives_parts_that_can_be_written():
    x = leaf(1, 2, 3) * 1
    x.tensor_split(2)[0].mul_(2)
    assert_values(x, [2, 4, 3])


def test_expanded_tensor_is_refused():
    x = airi.zeros(1, 2).expand(3, 2)
    with refuses("expand"):
        x.add_(1)
    with refuses("expand"):
        x[1:] = 1
    x[0] = 1  # its elements are apart
    assert_values(x, np.ones((3, 2)))


def test_invalid_view_as_value_leaves_the_target_alone():
    x = leaf(1, 2) * 1
    part = x.unbind(0)[0]
    x.mul_(2)
    target = airi.zeros(2, dtype=airi.float64)
    with refuses("several"):
        target.copy_(part)
    assert_values(target, [0, 0])


def test_results_that_do_not_fit():
    x = airi.ones(2)
    with refuses("shape"):
        x.add_(airi.ones(3, 2))
    with refuses("cannot be written into"):
        airi.ones(2, dtype=airi.int64).add_(1.5)
    with refuses("cannot be written into"):
        airi.ones(2, dtype=airi.bool).mul_(2)
    with refuses("cannot be written into"):
        airi.ones(2, dtype=airi.int64).div_(2)
    assert_values(x, [1, 1])


# -- values that backward needs -------------------------------------------------------------------


def test_message_names_op_value_shape_versions_and_module():
    class Net(airi.nn.Module):
        def forward(self, x, w):
            return x * w

    w = leaf(1, 2)
    x = leaf(3, 4) * 1
    y = Net()(x, w)
    x.add_(1)
    x.add_(1)
    with pytest.raises(RuntimeError) as error:
        total(y).backward()
    text = str(error.value)
    for part in ("MulBackward", "'x'", "(2,)", "float64", "version 2", "version 0", "Net"):
        assert part in text


def test_write_to_output_that_backward_needs():
    y = leaf(1, 2).exp()
    y.add_(1)
    with refuses("'out'"):
        total(y).backward()


def test_write_through_a_view_or_detached_alias_is_noticed():
    for write in (lambda x: x[0].zero_(), lambda x: x.detach().zero_()):
        w = leaf(1, 2)
        x = w * 1
        y = x * w
        write(x)
        with refuses("in place"):
            total(y).backward()


def test_write_through_data_is_not_noticed():
    w = leaf(1, 2)
    x = w * 1
    y = x * w
    x.data.zero_()
    total(y).backward()
    assert_values(w.grad, [1, 2])  # as if x was 0 (no error): y' = x + w * 1


def test_write_that_backward_does_not_need_is_harmless():
    w = leaf(1, 2)
    x = w * 2
    y = x + 1
    x.zero_()
    total(y).backward()
    assert_values(w.grad, [2, 2])


def test_in_place_op_may_overwrite_what_only_itself_needs():
    w = leaf(1, 4)
    x = w * 1
    x.sqrt_()
    y = w * 1
    y.mul_(w)
    total(x + y).backward()
    assert_values(w.grad, [0.5 + 2, 0.25 + 8])


# -- setitem --------------------------------------------------------------------------------------


def test_setitem_passes_gradients_to_target_and_value():
    a = airi.ones(3, 4, dtype=airi.float64).requires_grad_()
    v = leaf(5, 6)
    x = a * 2
    x[1:, 0] = v
    x[airi.tensor([0, 0]), airi.tensor([2, 3])] = v * 2
    (x * x).sum().backward()
    assert_values(a.grad, [[8, 8, 0, 0], [0, 8, 8, 8], [0, 8, 8, 8]])
    assert_values(v.grad, [2 * 5 + 2 * 10 * 2, 2 * 6 + 2 * 12 * 2])


def test_setitem_broadcasts_and_sums_the_gradient():
    v = leaf(2)
    x = airi.zeros(3, 2, dtype=airi.float64)
    x[x == 0] = v[0]
    x[0] = v
    x[1, ...] = v.reshape(1, 1, 1)
    total(x).backward()
    assert x.requires_grad
    assert_values(v.grad, [6])


def test_setitem_by_mask_of_part():
    x = airi.arange(6.0).reshape(2, 3)
    x[:, airi.tensor([True, False, True])] = airi.tensor([[7.0, 8.0], [9.0, 10.0]])
    assert_values(x, [[7, 1, 8], [9, 4, 10]])
    x[airi.tensor([True, False])] += 1
    assert_values(x, [[8, 2, 9], [9, 4, 10]])


def test_setitem_takes_numbers_lists_and_arrays():
    x = airi.zeros(2, 3)
    x[0] = [1, 2, 3]
    x[1] = np.array([4.0, 5.0, 6.0])
    x[..., 1] = np.float64(9)
    assert_values(x, [[1, 9, 3], [4, 9, 6]])
    with pytest.raises(TypeError, match="setitem"):
        x[0] = "a"


def test_setitem_casts_as_pytorch_does():
    x = airi.zeros(3, dtype=airi.int64)
    x[0] = 1.9
    x[1:] = airi.tensor([2.9, -2.9])
    assert x.tolist() == [1, 2, -2]
    x[airi.tensor([0])] = 7.9
    assert x.tolist() == [7, 2, -2]
    with refuses("dtype"):
        x[airi.tensor([0])] = airi.tensor([1.5])


def test_setitem_shape_errors():
    x = airi.zeros(2, 3)
    with refuses("shape"):
        x[0] = airi.zeros(2)
    with refuses("shape"):
        x[airi.tensor([0, 1])] = airi.zeros(3, 3)
    with refuses("shape"):
        x[x > 0] = airi.zeros(2)
    with pytest.raises(IndexError, match=r"5.*size 2"):
        x[airi.tensor([5])] = 1.0


# -- dtypes, inference, higher order ---------------------------------------------------------------


def test_copy_between_dtypes_casts_values_and_gradients():
    a = airi.tensor([1.5, 2.5], requires_grad=True)
    x = airi.zeros(2, dtype=airi.float64)
    x.copy_(a)
    assert x.dtype == airi.float64
    total(x * 2).backward()
    assert a.grad.dtype == airi.float32
    assert_values(a.grad, [2, 2])
    whole = airi.zeros(2, dtype=airi.int32).copy_(a)
    assert whole.tolist() == [1, 2]
    assert not whole.requires_grad


def test_overwritten_value_gets_a_gradient_of_zeros():
    a = leaf(1, 2)
    x = a * 2
    x.fill_(3)
    total(x + a * 0).backward()
    assert_values(a.grad, [0, 0])


def test_inference_tensors():
    with airi.inference_mode():
        x = airi.zeros(3)
        x.add_(1)
        x[0] = 5
        part = x[1:]
        part.mul_(3)
    assert x.is_inference()
    assert part.is_inference()
    assert x.tolist() == [5, 3, 3]
    with refuses("inference_mode"):
        x.add_(1)
    with refuses("inference_mode"):
        x[0] = 1
    with refuses("inference_mode"):
        _ = x._version
    w = airi.ones(3, requires_grad=True)
    with refuses("inference_mode"):
        _ = w * x
    assert (w * x.clone()).requires_grad
    y = airi.zeros(3)
    with airi.inference_mode():
        y.add_(1)
    assert y._version == 1


def test_second_derivative_through_writes():
    a = leaf(1, 2, 3)
    x = a * a
    part = x[1:]
    part.mul_(a[1:])  # a^3 there
    x[0] = x[0].clone() * a[0] * a[0]  # a^4
    (first,) = grad(total(x), a, create_graph=True)
    assert_values(first, [4, 3 * 4, 3 * 9])
    (second,) = grad(total(first), a, create_graph=True)
    assert_values(second, [12, 12, 18])
    (third,) = grad(total(second), a)
    assert_values(third, [24, 6, 6])


# -- the shape changed in place --------------------------------------------------------------------


def test_shape_changed_in_place_keeps_the_graph_and_older_views():
    a = airi.tensor([[1.0, 2.0, 3.0]], dtype=airi.float64, requires_grad=True)
    x = a * 1
    tail = x[:, 1:]
    assert x.squeeze_(0) is x
    assert x.shape == (3,)
    x.mul_(2)
    tail.mul_(3)
    x[0:1].add_(1)
    (x * x).sum().backward()
    assert_values(x, [3, 12, 18])
    assert_values(a.grad, [[2 * 3 * 2, 2 * 12 * 6, 2 * 18 * 6]])


def test_shape_of_a_view_changed_in_place():
    a = airi.arange(6.0, dtype=airi.float64).reshape(2, 3).requires_grad_()
    x = a * 1
    part = x[:, 1:]
    part.t_().unsqueeze_(1)
    assert part.shape == (2, 1, 2)
    part[0].mul_(10.0)
    assert_values(x, [[0, 10, 2], [3, 40, 5]])
    total(x).backward()
    assert_values(a.grad, [[1, 10, 1], [1, 10, 1]])


def test_resize():
    x = airi.arange(6.0).reshape(2, 3).t()
    assert_values(x.resize_(2, 2), [[0, 1], [2, 3]])
    assert x.resize_(5).shape == (5,)
    assert_values(x[:4], [0, 1, 2, 3])
    assert airi.zeros(3).resize_as_(airi.zeros(1, 2)).shape == (1, 2)
    with refuses("requires grad"):
        leaf(1).resize_(2)


# -- views -----------------------------------------------------------------------------------------


def test_views_share_memory_and_copies_do_not():
    x = airi.arange(12.0).reshape(3, 4)
    views = [
        x[1], x[:, ::2], x[None], x[..., 0], x[()], x.t(), x.reshape(4, 3), x.view(-1), x.flatten(),
        x.unsqueeze(0), x.squeeze(), x.expand(2, 3, 4), x.diagonal(), x.unfold(1, 2, 1),
        x.narrow(0, 1, 2), x.select(1, 2), x.unflatten(1, (2, 2)), x.movedim(0, 1),
        x.as_strided((2, 2), (1, 1)), x.view(airi.int32), *x.unbind(), *x.split(2), *x.chunk(3),
        *x.tensor_split(2), airi.tensor(3.0)[...], airi.tensor(3.0)[None],
    ]  # fmt: skip
    assert all(each._base is not None for each in views)
    copies = [
        x[airi.tensor([0, 1])], x[[0]], x[x > 1], x[True], x.t().reshape(-1), x.flip(0),
        x.roll(1, 0), x.diag(), x.repeat(1, 1), x.rot90(0), x.t().contiguous(),
    ]  # fmt: skip
    assert all(each._base is None for each in copies)
    assert not any(np.may_share_memory(each._array, x._array) for each in copies)


def test_base_of_a_view_of_a_view_is_the_first():
    x = airi.zeros(3, 4)
    assert x[0][1:]._base is x
    assert x._base is None


def test_view_follows_strides():
    x = airi.arange(12.0).reshape(3, 4)
    assert x[:, :2].view(3, 2, 1).shape == (3, 2, 1)
    with refuses("reshape"):
        x.t().view(12)
    with refuses("-1"):
        x.view(-1, -1)
    with refuses("12 elements"):
        x.view(5)


def test_view_as_another_dtype():
    x = airi.tensor([1.0, 2.0])
    bits = x.view(airi.int32)
    bits[0] = 0
    assert x.tolist() == [0, 2]
    assert x._version == 1
    assert x.view(airi.float64).shape == (1,)
    assert x.view(airi.uint8).shape == (8,)
    with refuses("last dimension"):
        airi.zeros(3).view(airi.float64)
    assert not leaf(1, 2).view(airi.int64).requires_grad


def test_as_strided_counts_from_the_start_of_the_memory():
    x = airi.arange(6.0)
    assert x[1:].as_strided((2, 2), (1, 2)).tolist() == [[1, 3], [2, 4]]
    assert x[1:].as_strided((2, 2), (1, 2), 0).tolist() == [[0, 2], [1, 3]]
    for size, stride, offset in [((2, 2), (1, 2), 3), ((2,), (-1,), 0), ((2, 2), (1,), 0)]:
        with refuses("as_strided"):
            x.as_strided(size, stride, offset)


# -- beside PyTorch --------------------------------------------------------------------------------


def test_random_programs():
    """Programs of views and writes give PyTorch's values, versions, refusals and gradients.

    Of what PyTorch refuses, airi computes some correctly: overlapping operands are read first, and
    values are kept where only the op that overwrites them needs them.
    """
    torch = pytest.importorskip("torch")
    agreed = 0
    for seed in range(400):
        theirs, mine = run(torch, seed, 10), run(airi, seed, 10)
        about = f"program {seed}"
        if any(
            text and not ours and ("multiple views" in text or "unsupported operation" in text)
            for text, ours in zip(theirs.errors, mine.errors, strict=True)
        ):
            continue
        assert [bool(each) for each in mine.errors] == [bool(each) for each in theirs.errors], about
        for one, other in zip(mine.pool, theirs.pool, strict=True):
            assert one.requires_grad == other.requires_grad, about
            assert one._version == other._version, about
            np.testing.assert_allclose(
                one.detach().numpy(), other.detach().numpy(), rtol=1e-9, atol=1e-9, err_msg=about
            )
        twice = seed % 2 == 1
        wanted, got = (
            gradients(lib, each, seed, twice) for lib, each in ((torch, theirs), (airi, mine))
        )
        if isinstance(wanted, str):
            continue
        assert not isinstance(got, str), f"{about}: {got}"
        for one, other in zip(got, wanted, strict=True):
            if one is None or other is None:
                # A recorded gradient that is constant joins the graph here more often.
                assert one is other or (twice and other is None and not np.any(one)), about
                continue
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8, err_msg=about)
        agreed += 1
    assert agreed > 200


@pytest.mark.parametrize(
    "view", [lambda x: x.view(-1), lambda x: x[0], lambda x: x[1:, ::2], lambda x: x.t()]
)
def test_a_view_of_a_leaf_that_is_itself_a_view_may_not_be_written(view):
    leaf = airi.ones(6).view(2, 3).requires_grad_()
    with pytest.raises(RuntimeError, match="view of a leaf tensor"):
        view(leaf).mul_(2)
    assert leaf.is_leaf
    with airi.no_grad():
        view(leaf).mul_(2)
    (leaf * leaf).sum().backward()
    assert airi.equal(leaf.grad, 2 * leaf.detach())


def test_a_view_of_a_leaf_that_is_itself_a_view_passes_its_gradient_on():
    leaf = airi.ones(6).view(2, 3).requires_grad_()
    (leaf[0] * 3).sum().backward()
    assert leaf.grad.tolist() == [[3.0, 3.0, 3.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("number", [np.float16(0.5), np.float32(0.5), np.float64(0.5)])
def test_a_fraction_from_numpy_is_not_cut_off_in_integers(number):
    x = airi.ones(3, dtype=airi.int64)
    with pytest.raises(RuntimeError, match="cannot be written"):
        x += number
    assert x.add_(np.int32(2)).tolist() == [3, 3, 3]
    assert airi.ones(2).mul_(number).dtype == airi.float32
