"""What training runs have in common: options, the minimisation, and the history that is kept of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..base.progress import Progress
from ..equations.parameters import Range

if TYPE_CHECKING:
    import numpy as np

    from .field_network import FieldNetwork
    from .network import Network
    from .optimise import Loss

OBJECTIVES = ("varpro", "multihead")


def minimise(
    loss: Loss, network: Network | FieldNetwork, name: str, settings: dict[str, Any], sampled: dict[str, np.ndarray],
    progress: Progress,
) -> dict[str, Any]:  # fmt: skip
    """Move the network's weights to the smallest loss seen; the history of the run."""
    import torch

    from .optimise import optimise

    settings["widths"] = [int(width) for width in settings["widths"]]  # NumPy's integers are not JSON
    settings["seed"] = int(settings["seed"])
    started = time.perf_counter()
    outcome = optimise(loss, settings["steps"], settings["lbfgs_steps"], settings["lr"], progress)
    return {
        "family": name,
        "settings": settings,
        **{key: values.tolist() for key, values in sampled.items()},
        "loss": [float(f"{value:.6g}") for value in outcome.losses],
        "best_loss": outcome.best_loss,
        "stopped_by": outcome.stopped_by,
        "seconds": round(time.perf_counter() - started, 3),
        "device": str(network.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def require_torch() -> None:
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ImportError("training needs PyTorch: pip install 'stlfast[train]'") from error


def resolve(settings: dict[str, Any], defaults: dict[str, Any], others: Sequence[str], whose: str) -> None:
    """Fill in the defaults of one kind of family, and drop the options of the other; ValueError where one is given."""
    for name in others:
        if settings.pop(name) is not None:
            raise ValueError(f"{name} is for {whose}; leave it out")
    for name, value in defaults.items():
        if settings[name] is None:
            settings[name] = value


def check(settings: dict[str, Any], counts: dict[str, int]) -> None:
    """ValueError for a wrong option; counts: the least value of those that are integers."""
    if settings["objective"] not in OBJECTIVES:
        raise ValueError(f"unknown objective {settings['objective']!r}; known: {', '.join(OBJECTIVES)}")
    for name, least in {**counts, "steps": 0, "lbfgs_steps": 0}.items():
        if not isinstance(settings[name], int) or settings[name] < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {settings[name]!r}")
    for name in ("lr", "ridge"):
        if not (isinstance(settings[name], (int, float)) and 0 < settings[name] < float("inf")):
            raise ValueError(f"{name} must be a positive number, got {settings[name]!r}")


def check_trained(name: str, params: Mapping[str, Range], stiffness: str | None) -> None:
    """ValueError where a parameter has no range to train on, or none is positive, to space members along."""
    without = [parameter for parameter, r in params.items() if r.train is None]
    if without or not params:
        which = ", ".join(without) or "no parameter"
        raise ValueError(
            f"family {name!r}: training needs train ranges, and there is none for {which}: "
            "stlfast.Range(train=(1, 10), solve=(1, 1000)). stlfast.compile(family) goes without training"
        )
    if stiffness is None:
        raise ValueError(f"family {name!r}: training needs a stiffness parameter, whose ranges are positive")
