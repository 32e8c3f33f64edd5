"""Writes a synthetic cohort as a dataset folder: images, LabelMe files, participants and truth.

The bytes depend on the cohort alone: no clock, no user, no paths.
"""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PIL import Image

from mriparaspinal.errors import UsageError
from mriparaspinal.phantom import Participant, PhantomSlice, Truth

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


def _write_slice(folder: Path, drawn: PhantomSlice) -> None:
    name = f"{drawn.stem}.png"
    Image.fromarray(drawn.image).save(folder / name, compress_level=9)
    text = json.dumps(_labelme(drawn, name), separators=(",", ":"))
    (folder / f"{drawn.stem}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def _labelme(drawn: PhantomSlice, image_name: str) -> dict[str, object]:
    """The file as LabelMe 5.5 saves it, with the image beside it."""
    rows, columns = drawn.image.shape
    shapes: list[dict[str, object]] = [
        {
            "label": contour.label,
            "points": contour.points,
            "group_id": None,
            "description": "",
            "shape_type": contour.shape_type,
            "flags": {},
            "mask": None,
        }
        for contour in drawn.contours
    ]
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": image_name,
        "imageData": None,
        "imageHeight": rows,
        "imageWidth": columns,
    }


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
