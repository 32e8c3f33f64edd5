"""``timing.csv``: how long a reader was busy with each slice; written only where it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import read_number
from mriparaspinal.io.tables import csv_bytes, read_table
from mriparaspinal.io.write import write_file

FILE = "timing.csv"

COLUMNS = ("image", "reader", "seconds")

#: More than a person is busy with a slice between two messages of the page.
_MOST = 3600.0


def add_seconds(folder: Path, image: str, reader: str, seconds: float) -> None:
    """Add to the seconds of a slice; raises :class:`NoInputError` for a table that cannot be read."""
    spent = read_seconds(folder)
    image = composed(image)  # as the table is read
    before = spent.get((image, reader), 0.0)
    spent[image, reader] = round(before + min(max(seconds, 0.0), _MOST), 1)
    write_file(folder / FILE, seconds_bytes(spent), lambda _: True)


def read_seconds(folder: Path) -> dict[tuple[str, str], float]:
    """The seconds of each slice and reader; raises :class:`NoInputError` for a table that cannot be read."""
    spent: dict[tuple[str, str], float] = {}
    if not (folder / FILE).exists():
        return spent
    table = read_table(folder / FILE)
    for number, row in enumerate(table.rows, 2):
        told = read_number(row[2]) if table.columns == COLUMNS else None
        if told is None:
            found = f"{FILE}: row {number} cannot be read"
            raise NoInputError(f"{found}; expected {', '.join(COLUMNS)}; move the file away")
        spent[row[0], row[1]] = told
    return spent


def seconds_bytes(spent: Mapping[tuple[str, str], float]) -> bytes:
    """``timing.csv``."""
    return csv_bytes(COLUMNS, [(*key, told) for key, told in sorted(spent.items())])
