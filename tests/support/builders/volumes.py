"""Helpers for the tests of label maps: slices of a NIfTI volume as a dataset, with their places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

from mriparaspinal.imaging.planes import radiological, slice_axis, volume_plane
from mriparaspinal.imaging.slice_position import COLUMNS, cells
from mriparaspinal.io.tables import csv_bytes

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def load(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The voxels of a NIfTI volume, and its affine in LPS+."""
    image = nibabel.load(path)
    return np.asarray(image.dataobj), LPS @ image.affine


def save(path: Path, voxels: np.ndarray, affine_lps: np.ndarray | None) -> Path:
    """Write a NIfTI volume; without an affine both its forms are unknown."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(voxels, None if affine_lps is None else LPS @ affine_lps), path)
    return path


def write_slices(
    folder: Path, voxels: np.ndarray, affine_lps: np.ndarray, names: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Slices of a volume as PNGs in radiological display, with their geometry in ``slices.csv``.

    ``names``: stem → index along the slice axis. Returns the grey levels by stem.
    """
    folder.mkdir(parents=True, exist_ok=True)
    axis = slice_axis(affine_lps)
    rows = []
    pictures = {}
    for stem, index in names.items():
        plane = volume_plane(affine_lps, axis, index)
        assert plane is not None
        values, turned = radiological(voxels.take(index, axis), plane)
        pictures[stem] = np.clip(values, 0, 255).astype(np.uint8)
        (folder / stem).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pictures[stem]).save(folder / f"{stem}.png")
        spacing = float(np.linalg.norm(affine_lps[:3, axis]))
        rows.append((f"{stem}.png", turned.row_spacing_mm, turned.col_spacing_mm, *cells(turned, spacing)))
    header = ("image", "row_spacing_mm", "col_spacing_mm", *COLUMNS)
    (folder / "slices.csv").write_bytes(csv_bytes(header, rows))
    return pictures
