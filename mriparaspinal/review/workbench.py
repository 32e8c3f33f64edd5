"""One slice on the page: what of it is drawn, measured and found wrong."""

from __future__ import annotations

import base64
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.draft_mark import set_draft
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.dataset.read import OpenSlice, read_slice
from mriparaspinal.io.images import decode_image
from mriparaspinal.measure.slice import measure_read
from mriparaspinal.review.document import Document, document_bytes
from mriparaspinal.review.slices import Reading


@dataclass(frozen=True, slots=True)
class RegionNumbers:
    """The numbers of one region."""

    csa_px: int
    fat_px: int | None
    """None where grey levels do not tell fat: the rule ``dixon``."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers and problems of a slice."""

    regions: dict[str, RegionNumbers]
    problems: tuple[Problem, ...]
    threshold: float | None
    fat: str
    """Fat pixels of the muscles, rows × columns bits, the first one highest, as base64; empty: not known."""


class Workbench:
    """A folder for the slice that is measured, gone at the end."""

    def __init__(self, settings: Settings) -> None:
        # Fat and water images are not at hand here: then areas alone are told.
        self._tells_fat = settings.fat_rule != "dixon"
        rule = settings.fat_rule if self._tells_fat else "fixed"
        self._settings = replace(settings, fat_rule=rule, measures=())
        self._alone = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="mriparaspinal-review-")

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def grey(self, raw: bytes) -> NDArray[np.uint8]:
        """The grey levels (rows, columns) that are measured; raises :class:`UnreadableError`."""
        return np.asarray(decode_image(raw, self._settings.window).grey)

    def measure(self, reading: Reading, image: bytes, document: Document) -> Measured:
        """Measure a slice as it is drawn; a draft is measured as if a person had judged it."""
        root = Path(self._folder.name)
        stem = reading.file.rpartition("/")[2].removesuffix(".json")
        picture, annotation = f"{stem}{Path(reading.image).suffix}", f"{stem}.json"
        slice_ = replace(reading.slice, image=picture, annotation=annotation)
        staged = {**set_draft(document, False), "imagePath": picture, "imageData": None}
        with self._alone:
            (root / picture).write_bytes(image)
            (root / annotation).write_bytes(document_bytes(staged))
            try:
                found = read_slice(root, slice_, self._settings)
            finally:
                (root / picture).unlink()
                (root / annotation).unlink()
        result = measure_read(found, slice_, self._settings)
        regions = {
            str(Region(*key)): RegionNumbers(count.csa_px, count.fat_px if self._tells_fat else None)
            for key, count in result.counts.items()
        }
        return Measured(
            regions,
            result.problems,
            result.threshold if self._tells_fat else None,
            self._fat(found, result.threshold),
        )

    def _fat(self, found: OpenSlice, threshold: float | None) -> str:
        if threshold is None or not self._tells_fat or found.image is None or found.anatomy is None:
            return ""
        grey = np.asarray(found.image)
        fat = np.zeros(grey.shape, dtype=bool)
        for (region, _), patch in found.anatomy.patches.items():
            if region in self._settings.muscles:
                part = np.s_[patch.top : patch.bottom, patch.left : patch.right]
                fat[part] |= patch.pixels & (grey[part] > threshold)
        return base64.b64encode(np.packbits(fat).tobytes()).decode()
