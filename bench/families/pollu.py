"""Air pollution, 25 reactions of 20 species, for 60 minutes: the problem POLLU of the Bari test set.

y in ppm, rates per minute and ppm; k1 (photolysis of NO2) and k3 (NO and HO2) are 0.35 and 1.23e4 there. J. G. Verwer,
SIAM J. Sci. Comput. 15 (1994) 1243; F. Mazzia and C. Magherini, Test Set for Initial Value Problem Solvers, 2.4.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

import stlfast

ATOL = 1e-13  # radicals are of 1e-9 to 1e-7 ppm
MEMBER = {"k1": 0.35, "k3": 1.23e4}
END = np.array([
    0.5646255480022769e-1, 0.1342484130422339, 0.4139734331099427e-8, 0.5523140207484359e-2, 0.2018977262302196e-6,
    0.1464541863493966e-6, 0.7784249118997964e-1, 0.3245075353396018, 0.7494013383880406e-2, 0.1622293157301561e-7,
    0.1135863833257075e-7, 0.2230505975721359e-2, 0.2087162882798630e-3, 0.1396921016840158e-4, 0.8964884856898295e-2,
    0.4352846369330103e-17, 0.6899219696263405e-2, 0.1007803037365946e-3, 0.1772146513969984e-5, 0.5682943292316392e-4,
])  # fmt: skip


def family() -> stlfast.Family:
    t, k1, k3 = sp.symbols("t k1 k3")
    y = sp.symbols("y1:21")
    y1, y2, y3, y4, y5, y6, y7, _, y9, y10, y11, _, y13, y14, _, y16, y17, _, y19, y20 = y
    reactions = [  # rate, species that are used up, species that are made
        (k1 * y1, (1,), (2, 3)), (26.6 * y2 * y4, (2, 4), (1,)), (k3 * y5 * y2, (5, 2), (6, 1)),
        (8.6e-4 * y7, (7,), (8, 5, 5)), (8.2e-4 * y7, (7,), (8,)), (1.5e4 * y7 * y6, (7, 6), (8, 5)),
        (1.3e-4 * y9, (9,), (10, 8, 5)), (2.4e4 * y9 * y6, (9, 6), (11,)), (1.65e4 * y11 * y2, (11, 2), (10, 12, 1)),
        (9e3 * y11 * y1, (11, 1), (13,)), (0.022 * y13, (13,), (11, 1)), (1.2e4 * y10 * y2, (10, 2), (14, 1)),
        (1.88 * y14, (14,), (7, 5)), (1.63e4 * y1 * y6, (1, 6), (15,)), (4.8e6 * y3, (3,), (4,)),
        (3.5e-4 * y4, (4,), (16,)), (0.0175 * y4, (4,), (3,)), (1e8 * y16, (16,), (6, 6)), (4.44e11 * y16, (16,), (3,)),
        (1240 * y17 * y6, (17, 6), (5, 18)), (2.1 * y19, (19,), (2,)), (5.78 * y19, (19,), (1, 3)),
        (0.0474 * y1 * y4, (1, 4), (19,)), (1780 * y19 * y1, (19, 1), (20,)), (3.12 * y20, (20,), (19, 1)),
    ]  # fmt: skip
    rhs = [sp.S.Zero] * 20
    for rate, used, made in reactions:
        for species in used:
            rhs[species - 1] -= rate
        for species in made:
            rhs[species - 1] += rate
    y0 = [0.0] * 20
    for species, value in ((2, 0.2), (4, 0.04), (7, 0.1), (8, 0.3), (9, 0.01), (17, 0.007)):
        y0[species - 1] = value
    return stlfast.Family(
        name="pollu", t=t, y=y, rhs=rhs, t_span=(0.0, 60.0), stiffness=k3,
        params={k1: stlfast.Range(0.1, 1.0), k3: stlfast.Range(4e3, 4e4)}, y0=y0,
    )  # fmt: skip
