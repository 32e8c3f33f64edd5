"""ROC analysis of any table, or of a folder of results, as files: the tables, the curves and the notes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.core.participants import read_word
from mriparaspinal.present.roc import roc_figure
from mriparaspinal.stats.roc import roc

DIFFERENCES = "roc_differences.csv"


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
    contents: dict[str, Content] = {"roc.csv": found.table, "roc_points.csv": found.points}
    if len(found.delong):
        contents[DIFFERENCES] = found.delong
    contents["roc"] = Drawing(partial(roc_figure, found))
    settings = {
        "outcome": [outcome], "positive": [positive], "negative": [negative or "all others"],
        "predictor": predictors, "lower is positive": lower_is_positive,
    }  # fmt: skip
    notes = [*cohort.notes, *found.notes]
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(found.table, tuple(notes), contents, "roc.json", settings, cohort.inputs)
