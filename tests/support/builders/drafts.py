"""Slices for tests of drafts: phantoms of one level, with their contours or bare, and those of a real MRI."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mriparaspinal.imaging.tracing import trace
from mriparaspinal.io.labelme import labelme_bytes
from mriparaspinal.phantom.model import Effects, PhantomSlice
from mriparaspinal.phantom.slices import make_cohort, make_slice


def phantoms(each: int, segment: str = "L4", size: int = 256, seed: int = 5) -> dict[str, PhantomSlice]:
    """One slice of each of ``each`` patients of both groups, by stem."""
    people = sorted(make_cohort(each, each, seed), key=lambda person: (person.number, person.group))
    return {
        f"{person.participant_id}_{segment[1]}": make_slice(person, segment, seed, size, Effects())
        for person in people
    }


def write(folder: Path, slices: dict[str, PhantomSlice], bare: Iterable[str] = ()) -> Path:
    """Slices as a dataset; those that are named without their contours."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, drawn in slices.items():
        Image.fromarray(drawn.image).save(folder / f"{stem}.png")
        if stem not in set(bare):
            content = labelme_bytes(f"{stem}.png", drawn.image.shape, drawn.contours)
            (folder / f"{stem}.json").write_bytes(content)
    return folder


def write_real(folder: Path, volumes: Path, at: Iterable[int]) -> Path:
    """Slices of the in-phase image of a real MRI, with the contours of its manual map of MF and ES."""
    fat, water, labels = (
        np.asanyarray(nibabel.load(volumes / f"{name}.nii.gz").dataobj)
        for name in ("fat", "water", "muscles_manual")
    )
    names = {1: "ES_R", 2: "MF_R", 3: "MF_L", 4: "ES_L"}
    folder.mkdir(parents=True, exist_ok=True)
    top = float(np.percentile(fat + water, 99.5))
    for number, k in enumerate(at, 1):
        grey = np.clip((fat[:, :, k] + water[:, :, k]).T * (255 / top), 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"HV_{number}_4.png")
        shapes = [c for value, name in names.items() for c in trace((labels[:, :, k] == value).T, name)]
        content = labelme_bytes(f"HV_{number}_4.png", grey.shape, shapes)
        (folder / f"HV_{number}_4.json").write_bytes(content)
    return folder


def pillow_mask(points: object, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The pixels that Pillow fills on the full canvas of (rows, columns)."""
    canvas = Image.new("L", shape[1::-1])
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in np.array(points)], outline=1, fill=1)
    return np.asarray(canvas) > 0


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def dice_of(path: Path, truth: PhantomSlice) -> dict[str, float]:
    """The Dice coefficient of each contour of a LabelMe file with the true one of its label."""
    true = {contour.label: contour.points for contour in truth.contours}
    shapes = json.loads(path.read_text())["shapes"]
    shape = truth.image.shape
    return {
        s["label"]: dice(pillow_mask(s["points"], shape), pillow_mask(true[s["label"]], shape))
        for s in shapes
    }
