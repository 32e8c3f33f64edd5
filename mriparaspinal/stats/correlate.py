"""Partial correlation of the muscles' metrics with clinical scores."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of
from mriparaspinal.stats import design
from mriparaspinal.stats.bootstrap import clusters_of
from mriparaspinal.stats.cells import as_text, never_has, require_named, without
from mriparaspinal.stats.clustered_correlation import clustered_correlation
from mriparaspinal.stats.design import Array
from mriparaspinal.stats.limits import Z975

Method = Literal["pearson", "spearman"]

COLUMNS = [
    "segment",
    "muscle",
    "metric",
    "role",
    "score",
    "covariates",
    "method",
    "n",
    "df",
    "r",
    "ci_low",
    "ci_high",
    "p",
    "p_adjusted",
]

#: These follow where the method is ``spearman``.
SPEARMAN_COLUMNS = ["bonett_wright_low", "bonett_wright_high"]


@dataclass(frozen=True)
class Residuals:
    """What is left of a metric and a score once the covariates are taken out; for tests and scatter plots."""

    participants: tuple[str, ...]
    """The complete cases, in the order of ``metric`` and ``score``; empty where there are no ids."""
    metric: Array
    """(n,) in the metric's unit, or in ranks for ``spearman``; mean 0."""
    score: Array
    """(n,) in the score's unit, or in ranks for ``spearman``; mean 0."""
    n_terms: int
    """Number of covariate columns taken out; a category counts its levels less one."""
    problem: str
    """Why there is no correlation; the residuals are then empty. Empty text: none."""


def correlate(
    cohort: pd.DataFrame,
    scores: Sequence[str],
    covariates: Sequence[str] = (),
    metrics: Sequence[str] = ("fi", "rcsa"),
    roles: Sequence[str] = ("symptomatic",),
    group: str | None = None,
    method: Method = "pearson",
    cluster: str | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Correlate each metric with each score, with the covariates held constant.

    Ren et al. 2026, Table 4: ALSFRS-R lower-limb items with FI and rCSA in ALS, controlling for age
    and BMI. With n complete cases and k covariate columns,

    - r is Pearson's correlation of the residuals of metric and score from least squares on the
      covariates; for ``spearman`` metric, score and covariates are ranked first (mean ranks for ties);
    - df = n − 2 − k, t = r·√(df/(1 − r²)), p two-sided;
    - the 95 % interval is tanh(atanh(r) ± 1.96·1/√(n − k − 3)), Fisher's z with the covariates taken
      off n, for both methods (what ``pingouin.partial_corr`` gives);
    - for ``spearman`` ``bonett_wright_low`` and ``bonett_wright_high`` are the same with the standard error
      √((1 + r²/2)/(n − k − 3)) of Bonett and Wright (Psychometrika 2000;65:23–28);
    - ``p_adjusted`` is Benjamini and Hochberg's, over all rows of one score.

    A text covariate enters as 0/1 columns, the first level in alphabetical order being the reference.

    Args:
        cohort: long table, one row per participant × segment × muscle × side; or a plain table with
            ``segment``, ``muscle``, ``role`` empty, one row per participant.
        scores: columns of numbers.
        covariates: columns of numbers or categories.
        metrics: columns of numbers.
        roles: some of ``symptomatic``, ``contralateral``, ``bilateral``; not looked at in a plain table.
        group: keep this group; None: all.
        method: ``pearson`` or ``spearman``.
        cluster: column whose rows with one value are not independent, such as ``participant_id``: df, p and
            interval are those of ``stats.clustered_correlation``; the table has ``cluster, clusters``, too.

    Returns:
        One row per segment, muscle, metric, role and score, in that order; none of a muscle or side that
        has no such measure. Where there is no
        correlation (too few cases, nothing that varies, covariates that determine each other, the
        metric or the score) the cells from ``df`` on are empty, and a note says why.

    Raises:
        UsageError: a column is missing, holds text, or is asked for twice; group, role or method are
            unknown; a participant has more than one row in a test.
    """
    _require(method, scores, metrics)
    design.require_distinct([*metrics, *scores, *covariates])
    cells, notes = design.select(cohort, [*metrics, *scores], covariates, roles, group, cluster)
    records: list[dict[str, Any]] = []
    findings: list[tuple[str, str]] = []
    for cell, metric in itertools.product(cells, metrics):
        measured = {role: rows for role, rows in cell.by_role.items() if not never_has(rows, metric).all()}
        for (role, rows), score in itertools.product(measured.items(), scores):
            left = residuals(rows, metric, score, covariates, method)
            numbers, problem = _test(left, method)
            what = (cell.segment, cell.muscle, metric, role, score, "+".join(covariates), method)
            if cluster is not None and not left.problem:
                numbers, problem = _clustered(rows, metric, score, covariates, method, cluster)
            if problem:
                place = " ".join(x for x in (*what[:4], "with", score) if x)
                findings.append((place, problem))
            keys = dict(zip(COLUMNS, what, strict=False))
            records.append(keys | {"n": len(left.participants)} | numbers)
    table = _adjusted(_table(records, method))
    if cluster is not None:
        table = table.assign(cluster=cluster, clusters=[record.get("clusters") for record in records])
        notes.append(f"r is that of all rows: it mixes differences between and within one {cluster}")
    made = set(table["metric"])
    notes += without(name for name in metrics if cells and name not in made)
    return table, [*notes, *design.gather_notes(findings)]


def residuals(
    rows: pd.DataFrame,
    metric: str,
    score: str,
    covariates: Sequence[str] = (),
    method: Method = "pearson",
) -> Residuals:
    """What least squares on the covariates leaves of a metric and a score, over the complete cases.

    Args:
        rows: one row per participant: those of one segment, muscle and role.
        metric: column of floats; missing is NaN.
        score: column of floats; missing is NaN.
        covariates: columns of floats or texts; missing is NaN or None.
        method: ``spearman`` ranks all columns first.

    >>> rows = pd.DataFrame({"fi": [0.2, 0.4, 0.9, 0.5], "alsfrs_lower": [9.0, 7.0, 2.0, 6.0]})
    >>> residuals(rows, "fi", "alsfrs_lower").score.tolist()
    [3.0, 1.0, -4.0, 0.0]
    """
    complete = rows.dropna(subset=[metric, score, *covariates])
    matrix, terms = design.encode(complete, covariates)
    x = complete[metric].to_numpy(dtype=float)
    y = complete[score].to_numpy(dtype=float)
    ids = complete["participant_id"] if "participant_id" in complete.columns else [""] * len(x)
    participants = tuple(as_text(one) for one in ids)

    def failed(problem: str) -> Residuals:
        return Residuals(participants, np.empty(0), np.empty(0), len(terms), problem)

    if len(x) - 2 - len(terms) < 1:
        return failed(
            f"{count_of(len(x), 'complete case')} with {count_of(len(terms), 'covariate column')} is too few"
        )
    for name, values in ((metric, x), (score, y)):
        if design.is_constant(values):
            return failed(f"{name} has the same value in all complete cases")
    if method == "spearman":
        x, y, matrix = stats.rankdata(x), stats.rankdata(y), stats.rankdata(matrix, axis=0)
    redundant = design.redundant_terms(matrix, terms)
    if redundant:
        return failed(f"{', '.join(redundant)}: constant, or determined by the other covariates")
    x_left, y_left = design.residual(x, matrix), design.residual(y, matrix)
    for name, left, values in ((metric, x_left, x), (score, y_left, y)):
        if design.is_nothing(left, values):
            return failed(f"{name} is determined by the covariates")
    return Residuals(participants, x_left, y_left, len(terms), "")


def p_from_r(r: float, df: int) -> float:
    """Two-sided p of a (partial) correlation ``r`` with ``df`` = n − 2 − k degrees of freedom.

    Ren et al. 2026, Table 4: FI of the multifidus at L1.

    >>> round(p_from_r(-0.393, 32), 3)
    0.021
    """
    if not (-1 <= r <= 1 and df >= 1):
        raise ValueError(f"r = {r} and df = {df}; expected -1 <= r <= 1 and df >= 1")
    if abs(r) == 1:
        return 0.0
    t = r * np.sqrt(df / ((1 - r) * (1 + r)))
    return float(2 * stats.t.sf(abs(t), df))


def _require(method: str, scores: Sequence[str], metrics: Sequence[str]) -> None:
    if method not in ("pearson", "spearman"):
        raise UsageError(f"method: '{method}'; expected pearson or spearman; choose one of them")
    require_named({"score": scores, "metric": metrics})


def _test(left: Residuals, method: Method) -> tuple[dict[str, Any], str]:
    """(the numbers from ``df`` to ``p``, what is worth a note)."""
    if left.problem:
        return {}, left.problem
    n, k = len(left.participants), left.n_terms
    scale = np.linalg.norm(left.metric) * np.linalg.norm(left.score)
    r = float(np.clip(left.metric @ left.score / scale, -1, 1))
    numbers = {"df": n - 2 - k, "r": r, "p": p_from_r(r, n - 2 - k)}
    if n - k - 3 < 1:
        return numbers, "too few complete cases for a confidence interval"
    half = Z975 / np.sqrt(n - k - 3)
    with np.errstate(divide="ignore"):  # r = ±1: the interval shrinks to r
        z = np.arctanh(r)
    numbers |= {"ci_low": float(np.tanh(z - half)), "ci_high": float(np.tanh(z + half))}
    if method == "spearman":
        half *= np.sqrt(1 + r**2 / 2)
        ends = float(np.tanh(z - half)), float(np.tanh(z + half))
        numbers |= dict(zip(SPEARMAN_COLUMNS, ends, strict=True))
    return numbers, ""


def _clustered(
    rows: pd.DataFrame, metric: str, score: str, covariates: Sequence[str], method: Method, cluster: str
) -> tuple[dict[str, Any], str]:
    """The numbers and the note where rows share a cluster."""
    complete = rows.dropna(subset=[metric, score, *covariates])
    matrix, _ = design.encode(complete, covariates)
    x, y = (complete[name].to_numpy(dtype=float) for name in (metric, score))
    clusters = clusters_of(complete[cluster])
    numbers, notes = clustered_correlation(x, y, matrix, clusters, ranks=method == "spearman")
    return numbers, "; ".join(notes)


def _table(records: list[dict[str, Any]], method: Method) -> pd.DataFrame:
    more = SPEARMAN_COLUMNS if method == "spearman" else []
    table = pd.DataFrame(records, columns=[*COLUMNS, *more])
    floats = ["r", "ci_low", "ci_high", "p", "p_adjusted", *more]
    df = pd.Series([record.get("df") for record in records], dtype=object)
    return table.astype(dict.fromkeys(floats, float)).assign(df=df)


def _adjusted(table: pd.DataFrame) -> pd.DataFrame:
    for score in table["score"].unique():
        family = table["score"].eq(score) & table["p"].notna()
        if family.any():
            table.loc[family, "p_adjusted"] = stats.false_discovery_control(table.loc[family, "p"])
    return table
