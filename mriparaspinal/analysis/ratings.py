"""Agreement of raters on grades as files: coefficients, pairs of grades, figures, notes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.clinical.gradings import GRADE, graded_rows, item_column, scale_of
from mriparaspinal.clinical.instrument import Instrument
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.spelling import near_notes
from mriparaspinal.io.tables import parse_table, table_bytes
from mriparaspinal.io.write import sha256
from mriparaspinal.present.ratings import coefficient_figure, pairs_figure, ratings_table
from mriparaspinal.stats.ratings import (
    RATING_COLUMNS,
    Grades,
    grades_of_tables,
    pairs_of_grades,
    rating_agreement,
)

#: The columns of ``rating_agreement_items.csv``.
ITEM_COLUMNS = ("item", *RATING_COLUMNS)

#: Raters of whose pairs there is a figure.
_MOST_RATERS = 6


def agreement_on_grades(
    files: Sequence[Path], scale: Sequence[str], seed: int, instrument: Instrument | None = None
) -> Analysis:
    """How far raters agree on the grades of one table, or of one table each; see ``stats.ratings``.

    ``instrument``: what the records of each rater are of; then there is a table for each item, too.

    Raises :class:`UsageError` for tables that are none, and for grades that are not on the scale.
    """
    if instrument is not None:
        scale = scale_of(instrument)
        if len(files) < 2:
            found = f"{argument('instrument')}: one table was found"
            raise UsageError(f"{found}; expected one per rater, with {GRADE}; give each rater's table")
    names = [file.name for file in files]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        found = "two files of this name; expected one per rater, as raters are called by it; rename one"
        raise UsageError(f"{argument('ratings')}: {twice}: {found}")
    tables, inputs = {}, []
    try:
        for file in files:
            raw = table_bytes(file)
            text = parse_table(raw, file.name)
            if instrument is not None:
                text = graded_rows(instrument, text, file.name)
            # As texts: a target 007 is not 7.
            tables[file.name] = pd.DataFrame(text.rows, columns=list(text.columns), dtype=object)
            inputs.append((file.name, sha256(raw)))
        grades = grades_of_tables(tables, scale)
    except (NoInputError, UsageError) as error:
        raise UsageError(f"{argument('ratings')}: {error}") from None
    table, found_notes = rating_agreement(grades, seed)
    notes = [*_nearly_the_same(grades), *found_notes]
    pairs = pairs_of_grades(grades)
    paper = ratings_table(table)
    contents: dict[str, Content] = {
        "rating_agreement.csv": table,
        "rating_pairs.csv": pairs,
        paper.name: paper,
        f"{paper.name}.xlsx": (paper,),
        "rating_agreement_figure": Drawing(partial(coefficient_figure, table)),
    }
    if instrument is not None:
        column = item_column(instrument)
        contents["rating_agreement_items.csv"], remarks = _by_item(tables, column, scale, seed)
        notes += [f"agreement of each {column} alone: rating_agreement_items.csv", *remarks]
    if len(grades.raters) <= _MOST_RATERS:
        contents["rating_pairs_figure"] = Drawing(partial(pairs_figure, pairs))
    else:
        notes.append(f"more than {_MOST_RATERS} raters: their pairs of grades are in rating_pairs.csv alone")
    settings = {
        "grades": grades.levels, "raters": [str(len(grades.raters))],
        "weights": grades.kinds, "seed": [str(seed)],
        "instrument": [] if instrument is None else [instrument.name],
    }  # fmt: skip
    numbered = [f"{number}: {name}" for number, name in enumerate(grades.raters, 1)]
    contents["notes.txt"] = notes_bytes({**settings, "raters": numbered}, notes)
    return Analysis(table, tuple(notes), contents, "reliability.json", settings, tuple(inputs))


def _by_item(
    tables: Mapping[str, pd.DataFrame], column: str, scale: Sequence[str], seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """The same of each muscle or sign alone, and notes on those that fewer than two raters graded."""
    items = dict.fromkeys(item for table in tables.values() for item in table[column])
    found, notes = [], []
    for item in sorted(items):
        mine = {name: table[table[column] == item] for name, table in tables.items()}
        mine = {name: table for name, table in mine.items() if table["grade"].ne("").any()}
        if len(mine) < 2:
            notes.append(f"{item}: fewer than two raters graded it, so it has no agreement of its own")
            continue
        agreement, _ = rating_agreement(grades_of_tables(mine, scale), seed)
        found.append(agreement.assign(item=item))
    if not found:
        return pd.DataFrame(columns=list(ITEM_COLUMNS)), notes
    return pd.concat(found, ignore_index=True)[list(ITEM_COLUMNS)], notes


def _nearly_the_same(grades: Grades) -> list[str]:
    """Notes on targets that two raters write differently."""
    of = {
        rater: {target for target, code in zip(grades.targets, codes, strict=True) if code >= 0}
        for rater, codes in zip(grades.raters, grades.codes.T, strict=True)
    }
    pairs = itertools.combinations(of.items(), 2)
    return [note for (a, mine), (b, theirs) in pairs for note in near_notes(mine, theirs, a, b)]


def headline(table: pd.DataFrame) -> str:
    """The agreement in short: per cent agreement, and κ or AC with the strongest weights."""
    kind = table["weights"].iloc[-1]
    chosen = table[(table["weights"] == kind) & (table["rater_a"] == "")]
    of_all = chosen.set_index("coefficient")["value"]
    words = [f"raters: {int(table['raters'].max())}, targets: {int(table['n'].max())}"]
    if pd.notna(of_all["percent_agreement"]):
        words.append(f"agreement {100 * of_all['percent_agreement']:.1f} % ({kind})")
    names = {"gwet_ac1": "Gwet's AC1", "gwet_ac2": "Gwet's AC2", "fleiss_kappa": "Fleiss' κ"}
    words += [f"{names[n]} {value:.3f}" for n, value in of_all.items() if n in names and pd.notna(value)]
    return "; ".join(words)
