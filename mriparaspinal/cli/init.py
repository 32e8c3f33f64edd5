"""``mriparaspinal init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.following import say_next
from mriparaspinal.core.text import count_of


@opt.command
def init(
    *,
    dataset: Annotated[Path, opt.argument("Folder of slices, with contours or still without.")],
    naming: opt.Naming,
) -> None:
    """Write what you fill in into a dataset folder: participants.csv, paraspinal.toml, labels.txt.

    participants.csv has the ids that were found, and empty columns; paraspinal.toml has all settings as
    comments; labels.txt is for 'labelme --labels'. This is the only command whose output is the dataset
    folder itself. A file that is there is left as it is.

    \b
    Example:
      mriparaspinal init scans
    """
    import mriparaspinal as api

    made = api.init(dataset, settings=opt.given(naming))
    people = count_of(len(made.summary["participants"]), "participant")
    if made.summary["there"]:
        say(f"there already, and left as they are: {', '.join(made.summary['there'])}")
    written = ", ".join(made.summary["written"])
    say(f"wrote {written} into {dataset}, for {people}" if written else f"nothing to write into {dataset}")
    say_next("check", dataset, why="when they are filled in", **opt.given(naming))
