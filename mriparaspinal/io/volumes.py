"""Volumes of all formats: NIfTI, NRRD and MetaImage. nibabel is loaded for NIfTI alone."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mriparaspinal.core.errors import unreadable
from mriparaspinal.io import metaimage, nrrd
from mriparaspinal.io.folder import read_bytes

if TYPE_CHECKING:
    from mriparaspinal.imaging.planes import Series
    from mriparaspinal.io.nifti import Form

#: Endings of names, in small letters.
ENDINGS = (".nii", ".nii.gz", *nrrd.ENDINGS, *metaimage.ENDINGS)

_NO_PLACE = "no position in the patient"


def volume_kind(name: str) -> Literal["NIfTI", "NRRD", "MetaImage"] | None:
    """The format that a file's name tells; None where it is not that of a volume."""
    lower = name.lower()
    if lower.endswith(nrrd.ENDINGS):
        return "NRRD"
    if lower.endswith(metaimage.ENDINGS):
        return "MetaImage"
    return "NIfTI" if lower.endswith(ENDINGS) else None


def read_volume(path: Path, place: str, form: Form | None = None) -> Series:
    """The slices of a volume of any format; raises :class:`UnreadableError`.

    ``form``: which one counts where sform and qform of a NIfTI volume disagree.
    """
    from mriparaspinal.io.volume_series import volume_series

    kind = volume_kind(path.name)
    if kind == "NRRD":
        drawn = nrrd.read_nrrd(path)
        if drawn.layers_axis is not None or drawn.affine is None:
            found = _NO_PLACE if drawn.affine is None else "a segmentation of several layers"
            raise unreadable(found, "a volume with its space", "export the volume again")
        i, j, k = (*drawn.stored.shape, 1)[:3]
        return volume_series(kind, path, place, (i, j, k), drawn.affine, lambda: drawn.layers()[0])
    if kind == "MetaImage":
        image = metaimage.read_metaimage(path)
        if image.affine is None:
            raise unreadable(_NO_PLACE, "TransformMatrix, Offset and ElementSpacing", "export it again")
        i, j, k = image.stored.shape[:3]
        return volume_series(kind, path, place, (i, j, k), image.affine, image.voxels)
    from mriparaspinal.io.nifti import read_volume as read_nifti

    return read_nifti(path, place, form)


def files_of(path: Path) -> list[Path]:
    """The files of a volume: of ``.nhdr`` and ``.mhd`` also the one of the voxels, where it is there."""
    from mriparaspinal.core.errors import UnreadableError

    try:
        if path.name.lower().endswith(".nhdr"):
            return list(dict.fromkeys([path, nrrd.read_nrrd(path).stored.path]))
        if path.name.lower().endswith(".mhd"):
            return list(dict.fromkeys([path, metaimage.read_metaimage(path).stored.path]))
    except UnreadableError:
        pass  # whoever reads it says so
    return [path]


def volume_sha256(path: Path) -> str:
    """The SHA-256 of the bytes of a volume's files, one after the other."""
    digest = hashlib.sha256()
    for file in files_of(path):
        digest.update(read_bytes(file))
    return digest.hexdigest()
