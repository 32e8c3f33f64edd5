"""``mriparaspinal interpolate``."""

from __future__ import annotations

from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_jobs, say_problems
from mriparaspinal.core.errors import EXIT_PARTLY, NoInputError
from mriparaspinal.io.protocol import resolve_settings, run_options


@opt.command
def interpolate(
    *,
    dataset: opt.Dataset,
    most_mm: Annotated[
        float,
        opt.option(
            "--largest-gap",
            "Contoured slices farther apart are no neighbours, where slices.csv tells their places.",
            "MM",
            min=0.1,
            max=100,
            show_default=True,
        ),
    ] = 20.0,
    protocol: opt.Protocol,
    naming: opt.Naming,
    jobs: opt.Jobs = None,
    ui: opt.Ui,
) -> None:
    """Draft the contours of slices that lie between two contoured slices of a stack.

    A stack is several slices of one segment (ALS_7_3_a.png, ALS_7_3_b.png, …), or all slices of a participant
    where slices.csv tells their places. Writes NAME.json beside NAME.png, with LabelMe's flag draft, and
    drafts.csv; it never replaces a LabelMe file.

    \b
    Example:
      mriparaspinal interpolate scans
    """
    from mriparaspinal.drafts.files import write_drafts
    from mriparaspinal.drafts.interpolate import interpolate_slices

    settings = resolve_settings(dataset, opt.given(protocol, naming))
    _, jobs = run_options(dataset, None, jobs)
    say_jobs(jobs, ui.quiet)
    made = interpolate_slices(dataset, settings, most_mm, jobs)
    say_problems(made.problems, ui.quiet, ui.verbose)
    if not made.files:
        found = "no slice without contours lies between two contoured ones"
        raise NoInputError(f"{dataset}: {found}; expected stacks with gaps; see docs/drafts.md")
    write_drafts(dataset, made.files, made.rows)
    done = f"{counted(len(made.rows), 'region')} of {counted(len(made.files), 'slice')}"
    say(f"interpolated {done} in {dataset}", ui.quiet)
    if any(problem.severity == "error" for problem in made.problems):
        raise SystemExit(EXIT_PARTLY)
