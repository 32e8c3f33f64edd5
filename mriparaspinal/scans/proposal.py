"""A proposal for ``levels.csv``, by label maps or by the places of a series; a person confirms each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.model import SEGMENTS
from mriparaspinal.imaging.planes import Series
from mriparaspinal.io.label_volumes import ROUNDING, read_label_volume
from mriparaspinal.io.nifti import Form
from mriparaspinal.io.scan_files import ScanSource
from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.scans.choose import choose
from mriparaspinal.scans.level_maps import FoundLevels, LevelRule, find_levels
from mriparaspinal.scans.levels import COLUMNS, CONFIRMED, PROPOSAL, Level
from mriparaspinal.scans.sheet import slice_centres

#: The columns of the table; the last says where a proposal comes from.
_TABLE_COLUMNS = (*COLUMNS, "series", CONFIRMED, PROPOSAL)

#: Of neighbouring voxels of a label map that are not background, at least this share has the same label.
_SAME = 0.9

#: Slices that are further apart along the body, in mm, belong to two levels of a scan in blocks …
_BLOCK_MM = 9.0

#: … and two neighbouring lumbar levels are this far apart, in mm.
_LEVEL_MM = (20.0, 50.0)


@dataclass(frozen=True, slots=True)
class Found:
    """One stack of the sources."""

    source: str
    """What to write as its source in levels.csv."""
    folder: Path
    """Where its files are, resolved."""
    file: Path | None
    """The file of a NIfTI volume."""
    below: int
    """How many folders it lies below its SOURCE."""
    series: Series


class Picked(NamedTuple):
    """A slice that is proposed."""

    row: int
    """The row of the list."""
    at: int
    """Its index in that stack."""
    off_mm: float | None = None
    """How far it lies above the middle of its level, where a label map tells it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed for the axial stacks of one series."""

    source: str
    series: int | None
    slices: Mapping[str, Picked]
    """By segment."""
    numbers: Mapping[str, int]
    why: str
    sheets: str

    def reason(self, segment: str) -> str:
        """Where the slice of a segment comes from, and where to look at it."""
        picked = self.slices.get(segment)
        if picked is None:
            return f"{'not found ' * bool(self.slices)}{self.why}: see {self.sheets}"
        off = "" if picked.off_mm is None else f", {abs(picked.off_mm):.1f} mm from the middle"
        return f"{self.why}{off}: see {self.sheets}"


def label_maps(stacks: Sequence[Found]) -> dict[int, Found]:
    """The stacks that are no images but label maps, by their row of the list."""
    return {row: one for row, one in enumerate(stacks, 1) if one.file and is_label_map(one.series)}


def is_label_map(series: Series) -> bool:
    """Whether a volume holds labels: whole numbers, of which neighbours are nearly always the same.

    In real label maps 99 of 100 neighbours within labels are, in images of 8 bits fewer than 30.
    """
    labelled = pairs = same = 0
    for index in range(len(series.pictures)):
        try:
            values = series.read(index)
        except UnreadableError:
            return False
        if not (abs(np.rint(values) - values) <= ROUNDING).all() or (values < -ROUNDING).any():
            return False
        labelled += int(np.count_nonzero(values > ROUNDING))
        for one, next_ in ((values[1:], values[:-1]), (values[:, 1:], values[:, :-1])):
            within = (one > ROUNDING) & (next_ > ROUNDING)
            pairs += int(np.count_nonzero(within))
            same += int(np.count_nonzero(within & (abs(one - next_) <= ROUNDING)))
    return labelled > 0 and same >= _SAME * pairs


def propose(
    images: Mapping[int, Found], mapped: Mapping[int, Found], rule: LevelRule | None, form: Form | None
) -> list[Proposal]:
    """A proposal for each axial series of five slices or more, by the row of the list.

    ``mapped``: the label maps, of which those with the rule's numbering tell the levels.
    """
    maps = {} if rule is None else _level_maps(mapped, rule, form)
    series: dict[tuple[str, str, str], list[int]] = {}
    for row, one in images.items():
        if one.series.plane_name() == "axial":
            series.setdefault((one.series.kind, one.series.key, one.source), []).append(row)
    found = []
    for rows in series.values():
        members = {row: images[row] for row in rows}
        if sum(len(one.series.pictures) for one in members.values()) < len(SEGMENTS):
            continue
        slices: dict[str, Picked] = {}
        why = ""
        if rule is not None:
            slices, why = _by_map(members, {m: mapped[m] for m in maps}, maps, rule, len(series) == 1)
        if not slices:
            blocks, reason = _by_blocks(members)
            slices, why = blocks, "; ".join(text for text in (why, reason) if text)
        first = members[rows[0]]
        numbers = {s: members[p.row].series.pictures[p.at].number or 0 for s, p in slices.items()}
        sheets = ", ".join(f"sheet_{row}.png" for row in rows)
        found.append(Proposal(first.source, first.series.number, slices, numbers, why, sheets))
    return found


def _level_maps(mapped: Mapping[int, Found], rule: LevelRule, form: Form | None) -> dict[int, FoundLevels]:
    """The label maps that have the rule's numbering, by their row of the list."""
    maps = {}
    for row, one in mapped.items():
        assert one.file is not None  # only volumes are label maps
        try:
            volume = read_label_volume(one.file, form)
            if volume.affine is not None:
                maps[row] = find_levels(volume.voxels, volume.affine, rule)
        except UnreadableError:
            continue  # a map of something else
    return maps


def _by_map(
    members: Mapping[int, Found],
    mapped: Mapping[int, Found],
    maps: Mapping[int, FoundLevels],
    rule: LevelRule,
    only_series: bool,
) -> tuple[dict[str, Picked], str]:
    """The slice nearest to the middle of each level of the label map that belongs to a series."""
    home = next(iter(members.values()))
    near = {row: _together(home, one) for row, one in mapped.items()}
    best = max(near.values(), default=0)
    belonging = [row for row, shared in near.items() if shared == best and (best or only_series)]
    if len(belonging) != 1:
        found = "more than one label map" if belonging else "no label map"
        return {}, f"{found} of this numbering beside the series"
    row = belonging[0]
    level = Level(1, home.source, "", "", None, label_map=mapped[row].source)
    stacks = {id(one.series): number for number, one in members.items()}
    try:
        source = ScanSource(tuple(one.series for one in members.values()), ())
        chosen = choose(source, level, maps[row], rule, [])
    except UnreadableError:
        return {}, "its label map does not fit"
    kept = [one for one in chosen if one.number is not None]
    picked = {one.segment: Picked(stacks[id(one.stack)], one.index, one.distance_mm) for one in kept}
    return picked, f"by {mapped[row].source}"


def _together(one: Found, other: Found) -> int:
    """How near two files are: the folders that they share; 0 if none below their source."""
    if one.folder == other.folder:
        return len(one.folder.parts) + 1
    shared = 0
    for a, b in zip(one.folder.parts, other.folder.parts, strict=False):
        if a != b:
            break
        shared += 1
    top = max(len(found.folder.parts) - found.below for found in (one, other))
    return shared if shared > top else 0


def _by_blocks(members: Mapping[int, Found]) -> tuple[dict[str, Picked], str]:
    """The middle of each of five blocks, which lie as far apart as lumbar levels, from head to foot."""
    none = "choose from the pictures"
    places = [(row, index) for row, one in members.items() for index in range(len(one.series.pictures))]
    numbers = [members[row].series.pictures[index].number for row, index in places]
    known = all(
        p.plane and p.plane.row_spacing_mm and p.plane.col_spacing_mm
        for one in members.values()
        for p in one.series.pictures
    )
    if not known or None in numbers or len(set(numbers)) < len(numbers):
        return {}, none
    heights = np.concatenate([slice_centres(one.series)[:, 2] for one in members.values()])
    order = np.argsort(heights)[::-1]
    blocks = np.split(order, np.flatnonzero(-np.diff(heights[order]) > _BLOCK_MM) + 1)
    middles = -np.diff([heights[block].mean() for block in blocks])
    low, high = _LEVEL_MM
    if len(blocks) != len(SEGMENTS) or not ((middles >= low) & (middles <= high)).all():
        return {}, none
    chosen = {
        segment: Picked(*places[block[len(block) // 2]])
        for segment, block in zip(SEGMENTS, blocks, strict=True)
    }
    return chosen, f"five places {middles.min():.0f} to {middles.max():.0f} mm apart, taken as L1 to L5"


def levels_table(proposals: Sequence[Proposal]) -> bytes:
    """The table to fill in: what is proposed, and empty cells for what a person knows."""
    rows = []
    for proposal in proposals:
        series = "" if proposal.series is None else proposal.series
        for segment in SEGMENTS:
            number = proposal.numbers.get(segment, "")
            rows.append((proposal.source, "", "", segment, number, series, "", proposal.reason(segment)))
    return csv_bytes(_TABLE_COLUMNS, rows)
