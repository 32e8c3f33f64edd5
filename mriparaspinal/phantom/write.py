"""Writes a synthetic cohort as a dataset folder: images, LabelMe files, participants and truth.

The bytes depend on the cohort alone: no clock, no user, no paths.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from PIL import Image

from mriparaspinal.clinical.library import open_instrument
from mriparaspinal.clinical.rating_reader import template
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import MARK
from mriparaspinal.io.labelme import labelme_bytes
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.phantom.followup import true_slopes
from mriparaspinal.phantom.model import Participant, PhantomSlice, TrueSlope, Truth, VisitTruth
from mriparaspinal.phantom.records import alsfrs_records, fasciculation_records

#: Decimals in ``truth.csv``: enough for any use, and few enough to be the same on every machine.
_TRUTH_DECIMALS = {"area_px": 3, "fi": 6, "fi_per_month": 8, "rcsa_per_month": 8}


def write_cohort(
    folder: Path,
    participants: Sequence[Participant],
    slices: Iterable[PhantomSlice],
    advance: Callable[[], None] | None = None,
    records: Mapping[str, bytes] | None = None,
) -> int:
    """Write a dataset into a new or empty folder; the number of slices. ``advance`` is called for each.

    ``records``: clinical records, by name, for the folder ``records`` in it.

    Raises UsageError if there are files in the folder, or it cannot be written.
    """
    truth: list[Truth] = []
    count = 0
    with OutputFolder(folder) as out:
        if _somebodys(folder, out):
            raise UsageError(f"{folder}: already holds files; expected a new or empty folder; choose another")
        for drawn in slices:
            _write_slice(out, drawn)
            truth += drawn.truth
            count += 1
            if advance is not None:
                advance()
        files = {"participants.csv": _table(participants), "truth.csv": _table(truth)}
        if isinstance(truth[0], VisitTruth):
            files["truth_slopes.csv"] = _table(true_slopes([t for t in truth if isinstance(t, VisitTruth)]))
        out.replace({**{f"records/{name}": text for name, text in (records or {}).items()}, **files})
    return count


def _somebodys(folder: Path, out: OutputFolder) -> bool:
    """Whether a folder holds more than what a run that was killed has left."""
    left = {MARK, *(name.split("/")[0] for name in out.cut_off)}
    return any(entry.name not in left for entry in folder.iterdir())


def record_files(participants: Sequence[Participant], seed: int) -> dict[str, bytes]:
    """The clinical records of a cohort: ``alsfrs-r.csv`` and ``fasciculation.csv``, for ``score``."""
    alsfrs, ultrasound = open_instrument("alsfrs-r"), open_instrument("fasciculation")
    tables = {
        "alsfrs-r": (template(alsfrs)[0], alsfrs_records(participants, seed)),
        # Without the grade, which follows from sites and rate.
        "fasciculation": (
            template(ultrasound)[0][:-1],
            fasciculation_records(participants, ultrasound, seed),
        ),
    }
    return {f"{name}.csv": csv_bytes(columns, rows) for name, (columns, rows) in tables.items()}


def _write_slice(out: OutputFolder, drawn: PhantomSlice) -> None:
    name = f"{drawn.stem}.png"
    image = io.BytesIO()
    Image.fromarray(drawn.image).save(image, "PNG", compress_level=9)
    out.put(name, image.getvalue())
    rows, columns = drawn.image.shape
    out.put(f"{drawn.stem}.json", labelme_bytes(name, (rows, columns), drawn.contours))


def _table(rows: Sequence[Participant] | Sequence[Truth] | Sequence[TrueSlope]) -> bytes:
    """One row per dataclass, the fields as columns; None is an empty cell."""
    columns = [field.name for field in dataclasses.fields(rows[0])]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(column, getattr(row, column)) for column in columns])
    return file.getvalue().encode()


def _cell(column: str, value: object) -> str:
    if value is None:
        return ""
    if column in _TRUTH_DECIMALS:
        return f"{value:.{_TRUTH_DECIMALS[column]}f}"
    return str(value)
