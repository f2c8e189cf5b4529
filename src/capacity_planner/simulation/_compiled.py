"""The inner loop compiled by Numba, an extra; imported only where it pays."""

from __future__ import annotations

from heapq import heapreplace
from typing import Any

from numba import njit, types
from numba.extending import overload

from capacity_planner.simulation import _kernel

_SIGNATURE = "int64(float64[::1], float64[::1], float64[::1], float64[::1], float64, float64, int64)"


def _on_arrays(heap: Any, item: Any) -> Any:
    del item
    return _kernel.replace_least if isinstance(heap, types.Array) else None


overload(heapreplace)(_on_arrays)


def compiled() -> Any:
    """`_kernel.serve` for arrays, from the cache on disk where there is one."""
    try:
        return _compile(cache=True)
    except RuntimeError:  # no directory that a cache could be written to
        return _compile(cache=False)


def _compile(*, cache: bool) -> Any:
    return njit(_SIGNATURE, nogil=True, error_model="numpy", cache=cache)(_kernel.serve)
