"""``run`` from Python: a study from its slices to its page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from mriparaspinal.analysis.counts import compared_summary
from mriparaspinal.analysis.drawing import FigureFiles, figure_files
from mriparaspinal.api.contoured import ContourChoice
from mriparaspinal.api.given import Folders, PathLike, Progress, Table, begin, each, files, telling, texts_of
from mriparaspinal.api.making import Made, at_session, write_page
from mriparaspinal.api.measuring import (
    Pair,
    QuantifyArguments,
    Request,
    measure_into,
    requested,
    require_known,
)
from mriparaspinal.api.results import StudyResults, TableChoice, read_results, results_in
from mriparaspinal.api.unchanged import as_it_was, keep_record, state_of
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NothingToCompareError, ParaspinalError, SessionsError
from mriparaspinal.core.filenames import PARTICIPANTS, RECORD
from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.io.manifest import COMPARISON
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.study_record import StudyRecord, is_record
from mriparaspinal.io.write import require_ours
from mriparaspinal.measure.results import problems_in
from mriparaspinal.parallel.map import Execution
from mriparaspinal.report.html import is_page

if TYPE_CHECKING:
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.report.gather import Opened
    from mriparaspinal.report.pictures import FirstPictures


class RunArguments(QuantifyArguments, total=False):
    """As those of :func:`quantify`, how figures are drawn, and whether and how :func:`run` does it."""

    formats: Sequence[str]
    """Of the figures beside PNG and SVG: ``pdf``, ``tiff``."""
    style: PathLike | None
    """A style sheet of matplotlib, laid over ours."""
    force: bool
    """Do all steps again, even if nothing has changed since the last run."""
    done: Callable[[StudyResults | Analysis | Made], None]
    """Called with the result of each step as it is finished."""


@dataclass(frozen=True, eq=False)
class StudyRun:
    """What :func:`run` made of a dataset."""

    results: StudyResults
    report: Made
    summary: Mapping[str, Any]
    """What the results and the comparison have to say, in numbers."""
    _compare: Callable[[], Analysis]
    unchanged: bool = False
    """Whether all was as it is already, and nothing was done."""

    @cached_property
    def comparison(self) -> Analysis:
        """Its ``table`` is None where there was nothing to compare; ``notes`` say why."""
        return self._compare()


def run(
    dataset: PathLike,
    out: PathLike,
    *,
    settings: Settings | Mapping[str, Any] | None = None,
    participants: Table | None = None,
    masks: Folders | None = None,
    numbering: str | Sequence[str] | None = None,
    fat_and_water: Pair = None,
    jobs: int | Execution | None = None,
    progress: Progress | None = None,
    **more: Unpack[RunArguments],
) -> StudyRun:
    """Check, quantify, compare and report a dataset in one go.

    Where ``out`` has the study already, and inputs, settings, files, program and libraries are those of then,
    nothing is done. Where they are not, a note is logged that says what is different.

    Parameters
    ----------
    dataset, out : str or Path
        The slices and LabelMe files; the folder to write: ``results``, ``comparison``, ``report.html``, and
        ``run.json`` with the SHA-256 of all that they depend on.
    settings, participants, masks, numbering, fat_and_water, jobs, progress : optional
        As for :func:`quantify`.
    annotations, review, accept_drafts, xlsx, sav, bids : optional
        As for :func:`quantify`.
    formats, style : optional
        Of the figures, as for ``Analysis.save``.
    force : bool, optional
        Do all steps again, even if nothing has changed.
    done : callable, optional
        Called with the result of each step as it is finished.

    Returns
    -------
    StudyRun
        ``results``, ``comparison`` and ``report``; ``unchanged``: nothing was done.

    Raises
    ------
    UsageError, NoInputError
        As for :func:`quantify`, and for files in ``out`` that no run wrote.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scans = mp.make_phantom(f"{folder}/scans", als=1, lr=1, size=128).out
    ...     mp.run(scans, f"{folder}/study").report.count
    10
    """
    study = Path(out)
    how = figure_files(more.get("formats", ()), more.get("style"))
    with files() as given:
        people = given.if_any(participants, PARTICIPANTS)
        require_known(more, RunArguments)
        chosen = ContourChoice.of(more)
        images = (masks, numbering), fat_and_water
        outputs = (study, study / "results", study / "comparison")
        asked = requested(dataset, settings, people, *images, (), jobs, outputs, chosen)
        asked = replace(asked, tables=TableChoice.of(more, study, asked.inputs))
        require_ours(study / "report.html", is_page, argument("out"))
        require_ours(study / RECORD, is_record, argument("out"))
        # No other run writes into it, nor into the folders in it, until all belongs together.
        with OutputFolder(study):
            begin(progress, "looking for changes")
            now = state_of(asked, texts_of(numbering), study, more)
            if now is not None and not more.get("force") and (before := as_it_was(study, now)):
                return _told_again(study, asked, before)
            return _made(study, asked, now, how, progress, more.get("done", lambda _: None))


def _made(
    study: Path,
    asked: Request,
    now: StudyRecord | None,
    how: FigureFiles,
    progress: Progress | None,
    done: Callable[[StudyResults | Analysis | Made], None],
) -> StudyRun:
    """All steps in turn."""
    from mriparaspinal.parallel.map import aside, cores

    results, comparison, page = (study / name for name in ("results", "comparison", "report.html"))
    # No more than there are: a note on --jobs was logged before the measuring.
    jobs = min(asked.execution.jobs or 1, cores())
    regions = (() if asked.maps is None else asked.maps.folders), asked.source.folder
    pictures = meanwhile = None
    opened = cache(partial(_opened, results, comparison, asked.dataset, regions))
    with ExitStack() as stack:
        with _comparison(comparison) as folder:
            first = partial(_outdate, folder, page, study / RECORD)
            done(measured := measure_into(asked, results, progress, study, first))
            if jobs > 1:
                draw = partial(_pictures, results, asked.dataset, regions, jobs - 1)  # the other compares
                pictures = stack.enter_context(aside(draw))
                meanwhile = partial(_in_advance, opened)
            begin(progress, "comparing")
            compared = _comparison_of(results, folder, jobs)
            drawn = each(progress, "drawing the figures", compared.to_draw)
            compared.put(folder, replace(how, jobs=jobs), drawn, meanwhile)
            done(compared)
        from mriparaspinal.report.gather import Ready

        begin(progress, "opening the dataset")
        ready = Ready(compared if compared.table is not None else None, pictures, opened())
        cohort = opened().cohort
        with telling(cohort.problems):
            page_of = cohort, asked.dataset, page, (comparison,), regions
            made = write_page(*page_of, jobs, progress, True, (), ready)
    done(made)
    found = {} if compared.table is None else compared_summary(compared)
    told = {"count": made.count, "summary": dict(made.summary), "notes": list(made.notes)}
    told["problems"] = [dataclasses.asdict(problem) for problem in made.problem_list]
    # What a font that is not there yet would draw otherwise is drawn again.
    if compared.table is None or not compared.lacking:
        read = measured.read.manifest
        inputs = {} if read is None else read.inputs
        steps = {"results": measured.summary, "comparison": found, "report": told}
        keep_record(study, now, inputs, measured.problem_list, steps)
    return StudyRun(measured, made, {**measured.summary, **found}, lambda: compared)


def _opened(
    results: Path, comparison: Path, dataset: Path, regions: tuple[Sequence[Path], Path | None]
) -> Opened:
    """What the page is made of beside the comparison."""
    from mriparaspinal.analysis.inputs import open_cohort
    from mriparaspinal.measure.reopen import open_measured
    from mriparaspinal.report.gather import open_page

    cohort = open_cohort(at_session(results, (comparison,)))
    return open_page(cohort, open_measured(results, cohort.manifest, dataset, *regions))


def _in_advance(opened: Callable[[], Opened]) -> None:
    """Open what the page is made of; what is wrong with it is told when its turn comes."""
    with suppress(ParaspinalError):
        opened()


def _pictures(
    results: Path, dataset: Path, regions: tuple[Sequence[Path], Path | None], jobs: int
) -> FirstPictures:
    """The pictures of the page, which need nothing of the comparison."""
    from mriparaspinal.measure.reopen import open_measured
    from mriparaspinal.measure.results import read_results
    from mriparaspinal.report.pictures import first_pictures, thresholds_of

    read = read_results(results)
    source = open_measured(results, read.manifest, dataset, *regions)
    return first_pictures(source, thresholds_of(read), jobs)


def _told_again(study: Path, asked: Request, before: StudyRecord) -> StudyRun:
    """What a run made that would make the same again."""
    summary, found, told = (before.made[name] for name in ("results", "comparison", "report"))
    results = read_results(study / "results")
    if asked.tables.bids is not None:
        results.save_bids(asked.tables.bids)
    results = replace(
        results,
        summary=summary,
        problem_list=tuple(problems_in(results.contents["problems.csv"])),
        inputs=asked.inputs,
        dataset=asked.dataset,
        annotations=asked.source.folder,
    )
    problems = tuple(Problem(**problem) for problem in told["problems"])
    report = Made(
        out=study / "report.html",
        count=told["count"],
        summary=told["summary"],
        notes=tuple(told["notes"]),
        problem_list=problems,
    )
    compare = partial(_comparison_of, study / "results")
    return StudyRun(results, report, {**summary, **found}, compare, unchanged=True)


@contextmanager
def _comparison(path: Path) -> Iterator[OutputFolder]:
    """The folder of the comparison; what is not of an earlier run is refused before anything is measured."""
    with OutputFolder(path, COMPARISON, keep_changed=True) as folder:
        folder.require_ours([*folder.written_before(), COMPARISON, "comparisons.csv", "notes.txt"])
        yield folder


def _outdate(comparison: OutputFolder, page: Path, record: Path) -> None:
    """Remove what an earlier run made of other results, before these are in place; the record first."""
    record.unlink(missing_ok=True)
    comparison.take_away()
    page.unlink(missing_ok=True)


def _skipped(reason: ParaspinalError) -> Analysis:
    from mriparaspinal.analysis.result import Analysis

    note = f"{reason}; the comparison is skipped"
    return Analysis(
        None, (note,), {"notes.txt": f"{note}\n".encode()}, COMPARISON, {"skipped": [f"{reason}"]}, ()
    )


def _comparison_of(results: Path, folder: OutputFolder | None = None, jobs: int = 1) -> Analysis:
    """The comparison of the results; without a table for nothing to compare.

    ``folder``: where the reason is put, if none can be made.
    """
    from mriparaspinal.api.statistics import compare

    try:
        return compare(results_in(results), jobs=jobs)
    except (NothingToCompareError, SessionsError) as reason:
        return _skipped(reason)
    except ParaspinalError as reason:
        if folder is not None:
            _skipped(reason).put(folder)
        raise
