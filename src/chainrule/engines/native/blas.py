"""Matrix products: SciPy's BLAS as function pointers, one BLAS thread for each of ours."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
from collections.abc import Iterator
from typing import Any

import scipy.linalg.cython_blas
from threadpoolctl import ThreadpoolController

__all__ = ["gemm_address", "one_blas_thread"]


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


class _Limit:
    """BLAS's own threads are off while any program runs; the last to leave restores them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = 0
        self.before: list[int] = []

    @functools.cached_property
    def libraries(self) -> list[Any]:
        found = ThreadpoolController().select(user_api="blas").lib_controllers
        return list(found)

    def enter(self) -> None:
        with self.lock:
            self.running += 1
            if self.running == 1:
                self.before = [each.num_threads for each in self.libraries]
                self._set([1] * len(self.before))

    def leave(self) -> None:
        with self.lock:
            self.running -= 1
            if self.running == 0:
                self._set(self.before)

    def _set(self, numbers: list[int]) -> None:
        for library, number in zip(self.libraries, numbers, strict=True):
            library.set_num_threads(number)


_limit = _Limit()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS from starting threads of its own."""
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()
