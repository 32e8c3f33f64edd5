"""``mriparaspinal quantify``."""

from __future__ import annotations

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import progress_bar, say, say_problems
from mriparaspinal.cli.following import say_next
from mriparaspinal.cli.measuring import Measuring
from mriparaspinal.cli.steps import end, say_measured
from mriparaspinal.cli.summary import measured_rows, print_json, show


@opt.command
def quantify(
    *,
    dataset: opt.Dataset,
    out: opt.Out,
    options: Measuring,
    participant_label: opt.ParticipantLabel = (),
    as_json: opt.AsJson = False,
) -> None:
    """Measure fatty infiltration and areas of every muscle, side and segment of a dataset.

    Writes L1.csv … L5.csv, problems.csv, participants.csv (if there is one) and quantify.json.
    With --masks the regions are those of label maps, pixel for pixel: see docs/label-maps.md.

    \b
    Example:
      mriparaspinal quantify scans --out results --jobs 4
      mriparaspinal quantify scans --out shares/ALS_1 --participant-label ALS_1
      mriparaspinal quantify scans --out results --fat-rule dixon --fat fat --water water
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        measured = api.quantify(
            dataset, out=out, only=participant_label, progress=progress, **options.arguments
        )
    say_problems(measured.problem_list)
    show(measured_rows(measured.summary))
    say_measured(measured, out)
    if measured.summary["errors"]:
        say(f"next: correct what {out / 'problems.csv'} lists, and measure again")
    elif len(measured.sessions) > 1:
        say_next("change", out, "--out", "change")
    else:
        say_next("compare", out, "--out", "comparison")
    if as_json:
        print_json({"command": "quantify", **measured.summary})
    end(measured.problem_list)
