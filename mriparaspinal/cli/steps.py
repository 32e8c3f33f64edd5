"""The steps that ``run`` shares with the commands of their own: do the work, say what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.cli.console import counted, progress_bar, say, say_jobs, say_problems
from mriparaspinal.cli.outputs import place_analysis, say_notes, write_analysis
from mriparaspinal.cli.summary import (
    compared_rows,
    compared_summary,
    measured_rows,
    measured_summary,
    not_tested,
    show,
)
from mriparaspinal.model import Settings

if TYPE_CHECKING:
    from mriparaspinal.analysis import Analysis, Cohort
    from mriparaspinal.files.output import OutputFolder
    from mriparaspinal.label_maps import LabelMaps
    from mriparaspinal.study import MeasuredStudy


def quantify_step(
    dataset: Path,
    out: Path,
    settings: Settings,
    participants: Path | None,
    jobs: int | None,
    quiet: bool,
    verbose: bool,
    leave_out: Path | None = None,
    maps: LabelMaps | None = None,
    dixon: tuple[Path, Path] | None = None,
    summary: bool = True,
    scheduler: str | None = None,
    timeout: float | None = None,
    share: Sequence[str] = (),
    first: Callable[[], None] | None = None,
) -> MeasuredStudy:
    """Measure a dataset into a folder of results, whole or not at all.

    ``leave_out`` may lie in the dataset and is no part of it: the folder that ``out`` stands in.
    ``maps``: label maps instead of contours; ``dixon``: fat and water images instead of grey levels.
    ``scheduler``, ``timeout``: see :class:`~mriparaspinal.parallel.Spread`; ``share``: the participants.
    ``first`` is called before the first of the old results is touched.
    """
    from mriparaspinal.files.output import OutputFolder
    from mriparaspinal.files.protocol import run_options
    from mriparaspinal.files.results import refuse_other_share
    from mriparaspinal.parallel import Spread
    from mriparaspinal.study import measure_study, open_study, refuse_own_copy, write_results

    participants, jobs = run_options(dataset, participants, jobs)
    say_jobs(jobs if scheduler is None else 1, quiet)
    refuse_own_copy(participants, out)
    with OutputFolder(out, first=first) as folder:
        study = open_study(dataset, settings, participants, leave_out or out, maps, dixon, share)
        refuse_other_share(out, study.share)
        with progress_bar("measuring", len(study.dataset.slices), quiet) as advance:
            measured = measure_study(study, settings, Spread(jobs, scheduler, timeout), advance)
        say_problems(measured.problems, quiet, verbose)
        tables = write_results(measured, settings, folder, jobs)
    if summary:
        show(measured_rows(measured_summary(measured)), quiet)
    slices = counted(len(measured.results), "slice")
    say(
        f"measured {measured.measured} of {slices} into {out} ({', '.join(tables)}); "
        f"{counted(measured.errors, 'error')}, {counted(measured.warnings, 'warning')}",
        quiet,
    )
    return measured


def compare_step(
    cohort: Cohort,
    out: Path,
    inputs: Sequence[Path | None],
    quiet: bool,
    contrasts: Sequence[str] = (),
    metrics: Sequence[str] = (),
    normality: str | None = None,
    divide_by: str | None = None,
    folder: OutputFolder | None = None,
) -> Analysis:
    """Compare the arms of a cohort into an output folder, which is none of the ``inputs``.

    ``folder``: that of ``out``, where it is taken already; then nothing is shown but the last line.
    """
    from mriparaspinal.comparison import compare_cohort

    compared = compare_cohort(cohort, contrasts, metrics, normality, divide_by)
    if folder is None:
        write_analysis(compared, out, inputs, quiet, cohort.sources)
    else:
        place_analysis(compared, folder, inputs, cohort.sources)
        say_notes(compared, quiet)
    found = compared_summary(compared)
    if folder is None:
        show(compared_rows(found), quiet)
    say(
        f"made {counted(found['comparisons'], 'comparison')}{not_tested(found)} into {out}; "
        f"{found['p_below_0_05']} with p < 0.05",
        quiet,
    )
    return compared


def skip_comparison(folder: OutputFolder, reason: str, quiet: bool) -> None:
    """Say, and write into the folder of the comparison, why there is none."""
    from mriparaspinal.analysis import Analysis
    from mriparaspinal.files.output import COMPARISON

    note = f"{reason}; the comparison is skipped"
    nothing = Analysis(None, (note,), {"notes.txt": f"{note}\n".encode()}, COMPARISON, {}, ())
    place_analysis(nothing, folder, (), ())
    say(f"note: {note}", quiet)
