"""All groups of a column at once, beside the comparisons: tables, printed table and figures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Content, file_name
from mriparaspinal.core.text import join_names
from mriparaspinal.present.table_layout import PaperTable
from mriparaspinal.stats.arms import Normality
from mriparaspinal.stats.cells import group_names
from mriparaspinal.stats.design import is_table_mode
from mriparaspinal.stats.letters import MOST_GROUPS
from mriparaspinal.stats.many_groups import FEWEST_GROUPS, compare_many


def groups_column(cohort: Cohort, groups: str | None, asked: bool) -> tuple[str | None, list[str]]:
    """Which column's groups are compared at once, and what to say of it.

    The one that was asked for; without any, and without contrasts that were asked for, the study's groups
    where there are three or more.
    """
    if groups is not None:
        return groups, []
    names = group_names(cohort.table["group"]) if "group" in cohort.table else []
    if len(names) < FEWEST_GROUPS:
        return None, []
    option = "--groups group tests all of them at once"
    if asked or len(names) > MOST_GROUPS:
        return None, [f"group: {len(names)} groups; {option}"] if asked else []
    return "group", [
        f"group: {join_names(names)}: omnibus.csv tests all groups at once, post_hoc.csv all pairs in one "
        "family (--groups names another column)"
    ]


def omnibus_of(
    cohort: Cohort, column: str, metrics: Sequence[str], normality: Normality, divide_by: str | None
) -> tuple[dict[str, Content], list[PaperTable], list[str]]:
    """The files, the printed table and the notes."""
    from mriparaspinal.present.groups import groups_table, letters_figure

    found = compare_many(cohort.table, column, metrics, normality, divide_by)
    contents: dict[str, Content] = {"omnibus.csv": found.omnibus, "post_hoc.csv": found.post_hoc}
    if found.omnibus.empty:
        return contents, [], [*found.notes, f"omnibus of {column}: no rows"]
    if not is_table_mode(cohort.table):
        roles = list(dict.fromkeys(found.omnibus["role"]))
        shown = list(dict.fromkeys(found.omnibus["metric"]))
        for first in range(0, len(shown), 2):
            name = file_name("figure_groups_letters", contents)
            draw = partial(
                letters_figure,
                cohort.table,
                found.omnibus,
                found.post_hoc,
                shown[first : first + 2],
                roles[0],
            )
            contents[name] = Drawing(draw)
    return contents, [groups_table(found.omnibus, found.post_hoc, normality)], list(found.notes)
