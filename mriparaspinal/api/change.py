"""``change`` from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from mriparaspinal.analysis.change import change_cohort, open_sessions
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.api.given import PathLike, Table, files, telling
from mriparaspinal.api.results import StudyResults
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.measure.results import read_results


def change(
    results: PathLike | StudyResults,
    *,
    metrics: Sequence[str] = (),
    mdc: Table | None = None,
    normality: Literal["lilliefors", "shapiro"] | None = None,
    participants: Table | None = None,
) -> Analysis:
    """Follow the muscles from session to session: change, slope per month, and their tests.

    The page "Follow-up" of the documentation has the formulas.

    Parameters
    ----------
    results : StudyResults, str or Path
        Results of a study whose slices have sessions (``ALS_7_v2_3.png``).
    metrics : sequence of str, optional
        Columns to follow; without them ``fi`` and ``rcsa``.
    mdc : str, Path or DataFrame, optional
        ``reliability.csv``: changes beyond the minimal detectable change of ICC(A,1) are told.
    normality : {"lilliefors", "shapiro"}, optional
        Test of normality of the changes; without it that of the protocol, else ``lilliefors``.
    participants : str, Path or DataFrame, optional
        Participants table in place of the results' own; with a row per session for months or dates.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``change_tests.csv``; ``tables`` also ``changes``,
        ``participant_slopes``, ``slopes`` and ``change_differences``.

    Raises
    ------
    UsageError
        For results without sessions, and where neither months nor names tell the order of the sessions.
    NothingToCompareError
        For one session.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scans = mp.make_phantom(f"{folder}/scans", als=1, lr=1, sessions=2, size=128).out
    ...     found = mp.change(mp.quantify(scans), metrics=["fi"])
    >>> found.tables["participant_slopes"]["n"].unique().tolist()
    [2]
    """
    with files() as given:
        if isinstance(results, StudyResults):
            read, own = results.read, results.where is None
        else:
            read, own = read_results(given.of(results, "")), False
        cohort, sessions = open_sessions(read, given.if_any(participants, PARTICIPANTS))
        with telling(cohort.problems):
            found = change_cohort(cohort, sessions, metrics, normality, given.if_any(mdc, "reliability.csv"))
    people = int(cohort.table["participant_id"].nunique())
    tests = {"tests": len(found.table), "p_below_0_05": int((found.table["p"] < 0.05).sum())}
    return replace(
        found,
        problem_list=cohort.problems,
        sources=() if own else cohort.sources,
        paths=(*given.paths, *([] if own else [Path(read.folder)])),
        summary={"participants": people, "sessions": sessions, **tests},
    )
