"""A study's grades as files: tables, figures, ROC curves and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd

from mriparaspinal.analysis.drawing import Drawing
from mriparaspinal.analysis.inputs import Cohort
from mriparaspinal.analysis.result import Analysis, Content, notes_bytes
from mriparaspinal.analysis.roc import discriminate
from mriparaspinal.clinical.instrument import Instrument, grades_of
from mriparaspinal.clinical.score import Scored
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.participants import Participants
from mriparaspinal.core.text import natural_key
from mriparaspinal.present.grade_tables import detection_table, grades_table
from mriparaspinal.present.grades import detection_figure, distribution_figure, places_figure
from mriparaspinal.stats.grades import (
    compare_grades,
    detection,
    distribution,
    group_pairs,
    places,
)

_POSITIVE = "ALS"


def summarise(instrument: Instrument, scored: Scored, people: Participants) -> Analysis:
    """Compare the study groups of the participants table; see ``stats.grades``.

    With a group ALS, also the ROC curves of the summary's scores and their combination, ALS against all
    others. ``table`` of the result is that of ``grades.csv``.

    Raises :class:`UsageError` for an instrument without ``[summary]``, and a table without two groups.
    """
    summary = instrument.summary
    if summary is None:
        raise UsageError(f"--summary: {instrument.name} has none; expected fasciculation, say; leave it out")
    groups = {who: people.value(who, "group") for who in scored.rows}
    pairs = group_pairs([group for group in groups.values() if group])
    if not pairs:
        raise UsageError(
            "--summary: fewer than two study groups were found among those scored; expected a column "
            "group in --participants; add it"
        )
    notes = _left_out(groups)
    grades = _grade_frame(scored, groups)
    scores = _score_frame(scored, groups)
    items = {item.name: item.label for item in instrument.items}
    where = {
        item.name: " ".join(filter(None, (item.tag(tag) for tag in summary.places)))
        for item in instrument.items
    }
    detected = detection(grades, items, summary.high_from)
    compared = compare_grades(grades, scores, items, summary.scores)
    shares = distribution(grades, scores, summary.most, grades_of(instrument))
    spots = places(grades, where, summary.high_from)
    notes.append(
        "several items of one participant are not independent: p-values over items are as the study printed "
        "them; those of unit participants, compare and roc have one row per participant"
    )
    papers = (detection_table(detected), grades_table(compared))
    contents: dict[str, Content] = {
        "detection.csv": detected,
        "grades.csv": compared,
        "distribution.csv": shares,
        "places.csv": spots,
        **{paper.name: paper for paper in papers},
        "tables.xlsx": papers,
        "figure1_grades": Drawing(partial(distribution_figure, shares)),
        "figure2_detection": Drawing(partial(detection_figure, detected)),
        "figure3_places": Drawing(partial(places_figure, spots)),
    }
    curves, remarks = _curves(summary.scores, scores)
    contents |= curves
    notes += remarks
    settings = {"instrument": [instrument.name], "groups": [" and ".join(pair) for pair in pairs]}
    contents["notes.txt"] = notes_bytes(settings, notes)
    return Analysis(compared, tuple(notes), contents, "grades.json", settings, ())


def _left_out(groups: Mapping[str, str]) -> list[str]:
    homeless = sorted((who for who, group in groups.items() if not group), key=natural_key)
    return [f"group: unknown, so left out of the summary: {', '.join(homeless)}"] if homeless else []


def _grade_frame(scored: Scored, groups: Mapping[str, str]) -> pd.DataFrame:
    """One row per participant, item and side with its grade; those without a group are left out."""
    rows = [
        (who, groups[who], rating.item.name, rating.side, rating.value)
        for who, ratings in scored.ratings.items()
        if groups.get(who)
        for rating in ratings
        if rating.value is not None
    ]
    return pd.DataFrame(rows, columns=["participant_id", "group", "item", "side", "grade"])


def _score_frame(scored: Scored, groups: Mapping[str, str]) -> pd.DataFrame:
    rows = [(who, groups[who], *scored.rows[who]) for who in scored.rows if groups.get(who)]
    return pd.DataFrame(rows, columns=["participant_id", "group", *scored.columns])


def _curves(predictors: Sequence[str], scores: pd.DataFrame) -> tuple[dict[str, Content], list[str]]:
    """The ROC curves of ALS against all others, and what there is to say about them."""
    if _POSITIVE not in set(scores["group"]):
        return {}, [f"no group {_POSITIVE}, so no ROC curves; the command roc makes them for any groups"]
    cohort = Cohort(scores, None, (), ())
    try:
        found = discriminate(cohort, "group", _POSITIVE, predictors, combine=len(predictors) > 1)
    except NoInputError as error:
        return {}, [str(error)]
    names = {"roc": "figure4_roc"}
    kept = {names.get(name, name): content for name, content in found.contents.items() if name != "notes.txt"}
    return kept, [f"roc: {note}" for note in found.notes]
