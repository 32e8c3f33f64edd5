"""``mriparaspinal check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    label_maps,
    log,
    progress_bar,
    refuse_idle_affine,
    say,
    say_jobs,
    show_table,
)
from mriparaspinal.cli.summary import measured_rows, measured_summary, print_json, show
from mriparaspinal.core.errors import EXIT_PARTLY
from mriparaspinal.io.overwrite import refuse_beside_inputs
from mriparaspinal.io.protocol import resolve_settings


@opt.command
def check(
    *,
    dataset: opt.Dataset,
    json_file: Annotated[
        Path | None,
        opt.option("--json", "Write the problems as JSON, too; - prints a summary as well.", "FILE"),
    ] = None,
    label_map_folder: opt.LabelMapFolder,
    affine: opt.Affine = None,
    protocol: opt.Protocol,
    naming: opt.Naming,
    participants: opt.Participants = None,
    participant_label: opt.ParticipantLabel = (),
    jobs: opt.Jobs = None,
    timeout: opt.Timeout = None,
    ui: opt.Ui,
) -> None:
    """Find every problem in a dataset at once, without writing results.

    The table goes to stdout; with --json - one JSON object does in its place.
    Exit code 4 if there are errors, 0 if there are only warnings.

    \b
    Example:
      mriparaspinal check scans --json problems.json
    """
    from mriparaspinal.dataset.open import open_dataset
    from mriparaspinal.io.manifest import manifest_bytes
    from mriparaspinal.io.protocol import run_options
    from mriparaspinal.io.write import require_ours, write_file
    from mriparaspinal.measure.dataset import measure_dataset
    from mriparaspinal.measure.results import problem_records
    from mriparaspinal.parallel.map import Execution

    settings = resolve_settings(dataset, opt.given(protocol, naming, affine=affine))
    masks, numbering = label_map_folder.masks, label_map_folder.numbering
    participants, jobs = run_options(dataset, participants, jobs)
    say_jobs(jobs, ui.quiet)
    json_stdout = json_file is not None and str(json_file) == "-"
    if json_file is not None and not json_stdout:
        tables = (participants, None if numbering is None else Path(numbering))
        refuse_beside_inputs("--json", json_file, tables, (dataset, masks))
        require_ours(json_file, is_list_of_problems, "--json")
    refuse_idle_affine(affine, masks)
    maps = label_maps(masks, numbering, protocol.mask_rule)
    study = open_dataset(dataset, settings, participants, maps=maps, share=participant_label)
    with progress_bar("checking", len(study.dataset.slices), ui.quiet) as advance:
        measured = measure_dataset(study, settings, Execution(jobs, timeout=timeout), advance)
    if json_file is not None and not json_stdout:
        write_file(
            json_file, manifest_bytes({"problems": problem_records(measured.problems)}), is_list_of_problems
        )
    for problem in measured.problems:
        log(problem.line())
    if measured.problems and not json_stdout:
        show_table(
            ["file", "shape", "severity", "code", "what", "what to do"],
            [(p.file, p.shape, p.severity, p.code, p.message, p.remedy) for p in measured.problems],
        )
    for result in measured.results if ui.verbose else ():
        say(f"{result.slice.name}: {counted(len(result.counts), 'region')} could be measured", ui.quiet)
    summary = measured_summary(measured)
    if json_stdout:
        print_json({"command": "check", **summary, "problems": problem_records(measured.problems)})
    show(measured_rows(summary), ui.quiet)
    say(
        f"checked {counted(len(measured.results), 'slice')}: {counted(measured.errors, 'error')}, "
        f"{counted(measured.warnings, 'warning')}",
        ui.quiet,
    )
    if measured.errors:
        raise SystemExit(EXIT_PARTLY)
    measured.require_slices()


def is_list_of_problems(head: bytes) -> bool:
    """Whether a file begins as one of --json does."""
    return head.startswith(b'{\n  "problems"')
