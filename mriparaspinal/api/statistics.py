"""The statistics of a study from Python: from results, files or data frames to tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

import pandas as pd

from mriparaspinal.analysis.compare import compare_cohort
from mriparaspinal.analysis.correlate import correlate_cohort
from mriparaspinal.analysis.inputs import Cohort, join_tables, open_cohort, open_table, open_wide
from mriparaspinal.analysis.regress import regress_cohort
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.analysis.roc import discriminate
from mriparaspinal.api.given import Files, PathLike, Table, files, problems_frame
from mriparaspinal.api.measuring import StudyResults
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.measure.results import Results

Data: TypeAlias = Table | StudyResults
"""Results of a study, or any table with one row per participant."""


def _source(data: Data, given: Files) -> Path | Results:
    """What the readers of the commands take; of results that are in hand the files that they are made of."""
    if not isinstance(data, StudyResults):
        return given.of(data, "table.csv")
    if data.saved:
        given.paths.append(data.read.folder)
    return data.read


def _open(data: Data, participants: Table | None, given: Files) -> Cohort:
    source = _source(data, given)
    people = given.if_any(participants, PARTICIPANTS)
    if isinstance(source, Path) and source.is_file():
        return open_table(source, people)
    return open_cohort(source, people)


def _analyse(
    data: Data,
    participants: Table | None,
    join: Sequence[Data],
    analyse: Callable[[Cohort], Analysis],
    opened: Callable[[Data, Table | None, Files], Cohort] = _open,
) -> Analysis:
    """An analysis of data, which knows what it must not write over, and what must not change meanwhile."""
    with files() as given:
        cohort = opened(data, participants, given)
        cohort = join_tables(cohort, [_joined(table, n, given) for n, table in enumerate(join, 1)])
    own = isinstance(data, StudyResults) and not data.saved
    return replace(
        analyse(cohort),
        problems=problems_frame(cohort.problems),
        sources=cohort.sources[own:],
        paths=tuple(given.paths),
    )


def _joined(table: Data, number: int, given: Files) -> Path:
    if isinstance(table, StudyResults):
        if not table.saved:
            raise UsageError("join: results that were not saved; expected a folder; save them first")
        return given.of(table.read.folder, "")
    return given.of(table, f"join_{number}.csv")


def compare(
    data: Data,
    *,
    contrasts: Sequence[str] = (),
    metrics: Sequence[str] = (),
    divide_by: str | None = None,
    normality: Literal["lilliefors", "shapiro"] | None = None,
    participants: Table | None = None,
    join: Sequence[Data] = (),
) -> Analysis:
    """Compare sides within groups, and groups with each other.

    Parameters
    ----------
    data : StudyResults, str, Path or DataFrame
        Results in hand, a folder of results, or a table with one row per participant.
    contrasts : sequence of str, optional
        Such as ``side:ALS``, ``group:ALS-LR``, ``psa:1-0[group=ALS]``; without them those of the protocol,
        else the paper's.
    metrics : sequence of str, optional
        Columns to compare; without them ``fi`` and ``rcsa``, of a table all columns of numbers.
    divide_by : str, optional
        Column of the participants to divide each metric by first.
    normality : {"lilliefors", "shapiro"}, optional
        Test of normality; without it that of the protocol, else ``lilliefors``.
    participants : str, Path or DataFrame, optional
        Participants table in place of the results' own.
    join : sequence of str, Path, DataFrame or StudyResults, optional
        Further tables with columns for the same participants.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``comparisons.csv``, which the data dictionary of the documentation
        lists; ``tables`` and ``figures`` are the paper's, such as ``table2`` and ``figure_effects``.

    Raises
    ------
    UsageError
        For a contrast or a column that is not there.
    NothingToCompareError
        Where there are no two arms.

    Notes
    -----
    Student's, Welch's or the Mann–Whitney test, by Lilliefors' test of normality and Levene's of variances;
    effects by Hedges and as rank-biserial correlation; p adjusted as Benjamini and Hochberg do. The page
    "Statistics" has formulas and sources.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.compare("sample_data/participants.csv", contrasts=["group:ALS-LR"], metrics=["bmi"])
    >>> found.table[["metric", "label_a", "label_b", "n_a", "n_b"]].values.tolist()
    [['bmi', 'ALS', 'LR', 8, 8]]
    """
    return _analyse(
        data,
        participants,
        join,
        lambda cohort: compare_cohort(cohort, contrasts, metrics, normality, divide_by),
    )


def correlate(
    data: Data,
    scores: Sequence[str],
    *,
    covariates: Sequence[str] = (),
    metrics: Sequence[str] = (),
    roles: Sequence[str] = (),
    group: str | None = None,
    method: Literal["pearson", "spearman"] = "pearson",
    participants: Table | None = None,
    join: Sequence[Data] = (),
) -> Analysis:
    """Correlate the muscles with clinical scores, other variables held constant.

    Parameters
    ----------
    data, metrics, participants, join
        As for :func:`compare`.
    scores : sequence of str
        Columns to correlate the metrics with.
    covariates : sequence of str, optional
        Columns to hold constant.
    roles : sequence of {"symptomatic", "contralateral", "bilateral"}, optional
        Sides of the results to look at; without them the symptomatic.
    group : str, optional
        Only this group; without it all together.
    method : {"pearson", "spearman"}
        Of values, or of ranks.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``correlations.csv``; a figure ``scatter_…`` shows the residuals.

    Raises
    ------
    UsageError
        For a column, group or role that is not there, or is not what it has to be.
    NoInputError
        Where no row is left.

    Notes
    -----
    Partial correlation: that of the residuals on the covariates, with n − 2 − k degrees of freedom.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.correlate("sample_data/participants.csv", ["age"], metrics=["bmi"], group="ALS")
    >>> found.table[["metric", "score", "n"]].values.tolist(), list(found.figures)
    ([['bmi', 'age', 8]], ['scatter_bmi_age'])
    """
    return _analyse(
        data,
        participants,
        join,
        lambda cohort: correlate_cohort(cohort, scores, covariates, metrics, roles, group, method),
    )


def regress(
    data: Data,
    predictors: Sequence[str],
    *,
    covariates: Sequence[str] = (),
    outcomes: Sequence[str] = (),
    roles: Sequence[str] = (),
    group: str | None = None,
    hc3: bool = False,
    participants: Table | None = None,
    join: Sequence[Data] = (),
) -> Analysis:
    """Fit linear models of the muscles, or of other columns, by least squares.

    Parameters
    ----------
    data, participants, join
        As for :func:`compare`.
    predictors : sequence of str
        Columns to predict from.
    covariates : sequence of str, optional
        Further columns to hold constant.
    outcomes : sequence of str, optional
        Columns to predict; without them ``fi`` and ``rcsa``, of a table all columns of numbers.
    roles, group
        As for :func:`correlate`.
    hc3 : bool
        Standard errors that hold where the variance is not constant.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``regressions.csv``, one row per term of a model.

    Raises
    ------
    UsageError
        For a column, group or role that is not there, or is not what it has to be.
    NoInputError
        Where no row is left.

    Notes
    -----
    HC3: MacKinnon and White, J Econometrics 1985.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.regress("sample_data/participants.csv", ["age"], outcomes=["bmi"])
    >>> found.table[["outcome", "term", "n"]].values.tolist()
    [['bmi', '(Intercept)', 16], ['bmi', 'age', 16]]
    """
    return _analyse(
        data,
        participants,
        join,
        lambda cohort: regress_cohort(cohort, predictors, covariates, outcomes, roles, group, hc3),
    )


def roc(
    data: Data,
    outcome: str,
    positive: str,
    predictors: Sequence[str],
    *,
    negative: str | None = None,
    lower_is_positive: Sequence[str] = (),
    combine: bool = False,
    role: Literal["symptomatic", "contralateral", "bilateral"] | None = None,
    participants: Table | None = None,
    join: Sequence[Data] = (),
) -> Analysis:
    """Separate two groups by a cut-off: areas under the ROC curve, with intervals.

    Parameters
    ----------
    data, participants, join
        As for :func:`compare`; the columns of results are called ``METRIC_SEGMENT_MUSCLE``, such as
        ``rcsa_L4_MF``.
    outcome, positive : str
        The column that is to be told, and its value of the positives.
    predictors : sequence of str
        Columns to tell it from.
    negative : str, optional
        The value of the negatives; without it all others.
    lower_is_positive : sequence of str, optional
        Predictors that are low in positives.
    combine : bool
        Also all predictors together, by logistic regression.
    role : {"symptomatic", "contralateral", "bilateral"}, optional
        Side of the results; without it the symptomatic.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``roc.csv``; ``tables["roc_points"]`` the curves, ``figures["roc"]``
        the picture.

    Raises
    ------
    UsageError
        For a column or value that is not there, or is not what it has to be.
    NoInputError
        Where there are not both positives and negatives.

    Notes
    -----
    Standard errors of Hanley and McNeil (Radiology 1982); intervals and differences of DeLong et al.
    (Biometrics 1988), too.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.roc("sample_data/participants.csv", "group", "ALS", ["bmi"])
    >>> found.table[["predictor", "n_positive", "n_negative"]].values.tolist()
    [['bmi', 8, 8]]
    """

    def opened(data: Data, participants: Table | None, given: Files) -> Cohort:
        return open_wide(_source(data, given), given.if_any(participants, PARTICIPANTS), role)

    def analyse(cohort: Cohort) -> Analysis:
        return discriminate(cohort, outcome, positive, predictors, negative, lower_is_positive, combine)

    return _analyse(data, participants, join, analyse, opened)


def reliability(
    raters: Sequence[PathLike | StudyResults] | Table,
    *,
    metrics: Sequence[str] = (),
    datasets: Sequence[PathLike] = (),
) -> Analysis:
    """Measure the agreement of two or more raters, or of two sessions of one.

    Parameters
    ----------
    raters : sequence of str, Path or StudyResults; or one str, Path or DataFrame
        Two or more folders of results, or one long table with the columns target, rater, value.
    metrics : sequence of str, optional
        Columns of the results to look at; without them ``fi`` and ``rcsa``.
    datasets : sequence of str or Path, optional
        The datasets of two raters, in their order: how far their masks overlap is measured, too.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``reliability.csv``; ``tables`` also ``bland_altman`` and, with
        ``datasets``, ``overlap`` and ``overlap_summary``.

    Raises
    ------
    UsageError
        For fewer than two raters, or results that were not saved.
    NoInputError
        For a folder that is not whole, or is not of these datasets.

    Notes
    -----
    Intraclass correlations by McGraw and Wong (Psychol Methods 1996); limits of agreement by Bland and
    Altman (Lancet 1986).

    Examples
    --------
    >>> import pandas as pd
    >>> import mriparaspinal as mp
    >>> ratings = [(t, r, v + k) for k, r in enumerate("AB") for t, v in zip("xyz", (1.0, 2.0, 4.0))]
    >>> found = mp.reliability(pd.DataFrame(ratings, columns=["target", "rater", "value"]))
    >>> found.table.loc[found.table["form"] == "ICC(C,1)", ["n", "icc"]].round(3).values.tolist()
    [[3.0, 1.0]]
    """
    from mriparaspinal.analysis import reliability as steps
    from mriparaspinal.analysis.overlap import compare_masks, open_sources

    if isinstance(raters, (str, Path, pd.DataFrame)):
        if metrics or datasets:
            raise UsageError(
                "reliability: a table with metrics or datasets; expected it alone; leave them out"
            )
        with files() as given:
            found = steps.agreement_of_table(given.of(raters, "ratings.csv"))
        return replace(found, paths=tuple(given.paths))
    unsaved = [rater for rater in raters if isinstance(rater, StudyResults) and not rater.saved]
    if unsaved:
        raise UsageError("reliability: results that were not saved; expected folders; save them first")
    folders = [r.read.folder if isinstance(r, StudyResults) else Path(r) for r in raters]
    opened = steps.open_raters(folders)
    found = steps.agreement_of_raters(opened, metrics)
    if datasets:
        masks = compare_masks(*open_sources(opened, list(map(Path, datasets))))
        found = steps.extended(found, masks.contents, masks.notes)
    sources = tuple(rater.read for rater in opened)
    return replace(found, sources=sources, paths=(*folders, *map(Path, datasets)))


def sweep_thresholds(
    results: PathLike | StudyResults,
    dataset: PathLike,
    *,
    participants: Table | None = None,
    jobs: int = 1,
) -> Analysis:
    """Show how much a study's results depend on the threshold between muscle and fat.

    Parameters
    ----------
    results : StudyResults, str or Path
        Results of a study, measured with the fat rule ``fixed``.
    dataset : str or Path
        The dataset that they were measured from.
    participants : str, Path or DataFrame, optional
        Participants table in place of the results' own.
    jobs : int
        Processes to read with: see :func:`quantify`.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``sweep_contrasts.csv``: the main contrasts at the thresholds up to 10
        grey levels to either side. ``tables["sweep"]``: FI at each threshold 0–255; ``tables["slope"]``: its
        change per grey level.

    Raises
    ------
    UsageError
        For another fat rule.
    NoInputError
        Where the dataset is not the one that was measured.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> measured = mp.quantify("sample_data")
    >>> found = mp.sweep_thresholds(measured, "sample_data")  # doctest: +SKIP
    """
    from mriparaspinal.analysis.sweep import sweep_thresholds as sweep
    from mriparaspinal.measure.reopen import open_source

    def analyse(cohort: Cohort) -> Analysis:
        folder = results.read.folder if isinstance(results, StudyResults) else Path(results)
        found, _ = sweep(cohort, open_source(folder, cohort.manifest, Path(dataset)), jobs)
        return found

    found = _analyse(results, participants, (), analyse)
    return replace(found, paths=(*found.paths, Path(dataset)))
