"""Every instrument of the package, and the scorer: boundaries, hand-made sums, what is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mriparaspinal.clinical.instrument import Instrument
from mriparaspinal.clinical.instrument_file import parse_instrument
from mriparaspinal.clinical.library import bundled, open_instrument
from mriparaspinal.clinical.rating_reader import template
from mriparaspinal.clinical.score import Scored, read_reference, score
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.participants import NUMBERS
from tests.support.builders.scores import CELLS

ALL = [
    "als-criteria", "alsfrs-r", "cmap-z", "fasciculation", "fvc", "goutallier", "kings", "kjaer", "mercuri",
    "mrc", "mrs", "penn-umn", "psa", "segments", "umn-mri",
]  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "scores.md"


def scored(name: str, columns: list[str], rows: list[list[object]], **more: object) -> Scored:
    texts = [tuple(map(str, row)) for row in rows]
    return score(open_instrument(name), columns, texts, "r.csv", **more)  # type: ignore[arg-type]


def of(found: Scored, who: str = "P1") -> dict[str, float | None]:
    assert not [p.line() for p in found.problems if p.severity == "error"]
    return dict(zip(found.columns, found.rows[who], strict=True))


# --- the files ----------------------------------------------------------------------------------------------


def test_these_instruments_come_with_the_package() -> None:
    assert bundled() == ALL


@pytest.mark.parametrize("name", ALL)
def test_instrument_is_whole(name: str) -> None:
    instrument = open_instrument(name)
    assert instrument.title
    assert instrument.citation
    assert len(set(instrument.columns)) == len(instrument.columns)
    page = DOCS.read_text(encoding="utf-8")
    assert re.search(rf"^## .*\b{name}\b", page, re.MULTILINE)
    for found in instrument.scores:
        assert f"`{found.name}`" in page, found.name


def test_no_two_instruments_share_a_column() -> None:
    columns = [column for name in ALL for column in open_instrument(name).columns]
    assert len(set(columns)) == len(columns)
    # Those of the participants table that an instrument makes have its ranges.
    assert NUMBERS["alsfrs_r"][:2] == (0, 48)
    assert NUMBERS["alsfrs_lower"][:2] == (0, 12)
    assert {"alsfrs_r", "alsfrs_lower", "psa"} <= set(columns)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"titel": "x"}, "titel was found"),
        ({"records": "tall"}, "'tall' was found; expected wide or long"),
        ({"missing": "zero"}, "'zero' was found; expected error or empty"),
        ({"range": {"low": 4, "high": 0}}, "low below high"),
        ({"range": {"low": 0}}, "high None were found; expected two numbers"),
        ({"range": {"above": 1, "high": 1, "whole": False}}, "above 1 and high 1 were found"),
        ({"range": {"low": 0, "above": 0, "whole": False}}, "low and above were found; expected one of them"),
        ({"scores": []}, "no scores"),
        ({"items": [{"name": "a b"}]}, "'a b' was found"),
        ({"items": [{"name": "a"}, {"name": "a"}]}, "'a' appears more than once"),
        ({"items": [{"name": "a", "points": [1]}]}, "one number for each rating"),
        ({"scores": [{"name": "s", "how": "median"}]}, "expected sum, max, mean, count, ratio, formula"),
        ({"scores": [{"name": "s", "how": "ratio", "items": ["a"]}]}, "the numerator and the denominator"),
        ({"range": {"words": ["1"]}}, "expected two or more different texts"),
        ({"range": {"words": ["a", "A"]}}, "expected two or more different texts"),
        ({"range": {"words": ["F", "N"], "vocabulary": "sex"}}, "expected one that has the words"),
        (
            {"records": "long", "range": {"words": ["F", "M"], "vocabulary": "sex"}},
            'vocabulary with records = "long"',
        ),
        ({"formula": "bmi"}, "formula 'bmi' was found; expected one of criteria, fvc"),
        ({"scores": [{"name": "s", "how": "formula"}]}, "formula '' was found; expected one of"),
        ({"formula": "fvc", "scores": [{"name": "s", "how": "formula"}]}, "not a column of the formula fvc"),
        ({"formula": "fvc"}, "no item sex, age, height_cm, fvc_l"),
        ({"places": ["L1", "L2"]}, 'expected records = "long", place and [[items]]'),
        (
            {"records": "long", "place": "segment", "places": ["L1", "l1"], "missing": "empty"},
            "expected each once",
        ),
        ({"records": "long", "place": "segment", "places": ["L1"]}, 'expected missing = "empty"'),
        ({"records": "long", "place": "segment"}, "items and place without places"),
        (
            {"scores": [{"name": "s", "how": "sum", "items": ["b"]}]},
            "'b' was found; expected one of the items",
        ),
        ({"scores": [{"name": "s", "how": "count"}]}, "between belongs to"),
        ({"scores": [{"name": "s", "how": "sum", "of": "presence"}]}, "without [presence]"),
        ({"scores": [{"name": "s", "how": "sum", "by": ["limb"]}]}, "'limb' was found"),
        ({"scores": [{"name": "s", "how": "sum", "scores": ["later"]}]}, "scores further up"),
        ({"scores": [{"name": "participant_id", "how": "sum"}]}, "expected another name"),
        ({"grading": {"quantities": [], "rules": []}}, "no quantities or no rules"),
        ({"summary": {"scores": ["x"], "most": "s", "high_from": 3}}, "summary: 'x' was found"),
    ],
)
def test_faults_of_an_instrument_are_told(change: dict[str, object], said: str) -> None:
    good = {
        "title": "T", "citation": "C", "records": "wide", "range": {"low": 0, "high": 4},
        "items": [{"name": "a"}], "scores": [{"name": "s", "how": "sum"}],
    }  # fmt: skip
    assert isinstance(parse_instrument(good, "own.toml"), Instrument)
    with pytest.raises(UsageError) as caught:
        parse_instrument({**good, **change}, "own.toml")
    assert any(said in line for line in str(caught.value).splitlines())
    assert all(line.startswith("own.toml: ") for line in str(caught.value).splitlines())


# --- fasciculation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sites", "rate", "grade"),
    [
        # Table 2, at each boundary: up to 2 sites or from 3 on, up to 3 times in 10 s or more.
        (0, 0, 0), (0, "", 0),
        (1, 1, 1), (1, 3, 1), (2, 3, 1), (2, 0.1, 1),
        (1, 3.1, 2), (1, 4, 2), (2, 4, 2), (2, 500, 2),
        (3, 1, 3), (3, 3, 3), (4, 3, 3), (100, 3, 3),
        (3, 3.1, 4), (3, 4, 4), (4, 4, 4), (100, 500, 4),
    ],
)  # fmt: skip
def test_grade_by_table_2(sites: int, rate: float, grade: int) -> None:
    rows = [["P1", name, side, 0, 0] for name, side in CELLS]
    rows[0][3:] = [sites, rate]
    found = scored("fasciculation", ["participant_id", "muscle_group", "side", "sites", "rate"], rows)
    assert of(found)["fasciculation_total"] == grade
    assert of(found)["fasciculation_max"] == grade
    assert of(found)["fasciculation_number"] == (grade > 0)
    assert of(found)["fasciculation_low_grade"] == (grade in (1, 2))
    assert of(found)["fasciculation_high_grade"] == (grade in (3, 4))


def test_the_19_muscle_groups_by_region_and_place() -> None:
    instrument = open_instrument("fasciculation")
    _, rows = template(instrument)
    assert [(row[1], row[2]) for row in rows] == CELLS
    assert len(rows) == 19
    ones = [["P1", name, side, 1] for name, side in CELLS]
    found = of(scored("fasciculation", ["participant_id", "muscle_group", "side", "grade"], ones))
    expected = {"cervical": 8, "lumbosacral": 8, "thoracic": 2, "bulbar": 1, "proximal": 8, "distal": 8}
    assert {part: found[f"fasciculation_number_{part}"] for part in expected} == expected
    assert found["fasciculation_number"] == 19


@given(st.lists(st.integers(0, 4), min_size=19, max_size=19))
def test_fasciculation_sums_are_plain_sums(grades: list[int]) -> None:
    rows = [["P1", n.upper(), s[:1], g] for (n, s), g in zip(CELLS, grades, strict=True)]
    found = of(scored("fasciculation", ["participant_id", "muscle_group", "side", "grade"], rows[::-1]))
    assert found["fasciculation_total"] == sum(grades)
    assert found["fasciculation_max"] == max(grades)
    assert found["fasciculation_number"] == sum(g > 0 for g in grades)
    assert found["fasciculation_low_grade"] == grades.count(1) + grades.count(2)
    assert found["fasciculation_high_grade"] == grades.count(3) + grades.count(4)
    # As in Table 1: the first eight are cervical, the next eight lumbosacral, four proximal in each.
    assert found["fasciculation_total_cervical"] == sum(grades[:8])
    assert found["fasciculation_max_lumbosacral"] == max(grades[8:16])
    assert found["fasciculation_total_proximal"] == sum(grades[:4] + grades[8:12])
    assert found["fasciculation_total_distal"] == sum(grades[4:8] + grades[12:16])
    assert found["fasciculation_total_bulbar"] == grades[16]
    assert found["fasciculation_total_thoracic"] == sum(grades[17:])


# --- the other instruments ----------------------------------------------------------------------------------


def test_alsfrs_r_parts() -> None:
    columns = list(template(open_instrument("alsfrs-r"))[0])
    assert len(columns) == 13
    found = of(scored("alsfrs-r", columns, [["P1", 4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 4, 3]]))
    assert found == {
        "alsfrs_r": 27, "alsfrs_bulbar": 9, "alsfrs_upper": 5, "alsfrs_lower": 6, "alsfrs_respiratory": 7,
    }  # fmt: skip
    full = of(scored("alsfrs-r", columns, [["P1", *[4] * 12]]))
    assert (full["alsfrs_r"], full["alsfrs_lower"]) == (48, 12)


def test_mrc_of_16_actions_on_both_sides() -> None:
    columns = list(template(open_instrument("mrc"))[0])
    assert len(columns) == 33
    full = of(scored("mrc", columns, [["P1", *[5] * 32]]))
    assert full["mrc_total"] == 160
    assert full["mrc_sum_60"] == 60
    assert full["mrc_total_upper"] == 90
    assert full["mrc_total_lower"] == 70
    weak = [5] * 32
    weak[columns.index("hip_flexion_left") - 1] = 2  # type: ignore[call-overload]
    weak[columns.index("toe_plantar_flexion_right") - 1] = 4.5  # type: ignore[call-overload]
    found = of(scored("mrc", columns, [["P1", *weak]]))
    assert (found["mrc_total"], found["mrc_total_left"], found["mrc_total_right"]) == (156.5, 77, 79.5)
    assert found["mrc_sum_60"] == 57


def test_penn_by_side_with_and_without_the_bulbar_part() -> None:
    columns = [
        "participant_id",
        "bulbar",
        *(f"{x}_limb_{s}" for x in ("upper", "lower") for s in ("left", "right")),
    ]
    found = of(scored("penn-umn", columns, [["P1", 4, 7, 1, 6, 2]]))
    assert (found["penn"], found["penn_left"], found["penn_right"]) == (20, 13, 3)
    assert (found["penn_upper"], found["penn_lower"], found["penn_limbs"]) == (8, 8, 16)
    assert of(scored("penn-umn", columns, [["P1", 4, 7, 7, 7, 7]]))["penn"] == 32
    modified = scored("penn-umn", [c for c in columns if c != "bulbar"], [["P1", 7, 1, 6, 2]])
    assert of(modified)["penn"] is None
    assert (of(modified)["penn_left"], of(modified)["penn_limbs"]) == (13, 16)
    assert [p.severity for p in modified.problems] == ["warning"]
    one_side = scored("penn-umn", columns, [["P1", 4, 7, "", 6, 2]])
    assert (of(one_side)["penn_left"], of(one_side)["penn_right"], of(one_side)["penn"]) == (13, None, None)
    assert "upper limb, right" in one_side.problems[0].message


@pytest.mark.parametrize(
    ("record", "stage", "regions"),
    [
        ((0, 0, 0, 0, 0), 0, 0), ((1, 0, 0, 0, 0), 1, 1), ((0, 1, 1, 0, 0), 2, 2), ((1, 1, 1, 0, 0), 3, 3),
        ((1, 0, 0, 1, 0), 4, 1), ((0, 1, 0, 0, 1), 4, 1), ((1, 1, 1, 1, 1), 4, 3),
    ],
)  # fmt: skip
def test_kings_stage(record: tuple[int, ...], stage: int, regions: int) -> None:
    columns = list(template(open_instrument("kings"))[0])
    found = of(scored("kings", columns, [["P1", *record]]))
    assert (found["kings"], found["kings_regions"]) == (stage, regions)
    assert (found["kings_4a"], found["kings_4b"]) == record[3:]


def test_cmap_z_sum() -> None:
    """Paper 002: the sum of the z-scores of four nerves on both sides."""
    instrument = open_instrument("cmap-z")
    columns = list(template(instrument)[0])
    rows = [("Median", "10", "2"), ("ulnar", "9", "1.5"), ("peroneal", "5", "1"), ("Tibial_left", "12", "4")]
    rows += [("tibial right", "11", "4"), ("sural", "20", "5")]
    reference = read_reference(instrument, ("item", "mean", "sd"), rows)
    amplitudes = [8, 10, 9, 0, 4.5, 5, 2, 13]
    found = of(scored("cmap-z", columns, [["P1", *amplitudes]], reference=reference))
    z = [(8 - 10) / 2, 0, 0, (0 - 9) / 1.5, -0.5, 0, (2 - 12) / 4, (13 - 11) / 4]
    assert found["cmap_z"] == pytest.approx(sum(z), abs=1e-12)
    assert found["cmap_z_left"] == pytest.approx(sum(z[::2]), abs=1e-12)
    assert found["cmap_z_right"] == pytest.approx(sum(z[1::2]), abs=1e-12)
    assert [found[f"cmap_z_{column}"] for column in columns[1:]] == pytest.approx(z, abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("median", "10", "2")], "no row for ulnar_left"),
        ([("median", "10", "2"), ("median_left", "9", "2")], "median_left appears more than once"),
        ([("median", "10", "0")], "sd above 0"),
        ([("median", "ten", "2")], "expected numbers"),
    ],
)
def test_bad_reference(rows: list[tuple[str, ...]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_reference(open_instrument("cmap-z"), ("item", "mean", "sd"), rows)


@pytest.mark.parametrize(
    ("grades", "confirmed", "present"),
    [
        # Ren et al. 2026: at two sites of a muscle, or at one that two repeats confirmed.
        ((0, 0, 0, 0), 0, 0), ((2, 0, 0, 0), 0, 0), ((2, 0, 0, 0), 1, 1),
        ((1, 1, 0, 0), 0, 1), ((4, 4, 4, 4), 1, 1),
    ],
)  # fmt: skip
def test_presence_of_spontaneous_activity(grades: tuple[int, ...], confirmed: int, present: int) -> None:
    columns = ["participant_id", "muscle", "side", "site", "grade", "confirmed"]
    rows = [
        ["P1", "L5 multifidus", "left", n, f"+{g}", confirmed if n == 0 else ""] for n, g in enumerate(grades)
    ]
    found = of(scored("psa", columns, rows))
    assert (found["psa"], found["psa_left"], found["psa_muscles"]) == (present, present, present)
    assert (found["psa_sum"], found["psa_max"], found["psa_sites"]) == (sum(grades), max(grades), 4)
    assert (found["psa_right"], found["psa_sum_right"]) == (None, None)  # nobody looked there


def test_two_muscles_with_one_site_each_are_no_presence() -> None:
    columns = ["participant_id", "muscle", "side", "site", "grade"]
    rows = [["P1", m, s, n, int(n == 1)] for m in ("L4", "L5") for s in ("L", "R") for n in (1, 2)]
    found = of(scored("psa", columns, rows))
    assert (found["psa"], found["psa_muscles"], found["psa_sum"]) == (0, 0, 4)


# --- visual grades ------------------------------------------------------------------------------------------

GRADED = ["participant_id", "segment", "muscle", "side", "grade"]


def test_goutallier_by_muscle_side_and_segment() -> None:
    rows: list[list[object]] = [
        ["P1", "L4", "MF", "left", 2], ["P1", "L4", "MF", "right", 1], ["P1", "L5", "mf", "L", 3],
        ["P1", "l5", "Multifidus", "R", 0], ["P1", "L4", "PM", "left", 0],
        ["P1", "L4", "psoas major", "r", 4],
    ]  # fmt: skip
    assert of(scored("goutallier", GRADED, rows[::-1])) == {
        "goutallier": 4, "goutallier_l4": 4, "goutallier_l5": 3, "goutallier_mf": 3, "goutallier_pm": 4,
        "goutallier_left": 3, "goutallier_right": 4,
        "goutallier_l4_mf_left": 2, "goutallier_l4_mf_right": 1, "goutallier_l4_pm_left": 0,
        "goutallier_l4_pm_right": 4, "goutallier_l5_mf_left": 3, "goutallier_l5_mf_right": 0,
        "goutallier_mean": pytest.approx(10 / 6), "goutallier_mean_l4": 1.75, "goutallier_mean_l5": 1.5,
        "goutallier_mean_mf": 1.5, "goutallier_mean_pm": 2, "goutallier_mean_left": pytest.approx(5 / 3),
        "goutallier_mean_right": pytest.approx(5 / 3),
    }  # fmt: skip


def test_what_others_were_graded_in_is_missing() -> None:
    rows: list[list[object]] = [
        ["P1", "L4", "MF", "left", 2], ["P1", "L4", "MF", "right", ""], ["P1", "L5", "MF", "left", 1],
        ["P2", "L4", "MF", "left", 0], ["P2", "L4", "MF", "right", 3], ["P2", "L5", "MF", "left", 4],
        # A participant who is left out does not make anything missing.
        ["P3", "L1", "ES", "left", 2], ["P3", "L4", "MF", "left", 7],
    ]  # fmt: skip
    found = scored("goutallier", GRADED, rows)
    assert [p.shape for p in found.problems if p.severity == "error"] == ["P3"]
    values = {who: dict(zip(found.columns, found.rows[who], strict=True)) for who in found.rows}
    assert "goutallier_l1" not in values["P1"]
    assert (values["P1"]["goutallier"], values["P1"]["goutallier_l4"]) == (None, None)
    assert (values["P1"]["goutallier_left"], values["P1"]["goutallier_l5"]) == (2, 1)
    assert (values["P2"]["goutallier"], values["P2"]["goutallier_l4_mf_right"]) == (4, 3)
    (warning,) = [p for p in found.problems if p.severity == "warning"]
    assert warning.message.startswith("no value for L4, multifidus, right; the scores that need it")


def test_one_side_alone_has_no_columns_of_the_other() -> None:
    found = of(scored("kjaer", GRADED, [["P1", "L4", "MF", "left", 2]]))
    assert list(found) == [
        "kjaer", "kjaer_l4", "kjaer_mf", "kjaer_left", "kjaer_l4_mf_left",
        "kjaer_mean", "kjaer_mean_l4", "kjaer_mean_mf", "kjaer_mean_left",
    ]  # fmt: skip
    assert set(found.values()) == {2}


def test_records_without_a_grade_score_nobody() -> None:
    assert scored("kjaer", GRADED, [["P1", "L4", "MF", "left", ""]]).rows == {}


def test_a_cell_that_was_graded_twice_is_told() -> None:
    rows: list[list[object]] = [["P1", "L4", "MF", "left", 2], ["P1", "l4", "multifidus", "L", 2]]
    (problem,) = scored("kjaer", GRADED, rows).problems
    assert "L4, multifidus, left: appears twice, in rows 2 and 3" in problem.message


@pytest.mark.parametrize(
    ("written", "counts"),
    [("0", 0), ("1", 1), ("2a", 2), ("2A", 2), ("2b", 2.5), ("3", 3), ("3.0", 3), ("4", 4)],
)
def test_mercuri_stages(written: str, counts: float) -> None:
    assert of(scored("mercuri", GRADED, [["P1", "L4", "MF", "left", written]]))["mercuri"] == counts


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("goutallier", ["L4", "MF", "left", 5], "'5' was found; expected a whole number from 0 to 4"),
        ("goutallier", ["L4", "MF", "left", 1.5], "expected a whole number from 0 to 4"),
        ("kjaer", ["L4", "MF", "left", 3], "'3' was found; expected a whole number from 0 to 2"),
        ("mercuri", ["L4", "MF", "left", "2"], "'2' was found; expected one of 0, 1, 2a, 2b, 3, 4"),
        ("mercuri", ["L4", "MF", "left", "2c"], "expected one of 0, 1, 2a, 2b, 3, 4"),
        ("goutallier", ["L6", "MF", "left", 2], "segment 'L6' was found; expected one of multifidus"),
        ("goutallier", ["", "MF", "left", 2], "segment '' was found"),
        ("goutallier", ["L4", "biceps", "left", 2], "and a segment of L1, L2, L3, L4, L5"),
        ("goutallier", ["L4", "MF", "", 2], "side '' was found; expected left or right"),
    ],
)
def test_a_grade_that_cannot_be_is_told(name: str, row: list[object], said: str) -> None:
    (problem,) = scored(name, GRADED, [["P1", *row]]).problems
    assert (problem.severity, problem.shape) == ("error", "P1")
    assert said in problem.message


def test_signs_on_brain_mri() -> None:
    instrument = open_instrument("umn-mri")
    cells = template(instrument)[1]
    columns = ["participant_id", "target", "side", "grade"]
    rows = [["P1", target, side, n % 3 == 0] for n, (_, target, side, *_) in enumerate(cells)]
    found = of(scored("umn-mri", columns, [[*row[:3], int(row[3])] for row in rows]))
    assert len(cells) == 12
    assert found["umn_mri"] == 4  # 0, 3, 6, 9
    assert (found["umn_mri_left"], found["umn_mri_right"]) == (2, 2)
    assert (found["umn_mri_cst_t2_left"], found["umn_mri_cst_pd_right"]) == (1, 1)
    two = scored("umn-mri", columns, [["P1", "cst_t2", s, 1] for s in ("left", "right")])
    assert of(two) == {
        "umn_mri": 2, "umn_mri_left": 1, "umn_mri_right": 1, "umn_mri_cst_t2_left": 1,
        "umn_mri_cst_t2_right": 1,
    }  # fmt: skip
    (problem,) = scored("umn-mri", columns, [["P1", "motor stripe", "left", 1]]).problems
    assert "'motor stripe' was found; expected one of CST hyperintensity on T2 or FLAIR" in problem.message


def test_ratios_of_spectroscopy() -> None:
    columns = [
        "participant_id",
        *(f"{m}_{s}" for m in ("naa", "cr", "cho", "mins") for s in ("left", "right")),
    ]
    found = of(scored("mrs", columns, [["P1", 8, 6, 4, 5, 2, 3, 4, 3]]))
    assert (found["naa_cr_left"], found["naa_cr_right"], found["naa_cr"]) == (2, 1.2, pytest.approx(14 / 9))
    assert (found["naa_cho_left"], found["naa_cho_right"], found["naa_cho"]) == (4, 2, 14 / 5)
    assert (found["mins_naa_left"], found["mins_naa_right"], found["mins_naa"]) == (0.5, 0.5, 0.5)
    one = of(scored("mrs", columns, [["P1", 8, "", 4, 5, 2, 3, 0, 3]]))
    assert (one["naa_cr_left"], one["naa_cr_right"], one["naa_cr"]) == (2, None, None)
    assert one["mins_naa_left"] == 0
    (problem,) = scored("mrs", columns, [["P1", 8, 6, 0, 5, 2, 3, 4, 3]]).problems
    assert problem.message == "row 2, Cr, left: '0' was found; expected a number above 0"
    (problem,) = scored("mrs", columns, [["P1", 8, 6, 4, 5, 2, 3, -4, 3]]).problems
    assert problem.message == "row 2, mIns, left: '-4' was found; expected a number of 0 or more"
    # Areas of peaks, in whatever unit.
    small = of(scored("mrs", columns, [["P1", 8e-9, 6e-9, 4e-9, 5e-9, 2e8, 3e8, 4e8, 3e8]]))
    assert (small["naa_cr_left"], small["mins_naa_right"]) == (pytest.approx(2), pytest.approx(3e8 / 6e-9))


@pytest.mark.parametrize(("record", "count"), [((1, 1, 0, 1), 3), ((0, 0, 0, 0), 0), ((1, 1, 1, 1), 4)])
def test_involved_segments(record: tuple[int, ...], count: int) -> None:
    columns = ["participant_id", "bulbar", "cervical", "thoracic", "lumbosacral"]
    assert of(scored("segments", columns, [["P1", *record]])) == {"segments_involved": count}
    (problem,) = scored("segments", [*columns, "cranial"], [["P1", *record, 1]]).problems
    assert "not columns of segments: cranial" in problem.message


# --- sex, age, height and FVC -------------------------------------------------------------------------------

FVC = ["participant_id", "sex", "age", "height_cm", "fvc_l"]


@pytest.mark.parametrize("written", ["m", "M", "male", "Mann", "homme"])
def test_spellings_of_men(written: str) -> None:
    found = of(scored("fvc", FVC, [["P1", written, 50, 175, 2.22]]))
    assert found["fvc_pct_ecsc1993"] == pytest.approx(50)


@pytest.mark.parametrize("written", ["f", "W", "female", "weiblich", "Frau"])
def test_spellings_of_women(written: str) -> None:
    found = of(scored("fvc", FVC, [["P1", written, 50, 165, 3.1195]]))
    assert found["fvc_pct_ecsc1993"] == pytest.approx(100)


def test_m_beside_hombre_or_mujer_is_no_sex() -> None:
    found = scored("fvc", FVC, [["P1", "M", 50, 165, 3], ["P2", "H", 50, 175, 3]])
    assert set(found.rows["P1"]) == set(found.rows["P2"]) == {None}
    (error,) = [p for p in found.problems if p.severity == "error"]
    assert "M may be a man or a woman" in error.message


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (["M", 50, 1.75, 3], "height in cm: '1.75' was found; expected a number from 100 to 230"),
        (["M", 50, 175, 3200], "FVC in litres: '3200' was found; expected a number from 0.1 to 12"),
        (["1", 50, 175, 3], "sex: '1' was found; expected one of F, M"),
        (["M", 500, 175, 3], "age in years: '500' was found"),
        (["M", 50, "175 cm", 3], "height in cm: '175 cm' was found"),
    ],
)
def test_a_record_in_other_units_is_told(row: list[object], said: str) -> None:
    (problem,) = [p for p in scored("fvc", FVC, [["P1", *row]]).problems if p.severity == "error"]
    assert (problem.code, problem.shape) == ("bad-value", "P1")
    assert said in problem.message


def test_criteria_from_records() -> None:
    columns = list(template(open_instrument("als-criteria"))[0])
    assert len(columns) == 1 + 24 + 1
    signs = {"umn_cervical", "lmn_cervical", "umn_bulbar", "lmn_bulbar"}
    row = ["P1", *[int(column in signs) for column in columns[1:-1]], ""]
    found = of(scored("als-criteria", columns, [row]))
    assert (found["el_escorial"], found["awaji"], found["awaji_us"]) == ("probable",) * 3
    assert (found["regions_umn"], found["regions_lmn"], found["regions_both"]) == (2, 2, 2)
    row[columns.index("emg_limbs")] = 3
    wrong = scored("als-criteria", columns, [row])
    assert [(p.code, p.shape) for p in wrong.problems] == [("contradicting-record", "P1")]
    assert wrong.rows == {}
    (problem,) = scored("als-criteria", columns, [["P1", *row[1:-1], 5]]).problems
    assert "limbs with denervation on EMG: '5' was found" in problem.message
