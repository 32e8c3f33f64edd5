"""Slices on which two readers differ, for a third look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mriparaspinal.core.errors import NoInputError, UnreadableError
from mriparaspinal.core.labels import Region, alias_key
from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.regions import RegionKey
from mriparaspinal.imaging.rasterise import Patch, shared_px
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.images import SLICE_FILE_LIMIT, image_size
from mriparaspinal.io.labelme import read_annotation
from mriparaspinal.io.tables import csv_bytes
from mriparaspinal.review.blind import json_name
from mriparaspinal.review.slices import Reading, below, image_bytes

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

    @property
    def text(self) -> str:
        """The difference in words."""
        if not self.px_a or not self.px_b:
            return f"{self.region}: drawn by one reader alone"
        return f"{self.region}: Dice {self.dice:.2f}"


def differences(
    root: Path, readings: Sequence[Reading], readers: tuple[Path, Path], settings: Settings, limit: float
) -> list[Difference]:
    """The regions whose Dice between two readers' folders is below ``limit``, in the order of the readings.

    Slices that only one of them has are passed over. Raises :class:`NoInputError` where they have no slice in
    common.
    """
    found: list[Difference] = []
    common = 0
    for reading in readings:
        names = [below(folder, json_name(reading.image)) for folder in readers]
        if not all(name.is_file() for name in names):
            continue
        common += 1
        shape = image_size(image_bytes(root, reading))
        if shape is None:
            continue
        a, b = (_patches(name, reading, shape, settings) for name in names)
        keys = sorted({*a, *b}, key=lambda key: str(Region(*key)))
        each = [_difference(reading.image, key, a.get(key), b.get(key)) for key in keys]
        found += [difference for difference in each if difference.dice < limit]
    if not common:
        expected = "expected LabelMe files of the same slices, NAME.json as the images are called"
        raise NoInputError(
            f"{readers[0]}, {readers[1]}: no slice in common; {expected}; unblind blinded readings first"
        )
    return found


def _patches(
    path: Path, reading: Reading, shape: tuple[int, int], settings: Settings
) -> Mapping[RegionKey, Patch]:
    try:
        annotation = read_annotation(read_bytes(path, SLICE_FILE_LIMIT))
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{path}")) from None
    aliases = {alias_key(label): meaning for label, meaning in settings.labels}
    return sort_contours(annotation.contours, shape, settings, aliases, reading.name).patches


def _difference(image: str, key: RegionKey, a: Patch | None, b: Patch | None) -> Difference:
    px_a, px_b = (0 if patch is None else int(np.count_nonzero(patch.pixels)) for patch in (a, b))
    both = 0 if a is None or b is None else shared_px(a, b)
    dice = 2 * both / (px_a + px_b) if px_a + px_b else 1.0
    return Difference(image, str(Region(*key)), dice, px_a, px_b)


def adjudication_bytes(found: Sequence[Difference]) -> bytes:
    """The differences as a table."""
    return csv_bytes(COLUMNS, [(d.image, d.region, d.dice, d.px_a, d.px_b) for d in found])
