"""Times and solutions in files: read as text, written whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..base.files import write_whole
from ..results.fields import PDESolution
from ..results.solution import NonlinearSolution, Solution, WindowsSolution
from ..results.solutions import Solutions

AnySolution = Solution | NonlinearSolution | WindowsSolution
SUFFIXES = (".csv", ".npz")


def read_times(path: Path) -> np.ndarray:
    """Times (N,) from a text file, separated by white space or commas; ValueError where it holds anything else."""
    words = path.read_text(encoding="utf-8").replace(",", " ").split()
    try:
        if not words:
            raise ValueError("it is empty")
        return np.array([float(word) for word in words])
    except ValueError as error:
        raise ValueError(f"{str(path)!r} must hold times, separated by spaces, commas or new lines: {error}") from None


def check_target(path: Path, suffixes: Sequence[str] = SUFFIXES) -> None:
    """ValueError unless a file of this name can be written."""
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"the output must end in {' or '.join(suffixes)}, got {str(path)!r}")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {str(path.parent)!r} to write {path.name!r} in; make it first")


def check_picture(path: Path) -> None:
    """ValueError unless matplotlib can write a picture of this name."""
    from matplotlib.figure import Figure

    known = sorted(Figure().canvas.get_supported_filetypes())
    check_target(path, tuple(f".{suffix}" for suffix in known))


def write_sweep(path: Path, found: Solutions, states: Sequence[str]) -> None:
    """CSV: a row for each member and time. NPZ: t, y (B, n, N), states, each parameter (B,), success, method, error."""
    check_target(path)
    if path.suffix.lower() == ".npz":
        data = io.BytesIO()
        error = {} if found.error_estimate is None else {"error_estimate": found.error_estimate}
        arrays: dict[str, Any] = {**found.params, **error, "t": found.t, "y": found.y, "states": np.array(states)}
        np.savez_compressed(data, **arrays, success=found.success, method=found.method)
        write_whole(path, data.getvalue())
        return
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([*found.params, "t", *states, "success"])
    for row in found:
        assert row.t is not None
        head, end = [repr(v) for v in row.params.values()], str(row.success)
        rows.writerows([*head, *(repr(float(v)) for v in line), end] for line in np.vstack([row.t, row.y]).T)
    write_whole(path, text.getvalue().encode())


def write_field(path: Path, solution: PDESolution) -> None:
    """Coordinates, times and fields as .npz."""
    if path.suffix.lower() != ".npz":
        raise ValueError(f"a solution in space and time goes into a .npz file, got {str(path)!r}")
    axes: dict[str, Any] = {"x": solution.x} | ({} if solution.y is None else {"y": solution.y})
    buffer = io.BytesIO()
    np.savez(buffer, t=solution.t, u=solution.u, **axes)
    write_whole(path, buffer.getvalue())


def write_solution(path: Path, solution: AnySolution, states: Sequence[str]) -> None:
    """CSV: the columns t and the states. NPZ: arrays t (N,), y (n, N), states (n,), error_bound (n,) and success.

    Where there is no bound it is nan, and error_estimate (n,) has the estimate.
    """
    check_target(path)
    write = _csv if path.suffix.lower() == ".csv" else _npz
    write_whole(path, write(solution, states))


def _csv(solution: AnySolution, states: Sequence[str]) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["t", *states])
    rows.writerows([repr(float(v)) for v in row] for row in np.vstack([solution.t, solution.y]).T)
    return text.getvalue().encode()


def _npz(solution: AnySolution, states: Sequence[str]) -> bytes:
    nothing = np.full(len(states), np.nan)
    bound = nothing if solution.error_bound is None else solution.error_bound
    estimate = nothing if solution.error_estimate is None else solution.error_estimate
    data = io.BytesIO()
    np.savez_compressed(
        data,
        t=solution.t,
        y=solution.y,
        states=np.array(states),
        error_bound=bound,
        error_estimate=estimate,
        success=solution.success,
    )
    return data.getvalue()
