"""``slices.csv``: pixel spacings and places of the slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from mriparaspinal.core.filenames import SLICES_TABLE
from mriparaspinal.core.model import Problem, Spacing
from mriparaspinal.core.spelling import composed, difference, near_matches, nearest
from mriparaspinal.core.text import is_missing, read_number
from mriparaspinal.io.tables import TextTable

if TYPE_CHECKING:
    from mriparaspinal.imaging.slice_position import SlicePlace


_SPACING_COLUMNS = ("image", "row_spacing_mm", "col_spacing_mm")


def read_spacings(table: TextTable, images: list[str]) -> tuple[dict[str, Spacing], list[Problem]]:
    """Pixel spacings in mm by image; ``image`` cells may be names with or without their folder."""
    missing = [column for column in _SPACING_COLUMNS if column not in table.columns]
    if missing:
        found = f"no column {', '.join(missing)}; expected {', '.join(_SPACING_COLUMNS)}"
        near = [column for column in table.columns if nearest(column, missing)]
        found += f": did you mean {' and '.join(near)}?" if near else ""
        return {}, [_spacing_error("", found, "add it: areas in mm² stay empty without it")]
    places = [table.columns.index(column) for column in _SPACING_COLUMNS]
    told: dict[str, list[Spacing | None]] = {image: [] for image in images}
    whole = {composed(image): image for image in images}
    by_name: dict[str, list[str]] = {}
    for image in map(composed, images):
        by_name.setdefault(image.rsplit("/", 1)[-1], []).append(image)
    problems = []
    written: list[str] = []
    for row in table.rows:
        name, *texts = (row[place] for place in places)
        written.append(name)
        # Without a spacing: prepared from a source that does not know it.
        given = not all(is_missing(text, number=True) for text in texts)
        spacing = _spacing(texts) if given else None
        targets = [name] if name in whole else by_name.get(name, [])
        if given and spacing is None:
            found = f"spacing {' × '.join(map(repr, texts))} was found; expected two positive numbers in mm"
            found += _unit_meant(texts)
            problems.append(_spacing_error(name, found, "correct the row: csa_mm2 stays empty without it"))
        elif len(targets) > 1:
            found = f"the name fits {' and '.join(targets)}; expected one row per image, with its folder"
            problems.append(_spacing_error(name, found, "write the image's path below the dataset"))
            spacing = None
        for target in targets:
            told[whole[target]].append(spacing)
    for image, rows in told.items():
        if len(rows) > 1:
            found = f"{len(rows)} rows were found for the image; expected one"
            problems.append(_spacing_error(image, found, "keep one: csa_mm2 stays empty without it"))
    spacings = {image: rows[0] for image, rows in told.items() if len(rows) == 1 and rows[0] is not None}
    without = [image for image, rows in told.items() if not rows]
    if without:
        found = f"no row for {len(without)} images, among them {without[0]}"
        for (image, *_), (cell, *_) in near_matches(list(map(composed, without)), written)[:1]:
            found += f" ({cell} in the table differs from {image} in {difference(cell, image)})"
        found += "; expected one for each"
        remedy = "add the rows: csa_mm2 stays empty without them"
        problems.append(Problem(SLICES_TABLE, "", "warning", "no-spacing", found, remedy))
    return spacings, problems


def _unit_meant(texts: list[str]) -> str:
    """The mm that two refused numbers would be in another unit, in brackets; else empty."""
    from mriparaspinal.imaging.slice_position import other_unit

    rows, columns = map(read_number, texts)
    return "" if rows is None or columns is None else other_unit((rows, columns))


def _spacing(texts: list[str]) -> Spacing | None:
    rows, columns = map(read_number, texts)
    if rows is None or columns is None:
        return None
    return (rows, columns) if 0 < rows < 100 and 0 < columns < 100 else None


def read_places(table: TextTable, images: list[str]) -> dict[str, SlicePlace]:
    """Where the images lie, of those that have one row; ``image`` cells may lack the folder."""
    from mriparaspinal.imaging.slice_position import parse_places

    told = parse_places(table.columns, table.rows)
    names = Counter(dict(zip(table.columns, row, strict=True)).get("image", "") for row in table.rows)
    alike = Counter(composed(image.rsplit("/", 1)[-1]) for image in images)
    places: dict[str, SlicePlace] = {}
    for image in images:
        whole = composed(image)
        short = whole.rsplit("/", 1)[-1]
        # As the spacings are read: a name without its folder counts where it can mean one image only.
        rows = {whole, short} if alike[short] == 1 else {whole}
        if sum(names[name] for name in rows) == 1:
            places.update((image, told[name]) for name in rows if name in told)
    return places


def shifted_grey(table: TextTable, images: Iterable[str]) -> list[Problem]:
    """One warning for the slices in which grey is no multiple of the signal, by the windows in the table.

    Their window sends no signal to another grey level than 0 (by more than one), or is not linear.
    """
    cells = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    known = set(map(composed, images))
    shifted = [row["image"] for row in cells if row.get("image") in known and _is_shifted(row)]
    if not shifted:
        return []
    found = (
        f"the window of {len(shifted)} slices, among them {shifted[0]}, does not begin at 0, or is not linear"
    )
    remedy = "prepare them with --window 0,HIGH: ratios of signal are those of shifted grey levels"
    message = f"{found}; expected grey levels in proportion to the signal"
    return [Problem(SLICES_TABLE, "", "warning", "shifted-grey", message, remedy)]


def _is_shifted(row: Mapping[str, str]) -> bool:
    low, high = (read_number(row.get(name, "")) for name in ("window_low", "window_high"))
    if low is None or high is None or low == high:
        return row.get("voi_function", "") in ("SIGMOID", "TABLE")
    return abs(255 * low / (high - low)) > 1


def _spacing_error(name: str, message: str, remedy: str) -> Problem:
    return Problem(SLICES_TABLE, name, "error", "bad-spacing", message, remedy)
