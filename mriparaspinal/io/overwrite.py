"""What a command writes never takes the place of what it reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError


def refuse_inputs(option: str, outputs: Iterable[Path], inputs: Iterable[Path | None]) -> None:
    """Raise :class:`UsageError` where an output is an input, by whatever name."""
    given = [path for path in inputs if path is not None]
    for output in outputs:
        for path in given:
            if output.resolve() == path.resolve() or _same_file(output, path):
                found = f"{path} is an input and would be written over or into"
                expected = "expected another folder or file"
                raise UsageError(f"{option} {output}: {found}; {expected}; choose another")


def refuse_as_output(out: Path, taken: Path, what: str) -> None:
    """Raise :class:`UsageError` where the output folder is ``taken``, which is ``what``."""
    if out.resolve() == taken.resolve():
        raise UsageError(f"{out}: is {what}; expected another folder; choose another {argument('out')}")


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def refuse_beside_inputs(
    option: str,
    output: Path,
    files: Iterable[Path | None],
    folders: Iterable[Path | None],
    made: Iterable[Path | None] = (),
) -> None:
    """Raise :class:`UsageError` for a single file that is an input, or lies beside those of an input folder.

    What a study makes may lie in a folder of its own below the dataset, but nowhere below a folder that was
    ``made`` by another command.
    """
    from mriparaspinal.io.write import is_device  # here, so that ``--help`` does without it

    if output.is_dir():
        raise UsageError(f"{option} {output}: is a folder; expected the name of a file; add one")
    if is_device(output):
        return
    refuse_inputs(option, [output], files)
    above = output.resolve().parents
    for folder, taken in (
        *((folder, above[:1]) for folder in folders),
        *((folder, above) for folder in made),
    ):
        if folder is not None and folder.resolve() in taken:
            found = f"lies in the input {folder}"
            raise UsageError(f"{option} {output}: {found}; expected it elsewhere; choose another")
