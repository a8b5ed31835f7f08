"""Whether the boundary conditions of a family are those that its equations need, and their directions of time right.

    u_t = Σ_order C_order ∂^order u + …            C_order (n, n), looked at in points of the domain, at the corners of
                                                   the parameter ranges, at three times

An axis is periodic, or: a field with a second derivative along it needs one condition at each end; of the fields with
first derivatives alone, u_t = B u_x + …, as many conditions hold at an end as velocities, the eigenvalues of −B, enter
there: for each field its own where B is diagonal.
"""

from __future__ import annotations

import numpy as np

from .conditions import SIDES, Condition
from .equations import PDEEquations, box_points

ROUNDING = 1e-10  # relative; below it a velocity or an eigenvalue is zero
DIRECTIONS = 12  # of wave vectors in two dimensions
POINTS = 5  # of the domain along each axis


def check(family: PDEEquations) -> None:
    """ValueError names the field and the side, and says what to add or remove."""
    check_parabolic(family)
    for axis in range(family.d):
        on_axis = [condition for condition in family.conditions if condition.axis == axis]
        if any(condition.kind == "periodic" for condition in on_axis):
            _check_periodic(family, axis, on_axis)
        else:
            _check_ends(family, axis, on_axis)


def check_parabolic(family: PDEEquations) -> None:
    """The eigenvalues of Σ_{|order| = 2} C_order k^order must not be negative: u_t = −u_xx has no solution."""
    second = [order for order in family.partials if sum(order) == 2]
    if not second:
        return
    angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    waves = np.array([[1.0]]) if family.d == 1 else np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for p, matrices in _samples(family, box_points(family.domain, POINTS)):
        for k in waves:
            symbol = sum(matrices[order] * np.prod(k ** np.array(order)) for order in second)
            eigenvalues = np.linalg.eigvals(np.moveaxis(symbol, -1, 0))
            if eigenvalues.real.min() < -ROUNDING * np.abs(eigenvalues).max():
                raise ValueError(
                    f"family {family.name!r}: the terms with second derivatives have a negative diffusivity "
                    f"({eigenvalues.real.min():.3g} in the direction {k.tolist()}) at {_named(family, p)}: such an "
                    "equation cannot be solved forward in time; check the signs"
                )


def _check_periodic(family: PDEEquations, axis: int, on_axis: list[Condition]) -> None:
    xi = family.coordinates[axis]
    if len(on_axis) > 1:
        kinds = ", ".join(condition.kind for condition in on_axis)
        raise ValueError(
            f"family {family.name!r}: {xi} is periodic and has further conditions ({kinds}); remove either these or "
            "Periodic"
        )
    ends = [family.side_points(axis, value) for value in family.domain[axis]]
    for p in family.corners():
        for time in _times(family):
            low, high = (np.concatenate([points, np.full((1, points.shape[1]), time)]) for points in ends)
            for what, f in (
                ("a coefficient", family.coefficients_at),
                ("the source", family.source),
                ("the initial value", lambda points, p: family.initial_at(points[:-1], p)),
            ):
                if f is None:
                    continue
                one, other = f(low, p), f(high, p)
                if np.abs(one - other).max() > 1e-6 * max(np.abs(one).max(), np.abs(other).max()):
                    raise ValueError(
                        f"family {family.name!r}: {xi} is periodic, but {what} is not the same at both ends of "
                        f"{family.domain[axis].tolist()}; change it, or the domain, or give conditions at both ends"
                    )


def _check_ends(family: PDEEquations, axis: int, on_axis: list[Condition]) -> None:
    diffusing = {term.field for term in family.terms if term.order[axis] == 2}
    along = tuple(int(a == axis) for a in range(family.d))  # the order of the first derivative
    moving = sorted({term.field for term in family.terms if term.order == along} - diffusing)
    for side in SIDES:
        given = [condition for condition in on_axis if condition.side == side]
        for i, name in enumerate(family.fields):
            here = [condition.kind for condition in given if i in condition.fields]
            if i in diffusing:
                _check_diffusing(family, axis, side, name, here)
            elif here and i not in moving:
                _refuse(
                    family, axis, side, f"{name} has no derivative along the axis and takes no condition", "remove it"
                )
            elif "neumann" in here:
                _refuse(
                    family,
                    axis,
                    side,
                    f"{name} has first derivatives alone",
                    "remove Neumann, or use Inflow where the velocity enters",
                )
        if moving:
            _check_moving(family, axis, side, moving, along, given)


def _check_diffusing(family: PDEEquations, axis: int, side: str, name: str, here: list[str]) -> None:
    has = f"{name} has a second derivative along the axis and needs exactly one condition, got {len(here)}"
    if len(here) == 0:
        _refuse(family, axis, side, has, "add Dirichlet or Neumann (or make the axis Periodic)")
    if len(here) > 1:
        _refuse(family, axis, side, f"{has} ({', '.join(here)})", "leave one of them")
    if here == ["inflow"]:
        _refuse(family, axis, side, f"{name} has a second derivative along the axis", "use Dirichlet instead of Inflow")


def _check_moving(
    family: PDEEquations, axis: int, side: str, moving: list[int], along: tuple[int, ...], given: list[Condition]
) -> None:
    """Fields with first derivatives alone: conditions where velocities enter."""
    end = SIDES.index(side)
    inward = 1.0 if side == "low" else -1.0
    points = family.side_points(axis, family.domain[axis, end])
    samples = [(p, np.moveaxis(-inward * m[along], -1, 0)) for p, m in _samples(family, points)]
    stacked = np.concatenate([m for _, m in samples])[:, moving][:, :, moving]  # (S, m, m), positive where it enters
    counts = [sum(i in condition.fields for condition in given) for i in moving]
    if not (stacked * (1 - np.eye(len(moving)))).any():
        for row, (i, count) in enumerate(zip(moving, counts, strict=True)):
            velocity = stacked[:, row, row]
            enters = _entering(family, axis, side, velocity[:, None], family.fields[i])
            if count != enters:
                what = "enters" if enters else "does not enter"
                _refuse(
                    family, axis, side, f"the velocity of {family.fields[i]} {what} and needs {enters} conditions, "
                    f"got {count}", "add Inflow" if count < enters else "remove it"
                )  # fmt: skip
        return
    names = ", ".join(family.fields[i] for i in moving)
    speeds = np.linalg.eigvals(stacked)  # (S, m)
    if np.abs(speeds.imag).max() > 1e-6 * np.abs(speeds).max():
        raise ValueError(
            f"family {family.name!r}: the first derivatives of {names} along {family.coordinates[axis]} have complex "
            "velocities: such a system cannot be solved forward in time; check the signs"
        )
    enters = _entering(family, axis, side, np.sort(speeds.real, axis=1), f"the waves of {names}")
    if sum(counts) != enters:
        _refuse(
            family, axis, side, f"{enters} of the velocities of {names} enter and need as many conditions, "
            f"got {sum(counts)}", f"give values to {enters} of these fields"
        )  # fmt: skip


def _entering(family: PDEEquations, axis: int, side: str, speeds: np.ndarray, what: str) -> int:
    """How many of the speeds (S, m) are positive, in all samples alike."""
    zero = ROUNDING * max(np.abs(speeds).max(), np.finfo(float).tiny)
    positive, negative = (speeds > zero).any(axis=0), (speeds < -zero).any(axis=0)
    if (positive & negative).any():
        _refuse(
            family, axis, side, f"the velocity of {what} changes its direction there with the parameters, the time or "
            "along the side", "narrow the ranges or split the family, so that it enters everywhere or nowhere"
        )  # fmt: skip
    return int(positive.sum())


def _samples(family: PDEEquations, points: np.ndarray) -> list[tuple[np.ndarray, dict[tuple[int, ...], np.ndarray]]]:
    """Members and their matrices at points (d, N), three times and the corners of the parameter ranges."""
    stacked = np.concatenate(
        [np.concatenate([points, np.full((1, points.shape[1]), time)]) for time in _times(family)], axis=1
    )
    return [(p, family.matrices_at(stacked, p)) for p in family.corners()]


def _times(family: PDEEquations) -> tuple[float, float, float]:
    t0, t1 = family.t_span
    return t0, (t0 + t1) / 2, t1


def _named(family: PDEEquations, p: np.ndarray) -> dict[str, float]:
    return dict(zip(family.params, p.tolist(), strict=True))


def _refuse(family: PDEEquations, axis: int, side: str, problem: str, remedy: str) -> None:
    xi, value = family.coordinates[axis], family.domain[axis, SIDES.index(side)]
    raise ValueError(f"family {family.name!r}, at {xi} = {value:g} (side {side!r}): {problem}; {remedy}")
