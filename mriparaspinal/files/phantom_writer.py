"""Writes a synthetic cohort as a dataset folder: images, LabelMe files, participants and truth.

The bytes depend on the cohort alone: no clock, no user, no paths.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PIL import Image

from mriparaspinal.errors import UsageError
from mriparaspinal.files.instruments import open_instrument
from mriparaspinal.files.labelme_writer import labelme_bytes
from mriparaspinal.files.results import write_file
from mriparaspinal.files.tables import csv_bytes
from mriparaspinal.phantom import Participant, PhantomSlice, Truth
from mriparaspinal.phantom_records import alsfrs_records, fasciculation_records
from mriparaspinal.scoring import template

#: Decimals in ``truth.csv``: enough for any use, and few enough to be the same on every machine.
_TRUTH_DECIMALS = {"area_px": 3, "fi": 6}


def write_cohort(
    folder: Path,
    participants: Sequence[Participant],
    slices: Iterable[PhantomSlice],
    advance: Callable[[], None] | None = None,
) -> int:
    """Write a dataset into a new or empty folder; the number of slices. ``advance`` is called for each.

    Raises UsageError if there are files in the folder, or it cannot be written.
    """
    truth: list[Truth] = []
    count = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder}: already holds files; expected a new or empty folder; choose another")
        for drawn in slices:
            _write_slice(folder, drawn)
            truth += drawn.truth
            count += 1
            if advance is not None:
                advance()
        _write_table(folder / "participants.csv", participants, Participant)
        _write_table(folder / "truth.csv", truth, Truth)
    except OSError as error:
        found = f"cannot be written ({error.strerror or error})"
        raise UsageError(
            f"{folder}: {found}; expected a writable folder with free space; choose another"
        ) from None
    return count


def write_records(folder: Path, participants: Sequence[Participant], seed: int) -> None:
    """Write the clinical records of a cohort: ``alsfrs-r.csv`` and ``fasciculation.csv``, for ``score``."""
    alsfrs, ultrasound = open_instrument("alsfrs-r"), open_instrument("fasciculation")
    tables = {
        "alsfrs-r": (template(alsfrs)[0], alsfrs_records(participants, seed)),
        # Without the grade, which follows from sites and rate.
        "fasciculation": (
            template(ultrasound)[0][:-1],
            fasciculation_records(participants, ultrasound, seed),
        ),
    }
    for name, (columns, rows) in tables.items():
        write_file(folder / f"{name}.csv", csv_bytes(columns, rows))


def _write_slice(folder: Path, drawn: PhantomSlice) -> None:
    name = f"{drawn.stem}.png"
    Image.fromarray(drawn.image).save(folder / name, compress_level=9)
    rows, columns = drawn.image.shape
    (folder / f"{drawn.stem}.json").write_bytes(labelme_bytes(name, (rows, columns), drawn.contours))


def _write_table(
    path: Path, rows: Sequence[Participant] | Sequence[Truth], kind: type[Participant] | type[Truth]
) -> None:
    """One row per dataclass, the fields as columns; None is an empty cell."""
    columns = [field.name for field in dataclasses.fields(kind)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(column, getattr(row, column)) for column in columns])


def _cell(column: str, value: object) -> str:
    if value is None:
        return ""
    if column in _TRUTH_DECIMALS:
        return f"{value:.{_TRUTH_DECIMALS[column]}f}"
    return str(value)
