"""The measures size: by body height, disc and vertebral body; heights that are there, and others."""

from __future__ import annotations

import pytest

import mriparaspinal as mp
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.participants import read_column, read_participants
from mriparaspinal.core.visits import read_people
from mriparaspinal.measure.size import height_of
from tests.support.builders.slices import SHAPES, box, polygon, write_slice

#: Of SHAPES with Pillow's rule: PM 20 × 20, IVD 30 × 30; VB drawn below as 30 × 10.
PM_PX, IVD_PX, VB_PX = 400, 900, 300
VB = polygon("VB", box(35, 50, 64, 59))


def dataset(folder, heights="ALS_1,170", shapes=SHAPES, stems=("ALS_1_3",)):
    for stem in stems:
        write_slice(folder, stem, shapes=list(shapes))
    rows = "".join(f"{stem}.png,0.5,0.8\n" for stem in stems)
    (folder / "slices.csv").write_text(f"image,row_spacing_mm,col_spacing_mm\n{rows}")
    (folder / "participants.csv").write_text(f"participant_id,height\n{heights}\n")
    return folder


def rows_of(folder, **settings):
    found = mp.quantify(folder, settings={"measures": ["size"], **settings})
    rows = found.table.to_dict("records")
    return {(row["muscle"], row["side"]): row for row in rows}, found


def test_size_by_hand(tmp_path):
    rows, found = rows_of(dataset(tmp_path))
    assert not found.problem_list
    left, both = rows["PM", "left"], rows["PM", "both"]
    assert left["rcsa_ivd"] == left["rcsa"] == PM_PX / IVD_PX
    assert left["csa_height2"] == pytest.approx(PM_PX * 0.5 * 0.8 / 1.7**2)  # mm²/m²
    # Hamaguchi et al. 2016: the area of both psoas muscles in cm² by the square of the height in m.
    assert both["psoas_index"] == pytest.approx(2 * PM_PX * 0.4 / 100 / 1.7**2)
    assert both["csa_height2"] == pytest.approx(2 * PM_PX * 0.4 / 1.7**2)
    empty = found.table[["psoas_index", "rcsa_vb"]].isna().sum()
    assert empty.tolist() == [len(rows) - 1, len(rows)]


@pytest.mark.parametrize("reference", ["IVD", "VB"])
def test_disc_and_vertebral_body_side_by_side(tmp_path, reference):
    folder = dataset(tmp_path, shapes=[*SHAPES, VB])
    with pytest.raises(UsageError, match="choose --reference"):
        rows_of(folder)
    rows, found = rows_of(folder, reference=reference)
    assert not found.problem_list
    for row in rows.values():
        assert (row["rcsa_ivd"], row["rcsa_vb"]) == (row["csa_px"] / IVD_PX, row["csa_px"] / VB_PX)
        assert row["rcsa"] == row[f"rcsa_{reference.lower()}"]


def test_a_stack_is_pooled_as_rcsa_is(tmp_path):
    larger = [s for s in SHAPES if s["label"] != "IVD"] + [polygon("IVD", box(35, 20, 64, 59))]
    folder = dataset(tmp_path, stems=("ALS_1_3_a", "ALS_1_3_b"))
    write_slice(folder, "ALS_1_3_b", shapes=larger)
    rows, _ = rows_of(folder)
    for row in rows.values():
        assert row["rcsa_ivd"] == row["rcsa"]
        assert row["csa_height2"] == pytest.approx(row["csa_mm2"] / 1.7**2)
    assert rows["PM", "left"]["rcsa_ivd"] == 2 * PM_PX / (900 + 1200)


def test_missing_heights_are_counted_once(tmp_path):
    folder = dataset(
        tmp_path, "ALS_1,\nALS_2,180\nALS_3,NA", stems=("ALS_1_3", "ALS_2_3", "ALS_2_4", "ALS_3_3")
    )
    found = mp.quantify(folder, settings={"measures": ["size"]})
    (problem,) = (p for p in found.problem_list if p.code == "measure-lacks")
    assert problem.message == (
        "no height in the participants table for 2 of 3 participants, among them ALS_1; expected one for each"
    )
    known = found.table["csa_height2"].notna()
    assert set(found.table["participant_id"][known]) == {"ALS_2"}


def test_without_spacings_there_are_no_areas_to_divide(tmp_path):
    folder = dataset(tmp_path)
    (folder / "slices.csv").unlink()
    _, found = rows_of(folder)
    (problem,) = found.problem_list
    assert "no pixel spacing in slices.csv for 1 of 1 slices" in problem.message
    assert found.table["csa_height2"].isna().all()
    assert found.table["rcsa_ivd"].notna().all()


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1.75", "1.75 m are 175 cm"), ("70", "70 inches are 177.8 cm"), ("1750", "1750 mm are 175 cm"),
     ("0", ""), ("-170", ""), ("1e9", ""), ("170 cm", ""), ("1,75", ""), ("5'10", "")],
)  # fmt: skip
def test_heights_that_are_none_in_cm(text, meant):
    cells = read_column("height", ["175", text])
    assert cells.cells == ("175", "")
    assert cells.faults == {1: "a number from 100 to 250 (cm) or nothing" + (f"; {meant}" if meant else "")}


def test_a_bad_height_is_an_error_and_its_cells_are_empty(tmp_path):
    _, found = rows_of(dataset(tmp_path, "ALS_1,1.7"))
    assert [p.code for p in found.problem_list] == ["measure-lacks", "bad-value"]
    assert found.table["csa_height2"].isna().all()


@pytest.mark.parametrize(
    ("column", "told"), [("height_cm", True), ("Height", True), ("heightt", True), ("weight", False)]
)
def test_columns_nearly_called_height(column, told):
    _, problems = read_participants(("participant_id", column), [("ALS_1", "170")], "p.csv")
    assert [p.code for p in problems] == ["column-alike"] * told


def test_the_height_of_a_follow_up():
    columns = ("participant_id", "session", "height")
    rows = [("A", "v1", "170"), ("A", "v2", ""), ("B", "v1", "170"), ("B", "v2", "171"), ("B", "v3", "")]
    people, problems = read_people(columns, rows, "p.csv")
    assert not problems
    told = {(who, s): height_of(people, who, s) for who in "AB" for s in ("v1", "v2", "v3")}
    assert told == {("A", "v1"): 170, ("A", "v2"): 170, ("A", "v3"): 170,
                    ("B", "v1"): 170, ("B", "v2"): 171, ("B", "v3"): None}  # fmt: skip
    assert height_of(people, "C", "v1") is None
