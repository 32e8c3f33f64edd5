"""One region from a few clicks: against the true outlines of phantoms and of a real MRI."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.interpolate import splev, splprep

from mriparaspinal.drafts.refine import default_band, refine_region
from mriparaspinal.drafts.splines import closed_spline, depth_below
from mriparaspinal.phantom.model import Effects
from mriparaspinal.phantom.slices import make_cohort, make_slice

Array = NDArray[np.float64]
Region = tuple[str, NDArray[np.uint8], Array]


def pillow_mask(points: Array, shape: tuple[int, int]) -> NDArray[np.bool_]:
    canvas = Image.new("L", shape[::-1])
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in points.tolist()], outline=1, fill=1)
    return np.asarray(canvas) > 0


def dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def area(points: Array) -> float:
    x, y = points.T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def clicks(outline: Array, rng: np.random.Generator, count: int = 8) -> Array:
    """Points on an outline at equal distances, each off by 2.8 % of the square root of the area."""
    closed = np.concatenate((outline, outline[:1]))
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))))
    at = (np.arange(count) + rng.random()) / count * along[-1] % along[-1]
    on = np.column_stack([np.interp(at, along, closed[:, axis]) for axis in (0, 1)])
    return on + rng.normal(0, 0.028 * np.sqrt(area(outline)), on.shape)


def phantom_regions() -> Iterator[Region]:
    for person in make_cohort(1, 1, seed=11):
        for segment in ("L2", "L4"):
            drawn = make_slice(person, segment, seed=11, size=512, effects=Effects())
            for contour in drawn.contours:
                yield contour.label.split("_")[0], drawn.image, contour.xy


def tum_regions(folder: Path) -> Iterator[Region]:
    for path in sorted(folder.glob("HV_1_*.json")):
        image = np.asarray(Image.open(path.with_suffix(".png")))
        for shape in json.loads(path.read_text(encoding="utf-8"))["shapes"]:
            yield shape["label"].split("_")[0], image, np.array(shape["points"], dtype=np.float64)


def scores(regions: Iterator[Region]) -> dict[str, Array]:
    """By region: Dice of the refined line, Dice of the plain spline, error of the refined area."""
    rng = np.random.default_rng(5)
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for name, image, outline in regions:
        truth = pillow_mask(outline, image.shape)
        points = clicks(outline, rng)
        refined, plain = (
            pillow_mask(p, image.shape) for p in (refine_region(image, points), closed_spline(points))
        )
        error = abs(refined.sum() / truth.sum() - 1)
        found[name].append((dice(refined, truth), dice(plain, truth), error))
    return {name: np.array(rows) for name, rows in found.items()}


def test_eight_clicks_on_phantoms_are_enough() -> None:
    found = scores(phantom_regions())
    assert set(found) == {"MF", "ES", "PM", "IVD"}
    for name, rows in found.items():
        assert rows[:, 0].mean() >= 0.92, name
        assert np.median(rows[:, 2]) <= 0.07, name
        assert rows[:, 0].mean() >= rows[:, 1].mean() - 0.002, name
    together = np.concatenate(list(found.values()))
    assert together[:, 0].mean() >= together[:, 1].mean()


def test_eight_clicks_on_a_real_slice_are_enough(shared: Path) -> None:
    found = scores(region for _ in range(3) for region in tum_regions(shared / "real" / "TUM01"))
    for name, rows in found.items():
        assert rows[:, 0].mean() >= 0.90, name
        assert rows[:, 0].mean() >= rows[:, 1].mean() - 0.003, name


def test_the_spline_is_scipys_periodic_one() -> None:
    points = np.array([(50, 10), (80, 25), (88, 60), (60, 90), (25, 80), (12, 40)], dtype=np.float64)
    closed = np.concatenate((points, points[:1]))
    at = np.concatenate(([0], np.cumsum(np.sqrt(np.hypot(*np.diff(closed, axis=0).T)))))
    knots, _ = splprep(closed.T, u=at, s=0, per=True)
    line = closed_spline(points)
    expected = np.column_stack(splev(np.linspace(0, at[-1], len(line), endpoint=False), knots))
    assert np.allclose(line, expected, atol=1e-6)


def test_depths_are_those_of_a_circle() -> None:
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    line = np.column_stack((32 + 20 * np.cos(turn), 30 + 20 * np.sin(turn)))
    y, x = np.mgrid[:60, :64] + 0.5
    assert np.abs(depth_below(line, (60, 64)) - (20 - np.hypot(x - 32, y - 30))).max() < 0.6


def disc_image(radius: float, side: int = 128) -> NDArray[np.uint8]:
    y, x = np.mgrid[:side, :side] + 0.5
    return np.where(np.hypot(x - side / 2, y - side / 2) < radius, 40, 200).astype(np.uint8)


@pytest.mark.parametrize("band", [3.0, 6.0, 9.0])
def test_no_point_leaves_the_band(band: float) -> None:
    turn = np.arange(8) * np.pi / 4
    points = 64 + 30 * np.column_stack((np.cos(turn), np.sin(turn)))
    for radius in (20, 27, 33, 40):  # the edge may lie well outside the band
        refined = refine_region(disc_image(radius), points, band)
        assert np.abs(np.hypot(*(refined - 64).T) - 30).max() <= band


def test_an_edge_within_the_band_draws_the_line() -> None:
    turn = np.arange(10) * np.pi / 5
    points = 64 + 30 * np.column_stack((np.cos(turn), np.sin(turn)))
    refined = refine_region(disc_image(32), points, 6.0)
    assert abs(np.hypot(*(refined - 64).T).mean() - 32) < abs(30 - 32)


def test_without_an_edge_the_line_of_the_person_stands() -> None:
    points = np.array([(40, 30), (90, 35), (95, 80), (60, 100), (30, 70)], dtype=np.float64)
    refined = refine_region(np.full((128, 128), 77, np.uint8), points)
    shape = (128, 128)
    assert dice(pillow_mask(refined, shape), pillow_mask(closed_spline(points), shape)) > 0.99


@pytest.mark.parametrize("points", [
    [(-20, -20), (30, -15), (35, 40), (-10, 30)],  # partly outside the image
    [(300, 300), (330, 300), (330, 330), (300, 330)],  # wholly outside
    [(60, 60), (62, 60), (62, 62), (60, 62)],  # smaller than any band
    [(10, 10), (100, 100), (100, 10), (10, 100)],  # crosses itself
    [(10, 10), (10, 10), (50, 50), (10, 50)],  # clicked twice
    [(10, 10), (50, 50), (90, 90)],  # a line
])  # fmt: skip
def test_odd_clicks_give_a_line_all_the_same(points: list[tuple[float, float]]) -> None:
    refined = refine_region(disc_image(30), np.array(points, dtype=np.float64))
    assert refined.ndim == 2
    assert refined.shape[1] == 2
    assert len(refined) >= 3
    assert np.isfinite(refined).all()


def test_a_muscle_at_512_takes_less_than_half_a_second() -> None:
    name, image, outline = next(phantom_regions())
    points = clicks(outline, np.random.default_rng(1))
    refine_region(image, points)
    began = time.process_time()
    refine_region(image, points)
    assert time.process_time() - began < 0.5, name


def test_the_default_band_grows_with_the_region() -> None:
    square = np.array([(0, 0), (10, 0), (10, 10), (0, 10)], dtype=np.float64)
    assert default_band(square) == pytest.approx(3.5)
    spline_area = area(closed_spline(square * 10))
    assert default_band(square * 10) == pytest.approx(1.5 + 0.08 * np.sqrt(spline_area))
