"""Helpers for the tests of brain maps: small NIfTI images, tables, and a tree of participants."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np

from tests.support.builders.study import Outcome, run

#: 2 mm voxels, RAS+.
AFFINE = np.array([[2.0, 0, 0, -80], [0, 2, 0, -120], [0, 0, 2, -60], [0, 0, 0, 1]])
SHAPE = (6, 5, 4)
NAMES = {1: "CST", 2: "CC"}


def nifti(path: Path, values: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def table(path: Path, rows: list[tuple[object, ...]], header: str = "value,label") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n", encoding="utf-8")
    return path


def labels(seed: int = 0, shape: tuple[int, ...] = SHAPE, highest: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, highest + 1, shape).astype(np.int16)


def fractions(seed: int = 0, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Numbers of 0–1 that are the same as float32."""
    return np.random.default_rng(seed).random(shape).astype(np.float32)


class Desk:
    """One participant's files in a folder, and the command that measures them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.labels, self.fa = labels(1), fractions(2)
        self.atlas = nifti(folder / "atlas.nii.gz", self.labels)
        self.map = nifti(folder / "FA.nii.gz", self.fa)
        self.names = table(folder / "labels.csv", list(NAMES.items()))
        self.out = folder / "out" / "regions.csv"

    def measure(self, *more: object, **replaced: object) -> Outcome:
        named = {
            "map": f"fa={self.map}",
            "atlas": self.atlas,
            "table": self.names,
            "out": self.out,
            **replaced,
        }
        words = [
            word for option, value in named.items() if value is not None for word in (f"--{option}", value)
        ]
        return run("regions", *words, *more)
