"""Label maps from volumes and PNG images, and into NIfTI. Only whole numbers are labels."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mriparaspinal.core.errors import UnreadableError, unreadable
from mriparaspinal.imaging.grids import LPS_TO_RAS, LabelVolume
from mriparaspinal.imaging.slice_position import SlicePlace, map_affine, map_spacing
from mriparaspinal.io.image_limits import too_large
from mriparaspinal.io.images import is_turned
from mriparaspinal.io.metaimage import read_metaimage
from mriparaspinal.io.nrrd import Nrrd, read_nrrd
from mriparaspinal.io.numberings import AND
from mriparaspinal.io.png import require_complete_png
from mriparaspinal.io.stored_voxels import gzipped
from mriparaspinal.io.volumes import volume_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mriparaspinal.io.nifti import Form


#: Labels are told from 32-bit numbers at most.
_SMALLEST, _LARGEST = -(2**31), 2**31 - 1

#: How far a label may be from a whole number: what a scale in the header does to it, and no more.
ROUNDING = 1e-3

#: What Pillow's images of one number per pixel are called.
_NUMBERED = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")


def read_label_volume(path: Path, form: Form | None = None) -> LabelVolume:
    """A label map from a NIfTI, NRRD or MetaImage volume; raises :class:`UnreadableError`.

    Numbers stored as floating point are taken where all of them are whole, within a thousandth.
    ``form``: which one counts where sform and qform of NIfTI disagree.
    """
    kind = volume_kind(path.name)
    if kind == "NRRD":
        return _of_nrrd(read_nrrd(path))
    if kind == "MetaImage":
        image = read_metaimage(path)
        return LabelVolume(whole_numbers(image.voxels()), image.affine)
    from mriparaspinal.io.nifti import read_whole  # here: nibabel is only for those who have NIfTI

    voxels, affine, remark = read_whole(path, form)
    return LabelVolume(whole_numbers(voxels), affine, remark)


def _of_nrrd(found: Nrrd) -> LabelVolume:
    layers = [whole_numbers(layer) for layer in found.layers()]
    names = {(segment.layer, segment.value): segment.name for segment in found.segments}
    if len(layers) == 1:
        own = {value: name for (_, value), name in names.items()}
        return LabelVolume(layers[0], found.affine, names=own if found.segments else None)
    # Each combination of the layers' values that there is becomes a label.
    there = np.logical_or.reduce([layer != 0 for layer in layers])
    together, labels = np.unique(np.stack([layer[there] for layer in layers]), axis=1, return_inverse=True)
    joined = np.zeros(there.shape, dtype=np.int32)
    joined[there] = labels.reshape(-1) + 1
    told = {
        label: AND.join(
            dict.fromkeys(
                names.get((layer, value), f"value {value} of layer {layer}")
                for layer, value in enumerate(values.tolist())
                if value
            )
        )
        for label, values in enumerate(together.T, 1)
    }
    return LabelVolume(joined, found.affine, names=told, layers=len(layers))


def whole_numbers(voxels: NDArray[Any]) -> NDArray[Any]:
    """The voxels of a label map, (i, j, k), as integers; raises :class:`UnreadableError` for others."""
    low, high = _range(voxels)
    if low < _SMALLEST or high > _LARGEST:
        found = f"numbers from {low:g} to {high:g}"
        raise unreadable(found, "the labels of a label map", "check that it is a label map")
    if voxels.dtype.kind == "f":
        voxels = np.rint(voxels)
        # int16 holds the labels of every known tool, in a quarter of the room.
        small = _SMALLEST if low < -(2**15) or high >= 2**15 else 0
        return voxels.astype(np.int32 if small else np.int16)
    return voxels


def _range(voxels: NDArray[Any]) -> tuple[float, float]:
    """The least and the greatest number; raises :class:`UnreadableError` for one that is not whole."""
    low = high = 0.0
    for part in _slabs(voxels):
        whole = np.isfinite(part)
        if part.dtype.kind == "f":
            whole[whole] = abs(np.rint(part[whole]) - part[whole]) <= ROUNDING
        if not whole.all():
            odd = part[~whole].flat[0]
            found = f"numbers that are not whole, such as {odd:g}"
            remedy = "resample label maps with nearest neighbour, and check that it is one"
            raise unreadable(found, "the labels of a label map", remedy)
        low, high = min(low, float(part.min())), max(high, float(part.max()))
    return low, high


def _slabs(voxels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The volume in parts: what is computed of a large one takes little memory at a time."""
    for index in range(voxels.shape[2]):
        yield voxels[:, :, index]


#: NIfTI's code of coordinates that are the scanner's.
_SCANNER = 1


def label_volume_bytes(
    labels: NDArray[np.uint8], place: SlicePlace | None, spacing_mm: tuple[float, float] | None
) -> bytes:
    """The label map of one slice, (rows, columns), as a gzipped NIfTI volume of (columns, rows, 1) voxels.

    With its ``place``, sform and qform are those of the scanner. Without, both are unknown (code 0), and
    the voxels have the spacing between (rows, columns), or 1 mm. The same input gives the same bytes.
    """
    import nibabel

    nifti: Any = nibabel  # without types of its own
    image = nifti.Nifti1Image(np.ascontiguousarray(labels.T)[:, :, None], None)
    header = image.header
    header.set_xyzt_units("mm")
    header.set_intent("label")
    if place is None:
        header.set_zooms(map_spacing(spacing_mm))
    else:
        affine = LPS_TO_RAS @ map_affine(place)
        image.set_sform(affine, code=_SCANNER)
        image.set_qform(affine, code=_SCANNER)
    return gzipped(image.to_bytes())


def decode_label_image(raw: bytes) -> NDArray[np.integer]:
    """A label map, (rows, columns), from the bytes of a PNG; raises :class:`UnreadableError`.

    The labels are the stored numbers: grey levels of 8 or 16 bits, or the numbers of a palette's colours.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(raw), formats=("PNG",))
            mode = image.mode
            if too_large(*image.size):
                found = f"{image.width}×{image.height} pixels"
                raise unreadable(found, "those of one slice", "export it again")
            if mode in _NUMBERED:
                if getattr(image, "n_frames", 1) > 1:
                    raise unreadable("an image of several frames", "one slice", "export it as a still image")
                image.load()
                require_complete_png(image, raw)
                if is_turned(image):
                    found = "an EXIF orientation that turns the image"
                    raise unreadable(found, "pixels as they are shown", "export it without EXIF orientation")
                labels = np.asarray(image)
                return labels.astype(np.uint8) if labels.dtype == bool else labels
    except UnreadableError:
        raise
    except Image.DecompressionBombError:
        raise unreadable("more pixels than a slice can have", "one slice", "export it again") from None
    except Exception:  # what a damaged file makes Pillow raise can be anything
        found = "not a complete PNG"
        raise unreadable(found, "a label map, one number for each pixel", "export it again") from None
    found = f"colours (mode {mode})"
    remedy = "export the labels, not a picture of them"
    raise unreadable(found, "a label map, one number for each pixel (grey or palette)", remedy)
