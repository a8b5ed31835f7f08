"""HIRES, eight chemical reactions by which plants respond to light: a nonlinear stiff family of one's own.

    python examples/hires.py

Write the family once, in SymPy; solve any member on time windows, with nothing prepared; or compile the family, half a
minute, and solve members in a reduced basis, every state to a millionth of its largest value.

E. Schäfer, A new approach to explain the "high irradiance responses" of photomorphogenesis on the basis of phytochrome,
J. Math. Biology 2 (1975) 41–56. One rate, k = 280 there, becomes the parameter of a family.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

import stlfast

# At k = 280 and t = 321.8122: Mazzia & Magherini, Test Set for Initial Value Problem Solvers, release 2.4.
END_TIME = 321.8122
END = np.array([
    0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2,
    0.2386356198831331e-2, 0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2,
])  # fmt: skip


def hires() -> stlfast.Family:
    t, k = sp.symbols("t k")
    y1, y2, y3, y4, y5, y6, y7, y8 = y = sp.symbols("y1:9")
    fast = k * y6 * y8
    rhs = [
        -1.71 * y1 + 0.43 * y2 + 8.32 * y3 + 0.0007,
        1.71 * y1 - 8.75 * y2,
        -10.03 * y3 + 0.43 * y4 + 0.035 * y5,
        8.32 * y2 + 1.71 * y3 - 1.12 * y4,
        -1.745 * y5 + 0.43 * y6 + 0.43 * y7,
        -fast + 0.69 * y4 + 1.71 * y5 - 0.43 * y6 + 0.69 * y7,
        fast - 1.81 * y7,
        -fast + 1.81 * y7,
    ]
    return stlfast.Family(
        name="hires", t=t, y=y, rhs=rhs, t_span=(0.0, END_TIME), stiffness=k,
        params={k: stlfast.Range(train=(100.0, 300.0), solve=(100.0, 1000.0))}, y0=[1, 0, 0, 0, 0, 0, 0, 0.0057],
    )  # fmt: skip


def digits(y: np.ndarray) -> np.ndarray:
    """Correct digits of the states (8,) at the end; 16 where nothing is left to see."""
    return -np.log10(np.maximum(np.abs(y / END - 1), 1e-16))


def main() -> None:
    family = hires()
    print(family)
    windows = stlfast.Windows(family)  # nothing to train
    show(family, windows.solve(k=280.0, rtol=1e-8, atol=1e-12))  # 512 uniform times

    model = stlfast.compile(family, None, "chebyshev", tol=1e-6)  # model.save(...) keeps it
    show(family, model.solve(k=280.0))

    many = model.solve_many(k=np.linspace(100.0, 1000.0, 50), observe="final")
    print(f"\n{many.message}\ny6 at the end for k from 100 to 1000: {many.y[::7, 5]}")


def show(family: stlfast.Family, sol: Any) -> None:
    windows = f"{sol.windows} windows, " if sol.windows else ""
    print(f"\n{sol.message} Method: {sol.method}; {windows}{sol.iterations} Newton iterations.")
    print(f"\nstate   y({END_TIME})      digits   estimated largest error")
    end, estimate = sol.y[:, -1], sol.error_estimate
    for state, y, right, error in zip(family.states, end, digits(end), estimate, strict=True):
        print(f"{state}   {y:19.12e}   {right:6.1f}   {error:.1e}")


if __name__ == "__main__":
    main()
