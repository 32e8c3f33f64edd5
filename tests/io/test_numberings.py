"""What numbers of label maps mean: against what the tools themselves publish, and every bad table."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.labels import parse_label
from mriparaspinal.io.numberings import (
    NUMBERINGS,
    OVERLAP,
    PAIR_VALUES,
    VALUES,
    labels_of,
    parse_numbering,
    value_table,
)


@pytest.mark.parametrize(
    ("name", "count", "told"),
    [
        # TotalSegmentator, map_to_binary.py: classes of `total`
        (
            "totalsegmentator",
            117,
            {
                2: "kidney_R",
                3: "kidney_L",
                10: "lung_upper_lobe_L",
                25: "sacrum",
                31: "vertebrae_L1",
                50: "vertebrae_C1",
                52: "aorta",
                66: "iliac_artery_R",
                79: "spinal_cord",
                86: "autochthon_L",
                87: "autochthon_R",
                88: "iliopsoas_L",
                89: "iliopsoas_R",
                91: "skull",
                92: "rib_left_1",
                117: "costal_cartilages",
            },
        ),
        # the same, classes of `total_mr`
        (
            "totalsegmentator_mr",
            50,
            {
                8: "adrenal_gland_R",
                10: "lung_L",
                18: "sacrum",
                19: "vertebrae",
                20: "IVD",
                21: "spinal_cord",
                29: "iliac_vena_R",
                39: "hip_R",
                46: "autochthon_L",
                47: "autochthon_R",
                48: "iliopsoas_L",
                49: "iliopsoas_R",
                50: "brain",
            },
        ),
        # the same, classes of `total_v3`
        ("totalsegmentator_v3", 117, {25: "sacrum", 26: "vertebrae_L6", 27: "vertebrae_L5", 91: "skull"}),
        # ParaspinalSeg, README.md
        ("paraspinalseg", 5, {1: "PM", 2: "QL", 3: "ES", 4: "MF", 5: "epifascial_fat"}),
        # LPM_Segmentator's label maps
        ("lpm_segmentator", 4, {1: "ES_R", 2: "MF_R", 3: "MF_L", 4: "ES_L"}),
        # MuscleMap, whole-body model 1.4
        (
            "musclemap",
            113,
            {
                1112: "semispinalis_cervicis_and_multifidus_R",
                5101: "MF_L",
                5102: "MF_R",
                5111: "ES_L",
                5112: "ES_R",
                5121: "PM_L",
                5122: "PM_R",
                5131: "QL_L",
                5132: "QL_R",
                6141: "iliacus_L",
                6160: "sacrum",
                6222: "gemelli_and_quadratus_femoris_R",
                7231: "patella_L",
                8101: "tibialis_anterior_L",
                8152: "lateral_gastrocnemius_R",
                8162: "tibia_R",
                8172: "fibula_R",
                8222: "plantaris_R",
            },
        ),
    ],
)
def test_the_numbers_of_the_tools(name, count, told):
    numbering = NUMBERINGS[name]
    assert len(numbering) == count
    assert {value: numbering[value] for value in told} == told
    assert len(set(numbering.values())) == count


def test_what_paraspinalseg_makes_of_its_own_map():
    """Its README numbers left and right epifascial fat 9 and 10, its script both 9: no region of ours."""
    muscles = [f"{muscle}_{side}" for muscle in ("PM", "QL", "ES", "MF") for side in "LR"]
    assert NUMBERINGS["paraspinalseg_lr"] == dict(enumerate([*muscles, *["epifascial_fat"] * 2], start=1))


def test_the_numbers_of_a_real_map_of_lpm_segmentator(shared):
    """Where its four muscles lie in the patient: multifidus nearer to the middle, x to the left (LPS+)."""
    nibabel = pytest.importorskip("nibabel")
    image = nibabel.load(shared / "real" / "TUM01" / "volumes" / "muscles_manual.nii.gz")
    labels = np.asarray(image.dataobj)
    x = {n: -(image.affine @ [*np.argwhere(labels == n).mean(axis=0), 1])[0] for n in range(1, 5)}
    middle = (x[2] + x[3]) / 2
    told = {n: ("MF" if abs(x[n] - middle) < 20 else "ES") + ("_L" if x[n] > middle else "_R") for n in x}
    assert told == NUMBERINGS["lpm_segmentator"]


@pytest.mark.parametrize("name", NUMBERINGS)
def test_no_structure_of_a_tool_passes_for_a_region_by_its_name(name):
    for label in NUMBERINGS[name].values():
        regions = [parse_label(part) for part in labels_of(label)]
        assert all(
            region is None or str(region) == part
            for region, part in zip(regions, labels_of(label), strict=True)
        )
    resembling = [
        label for label in NUMBERINGS[name].values() if "iliopsoas" in label or "vertebrae" in label
    ]
    assert all(parse_label(label) is None for label in resembling)


def test_our_own_numbers_are_those_that_values_csv_tells():
    told = parse_numbering(
        ["value", "region", "side"], [list(map(str, row)) for row in value_table(pairs=True)], "values.csv"
    )
    assert told == NUMBERINGS["mriparaspinal"]


def test_every_pair_of_regions_has_a_number_of_its_own():
    assert set(PAIR_VALUES) == {frozenset(pair) for pair in combinations(VALUES, 2)}
    taken = [*VALUES.values(), *PAIR_VALUES.values(), OVERLAP]
    assert len(set(taken)) == len(taken)
    assert min(taken) > 0
    assert max(taken) < 256


def test_a_table_of_the_users():
    columns = ["Label", "note", "VALUE"]
    assert parse_numbering(columns, [["right ES", "", "1"], ["L4", "x", "7"], ["L5", "", "8"]], "t.csv") == {
        1: "right ES",
        7: "L4",
        8: "L5",
    }


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([["1.5", "MF_L"]], "row 2 has the value '1.5'"),
        ([["-1", "MF_L"]], "row 2 has the value '-1'"),
        ([["", "MF_L"]], "row 2 has the value ''"),
        ([["٣", "MF_L"]], "row 2 has the value '٣'"),
        ([["99999999999", "MF_L"]], "row 2 has the value '99999999999'"),
        ([["1", ""]], "row 2 names no label"),
        ([["0", "MF_L"]], "row 2 calls 0 'MF_L'"),
        ([["1", "MF_L"], ["1", "MF_R"]], "row 3 has the value 1 again"),
        ([["x", "MF_L"], ["2", ""]], "row 2 has the value 'x', row 3 names no label"),
        ([], "no rows"),
        ([["0", "background"]], "no rows"),
    ],
)
def test_a_bad_table_is_told_in_one_line(rows, fault):
    with pytest.raises(UsageError) as error:
        parse_numbering(["value", "label"], rows, "t.csv")
    assert str(error.value).startswith("t.csv: ")
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_by_regions_with_an_unknown_side():
    with pytest.raises(UsageError, match="row 3 names no region, or no side"):
        parse_numbering(["value", "region", "side"], [["1", "MF", "left"], ["2", "MF", "middle"]], "t.csv")


def test_a_table_without_the_columns():
    with pytest.raises(UsageError, match="the columns number, name were found; expected value,label or"):
        parse_numbering(["number", "name"], [], "t.csv")
