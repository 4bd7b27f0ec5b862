"""Whether PyTorch takes some random numbers from MKL, where airi cannot follow."""


def mkl_draws(torch):
    """Whether this PyTorch takes uniform draws for Bernoulli from a stream of MKL's."""
    torch.manual_seed(0)
    uniform = torch.rand(2, dtype=torch.float64)[1]
    torch.manual_seed(0)
    return bool(torch.empty(2).bernoulli_(0.5)[1] != (uniform < 0.5))
