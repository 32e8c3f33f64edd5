"""What is missing of a cohort, as tables and pictures beside the comparisons (``compare --missing``)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import partial

import pandas as pd

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Analysis, Content
from mriparaspinal.core.labels import aliases_of, region_of
from mriparaspinal.core.model import EXPECTED_MUSCLES, Problem, Settings
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.measure.results import problems_in
from mriparaspinal.present.missing import missing_columns_figure, missing_regions_figure
from mriparaspinal.stats.cells import as_text
from mriparaspinal.stats.cohort import ROW_KEYS
from mriparaspinal.stats.design import is_table_mode
from mriparaspinal.stats.missing import Place, missing_columns, missing_regions

REGIONS, COLUMNS = "missing.csv", "missing_columns.csv"

#: Errors that say that something is not there; all others refuse what is.
_ABSENT = {
    *("missing-muscle", "missing-region", "missing-reference"),
    *("image-without-json", "json-without-image", "no-mask", "not-downloaded", "broken-link"),
}

_EXCLUDED = "excluded-by-review"


def with_missing(found: Analysis, cohort: Cohort) -> Analysis:
    """An analysis with the tables and pictures of what is missing of the cohort that it was made from."""
    contents, notes = missing_of(cohort)
    own = dict(found.contents)
    told = own.pop("notes.txt", b"")
    if isinstance(told, bytes):
        told += "".join(f"{note}\n" for note in notes).encode()
    return dataclasses.replace(
        found,
        contents={**own, **contents, "notes.txt": told},
        notes=(*found.notes, *notes),
        settings={**found.settings, "missing": ["shown"]},
    )


def missing_of(cohort: Cohort) -> tuple[dict[str, Content], list[str]]:
    """The tables and pictures of what is missing, by name, and notes on what they cannot tell."""
    groups, refused, notes = _study(cohort)
    contents: dict[str, Content] = {}
    people = cohort.participants
    if is_table_mode(cohort.table):
        people = cohort.table if "participant_id" in cohort.table else None
    else:
        regions = missing_regions(cohort.table, groups, refused)
        contents[REGIONS] = regions
        contents["figure_missing"] = Drawing(partial(missing_regions_figure, regions))
        notes += _in_short(regions)
    names = [name for name in people if name not in ROW_KEYS] if people is not None else []
    if people is None or not names:
        return contents, [*notes, f"no {COLUMNS}: there is no participants table with ids"]
    columns = missing_columns(people, groups, names)
    contents[COLUMNS] = columns
    contents["figure_missing_columns"] = Drawing(partial(missing_columns_figure, columns))
    return contents, notes


def _in_short(regions: pd.DataFrame) -> list[str]:
    expected, measured, refused, missing = regions[["expected", "measured", "refused", "missing"]].sum()
    if measured == expected:
        return [f"missing: nothing; all {expected} regions were measured"]
    return [f"missing: of {expected} regions {measured} were measured, {refused} refused, {missing} missing"]


def _study(cohort: Cohort) -> tuple[dict[str, str], set[Place], list[str]]:
    """(everybody → group, what was there and not measured, notes)."""
    groups: dict[str, str] = {}
    refused: set[Place] = set()
    unknown = cohort.manifest is None and not is_table_mode(cohort.table)
    notes = ["missing: no quantify.json: what was refused counts as missing"] if unknown else []
    if cohort.manifest is not None and cohort.sources:
        settings = cohort.manifest.measured_with
        who = name_parser(settings)
        for name in cohort.manifest.inputs:
            parsed = who(name.rpartition(".")[0])
            if not isinstance(parsed, str):
                groups.setdefault(parsed[0], parsed[1])
        muscles = tuple(dict.fromkeys([*EXPECTED_MUSCLES, *map(as_text, cohort.table["muscle"])]))
        for problem in problems_in(cohort.sources[0].contents.get("problems.csv")):
            parsed = who(problem.file.rpartition(".")[0])
            if not isinstance(parsed, str):
                groups.setdefault(parsed[0], parsed[1])
                if parsed[4] == cohort.session:
                    places = _places(problem, settings, muscles)
                    refused |= {(parsed[0], parsed[2], *place) for place in places}
    for table in (cohort.participants, cohort.table):  # the table of the statistics knows best
        if table is not None and "participant_id" in table:
            names = table["group"] if "group" in table else pd.Series("", table.index)
            ids = map(as_text, table["participant_id"])
            groups |= dict(zip(ids, map(as_text, names), strict=True))
    return groups, refused, notes


def _places(problem: Problem, settings: Settings, muscles: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The muscles and sides that a problem keeps from being measured, though they are there."""
    refuses = problem.severity == "error" and problem.code not in _ABSENT
    if not refuses and problem.code != _EXCLUDED:
        return
    aliases = aliases_of(settings)
    labels = problem.shape.split(", ") if problem.shape else []
    regions = [region for label in labels if (region := region_of(label, aliases)) is not None]
    named = [(region.name, region.side) for region in regions] or [(muscle, "") for muscle in muscles]
    for muscle, side in named:
        for each in [side] if side else settings.sides_of(muscle):
            yield muscle, each or "both"
