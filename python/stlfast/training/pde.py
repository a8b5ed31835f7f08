"""Training a body of several inputs on the low-stiff members of a family of PDEs: what train_body does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..base.progress import Progress
from ..direct.pde.snapshots import Modes
from ..equations.pde.family import PDEFamily
from ..features.field_body import FieldBody
from .run import check, check_trained, minimise, require_torch, resolve

if TYPE_CHECKING:
    from ..direct.pde.rows import PDEPoints
    from .field_network import FieldNetwork
    from .optimise import Loss

OTHERS = ("input", "forcings", "shared_head")  # options of ordinary differential equations
WIDTHS = (96, 96, 160)
POINTS = {1: 1500, 2: 2000}  # of the number of space coordinates
MODES = {1: 18, 2: 3}
ZOOMS = (1.0,)
SIDE_POWERS = 2  # of time, on sides that take values from outside


def train(family: PDEFamily, settings: dict[str, Any], device: str, progress: Progress) -> FieldBody:
    """`train_body` of a family of PDEs."""
    check_trained(family.name, family.params, family.stiffness)
    defaults = {"widths": WIDTHS, "points": POINTS[family.d], "modes": MODES[family.d], "zooms": ZOOMS}
    resolve(settings, defaults, OTHERS, "ordinary differential equations")
    check(settings, {"members": 1, "points": 10, "modes": 1})
    settings["zooms"] = _checked_zooms(settings["zooms"])
    body = random_body(family, settings["widths"], settings["activation"], settings["tau"], settings["seed"])
    require_torch()
    from .field_network import FieldNetwork
    from .network import find_device
    from .pde_problems import sobol_points

    network = FieldNetwork(body, find_device(device))
    points = sobol_points(family, settings["points"], body.tau, settings["seed"])
    loss, sampled = _loss(family, network, points, settings)
    return network.export(minimise(loss, network, family.name, settings, sampled, progress))


def random_body(family: PDEFamily, widths: Any, activation: str, tau: float, seed: int) -> FieldBody:
    """The untrained body of a family: space coordinates plain or periodic, time log and plain."""
    space = [
        (name, "periodic" if periodic else "plain")
        for name, periodic in zip(family.coordinates, family.periodic, strict=True)
    ]
    names = (*family.coordinates, family.time)
    return FieldBody.random(
        [*space, (family.time, "log"), (family.time, "plain")], widths, names, activation, tau, seed
    )


def _loss(
    family: PDEFamily, network: FieldNetwork, points: PDEPoints, settings: dict[str, Any]
) -> tuple[Loss, dict[str, np.ndarray]]:
    """The loss, and the problems it is of."""
    from .objectives import VariableProjection
    from .pde_objectives import FieldMultiHead, FieldRows
    from .pde_problems import sample_problems

    varpro = settings["objective"] == "varpro"
    problems = sample_problems(family, settings["members"], settings["zooms"])
    if varpro and not family.nonlinear:
        modes = Modes((settings["modes"],) * family.d, SIDE_POWERS)
        rows = FieldRows.modes(family, problems, points, modes, network.device)
    else:
        rows = FieldRows.own_data(family, problems, points, varpro, network.device)
    sampled = {
        "members": np.array([problem.p for problem in rows.problems]),
        "zoom": np.array([problem.zoom for problem in rows.problems]),
        "group": np.array([problem.group for problem in rows.problems]),
    }
    if varpro:
        return VariableProjection(network, rows, settings["ridge"]), sampled
    return FieldMultiHead(network, family, rows, settings["seed"]), sampled


def _checked_zooms(zooms: Any) -> list[float]:
    try:
        values = [float(zoom) for zoom in zooms]
    except (TypeError, ValueError):
        values = []
    if not values or not all(1 <= zoom < float("inf") for zoom in values):
        raise ValueError(f"zooms must be one or more numbers of at least 1, got {zooms!r}")
    return values
