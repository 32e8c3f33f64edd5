"""The figures of ``model``: what is drawn is what the tables say."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mriparaspinal.present.estimated_means import means_figure
from mriparaspinal.present.residuals import residuals_figure
from mriparaspinal.stats.model import Checks


def checks(effects: list[tuple[str, str, str, float]]) -> Checks:
    rows = pd.DataFrame(
        {"participant_id": list("ABCD"), "fitted": [0.1, 0.2, 0.3, 0.4], "residual": [0.5, -1.5, 2.0, -1.0]}
    )
    return Checks(rows, pd.DataFrame(effects, columns=["effect", "column", "level", "value"]))


def test_normal_plots_have_their_quantiles() -> None:
    values = [0.3, -1.2, 0.9, 0.1, -0.4]
    effects = [("participant_id", "(Intercept)", f"P{i}", value) for i, value in enumerate(values)]
    figure = residuals_figure(checks([*effects, ("site", "(Intercept)", "S1", 1.0)]), "fi")
    assert [axes.get_title("left") for axes in figure.axes] == [
        "A\u2002Residuals",
        "B\u2002Residuals, normal plot",
        "C\u2002Participants",
        "D\u2002site",
    ]
    drawn = pd.DataFrame(figure.drawn)
    own = drawn[drawn["effect"] == "participant_id"]
    expected = stats.norm.ppf((stats.rankdata(values) - 0.5) / 5)
    assert own["normal_quantile"].to_numpy() == pytest.approx(expected)
    residuals = drawn[drawn["drawn"] == "residual"]
    assert residuals["residual"].tolist() == [0.5, -1.5, 2.0, -1.0]
    assert residuals["normal_quantile"].idxmax() == 2
    alone = drawn[drawn["effect"] == "site"]
    assert alone["normal_quantile"].isna().all()


def test_a_model_without_random_effects_has_two_panels() -> None:
    assert len(residuals_figure(checks([]), "fi").axes) == 2


def means() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "factors": "group:role",
            "by": "segment",
            "at": ["L4"] * 4 + ["L5"] * 4,
            "cell": ["ALS:S", "ALS:C", "LR:S", "LR:C"] * 2,
            "mean": [0.1, 0.2, 0.3, np.nan, 0.5, 0.6, 0.7, 0.8],
        }
    )
    return table.assign(ci_low=table["mean"] - 0.1, ci_high=table["mean"] + 0.1)


def test_means_stand_over_their_levels() -> None:
    figure = means_figure(means(), "fi")
    assert [axes.get_title("left") for axes in figure.axes] == ["A\u2002L4", "B\u2002L5"]
    first = figure.axes[0]
    assert [label.get_text() for label in first.get_xticklabels()] == ["S", "C"]
    lines = {bars.get_label(): bars[0].get_ydata() for bars in first.containers}
    assert lines["ALS"].tolist() == [0.1, 0.2]
    assert lines["LR"].tolist() == pytest.approx([0.3, np.nan], nan_ok=True)
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    assert [row["mean"] for row in figure.drawn] == pytest.approx(means()["mean"].tolist(), nan_ok=True)


def test_means_that_cannot_be_told() -> None:
    figure = means_figure(means().assign(mean=np.nan, ci_low=np.nan, ci_high=np.nan), "fi")
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["no data", "no data"]
    assert "no data" in means_figure(means().iloc[:0], "fi").axes[0].texts[0].get_text()
