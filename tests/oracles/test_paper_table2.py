"""Table 2 of Ren et al. 2026: the cells printed as mean ± SD, and the p-values beside them."""

from __future__ import annotations

import csv
import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mriparaspinal.stats.arms import compare_arms

TABLE = Path(__file__).parents[2] / ".." / "shared" / "papers" / "ren2026_table2.csv"
GROUPS = {"als": 38, "lr": 32}
HALF = 0.005  # the cells are rounded to two decimals

Cell = tuple[float, float]


def mean_sd(text: str) -> Cell | None:
    found = re.fullmatch(r"(\d\.\d\d) ± (\d\.\d\d)", text.strip())
    return (float(found[1]), float(found[2])) if found else None


def printed() -> list[tuple[str, int, Cell, Cell, str]]:
    """Name, n, both cells and the p-value of each pair of cells that are both mean ± SD."""
    if not TABLE.exists():
        return []
    found = []
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for group, n in GROUPS.items():
                a, b = mean_sd(row[f"{group}_symptomatic"]), mean_sd(row[f"{group}_contralateral"])
                if a and b:
                    name = " ".join([row["segment"], row["muscle"], row["metric"], group.upper()])
                    found.append((name, n, a, b, row[f"p_{group}_sides"]))
    return found


ROWS = printed()
pytestmark = pytest.mark.skipif(not ROWS, reason="the paper's tables (../shared/papers) are not here")


def p_range(a: Cell, b: Cell, n: int) -> tuple[float, float]:
    """The smallest and largest p of an independent t-test over the rounding intervals of both cells."""
    gap = abs(a[0] - b[0])
    small, large = max(gap - 2 * HALF, 0.0), gap + 2 * HALF
    p = [
        stats.ttest_ind_from_stats(far, a[1] + s, n, 0.0, b[1] + s, n).pvalue
        for far, s in ((large, -HALF), (small, HALF))
    ]
    return float(p[0]), float(p[1])


def holds(p: str, low: float, high: float) -> bool:
    """The printed p-value, rounded to three decimals or given as a bound, is possible in the range."""
    if p.startswith("<"):
        return low < float(p[1:])
    return low - 0.0005 <= float(p) <= high + 0.0005


def sample(cell: Cell, n: int) -> np.ndarray:
    """Normal scores with exactly this mean and SD."""
    scores = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return cell[0] + cell[1] * scores / scores.std(ddof=1)


def test_all_36_are_found():
    assert len(ROWS) == 36


@pytest.mark.parametrize(("name", "n", "a", "b", "p"), ROWS, ids=[row[0] for row in ROWS])
def test_printed_p_is_that_of_an_independent_t_test(name, n, a, b, p):
    assert holds(p, *p_range(a, b, n))


@pytest.mark.parametrize(("name", "n", "a", "b", "p"), ROWS, ids=[row[0] for row in ROWS])
def test_samples_with_the_printed_cells_give_cells_and_p(name, n, a, b, p):
    result = compare_arms(sample(a, n), sample(b, n))
    assert result.test in ("student_t", "welch_t")
    assert result.summaries == tuple(f"{mean:.2f} ± {sd:.2f}" for mean, sd in (a, b))
    corners = [
        compare_arms(sample((a[0] + da, a[1] + s), n), sample((b[0] + db, b[1] + s), n)).p
        for da, db, s in itertools.product((-HALF, HALF), (-HALF, HALF), (-HALF, HALF))
    ]
    # Where the cells may be equal, no difference at all is possible, and with it p = 1.
    high = 1.0 if abs(a[0] - b[0]) <= 2 * HALF else max(corners)
    assert holds(p, min(corners), high)
