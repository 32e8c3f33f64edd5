"""Models of a study from Python: one for all segments, muscles and sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mriparaspinal.analysis.change import open_sessions
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.model import ModelAsked, model_cohort
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.api.given import Files, Table
from mriparaspinal.api.statistics import Data, analysed, open_data, source_of
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.visits import MONTHS, SESSION
from mriparaspinal.measure.results import read_results, sessions_of
from mriparaspinal.stats.formula import columns_of, parse_formula


def model(
    data: Data,
    formula: str,
    *,
    metrics: Sequence[str] = (),
    random: Sequence[str] = (),
    slope: str | None = None,
    df: Literal["satterthwaite", "kenward-roger"] = "satterthwaite",
    means: Sequence[str] = (),
    where: Mapping[str, Sequence[str]] | None = None,
    participants: Table | None = None,
    join: Sequence[Data] = (),
) -> Analysis:
    """Fit one linear mixed model over segments, muscles and sides, or an analysis of covariance.

    Parameters
    ----------
    data, metrics, participants, join
        As for :func:`compare`; a table may have several rows per participant.
    formula : str
        Columns joined by ``+``, ``*`` and ``:``, such as ``group * role * segment + age``. With ``months`` or
        ``session`` in it, all sessions of a follow-up take part; else one has to be chosen.
    random : sequence of str, optional
        Columns with a random intercept beside that of the participant, such as ``site``.
    slope : str, optional
        Column of the formula whose effect differs from participant to participant, such as ``months``.
    df : {"satterthwaite", "kenward-roger"}
        Method of the degrees of freedom.
    means : sequence of str, optional
        Categories whose means are estimated, such as ``group:role``, or ``group|segment``: the groups within
        each segment.
    where : mapping of str to sequence of str, optional
        The rows that take part: column → its values, such as ``{"muscle": ["MF"]}``.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``f_tests.csv``; ``tables`` has ``models``, ``fixed_effects``,
        ``random_effects``, ``estimated_means`` and ``mean_differences``; ``figures`` are called
        ``residuals_…`` and ``means_…``.

    Raises
    ------
    UsageError
        For a formula, column or value that is not there, or is not what it has to be.
    NoInputError
        Where no row is left.

    Notes
    -----
    The participant is a random effect where any has several rows; else least squares. REML as in lme4,
    F tests of type III as in lmerTest, means as in emmeans; the page "Models" of the documentation has the
    formulas.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.model("sample_data/participants.csv", "group + age", metrics=["bmi"], means=["group"])
    >>> found.table[["term", "df1", "df2"]].values.tolist()
    [['group', 1, 13.0], ['age', 1, 13.0]]
    """
    asked = ModelAsked(
        formula=formula, metrics=metrics, random=random, slope=slope, df=df, means=means, where=where
    )
    over_time = not {MONTHS, SESSION}.isdisjoint(columns_of(parse_formula(formula)))
    opened = _open_sessions if over_time else open_data
    return analysed(data, participants, join, lambda cohort: model_cohort(cohort, asked), opened)


def _open_sessions(data: Data, participants: Table | None, given: Files) -> Cohort:
    """All sessions of a follow-up together, where none is chosen: their time is in the formula."""
    source = source_of(data, given)
    if isinstance(source, Path):
        if not source.is_dir():
            return open_data(data, participants, given)
        source = read_results(source)
    if source.session or len(sessions_of(source.contents, source.tables)) < 2:
        return open_data(data, participants, given)
    cohort, sessions = open_sessions(source, given.if_any(participants, PARTICIPANTS))
    return replace(cohort, notes=(f"sessions: {', '.join(sessions)} together", *cohort.notes))
