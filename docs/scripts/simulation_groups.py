"""Write docs/simulation/groups.csv: error rates of ``compare --groups``, coverage of two intervals.

Run: ``python docs/scripts/simulation_groups.py`` (about two minutes on one core; the same table each time).
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mriparaspinal.stats.limits import Z975
from mriparaspinal.stats.omnibus import anova, compare_groups

FILE = Path(__file__).resolve().parents[1] / "simulation" / "groups.csv"
SEED = 20261205
SIZES = (8, 20, 40)

Floats = NDArray[np.float64]

#: Three groups without a difference of means (normal) or of distributions (skewed).
SHAPES: dict[str, tuple[Callable[[Floats], Floats], ...]] = {
    "normal, equal SD": (lambda z: z,) * 3,
    "normal, SD 1, 1 and 2": (lambda z: z, lambda z: z, lambda z: 2 * z),
    "skewed (log-normal, σ = 0.5)": (lambda z: np.exp(0.5 * z),) * 3,
}


def error_rates(replications: int = 1000) -> list[list[str]]:
    """How often the omnibus p, and any of the pairs, is below 0.05 without a difference."""
    rows = []
    for number, (name, shapes) in enumerate(SHAPES.items()):
        for n in SIZES:
            rng = np.random.default_rng([SEED, 1, number, n])
            found = [
                compare_groups([shape(rng.standard_normal(n)) for shape in shapes])
                for _ in range(replications)
            ]
            omnibus = np.mean([one.p < 0.05 for one in found])
            pairs = np.mean([any(pair.p < 0.05 for pair in one.pairs) for one in found])
            rows.append(["error rate", name, str(n), "omnibus", f"{omnibus:.4f}", str(replications)])
            rows.append(["error rate", name, str(n), "any pair", f"{pairs:.4f}", str(replications)])
    return rows


def coverage(replications: int = 2000) -> list[list[str]]:
    """How often 95 % intervals hold the true value: η² of three groups, Spearman's correlation."""
    rows = []
    true_eta = 0.2
    spread = np.sqrt(true_eta / (1 - true_eta) * 3 / 2)  # of means −d, 0, d
    for n in SIZES:
        rng = np.random.default_rng([SEED, 2, n])
        held = []
        for _ in range(replications):
            found = anova([rng.standard_normal(n) + d for d in (-spread, 0, spread)])
            held.append(found.effect_ci_low <= true_eta <= found.effect_ci_high)
        cell = f"{np.mean(held):.4f}"
        rows.append(["coverage", f"η² = {true_eta}", str(n), "noncentral F", cell, str(replications)])
    for rho in (0.3, 0.7, 0.9):
        true_r = 6 / np.pi * np.arcsin(rho / 2)
        for n in SIZES:
            rng = np.random.default_rng([SEED, 3, n, int(10 * rho)])
            pairs = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], (replications, n))
            r = np.array([stats.spearmanr(both).statistic for both in pairs])
            z = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
            for name, factor in (("Fisher", 1.0), ("Bonett and Wright", np.sqrt(1 + r**2 / 2))):
                held_too = np.abs(z - np.arctanh(true_r)) <= Z975 / np.sqrt(n - 3) * factor
                label = f"Spearman, ρ = {rho}"
                rows.append(["coverage", label, str(n), name, f"{held_too.mean():.4f}", str(replications)])
    return rows


def main() -> None:
    """Write the table."""
    header = ["what", "case", "n", "method", "share", "replications"]
    with FILE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *error_rates(), *coverage()])
    print(f"wrote {FILE}")


if __name__ == "__main__":
    main()
