"""A cohort's comparisons as files: the table, the paper's tables and figures, and the notes."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import METRICS, Cohort, metrics_of
from mriparaspinal.analysis.omnibus import groups_column, omnibus_of
from mriparaspinal.analysis.result import Analysis, Content, file_name, notes_bytes
from mriparaspinal.core.distribution import PROFILES
from mriparaspinal.core.errors import NothingToCompareError, UsageError
from mriparaspinal.core.filenames import COMPARISONS
from mriparaspinal.core.text import count_of
from mriparaspinal.io.manifest import COMPARISON
from mriparaspinal.parallel.map import forks, map_in_order
from mriparaspinal.present.table_layout import PaperTable
from mriparaspinal.present.tables import table1, table2, table3, table4
from mriparaspinal.stats.arms import Normality
from mriparaspinal.stats.cells import texts
from mriparaspinal.stats.characteristics import characteristics
from mriparaspinal.stats.compare import Each, compare
from mriparaspinal.stats.contrasts import (
    INTERACTION,
    SIDE,
    Contrast,
    default_contrasts,
    members,
    resolve,
)
from mriparaspinal.stats.correlate import correlate
from mriparaspinal.stats.design import is_table_mode
from mriparaspinal.stats.limits import ALPHA
from mriparaspinal.stats.on_request import NOTHING, OnRequest

#: What the paper's Table 4 correlates in ALS, and what it holds constant.
_TABLE_4 = {"score": "alsfrs_lower", "covariates": ("age", "bmi"), "group": "ALS"}

#: Not ``correlations.csv``: that is the name of what ``correlate`` was asked for.
_CORRELATIONS = "table4_correlations.csv"

#: What is drawn of where the fat lies, where it was measured.
_PROFILES = tuple(column for profile in PROFILES for column in profile.columns)

#: The study's groups as a characteristic of arms that are not made by them.
_STUDY_GROUP = "study group"


def columns_named(
    contrasts: Sequence[str], metrics: Sequence[str], divide_by: str | None, groups: str | None = None
) -> str:
    """A text in which all columns stand that a comparison of results looks at; those of the protocol not."""
    of_paper = "alsfrs_lower age bmi psa onset_region"
    return " ".join([*contrasts, *(metrics or METRICS), divide_by or "", groups or "", of_paper, *_PROFILES])


def compare_cohort(
    cohort: Cohort,
    contrasts: Sequence[str],
    metrics: Sequence[str],
    normality: str | None = None,
    divide_by: str | None = None,
    on_request: OnRequest = NOTHING,
    *,
    groups: str | None = None,
    smd: bool = False,
    jobs: int = 1,
) -> Analysis:
    """Make the contrasts that were asked for, else those of the protocol, else the paper's.

    What is not asked for is taken from the settings that ``quantify`` saved with the results.

    Raises :class:`UsageError` for a contrast or column that is not there, :class:`NothingToCompareError`
    where there is nothing to compare.
    """
    # A process that had to load the libraries first would take longer than the contrasts do.
    each: Each = partial(map_in_order, spread=jobs) if jobs > 1 and forks() else map
    made = partial(
        _compared,
        contrasts=contrasts,
        metrics=metrics,
        normality=normality,
        divide_by=divide_by,
        on_request=on_request,
        groups=groups,
        smd=smd,
        each=each,
    )
    try:
        return made(cohort)
    except UsageError:
        if cohort.whole is None:
            raise
    # Columns were left out, and the message has to name all that are there.
    return made(cohort.whole())


def _compared(
    cohort: Cohort,
    contrasts: Sequence[str],
    metrics: Sequence[str],
    normality: str | None,
    divide_by: str | None,
    on_request: OnRequest,
    groups: str | None,
    smd: bool,
    each: Each,
) -> Analysis:
    protocol = cohort.protocol
    normality = normality or protocol.get("normality")
    judged_by: Normality = "shapiro" if normality == "shapiro" else "lilliefors"
    divide_by = divide_by or protocol.get("divide_by")
    asked = contrasts or protocol.get("contrasts", [])
    chosen, notes = _contrasts(cohort, asked, groups)
    column, said = groups_column(cohort, groups, bool(asked))
    names, left_out = metrics_of(
        cohort.table, metrics, _named(chosen, divide_by) | ({column} if column else set())
    )
    table, found = compare(cohort.table, chosen, names, judged_by, divide_by, on_request, each)
    notes = [*cohort.notes, *notes, *said, *left_out, *found, *interactions_unasked(table, chosen)]
    settings: dict[str, Sequence[str]] = {
        "contrast": [contrast.text for contrast in chosen],
        "metric": names,
        "normality": [judged_by],
        "divided by": [divide_by] if divide_by else [],
        **on_request.settings,
        "groups": [column] if column else [],
        "standardised mean differences": ["yes"] if smd else [],
        "session": [cohort.session] if cohort.session else [],
    }
    frames = {COMPARISONS: table}
    papers, remarks = paper_tables_of(cohort, table, judged_by, frames, chosen if asked else (), smd)
    notes += remarks
    at_once: dict[str, Content] = {}
    if column:
        at_once, printed, remarks = omnibus_of(cohort, column, names, judged_by, divide_by)
        papers += printed
        notes += [remark for remark in remarks if remark not in notes]
    contents: dict[str, Content] = {**frames, **{paper.name: paper for paper in papers}}
    if papers:
        contents["tables.xlsx"] = tuple(papers)
    contents |= {**_figures(cohort.table, table, chosen), **_distribution(cohort.table), **at_once}
    if (asked or on_request.margins) and not is_table_mode(cohort.table):
        contents |= _differences(table, contents)
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(table, tuple(notes), contents, COMPARISON, settings, cohort.inputs)


def _contrasts(cohort: Cohort, asked: Sequence[str], groups: str | None) -> tuple[list[Contrast], list[str]]:
    if asked:
        return [resolve(text, cohort.table) for text in asked], []
    chosen, notes = default_contrasts(cohort.table)
    if not chosen and groups is None:
        reasons = "; ".join(notes) or "no groups"
        raise NothingToCompareError(
            f"nothing to compare: {reasons}; expected two groups, or one whose onset sides are known; "
            "give a participants table"
        )
    return chosen, notes


def interactions_unasked(comparisons: pd.DataFrame, contrasts: Sequence[Contrast]) -> list[str]:
    """Notes on pairs of groups of which one differs between its sides where the other does not.

    That is no test of a difference between the groups: there is a contrast for it.
    """
    asked = {frozenset(c.conditions_a + c.conditions_b) for c in contrasts if c.column == INTERACTION}
    key = ["segment", "muscle", "metric"]
    sides = {
        contrast: comparisons[comparisons["contrast"] == contrast.text].set_index(key)["paired_p"].dropna()
        for contrast in contrasts
        if contrast.column == SIDE and not contrast.filter_a
    }
    notes = []
    for (a, p_a), (b, p_b) in itertools.combinations(sides.items(), 2):
        if frozenset(a.conditions_a + b.conditions_a) in asked:
            continue
        one, other = p_a.align(p_b, join="inner")
        apart = int(((one < ALPHA) != (other < ALPHA)).sum())
        if apart:
            notes.append(
                f"{a.text} and {b.text}: in {count_of(apart, 'row')} paired p is below {ALPHA} in one group "
                "alone, which does not show that the groups differ: "
                f"the contrast interaction:{a.arm_a}-{b.arm_a} tests that"
            )
    return notes


def _named(contrasts: Sequence[Contrast], divide_by: str | None) -> set[str]:
    """The columns that have a part in the comparisons, and so are no metrics in a plain table."""
    taken = {divide_by} if divide_by else set()
    for contrast in contrasts:
        taken |= {contrast.column, *(column for column, _ in (*contrast.filter_a, *contrast.filter_b))}
    return taken


def paper_tables_of(
    cohort: Cohort,
    comparisons: pd.DataFrame,
    normality: Normality,
    files: dict[str, pd.DataFrame],
    asked: Sequence[Contrast] = (),
    smd: bool = False,
) -> tuple[list[PaperTable], list[str]]:
    """The paper's tables as far as the cohort has what they need.

    The numbers behind Tables 1 and 4, which stand nowhere else, go into ``files``. Each of the contrasts
    that were ``asked`` for has a Table 1 of its own, with its two arms.
    """
    found: list[tuple[PaperTable | None, list[str]]] = []
    notes: list[str] = []
    if cohort.participants is not None and "group" in cohort.table:
        groups = cohort.table.drop_duplicates("participant_id").set_index("participant_id")["group"]
        people = cohort.participants[cohort.participants["participant_id"].isin(groups.index)]
        people = people.assign(group=people["participant_id"].map(groups))
        described, notes = characteristics(people, normality=normality, smd=smd)
        files["characteristics.csv"] = described
        found.append(table1(described, normality))
    arms_of = {contrast.text: contrast for contrast in asked}
    for name, text in own_names(list(arms_of)).items():
        described, remarks = _arms_described(cohort, arms_of[text], normality, smd)
        notes += [f"Table 1 of {text}: {remark}" for remark in remarks]
        if not described.empty:
            files[f"characteristics_{name}.csv"] = described
            found.append((own_table1(described, name, text, normality), []))
    found += [table2(comparisons, normality), table3(comparisons, normality)]
    columns = {_TABLE_4["score"], *_TABLE_4["covariates"]}
    if (
        not is_table_mode(cohort.table)
        and columns <= set(cohort.table)
        and (cohort.table["group"] == _TABLE_4["group"]).any()
    ):
        correlations, remarks = correlate(
            cohort.table, ("alsfrs_lower",), ("age", "bmi"), METRICS, ("symptomatic",), "ALS"
        )
        notes += [f"Table 4: {remark}" for remark in remarks]
        paper = table4(correlations, _CORRELATIONS)
        if paper[0] is not None:
            files[_CORRELATIONS] = correlations
        found.append(paper)
    notes += [remark for _, remarks in found for remark in remarks]
    return [paper for paper, _ in found if paper is not None], notes


def own_names(contrasts: Sequence[str]) -> dict[str, str]:
    """The contrasts by the part of a file's name that stands for each: ``psa_1-0_group_als``."""
    names: dict[str, str] = {}
    for text in dict.fromkeys(contrasts):
        names[file_name(text, names)] = text
    return names


def own_table1(described: pd.DataFrame, name: str, contrast: str, normality: Normality) -> PaperTable | None:
    """Table 1 of one contrast, from the characteristics of its arms."""
    table, _ = table1(described, normality)
    if table is None:
        return None
    title = table.title.replace("Table 1.", f"Table 1 of {contrast}.", 1)
    return replace(table, name=f"table1_{name}", title=title)


def _arms_described(
    cohort: Cohort, contrast: Contrast, normality: Normality, smd: bool
) -> tuple[pd.DataFrame, list[str]]:
    """The characteristics of the participants of each arm; those that the arms are made by are left out.

    A contrast of sides has one arm: the same participants stand on either side.
    """
    if cohort.participants is None:
        return pd.DataFrame(), []
    arms: dict[str, set[str]] = {}
    sides = contrast.column == SIDE
    named = (contrast.labels[0],) if sides else contrast.labels
    for label, conditions in zip(named, (contrast.conditions_a, contrast.conditions_b), strict=False):
        name = label if sides or contrast.of == "group" else f"{contrast.column} = {label}"
        arms[name] = set(cohort.table.loc[members(cohort.table, conditions), "participant_id"])
    arm_of = {who: name for name, ids in arms.items() for who in ids}
    people = cohort.participants[cohort.participants["participant_id"].isin(list(arm_of))]
    made_by = {column for column, _ in (*contrast.conditions_a, *contrast.conditions_b)}
    if "group" in cohort.table and "group" not in made_by:
        groups = cohort.table.drop_duplicates("participant_id").set_index("participant_id")["group"]
        people = people.assign(**{_STUDY_GROUP: people["participant_id"].map(groups)})
    people = people.drop(columns=[column for column in people if column in made_by])
    people = people.assign(group=people["participant_id"].map(arm_of))
    return characteristics(people, list(arms), normality, smd)


def _figures(
    cohort: pd.DataFrame, comparisons: pd.DataFrame, contrasts: Sequence[Contrast]
) -> dict[str, Drawing]:
    """The paper's Figures 3 to 5 as far as their contrasts were made, and the map of effect sizes."""
    from mriparaspinal.present.effects import effect_map

    found = {"figure_effects": Drawing(partial(effect_map, comparisons))} if contrasts else {}
    if is_table_mode(cohort):
        return found
    metrics = list(dict.fromkeys(comparisons["metric"]))
    for first in range(0, len(metrics), 2):
        found |= _boxes(cohort, comparisons, contrasts, metrics[first : first + 2], found)
    return found


def _distribution(cohort: pd.DataFrame) -> dict[str, Drawing]:
    """Where the fat lies, a figure per segment."""
    from mriparaspinal.present.distribution import distribution_figure, role_shown

    if is_table_mode(cohort) or not {"group", *_PROFILES} <= set(cohort):
        return {}
    # Without a group there is none to draw, and without a value nothing.
    measured = cohort[cohort[list(_PROFILES)].notna().any(axis=1) & (texts(cohort["group"]) != "")]
    role = role_shown(measured)
    return {
        f"figure_distribution_{segment}": Drawing(partial(distribution_figure, measured, segment, role))
        for segment in dict.fromkeys(measured["segment"])
    }


def _differences(comparisons: pd.DataFrame, taken: Collection[str]) -> dict[str, Drawing]:
    """Of contrasts that were asked for, a forest plot per metric."""
    from mriparaspinal.present.differences import difference_figure

    found: dict[str, Drawing] = {}
    for metric in dict.fromkeys(comparisons["metric"]):
        name = file_name(f"figure_differences_{metric}", [*taken, *found])
        found[name] = Drawing(partial(difference_figure, comparisons, metric))
    return found


def _boxes(
    cohort: pd.DataFrame,
    comparisons: pd.DataFrame,
    contrasts: Sequence[Contrast],
    metrics: Sequence[str],
    taken: Collection[str],
) -> dict[str, Drawing]:
    """The figures of two metrics, which stand side by side on a page."""
    from mriparaspinal.present.boxes import groups_figure, psa_figure, sides_figure

    found: dict[str, Drawing] = {}
    made = set(comparisons["contrast"])
    # Figures 4 and 5 show the symptomatic side; without a known onset side they would be empty.
    one_sided = set(comparisons.loc[comparisons["role"] == "symptomatic", "contrast"])
    groups = [contrast for contrast in contrasts if contrast.column == "group" and contrast.text in one_sided]
    if groups:  # it takes longest, and so comes first
        name = file_name("figure5_groups", [*taken, *found])
        found[name] = Drawing(partial(groups_figure, cohort, comparisons, groups, metrics))
    for contrast in contrasts:
        group = dict(contrast.filter_a).get("group", "")
        if contrast.text not in made:
            continue
        if contrast.column == SIDE and not contrast.filter_a:
            name = file_name(f"figure3_sides_{contrast.arm_a}", [*taken, *found])
            found[name] = Drawing(partial(sides_figure, cohort, comparisons, contrast.arm_a, metrics))
        elif contrast.text == f"psa:1-0[group={group}]" and contrast.text in one_sided:
            name = file_name(f"figure4_psa_{group}", [*taken, *found])
            found[name] = Drawing(partial(psa_figure, cohort, comparisons, group, metrics))
    return found
