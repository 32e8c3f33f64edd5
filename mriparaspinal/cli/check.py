"""``mriparaspinal check``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import VERBOSE, log, progress_bar, say, show_table
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end, say_faults
from mriparaspinal.cli.summary import measured_rows, print_json, show
from mriparaspinal.core.text import count_of


@opt.command
def check(
    *,
    dataset: opt.Dataset,
    json_file: Annotated[
        Path | None,
        opt.option("--json", "Write the problems as JSON, too; - prints a summary as well.", "FILE"),
    ] = None,
    label_map_folder: opt.LabelMapFolder,
    contours: opt.Contours,
    affine: opt.Affine = None,
    protocol: opt.Protocol,
    naming: opt.Naming,
    participants: opt.Participants = None,
    participant_label: opt.ParticipantLabel = (),
    execution: opt.Processes,
) -> None:
    """Find every problem in a dataset at once, without writing results.

    The table goes to stdout; with --json - one JSON object does in its place.
    Exit code 4 if there are errors, 0 if there are only warnings.

    \b
    Example:
      mriparaspinal check scans --json problems.json
    """
    import mriparaspinal as api

    on_stdout = str(json_file) == "-"
    with progress_bar() as progress:
        found = api.check(
            dataset,
            json=None if on_stdout else json_file,
            settings=opt.given(protocol, naming, affine=affine),
            participants=participants,
            **vars(label_map_folder),
            **vars(contours),
            only=participant_label,
            jobs=opt.spread(execution),
            progress=progress,
        )
    problems, summary = found.problem_list, found.summary
    for problem in problems:
        log(problem.line())
    if on_stdout:
        print_json({"command": "check", **summary, "problems": [asdict(problem) for problem in problems]})
    elif problems:
        show_table(
            ["file", "shape", "severity", "code", "what", "what to do"],
            [(p.file, p.shape, p.severity, p.code, p.message, p.remedy) for p in problems],
        )
    for name, regions in found.regions:
        say(f"{name}: {count_of(regions, 'region')} could be measured", VERBOSE)
    show(measured_rows(summary))
    say(f"checked {count_of(summary['slices_found'], 'slice')}: {say_faults(summary)}")
    if summary["slices_found"]:
        given = vars(label_map_folder) | vars(contours) | vars(protocol) | vars(naming)
        given |= {"affine": affine, "participants": participants}
        if summary["errors"]:
            say_next("check", dataset, why="when they are corrected", **given)
        else:
            say_next("run", dataset, "--out", "study", **given)
    end(problems)
    found.require_slices()
