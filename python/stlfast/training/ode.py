"""Training a body on the low-stiff members of a family of ODEs: what train_body does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base.progress import Progress
from ..equations.callback import Callback
from ..equations.ode.family import Family
from ..features.body import Body
from .run import check, check_trained, minimise, require_torch, resolve

if TYPE_CHECKING:
    import numpy as np

    from .network import Network
    from .optimise import Loss


ODE_OPTIONS: dict[str, Any] = {
    "widths": (64, 64, 48), "points": 300, "input": "log", "forcings": 8, "shared_head": False,
}  # fmt: skip


def train(family: Family, settings: dict[str, Any], device: str, progress: Progress) -> Body:
    check_trained(family.name, family.params, family.stiffness)
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
