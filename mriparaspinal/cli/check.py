"""``mriparaspinal check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, log, progress_bar, say, settings_from, show_table
from mriparaspinal.cli.summary import measured_rows, measured_summary, print_json, show
from mriparaspinal.errors import EXIT_PARTLY, UsageError


def check(
    dataset: opt.Dataset,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write the problems as JSON, too; - prints a summary as well."
        ),
    ] = None,
    mask_rule: opt.MaskRuleOption = None,
    image_left: opt.ImageLeft = None,
    reference: opt.Reference = None,
    patient_from: opt.PatientFromOption = None,
    name_pattern: opt.NamePattern = None,
    window: opt.Window = None,
    participants: opt.ParticipantsFile = None,
    participant_label: opt.ParticipantLabel = None,
    jobs: opt.Jobs = None,
    timeout: opt.Timeout = None,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Find every problem in a dataset at once, without writing results.

    The table goes to stdout; with --json - one JSON object does in its place.
    Exit code 4 if there are errors, 0 if there are only warnings.

    \b
    Example:
      mriparaspinal check scans --json problems.json
    """
    from mriparaspinal.files.protocol import run_options
    from mriparaspinal.files.results import manifest_bytes, write_file
    from mriparaspinal.parallel import Spread
    from mriparaspinal.study import measure_study, open_study, problem_records

    settings = settings_from(dataset, locals())
    participants, jobs = run_options(dataset, participants, jobs)
    json_stdout = json_file is not None and str(json_file) == "-"
    if json_file is not None and not json_stdout:
        refuse_input_as_json(json_file, dataset, participants)
    study = open_study(dataset, settings, participants, share=participant_label or ())
    with progress_bar("checking", len(study.dataset.slices), quiet) as advance:
        measured = measure_study(study, settings, Spread(jobs, timeout=timeout), advance)
    if json_file is not None and not json_stdout:
        write_file(json_file, manifest_bytes({"problems": problem_records(measured.problems)}))
    for problem in measured.problems:
        log(problem.line())
    if measured.problems and not json_stdout:
        show_table(
            ["file", "shape", "severity", "code", "what", "what to do"],
            [(p.file, p.shape, p.severity, p.code, p.message, p.remedy) for p in measured.problems],
        )
    for result in measured.results if verbose else ():
        say(f"{result.slice.name}: {counted(len(result.counts), 'region')} could be measured", quiet)
    summary = measured_summary(measured)
    if json_stdout:
        print_json({"command": "check", **summary, "problems": problem_records(measured.problems)})
    show(measured_rows(summary), quiet)
    say(
        f"checked {counted(len(measured.results), 'slice')}: {counted(measured.errors, 'error')}, "
        f"{counted(measured.warnings, 'warning')}",
        quiet,
    )
    if measured.errors:
        raise typer.Exit(EXIT_PARTLY)
    measured.require_slices()


def refuse_input_as_json(json_file: Path, dataset: Path, participants: Path | None) -> None:
    """A slip must not write over the contours of a slice: only a list of problems is replaced."""
    inside = dataset.resolve() in json_file.resolve().parents
    table = participants is not None and json_file.resolve() == participants.resolve()
    if (inside or table) and json_file.exists() and not json_file.read_bytes().startswith(b'{\n  "problems"'):
        found = "is a file of the dataset, or its participants table"
        raise UsageError(f"--json {json_file}: {found}; expected a file elsewhere; choose another")
