"""Training a body on the low-stiff members of a family, the one step that needs PyTorch.

varpro      the heads are solved for exactly at every step, and the optimiser moves the body alone
multihead   body and heads are trained jointly, as in arXiv 2501.17281
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from .body import Body
from .callback import Callback
from .family import Family
from .layers import TAU
from .pde_family import PDEFamily

if TYPE_CHECKING:
    import numpy as np

    from .field_body import FieldBody
    from .field_network import FieldNetwork
    from .model import Model
    from .network import Network
    from .nonlinear_model import NonlinearModel
    from .optimise import Loss

OBJECTIVES = ("varpro", "multihead")


ODE_OPTIONS: dict[str, Any] = {
    "widths": (64, 64, 48), "points": 300, "input": "log", "forcings": 8, "shared_head": False,
}  # fmt: skip


@overload
def train_body(family: PDEFamily, objective: str = "varpro", **options: Any) -> FieldBody: ...


@overload
def train_body(family: Family, objective: str = "varpro", **options: Any) -> Body: ...


def train_body(  # type: ignore[misc]  # the options are these alone, which the overloads do not repeat
    family: Family | PDEFamily,
    objective: str = "varpro",
    *,
    widths: Sequence[int] | None = None,
    activation: str = "tanh",
    input: str | None = None,
    tau: float = TAU,
    members: int = 4,
    forcings: int | None = None,
    points: int | None = None,
    modes: int | None = None,
    zooms: Sequence[float] | None = None,
    ridge: float = 1e-7,
    steps: int = 1500,
    lbfgs_steps: int = 100,
    lr: float = 3e-3,
    shared_head: bool | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: bool = True,
) -> Body | FieldBody:
    """Train the hidden features of a network on the train ranges of a family.

    A member's residual is dH/dx W − A H W − b − N(x, H W) on the rows of `objectives.Collocation`, with H = [1, h(x)].
    Nonlinear members differ in their initial values too: those of y0_range, or the family's y0 where it has none.

    Of a family of PDEs the body is a FieldBody of the space coordinates (periodic ones by cosine and sine), log time
    and time, which all fields and members share; the rows are those of `pde_objectives.FieldRows`. Fields that do not
    act on each other after a change of variables (pde_groups.py) have small heads of their own.

    Parameters
    ----------
    objective: "varpro" minimises the mean over members and right-hand sides of log min_W ‖residual‖² (unit initial
        values and forcings, hence all initial values at once; of PDEs the profiles that `modes` says); "multihead" is
        the paper's joint training from the family's own y0, or initial and boundary values, which needs many more
        steps. Of nonlinear families, "varpro" takes for heads the Newton step from each member's solution by `Windows`,
        with states and equations scaled (`nonlinear_objectives`), of PDEs by `reference` and unscaled; "multihead"
        scales nothing and suits equations of about one size.
    widths: units of each hidden layer; the last is the number of features m. More features, smaller errors. Default
        (64, 64, 48), of PDEs (96, 96, 160).
    activation: "tanh", "sin" or "silu"; only tanh saturates and may be dilated when compiling.
    input, tau: the input map of `Body`, "log" (default) or "plain", not for PDEs; tau is about the first time at which
        anything happens, over t_span: for `families.robertson()` 1e-9.
    members: members to train on, the stiffness parameter spaced logarithmically over its train range. A nonlinear
        family needs more of them, some 8 to 16, spread over all its parameters and initial values.
    forcings: varpro of linear families of ODEs only: samples, for each member, of the parameters that enter b but not
        A; default 8.
    points: collocation points; default 300, of PDEs 1500, in two dimensions 2000.
    modes: varpro of linear PDEs only: initial profiles along each axis, Chebyshev polynomials or Fourier modes; default
        18, in two dimensions 3. More profiles, more data that the body serves, each of them worse.
    zooms: PDEs only: factors ζ; the body is trained on members ζ times as stiff on the first 1/ζ of the time span too,
        which is what features dilated by ζ are used for. Default (1,), the train range alone: in minutes on one core
        it reaches less with more.
    ridge: varpro only: bounds the heads. Larger trains faster and gives tamer features, smaller can reach lower.
    steps, lr: of Adam, with cosine decay; lower lr where the loss jumps or training diverges.
    lbfgs_steps: iterations of L-BFGS that follow.
    shared_head: one head for all equations, on n equal blocks of features, as in the paper; not for PDEs.
    seed: of the initial weights (those of `Body.random`, `FieldBody.random`), and of the points of PDEs; the same seed,
        device and threads give the same body.
    device: "auto" (CUDA where there is one), "cpu", "cuda", "cuda:1".
    progress: show a bar with loss and time left, where the output is a terminal.

    Returns the best body seen, its settings, members and losses in `body.history`; Ctrl-C returns the best so far.
    Errors: ImportError without PyTorch; ValueError for a wrong option, for a Python function as right-hand side, or for
    a nonlinear train member that cannot be solved; TrainingDiverged for a loss that is not finite.
    """
    settings = {name: value for name, value in locals().items() if name not in ("family", "progress", "device")}
    if isinstance(family, PDEFamily):
        from .pde_training import train

        return train(family, settings, device, progress)
    return _train(family, settings, device, progress)


def _train(family: Family, settings: dict[str, Any], device: str, progress: bool) -> Body:
    resolve(settings, ODE_OPTIONS, ("modes", "zooms"), "families of PDEs")
    check(settings, {"members": 1, "forcings": 1, "points": 10})
    if isinstance(family.N, Callback):
        raise ValueError(
            f"family {family.name!r} has a Python function as rhs, which training cannot differentiate; write rhs as "
            "SymPy expressions, or solve its members with stlfast.Windows(family)"
        )
    body = Body.random(*(settings[name] for name in ("widths", "activation", "input", "tau", "seed")))
    require_torch()
    from .network import Network, find_device

    network = Network(body, find_device(device))
    loss, sampled = (_nonlinear_loss if family.nonlinear else _linear_loss)(family, network, settings)
    return network.export(minimise(loss, network, family.name, settings, sampled, progress))


def minimise(
    loss: Loss, network: Network | FieldNetwork, name: str, settings: dict[str, Any], sampled: dict[str, np.ndarray],
    progress: bool,
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


def pretrain(family: Family, *, training: dict[str, Any] | None = None, **options: Any) -> Model | NonlinearModel:
    """`train_body` with the options in `training`, then `compile` with the others, in one call."""
    from .compiler import compile

    return compile(family, train_body(family, **(training or {})), **options)


def _linear_loss(family: Family, network: Network, settings: dict[str, Any]) -> tuple[Loss, dict[str, np.ndarray]]:
    """The loss, and the members it is of."""
    from .objectives import Collocation, MultiHead, VariableProjection

    members, points, shared_head = (settings[name] for name in ("members", "points", "shared_head"))
    if settings["objective"] == "varpro":
        rows = Collocation.varpro(family, members, settings["forcings"], points, shared_head, network.device)
        return VariableProjection(network, rows, settings["ridge"]), {"members": rows.params}
    rows = Collocation.multihead(family, members, points, shared_head, network.device)
    return MultiHead(network, rows, settings["seed"]), {"members": rows.params}


def _nonlinear_loss(family: Family, network: Network, settings: dict[str, Any]) -> tuple[Loss, dict[str, np.ndarray]]:
    from .nonlinear_objectives import NewtonRows, NonlinearMultiHead, multihead_rows, sample_starts
    from .objectives import VariableProjection

    params, y0 = sample_starts(family, settings["members"])
    problem = (family, params, y0, settings["points"], settings["shared_head"], network)
    if settings["objective"] == "varpro":
        loss: Loss = VariableProjection(network, NewtonRows.create(*problem), settings["ridge"])
    else:
        loss = NonlinearMultiHead(network, family, multihead_rows(*problem), settings["seed"])
    return loss, {"members": params, "y0": y0}


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
