"""Training a body on the low-stiff members of a family, the one step that needs PyTorch.

varpro      the heads are solved for exactly at every step, and the optimiser moves the body alone
multihead   body and heads are trained jointly, as in arXiv 2501.17281
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .body import TAU, Body
from .family import Family

if TYPE_CHECKING:
    from .model import Model

OBJECTIVES = ("varpro", "multihead")


def train_body(
    family: Family,
    objective: str = "varpro",
    *,
    widths: Sequence[int] = (64, 64, 48),
    activation: str = "tanh",
    input: str = "log",
    tau: float = TAU,
    members: int = 4,
    forcings: int = 8,
    points: int = 300,
    ridge: float = 1e-7,
    steps: int = 1500,
    lbfgs_steps: int = 100,
    lr: float = 3e-3,
    shared_head: bool = False,
    seed: int = 0,
    device: str = "auto",
    progress: bool = True,
) -> Body:
    """Train the hidden features of a network on the train ranges of a family.

    A member's residual is dH/dx W − A H W − b on the rows of `objectives.Collocation`, with H = [1, h(x)].

    Parameters
    ----------
    objective: "varpro" minimises the mean over members and right-hand sides of log min_W ‖residual‖² (unit initial
        values and forcings, hence all initial values at once); "multihead" is the paper's joint training from the
        family's own y0, which needs many more steps.
    widths: units of each hidden layer; the last is the number of features m. More features, smaller errors.
    activation: "tanh", "sin" or "silu"; only tanh saturates and may be dilated when compiling.
    input, tau: the input map of `Body`.
    members: members to train on, the stiffness parameter spaced logarithmically over its train range.
    forcings: varpro only: samples, for each member, of the parameters that enter b but not A.
    points: collocation points.
    ridge: varpro only: bounds the heads. Larger trains faster and gives tamer features, smaller can reach lower.
    steps, lr: of Adam, with cosine decay; lower lr where the loss jumps or training diverges.
    lbfgs_steps: iterations of L-BFGS that follow.
    shared_head: one head for all equations, on n equal blocks of features, as in the paper.
    seed: of the initial weights (those of `Body.random`); the same seed, device and threads give the same body.
    device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".
    progress: show a bar with loss and time left, where the output is a terminal.

    Returns the best body seen, its settings and losses in `body.history`; Ctrl-C returns the best so far.
    Errors: ImportError without PyTorch; ValueError for a wrong option or a nonlinear family; TrainingDiverged for a
    loss that is not finite.
    """
    settings = {name: value for name, value in locals().items() if name not in ("family", "progress", "device")}
    _check(settings)
    family.check_linear("training")
    body = Body.random(widths, activation, input, tau, seed)
    settings["widths"], settings["seed"] = [int(width) for width in widths], int(seed)  # NumPy's integers are not JSON
    try:
        import torch
    except ImportError as error:
        raise ImportError("training needs PyTorch: pip install 'stlfast[train]'") from error
    from .network import Network, find_device
    from .objectives import Collocation, MultiHead, VariableProjection
    from .optimise import optimise

    where = find_device(device)
    network = Network(body, where)
    if objective == "varpro":
        rows = Collocation.varpro(family, members, forcings, points, shared_head, where)
        loss: VariableProjection | MultiHead = VariableProjection(network, rows, ridge)
    else:
        rows = Collocation.multihead(family, members, points, shared_head, where)
        loss = MultiHead(network, rows, seed)
    started = time.perf_counter()
    outcome = optimise(loss, steps, lbfgs_steps, lr, progress)
    history: dict[str, Any] = {
        "family": family.name,
        "settings": settings,
        "members": rows.params.tolist(),
        "loss": [float(f"{value:.6g}") for value in outcome.losses],
        "best_loss": outcome.best_loss,
        "stopped_by": outcome.stopped_by,
        "seconds": round(time.perf_counter() - started, 3),
        "device": str(where),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    return network.export(history)


def pretrain(family: Family, *, training: dict[str, Any] | None = None, **options: Any) -> Model:
    """`train_body` with the options in `training`, then `compile` with the others, in one call."""
    from .compiler import compile

    return compile(family, train_body(family, **(training or {})), **options)


def _check(settings: dict[str, Any]) -> None:
    if settings["objective"] not in OBJECTIVES:
        raise ValueError(f"unknown objective {settings['objective']!r}; known: {', '.join(OBJECTIVES)}")
    for name, least in (("members", 1), ("forcings", 1), ("points", 10), ("steps", 0), ("lbfgs_steps", 0)):
        if not isinstance(settings[name], int) or settings[name] < least:
            raise ValueError(f"{name} must be an integer of at least {least}, got {settings[name]!r}")
    for name in ("lr", "ridge"):
        if not (isinstance(settings[name], (int, float)) and 0 < settings[name] < float("inf")):
            raise ValueError(f"{name} must be a positive number, got {settings[name]!r}")
