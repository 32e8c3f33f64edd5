"""``plan`` from Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mriparaspinal.analysis.plan import plan_study
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.api.given import Table
from mriparaspinal.api.statistics import Data, analysed
from mriparaspinal.stats.power import Target


def plan(
    data: Data | None = None,
    *,
    contrasts: Sequence[str] = (),
    metrics: Sequence[str] = (),
    roles: Sequence[Literal["symptomatic", "contralateral", "bilateral"]] = (),
    target: Target = Target(),  # noqa: B008 (frozen)
    participants: Table | None = None,
    join: Sequence[Data] = (),
) -> Analysis:
    """How many participants the next study needs; the page "Planning a study" has the formulas.

    Parameters
    ----------
    data : StudyResults, str, Path or DataFrame, optional
        As for :func:`compare`; without it only the ICC and AUC of ``target`` are planned.
    contrasts, metrics, participants, join
        As for :func:`compare`.
    roles
        As for :func:`correlate`.
    target : Target
        Power and level; the difference to detect, in the unit of the metric or in SD; the ICC and AUC that
        are expected. Without a difference that of ``data`` counts.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``plan.csv``, ``tables["plan_curve"]`` the power by size; without
        ``data`` ``table`` has those of ``plan_icc_auc.csv``.

    Raises
    ------
    UsageError
        For what is not there, or cannot be planned for.
    NothingToCompareError
        If there are fewer than two values in an arm.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> target = mp.Target(difference=2, power=0.9)
    >>> found = mp.plan(
    ...     "sample_data/participants.csv", contrasts=["group:ALS-LR"], metrics=["bmi"], target=target
    ... )
    >>> found.table[["test", "assumed"]].values.tolist()
    [['welch_t', 'given'], ['mann_whitney_u', 'given'], ['auc', 'given']]
    >>> mp.plan(target=mp.Target(icc=0.85, icc_width=0.2, raters=4)).table["needed_a"].tolist()
    [20]
    """
    if data is None:
        return plan_study(None, target=target)
    return analysed(
        data, participants, join, lambda cohort: plan_study(cohort, contrasts, metrics, roles, target)
    )
