"""One rater's records of an instrument as rows that can be set against another rater's."""

from __future__ import annotations

from dataclasses import replace

from mriparaspinal.clinical.instrument import Instrument, grades_of
from mriparaspinal.clinical.rating_reader import KEY, SIDE, Rating, RatingReader
from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.tables import TextTable

#: What was graded, where the records do not call it a muscle.
TARGET = "target"

GRADE = "grade"


def scale_of(instrument: Instrument) -> tuple[str, ...]:
    """All grades from low to high, as records have them.

    Raises :class:`UsageError` for an instrument without grades of single items.
    """
    named = instrument.long and instrument.items and instrument.range.whole and not instrument.standardised
    if not named:
        found = f"{instrument.name} has no grades of single items"
        raise UsageError(f"--instrument: {found}; expected goutallier, say, or a .toml like it; name another")
    return instrument.range.words or tuple(map(str, grades_of(instrument)))


def item_column(instrument: Instrument) -> str:
    """The column of the items in :func:`graded_rows`."""
    return instrument.item if instrument.item == "muscle" else TARGET


def graded_rows(instrument: Instrument, table: TextTable, file: str) -> TextTable:
    """The records as a table ``participant_id``, place, item, side and ``grade``, in the instrument's names.

    Raises :class:`UsageError` with a line for every record that is not as the instrument says.
    """
    scale = scale_of(instrument)
    reader = RatingReader(instrument, table.columns, file, [])
    found = reader.read([dict(zip(table.columns, row, strict=True)) for row in table.rows])
    if broken := [problem.line() for problem in reader.problems if problem.severity == "error"]:
        raise UsageError("\n".join(broken))
    place = [instrument.place] if instrument.places else []
    sides = [SIDE] if instrument.sided else []
    columns = (KEY, *place, item_column(instrument), *sides, GRADE)

    def row(who: str, rating: Rating) -> tuple[str, ...]:
        item = rating.item
        name = dict(item.tags).get(instrument.item, item.name)
        grade = "" if rating.value is None else scale[round(rating.value - instrument.range.low)]
        return (who, *([item.place] if place else []), name, *([rating.side] if sides else []), grade)

    rows = tuple(row(who, rating) for who, ratings in found.items() for rating in ratings)
    return replace(table, columns=columns, rows=rows)
