"""PyTorch's switches for the libraries that it computes with; airi has NumPy and its own kernels.

Each submodule answers what scripts ask, and its switches keep what they are set to and do nothing.
Source: ``torch.backends``.
"""

from airi.backends import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]
