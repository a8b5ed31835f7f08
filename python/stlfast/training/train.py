"""Training a body on the low-stiff members of a family, the one step that needs PyTorch.

varpro      the heads are solved for exactly at every step, and the optimiser moves the body alone
multihead   body and heads are trained jointly, as in arXiv 2501.17281
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from ..base.progress import Progress
from ..equations.ode.family import Family
from ..equations.pde.family import PDEFamily
from ..features.body import Body
from ..features.layers import TAU
from . import ode, pde

if TYPE_CHECKING:
    from ..features.field_body import FieldBody


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
    progress: Progress = True,
) -> Body | FieldBody:
    """Train the hidden features of a network on the train ranges of a family.

    A member's residual is dH/dx W − A H W − b − N(x, H W) on the rows of `objectives.Collocation`, with H = [1, h(x)].
    Nonlinear members differ in their initial values too: those of y0_range, or the family's y0 where it has none.

    Of a family of PDEs the body is a FieldBody of the space coordinates (periodic ones by cosine and sine), log time
    and time, which all fields and members share; the rows are those of `pde_objectives.FieldRows`. Fields that do not
    act on each other after a change of variables (direct/pde/groups.py) have small heads of their own.

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
    progress: True (default) shows a bar with loss and time left on stderr where that is a terminal; a function is
        called with the finished share, 0 … 1.

    Returns the best body seen, its settings, members and losses in `body.history`; Ctrl-C returns the best so far.
    Errors: ImportError without PyTorch; ValueError for a wrong option, for a family without train ranges or with a
    Python function as right-hand side, or for a nonlinear train member that cannot be solved; TrainingDiverged for a
    loss that is not finite.
    """
    settings = {name: value for name, value in locals().items() if name not in ("family", "progress", "device")}
    if isinstance(family, PDEFamily):
        return pde.train(family, settings, device, progress)
    family.check_smooth("a body")
    return ode.train(family, settings, device, progress)
