"""``phantom``: a synthetic cohort whose answers are known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, progress_bar, say
from mriparaspinal.core.errors import UsageError

_COUNT = {"min": 0, "max": 999, "show_default": True}
_SHARE = {"min": 0, "max": 0.8, "show_default": True}
_FAT = {"min": 0, "max": 0.5, "show_default": True}


@dataclass(frozen=True, kw_only=True)
class OnOnsetSide:
    """What the muscles of the onset side have lost and gained."""

    als_atrophy: Annotated[
        float,
        opt.option(
            "--als-atrophy", "Share of the area lost on the onset side at L3-L5 in ALS.", "SHARE", **_SHARE
        ),
    ] = 0.3
    lr_atrophy: Annotated[float, opt.option("--lr-atrophy", "The same in LR.", "SHARE", **_SHARE)] = 0.0
    als_fat: Annotated[
        float, opt.option("--als-fat", "Added to FI on the onset side at L3-L5 in ALS.", "SHARE", **_FAT)
    ] = 0.0
    lr_fat: Annotated[float, opt.option("--lr-fat", "The same in LR.", "SHARE", **_FAT)] = 0.0


@opt.command
def phantom(
    *,
    out: Annotated[Path, opt.argument("Folder for the dataset: new or empty.")],
    als: Annotated[int, opt.option("--als", "ALS patients.", "N", **_COUNT)] = 8,
    lr: Annotated[int, opt.option("--lr", "LR patients.", "N", **_COUNT)] = 8,
    seed: Annotated[
        int, opt.option("--seed", "The same seed gives the same bytes.", "N", min=0, show_default=True)
    ] = 1,
    size: Annotated[
        int,
        opt.option("--size", "Rows and columns of each image.", "N", min=128, max=1024, show_default=True),
    ] = 256,
    onset: OnOnsetSide,
    clinical: Annotated[
        bool, opt.option("--clinical", "Also OUT/records: ALSFRS-R items and fasciculation, for 'score'.")
    ] = False,
    ui: opt.Ui,
) -> None:
    """Draw a synthetic cohort: slices with contours, participants.csv, and the exact answers in truth.csv.

    Each participant has five axial slices, L1 to L5, as PNG with its LabelMe file.
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
    slices = make_slices(participants, seed, size, Effects(**vars(onset)))
    with progress_bar("drawing", len(participants) * len(SEGMENTS), ui.quiet) as advance:
        records = record_files(participants, seed) if clinical else {}
        count = write_cohort(out, participants, slices, advance, records)
    for who in participants if ui.verbose else ():
        say(f"{who.participant_id}: L1 to L5", ui.quiet)
    say(f"drew {counted(count, 'slice')} of {counted(len(participants), 'participant')} into {out}", ui.quiet)
