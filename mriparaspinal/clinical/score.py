"""Scores participants by an instrument: rows of records in, one row per participant out.

A record that is not as the instrument says is a problem that names participant, item, value and range; the
participant is then left out, never partly summed. What a missing item does is the instrument's to say.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mriparaspinal.clinical.computed import Computed, Value
from mriparaspinal.clinical.formulas import FORMULAS
from mriparaspinal.clinical.instrument import (
    BY_EACH,
    BY_SIDE,
    Instrument,
    Score,
    all_cells,
    cell_name,
    found_item,
    only_rated,
    plain_name,
)
from mriparaspinal.clinical.rating_reader import Rating, RatingReader
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Problem
from mriparaspinal.core.text import natural_key, read_number

#: Mean and SD by :func:`cell_name`.
Reference = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Scored:
    """What the records of an instrument gave."""

    columns: tuple[str, ...]
    """Without the key."""
    rows: dict[str, tuple[Value, ...]]
    """By participant, in natural order; None where a missing item leaves a score empty."""
    ratings: dict[str, tuple[Rating, ...]]
    problems: tuple[Problem, ...]


def score(
    instrument: Instrument,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    file: str,
    reference: Reference | None = None,
) -> Scored:
    """Score a table of texts; ``file`` is what problems call it.

    ``reference`` is needed by instruments of z-scores, and by no other.

    Raises :class:`UsageError` where the table has not the columns of the instrument.
    """
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    reader = RatingReader(instrument, tuple(columns), file, [])
    by_participant = reader.read(records)
    faulty = {problem.shape for problem in reader.problems if problem.severity == "error"}
    if instrument.long and instrument.items and not instrument.missing_is_error:
        whole = [found for who, found in by_participant.items() if who not in faulty]
        rated = {(rating.item.name, rating.side) for found in whole for rating in found}
        instrument = reader.instrument = only_rated(instrument, rated)
        by_participant = by_participant if rated else {}
    ratings: dict[str, tuple[Rating, ...]] = {}
    for who in sorted(by_participant, key=natural_key):
        # Where records are faulty, those that seem to be missing may be among them.
        if who in faulty or reader.lacks(who, by_participant[who]):
            continue
        ratings[who] = tuple(
            _as_it_counts(r, instrument, reference) for r in reader.whole(by_participant[who])
        )
    scored: dict[str, tuple[Value, ...]] = {}
    for who, cells in ratings.items():
        computed = _computed(instrument, cells)
        said = [Problem(file, who, d.severity, d.code, d.message, d.remedy) for d in computed.doubts]
        reader.problems += said
        if not any(problem.severity == "error" for problem in said):
            scored[who] = _scores(instrument, cells, computed.values)
    kept = {who: cells for who, cells in ratings.items() if who in scored}
    return Scored(instrument.columns, scored, kept, tuple(reader.problems))


def read_reference(
    instrument: Instrument, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> Reference:
    """Mean and SD for each item and side, from a table ``item,mean,sd``; an item stands for both sides.

    ``item`` is ``median`` or, for one side, ``median_left``. Other rows are passed over.

    Raises :class:`UsageError` for a table that lacks a column or an item, or has one twice.
    """
    lost = [name for name in ("item", "mean", "sd") if name not in columns]
    if lost:
        raise UsageError(
            f"--reference: no column {', '.join(lost)}; expected item, mean and sd; correct the table"
        )
    found: dict[str, tuple[float, float]] = {}
    for row in rows:
        record = dict(zip(columns, row, strict=True))
        name = plain_name(record["item"])
        known = found_item(instrument, record["item"])
        for item, side in all_cells(instrument):
            if item is known or name == cell_name(item.name, side):
                cell = cell_name(item.name, side)
                if cell in found:
                    raise UsageError(
                        f"--reference: {cell} appears more than once; expected it once; remove one"
                    )
                found[cell] = _mean_and_sd(record)
    missing = [
        cell for item, side in all_cells(instrument) if (cell := cell_name(item.name, side)) not in found
    ]
    if missing:
        raise UsageError(
            f"--reference: no row for {', '.join(missing)}; expected mean and SD of each; add them"
        )
    return found


def _mean_and_sd(record: Mapping[str, str]) -> tuple[float, float]:
    mean, sd = read_number(record["mean"]), read_number(record["sd"])
    if mean is None or sd is None or sd <= 0:
        found = f"mean {record['mean']!r} and sd {record['sd']!r} of {record['item']} were found"
        raise UsageError(f"--reference: {found}; expected numbers, sd above 0; correct the row")
    return mean, sd


# --- ratings → scores ---------------------------------------------------------------------------------------


def _as_it_counts(rating: Rating, instrument: Instrument, reference: Reference | None) -> Rating:
    value = rating.value
    if value is None:
        return rating
    if rating.item.points:
        value = rating.item.points[round(value - rating.item.range.low)]
    if instrument.standardised:
        assert reference is not None
        mean, sd = reference[cell_name(rating.item.name, rating.side)]
        value = (value - mean) / sd
    return Rating(rating.item, rating.side, value, rating.place, rating.confirmed)


def _computed(instrument: Instrument, ratings: Sequence[Rating]) -> Computed:
    """What the formula of the instrument makes of the ratings; nothing without one."""
    if not instrument.formula:
        return Computed({})
    values = {cell_name(rating.item.name, rating.side): rating.value for rating in ratings}
    return FORMULAS[instrument.formula].compute(values)


def _scores(
    instrument: Instrument, ratings: Sequence[Rating], computed: Mapping[str, Value]
) -> tuple[Value, ...]:
    presence = _present(instrument, ratings)
    found: dict[str, Value] = {}
    for score in instrument.scores:
        if score.how == "formula":
            found[score.name] = computed[score.name]
            continue
        source = presence if score.of_presence else ratings
        chosen = [r for r in source if not score.items or r.item.name in score.items]
        # Scores alone, without items of their own.
        chosen = [] if score.scores and not score.items else chosen
        for column, (by, value) in instrument.parts(score):
            part = [rating for rating in chosen if _belongs(rating, by, value)]
            if score.how == "ratio":
                found[column] = _ratio(score, part)
                continue
            values: list[Value] = [rating.value for rating in part]
            values += [found[name] for name in score.scores] if not by else []
            found[column] = _one(score, values)
    return tuple(found[column] for column in instrument.columns)


def _belongs(rating: Rating, by: str, value: str) -> bool:
    if by == BY_SIDE:
        return rating.side == value
    if by == BY_EACH:
        return cell_name(rating.item.name, rating.side) == value
    return not by or rating.item.tag(by) == value


def _ratio(score: Score, ratings: Sequence[Rating]) -> float | None:
    """The sum of the numerator's ratings over that of the denominator's."""
    numerator, denominator = (
        _one(replace(score, how="sum"), [r.value for r in ratings if r.item.name == name])
        for name in score.items
    )
    if numerator is None or not denominator or not math.isfinite(numerator / denominator):
        return None
    return numerator / denominator


def _one(score: Score, values: Sequence[Value]) -> float | None:
    """A score of some ratings; none where one is missing, or there are none."""
    known = [value for value in values if isinstance(value, float)]
    if not known or len(known) < len(values):
        return None
    if score.how == "sum":
        return math.fsum(known)
    if score.how == "mean":
        return math.fsum(known) / len(known)
    if score.how == "max":
        return max(known)
    return float(sum(score.low <= value <= score.high for value in known))


def _present(instrument: Instrument, ratings: Sequence[Rating]) -> list[Rating]:
    """1 or 0 for each item and side that was looked at."""
    presence = instrument.presence
    if presence is None:
        return []
    by_muscle: dict[tuple[str, str], list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_muscle[rating.item.name, rating.side].append(rating)
    found = []
    for several in by_muscle.values():
        places = sum(r.value is not None and r.value >= presence.at_least for r in several)
        there = places >= presence.places or any(r.confirmed for r in several)
        found.append(Rating(several[0].item, several[0].side, float(there)))
    return found
