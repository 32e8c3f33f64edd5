"""``mriparaspinal refine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import (
    counted,
    refuse_dataset_as_output,
    say,
    say_jobs,
    say_problems,
)
from mriparaspinal.core.errors import EXIT_PARTLY
from mriparaspinal.io.protocol import resolve_settings, run_options


@opt.command
def refine(
    *,
    rough: Annotated[Path, opt.argument("Folder of slices with some points around each region.")],
    out: opt.Out,
    band: Annotated[
        float | None,
        opt.option(
            "--band",
            "No line moves farther from the spline through the points "
            "[default: 8 % of the square root of the region's area, at least 3.5].",
            "PX",
            min=0,
            max=100,
        ),
    ] = None,
    protocol: opt.Protocol,
    naming: opt.Naming,
    jobs: opt.Jobs = None,
    ui: opt.Ui,
) -> None:
    """Turn 6 to 15 clicks around each region into smooth contours that follow the slice.

    Writes the slices with their refined LabelMe files into a folder of their own, and drafts.csv with the
    change in area and the largest move of each line. The files carry LabelMe's flag draft, until a person
    unticks it.

    \b
    Example:
      mriparaspinal refine rough --out fine
    """
    from mriparaspinal.drafts.clicks import MANIFEST, refine_slices, write_refined
    from mriparaspinal.io.output import OutputFolder

    settings = resolve_settings(rough, opt.given(protocol, naming))
    refuse_dataset_as_output(rough, out)
    _, jobs = run_options(rough, None, jobs)
    say_jobs(jobs, ui.quiet)
    with OutputFolder(out, MANIFEST, keep_changed=True) as folder:
        made = refine_slices(rough, settings, band, jobs, out)
        write_refined(made, folder)
    say_problems(made.problems, ui.quiet, ui.verbose)
    moved = max((row.largest_move_px or 0.0 for row in made.rows), default=0.0)
    say(
        f"refined {counted(len(made.rows), 'region')} of {counted(made.slices, 'slice')} into {out}; "
        f"no line moved farther than {moved:.1f} px",
        ui.quiet,
    )
    if any(problem.severity == "error" for problem in made.problems):
        raise SystemExit(EXIT_PARTLY)
