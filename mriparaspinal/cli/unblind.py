"""``mriparaspinal unblind``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say, say_notes
from mriparaspinal.core.text import count_of


@opt.command
def unblind(
    *,
    reader: Annotated[Path, opt.argument("Folder that a blinded reader wrote into.")],
    key: Annotated[Path, opt.option("--key", "The key that 'review --blind' wrote.", "FILE")],
    out: opt.Out,
) -> None:
    """Give the contours of a blinded reading the names of their slices again.

    Writes NAME.json, review.csv and timing.csv, in the folders of the dataset. Where slices were read
    twice, the readings stand apart, in the folders first and second.

    \b
    Example:
      mriparaspinal unblind anna-blinded --key anna.key.csv --out anna
    """
    import mriparaspinal as api

    made = api.unblind(reader, key, out)
    where = f"{out}, in first and second" if made.summary["repeated"] else f"{out}"
    say(f"gave {count_of(made.count, 'reading')} the names of their slices in {where}")
    say_notes(made.notes)
