"""What the commands of this package write: LabelMe files with the flag ``draft``, and ``drafts.csv``.

``drafts.csv`` stands in the folder of the drafts and has a row for each contour, with the hash of its points:
whoever reads it can tell a draft that a person corrected from one that was accepted as it was drawn.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mriparaspinal.core.draft_mark import as_written, contour_hash, is_draft
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import DRAFTS
from mriparaspinal.core.model import Contour
from mriparaspinal.core.text import read_number
from mriparaspinal.drafts.splines import Points, simplify
from mriparaspinal.imaging.rasterise import crosses_itself
from mriparaspinal.io.beside import write_beside
from mriparaspinal.io.labelme import labelme_bytes
from mriparaspinal.io.lock import finished
from mriparaspinal.io.tables import as_it_was, csv_bytes, read_table
from mriparaspinal.io.write import write_file


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One contour that the program drew; the fields are the columns of ``drafts.csv``."""

    image: str
    """Name relative to the folder of ``drafts.csv``, with forward slashes."""
    label: str
    sha256: str
    """Of the points, as :func:`.mark.contour_hash` tells it."""
    command: str
    """``draft``, ``refine``, ``interpolate`` or ``contours``."""
    made_from: str
    """The images whose contours it was made from, separated by ``; ``; of ``contours``: its source."""
    expected_dice: float | None = None
    """``draft``: the Dice coefficient to expect, 0–1."""
    look_first: int | None = None
    """``draft``: 1 for the fifth of all drafts of which the least is to be expected, else 0."""
    area_change_pct: float | None = None
    """``refine``: the area, against that of the spline through the clicks."""
    largest_move_px: float | None = None
    """``refine``: the largest distance from that spline."""


COLUMNS = tuple(field.name for field in fields(DraftRow))


def read_drafts(folder: Path) -> list[DraftRow]:
    """The rows of ``drafts.csv`` in a folder; none where there is none.

    Raises :class:`UsageError` for a file of this name that none of our commands wrote.
    """
    path = folder / DRAFTS
    if not path.exists():
        return []
    table = read_table(path)
    if tuple(table.columns) != COLUMNS:
        found = f"columns {', '.join(table.columns)[:200]}"
        raise UsageError(f"{path}: {found}; expected those that draft writes; move the file away")
    rows = []
    for cells in table.rows:
        image, label, sha256, command, made_from = map(as_it_was, cells[:5])
        dice, look, change, move = map(read_number, cells[5:])
        first = None if look is None else int(look)
        rows.append(DraftRow(image, label, sha256, command, made_from, dice, first, change, move))
    return rows


def drafts_csv(rows: Iterable[DraftRow]) -> bytes:
    """The table of some rows."""
    return csv_bytes(COLUMNS, [[getattr(row, column) for column in COLUMNS] for row in rows])


def mark_first(rows: Sequence[DraftRow]) -> list[DraftRow]:
    """The same rows, with ``look_first`` for the fifth of those of which the least is to be expected."""
    told = [(row.expected_dice, i) for i, row in enumerate(rows) if row.expected_dice is not None]
    first = {i for _, i in sorted(told)[: len(told) // 5]}
    known = {i for _, i in told}
    return [replace(row, look_first=int(i in first)) if i in known else row for i, row in enumerate(rows)]


def add_rows(folder: Path, rows: Sequence[DraftRow]) -> None:
    """Add rows to ``drafts.csv``, in place of those of the same images, whole or not at all."""
    images = {row.image for row in rows}
    kept = [row for row in read_drafts(folder) if row.image not in images]
    merged = mark_first(sorted([*kept, *rows], key=lambda row: row.image))
    # That the file is ours was seen when it was read: a spreadsheet may have saved it in another form.
    write_file(folder / DRAFTS, drafts_csv(merged), lambda _: True)


def draft_bytes(image: str, shape: tuple[int, int], contours: Iterable[Contour]) -> bytes:
    """The LabelMe file of drafted contours beside an image of (rows, columns): flagged as a draft."""
    return labelme_bytes(image, shape, contours, draft=True)


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """A LabelMe file of its parsed JSON; always the same bytes."""
    return (json.dumps(document, separators=(",", ":"), ensure_ascii=True) + "\n").encode()


def is_draft_file(raw: bytes) -> bool:
    """Whether the bytes of a LabelMe file carry the flag; what is no JSON carries none."""
    if b'"draft"' not in raw.lower():
        return False
    try:
        document = json.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and is_draft(document)


def polygon(label: str, line: Points, tolerance_px: float) -> Contour | None:
    """A line as the polygon that is written; None where no simple one encloses an area."""
    for tolerance in (tolerance_px, tolerance_px / 4, 0.0):
        points = as_written((simplify(line, tolerance) if tolerance else line).tolist())
        contour = Contour(label, "polygon", tuple(dict.fromkeys(points)))
        if len(contour.points) >= 3 and not crosses_itself(contour):
            return contour
    return None


def rows_of(files: Mapping[str, bytes], command: str, made_from: str) -> list[DraftRow]:
    """The rows of those of some LabelMe files, by name, that carry the flag."""
    rows = []
    for name, raw in files.items():
        document = json.loads(raw)
        image = f"{name.rpartition('/')[0]}/{document['imagePath']}".removeprefix("/")
        for shape in document["shapes"] if is_draft(document) else ():
            rows.append(DraftRow(image, shape["label"], contour_hash(shape["points"]), command, made_from))
    return rows


def write_drafts(root: Path, files: Mapping[str, bytes], rows: Sequence[DraftRow]) -> int:
    """Write LabelMe files beside their slices, and their rows in ``drafts.csv``; the number of new files.

    No LabelMe file is replaced: raises :class:`UsageError` where one is there. The hashes are written first,
    so that no draft stands anywhere without its hash; where the files cannot be written, they go again.
    """
    if not files:
        return 0
    table = root / DRAFTS
    with finished():
        before = table.read_bytes() if table.exists() else None
        add_rows(root, rows)
        try:
            return write_beside(root, files)
        except UsageError:
            if before is None:
                table.unlink(missing_ok=True)
            else:
                write_file(table, before, lambda _: True)
            raise
