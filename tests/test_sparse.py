"""Sparse tensors: what works on the values, and the error of what does not."""

import copy
import pickle

import numpy as np
import pytest

import airi
from airi import nn


def _sparse(requires_grad=False):
    """A 3 by 4 matrix with a place that occurs twice, and its values."""
    places = [[0, 2, 0, 1], [3, 0, 3, 2]]
    values = airi.tensor([1.0, 2.0, 3.0, 4.0], dtype=airi.float64, requires_grad=requires_grad)
    return airi.sparse_coo_tensor(places, values, (3, 4)), values


def test_what_it_is():
    s, _ = _sparse()
    assert isinstance(s, airi.Tensor)
    assert s.is_sparse
    assert s.layout is airi.sparse_coo
    assert (tuple(s.shape), s.ndim, s.numel(), len(s)) == ((3, 4), 2, 12, 3)
    assert (s._nnz(), s.sparse_dim(), s.dense_dim(), s.is_coalesced()) == (4, 2, 0, False)
    assert s.dtype is airi.float64
    assert "nnz=4" in repr(s)
    with pytest.raises(RuntimeError, match="coalesce"):
        s.indices()
    c = s.coalesce()
    assert c.indices().tolist() == [[0, 1, 2], [3, 2, 0]]
    assert c.values().tolist() == [4.0, 4.0, 2.0]
    dense = s.to_dense()
    assert dense.tolist() == c.to_dense().tolist()
    assert airi.equal(dense.to_sparse().to_dense(), dense)
    assert dense.to_sparse().is_coalesced()
    for same in (copy.deepcopy(s), pickle.loads(pickle.dumps(s)), s.clone(), s.detach()):
        assert airi.equal(same.to_dense(), dense)
    assert s.float().dtype is airi.float32


def test_arithmetic_is_that_of_the_dense_ones():
    s, _ = _sparse()
    d, full = s.to_dense(), airi.randn(3, 4, dtype=airi.float64)
    for ours, wanted in (
        (s * 2, d * 2),
        (2 * s, d * 2),
        (s / 2, d / 2),
        (-s, -d),
        (s + s.t().t(), d + d),
        (s - s, d - d),
        (s * full, d * full),
        (full * s, d * full),
        (s * full[0], d * full[0]),
        (s * s, d * d),
        (s.abs(), d.abs()),
        (s.sqrt(), d.sqrt()),
        (s**2, d**2),
        (s.t(), d.T),
        (airi.sparse.sum(s, 0), d.sum(0)),
        (s.sum(-1), d.sum(-1)),
    ):
        assert ours.is_sparse
        assert airi.allclose(ours.to_dense(), wanted)
    assert airi.allclose(full + s, full + d)
    assert airi.allclose(s - full, d - full)
    assert airi.allclose(full - s, full - d)
    assert s.sum().item() == 10.0


def test_products_and_their_derivatives():
    s, values = _sparse(requires_grad=True)
    dense = airi.randn(4, 2, dtype=airi.float64, requires_grad=True)
    d = s.to_dense()
    for product in (s @ dense, airi.mm(s, dense), airi.sparse.mm(s, dense), airi.spmm(s, dense)):
        assert airi.allclose(product, d @ dense)
    assert airi.allclose(airi.matmul(s, dense[:, 0]), d @ dense[:, 0])
    left = airi.randn(2, 3, dtype=airi.float64)
    assert airi.allclose(left @ s, left @ d)
    added = airi.sparse.addmm(left.T, s, dense, beta=2.0)
    assert airi.allclose(added, 2 * left.T + d @ dense)

    def product_of(values, dense):
        places = [[0, 2, 0, 1], [3, 0, 3, 2]]
        return airi.sparse_coo_tensor(places, values, (3, 4)) @ dense

    assert airi.autograd.gradcheck(product_of, (values, dense))
    assert airi.autograd.gradgradcheck(product_of, (values, dense))


def test_gradients_pass_to_values_through_everything():
    def through(values):
        s = airi.sparse_coo_tensor([[0, 1, 0], [1, 0, 1]], values, (2, 2))
        return ((s * 2 + s).coalesce().square().to_dense() + s.sum(0).to_dense()).sum()

    values = airi.tensor([1.0, 2.0, 3.0], dtype=airi.float64, requires_grad=True)
    assert airi.autograd.gradcheck(through, (values,))


def test_large_products_go_in_chunks(monkeypatch):
    from airi.ops import sparse

    monkeypatch.setattr(sparse, "_CHUNK", 6)
    rng = np.random.default_rng(0)
    places, values = rng.integers(0, 5, (2, 40)), airi.tensor(rng.standard_normal(40))
    s, dense = airi.sparse_coo_tensor(places, values, (5, 5)), airi.tensor(rng.random((5, 3)))
    values.requires_grad_()
    assert airi.allclose(s @ dense, s.to_dense() @ dense)
    (of_values,) = airi.autograd.grad((s @ dense).square().sum(), values)
    (wanted,) = airi.autograd.grad((s.to_dense() @ dense).square().sum(), values)
    assert airi.allclose(of_values, wanted)


def test_a_sparse_leaf_has_a_sparse_gradient():
    s = airi.sparse_coo_tensor([[0, 1], [1, 0]], [2.0, 3.0], requires_grad=True)
    assert s.is_leaf
    (s @ airi.ones(2, 1)).sum().backward()
    assert s.grad.is_sparse
    assert s.grad.to_dense().tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_a_graph_convolution_trains():
    airi.manual_seed(0)
    places = [[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]]
    adjacency = airi.sparse.FloatTensor(airi.LongTensor(places), airi.ones(6), airi.Size([4, 4]))
    features, target = airi.randn(4, 3), airi.tensor([0, 1, 0, 1])
    layer = nn.Linear(3, 2)
    optimizer = airi.optim.Adam(layer.parameters(), lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(airi.spmm(adjacency, layer(features)), target)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def test_it_agrees_with_pytorch():
    torch = pytest.importorskip("torch")
    places, values = [[0, 1, 1, 0], [2, 0, 2, 2]], [3.0, 4.0, 5.0, 1.0]
    dense = np.arange(6.0, dtype=np.float32).reshape(3, 2)
    results = []
    for lib in (airi, torch):
        v = lib.tensor(values, requires_grad=True)
        s = lib.sparse_coo_tensor(lib.tensor(places), v, (2, 3), check_invariants=True).coalesce()
        out = lib.sparse.mm(s, lib.tensor(dense))
        out.square().sum().backward()
        results.append((s.indices().tolist(), s.values().tolist(), out.tolist(), v.grad.tolist()))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda s: s.exp(), "to_dense"),
        (lambda s: airi.exp(s), "to_dense"),
        (lambda s: s[0], "to_dense"),
        (lambda s: s + 1, "to_dense"),
        (lambda s: s @ s.t(), "to_dense"),
        (lambda s: s.numpy(), "to_dense"),
        (lambda s: s.add_(s), "to_dense"),
        (lambda s: airi.ones(4, 2).indices(), "only for sparse"),
        (lambda s: s @ airi.ones(3, 2, dtype=airi.float64), "cannot be multiplied"),
        (lambda s: s @ airi.ones(4, 2), "one dtype"),
        (lambda s: airi.sparse_coo_tensor([[0, 5]], [1.0, 2.0], (3,)), "out of range"),
        (lambda s: airi.sparse_coo_tensor([[0, -1]], [1.0, 2.0]), "negative"),
        (lambda s: airi.sparse_coo_tensor([[0, 1]], [1.0]), "as many values"),
        (lambda s: airi.sparse_coo_tensor([0, 1], [1.0, 2.0]), "sparse_dim, nnz"),
        (lambda s: airi.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (2, 2)), "does not fit"),
    ],
)
def test_errors(call, text):
    with pytest.raises(RuntimeError, match=text):
        call(_sparse()[0])


def test_a_product_with_an_array_is_refused():
    with pytest.raises(TypeError, match="other must be a Tensor, got ndarray"):
        airi.sparse.mm(_sparse()[0], np.ones((3, 2), np.float32))
