"""Slow, plain evaluations that judge the fast ones."""

import math
import operator

import mpmath
import numpy as np
import scipy.linalg

# In the order of the file format's op numbers.
OPERATIONS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, math.pow, math.exp,
    math.log, math.sqrt, math.sin, math.cos, math.tan, math.tanh, abs,
]  # fmt: skip
UNARY = {4, *range(6, 14)}


def evaluate(instructions, x, inputs):
    """Values (O, N) of an instruction list at x (N,) or (varying, N), one point and one instruction at a time."""
    columns = []
    for point in np.atleast_2d(x).T:
        registers = [*map(float, point), *map(float, inputs), *instructions.constants.tolist()]
        for op, a, b in instructions.code.tolist():
            operands = (registers[a],) if op in UNARY else (registers[a], registers[b])
            registers.append(OPERATIONS[op](*operands))
        columns.append([registers[r] for r in instructions.outputs])
    return np.array(columns).reshape(-1, len(instructions.outputs)).T


def error_bound(A, x, residual, initial):
    """The certificate for constant A (n, n): residual (C, n) at x (C,), initial error (n,); bound (n,).

    For n = 2: the Schur form begins with the fastest decay.
    """
    fastest, slowest = np.sort(np.linalg.eigvals(A).real)
    T, Q, _ = scipy.linalg.schur(A.astype(complex), output="complex", sort=lambda e: e.real < (fastest + slowest) / 2)
    rotated, z = np.abs(residual @ Q.conj()), np.zeros((len(x), len(A)))
    for k in reversed(range(len(A))):
        source = rotated[:, k] + sum(abs(T[k, m]) * z[:, m] for m in range(k + 1, len(A)))
        source[1:-1] += np.abs(np.diff(source, 2)) / 8
        rate = T[k, k].real
        z[0, k] = np.abs(Q.conj().T @ initial)[k]
        for q, h in enumerate(np.diff(x)):
            integral = np.expm1(rate * h) / rate if rate else h
            z[q + 1, k] = np.exp(rate * h) * z[q, k] + integral * max(source[q], source[q + 1])
    return (z @ np.abs(Q).T).max(axis=0)


def least_squares(family, dictionary, x, weight, params, y0):
    """Heads (M, n) by NumPy's lstsq on every row of the problem written out."""
    H, dH = dictionary.evaluate(x, 1)
    (H0,) = dictionary.evaluate(np.zeros(1))
    n, M = family.n, H.shape[1]
    A, b = family.A(x, params), family.b(x, params)
    rows, right = [], []
    for i in range(n):
        block = np.zeros((len(x), n, M))
        block[:, i] = dH
        for j in range(n):
            block[:, j] -= A[i * n + j][:, None] * H
        rows.append(weight[:, None] * block.reshape(len(x), -1))
        right.append(weight * b[i])
    rows.append(10.0 * np.kron(np.eye(n), H0))
    right.append(10.0 * np.asarray(y0))
    matrix, target = np.concatenate(rows), np.concatenate(right)
    scale = np.linalg.norm(matrix, axis=0)
    heads = np.linalg.lstsq(matrix / scale, target, rcond=1e-15)[0] / scale
    return heads.reshape(n, M).T


def reduced_newton(family, band, params, y0, x):
    """y (n, N) at x (N,) in a nonlinear band: Newton's method in NumPy on the band's rows, to the last digit."""
    n, r = family.n, len(band.x)
    functions = band.coefficients.reshape(len(band.coefficients), n, -1)  # (D, n, L + r)
    low, high = (family.y0, family.y0) if family.y0_range is None else family.y0_range.T
    varying = np.flatnonzero(low < high)
    a = np.array([1.0, *y0[varying]])
    length = np.log1p(1 / band.tau)
    chebyshev = np.polynomial.chebyshev

    def tables(at):
        z = 2 * np.log1p(at / band.tau) / length - 1
        slope = 2 / (length * (at + band.tau))
        values = chebyshev.chebval(z, functions)  # (n, L + r, N)
        return values, chebyshev.chebval(z, chebyshev.chebder(functions)) * slope

    values, slopes = tables(band.x)
    coordinates = []
    for p, left, right, interval in zip(params, band.low, band.high, family.params.values(), strict=True):
        p, left, right = np.log([p, left, right]) if interval.solve[0] > 0 else (p, left, right)
        coordinates.append((2 * p - left - right) / (right - left))
    coordinates += [(2 * y0[i] - low[i] - high[i]) / (high[i] - low[i]) for i in varying]
    c = np.prod(np.array(coordinates) ** band.powers, axis=1) @ band.guess
    rows = np.arange(r)
    for _ in range(20):
        y = np.einsum("nkq,k->nq", values, np.concatenate([a, c]))
        points = np.vstack([band.x, y])
        A = np.broadcast_to(family.A(band.x, params).reshape(n, n, -1), (n, n, r))
        f = np.einsum("ijq,jq->iq", A, y) + family.b(band.x, params) + family.N(points, params)
        J = A + family.J(points, params).reshape(n, n, -1)
        missing = f[band.equation, rows] - slopes[band.equation, :, rows] @ np.concatenate([a, c])
        G = slopes[band.equation, len(a) :, rows] - np.einsum(
            "qj,jkq->qk", J[band.equation, :, rows], values[:, len(a) :]
        )
        c = c + np.linalg.solve(G, missing)
    return np.einsum("nkq,k->nq", tables(x)[0], np.concatenate([a, c]))


def field_feature(body, j, z, partial, kappa=1.0):
    """A partial derivative of feature j of a FieldBody with tanh at one point z, by differences in 60 digits."""
    with mpmath.workdps(60):
        tau = mpmath.mpf(body.tau)

        def feature(*at):
            at = dict(zip(body.coordinates, [*at[:-1], kappa * at[-1]], strict=True))
            a = []
            for name, kind in body.inputs:
                if kind == "periodic":
                    a += [mpmath.cos(2 * mpmath.pi * at[name]), mpmath.sin(2 * mpmath.pi * at[name])]
                else:
                    a.append(at[name] if kind == "plain" else mpmath.log(1 + at[name] / tau) / mpmath.log(1 + 1 / tau))
            for weight, bias in zip(body.weights, body.biases, strict=True):
                a = [
                    mpmath.tanh(mpmath.fdot(map(float, row), a) + float(b)) for row, b in zip(weight, bias, strict=True)
                ]
            return a[j]

        return float(mpmath.diff(feature, tuple(map(mpmath.mpf, z)), partial))
