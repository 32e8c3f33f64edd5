"""Write docs/the-papers-numbers.md and its tables: which printed numbers follow from the papers' own tables.

Run: ``python docs/scripts/papers_numbers.py [PAPERS]``, where PAPERS is the folder with the papers' texts and
``ren2026_table2.csv``, ``ren2026_table3.csv`` (default ``../shared/papers`` beside the project).
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from markdown_page import joined, table
from scipy import stats

from mriparaspinal.stats.arms import Arm, compare_arms
from mriparaspinal.stats.characteristics import compare_counts
from mriparaspinal.stats.correlate import p_from_r
from mriparaspinal.stats.roc import roc

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGE = "the-papers-numbers.md"

N = {"als": 38, "lr": 32}
#: The table's cells have two decimals, so the number behind one lies within half a unit of the last.
HALF = 0.005
AGREES, DIFFERS = "agrees", "**differs**"
#: Degrees of freedom that Table 4 may have: with two covariates n − 4, of 38 patients or a few less.
POSSIBLE_DF = range(28, 35)
SEGMENTS = ("L1", "L2", "L3", "L4", "L5")

Row = dict[str, str]
Range = tuple[float, float]


class Summary(NamedTuple):
    """A cell printed as mean ± SD."""

    mean: float
    sd: float


def main() -> None:
    """Write the page and its tables."""
    papers = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "papers"
    for name, content in made(papers).items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(content, encoding="utf-8")
        print(f"wrote {DOCS / name}")


def made(papers: Path) -> dict[str, str]:
    """The page (Markdown) and its tables (CSV) by their names in ``docs``, from the folder of the papers."""
    ren = _text(papers / "001-paraspinal-mri-als-lr.txt")
    table2, table3 = (_rows(papers / f"ren2026_table{number}.csv") for number in (2, 3))
    lists: dict[str, str] = {}
    parts = [
        INTRODUCTION,
        "## Ren et al. 2026: lumbar muscles in ALS and radiculopathy\n",
        "Front. Neurol. 17:1751139. 38 patients with ALS, 32 with lumbosacral radiculopathy (LR).\n",
        characteristics(ren),
        _sides(table2, lists),
        _not_paired(table2, table3, lists),
        _correlations(ren, lists),
        _copied_column(table2, table3, lists),
        _bilateral(table2, table3, lists),
        _last_digits(table2, table3, lists),
        _divided_by_bmi(ren),
        _fasciculation(_text(papers / "000-fasciculation-ultrasound.txt"), lists),
        _brain(_text(papers / "002-brain-mri-als.txt")),
    ]
    return {PAGE: joined(parts), **lists}


def _listed(lists: dict[str, str], name: str, header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Add a table to the files beside the page; its address."""
    text = io.StringIO()
    plain = ([cell.replace("*", "") for cell in row] for row in (header, *rows))
    csv.writer(text, lineterminator="\n").writerows(plain)
    address = f"papers-numbers/{name}.csv"
    lists[address] = text.getvalue()
    return address


INTRODUCTION = """\
# The papers' numbers

Numbers printed in the papers, recomputed from others in the same papers. None is built in, so your results
are not affected.

A p-value is recomputed for all values that round to the printed ones: *agrees*, if the printed one lies in
that range. S, C and B are symptomatic side, contralateral side, both sides.
"""

# --- Ren et al. 2026 ----------------------------------------------------------------------------------------


def characteristics(paper: str) -> str:
    """The numbers of Table 1 by the text of the paper and by ours; stops where the text has others."""
    _require(paper, "22/16\t18/14\t0.890", "27/11\t20/12\t0.071", "54.1 ± 11.8\t57.1 ± 13.5\t0.331")
    _require(paper, "24.3 ± 2.9\t23.2 ± 4.1\t0.202")
    sex, psa = compare_counts([22, 16], [18, 14]).p, compare_counts([27, 11], [20, 12]).p
    exact_sex, exact_psa = (
        stats.fisher_exact(counts).pvalue for counts in ([[22, 16], [18, 14]], [[27, 11], [20, 12]])
    )
    rows = [
        ("Sex (M/F)", "22/16", "18/14", "0.890", f"{sex:.3f} (χ²), {exact_sex:.3f} (Fisher)", AGREES),
        ("PSA (+/−)", "27/11", "20/12", "0.071", f"{psa:.3f} (χ²), {exact_psa:.3f} (Fisher)", DIFFERS),
    ]
    for name, a, b, printed in (
        ("Age at onset", Summary(54.1, 11.8), Summary(57.1, 13.5), "0.331"),
        ("BMI", Summary(24.3, 2.9), Summary(23.2, 4.1), "0.202"),
    ):
        found = _p_range_of_groups(a, b, 10 * HALF)
        cells = [f"{cell.mean} ± {cell.sd}" for cell in (a, b)]
        rows.append((name, *cells, printed, f"{_span(found)} (t-test)", _verdict(printed, found)))
    return f"""\
### Table 1: characteristics

{table(("Row", "ALS", "LR", "printed p", "recomputed p", ""), rows)}

χ² without continuity correction; the table's footnote names Fisher's test.
"""


def _sides(table2: list[Row], lists: dict[str, str]) -> str:
    rows = []
    for row, group, a, b in _pairs_of_sides(table2):
        printed = row[f"p_{group}_sides"]
        found = _p_range_of_sides(a, b, N[group])
        cells = [_cell(row[f"{group}_{side}"]) for side in ("symptomatic", "contralateral")]
        rows.append((_name(row), group.upper(), *cells, printed, _span(found), _verdict(printed, found)))
    agree = sum(row[-1] == AGREES for row in rows)
    header = ("Row", "Group", "S", "C", "printed p", "recomputed p", "verdict")
    return f"""\
### Table 2: symptomatic and contralateral side

Of the p-values with a mean ± SD on both sides **{agree} of {len(rows)} agree** with Student's t-test for
*independent* samples ([all rows]({_listed(lists, "table2-sides", header, rows)})).
"""


def _not_paired(table2: list[Row], table3: list[Row], lists: dict[str, str]) -> str:
    rows = []
    for two, three, group in _with_group(table2, table3):
        cells = _three_means(two, three, group)
        if cells is None or not _adds_up(two, three, group):
            continue
        s, c, both = cells
        printed = two[f"p_{group}_sides"]
        found = _p_range_of_pairs(s, c, both, N[group])
        verdict = "possible" if _holds(printed, found) else "not possible"
        rows.append(
            (_name(two), group.upper(), f"{_correlation(*cells):.2f}", printed, _span(found), verdict)
        )
    impossible = [row for row in rows if row[-1] == "not possible"]
    correlations = [float(row[2]) for row in rows]
    header = ("Row", "Group", "correlation of S and C", "printed p", "paired p", "paired test")
    return f"""\
### Were the two sides compared as pairs?

No. As S + C = B in rCSA, SD(S − C)² = 2·(SD(S)² + SD(C)²) − SD(B)² gives a paired t-test. In
**{len(impossible)} of {len(rows)}** rows with three mean ± SD that add up
([all]({_listed(lists, "paired", header, rows)})) its p cannot be the printed one. S and C correlate with
{min(correlations):.2f} to {max(correlations):.2f} (above 1 by rounding), with a median of
{np.median(correlations):.2f}.
"""


def _correlations(paper: str, lists: dict[str, str]) -> str:
    printed = table4(paper)
    df_of = {segment: _df_that_fits(printed, segment) for segment in SEGMENTS}
    rows = []
    for (segment, muscle, metric), (r, p) in printed.items():
        found = _p_range_of_r(float(r), df_of[segment])
        name = f"{segment} {muscle} {metric}"
        rows.append((name, _minus(r), str(df_of[segment]), p, _span(found), _verdict(p, found)))
    agree = sum(row[-1] == AGREES for row in rows)
    others = [
        (row[0], row[1], row[3], *(f"{p_from_r(float(row[1].replace('−', '-')), df):.3f}" for df in (33, 34)))
        for row in rows
        if row[-1] == DIFFERS
    ]
    used = ", ".join(f"{df} at {segment}" for segment, df in df_of.items())
    header = ("Row", "r", "df", "printed p", "recomputed p", "verdict")
    return f"""\
### Table 4: partial correlations with the lower-limb score

With two covariates (age, BMI) df = n − 4. Of {POSSIBLE_DF[0]} to {POSSIBLE_DF[-1]} one alone fits each
segment: {used}. **{agree} of {len(rows)} agree** ([all
rows]({_listed(lists, "table4", header, rows)})); the others would be significant (df = 34: all 38 patients):

{table(("Row", "r", "printed p", "p with df = 33", "p with df = 34"), others)}
"""


def _df_that_fits(printed: dict[tuple[str, str, str], tuple[str, str]], segment: str) -> int:
    """The df with which most p-values of a segment come out; the others must fit none of them."""
    of_segment = [(float(r), p) for (where, *_), (r, p) in printed.items() if where == segment]
    fitting = {df: sum(_holds(p, _p_range_of_r(r, df)) for r, p in of_segment) for df in POSSIBLE_DF}
    (best,) = (df for df, count in fitting.items() if count > 0)
    return best


def _copied_column(table2: list[Row], table3: list[Row], lists: dict[str, str]) -> str:
    rows = []
    counts = dict.fromkeys(("same", "letter", "own", "apart", "p", "testable", "holds"), 0)
    atrophy: list[float] = []
    for two, three in zip(table2, table3, strict=True):
        copied, own = two["als_contralateral"], two["lr_symptomatic"]
        there = three["lr_symptomatic"]
        p2, p3 = two["p_als_sides"], three["p_als_lr_symptomatic"]
        counts["same"] += _numbers(copied) == _numbers(there)
        counts["letter"] += _cell(copied) == _cell(there)
        counts["own"] += _numbers(own) != _numbers(there)
        # To the cent: 0.15 against 0.16 is not more than 0.01 apart.
        counts["apart"] += round(100 * abs(_numbers(own)[0] - _numbers(there)[0])) > 1
        counts["p"] += _same_p(p2, p3)
        a, b = _mean_sd(two["als_symptomatic"]), _mean_sd(own)
        recomputed, verdict = "", ""
        # L1 PM FI is a mean ± SD in one table and a median in the other, with the same numbers.
        if a and b and _mean_sd(three["als_symptomatic"]):
            found = _p_range_of_groups(a, b, HALF)
            recomputed, verdict = _span(found), _verdict(p3, found)
            counts["testable"] += 1
            counts["holds"] += verdict == AGREES
            if two["metric"] == "rCSA" and two["segment"] in ("L4", "L5"):
                atrophy.append(found[1])
        rows.append((_name(two), _cell(copied), _cell(there), _cell(own), p2, p3, recomputed, verdict))
    header = (
        "Row", "ALS C in Table 2", "LR S in Table 3", "LR S in Table 2", "p, ALS S–C (Table 2)",
        "p, ALS–LR, S (Table 3)", "ALS–LR, S from Table 2", "verdict",
    )  # fmt: skip
    n = len(rows)
    return f"""\
### Table 3: the symptomatic side of LR

The column "LR, S" is not that of Table 2 ([all
rows]({_listed(lists, "table3-symptomatic", header, rows)})):

- It is Table 2's "ALS, C" in **{counts["same"]} of {n}** rows ({counts["letter"]} with signs and brackets).
- The numbers differ from Table 2's own "LR, S" in {counts["own"]} of {n} rows, in {counts["apart"]} of them
  by more than 0.01.
- In **{counts["p"]} of {n}** rows the p of ALS against LR is that of the sides within ALS (within 0.01, or
  both below 0.01).
- A t-test of Table 2's own columns agrees with the printed p in {counts["holds"]} of {counts["testable"]}
  rows. The main finding holds: rCSA of the symptomatic side is lower in ALS in all {len(atrophy)} rows of
  L4–L5 that can be recomputed (p at most {max(atrophy):.3f}).
"""


def _bilateral(table2: list[Row], table3: list[Row], lists: dict[str, str]) -> str:
    rows = []
    gaps: dict[tuple[str, bool], list[tuple[float, float, str]]] = {}
    for two, three, group in _with_group(table2, table3):
        cells = two[f"{group}_symptomatic"], two[f"{group}_contralateral"], three[f"{group}_bilateral"]
        s, c, both = (_numbers(cell)[0] for cell in cells)
        low = two["segment"] in ("L3", "L4", "L5")
        gaps.setdefault((group, low), []).append((both - s - c, both - 2 * c, _name(two)))
        means = all(_mean_sd(cell) for cell in cells)
        numbers = [f"{number:.2f}" for number in (s, c, s + c, 2 * c, both)]
        rows.append((_name(two), group.upper(), *numbers, "" if means else "a median is among them"))
    upper, lower = gaps["als", False], gaps["als", True]
    lr = sorted(gaps["lr", False] + gaps["lr", True], key=lambda gap: -abs(gap[0]))
    worst = next(row for row in rows if row[0] == lr[0][2] and row[1] == "LR")
    impossible = [
        f"{_correlation(*cells):.2f}"
        for two, three, group in _with_group(table2, table3)
        if group == "als" and two["segment"] == "L5" and (cells := _three_means(two, three, group))
    ]
    tested, fail = _bilateral_p(table3)
    a, b = (_mean_sd(_find(table3, "L4 MF rCSA")[f"{group}_bilateral"]) for group in N)
    assert a is not None
    assert b is not None
    corrected = _p_range_of_groups(a, Summary(float(worst[4]), b.sd), HALF)
    failing = "; ".join(
        f"{name}, printed {printed}, recomputed {_span(found)}" for name, printed, found in fail
    )
    header = ("Row", "Group", "S", "C", "S + C", "2 × C", "B", "remark")
    return f"""\
### Table 3: both sides together

Means of rCSA must add up (S and C from Table 2, B from Table 3; [all
rows]({_listed(lists, "table3-both-sides", header, rows)})).

- ALS, L1–L2: S + C is B within {_largest(gap[0] for gap in upper)}.
- ALS, L3–L5: B is larger by {min(gap[0] for gap in lower):.2f} to {max(gap[0] for gap in lower):.2f}, and
  *twice C* within {_largest(gap[1] for gap in lower)}. The SDs at L5 would need correlations of S and C
  above 1 ({", ".join(impossible)}): S, C and B cannot all be right.
- LR: S + C is B within {_largest(gap[0] for gap in lr[1:])}, but for {lr[0][2]}: B {worst[6]}, S + C
  {worst[4]}.

Of {tested} p-values of rows with mean ± SD, {tested - len(fail)} agree with a t-test. The others: {failing}.
With {worst[4]} for {lr[0][2]} of LR: {_span(corrected)}.
"""


def _bilateral_p(table3: list[Row]) -> tuple[int, list[tuple[str, str, Range]]]:
    tested, fail = 0, []
    for row in table3:
        a, b = _mean_sd(row["als_bilateral"]), _mean_sd(row["lr_bilateral"])
        if a and b:
            tested += 1
            found = _p_range_of_groups(a, b, HALF)
            if not _holds(row["p_als_lr_bilateral"], found):
                fail.append((_name(row), row["p_als_lr_bilateral"], found))
    return tested, fail


def _last_digits(table2: list[Row], table3: list[Row], lists: dict[str, str]) -> str:
    rows = [
        (_name(two), _cell(two["als_symptomatic"]), _cell(three["als_symptomatic"]))
        for two, three in zip(table2, table3, strict=True)
        if _cell(two["als_symptomatic"]) != _cell(three["als_symptomatic"])
    ]
    header = ("Row", "ALS S in Table 2", "ALS S in Table 3")
    return f"""\
### Tables 2 and 3: the symptomatic side of ALS

Alike in {len(table2) - len(rows)} of {len(table2)} rows. In
[the others]({_listed(lists, "symptomatic-als", header, rows)}) the last digits differ, or a mean ± SD is a
median in the other table.
"""


def _divided_by_bmi(paper: str) -> str:
    _require(paper, "50.00 vs. 44.34", "52.92 vs. 43.13", "0.10 (0.13)")
    n = sum(N.values())
    rows = []
    for segment, als, lr in (("L4", 50.00, 44.34), ("L5", 52.92, 43.13)):
        overall = (N["als"] * als + N["lr"] * lr) / n
        rows.append((segment, *(f"{number:.2f}" for number in (als, lr, overall)), f"{(n + 1) / 2:.1f}"))
    header = ("Segment", "ALS", "LR", "mean over all patients", "mean of all ranks")
    return f"""\
### Text: FI of the psoas divided by BMI

Neither FI/BMI (with FI 0.10 and BMI 24.3 about {0.10 / 24.3:.3f}), nor mean ranks of the {n} patients:

{table(header, rows)}
"""


def table4(paper: str) -> dict[tuple[str, str, str], tuple[str, str]]:
    """(segment, muscle, metric) → (r, p) as printed."""
    cell = re.compile(r"r = (-?\d\.\d+), p = (\d\.\d+)")
    found, segment = {}, ""
    for line in paper.split("TABLE 4 ", 1)[1].splitlines():
        first, *cells = line.strip().split("\t")
        if first in SEGMENTS:
            segment = first
        elif first in ("MF", "ES", "PM"):
            for metric, text in zip(("FI", "rCSA"), cells, strict=True):
                match = cell.search(text)
                assert match is not None, line
                found[segment, first, metric] = (match[1], match[2])
        elif first.startswith("ALS-FRS"):
            break
    return found


# --- the other papers ---------------------------------------------------------------------------------------


def _fasciculation(paper: str, lists: dict[str, str]) -> str:
    _require(paper, "0.873–0.977", "89.8 and 90.7%", "cut-off value 2.5", "43 (48.9%)", "38 (70.4%)")
    _require(paper, "1217/1672", "185/1026", "505/1217", "22/185", "27.2, 18.6, 24, 9.3, and 20.9%")
    _require(paper, "82, 11.1, 4.8, 0.8, and 1.4%", "2 (0–3)", "0 (0–0)")
    scores = _scores(paper)
    row = roc(scores, "group", "ALS", ["score"]).table.iloc[0]
    sensitivity, specificity = 100 * row["sensitivity"], 100 * row["specificity"]
    delong = f"{row['delong_low']:.3f}–{row['delong_high']:.3f}"
    als, others = ((455, 311, 401, 155, 350), (841, 114, 49, 8, 14))
    grades = compare_arms(*(np.repeat(np.arange(5.0), counts) for counts in (als, others)))
    detected = compare_counts([1217, 1672 - 1217], [185, 1026 - 185])
    high = compare_counts([505, 1217 - 505], [22, 185 - 22])
    sex = compare_counts([43, 88 - 43], [38, 54 - 38])
    shares = [", ".join(_percent(100 * n / sum(counts)) for n in counts) for counts in (als, others)]
    rows = [
        ("Maximum score, area under the curve", "0.925", f"{row['auc']:.4f}"),
        ("– 95 % interval", "0.873–0.977", f"{row['ci_low']:.3f}–{row['ci_high']:.3f} (Hanley–McNeil)"),
        ("– cut-off", "2.5", f"{row['cutoff']:g}"),
        ("– sensitivity, specificity", "89.8 %, 90.7 %", f"{sensitivity:.1f} %, {specificity:.1f} %"),
        ("Share of grades 0–4, ALS (%)", "27.2, 18.6, 24, 9.3, 20.9", shares[0]),
        ("Share of grades 0–4, others (%)", "82, 11.1, 4.8, 0.8, 1.4", shares[1]),
        ("Grade, ALS: median (quartiles)", "2 (0–3)", _median(grades.a)),
        ("Grade, others: median (quartiles)", "0 (0–0)", _median(grades.b)),
        ("– their comparison", "<0.001", f"{_p(grades.p)} (Mann–Whitney)"),
        ("Fasciculation found, 1217/1672 against 185/1026", "<0.001", f"{_p(detected.p)} (χ²)"),
        ("High grade, 505/1217 against 22/185", "<0.001", f"{_p(high.p)} (χ²)"),
        ("Men, 43/88 against 38/54", "0.012", f"{_p(sex.p)} (χ²)"),
    ]
    verdicts = [(*cells, AGREES if _is_printed(*cells[1:]) else DIFFERS) for cells in rows]
    return f"""\
## Fasciculation on muscle ultrasound

88 patients with ALS, 54 with other diseases.
**{sum(row[-1] == AGREES for row in verdicts)} of {len(verdicts)} numbers agree**
([all]({_listed(lists, "fasciculation", ("What", "printed", "recomputed", "verdict"), verdicts)})), among them
the area under the curve, 0.925 (0.873–0.977, Hanley and McNeil; DeLong's would be {delong}).
"""


def _scores(paper: str) -> pd.DataFrame:
    """One row per patient, from the counts of each maximum score in the legend of Fig. 1A."""
    legend = " ".join(paper.split("Distribution of the maximum fasciculation scores", 1)[1].split())
    counts = [(float(score), int(n)) for score, n in re.findall(r"(\d) \((\d+) \[", legend)[:7]]
    groups = ["ALS"] * 3 + ["other"] * 4
    rows = [(group, score) for group, (score, n) in zip(groups, counts, strict=True) for _ in range(n)]
    return pd.DataFrame(rows, columns=["group", "score"])


def _brain(paper: str) -> str:
    _require(paper, "13 men, p = 0.028", "p = 0.130", "(p = 0.21) and gender (p = 0.10)")
    _require(paper, "39 ALS patients (26 man", "59.00 � 12.18", "63.09 � 9.48")
    sex = compare_counts([26, 13], [13, 19]).p
    patients, controls = Summary(59.00, 12.18), Summary(63.09, 9.48)
    age = [
        stats.ttest_ind_from_stats(*patients, 39, *controls, 32, equal_var=equal).pvalue
        for equal in (True, False)
    ]
    rows = [
        ("Men, 26/39 against 13/32", "0.028", "0.10", f"{sex:.3f} (χ²)"),
        (
            "Age, 59.00 ± 12.18 against 63.09 ± 9.48", "0.130", "0.21",
            f"{age[0]:.3f} (Student), {age[1]:.3f} (Welch)",
        ),
    ]  # fmt: skip
    return f"""\
## Brain MRI in ALS

39 patients with ALS, 32 controls. Sex and age have two p-values each:

{table(("What", "printed p (Methods)", "printed p (Results)", "recomputed p"), rows)}
"""


# --- p-values over all that rounds to the printed cells -----------------------------------------------------


def _p_range_of_sides(a: Summary, b: Summary, n: int) -> Range:
    """The least and the greatest p of Student's t-test for two independent arms of n."""
    return _extremes(a, b, HALF, partial(_t_test, n_a=n, n_b=n, equal_var=True))


def _p_range_of_groups(a: Summary, b: Summary, half: float) -> Range:
    """The same for ALS against LR, by Student's or Welch's test: the papers do not say which."""
    ranges = []
    for equal_var in (True, False):
        test = partial(_t_test, n_a=N["als"], n_b=N["lr"], equal_var=equal_var)
        ranges.append(_extremes(a, b, half, test))
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _p_range_of_pairs(s: Summary, c: Summary, both: Summary, n: int) -> Range:
    """The least and the greatest p of a paired t-test, where ``both`` is the sum of the two sides."""
    found = []
    for gap, shift in _gaps(s, c, HALF):
        variance = 2 * ((s.sd + shift) ** 2 + (c.sd + shift) ** 2) - (both.sd - shift) ** 2
        if gap == 0:
            found.append(1.0)
        elif variance <= 0:
            found.append(0.0)
        else:
            found.append(float(2 * stats.t.sf(gap / np.sqrt(variance / n), n - 1)))
    return found[0], found[1]


def _p_range_of_r(r: float, df: int) -> Range:
    """The p of all r that round to the printed one, with three decimals."""
    return p_from_r(abs(r) + HALF / 10, df), p_from_r(abs(r) - HALF / 10, df)


def _extremes(a: Summary, b: Summary, half: float, p: Callable[[float, float, float], float]) -> Range:
    corners = [
        p(gap, a.sd + da, b.sd + db)
        for gap, _ in _gaps(a, b, half)
        for da, db in itertools.product((-half, half), repeat=2)
    ]
    return min(corners), max(corners)


def _gaps(a: Summary, b: Summary, half: float) -> list[tuple[float, float]]:
    """The greatest and the least difference of the means, each with the shift of the SDs that widens it."""
    gap = abs(a.mean - b.mean)
    return [(gap + 2 * half, -half), (max(gap - 2 * half, 0.0), half)]


def _t_test(gap: float, sd_a: float, sd_b: float, *, n_a: int, n_b: int, equal_var: bool) -> float:
    result = stats.ttest_ind_from_stats(gap, sd_a, n_a, 0.0, sd_b, n_b, equal_var=equal_var)
    return float(result.pvalue)


def _holds(printed: str, found: Range) -> bool:
    """Whether a printed p, rounded or given as a bound, is possible in a range."""
    if printed.startswith("<"):
        return found[0] < float(printed[1:])
    half = 0.5 * 10.0 ** -len(printed.partition(".")[2])
    return found[0] - half <= float(printed) <= found[1] + half


def _verdict(printed: str, found: Range) -> str:
    return AGREES if _holds(printed, found) else DIFFERS


def _same_p(p: str, q: str) -> bool:
    if "<" in p or "<" in q:
        return "<" in p and "<" in q
    return round(1000 * abs(float(p) - float(q))) <= 10


# --- reading ------------------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _require(paper: str, *snippets: str) -> None:
    """Stop where a number that this script quotes is not in the paper."""
    flat = " ".join(paper.replace("*", "").split())
    for snippet in snippets:
        wanted = " ".join(snippet.split())
        if wanted not in flat:
            raise SystemExit(f"paper: {wanted!r} was not found; expected the papers of this project")


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _find(table: list[Row], name: str) -> Row:
    return next(row for row in table if _name(row) == name)


def _name(row: Row) -> str:
    return f"{row['segment']} {row['muscle']} {row['metric']}"


def _cell(text: str) -> str:
    """A cell with its spaces as they should be."""
    return re.sub(r"\s*([(±])\s*", r" \1 ", text).replace("( ", "(").strip()


def _numbers(cell: str) -> tuple[float, ...]:
    return tuple(float(number) for number in re.findall(r"\d+\.\d+", cell))


def _mean_sd(cell: str) -> Summary | None:
    return Summary(*_numbers(cell)) if "±" in cell else None


def _pairs_of_sides(table2: list[Row]) -> Iterable[tuple[Row, str, Summary, Summary]]:
    for row in table2:
        for group in N:
            a, b = (_mean_sd(row[f"{group}_{side}"]) for side in ("symptomatic", "contralateral"))
            if a and b:
                yield row, group, a, b


def _with_group(table2: list[Row], table3: list[Row]) -> Iterable[tuple[Row, Row, str]]:
    """The rows of rCSA, group after group."""
    for group in N:
        for two, three in zip(table2, table3, strict=True):
            if two["metric"] == "rCSA":
                yield two, three, group


def _three_means(two: Row, three: Row, group: str) -> tuple[Summary, Summary, Summary] | None:
    cells = two[f"{group}_symptomatic"], two[f"{group}_contralateral"], three[f"{group}_bilateral"]
    s, c, both = (_mean_sd(cell) for cell in cells)
    return (s, c, both) if s and c and both else None


def _correlation(s: Summary, c: Summary, both: Summary) -> float:
    """The correlation of two sides that the SDs of the sides and of their sum imply."""
    return (both.sd**2 - s.sd**2 - c.sd**2) / (2 * s.sd * c.sd)


def _adds_up(two: Row, three: Row, group: str) -> bool:
    """Whether S + C is B within what rounding of three cells and a missing value may do."""
    cells = _three_means(two, three, group)
    return cells is not None and abs(cells[2].mean - cells[0].mean - cells[1].mean) <= 0.05


# --- writing ------------------------------------------------------------------------------------------------


def _p(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _span(found: Range) -> str:
    low, high = (_p(p) for p in found)
    return low if low == high else f"{low}–{high}"


def _minus(number: str) -> str:
    return number.replace("-", "−")


def _percent(share: float) -> str:
    return f"{share:.1f}".removesuffix(".0")


def _median(arm: Arm) -> str:
    return f"{arm.median:g} ({arm.q1:g}–{arm.q3:g})"


def _is_printed(printed: str, recomputed: str) -> bool:
    """Whether the recomputed numbers, without their remark, round to the printed ones."""
    pattern = re.compile(r"\d+(?:\.\d+)?")
    wanted, found = pattern.findall(printed), pattern.findall(re.sub(r" \([A-Zχ].*", "", recomputed))
    return len(wanted) == len(found) and all(
        round(float(b), len(a.partition(".")[2])) == float(a) for a, b in zip(wanted, found, strict=True)
    )


def _largest(gaps: Iterable[float]) -> str:
    return f"{max(abs(gap) for gap in gaps):.2f}"


if __name__ == "__main__":
    main()
