"""Lazy layers: parameters that the first input gives their shape."""

import copy
import io
import pickle

import pytest

import airi
from airi import nn


def network():
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5))


def test_the_first_input_makes_them_ordinary_layers():
    net = network()
    weight = net[0].weight
    assert isinstance(weight, nn.UninitializedParameter)
    assert net(airi.randn(2, 3, 5, 5)).shape == (2, 5)
    assert [type(each).__name__ for each in net] == ["Conv2d", "BatchNorm2d", "Flatten", "Linear"]
    assert net[0].weight is weight
    assert type(weight) is nn.Parameter
    assert (net[0].in_channels, net[1].num_features, net[3].in_features) == (3, 4, 36)
    assert weight.abs().max() > 0


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("name", ["Conv", "ConvTranspose", "BatchNorm", "InstanceNorm"])
def test_every_lazy_layer_is_as_its_ordinary_one(name, dims):
    options = (4, 2) if "Conv" in name else ()
    lazy = getattr(nn, f"Lazy{name}{dims}d")(*options)
    x = airi.randn(2, 3, *(5,) * dims)
    lazy(x)
    known = (3, *options) if "Conv" in name else (3,)
    extra = {} if "Conv" in name or name == "BatchNorm" else {
        "affine": True, "track_running_stats": True
    }  # fmt: skip
    plain = getattr(nn, f"{name}{dims}d")(*known, **extra)
    assert type(lazy) is type(plain)
    assert repr(lazy) == repr(plain)
    plain.load_state_dict(lazy.state_dict())
    assert airi.equal(lazy.eval()(x), plain.eval()(x))


def test_reprs_and_state_dicts_before_are_pytorchs():
    torch = pytest.importorskip("torch")
    for make in (lambda n: n.LazyLinear(3), lambda n: n.LazyConv2d(3, 2, groups=3, bias=False),
                 lambda n: n.LazyConvTranspose1d(3, 2), lambda n: n.LazyBatchNorm1d()):  # fmt: skip
        ours, theirs = make(nn), make(torch.nn)
        assert repr(ours) == repr(theirs)
        assert list(ours.state_dict()) == list(theirs.state_dict())


def test_a_state_dict_initializes_them():
    trained, x = network(), airi.randn(2, 3, 5, 5)
    trained(x)
    fresh = network()
    fresh.load_state_dict(trained.state_dict())
    assert airi.equal(fresh.eval()(x), trained.eval()(x))
    with pytest.raises(RuntimeError, match="not initialized in the state_dict"):
        trained.load_state_dict(network().state_dict())
    fresh = network()
    fresh.load_state_dict(network().state_dict())
    assert fresh[3].has_uninitialized_params()


def test_copies_pickles_and_dtypes():
    net = network().double()
    for other in (copy.deepcopy(net), pickle.load(io.BytesIO(pickle.dumps(net)))):
        out = other(airi.randn(2, 3, 5, 5, dtype=airi.float64))
        assert out.dtype == airi.float64
        assert net[0].has_uninitialized_params()


def test_values_that_are_not_there_are_refused():
    weight = nn.LazyLinear(3).weight
    assert repr(weight) == "<UninitializedParameter>"
    for use in (lambda: weight + 1, lambda: weight.shape):
        with pytest.raises(ValueError, match="no shape and no values yet"):
            use()
    for lazy in (nn.LazyLinear(3), nn.LazyConv2d(3, 2), nn.LazyBatchNorm1d()):
        with pytest.raises(TypeError, match=f"{type(lazy).__name__}: input must be a Tensor"):
            lazy(None)
    with pytest.raises(RuntimeError, match="dimensions"):
        nn.LazyConv2d(3, 2)(airi.ones(4))
    with pytest.raises(ValueError, match="groups=2 must divide"):
        nn.LazyConv2d(4, 2, groups=2)(airi.ones(1, 3, 4, 4))


def test_an_optimizer_may_be_made_before_the_first_input():
    layer = nn.LazyLinear(1)
    optimizer = airi.optim.SGD(layer.parameters(), lr=1.0)
    layer(airi.ones(4, 2)).sum().backward()
    before = layer.weight.detach().clone()
    optimizer.step()
    assert airi.equal(layer.weight, before - 4)


def test_a_lazy_module_of_ones_own():
    class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.UninitializedParameter()

        def initialize_parameters(self, x):
            if self.has_uninitialized_params():
                self.factor.materialize(x.shape[-1:])
                nn.init.constant_(self.factor, 2.0)

        def forward(self, x):
            return x * self.factor

    scale = Scale()
    for _ in range(2):
        assert scale(airi.ones(2, 3)).tolist() == [[2] * 3] * 2
