"""The slices of a folder on which a person clicked a few points around each region, refined one by one."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.draft_mark import as_written, contour_hash, set_draft
from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.filenames import DRAFTS, SLICES_TABLE
from mriparaspinal.core.labels import aliases_of, region_of
from mriparaspinal.core.model import Problem, Settings, Slice
from mriparaspinal.core.text import count_of
from mriparaspinal.dataset.contour_source import ContourSource
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.dataset.read import OpenSlice, read_files
from mriparaspinal.drafts.files import DraftRow, document_bytes, drafts_csv, polygon
from mriparaspinal.drafts.refine import refine_regions
from mriparaspinal.drafts.splines import Points, enclosed_area, is_crossing
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.labelme import COORDINATE_LIMIT
from mriparaspinal.io.manifest import outputs_manifest
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.protocol import FILE as PROTOCOL
from mriparaspinal.io.write import sha256
from mriparaspinal.parallel.map import map_in_order

MANIFEST = "refine.json"

_WITH_DRAFTS = ContourSource(accept_drafts=True)

#: Points of a region: fewer tell no shape, more are a contour already.
FEWEST, MOST = 4, 60

#: Tables that a dataset may have beside its slices, which stay beside them.
_PEOPLE = tuple(f"participants.{ending}" for ending in ("csv", "tsv", "xlsx", "sav"))

_TABLES = (SLICES_TABLE, *_PEOPLE, PROTOCOL)


@dataclass(slots=True)
class RefinedSlices:
    """Files by name below the output folder, a row for each contour, and what was found on the way."""

    files: dict[str, bytes] = field(default_factory=dict)
    rows: list[DraftRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    slices: int = 0


def refine_slices(
    root: Path,
    settings: Settings,
    band: float | None = None,
    jobs: int = 1,
    leave_out: Path | None = None,
) -> RefinedSlices:
    """Refine every slice of a folder of rough contours; nothing is written.

    ``band``: in px, how far a line may move; None: as :func:`.refine.default_band` has it. Raises
    :class:`NoInputError` where nothing could be refined.
    """
    study = open_dataset(root, settings, leave_out=leave_out)
    made = RefinedSlices(problems=[p for p in study.dataset.problems if p.severity == "error"])
    slices = [slice_ for slice_ in study.dataset.slices if slice_.image]
    one = partial(_refine_one, root, settings, band)
    for result in map_in_order(one, slices, jobs):
        made.files |= result.files
        made.rows += result.rows
        made.problems += result.problems
        made.slices += bool(result.rows)
    if not made.rows:
        lines = [problem.line() for problem in made.problems][:20]
        found = f"{root}: nothing to refine on {count_of(len(slices), 'slice')}"
        expected = f"expected LabelMe files with {FEWEST} to {MOST} points around each region"
        raise NoInputError("\n".join([*lines, f"{found}; {expected}; see docs/drafts.md"]))
    for name in _TABLES:
        if (root / name).is_file():
            made.files[name] = read_bytes(root / name)
    return made


def write_refined(made: RefinedSlices, folder: OutputFolder) -> None:
    """Write refined slices into their folder, all or nothing; contours that were changed since stay."""
    files = {DRAFTS: drafts_csv(made.rows), **made.files}
    outputs = {name: sha256(content) for name, content in sorted(files.items())}
    files[MANIFEST] = outputs_manifest(outputs)
    folder.replace(files, folder.outdated(files))


def _refine_one(root: Path, settings: Settings, band: float | None, slice_: Slice) -> RefinedSlices:
    made = RefinedSlices()
    found = OpenSlice()
    # As they are measured: clicks for another image must not become contours of this one.
    both = read_files(root, slice_, settings, _WITH_DRAFTS, found)
    made.problems += found.problems
    if both is None:
        return made
    _, image, raw = both
    grey = np.asarray(image.grey)
    rough = read_bytes(root / slice_.annotation)
    document = json.loads(rough.removeprefix(b"\xef\xbb\xbf"))
    document["shapes"] = _refined_shapes(document["shapes"], grey, settings, band, slice_, made)
    document["imagePath"] = slice_.name.rpartition("/")[2]
    # Clicks that could not be refined are no contour that counts, either.
    is_draft = bool(made.rows) or any(problem.code == "crossing-clicks" for problem in made.problems)
    refined = document_bytes(set_draft(document, True)) if is_draft else rough
    made.files |= {f"{slice_.name.rpartition('.')[0]}.json": refined, slice_.name: raw}
    return made


def _refined_shapes(
    shapes: list[Any],
    grey: NDArray[np.uint8],
    settings: Settings,
    band: float | None,
    slice_: Slice,
    made: RefinedSlices,
) -> list[Any]:
    """The shapes of a file with refined points; those that are no clicks around a region as they are."""
    aliases = aliases_of(settings)
    clicked: list[tuple[int, str, Points]] = []
    unknown: list[str] = []
    for number, shape in enumerate(shapes):
        label = shape.get("label") if isinstance(shape, dict) else None
        if not isinstance(label, str):
            continue
        points = _clicks(shape)
        if region_of(label, aliases) is None:
            unknown += [label] if points is not None else []
            continue
        if points is None:
            found = f"no polygon of {FEWEST} to {MOST} points; expected clicks around the region"
            remedy = "it stays as it is; click 6 to 15 points on its border to have it refined"
            made.problems.append(Problem(slice_.annotation, label, "warning", "not-refined", found, remedy))
            continue
        clicked.append((number, label, points))
    if unknown:
        found = f"other labels were found and left as they are: {', '.join(sorted(set(unknown)))}"
        expected = "expected muscles and reference only"
        remedy = "correct a mistyped label, or name it in paraspinal.toml"
        made.problems.append(
            Problem(slice_.annotation, "", "warning", "unknown-label", f"{found}; {expected}", remedy)
        )
    lines = refine_regions(grey, [(label, points) for _, label, points in clicked], band)
    refined = list(shapes)
    for (number, label, points), line in zip(clicked, lines, strict=True):
        is_region = not is_crossing(points) and enclosed_area(points) >= 1
        contour = polygon(label, line.points, 0.0) if is_region else None
        if contour is None:
            found = "the line through the points is self-intersecting or encloses nothing"
            found += "; expected them in turn around the region"
            made.problems.append(
                Problem(
                    slice_.annotation, label, "error", "crossing-clicks", found, "click them anew, in turn"
                )
            )
            continue
        refined[number] = {**shapes[number], "points": as_written(contour.points), "shape_type": "polygon"}
        made.rows.append(
            DraftRow(
                slice_.name,
                label,
                contour_hash(contour.points),
                "refine",
                slice_.annotation,
                area_change_pct=round(line.area_change_pct, 2),
                largest_move_px=round(line.largest_move_px, 2),
            )
        )
    return refined


def _clicks(shape: dict[str, Any]) -> Points | None:
    """The points of a shape that may be clicks around a region; None of others."""
    if shape.get("shape_type") not in (None, "polygon", "linestrip"):
        return None
    points = shape.get("points")
    if not isinstance(points, list) or not FEWEST <= len(points) <= MOST:
        return None
    try:
        read = np.array(points, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    valid = read.shape == (len(points), 2) and math.isfinite(read.sum())
    if not valid or np.abs(read).max() > COORDINATE_LIMIT or len(np.unique(read, axis=0)) < FEWEST:
        return None
    return read
