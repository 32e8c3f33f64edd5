"""ROC analysis of any table, or of a folder of results, as files: the tables, the curves and the notes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from mriparaspinal.analysis import Analysis, Cohort, notes_bytes, open_cohort, open_table
from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.figures import roc_figure
from mriparaspinal.files.figure_files import png_bytes, svg_bytes
from mriparaspinal.files.frames import frame_csv
from mriparaspinal.participants import read_word
from mriparaspinal.stats.regress import METRICS
from mriparaspinal.stats.roc import roc, widen

ROLE = "symptomatic"
DIFFERENCES = "roc_differences.csv"


def open_wide(source: Path, participants_file: Path | None = None, role: str | None = None) -> Cohort:
    """One row per participant: a table as it is, or a folder of results made wide (``rcsa_L4_MF``).

    ``role``: which side of the results, ``symptomatic`` without it; a table has none to choose from.
    Raises as ``open_cohort`` and ``open_table`` do.
    """
    if source.is_dir():
        cohort = open_cohort(source, participants_file)
        side = role or ROLE
        wide, notes = widen(cohort.table, METRICS, side)
        # The results' own columns first: a message about a wrong name lists the first few.
        wide = wide[sorted(wide, key=lambda name: name in cohort.table)]
        return dataclasses.replace(cohort, table=wide, notes=(*cohort.notes, f"role: {side}", *notes))
    if not source.exists():
        found = "no such file or folder"
        raise NoInputError(f"{source}: {found}; expected a table or the results of quantify; check the path")
    if role is not None:
        found = f"{source.name} is a table, which has no sides to choose from"
        raise UsageError(f"--role {role}: {found}; expected a folder of results; leave it out")
    return open_table(source, participants_file)


def discriminate(
    cohort: Cohort,
    outcome: str,
    positive: str,
    predictors: Sequence[str],
    negative: str | None = None,
    lower_is_positive: Sequence[str] = (),
    combine: bool = False,
) -> Analysis:
    """ROC curves of columns of ``open_wide``'s table for an outcome; see ``stats.roc.roc``.

    Raises :class:`UsageError` for a column or value that is not there or not what it has to be,
    :class:`NoInputError` where there are not both positives and negatives.
    """
    # As the cells were read: another spelling of a word, such as male for M, is the same value.
    positive = read_word(outcome, positive) or positive
    negative = negative and (read_word(outcome, negative) or negative)
    found = roc(cohort.table, outcome, positive, predictors, negative, lower_is_positive, combine)
    files = {"roc.csv": frame_csv(found.table), "roc_points.csv": frame_csv(found.points)}
    if len(found.delong):
        files[DIFFERENCES] = frame_csv(found.delong)
    figure = roc_figure(found)
    files["roc.png"], files["roc.svg"] = png_bytes(figure), svg_bytes(figure)
    settings = {
        "outcome": [outcome], "positive": [positive], "negative": [negative or "all others"],
        "predictor": predictors, "lower is positive": lower_is_positive,
    }  # fmt: skip
    notes = [*cohort.notes, *found.notes]
    files["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(found.table, tuple(notes), files, "roc.json", settings, cohort.inputs)
