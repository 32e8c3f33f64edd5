"""Scores participants by an instrument: rows of records in, one row per participant out.

A record that is not as the instrument says is a problem that names participant, item, value and range; the
participant is then left out, never partly summed. What a missing item does is the instrument's to say.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mriparaspinal.clinical.instrument import (
    BY_EACH,
    BY_SIDE,
    Instrument,
    Item,
    Score,
    all_cells,
    cell_name,
    found_item,
    names,
    plain_name,
)
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Problem
from mriparaspinal.core.text import is_missing, natural_key, read_number

KEY = "participant_id"

SIDE = "side"

_SIDE_WORDS = {"left": "left", "l": "left", "right": "right", "r": "right"}

_YES = {"1": True, "1.0": True, "yes": True, "0": False, "0.0": False, "no": False}

#: Mean and SD by :func:`cell_name`.
Reference = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Rating:
    """One item on one side (and in one place) of one participant."""

    item: Item
    side: str
    value: float | None
    """As it counts: points, z-score or the rating itself; None where it is missing."""
    place: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """What the records of an instrument gave."""

    columns: tuple[str, ...]
    """Without the key."""
    rows: dict[str, tuple[float | None, ...]]
    """By participant, in natural order; None where a missing item leaves a score empty."""
    ratings: dict[str, tuple[Rating, ...]]
    problems: tuple[Problem, ...]


def template(instrument: Instrument, ids: Sequence[str] = ()) -> tuple[tuple[str, ...], list[list[str]]]:
    """The columns of the records, and rows to fill in: for each of ``ids``, else one block without an id.

    Rows without an id are there only where they tell more than the header, the items of long records.
    """
    if not instrument.long:
        columns = (KEY, *(cell_name(item.name, side) for item, side in all_cells(instrument)))
        return columns, [[who, *[""] * (len(columns) - 1)] for who in ids]
    columns = (KEY, instrument.item, *([SIDE] if instrument.sided else []))
    columns += (instrument.place,) if instrument.place else ()
    columns += tuple(name for name, _ in instrument.grading.quantities) if instrument.grading else ()
    columns += (instrument.value,)
    columns += (instrument.presence.confirmed,) if instrument.presence else ()
    rows = []
    for who in ids or ([""] if instrument.items else []):
        labels = [(item.label, side) for item, side in all_cells(instrument)] or [("", "")]
        for label, side in labels:
            known = [who, label, *([side] if instrument.sided else [])]
            rows.append(known + [""] * (len(columns) - len(known)))
    return columns, rows


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
    reader = _Reader(instrument, tuple(columns), file, [])
    by_participant = reader.read(records)
    faulty = {problem.shape for problem in reader.problems if problem.severity == "error"}
    ratings: dict[str, tuple[Rating, ...]] = {}
    for who in sorted(by_participant, key=natural_key):
        # Where records are faulty, those that seem to be missing may be among them.
        if who in faulty or reader.lacks(who, by_participant[who]):
            continue
        ratings[who] = tuple(
            _as_it_counts(r, instrument, reference) for r in reader.whole(by_participant[who])
        )
    scored = {who: _scores(instrument, cells) for who, cells in ratings.items()}
    return Scored(instrument.columns, scored, ratings, tuple(reader.problems))


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


# --- records → ratings --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    instrument: Instrument
    columns: tuple[str, ...]
    file: str
    problems: list[Problem]

    def read(self, records: Sequence[Mapping[str, str]]) -> dict[str, list[Rating]]:
        """The ratings by participant; what cannot be read is a problem."""
        if KEY not in self.columns:
            raise self.unfit(f"no column {KEY}", "expected it to say whose the records are")
        keys = self.item_columns() if not self.instrument.long else {}
        if self.instrument.long:
            self.check_long_columns()
        found: dict[str, list[Rating]] = defaultdict(list)
        seen: dict[tuple[str, ...], int] = {}
        for number, record in enumerate(records, 2):
            who = record[KEY]
            if not who:
                self.fault(
                    "", "no-participant-id", f"row {number} has no {KEY}", "one such as ALS_7", "fill it in"
                )
                continue
            found[who] += []
            if not self.instrument.long:
                if self.is_first(seen, (who,), number, who, "row"):
                    found[who] += self.wide_ratings(who, number, record, keys)
            elif (rating := self.long_rating(who, number, record)) is not None:
                key = (who, rating.item.name, rating.side, _plain_place(rating.place))
                if self.is_first(seen, key, number, who, _where(rating)):
                    found[who].append(rating)
        return found

    def is_first(
        self, seen: dict[tuple[str, ...], int], key: tuple[str, ...], number: int, who: str, what: str
    ) -> bool:
        first = seen.setdefault(key, number)
        if first != number:
            found = f"{what} appears twice, in rows {first} and {number}"
            self.fault(who, "duplicate-record", found, "one record", "keep one of them")
        return first == number

    def item_columns(self) -> dict[tuple[str, str], str]:
        """Wide records: the column of each item and side that has one."""
        written = {cell_name(item.name, side): (item.name, side) for item, side in all_cells(self.instrument)}
        written |= {
            cell_name(plain_name(item.label), side): (item.name, side)
            for item, side in all_cells(self.instrument)
        }
        keys: dict[tuple[str, str], str] = {}
        ignored = []
        for column in self.columns:
            cell = written.get(plain_name(column))
            if cell is None:
                ignored += [column] if column != KEY else []
            elif cell in keys:
                raise self.unfit(
                    f"columns {keys[cell]!r} and {column!r} are one item", "expected one of them"
                )
            else:
                keys[cell] = column
        self.note_ignored(ignored)
        lost = [cell_name(*cell) for cell in written.values() if cell not in keys]
        lost = list(dict.fromkeys(lost))
        if lost and (self.instrument.missing_is_error or not keys):
            raise self.unfit(f"no column {', '.join(lost)}", "expected one for each item")
        if lost:
            found = f"no column {', '.join(lost)}; the scores that need it stay empty"
            self.problems.append(
                Problem(self.file, "", "warning", "missing-item", found, "add it, or go on without")
            )
        return keys

    def check_long_columns(self) -> None:
        instrument = self.instrument
        needed = [instrument.item, *([SIDE] if instrument.sided else []), *filter(None, [instrument.place])]
        lost = [name for name in needed if name not in self.columns]
        quantities = [name for name, _ in instrument.grading.quantities] if instrument.grading else []
        either = instrument.value not in self.columns
        if either and quantities and set(quantities) & set(self.columns):
            lost += [name for name in quantities if name not in self.columns]
        elif either:
            lost += [
                " and ".join(quantities) + f", or {instrument.value}" if quantities else instrument.value
            ]
        if lost:
            raise self.unfit(f"no column {', '.join(lost)}", f"expected {', '.join(template(instrument)[0])}")
        self.note_ignored([name for name in self.columns if name not in template(instrument)[0]])

    def note_ignored(self, columns: Sequence[str]) -> None:
        if columns:
            found = f"not columns of {self.instrument.name}: {', '.join(columns)}; they are not read"
            remedy = "rename what should have been read (--template shows the names)"
            self.problems.append(Problem(self.file, "", "warning", "ignored-column", found, remedy))

    def unfit(self, found: str, expected: str) -> UsageError:
        remedy = f"'score {self.instrument.name} --template' shows the table"
        return UsageError(f"{self.file}: {found}; {expected}; {remedy}")

    def fault(self, who: str, code: str, found: str, expected: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, who, "error", code, f"{found}; expected {expected}", remedy))

    def wide_ratings(
        self, who: str, number: int, record: Mapping[str, str], keys: Mapping[tuple[str, str], str]
    ) -> Iterator[Rating]:
        for item, side in all_cells(self.instrument):
            text = record[keys[item.name, side]] if (item.name, side) in keys else ""
            if is_missing(text, number=True):
                continue
            value = item.range.number(text)
            if value is None:
                found = f"row {number}, {_place(item, side)}: {text[:40]!r} was found"
                self.fault(who, "bad-value", found, str(item.range), "correct the cell")
            else:
                yield Rating(item, side, value)

    def long_rating(self, who: str, number: int, record: Mapping[str, str]) -> Rating | None:
        text = record[self.instrument.item]
        item = self.item_of(text)
        where = f"row {number}, {self.instrument.item} {text[:40]!r}"
        if item is None:
            known = f"one of {names(self.instrument.items)}" if self.instrument.items else "a name"
            self.fault(who, "unknown-item", f"{where} was found", known, "correct the name")
            return None
        side = ""
        if self.instrument.sided:
            written = record[SIDE]
            absent = is_missing(written, number=True)
            side = _SIDE_WORDS.get(written.casefold(), "")
            if (item.sided and not side) or (not item.sided and not absent):
                expected = "left or right" if item.sided else "nothing, as it has no side"
                self.fault(
                    who, "bad-side", f"{where}: side {written[:40]!r} was found", expected, "correct the cell"
                )
                return None
        place = record[self.instrument.place] if self.instrument.place else ""
        if self.instrument.place and is_missing(place):
            self.fault(
                who,
                "missing-item",
                f"{where}: no {self.instrument.place}",
                "its name or number",
                "fill it in",
            )
            return None
        where = f"row {number}, {_place(item, side)}" + (
            f", {self.instrument.place} {place}" if place else ""
        )
        value = self.rated(who, where, record, item)
        confirmed = self.confirmed(who, where, record, value) if value is not None else None
        if value is None or confirmed is None:
            return None
        return Rating(item, side, value, place, confirmed)

    def item_of(self, text: str) -> Item | None:
        if self.instrument.items:
            return found_item(self.instrument, text)
        if not plain_name(text):
            return None
        return Item(plain_name(text), text, self.instrument.sided, self.instrument.range)

    def rated(self, who: str, where: str, record: Mapping[str, str], item: Item) -> float | None:
        """The grade as it is given, or by what was counted; both have to agree."""
        instrument = self.instrument
        text = record.get(instrument.value, "")
        given = None
        if not is_missing(text, number=True):
            given = item.range.number(text)
            if given is None:
                found = f"{where}: {instrument.value} {text[:40]!r} was found"
                self.fault(who, "bad-value", found, str(item.range), "correct the cell")
                return None
        counted = [name for name, _ in instrument.grading.quantities] if instrument.grading else []
        if all(is_missing(record.get(name, ""), number=True) for name in counted):
            if given is None:
                wanted = f"{' and '.join(counted)}, or {instrument.value}" if counted else str(item.range)
                found = f"{where}: no {instrument.value} was found"
                self.fault(who, "missing-item", found, wanted, "fill it in")
            return given
        grade = self.graded(who, where, record)
        if grade is not None and given is not None and grade != given:
            found = (
                f"{where}: {instrument.value} {text} was found, but {_quantities(record, counted)} is {grade}"
            )
            self.fault(
                who, "contradicting-record", found, "the same", "correct the row, or leave one of them empty"
            )
            return None
        return None if grade is None else float(grade)

    def graded(self, who: str, where: str, record: Mapping[str, str]) -> int | None:
        grading = self.instrument.grading
        assert grading is not None
        quantities: dict[str, float] = {}
        for name, believed in grading.quantities:
            text = record.get(name, "")
            first = next(iter(quantities.values()), None)
            value = 0.0 if is_missing(text, number=True) and first == 0 else believed.number(text)
            if value is None:
                found = f"{where}: {name} {text[:40]!r} was found"
                self.fault(who, "bad-value", found, str(believed), "correct the cell")
                return None
            quantities[name] = value
        grade = grading.grade(quantities)
        if grade is None:
            found = f"{where}: {_quantities(record, list(quantities))} was found"
            self.fault(who, "contradicting-record", found, "both 0, or neither", "correct the row")
        return grade

    def confirmed(self, who: str, where: str, record: Mapping[str, str], value: float) -> bool | None:
        presence = self.instrument.presence
        text = record.get(presence.confirmed, "") if presence else ""
        if presence is None or is_missing(text, number=True):
            return False
        answer = _YES.get(text.casefold())
        if answer is None:
            found = f"{where}: {presence.confirmed} {text[:40]!r} was found"
            self.fault(who, "bad-value", found, "1, 0 or nothing", "correct the cell")
        elif answer and value < presence.at_least:
            found = f"{where}: {presence.confirmed} {text} with {self.instrument.value} {value:g} was found"
            self.fault(who, "contradicting-record", found, "nothing to confirm", "correct the row")
            return None
        return answer

    def lacks(self, who: str, ratings: Sequence[Rating]) -> bool:
        """Whether the participant has to be left out for what is missing; says so."""
        presence = self.instrument.presence
        if presence is not None:
            looked_at: dict[str, int] = defaultdict(int)
            for rating in ratings:
                looked_at[_place(rating.item, rating.side)] += 1
            too_few = [f"{where} ({n})" for where, n in looked_at.items() if n < presence.places]
            if too_few:
                found = f"too few records with a {self.instrument.place}: {', '.join(too_few)}"
                expected = f"at least {presence.places} for each {self.instrument.item} and side"
                self.fault(who, "missing-item", found, expected, "add the others, or leave it out")
            return bool(too_few)
        there = {(rating.item.name, rating.side) for rating in ratings}
        missing = [
            _place(item, side) for item, side in all_cells(self.instrument) if (item.name, side) not in there
        ]
        if not missing:
            return False
        found = f"no value for {'; '.join(missing)}"
        if self.instrument.missing_is_error:
            self.fault(
                who, "missing-item", found, "one for each item", "add it: nothing is added up without it"
            )
            return True
        # A column that is missing everywhere was reported once.
        if set(missing) - self.absent_columns():
            found += "; the scores that need it stay empty"
            self.problems.append(
                Problem(self.file, who, "warning", "missing-item", found, "add it, or go on without")
            )
        return False

    def absent_columns(self) -> set[str]:
        if self.instrument.long:
            return set()
        there = {plain_name(column) for column in self.columns}
        return {
            _place(item, side)
            for item, side in all_cells(self.instrument)
            if not {cell_name(item.name, side), cell_name(plain_name(item.label), side)} & there
        }

    def whole(self, ratings: Sequence[Rating]) -> list[Rating]:
        """The ratings in the order of the instrument, those that are missing among them."""
        if not self.instrument.items:
            return sorted(
                ratings, key=lambda r: (natural_key(r.item.name), r.side, natural_key(r.place.casefold()))
            )
        there = {(rating.item.name, rating.side): rating for rating in ratings}
        return [
            there.get((item.name, side), Rating(item, side, None))
            for item, side in all_cells(self.instrument)
        ]


def _plain_place(place: str) -> str:
    """How places are compared: ``site 1`` is ``Site1``, and ``01`` is ``1.0``, or one would count as two.

    >>> _plain_place("site 1") == _plain_place("Site-01"), _plain_place("1.0") == _plain_place("01")
    (True, True)
    """
    number = read_number(place)
    if number is not None:
        return repr(number)
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", plain_name(place).replace("_", ""))


def _place(item: Item, side: str) -> str:
    return f"{item.label}, {side}" if side else item.label


def _where(rating: Rating) -> str:
    return f"{_place(rating.item, rating.side)}{f', {rating.place}' if rating.place else ''}:"


def _quantities(record: Mapping[str, str], columns: Sequence[str]) -> str:
    return " with ".join(f"{name} {record.get(name, '') or 'empty'}" for name in columns)


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


def _scores(instrument: Instrument, ratings: Sequence[Rating]) -> tuple[float | None, ...]:
    presence = _present(instrument, ratings)
    found: dict[str, float | None] = {}
    for score in instrument.scores:
        source = presence if score.of_presence else ratings
        chosen = [r for r in source if not score.items or r.item.name in score.items]
        # Scores alone, without items of their own.
        chosen = [] if score.scores and not score.items else chosen
        for column, (by, value) in instrument.parts(score):
            values = [rating.value for rating in chosen if _belongs(rating, by, value)]
            values += [found[name] for name in score.scores] if not by else []
            found[column] = _one(score, values)
    return tuple(found[column] for column in instrument.columns)


def _belongs(rating: Rating, by: str, value: str) -> bool:
    if by == BY_SIDE:
        return rating.side == value
    if by == BY_EACH:
        return cell_name(rating.item.name, rating.side) == value
    return not by or rating.item.tag(by) == value


def _one(score: Score, values: Sequence[float | None]) -> float | None:
    """A score of some ratings; none where one is missing, or there are none."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    if score.how == "sum":
        return math.fsum(known)
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
