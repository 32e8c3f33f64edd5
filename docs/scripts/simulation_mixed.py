"""Write docs/simulation/mixed.csv: error rates and coverage of ``model``.

Run: ``python docs/scripts/simulation_mixed.py`` (about two minutes on one core; the same table each time).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from mriparaspinal.stats.formula import parse_formula
from mriparaspinal.stats.mixed_df import Inference, LeastSquares, kenward_roger, satterthwaite
from mriparaspinal.stats.mixed_model import Grouping, MixedFit, fit_reml, gather
from mriparaspinal.stats.model_matrix import ModelMatrix, hypotheses, make_matrix

TABLE = Path(__file__).resolve().parents[1] / "simulation" / "mixed.csv"
SEED = 20261129
#: Participants in all, half of them in either group.
PEOPLE = (8, 20, 40)
#: Name → formula, and whether participants differ in their slopes, too.
DESIGNS = {"sides and segments": ("group * role + segment", False), "follow-up": ("group * months", True)}
COLUMNS = ["design", "participants", "what", "method", "share", "replications", "not_converged"]
#: What a row is about, where it is no F test.
INTERVAL = "coverage, mean of a group"


def main(replications: int = 600) -> None:
    """Write the table."""
    rows = [row for design in DESIGNS for people in PEOPLE for row in simulated(design, people, replications)]
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"wrote {TABLE}")


def simulated(design: str, people: int, replications: int, seed: int = SEED) -> list[dict[str, object]]:
    """No term has an effect: how often p is below 0.05, and the interval of a mean contains the true one."""
    formula, has_slopes = DESIGNS[design]
    rng = np.random.default_rng([seed, list(DESIGNS).index(design), people])
    found: dict[tuple[str, str], list[bool]] = {}
    failed = 0
    for _ in range(replications):
        table = table_of(people, has_slopes, rng)
        matrix, _ = make_matrix(table, parse_formula(formula))
        columns = np.column_stack([np.ones(len(table)), *([table["months"]] if has_slopes else [])])
        grouping = Grouping("participant_id", pd.factorize(table["participant_id"])[0], columns)
        fit = fit_reml(gather(table["y"].to_numpy(), matrix.x, [grouping]))
        failed += fit is None
        for method, what, is_true in judged(matrix, fit) if fit else ():
            found.setdefault((what, method), []).append(is_true)
    return [
        {
            "design": design,
            "participants": people,
            "what": what,
            "method": method,
            "share": f"{np.mean(values):.4f}",
            "replications": len(values),
            "not_converged": failed,
        }
        for (what, method), values in found.items()
    ]


def judged(matrix: ModelMatrix, fit: MixedFit) -> Iterator[tuple[str, str, bool]]:
    """Method, what is asked of it, and whether it is so."""
    methods: dict[str, Inference] = {
        "Satterthwaite": satterthwaite(fit),
        "Kenward–Roger": kenward_roger(fit),
        # z and χ²: t and F as if the variances were known.
        "normal": LeastSquares(fit.beta, fit.covariance, 10**9),
    }
    means, _ = matrix.mean_rows(middle_of(matrix), np.ones((1, 1)))
    for name, inference in methods.items():
        for term, rows in hypotheses(matrix).items():
            test = inference.f_test(rows)
            yield name, f"p < 0.05, {term}", bool(stats.f.sf(test.f, test.df1, test.df2) < 0.05)
        half = stats.t.ppf(0.975, inference.df(means)[0]) * np.sqrt(
            (means @ inference.covariance @ means.T)[0, 0]
        )
        yield name, INTERVAL, bool(abs((means @ inference.beta)[0]) <= half)


def middle_of(matrix: ModelMatrix) -> pd.DataFrame:
    """One group at baseline, or one side of one segment."""
    return matrix.table.iloc[[0]]


def table_of(people: int, has_slopes: bool, rng: np.random.Generator) -> pd.DataFrame:
    """Participants and residuals of SD 1; with slopes of SD 0.1 a month; a tenth of the rows is missing."""
    places = (
        [("a", "a", months) for months in (0.0, 6.0, 12.0, 18.0)]
        if has_slopes
        else [(segment, role, 0.0) for segment in ("L3", "L4", "L5") for role in ("C", "S")]
    )
    rows = []
    for person in range(people):
        own, slope = rng.standard_normal(2) * (1.0, 0.1 * has_slopes)
        for segment, role, months in places:
            if rng.random() >= 0.1:
                y = own + slope * months + rng.standard_normal()
                rows.append((f"P{person}", "AB"[person % 2], segment, role, months, y))
    return pd.DataFrame(rows, columns=["participant_id", "group", "segment", "role", "months", "y"])


if __name__ == "__main__":
    main()
