"""Write docs/simulation/sessions.csv: error rates and coverage of ``change``.

Run: ``python docs/scripts/simulation_sessions.py`` (about two minutes on one core; the same table each time).

Two groups of n participants each, three sessions, six months apart. Participants differ in their level
(SD 0.10) and in their slope (SD 0.002 a month), sessions by noise (SD 0.02): FI of a multifidus. The true
slope is 0.004 a month in both groups for the differences, and 0 for the tests within a group; normal values,
or with a tail to the right (log-normal noise of the same SD).
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pandas as pd

from mriparaspinal.stats.arms import compare_arms, compare_pairs
from mriparaspinal.stats.change_model import change_model
from mriparaspinal.stats.change_tests import interval_of_mean, welch_interval
from mriparaspinal.stats.effect_sizes import response_mean

TABLE = Path(__file__).resolve().parents[1] / "simulation" / "sessions.csv"
SEED = 20260417
SIZES = (8, 20, 40)
RUNS, MODELS = 800, 100
MONTHS = np.array([0.0, 6.0, 12.0])
BETWEEN, SLOPES, NOISE = 0.10, 0.002, 0.02
ALPHA = 0.05


def values(rng: np.random.Generator, n: int, slope: float, skewed: bool) -> np.ndarray:
    """(n, sessions)"""
    noise = rng.lognormal(0, 0.7, (n, 3)) if skewed else rng.normal(0, 1, (n, 3))
    noise = (noise - (math.exp(0.245) if skewed else 0)) / (noise.std() if skewed else 1)
    level, own = rng.normal(0.35, BETWEEN, n), rng.normal(slope, SLOPES, n)
    return level[:, None] + own[:, None] * MONTHS + NOISE * noise


def slopes_of(table: np.ndarray) -> np.ndarray:
    """(n,) least squares over the sessions."""
    centred = MONTHS - MONTHS.mean()
    return np.asarray(table @ centred / (centred @ centred))


def rejected(p: float) -> bool:
    """Whether a test finds a difference."""
    return p < ALPHA


def holds(truth: float, low: float, high: float) -> bool:
    """Whether an interval has the truth in it."""
    return low <= truth <= high


def cases(n: int, skewed: bool) -> dict[str, float]:
    """Shares of the runs, by what they are of."""
    rng = np.random.default_rng([SEED, n, int(skewed)])
    found: dict[str, list[bool]] = {}
    true_srm = 0.004 * 12 / math.sqrt((12 * SLOPES) ** 2 + 2 * NOISE**2)
    for _ in range(RUNS):
        still, a, b = (values(rng, n, slope, skewed) for slope in (0.0, 0.004, 0.004))
        change = a[:, 2] - a[:, 0]
        mean, sd, low, high = interval_of_mean(change)
        one = {
            "error: paired test": rejected(compare_pairs(still[:, 2], still[:, 0]).p),
            "error: difference of slopes": rejected(compare_arms(slopes_of(a), slopes_of(b)).p),
            "coverage: mean change": holds(0.048, low, high),
            "coverage: difference of slopes": holds(0.0, *welch_interval(slopes_of(a), slopes_of(b))[1:]),
            "coverage: SRM": holds(true_srm, *response_mean(mean, sd, n)[1:]),
        }
        for name, share in one.items():
            found.setdefault(name, []).append(share)
    shares = {name: float(np.mean(one)) for name, one in found.items()}
    return shares | of_models(rng, n, skewed)


def of_models(rng: np.random.Generator, n: int, skewed: bool) -> dict[str, float]:
    """The same of group × time: all runs at once, each as a muscle of its own."""
    place = {"segment": "L3", "metric": "fi", "role": "symptomatic"}
    parts = []
    for run in range(MODELS):
        for group in ("ALS", "LR"):
            table = values(rng, n, 0.004, skewed)
            parts += [
                {
                    "group": group,
                    "participant_id": f"{group}_{i}",
                    "session": f"v{k + 1}",
                    "months": MONTHS[k],
                }
                | {"value": table[i, k], "muscle": f"M{run}"}
                for i in range(n)
                for k in range(3)
            ]
    models, _ = change_model(pd.DataFrame(parts).assign(**place), ["v1", "v2", "v3"])
    inside = (models["ci_low"] <= 0) & (models["ci_high"] >= 0)
    return {
        "error: group × time": float((models["p"] < ALPHA).mean()),
        "coverage: group × time": float(inside.mean()),
    }


def main() -> None:
    """Write the table."""
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["n_per_group", "values", "what", "share", "runs"])
        for n in SIZES:
            for skewed in (False, True):
                for what, share in cases(n, skewed).items():
                    runs = MODELS if "×" in what else RUNS
                    writer.writerow([n, "skewed" if skewed else "normal", what, f"{share:.4f}", runs])


if __name__ == "__main__":
    main()
