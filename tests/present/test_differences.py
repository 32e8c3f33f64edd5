"""The forest plots are read back: each mark is a difference of the table, at its place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mriparaspinal.present.differences import difference_figure
from mriparaspinal.stats.compare import compare
from mriparaspinal.stats.contrasts import resolve
from mriparaspinal.stats.on_request import OnRequest
from tests.present.test_figures import make_cohort

CONTRASTS = ("interaction:ALS-LR", "group:ALS-LR", "side:ALS")


@pytest.fixture(scope="module")
def comparisons() -> pd.DataFrame:
    cohort = make_cohort()
    contrasts = [resolve(text, cohort) for text in CONTRASTS]
    return compare(cohort, contrasts, asked=OnRequest({"fi": 0.05}))[0]


def test_marks_and_intervals_are_those_of_the_table(comparisons: pd.DataFrame) -> None:
    figure = difference_figure(comparisons, "fi")
    table = comparisons[comparisons.metric == "fi"]
    drawn = pd.DataFrame(figure.drawn)
    assert len(drawn) == table.difference.notna().sum()
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title("left").splitlines() for axes in panels] == [
        ["A\u2002ALS vs LR", "symptomatic −", "contralateral"], ["B\u2002ALS vs LR", "symptomatic side"],
        ["C\u2002ALS vs LR", "both sides"], ["D\u2002ALS", "symptomatic vs", "contralateral"],
    ]  # fmt: skip
    for axes, (_, rows) in zip(panels, table.groupby(["contrast", "role"], sort=False), strict=True):
        paired = rows.contrast.iloc[0] == "side:ALS"
        order = rows.sort_values(["muscle", "segment"], kind="stable")
        names = ("paired_difference", "paired_difference_ci_low", "paired_difference_ci_high")
        expected = order[list(names) if paired else [name.removeprefix("paired_") for name in names]]
        marks = np.array([points.get_offsets().data[0] for points in axes.collections])
        known = expected.iloc[:, 0].notna().to_numpy()
        assert marks[:, 0] == pytest.approx(expected.iloc[:, 0].to_numpy()[known])
        assert marks[:, 1].tolist() == np.flatnonzero(known).tolist()
        intervals = [line.get_xdata() for line in axes.lines if len(set(line.get_ydata())) == 1]
        assert np.array(intervals) == pytest.approx(expected.dropna().to_numpy()[:, 1:])
        p = order.paired_p if paired else order.p
        filled = [points.get_facecolor()[0].min() < 1 for points in axes.collections]
        assert filled == (p[known] < 0.05).tolist()
        (margin,) = axes.patches
        assert (margin.get_x(), margin.get_width()) == (-0.05, 0.1)


def test_without_margins_nothing_is_shaded_and_without_rows_nothing_drawn(comparisons: pd.DataFrame) -> None:
    figure = difference_figure(comparisons, "rcsa")
    assert not [patch for axes in figure.axes for patch in axes.patches]
    assert "margin" not in figure.note.get_text()
    assert difference_figure(comparisons, "csa_px").drawn == []


def test_all_contrasts_of_the_paper_fit_on_a_page() -> None:
    """Ten panels of fifteen rows: no journal prints a figure of more than 240 mm."""
    cohort = make_cohort()
    texts = [
        *("side:ALS", "side:LR", "group:ALS-LR", "group:ALS[onset_region=lower]-LR"),
        *("psa:1-0[group=ALS]", "psa:1-0[group=LR]"),
    ]
    table = compare(cohort, [resolve(text, cohort) for text in texts])[0]
    one = table[(table["segment"] == table["segment"].iloc[0]) & (table["muscle"] == "MF")]
    places = [{"muscle": m, "segment": s} for m in ("MF", "ES", "PM") for s in ("L1", "L2", "L3", "L4", "L5")]
    figure = difference_figure(pd.concat([one.assign(**place) for place in places]), "fi")
    panels = [axes for axes in figure.axes if axes.axison]
    assert [len(axes.get_yticks()) for axes in panels] == [15] * 10
    assert figure.get_figheight() * 25.4 <= 240
