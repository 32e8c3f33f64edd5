"""``phantom``: a synthetic cohort whose answers are known exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say
from mriparaspinal.errors import UsageError


def phantom(
    out: Annotated[Path, typer.Argument(help="Folder for the dataset: new or empty.", show_default=False)],
    als: Annotated[int, typer.Option(min=0, max=999, help="ALS patients.")] = 8,
    lr: Annotated[int, typer.Option(min=0, max=999, help="LR patients.")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 1,
    size: Annotated[int, typer.Option(min=128, max=1024, help="Rows and columns of each image.")] = 256,
    als_atrophy: Annotated[
        float, typer.Option(min=0, max=0.8, help="Share of the area lost on the onset side at L3-L5 in ALS.")
    ] = 0.3,
    lr_atrophy: Annotated[float, typer.Option(min=0, max=0.8, help="The same in LR.")] = 0.0,
    als_fat: Annotated[
        float, typer.Option(min=0, max=0.5, help="Added to FI on the onset side at L3-L5 in ALS.")
    ] = 0.0,
    lr_fat: Annotated[float, typer.Option(min=0, max=0.5, help="The same in LR.")] = 0.0,
    clinical: Annotated[
        bool,
        typer.Option("--clinical", help="Also OUT/records: ALSFRS-R items and fasciculation, for 'score'."),
    ] = False,
    quiet: opt.Quiet = False,
    verbose: opt.Verbose = False,
) -> None:
    """Draw a synthetic cohort: slices with contours, participants.csv, and the exact answers in truth.csv.

    Each participant has five axial slices, L1 to L5, as PNG with a LabelMe file beside it.
    A participant is the same whatever the size of the cohort.

    \b
    Example:
      mriparaspinal phantom demo --als 8 --lr 8 --seed 1
    """
    if als + lr == 0:
        raise UsageError("phantom: --als 0 and --lr 0 were found; expected at least one patient; raise one")
    from mriparaspinal.files.phantom_writer import write_cohort
    from mriparaspinal.model import SEGMENTS
    from mriparaspinal.phantom import Effects, make_cohort, make_slices

    participants = make_cohort(als, lr, seed)
    slices = make_slices(participants, seed, size, Effects(als_atrophy, lr_atrophy, als_fat, lr_fat))
    with progress_bar("drawing", len(participants) * len(SEGMENTS), quiet) as advance:
        count = write_cohort(out, participants, slices, advance)
    if clinical:
        from mriparaspinal.files.phantom_writer import write_records

        write_records(out / "records", participants, seed)
    for who in participants if verbose else ():
        say(f"{who.participant_id}: L1 to L5", quiet)
    say(f"drew {counted(count, 'slice')} of {counted(len(participants), 'participant')} into {out}", quiet)
