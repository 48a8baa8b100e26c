"""Matrix products: SciPy's BLAS as function pointers."""

from __future__ import annotations

import ctypes
import functools

import scipy.linalg.cython_blas

__all__ = ["gemm_address"]


@functools.cache
def gemm_address(dtype: str) -> int:
    """The address of ``sgemm`` or ``dgemm`` (Fortran's calling convention, 32-bit integers)."""
    name = "sgemm" if dtype == "float32" else "dgemm"
    capsule = scipy.linalg.cython_blas.__pyx_capi__[name]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = get_pointer(capsule, get_name(capsule))
    assert isinstance(address, int)
    return address
