"""The pages whose numbers are produced: they are what their scripts write, and their numbers are right."""

from __future__ import annotations

import csv
import importlib
import inspect
import json
import math
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

import mriparaspinal
from mriparaspinal.core.model import MUSCLES, SEGMENTS, Contour
from mriparaspinal.imaging.rasterise import contour_area, rasterise
from mriparaspinal.phantom import slices as phantom
from mriparaspinal.phantom.model import Effects
from mriparaspinal.stats import (
    arms,
    characteristics,
    compare,
    correlate,
    omnibus,
    on_request,
    regress,
    reliability,
    roc,
)
from mriparaspinal.stats.effect_sizes import rank_biserial_interval
from mriparaspinal.stats.equivalence import equivalence
from mriparaspinal.stats.icc import FORMS
from mriparaspinal.stats.limits import ALPHA
from mriparaspinal.stats.max_t import max_t
from mriparaspinal.stats.shift import hodges_lehmann

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def load(name: str) -> ModuleType:
    sys.path.insert(0, str(DOCS / "scripts"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.pop(0)


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def tables(page: str) -> list[tuple[list[str], list[list[str]]]]:
    """Header and rows of each table of a page, as texts."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", page, flags=re.MULTILINE):
        header, _, *rows = (
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()
        )
        found.append((header, rows))
    return found


def table_with(page: str, column: str) -> list[list[str]]:
    """The rows of the only table of a page that has this column."""
    (rows,) = (rows for header, rows in tables(page) if column in header)
    return rows


# --- the papers' numbers ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def papers() -> Path:
    folder = ROOT.parent / "shared" / "papers"
    if not folder.is_dir():
        pytest.skip("the papers (../shared/papers) are not here")
    return folder


PAPERS = read("the-papers-numbers.md")
#: The tables of the page with all their rows.
LISTS = DOCS / "papers-numbers"


def listed(name: str) -> list[list[str]]:
    _, *rows = csv.reader((LISTS / name).read_text(encoding="utf-8").splitlines())
    return rows


def test_the_papers_page_is_what_its_script_writes(papers: Path) -> None:
    made = load("papers_numbers").made(papers)
    assert {name: read(name) for name in made} == made
    assert set(made) == {"the-papers-numbers.md", *(f"papers-numbers/{p.name}" for p in LISTS.iterdir())}


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def first_number(cell: str) -> float:
    found = re.search(r"\d\.\d\d", cell)
    assert found is not None
    return float(found[0])


def test_two_rows_of_table_4_by_hand() -> None:
    """t = r·√(df/(1 − r²)); 0.048 and 0.021 with the 33 degrees of freedom of the other rows of L5."""
    rows = {row[0]: row[1:] for row in table_with(PAPERS, "p with df = 33")}
    assert list(rows) == ["L5 MF rCSA", "L5 PM rCSA"]
    for (r, printed, *found), expected in zip(
        rows.values(), (("0.147", "0.048", "0.044"), ("0.201", "0.021", "0.019")), strict=True
    ):
        p = [2 * stats.t.sf(float(r) * math.sqrt(df / (1 - float(r) ** 2)), df) for df in (33, 34)]
        assert (printed, *(f"{value:.3f}" for value in p)) == expected
        assert found == list(expected[1:])
    others = [row for row in listed("table4.csv") if row[0].startswith("L5") and row[-1] == "agrees"]
    assert [row[2] for row in others] == ["33"] * 4


def test_the_counts_of_the_page() -> None:
    for sentence in (
        "**36 of 36 agree**",
        "**28 of 30 agree**",
        "**30 of 30** rows (29 with",
        "**19 of 30**",
    ):
        assert sentence in PAPERS
    assert [row[-1] for row in listed("table2-sides.csv")] == ["agrees"] * 36
    differing = [row[0] for row in listed("table4.csv") if row[-1] != "agrees"]
    assert differing == ["L5 MF rCSA", "L5 PM rCSA"]


def test_the_copied_column_by_hand(papers: Path) -> None:
    two, three = (csv_rows(papers / f"ren2026_table{n}.csv") for n in (2, 3))

    def bare(table: list[dict[str, str]], column: str) -> list[str]:
        return [row[column].replace(" ", "") for row in table]

    copied, there, own = (
        bare(two, "als_contralateral"), bare(three, "lr_symptomatic"), bare(two, "lr_symptomatic"),
    )  # fmt: skip
    assert sum(a == b for a, b in zip(copied, there, strict=True)) == 29
    assert all(
        re.findall(r"[\d.]+", a) == re.findall(r"[\d.]+", b) for a, b in zip(copied, there, strict=True)
    )
    apart = [abs(first_number(a) - first_number(b)) for a, b in zip(own, there, strict=True)]
    assert sum(gap > 0.011 for gap in apart) == 26
    assert 'differ from Table 2\'s own "LR, S" in 30 of 30 rows, in 26 of them' in PAPERS.replace("\n  ", " ")


def test_both_sides_by_hand(papers: Path) -> None:
    """At L3–L5 both sides of ALS are twice the contralateral one."""
    two, three = (csv_rows(papers / f"ren2026_table{n}.csv") for n in (2, 3))
    rows = {(row[0], row[1]): row[2:7] for row in listed("table3-both-sides.csv")}
    assert len(rows) == 30
    for a, b in zip(two, three, strict=True):
        if a["metric"] != "rCSA":
            continue
        for group in ("als", "lr"):
            s, c, both = (
                first_number(cell)
                for cell in (a[f"{group}_symptomatic"], a[f"{group}_contralateral"], b[f"{group}_bilateral"])
            )
            found = rows[f"{a['segment']} {a['muscle']} rCSA", group.upper()]
            assert found == [f"{number:.2f}" for number in (s, c, s + c, 2 * c, both)]
            if group == "als" and a["segment"] in ("L3", "L4", "L5"):
                assert abs(both - 2 * c) < 0.031
                assert both - s - c > 0.17
            elif (group, a["segment"], a["muscle"]) == ("lr", "L4", "MF"):
                assert (s + c, both) == (pytest.approx(1.24), 1.34)
            else:
                assert abs(both - s - c) < 0.051


def test_a_paired_p_by_hand() -> None:
    """L4 PM rCSA in LR: 0.80 ± 0.19, 0.83 ± 0.19, both 1.63 ± 0.37; the largest p that rounding allows."""
    row = next(row for row in listed("paired.csv") if row[:2] == ["L4 PM rCSA", "LR"])
    se = math.sqrt((2 * (0.195**2 + 0.195**2) - 0.365**2) / 32)
    assert row[4].endswith(f"–{2 * stats.t.sf(0.02 / se, 31):.3f}")
    assert float(row[2]) == round((0.37**2 - 2 * 0.19**2) / (2 * 0.19**2), 2)
    assert row[3:] == ["0.615", "<0.001–0.417", "not possible"]


def test_other_numbers_of_the_page_by_hand() -> None:
    chi2 = stats.chi2_contingency([[22, 16], [18, 14]], correction=False).pvalue
    assert f"| Sex (M/F) | 22/16 | 18/14 | 0.890 | {chi2:.3f} (χ²), 1.000 (Fisher) | agrees |" in PAPERS
    psa = [[27, 11], [20, 12]]
    assert f"{stats.chi2_contingency(psa, correction=False).pvalue:.3f} (χ²), " in PAPERS
    assert f"{stats.fisher_exact(psa).pvalue:.3f} (Fisher) | **differs** |" in PAPERS
    assert [row[-1] for row in listed("fasciculation.csv")] == ["agrees"] * 12
    assert ["– 95 % interval", "0.873–0.977", "0.873–0.977 (Hanley–McNeil)", "agrees"] in listed(
        "fasciculation.csv"
    )
    assert "**12 of 12 numbers agree**" in PAPERS
    assert "DeLong's would be 0.877–0.973" in " ".join(PAPERS.split())
    brain = stats.chi2_contingency([[26, 13], [13, 19]], correction=False).pvalue
    assert f"| 0.028 | 0.10 | {brain:.3f} (χ²) |" in PAPERS
    assert round((38 * 50.00 + 32 * 44.34) / 70, 2) == 47.41
    assert "| L4 | 50.00 | 44.34 | 47.41 | 35.5 |" in PAPERS


def test_a_paper_without_the_quoted_numbers_stops_the_script() -> None:
    with pytest.raises(SystemExit, match=r"0\.890"):
        load("papers_numbers").characteristics("another text")


# --- simulation ---------------------------------------------------------------------------------------------

SIMULATION = read("simulation.md")


def simulation_tables() -> list[list[list[str]]]:
    """The rows of the tables, in the order of the simulations; four are files of their own."""
    groups, power_of_groups, many_rows = (rows for _, rows in tables(SIMULATION))
    sides, power_of_sides, small, coverage = (
        list(csv.reader(read(f"simulation/{name}.csv").splitlines()))[1:]
        for name in ("same-sides", "power-sides", "small-samples", "coverage")
    )
    return [groups, sides, power_of_sides, power_of_groups, many_rows, small, coverage]


#: Enough to see a gross error, few enough for a few seconds.
REDUCED = {
    "same_groups": 100,
    "same_sides": 60,
    "power_of_sides": 40,
    "power_of_groups": 60,
    "many_rows": 6,
    "small_samples": 40,
    "coverage": 100,
}


def committed(
    cases: list[Any], rows: list[list[str]], replications: int, simulation: ModuleType
) -> list[Any]:
    """The cases that a table of the page shows, in the shape of simulated ones."""
    found = []
    for case, row in zip(cases, rows, strict=True):
        n = len(case.labels)
        assert tuple(row[:n]) == case.labels
        cells = [cell for cell in row[n:] if cell != "–"]
        shares = {
            heading: simulation.Share(float(cell.removesuffix(" %")) / 100, replications)
            for heading, cell in zip(case.shares, cells, strict=True)
        }
        found.append(simulation.Case(case.labels, shares))
    return found


@pytest.fixture(scope="module")
def simulated() -> list[tuple[str, list[Any], list[Any]]]:
    """Name, cases of a short run with another seed, and cases of the page."""
    simulation = load("simulation")
    found = []
    for simulate, rows in zip(simulation.SIMULATIONS, simulation_tables(), strict=True):
        cases = simulate(REDUCED[simulate.__name__], seed=7)
        (replications, _) = (
            parameter.default for parameter in inspect.signature(simulate).parameters.values()
        )
        found.append((simulate.__name__, cases, committed(cases, rows, replications, simulation)))
    return found


def test_every_sentence_of_the_simulation_page_follows_from_its_tables(simulated) -> None:
    made = load("simulation").made(*(page for _, _, page in simulated))
    assert {name: read(name) for name in made} == made
    # Further tables come from scripts of their own (simulation_*.py).
    own = {p.stem.removeprefix("simulation_") for p in (DOCS / "scripts").glob("simulation_*.py")}
    there = {f"simulation/{p.name}" for p in (DOCS / "simulation").iterdir() if p.stem not in own}
    assert set(made) == {"simulation.md", *there}


def test_the_page_lies_within_chance_of_another_run(simulated) -> None:
    for name, short_run, page in simulated:
        for short, long in zip(short_run, page, strict=True):
            for heading, share in short.shares.items():
                there = long.shares[heading]
                mean = (share.value * share.n + there.value * there.n) / (share.n + there.n)
                # A pseudo-count keeps the error away from 0 where all replications agree.
                error = math.sqrt((mean * (1 - mean) + 1 / share.n) * (1 / share.n + 1 / there.n))
                assert abs(share.value - there.value) < 4 * error, (name, short.labels, heading)


def test_the_seed_of_the_page_gives_its_first_row_of_power_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row has random numbers of its own; one of them takes five seconds."""
    simulation = load("simulation")
    rows = simulation_tables()[3][:1]
    monkeypatch.setattr(simulation, "GROUPS", simulation.GROUPS[:1])
    cases = simulation.power_of_groups()
    assert rows == [[*case.labels, *map(str, case.shares.values())] for case in cases]


def share_of(page: list[Any], heading: str, *labels: str) -> float:
    return next(case.shares[heading].value for case in page if case.labels == labels)


def test_power_against_statsmodels(simulated) -> None:
    """Normal data: the tests that the protocol mostly takes have the power that theory gives them."""
    pages = {name: page for name, _, page in simulated}
    groups = pages["power_of_groups"]
    expected = {
        ("L3 MF rCSA, both sides", "0.63"): 0.12 / 0.19,
        ("L5 ES FI, symptomatic side", "0.20"): 0.04 / 0.20,
    }
    for labels, difference in expected.items():
        theory = TTestIndPower().power(difference, 38, 0.05, ratio=32 / 38)
        assert share_of(groups, "normal", *labels) == pytest.approx(theory, abs=0.04)
    in_sd_of_differences = 0.03 / math.sqrt(2 * 0.19**2 * (1 - 0.9))
    theory = TTestPower().power(in_sd_of_differences, 32, 0.05)
    found = share_of(
        pages["power_of_sides"], "paired (paired_p)", "L4 PM rCSA in LR", "0.16", "0.9", "normal"
    )
    assert found == pytest.approx(theory, abs=0.05)


def test_the_independent_test_on_correlated_sides_against_theory(simulated) -> None:
    """With a correlation ρ the variance of the difference is 1 − ρ of what the test takes it for."""
    page = next(page for name, _, page in simulated if name == "same_sides")
    for correlation in (0.0, 0.5, 0.7, 0.9):
        theory = 2 * stats.norm.sf(stats.t.ppf(0.975, 74) / math.sqrt(1 - correlation))
        found = share_of(page, "independent (p)", "normal", f"{correlation:.1f}")
        assert found == pytest.approx(theory, abs=0.01)


def test_what_the_simulation_page_says_in_words(simulated) -> None:
    pages = {name: page for name, _, page in simulated}
    protocol = [case.shares["protocol"].value for case in pages["same_groups"]]
    assert 0.04 < min(protocol) <= max(protocol) < 0.065
    paired = [case.shares["paired (paired_p)"].value for case in pages["same_sides"]]
    assert 0.04 < min(paired) <= max(paired) < 0.065
    unequal = [case.shares["Student alone"].value for case in pages["same_groups"][1:3]]
    assert unequal[0] < 0.045
    assert unequal[1] > 0.055
    for case in pages["power_of_sides"]:
        independent, pairs = (share.value for share in case.shares.values())
        assert pairs >= independent
        assert (independent > 0.9) == (case.labels[0].startswith(("L4 MF", "L5 ES")))
    for case in pages["power_of_groups"]:
        assert abs(case.shares["normal"].value - case.shares["skewed"].value) < 0.08
    nothing, correlated, real = (case.shares for case in pages["many_rows"])
    assert nothing["a false hit, p"].value == pytest.approx(1 - 0.95**30, abs=0.1)
    assert nothing["a false hit, adjusted p"].value == pytest.approx(0.05, abs=0.04)
    assert correlated["a false hit, adjusted p"].value < 0.06
    assert real["false among hits, adjusted p"].value < 0.05 + 0.02
    median = re.search(r"with a median of\s+(\d\.\d\d)", PAPERS)
    assert median is not None
    assert abs(float(median[1]) - 0.9) < 0.05, "the simulation page says about 0.9"


# --- measurement --------------------------------------------------------------------------------------------

MEASUREMENT = read("measurement.md")
PACKAGE = Path(mriparaspinal.__file__).parent


def test_the_square_of_the_measurement_page() -> None:
    square = Contour("MF_L", "polygon", ((5.0, 5.0), (15.0, 5.0), (15.0, 15.0), (5.0, 15.0)))
    masks = [rasterise(square, (30, 30), rule) for rule in ("labelme", "centre")]
    assert [int(np.count_nonzero(mask.pixels)) for mask in masks if mask] == [121, 100]
    assert contour_area(square) == 100
    # The rule of thumb: half the length of the outline, and one more.
    assert 121 == 100 + 40 / 2 + 1
    assert "A square of 10 × 10 pixels fills 121 pixels, not 100: 11 rows of 11." in MEASUREMENT.replace(
        "\n", " "
    )


def excess_pct(points: list[list[float]], size: tuple[int, int]) -> float:
    """By how much Pillow's pixels exceed the area of a polygon; (columns, rows)."""
    canvas = Image.new("L", size)
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in points], outline=1, fill=1)
    x, y = np.array(points).T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    return float(100 * (np.count_nonzero(np.asarray(canvas)) / area - 1))


def excesses_of_folder(folder: Path) -> list[float]:
    """Of each muscle and side, the polygons of a region taken together (they do not overlap here)."""
    found = []
    for path in sorted(folder.glob("*_[1-5].json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        size = (content["imageWidth"], content["imageHeight"])
        muscles = [shape for shape in content["shapes"] if shape["label"][:2] in MUSCLES]
        assert len({shape["label"] for shape in muscles}) == len(muscles) == 6
        found += [excess_pct(shape["points"], size) for shape in muscles]
    return found


def excess_row(start: str) -> list[float]:
    row = next(row for row in table_with(MEASUREMENT, "smallest") if row[0].startswith(start))
    return [float(cell.removesuffix(" %")) for cell in row[1:]]


def summary(excesses: list[float]) -> list[float]:
    return [round(value, 1) for value in (float(np.mean(excesses)), min(excesses), max(excesses))]


def test_how_much_the_boundary_adds_to_the_sample_cohort() -> None:
    assert excess_row("`sample_data` (") == summary(excesses_of_folder(ROOT / "sample_data"))


def test_how_much_the_boundary_adds_to_fine_slices() -> None:
    found = []
    for group, number in (("ALS", 2), ("ALS", 6), ("LR", 1), ("LR", 8)):
        for segment in SEGMENTS:
            participant = phantom.make_participant(group, number, 1)
            drawn = phantom.make_slice(participant, segment, 1, 512, Effects())
            for contour in drawn.contours:
                if contour.label[:2] in MUSCLES:
                    found.append(excess_pct([list(point) for point in contour.points], (512, 512)))
    assert excess_row("`sample_data`, four patients") == summary(found)


def test_how_much_the_boundary_adds_to_real_slices(shared: Path) -> None:
    assert excess_row("TUM01") == summary(excesses_of_folder(shared / "real" / "TUM01"))


def test_the_digitisation_error_is_that_of_the_phantom() -> None:
    """Itself held by the tests of the phantom."""
    said = re.findall(r"^(256|512) +(\S+ %, \S+ %) +(\S+ %, \S+ %) +(\S+, \S+)$", phantom.__doc__ or "", re.M)
    assert len(said) == 2
    assert table_with(MEASUREMENT, "Area of discs") == [list(row) for row in said]
    sentence = "within 2.1 % of the truth (0.4 % on average) at 256"
    assert sentence in " ".join((phantom.__doc__ or "").split())
    assert sentence in " ".join(MEASUREMENT.split())


# --- methods ------------------------------------------------------------------------------------------------

METHODS = read("methods.md")


def test_the_methods_page_speaks_of_every_column() -> None:
    keys = {
        "contrast",
        "segment",
        "muscle",
        "metric",
        "label_a",
        "label_b",
        "score",
        "covariates",
        "method",
        "outcome",
    }
    named = {"n", "raters", "n_positive", "n_negative", "predictor"}
    described = {"mean_a", "sd_a", "median_a", "q1_a", "q3_a", "mean_b", "sd_b", "median_b", "q1_b", "q3_b"}
    columns = {
        *compare.COMPARISON_COLUMNS, *correlate.COLUMNS, *regress.COLUMNS, *roc.ROC_COLUMNS,
        *reliability.RELIABILITY_COLUMNS, *on_request.MAX_T_COLUMNS, "p_equivalence", "equivalent",
    }  # fmt: skip
    spoken_of = set(re.findall(r"`([a-z0-9_]+)`", METHODS))
    assert columns - spoken_of - keys - named - described == set()


def test_the_methods_page_quotes_the_notes() -> None:
    quoted = {row[0].strip("`") for row in table_with(METHODS, "The note says")}
    constants = {
        arms.NOT_JUDGED, arms.NO_TEST, arms.NO_INTERVAL, arms.NO_PAIRED_TEST,
        arms.PAIRS_NOT_JUDGED, arms.NO_DIFFERENCE_INTERVAL, arms.NO_PAIRED_INTERVAL, arms.NO_PAIRED_EFFECT,
        on_request.NO_MAX_T, omnibus.NO_ETA_INTERVAL, omnibus.NO_OMNIBUS, characteristics.TOO_MANY_TABLES,
        f"HC takes no part (fewer than {omnibus.FEWEST} values)",
        f"p and p_exact lie on different sides of {ALPHA}; read p_exact",
    }  # fmt: skip
    assert constants <= quoted
    for other in quoted - constants:
        assert other in (PACKAGE / "stats" / "correlate.py").read_text("utf-8")


def test_the_methods_page_names_the_tests_and_forms() -> None:
    tests = {"student_t", "welch_t", "mann_whitney_u", "paired_t", "wilcoxon", "hedges_g", "rank_biserial"}
    tests |= {"mean_difference", "hodges_lehmann", "hedges_g_z", "matched_rank_biserial"}
    tests |= {"chi_squared", "fisher_exact", *FORMS}
    for name in tests:
        assert f"`{name}`" in METHODS
    for name in tests - {*FORMS}:
        assert any(f'"{name}"' in inspect.getsource(module) for module in (arms, characteristics))


def test_hedges_correction_is_the_exact_one_to_four_digits() -> None:
    df = 38 + 32 - 2
    exact = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    assert 1 - 3 / (4 * (df + 2) - 9) == pytest.approx(exact, abs=5e-5)


@pytest.mark.parametrize("name", ["measurement.md", "methods.md", "the-papers-numbers.md", "simulation.md"])
def test_the_tables_of_the_pages_are_whole(name: str) -> None:
    for header, rows in tables(read(name)):
        assert {len(row) for row in rows} == {len(header)}, header


def test_the_examples_of_the_methods_page() -> None:
    """Each example is read from the page and computed again, by the package and by hand."""
    text = " ".join(METHODS.split())
    a, b = np.arange(1.0, 9.0), np.array([10, 30, 35, 44, 51, 58, 66, 90.0])
    found = arms.compare_arms(a, b)
    assert (found.test, f"{found.effect_size:.3f}") == ("welch_t", "-2.239")
    assert (f"{found.effect_ci_low:.3f}", f"{found.effect_ci_high:.3f}") == ("-3.645", "-0.779")
    assert "give `welch_t` and g = −2.239 (−3.645 to −0.779)" in text
    difference = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    shown = f"{a.mean() - b.mean():.1f} ({difference.low:.1f} to {difference.high:.1f})".replace("-", "−")
    assert f"The groups above: {shown}." in text
    assert f"{found.difference_ci_low:.1f}" == f"{difference.low:.1f}"
    shift = hodges_lehmann(np.array([1.0, 4, 9, 16]), np.array([2.0, 3, 5, 7]))
    assert (shift.estimate, shift.low, shift.high) == (2, -6, 14)
    assert "a = 1, 4, 9, 16 and b = 2, 3, 5, 7: shift 2 (−6 to 14)." in text
    c, d = np.array([1.0, 2, 3, 4]), np.array([1.5, 2.5, 2, 4])
    one_sided = [
        stats.ttest_ind(c + 5, d, alternative="greater"),
        stats.ttest_ind(c - 5, d, alternative="less"),
    ]
    p = max(test.pvalue for test in one_sided)
    assert equivalence(c, d, "student_t", 5).p == pytest.approx(p)
    assert f"with a margin of 5: `p_equivalence` = {p:.5f}." in text
    values = np.array([[1.0, 3], [2, 1], [3, 2], [7, 2], [8, 3], [9, 1]])
    adjusted = max_t(values, np.arange(6) < 3, np.array([False, False]), 1000, 1)
    assert adjusted.p == pytest.approx([2 / 20, 1])
    assert "b = 7, 8, 9; a = 3, 1, 2 and b = 2, 3, 1: 0.1 (2 of 20 arrangements) and 1." in text
    low, high = rank_biserial_interval(1.0, 10, 10)
    assert (f"{low:.3f}", high) == ("0.600", 1)
    assert "give r = 1 (0.600 to 1)" in text
