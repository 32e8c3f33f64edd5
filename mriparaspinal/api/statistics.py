"""The statistics of a study from Python: from results, files or data frames to tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias, TypedDict, Unpack

from mriparaspinal.analysis.compare import columns_named, compare_cohort
from mriparaspinal.analysis.inputs import Cohort, join_tables, open_cohort, open_table, open_wide
from mriparaspinal.analysis.missing import with_missing
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.api.given import Files, PathLike, Progress, Table, each, files, processes, telling
from mriparaspinal.api.regress_arguments import RegressArguments, imputation_of
from mriparaspinal.api.results import StudyResults, annotations_of, dataset_of
from mriparaspinal.api.roc_arguments import RocArguments
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.io.protocol import read_protocol
from mriparaspinal.measure.results import Results
from mriparaspinal.stats.on_request import SEED, OnRequest

Data: TypeAlias = "Table | StudyResults"
"""Results of a study, or any table with one row per participant."""


class CompareArguments(TypedDict, total=False):
    """What :func:`compare` adds on request."""

    margins: Mapping[str, float]
    """Of equivalence, by metric."""
    max_t: int | None
    """Permutations."""
    seed: int
    """Of the permutations."""
    groups: str | None
    """Column whose groups are tested at once."""
    smd: bool
    """Standardised mean differences in Table 1."""
    missing: bool
    """What is missing, by group."""
    jobs: int | None
    """Processes to work with."""


def source_of(data: Data, given: Files) -> Path | Results:
    """What the readers of the commands take; of results that are in hand the files that they are made of."""
    if not isinstance(data, StudyResults):
        return given.of(data, "table.csv")
    if data.where is not None:
        given.paths.append(data.where)
    return data.read


def open_data(data: Data, participants: Table | None, given: Files, named: str | None = None) -> Cohort:
    """The cohort of results, or of a table."""
    source = source_of(data, given)
    people = given.if_any(participants, PARTICIPANTS)
    if isinstance(source, Path) and not source.is_dir():
        return open_table(source, people)
    return open_cohort(source, people, named)


def analysed(
    data: Data,
    participants: Table | None,
    join: Sequence[Data],
    analyse: Callable[[Cohort], Analysis],
    opened: Callable[[Data, Table | None, Files], Cohort] = open_data,
) -> Analysis:
    """An analysis of data, which knows what it must not write over, and what must not change meanwhile."""
    with files() as given:
        cohort = opened(data, participants, given)
        cohort = join_tables(cohort, [_joined(table, n, given) for n, table in enumerate(join, 1)])
    with telling(cohort.problems):
        found = analyse(cohort)
    own = isinstance(data, StudyResults) and data.where is None
    return replace(
        found, problem_list=cohort.problems, sources=cohort.sources[own:], paths=tuple(given.paths)
    )


def _joined(table: Data, number: int, given: Files) -> Path:
    if isinstance(table, StudyResults):
        if table.where is None:
            raise UsageError("join: results that were not saved; expected a folder; save them first")
        return given.of(table.where, "")
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
    **more: Unpack[CompareArguments],
) -> Analysis:
    """Compare sides within groups, and groups with each other; the page "Statistics" has the formulas.

    Parameters
    ----------
    data : StudyResults, str, Path or DataFrame
        Results in hand, a folder of results, or a table with one row per participant.
    contrasts : sequence of str, optional
        Such as ``side:ALS``, ``group:ALS-LR``, ``psa:1-0[group=ALS]``, ``interaction:ALS-LR``; without them
        those of the protocol, else the paper's.
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
    margins : mapping of str to float, optional
        Test for equivalence, too: the margin by metric, in its unit.
    max_t, seed : int, optional
        Permutations for ``p_max_t``, such as 10000, and their seed; without them none, and 1.
    groups : str, optional
        Column whose three groups or more are tested at once (``tables["omnibus"]``), and all pairs of them
        (``tables["post_hoc"]``); without it ``group`` where it has three, and no contrast was asked for.
    smd : bool
        Standardised mean differences in Table 1.
    missing : bool
        Also what is missing, by group: ``tables["missing"]`` and ``["missing_columns"]``, with figures.
    jobs : int, optional
        Processes to work with; without it 1.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``comparisons.csv``, which the data dictionary of the documentation
        lists; ``tables`` and ``figures`` are the paper's, such as ``table2`` and ``figure_effects``.

    Raises
    ------
    UsageError
        For a contrast or a column that is not there, and for a margin or number that cannot be.
    NothingToCompareError
        If there are fewer than two arms.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.compare("sample_data/participants.csv", contrasts=["group:ALS-LR"], metrics=["bmi"])
    >>> found.table[["metric", "label_a", "label_b", "n_a", "n_b"]].values.tolist()
    [['bmi', 'ALS', 'LR', 8, 8]]
    """
    asked = OnRequest(more.get("margins", {}), more.get("max_t"), more.get("seed", SEED))
    groups, smd, jobs = more.get("groups"), more.get("smd", False), more.get("jobs") or 1

    def analyse(cohort: Cohort) -> Analysis:
        found = compare_cohort(
            cohort, contrasts, metrics, normality, divide_by, asked, groups=groups, smd=smd, jobs=jobs
        )
        return with_missing(found, cohort) if more.get("missing") else found

    return analysed(
        data,
        participants,
        join,
        analyse,
        # Tables that are joined are compared with all columns.
        open_data if join else partial(open_data, named=columns_named(contrasts, metrics, divide_by, groups)),
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
    cluster: str | None = None,
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
    cluster : str, optional
        Column whose rows with one value are not independent, such as ``participant_id``: p by CR2, interval
        by the jackknife over clusters.

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
    from mriparaspinal.analysis.correlate import correlate_cohort

    return analysed(
        data,
        participants,
        join,
        lambda cohort: correlate_cohort(cohort, scores, covariates, metrics, roles, group, method, cluster),
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
    **more: Unpack[RegressArguments],
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
    each : bool
        A model of its own for each predictor, named in the last column ``predictor``; a printed matrix of
        them is ``tables["table_regressions"]``.
    cluster : str, optional
        Column whose rows with one value are not independent, such as ``participant_id``: standard errors CR2.
    impute, seed : int, optional
        How often missing predictors are imputed, such as 20; the seed of it is 1 if it is not given.

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
    HC3: MacKinnon and White, J Econometrics 1985. CR2: Pustejovsky and Tipton, J Bus Econ Stat 2018.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.regress("sample_data/participants.csv", ["age"], outcomes=["bmi"])
    >>> found.table[["outcome", "term", "n"]].values.tolist()
    [['bmi', '(Intercept)', 16], ['bmi', 'age', 16]]
    """
    from mriparaspinal.analysis.regress import regress_cohort

    how, each, cluster = imputation_of(more), more.get("each", False), more.get("cluster")
    return analysed(
        data,
        participants,
        join,
        lambda cohort: regress_cohort(
            cohort, predictors, covariates, outcomes, roles, group, hc3, each, cluster, how
        ),
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
    **further: Unpack[RocArguments],
) -> Analysis:
    """Separate two groups by a cut-off: areas under the ROC curve, with intervals.

    Hanley and McNeil, Radiology 1982 (standard errors); DeLong et al., Biometrics 1988 (intervals).

    Parameters
    ----------
    data, participants, join
        As for :func:`compare`; the columns of results are called as ``rcsa_L4_MF``.
    outcome, positive : str
        The column to predict, and its value for the positives.
    predictors : sequence of str
        Columns to predict it from.
    negative : str, optional
        The value of the negatives; without it all others.
    lower_is_positive : sequence of str, optional
        Predictors that are low in positives.
    combine : bool
        Also all predictors together, by logistic regression.
    role : {"symptomatic", "contralateral", "bilateral"}, optional
        Side of the results; without it the symptomatic.
    validate : bool, optional
        Also a logistic model of all predictors: its coefficients (Firth's where the groups are separated),
        the area expected in new patients, calibration and decision curve.
    specificity, sensitivity : sequence of float, optional
        Also the sensitivity at these specificities, and the specificity at these sensitivities, 0–1.
    partial_auc : str, optional
        Also the area within a range of the specificity (``"0.8-1"``) or of ``"sensitivity:0.8-1"``.
    bootstrap, seed : int, optional
        Resamples of ``validate`` and ``partial_auc``, 2000 without it; their seed, 1 without it.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``roc.csv``; ``tables["roc_points"]`` the curves; ``roc_model``,
        ``roc_validation``, ``roc_calibration``, ``roc_decision``, ``roc_fixed`` and ``roc_partial`` what else
        was asked for.

    Raises
    ------
    UsageError, NoInputError
        For a missing column or value, a share or range that is none, and without both positives and
        negatives.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.roc("sample_data/participants.csv", "group", "ALS", ["bmi"])
    >>> found.table[["predictor", "n_positive", "n_negative"]].values.tolist()
    [['bmi', 8, 8]]
    """
    from mriparaspinal.analysis.roc import Further, discriminate

    def opened(data: Data, participants: Table | None, given: Files) -> Cohort:
        return open_wide(source_of(data, given), given.if_any(participants, PARTICIPANTS), role)

    def analyse(cohort: Cohort) -> Analysis:
        return discriminate(
            cohort, outcome, positive, predictors, negative, lower_is_positive, combine, Further(**further)
        )

    return analysed(data, participants, join, analyse, opened)


def sweep_thresholds(
    results: PathLike | StudyResults,
    dataset: PathLike | None = None,
    *,
    annotations: PathLike | None = None,
    participants: Table | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Show how much a study's results depend on the threshold between muscle and fat.

    Parameters
    ----------
    results : StudyResults, str or Path
        Results of a study, measured with the fat rule ``fixed``.
    dataset : str or Path, optional
        The dataset that they were measured from; results of :func:`quantify` in hand know it.
    annotations : str or Path, optional
        The folder of contours that do not lie beside the images.
    participants : str, Path or DataFrame, optional
        Participants table in place of the results' own.
    jobs, progress : optional
        As for :func:`quantify`.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``sweep_contrasts.csv``: the main contrasts at the thresholds up to 10
        grey levels to either side. ``tables["sweep"]``: FI at each threshold 0–255; ``tables["slope"]``: its
        change per grey level; ``summary["sentences"]``: how much depends on it.

    Raises
    ------
    UsageError
        For another fat rule.
    NoInputError
        Where the dataset is not the one that was measured.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.sweep_thresholds(mp.quantify("sample_data"))  # doctest: +SKIP
    """
    from mriparaspinal.analysis.sweep import sweep_thresholds as sweep
    from mriparaspinal.measure.reopen import open_source

    root = dataset_of(results, dataset)
    _, number = processes(read_protocol(root), jobs)
    folder = results.read.folder if isinstance(results, StudyResults) else Path(results)

    def analyse(cohort: Cohort) -> Analysis:
        source = open_source(folder, cohort.manifest, root, annotations_of(results, annotations))
        return sweep(cohort, source, number, each(progress, "reading", len(source.study.dataset.slices)))

    def opened(data: Data, people: Table | None, given: Files) -> Cohort:
        return open_cohort(source_of(data, given), given.if_any(people, PARTICIPANTS))

    found = analysed(results, participants, (), analyse, opened)
    return replace(found, paths=(*found.paths, root))
