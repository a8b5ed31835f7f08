"""How solvers are compared: at matched accuracy, in one interleaved run, by medians of processor time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Run = Callable[[int], Any]  # computes the same thing that many times and returns the last answer

BATCH = 5e-3  # seconds that one timed batch of calls should last


def loosest(
    error: Callable[[float], float], target: float, tolerances: Iterable[float]
) -> tuple[float, float] | tuple[None, None]:
    """The first tolerance, from loose to tight, whose error meets the target, and that error; None where none does."""
    for tolerance in tolerances:
        reached = error(tolerance)
        if reached <= target:
            return tolerance, reached
    return None, None


def repeated(call: Callable[[], Any]) -> Run:
    """A plain loop in Python."""

    def run(calls: int) -> Any:
        for _ in range(calls):
            answer = call()
        return answer

    return run


def interleaved(
    tasks: Mapping[str, Run], repeats: int, once_from: float, clock: Callable[[], float] = time.thread_time
) -> dict[str, list[float]]:
    """Seconds of one call of each task, one value a repeat; what takes `once_from` seconds or more runs once.

    Every repeat times a batch of calls of each task in turn. What comes before warms up and sets the batches' sizes.
    """
    calls = {name: 1 for name in tasks}
    times: dict[str, list[float]] = {}
    for name, run in tasks.items():
        seconds = _per_call(run, 1, clock)
        if seconds >= once_from:
            seconds = _per_call(run, 1, clock)  # the first may have compiled something
        if seconds < once_from:
            trial = max(1, min(100, int(BATCH / max(seconds, 1e-9))))
            seconds = _per_call(run, trial, clock)
            calls[name] = max(1, int(BATCH / max(seconds, 1e-9)))
        times[name] = [seconds] if seconds >= once_from else []
    for _ in range(repeats):
        for name, run in tasks.items():
            if not (times[name] and times[name][0] >= once_from):
                times[name].append(_per_call(run, calls[name], clock))
    return times


def _per_call(run: Run, calls: int, clock: Callable[[], float]) -> float:
    start = clock()
    run(calls)
    return (clock() - start) / calls
