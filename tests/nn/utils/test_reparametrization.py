"""nn.utils: one program run with airi and with PyTorch gives the same; and what is refused."""

import copy

import numpy as np
import pytest

import airi
from airi import nn

SEEDED = np.random.default_rng(0).normal(size=1000)


def both(program):
    """`program(framework)` with airi and with PyTorch must return the same plain data."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch.nn.utils.prune")

    same(plain(program(airi)), plain(program(torch)))


def plain(value):
    if hasattr(value, "detach"):
        return value.detach().tolist()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def same(ours, theirs):
    if isinstance(theirs, list):
        assert isinstance(ours, list)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs):
            same(one, other)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-11)
    else:
        assert ours == theirs


def values(framework, *shape):
    count = int(np.prod(shape))
    return framework.from_numpy(SEEDED[:count].reshape(shape).copy())


def fill(framework, module):
    """The same values in both frameworks."""
    for each in module.state_dict().values():
        with framework.no_grad():
            each.copy_(values(framework, *each.shape))
    return module


def trained(framework, module, x):
    """Output and gradients of one call."""
    out = module(x)
    (out * out).sum().backward()
    return [out, [(name, each.grad) for name, each in module.named_parameters()]]


@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("place", ["parametrizations", ""])
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_weight_norm(place, dim):
    def program(framework):
        utils = getattr(framework.nn.utils, place) if place else framework.nn.utils
        layer = fill(framework, framework.nn.Linear(3, 4).double())
        utils.weight_norm(layer, dim=dim)
        results = [list(layer.state_dict()), trained(framework, layer, values(framework, 2, 3))]
        if place:
            results.append(repr(layer))
            layer.weight = values(framework, 4, 3) * 2
            framework.nn.utils.parametrize.remove_parametrizations(layer, "weight")
        else:
            utils.remove_weight_norm(layer)
        return [*results, repr(layer), list(layer.state_dict()), layer.weight]

    both(program)


@pytest.mark.parametrize("layer", ["Linear", "ConvTranspose1d"])
@pytest.mark.parametrize("place", ["parametrizations", ""])
def test_spectral_norm(place, layer):
    def program(framework):
        utils = getattr(framework.nn.utils, place) if place else framework.nn.utils
        args = (3, 4) if layer == "Linear" else (3, 4, 2)
        module = fill(framework, getattr(framework.nn, layer)(*args).double())
        utils.spectral_norm(module, n_power_iterations=2)
        keys = list(module.state_dict())
        for each in module.buffers():
            each.copy_(values(framework, *each.shape) / values(framework, *each.shape).norm())
        x = values(framework, 2, 3) if layer == "Linear" else values(framework, 2, 3, 5)
        results = [keys, trained(framework, module, x), trained(framework, module.eval(), x)]
        if not place:
            utils.remove_spectral_norm(module)
        return [*results, list(module.state_dict()), module.weight]

    both(program)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
@pytest.mark.parametrize("map_", [None, "cayley", "matrix_exp", "householder"])
def test_orthogonal(map_, shape):
    orthogonal = nn.utils.parametrizations.orthogonal
    layer = orthogonal(nn.Linear(*shape[::-1]).double(), orthogonal_map=map_)
    start = layer.weight.detach().clone()
    optimizer = airi.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        w = layer.weight
        gram = w.mT @ w if shape[0] >= shape[1] else w @ w.mT
        assert airi.allclose(gram, airi.eye(min(shape), dtype=airi.float64), atol=1e-9)
        optimizer.zero_grad()
        (layer(values(airi, 2, shape[1])) ** 2).sum().backward()
        optimizer.step()
    assert not airi.allclose(layer.weight, start)


@pytest.mark.parametrize("map_", ["cayley", "matrix_exp", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_orthogonal_maps_are_pytorchs(map_, shape):
    def program(framework):
        layer = fill(framework, framework.nn.Linear(*shape[::-1]).double())
        framework.nn.utils.parametrizations.orthogonal(
            layer, orthogonal_map=map_, use_trivialization=False
        ) if map_ == "householder" else framework.nn.utils.parametrizations.orthogonal(
            layer, orthogonal_map=map_
        )
        with framework.no_grad():
            if map_ != "householder":
                layer.parametrizations.weight[0].base.copy_(framework.eye(max(shape)))
                layer.parametrizations.weight.original.copy_(values(framework, *shape))
        results = [layer.weight, trained(framework, layer, values(framework, 2, shape[1]))]
        return [repr(layer), list(layer.state_dict()), results]

    both(program)


def test_parametrizations():
    def program(framework):
        parametrize = framework.nn.utils.parametrize

        class Symmetric(framework.nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).transpose(-1, -2)

            def right_inverse(self, x):
                return x.triu()

        class Sum(framework.nn.Module):
            def forward(self, a, b):
                return a + b

            def right_inverse(self, x):
                return x * 2, -x

        layer = fill(framework, framework.nn.Linear(3, 3).double())
        weight = layer.weight
        parametrize.register_parametrization(layer, "weight", Symmetric())
        results = [repr(layer), list(layer.state_dict()), layer.weight]
        results.append(layer.parametrizations.weight.original is weight)
        layer.weight = values(framework, 3, 3) + 1
        results.append(trained(framework, layer, values(framework, 2, 3)))
        other = copy.deepcopy(layer)
        other.weight = framework.zeros(3, 3).double()
        results += [layer.weight, other.weight]
        with parametrize.cached():
            results.append(layer.weight is layer.weight)
        results.append(layer.weight is layer.weight)
        parametrize.remove_parametrizations(layer, "weight")
        results += [type(layer).__name__, layer.weight is weight, list(layer.state_dict())]
        parametrize.register_parametrization(layer, "weight", Sum())
        parametrize.register_parametrization(layer, "weight", Symmetric())
        results += [repr(layer), list(layer.state_dict()), layer.weight]
        parametrize.remove_parametrizations(layer, "weight")
        return [*results, layer.weight, parametrize.is_parametrized(layer)]

    both(program)


def test_pruning():
    def program(framework):
        prune = framework.nn.utils.prune
        layer = fill(framework, framework.nn.Linear(4, 3).double())
        prune.l1_unstructured(layer, "weight", amount=0.3)
        results = [list(layer.state_dict()), layer.weight_mask]
        prune.ln_structured(layer, "weight", amount=1, n=2, dim=0)
        results += [layer.weight_mask, trained(framework, layer, values(framework, 2, 4))]
        results.append(prune.is_pruned(framework.nn.Sequential(layer)))
        prune.remove(layer, "weight")
        results += [list(layer.state_dict()), layer.weight, prune.is_pruned(layer)]
        other = fill(framework, framework.nn.Linear(3, 2).double())
        pairs = [(layer, "weight"), (other, "weight")]
        prune.global_unstructured(pairs, prune.L1Unstructured, amount=7)
        prune.custom_from_mask(other, "bias", framework.tensor([0, 1]))
        prune.identity(layer, "bias")
        return [*results, layer.weight_mask, other.weight, other.bias, layer.bias_mask]

    both(program)


def test_one_seed_prunes_the_same_elements_as_in_pytorch():
    torch = pytest.importorskip("torch")
    masks = []
    for lib in (airi, torch):
        first, second = lib.nn.Linear(6, 5), lib.nn.Linear(6, 5)
        lib.manual_seed(3)
        lib.nn.utils.prune.random_unstructured(first, "weight", 0.4)
        lib.nn.utils.prune.random_structured(second, "weight", 2, dim=0)
        masks.append((first.weight_mask.tolist(), second.weight_mask.tolist()))
    assert masks[0] == masks[1]


def test_random_pruning():
    layer = nn.Linear(10, 10)
    nn.utils.prune.random_unstructured(layer, "weight", 40)
    assert (layer.weight_mask == 0).sum() == 40
    nn.utils.prune.random_structured(layer, "weight", 2, dim=1)
    assert (layer.weight_mask == 0).all(0).sum() >= 2
    assert nn.utils.prune.L1Unstructured(0.5).prune(airi.tensor([1.0, -3.0])).tolist() == [0, -3]


@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d", "Linear"])
def test_fusion(kind):
    layer = getattr(nn, kind)(3, 4, *(() if kind == "Linear" else (2,)), bias=kind != "Conv2d")
    norm = nn.BatchNorm1d(4) if kind == "Linear" else nn.BatchNorm2d(4)
    x = airi.randn(5, 3) if kind == "Linear" else airi.randn(5, 3, 6, 6)
    both_layers = nn.Sequential(layer, norm)
    for _ in range(3):
        both_layers(x)
    both_layers.eval()
    if kind == "Linear":
        fused = nn.utils.fuse_linear_bn_eval(layer, norm)
    else:
        fused = nn.utils.fuse_conv_bn_eval(layer, norm, transpose=kind != "Conv2d")
    assert airi.allclose(fused(x), both_layers(x), atol=1e-5)
    with pytest.raises(AssertionError, match="evaluation mode"):
        nn.utils.fuse_conv_bn_eval(layer, norm.train())


def test_stateless_call_and_skip_init():
    layer = nn.utils.skip_init(nn.Linear, 2, 1)
    given = {"weight": airi.ones(1, 2), "bias": airi.zeros(1)}
    out = nn.utils.stateless.functional_call(layer, given, airi.tensor([[2.0, 3.0]]))
    assert out.tolist() == [[5.0]]
    assert layer.weight is not given["weight"]
    with pytest.raises(RuntimeError, match="does not take device="):
        nn.utils.skip_init(nn.ReLU)


def test_the_older_name_of_clipping_and_a_module_given_for_its_parameters():
    layer = nn.Linear(2, 2)
    layer(airi.ones(1, 2)).sum().backward()
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        nn.utils.clip_grad_norm(layer.parameters(), 0.5)
    assert nn.utils.get_total_norm([p.grad for p in layer.parameters()]) <= 0.5001
    with pytest.raises(TypeError, match=r"module Linear: pass its parameters\(\)"):
        nn.utils.clip_grad_norm_(layer, 1.0)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda u, m: u.parametrizations.weight_norm(m, "wait"), ValueError, "no parameter"),
        (lambda u, m: u.parametrizations.spectral_norm(m, dim=5), IndexError, "dim must be"),
        (lambda u, m: u.parametrizations.orthogonal(m, "bias"), ValueError, "expected a matrix"),
        (
            lambda u, m: u.parametrizations.orthogonal(m, orthogonal_map="qr"),
            ValueError,
            "_map must",
        ),
        (lambda u, m: u.remove_weight_norm(m), ValueError, "no weight norm"),
        (lambda u, m: u.remove_spectral_norm(m), ValueError, "no spectral norm"),
        (lambda u, m: u.prune.remove(m, "weight"), ValueError, "not pruned"),
        (lambda u, m: u.prune.l1_unstructured(m, "weight", 1.5), ValueError, "fraction"),
        (lambda u, m: u.prune.l1_unstructured(m, "weight", 99), ValueError, "more than the 6"),
        (lambda u, m: u.parametrize.remove_parametrizations(m, "weight"), ValueError, "not param"),
        (
            lambda u, m: u.parametrize.register_parametrization(m, "weight", nn.Flatten(0)),
            ValueError,
            "register_parametrization: .* must keep shape",
        ),
        (
            lambda u, m: u.parametrize.register_parametrization(m, "weight", lambda w: w),
            TypeError,
            "parametrization must be a Module, got function",
        ),
    ],
)
def test_refusals(call, error, match):
    with pytest.raises(error, match=match):
        call(nn.utils, nn.Linear(2, 3))
