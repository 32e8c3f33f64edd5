"""A LabelMe file as it is edited: its shapes by region, and all that is not drawn here left as it was."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mriparaspinal.core.errors import UnreadableError, UsageError
from mriparaspinal.core.labels import OWN_LABEL, Own, Region, aliases_of, lacks_side, meanings_of, parse_label
from mriparaspinal.core.model import Contour, Settings
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.imaging.rasterise import bounds
from mriparaspinal.io.labelme import VERSION, read_annotation

Document = dict[str, Any]
"""The parsed JSON of a LabelMe file."""

Gone = tuple[str, Any]
"""A region, and a shape of it that was in the file."""

#: More than the parts of any region, and fewer than would keep a computer busy.
SHAPES_LIMIT, _POINTS_LIMIT = 2000, 50_000

#: Decimals of a drawn point: a thousandth of a pixel.
_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Drawing:
    """One shape of a region, as the page draws it."""

    index: int | None
    """Which shape of the file it is; None for one that is not in it yet."""
    region: str
    """``MF_L`` … ``PM_R``, ``IVD``, ``VB``, ``SAT``; empty for a shape that is only to be looked at."""
    points: list[list[float]]
    """(column, row) in pixels; those of a circle, a mask … are an outline to look at."""
    polygon: bool
    """Whether its points can be dragged; other shapes can be drawn anew."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One shape as the reader leaves it."""

    region: str
    index: int | None
    """The shape of the file that it was; None for a new one."""
    points: list[list[float]] | None
    """None: as they are in the file."""


def parse_document(raw: bytes) -> Document:
    """The JSON of a LabelMe file; raises :class:`UnreadableError` as the measurement does."""
    read_annotation(raw)
    content: Document = json.loads(raw.decode("utf-8-sig"))
    return content


def new_document(image_path: str, shape: tuple[int, int]) -> Document:
    """The file of an image of (rows, columns) on which nothing is drawn."""
    return {
        "version": VERSION,
        "flags": {},
        "shapes": [],
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": shape[0],
        "imageWidth": shape[1],
    }


def document_bytes(document: Document) -> bytes:
    """The file, written as LabelMe writes it."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def drawings_of(
    document: Document, shape: tuple[int, int], settings: Settings, segment: str, to_take: bool = False
) -> list[Drawing]:
    """The shapes on an image of (rows, columns); a muscle's side is told as when it is measured.

    ``to_take``: to be taken over as polygons: a mask comes as all the polygons that fill its pixels.
    """
    contours = {index: _contour(entry) for index, entry in enumerate(document["shapes"])}
    known = {index: contour for index, contour in contours.items() if contour is not None}
    aliases = aliases_of(settings)
    meanings = meanings_of([c.label for c in known.values()], aliases, segment)
    anatomy = sort_contours(known.values(), shape, settings, aliases, "", (), meanings)
    sides = {id(contour): Region(*key) for key, contour in anatomy.contours}
    drawings = []
    for index, contour in known.items():
        region = sides.get(id(contour), meanings.regions.get(contour.label))
        polygon = contour.shape_type == "polygon"
        lines = [[list(point) for point in contour.points]] if polygon else _lines(contour, shape, to_take)
        is_ours = region is not None and not lacks_side(region, settings.regions)
        drawings += [Drawing(index, str(region) if is_ours else "", line, polygon) for line in lines]
    return drawings


def _contour(entry: Any) -> Contour | None:
    """A shape as it is measured; None for one that cannot be used."""
    try:
        contours = read_annotation(json.dumps({"shapes": [entry]}).encode()).contours
    except UnreadableError:
        return None
    return contours[0] if contours else None


def _lines(contour: Contour, shape: tuple[int, int], all_parts: bool) -> list[list[list[float]]]:
    """The outline of what is no polygon: all its parts, or the one to look at."""
    if contour.shape_type in ("rectangle", "circle"):
        return [_outline(contour)]
    # Here: scikit-image takes a second to load.
    from mriparaspinal.imaging.tracing import pixels_of, trace
    from mriparaspinal.review.outlines import outlines

    pixels = pixels_of([contour], shape)
    if all_parts:
        return outlines(pixels)
    traced = max(trace(pixels, contour.label), key=lambda c: len(c.points), default=None)
    return [[] if traced is None else [list(point) for point in traced.points]]


def _outline(contour: Contour) -> list[list[float]]:
    if contour.shape_type == "rectangle":
        left, top, right, bottom = bounds(contour)
        return [[left, top], [right, top], [right, bottom], [left, bottom]]
    (x, y), on_it = contour.points
    radius = math.dist((x, y), on_it)
    turns = [2 * math.pi * part / 64 for part in range(64)]
    return [[x + radius * math.cos(turn), y + radius * math.sin(turn)] for turn in turns]


def parse_edits(given: Any, own: Own | None = ()) -> list[Edit]:
    """The edits that the page sends; raises :class:`UsageError` for anything that it does not send.

    ``own``: the study's own regions; None: not known here, and what may be one passes.
    """
    if not isinstance(given, list):
        raise _odd("no list of shapes")
    if len(given) > SHAPES_LIMIT:
        expected = f"expected at most {SHAPES_LIMIT} on a slice; take parts away, or draw the region anew"
        raise UsageError(f"{len(given)} contours were found; {expected}")
    return [_edit(entry, own) for entry in given]


def _edit(entry: Any, own: Own | None) -> Edit:
    if not isinstance(entry, dict):
        raise _odd("a shape that is none")
    region, index, points = entry.get("region"), entry.get("index"), entry.get("points")
    known = parse_label(region, own or ()) if isinstance(region, str) else None
    if known is None and own is None and isinstance(region, str) and OWN_LABEL.fullmatch(region):
        known = Region(region, "")
    if known is None or str(known) != region or lacks_side(known, own or ()):
        raise _odd(f"the region {str(region)[:40]!r}")
    if index is not None and (type(index) is not int or index < 0):
        raise _odd("a shape without its number")
    return Edit(str(known), index, None if points is None and index is not None else read_points(points))


def read_points(given: Any) -> list[list[float]]:
    """Points (column, row) that the page sends; raises :class:`UsageError` for anything else."""
    if not isinstance(given, list) or not 3 <= len(given) <= _POINTS_LIMIT:
        raise _odd("no outline of 3 points or more")
    points = []
    for pair in given:
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_place, pair)):
            raise _odd("a point that is no place on an image")
        points.append([round(float(number), _DECIMALS) for number in pair])
    return points


def _is_place(number: Any) -> bool:
    return type(number) in (int, float) and math.isfinite(number) and abs(number) < 1e5


def _odd(found: str) -> UsageError:
    return UsageError(f"{found} was found; expected what the page sends; load the page anew")


def edited(
    document: Document, edits: Sequence[Edit], drawn: Sequence[Drawing], gone: Sequence[Gone] = ()
) -> Document:
    """The document with the regions as the reader leaves them.

    ``drawn``: the shapes that the reader saw: of these, the ones without an edit go. All other shapes, and
    all other fields of the file and of its shapes, stay as they are. ``gone``: shapes that went before, and
    that come back as they were.
    """
    shapes = document["shapes"]
    seen = {drawing.index: drawing.region for drawing in drawn if drawing.region}
    edits = _matched(edits, shapes, seen)
    by_index = {edit.index: edit for edit in edits if edit.index is not None}
    if any(seen.get(index) != edit.region for index, edit in by_index.items()):
        raise _odd("a shape that is not in the file")
    kept: list[Any] = []
    for index, entry in enumerate(shapes):
        edit = by_index.get(index)
        if edit is not None:
            same = edit.points is None or edit.points == _rounded(entry.get("points"))
            kept.append(entry if same or edit.points is None else _as_polygon(entry, edit.points))
        elif index not in seen:
            kept.append(entry)
    new = [_back(edit, gone) or _new_shape(edit) for edit in edits if edit.index is None]
    return {**document, "shapes": kept + new}


def taken_away(old: Document, new: Document, drawn: Sequence[Drawing]) -> list[Gone]:
    """The shapes of regions that are in one document and not in the next one."""
    shapes = old["shapes"]
    seen = {drawing.index: drawing.region for drawing in drawn if drawing.region}
    return [(seen[at], shape) for at, shape in enumerate(shapes) if at in seen and shape not in new["shapes"]]


def _back(edit: Edit, gone: Sequence[Gone]) -> Any:
    """The shape that comes back where it was, with all its fields; None if there is none."""
    found = (s for region, s in gone if region == edit.region and _rounded(s.get("points")) == edit.points)
    return next(found, None)


def _new_shape(edit: Edit) -> dict[str, Any]:
    return {
        "label": edit.region,
        "points": edit.points,
        "group_id": None,
        "description": "",
        "shape_type": "polygon",
        "flags": {},
        "mask": None,
    }


def _matched(edits: Sequence[Edit], shapes: Sequence[Any], seen: Mapping[int | None, str]) -> list[Edit]:
    """The edits; those without a shape of the file with the one whose place they take, if one is.

    That of the region that has the same points; else the only one of the region.
    """
    free = {index: region for index, region in seen.items() if index not in {edit.index for edit in edits}}
    found = list(edits)
    for at, edit in enumerate(found):
        if edit.index is None:
            own = [i for i, region in free.items() if i is not None and region == edit.region]
            same = [i for i in own if edit.points == _rounded(shapes[i].get("points"))]
            if same:
                free.pop(same[0])
                found[at] = replace(edit, index=same[0])
    for region in {edit.region for edit in found if edit.index is None}:
        own = [i for i, theirs in free.items() if i is not None and theirs == region]
        new = [at for at, edit in enumerate(found) if edit.index is None and edit.region == region]
        if len(own) == len(new) == 1:
            found[new[0]] = replace(found[new[0]], index=own[0])
    return found


def upon_another(edits: Sequence[Edit], drawn: Sequence[Drawing]) -> list[Edit]:
    """Edits of an earlier state of the file, made to replace the regions that are ``drawn`` in it now.

    What was no polygon, and was left as it was, stays as the file has it now.
    """
    left = {edit.region for edit in edits if edit.points is None}
    new = [Edit(edit.region, None, edit.points) for edit in edits if edit.points is not None]
    return new + [Edit(d.region, d.index, None) for d in drawn if d.region and d.region in left]


def _rounded(points: Any) -> list[list[float]] | None:
    try:
        return [[round(float(x), _DECIMALS), round(float(y), _DECIMALS)] for x, y in points]
    except (TypeError, ValueError):
        return None


def _as_polygon(entry: Mapping[str, Any], points: list[list[float]]) -> dict[str, Any]:
    changed = {**entry, "points": points, "shape_type": "polygon"}
    return {**changed, "mask": None} if "mask" in entry else changed
