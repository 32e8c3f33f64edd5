"""Agreement on grades, laid out for print and drawn: tables in, tables and figures out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap

from mriparaspinal.present.cell_texts import with_minus_signs
from mriparaspinal.present.style import (
    COLUMN_MM,
    GREY,
    PAGE_MM,
    PaperFigure,
    colour,
    footnote,
    new_figure,
    place_panels,
    style,
    with_fixed_layout,
)
from mriparaspinal.present.table_layout import ABSENT, PaperTable, absent_note

NAMES = {
    "percent_agreement": "Agreement",
    "cohen_kappa": "Cohen’s κ",
    "conger_kappa": "Conger’s κ",
    "fleiss_kappa": "Fleiss’ κ",
    "gwet_ac1": "Gwet’s AC1",
    "gwet_ac2": "Gwet’s AC2",
}

_BY_PARTICIPANT = "95 % confidence intervals by bootstrap over participants."
_BY_TARGET = "95 % confidence intervals that take targets as independent."

#: White to dark: how many of all pairs of grades.
_SHADES = LinearSegmentedColormap.from_list("counts", ["#FFFFFF", "#56B4E9"])


def _bounds(row: Mapping[str, Any]) -> tuple[float, float]:
    """The interval to read: over participants where there is one."""
    end = "_bootstrap" if _drawn_by_participant([row]) else ""
    return row[f"ci_low{end}"], row[f"ci_high{end}"]


def _drawn_by_participant(rows: list[Mapping[str, Any]]) -> bool:
    return any(not math.isnan(row["ci_low_bootstrap"]) for row in rows)


def _label(row: Mapping[str, Any]) -> str:
    name = NAMES[row["coefficient"]]
    return f"{name}, {row['rater_a']}–{row['rater_b']}" if row["rater_a"] else name


def ratings_table(table: pd.DataFrame) -> PaperTable:
    """Each coefficient with its interval, a column for each kind of weights."""
    rows = table.to_dict("records")
    kinds = list(dict.fromkeys(table["weights"]))
    lines: dict[str, dict[str, str]] = {}
    for row in rows:
        name = _label(row)
        if len(kinds) > 1 and row["coefficient"].startswith("gwet"):
            name = "Gwet’s AC1/AC2"
        lines.setdefault(name, {"n": str(row["n"])})[row["weights"]] = _value(row)
    body = tuple(
        (name, cells["n"], *(cells.get(kind, ABSENT) for kind in kinds)) for name, cells in lines.items()
    )
    notes = (
        "Value (95 % confidence interval).",
        _BY_PARTICIPANT if _drawn_by_participant(rows) else _BY_TARGET,
        *absent_note(body),
    )
    header = ("Coefficient", "Targets", *(kind.capitalize() for kind in kinds))
    return PaperTable("rating_table", "Agreement of the raters.", header, body, frozenset(), notes)


def _value(row: Mapping[str, Any]) -> str:
    value, (low, high) = row["value"], _bounds(row)
    if math.isnan(value):
        return ABSENT
    text = f"{value:z.2f}" if math.isnan(low) else f"{value:z.2f} ({low:z.2f} to {high:z.2f})"
    return with_minus_signs(text)


@style()
def coefficient_figure(table: pd.DataFrame) -> PaperFigure:
    """Each coefficient with its interval, from −1 (or 0) to 1, a panel for each kind of weights."""
    kinds = list(dict.fromkeys(table["weights"]))
    rows = {kind: table[table["weights"] == kind].to_dict("records") for kind in kinds}
    most = max(len(found) for found in rows.values())
    figure = new_figure(COLUMN_MM if len(kinds) == 1 else PAGE_MM, 16 + 5.5 * most)
    grid = figure.subplots(1, len(kinds), sharex=True, squeeze=False)
    for place, (axes, kind) in enumerate(zip(grid.flat, kinds, strict=True)):
        for number, row in enumerate(rows[kind]):
            low, high = _bounds(row)
            if not math.isnan(low):
                axes.plot([low, high], [number, number], color=colour(4), linewidth=1.2)
            axes.plot(row["value"], number, "o", color=colour(4), markersize=4)
            figure.drawn.append(
                {
                    "weights": kind, "coefficient": row["coefficient"], "rater_a": row["rater_a"],
                    "rater_b": row["rater_b"], "value": row["value"], "ci_low": low, "ci_high": high,
                }
            )  # fmt: skip
        labels = [_label(row) for row in rows[kind]] if place == 0 else []
        axes.set_yticks(range(len(labels)), labels)
        axes.set(title=kind, ylim=(most - 0.5, -0.5), xlabel="agreement")
        axes.axvline(0, color=GREY, linewidth=0.5, linestyle=":")
        axes.set_xlim(right=1.02)
    named = "Gwet’s AC1 is AC2 with weights. " if len(kinds) > 1 else ""
    every = [row for found in rows.values() for row in found]
    footnote(figure, named + (_BY_PARTICIPANT if _drawn_by_participant(every) else _BY_TARGET))
    return place_panels(figure, grid)


@style()
def pairs_figure(pairs: pd.DataFrame) -> PaperFigure:
    """How often each pair of raters gave each pair of grades; the diagonal is agreement."""
    raters = list(dict.fromkeys(zip(pairs["rater_a"], pairs["rater_b"], strict=True)))
    levels = list(dict.fromkeys(pairs["grade_a"]))
    across = min(3, len(raters))
    down = math.ceil(len(raters) / across)
    figure = new_figure(
        COLUMN_MM if across == 1 else PAGE_MM, down * (76 if across == 1 else 56), "constrained"
    )
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(raters) :]:
        axes.set_axis_off()
    for axes, (a, b) in zip(grid.flat, raters, strict=False):
        of = pairs[(pairs["rater_a"] == a) & (pairs["rater_b"] == b)]
        counts = of["count"].to_numpy(dtype=float).reshape(len(levels), len(levels))
        axes.pcolormesh(counts, cmap=_SHADES, vmin=0, vmax=max(counts.max(), 1.0), edgecolors="white")
        for (i, j), count in np.ndenumerate(counts):
            weight = "bold" if i == j else "normal"
            axes.text(j + 0.5, i + 0.5, f"{count:.0f}", ha="center", va="center", fontweight=weight)
        axes.set_xticks(np.arange(len(levels)) + 0.5, levels)
        axes.set_yticks(np.arange(len(levels)) + 0.5, levels)
        axes.set(xlabel=b, ylabel=a, aspect="equal", title=f"n = {counts.sum():.0f}")
        axes.invert_yaxis()
        figure.drawn += of.to_dict("records")
    return with_fixed_layout(figure)
