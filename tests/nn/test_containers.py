"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict, as PyTorch's."""

from collections import OrderedDict

import pytest

import airi
from airi import nn

from .parity import assert_same


def summary(container):
    return [
        len(container),
        list(container.state_dict()),
        [name for name, _ in container.named_children()],
    ]


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
def test_modules_by_position(kind):
    def program(t):
        layers = [t.nn.PReLU(), t.nn.ReLU(), t.nn.PReLU(3), t.nn.Tanh()]
        make = getattr(t.nn, kind)
        row = make(*layers) if kind == "Sequential" else make(layers)
        found = [summary(row), [each is layers[i] for i, each in enumerate(row)]]
        found += [row[0] is layers[0], row[-1] is layers[3], summary(row[1:3]), layers[2] in row]
        row[1] = t.nn.PReLU(7)
        row.append(t.nn.Tanh()).extend([t.nn.PReLU(2)])
        found.append(summary(row))
        row.insert(1, t.nn.PReLU(9))
        row.insert(3, t.nn.PReLU(8))
        found.append([[tuple(each.shape) for each in row.parameters()], summary(row)])
        del row[0]
        found.append(summary(row))
        del row[1:3]
        found.append(summary(row))
        popped = row.pop(1)
        found += [summary(row), repr(popped), repr(row + row), repr(row)]
        row += type(row)(*layers) if kind == "Sequential" else layers
        return [*found, summary(row)]

    assert_same(program)


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
@pytest.mark.parametrize("index", [2, -3])
def test_positions_out_of_range(kind, index):
    def program(t):
        row = getattr(t.nn, kind)()
        row.extend([t.nn.ReLU(), t.nn.ReLU()])
        with pytest.raises(IndexError):
            row[index]
        with pytest.raises(IndexError):
            row[index] = t.nn.Tanh()
        with pytest.raises(IndexError):
            del row[index]

    assert_same(program)


def test_sequential():
    def program(t):
        named = t.nn.Sequential(OrderedDict(a=t.nn.ReLU(), b=t.nn.PReLU()))
        x = t.tensor([-4.0, 2.0])
        return [
            named(x),
            named.a(x),
            repr(named),
            repr(named[1:]),
            repr(named * 2),
            repr(2 * named),
            t.nn.Sequential()(3),
        ]

    assert_same(program)
    with pytest.raises(ValueError, match="only another Sequential can be added, not list"):
        nn.Sequential() + [nn.ReLU()]
    with pytest.raises(ValueError, match="a positive number of times"):
        nn.Sequential() * 0
    with pytest.raises(TypeError, match="must be a Module or None, got function"):
        nn.Sequential(airi.relu)
    with pytest.raises(TypeError, match=r"Sequential.insert: expected a Module, got int"):
        nn.Sequential().insert(0, 3)


def test_insert_counts_from_the_end_too():
    row = nn.ModuleList([nn.ReLU(), nn.Tanh()]).insert(-1, nn.SELU())
    assert [type(each).__name__ for each in row] == ["ReLU", "SELU", "Tanh"]
    with pytest.raises(IndexError, match="index 4 is out of range"):
        row.insert(4, nn.ReLU())


def test_a_list_cannot_be_called():
    with pytest.raises(NotImplementedError, match="ModuleList has no forward"):
        nn.ModuleList()(1)


def test_repr_of_a_list_writes_equal_modules_once():
    def program(t):
        block = t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh())
        blocks = [block, block, t.nn.ReLU(), t.nn.Tanh(), t.nn.Tanh(), t.nn.Tanh()]
        return [repr(t.nn.ModuleList(blocks)), repr(t.nn.ModuleList())]

    assert_same(program)


def test_module_dict():
    def program(t):
        modules = t.nn.ModuleDict({"b": t.nn.ReLU(), "a": t.nn.PReLU()})
        modules["c"] = t.nn.Tanh()
        modules.update([["d", t.nn.PReLU(2)]])
        modules.update(t.nn.ModuleDict({"a": t.nn.PReLU(5)}))
        found = [list(modules), list(modules.keys()), "b" in modules, repr(modules)]
        found += [[repr(each) for each in modules.values()], [k for k, _ in modules.items()]]
        popped = modules.pop("b")
        del modules["c"]
        found += [repr(popped), summary(modules)]
        with pytest.raises(KeyError):
            modules["nothing"]
        modules.clear()
        return [*found, len(modules)]

    assert_same(program)
    with pytest.raises(TypeError, match="ModuleDict: expected a dict or pairs"):
        nn.ModuleDict(3)
    with pytest.raises(ValueError, match="expected pairs of name and value, got 3 items"):
        nn.ModuleDict([(1, 2, 3)])


def test_parameter_list():
    def program(t):
        values = t.nn.ParameterList([t.ones(2), t.nn.Parameter(t.zeros(1))])
        values.append(t.ones(3)).extend([t.ones(4), t.ones(5)])
        values += [t.ones(6)]
        values[1] = t.ones(7)
        with pytest.raises(IndexError):
            values[6]
        with pytest.raises(TypeError):
            values.extend(t.ones(2))
        return [
            len(values),
            [type(each).__name__ for each in values],
            list(values.state_dict()),
            [tuple(each.shape) for each in values[1:3]],
            tuple(values[-1].shape),
            len(list(values.parameters())),
        ]

    assert_same(program)


def test_parameter_dict():
    def program(t):
        values = t.nn.ParameterDict({"a": t.ones(2), "b": t.nn.Parameter(t.zeros(1))})
        values["c"] = t.ones(3)
        values.update({"d": t.ones(4)})
        both = values | t.nn.ParameterDict({"e": t.ones(1)})
        values |= {"f": t.ones(1)}
        found = [list(values), list(both), list(reversed(values)), "b" in values, len(values)]
        found += [values.get("x", 3), list(values.setdefault("g", t.ones(2)).shape)]
        found += [type(values["c"]).__name__, [k for k, _ in values.items()]]
        found += [[tuple(each.shape) for each in values.values()], list(values.state_dict())]
        popped = values.pop("b")
        key, _ = values.popitem()
        del values["c"]
        found += [tuple(popped.shape), key, list(values), list(values.copy().keys())]
        with pytest.raises((KeyError, AttributeError)):  # the latter is PyTorch's
            values["c"]
        values.clear()
        return [*found, len(values), list(values.parameters())]

    assert_same(program)
    with pytest.raises(KeyError, match="a name of its own"):
        nn.ParameterDict({"values": airi.ones(1)})
    with pytest.raises(TypeError, match="a name must be a string, got int"):
        nn.ParameterDict({3: airi.ones(1)})


def test_repr_of_parameters():
    assert repr(nn.ParameterList([airi.ones(2, 3)])) == (
        "ParameterList(\n  (0): Parameter containing: [airi.float32 of size 2x3]\n)"
    )
    assert repr(nn.ParameterDict({"a": airi.ones(2), "n": 3})) == (
        "ParameterDict(\n"
        "  (a): Parameter containing: [airi.float32 of size 2]\n"
        "  (n): Object of type: int\n)"
    )


def test_sequential_says_that_a_list_is_not_modules():
    with pytest.raises(TypeError, match=r"got a list of them; write Sequential\(\*modules\)"):
        nn.Sequential([nn.ReLU()])


def test_data_parallel_without_gpus_is_the_module():
    layer = nn.Linear(2, 1)
    model = nn.DataParallel(layer)
    x = airi.ones(3, 2)
    assert model.module is layer
    assert airi.equal(model(x), layer(x))
    assert airi.equal(model(input=x), layer(x))
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    with pytest.raises(RuntimeError, match="no GPUs"):
        nn.DataParallel(layer, device_ids=[0, 1])
