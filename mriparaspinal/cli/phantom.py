"""``phantom``: a synthetic cohort whose answers are known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import VERBOSE, progress_bar, say
from mriparaspinal.cli.following import say_next
from mriparaspinal.core.text import count_of
from mriparaspinal.phantom.ranges import RANGES


def _number(name: str, text: str, metavar: str) -> Any:
    """An option for one of the numbers of a cohort, in its range."""
    least, most = RANGES[name]
    return opt.option(f"--{name.replace('_', '-')}", text, metavar, min=least, max=most, show_default=True)


@dataclass(frozen=True, kw_only=True)
class OnOnsetSide:
    """What the muscles of the onset side have lost and gained."""

    als_atrophy: Annotated[
        float, _number("als_atrophy", "Share of the area lost on the onset side at L3-L5 in ALS.", "SHARE")
    ] = 0.3
    lr_atrophy: Annotated[float, _number("lr_atrophy", "The same in LR.", "SHARE")] = 0.0
    als_fat: Annotated[
        float, _number("als_fat", "Added to FI on the onset side at L3-L5 in ALS.", "SHARE")
    ] = 0.0
    lr_fat: Annotated[float, _number("lr_fat", "The same in LR.", "SHARE")] = 0.0


@opt.command
def phantom(
    *,
    out: Annotated[Path, opt.argument("Folder for the dataset: new or empty.")],
    als: Annotated[int, _number("als", "ALS patients.", "N")] = 8,
    lr: Annotated[int, _number("lr", "LR patients.", "N")] = 8,
    seed: Annotated[int, _number("seed", "The same seed gives the same bytes.", "N")] = 1,
    size: Annotated[int, _number("size", "Rows and columns of each image.", "N")] = 256,
    sessions: Annotated[int, _number("sessions", "Scans of each patient, half a year apart.", "N")] = 1,
    onset: OnOnsetSide,
    clinical: Annotated[
        bool, opt.option("--clinical", "Also OUT/records: ALSFRS-R items and fasciculation, for 'score'.")
    ] = False,
) -> None:
    """Draw a synthetic cohort: slices with contours, participants.csv, and the exact answers in truth.csv.

    Each participant has five axial slices, L1 to L5, as PNG with its LabelMe file.
    A participant is the same whatever the size of the cohort.

    \b
    Example:
      mriparaspinal phantom demo --als 8 --lr 8 --seed 1
      mriparaspinal phantom fatter --als-atrophy 0.2 --als-fat 0.1 --lr-atrophy 0.1 --lr-fat 0.05
    """
    import mriparaspinal as api

    with progress_bar() as progress:
        made = api.make_phantom(
            out,
            als=als,
            lr=lr,
            seed=seed,
            size=size,
            sessions=sessions,
            effects=vars(onset),
            clinical=clinical,
            progress=progress,
        )
    people = made.summary["participants"]
    for who in people:
        say(f"{who}: L1 to L5", VERBOSE)
    say(f"drew {count_of(made.count, 'slice')} of {count_of(len(people), 'participant')} into {out}")
    say_next("check", out)
