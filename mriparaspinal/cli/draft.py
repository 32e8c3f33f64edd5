"""``mriparaspinal draft``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    progress_bar,
    say,
    say_jobs,
    say_note,
    say_problems,
    show_table,
)
from mriparaspinal.core.errors import EXIT_PARTLY, NoInputError
from mriparaspinal.io.protocol import resolve_settings, run_options

if TYPE_CHECKING:
    from mriparaspinal.drafts.evaluation import Quality

#: Regions to look at first that are listed on the terminal; drafts.csv marks all.
_LISTED = 20


@opt.command
def draft(
    *,
    dataset: opt.Dataset,
    reviewed: Annotated[
        Path | None,
        opt.option("--from", "Draft from the judged contours of this folder [default: DATASET].", "REVIEWED"),
    ] = None,
    quick: Annotated[
        bool,
        opt.option(
            "--quick", "Three times as fast, by OpenCV (the extra speed-drafts); other drafts, as good."
        ),
    ] = False,
    protocol: opt.Protocol,
    naming: opt.Naming,
    jobs: opt.Jobs = None,
    ui: opt.Ui,
) -> None:
    """Draft contours of slices that have none, from slices whose contours a person has judged.

    Writes NAME.json beside NAME.png, with LabelMe's flag draft, and drafts.csv; it never replaces a LabelMe
    file. A draft is no measurement: correct it in LabelMe and untick draft. At least 5 slices of the same
    sequence are needed, 10 of each segment are better. What to expect is found on the judged slices
    themselves, each drafted from those of other participants, and printed.

    \b
    Example:
      mriparaspinal draft scans --jobs 2
      mriparaspinal draft scans --from contoured
    """
    from mriparaspinal.drafts.draft import MOST_COMPARED, Sources, draft_slices, slices_without_contours
    from mriparaspinal.drafts.files import read_drafts, write_drafts
    from mriparaspinal.drafts.registration import require_opencv
    from mriparaspinal.drafts.reviewed import ADVISED, read_reviewed

    settings = resolve_settings(dataset, opt.given(protocol, naming))
    _, jobs = run_options(dataset, None, jobs)
    say_jobs(jobs, ui.quiet)
    source = dataset if reviewed is None else reviewed
    read_drafts(dataset)  # refuses a table of somebody else before the work is done
    if quick:
        require_opencv()
    bare, images = slices_without_contours(dataset, settings)
    judged = read_reviewed(source, settings, jobs)
    if len(judged) < ADVISED:
        say_note(f"{counted(len(judged), 'judged slice')}: {ADVISED} or more give better drafts", ui.quiet)
    with progress_bar("drafting", min(MOST_COMPARED, len(judged)) + len(bare), ui.quiet) as advance:
        sources = Sources(source, judged, settings, quick)
        made = draft_slices(dataset, bare, images.spacings, sources, jobs, advance)
    say_problems(made.problems, ui.quiet, ui.verbose)
    if not ui.quiet:
        show_table(*quality_table(made.qualities))
    if bare and not made.files:
        found = f"no draft could be made for any of {counted(len(bare), 'slice')}"
        raise NoInputError(f"{dataset}: {found}; expected slices like those of {source}; see docs/drafts.md")
    write_drafts(dataset, made.files, made.rows)
    first = made.look_first
    for row in first[:_LISTED]:
        say(f"look first at {row.image}: {row.label} (expected Dice {row.expected_dice:.2f})", ui.quiet)
    if len(first) > _LISTED:
        say(f"and {len(first) - _LISTED} more, with look_first 1 in drafts.csv", ui.quiet)
    done = (
        f"drafted {counted(len(made.rows), 'region')} of {len(made.files)} of {counted(len(bare), 'slice')}"
    )
    say(f"{done} without contours in {dataset}, from {counted(len(judged), 'judged slice')}", ui.quiet)
    if any(problem.severity == "error" for problem in made.problems):
        raise SystemExit(EXIT_PARTLY)


def quality_table(found: list[Quality]) -> tuple[list[str], list[list[str]]]:
    """What leave-one-out found, as it is shown: each number with its interval of 95 %."""

    def shown(value: float, low: float | None, high: float | None, places: int) -> str:
        around = "" if low is None or high is None else f" ({low:.{places}f} to {high:.{places}f})"
        return f"{value:.{places}f}{around}"

    header = ["region", "contours", "Dice (95 % CI)", "area error % (95 % CI)", "FI error (95 % CI)"]
    rows = [
        [
            q.region,
            str(q.n),
            shown(q.dice, q.dice_low, q.dice_high, 2),
            shown(q.area_error_pct, q.area_error_low, q.area_error_high, 1),
            shown(q.fi_error, q.fi_error_low, q.fi_error_high, 3),
        ]
        for q in found
    ]
    return header, rows
