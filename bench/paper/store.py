"""Finished cells of the experiments, one JSON file each, so that an interrupted run goes on where it stopped.

A cell's file holds what it was computed from (format, settings, package version, machine) and its result. A cell whose
file was made with other settings or by another version is never used, and never overwritten unless `fresh` says so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import stlfast
from stlfast.base.files import write_whole
from stlfast.command import demo

FORMAT = 1


class OtherRun(ValueError):
    """A results file that this run must not mix with its own."""


@dataclass
class Store:
    """folder: where the cells are. fresh: compute cells anew where another version or other settings made them."""

    folder: Path
    fresh: bool = False
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    def cell(self, key: str, settings: dict[str, Any], compute: Callable[[], Any]) -> Any:
        """The result of a cell: from its file if it is there, otherwise computed and written."""
        path = self._path(key)
        settings = json.loads(json.dumps(settings))  # as it is read back
        entry = self._read(path, settings) if path.is_file() else None
        if entry is None:
            started = time.perf_counter()
            try:
                result = json.loads(json.dumps(compute(), allow_nan=False))
            except ValueError as error:
                raise ValueError(f"cell {key}: {error}") from error
            entry = {
                "format": FORMAT, "stlfast": stlfast.__version__, "key": key, "settings": settings,
                "machine": demo.machine(), "seconds": round(time.perf_counter() - started, 3), "result": result,
            }  # fmt: skip
            self.folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, (json.dumps(entry, indent=1) + "\n").encode())
        self.done[key] = entry
        return entry["result"]

    def finished(self, key: str) -> bool:
        return self._path(key).is_file()

    def drop(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key.replace('/', '.')}.json"

    def _read(self, path: Path, settings: dict[str, Any]) -> dict[str, Any] | None:
        """The file's entry; None where it is to be computed again."""
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            made = {key: entry[key] for key in ("format", "stlfast", "settings", "machine", "seconds", "result")}
        except (ValueError, KeyError, TypeError, AttributeError):
            entry, difference = {}, "is no complete results file"
        else:
            expected = {"format": FORMAT, "stlfast": stlfast.__version__, "settings": settings}
            wrong = [key for key, value in expected.items() if made[key] != value]
            if not wrong:
                return entry
            key = wrong[0]
            difference = f"was made with {key} = {made[key]}, this run has {expected[key]}"
        if self.fresh:
            return None
        raise OtherRun(
            f"{path} {difference}; results are not mixed: pass --fresh to compute such cells again, or another --output"
        )
