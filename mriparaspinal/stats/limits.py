"""Constants of the statistics: the level of significance, quantiles, numbers too large to compute with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: A p-value below this is called significant.
ALPHA = 0.05

#: Of every interval.
CONFIDENCE = 0.95

#: Beyond this fourth powers overflow; no measurement is as large.
TOO_LARGE = 1e60

#: Below this, but for zero itself, squares become zero; no measurement is as small.
TOO_SMALL = 1e-60


def of_usual_size(values: Any) -> Any:
    """Which numbers (array or series, any shape) can be squared without overflow or loss; not NaN."""
    sizes = np.abs(values)
    return (sizes < TOO_LARGE) & ((sizes > TOO_SMALL) | (sizes == 0))


#: Half the width of the limits of agreement in SD, and the factor of the 95 % minimal detectable change.
LIMITS_FACTOR = 1.96

Matrix = NDArray[np.float64]

#: The normal quantile of a 95 % interval (not the rounded 1.96).
Z975 = 1.959963984540054

Vector = NDArray[np.float64]

Mask = NDArray[np.bool_]
