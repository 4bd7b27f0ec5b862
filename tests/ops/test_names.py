"""Arguments that are no tensors: every function says which of its arguments is wrong."""

import pytest

import airi

NEEDS_A_TENSOR = {
    "argmax": (),
    "argmin": (),
    "bernoulli": (),
    "bincount": (),
    "bmm": (airi.ones(1, 2, 2),),
    "cross": (airi.ones(3),),
    "cumulative_trapezoid": (),
    "diag": (),
    "diag_embed": (),
    "diagonal": (),
    "diff": (),
    "flatten": (),
    "gather": (0, airi.tensor([0])),
    "gradient": (),
    "index_select": (0, airi.tensor([0])),
    "kthvalue": (1,),
    "log_softmax": (0,),
    "mm": (airi.ones(2, 2),),
    "movedim": (0, 1),
    "narrow": (0, 0, 1),
    "nonzero": (),
    "norm": (),
    "permute": (0,),
    "prod": (),
    "quantile": (0.5,),
    "reshape": (-1,),
    "select": (0, 0),
    "softmax": (0,),
    "split": (1,),
    "squeeze": (),
    "t": (),
    "topk": (1,),
    "trace": (),
    "transpose": (0, 1),
    "trapezoid": (),
    "tril": (),
    "unbind": (),
    "unflatten": (0, (1, 1)),
    "unique": (),
    "unsqueeze": (0,),
    "where": (),
}


@pytest.mark.parametrize("name", NEEDS_A_TENSOR)
@pytest.mark.parametrize("given", [[1.0, 2.0], None, "text", 3])
def test_what_is_no_tensor_is_refused_by_function_and_argument(name, given):
    with pytest.raises(
        TypeError, match=rf"^{name}: \w+ must be a Tensor, got {type(given).__name__}"
    ):
        getattr(airi, name)(given, *NEEDS_A_TENSOR[name])
