"""What must not change a number, for any contours: shifts, order, mirroring, pixel size, CSV and back."""

from __future__ import annotations

import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriparaspinal.analysis.frames import read_measurements
from mriparaspinal.core.labels import Region, parse_label
from mriparaspinal.core.model import Contour, Settings
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.imaging.rasterise import contour_area, rasterise
from mriparaspinal.io.tables import csv_bytes, parse_table
from mriparaspinal.measure.dataset import measure_dataset
from mriparaspinal.measure.result_files import measurements_of, result_files
from tests.support.builders.slices import grey_image, polygon, write_slice
from tests.support.strategies import dressed, labels, slice_names, tables

ROWS, COLUMNS = 90, 110
CANVAS = (ROWS, COLUMNS)
RULES = st.sampled_from(["labelme", "centre"])
#: Parts of a pixel that floating point adds and takes away exactly.
PARTS = 1024


@st.composite
def outlines(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Corners within the first 60 × 60 px, in parts of a pixel; the outline may cross itself."""
    side = st.integers(0, 60 * PARTS).map(lambda n: n / PARTS)
    return draw(st.lists(st.tuples(side, side), min_size=3, max_size=10))


@st.composite
def stars(draw: st.DrawFn) -> list[tuple[float, float]]:
    """Outlines around a point of the same 60 × 60 px, which never cross or touch themselves."""
    radii = draw(st.lists(st.integers(2 * PARTS, 28 * PARTS), min_size=3, max_size=12))
    turns = [2 * math.pi * i / len(radii) for i in range(len(radii))]
    around = zip(radii, turns, strict=True)
    return [(30 + round(r * math.cos(t)) / PARTS, 30 + round(r * math.sin(t)) / PARTS) for r, t in around]


def pixels(points: list, rule: str, shape: tuple[int, int] = CANVAS) -> np.ndarray:
    patch = rasterise(Contour("x", "polygon", tuple(points)), shape, rule)
    return np.zeros(shape, dtype=bool) if patch is None else patch.full(shape)


@settings(deadline=None)
@given(outlines(), RULES, st.integers(0, 25))
def test_a_shift_by_whole_rows_keeps_every_pixel(points, rule, down):
    there = pixels([(x, y + down) for x, y in points], rule)
    assert np.array_equal(there, np.roll(pixels(points, rule), down, axis=0))


@settings(deadline=None)
@given(outlines(), st.integers(0, 45))
def test_a_shift_by_whole_columns_keeps_every_pixel_by_centres(points, right):
    # But for centres that lie on an edge but for rounding: there the rounding may go either way.
    here = pixels(points, "centre")
    there = pixels([(x + right, y) for x, y in points], "centre")
    assert np.count_nonzero(there ^ np.roll(here, right, axis=1)) <= _near(points)


def _near(points: list) -> int:
    """How many pixel centres lie on an edge, but for rounding."""
    near = 0
    for (xa, ya), (xb, yb) in zip(points, [*points[1:], points[0]], strict=True):
        for row in range(ROWS):
            if ya != yb and min(ya, yb) <= row + 0.5 <= max(ya, yb):
                crossing = xa + (row + 0.5 - ya) * (xb - xa) / (yb - ya)
                near += abs(crossing - 0.5 - round(crossing - 0.5)) < 1e-9
    return near


@settings(deadline=None)
@given(outlines(), st.integers(0, 45))
def test_a_shift_by_whole_columns_changes_at_most_pixels_at_the_edge_by_pillow(points, right):
    """Pillow follows edges in single precision: see docs/measurement.md, and test_rasterise.py for a case."""
    here = pixels(points, "labelme")
    there = pixels([(x + right, y) for x, y in points], "labelme")
    odd = there ^ np.roll(here, right, axis=1)
    # At most the two ends of each edge in a row may go either way.
    assert odd.sum(axis=1).max() <= 2 * len(points)


@settings(deadline=None)
@given(outlines(), stars(), RULES, st.integers(0, 9), st.booleans())
def test_neither_the_first_vertex_nor_the_direction_matters(anyhow, star, rule, turn, backwards):
    # By Pillow's rule: of outlines that do not run back along themselves.
    points = star if rule == "labelme" else anyhow
    turned = points[turn % len(points) :] + points[: turn % len(points)]
    turned = turned[::-1] if backwards else turned
    assert np.array_equal(pixels(turned, rule), pixels(points, rule))
    one, other = (contour_area(Contour("x", "polygon", tuple(p))) for p in (points, turned))
    assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)


@settings(deadline=None)
@given(outlines())
def test_mirroring_mirrors_the_pixels_by_centres(points):
    """Not so by Pillow's rule: it cuts coordinates off to whole pixels, and so moves them to the left."""
    mirrored = pixels([(COLUMNS - x, y) for x, y in points], "centre")
    assert np.count_nonzero(mirrored[:, ::-1] ^ pixels(points, "centre")) <= 2 * _near(points)


whole = st.integers(0, 60).map(float)


@settings(deadline=None)
@given(whole, whole, st.integers(1, 40), st.integers(1, 25))
def test_mirroring_mirrors_upright_boxes_of_whole_pixels_by_either_rule(left, top, width, height):
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    drawn = pixels([(COLUMNS - 1 - x, y) for x, y in corners], "labelme")
    assert np.array_equal(drawn[:, ::-1], pixels(corners, "labelme"))
    centres = pixels([(COLUMNS - x, y) for x, y in corners], "centre")
    assert np.array_equal(centres[:, ::-1], pixels(corners, "centre"))


# Whole slices


def slice_of(scale: float = 1.0) -> list[dict]:
    """An uneven slice of 100 × 100 px, all coordinates times ``scale``."""
    told = {
        "PM_R": [(5, 20), (24, 22), (20, 39), (6, 38)],
        "PM_L": [(75, 20), (94, 23), (90, 39), (77, 36)],
        "ES_R": [(10, 60), (29, 60), (25, 75), (29, 89), (11, 88)],
        "ES_L": [(70, 61), (89, 60), (89, 89), (71, 86)],
        "MF_R": [(35, 65), (44, 66), (44, 84), (36, 84)],
        "MF_L": [(55, 65), (64, 65), (64, 84), (57, 82)],
        "IVD": [(35, 20), (64, 21), (63, 49), (36, 48)],
    }
    return [polygon(k, [(x * scale, y * scale) for x, y in points]) for k, points in told.items()]


def rows_of(folder, how: Settings) -> dict:
    measured = measure_dataset(open_dataset(folder, how), how)
    return {(row.muscle, row.side): row for row in measurements_of(measured, how)}


@pytest.mark.parametrize("rule", ["labelme", "centre"])
def test_the_spacing_of_pixels_scales_areas_and_nothing_else(tmp_path, rule):
    how = Settings(mask_rule=rule)
    write_slice(tmp_path, "ALS_1_3", grey_image(seed=8), slice_of())
    plain = rows_of(tmp_path, how)
    for row_mm, col_mm in ((0.39, 0.39), (1.25, 0.4), (3, 7)):
        (tmp_path / "slices.csv").write_text(
            f"image,row_spacing_mm,col_spacing_mm\nALS_1_3.png,{row_mm},{col_mm}\n"
        )
        for key, row in rows_of(tmp_path, how).items():
            assert row.csa_mm2 == pytest.approx(row.csa_px * row_mm * col_mm, rel=1e-12)
            for name in ("csa_px", "rcsa", "fi", "lean_rcsa", "mean_intensity", "contour_area_px"):
                assert getattr(row, name) == getattr(plain[key], name)


@pytest.mark.parametrize("times", [2, 3])
def test_finer_pixels_change_neither_rcsa_nor_fi_by_centres(tmp_path, times):
    """Each pixel cut into times × times of the same grey: the same picture, with smaller pixels."""
    how = Settings(mask_rule="centre")
    image = grey_image(seed=8)
    boxed = [s | {"points": _box_around(s["points"])} for s in slice_of()]
    write_slice(tmp_path / "a", "ALS_1_3", image, boxed)
    finer = [s | {"points": [[x * times, y * times] for x, y in s["points"]]} for s in boxed]
    write_slice(tmp_path / "b", "ALS_1_3", image.repeat(times, axis=0).repeat(times, axis=1), finer)
    coarse, fine = rows_of(tmp_path / "a", how), rows_of(tmp_path / "b", how)
    assert coarse.keys() == fine.keys()
    for key, row in coarse.items():
        assert fine[key].csa_px == times**2 * row.csa_px
        assert (fine[key].rcsa, fine[key].fi, fine[key].mean_intensity) == (
            row.rcsa,
            row.fi,
            row.mean_intensity,
        )


def _box_around(points: list) -> list[list[float]]:
    columns, rows = zip(*points, strict=True)
    left, right, top, bottom = min(columns), max(columns), min(rows), max(rows)
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


@settings(max_examples=40, deadline=None)
@given(st.permutations(slice_of()), RULES)
def test_the_order_of_shapes_changes_no_region(shapes, rule):
    def regions(several: list[dict]) -> dict:
        contours = [Contour(s["label"], "polygon", tuple(map(tuple, s["points"]))) for s in several]
        found = sort_contours(contours, (100, 100), Settings(mask_rule=rule), {}, "a.json")
        assert not found.problems
        return {key: patch.full((100, 100)).tobytes() for key, patch in found.patches.items()}

    assert regions(shapes) == regions(slice_of())


def test_tables_of_results_come_back_as_they_were(tmp_path):
    how = Settings()
    write_slice(tmp_path / "data", "ALS_1_3", grey_image(seed=8), slice_of())
    (tmp_path / "data" / "slices.csv").write_text(
        "image,row_spacing_mm,col_spacing_mm\nALS_1_3.png,0.390625,0.1\n"
    )
    measured = measure_dataset(open_dataset(tmp_path / "data", how), how)
    (tmp_path / "L3.csv").write_bytes(result_files(measured, how)["L3.csv"])
    back = read_measurements({"L3.csv": (tmp_path / "L3.csv").read_bytes()}, ["L3.csv"])
    rows = measurements_of(measured, how)
    assert len(back) == len(rows) == 9
    for row, (_, told) in zip(rows, back.iterrows(), strict=True):
        for name in ("participant_id", "muscle", "side", "image", "reference"):
            assert told[name] == getattr(row, name)
        for name in ("csa_px", "csa_mm2", "contour_area_px", "fi", "rcsa", "mean_intensity"):
            assert float(told[name]).hex() == float(getattr(row, name)).hex()


# Texts


@given(tables(), st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_table_is_read_alike_in_every_dress(table, separator, line_end, mark):
    columns, rows = table
    read = parse_table(dressed(columns, rows, separator, line_end, b"\xef\xbb\xbf" if mark else b""), "t.csv")
    assert read.columns == tuple(unicodedata.normalize("NFC", name) for name in columns)
    # Letters that have two codes (CJK compatibility ideographs) come back in the one of NFC.
    composed = [[unicodedata.normalize("NFC", cell) for cell in row] for row in rows]
    decimal = [[_point(cell) if separator != "," else cell for cell in row] for row in composed]
    assert [list(row) for row in read.rows] == decimal


def _point(cell: str) -> str:
    whole, comma, part = cell.lstrip("+-").partition(",")
    number = comma and whole.isdecimal() and part.isdecimal() and len(cell) - len(cell.lstrip("+-")) < 2
    return cell.replace(",", ".") if number else cell


@given(tables())
def test_what_is_written_is_read_again(table):
    columns, rows = table
    again = parse_table(csv_bytes(columns, rows), "t.csv")
    composed = [tuple(unicodedata.normalize("NFC", cell) for cell in row) for row in (columns, *rows)]
    assert [again.columns, *again.rows] == composed


@given(labels())
def test_a_label_is_what_it_says_in_any_spelling(told):
    written, region, side = told
    assert parse_label(written) == Region(region, side)
    assert parse_label(str(parse_label(written))) == Region(region, side)


@given(slice_names())
def test_a_name_is_whom_it_names(told):
    stem, participant, group, segment = told
    assert name_parser(Settings())(stem) == (participant, group, segment, "", "")
