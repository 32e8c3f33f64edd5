"""What there is to read: the slices of a dataset, with or without contours, under their names or codes."""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from mriparaspinal.core.errors import NoInputError, UnreadableError, unreadable
from mriparaspinal.core.filenames import SLICES_TABLE
from mriparaspinal.core.labels import aliases_of, region_of
from mriparaspinal.core.model import Problem, Settings, Slice, Spacing
from mriparaspinal.core.spelling import composed
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.strays import json_content
from mriparaspinal.io.folder import find_name, list_files, read_bytes
from mriparaspinal.io.images import SLICE_FILE_LIMIT
from mriparaspinal.io.slices_table import read_spacings
from mriparaspinal.io.tables import read_table
from mriparaspinal.review.blind import Code, json_name


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one slice."""

    name: str
    """What page, journal and ``review.csv`` call it: the image's name, or the code of a blinded reading."""
    file: str
    """Its LabelMe file, below the folder that the reader writes into."""
    slice: Slice
    image: str
    """The image, below the dataset."""


def find_readings(root: Path, settings: Settings) -> tuple[list[Reading], list[Problem]]:
    """Every slice of a dataset that has an image, in the order of the tables, and what cannot be shown.

    Its LabelMe file is the one that is measured, wherever it lies; NAME.json beside the image where there is
    none. Raises :class:`NoInputError` where there is no slice.
    """
    files, dead = list_files(root)
    found = find_slices(files, dead, settings, images_alone=True)
    measured = find_slices(files, dead, settings, content=partial(json_content, root)).slices
    there = {slice_.image: slice_.annotation for slice_ in measured}
    readings = [
        Reading(s.image, file, replace(s, annotation=file), s.image)
        for s in found.slices
        if s.image is not None
        for file in [there.get(s.image) or json_name(s.image)]
    ]
    if not readings:
        expected = "expected images named GROUP_N_L.png, such as ALS_7_3.png, or --name-pattern"
        raise NoInputError(f"{root}: no slices were found; {expected}; see mriparaspinal check")
    return readings, [problem for problem in found.problems if problem.severity == "error"]


def spacings_of(root: Path, readings: Sequence[Reading]) -> dict[str, Spacing]:
    """Row and column spacing in mm by image, as the areas have them; of what is wrong ``check`` tells."""
    try:
        table = read_table(root / SLICES_TABLE)
    except NoInputError:
        return {}
    return read_spacings(table, [reading.image for reading in readings])[0]


#: What a file that is none of LabelMe's gives rise to when it is glanced at.
NO_LABELME = (UnreadableError, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Shape(msgspec.Struct):
    label: object = None


class _File(msgspec.Struct):
    shapes: list[_Shape]


def regions_in(root: Path, readings: Sequence[Reading], settings: Settings) -> frozenset[str]:
    """The regions (``MF``, ``VB`` …) that the files of a dataset have; of a faulty file its slice tells."""
    aliases = aliases_of(settings)
    labels: set[str] = set()
    for reading in readings:
        with contextlib.suppress(*NO_LABELME):
            raw = read_bytes(below(root, reading.slice.annotation), SLICE_FILE_LIMIT)
            shapes = msgspec.json.decode(raw.removeprefix(codecs.BOM_UTF8), type=_File).shapes
            labels |= {shape.label for shape in shapes if isinstance(shape.label, str)}
    return frozenset(region.name for label in labels if (region := region_of(label, aliases)))


def blinded(readings: Sequence[Reading], codes: Sequence[Code]) -> list[Reading]:
    """The readings of the codes: nothing in their names tells whose slice it is."""
    by_image = {composed(reading.image): reading for reading in readings}
    found = []
    for code in codes:
        reading = by_image[composed(code.image)]
        nobody = replace(reading.slice, participant_id="", group="", letter="")
        found.append(replace(reading, name=code.code, file=f"{code.code}.json", slice=nobody))
    return found


def below(root: Path, name: str) -> Path:
    """The file of a name below a folder, in either spelling of its accents, behind all links.

    Raises :class:`UnreadableError` outside.
    """
    path = (root / (find_name(root, name) or name)).resolve()
    if root.resolve() not in path.parents:
        raise unreadable("a link that leads out of the folder", "a file in it", "put the file itself there")
    return path


def image_bytes(root: Path, reading: Reading) -> bytes:
    """The bytes of an image; raises :class:`UnreadableError`."""
    return read_bytes(below(root, reading.image), SLICE_FILE_LIMIT)
