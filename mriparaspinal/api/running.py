"""``run`` from Python: a study from its slices to its page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from mriparaspinal.analysis.drawing import FigureFiles, figure_files
from mriparaspinal.api.contoured import ContourArguments, ContourChoice
from mriparaspinal.api.given import PathLike, Progress, Table, files
from mriparaspinal.api.making import Made, make_report
from mriparaspinal.api.measuring import Pair, measure_into, requested
from mriparaspinal.api.results import StudyResults, results_in
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NothingToCompareError, ParaspinalError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.model import Settings
from mriparaspinal.io.manifest import COMPARISON
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.write import require_ours
from mriparaspinal.parallel.map import Execution
from mriparaspinal.report.html import is_page

if TYPE_CHECKING:
    from mriparaspinal.analysis.result import Analysis


class RunArguments(ContourArguments, total=False):
    """Which contours are measured, and how figures are drawn."""

    formats: Sequence[str]
    """Of the figures beside PNG and SVG: ``pdf``, ``tiff``."""
    style: PathLike | None
    """A style sheet of matplotlib, laid over ours."""


@dataclass(frozen=True, eq=False)
class StudyRun:
    """What :func:`run` made of a dataset."""

    results: StudyResults
    comparison: Analysis
    """Its ``table`` is None where there was nothing to compare; ``notes`` say why."""
    report: Made


def run(
    dataset: PathLike,
    out: PathLike,
    *,
    settings: Settings | Mapping[str, Any] | None = None,
    participants: Table | None = None,
    masks: PathLike | None = None,
    numbering: str | None = None,
    fat_and_water: Pair = None,
    jobs: int | Execution | None = None,
    progress: Progress | None = None,
    done: Callable[[StudyResults | Analysis | Made], None] = lambda _: None,
    **more: Unpack[RunArguments],
) -> StudyRun:
    """Check, quantify, compare and report a dataset in one go.

    Parameters
    ----------
    dataset, out : str or Path
        The slices and LabelMe files; the folder to write: ``results``, ``comparison``, ``report.html``.
    settings, participants, masks, numbering, fat_and_water, jobs, progress : optional
        As for :func:`quantify`.
    annotations, review, accept_drafts : optional
        As for :func:`quantify`.
    formats, style : optional
        Of the figures, as for ``Analysis.save``.
    done : callable, optional
        Called with the result of each step as it is finished.

    Returns
    -------
    StudyRun
        ``results``, ``comparison`` and ``report``.

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
    from mriparaspinal.parallel.map import cores

    study = Path(out)
    how = figure_files(more.get("formats", ()), more.get("style"))
    results, comparison, page = (study / name for name in ("results", "comparison", "report.html"))
    with files() as given:
        people = given.if_any(participants, PARTICIPANTS)
        outputs = (study, results, comparison)
        chosen = ContourChoice(
            annotations=more.get("annotations"),
            review=more.get("review"),
            accept_drafts=more.get("accept_drafts", False),
        )
        images = (masks, numbering), fat_and_water
        asked = requested(dataset, settings, people, *images, (), jobs, outputs, chosen)
        require_ours(page, is_page, argument("out"))
        # No other run writes into it, nor into the folders in it, until all belongs together.
        with OutputFolder(study):
            with _comparison(comparison) as folder:
                first = partial(_outdate, folder, page)
                done(measured := measure_into(asked, results, progress, study, first))
                done(compared := _compared(results, folder, replace(how, jobs=asked.execution.jobs or 1)))
            report = partial(make_report, results, dataset, out=page, comparison=comparison, masks=masks)
            report = partial(report, annotations=chosen.annotations, progress=progress)
            # No more than there are: a note on --jobs was logged before the measuring.
            done(made := report(jobs=min(asked.execution.jobs or 1, cores())))
    return StudyRun(measured, compared, made)


@contextmanager
def _comparison(path: Path) -> Iterator[OutputFolder]:
    """The folder of the comparison; what is not of an earlier run is refused before anything is measured."""
    with OutputFolder(path, COMPARISON, keep_changed=True) as folder:
        folder.require_ours([*folder.written_before(), COMPARISON, "comparisons.csv", "notes.txt"])
        yield folder


def _outdate(comparison: OutputFolder, page: Path) -> None:
    """Remove what an earlier run made of other results, before these are in place."""
    comparison.take_away()
    page.unlink(missing_ok=True)


def _compared(results: Path, folder: OutputFolder, how: FigureFiles) -> Analysis:
    """The comparison of the results, put into its folder; without a table for nothing to compare."""
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.api.statistics import compare

    def skipped(reason: ParaspinalError) -> Analysis:
        note = f"{reason}; the comparison is skipped"
        return Analysis(
            None, (note,), {"notes.txt": f"{note}\n".encode()}, COMPARISON, {"skipped": [f"{reason}"]}, ()
        )

    try:
        found = compare(results_in(results))
        found.put(folder, how)
    except NothingToCompareError as reason:
        found = skipped(reason)
        found.put(folder)
    except ParaspinalError as reason:
        skipped(reason).put(folder)
        raise
    return found
