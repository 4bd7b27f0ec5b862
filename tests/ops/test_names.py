"""Arguments that are no tensors: every function says which of its arguments is wrong."""

import pytest

import airi

NEEDS_A_TENSOR = {
    "argmax": (),
    "argmin": (),
    "bincount": (),
    "bmm": (airi.ones(1, 2, 2),),
    "diag": (),
    "diag_embed": (),
    "diagonal": (),
    "flatten": (),
    "gather": (0, airi.tensor([0])),
    "index_select": (0, airi.tensor([0])),
    "kthvalue": (1,),
    "mm": (airi.ones(2, 2),),
    "movedim": (0, 1),
    "narrow": (0, 0, 1),
    "nonzero": (),
    "permute": (0,),
    "reshape": (-1,),
    "select": (0, 0),
    "split": (1,),
    "squeeze": (),
    "t": (),
    "topk": (1,),
    "trace": (),
    "transpose": (0, 1),
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
