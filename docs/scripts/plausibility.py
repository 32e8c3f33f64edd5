"""How often the checks of docs/plausibility.md speak up: on real slices, on phantoms, and where they should.

Run: ``python docs/scripts/plausibility.py REAL`` with the folder of real data beside the project (some
minutes). It prints a table, of which the page has the sums.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.label_maps import contours_of
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.dataset.plausibility import fits_mirrored, mirror_fit, unusual_areas, without_signal
from mriparaspinal.dataset.read import read_slice
from mriparaspinal.imaging.rasterise import Patch
from mriparaspinal.io.nifti import read_whole
from mriparaspinal.phantom.model import Effects
from mriparaspinal.phantom.slices import make_cohort, make_slices
from mriparaspinal.phantom.write import write_cohort

CODES = (
    "front-contradicts-back",
    "transposed-coordinates",
    "crosses-midline",
    "off-centre",
    "smaller-than-pixel",
    "unusual-area",
    "no-signal",
    "fits-mirrored",
)
Key = tuple[str, str]
Case = tuple[str, NDArray[np.uint8], dict[Key, Patch], list[str]]
"""Whose slice, its grey levels, its regions, and the codes that its contours gave."""
TUM01 = {1: "ES_R", 2: "MF_R", 3: "MF_L", 4: "ES_L"}
TOTALSEG = {46: "ES_L", 47: "ES_R", 48: "PM_L", 49: "PM_R", 20: "IVD"}
PHANTOMS = [(seed, size) for size in (128, 256) for seed in range(1, 6)]


def mapped(grey: NDArray[Any], labels: NDArray[Any], numbering: dict[int, str], who: str) -> Iterator[Case]:
    """The slices of volumes, (i, j, k) with the patient's left and back at the ends of i and j."""
    bright = np.clip(grey / np.percentile(grey, 99.5) * 255, 0, 255).astype(np.uint8)
    for k in range(grey.shape[2]):
        contours, _, _ = contours_of(labels[:, :, k].T.astype(np.int64), numbering)
        image = bright[:, :, k].T
        anatomy = sort_contours(contours, (image.shape[0], image.shape[1]), Settings(), {}, who)
        if len(anatomy.seen) > 1:
            yield who, image, anatomy.patches, [p.code for p in anatomy.problems]


def real(folder: Path) -> Iterator[tuple[str, Iterator[Case]]]:
    """The real slices, by source."""
    volumes = folder / "TUM01" / "volumes"
    fat, water, muscles = (read_whole(volumes / f"{n}.nii.gz")[0] for n in ("fat", "water", "muscles_manual"))
    yield "TUM01, contours by hand", studied(folder / "TUM01")
    yield "TUM01, label maps by hand", mapped(fat + water, muscles, TUM01, "TUM01")
    grey, affine, _ = read_whole(folder / "totalseg_mr" / "ts_mr_sm.nii.gz")
    labels, *_ = read_whole(folder / "totalseg_mr" / "ts_seg_mr.nii.gz")
    if affine is not None:  # LPS+: as displayed
        flips = tuple(slice(None, None, -1 if affine[axis, axis] < 0 else 1) for axis in (0, 1))
        grey, labels = grey[flips], labels[flips]
    yield "TotalSegmentator, label maps by a model", mapped(grey, labels, TOTALSEG, "TS")


def studied(folder: Path) -> Iterator[Case]:
    """The slices of a dataset folder."""
    for slice_ in open_dataset(folder, Settings()).dataset.slices:
        found = read_slice(folder, slice_, Settings())
        if found.image is not None and found.anatomy is not None:
            codes = [p.code for p in found.problems]
            yield slice_.participant_id, np.asarray(found.image), found.anatomy.patches, codes


def count(cases: Iterator[Case]) -> tuple[int, int, Counter[str], int, int]:
    """Slices, regions, alarms by code, mirrored slices that were found, and mirrored participants."""
    slices = regions = found = 0
    alarms: Counter[str] = Counter()
    pooled: dict[str, NDArray[np.float64]] = {}
    for who, grey, patches, codes in cases:
        slices, regions = slices + 1, regions + len(patches)
        alarms.update(set(codes) & set(CODES))
        areas = {key: int(patch.pixels.sum()) for key, patch in patches.items()}
        alarms["unusual-area"] += bool(unusual_areas(areas, grey.size))
        alarms["no-signal"] += bool(without_signal(grey, patches))
        fit, turned = mirror_fit(grey, patches), mirror_fit(grey[:, ::-1], patches)
        alarms["fits-mirrored"] += fits_mirrored(*fit)
        found += fits_mirrored(*turned)
        pooled[who] = pooled.get(who, np.zeros(2)) + turned
    return slices, regions, alarms, found, sum(fits_mirrored(*sums) for sums in pooled.values())


def row(name: str, cases: Iterator[Case]) -> str:
    """One row of the page's table."""
    slices, regions, alarms, found, _ = count(cases)
    told = ", ".join(f"{n} {code}" for code, n in sorted(alarms.items()) if n) or "none"
    return f"| {name} | {slices} | {regions} | {told} | {found} of {slices} |"


def phantoms(seed: int, size: int) -> Iterator[Case]:
    """The slices of one phantom cohort of ten participants."""
    with tempfile.TemporaryDirectory() as folder:
        people = make_cohort(5, 5, seed)
        write_cohort(Path(folder), people, make_slices(people, seed, size, Effects()))
        yield from studied(Path(folder))


def main() -> None:
    """Print the table."""
    print("| slices | n | regions | false alarms | mirrored image found |\n| --- | --- | --- | --- | --- |")
    if len(sys.argv) > 1:
        for name, cases in real(Path(sys.argv[1])):
            print(row(name, cases))
    for size in sorted({size for _, size in PHANTOMS}):
        seeds = [seed for seed, one in PHANTOMS if one == size]
        cases = (case for seed in seeds for case in phantoms(seed, size))
        print(row(f"phantom, {size} px, seeds {', '.join(map(str, seeds))}", cases))


if __name__ == "__main__":
    main()
