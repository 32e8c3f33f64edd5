"""``phantom``: a synthetic cohort whose answers are known exactly."""

from __future__ import annotations

from pathlib import Path

import click

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say
from mriparaspinal.core.errors import UsageError


@opt.command
@click.argument("out", type=opt.PATH, help="Folder for the dataset: new or empty.")
@click.option(
    "--als", type=opt.WholeRange(0, 999), metavar="N", default=8, show_default=True, help="ALS patients."
)
@click.option(
    "--lr", type=opt.WholeRange(0, 999), metavar="N", default=8, show_default=True, help="LR patients."
)
@click.option(
    "--seed",
    type=opt.WholeRange(0),
    metavar="N",
    default=1,
    show_default=True,
    help="The same seed gives the same bytes.",
)
@click.option(
    "--size",
    type=opt.WholeRange(128, 1024),
    metavar="N",
    default=256,
    show_default=True,
    help="Rows and columns of each image.",
)
@click.option(
    "--als-atrophy",
    type=opt.FiniteRange(0, 0.8),
    metavar="SHARE",
    default=0.3,
    show_default=True,
    help="Share of the area lost on the onset side at L3-L5 in ALS.",
)
@click.option(
    "--lr-atrophy",
    type=opt.FiniteRange(0, 0.8),
    metavar="SHARE",
    default=0.0,
    show_default=True,
    help="The same in LR.",
)
@click.option(
    "--als-fat",
    type=opt.FiniteRange(0, 0.5),
    metavar="SHARE",
    default=0.0,
    show_default=True,
    help="Added to FI on the onset side at L3-L5 in ALS.",
)
@click.option(
    "--lr-fat",
    type=opt.FiniteRange(0, 0.5),
    metavar="SHARE",
    default=0.0,
    show_default=True,
    help="The same in LR.",
)
@click.option(
    "--clinical", is_flag=True, help="Also OUT/records: ALSFRS-R items and fasciculation, for 'score'."
)
@opt.quiet
@opt.verbose
def phantom(
    out: Path,
    als: int,
    lr: int,
    seed: int,
    size: int,
    als_atrophy: float,
    lr_atrophy: float,
    als_fat: float,
    lr_fat: float,
    clinical: bool,
    quiet: bool,
    verbose: bool,
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
    from mriparaspinal.core.model import SEGMENTS
    from mriparaspinal.phantom.model import Effects
    from mriparaspinal.phantom.slices import make_cohort, make_slices
    from mriparaspinal.phantom.write import record_files, write_cohort

    participants = make_cohort(als, lr, seed)
    slices = make_slices(participants, seed, size, Effects(als_atrophy, lr_atrophy, als_fat, lr_fat))
    with progress_bar("drawing", len(participants) * len(SEGMENTS), quiet) as advance:
        records = record_files(participants, seed) if clinical else {}
        count = write_cohort(out, participants, slices, advance, records)
    for who in participants if verbose else ():
        say(f"{who.participant_id}: L1 to L5", quiet)
    say(f"drew {counted(count, 'slice')} of {counted(len(participants), 'participant')} into {out}", quiet)
