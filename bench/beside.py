"""The installed package beside an older one, row by row of `bench.compare`'s own contenders, in alternation.

    python -m bench.beside OLD_PYTHON [--problems dho ncff] [--rounds 9]

OLD_PYTHON is the interpreter of an environment with the older version installed. Each version has a process of its own,
which is told in turn to time one row for a few hundredths of a second, so that what the machine does meanwhile meets
both. Printed are the median times, in microseconds of processor time, and the median of their ratios, new over old.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

PROBLEMS: dict[str, dict[str, Any]] = {  # parameters of a solve
    "dho": {"alpha": 50.0}, "ncff": {"alpha": 50.0, "omega": 1.0}, "duffing": {"alpha": 50.0, "beta": 1.0},
    "robertson": {"k1": 0.04, "k2": 3e7, "k3": 1e4}, "vdp": {"mu": 50.0},
}  # fmt: skip
LINEAR = ("dho", "ncff")
ENOUGH = 0.03  # seconds that a row is timed for


def rows(names: list[str]) -> dict[str, Callable[[], Any]]:
    """What is timed, by name; of whichever version runs this."""
    import stlfast

    found: dict[str, Callable[[], Any]] = {}
    for name in names:
        model: Any = stlfast.load(name)
        params = PROBLEMS[name]
        t0, t1 = model.family.t_span_at(**params)
        times, start = np.linspace(t0, t1, 300), model.family.y0
        found[f"{name}: solve"] = partial(model.solve, **params)
        found[f"{name}: solve, not certified"] = partial(model.solve, certify=False, **params)
        found[f"{name}: solve at given times"] = partial(model.solve, t=times, **params)
        many = np.repeat(start[None], 200, axis=0)
        found[f"{name}: 200 by solve_many"] = partial(model.solve_many, many, threads=1, **params)
        if name in LINEAR:
            found[f"{name}: a fixed member"] = partial(model.at(**params).solve, start)
            found[f"{name}: full dictionary"] = partial(model.solve, reduced=False, **params)
        found[f"{name}: windows"] = partial(stlfast.Windows(model.family).solve, fallback=False, **params)
    return found


def serve(names: list[str]) -> None:
    """Times the row that a line on stdin names; its seconds a call go to stdout."""
    known = rows(names)
    print(json.dumps(list(known)), flush=True)
    for line in sys.stdin:
        call, calls, taken = known[line.strip()], 0, 0.0
        call()
        began = time.process_time()
        while taken < ENOUGH:
            call()
            calls += 1
            taken = time.process_time() - began
        print(taken / calls, flush=True)


class Version:
    """A process with one version of the package."""

    def __init__(self, python: str, names: list[str]) -> None:
        self.process = subprocess.Popen(
            [python, "-m", "bench.beside", "--serve", "--problems", *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.rows: list[str] = json.loads(self.process.stdout.readline())

    def time(self, row: str) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{row}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", nargs="?", help="interpreter of the older version's environment")
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=PROBLEMS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.problems)
        return
    if options.old is None:
        parser.error("which interpreter has the older version?")
    old, new = Version(options.old, options.problems), Version(sys.executable, options.problems)
    for row in new.rows:
        pairs = [(old.time(row), new.time(row)) for _ in range(options.rounds)]
        before, after = np.median(pairs, axis=0) * 1e6
        ratio = float(np.median([b / a for a, b in pairs]))
        print(f"{row:34s} {before:10.1f} {after:10.1f}   {ratio:.2f}", flush=True)


if __name__ == "__main__":
    main()
