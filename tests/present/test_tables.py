"""The layout of Tables 1–4, compared with the paper's own rows and a Markdown written by hand."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.analysis.files import to_markdown
from mriparaspinal.present.table_layout import PaperTable
from mriparaspinal.present.tables import table1, table2, table3, table4
from mriparaspinal.stats.characteristics import characteristics
from mriparaspinal.stats.correlate import COLUMNS

PAPERS = Path(__file__).parents[2] / ".." / "shared" / "papers"
needs_papers = pytest.mark.skipif(not PAPERS.is_dir(), reason="the papers (../shared/papers) are not here")


def made(result: tuple[PaperTable | None, list[str]]) -> PaperTable:
    table, notes = result
    assert table is not None
    assert notes == []
    return table


def comparison(contrast: str, labels: tuple[str, str], **cells: object) -> dict[str, object]:
    return {
        "contrast": contrast, "segment": "L3", "muscle": "MF", "metric": "fi", "role": "",
        "label_a": labels[0], "label_b": labels[1], "n_a": 38, "n_b": 32,
        "summary_a": "", "summary_b": "", "test": "student_t", "p": math.nan, "p_adjusted": math.nan,
    } | cells  # fmt: skip


SIDES = ("symptomatic", "contralateral")
HAND_MADE = pd.DataFrame(
    [
        comparison(
            "side:ALS", SIDES, n_b=38, summary_a="0.40 ± 0.19", summary_b="0.34 (0.24)", p=0.446,
            test="mann_whitney_u",
        ),
        comparison(
            "side:ALS", SIDES, n_a=36, n_b=37, metric="rcsa", summary_a="0.22 (0.17)",
            summary_b="0.41 ± 0.10", p=0.00004, test="mann_whitney_u",
        ),
        comparison("side:ALS", SIDES, n_b=38, segment="L5", summary_a="-0.10 ± 0.02", p=math.nan, test=""),
        comparison("side:LR", SIDES, n_a=32, summary_a="0.37 ± 0.16", summary_b="0.39 ± 0.17", p=0.0496),
        comparison("group:ALS-LR", ("ALS", "LR"), role="symptomatic", p=0.2),
    ]
)  # fmt: skip

GOLDEN = """\
### Table 2. MRI data (FI and rCSA) by side in ALS and LR.

| Item | ALS S (n = 36–38) | ALS C (n = 37–38) | LR S (n = 32) | LR C (n = 32) | P¹ value | P² value |
| --- | :-: | :-: | :-: | :-: | :-: | :-: |
| L3 |  |  |  |  |  |  |
| MF FI | 0.40 ± 0.19 | 0.34 (0.24) | 0.37 ± 0.16 | 0.39 ± 0.17 | 0.446 | **0.0496** |
| MF rCSA | 0.22 (0.17) | 0.41 ± 0.10 | – | – | **< 0.001** | – |
| L5 |  |  |  |  |  |  |
| MF FI | −0.10 ± 0.02 | – | – | – | – | – |

ALS, amyotrophic lateral sclerosis; LR, lumbosacral radiculopathy; FI, fatty infiltration; \
rCSA, relative cross-sectional area; MF, multifidus; S, symptomatic side; C, contralateral side.

Mean ± standard deviation where normality is not rejected (Kolmogorov–Smirnov test with Lilliefors' \
correction, p ≥ 0.05); else median, with the interquartile range in brackets.

Tests used: Student's t, Mann–Whitney U; chosen for each row: two normal arms by Student's \
t-test, or Welch's where Levene's test finds unequal variances; others by the Mann–Whitney U \
test. The test of each row is in comparisons.csv.

n, number of values used; those of each row are in comparisons.csv.

P¹, symptomatic side against contralateral side in ALS.

P², symptomatic side against contralateral side in LR.

Bold: p < 0.05 before rounding, not adjusted for the number of tests; values adjusted by Benjamini and \
Hochberg are in comparisons.csv (p_adjusted).

–, not available.
"""


def test_table_2_as_markdown() -> None:
    assert to_markdown(made(table2(HAND_MADE))) == GOLDEN


def test_a_table_read_back_from_its_csv_gives_the_same(tmp_path: Path) -> None:
    HAND_MADE.to_csv(tmp_path / "comparisons.csv", index=False)
    assert table2(pd.read_csv(tmp_path / "comparisons.csv")) == table2(HAND_MADE)


def test_bold_is_p_below_005_and_nothing_else() -> None:
    table = made(table2(HAND_MADE))
    assert {table.rows[row][column] for row, column in table.bold} == {"0.0496", "< 0.001"}
    assert {table.header[column] for _, column in table.bold} == {"P¹ value", "P² value"}


def test_left_and_right_where_no_onset_side_is_known() -> None:
    rows = pd.DataFrame([comparison("side:HC", ("left", "right"), summary_a="1", summary_b="2", p=0.5)])
    table = made(table2(rows))
    assert table.header == ("Item", "HC L (n = 38)", "HC R (n = 32)", "P value")
    assert (
        "HC, healthy controls; FI, fatty infiltration; MF, multifidus; L, left; R, right." in table.footnotes
    )
    assert "P, left against right in HC." in table.footnotes


def paper_rows(file: str) -> list[dict[str, str]]:
    with (PAPERS / file).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def p_of(text: str) -> float:
    return 0.0005 if text == "<0.01" else float(text)


@needs_papers
def test_table_2_has_the_rows_of_the_paper() -> None:
    printed = paper_rows("ren2026_table2.csv")
    rows = [
        comparison(
            f"side:{group.upper()}", SIDES, segment=r["segment"], muscle=r["muscle"],
            metric=r["metric"].lower(), summary_a=r[f"{group}_symptomatic"],
            summary_b=r[f"{group}_contralateral"], p=p_of(r[f"p_{group}_sides"]),
        )
        for group in ("als", "lr")
        for r in reversed(printed)
    ]  # fmt: skip
    rows.sort(key=lambda r: r["metric"])  # the order of muscles and segments is the layout's own
    table = made(table2(pd.DataFrame(rows)))
    expected, segment = [], ""
    for r in printed:
        if r["segment"] != segment:
            segment = r["segment"]
            expected.append((segment, *[""] * 6))
        p = [r[f"p_{group}_sides"].replace("<0.01", "< 0.001") for group in ("als", "lr")]
        cells = [r[f"{group}_{side}"] for group in ("als", "lr") for side in SIDES]
        expected.append((f"{r['muscle']} {r['metric']}", *cells, *p))
    assert list(table.rows) == expected


ARMS = {
    "group:ALS-LR": (("ALS", "LR"), "als", "p_als_lr"),
    "group:ALS[onset_region=lower]-LR": (("ALS[onset_region=lower]", "LR"), "als_lower", "p_als_lower_lr"),
}


@needs_papers
def test_table_3_has_the_columns_of_the_paper() -> None:
    printed = paper_rows("ren2026_table3.csv")
    rows = [
        comparison(
            contrast, labels, segment=r["segment"], muscle=r["muscle"], metric=r["metric"].lower(), role=role,
            n_a=26 if "lower" in arm else 38, summary_a=r[f"{arm}_{role}"], summary_b=r[f"lr_{role}"],
            p=p_of(r[f"{p}_{role}"]),
        )
        for contrast, (labels, arm, p) in ARMS.items()
        for r in printed
        for role in ("symptomatic", "bilateral")
    ]  # fmt: skip
    table = made(table3(pd.DataFrame(rows)))
    assert table.header == (
        "Item", "ALS S (n = 38)", "ALS B (n = 38)", "ALS-lower S (n = 26)", "ALS-lower B (n = 26)",
        "LR S (n = 32)", "LR B (n = 32)", "P¹ value S", "P¹ value B", "P² value S", "P² value B",
    )  # fmt: skip
    body = [row for row in table.rows if any(row[1:])]
    for found, r in zip(body, printed, strict=True):
        assert found[0] == f"{r['muscle']} {r['metric']}"
        assert list(found[1:7]) == list(r.values())[3:9]
        assert [float(p) for p in found[7:] if p != "< 0.001"] == [
            float(p) for p in list(r.values())[9:] if p != "<0.01"
        ]
    assert "P², ALS-lower against LR." in table.footnotes
    assert "ALS-lower, ALS with onset_region = lower." in table.footnotes


def test_a_filter_that_holds_for_both_arms_makes_them_other_arms() -> None:
    rows = pd.DataFrame(
        [
            comparison("group:ALS-LR", ("ALS", "LR"), role="symptomatic", summary_a="all", p=0.3),
            comparison("group:ALS-LR[sex=F]", ("ALS", "LR"), role="symptomatic", summary_a="women", p=0.4),
        ]
    )
    table = made(table3(rows))
    assert table.header == (
        "Item", "ALS S (n = 38)", "ALS (sex = F) S (n = 38)", "LR S (n = 32)", "LR (sex = F) S (n = 32)",
        "P¹ value S", "P² value S",
    )  # fmt: skip
    assert table.rows[1] == ("MF FI", "all", "women", "–", "–", "0.300", "0.400")
    assert "P², ALS (sex = F) against LR (sex = F)." in table.footnotes


def test_three_groups_stand_beside_each_other() -> None:
    pairs = [("ALS", "LR"), ("ALS", "HC"), ("HC", "LR")]
    rows = [comparison(f"group:{a}-{b}", (a, b), role="bilateral", p=0.5) for a, b in pairs]
    header = made(table3(pd.DataFrame(rows))).header
    assert [re.sub(r" \(.*", "", column) for column in header] == [
        "Item", "ALS B", "HC B", "LR B", "P¹ value B", "P² value B", "P³ value B",
    ]  # fmt: skip


def test_an_arm_is_shown_for_each_side_that_any_contrast_has() -> None:
    rows = [
        comparison("group:HC-LR", ("HC", "LR"), role="bilateral", summary_b="both", p=0.5),
        comparison("group:ALS-LR", ("ALS", "LR"), role="symptomatic", summary_b="one", p=0.5),
    ]
    table = made(table3(pd.DataFrame(rows)))
    assert [re.sub(r" \(.*", "", column) for column in table.header[1:5]] == ["HC B", "ALS S", "LR S", "LR B"]
    assert table.rows[1][1:5] == ("–", "–", "one", "both")


def test_a_plain_table_has_neither_segments_nor_sides() -> None:
    rows = [
        comparison(
            "group:ALS-HC", ("ALS", "HC"), segment="", muscle="", metric=metric, summary_a="1", p=0.0042
        )
        for metric in ("fa_cst", "fi/bmi")
    ]
    table = made(table3(pd.DataFrame(rows)))
    assert table.header == ("Item", "ALS (n = 38)", "HC (n = 32)", "P value")
    assert table.rows == (("fa_cst", "1", "–", "0.004"), ("FI/BMI", "1", "–", "0.004"))


def correlation(
    segment: str, muscle: str, metric: str, r: float, p: float, **more: object
) -> dict[str, object]:
    cells = {"segment": segment, "muscle": muscle, "metric": metric, "role": "symptomatic"}
    cells |= {"score": "alsfrs_lower", "covariates": "age+bmi", "method": "pearson", "n": 37, "df": 33}
    return cells | {"r": r, "ci_low": 0.0, "ci_high": 0.0, "p": p, "p_adjusted": p} | more


def printed_table_4() -> list[tuple[str, str, list[str]]]:
    """Segment, muscle and the two cells of each row as the paper prints them."""
    text = next(PAPERS.glob("001-*.txt")).read_text(encoding="utf-8")
    body = text[text.index("TABLE 4") :]
    found, segment = [], ""
    for line in body.splitlines()[2:30]:
        cells = line.split("\t")
        if re.fullmatch(r"L\d", cells[0].strip()):
            segment = cells[0].strip()
        elif len(cells) == 3 and "$" in line:
            found.append((segment, cells[0], [c.strip("$ ").replace("-", "−") for c in cells[1:]]))
    return found


def numbers(cell: str) -> tuple[float, float]:
    r, p = re.findall(r"[−\d.]+(?=,|$)", cell)
    return float(r.replace("−", "-")), float(p)


@needs_papers
def test_table_4_prints_what_the_paper_prints() -> None:
    printed = printed_table_4()
    assert len(printed) == 15
    n = {"L1": {"n": 36, "df": 32}}
    rows = [
        correlation(segment, muscle, metric, *numbers(cell), **n.get(segment, {}))
        for segment, muscle, cells in printed
        for metric, cell in zip(("fi", "rcsa"), cells, strict=True)
    ]
    table = made(table4(pd.DataFrame(rows, columns=COLUMNS)))
    assert table.header == ("ALSFRS-R lower", "FI", "rCSA")
    assert [row for row in table.rows if row[1]] == [(muscle, *cells) for _, muscle, cells in printed]
    assert [row[0] for row in table.rows if not row[1]] == ["L1", "L2", "L3", "L4", "L5"]
    assert len(table.bold) == sum(numbers(cell)[1] < 0.05 for _, _, cells in printed for cell in cells)
    assert all(numbers(table.rows[row][column])[1] < 0.05 for row, column in table.bold)
    note = "Partial correlation (Pearson), controlled for age and BMI; symptomatic side."
    assert note in table.footnotes
    assert (
        "n = 36–37; degrees of freedom 32–33; those of each row are in correlations.csv." in table.footnotes
    )


def test_several_scores_and_an_absent_correlation() -> None:
    rows = [
        correlation("L1", "MF", "fi", 0.9, 1e-9),
        correlation("L1", "MF", "fi", math.nan, math.nan, score="mrc_sum", df=None),
    ]
    table = made(table4(pd.DataFrame(rows, columns=COLUMNS)))
    assert table.header == ("Item", "ALSFRS-R lower: FI", "mrc_sum: FI")
    assert table.rows == (("L1", "", ""), ("MF", "r = 0.900, p < 0.001", "–"))
    assert table.bold == {(1, 1)}


def test_correlations_of_a_plain_table() -> None:
    rows = [
        correlation("", "", metric, r, 0.25, role="", covariates="", method="spearman")
        for metric, r in (("fa", 0.1), ("md", -0.2))
    ]
    table = made(table4(pd.DataFrame(rows, columns=COLUMNS)))
    assert table.header == ("ALSFRS-R lower", "r and p")
    assert table.rows[0] == ("fa", "r = 0.100, p = 0.250")
    assert table.rows[1][1] == "r = −0.200, p = 0.250"
    assert "Spearman's correlation." in table.footnotes


def test_table_1_as_in_the_paper() -> None:
    people = pd.DataFrame(
        {
            "participant_id": range(70),
            "group": ["ALS"] * 38 + ["LR"] * 32,
            "sex": ["M"] * 22 + ["F"] * 16 + ["M"] * 18 + ["F"] * 14,
            "alsfrs_r": [*np.linspace(38, 46, 37), math.nan, *[math.nan] * 32],
        }
    )
    table = made(table1(characteristics(people)[0]))
    assert table.header == ("Item", "ALS (n = 38)", "LR (n = 32)", "P value", "Test")
    assert table.rows == (
        ("Sex (M/F)", "22/16", "18/14", "0.890", "χ²"),
        ("ALSFRS-R (0–48)", "42.0 ± 2.4 [37]", "–", "–", "–"),
    )
    assert table.bold == frozenset()
    assert "[n], number of participants with a value, where some have none." in table.footnotes


def test_table_1_of_three_groups_and_of_one() -> None:
    people = pd.DataFrame({"participant_id": range(9), "group": list("ABC") * 3, "age": range(50, 59)})
    described, _ = characteristics(people)
    table = made(table1(described, "shapiro"))
    assert table.header == (
        "Item", "A (n = 3)", "B (n = 3)", "C (n = 3)", "P¹ value", "Test¹", "P² value", "Test²", "P³ value",
        "Test³",
    )  # fmt: skip
    assert "P³, B against C." in table.footnotes
    one, _ = characteristics(people, groups=["B"])
    assert made(table1(one)).header == ("Item", "B (n = 3)")


def test_nothing_to_show() -> None:
    empty = HAND_MADE.head(0)
    assert table2(empty) == (None, ["Table 2: no comparison of sides within a group, so it is left out"])
    assert table3(empty) == (None, ["Table 3: no comparison of groups, so it is left out"])
    assert table4(pd.DataFrame(columns=COLUMNS)) == (None, ["Table 4: no correlations, so it is left out"])
    nobody, _ = characteristics(pd.DataFrame({"participant_id": []}))
    assert table1(nobody) == (None, ["Table 1: no characteristics, so it is left out"])
