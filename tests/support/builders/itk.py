"""Volumes written and read by SimpleITK, the reference for NRRD and MetaImage."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its wrappers, on newer Pythons
    import SimpleITK


def save_itk(
    path: Path, voxels: np.ndarray, affine_lps: np.ndarray, packed: bool = False, **fields: str
) -> Path:
    """Write a volume, (i, j, k) or (layers, i, j, k); ``fields``: keys of its header."""
    layers = voxels.ndim == 4
    order = (3, 2, 1, 0) if layers else (2, 1, 0)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(voxels.transpose(order)), isVector=layers)
    spacing = np.linalg.norm(affine_lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((affine_lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(affine_lps[:3, 3].tolist())
    for name, value in fields.items():
        image.SetMetaData(name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path), packed)
    return path


def load_itk(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, str]]:
    """The voxels, (i, j, k) or (layers, i, j, k), the affine in LPS+, and the keys of the header."""
    image = SimpleITK.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return (
        SimpleITK.GetArrayFromImage(image).T,
        affine,
        {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()},
    )
