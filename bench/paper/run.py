"""One run of the experiments: where its cells and weights are, and how much is measured."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bench.paper.baseline import KEPT_LOSSES
from bench.paper.store import OtherRun, Store
from stlfast.command import demo
from stlfast.loading import SHIPPED

WEIGHTS = Path(__file__).with_name("weights")  # of the last run that trained


class Saved(Protocol):
    @property
    def history(self) -> Any: ...

    def save(self, path: Path) -> None: ...


Trained = TypeVar("Trained", bound=Saved)


@dataclass(frozen=True)
class Effort:
    """How much is measured. What is trained does not depend on it."""

    problems: tuple[str, ...] = ("dho", "ncff", "duffing")
    seeds: int = 5
    time_alphas: tuple[float, ...] = (10.0, 50.0, 150.0, 1000.0)  # published labels
    factors: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)  # α over the trained
    ablation_alphas: tuple[float, ...] = (20.0, 50.0, 150.0, 1000.0)
    solves: int = 1000
    slow_solves: int = 1000  # of them by SciPy
    checked: int = 10  # of them whose error is measured
    repeats: int = 7


QUICK = Effort(
    time_alphas=(50.0, 150.0), factors=(1.0, 10.0, 100.0, 1000.0, 10000.0), slow_solves=20, repeats=3,
)  # fmt: skip


@dataclass
class Run:
    """cached: take the weights as they are. weights: where they are read from, or written to."""

    store: Store
    effort: Effort = dataclasses.field(default_factory=Effort)
    cached: bool = False
    device: str = "auto"
    weights: Path = WEIGHTS
    say: Callable[[str], None] = print

    def trained(
        self,
        name: str,
        settings: Any,
        train: Callable[[], Trained],
        load: Callable[[Path], Trained],
        **about: Any,
    ) -> Trained:
        """Weights by name, trained unless a cell of this run says that they are; with `cached` those that are there.

        settings: a dataclass; about: what else they were trained on.
        """
        path, key = self.weights / f"{name}.safetensors", f"weights/{name}"
        if self.cached:
            if not path.is_file():
                raise OtherRun(f"there are no weights {path}; a run without --quick and --cached trains them")
            trained = load(path)
            _check_settings(path, dataclasses.asdict(settings), trained.history.get("settings", {}))
            return trained

        def make() -> dict[str, Any]:
            self.say(f"training {name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            trained = train()
            if "interrupted" in (trained.history.get("stopped_by"), trained.history.get("state")):
                raise KeyboardInterrupt  # what a training keeps when it is interrupted is not what was asked for
            losses = trained.history.get("loss")
            if isinstance(losses, list):
                trained.history["loss"] = losses[:: -(-len(losses) // KEPT_LOSSES)]
            trained.save(path)
            return {"sha256": sha256(path)}

        if self.store.fresh and not path.is_file():
            self.store.drop(key)
        made = self.store.cell(key, dataclasses.asdict(settings) | about, make)
        if not path.is_file() or sha256(path) != made["sha256"]:
            raise OtherRun(f"{path} is not the file that this run trained; delete it and pass --fresh to train again")
        return load(path)

    def cell(self, key: str, settings: dict[str, Any], compute: Callable[[], Any], timed: bool = False) -> Any:
        """See `Store.cell`; timed results of different machines are not mixed."""
        if timed:
            settings = settings | {"machine": {k: v for k, v in demo.machine().items() if k in ("processor", "cores")}}
        if not self.store.finished(key):
            self.say(key)
        return self.store.cell(key, settings, compute)


def _check_settings(path: Path, asked: dict[str, Any], made: dict[str, Any]) -> None:
    for key, value in json.loads(json.dumps(asked)).items():
        if key in made and made[key] != value:
            raise OtherRun(
                f"{path} was trained with {key} = {made[key]}, this version asks for {value}; a run without --quick "
                "and --cached trains it anew"
            )


def model_sha256(name: str) -> str:
    """Of a shipped model's file."""
    return sha256(SHIPPED / f"{name}.safetensors")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
