"""The slices of a study as pictures for the page, read again from the dataset that was measured."""

from __future__ import annotations

import base64
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.measure_columns import columns_of
from mriparaspinal.core.model import Settings, Slice
from mriparaspinal.core.text import read_cell
from mriparaspinal.dataset.read import OpenSlice, read_mapped, read_slice
from mriparaspinal.dataset.regions import RegionKey
from mriparaspinal.imaging.rasterise import Patch, PixelBox, bounds
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.images import SLICE_FILE_LIMIT, decode_image
from mriparaspinal.io.tables import table_rows
from mriparaspinal.measure.reopen import ReopenedDataset
from mriparaspinal.measure.results import Results
from mriparaspinal.parallel.map import map_in_order
from mriparaspinal.report.outlines import (
    SliceImage,
    coarser_outside,
    histograms,
    outlined,
    refused_contour,
    shown_frame,
)
from mriparaspinal.report.slices import as_written
from mriparaspinal.report.whole import whole_slice

#: The page should be no larger; the pictures get what the rest leaves.
_MOST_BYTES = 19_700_000

#: What a slice needs beside its picture: outlines, numbers, histogram.
_BYTES_BESIDE = 8_500

#: What each column of further measures adds to that.
_BYTES_OF_A_MEASURE = 350

#: What the figures of a study with many slices take, at most.
_FIGURES = 2_500_000

#: Where pictures are too large for the page, grey levels outside the regions are in steps of so many.
_STEPS = (1, 2, 4, 8, 16, 32)

_COARSEST = _STEPS[-1]

#: Of many slices so many are encoded first, to find the step that will do.
_TRIED = 20

#: So many contours of a slice that were not measured are drawn; a slice has about ten.
_MOST_REFUSED = 50


@dataclass(frozen=True, slots=True)
class FirstPictures:
    """The pictures as they are drawn at first, before it is known what the figures leave of the page."""

    step: int
    results: list[_Drawn]


def tables_by_slice(results: Results) -> list[str]:
    """The CSVs that have the rows of each slice by itself.

    Where a segment of somebody has several slices, they stand in a table of their own, ``L3_slices.csv``.
    """
    by_slice = ((name, name.replace(".csv", "_slices.csv")) for name in results.tables)
    return [of_slices if of_slices in results.contents else name for name, of_slices in by_slice]


def thresholds_of(results: Results) -> dict[str, float]:
    """Slice → grey level above which a pixel is fat; a slice of fat and water images has none."""
    found = {}
    for name in tables_by_slice(results):
        rows = table_rows(results.contents[name], name)
        header = next(rows)
        for row in rows:
            cells = dict(zip(header, row, strict=False))
            threshold = read_cell(cells.get("threshold", ""))
            if threshold is not None and cells.get("fat_rule") != "dixon":
                found[cells.get("image", "")] = threshold
    return found


def first_pictures(
    source: ReopenedDataset,
    thresholds: Mapping[str, float],
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
) -> FirstPictures:
    """The pictures with the step of grey that should do, of which :func:`draw_pictures` takes them."""
    slices, step = source.study.dataset.slices, 1
    if len(slices) > 8 * _TRIED:
        some = slices[:: len(slices) // _TRIED]
        sizes = zip(*map_in_order(partial(_sizes, source), some, jobs), strict=True)
        fits = room_for_pictures(source, _FIGURES) * len(some) / len(slices)
        step = next((step for step, size in zip(_STEPS, sizes, strict=True) if sum(size) <= fits), _COARSEST)
    draw = partial(_draw, source, thresholds, step)
    return FirstPictures(step, list(map_in_order(draw, slices, jobs, progress)))


def draw_pictures(
    source: ReopenedDataset,
    thresholds: Mapping[str, float],
    most_bytes: int,
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
    first: FirstPictures | None = None,
) -> dict[str, SliceImage]:
    """The picture of each slice whose image could be read, by the slice's name as in the tables.

    ``thresholds``: slice → grey level above which a pixel is fat; where there is none, nothing is fat.
    ``most_bytes`` of all pictures together: where they need more, all are shown with coarser grey outside the
    regions, as far as they must be; inside, each pixel stays as it is.
    ``first``: those of :func:`first_pictures`, where they are drawn already.
    Raises :class:`NoInputError` where the dataset is not the one that was measured.
    """
    slices = source.study.dataset.slices
    first = first or first_pictures(source, thresholds, jobs, progress)
    draw = partial(_draw, source, thresholds)
    results = _fitting(draw, slices, first, most_bytes, jobs)
    source.require_same(file for _, files in results for file in files)
    return {
        as_written(slice_.name): picture
        for slice_, (picture, _) in zip(slices, results, strict=True)
        if picture is not None
    }


def room_for_pictures(source: ReopenedDataset, figures: int) -> int:
    """Bytes that figures of so many bytes, and numbers, leave of the page for the pictures of a dataset."""
    beside = _BYTES_BESIDE + _BYTES_OF_A_MEASURE * len(columns_of(source.settings.measures))
    return _MOST_BYTES - figures - beside * len(source.study.dataset.slices)


_Drawn = tuple[SliceImage | None, list[tuple[str, str]]]
"""A picture, and the SHA-256 of the files that were measured for it."""


def _fitting(
    draw: Callable[[int, Slice], _Drawn],
    slices: Sequence[Slice],
    first: FirstPictures,
    most_bytes: float,
    jobs: int,
) -> list[_Drawn]:
    """The pictures with the first step, from that of ``first`` on, with which they are small enough."""
    step, results = first.step, first.results
    while True:
        drawn = [picture for picture, _ in results if picture is not None]
        too_much = sum(len(picture.uri) + len(picture.whole) for picture in drawn) - most_bytes
        if too_much <= 0 or step == _COARSEST:
            return results
        # A step twice as large saves a little less than a bit of each pixel outside (six bits of it in each
        # character of the address): steps that cannot be enough are not tried.
        bits = 6 / 0.85 * too_much / max(1, sum(map(_pixels_outside, drawn)))
        step = min(_COARSEST, step * 2 ** max(1, int(bits)))
        results = list(map_in_order(partial(draw, step), slices, jobs))


def _pixels_outside(picture: SliceImage) -> int:
    inside = sum(pixels for pixels, _ in picture.counts.values())
    return picture.width * picture.height - inside if picture.uri else 0


@dataclass(frozen=True, slots=True)
class _Shown:
    """What there is to show of a slice."""

    image: Image.Image
    frame: PixelBox
    """The part of the image that is shown first."""
    grey: NDArray[np.uint8]
    """Of this part."""
    patches: Mapping[RegionKey, Patch]
    """On this part."""

    def whole(self) -> str:
        return _uri("webp", whole_slice(np.asarray(self.image), self.frame if self.patches else None))

    def part(self, step: int) -> str:
        return (
            _uri("png", png(coarser_outside(self.grey, self.patches.values(), step))) if self.patches else ""
        )


def _read(source: ReopenedDataset, slice_: Slice) -> tuple[OpenSlice, _Shown | None]:
    """A slice, and what there is to show of it: nothing where its image cannot be read."""
    root, maps = source.study.root, source.study.maps
    if maps is None:
        found = read_slice(root, slice_, source.settings, source.study.source)
    else:
        found = read_mapped(root, slice_, source.settings, maps, source.study.source)
    image = found.image or _not_measured(root, slice_, source.settings)
    if image is None:
        return found, None
    columns, rows = image.size
    patches = {} if found.anatomy is None else found.anatomy.patches
    frame = PixelBox(0, 0, columns, rows)
    if patches:
        boxes = [patch.frame for patch in patches.values()]
        frame = shown_frame([*boxes, *map(bounds, found.refused)], (rows, columns))
    moved = {key: patch.moved(-frame.top, -frame.left) for key, patch in patches.items()}
    return found, _Shown(image, frame, np.asarray(image.crop(frame)), moved)


def _sizes(source: ReopenedDataset, slice_: Slice) -> list[int]:
    """The bytes of a slice's picture with each of the steps."""
    _, shown = _read(source, slice_)
    if shown is None:
        return [0] * len(_STEPS)
    whole = len(shown.whole())
    return [whole + len(shown.part(step)) for step in _STEPS]


def _draw(source: ReopenedDataset, thresholds: Mapping[str, float], step: int, slice_: Slice) -> _Drawn:
    found, shown = _read(source, slice_)
    if shown is None:
        return None, found.sha256
    frame, grey, patches = shown.frame, shown.grey, shown.patches
    columns, rows = shown.image.size
    threshold = thresholds.get(as_written(slice_.name))
    picture = SliceImage(
        columns,
        rows,
        shown.whole(),
        frame.left,
        frame.top,
        width=frame.right - frame.left,
        height=frame.bottom - frame.top,
        uri=shown.part(step),
        step=step if patches else 1,
        regions=tuple(outlined(key, patch) for key, patch in patches.items()),
        refused=tuple(refused_contour(contour, frame) for contour in found.refused[:_MOST_REFUSED]),
        not_drawn=len(found.refused[_MOST_REFUSED:]),
        histograms=histograms(grey, patches, threshold, source.settings.muscles),
        counts={key: _count(grey, patch, threshold) for key, patch in patches.items()},
    )
    return picture, found.sha256


def _not_measured(root: Path, slice_: Slice, settings: Settings) -> Image.Image | None:
    """The image of a slice that was left out before it was read; None if it cannot be read."""
    if slice_.image is None:
        return None
    try:
        return decode_image(read_bytes(f"{root}/{slice_.image}", SLICE_FILE_LIMIT), settings.window).grey
    except UnreadableError:
        return None


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode("ascii")


def _count(grey: NDArray[np.uint8], patch: Patch, threshold: float | None) -> tuple[int, int]:
    levels = patch.on(grey)[patch.pixels]
    return levels.size, 0 if threshold is None else int(np.count_nonzero(levels > threshold))


def png(grey: NDArray[np.uint8]) -> bytes:
    """Lossless, and nothing but the pixels: no Exif, profile or text of the file comes along."""
    content = io.BytesIO()
    # Two to five times as fast as lossless WebP; as small for noisy slices, a fifth larger for smooth ones.
    Image.fromarray(grey).save(content, "PNG", compress_level=4, compress_type=zlib.Z_FILTERED)
    return content.getvalue()
