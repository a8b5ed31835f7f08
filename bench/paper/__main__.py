"""The experiments of arXiv 2501.17281 again, with this package and the fastest native solvers beside it.

    python -m bench.paper --quick             at most ten minutes on two cores, from the weights that are there
    python -m bench.paper --cached            the same with all stiffnesses, solves and repeats
    python -m bench.paper --jobs 2            from scratch, about an hour and a half on two cores; [--device cuda]

Each finished cell is kept in OUTPUT/cells, and the same command goes on from there. Writes results.json, results.md,
PNG pictures and report.html, one file with everything, into OUTPUT. Needs PyTorch (pip install 'stlfast[train]') and,
for the native solvers, the extra stlfast[bench]; those that are not installed are named as absent.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.paper", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cached", action="store_true", help="train nothing: take the weights that are there")
    parser.add_argument("--quick", action="store_true", help="as --cached, with fewer stiffnesses, solves and repeats")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="default build/paper, build/paper-cached or build/paper-quick"
    )
    parser.add_argument("--publish", type=Path, metavar="DOCS", help="make the project's documentation of it too")
    parser.add_argument("--device", default="auto", help="of training: auto, cpu, cuda, cuda:1; default auto")
    parser.add_argument(
        "--jobs", type=_count, default=1, metavar="N", help="train in N processes at once, then measure; default 1"
    )
    parser.add_argument("--fresh", action="store_true", help="replace cells of another version or other settings")
    options = parser.parse_args()
    for library in ("OMP", "OPENBLAS", "MKL"):  # times are of one thread
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if options.publish and options.quick:
        parser.error("--publish takes the results of a run without --quick")
    if options.jobs > 1 and (options.quick or options.cached):
        parser.error("--jobs is for training, and --quick and --cached train nothing")
    try:
        import matplotlib  # noqa: F401  # at once, not after all has been measured
        import torch  # noqa: F401
    except ImportError as error:
        hint = "pip install 'stlfast[train]'" if error.name == "torch" else f"pip install {error.name}"
        print(f"bench.paper needs {error.name}: {hint}", file=sys.stderr)
        return 1
    from bench.driver import told
    from bench.paper import experiments, results, trainings
    from bench.paper.run import QUICK, WEIGHTS, Effort, Run
    from bench.paper.store import Store
    from stlfast.training.network import find_device

    effort, cached = QUICK if options.quick else Effort(), options.quick or options.cached
    kind = "-quick" if options.quick else "-cached" if cached else ""
    folder = options.output or Path(f"build/paper{kind}")
    store, weights = Store(folder / "cells", options.fresh), WEIGHTS if cached else folder / "weights"
    run = Run(store, effort, cached, options.device, weights, partial(told, time.perf_counter()))
    try:
        find_device(options.device)
        if options.jobs > 1:
            trainings.train_all(run, options.jobs)
        found: dict[str, Any] = experiments.run_all(run)
        jobs = f" --jobs {options.jobs}" if options.jobs > 1 else ""
        paths = results.write(found | {"options": kind.replace("-", " --") + jobs}, folder)
        if options.publish:
            paths += results.publish(folder, options.publish)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"bench.paper: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        kept = len(list(store.folder.glob("*.json")))
        print(f"\ninterrupted; {kept} finished cells are kept in {store.folder}: run it again", file=sys.stderr)
        return 130
    for path in paths:
        print(f"wrote {path}")
    return 0


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a number of processes of at least 1, got {text}")
    return value


if __name__ == "__main__":
    sys.exit(main())
