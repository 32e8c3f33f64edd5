"""``run`` from Python: a study from its slices to its page."""

from __future__ import annotations

import dataclasses
import gc
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
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
from mriparaspinal.core.filenames import COMPARISONS, PARTICIPANTS, RECORD
from mriparaspinal.core.loading import quick_loading
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
    from mriparaspinal.present.style import PaperFigure
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
            look = cache(partial(state_of, asked, texts_of(numbering), study, more))
            if not more.get("force") and (study / RECORD).is_file() and (now := look()) is not None:
                before = as_it_was(study, now)
                if before is not None:
                    return _told_again(study, asked, before)
            return _made(study, asked, look, how, progress, more.get("done", lambda _: None))


def _made(
    study: Path,
    asked: Request,
    look: Callable[[], StudyRecord | None],
    how: FigureFiles,
    progress: Progress | None,
    done: Callable[[StudyResults | Analysis | Made], None],
) -> StudyRun:
    """All steps in turn; with several processes, one of them compares while others draw the slices."""
    from mriparaspinal.parallel.map import aside, cores

    results, comparison, page = (study / name for name in ("results", "comparison", "report.html"))
    # No more than there are: a note on --jobs was logged before the measuring.
    jobs = min(asked.execution.jobs or 1, cores())
    regions = (() if asked.maps is None else asked.maps.folders), asked.source.folder
    opened = cache(partial(_opened, results, comparison, asked.dataset, regions))
    pictures = beside = None
    with ExitStack() as stack:
        if jobs > 1:
            beside = stack.enter_context(aside(partial(_compared_aside, results, replace(how, jobs=jobs))))
        now = look()
        with _comparison(comparison) as folder:
            first = partial(_outdate, folder, page, study / RECORD)
            done(measured := measure_into(asked, results, progress, study, first))
            answers = None
            if beside is not None:
                tell, answers = beside
                tell("the results are there")
                pictures = _in_advance(opened, jobs - 1, progress)
            done(compared := _compare_into(folder, results, how, answers, progress))
    from mriparaspinal.report.gather import Ready

    begin(progress, "opening the dataset")
    ready = Ready(compared if compared.table is not None else None, pictures, opened())
    cohort = opened().cohort
    with telling(cohort.problems):
        page_of = cohort, asked.dataset, page, (comparison,), regions
        written = write_page(*page_of, jobs, progress, True, (), ready)
    done(written)
    found = {} if compared.table is None else compared_summary(compared)
    told = {"count": written.count, "summary": dict(written.summary), "notes": list(written.notes)}
    told["problems"] = [dataclasses.asdict(problem) for problem in written.problem_list]
    # What a font that is not there yet would draw otherwise is drawn again.
    if compared.table is None or not compared.lacking:
        read = measured.read.manifest
        inputs = {} if read is None else read.inputs
        steps = {"results": measured.summary, "comparison": found, "report": told}
        keep_record(study, now, inputs, measured.problem_list, steps)
    return StudyRun(measured, written, {**measured.summary, **found}, lambda: compared)


def _compare_into(
    folder: OutputFolder,
    results: Path,
    how: FigureFiles,
    answers: Iterator[Any] | None,
    progress: Progress | None,
) -> Analysis:
    """Compare, and write what comes out; ``answers``: of :func:`_compared_aside`, where that does it."""
    begin(progress, "comparing")
    compare = partial(_compared, results) if answers is None else partial(next, answers)
    compared = _comparison_of(compare, folder)
    drawn = each(progress, "drawing the figures", compared.to_draw)
    made = None if answers is None or compared.table is None else _counted(answers, drawn)
    compared.put(folder, how, drawn, made)
    return compared


def _compared_aside(results: Path, how: FigureFiles, hear: Callable[[], Any]) -> Iterator[Any]:
    """The comparison of the results, once they are there, then all its files, name and bytes.

    The libraries are loaded while the slices are measured.
    """
    with quick_loading():
        import mriparaspinal.analysis.files
        import mriparaspinal.api.statistics  # noqa: F401
    gc.freeze()  # the processes that it starts share what is loaded
    hear()
    compared = _compared(results, how.jobs)
    files = compared.each_file(how)
    first = next(files)  # from now on the figures are drawn
    yield _without_figures(compared)
    yield first
    yield from files


def _without_figures(compared: Analysis) -> Analysis:
    """The comparison with its figures packed: to unpack one loads the libraries that draw it."""
    from mriparaspinal.analysis.drawing import Drawing

    drawings = {name: content for name, content in compared.contents.items() if isinstance(content, Drawing)}
    packed = pickle.dumps(drawings)
    figures = {name: Drawing(partial(_unpacked, packed, name)) for name in drawings}
    light = replace(compared, contents={**compared.contents, **figures})
    vars(light)["lacking"] = compared.lacking  # to know it takes the libraries, too
    return light


def _unpacked(drawings: bytes, name: str) -> PaperFigure:
    figure: PaperFigure = pickle.loads(drawings)[name].draw()
    return figure


def _counted(
    files: Iterable[tuple[str, bytes]], drawn: Callable[[], None] | None
) -> Iterator[tuple[str, bytes]]:
    """The files; ``drawn`` is called for each figure, which is one SVG beside others."""
    for name, content in files:
        if drawn is not None and name.endswith(".svg"):
            drawn()
        yield name, content


def _opened(
    results: Path, comparison: Path, dataset: Path, regions: tuple[Sequence[Path], Path | None]
) -> Opened:
    """What the page is made of beside the comparison."""
    from mriparaspinal.analysis.inputs import open_cohort
    from mriparaspinal.measure.reopen import open_measured
    from mriparaspinal.report.gather import open_page

    cohort = open_cohort(at_session(results, (comparison,)))
    return open_page(cohort, open_measured(results, cohort.manifest, dataset, *regions))


def _in_advance(opened: Callable[[], Opened], jobs: int, progress: Progress | None) -> FirstPictures | None:
    """The pictures of the page; what is wrong with results or dataset is told when the page's turn comes."""
    from mriparaspinal.report.pictures import first_pictures, thresholds_of

    begin(progress, "opening the dataset")
    try:
        source, (read,) = opened().source, opened().cohort.sources
    except ParaspinalError:
        return None
    advance = each(progress, "drawing", len(source.study.dataset.slices))
    return first_pictures(source, thresholds_of(read), jobs, advance)


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
    compare = partial(_comparison_of, partial(_compared, study / "results"))
    return StudyRun(results, report, {**summary, **found}, compare, unchanged=True)


@contextmanager
def _comparison(path: Path) -> Iterator[OutputFolder]:
    """The folder of the comparison; what is not of an earlier run is refused before anything is measured."""
    with OutputFolder(path, COMPARISON, keep_changed=True) as folder:
        folder.require_ours([*folder.written_before(), COMPARISON, COMPARISONS, "notes.txt"])
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


def _compared(results: Path, jobs: int = 1) -> Analysis:
    with quick_loading():
        from mriparaspinal.api.statistics import compare

    return compare(results_in(results), jobs=jobs)


def _comparison_of(compare: Callable[[], Analysis], folder: OutputFolder | None = None) -> Analysis:
    """What ``compare`` gives; without a table for nothing to compare.

    ``folder``: where the reason is put, if none can be made.
    """
    try:
        return compare()
    except (NothingToCompareError, SessionsError) as reason:
        return _skipped(reason)
    except ParaspinalError as reason:
        if folder is not None:
            _skipped(reason).put(folder)
        raise
