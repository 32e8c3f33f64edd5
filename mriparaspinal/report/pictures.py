"""The slices of a study as pictures for the page, read again from the dataset that was measured."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.core.model import Slice
from mriparaspinal.dataset.read import read_mapped, read_slice
from mriparaspinal.imaging.rasterise import Patch
from mriparaspinal.measure.reopen import ReopenedDataset
from mriparaspinal.parallel.map import map_in_order
from mriparaspinal.report.outlines import SliceImage, coarser_outside, histograms, outlined, shown_frame
from mriparaspinal.report.slices import as_written

#: Where pictures are too large for the page, grey levels outside the regions are in steps of at most these.
_COARSEST = 32

#: Of many slices so many are drawn first, to find the step that is needed.
_SAMPLED = 20

#: These fill so much of their room, so that the rest need not be drawn twice if it is a little larger.
_RESERVE = 0.95


def draw_pictures(
    source: ReopenedDataset,
    thresholds: Mapping[str, float],
    most_bytes: int,
    jobs: int = 1,
    progress: Callable[[], None] | None = None,
) -> dict[str, SliceImage]:
    """The picture of each slice of which a region could be read, by the slice's name as in the tables.

    ``thresholds``: slice → grey level above which a pixel is fat; where there is none, nothing is fat.
    ``most_bytes`` of all pictures together: where they need more, all are shown with coarser grey outside the
    regions, as far as they must be; inside, each pixel stays as it is.
    Raises :class:`NoInputError` where the dataset is not the one that was measured.
    """
    slices, step = source.study.dataset.slices, 1
    draw = partial(_draw, source, thresholds)
    if len(slices) >= 10 * _SAMPLED:
        some = slices[:: len(slices) // _SAMPLED]
        _, step = _fitting(draw, some, _RESERVE * most_bytes * len(some) / len(slices), step, jobs)
    results, _ = _fitting(draw, slices, most_bytes, step, jobs, progress)
    source.require_same(file for _, files in results for file in files)
    return {
        as_written(slice_.name): picture
        for slice_, (picture, _) in zip(slices, results, strict=True)
        if picture is not None
    }


_Drawn = tuple[SliceImage | None, list[tuple[str, str]]]


def _fitting(
    draw: Callable[[int, Slice], _Drawn],
    slices: Sequence[Slice],
    most_bytes: float,
    step: int,
    jobs: int,
    progress: Callable[[], None] | None = None,
) -> tuple[list[_Drawn], int]:
    """Slices with grey levels outside the regions in the smallest step with which they fit, and that step."""
    while True:
        results = list(map_in_order(partial(draw, step), slices, jobs, progress))
        drawn = [picture for picture, _ in results if picture is not None]
        too_much = sum(len(picture.uri) for picture in drawn) - most_bytes
        if too_much <= 0 or step == _COARSEST:
            return results, step
        # A step twice as large saves a little less than a bit of each pixel outside (six bits of it in each
        # character of the address): steps that cannot be enough are not tried.
        bits = 6 / 0.85 * too_much / max(1, sum(map(_pixels_outside, drawn)))
        step, progress = min(_COARSEST, step * 2 ** max(1, int(bits))), None


def _pixels_outside(picture: SliceImage) -> int:
    return picture.width * picture.height - sum(pixels for pixels, _ in picture.counts.values())


def _draw(source: ReopenedDataset, thresholds: Mapping[str, float], step: int, slice_: Slice) -> _Drawn:
    root, maps = source.study.root, source.study.maps
    if maps is None:
        found = read_slice(root, slice_, source.settings, source.study.source)
    else:
        found = read_mapped(root, slice_, source.settings, maps, source.study.source)
    if found.image is None or found.anatomy is None or not found.anatomy.patches:
        return None, found.sha256
    columns, rows = found.image.size
    frame = shown_frame(found.anatomy.patches.values(), (rows, columns))
    grey = np.asarray(found.image.crop(frame))
    patches = {key: patch.moved(-frame.top, -frame.left) for key, patch in found.anatomy.patches.items()}
    threshold = thresholds.get(as_written(slice_.name))
    content = webp(coarser_outside(grey, patches.values(), step))
    picture = SliceImage(
        width=frame.right - frame.left,
        height=frame.bottom - frame.top,
        uri="data:image/webp;base64," + base64.b64encode(content).decode("ascii"),
        step=step,
        regions=tuple(outlined(key, patch) for key, patch in patches.items()),
        histograms=histograms(grey, patches, threshold),
        counts={key: _count(grey, patch, threshold) for key, patch in patches.items()},
    )
    return picture, found.sha256


def _count(grey: NDArray[np.uint8], patch: Patch, threshold: float | None) -> tuple[int, int]:
    levels = patch.on(grey)[patch.pixels]
    return levels.size, 0 if threshold is None else int(np.count_nonzero(levels > threshold))


def webp(grey: NDArray[np.uint8]) -> bytes:
    """Lossless, and nothing but the pixels: no Exif, profile or text of the file comes along."""
    content = io.BytesIO()
    # The quality of a lossless picture is how long a smaller one is looked for: in vain with these.
    Image.fromarray(grey).save(content, "WEBP", lossless=True, quality=0, method=4)
    return content.getvalue()
