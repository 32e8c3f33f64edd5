"""Write docs/simulation/plan.csv: the power that ``plan`` computes beside that of simulated studies.

Run: ``python docs/scripts/simulation_plan.py`` (half a minute on one core; the same table each time).
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.stats import power

SEED = 20261129
SIZES = (8, 20, 40)
#: Differences in SD: none, and those that these sizes find in about half and 80 % of all studies.
EFFECTS = {8: (0.0, 1.1, 1.6), 20: (0.0, 0.65, 0.9), 40: (0.0, 0.45, 0.64)}
LEVEL = 0.05
HEADER = ("test", "n", "effect", "computed", "simulated")

Floats = NDArray[np.float64]


def main(studies: int = 4000) -> None:
    """Write the table."""
    file = Path(__file__).resolve().parents[1] / "simulation" / "plan.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        for n in SIZES:
            for effect in EFFECTS[n]:
                for test, computed, p in arms(n, effect, studies):
                    writer.writerow((test, n, effect, f"{computed:.3f}", f"{np.mean(p < LEVEL):.3f}"))
    print(f"wrote {file}")


def arms(n: int, effect: float, studies: int) -> Iterator[tuple[str, float, Floats]]:
    """(test, computed power, p of each study): normal values, SD 1 and 1.5, sides that correlate."""
    rng = np.random.default_rng([SEED, n, int(100 * effect)])
    spread = math.sqrt((1 + 1.5**2) / 2)
    a = rng.normal(effect * spread, 1, (studies, n))
    b = rng.normal(0, 1.5, (studies, n))
    shift = effect * spread
    share = float(stats.norm.cdf(shift / math.sqrt(1 + 1.5**2)))
    yield (
        "welch_t",
        power.welch_power(shift, 1, 1.5, n, n, LEVEL),
        stats.ttest_ind(a, b, axis=1, equal_var=False).pvalue,
    )
    yield (
        "mann_whitney_u",
        power.mann_whitney_power(share, n, n, LEVEL),
        stats.mannwhitneyu(a, b, axis=1, use_continuity=False, method="asymptotic").pvalue,
    )
    own = rng.normal(0, 1, (studies, n))
    x, y = (own + rng.normal(0, 0.7, (studies, n)) for _ in range(2))
    unit = math.sqrt(2) * 0.7
    difference = x - y + effect * unit
    yield (
        "paired_t",
        power.paired_power(effect, n, LEVEL),
        stats.ttest_1samp(difference, 0.0, axis=1).pvalue,
    )
    found = [stats.wilcoxon(row, correction=False, method="asymptotic").pvalue for row in difference]
    yield "wilcoxon", power.wilcoxon_power(effect, n, LEVEL), np.array(found)


if __name__ == "__main__":
    main()
