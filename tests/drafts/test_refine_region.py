"""One region from a few clicks: against the true outlines of phantoms and of a real MRI."""

from __future__ import annotations

import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.interpolate import splev, splprep
from skimage.draw import polygon2mask
from skimage.measure import find_contours

from mriparaspinal.drafts.refine import default_band, refine_region
from mriparaspinal.drafts.splines import closed_spline, depth_below
from mriparaspinal.phantom import surroundings
from mriparaspinal.phantom.model import Effects, PhantomSlice
from mriparaspinal.phantom.slices import make_cohort, make_slice

Array = NDArray[np.float64]
Region = tuple[str, NDArray[np.uint8], Array]


def pillow_mask(points: Array, shape: tuple[int, int]) -> NDArray[np.bool_]:
    canvas = Image.new("L", shape[::-1])
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in points.tolist()], outline=1, fill=1)
    return np.asarray(canvas) > 0


def centre_mask(points: Array, shape: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray(polygon2mask(shape, points[:, ::-1] - 0.5))


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


def draw() -> list[PhantomSlice]:
    segments = itertools.product(make_cohort(1, 1, seed=11), ("L2", "L4"))
    return [make_slice(person, name, seed=11, size=512, effects=Effects()) for person, name in segments]


@pytest.fixture(scope="module")
def drawn() -> list[PhantomSlice]:
    return draw()


def phantom_regions(
    slices: list[PhantomSlice], change: Callable[[Array], Array] = lambda grey: grey
) -> Iterator[Region]:
    for drawn in slices:
        image = np.clip(np.rint(change(drawn.image.astype(np.float64))), 0, 255).astype(np.uint8)
        for contour in drawn.contours:
            yield contour.label.split("_")[0], image, contour.xy


def noisy(grey: Array) -> Array:
    rng = np.random.default_rng(11)
    return np.asarray(np.hypot(grey + rng.normal(0, 10, grey.shape), rng.normal(0, 10, grey.shape)))


def unevenly_bright(grey: Array) -> Array:
    down, across = np.mgrid[:512, :512] / 511 - 0.5
    return np.asarray(grey * (1 + 0.6 * across) * (1 + 0.3 * down))


def tum_regions(folder: Path) -> Iterator[Region]:
    for path in sorted(folder.glob("HV_1_*.json")):
        image = np.asarray(Image.open(path.with_suffix(".png")))
        for shape in json.loads(path.read_text(encoding="utf-8"))["shapes"]:
            yield shape["label"].split("_")[0], image, np.array(shape["points"], dtype=np.float64)


def tum_volume_regions(folder: Path, volume: str) -> Iterator[Region]:
    """Every third slice of a volume, with the outlines of the map that was drawn by hand."""
    grey, drawn = (
        np.asarray(nib.load(folder / f"{name}.nii.gz").dataobj, dtype=np.float64).T
        for name in (volume, "muscles_manual")
    )
    for image, labels in zip(grey[::3], drawn[::3], strict=True):
        shown = np.clip(image / np.percentile(image, 99.5) * 255, 0, 255).astype(np.uint8)
        for number, name in ((1, "ES"), (2, "MF"), (3, "MF"), (4, "ES")):
            smooth = ndimage.gaussian_filter((labels == number).astype(np.float64), 0.7)
            outline = max(find_contours(smooth, 0.5), key=len)[:-1, ::-1] + 0.5
            yield name, shown, outline


def scores(regions: Iterable[Region], seeds: Sequence[int] = (5,)) -> dict[str, Array]:
    """By region: Dice of the refined line and the plain spline, area error; Dice of both by pixel centres."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for name, image, outline in regions:
        truth, centres = (mask(outline, image.shape) for mask in (pillow_mask, centre_mask))
        for rng in rngs:
            points = clicks(outline, rng)
            lines = refine_region(image, points), closed_spline(points)
            refined, plain = (pillow_mask(line, image.shape) for line in lines)
            error = abs(refined.sum() / truth.sum() - 1)
            by_centre = (dice(centre_mask(line, image.shape), centres) for line in lines)
            found[name].append((dice(refined, truth), dice(plain, truth), error, *by_centre))
    return {name: np.array(rows) for name, rows in found.items()}


def gains(found: dict[str, Array], by_centre: bool = False) -> dict[str, float]:
    """By region: how much higher the mean Dice is than that of the plain spline."""
    at = 3 if by_centre else 0
    return {name: float((rows[:, at] - rows[:, at + 1]).mean()) for name, rows in found.items()}


@pytest.mark.parametrize("change", [
    lambda grey: grey,
    lambda grey: ndimage.gaussian_filter(grey, 2),
    noisy,
    unevenly_bright,
], ids=["as it is", "blurred", "noisy", "unevenly bright"])  # fmt: skip
def test_eight_clicks_on_phantoms_are_enough(
    drawn: list[PhantomSlice], change: Callable[[Array], Array]
) -> None:
    found = scores(phantom_regions(drawn, change))
    assert set(found) == {"MF", "ES", "PM", "IVD"}
    for name, rows in found.items():
        assert rows[:, 0].mean() >= 0.94, name
        assert np.median(rows[:, 2]) <= 0.05, name
    gained = gains(found)
    assert min(gained.values()) >= -0.0005, gained
    assert gained["IVD"] >= 0.008, gained
    assert gained["PM"] >= 0.002, gained


def test_muscles_without_a_dark_fascia_gain_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "RIM_MM", 0.01)
    gained = gains(scores(phantom_regions(draw())))
    assert min(gained.values()) >= 0, gained


def test_eight_clicks_on_a_real_slice_are_enough(shared: Path) -> None:
    found = scores(tum_regions(shared / "real" / "TUM01"), seeds=range(5, 10))
    for name, rows in found.items():
        assert rows[:, 0].mean() >= 0.90, name
    # By Pillow's rule at 1 mm a polygon has up to 2 % less area than a spline with a point in every pixel; by
    # the pixels' centres it has not. Of the mean over so many clicks the standard error is 0.0007.
    assert min(gains(found).values()) >= -0.002, gains(found)
    by_centre = gains(found, by_centre=True)
    assert min(by_centre.values()) >= -0.001, by_centre
    assert np.mean(list(by_centre.values())) >= 0, by_centre


@pytest.mark.parametrize("volume", ["water", "fat"])
def test_no_muscle_of_a_real_volume_loses(shared: Path, volume: str) -> None:
    found = scores(tum_volume_regions(shared / "real" / "TUM01" / "volumes", volume))
    by_centre = gains(found, by_centre=True)
    # The multifidus shows hardly an edge there: the spline all but stands, with a standard error of 0.001.
    assert min(gains(found).values()) >= -0.002, gains(found)
    assert min(by_centre.values()) >= -0.002, by_centre
    assert by_centre["ES"] >= 0.001, by_centre


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


def test_a_dark_fascia_around_the_muscle_does_not_draw_the_line_out() -> None:
    image = disc_image(34)
    y, x = np.mgrid[:128, :128] + 0.5
    image[np.hypot(x - 64, y - 64) < 30] = 60  # the muscle: 60, its fascia: 40, the fat: 200
    turn = np.arange(8) * np.pi / 4
    on_the_muscle = 64 + 30 * np.column_stack((np.cos(turn), np.sin(turn)))
    refined = refine_region(image, on_the_muscle, 6.0)
    assert abs(np.hypot(*(refined - 64).T).mean() - 30) < 0.3


def test_clicks_off_to_either_side_are_drawn_to_the_edge() -> None:
    turn = np.arange(8) * np.pi / 4
    radii = 30 + 1.5 * np.array([1, -1, 1, 1, -1, -1, 1, -1])
    points = 64 + radii[:, None] * np.column_stack((np.cos(turn), np.sin(turn)))
    off = [np.abs(np.hypot(*(line - 64).T) - 30).mean()
           for line in (refine_region(disc_image(30), points), closed_spline(points))]  # fmt: skip
    assert off[0] < 0.35 * off[1]


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


def test_a_muscle_at_512_takes_less_than_a_third_of_a_second(drawn: list[PhantomSlice]) -> None:
    name, image, outline = next(phantom_regions(drawn))
    points = clicks(outline, np.random.default_rng(1))
    refine_region(image, points)
    began = time.process_time()
    refine_region(image, points)
    assert time.process_time() - began < 0.3, name


def test_the_default_band_grows_with_the_region() -> None:
    square = np.array([(0, 0), (10, 0), (10, 10), (0, 10)], dtype=np.float64)
    assert default_band(square) == pytest.approx(3.5)
    spline_area = area(closed_spline(square * 10))
    assert default_band(square * 10) == pytest.approx(1.5 + 0.08 * np.sqrt(spline_area))
