"""``timing.csv``: how long a reader was busy with each slice; written only where it was asked for."""

from __future__ import annotations

from pathlib import Path

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.text import read_number
from mriparaspinal.io.tables import csv_bytes, read_table
from mriparaspinal.io.write import same_header, write_file

FILE = "timing.csv"

COLUMNS = ("image", "reader", "seconds")

#: More than a person is busy with a slice between two messages of the page.
_MOST = 3600.0


def add_seconds(folder: Path, image: str, reader: str, seconds: float) -> None:
    """Add to the seconds of a slice; raises :class:`NoInputError` for a table that cannot be read."""
    path = folder / FILE
    spent: dict[tuple[str, str], float] = {}
    if path.exists():
        table = read_table(path)
        for number, row in enumerate(table.rows, 2):
            told = read_number(row[2]) if table.columns == COLUMNS else None
            if told is None:
                found = f"{FILE}: row {number} cannot be read"
                raise NoInputError(f"{found}; expected {', '.join(COLUMNS)}; move the file away")
            spent[row[0], row[1]] = told
    before = spent.get((image, reader), 0.0)
    spent[image, reader] = round(before + min(max(seconds, 0.0), _MOST), 1)
    content = csv_bytes(COLUMNS, [(*key, told) for key, told in sorted(spent.items())])
    write_file(path, content, same_header(content))
