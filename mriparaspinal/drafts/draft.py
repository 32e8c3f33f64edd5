"""Contours for slices that have none, drafted from those that a person has judged."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.draft_mark import as_written, contour_hash
from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import Contour, Problem, Settings, Slice, Spacing
from mriparaspinal.core.text import count_of
from mriparaspinal.dataset.contour_source import BESIDE, ContourSource
from mriparaspinal.dataset.map_sources import maps_in
from mriparaspinal.dataset.open import Dataset, open_dataset
from mriparaspinal.dataset.read import read_slice
from mriparaspinal.drafts.evaluation import Comparison, Quality, compare, qualities
from mriparaspinal.drafts.files import DraftRow, draft_bytes, mark_first, polygon
from mriparaspinal.drafts.fusion import Votes, expected_dice, outline, vote
from mriparaspinal.drafts.reviewed import (
    FEWEST,
    Field,
    Reviewed,
    choose,
    field_of,
    grey_levels,
    masks_of,
    others_than,
)
from mriparaspinal.imaging.rasterise import rasterise
from mriparaspinal.io.folder import list_files, read_bytes
from mriparaspinal.io.images import decode_image
from mriparaspinal.parallel.map import map_in_order

#: In px of an image of 512: how far the outline may lie from the polygon that is written.
_TOLERANCE = 1.0

#: Slices that leave-one-out is done with: more would only take time.
MOST_COMPARED = 40

#: A slice is refused that is less like the reviewed ones than these shares of what they are to each other:
#: in any case, and where its grey levels are distributed in another way, too.
_UNLIKE, _UNLIKE_GREYS = 0.35, 0.65

#: A slice is refused, too, whose match around the regions is lower than theirs by this share of it, and by so
#: many of their standard deviations.
_WORSE, _DEVIATIONS = 0.15, 4.0

#: How many times as far from the reviewed slices' grey levels as the farthest of themselves.
_OTHER_GREYS = 2.0

#: The largest ratio of two fields of view.
_OTHER_FIELD = 1.5


@dataclass(frozen=True, slots=True)
class Drafted:
    """One slice and its draft; small, so that it travels between processes."""

    slice: Slice
    shape: tuple[int, int] = (0, 0)
    contours: tuple[Contour, ...] = ()
    expected: tuple[float, ...] = ()
    """The Dice coefficient to expect of each contour."""
    likeness: float = 0.0
    match: float = 0.0
    greys: float = 0.0
    """How far its grey levels are from those of the reviewed slices."""
    field_mm: Field = None
    made_from: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    """Of a reviewed slice: its draft against its contours."""


@dataclass(slots=True)
class Drafts:
    """The drafts of a dataset, and what is to be expected of them."""

    files: dict[str, bytes] = field(default_factory=dict)
    """LabelMe files by name below the dataset."""
    rows: list[DraftRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    qualities: list[Quality] = field(default_factory=list)

    @property
    def look_first(self) -> list[DraftRow]:
        """The fifth of the drafted regions of which the least is to be expected, the least first."""
        return sorted((row for row in self.rows if row.look_first), key=lambda row: row.expected_dice or 0)


def slices_without_contours(root: Path, settings: Settings) -> tuple[list[Slice], list[Slice], Dataset]:
    """The images of a dataset without a LabelMe file of the same stem; the slices with one; all images."""
    study = open_dataset(root, settings, maps=maps_in([root], [{}]))
    with_file = list(open_dataset(root, settings).dataset.slices)
    annotated = {s.image for s in with_file}
    names, dead = list_files(root)
    stems = {name[:-5].casefold() for name in (*names, *dead) if name.casefold().endswith(".json")}
    bare = [
        s
        for s in study.dataset.slices
        if s.name not in annotated
        and s.name.rpartition(".")[0].casefold() not in stems
        and not os.path.lexists(root / f"{s.name.rpartition('.')[0]}.json")
    ]
    return bare, with_file, study


def errors_of(images: Dataset) -> list[Problem]:
    """What is wrong with the images of a dataset: two of one participant and segment, say."""
    return [problem for problem in images.problems if problem.severity == "error"]


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """What slices are drafted from, and how."""

    root: Path
    reviewed: Sequence[Reviewed]
    settings: Settings
    """By which the reviewed slices are read; those that are drafted may be displayed the other way round."""
    contours: ContourSource = BESIDE
    quick: bool = False
    """By the optical flow of OpenCV."""


def draft_slices(
    root: Path,
    bare: Sequence[Slice],
    spacings: Mapping[str, Spacing],
    settings: Settings,
    sources: Sources,
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
) -> Drafts:
    """Draft slices from reviewed ones, which are drafted from each other first; nothing is written."""
    reviewed = sources.reviewed
    spread = np.linspace(0, len(reviewed) - 1, min(MOST_COMPARED, len(reviewed))).round().astype(int)
    known = [reviewed[i].slice for i in spread.tolist()]
    compared = list(map_in_order(partial(_draft_again, sources), known, jobs, progress))
    made = Drafts()
    names = (*sources.settings.muscles, *sources.settings.references)
    made.qualities = qualities((c for one in compared for c in one.comparisons), names)
    drafted = []
    for result in map_in_order(partial(_draft_one, root, settings, sources, spacings), bare, jobs, progress):
        refusal = _refusal(result, compared, reviewed) if any(result.shape) else None
        made.problems += [refusal] if refusal else result.problems
        drafted += [] if refusal else [result]
    _add(made, drafted)
    return made


def _draft_again(sources: Sources, slice_: Slice) -> Drafted:
    """Draft a reviewed slice from those of other participants, and compare."""
    settings = sources.settings
    read = masks_of(read_slice(sources.root, slice_, settings, sources.contours), settings)
    if read is None:
        return Drafted(slice_)
    grey, masks = read
    others = others_than(sources.reviewed, slice_)
    drafted = _drawn(slice_, grey, others, FEWEST - 1, sources.quick)
    fat = grey > settings.threshold
    rows = []
    for contour in drafted.contours:
        name, side = contour.label.split("_") if "_" in contour.label else (contour.label, "")
        key = (name, {"L": "left", "R": "right", "": ""}[side])
        patch = rasterise(contour, drafted.shape, settings.mask_rule)
        if key in masks and patch is not None:
            mask = patch.full(drafted.shape)
            rows.append(compare(slice_.participant_id, name, mask, masks[key], fat))
    return replace(drafted, comparisons=tuple(rows), contours=(), made_from=())


def _draft_one(
    root: Path, settings: Settings, sources: Sources, spacings: Mapping[str, Spacing], slice_: Slice
) -> Drafted:
    try:
        image = decode_image(read_bytes(root / slice_.name), settings.window).grey
    except UnreadableError as error:
        return Drafted(slice_, problems=(error.fault.at(slice_.name, "unreadable-file").problem(),))
    grey = np.asarray(image)
    turned = settings.image_left != sources.settings.image_left
    drafted = _drawn(slice_, grey[:, ::-1] if turned else grey, sources.reviewed, FEWEST, sources.quick)
    if turned:
        drafted = replace(drafted, contours=tuple(_turned(c, grey.shape[1]) for c in drafted.contours))
    return replace(drafted, field_mm=field_of(spacings.get(slice_.name), grey.shape))


def _turned(contour: Contour, columns: int) -> Contour:
    """The contour on the image displayed the other way round; its label, of the patient's side, stays."""
    return replace(contour, points=as_written((columns - x, y) for x, y in contour.points))


def _drawn(
    slice_: Slice, grey: NDArray[np.uint8], reviewed: Sequence[Reviewed], fewest: int, quick: bool
) -> Drafted:
    """The draft of one slice, without regions that fewer than ``fewest`` of the slices that vote have."""
    chosen = choose(reviewed, slice_)
    votes = vote(grey, [r.atlas for r in chosen], quick)
    shape = (grey.shape[0], grey.shape[1])
    contours, expected, problems = [], [], []
    for number, key in enumerate(chosen[0].atlas.regions):
        label = str(Region(*key))
        if not votes.voters[number]:
            continue
        enough = votes.voters[number] >= fewest
        contour = _contour(votes, number, label, shape) if enough else None
        if contour is None:
            found = "the reviewed slices do not agree on where the region lies; expected most to agree"
            if not enough:
                many = count_of(votes.voters[number], "reviewed slice")
                found = f"{many} of those that it is drafted from have the region; expected {fewest}"
            remedy = "draw it by hand"
            problems.append(Problem(slice_.name, label, "warning", "not-drafted", found, remedy))
            continue
        contours.append(contour)
        expected.append(round(expected_dice(votes.shares, number), 4))
    return Drafted(
        slice_,
        shape,
        tuple(contours),
        tuple(expected),
        votes.likeness,
        votes.match,
        grey_distance(grey, chosen),
        made_from=tuple(chosen[i].slice.name for i in votes.used),
        problems=tuple(problems),
    )


def _contour(votes: Votes, number: int, label: str, shape: tuple[int, int]) -> Contour | None:
    line = outline(votes.shares, number, shape)
    if line is None:
        return None
    return polygon(label, line, min(_TOLERANCE, _TOLERANCE * max(shape) / 512))


def grey_distance(grey: NDArray[np.uint8], reviewed: Sequence[Reviewed]) -> float:
    """The mean difference of the quantiles of grey from the median of the reviewed slices'."""
    middle = np.median([r.greys for r in reviewed], axis=0)
    return float(np.abs(grey_levels(grey) - middle).mean())


def _refusal(drafted: Drafted, compared: Sequence[Drafted], reviewed: Sequence[Reviewed]) -> Problem | None:
    """Why a slice is none that these reviewed ones can be laid over; None where it is."""
    found = _unlike(drafted, compared)
    if found:
        remedy = "contour some slices of this sequence by hand, and draft the others from those"
        found += "; expected a slice of the same sequence"
        return Problem(drafted.slice.name, "", "error", "another-sequence", found, remedy)
    fields = [r.field_mm for r in reviewed if r.field_mm is not None]
    if drafted.field_mm is None or not fields:
        return None
    usual_mm = np.median(fields, axis=0)
    ratio = np.array(drafted.field_mm) / usual_mm
    if max(ratio.max(), 1 / ratio.min()) <= _OTHER_FIELD:
        return None
    sizes = [f"{a:.0f}×{b:.0f} mm" for a, b in (drafted.field_mm, usual_mm.tolist())]
    found = f"a field of view of {sizes[0]}; expected about that of the reviewed slices, {sizes[1]}"
    remedy = "contour some slices of this field of view by hand, and draft the others from those"
    return Problem(drafted.slice.name, "", "error", "another-field-of-view", found, remedy)


def _unlike(drafted: Drafted, compared: Sequence[Drafted]) -> str:
    """How far the grey levels of a slice are from those of the reviewed ones; empty where they are alike."""
    usual = float(np.median([one.likeness for one in compared]))
    share = drafted.likeness / usual if usual > 0 else 0.0
    other = drafted.greys > _OTHER_GREYS * max(0.02, *(one.greys for one in compared))
    told = "correlation of grey levels with the reviewed slices"
    if share < _UNLIKE or (share < _UNLIKE_GREYS and other):
        return f"{told} {drafted.likeness:.2f}, among them {usual:.2f}"
    matches = np.array([one.match for one in compared])
    match = float(np.median(matches))
    deviation = 1.4826 * float(np.median(abs(matches - match)))
    if match - drafted.match > max(_WORSE * match, _DEVIATIONS * deviation):
        return f"{told} around the regions {drafted.match:.2f}, among them {match:.2f}"
    return ""


def _add(made: Drafts, drafted: Sequence[Drafted]) -> None:
    """The files and rows of drafts, and which to look at first."""
    rows = []
    for one in drafted:
        if not one.contours:
            continue
        name = one.slice.name
        stem, image = name.rpartition(".")[0], name.rpartition("/")[2]
        made.files[f"{stem}.json"] = draft_bytes(image, one.shape, one.contours)
        parents = "; ".join(one.made_from)
        for contour, value in zip(one.contours, one.expected, strict=True):
            rows.append(DraftRow(name, contour.label, contour_hash(contour.points), "draft", parents, value))
    made.rows = mark_first(rows)
