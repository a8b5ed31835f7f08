"""Maximum absolute errors that arXiv 2501.17281 publishes for one-shot transfer to stiffer members.

From the authors' result files, over uniform times in [0, 10]; the larger of the two states' errors. Their dho is
labelled by 2·alpha; here it is alpha. Facts to compare with: nothing is computed from them.
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
}
