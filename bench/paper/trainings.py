"""Everything that a run trains, in several processes at once."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing import connection
from typing import Any

from bench.paper import ablation, accuracy, bases, fields, reaction
from bench.paper.problems import PROBLEMS
from bench.paper.run import Run
from stlfast import families

INTERRUPTED = 130  # exit code, as of a shell
ALL = 1 << 30  # trainings begun: more than there are


def trainings(run: Run) -> list[Callable[[], object]]:
    """Each returns what it trained, or what this run trained before; those of the PDEs, which take longest, first."""
    field = families.advection_reaction()
    found: list[Callable[[], object]] = [partial(reaction.trained_network, run, name) for name in reaction.SETTINGS]
    found += [partial(fields.trained_body, run, field, training) for training in fields.TRAININGS.values()]
    found += [partial(fields.trained_network, run, field, k, a) for k in fields.NETWORKS for a in fields.ALPHAS]
    for problem in (PROBLEMS[name] for name in run.effort.problems):
        found += [partial(accuracy.stl_body, run, problem, seed) for seed in range(run.effort.seeds)]
        alphas = problem.vanilla["alpha_list"]
        found += [partial(accuracy.trained_network, run, problem, k, a) for k in accuracy.NETWORKS for a in alphas]
        found += [partial(ablation.trained_body, run, problem, name) for name in ablation.TRAININGS]
        found += [partial(bases.trained_body, run, problem, m) for m in bases.FEATURES]
    return found


def train_all(run: Run, processes: int) -> None:
    """Errors: RuntimeError where a training failed; nothing new is then begun, and what others train is finished."""
    context = multiprocessing.get_context("spawn")  # CUDA allows no fork
    begun = context.Value("i", 0)
    workers = [context.Process(target=_work, args=(run, begun), daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    try:
        while running := [worker for worker in workers if worker.exitcode is None]:
            connection.wait([worker.sentinel for worker in running])
            if any(worker.exitcode for worker in workers):
                begun.value = ALL
    except KeyboardInterrupt:  # from the keyboard they are interrupted as well; otherwise they finish what they train
        begun.value = ALL
        for worker in workers:
            worker.join()
        raise
    codes = {worker.exitcode for worker in workers} - {0}
    if INTERRUPTED in codes:
        raise KeyboardInterrupt
    if codes:
        raise RuntimeError(f"a training failed with exit code {codes.pop()}; those that were finished are kept")


def _work(run: Run, begun: Any) -> None:
    """Trainings that no other process has begun, one after the other."""
    todo = trainings(run)
    try:
        while True:
            with begun.get_lock():
                k, begun.value = begun.value, begun.value + 1
            if k >= len(todo):
                return
            todo[k]()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"bench.paper: {error}", file=sys.stderr)
        sys.exit(1)
