"""A cohort's comparisons as files: the table, the paper's tables and figures, and the notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from mriparaspinal.analysis import Cohort
from mriparaspinal.associations import notes_bytes
from mriparaspinal.contrasts import SIDE, Contrast, default_contrasts, resolve
from mriparaspinal.design import is_table_mode
from mriparaspinal.errors import NothingToCompareError
from mriparaspinal.files.frames import frame_csv
from mriparaspinal.files.sheets import to_csv_bytes, to_markdown, to_xlsx_bytes
from mriparaspinal.paper_tables import PaperTable, table1, table2, table3, table4
from mriparaspinal.stats.characteristics import characteristics
from mriparaspinal.stats.compare import Normality, compare, compare_arms
from mriparaspinal.stats.correlate import correlate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METRICS = ("fi", "rcsa")
#: What the paper's Table 4 correlates in ALS, and what it holds constant.
_TABLE_4 = {"score": "alsfrs_lower", "covariates": ("age", "bmi"), "group": "ALS"}
#: Files that a run with other contrasts may have written.
LEFTOVERS = (
    *("table[1-4].csv", "table[1-4].md", "tables.xlsx", "characteristics.csv"),
    *("figure[3-5]_*.png", "figure[3-5]_*.svg"),
)


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The table of ``comparisons.csv``, the notes on what was left out, and all files by name."""

    table: pd.DataFrame
    notes: tuple[str, ...]
    files: dict[str, bytes]

    @property
    def significant(self) -> int:
        """How many comparisons have p < 0.05, without adjustment."""
        return int((self.table["p"] < 0.05).sum())

    @property
    def significant_adjusted(self) -> int:
        """How many comparisons have p < 0.05 after Benjamini and Hochberg."""
        return int((self.table["p_adjusted"] < 0.05).sum())


def compare_cohort(
    cohort: Cohort,
    contrasts: Sequence[str],
    metrics: Sequence[str],
    normality: str | None = None,
    divide_by: str | None = None,
) -> Comparisons:
    """Make the contrasts that were asked for, else those of the protocol, else the paper's.

    What is not asked for is taken from the settings that ``quantify`` saved with the results.

    Raises :class:`UsageError` for a contrast or column that is not there, :class:`NothingToCompareError`
    where there is nothing to compare.
    """
    protocol = cohort.manifest.get("settings", {})
    asked = normality or protocol.get("normality")
    judged_by: Normality = "shapiro" if asked == "shapiro" else "lilliefors"
    divide_by = divide_by or protocol.get("divide_by")
    chosen, notes = _contrasts(cohort, contrasts or protocol.get("contrasts", []))
    names = list(metrics) or _metrics(cohort, chosen, divide_by)
    table, found = compare(cohort.table, chosen, names, judged_by, divide_by)
    notes = [*cohort.notes, *notes, *found]
    settings: dict[str, Sequence[str]] = {
        "contrast": [contrast.text for contrast in chosen],
        "metric": names,
        "normality": [judged_by],
        "divided by": [divide_by] if divide_by else [],
    }
    files = {"comparisons.csv": frame_csv(table)}
    papers, remarks = _paper_tables(cohort, table, judged_by, files)
    notes += remarks
    for paper in papers:
        files[f"{paper.name}.csv"] = to_csv_bytes(paper)
        files[f"{paper.name}.md"] = to_markdown(paper).encode()
    if papers:
        files["tables.xlsx"] = to_xlsx_bytes(papers)
    files |= _figure_files(cohort, table, chosen)
    files["notes.txt"] = notes_bytes(settings, notes)
    return Comparisons(table, tuple(notes), files)


def _contrasts(cohort: Cohort, asked: Sequence[str]) -> tuple[list[Contrast], list[str]]:
    if asked:
        return [resolve(text, cohort.table) for text in asked], []
    chosen, notes = default_contrasts(cohort.table)
    if not chosen:
        reasons = "; ".join(notes) or "no groups"
        raise NothingToCompareError(
            f"nothing to compare: {reasons}; expected two groups, or one whose onset sides are known; "
            "give a participants table"
        )
    return chosen, notes


def _metrics(cohort: Cohort, contrasts: Sequence[Contrast], divide_by: str | None) -> list[str]:
    """FI and rCSA; in table mode every column of numbers that has no other part."""
    table = cohort.table
    if not is_table_mode(table):
        return list(METRICS)
    taken = {"participant_id", divide_by}
    for contrast in contrasts:
        taken |= {contrast.column, *(column for column, _ in (*contrast.filter_a, *contrast.filter_b))}
    return [name for name in table if name not in taken and pd.api.types.is_numeric_dtype(table[name])]


def _paper_tables(
    cohort: Cohort, comparisons: pd.DataFrame, normality: Normality, files: dict[str, bytes]
) -> tuple[list[PaperTable], list[str]]:
    """The paper's tables as far as the cohort has what they need; Table 1's numbers go into ``files``."""
    found: list[tuple[PaperTable | None, list[str]]] = []
    notes: list[str] = []
    if cohort.participants is not None:
        groups = cohort.table.drop_duplicates("participant_id").set_index("participant_id")["group"]
        people = cohort.participants[cohort.participants["participant_id"].isin(groups.index)]
        people = people.assign(group=people["participant_id"].map(groups))
        described, notes = characteristics(people, compare_arms, normality=normality)
        files["characteristics.csv"] = frame_csv(described)
        found.append(table1(described, normality))
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
        found.append(table4(correlations))
    notes += [remark for _, remarks in found for remark in remarks]
    return [paper for paper, _ in found if paper is not None], notes


def _figure_files(
    cohort: Cohort, comparisons: pd.DataFrame, contrasts: Sequence[Contrast]
) -> dict[str, bytes]:
    """The paper's Figures 3 to 5 as far as their contrasts were made, and the map of effect sizes."""
    from mriparaspinal.files.figure_files import png_bytes, svg_bytes

    files: dict[str, bytes] = {}
    for name, figure in _figures(cohort.table, comparisons, contrasts).items():
        files[f"{name}.png"], files[f"{name}.svg"] = png_bytes(figure), svg_bytes(figure)
    return files


def _figures(
    cohort: pd.DataFrame, comparisons: pd.DataFrame, contrasts: Sequence[Contrast]
) -> dict[str, Figure]:
    from mriparaspinal.figures import effect_map, groups_figure, psa_figure, sides_figure

    found = {"figure_effects": effect_map(comparisons)}
    if is_table_mode(cohort):
        return found
    metrics = list(dict.fromkeys(comparisons["metric"]))
    area = next((metric for metric in metrics if metric.startswith("rcsa")), metrics[0])
    fat = next((metric for metric in metrics if metric.startswith("fi")), metrics[0])
    made = set(comparisons["contrast"])
    groups = [contrast for contrast in contrasts if contrast.column == "group" and contrast.text in made]
    for contrast in contrasts:
        if contrast.column == SIDE and not contrast.filter_a and contrast.text in made:
            found[f"figure3_sides_{contrast.arm_a}"] = sides_figure(cohort, comparisons, contrast.arm_a, area)
        if (
            contrast.text == f"psa:1-0[group={dict(contrast.filter_a).get('group')}]"
            and contrast.text in made
        ):
            group = dict(contrast.filter_a)["group"]
            found[f"figure4_psa_{group}"] = psa_figure(cohort, comparisons, group, fat)
    if groups:
        found["figure5_groups"] = groups_figure(cohort, comparisons, groups, area)
    return found
