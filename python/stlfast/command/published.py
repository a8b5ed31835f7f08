"""Maximum absolute errors that arXiv 2501.17281 publishes for one-shot transfer to stiffer members.

From the authors' result files, over uniform times in [0, 10]; the larger of the two states' errors. Their dho is
labelled by 2·alpha; here it is alpha. Their duffing is the best of the orders 0 … 29 of its series, and has beta = 0.1,
as their notebook says: at 0.5 and alpha = 10 no order of the exact series is closer than 0.03. Facts to compare with:
nothing is computed from them.
"""

from __future__ import annotations

SOURCE = "arXiv 2501.17281"

# fmt: off
# family → (alpha, maximum absolute error)
MAX_ERROR: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "dho": (
        (5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0),
        (1.12e-05, 7.58e-05, 0.000648, 0.0024, 0.00735, 0.012, 0.0358, 0.0808, 0.144, 0.213, 0.276, 0.327,
         0.366, 0.396, 0.418),
    ),
    "ncff": (
        (10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0, 65.0, 70.0, 75.0, 80.0, 85.0, 90.0,
         95.0, 100.0, 105.0, 110.0, 115.0, 120.0, 125.0, 130.0, 135.0, 140.0, 145.0, 150.0),
        (0.000349, 0.000444, 0.000773, 0.00129, 0.00205, 0.00302, 0.00426, 0.00577, 0.00762, 0.00983, 0.0105,
         0.0134, 0.0171, 0.0219, 0.0279, 0.0356, 0.0449, 0.0566, 0.0703, 0.0864, 0.105, 0.122, 0.144, 0.167,
         0.192, 0.217, 0.264, 0.289, 0.314),
    ),
    "duffing": (
        (10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0),
        (0.000108, 0.000135, 0.000207, 0.000346, 0.000704, 0.0013, 0.00221, 0.00341, 0.00579, 0.0131, 0.0265, 0.0483,
         0.0797, 0.12, 0.174),
    ),
}
