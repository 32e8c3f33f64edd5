"""The steps that ``run`` shares with the commands of their own: do the work, say what happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.cli.console import counted, progress_bar, say, say_problems
from mriparaspinal.cli.outputs import write_analysis
from mriparaspinal.model import Settings

if TYPE_CHECKING:
    from mriparaspinal.analysis import Analysis, Cohort
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
) -> MeasuredStudy:
    """Measure a dataset into a folder of results, whole or not at all.

    ``leave_out`` may lie in the dataset and is no part of it: the folder that ``out`` stands in.
    """
    from mriparaspinal.files.protocol import run_options
    from mriparaspinal.files.results import OutputFolder, stale_tables
    from mriparaspinal.study import measure_study, open_study, refuse_own_copy, result_files

    participants, jobs = run_options(dataset, participants, jobs)
    refuse_own_copy(participants, out)
    with OutputFolder(out) as folder:
        study = open_study(dataset, settings, participants, leave_out or out)
        with progress_bar("measuring", len(study.dataset.slices), quiet) as advance:
            measured = measure_study(study, settings, jobs, advance)
        say_problems(measured.problems, quiet, verbose)
        files = result_files(measured, settings)
        folder.replace(files, stale_tables(folder, files))
    tables = ", ".join(name for name in files if name.startswith("L"))
    say(
        f"measured {measured.measured} of {counted(len(measured.results), 'slice')} into {out} ({tables}); "
        f"{counted(measured.errors, 'error')}, {counted(measured.warnings, 'warning')}",
        quiet,
    )
    return measured


def compare_step(
    cohort: Cohort,
    out: Path,
    inputs: Sequence[Path | None],
    quiet: bool,
    contrasts: list[str] | None = None,
    metrics: list[str] | None = None,
    normality: str | None = None,
    divide_by: str | None = None,
) -> Analysis:
    """Compare the arms of a cohort into an output folder, which is none of the ``inputs``."""
    from mriparaspinal.comparison import compare_cohort

    compared = compare_cohort(cohort, contrasts or [], metrics or [], normality, divide_by)
    write_analysis(compared, out, inputs, quiet)
    say(
        f"made {counted(len(compared.table), 'comparison')} into {out}; "
        f"{significant(compared, 'p')} with p < 0.05",
        quiet,
    )
    return compared


def significant(compared: Analysis, column: str) -> int:
    """How many comparisons have ``p`` or ``p_adjusted`` below 0.05."""
    return int((compared.table[column] < 0.05).sum())


def skip_comparison(out: Path, reason: str, quiet: bool) -> None:
    """Say why there is no comparison, and take away that of an earlier run."""
    from mriparaspinal.analysis import Analysis
    from mriparaspinal.comparison import LEFTOVERS

    note = f"{reason}; the comparison is skipped"
    nothing = Analysis(None, (note,), {"notes.txt": f"{note}\n".encode()}, ("comparisons.csv", *LEFTOVERS))
    write_analysis(nothing, out, (), quiet)
