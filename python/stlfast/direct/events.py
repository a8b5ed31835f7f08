"""Events: where functions of time and state change their sign along a solution, in SciPy's conventions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PARTS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])  # of a window, where events are looked at
BEFORE = 1e-12  # the end of a window, in parts of it: at the end itself the state may jump

Event = Callable[[float, np.ndarray], float]
Values = Callable[[np.ndarray], np.ndarray]  # t (N,) → y (n, N)


@dataclass(frozen=True)
class Found:
    """t_events and y_events as solve_ivp returns them, and when the first terminal event ended it; None for no end."""

    t: list[np.ndarray]
    y: list[np.ndarray]
    end: float | None


def as_events(events: Any) -> list[Event]:
    """One function or several; ValueError for anything else."""
    if events is None:
        return []
    given = [events] if callable(events) else events
    if isinstance(given, str) or not isinstance(given, Sequence) or not all(callable(each) for each in given):
        raise ValueError(f"events must be a function g(t, y) or a list of them, got {events!r}")
    return list(given)


def terminal(event: Event) -> int:
    """After how many of them a solution ends; 0 for never."""
    return int(getattr(event, "terminal", 0) or 0)


def find(events: Sequence[Event], edges: np.ndarray, values: Values) -> Found:
    """Along `values`, smooth between the edges (K + 1,), in time."""
    widths = np.diff(edges)
    inside = PARTS.copy()
    inside[-1] -= BEFORE
    t = (edges[:-1, None] + widths[:, None] * inside).ravel()
    t = np.append(t, edges[-1])
    y = values(t)
    finite = np.isfinite(y).all(axis=0)
    t, y = t[finite], y[:, finite]
    times = [_crossings(event, k, t, y, values) for k, event in enumerate(events)]
    ends = [when[terminal(event) - 1] for event, when in zip(events, times, strict=True)
            if 0 < terminal(event) <= len(when)]  # fmt: skip
    end = min(ends, default=None)
    if end is not None:
        times = [when[when <= end] for when in times]
    n = len(y)
    return Found(times, [values(when).T if len(when) else np.zeros((0, n)) for when in times], end)


def _crossings(event: Event, k: int, t: np.ndarray, y: np.ndarray, values: Values) -> np.ndarray:
    from scipy.optimize import brentq

    g = np.array([_value(event, k, when, state) for when, state in zip(t.tolist(), y.T, strict=True)])
    direction = getattr(event, "direction", 0)
    up, down = (g[:-1] <= 0) & (g[1:] >= 0), (g[:-1] >= 0) & (g[1:] <= 0)
    crossed = np.where(direction > 0, up, np.where(direction < 0, down, up | down)) & (g[:-1] != g[1:])
    crossed &= ~((g[:-1] == 0) & (np.arange(len(g) - 1) > 0))  # found at the end of the piece before
    found = []
    for i in np.flatnonzero(crossed):
        if g[i] == 0 or g[i + 1] == 0:
            found.append(t[i] if g[i] == 0 else t[i + 1])
            continue
        along = lambda when: _value(event, k, when, values(np.array([when]))[:, 0])  # noqa: E731
        found.append(brentq(along, t[i], t[i + 1], xtol=4e-16 * max(abs(t[i + 1]), 1e-300), rtol=1e-15))
    return np.array(found)


def _value(event: Event, k: int, t: float, y: np.ndarray) -> float:
    value = np.asarray(event(t, y), dtype=np.float64)
    if value.size != 1:
        raise ValueError(f"event {k} returned shape {value.shape} for y of shape {y.shape}, expected one number")
    return float(value.reshape(()))
