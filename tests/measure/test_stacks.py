"""Several slices per segment: names, rows, volumes, and what is said where a stack is not whole."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from mriparaspinal.core.errors import NoInputError
from mriparaspinal.core.model import (
    COLUMNS,
    DixonSums,
    Measurement,
    Problem,
    RegionCount,
    Settings,
    Slice,
    SliceResult,
)
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.imaging.planes import Plane
from mriparaspinal.imaging.slice_position import COLUMNS as GEOMETRY
from mriparaspinal.imaging.slice_position import SlicePlace
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.measure.dataset import measure_dataset
from mriparaspinal.measure.result_files import measurements_of, result_files
from mriparaspinal.measure.results import read_results, stale_tables
from mriparaspinal.measure.rows import tabulate, tabulate_slices
from mriparaspinal.measure.stacks import slice_spacings, stack_problems, stacks_of
from tests.support.builders.slices import SHAPES, grey_image, own_image, write_dataset, write_slice

# Names


def pair(*stems: str) -> list[str]:
    return [f"{stem}{ending}" for stem in stems for ending in (".json", ".png")]


def found(names: list[str], **options) -> tuple[list[tuple[str, str, str]], dict[str, Problem]]:
    dataset = find_slices(names, (), Settings(**options))
    slices = [(s.participant_id, s.segment, s.letter) for s in dataset.slices]
    return slices, {problem.code: problem for problem in dataset.problems}


def test_letters_follow_the_segment_in_their_order():
    slices, problems = found(pair("ALS_7_3_b", "ALS_7_L3_A", "ALS_7_3_c", "ALS_7_4", "ALS_10_3_z"))
    assert slices == [
        ("ALS_7", "L3", "a"),
        ("ALS_7", "L3", "b"),
        ("ALS_7", "L3", "c"),
        ("ALS_7", "L4", ""),
        ("ALS_10", "L3", "z"),
    ]
    assert not problems


@pytest.mark.parametrize("ending", ["_", "_ab", "_1", "_é", "a", "-a"])
def test_what_is_no_letter_of_a_slice(ending):
    slices, problems = found(pair(f"ALS_7_3{ending}"))
    assert not slices
    assert "ALS_7_3_a" in problems["bad-name"].message


@pytest.mark.parametrize(
    "stems",
    [
        ["ALS_7_3_a", "ALS_7_L3_a"],
        ["ALS_7_3_a", "ALS_7_L3_A", "ALS_7_3_b"],
        ["ALS_7_3", "ALS_7_3_a"],
        ["ALS_7_3", "ALS_7_3_a", "ALS_7_3_b"],
        ["x/ALS_7_3_a", "y/ALS_7_3_a"],
    ],
)
def test_slices_that_letters_do_not_tell_apart_are_an_error_with_all_files(stems):
    slices, problems = found(pair(*stems, "LR_1_3"))
    assert slices == [("LR_1", "L3", "")]
    problem = problems["duplicate-slice"]
    assert all(f"{stem}.png" in problem.message for stem in stems)
    assert "ALS_7_3_a" in problem.remedy
    assert problem.severity == "error"


def test_a_pattern_may_have_a_slice_by_letter_or_number():
    pattern = r"(?P<group>[A-Z]+)(?P<patient>\d+)-L(?P<segment>\d)(?:-(?P<slice>.+))?"
    stems = ["ALS7-L3-10", "ALS7-L3-9", "ALS7-L3-2B", "ALS7-L4"]
    slices, problems = found(pair(*stems), name_pattern=pattern)
    assert [(segment, letter) for _, segment, letter in slices] == [
        ("L3", "2b"), ("L3", "9"), ("L3", "10"), ("L4", "")
    ]  # fmt: skip
    assert not problems
    _, problems = found(pair("ALS7-L3-09", "ALS7-L3-9"), name_pattern=pattern)
    assert set(problems) == {"duplicate-slice"}
    _, problems = found(pair("ALS7-L3-a b"), name_pattern=pattern)
    assert "slice 'a b' was found; expected letters or digits" in problems["bad-name"].message


def test_stacks_do_not_hide_that_folders_may_be_patients():
    """Three slices of a segment are still one segment of a participant."""
    stems = [f"p1/ALS_{n}_{n}_{letter}" for n in (1, 2) for letter in "abc"]
    assert set(found(pair(*stems))[1]) == {"one-segment-each"}
    whole = [f"ALS_{n}_{segment}_{letter}" for n in (1, 2) for segment in (3, 4) for letter in "ab"]
    assert not found(pair(*whole))[1]
    assert not found(pair("p1/ALS_1_3_a", "p1/ALS_2_3_b", "p1/ALS_3_4"), patient_from="folder")[1]


# Rows, by hand


def slice_of(letter: str, who: str = "ALS_1", segment: str = "L3") -> Slice:
    stem = f"{who}_{segment[1]}" + (f"_{letter}" if letter else "")
    return Slice(who, who.split("_")[0], segment, f"{stem}.png", f"{stem}.json", letter)


def result_of(letter: str, counts: dict, threshold: float | None = None, **who: str) -> SliceResult:
    return SliceResult(slice_of(letter, **who), counts, frozenset(counts), True, (), (), threshold)


def place(z: float, spacing: float | None = 4.0, normal: str = "z") -> SlicePlace:
    """An axial slice at a height in mm; pixels of 0.5 × 0.25 mm."""
    down = (0.0, 1.0, 0.0) if normal == "z" else (0.0, math.cos(0.05), math.sin(0.05))
    return SlicePlace(Plane((1.0, 0.0, 0.0), down, (10.0, -20.0, z), 0.5, 0.25), spacing)


A = {
    ("IVD", ""): RegionCount(400, 390.0, 100, 20_000),
    ("MF", "left"): RegionCount(100, 95.5, 25, 6_000),
    ("MF", "right"): RegionCount(60, 55.0, 6, 1_000),
}
B = {
    ("IVD", ""): RegionCount(600, 590.0, 100, 20_000),
    ("MF", "left"): RegionCount(201, 190.0, 10, 4_000),
    ("MF", "right"): RegionCount(100, 95.0, 14, 2_000),
}
SPACED = {"ALS_1_3_a.png": (0.5, 0.25), "ALS_1_3_b.png": (0.5, 0.25)}
PLACED = {"ALS_1_3_a.png": place(100.0), "ALS_1_3_b.png": place(104.0)}


def rows_of(*results: SliceResult, spacings: dict | None = None, places: dict | None = None):
    return tabulate(results, "IVD", Settings(), {"ALS_1": "left"}, spacings or {}, places or {})


def test_the_row_of_a_stack_by_hand():
    left, right, both = rows_of(result_of("a", A), result_of("b", B), spacings=SPACED, places=PLACED)
    assert left == Measurement(
        participant_id="ALS_1",
        group="ALS",
        segment="L3",
        muscle="MF",
        side="left",
        role="symptomatic",
        csa_px=150.5,
        csa_mm2=150.5 * 0.125,
        contour_area_px=142.75,
        fat_px=17.5,
        fi=35 / 301,
        lean_px=133,
        reference="IVD",
        reference_px=500,
        rcsa=301 / 1000,
        lean_rcsa=266 / 1000,
        mean_intensity=10_000 / 301,
        asymmetry_pct=None,
        threshold=50,
        fat_rule="fixed",
        mask_rule="labelme",
        image="ALS_1_3_a.png;ALS_1_3_b.png",
        slices=2,
        volume_ml=301 * 0.125 * 4 / 1000,
    )
    assert [type(left.csa_px), type(left.lean_px), type(left.reference_px)] == [float, int, int]
    assert (right.csa_px, right.fi, right.rcsa) == (80, 20 / 160, 0.16)
    assert (both.csa_px, both.fat_px, both.contour_area_px) == (230.5, 27.5, 217.75)
    assert (both.fi, both.rcsa, both.mean_intensity) == (55 / 461, 0.461, 13_000 / 461)
    assert both.asymmetry_pct == 100 * (301 - 160) / (461 / 2), "of the pooled areas"
    assert both.volume_ml == pytest.approx(left.volume_ml + right.volume_ml, rel=1e-15)


def test_the_formulas_hold_within_the_row():
    for row in rows_of(result_of("a", A), result_of("b", B)):
        assert row.fi == pytest.approx(row.fat_px / row.csa_px, rel=1e-15)
        assert row.rcsa == pytest.approx(row.csa_px / row.reference_px, rel=1e-15)
        assert row.lean_rcsa == pytest.approx(row.lean_px / row.reference_px, rel=1e-15)
        assert row.lean_px == row.csa_px - row.fat_px


def test_single_slices_are_counted_only_beside_stacks():
    alone = result_of("", A, who="LR_1")
    assert {row.slices for row in rows_of(alone)} == {None}
    rows = rows_of(alone, result_of("a", A), result_of("b", B), places=PLACED, spacings=SPACED)
    assert [row.slices for row in rows] == [1, 1, 1, 2, 2, 2]
    assert [row.volume_ml is None for row in rows] == [True] * 3 + [False] * 3


def test_a_region_that_a_slice_lacks_has_no_row_and_is_told():
    without = {key: count for key, count in B.items() if key != ("MF", "right")}
    results = result_of("a", A), result_of("b", without)
    assert [row.side for row in rows_of(*results)] == ["left"]
    (problem,) = stack_problems(results, {}, None)
    assert (problem.file, problem.severity, problem.code) == ("ALS_1_3_b.png", "error", "incomplete-stack")
    assert "ALS_1_3_b.png lacks MF_R;" in problem.message
    assert len(problem.line().split("; ")) == 3


def test_quadratus_lumborum_that_ends_within_a_segment_is_a_warning():
    pair_ql = {("QL", side): RegionCount(30, 30.0, 3, 900) for side in ("left", "right")}
    results = result_of("a", A | pair_ql), result_of("b", B)
    assert {row.muscle for row in rows_of(*results)} == {"MF"}
    (problem,) = stack_problems(results, {}, None)
    assert (problem.severity, problem.code) == ("warning", "incomplete-stack")


def test_a_slice_without_its_reference_leaves_the_ratios_empty():
    without = {key: count for key, count in B.items() if key[0] == "MF"}
    for row in rows_of(result_of("a", A), result_of("b", without)):
        assert (row.reference_px, row.rcsa, row.lean_rcsa) == (None, None, None)
        assert row.fi > 0


def test_thresholds_of_their_own_are_averaged():
    rows = rows_of(result_of("a", A, 60.0), result_of("b", B, 71.0))
    assert {row.threshold for row in rows} == {65.5}
    assert {row.threshold for row in rows_of(result_of("a", A, 60.0), result_of("b", B, 60.0))} == {60.0}
    assert {row.threshold for row in rows_of(result_of("a", A), result_of("b", B))} == {50}


def test_fat_fractions_are_pooled_over_voxels_and_over_sums():
    def with_dixon(counts: dict, *sums: DixonSums | None) -> dict:
        return {key: replace(counts[key], dixon=one) for key, one in zip(counts, sums, strict=True)}

    a = with_dixon(A, None, DixonSums(100, 20.0, 300.0, 1000.0), DixonSums(60, 6.0, 10.0, 500.0))
    b = with_dixon(B, None, DixonSums(200, 10.0, 100.0, 3000.0), DixonSums(0, 0.0, 0.0, 0.0))
    left, right, both = rows_of(result_of("a", a), result_of("b", b))
    assert (left.fat_fraction_mean, left.fat_fraction_pooled) == (0.1, 0.1)
    assert (right.fat_fraction_mean, right.fat_fraction_pooled) == (0.1, 0.02)
    assert (both.fat_fraction_mean, both.fat_fraction_pooled) == (36 / 360, 410 / 4500)
    (left, _, both) = rows_of(result_of("a", a), result_of("b", B))
    assert (left.fat_fraction_mean, both.fat_fraction_pooled) == (None, None)


def test_each_slice_by_itself():
    others = result_of("", A, who="LR_1"), result_of("", A, segment="L4")
    results = result_of("a", A), result_of("b", B), *others
    rows = tabulate_slices(results, "IVD", Settings(), {}, SPACED)
    assert [row.image for row in rows[::3]] == ["ALS_1_3_a.png", "ALS_1_3_b.png", "LR_1_3.png"]
    alone = tabulate([replace(results[1], slice=slice_of("b"))], "IVD", Settings(), {}, SPACED)
    assert rows[3:6] == alone, "each as if it were the only one"


counts = st.builds(
    lambda px, share, area, grey: RegionCount(px, area, int(share * px), int(grey * px)),
    st.integers(1, 250_000),
    st.floats(0, 1),
    st.floats(0, 1e6),
    st.floats(0, 255),
)
stack_counts = st.lists(
    st.fixed_dictionaries(dict.fromkeys(A, counts)), min_size=1, max_size=6
)  # fmt: skip


@examples(max_examples=40, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(A, counts)), st.integers(2, 9))
def test_copies_of_a_slice_have_its_ratios_and_n_times_its_volume(one, n):
    letters = "abcdefghi"[:n]
    names = [slice_of(letter).name for letter in letters]
    spacings = dict.fromkeys(names, (0.7, 0.3))
    places = {name: place(50 - 4.0 * i) for i, name in enumerate(names)}
    single = rows_of(result_of("", one), spacings={"ALS_1_3.png": (0.7, 0.3)})
    several = rows_of(*(result_of(letter, one) for letter in letters), spacings=spacings, places=places)
    for a, b in zip(single, several, strict=True):
        same = "fi", "csa_px", "fat_px", "lean_px", "reference_px", "rcsa", "lean_rcsa", "mean_intensity"
        for column in same:
            assert getattr(a, column) == pytest.approx(getattr(b, column), rel=1e-15)
        assert a.fi == b.fi
        for column in ("csa_mm2", "contour_area_px"):
            assert getattr(a, column) == pytest.approx(getattr(b, column), rel=1e-14)
        assert (a.asymmetry_pct or 0) == pytest.approx(b.asymmetry_pct or 0, rel=1e-14)
        assert b.volume_ml == pytest.approx(n * a.csa_mm2 * 4 / 1000, rel=1e-14)
        assert b.slices == n


@examples(max_examples=40, deadline=None)
@given(stack_counts, st.randoms())
def test_which_letter_a_slice_has_does_not_matter(tables, random):
    letters = list("abcdef"[: len(tables)])
    spots = list(range(len(tables)))

    def rows() -> list[Measurement]:
        names = [slice_of(letter).name for letter in letters]
        places = {name: place(4.0 * spot) for name, spot in zip(names, spots, strict=True)}
        results = [result_of(letter, tables[spot]) for letter, spot in zip(letters, spots, strict=True)]
        spacings = dict.fromkeys(names, (0.7, 0.3))
        return [replace(row, image="") for row in rows_of(*results, spacings=spacings, places=places)]

    before = rows()
    random.shuffle(spots)
    assert rows() == before


# Volumes


def spacings_of(*places: SlicePlace | None) -> tuple[float, ...] | str:
    letters = "abcdefghijklmnopqrstuvwxyz"[: len(places)]
    (stack,) = stacks_of([result_of(letter, A) for letter in letters])
    return slice_spacings(
        stack,
        {slice_of(letter).name: one for letter, one in zip(letters, places, strict=True) if one is not None},
    )


def test_evenly_spaced_neighbours_in_any_order():
    assert spacings_of(place(8), place(0), place(4.1)) == (4.0, 4.0, 4.0)
    flipped = Plane((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (10.0, 100.0, 4.0), 0.5, 0.25)
    assert spacings_of(place(0), SlicePlace(flipped, 4.0)) == (4.0, 4.0)


def test_oblique_slices_are_measured_along_their_normal():
    """Tilted by 30°, the positions of neighbours may move within the plane, too."""
    cos, sin = math.cos(math.pi / 6), math.sin(math.pi / 6)
    normal = np.array([0.0, -sin, cos])

    def tilted(depth: float, shift: float) -> SlicePlace:
        x, y, z = depth * normal + shift * np.array([0.0, cos, sin])
        return SlicePlace(Plane((1.0, 0.0, 0.0), (0.0, cos, sin), (x, y, z), 1.0, 1.0), 5.0)

    assert spacings_of(tilted(0, 0), tilted(5, 30), tilted(10, -7)) == (5.0, 5.0, 5.0)
    assert isinstance(spacings_of(tilted(0, 0), tilted(8, 0)), str)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ((place(0), place(8)), "two slices next to each other are 8 mm apart, at a slice spacing of 4 mm"),
        ((place(0), place(4), place(12)), "8 mm apart"),
        ((place(0), place(4), place(4)), "0 mm apart"),
        ((place(0), place(4.21)), "4.21 mm apart"),
        ((place(0), place(4, 5.0)), "apart"),
        ((place(0), None), "slices.csv does not give position and slice_spacing_mm of ALS_1_3_b.png"),
        ((place(0), place(4, None)), "of ALS_1_3_b.png"),
        ((place(0), place(4, normal="tilted")), "not parallel"),
    ],
)
def test_no_volume_where_slices_do_not_fill_one(places, words):
    reason = spacings_of(*places)
    assert isinstance(reason, str)
    assert words in reason
    names = {slice_of(letter).name: one for letter, one in zip("abc", places, strict=False) if one}
    results = [result_of(letter, A) for letter in "abc"[: len(places)]]
    spacings = {slice_of(letter).name: (0.5, 0.25) for letter in "abc"}
    rows = rows_of(*results, spacings=spacings, places=names)
    assert {row.volume_ml for row in rows} == {None}
    assert None not in {row.csa_mm2 for row in rows}
    (problem,) = stack_problems(results, spacings, names)
    assert (problem.severity, problem.code) == ("warning", "no-volume")
    assert "ALS_1 L3" in problem.remedy


def test_pixels_of_two_sizes_in_a_stack_are_a_warning():
    spacings = SPACED | {"ALS_1_3_b.png": (0.6, 0.25)}
    results = result_of("a", A), result_of("b", B)
    (problem,) = stack_problems(results, spacings, PLACED)
    assert (problem.file, problem.severity, problem.code) == ("ALS_1_3_b.png", "warning", "mixed-spacing")
    left = rows_of(*results, spacings=spacings, places=PLACED)[0]
    assert left.csa_mm2 == pytest.approx((100 * 0.125 + 201 * 0.15) / 2, rel=1e-15)
    assert left.volume_ml == pytest.approx((100 * 0.125 + 201 * 0.15) * 4 / 1000, rel=1e-15)
    assert not stack_problems(results, SPACED | {"ALS_1_3_b.png": (0.50001, 0.25)}, PLACED)
    assert {row.csa_mm2 for row in rows_of(*results, spacings={"ALS_1_3_a.png": (0.5, 0.25)})} == {None}


# A dataset folder


def geometry(folder: Path, heights: dict[str, float], spacing: float = 4.0, pixel: float = 0.5) -> None:
    """``slices.csv`` of axial slices: image → height in mm."""
    lines = [",".join(("image", "row_spacing_mm", "col_spacing_mm", *GEOMETRY))]
    for image, z in heights.items():
        lines.append(f"{image},{pixel},{pixel},{spacing},0,0,{z},1,0,0,0,1,0")
    (folder / "slices.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_stack(folder: Path, who: str = "ALS_1_3", letters: str = "abc") -> Path:
    for number, letter in enumerate(letters):
        image = grey_image(seed=100 + number)
        image[0, :4] = own_image(who)[0, :4]  # the slices of another are other images
        write_slice(folder, f"{who}_{letter}", image)
    return folder


def measured(root: Path, settings: Settings | None = None, jobs: int = 1):
    settings = settings or Settings()
    return measure_dataset(open_dataset(root, settings), settings, jobs)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def codes(root: Path) -> list[tuple[str, str, str]]:
    return [(problem.file, problem.severity, problem.code) for problem in measured(root).problems]


def test_a_stack_against_numpy_on_its_pixels(tmp_path):
    write_stack(tmp_path)
    geometry(tmp_path, {f"ALS_1_3_{letter}.png": 7 + 4 * i for i, letter in enumerate("abc")})
    files = result_files(measured(tmp_path), Settings())
    assert list(files)[:2] == ["L3.csv", "L3_slices.csv"]
    assert files["measurements.csv"] == files["L3.csv"]
    grey = np.stack([np.asarray(Image.open(tmp_path / f"ALS_1_3_{letter}.png")) for letter in "abc"])
    # The corners of the boxes of SHAPES, boundary pixels included (Pillow's rule).
    mf, disc = grey[:, 65:85, 55:65], grey[:, 20:50, 35:65]
    (row,) = (r for r in table(files["L3.csv"]) if (r["muscle"], r["side"]) == ("MF", "left"))
    n = mf[0].size
    assert (row["csa_px"], row["reference_px"]) == (str(n), str(disc[0].size))
    assert float(row["fi"]) == np.count_nonzero(mf > 50) / mf.size
    assert float(row["fat_px"]) == pytest.approx(np.count_nonzero(mf > 50) / 3)
    assert float(row["mean_intensity"]) == pytest.approx(mf.mean())
    assert float(row["rcsa"]) == mf.size / disc.size
    assert float(row["csa_mm2"]) == n * 0.25
    assert float(row["volume_ml"]) == pytest.approx(mf.size * 0.5 * 0.5 * 4 / 1000)
    assert row["slices"] == "3"
    assert row["image"] == "ALS_1_3_a.png;ALS_1_3_b.png;ALS_1_3_c.png"
    each = [r for r in table(files["L3_slices.csv"]) if (r["muscle"], r["side"]) == ("MF", "left")]
    assert [r["image"] for r in each] == [f"ALS_1_3_{letter}.png" for letter in "abc"]
    assert [float(r["fi"]) for r in each] == [np.count_nonzero(one > 50) / one.size for one in mf]
    assert tuple(each[0]) == COLUMNS
    assert codes(tmp_path) == []


def test_the_same_bytes_for_any_number_of_jobs(tmp_path):
    write_stack(write_stack(tmp_path), "LR_1_3", "xyz")
    expected = result_files(measured(tmp_path), Settings())
    assert result_files(measured(tmp_path, jobs=2), Settings()) == expected
    assert json.loads(expected["quantify.json"])["outputs"].keys() == {
        "L3.csv", "L3_slices.csv", "measurements.csv", "problems.csv", "wide.csv"
    }  # fmt: skip


def test_without_places_volumes_stay_empty_without_a_word(tmp_path):
    write_stack(tmp_path)
    files = result_files(measured(tmp_path), Settings())
    assert "volume_ml" not in table(files["L3.csv"])[0]
    assert codes(tmp_path) == []


def test_a_gap_in_one_stack_costs_its_volume_alone(tmp_path):
    write_stack(write_stack(tmp_path), "LR_1_3")
    heights = {f"{who}_3_{letter}.png": 4 * i for who in ("ALS_1", "LR_1") for i, letter in enumerate("abc")}
    geometry(tmp_path, heights | {"LR_1_3_c.png": 12})
    rows = table(result_files(measured(tmp_path), Settings())["L3.csv"])
    assert {row["volume_ml"] == "" for row in rows if row["group"] == "LR"} == {True}
    assert {row["volume_ml"] == "" for row in rows if row["group"] == "ALS"} == {False}
    assert codes(tmp_path) == [("LR_1_3_a.png", "warning", "no-volume")]


def test_a_stack_with_an_unannotated_slice_has_no_row(tmp_path):
    write_stack(tmp_path)
    write_stack(tmp_path, "LR_1_3", "ab")
    (tmp_path / "ALS_1_3_c.json").unlink()
    files = result_files(measured(tmp_path), Settings())
    assert {row["participant_id"] for row in table(files["L3.csv"])} == {"LR_1"}
    assert {row["image"] for row in table(files["L3_slices.csv"])} == {
        "ALS_1_3_a.png", "ALS_1_3_b.png", "LR_1_3_a.png", "LR_1_3_b.png"
    }  # fmt: skip
    assert codes(tmp_path) == [
        ("ALS_1_3_c.png", "error", "image-without-json"),
        ("ALS_1_3_c.png", "error", "incomplete-stack"),
    ]


@pytest.mark.parametrize("harm", ["json", "image", "links", "second"])
def test_a_stack_with_a_slice_that_cannot_be_read_has_no_row(tmp_path, harm):
    write_stack(tmp_path)
    image, annotation = tmp_path / "ALS_1_3_b.png", tmp_path / "ALS_1_3_b.json"
    if harm == "json":
        annotation.write_text("{")
    elif harm == "image":
        image.write_bytes(b"no image")
    elif harm == "second":
        Image.open(image).save(tmp_path / "ALS_1_3_b.bmp")
        (tmp_path / "ALS_1_3_b.jpg").write_bytes(image.read_bytes())
    else:
        for path in (image, annotation):
            path.unlink()
            path.symlink_to("nowhere")
    result = measured(tmp_path)
    assert measurements_of(result, Settings()) == []
    assert [p.code for p in result.problems if p.severity == "error"].count("incomplete-stack") == 1


def test_a_lost_slice_does_not_touch_single_slices(tmp_path):
    write_slice(tmp_path, "x/ALS_1_3")
    write_slice(tmp_path, "y/ALS_1_3_b").unlink()
    assert len(measurements_of(measured(tmp_path), Settings())) == 9
    assert codes(tmp_path) == [("y/ALS_1_3_b.png", "error", "image-without-json")]


def test_a_missing_contour_in_one_slice_of_a_stack(tmp_path):
    write_stack(tmp_path)
    write_slice(tmp_path, "ALS_1_3_b", grey_image(seed=101), SHAPES[1:])
    rows = measurements_of(measured(tmp_path), Settings())
    assert {(r.muscle, r.side) for r in rows if r.muscle == "PM"} == {("PM", "left")}
    assert len(rows) == 7
    assert codes(tmp_path) == [
        ("ALS_1_3_b.json", "error", "missing-muscle"),
        ("ALS_1_3_b.png", "error", "incomplete-stack"),
    ]


# The folder of results


def written(out: Path, root: Path) -> Path:
    with OutputFolder(out) as folder:
        files = result_files(measured(root), Settings())
        folder.replace(files, stale_tables(folder, files))
    return out


def test_tables_of_slices_go_when_a_new_run_has_none(tmp_path):
    write_stack(tmp_path / "stacks")
    write_dataset(tmp_path / "single", 1, 0, (3,))
    out = written(tmp_path / "out", tmp_path / "stacks")
    assert read_results(out).tables == ("L3.csv",)
    written(out, tmp_path / "single")
    assert [path.name for path in out.glob("L3*")] == ["L3.csv"]


def test_tables_of_slices_that_were_changed_or_are_strange_are_refused(tmp_path):
    write_stack(tmp_path / "stacks")
    out = written(tmp_path / "out", tmp_path / "stacks")
    own = (out / "L3_slices.csv").read_bytes()
    for content in (own + b"\n", None):
        (out / "L3_slices.csv").unlink()
        if content is not None:
            (out / "L3_slices.csv").write_bytes(content)
        with pytest.raises(NoInputError, match=r"L3_slices\.csv"):
            read_results(out)
    (out / "L3_slices.csv").write_bytes(own)
    (out / "L4_slices.csv").write_bytes(own)
    with pytest.raises(NoInputError, match=r"L4_slices\.csv: not a table of the last quantify"):
        read_results(out)
    (out / "quantify.json").unlink()
    found = read_results(out)
    assert (found.manifest, found.tables) == (None, ("L3.csv",))


# The page


def test_the_example_of_the_page():
    page = (Path(__file__).parents[2] / "docs" / "stacks.md").read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if "|" in line]
    start = next(i for i, line in enumerate(lines) if "`csa_px`" in line and "`volume_ml`" in line)
    columns = [cell.strip("`") for cell in lines[start][1:]]
    told = [
        [None if cell == "" else float(cell) for cell in line[1:]] for line in lines[start + 2 : start + 5]
    ]
    counts = [
        {("IVD", ""): RegionCount(int(r), r, 0, 0), ("MF", "left"): RegionCount(int(csa), csa, int(fat), 0)}
        for csa, fat, r in ([row[0], row[1], row[2]] for row in told[:2])
    ]
    results = [result_of(letter, table) for letter, table in zip("ab", counts, strict=True)]
    rows = tabulate_slices(results, "IVD", Settings(), {}, SPACED)
    rows += rows_of(*results, spacings=SPACED, places=PLACED)
    assert [[getattr(row, column) for column in columns] for row in rows] == told
