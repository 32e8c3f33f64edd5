"""What an analysis hands over: its main table, its notes and its files by name."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from mriparaspinal import __version__
from mriparaspinal.io.output import manifest_bytes, sha256

#: So many characters of a column's name go into the name of a file.
_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a command has found: the main table, the notes on it, and all files by name."""

    table: pd.DataFrame
    notes: tuple[str, ...]
    files: dict[str, bytes]
    manifest: str
    """The name of the file that lists the others."""
    settings: Mapping[str, Sequence[str]]
    """What was asked for, or taken in its place."""
    inputs: tuple[tuple[str, str], ...]
    """The files that it was made from, and their SHA-256."""

    def manifest_bytes(self) -> bytes:
        """The manifest: version, settings, and each input and output by its SHA-256."""
        return manifest_bytes(
            {
                "mriparaspinal": __version__,
                "settings": {name: list(values) for name, values in self.settings.items() if values},
                "inputs": dict(self.inputs),
                "outputs": {name: sha256(content) for name, content in self.files.items()},
            }
        )


def notes_bytes(settings: Mapping[str, Sequence[str]], notes: Sequence[str]) -> bytes:
    """``notes.txt``: the settings, which the tables alone do not show, and the notes, one per line."""
    said = "; ".join(f"{name} {', '.join(values)}" for name, values in settings.items() if values)
    return "".join(f"{line}\n" for line in (f"settings: {said}", *notes)).encode()


def file_name(stem: str, taken: Container[str]) -> str:
    """A name that every file system takes, made of names of columns, and unlike those that are ``taken``.

    >>> file_name("scatter_FA/CST (left)", {"scatter_fa_cst_left.png"})
    'scatter_fa_cst_left_2'
    """
    # In small letters: "FA" and "fa" are one file on some systems.
    short = re.sub(r"([^\w.-]|_)+", "_", stem.casefold())[:_NAME_LENGTH].strip("_.")
    name, number = short, 1
    while f"{name}.png" in taken:
        number += 1
        name = f"{short}_{number}"
    return name
