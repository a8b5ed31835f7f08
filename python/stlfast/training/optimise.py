"""Adam, then L-BFGS, with the best weights kept, a progress bar, Ctrl-C and a stop at NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import torch
from rich.console import Console

from ..base.errors import TrainingDiverged
from ..base.progress import Progress, shown

ADVICE = "try a smaller lr, a larger ridge, fewer or smaller layers, or scale the family's equations"


class Loss(Protocol):
    def __call__(self) -> torch.Tensor: ...

    def trainable(self) -> list[torch.nn.Parameter]: ...


@dataclass
class Outcome:
    """The loss of every evaluation, and the weights that were kept."""

    losses: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best: list[torch.Tensor] = field(default_factory=list)
    stopped_by: str = "finished"


def optimise(loss: Loss, steps: int, lbfgs_steps: int, lr: float, progress: Progress) -> Outcome:
    """Minimise; afterwards the loss's weights are the best that were seen, also after a KeyboardInterrupt.

    Errors: TrainingDiverged where Adam meets a loss that is not finite.
    """
    outcome = Outcome()
    if progress is True and not Console(stderr=True).is_terminal:
        progress = False
    try:
        with shown(progress, "training") as report:

            def seen(value: float) -> None:
                report(min(len(outcome.losses) / (steps + lbfgs_steps), 1.0), f"loss {value:.4g}")

            _adam(loss, outcome, steps, lr, seen)
            _restore(loss, outcome)
            try:
                _lbfgs(loss, outcome, lbfgs_steps, seen)
            except TrainingDiverged:  # a line search overshot; what Adam reached is kept
                outcome.stopped_by = "finished, L-BFGS broke off"
    except KeyboardInterrupt:
        outcome.stopped_by = "interrupted"
    _restore(loss, outcome)
    return outcome


def _adam(loss: Loss, outcome: Outcome, steps: int, lr: float, seen: Callable[[float], None]) -> None:
    optimiser = torch.optim.Adam(loss.trainable(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(steps, 1), eta_min=1e-3 * lr)
    for _ in range(steps):
        optimiser.zero_grad()
        value = _evaluate(loss, outcome)
        value.backward()
        optimiser.step()
        schedule.step()
        seen(outcome.losses[-1])


def _lbfgs(loss: Loss, outcome: Outcome, steps: int, seen: Callable[[float], None]) -> None:
    if not steps:
        return
    optimiser = torch.optim.LBFGS(
        loss.trainable(), max_iter=steps, history_size=30, line_search_fn="strong_wolfe", tolerance_grad=0.0,
        tolerance_change=0.0,
    )  # fmt: skip

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = _evaluate(loss, outcome)
        value.backward()
        seen(outcome.losses[-1])
        return value

    optimiser.step(closure)


def _evaluate(loss: Loss, outcome: Outcome) -> torch.Tensor:
    try:
        value = loss()
        number = value.item()
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]
        number = math.nan
    step = len(outcome.losses)
    if not math.isfinite(number):
        raise TrainingDiverged(f"the training loss is {number} at step {step}; {ADVICE}")
    outcome.losses.append(number)
    if number < outcome.best_loss:
        outcome.best_loss = number
        outcome.best = [p.detach().clone() for p in loss.trainable()]
    return value


def _restore(loss: Loss, outcome: Outcome) -> None:
    with torch.no_grad():
        for parameter, best in zip(loss.trainable(), outcome.best, strict=False):
            parameter.copy_(best)
