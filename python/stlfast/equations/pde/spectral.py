"""Collocation grids with spectral differentiation and interpolation, in one dimension.

    Chebyshev–Lobatto   x_j = −cos(πj/(N−1)), ends included
    Fourier             x_j = j/N, one period, N odd (so that no mode is its own conjugate)

N points on [low, high]; matrices are dense: D (N, N), interpolation to M points (M, N). Trefethen, Spectral Methods in
MATLAB (2000), chapters 3 and 6; Berrut & Trefethen, Barycentric Lagrange interpolation (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Grid:
    """N points of an interval."""

    low: float
    high: float
    N: int
    periodic: bool

    @property
    def length(self) -> float:
        return self.high - self.low

    @cached_property
    def points(self) -> np.ndarray:
        """(N,), increasing."""
        if self.periodic:
            return self.low + self.length * np.arange(self.N) / self.N
        x = self.low + self.length * np.sin(np.pi * np.arange(self.N) / (2 * (self.N - 1))) ** 2
        x[-1] = self.high
        return x

    @cached_property
    def wavenumbers(self) -> np.ndarray:
        """Of the modes of np.fft.fft, (N,), in radians per length."""
        return 2 * np.pi * np.fft.fftfreq(self.N, 1 / self.N) / self.length

    @cached_property
    def D(self) -> np.ndarray:
        """First derivatives at the points from the values there, (N, N)."""
        if self.periodic:
            modes = np.fft.fft(np.eye(self.N), axis=0)
            return np.fft.ifft(1j * self.wavenumbers[:, None] * modes, axis=0).real
        w = _weights(self.N)
        i, j = np.mgrid[: self.N, : self.N] * (np.pi / (2 * (self.N - 1)))
        difference = self.length * np.sin(i + j) * np.sin(i - j) + np.eye(self.N)  # x_i − x_j without cancellation
        D = w / w[:, None] / difference - np.eye(self.N)
        result: np.ndarray = D - np.diag(D.sum(axis=1))
        return result

    def differentiation(self, order: int) -> np.ndarray:
        """(N, N) for a derivative of any order."""
        return np.linalg.matrix_power(self.D, order)

    def interpolation(self, x: np.ndarray) -> np.ndarray:
        """Values at x (M,) from those at the points, (M, N)."""
        if self.periodic:
            return fourier_interpolation(self.points, self.length, x)
        difference = x[:, None] - self.points
        rows, columns = np.nonzero(difference == 0)
        difference[rows, columns] = 1.0
        matrix = _weights(self.N) / difference
        matrix /= matrix.sum(axis=1, keepdims=True)
        matrix[rows] = 0.0
        matrix[rows, columns] = 1.0
        result: np.ndarray = matrix
        return result

    def unresolved(self, values: np.ndarray) -> float:
        """The last tenth of the coefficients of values (N, …), relative to the largest value: small if N is enough."""
        if self.periodic:
            size = np.abs(np.fft.fft(values, axis=0)) / self.N
            size = size[: self.N // 2 + 1]
        else:
            mirrored = np.concatenate([values, values[-2:0:-1]])
            size = np.abs(np.fft.fft(mirrored, axis=0))[: self.N] / (self.N - 1)
        tail = size[-max(2, self.N // 10) :]
        return float(tail.max() / max(np.abs(values).max(), np.finfo(float).tiny))


def fourier_interpolation(points: np.ndarray, length: float, x: np.ndarray) -> np.ndarray:
    """Values at x (M,) from those at N uniform points of one period, (M, N): the periodic sinc function."""
    N = len(points)
    angle = np.pi * (x[:, None] - points) / length
    sine = np.sin(angle) if N % 2 else np.tan(angle)
    at_point = np.abs(np.sin(angle)) < 1e-14
    sine[at_point] = 1.0
    matrix = np.sin(N * angle) / (N * sine)
    matrix[at_point.any(axis=1)] = 0.0
    matrix[at_point] = 1.0
    result: np.ndarray = matrix
    return result


def _weights(N: int) -> np.ndarray:
    """Barycentric weights of Chebyshev–Lobatto points, (N,)."""
    w = np.where(np.arange(N) % 2, -1.0, 1.0)
    w[[0, -1]] *= 0.5
    return w
