"""A trained baseline, in memory and in a file, and how one is trained.

N points of the coordinates (x, t), or of t alone; n outputs
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch

from bench.paper.networks import KINDS, Net, create
from stlfast.base import files as _files
from stlfast.training.optimise import optimise

FORMAT, VERSION = "stlfast paper baseline", 1
KEPT_LOSSES = 200
SAVE_EVERY = 60.0  # seconds
BUDGET = ("steps", "lbfgs_steps")  # what may differ between settings where training goes on


class Settings(Protocol):
    """What the two baselines' settings share; frozen dataclasses."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def steps(self) -> int: ...
    @property
    def lbfgs_steps(self) -> int: ...
    @property
    def lr(self) -> float: ...


@dataclass
class Baseline:
    """A network and what its training was: settings, seconds, losses, device, versions, number of parameters.

    sha256: of the file that it was loaded from.
    """

    network: Net
    history: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""

    def solve(self, t: np.ndarray) -> np.ndarray:
        """States (n, N) at times (N,), of a baseline that was trained on an ODE."""
        return self.at(np.asarray(t)[:, None])

    def at(self, points: np.ndarray) -> np.ndarray:
        """Outputs (n, N) at points (N, coordinates)."""
        first = next(self.network.parameters())
        with torch.no_grad():
            sequence = self.network.sequence(torch.tensor(points, dtype=first.dtype, device=first.device))
            return self.network(sequence)[0][:, 0].T.double().cpu().numpy()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file, whole or not at all."""
        tensors = {name: value.cpu().numpy() for name, value in self.network.state_dict().items()}
        about = {"format": FORMAT, "version": VERSION, "kind": self.network.kind, "shape": self.network.shape}
        _files.write(path, tensors, {"baseline": json.dumps(about | {"history": self.history})})

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str | torch.device = "cpu") -> Baseline:
        """ValueError, which says what came and what to do, for anything but a baseline of this version."""
        tensors, metadata = _files.read(path)
        advice = "name another file, or delete this one and train anew"
        about = _files.parse_json(metadata, "baseline", f"{os.fspath(path)!r} is no baseline; {advice}")
        found = (about.get("format"), about.get("version"), about.get("kind") in KINDS)
        if found != (FORMAT, VERSION, True):
            raise ValueError(
                f"{os.fspath(path)!r} holds format {about.get('format')!r}, version {about.get('version')}, kind "
                f"{about.get('kind')!r}; this program reads {FORMAT!r}, version {VERSION}, {sorted(KINDS)}; {advice}"
            )
        dtype = torch.from_numpy(next(iter(tensors.values()))).dtype
        network = create(about["kind"], 0, dtype, torch.device(device), **about["shape"])
        try:
            network.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})
        except RuntimeError as error:
            raise ValueError(
                f"{os.fspath(path)!r}: its weights are not those of its shape; {advice}: {error}"
            ) from error
        return cls(network, about["history"], hashlib.sha256(Path(path).read_bytes()).hexdigest())


class _Watched:
    """A loss that is timed, told of and saved while it is minimised."""

    def __init__(self, loss: Callable[[], torch.Tensor], baseline: Baseline, path: Path | None, title: str) -> None:
        self.loss, self.baseline, self.path, self.title = loss, baseline, path, title
        self.start = self.told = time.perf_counter()
        self.before = dict(baseline.history)
        self.losses: list[float] = list(self.before.get("losses", []))
        self.evaluations, self.best = self.before.get("evaluations", 0), self.before.get("loss", np.inf)

    def trainable(self) -> list[torch.nn.Parameter]:
        return list(self.baseline.network.parameters())

    def __call__(self) -> torch.Tensor:
        value = self.loss()
        number = value.item()
        self.evaluations += 1
        self.losses.append(number)
        better, self.best = number < self.best, min(self.best, number)
        now = time.perf_counter()
        if self.path and better and now > self.told + SAVE_EVERY:
            self.told = now
            self.keep("running")
            print(f"{self.title}: {self.evaluations} evaluations, loss {number:.3g}", file=sys.stderr, flush=True)
        return value

    def keep(self, state: str) -> None:
        every = -(-max(len(self.losses), 1) // KEPT_LOSSES)
        self.baseline.history = self.before | {
            "state": state, "loss": self.best, "losses": self.losses[::every], "evaluations": self.evaluations,
            "starts": self.before.get("starts", 0) + 1,
            "seconds": self.before.get("seconds", 0.0) + time.perf_counter() - self.start,
        }  # fmt: skip
        if self.path:
            self.baseline.save(self.path)


def train(
    network: Net, loss: Callable[[], torch.Tensor], settings: Settings, problem: str, path: Path | None = None
) -> Baseline:
    """Adam, then L-BFGS with strong Wolfe line search; the weights of the least loss are kept.

    path: where the best weights are kept every minute. What is there already is gone on with (without L-BFGS's memory)
    until the settings' steps are done; ValueError if it is of another problem or of settings other than in these steps.
    """
    first = next(network.parameters())
    baseline = Baseline(network, {
        "problem": problem, "settings": json.loads(json.dumps(dataclasses.asdict(settings))),
        "parameters": sum(p.numel() for p in network.parameters()), "device": _name(first.device),
        "threads": torch.get_num_threads(), "torch": torch.__version__,
    })  # fmt: skip
    if path and path.exists():
        _go_on(baseline, path)
    done = baseline.history.get("evaluations", 0)
    steps = max(settings.steps - done, 0)
    further = max(settings.lbfgs_steps - max(done - settings.steps, 0), 0)
    if not baseline.history.get("state", "").startswith("finished"):
        watched = _Watched(loss, baseline, path, f"{network.kind}, {problem}")
        outcome = optimise(watched, steps, further, settings.lr, progress=False)
        watched.keep(outcome.stopped_by)
    return baseline


def _go_on(baseline: Baseline, path: Path) -> None:
    found, asked = Baseline.load(path), baseline.history
    for what in ("problem", "settings"):
        if _without_budget(found.history[what]) != _without_budget(asked[what]):
            raise ValueError(
                f"{os.fspath(path)!r} was trained with {what} {found.history[what]}, and {asked[what]} is "
                "asked for; delete the file to train anew, or name another"
            )
    baseline.network.load_state_dict(found.network.state_dict())
    baseline.history = found.history | {"settings": asked["settings"]}
    if found.history["settings"] != asked["settings"]:
        baseline.history["state"] = "another budget"


def _without_budget(about: Any) -> Any:
    return {key: value for key, value in about.items() if key not in BUDGET} if isinstance(about, dict) else about


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
