"""``mriparaspinal unblind``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import counted, say, say_note
from mriparaspinal.io.overwrite import refuse_inputs


@opt.command
def unblind(
    *,
    reader: Annotated[Path, opt.argument("Folder that a blinded reader wrote into.")],
    key: Annotated[Path, opt.option("--key", "The key that 'review --blind' wrote.", "FILE")],
    out: opt.Out,
    ui: opt.Ui,
) -> None:
    """Give the contours of a blinded reading the names of their slices again.

    Writes NAME.json and review.csv, in the folders of the dataset. Where slices were read twice,
    the readings stand apart, in the folders first and second.

    \b
    Example:
      mriparaspinal unblind anna-blinded --key anna.key.csv --out anna
    """
    from mriparaspinal.review import blind

    refuse_inputs("--out", [out], [reader])
    done = blind.unblind(reader, key, out)
    where = f"{out}, in {' and '.join(blind.READINGS.values())}" if done.repeated else str(out)
    say(f"gave {counted(done.files, 'reading')} the names of their slices in {where}", ui.quiet)
    for note in done.notes:
        say_note(note, ui.quiet)
