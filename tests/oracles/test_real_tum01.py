"""A real lumbar MRI: every number of the tables against a plain script of Pillow and NumPy."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.measure.dataset import measure_dataset
from mriparaspinal.measure.duplicates import duplicate_problems
from mriparaspinal.measure.result_files import measurements_of

SIDES = {"L": "left", "R": "right"}


@pytest.fixture(scope="module")
def folder(shared):
    return shared / "real" / "TUM01"


@pytest.fixture(scope="module")
def measured(folder):
    return measure_dataset(open_dataset(folder, Settings()), Settings())


@pytest.fixture(scope="module")
def plainly_counted(folder):
    """{(segment, region, side): (csa, fat, sum of grey, area)} from the files, without the package."""
    counts = {}
    for path in sorted(folder.glob("HV_1_*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        image = np.asarray(Image.open(path.with_suffix(".png")))
        assert image.dtype == np.uint8
        regions = {}
        for shape in content["shapes"]:
            assert shape["shape_type"] == "polygon"
            canvas = Image.new("L", (image.shape[1], image.shape[0]))
            ImageDraw.Draw(canvas).polygon([tuple(p) for p in shape["points"]], outline=1, fill=1)
            area = 0.0
            points = shape["points"]
            for (xa, ya), (xb, yb) in zip(points, points[1:] + points[:1], strict=True):
                area += (xa * yb - xb * ya) / 2
            mask, total = regions.get(shape["label"], (np.zeros(image.shape, dtype=bool), 0.0))
            regions[shape["label"]] = (mask | (np.asarray(canvas) == 1), total + abs(area))
        for label, (mask, area) in regions.items():
            name, _, side = label.partition("_")
            levels = image[mask].astype(int)
            key = (f"L{path.stem[-1]}", name, SIDES.get(side, ""))
            counts[key] = (int(mask.sum()), int((levels > 50).sum()), int(levels.sum()), area)
    return counts


def test_nothing_is_wrong_with_the_files(measured):
    assert [problem for problem in measured.problems if problem.severity == "error"] == []


def test_no_slice_is_another_under_a_second_name(measured):
    assert not {"same-image", "same-contours"} & {problem.code for problem in measured.problems}
    first, second, *_ = measured.results
    carried_over = dataclasses.replace(second, counts=first.counts, drawing=first.drawing)
    (problem,) = duplicate_problems([first, carried_over])
    assert (problem.file, problem.code) == (first.slice.annotation, "same-contours")


def test_every_count_of_every_region(measured, plainly_counted):
    found = {
        (result.slice.segment, *key): count
        for result in measured.results
        for key, count in result.counts.items()
    }
    assert set(found) == set(plainly_counted)
    for key, (csa, fat, grey, area) in plainly_counted.items():
        assert (found[key].csa_px, found[key].fat_px, found[key].grey_sum) == (csa, fat, grey), key
        assert found[key].contour_area_px == pytest.approx(area, rel=1e-9)


def test_every_row_of_the_tables(measured, plainly_counted):
    rows = measurements_of(measured, Settings())
    assert len(rows) == 36  # four segments, three muscles, left, right and both
    for row in rows:
        assert (row.participant_id, row.group, row.reference) == ("HV_1", "HV", "IVD")
        sides = ("left", "right") if row.side == "both" else (row.side,)
        parts = [plainly_counted[row.segment, row.muscle, side] for side in sides]
        csa, fat, grey, area = (sum(column) for column in zip(*parts, strict=True))
        reference = plainly_counted[row.segment, "IVD", ""][0]
        assert (row.csa_px, row.fat_px, row.lean_px) == (csa, fat, csa - fat)
        assert row.fi == fat / csa
        assert row.mean_intensity == grey / csa
        assert row.contour_area_px == pytest.approx(area, rel=1e-9)
        assert (row.reference_px, row.rcsa) == (reference, csa / reference)
        assert row.lean_rcsa == (csa - fat) / reference
        assert row.image == f"HV_1_{row.segment[1]}.png"
        assert row.csa_mm2 is None
        if row.side == "both":
            left, right = (part[0] for part in parts)
            assert row.asymmetry_pct == pytest.approx(100 * abs(left - right) / ((left + right) / 2))
        else:
            assert row.asymmetry_pct is None


def test_the_two_rules_of_masks_differ_by_the_boundary(measured, folder):
    by_centre = Settings(mask_rule="centre")
    other = measurements_of(measure_dataset(open_dataset(folder, by_centre), by_centre), by_centre)
    for row, centred in zip(measurements_of(measured, Settings()), other, strict=True):
        # The centres' count is the area but for pixels at the edge; Pillow's takes the boundary in.
        assert centred.csa_px == pytest.approx(centred.contour_area_px, rel=0.03)
        assert 0 < row.csa_px - centred.csa_px < 0.2 * row.csa_px
        assert centred.contour_area_px == row.contour_area_px


def test_the_manual_segmentation_is_met(measured, shared):
    """The contours of MF and ES were made of the published label map: areas near its voxel counts."""
    nibabel = pytest.importorskip("nibabel", reason="nibabel is needed to read the label map")
    volume = np.asarray(nibabel.load(shared / "real/TUM01/volumes/muscles_manual.nii.gz").dataobj)
    labels = {("ES", "right"): 1, ("MF", "right"): 2, ("MF", "left"): 3, ("ES", "left"): 4}
    level = {"L5": 2, "L4": 10, "L3": 18, "L2": 27}
    for result in measured.results:
        for key, value in labels.items():
            voxels = int((volume[:, :, level[result.slice.segment]] == value).sum())
            assert result.counts[key].contour_area_px == pytest.approx(voxels, rel=0.1)
