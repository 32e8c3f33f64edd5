"""Records of ratings as people write them → the rating of each item and side, or a problem."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mriparaspinal.clinical.instrument import (
    NO_SIDE,
    SIDES,
    Instrument,
    Item,
    all_cells,
    cell_name,
    found_item,
    names,
    plain_name,
)
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Problem
from mriparaspinal.core.participants import read_column
from mriparaspinal.core.text import is_missing, natural_key, read_number

KEY = "participant_id"

SIDE = "side"

_SIDE_WORDS = {"left": "left", "l": "left", "right": "right", "r": "right"}

_YES = {"1": True, "1.0": True, "yes": True, "0": False, "0.0": False, "no": False}


@dataclass(frozen=True, slots=True)
class Rating:
    """One item on one side (and in one place) of one participant."""

    item: Item
    side: str
    value: float | None
    """As it counts: points, z-score or the rating itself; None where it is missing."""
    place: str = ""
    confirmed: bool = False


def template(instrument: Instrument, ids: Sequence[str] = ()) -> tuple[tuple[str, ...], list[list[str]]]:
    """The columns of the records, and rows to fill in: for each of ``ids``, else one block without an id.

    Rows without an id are there only where they say more than the header, the items of long records.
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
        cells = [(item.label, side, item.place) for item, side in all_cells(instrument)] or [("", "", "")]
        for label, side, place in cells:
            known = [who, label, *([side] if instrument.sided else []), *([place] if place else [])]
            rows.append(known + [""] * (len(columns) - len(known)))
    return columns, rows


@dataclass(slots=True)
class RatingReader:
    """Reads a table of records; what cannot be read is gathered in ``problems``."""

    instrument: Instrument
    columns: tuple[str, ...]
    file: str
    problems: list[Problem]

    def read(self, records: Sequence[Mapping[str, str]]) -> dict[str, list[Rating]]:
        """The ratings by participant; what cannot be read is a problem."""
        if KEY not in self.columns:
            raise self._unfit(f"no column {KEY}", "expected it to say whose the records are")
        keys = self._item_columns() if not self.instrument.long else {}
        if self.instrument.long:
            self._check_long_columns()
        records = self._with_words(records, keys)
        found: dict[str, list[Rating]] = defaultdict(list)
        seen: dict[tuple[str, ...], int] = {}
        for number, record in enumerate(records, 2):
            who = record[KEY]
            if not who:
                self._fault(
                    "", "no-participant-id", f"row {number} has no {KEY}", "one such as ALS_7", "fill it in"
                )
                continue
            found[who] += []
            if not self.instrument.long:
                if self._is_first(seen, (who,), number, who, "row"):
                    found[who] += self._wide_ratings(who, number, record, keys)
            elif (rating := self._long_rating(who, number, record)) is not None:
                key = (who, rating.item.name, rating.side, _plain_place(rating.place))
                if self._is_first(seen, key, number, who, _where(rating)):
                    found[who].append(rating)
        return found

    def _with_words(
        self, records: Sequence[Mapping[str, str]], keys: Mapping[tuple[str, str], str]
    ) -> Sequence[Mapping[str, str]]:
        """Wide records: some cells as words of the participants table, which are read by the column."""
        for item, side in all_cells(self.instrument):
            column = keys.get((item.name, side))
            if item.range.vocabulary and column is not None:
                read = read_column(item.range.vocabulary, [record[column] for record in records])
                # A single word that is not known is told by its row.
                for doubt in read.doubts:
                    if doubt.severity == "error":
                        said = (doubt.code, doubt.message, doubt.remedy)
                        self.problems.append(Problem(self.file, "", "error", *said))
                records = [{**record, column: cell} for record, cell in zip(records, read.cells, strict=True)]
        return records

    def _is_first(
        self, seen: dict[tuple[str, ...], int], key: tuple[str, ...], number: int, who: str, what: str
    ) -> bool:
        first = seen.setdefault(key, number)
        if first != number:
            found = f"{what} appears twice, in rows {first} and {number}"
            self._fault(who, "duplicate-record", found, "one record", "keep one of them")
        return first == number

    def _item_columns(self) -> dict[tuple[str, str], str]:
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
                raise self._unfit(
                    f"columns {keys[cell]!r} and {column!r} are one item", "expected one of them"
                )
            else:
                keys[cell] = column
        self._note_ignored(ignored)
        lost = [cell_name(*cell) for cell in written.values() if cell not in keys]
        lost = list(dict.fromkeys(lost))
        if lost and (self.instrument.missing_is_error or not keys):
            raise self._unfit(f"no column {', '.join(lost)}", "expected one for each item")
        if lost:
            found = f"no column {', '.join(lost)}; the scores that need it stay empty"
            self.problems.append(
                Problem(self.file, "", "warning", "missing-item", found, "add it, or go on without")
            )
        return keys

    def _check_long_columns(self) -> None:
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
            raise self._unfit(
                f"no column {', '.join(lost)}", f"expected {', '.join(template(instrument)[0])}"
            )
        self._note_ignored([name for name in self.columns if name not in template(instrument)[0]])

    def _note_ignored(self, columns: Sequence[str]) -> None:
        if columns:
            found = f"not columns of {self.instrument.name}: {', '.join(columns)}; they are not read"
            remedy = "rename what should have been read (--template shows the names)"
            self.problems.append(Problem(self.file, "", "warning", "ignored-column", found, remedy))

    def _unfit(self, found: str, expected: str) -> UsageError:
        remedy = f"'score {self.instrument.name} --template' shows the table"
        return UsageError(f"{self.file}: {found}; {expected}; {remedy}")

    def _fault(self, who: str, code: str, found: str, expected: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, who, "error", code, f"{found}; expected {expected}", remedy))

    def _wide_ratings(
        self, who: str, number: int, record: Mapping[str, str], keys: Mapping[tuple[str, str], str]
    ) -> Iterator[Rating]:
        for item, side in all_cells(self.instrument):
            text = record[keys[item.name, side]] if (item.name, side) in keys else ""
            if is_missing(text, number=True):
                continue
            value = item.range.number(text)
            if value is None:
                found = f"row {number}, {_place(item, side)}: {text[:40]!r} was found"
                self._fault(who, "bad-value", found, str(item.range), "correct the cell")
            else:
                yield Rating(item, side, value)

    def _long_rating(self, who: str, number: int, record: Mapping[str, str]) -> Rating | None:
        text = record[self.instrument.item]
        item = self._item_of(record)
        where = f"row {number}, {self.instrument.item} {text[:40]!r}"
        if self.instrument.places:
            where += f", {self.instrument.place} {record[self.instrument.place][:40]!r}"
        if item is None:
            self._fault(who, "unknown-item", f"{where} was found", self._known_items(), "correct the name")
            return None
        side = ""
        if self.instrument.sided:
            written = record[SIDE]
            absent = is_missing(written, number=True)
            side = _SIDE_WORDS.get(written.casefold(), "")
            if (item.sided and not side) or (not item.sided and not absent):
                expected = "left or right" if item.sided else "nothing, as it has no side"
                self._fault(
                    who, "bad-side", f"{where}: side {written[:40]!r} was found", expected, "correct the cell"
                )
                return None
        sites = self.instrument.place and not self.instrument.places
        place = record[self.instrument.place] if sites else ""
        if sites and is_missing(place):
            self._fault(
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
        value = self._rated(who, where, record, item)
        confirmed = self._confirmed(who, where, record, value) if value is not None else None
        if value is None or confirmed is None:
            return None
        return Rating(item, side, value, place, confirmed)

    def _item_of(self, record: Mapping[str, str]) -> Item | None:
        text = record[self.instrument.item]
        if self.instrument.items:
            place = record[self.instrument.place] if self.instrument.places else ""
            return found_item(self.instrument, text, place)
        if not plain_name(text):
            return None
        sides = SIDES if self.instrument.sided else NO_SIDE
        return Item(plain_name(text), text, sides, self.instrument.range)

    def _known_items(self) -> str:
        if not self.instrument.items:
            return "a name"
        if not self.instrument.places:
            return f"one of {names(self.instrument.items)}"
        labels = ", ".join(dict.fromkeys(item.label for item in self.instrument.items))
        places = ", ".join(self.instrument.places)
        return f"one of {labels}, and a {self.instrument.place} of {places}"

    def _rated(self, who: str, where: str, record: Mapping[str, str], item: Item) -> float | None:
        """The grade as it is given, or by what was counted; both have to agree."""
        instrument = self.instrument
        text = record.get(instrument.value, "")
        given = None
        if not is_missing(text, number=True):
            given = item.range.number(text)
            if given is None:
                found = f"{where}: {instrument.value} {text[:40]!r} was found"
                self._fault(who, "bad-value", found, str(item.range), "correct the cell")
                return None
        counted = [name for name, _ in instrument.grading.quantities] if instrument.grading else []
        if all(is_missing(record.get(name, ""), number=True) for name in counted):
            if given is None and self.instrument.missing_is_error:
                wanted = f"{' and '.join(counted)}, or {instrument.value}" if counted else str(item.range)
                found = f"{where}: no {instrument.value} was found"
                self._fault(who, "missing-item", found, wanted, "fill it in")
            return given
        grade = self._graded(who, where, record)
        if grade is not None and given is not None and grade != given:
            found = (
                f"{where}: {instrument.value} {text} was found, but {_quantities(record, counted)} is {grade}"
            )
            self._fault(
                who, "contradicting-record", found, "the same", "correct the row, or leave one of them empty"
            )
            return None
        return None if grade is None else float(grade)

    def _graded(self, who: str, where: str, record: Mapping[str, str]) -> int | None:
        grading = self.instrument.grading
        assert grading is not None
        quantities: dict[str, float] = {}
        for name, believed in grading.quantities:
            text = record.get(name, "")
            first = next(iter(quantities.values()), None)
            value = 0.0 if is_missing(text, number=True) and first == 0 else believed.number(text)
            if value is None:
                found = f"{where}: {name} {text[:40]!r} was found"
                self._fault(who, "bad-value", found, str(believed), "correct the cell")
                return None
            quantities[name] = value
        grade = grading.grade(quantities)
        if grade is None:
            found = f"{where}: {_quantities(record, list(quantities))} was found"
            self._fault(who, "contradicting-record", found, "both 0, or neither", "correct the row")
        return grade

    def _confirmed(self, who: str, where: str, record: Mapping[str, str], value: float) -> bool | None:
        presence = self.instrument.presence
        text = record.get(presence.confirmed, "") if presence else ""
        if presence is None or is_missing(text, number=True):
            return False
        answer = _YES.get(text.casefold())
        if answer is None:
            found = f"{where}: {presence.confirmed} {text[:40]!r} was found"
            self._fault(who, "bad-value", found, "1, 0 or nothing", "correct the cell")
        elif answer and value < presence.at_least:
            found = f"{where}: {presence.confirmed} {text} with {self.instrument.value} {value:g} was found"
            self._fault(who, "contradicting-record", found, "nothing to confirm", "correct the row")
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
                self._fault(who, "missing-item", found, expected, "add the others, or leave it out")
            return bool(too_few)
        there = {(rating.item.name, rating.side) for rating in ratings}
        missing = [
            _place(item, side) for item, side in all_cells(self.instrument) if (item.name, side) not in there
        ]
        if not missing:
            return False
        found = f"no value for {'; '.join(missing)}"
        if self.instrument.missing_is_error:
            self._fault(
                who, "missing-item", found, "one for each item", "add it: nothing is added up without it"
            )
            return True
        # A column that is missing everywhere was reported once.
        if set(missing) - self._absent_columns():
            found += "; the scores that need it stay empty"
            self.problems.append(
                Problem(self.file, who, "warning", "missing-item", found, "add it, or go on without")
            )
        return False

    def _absent_columns(self) -> set[str]:
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
    return ", ".join(filter(None, (item.place, item.label, side)))


def _where(rating: Rating) -> str:
    return f"{_place(rating.item, rating.side)}{f', {rating.place}' if rating.place else ''}:"


def _quantities(record: Mapping[str, str], columns: Sequence[str]) -> str:
    return " with ".join(f"{name} {record.get(name, '') or 'empty'}" for name in columns)
