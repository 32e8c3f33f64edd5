"""From counts to rows: every column against pandas on the raw counts, and what must not change a number."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import COLUMNS, Measurement, RegionCount, Settings, Slice, SliceResult
from mriparaspinal.dataset.find import find_slices
from mriparaspinal.measure.rows import choose_reference, missing_regions, role_of, tabulate
from mriparaspinal.measure.slice import measure_slice
from tests.support.builders.slices import SHAPES, box, grey_image, polygon, write_slice

#: As the contract prints them.
CONTRACT = (
    "participant_id,group,segment,muscle,side,role,csa_px,csa_mm2,contour_area_px,fat_px,fi,lean_px,reference,"
    "reference_px,rcsa,lean_rcsa,mean_intensity,asymmetry_pct,threshold,fat_rule,mask_rule,image"
)


def slice_of(who: str = "ALS_1", segment: str = "L3") -> Slice:
    stem = f"{who}_{segment[1]}"
    return Slice(who, who.split("_")[0], segment, f"{stem}.png", f"{stem}.json")


def result_of(counts: dict, slice_: Slice | None = None, seen: set | None = None) -> SliceResult:
    names = frozenset(seen if seen is not None else counts)
    return SliceResult(slice_ or slice_of(), counts, names, True, (), ())


def reference_of(results: list[SliceResult], how: Settings | None = None) -> str:
    return choose_reference(((result.slice, result.seen) for result in results), how or Settings())


def rows_of(
    *results: SliceResult, onset: dict | None = None, spacings: dict | None = None
) -> list[Measurement]:
    return tabulate(results, "IVD", Settings(), onset or {}, spacings or {})


REFERENCE = RegionCount(800, 790.5, 300, 40_000)
LEFT = RegionCount(100, 95.25, 25, 6_000)
RIGHT = RegionCount(150, 140.5, 15, 5_000)
PAIR = {("IVD", ""): REFERENCE, ("MF", "left"): LEFT, ("MF", "right"): RIGHT}


def test_columns_are_those_of_the_contract_in_its_order():
    assert ",".join(COLUMNS) == CONTRACT


def test_one_slice_by_hand():
    left, right, both = rows_of(
        result_of(PAIR), onset={"ALS_1": "left"}, spacings={"ALS_1_3.png": (0.5, 0.25)}
    )
    assert left == Measurement(
        participant_id="ALS_1",
        group="ALS",
        segment="L3",
        muscle="MF",
        side="left",
        role="symptomatic",
        csa_px=100,
        csa_mm2=12.5,
        contour_area_px=95.25,
        fat_px=25,
        fi=0.25,
        lean_px=75,
        reference="IVD",
        reference_px=800,
        rcsa=0.125,
        lean_rcsa=0.09375,
        mean_intensity=60.0,
        asymmetry_pct=None,
        threshold=50,
        fat_rule=left.fat_rule,
        mask_rule="labelme",
        image="ALS_1_3.png",
    )
    assert (right.side, right.role, right.fi, right.csa_mm2) == ("right", "contralateral", 0.1, 18.75)
    assert (both.side, both.role) == ("both", "bilateral")
    assert (both.csa_px, both.fat_px, both.lean_px, both.contour_area_px) == (250, 40, 210, 235.75)
    assert both.fi == 0.16, "pooled fat over pooled pixels, not the mean of 0.25 and 0.1"
    assert both.mean_intensity == 44.0, "pooled, not the mean of the sides"
    assert (both.rcsa, both.lean_rcsa, both.csa_mm2) == (0.3125, 0.2625, 31.25)
    assert both.asymmetry_pct == 40.0


count = st.builds(
    lambda px, share, area, grey: RegionCount(px, area, int(share * px), int(grey * px)),
    st.integers(1, 250_000),
    st.floats(0, 1),
    st.floats(0, 1e6),
    st.floats(0, 255),
)
regions = [(m, s) for m in ("MF", "ES", "PM", "QL") for s in ("left", "right")] + [("IVD", ""), ("VB", "")]
slices = st.lists(
    st.dictionaries(st.sampled_from(regions), count),
    min_size=1,
    max_size=4,
)


@settings(max_examples=30, deadline=None)
@given(slices, st.sampled_from(["IVD", "VB"]), st.sampled_from(["left", "right", ""]), st.booleans())
def test_every_column_against_pandas_on_the_raw_counts(tables, reference, onset, spaced):
    results = [result_of(table, slice_of(f"ALS_{i}")) for i, table in enumerate(tables)]
    spacings = {f"ALS_{i}_3.png": (0.7 + i, 0.3) for i in range(len(tables))} if spaced else {}
    onsets = {f"ALS_{i}": onset for i in range(len(tables))}
    rows = tabulate(results, reference, Settings(threshold=70, mask_rule="centre"), onsets, spacings)

    raw = pd.DataFrame(
        [
            (i, m, s, c.csa_px, c.contour_area_px, c.fat_px, c.grey_sum)
            for i, table in enumerate(tables)
            for (m, s), c in table.items()
        ],
        columns=["i", "muscle", "side", "px", "area", "fat", "grey"],
    ).astype({"px": float, "area": float, "fat": float, "grey": float})
    disc = raw[raw["muscle"] == reference].set_index("i")["px"]
    muscles = raw[raw["side"] != ""]
    wide = muscles.pivot_table(index=["i", "muscle"], columns="side", values=["px", "area", "fat", "grey"])
    expected = {(i, m, s): group.iloc[0] for (i, m, s), group in muscles.groupby(["i", "muscle", "side"])}
    if {("px", "left"), ("px", "right")} <= set(wide.columns):
        for key, row in wide.dropna().iterrows():
            expected[(*key, "both")] = row.unstack().sum(axis=1)
    assert len(rows) == len(expected)
    for row in rows:
        i = int(row.participant_id.removeprefix("ALS_"))
        want = expected[i, row.muscle, row.side]
        assert (row.csa_px, row.fat_px, row.lean_px) == (want["px"], want["fat"], want["px"] - want["fat"])
        assert row.contour_area_px == pytest.approx(want["area"], rel=1e-12, abs=1e-12)
        assert row.fi == pytest.approx(want["fat"] / want["px"], rel=1e-12)
        assert row.mean_intensity == pytest.approx(want["grey"] / want["px"], rel=1e-12)
        assert row.reference == reference
        if i in disc.index:
            assert row.reference_px == disc[i]
            assert row.rcsa == pytest.approx(want["px"] / disc[i], rel=1e-12)
            assert row.lean_rcsa == pytest.approx((want["px"] - want["fat"]) / disc[i], rel=1e-12)
        else:
            assert (row.reference_px, row.rcsa, row.lean_rcsa) == (None, None, None)
        if row.side == "both":
            sides = np.array([expected[i, row.muscle, s]["px"] for s in ("left", "right")])
            assert row.asymmetry_pct == pytest.approx(100 * np.ptp(sides) / sides.mean(), rel=1e-12)
        else:
            assert row.asymmetry_pct is None
        assert row.csa_mm2 == (row.csa_px * (0.7 + i) * 0.3 if spaced else None)
        if row.side == "both":
            assert row.role == "bilateral"
        else:
            expected_role = "symptomatic" if row.side == onset else "contralateral"
            assert row.role == (expected_role if onset else "")
        assert (row.threshold, row.mask_rule) == (70, "centre")
        assert row.image == f"ALS_{i}_3.png"


@given(slices)
def test_order_is_muscle_then_side_and_both_needs_both(tables):
    results = [result_of(table, slice_of(f"ALS_{i}")) for i, table in enumerate(tables)]
    rows = rows_of(*results)
    places = [
        (int(r.participant_id[4:]), "MF ES PM QL".index(r.muscle), "left right both".index(r.side))
        for r in rows
    ]
    assert places == sorted(places)
    by_key = {(r.participant_id, r.muscle, r.side) for r in rows}
    for who, muscle, _ in by_key:
        sides = {(who, muscle, side) in by_key for side in ("left", "right")}
        assert ((who, muscle, "both") in by_key) == (sides == {True})


def test_a_missing_side_has_no_row_and_no_both():
    rows = rows_of(result_of({("IVD", ""): REFERENCE, ("MF", "left"): LEFT}))
    assert [(r.muscle, r.side) for r in rows] == [("MF", "left")]


def test_without_a_usable_reference_the_rows_stay():
    counts = {key: value for key, value in PAIR.items() if key[0] == "MF"}
    for reference in ("IVD", ""):
        rows = tabulate([result_of(counts)], reference, Settings(), {}, {})
        assert [r.side for r in rows] == ["left", "right", "both"]
        assert {(r.reference, r.reference_px, r.rcsa, r.lean_rcsa) for r in rows} == {
            (reference, None, None, None)
        }
        assert rows[2].fi == 0.16


def test_another_reference_than_the_chosen_one_is_not_used():
    (left, *_) = tabulate([result_of(PAIR)], "VB", Settings(), {}, {})
    assert (left.reference, left.reference_px, left.rcsa) == ("VB", None, None)


def test_a_contour_area_that_is_not_known_stays_empty_in_the_sum():
    counts = PAIR | {("MF", "right"): RegionCount(150, None, 15, 5_000)}
    _, right, both = rows_of(result_of(counts))
    assert (right.contour_area_px, both.contour_area_px) == (None, None)
    assert both.csa_px == 250


@pytest.mark.parametrize(
    ("side", "onset", "role"),
    [
        ("left", "left", "symptomatic"),
        ("right", "left", "contralateral"),
        ("left", "right", "contralateral"),
        ("right", "right", "symptomatic"),
        ("left", "", ""),
        ("right", "", ""),
        ("both", "left", "bilateral"),
        ("both", "", "bilateral"),
    ],
)
def test_roles(side, onset, role):
    assert role_of(side, onset) == role


# The reference of a dataset


def seen(*names: str, who: str = "ALS_1") -> SliceResult:
    return result_of({}, slice_of(who), {(name, "") for name in names})


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([seen("IVD"), seen("IVD", who="ALS_2")], "IVD"),
        ([seen("VB"), seen(who="ALS_2")], "VB"),
        ([seen(), seen(who="ALS_2")], ""),
        ([], ""),
    ],
)
def test_the_one_reference_of_a_dataset(results, expected):
    assert reference_of(results) == expected


@pytest.mark.parametrize("results", [[seen("IVD"), seen("VB", who="ALS_2")], [seen("VB", "IVD")]])
def test_mixed_references_are_a_usage_error_that_names_the_option(results):
    with pytest.raises(UsageError) as caught:
        reference_of(results)
    assert caught.value.exit_code == 2
    for part in ("IVD", "VB", "ALS_1_3.png", "; expected", "--reference"):
        assert part in str(caught.value)
    for chosen in ("IVD", "VB"):
        assert reference_of(results, Settings(reference=chosen)) == chosen


# What is missing


def missing(*regions: tuple[str, str], others: tuple[SliceResult, ...] = (), reference: str = "IVD"):
    results = [result_of({}, seen=set(regions)), *others]
    problems = missing_regions([r.slice for r in results], [r.seen for r in results], reference)
    return [(p.file, p.shape, p.severity, p.code) for p in problems]


ALL = [(m, s) for m in ("MF", "ES", "PM") for s in ("left", "right")] + [("IVD", "")]
WHOLE = result_of({}, slice_of("LR_1"), set(ALL))


def test_a_whole_slice_misses_nothing():
    assert missing(*ALL) == []


@pytest.mark.parametrize("gone", ALL[:-1])
def test_a_missing_side(gone):
    left = [region for region in ALL if region != gone]
    label = f"{gone[0]}_{gone[1][0].upper()}"
    assert missing(*left) == [("ALS_1_3.json", label, "error", "missing-muscle")]


def test_a_muscle_missing_on_both_sides_where_other_slices_have_it():
    left = [region for region in ALL if region[0] != "ES"]
    assert missing(*left, others=(WHOLE,)) == [
        ("ALS_1_3.json", "ES_L", "error", "missing-muscle"),
        ("ALS_1_3.json", "ES_R", "error", "missing-muscle"),
    ]


def test_a_muscle_that_no_slice_has_is_one_warning():
    left = [region for region in ALL if region[0] != "ES"]
    assert missing(*left) == [("dataset", "ES", "warning", "muscle-not-drawn")]


def test_ql_is_not_asked_for_but_for_its_other_side():
    with_ql = result_of({}, slice_of("LR_1"), {*ALL, ("QL", "left"), ("QL", "right")})
    assert missing(*ALL, others=(with_ql,)) == []
    assert missing(*ALL, ("QL", "left")) == [("ALS_1_3.json", "QL_R", "error", "missing-muscle")]


@pytest.mark.parametrize(("reference", "named"), [("IVD", "IVD"), ("VB", "VB"), ("", "IVD or VB")])
def test_a_missing_reference(reference, named):
    (problem,) = missing(*ALL[:-1], reference=reference)
    assert problem == ("ALS_1_3.json", named, "error", "missing-reference")


def test_a_slice_that_was_lost_as_a_whole_is_not_told_twice():
    lost = SliceResult(slice_of("LR_2"), {}, frozenset(), False, (), ())
    assert missing(*ALL, others=(lost,)) == []


# What must not change a number: whole slices from files to rows

ROUGH = [
    polygon("PM_R", [(5.25, 20.5), (24.125, 22), (20, 39.75), (6, 38)]),
    polygon("PM_L", [(75, 20), (94.5, 23.25), (90, 39), (77.125, 36)]),
    polygon("ES_R", [(10, 60), (29.5, 60.5), (25, 75), (29, 89.875), (11, 88)]),
    polygon("ES_L", [(70.5, 61), (89, 60.25), (89, 89), (71, 86.5)]),
    polygon("MF_R", [(35.5, 65.5), (44.25, 66), (44, 84.5), (40, 80), (36, 84)]),
    polygon("MF_L", [(55, 65), (64.75, 65.125), (64, 84), (57, 82)]),
    polygon("IVD", [(35, 20), (64.25, 21), (63, 49.5), (36, 48)]),
]


def measure(folder: Path, image: np.ndarray, shapes: list, how: Settings | None = None) -> dict:
    """The rows of one slice, by muscle and side."""
    how = how or Settings()
    write_slice(folder, "ALS_1_3", image, shapes)
    (slice_,) = find_slices(["ALS_1_3.png", "ALS_1_3.json"], (), how).slices
    result = measure_slice(folder, slice_, how)
    assert not [p for p in result.problems if p.severity == "error"]
    rows = tabulate([result], reference_of([result], how), how, {}, {})
    return {(row.muscle, row.side): row for row in rows}


def numbers(row: Measurement) -> tuple:
    ratios = (row.fi, row.rcsa, row.lean_rcsa, row.mean_intensity, row.asymmetry_pct)
    return (row.csa_px, row.contour_area_px, row.fat_px, row.lean_px, *ratios)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("one slice")


OTHER = {"left": "right", "right": "left", "both": "both"}


def test_mirrored_data_in_the_other_display_swap_nothing_and_swapped_labels_swap_sides(folder):
    image = grey_image(seed=5)
    plain = measure(folder, image, SHAPES)
    mirrored = [shape | {"points": [[99 - x, y] for x, y in shape["points"]]} for shape in SHAPES]
    other = measure(folder, image[:, ::-1], mirrored, Settings(image_left="left"))
    assert {key: numbers(row) for key, row in other.items()} == {
        key: numbers(row) for key, row in plain.items()
    }

    swap = str.maketrans("LR", "RL")
    renamed = [
        shape | {"label": shape["label"][:-1] + shape["label"][-1].translate(swap)}
        if shape["label"] != "IVD"
        else shape
        for shape in mirrored
    ]
    swapped = measure(folder, image[:, ::-1], renamed)
    assert plain.keys() == swapped.keys()
    for (muscle, side), row in plain.items():
        assert numbers(swapped[muscle, OTHER[side]]) == numbers(row)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["labelme", "centre"]), st.integers(0, 99))
def test_a_shift_by_whole_pixels_keeps_every_number(folder, right, down, rule, seed):
    image = grey_image(seed=seed)
    how = Settings(mask_rule=rule)
    canvas = np.zeros((160, 160), dtype=np.uint8)
    canvas[down : down + 100, right : right + 100] = image
    moved = [s | {"points": [[x + right, y + down] for x, y in s["points"]]} for s in ROUGH]
    there = measure(folder, canvas, moved, how)
    here = measure(folder, image, ROUGH, how)
    assert here.keys() == there.keys()
    for key, row in here.items():
        # The shoelace sums other products after a shift: its last bits may differ, no pixel may.
        assert numbers(there[key])[0] == numbers(row)[0]
        assert numbers(there[key])[2:] == numbers(row)[2:]
        assert math.isclose(there[key].contour_area_px, row.contour_area_px, rel_tol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 254), st.integers(1, 255))
def test_fi_falls_as_the_threshold_rises(folder, low, step):
    image = grey_image(seed=3)
    high = min(low + step, 255)
    below = measure(folder, image, SHAPES, Settings(threshold=low))
    above = measure(folder, image, SHAPES, Settings(threshold=high))
    for key, row in below.items():
        assert above[key].fi <= row.fi
        assert above[key].csa_px == row.csa_px
    if high == 255:
        assert {row.fi for row in above.values()} == {0.0}


def test_the_threshold_itself_is_not_fat(folder):
    image = np.full((100, 100), 50, dtype=np.uint8)
    assert {row.fat_px for row in measure(folder, image, SHAPES).values()} == {0}
    assert {row.fi for row in measure(folder, image + 1, SHAPES).values()} == {1.0}


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(ROUGH))), st.lists(st.integers(0, 4), min_size=7, max_size=7))
def test_order_of_shapes_and_first_vertex_do_not_matter(folder, order, turns):
    image = grey_image(seed=9)
    plain = measure(folder, image, ROUGH)
    turned = []
    for place in order:
        points = ROUGH[place]["points"]
        k = turns[place] % len(points)
        turned.append(ROUGH[place] | {"points": points[k:] + points[:k]})
    other = measure(folder, image, turned)
    for key, row in plain.items():
        assert numbers(other[key])[0] == numbers(row)[0]
        assert numbers(other[key])[2:] == numbers(row)[2:]
        assert math.isclose(other[key].contour_area_px, row.contour_area_px, rel_tol=1e-12)


def test_a_region_in_two_parts_is_their_union(folder):
    image = grey_image(seed=4)
    parts = [s for s in SHAPES if s["label"] != "MF_L"]
    parts += [polygon("MF_L", box(55, 65, 64, 74)), polygon("multifidus left", box(55, 72, 64, 84))]
    whole, split = measure(folder, image, SHAPES), measure(folder, image, parts)
    assert numbers(split["MF", "left"])[2:] == numbers(whole["MF", "left"])[2:]
    assert split["MF", "left"].csa_px == whole["MF", "left"].csa_px == 200
    assert json.loads((folder / "ALS_1_3.json").read_text())["shapes"][-1]["label"] == "multifidus left"
