"""The solvers that stlfast is compared with, one file each.

Each file has `prepare(problem)`, which imports the solver and compiles what it compiles, and returns a Bind. It raises
Absent or ImportError where the solver is not there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from stlfast.measure.timing import Run

# (params, y0 (B, n), t (N,), tolerance) → a Run, whose answer y (B, n, N) holds NaN where the solver failed. The
# tolerance is None for what has none.
Bind = Callable[[dict[str, Any], np.ndarray, np.ndarray, Any], Run]

MOST_STEPS = 1_000_000


class Absent(Exception):
    """A solver that is not there; says why."""
