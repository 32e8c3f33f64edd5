"""Slices on which two readers differ, for a third look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mriparaspinal.core.errors import NoInputError, UnreadableError
from mriparaspinal.core.filenames import REVIEW
from mriparaspinal.core.labels import Own, Region, aliases_of
from mriparaspinal.core.model import Settings
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import count_of
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.contour_source import EXCLUDE
from mriparaspinal.dataset.regions import RegionKey
from mriparaspinal.imaging.rasterise import Patch, shared_px
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.images import SLICE_FILE_LIMIT, image_size
from mriparaspinal.io.labelme import read_annotation
from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.review.blind import json_name
from mriparaspinal.review.slices import Reading, below, image_bytes
from mriparaspinal.review.verdicts import read_verdicts

FILE = "adjudication.csv"

COLUMNS = ("image", "region", "dice", "px_a", "px_b")


@dataclass(frozen=True, slots=True)
class Difference:
    """One region on which two readers differ."""

    image: str
    region: str
    dice: float
    """2·|A ∩ B| / (|A| + |B|) of their pixels; 0 where one of them drew nothing."""
    px_a: int
    px_b: int
    excluded_by: str = ""
    """The one reader who excluded it."""

    @property
    def text(self) -> str:
        """The difference in words."""
        if self.excluded_by:
            return f"{self.region or 'the slice'}: excluded by {self.excluded_by} alone"
        if not self.px_a or not self.px_b:
            return f"{self.region}: drawn by one reader alone"
        return f"{self.region}: Dice {self.dice:.2f}"


@dataclass
class Compared:
    """What two readers drew and judged, side by side."""

    differences: list[Difference] = field(default_factory=list)
    """In the order of the readings."""
    lacking: int = 0
    """Slices that one reader has contours of, and the other not."""
    excluded: int = 0
    """Slices that both excluded."""
    unreadable: int = 0
    """Slices whose image cannot be read."""

    @property
    def notes(self) -> list[str]:
        """What was not compared."""
        told = (
            (self.lacking, "that one reader alone has contoured"),
            (self.excluded, "that both readers excluded"),
            (self.unreadable, "whose image cannot be read"),
        )
        return [f"not compared: {count_of(number, 'slice')} {what}" for number, what in told if number]


def compare(
    root: Path, readings: Sequence[Reading], readers: tuple[Path, Path], settings: Settings, limit: float
) -> Compared:
    """The regions whose Dice between two readers' folders is below ``limit``, and what one alone excluded.

    Raises :class:`NoInputError` where they have no slice in common.
    """
    compared = Compared()
    found = compared.differences
    excluded = [_excluded(folder, settings.regions) for folder in readers]
    called = [folder.name or str(folder) for folder in readers]
    if called[0] == called[1]:
        called = [str(folder) for folder in readers]
    common = 0
    for reading in readings:
        names = [below(folder, json_name(reading.image)) for folder in readers]
        there = [name.is_file() for name in names]
        left_out = [
            {region for image, region in each if image == composed(reading.image)} for each in excluded
        ]
        by = [name for name, regions in zip(called, left_out, strict=True) if "" in regions]
        if by:
            common += 1
            if len(by) == 1:
                found.append(Difference(reading.image, "", 0.0, 0, 0, by[0]))
            else:
                compared.excluded += 1
            continue
        if not all(there):
            compared.lacking += any(there)
            continue
        common += 1
        shape = _size(root, reading)
        if shape is None:
            compared.unreadable += 1
            continue
        a, b = (_patches(name, reading, shape, settings) for name in names)
        keys = {str(Region(*key)): key for key in (*a, *b)}
        for region in sorted({*keys, *left_out[0], *left_out[1]}):
            by = [name for name, regions in zip(called, left_out, strict=True) if region in regions]
            if len(by) == 2:
                continue
            key = keys.get(region)
            one, other = (None if key is None else patches.get(key) for patches in (a, b))
            difference = _difference(reading.image, region, one, other)
            if by:
                found.append(replace(difference, excluded_by=by[0]))
            elif difference.dice < limit:
                found.append(difference)
    if not common:
        expected = "expected LabelMe files of the same slices, NAME.json as the images are called"
        raise NoInputError(
            f"{readers[0]}, {readers[1]}: no slice in common; {expected}; unblind blinded readings first"
        )
    return compared


def _excluded(folder: Path, own: Own) -> set[tuple[str, str]]:
    """What a reader excluded: images and regions."""
    path = folder / REVIEW
    verdicts = read_verdicts(path, own) if path.is_file() else []
    return {(composed(verdict.image), verdict.region) for verdict in verdicts if verdict.verdict == EXCLUDE}


def _size(root: Path, reading: Reading) -> tuple[int, int] | None:
    try:
        return image_size(image_bytes(root, reading))
    except UnreadableError:
        return None


def _patches(
    path: Path, reading: Reading, shape: tuple[int, int], settings: Settings
) -> Mapping[RegionKey, Patch]:
    try:
        annotation = read_annotation(read_bytes(path, SLICE_FILE_LIMIT))
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{path}")) from None
    aliases = aliases_of(settings)
    return sort_contours(annotation.contours, shape, settings, aliases, reading.name).patches


def _difference(image: str, region: str, a: Patch | None, b: Patch | None) -> Difference:
    px_a, px_b = (0 if patch is None else int(np.count_nonzero(patch.pixels)) for patch in (a, b))
    both = 0 if a is None or b is None else shared_px(a, b)
    dice = 2 * both / (px_a + px_b) if px_a + px_b else 1.0
    return Difference(image, region, dice, px_a, px_b)


def adjudication_bytes(found: Sequence[Difference]) -> bytes:
    """The differences as a table."""
    return csv_bytes(COLUMNS, [(d.image, d.region, d.dice, d.px_a, d.px_b) for d in found])
