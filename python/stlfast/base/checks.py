"""Arguments as numbers and arrays; ValueError says what came and what was expected."""

from __future__ import annotations

import os
from typing import Any

import numpy as np


def thread_count(threads: int | None) -> int:
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not isinstance(threads, (int, np.integer)) or isinstance(threads, bool) or threads < 1:
        raise ValueError(f"threads must be an integer of at least 1, got {threads!r}")
    return int(threads)


def finite(value: Any, what: str) -> np.ndarray:
    """A contiguous float64 array of finite numbers."""
    array = real(value, what)
    if not np.isfinite(array).all():
        raise ValueError(f"{what} must be finite; entry {int(np.argmin(np.isfinite(array).ravel()))} is not")
    return array


def real(value: Any, what: str) -> np.ndarray:
    """A contiguous float64 array of real numbers; converts integers and float32."""
    if isinstance(value, np.ma.MaskedArray):
        raise ValueError(f"{what} must be an array without a mask: pass its .filled(...)")
    try:
        array = np.asarray(value, order="C")
        if array.dtype == np.float64:
            return array
        if array.dtype.kind not in "iuf":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{what} must be an array of real numbers, got {value!r}") from None


def rows(values: np.ndarray, n: int) -> np.ndarray:
    """Values (n, …), of one row also without that axis, (…)."""
    return values[None] if n == 1 and values.ndim == 1 else values


def tolerance(value: Any, what: str) -> float:
    """A number from 0 on."""
    if isinstance(value, (str, bytes)) or np.ndim(value) or not 0 <= real(value, what) < np.inf:
        raise ValueError(f"{what} must be a finite number of at least 0, got {value!r}")
    return float(value)
