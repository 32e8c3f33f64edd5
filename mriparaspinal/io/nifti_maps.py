"""Maps and atlases from NIfTI images, and maps into NIfTI. The same map gives the same bytes."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.volumeutils import apply_read_scaling
from numpy.typing import NDArray

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.imaging.grids import Grid
from mriparaspinal.io.label_volumes import whole_numbers
from mriparaspinal.io.nifti import Form, Stored, read_stored

#: More voxels than a volume of the brain has: 390 along each side.
_VOXEL_LIMIT = 60_000_000

#: More than a diffusion series or a probability atlas has: these are held in memory as they are stored.
_VOXELS_LIMIT = 600_000_000


@dataclass(frozen=True, slots=True)
class MapImage:
    """A volume of numbers."""

    values: NDArray[Any]
    """(i, j, k)."""
    grid: Grid
    header: Any
    """As nibabel has it: what a map that is made of this one takes its place from."""

    def lowest(self) -> float:
        """The least of 0 and all values that are numbers."""
        return float(np.min(self.values, initial=0.0, where=np.isfinite(self.values)))


@dataclass(frozen=True, slots=True)
class MapSeries:
    """Several volumes of one grid: a diffusion series, or the probability maps of an atlas."""

    stored: Stored
    grid: Grid

    @property
    def header(self) -> Any:
        """As nibabel has it."""
        return self.stored.header

    def __len__(self) -> int:
        return int(self.stored.voxels.shape[3])

    def volumes(self) -> Iterator[NDArray[Any]]:
        """Each volume, (i, j, k), one at a time."""
        for index in range(len(self)):
            yield _scaled(self.stored.voxels[..., index], self.stored)

    def slab(self, k: int) -> NDArray[Any]:
        """One slice of all volumes, (i, j, volumes)."""
        return _scaled(self.stored.voxels[:, :, k], self.stored)


def read_map(path: Path, form: Form | None = None) -> MapImage:
    """A map of three dimensions; raises :class:`UnreadableError`."""
    stored = read_stored(path, _VOXELS_LIMIT, form)
    shape = stored.voxels.shape
    if len(shape) == 4:
        found = f"{'×'.join(map(str, shape))} voxels"
        raise unreadable(found, "one map of three dimensions", "take one volume out of it")
    if stored.voxels.size > _VOXEL_LIMIT:
        found = f"{'×'.join(map(str, shape))} voxels"
        raise unreadable(found, f"at most {_VOXEL_LIMIT / 1e6:.0f} million", "cut out what is needed")
    return MapImage(_scaled(stored.voxels, stored), _grid(stored), stored.header)


def read_series(path: Path, form: Form | None = None) -> MapSeries:
    """An image of several volumes; raises :class:`UnreadableError` for one of a single volume."""
    stored = read_stored(path, _VOXELS_LIMIT, form)
    if stored.voxels.ndim == 3:
        found = f"{'×'.join(map(str, stored.voxels.shape))} voxels, one volume"
        raise unreadable(found, "several", "give the image of four dimensions")
    return MapSeries(stored, _grid(stored))


def read_atlas(path: Path, form: Form | None = None) -> MapImage | MapSeries:
    """Labels as whole numbers where there is one volume, probability maps where there are several.

    Raises :class:`UnreadableError`.
    """
    stored = read_stored(path, _VOXELS_LIMIT, form)
    if stored.voxels.ndim == 4:
        return MapSeries(stored, _grid(stored))
    try:
        labels = whole_numbers(_scaled(stored.voxels, stored))
    except UnreadableError as error:
        remedy = "resample atlases of labels with nearest neighbour; a probability map goes to --probability"
        raise UnreadableError(replace(error.fault, remedy=remedy)) from None
    return MapImage(labels, _grid(stored), stored.header)


def _grid(stored: Stored) -> Grid:
    i, j, k = stored.voxels.shape[:3]
    return Grid((i, j, k), stored.affine)


def _scaled(voxels: NDArray[Any], stored: Stored) -> NDArray[Any]:
    scaled: NDArray[Any] = apply_read_scaling(voxels, stored.slope, stored.intercept)
    return scaled


#: What the header of a map of ours says of its origin.
MADE_BY = b"mriparaspinal"


def is_map(head: bytes) -> bool:
    """Whether a file begins as a map of :func:`map_bytes`, packed or not."""
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 400)
        except zlib.error:
            return False
    return head[148:228].startswith(MADE_BY)


def map_bytes(values: NDArray[np.floating[Any]], source: Any, packed: bool = True) -> bytes:
    """A map, (i, j, k), as a NIfTI image of 32-bit floats, in the place of its ``source`` (a header).

    sform and qform are those of the source, with their codes. ``packed``: with gzip, without its clock.
    """
    nifti: Any = nibabel  # without types of its own
    image = nifti.Nifti1Image(np.asarray(values, dtype=np.float32), None)
    image.header["descrip"] = MADE_BY
    image.header.set_xyzt_units(source.get_xyzt_units()[0])
    image.header.set_zooms(source.get_zooms()[:3])
    for form in ("sform", "qform"):
        affine, code = getattr(source, f"get_{form}")(coded=True)
        if affine is not None:
            getattr(image, f"set_{form}")(affine, code=int(code))
    if not packed:
        return bytes(image.to_bytes())
    whole = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=whole, mtime=0) as file:
        file.write(image.to_bytes())
    return whole.getvalue()
