"""How the commands of the statistics end: files in place, notes said, the exit code settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.cli.console import say_note
from mriparaspinal.errors import EXIT_PARTLY, UsageError

if TYPE_CHECKING:
    from mriparaspinal.analysis import Analysis
    from mriparaspinal.model import Problem


def write_analysis(found: Analysis, out: Path, inputs: Sequence[Path | None], quiet: bool) -> None:
    """Put the files of an analysis into its folder, remove those of other options, say the notes.

    Raises :class:`UsageError` where the folder is an input, or a file would take an input's place.
    """
    from mriparaspinal.files.results import OutputFolder

    taken = {out.resolve(), *((out / name).resolve() for name in found.files)}
    for path in inputs:
        if path is not None and path.resolve() in taken:
            problem = f"{path} is an input and would be written over or into"
            raise UsageError(f"--out {out}: {problem}; expected another folder; choose another")
    with OutputFolder(out) as folder:
        there = {path.name for pattern in found.leftovers for path in out.glob(pattern)}
        folder.replace(found.files, sorted(there - set(found.files)))
    for note in (*found.notes, *_boxes(found.files)):
        say_note(note, quiet)


def end(problems: Sequence[Problem]) -> None:
    """Exit 4 where the participants table had errors, which have been said."""
    if any(problem.severity == "error" for problem in problems):
        raise SystemExit(EXIT_PARTLY)


def _boxes(files: Mapping[str, bytes]) -> list[str]:
    """A note where figures lack letters: all texts of figures come from the tables beside them."""
    if not any(name.endswith(".png") for name in files):
        return []
    from mriparaspinal.files.figure_files import missing_letters

    tables = (content.decode("utf-8", "replace") for name, content in files.items() if name.endswith(".csv"))
    missing = missing_letters(tables)
    if not missing:
        return []
    found = f"no font of this machine has the letters {' '.join(missing[:20])}"
    return [f"figures: {found}; they are boxes there; install one that has them, such as Noto Sans CJK"]
