"""``review.csv``: what is read, what is refused, and that it comes back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.review.timing import add_seconds, read_seconds
from mriparaspinal.review.verdict_file import VerdictFile
from mriparaspinal.review.verdicts import COLUMNS, Verdict, read_marks, read_verdicts, verdicts_bytes


def table(folder: Path, *lines: str, name: str = "review.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_is_read_row_by_row(tmp_path):
    path = table(
        tmp_path,
        "image,region,reader,verdict,reason,comment",
        "ALS_1_3.png,,anna,reviewed,,",
        'p 2/LR_1_4.png,MF_L,anna,exclude,"motion, ghosts",again in June',
        "ALS_1_3.png,IVD,,look-again,,border of the disc?",
    )
    assert read_verdicts(path) == [
        Verdict("ALS_1_3.png", "", "anna", "reviewed", "", ""),
        Verdict("p 2/LR_1_4.png", "MF_L", "anna", "exclude", "motion, ghosts", "again in June"),
        Verdict("ALS_1_3.png", "IVD", "", "look-again", "", "border of the disc?"),
    ]


def test_columns_that_may_be_missing_and_further_ones(tmp_path):
    path = table(tmp_path, "verdict;image;date", "look-again;ALS_1_3.png;Monday")
    assert read_verdicts(path) == [Verdict("ALS_1_3.png", "", "", "look-again", "", "")]


@pytest.mark.parametrize("written", ["MF_L", "mf-l", "left multifidus"])
def test_regions_in_any_spelling_of_the_contract(tmp_path, written):
    path = table(tmp_path, "image,region,verdict", f"ALS_1_3.png,{written},reviewed")
    assert read_verdicts(path)[0].region == "MF_L"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("ALS_1_3.png,,,reviewd,,", "row 2: verdict 'reviewd' was found; expected one of reviewed"),
        ("ALS_1_3.png,,,look again,,", "did you mean look-again?"),
        ("ALS_1_3.png,,,,,", "row 2: verdict '' was found"),
        ("ALS_1_3.png,,,exclude,,ugly", "row 2: exclude without a reason; expected why"),
        ("ALS_1_3.png,heart,,reviewed,,", "row 2: region 'heart' was found; expected MF_L"),
        ("ALS_1_3.png,MF,,reviewed,,", "row 2: region 'MF' was found"),
        (",,,reviewed,,", "row 2: image '' was found; expected a name below the dataset"),
        ("../ALS_1_3.png,,,reviewed,,", "row 2: image '../ALS_1_3.png' was found"),
        ("/scans/ALS_1_3.png,,,reviewed,,", "row 2: image '/scans/ALS_1_3.png' was found"),
        (r"C:\ALS_1_3.png,,,reviewed,,", "was found; expected a name below the dataset"),
    ],
)
def test_what_is_refused_names_its_row(tmp_path, row, said):
    path = table(tmp_path, ",".join(COLUMNS), row)
    with pytest.raises(NoInputError) as error:
        read_verdicts(path)
    assert said in str(error.value)
    assert str(error.value).startswith("review.csv: ")
    assert "\n" not in str(error.value)


def test_two_verdicts_of_one_reader_on_one_region(tmp_path):
    header = "image,region,reader,verdict"
    path = table(tmp_path, header, "a.png,MF_L,anna,reviewed", "a.png,left multifidus,anna,look-again")
    with pytest.raises(NoInputError, match=r"row 3: judges MF_L of a.png again, as row 2 does"):
        read_verdicts(path)
    table(tmp_path, header, "a.png,MF_L,anna,reviewed", "a.png,MF_L,ben,look-again", "a.png,,anna,reviewed")
    assert len(read_verdicts(path)) == 3


def test_another_table_and_no_table(tmp_path):
    path = table(tmp_path, "participant_id,group", "ALS_1,ALS")
    with pytest.raises(NoInputError, match="no column image and verdict; expected image,"):
        read_verdicts(path)
    with pytest.raises(NoInputError, match=r"absent\.csv: "):
        read_verdicts(tmp_path / "absent.csv")


def test_what_is_written_is_read_again_sorted_and_no_formula(tmp_path):
    verdicts = [
        Verdict("ALS_10_3.png", "", "anna", "reviewed", "", '=HYPERLINK("x")'),
        Verdict("ALS_2_3.png", "MF_R", "anna", "exclude", 'torn, "ghosts"', "zwei\nZeilen"),
        Verdict("ALS_2_3.png", "", "anna", "look-again", "", "größer"),
    ]
    path = tmp_path / "review.csv"
    path.write_bytes(verdicts_bytes(verdicts))
    assert read_verdicts(path) == [verdicts[2], verdicts[1], verdicts[0]]
    assert b"'=HYPERLINK" in path.read_bytes()
    assert verdicts_bytes(reversed(verdicts)) == path.read_bytes()


SAVED = "image,region,reader,verdict,reason,comment\na.png,,ben,exclude,motion,größer\n"


@pytest.mark.parametrize(
    "text",
    [
        SAVED.replace("\n", "\r\n"),
        "\ufeff" + SAVED,
        "\ufeff" + SAVED.replace(",", ";").replace("\n", "\r\n"),
        SAVED.replace(",", "\t"),
        "verdict,reason,image,reader,comment\nexclude,motion,a.png,ben,größer\n",
    ],
)
def test_a_table_that_a_spreadsheet_wrote_is_judged_on(tmp_path, text):
    (tmp_path / "review.csv").write_bytes(text.encode())
    VerdictFile(tmp_path, "anna").judge(Verdict("b.png", "MF_L", "anna", "look-again", "", ""))
    assert read_verdicts(tmp_path / "review.csv") == [
        Verdict("a.png", "", "ben", "exclude", "motion", "größer"),
        Verdict("b.png", "MF_L", "anna", "look-again", "", ""),
    ]


def test_a_name_with_an_umlaut_is_one_in_both_spellings(tmp_path):
    """macOS writes ö as o and a mark; tables are read in one spelling."""
    name = "gro\u0308ße/ALS_1_3.png"
    for comment in ("first", "second", "third"):
        judged = VerdictFile(tmp_path, "anna")
        judged.judge(Verdict(name, "", "anna", "look-again", "", comment))
        assert [verdict.comment for verdict in judged.of(name)] == [comment]
        add_seconds(tmp_path, name, "anna", 2)
    assert [v.comment for v in VerdictFile(tmp_path, "anna").of(name)] == ["third"]
    assert read_seconds(tmp_path) == {("größe/ALS_1_3.png", "anna"): 6}


def test_a_column_that_somebody_added_is_not_lost(tmp_path):
    path = table(tmp_path, "image,verdict,date", "a.png,reviewed,Monday")
    before = path.read_bytes()
    judged = VerdictFile(tmp_path, "anna")
    with pytest.raises(UsageError, match=r"review\.csv: the column date was found; expected image, region"):
        judged.judge(Verdict("b.png", "", "anna", "reviewed", "", ""))
    assert path.read_bytes() == before


def test_a_link_to_the_table_of_another_folder_is_not_followed(tmp_path):
    theirs = table(tmp_path, "image,verdict", "a.png,reviewed")
    before = theirs.read_bytes()
    (tmp_path / "scans").mkdir()
    judged = VerdictFile(tmp_path / "scans", "anna")
    (tmp_path / "scans" / "review.csv").symlink_to(theirs)
    for act in (
        lambda: judged.judge(Verdict("b.png", "", "anna", "reviewed", "", "")),
        lambda: VerdictFile(tmp_path / "scans", "anna"),
    ):
        with pytest.raises(NoInputError, match=r"review\.csv: a link that leads out of the folder"):
            act()
    assert theirs.read_bytes() == before


def test_marks_of_the_report(tmp_path):
    header = "participant_id,segment,image,reasons"
    path = table(tmp_path, header, "ALS_1,L3,ALS_1_3.png,FI of MF left is unusual", name="marks.csv")
    assert read_marks(path) == [Verdict("ALS_1_3.png", "", "", "look-again", "FI of MF left is unusual", "")]
    path = table(tmp_path, ",".join(COLUMNS), "ALS_1_3.png,MF_L,anna,exclude,cyst,")
    assert read_marks(path) == [Verdict("ALS_1_3.png", "MF_L", "anna", "exclude", "cyst", "")]
    with pytest.raises(NoInputError, match="no column image and reasons"):
        read_marks(table(tmp_path, "a,b", "1,2", name="other.csv"))
