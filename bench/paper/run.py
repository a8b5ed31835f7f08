"""One run of the experiments: where its cells and weights are, and how much is measured."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bench.paper.store import OtherRun, Store
from stlfast import demo

KEPT_LOSSES = 200
WEIGHTS = Path(__file__).with_name("weights")  # of the last run that trained


class Saved(Protocol):
    history: Any

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
    slow_solves: int = 1000  # of solvers that take more than a millisecond a solve
    repeats: int = 7


QUICK = Effort(
    time_alphas=(50.0, 150.0), factors=(1.0, 10.0, 100.0, 1000.0, 10000.0), slow_solves=20, repeats=3,
)  # fmt: skip


@dataclass
class Run:
    """cached: take the weights as they are; otherwise train them, unless a cell of this run says that it did."""

    store: Store
    effort: Effort = dataclasses.field(default_factory=Effort)
    cached: bool = False
    device: str = "auto"
    weights: Path = WEIGHTS
    say: Callable[[str], None] = print

    def trained(
        self, name: str, settings: Any, train: Callable[[], Trained], load: Callable[[Path], Trained]
    ) -> Trained:
        """Trained weights by name, from this run or, with `cached`, from the last one that trained."""
        path = self.weights / f"{name}.safetensors"
        if self.cached:
            if not path.is_file():
                raise OtherRun(f"there are no weights {path}; a run without --quick and --cached trains them")
            return load(path)

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

        made = self.store.cell(f"weights/{name}", dataclasses.asdict(settings), make)
        if not path.is_file() or sha256(path) != made["sha256"]:
            raise OtherRun(f"{path} is not the file that this run trained; pass --fresh to train again")
        return load(path)

    def cell(self, key: str, settings: dict[str, Any], compute: Callable[[], Any], timed: bool = False) -> Any:
        """See `Store.cell`; timed results of different machines are not mixed."""
        if timed:
            settings = settings | {"machine": {k: v for k, v in demo.machine().items() if k in ("processor", "cores")}}
        if not self.store.finished(key):
            self.say(key)
        return self.store.cell(key, settings, compute)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
