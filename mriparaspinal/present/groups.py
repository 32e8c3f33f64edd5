"""Three groups or more at once: the printed table and the box plots with letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from mriparaspinal.core.names import CHOICE_OF_OMNIBUS, NORMALITY_NAMES, SIDE_NAMES, TEST_NAMES
from mriparaspinal.core.text import join_names
from mriparaspinal.present.box_samples import Arm, Panel, arms_of_groups, panels_of
from mriparaspinal.present.boxes import METRICS, ROLE_NOTES, box_figure
from mriparaspinal.present.cell_texts import n_text, p_cell, with_minus_signs
from mriparaspinal.present.p_values import is_significant
from mriparaspinal.present.style import PaperFigure, is_plain, style
from mriparaspinal.present.table_layout import (
    ABSENT,
    Column,
    PaperTable,
    lay_out,
    metric_name,
    row_key,
    row_keys,
    with_empty_texts,
)
from mriparaspinal.stats.cells import texts
from mriparaspinal.stats.limits import ALPHA

LETTERS_NOTE = (
    f"Letters: groups of a row that share none differ (p < {ALPHA}, adjusted for all pairs of the row"
)

_TEXTS = ("groups", "letters_a", "letters_b", "difference_of")


def groups_table(omnibus: pd.DataFrame, post_hoc: pd.DataFrame, normality: str) -> PaperTable:
    """All groups of a column side by side, each with its letters, and the p of all at once."""
    omnibus, pairs = _texts(omnibus), _texts(post_hoc)
    column = omnibus["groups"].iloc[0]
    names = list(dict.fromkeys([*pairs["label_a"], *pairs["label_b"]]))
    groups: list[Column] = []
    p_values: list[Column] = []
    for role in dict.fromkeys(omnibus["role"]):
        side = SIDE_NAMES[role].label if role else ""
        of_role = pairs[pairs["role"] == role]
        groups += [_group_column(name, side, of_role) for name in names]
        p_values += _p_columns(side, omnibus[omnibus["role"] == role])
    metrics = [metric_name(metric) for metric in dict.fromkeys(omnibus["metric"])]
    sides = [
        f"{SIDE_NAMES[role].label}, {SIDE_NAMES[role].long}."
        for role in dict.fromkeys(omnibus["role"])
        if role
    ]
    tests = join_names([TEST_NAMES[test].long for test in dict.fromkeys(pairs["test"]) if test])
    notes = [
        *sides,
        f"Mean ± standard deviation where normality is not rejected ({NORMALITY_NAMES[normality]}, "
        f"p ≥ {ALPHA}); else median, with the interquartile range in brackets.",
        f"P value, all groups at once: {CHOICE_OF_OMNIBUS}. Bold: p < {ALPHA} before rounding, not adjusted "
        "for the number of rows; adjusted values are in omnibus.csv (p_adjusted).",
        f"{LETTERS_NOTE}: {tests}). Differences with intervals are in post_hoc.csv." if tests else "",
    ]
    title = f"Table of groups. MRI data ({join_names(metrics)}) by {column}: {join_names(names)}."
    return lay_out(
        "table_groups",
        title,
        "Item",
        [*groups, *p_values],
        row_keys(omnibus),
        [note for note in notes if note],
    )


@style()
def letters_figure(
    cohort: pd.DataFrame,
    omnibus: pd.DataFrame,
    post_hoc: pd.DataFrame,
    metrics: Sequence[str] = METRICS,
    role: str = "symptomatic",
) -> PaperFigure:
    """All groups of a column side by side, with the letters of the post-hoc test over their boxes.

    Boxes as in :func:`mriparaspinal.present.boxes.groups_figure`; the upper number is the p of all groups at
    once, bold below 0.05.
    Raises ValueError where the tables were not made from ``cohort`` (another n).
    """
    pairs, omnibus = _texts(post_hoc), _texts(omnibus)
    column = omnibus["groups"].iloc[0]
    names = list(dict.fromkeys([*pairs["label_a"], *pairs["label_b"]]))
    role = "" if is_plain(cohort) else role
    arms = arms_of_groups(cohort, column, names, role)
    panels, segments = panels_of(cohort, pd.DataFrame({"contrast": []}), arms, [], metrics)
    letters: dict[tuple[str, ...], tuple[Any, str]] = {}
    for row in pairs[pairs["role"] == role].to_dict("records"):
        for arm in "ab":
            key = (row["segment"], row["muscle"], row["metric"], row[f"label_{arm}"])
            letters[key] = (row[f"n_{arm}"], row[f"letters_{arm}"])
    rows = omnibus[omnibus["role"] == role].to_dict("records")
    p: dict[tuple[str, ...], float] = {
        (row["segment"], row["muscle"], row["metric"]): float(row["p"]) for row in rows
    }
    lettered = [_lettered(panel, segments, arms, letters, p) for panel in panels]
    tests = join_names([TEST_NAMES[test].long for test in dict.fromkeys(pairs["test"]) if test])
    more = ["Upper line: p of all groups at once, not adjusted; bold: p < 0.05."]
    if tests:
        more.append(f"{LETTERS_NOTE.replace(' row', ' segment')}: {tests}).")
    return box_figure(lettered, segments, arms, ROLE_NOTES.get(role, ""), more=more)


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    table = with_empty_texts(table)
    return table.assign(**{name: texts(table[name]) for name in _TEXTS if name in table})


def _group_column(name: str, side: str, pairs: pd.DataFrame) -> Column:
    column = Column("")
    sizes = []
    for record in pairs.to_dict("records"):
        for arm in "ab":
            if record[f"label_{arm}"] == name:
                cell = f"{with_minus_signs(record[f'summary_{arm}'])} {record[f'letters_{arm}']}".strip()
                column.cells[row_key(record)] = cell or ABSENT
                sizes.append(record[f"n_{arm}"])
    column.header = f"{f'{name} {side}'.strip()} ({n_text(sizes)})"
    return column


def _p_columns(side: str, omnibus: pd.DataFrame) -> list[Column]:
    p, test = Column(f"P value {side}".strip()), Column(f"Test {side}".strip())
    for record in omnibus.to_dict("records"):
        key = row_key(record)
        p.cells[key] = p_cell(record["p"])
        test.cells[key] = TEST_NAMES[record["test"]].label if record["test"] else ABSENT
        if is_significant(record["p"]):
            p.bold.add(key)
    return [p, test]


def _lettered(
    panel: Panel,
    segments: Sequence[str],
    arms: Sequence[Arm],
    letters: Mapping[tuple[str, ...], tuple[Any, str]],
    p: Mapping[tuple[str, ...], float],
) -> Panel:
    """The panel with the letters of its groups, which must be those of the points."""
    found = []
    for segment, samples in zip(segments, panel.samples, strict=True):
        place = (segment, panel.muscle, panel.metric)
        own = [letters.get((*place, arm.label), (0, "")) for arm in arms]
        for (n, _), sample in zip(own, samples, strict=True):
            if n != len(sample.values):
                raise ValueError(
                    f"{place}: tests with n = {n}; expected {len(sample.values)} as in the cohort"
                )
        found.append([text for _, text in own])
    of_segment = [p.get((segment, panel.muscle, panel.metric), float("nan")) for segment in segments]
    return replace(panel, letters=found, omnibus=of_segment)
