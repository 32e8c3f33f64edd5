"""``mriparaspinal draft``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import is_quiet, progress_bar, say, say_problems, show_table
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.steps import end
from mriparaspinal.core.text import count_of

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    import mriparaspinal as api
    from mriparaspinal.drafts.reviewed import ADVISED

    with progress_bar() as progress:
        made = api.draft(
            dataset,
            reviewed=reviewed,
            quick=quick,
            settings=opt.given(protocol, naming),
            jobs=jobs,
            progress=progress,
        )
    judged = count_of(made.summary["judged"], "judged slice")
    if made.summary["judged"] < ADVISED:
        say(f"note: {judged}: {ADVISED} or more give better drafts")
    say_problems(made.problem_list)
    if not is_quiet():
        show_table(*quality_table(made.qualities))
    first = [row for row in made.rows if row.look_first]
    for row in first[:_LISTED]:
        say(f"look first at {row.image}: {row.label} (expected Dice {row.expected_dice:.2f})")
    if len(first) > _LISTED:
        say(f"and {len(first) - _LISTED} more, with look_first 1 in drafts.csv")
    bare = count_of(made.summary["without_contours"], "slice")
    done = f"drafted {count_of(len(made.rows), 'region')} of {made.count} of {bare}"
    say(f"{done} without contours in {dataset}, from {judged}")
    say_next("review", dataset, why="to judge them", **vars(protocol), **vars(naming))
    end(made.problem_list)


def quality_table(found: Iterable[Quality]) -> tuple[list[str], list[list[str]]]:
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
