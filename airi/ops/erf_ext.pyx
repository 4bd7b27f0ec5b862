# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""The loops of the error and gamma functions; `erf.py` checks, allocates and falls back."""

from cython cimport floating
from libc.math cimport erf as erf_double, erfc as erfc_double

cdef extern from "erf_kernels.h" nogil:
    void erf_float(const float *x, float *out, Py_ssize_t count)

cdef extern from "<math.h>" nogil:
    float erfcf(float)
    double lgamma_double "lgamma"(double)
    float lgammaf(float)


def erf(const floating[::1] x, floating[::1] out):
    """out[i] = erf(x[i])"""
    cdef Py_ssize_t i, count = x.shape[0]
    if count == 0:
        return
    with nogil:
        if floating is float:
            erf_float(&x[0], &out[0], count)
        else:
            for i in range(count):
                out[i] = erf_double(x[i])


def erfc(const floating[::1] x, floating[::1] out):
    """out[i] = 1 - erf(x[i]), exact also where that is tiny"""
    cdef Py_ssize_t i
    with nogil:
        for i in range(x.shape[0]):
            if floating is float:
                out[i] = erfcf(x[i])
            else:
                out[i] = erfc_double(x[i])


def lgamma(const floating[::1] x, floating[::1] out):
    """out[i] = log(|Gamma(x[i])|), infinite at 0, -1, -2, ..."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(x.shape[0]):
            if floating is float:
                out[i] = lgammaf(x[i])
            else:
                out[i] = lgamma_double(x[i])
