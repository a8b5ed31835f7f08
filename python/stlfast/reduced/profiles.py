"""The box of initial profiles that a nonlinear family of PDEs is compiled for.

    g_i(x) = default_i(x; p) + Σ_k a_ik φ_ik(x),   |a_ik| ≤ amplitude_ik,   low_i ≤ g_i ≤ high_i

φ: products of cosines and sines along each axis that satisfy the homogeneous conditions at its ends, so that every
profile satisfies the conditions that the default one does: cos kπz between Neumann conditions, sin (k+1)πz between
Dirichlet ones, quarter waves between the two, the Fourier series where periodic; inflow counts as Dirichlet, no
condition as Neumann.

d coordinates, n fields, K modes, N points; z ∈ [0, 1] along each axis.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..equations.pde.conditions import SIDES
from ..equations.pde.equations import box_points
from ..equations.pde.family import PDEFamily

LOOKED_AT = {1: 65, 2: 17}  # points of each axis where bounds are checked
DRAWN = 256  # profiles at a time
MOST_DRAWN = 200_000
SLACK = 1e-12
NEAREST = 0.03  # to the default profile, of the way from a uniform one


@dataclass(frozen=True, eq=False)
class ProfileBox:
    """degrees: how many modes along each axis. amplitude (n, K), low (n,), high (n,)."""

    family: PDEFamily
    degrees: tuple[int, ...]
    amplitude: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def values(self, coefficients: np.ndarray, x: np.ndarray, p: np.ndarray) -> np.ndarray:
        """The profile (n, N) with coefficients (n, K) at x (d, N), of the member p."""
        modes = np.stack([self.modes(field, x) for field in range(self.family.n)])  # (n, K, N)
        result: np.ndarray = self.family.initial_at(x, p) + np.einsum("nk,nkN->nN", coefficients, modes)
        return result

    def modes(self, field: int, x: np.ndarray) -> np.ndarray:
        """φ (K, N) of a field at x (d, N)."""
        domain = self.family.domain
        z = (x - domain[:, :1]) / (domain[:, 1:] - domain[:, :1])
        axes = [self._axis(field, k, count, z[k]) for k, count in enumerate(self.degrees)]
        result = axes[0]
        for own in axes[1:]:
            result = (result[:, None] * own[None]).reshape(-1, own.shape[1])
        return result

    def draw(self, count: int, p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Coefficients (count, n, K) of profiles of the box; ValueError where hardly any lie within the bounds.

        One third uniform in the box, one third on their way to the default profile, one third moved away from it until
        they touch the bounds: where a reaction is unstable, profiles close to the bounds differ most.
        """
        x = box_points(self.family.domain, LOOKED_AT[self.family.d])
        modes = np.stack([self.modes(field, x) for field in range(self.family.n)])
        default = self.family.initial_at(x, p)
        drawn = np.stack(
            [self._uniform(field, count, default[field], modes[field], rng) for field in range(self.family.n)], axis=1
        )
        shares = np.concatenate([np.ones(-(-count // 3)), np.geomspace(NEAREST, 1, -(-count // 3))])
        for k in range(count):
            share = shares[k] if k < len(shares) else self._furthest(drawn[k], default, modes)
            drawn[k] *= share
        return drawn

    def _uniform(
        self, field: int, count: int, default: np.ndarray, modes: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """(count, K) coefficients of one field."""
        low, high = self.low[field] - SLACK, self.high[field] + SLACK
        found: list[np.ndarray] = []
        for _ in range(MOST_DRAWN // DRAWN):
            a = rng.uniform(-1, 1, (DRAWN, len(modes))) * self.amplitude[field]
            g = default + a @ modes
            found.extend(a[((g >= low) & (g <= high)).all(axis=1)])
            if len(found) >= count:
                return np.stack(found[:count])
        raise ValueError(
            f"family {self.family.name!r}: hardly any initial profiles of {self.family.fields[field]} with the "
            f"amplitudes {self.amplitude[field].tolist()} lie within [{low:g}, {high:g}]; widen the bounds, or take "
            "smaller amplitudes"
        )

    def _furthest(self, a: np.ndarray, default: np.ndarray, modes: np.ndarray) -> float:
        """The largest factor of coefficients (n, K) that keeps them in the box and the profile within the bounds."""
        change = np.einsum("nk,nkN->nN", a, modes)
        with np.errstate(divide="ignore", invalid="ignore"):
            up = np.where(change > SLACK, (self.high[:, None] - default) / change, np.inf)
            down = np.where(change < -SLACK, (self.low[:, None] - default) / change, np.inf)
            size = np.where(a != 0, self.amplitude / np.abs(a), np.inf)
        return max(float(min(up.min(), down.min(), size.min())), 1.0)

    def _axis(self, field: int, axis: int, count: int, z: np.ndarray) -> np.ndarray:
        if self.family.periodic[axis]:
            waves = [2 * np.pi * ((k + 1) // 2) * z for k in range(count)]
            return np.stack([np.sin(w) if k and k % 2 == 0 else np.cos(w) for k, w in enumerate(waves)])
        held = [False, False]
        for condition in self.family.conditions:
            if condition.axis == axis and field in condition.fields and condition.kind != "neumann":
                assert condition.side is not None
                held[SIDES.index(condition.side)] = True
        k = np.arange(count)[:, None] + (0.5 if held[0] != held[1] else float(held[0]))
        result: np.ndarray = np.sin(np.pi * k * z) if held[0] else np.cos(np.pi * k * z)
        return result


def profile_box(
    family: PDEFamily,
    degrees: tuple[int, ...],
    amplitude: float,
    decay: float,
    bounds: tuple[tuple[float, float], ...] | None,
) -> ProfileBox:
    """The box whose amplitudes are `amplitude` × the bounds' distance × max(1, |k|)^−decay.

    bounds: (low, high) of each field; default those of the family's own profile.
    """
    if len(degrees) != family.d or min(degrees) < 1:
        raise ValueError(f"degrees must be {family.d} whole numbers of at least 1, got {degrees!r}")
    if bounds is None:
        starts = np.stack([family.initial_at(box_points(family.domain), p) for p in family.corners()])
        low, high = starts.min(axis=(0, 2)), starts.max(axis=(0, 2))
    else:
        given = np.array(bounds, dtype=np.float64)
        if given.shape != (family.n, 2) or not (given[:, 0] <= given[:, 1]).all():
            raise ValueError(f"bounds must be (low, high) for each of {family.n} fields, got {bounds!r}")
        low, high = given.T
    per_axis = [
        [(k + 1) // 2 if around else k for k in range(count)]
        for count, around in zip(degrees, family.periodic, strict=True)
    ]
    size = np.array([max(1.0, float(np.linalg.norm(k))) for k in itertools.product(*per_axis)])  # (K,)
    return ProfileBox(family, degrees, amplitude * (high - low)[:, None] * size**-decay, low, high)
