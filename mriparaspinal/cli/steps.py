"""How the commands end: files in place, never over an input or somebody's own; notes said; the exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.cli.console import counted, progress_bar, say, say_jobs, say_note, say_problems
from mriparaspinal.cli.summary import (
    compared_rows,
    compared_summary,
    measured_rows,
    measured_summary,
    not_tested,
    show,
)
from mriparaspinal.core.errors import EXIT_PARTLY
from mriparaspinal.core.model import Settings
from mriparaspinal.io.overwrite import refuse_inputs

if TYPE_CHECKING:
    from mriparaspinal.analysis.inputs import Cohort
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.cli.options import Images, Measuring, Ui
    from mriparaspinal.core.model import Problem
    from mriparaspinal.io.output import OutputFolder
    from mriparaspinal.measure.dataset import MeasuredDataset
    from mriparaspinal.measure.results import Results


def write_analysis(
    found: Analysis,
    out: Path,
    inputs: Sequence[Path | None],
    quiet: bool,
    sources: Sequence[Results] = (),
) -> list[str]:
    """Put the files of an analysis into its folder, remove those of other options, say the notes.

    Returns the names, that of the manifest last.

    ``sources``: the folders of results that it was made from, which must not have changed since. Raises
    :class:`UsageError` where the folder is an input, or a file would take the place of an input, or of one
    that the command did not write.
    """
    with analysis_folder(found.manifest, out, inputs) as folder:
        names = place_analysis(found, folder, inputs, sources)
    say_notes(found, quiet)
    return names


def say_notes(found: Analysis, quiet: bool) -> None:
    """Say the notes of an analysis, and what its figures lack."""
    for note in (*found.notes, *found.lacking):
        say_note(note, quiet)


def analysis_folder(manifest: str, out: Path, inputs: Sequence[Path | None]) -> OutputFolder:
    """The folder of an analysis; raises :class:`UsageError` where it is an input."""
    from mriparaspinal.io.output import OutputFolder

    refuse_inputs("--out", [out], inputs)
    return OutputFolder(out, manifest, keep_changed=True)


def place_analysis(
    found: Analysis, folder: OutputFolder, inputs: Sequence[Path | None], sources: Sequence[Results]
) -> list[str]:
    """Put the files of an analysis into a folder that is taken, remove those of other options; the names."""
    files = found.put(folder)
    refuse_inputs("--out", [folder.path / name for name in files], inputs)
    for results in sources:
        results.require_same()
    stale = [name for name in folder.written_before() if name not in files]
    folder.replace({}, [name for name in stale if (folder.path / name).is_file()])
    return files


def end(problems: Sequence[Problem]) -> None:
    """Exit 4 where the participants table had errors, which have been said."""
    if any(problem.severity == "error" for problem in problems):
        raise SystemExit(EXIT_PARTLY)


def quantify_step(
    dataset: Path,
    out: Path,
    settings: Settings,
    options: Measuring,
    images: Images,
    ui: Ui,
    leave_out: Path | None = None,
    summary: bool = True,
    share: Sequence[str] = (),
    first: Callable[[], None] | None = None,
) -> MeasuredDataset:
    """Measure a dataset into a folder of results, whole or not at all.

    ``leave_out`` may lie in the dataset and is no part of it: the folder that ``out`` stands in.
    ``share``: the participants; ``first`` is called before the first of the old results is touched.
    """
    from mriparaspinal.dataset.open import open_dataset, refuse_own_copy
    from mriparaspinal.io.output import OutputFolder
    from mriparaspinal.io.protocol import run_options
    from mriparaspinal.measure.dataset import measure_dataset
    from mriparaspinal.measure.results import refuse_other_share, write_results
    from mriparaspinal.parallel.map import Execution

    participants, jobs = run_options(dataset, options.participants, options.jobs)
    say_jobs(jobs if options.scheduler is None else 1, ui.quiet)
    refuse_own_copy(participants, out)
    with OutputFolder(out, first=first) as folder:
        study = open_dataset(dataset, settings, participants, leave_out or out, *images, share)
        refuse_other_share(out, study.share)
        with progress_bar("measuring", len(study.dataset.slices), ui.quiet) as advance:
            measured = measure_dataset(
                study, settings, Execution(jobs, options.scheduler, options.timeout), advance
            )
        say_problems(measured.problems, ui.quiet, ui.verbose)
        tables = write_results(measured, settings, folder)
    if summary:
        show(measured_rows(measured_summary(measured)), ui.quiet)
    slices = counted(len(measured.results), "slice")
    say(
        f"measured {measured.measured} of {slices} into {out} ({', '.join(tables)}); "
        f"{counted(measured.errors, 'error')}, {counted(measured.warnings, 'warning')}",
        ui.quiet,
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
    from mriparaspinal.analysis.compare import compare_cohort

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
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.io.manifest import COMPARISON

    note = f"{reason}; the comparison is skipped"
    nothing = Analysis(None, (note,), {"notes.txt": f"{note}\n".encode()}, COMPARISON, {}, ())
    place_analysis(nothing, folder, (), ())
    say(f"note: {note}", quiet)
