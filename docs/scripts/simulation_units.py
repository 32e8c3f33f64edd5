"""Write docs/simulation/units.csv: coverage of differences, errors of equivalence, interaction and max-T.

Run: ``python docs/scripts/simulation_units.py`` (about two minutes on one core; the same file each time).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.stats.arms import compare_arms, compare_pairs
from mriparaspinal.stats.effect_sizes import matched_rank_biserial
from mriparaspinal.stats.equivalence import equivalence
from mriparaspinal.stats.max_t import max_t, max_t_paired
from mriparaspinal.stats.shift import Shift, hodges_lehmann, pseudo_median

FILE = Path(__file__).resolve().parents[1] / "simulation" / "units.csv"
SEED = 20261129
#: Participants in each group, and pairs.
SIZES = (8, 20, 40)
#: Rows of a contrast, and how they are correlated within a participant.
ROWS, CORRELATION = 30, 0.5

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Floats]

SHAPES: dict[str, Draw] = {
    "normal": lambda rng, size: rng.standard_normal(size),
    "log-normal, σ = 1": lambda rng, size: np.exp(rng.standard_normal(size)),
    "normal, in steps of half an SD": lambda rng, size: np.round(2 * rng.standard_normal(size)) / 2,
}


def main() -> None:
    """Write the table."""
    rows = [row for n in SIZES for row in (*coverage(n), *errors(n), *families(n))]
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["n", "data", "what", "per cent", "of"])
        writer.writerows(rows)
    print(f"wrote {FILE}")


Row = tuple[int, str, str, str, int]


def _row(n: int, data: str, what: str, hits: list[bool]) -> Row:
    return n, data, what, f"{100 * np.mean(hits):.1f}", len(hits)


def coverage(n: int, replications: int = 800) -> list[Row]:
    """How often a 95 % interval has the true difference, here 0.5 more in arm a, in it."""
    rows = []
    for number, (shape, draw) in enumerate(SHAPES.items()):
        rng = np.random.default_rng([SEED, 1, n, number])
        found: dict[str, list[bool]] = {}
        for _ in range(replications):
            a, b = draw(rng, (n,)) + 0.5, draw(rng, (n,))
            # Pairs share half of their variance; the differences of equal sides are symmetric about 0.5.
            shared = rng.standard_normal(n)
            x, y = shared + draw(rng, (n,)) + 0.5, shared + draw(rng, (n,))
            chosen, paired = compare_arms(a, b), compare_pairs(x, y)
            for what, low, high in (
                ("Hodges–Lehmann", *_ends(hodges_lehmann(a, b))),
                ("pseudo-median", *_ends(pseudo_median(x - y))),
                ("difference of the protocol", chosen.difference_ci_low, chosen.difference_ci_high),
                ("paired_difference", paired.difference_ci_low, paired.difference_ci_high),
            ):
                found.setdefault(f"covered: {what}", []).append(low <= 0.5 + 1e-9 and high >= 0.5 - 1e-9)
        rows += [_row(n, shape, what, hits) for what, hits in found.items()]
    return rows + _coverage_of_r(n, replications)


def _ends(shift: Shift) -> tuple[float, float]:
    return shift.low, shift.high


def _coverage_of_r(n: int, replications: int) -> list[Row]:
    """Of the matched-pairs rank-biserial correlation, whose true value is that of very many pairs."""
    rows = []
    for shift in (0.0, 0.5):
        rng = np.random.default_rng([SEED, 2, n, round(10 * shift)])
        # E[R₊] = n·P(d > 0) + n(n − 1)/2·P(d_i + d_j > 0) for normal differences.
        alone, both = stats.norm.cdf(shift), stats.norm.cdf(shift * np.sqrt(2))
        true = 2 * (n * alone + n * (n - 1) / 2 * both) / (n * (n + 1) / 2) - 1
        found = [matched_rank_biserial(rng.standard_normal(n) + shift) for _ in range(replications)]
        known = [low <= true <= high for _, low, high in found if low == low]
        rows.append(_row(n, f"normal, mean difference {shift} SD", "covered: matched_rank_biserial", known))
    return rows


def errors(n: int, replications: int = 800) -> list[Row]:
    """Equivalence claimed where the true difference is the margin; an interaction where there is none."""
    rows = []
    for number, (shape, draw) in enumerate(SHAPES.items()):
        rng = np.random.default_rng([SEED, 3, n, number])
        equal, interaction = [], []
        for _ in range(replications):
            a, b = draw(rng, (n,)) + 1.0, draw(rng, (n,))
            equal.append(equivalence(a, b, compare_arms(a, b).test, 1.0).p < 0.05)
            # Sides differ by one SD in both groups alike.
            sides = [draw(rng, (n,)) + 1.0 - draw(rng, (n,)) for _ in range(2)]
            interaction.append(compare_arms(*sides).p < 0.05)
        rows.append(_row(n, shape, "error: equivalent at the margin", equal))
        rows.append(_row(n, shape, "error: interaction", interaction))
    return rows


def families(n: int, studies: int = 300, permutations: int = 1000) -> list[Row]:
    """Studies of 30 correlated rows without any difference: how many have a false hit."""
    rows = []
    for number, (shape, draw) in enumerate(SHAPES.items()):
        rng = np.random.default_rng([SEED, 4, n, number])
        groups, sides, fdr, holm = [], [], [], []
        ranked = np.arange(ROWS) % 2 == 1
        for study in range(studies):
            person = rng.standard_normal((2 * n, 1))
            values = np.sqrt(CORRELATION) * person + np.sqrt(1 - CORRELATION) * draw(rng, (2 * n, ROWS))
            is_a = np.arange(2 * n) < n
            groups.append(bool(max_t(values, is_a, ranked, permutations, study).p.min() < 0.05))
            p = stats.ttest_ind(values[is_a], values[~is_a]).pvalue
            fdr.append(bool(stats.false_discovery_control(p).min() < 0.05))
            holm.append(bool(p.min() * ROWS < 0.05))
            sides.append(
                bool(max_t_paired(values[is_a] - values[~is_a], ranked, permutations, study).p.min() < 0.05)
            )
        for what, hits in (
            ("p_max_t", groups), ("paired_p_max_t", sides), ("Benjamini–Hochberg", fdr), ("Holm", holm),
        ):  # fmt: skip
            rows.append(_row(n, shape, f"a false hit among 30 rows: {what}", hits))
    return rows


if __name__ == "__main__":
    main()
