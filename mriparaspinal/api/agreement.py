"""``reliability`` from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mriparaspinal.analysis import reliability as steps
from mriparaspinal.analysis.ratings import agreement_on_grades
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.api.given import PathLike, Progress, Table, each, files
from mriparaspinal.api.results import StudyResults
from mriparaspinal.clinical.library import open_instrument
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Settings
from mriparaspinal.stats.bootstrap import SEED

#: Raters are either folders, or all in one table.
RATERS_AND_TABLE = (
    "{}: was given with RATERs, --metric, --dataset, --session or --mean-out; expected it alone; leave out "
    "one of them"
)

RATINGS_ALONE = (
    "--ratings: was given with --table, --dataset, --readers, --metric, --mean-out or --require-cv; "
    "expected it alone; leave out one of them"
)

READERS_AND_RATERS = "{}: was given with results of raters; expected one of them; leave one out"


def reliability(
    raters: Sequence[PathLike | StudyResults] | Table = (),
    *,
    metrics: Sequence[str] = (),
    datasets: Sequence[PathLike] = (),
    readers: Sequence[PathLike] = (),
    settings: Settings | Mapping[str, Any] | None = None,
    require_cv: float | None = None,
    mean_out: PathLike | None = None,
    seed: int = SEED,
    session: str = "",
    progress: Progress | None = None,
) -> steps.Agreement:
    """Measure the agreement of two or more raters, or of two sessions of one.

    ICC by McGraw and Wong (Psychol Methods 1996); limits of agreement by Bland and Altman (Lancet 1986).
    Where targets share a participant, also by bootstrap over participants, and for repeated measures (2007).

    Parameters
    ----------
    raters : sequence of str, Path or StudyResults; or one str, Path or DataFrame
        Two or more folders of results, or one long table with the columns target, rater, value, and maybe
        participant_id.
    metrics, datasets : sequence, optional
        Columns of the results (``fi`` and ``rcsa``); the datasets of two raters: how far their masks overlap.
    readers, settings : optional
        In place of ``raters``: the folders of contours of two or more readers of the one dataset, which are
        measured first; how, as for :func:`quantify`.
    require_cv : float, optional
        In %: where the CV of a region is beyond it, ``failed`` is the error that says so.
    mean_out : str or Path, optional
        Folder for the mean of the raters as results; it is written by ``.save``, too.
    seed : int
        Of the bootstrap over participants.
    session : str, optional
        Of a follow-up: the session to look at. Rows of several are never taken together.
    progress : callable, optional
        As for :func:`quantify`.

    Returns
    -------
    Agreement
        ``table`` has the columns of ``reliability.csv``; ``tables`` also ``bland_altman`` and, with
        ``datasets``, ``overlap`` and ``overlap_summary``.

    Raises
    ------
    UsageError
        For fewer than two raters, or results that were not saved.
    NoInputError
        For an incomplete folder, or one that is not of these datasets.

    Examples
    --------
    >>> import pandas as pd
    >>> import mriparaspinal as mp
    >>> rows = {"target": [*"xyzxyz"], "rater": [*"AAABBB"], "value": [1.0, 2.0, 4.0, 2.0, 3.0, 5.0]}
    >>> found = mp.reliability(pd.DataFrame(rows))
    >>> found.table.loc[found.table["form"] == "ICC(C,1)", ["n", "icc"]].round(3).values.tolist()
    [[3.0, 1.0]]
    """
    if readers:
        if not isinstance(raters, Sequence) or raters:
            raise UsageError(READERS_AND_RATERS.format(argument("readers")))
        mean = None if mean_out is None else Path(mean_out)
        at = (seed, session)
        return _of_readers(readers, datasets, settings, metrics, require_cv, mean, at, progress)
    own, mean = [Path(dataset) for dataset in datasets], None if mean_out is None else Path(mean_out)
    if isinstance(raters, (str, Path, pd.DataFrame)):
        if metrics or own or mean or session:
            raise UsageError(RATERS_AND_TABLE.format(argument("table")))
        return _of_table(raters, require_cv, seed)
    folders = [_folder(rater) for rater in raters]
    steps.refuse_mean_out(mean, [*folders, *own])
    opened = steps.open_raters(folders, session)
    whole = _whole(steps.agreement_of_raters(opened, metrics, seed), opened, [*folders, *own], require_cv)
    if own:
        whole = _with_overlap(whole, opened, own, progress)
    return whole if mean is None else _with_mean(whole, opened, mean)


def _of_readers(
    readers: Sequence[PathLike],
    datasets: Sequence[PathLike],
    settings: Settings | Mapping[str, Any] | None,
    metrics: Sequence[str],
    require_cv: float | None,
    mean: Path | None,
    at: tuple[int, str],
    progress: Progress | None,
) -> steps.Agreement:
    """The agreement of readers, whose contours are measured first; ``at``: seed and session."""
    from mriparaspinal.analysis.overlap import compare_masks
    from mriparaspinal.api.readers import measured_readers
    from mriparaspinal.measure.reopen import open_source

    paths = [*map(Path, datasets), *map(Path, readers)]
    steps.refuse_mean_out(mean, paths)
    seed, session = at
    raters, problems, notes = measured_readers(datasets, readers, settings, progress, session)
    whole = _whole(steps.agreement_of_raters(raters, metrics, seed), raters, paths, require_cv)
    whole = replace(steps.extended(whole, {}, notes), problem_list=tuple(problems), sources=())
    if len(raters) == 2:
        first, second = (open_source(r.folder, r.manifest, paths[0], r.folder) for r in raters)
        advance = each(progress, "comparing masks", len(first.study.dataset.slices))
        masks = compare_masks(first, second, advance, raters[0].session)
        whole = steps.extended(whole, masks.contents, masks.notes)
    return whole if mean is None else _with_mean(whole, raters, mean)


def _of_table(table: Table, require_cv: float | None, seed: int) -> steps.Agreement:
    with files() as given:
        found = steps.agreement_of_table(given.of(table, "ratings.csv"), seed)
    return _whole(found, [], given.paths, require_cv)


def _whole(
    found: Analysis, raters: list[steps.Rater], paths: Sequence[Path], require_cv: float | None
) -> steps.Agreement:
    """An agreement with what it was made from, and with the error of a limit that does not hold."""
    failed = None if require_cv is None else steps.gate(found.table, require_cv)
    made_from = {"sources": tuple(rater.read for rater in raters), "paths": tuple(paths)}
    return steps.Agreement(**{**vars(found), **made_from}, failed=failed)


def _with_mean(found: steps.Agreement, raters: list[steps.Rater], mean_out: Path) -> steps.Agreement:
    contents, notes = steps.mean_files(raters)
    return replace(steps.extended(found, {}, notes), mean=contents, mean_out=mean_out)


def _folder(rater: PathLike | StudyResults) -> Path:
    if not isinstance(rater, StudyResults):
        return Path(rater)
    if rater.where is None:
        raise UsageError("reliability: results that were not saved; expected folders; save them first")
    return rater.where


def _with_overlap(
    found: steps.Agreement, raters: list[steps.Rater], datasets: Sequence[Path], progress: Progress | None
) -> steps.Agreement:
    """Agreement with that of the masks, slice by slice."""
    from mriparaspinal.analysis.overlap import compare_masks, open_sources

    first, second = open_sources(raters, datasets)
    advance = each(progress, "comparing masks", len(first.study.dataset.slices))
    masks = compare_masks(first, second, advance, raters[0].session)
    return steps.extended(found, masks.contents, masks.notes)


def rating_agreement(
    ratings: Table | Sequence[PathLike],
    *,
    grades: Sequence[str] = (),
    instrument: str | Path | None = None,
    seed: int = SEED,
) -> Analysis:
    """Measure the agreement of two or more raters on grades: Goutallier's, Kjaer's, a sign seen or not.

    Parameters
    ----------
    ratings : str, Path or DataFrame; or sequence of str or Path
        One table with what was graded (``target``, or ``participant_id``, ``segment``, ``muscle``, ``side``)
        and either ``rater`` and ``grade`` or a column for each rater; or a table with ``grade`` of each.
    grades : sequence of str, optional
        All grades of the scale from low to high. Without it: whole numbers from the lowest to the highest
        that was given; texts have no order.
    instrument : str or Path, optional
        What the tables are records of, as for :func:`score`, such as ``goutallier``: it has the scale, reads
        the spellings of muscles and sides, and gives ``tables["rating_agreement_items"]``, too.
    seed : int
        Of the bootstrap over participants.

    Returns
    -------
    Analysis
        ``table`` has the columns of ``rating_agreement.csv``; ``tables["rating_pairs"]``: how often each pair
        of raters gave each pair of grades.

    Raises
    ------
    UsageError
        For fewer than two raters, a grade that is not on the scale, or a target graded twice by one rater.

    Notes
    -----
    Cohen's κ: Psychol Bull 1968;70:213–220; its standard error: Fleiss, Cohen and Everitt, Psychol Bull
    1969;72:323–327. Fleiss' and Conger's κ, AC1 and AC2: Gwet, Handbook of Inter-Rater Reliability, 2014.

    Examples
    --------
    >>> import pandas as pd
    >>> import mriparaspinal as mp
    >>> rows = {"target": [*"uvwxyz"], "anna": [0, 1, 2, 0, 1, 2], "ben": [0, 1, 2, 0, 2, 2]}
    >>> found = mp.rating_agreement(pd.DataFrame(rows))
    >>> cohen = found.table[found.table["coefficient"] == "cohen_kappa"]
    >>> cohen[["weights", "value"]].round(3).values.tolist()
    [['unweighted', 0.75], ['linear', 0.824], ['quadratic', 0.889]]
    """
    if instrument is not None and grades:
        found_both = f"given with {argument('instrument')}, which has a scale; expected one of them"
        raise UsageError(f"{argument('grades')}: {found_both}; leave one out")
    chosen = None if instrument is None else open_instrument(str(instrument))
    with files() as given:
        if isinstance(ratings, (str, Path, pd.DataFrame)):
            paths = [given.of(ratings, "ratings.csv")]
        else:
            paths = [given.of(path, "ratings.csv") for path in ratings]
        found = agreement_on_grades(paths, grades, seed, chosen)
        return replace(found, paths=tuple(given.paths))
