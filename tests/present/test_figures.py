"""The pictures are read back: what is drawn must be what the tables and the data say."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.text import Text
from scipy import integrate, stats

from mriparaspinal.core.distribution import PROFILES
from mriparaspinal.core.errors import UsageError
from mriparaspinal.present import boxes as figures
from mriparaspinal.present.bland_altman import bland_altman_figure
from mriparaspinal.present.distribution import distribution_figure
from mriparaspinal.present.effects import effect_map
from mriparaspinal.present.p_values import p_text, stars
from mriparaspinal.present.power import power_figure
from mriparaspinal.present.roc import roc_figure
from mriparaspinal.present.scatter import scatter_residuals
from mriparaspinal.present.style import name_panel
from mriparaspinal.present.sweep import sweep_figure
from mriparaspinal.stats.bland_altman import bland_altman
from mriparaspinal.stats.cohort import assemble
from mriparaspinal.stats.compare import COMPARISON_COLUMNS, compare
from mriparaspinal.stats.contrasts import default_contrasts, parse_contrast
from mriparaspinal.stats.correlate import correlate
from mriparaspinal.stats.roc import RocResult, roc

SEGMENTS, MUSCLES = ("L1", "L3", "L4"), ("MF", "PM")


def make_cohort(n_als: int = 12, n_lr: int = 9) -> pd.DataFrame:
    """ALS with a smaller symptomatic side and more fat; a hole: PM at L4 has no contralateral side in ALS."""
    rng = np.random.default_rng(7)
    rows, people = [], []
    for group, n in (("ALS", n_als), ("LR", n_lr)):
        for number in range(1, n + 1):
            who, onset = f"{group}_{number}", ("left", "right")[number % 2]
            people.append(
                {
                    "participant_id": who, "group": group, "onset_side": onset, "psa": float(number % 3 > 0),
                    "onset_region": ("lower", "upper")[number % 2] if group == "ALS" else "",
                    "age": rng.normal(57, 10), "bmi": rng.normal(24, 3),
                    "alsfrs_lower": float(rng.integers(2, 13)) if group == "ALS" else np.nan,
                }
            )  # fmt: skip
            for segment, muscle in itertools.product(SEGMENTS, MUSCLES):
                for side in ("left", "right", "both"):
                    small = 0.6 if group == "ALS" and side == onset else 1.0
                    rcsa = small * rng.lognormal(-0.7, 0.3)
                    fi = float(np.clip(rng.normal(0.4 if group == "ALS" else 0.3, 0.1), 0.01, 0.99))
                    hole = (segment, muscle, group) == ("L4", "PM", "ALS") and side not in (onset, "both")
                    missing = hole or rng.random() < 0.05
                    rows.append(
                        {
                            "participant_id": who, "group": group, "segment": segment, "muscle": muscle,
                            "side": side, "role": "", "fi": fi, "rcsa": np.nan if missing else rcsa,
                        }
                    )  # fmt: skip
    return assemble(pd.DataFrame(rows), pd.DataFrame(people))[0]


@pytest.fixture(scope="module")
def cohort() -> pd.DataFrame:
    return make_cohort()


@pytest.fixture(scope="module")
def comparisons(cohort: pd.DataFrame) -> pd.DataFrame:
    return compare(cohort, default_contrasts(cohort)[0])[0]


NO_COMPARISONS = pd.DataFrame(columns=list(COMPARISON_COLUMNS))


def values_of(cohort: pd.DataFrame, segment: str, muscle: str, metric: str, **cells: object) -> np.ndarray:
    chosen = (cohort["segment"] == segment) & (cohort["muscle"] == muscle)
    for column, value in cells.items():
        chosen &= cohort[column] == value
    return cohort.loc[chosen, metric].dropna().to_numpy()


def row_of(table: pd.DataFrame, **cells: str) -> pd.Series:
    for column, value in cells.items():
        table = table[table[column] == value]
    (index,) = table.index
    return table.loc[index]


def panels(figure: Figure) -> dict[str, matplotlib.axes.Axes]:
    """By title, without the letter before it."""
    return {axes.get_title(loc="left").split("\u2002")[-1]: axes for axes in figure.axes}


def points(axes: matplotlib.axes.Axes) -> list[np.ndarray]:
    return [np.asarray(collection.get_offsets()) for collection in axes.collections]


def written(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def over(axes: matplotlib.axes.Axes) -> list[str]:
    """What stands above a plot, from below."""
    return [text.get_text() for text in axes.texts]


def said(figure: Figure) -> str:
    return " ".join(figure.get_supxlabel().split())


# --- boxes --------------------------------------------------------------------------------------------------


def box_panel(figure: Figure, muscle: str, metric: str) -> matplotlib.axes.Axes:
    """The panel of a muscle and metric, by its title and the label of its axis."""
    (found,) = [
        axes
        for axes in figure.axes
        if axes.get_title(loc="left").split("\u2002")[-1] == muscle
        and axes.get_ylabel().startswith({"fi": "FI (", "rcsa": "rCSA ("}[metric])
    ]
    return found


def levels(axes: matplotlib.axes.Axes) -> list[str]:
    """The segments, from the left."""
    return [text.get_text() for text in axes.texts if text.get_text() in SEGMENTS]


def heights(axes: matplotlib.axes.Axes, segment: str) -> list[list[float]]:
    """The values of the points of a segment, arm by arm."""
    number = levels(axes).index(segment)
    return [sorted(offsets[np.rint(offsets[:, 0]) == number][:, 1]) for offsets in points(axes)]


def lines(axes: matplotlib.axes.Axes, width: float, segment: str | None = None) -> list[np.ndarray]:
    """The lines of a width, all or those of a segment, from the left."""
    found = []
    for patch in axes.patches:
        if patch.get_linewidth() == width and isinstance(patch, PathPatch):
            path = patch.get_path()
            starts = np.flatnonzero(path.codes == path.MOVETO)
            found += np.split(path.vertices, starts[1:])
    if segment is not None:
        number = levels(axes).index(segment)
        found = [line for line in found if round(line[:, 0].mean()) == number]
    return sorted(found, key=lambda line: line[:, 0].mean())


def medians(axes: matplotlib.axes.Axes, segment: str) -> list[float]:
    return [line[0, 1] for line in lines(axes, 1.5, segment)]


def box_edges(axes: matplotlib.axes.Axes, segment: str) -> list[tuple[float, float]]:
    return [(box[:, 1].min(), box[:, 1].max()) for box in lines(axes, 0.7, segment) if len(box) == 5]


def p_over(axes: matplotlib.axes.Axes, segment: str) -> list[str]:
    """The p-values over a segment, from below."""
    number = levels(axes).index(segment)
    texts = [t for t in axes.texts if t.get_va() == "bottom" and round(t.get_position()[0]) == number]
    return [t.get_text() for t in sorted(texts, key=lambda t: t.get_position()[1])]


def three_digits(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def legend(figure: Figure) -> list[str]:
    (found,) = figure.legends
    return [text.get_text() for text in found.get_texts()]


def test_boxes_are_those_of_the_data(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = figures.sides_figure(cohort, comparisons)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "A\u2002MF", "B\u2002MF", "C\u2002PM", "D\u2002PM",
    ]  # fmt: skip
    for metric, muscle, segment in itertools.product(("fi", "rcsa"), MUSCLES, SEGMENTS):
        axes = box_panel(figure, muscle, metric)
        assert levels(axes) == list(SEGMENTS)
        arms = [
            values_of(cohort, segment, muscle, metric, group="ALS", role=role)
            for role in ("symptomatic", "contralateral")
        ]
        assert heights(axes, segment) == [pytest.approx(sorted(arm), rel=1e-12) for arm in arms]
        arms = [arm for arm in arms if len(arm)]
        assert box_edges(axes, segment) == [
            pytest.approx(tuple(np.percentile(arm, [25, 75], method="weibull")), rel=1e-12) for arm in arms
        ]
        assert medians(axes, segment) == pytest.approx([np.median(arm) for arm in arms], rel=1e-12)
        ends = {y for line in lines(axes, 0.7, segment) for y in line[:, 1]}
        assert {extreme for arm in arms for extreme in (arm.min(), arm.max())} <= ends


def test_box_numbers_are_those_of_the_comparisons(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    axes = box_panel(figures.sides_figure(cohort, comparisons), "MF", "rcsa")
    row = row_of(comparisons, contrast="side:ALS", segment="L3", muscle="MF", metric="rcsa")
    assert medians(axes, "L3") == pytest.approx([row["median_a"], row["median_b"]], rel=1e-12)
    expected = [(row["q1_a"], row["q3_a"]), (row["q1_b"], row["q3_b"])]
    assert np.ravel(box_edges(axes, "L3")) == pytest.approx(np.ravel(expected), rel=1e-12)


def test_each_box_has_its_n_and_the_legend_the_range(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = figures.sides_figure(cohort, comparisons, metrics=["rcsa"])
    n = {}
    for role in ("symptomatic", "contralateral"):
        for muscle, segment in itertools.product(MUSCLES, SEGMENTS):
            n[muscle, segment, role] = len(values_of(cohort, segment, muscle, "rcsa", group="ALS", role=role))
    for muscle in MUSCLES:
        below = [t for t in box_panel(figure, muscle, "rcsa").texts if t.get_text().isdigit()]
        shown = [int(t.get_text()) for t in sorted(below, key=lambda t: t.get_position()[0])]
        assert shown == [n[muscle, s, role] for s in SEGMENTS for role in ("symptomatic", "contralateral")]
    ranges = {
        role: [x for (_, _, r), x in n.items() if r == role] for role in ("symptomatic", "contralateral")
    }
    assert legend(figure) == [f"{role} (n = {min(x)}–{max(x)})" for role, x in ranges.items()]


def test_p_over_paired_lines_is_the_paired_tests(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = figures.sides_figure(cohort, comparisons)
    for segment in SEGMENTS:
        row = row_of(comparisons, contrast="side:ALS", segment=segment, muscle="MF", metric="rcsa")
        assert p_over(box_panel(figure, "MF", "rcsa"), segment) == [three_digits(row["paired_p"])]
        assert row["paired_p"] != row["p"]
    assert "full range" in said(figure)
    assert "Above: p, paired samples (" in said(figure)
    assert "not adjusted" in said(figure)


def test_p_between_groups_is_the_independent_tests(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = figures.groups_figure(cohort, comparisons, [parse_contrast("group:ALS-LR")])
    row = row_of(
        comparisons, contrast="group:ALS-LR", segment="L3", muscle="MF", metric="rcsa", role="symptomatic"
    )
    assert p_over(box_panel(figure, "MF", "rcsa"), "L3") == [three_digits(row["p"])]
    assert "independent samples" in said(figure)


def test_lines_join_the_sides_of_one_participant(cohort: pd.DataFrame) -> None:
    axes = box_panel(figures.sides_figure(cohort, NO_COMPARISONS), "MF", "rcsa")
    joined = {tuple(line[:, 1]) for line in lines(axes, 0.5, "L3")}
    here = cohort[(cohort["segment"] == "L3") & (cohort["muscle"] == "MF") & (cohort["group"] == "ALS")]
    wide = here.pivot(index="participant_id", columns="role", values="rcsa").dropna(
        subset=["symptomatic", "contralateral"]
    )
    assert joined == set(zip(wide["symptomatic"], wide["contralateral"], strict=True))


def test_many_lines_are_one_object() -> None:
    many = make_cohort(n_als=600, n_lr=0)
    axes = box_panel(figures.sides_figure(many, NO_COMPARISONS), "MF", "rcsa")
    assert len(axes.patches) + len(axes.lines) < 10
    assert len(lines(axes, 0.5)) > 1000


def test_an_arm_without_data_has_no_p(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    axes = box_panel(figures.sides_figure(cohort, comparisons), "PM", "rcsa")
    assert len(heights(axes, "L4")[0]) > 5
    assert heights(axes, "L4")[1] == []
    assert p_over(axes, "L4") == []
    assert "0" in over(axes)  # its n


@pytest.mark.parametrize(("n", "boxes"), [(1, 1), (4, 1), (5, 2)])
def test_fewer_than_five_values_are_points_alone(cohort: pd.DataFrame, n: int, boxes: int) -> None:
    few = cohort.copy()
    chosen = (few["segment"] == "L3") & (few["muscle"] == "MF") & (few["role"] == "symptomatic")
    ids = few.loc[chosen & (few["group"] == "ALS") & few["rcsa"].notna(), "participant_id"]
    few.loc[chosen & ~few["participant_id"].isin(ids.iloc[:n]), "rcsa"] = np.nan
    figure = figures.sides_figure(few, compare(few, [parse_contrast("side:ALS")])[0])
    axes = box_panel(figure, "MF", "rcsa")
    assert len(heights(axes, "L3")[0]) == n
    assert len(box_edges(axes, "L3")) == len(medians(axes, "L3")) == boxes
    assert "Box (n\u00a0≥\u00a05)" in figure.get_supxlabel()
    assert (p_over(axes, "L3") == ["–"]) == (n == 1)


def test_left_and_right_where_no_onset_side_is_known(cohort: pd.DataFrame) -> None:
    unknown = cohort.assign(role=np.where(cohort["side"] == "both", "bilateral", ""))
    table = compare(unknown, [parse_contrast("side:LR")])[0]
    figure = figures.sides_figure(unknown, table, "LR")
    shown = heights(box_panel(figure, "PM", "fi"), "L4")
    assert shown == [
        pytest.approx(sorted(values_of(cohort, "L4", "PM", "fi", group="LR", side=side)))
        for side in ("left", "right")
    ]
    assert [name.split()[0] for name in legend(figure)] == ["left", "right"]


def test_a_metric_of_one_muscle_alone_leaves_no_empty_panels(cohort: pd.DataFrame) -> None:
    """As of a ratio of the psoas: empty panels of the other muscles, and n from 0."""
    cohort = cohort.assign(ratio=cohort["fi"].where(cohort["muscle"] == "PM"))
    table = compare(cohort, [parse_contrast("group:ALS-LR")], ["fi", "ratio"])[0]
    contrasts = [c for c in default_contrasts(cohort)[0] if c.text == "group:ALS-LR"]
    figure = figures.groups_figure(cohort, table, contrasts, metrics=["fi", "ratio"])
    shown = [axes for axes in figure.axes if axes.axison]
    titles = [axes.get_title(loc="left") for axes in shown]
    assert titles == ["A\u2002MF", "B\u2002PM", "C\u2002PM"]
    assert "no data" not in written(figure)
    assert not [name for name in legend(figure) if "n = 0" in name]


def test_a_quotient_is_that_of_the_comparisons(cohort: pd.DataFrame) -> None:
    table = compare(cohort, [parse_contrast("side:ALS")], ["fi"], divide_by="bmi")[0]
    figure = figures.sides_figure(cohort, table, metrics=["fi/bmi"])
    axes = panels(figure)["MF"]
    row = row_of(table, segment="L3", muscle="MF")
    assert medians(axes, "L3") == pytest.approx([row["median_a"], row["median_b"]], rel=1e-12)
    assert axes.get_ylabel() == "FI / BMI"


def test_comparisons_of_another_cohort_are_refused(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    fewer = cohort[cohort["participant_id"] != "ALS_3"]
    with pytest.raises(ValueError, match="as in the cohort"):
        figures.sides_figure(fewer, comparisons)
    with pytest.raises(ValueError, match="as in the cohort"):
        figures.sides_figure(cohort.assign(rcsa=cohort["rcsa"] * 1.01), comparisons)


def test_a_metric_that_is_no_column(cohort: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="lean: no such column"):
        figures.sides_figure(cohort, NO_COMPARISONS, metrics=["lean"])


def test_shared_arms_are_drawn_once(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    contrasts = [c for c in default_contrasts(cohort)[0] if c.column == "group"]
    assert len(contrasts) == 2
    figure = figures.groups_figure(cohort, comparisons, contrasts)
    axes = box_panel(figure, "MF", "rcsa")
    als = cohort[cohort["group"] == "ALS"]
    expected = [
        values_of(als, "L3", "MF", "rcsa", role="symptomatic"),
        values_of(als, "L3", "MF", "rcsa", role="symptomatic", onset_region="lower"),
        values_of(cohort, "L3", "MF", "rcsa", role="symptomatic", group="LR"),
    ]
    assert heights(axes, "L3") == [pytest.approx(sorted(arm)) for arm in expected]
    assert [name.partition(" (")[0] for name in legend(figure)] == ["ALS", "ALS, lower-limb onset", "LR"]
    # Brackets from below: lower-limb onset with LR (neighbours), then ALS with LR.
    rows = [
        row_of(comparisons, contrast=c, segment="L3", muscle="MF", metric="rcsa", role="symptomatic")
        for c in ("group:ALS[onset_region=lower]-LR", "group:ALS-LR")
    ]
    assert p_over(axes, "L3") == [three_digits(row["p"]) for row in rows]
    short, long = sorted(lines(axes, 0.6, "L3"), key=np.ptp)
    at = [offsets[np.rint(offsets[:, 0]) == 1][:, 0].mean() for offsets in points(axes)]
    assert short[[0, -1], 0] == pytest.approx([at[1], at[2]], abs=0.1)
    assert long[[0, -1], 0] == pytest.approx([at[0], at[2]], abs=0.1)


def test_roles_are_not_mixed(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    contrast = parse_contrast("group:ALS-LR")
    figure = figures.groups_figure(cohort, comparisons, [contrast], ["fi"], "bilateral", ["L1"])
    axes = box_panel(figure, "PM", "fi")
    assert levels(axes) == ["L1"]
    assert heights(axes, "L1")[0] == pytest.approx(
        sorted(values_of(cohort, "L1", "PM", "fi", group="ALS", side="both"))
    )
    row = row_of(
        comparisons, contrast=contrast.text, segment="L1", muscle="PM", metric="fi", role="bilateral"
    )
    assert p_over(axes, "L1") == [three_digits(row["p"])]


def test_psa(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = figures.psa_figure(cohort, comparisons)
    for metric, segment, muscle in itertools.product(("fi", "rcsa"), SEGMENTS, MUSCLES):
        axes = box_panel(figure, muscle, metric)
        arms = [
            values_of(cohort, segment, muscle, metric, group="ALS", role="symptomatic", psa=psa)
            for psa in (1.0, 0.0)
        ]
        assert heights(axes, segment) == [pytest.approx(sorted(arm)) for arm in arms]
        row = row_of(
            comparisons, contrast="psa:1-0[group=ALS]", segment=segment, muscle=muscle, metric=metric,
            role="symptomatic",
        )  # fmt: skip
        assert p_over(axes, segment) == [three_digits(row["p"])]
    assert [name.partition(" (")[0] for name in legend(figure)] == ["PSA+", "PSA−"]


def test_a_plain_table(cohort: pd.DataFrame) -> None:
    table = pd.DataFrame(
        {
            "participant_id": [f"p{i}" for i in range(12)], "group": ["A", "B", "C"] * 4, "segment": "",
            "muscle": "", "side": "", "role": "", "penn": np.arange(12.0) ** 2,
        }
    )  # fmt: skip
    contrasts = [parse_contrast(f"group:{pair}") for pair in ("A-B", "A-C", "B-C")]
    figure = figures.groups_figure(table, compare(table, contrasts, ["penn"])[0], contrasts, ["penn"])
    (axes,) = figure.axes
    assert [sorted(shown[:, 1]) for shown in points(axes)] == [
        sorted(table.loc[table["group"] == g, "penn"]) for g in "ABC"
    ]
    assert len([text for text in over(axes) if text]) == 3
    assert axes.get_title(loc="left") == ""


def test_the_data_of_a_figure_are_what_it_shows(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = figures.sides_figure(cohort, comparisons)
    data = pd.DataFrame(figure.drawn)
    for metric, muscle, segment in itertools.product(("fi", "rcsa"), MUSCLES, SEGMENTS):
        axes = box_panel(figure, muscle, metric)
        here = data[(data["metric"] == metric) & (data["muscle"] == muscle) & (data["segment"] == segment)]
        own = here[here["drawn"] == "point"].groupby("arm", sort=False)["value"].apply(sorted).tolist()
        assert own == [values for values in heights(axes, segment) if values]
        boxes = here[here["drawn"] == "box"]
        assert boxes["median"].tolist() == medians(axes, segment)
        assert list(zip(boxes["q1"], boxes["q3"], strict=True)) == box_edges(axes, segment)
        assert [three_digits(p) for p in here.loc[here["drawn"] == "p", "p"]] == p_over(axes, segment)


@given(st.floats(0, 1))
def test_p_in_print_is_on_the_right_side_of_a_twentieth(p: float) -> None:
    text = p_text(p)
    assert (float(text.split()[-1]) < 0.05) == (p < 0.05)
    assert (stars(p) != "ns") == (p < 0.05)


# --- effects ------------------------------------------------------------------------------------------------


PU_OR = colormaps["PuOr"]


def effect_cells(axes: matplotlib.axes.Axes, shape: tuple[int, int]) -> np.ma.MaskedArray:
    mesh = axes.collections[0]
    return np.ma.asarray(mesh.get_array()).reshape(shape)


def test_effect_map_shows_every_row_on_one_scale(comparisons: pd.DataFrame) -> None:
    figure = effect_map(comparisons)
    keys = comparisons[["contrast", "role"]].drop_duplicates().values.tolist()
    drawn = panels(figure)
    for metric, title in (("fi", "FI (share, 0–1)"), ("rcsa", "rCSA (ratio)")):
        shown = effect_cells(drawn[title], (len(keys), 6))
        for i, (contrast, role) in enumerate(keys):
            for j, (muscle, segment) in enumerate(itertools.product(MUSCLES, SEGMENTS)):
                row = row_of(
                    comparisons, contrast=contrast, role=role, metric=metric, muscle=muscle, segment=segment
                )
                if row["effect"] == "rank_biserial":
                    assert shown[i, j] == pytest.approx(row["effect_size"], abs=1e-12)
                elif row["effect"] == "hedges_g":
                    assert shown[i, j] == pytest.approx(superiority(row["effect_size"]), abs=1e-7)
                else:
                    assert shown.mask[i, j]


@pytest.mark.parametrize("size", [-1, -0.78, -0.72, -0.69, -0.6, 0, 0.4, 0.55, 0.7, 1])
def test_the_number_of_an_effect_is_read_on_its_colour(comparisons: pd.DataFrame, size: float) -> None:
    """WCAG 2 asks for a contrast of 4.5; white on the orange of −0.69 had 3.6."""
    figure = effect_map(comparisons.iloc[:1].assign(effect="rank_biserial", effect_size=size, p_adjusted=1.0))
    (number,) = [
        text for text in figure.axes[0].texts if text.get_text().endswith(f"{abs(size) % 1:.2f}"[1:])
    ]
    ink, paper = to_rgb(number.get_color()), PU_OR((size + 1) / 2)[:3]
    light, dark = sorted((luminance(ink), luminance(paper)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def luminance(colour: tuple[float, float, float]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def superiority(g: float) -> float:
    """P(a > b) − P(a < b) for a from N(g, 1) and b from N(0, 1), by integration over a."""
    above, _ = integrate.quad(lambda a: stats.norm.pdf(a - g) * stats.norm.cdf(a), g - 9, g + 9)
    return 2 * above - 1


def one_effect(**cells: object) -> pd.DataFrame:
    row = dict.fromkeys(COMPARISON_COLUMNS, np.nan) | {
        "contrast": "group:ALS-LR", "segment": "L4", "muscle": "MF", "metric": "rcsa", "role": "symptomatic",
        "label_a": "ALS", "label_b": "LR", "effect": "rank_biserial", "effect_size": -0.452, "p": 0.2,
        "p_adjusted": 0.3,
    }  # fmt: skip
    return pd.DataFrame([row | cells])


@pytest.mark.parametrize(
    ("cells", "text", "dots", "slant"),
    [
        ({}, "−.45", 0, "normal"),
        ({"p": 0.04, "p_adjusted": 0.06}, "−.45", 1, "normal"),
        ({"p": 0.01, "p_adjusted": 0.02}, "−.45", 2, "normal"),
        # Φ(1/√2) = 0.7602 (tables of the normal distribution at 0.7071)
        ({"effect": "hedges_g", "effect_size": 1.0}, "+.52", 0, "italic"),
        ({"effect_size": 1.0}, "+1.00", 0, "normal"),
        ({"effect_size": -0.0001}, "+.00", 0, "normal"),
    ],
)
def test_effect_cells_say_their_number_and_significance(
    cells: dict[str, object], text: str, dots: int, slant: str
) -> None:
    figure = effect_map(one_effect(**cells))
    axes = figure.axes[0]
    (found,) = [t for t in axes.texts if t.get_text()[0] in "+−"]
    assert (found.get_text(), found.get_style()) == (text, slant)
    assert sum(len(offsets) for offsets in points(axes)[1:]) == dots
    (row,) = figure.drawn
    assert (row["p"], row["effect_size"]) == tuple(one_effect(**cells)[["p", "effect_size"]].iloc[0])
    assert f"{row['shown']:+z.2f}".replace("0.", ".").replace("-", "−") == text


def test_effects_without_a_test_stay_empty() -> None:
    axes = effect_map(one_effect(effect="", effect_size=np.nan, p=np.nan, p_adjusted=np.nan)).axes[0]
    assert effect_cells(axes, (1, 1)).mask.all()
    assert not [text for text in over(axes) if text[0] in "+−"]
    assert axes.patch.get_hatch()


@pytest.mark.parametrize(
    ("contrast", "labels", "role", "name"),
    [
        ("side:ALS", ("left", "right"), "", "ALS\nleft vs right"),
        ("group:ALS-LR", ("ALS", "LR"), "bilateral", "ALS vs LR\nboth sides"),
        (
            "group:ALS[onset_region=lower]-LR",
            ("ALS[onset_region=lower]", "LR"),
            "symptomatic",
            "ALS, lower-limb onset vs LR\nsymptomatic side",
        ),
        ("psa:1-0[group=LR]", ("1", "0"), "symptomatic", "PSA+ vs PSA−\nLR, symptomatic side"),
        ("group:pre-op-post", ("pre-op", "post"), "", "group:pre-op-post"),
    ],
)
def test_contrasts_in_words(contrast: str, labels: tuple[str, str], role: str, name: str) -> None:
    table = one_effect(contrast=contrast, label_a=labels[0], label_b=labels[1], role=role)
    axes = effect_map(table).axes[0]
    named = [text for text in axes.texts if text.get_ha() == "right"]
    assert "\n".join(text.get_text() for text in named) == name


# --- correlation --------------------------------------------------------------------------------------------


def test_scatter_shows_residuals_and_the_tables_numbers(cohort: pd.DataFrame) -> None:
    table = correlate(cohort, ["alsfrs_lower"], ["age", "bmi"], group="ALS")[0]
    figure = scatter_residuals(cohort, table, "rcsa", "alsfrs_lower", ["age", "bmi"], group="ALS")
    axes = panels(figure)["MF L3"]
    rows = cohort[
        (cohort["segment"] == "L3") & (cohort["muscle"] == "MF") & (cohort["role"] == "symptomatic")
    ]
    rows = rows.dropna(subset=["rcsa", "alsfrs_lower"])
    given = sm.add_constant(rows[["age", "bmi"]].to_numpy())
    x, y = (sm.OLS(rows[c].to_numpy(), given).fit().resid for c in ("rcsa", "alsfrs_lower"))
    (shown,) = points(axes)
    assert np.sort(shown[:, 0]) == pytest.approx(np.sort(x), abs=1e-9)
    assert np.sort(shown[:, 1]) == pytest.approx(np.sort(y), abs=1e-9)
    (line,) = axes.lines
    fit = stats.linregress(x, y)
    assert np.asarray(line.get_ydata()) == pytest.approx(
        fit.intercept + fit.slope * line.get_xdata(), abs=1e-9
    )
    p = row_of(table, segment="L3", muscle="MF", metric="rcsa")["p"]
    assert over(axes) == [f"r = {fit.rvalue:.3f}, p = {p:.3f}, n = {len(x)}".replace("-", "−")]
    assert "age and BMI" in figure.get_supxlabel()


def test_scatter_of_ranks_in_a_plain_table() -> None:
    table = pd.DataFrame(
        {"segment": "", "muscle": "", "role": "", "fa": [1.0, 4, 9, 2], "mrc": [2.0, 3, 9, 1]}
    )
    correlations = correlate(table, ["mrc"], metrics=["fa"], method="spearman")[0]
    (axes,) = scatter_residuals(table, correlations, "fa", "mrc", method="spearman").axes
    assert points(axes)[0].tolist() == [[-1.5, -0.5], [0.5, 0.5], [1.5, 1.5], [-0.5, -1.5]]
    assert over(axes) == ["r = 0.800, p = 0.200, n = 4"]


def test_scatter_refuses_the_correlations_of_other_data(cohort: pd.DataFrame) -> None:
    table = correlate(cohort, ["alsfrs_lower"], group="ALS")[0]
    with pytest.raises(ValueError, match="as in the cohort"):
        scatter_residuals(cohort, table, "rcsa", "alsfrs_lower", ["age"], group="ALS")


def test_scatter_says_why_there_is_no_correlation(cohort: pd.DataFrame) -> None:
    few = cohort[cohort["participant_id"].isin(["ALS_1", "ALS_2"])]
    table = correlate(few, ["alsfrs_lower"], ["age"])[0]
    figure = scatter_residuals(few, table, "fi", "alsfrs_lower", ["age"])
    assert all("is too few" in " ".join(over(axes)[0].split()) for axes in figure.axes)


# --- ROC ----------------------------------------------------------------------------------------------------


def roc_result() -> RocResult:
    cases = pd.DataFrame(
        {
            "group": ["ALS"] * 6 + ["LR"] * 6,
            "score": [4.0, 4, 3, 3, 2, 1, 3, 2, 2, 1, 0, 0],
            "rcsa": [0.2, 0.3, 0.25, 0.4, 0.35, 0.6, 0.5, 0.55, 0.7, 0.45, 0.8, 0.3],
            "same": [1.0] * 12,
            "_empty": [np.nan] * 12,
        }
    )
    return roc(cases, "group", "ALS", ["score", "rcsa", "same", "_empty"], lower_is_positive=["rcsa"])


def test_roc_curves_enclose_the_area_of_the_table() -> None:
    result = roc_result()
    figure = roc_figure(result)
    (axes,) = figure.axes
    curves = [line for line in axes.lines if len(line.get_xdata()) > 1][1:]
    for line, row in zip(curves[:3], result.table.to_dict("records"), strict=False):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        assert abs(integrate.trapezoid(y, x)) == pytest.approx(row["auc"], abs=1e-12)
    assert axes.get_aspect() == 1
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    for mark, row in zip(marks, result.table.head(2).to_dict("records"), strict=True):
        ((x, y),) = mark.get_xydata()
        assert (x, y) == pytest.approx((1 - row["specificity"], row["sensitivity"]))


def test_roc_legend_has_the_numbers() -> None:
    (legend,) = roc_figure(roc_result()).legends
    texts = [text.get_text() for text in legend.get_texts()]
    # Of 36 pairs the positives win 12 + 10 + 3 + 2 and tie 2 + 2 + 1: 29.5/36.
    assert texts[0].startswith("score (6, 6): 0.819 (")
    assert "positive if ≥ 2.5: sens. 66.7 %, spec. 83.3 %" in texts[0]
    assert "positive if ≤ " in texts[1]
    assert texts[2].endswith("no cut-off")
    assert texts[3].strip() == "_empty (0, 0): no curve"


def test_the_legend_of_a_long_model_ends_within_the_figure() -> None:
    """As of ``--combine``: cut at the edge, it hid that there is no curve."""
    table = roc_result().table.copy()
    table.loc[3, "predictor"] = "logistic(fi_L4_MF + rcsa_L4_MF + fi_L5_MF) [in-sample]"
    figure = roc_figure(replace(roc_result(), table=table))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert legend.get_window_extent().x1 <= figure.bbox.x1


# --- power and distribution ---------------------------------------------------------------------------------


def power_curve(tests: tuple[str, ...]) -> pd.DataFrame:
    place = {"contrast": "group:ALS-LR", "segment": "L4", "muscle": "MF", "metric": "fi"}
    place["role"] = "symptomatic"
    rows = [
        {**place, "test": test, "assumed": assumed, "n_a": n, "n_b": n, "power": min(1, n / 100)}
        for test in tests
        for assumed in ("observed", "end of its interval nearer to zero")
        for n in (4, 50, 200)
    ]
    return pd.DataFrame(rows)


def test_the_legend_of_power_names_each_test_once_whatever_its_colour() -> None:
    curve = power_curve(("welch_t", "mann_whitney_u"))
    figure = power_figure(curve, "group:ALS-LR", "fi", "symptomatic", 0.8, 0.05)
    assert legend(figure) == ["Welch’s t-test", "Mann–Whitney U test"]
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    thick = [line for line in lines if not str(line.get_label()).startswith("_")]
    assert len(lines) == 4
    assert [line.get_linestyle() for line in thick] == ["-", "--"]
    assert {line.get_linewidth() for line in thick} == {1.2}
    assert said(figure).startswith("ALS vs LR, symptomatic side. Two-sided level 0.05; dotted: power 0.8. ")
    assert "Thin: " in said(figure)
    assert not {"orange", "blue", "green"} & set(re.findall(r"\w+", said(figure)))
    only = power_figure(curve[curve["assumed"] == "observed"], "group:ALS-LR", "fi", "symptomatic", 0.8, 0.05)
    assert "Thin" not in said(only)


def test_the_legend_of_the_distribution_has_the_n_of_each_group() -> None:
    columns = [column for profile in PROFILES for column in profile.columns]
    people = [("ALS", f"ALS_{i}") for i in range(1, 7)] + [("LR", f"LR_{i}") for i in range(1, 5)]
    rows = pd.DataFrame(
        {
            **{"participant_id": who, "group": group, "segment": "L4", "muscle": "MF", "side": "left"},
            **{"role": "symptomatic", "region": ""},
            **dict.fromkeys(columns, 0.1 * number),
        }
        for number, (group, who) in enumerate(people)
    )
    rows.loc[0, columns[0]] = np.nan
    figure = distribution_figure(rows, "L4", "symptomatic")
    assert legend(figure) == ["ALS (n = 5–6)", "LR (n = 4)"]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title[0] for title in titles] == ["A", "B", "C"]


def test_panels_beyond_the_alphabet_have_two_letters() -> None:
    figure = Figure()
    axes = figure.subplots()
    for number, letter in ((0, "A"), (25, "Z"), (26, "AA"), (52, "BA")):
        name_panel(axes, number, 60, "MF", loc="left")
        assert axes.get_title(loc="left") == f"{letter}\u2002MF"


# --- agreement and threshold --------------------------------------------------------------------------------


def test_bland_altman_lines_and_labels() -> None:
    a, b = np.array([10.0, 20, 30, 40]), np.array([11.0, 22, 33, 40])  # differences 1, 2, 3, 0
    (axes,) = bland_altman_figure({"MF": bland_altman(a, b)}, "csa_px", "first", "second").axes
    (shown,) = points(axes)
    assert shown.tolist() == [[10.5, 1], [21, 2], [31.5, 3], [40, 0]]
    sd = np.sqrt(5 / 3)
    heights = sorted(line.get_ydata()[0] for line in axes.lines)
    assert heights == pytest.approx([1.5 - 1.96 * sd, 0, 1.5, 1.5 + 1.96 * sd])
    half = stats.t.ppf(0.975, 3) * sd / 2
    bands = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches]
    assert (bands[0].y0, bands[0].y1) == pytest.approx((1.5 - half, 1.5 + half))
    assert "bias\n1.5\n(−0.6 to\n3.6)" in over(axes)
    assert axes.get_ylabel() == "second − first, CSA (px)"
    assert axes.get_title(loc="right") == "n = 4"


@pytest.mark.parametrize(
    ("a", "b", "texts"),
    [
        ([], [], ["no data"]),
        ([1.0], [1.5], ["difference\n0.50"]),
        ([1.0, 2, 3], [1.1, 2.1, 3.1], ["all differ by\n0.10"]),
        ([1.0, 2], [1, 2], ["all differ by\n0.00"]),
    ],
)
def test_bland_altman_without_limits(a: list[float], b: list[float], texts: list[str]) -> None:
    (axes,) = bland_altman_figure({"MF": bland_altman(a, b)}, "fi", "A", "B").axes
    assert over(axes) == texts


def test_bland_altman_labels_do_not_cover_each_other() -> None:
    limits = bland_altman([100.0, 200.0], [110.0, 250.0])
    figure = bland_altman_figure({"MF": limits}, "csa_px", "A", "B")
    boxes = sorted((t.get_window_extent() for t in figure.axes[0].texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 for low, high in itertools.pairwise(boxes))


def sweep_table() -> pd.DataFrame:
    thresholds = np.arange(256)
    columns = {"muscle": [], "threshold": [], "fi_median": [], "fi_q1": [], "fi_q3": []}
    for muscle, middle in (("PM", 30), ("MF", 60)):
        curve = 1 / (1 + np.exp((thresholds - middle) / 12))
        cells = ([muscle] * 256, thresholds, curve, curve * 0.9, np.sqrt(curve))
        for column, values in zip(columns.values(), cells, strict=True):
            column.extend(values)
    return pd.DataFrame(columns)


def test_sweep_shows_median_quartiles_and_threshold() -> None:
    table = sweep_table()
    (axes,) = sweep_figure(table.sample(frac=1, random_state=1), threshold=45).axes
    *curves, mark = axes.lines
    assert [line.get_label() for line in curves] == ["MF", "PM"]
    for line, band in zip(curves, axes.collections, strict=True):
        rows = table[table["muscle"] == line.get_label()]
        assert np.asarray(line.get_ydata()) == pytest.approx(rows["fi_median"].to_numpy())
        drawn = band.get_paths()[0].vertices
        at_fifty = drawn[drawn[:, 0] == 50][:, 1]
        assert sorted(set(at_fifty)) == pytest.approx(
            rows.loc[rows["threshold"] == 50, ["fi_q1", "fi_q3"]].to_numpy()[0]
        )
    assert set(mark.get_xdata()) == {45}


def test_sweep_of_single_regions_has_lines_without_bands() -> None:
    (axes,) = sweep_figure(sweep_table().assign(fi_q1=np.nan, fi_q3=np.nan)).axes
    assert len(axes.lines) == 3
    assert not any(path.vertices.size for band in axes.collections for path in band.get_paths())


def test_sweep_does_not_mix_segments() -> None:
    table = pd.concat([sweep_table().assign(segment=segment) for segment in ("L4", "L5")])
    with pytest.raises(ValueError, match="several rows for one threshold"):
        sweep_figure(table)


# --- all figures --------------------------------------------------------------------------------------------


def all_figures(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    group_contrasts = [c for c in default_contrasts(make_cohort())[0] if c.column == "group"]
    correlations = correlate(make_cohort(), ["alsfrs_lower"], ["age"], group="ALS")[0]
    return {
        "sides": lambda: figures.sides_figure(cohort, comparisons),
        "groups": lambda: figures.groups_figure(cohort, comparisons, group_contrasts),
        "psa": lambda: figures.psa_figure(cohort, comparisons),
        "effects": lambda: effect_map(comparisons),
        "scatter": lambda: scatter_residuals(
            make_cohort(), correlations, "fi", "alsfrs_lower", ["age"], group="ALS"
        ),
        "roc": lambda: roc_figure(roc_result()),
        "bland_altman": lambda: bland_altman_figure(
            {name: bland_altman([0.1, 0.5, 0.6], [0.2, 0.4, 0.6]) for name in "abcd"}, "fi", "A", "B"
        ),
        "sweep": lambda: sweep_figure(sweep_table()),
    }


NAMES = ["sides", "groups", "psa", "effects", "scatter", "roc", "bland_altman", "sweep"]


@pytest.mark.parametrize("name", NAMES)
def test_print_size(name: str, cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = all_figures(cohort, comparisons)[name]()
    width_mm, height_mm = np.asarray(figure.get_size_inches()) * 25.4
    assert round(width_mm) in (85, 174)
    assert height_mm < 240
    sizes = {text.get_fontsize() for text in figure.findobj(Text) if text.get_text()}
    assert min(sizes) >= 7
    assert not [text for text in written(figure) if "nan" in text.lower().split()]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_drawn_beyond_the_paper(
    name: str, cohort: pd.DataFrame, comparisons: pd.DataFrame
) -> None:
    figure = all_figures(cohort, comparisons)[name]()
    drawn = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert drawn.x0 >= -0.01
    assert drawn.y0 >= -0.01
    assert drawn.x1 <= width + 0.01
    assert drawn.y1 <= height + 0.01


@pytest.mark.parametrize("name", ["sides", "groups", "psa", "effects"])
def test_empty_tables_say_no_data(name: str, cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    figure = all_figures(cohort.iloc[:0], comparisons.iloc[:0])[name]()
    assert "no data" in written(figure)


def test_other_empty_input_says_no_data() -> None:
    empty = roc_result()
    tables = (empty.table.iloc[:0], empty.points.iloc[:0], empty.delong.iloc[:0])
    none = RocResult(*tables, [], (), empty.is_positive)
    assert "no data" in written(roc_figure(none))
    assert "no data" in written(bland_altman_figure({}, "fi", "A", "B"))
    assert "no data" in written(sweep_figure(sweep_table().iloc[:0]))


def test_one_group_alone(cohort: pd.DataFrame) -> None:
    als = cohort[cohort["group"] == "ALS"]
    figure = figures.groups_figure(als, NO_COMPARISONS, [parse_contrast("group:ALS-LR")])
    assert legend(figure)[1] == "LR (n = 0)"
    assert not np.concatenate([heights(axes, "L3")[1:] for axes in figure.axes]).size
    figure = figures.psa_figure(als.drop(columns="psa"), NO_COMPARISONS)
    assert "no data" in written(figure)


def test_names_with_dollars_are_plain_text() -> None:
    limits = bland_altman([1.0, 2, 4], [1.5, 2, 3])
    figure = bland_altman_figure({"$a_{$": limits}, "fi", "$x^$", "B")
    figure.draw_without_rendering()
    assert "$a_{$" in written(figure)


def test_the_tables_are_left_as_they_were(cohort: pd.DataFrame, comparisons: pd.DataFrame) -> None:
    before = cohort.copy(), comparisons.copy()
    for draw in all_figures(cohort, comparisons).values():
        draw()
    pd.testing.assert_frame_equal(cohort, before[0])
    pd.testing.assert_frame_equal(comparisons, before[1])


def test_settings_of_the_user_change_nothing(cohort: pd.DataFrame) -> None:
    plain = figures.sides_figure(cohort, NO_COMPARISONS)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        other = figures.sides_figure(cohort, NO_COMPARISONS)
        assert matplotlib.rcParams["font.size"] == 30
    pixels = []
    for figure in (plain, other):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels.append(np.asarray(canvas.buffer_rgba()))
    assert np.array_equal(*pixels)


def test_no_pyplot_and_no_display() -> None:
    code = "import sys, mriparaspinal.analysis.files; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
