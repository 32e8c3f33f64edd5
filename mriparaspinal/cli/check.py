"""``mriparaspinal check``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    VERBOSE,
    end_bar,
    progress_bar,
    say,
    say_problems,
    screen_height,
    show_table,
)
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.overview import FRAME, gap_rows, plain, show_overview
from mriparaspinal.cli.steps import end, say_faults
from mriparaspinal.cli.summary import measured_rows, print_json, show
from mriparaspinal.core.text import count_of

if TYPE_CHECKING:
    from mriparaspinal.api.results import CheckedDataset

#: Lines of the screen below what is shown: the two last ones, of which one may be long, and the prompt.
_BELOW = 4


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

    The terminal shows them in short: each kind once, and which participants have which segments. A pipe or
    file (check scans > problems.tsv) gets the table of all; with --json - one JSON object in its place.
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
    end_bar()
    problems, summary, overview = found.problem_list, found.summary, found.overview
    if on_stdout:
        listed = [asdict(problem) for problem in problems]
        print_json({"command": "check", **summary, **plain(overview), "problems": listed})
    elif problems and not sys.stdout.isatty():
        show_table(
            ["file", "shape", "severity", "code", "what", "what to do"],
            [(p.file, p.shape, p.severity, p.code, p.message, p.remedy) for p in problems],
        )
    for name, regions in found.regions:
        say(f"{name}: {count_of(regions, 'region')} could be measured", VERBOSE)
    _show(found)
    say(f"checked {count_of(summary['slices_found'], 'slice')}: {say_faults(summary)}")
    if not summary["slices_found"] and "image-without-json" in summary["problems_by_code"]:
        say_next("review", dataset, why="to draw contours", **vars(naming))
    elif summary["slices_found"]:
        given = vars(label_map_folder) | vars(contours) | vars(protocol) | vars(naming)
        given |= {"affine": affine, "participants": participants}
        if summary["errors"]:
            say_next("check", dataset, why="when they are corrected", **given)
        elif overview.sessions:
            say_next("quantify", dataset, "--out", "results", **given)
        else:
            say_next("run", dataset, "--out", "study", **given)
    end(problems)
    found.require_slices()


def _show(found: CheckedDataset) -> None:
    """Problems, picture and gaps, together on one screen."""
    rows = [*measured_rows(found.summary, False, found.overview.participants), *gap_rows(found.overview)]
    room = screen_height() - len(rows) - _BELOW
    picture = max(4, room // 4)
    say_problems(found.problem_list, room - picture - FRAME)
    show_overview(found.overview, picture)
    show(rows)
