"""A clinical instrument as data: its items and their ranges, what is added up, what a missing item does.

An instrument is one TOML file, read by :func:`parse_instrument`; docs/scores.md describes every key.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mriparaspinal.core.text import and_more, read_number

How = Literal["sum", "max", "mean", "count", "ratio", "formula"]

SIDES = ("left", "right")

NO_SIDE = ("",)

#: What ``by`` may name beside the tags of the items.
BY_SIDE, BY_EACH = "side", "each"


#: The end of a range without one: sums of such numbers stay finite.
ENDLESS = 1e100


@dataclass(frozen=True, slots=True)
class Range:
    """The plausible numbers, ends included but for ``above``."""

    low: float
    high: float
    whole: bool = True
    above: bool = False
    """Whether they are above ``low``, which is none of them."""
    words: tuple[str, ...] = ()
    """What may be written in place of numbers; the first counts as 0, the next as 1, and so on."""
    vocabulary: str = ""
    """The column of the participants table whose spellings are the words'."""

    def number(self, text: str) -> float | None:
        """A text as a number of this range; None if it is not one.

        >>> Range(0, 4).number("+3"), Range(0, 4).number("5"), Range(0, 4).number("2.5")
        (3.0, None, None)
        >>> Range(0, 2, words=("1", "2a", "2b")).number("2B"), Range(0, 1, words=("1", "2a")).number("1.0")
        (2.0, 0.0)
        >>> above = Range(0, ENDLESS, whole=False, above=True)
        >>> above.number("0"), above.number("1e-9"), str(above)
        (None, 1e-09, 'a number above 0')
        """
        value = read_number(text)
        if self.words:
            known = [word.casefold() for word in self.words]
            word = text.casefold() if value is None else f"{value:g}"
            return float(known.index(word)) if word in known else None
        if value is None or not self.low <= value <= self.high or (self.above and value == self.low):
            return None
        return value if not self.whole or value.is_integer() else None

    def __str__(self) -> str:
        if self.words:
            return f"one of {', '.join(self.words)}"
        number = f"a {'whole ' if self.whole else ''}number"
        if self.high == ENDLESS:
            return f"{number} above {self.low:g}" if self.above else f"{number} of {self.low:g} or more"
        return (
            f"{number} {'above' if self.above else 'from'} {self.low:g} {'up ' * self.above}to {self.high:g}"
        )


@dataclass(frozen=True, slots=True)
class Item:
    """What is rated: a question, a muscle group, an action, a nerve."""

    name: str
    label: str
    """As people call it; records may have it in place of the name."""
    sides: tuple[str, ...]
    """``left`` and ``right``, or one empty text."""
    range: Range
    tags: tuple[tuple[str, str], ...] = ()
    """What it belongs to, such as ``("region", "cervical")``."""
    place: str = ""
    """Where, in an instrument that names its places."""
    points: tuple[float, ...] = ()
    """What each rating counts, from the lowest on; none: the rating itself."""

    @property
    def sided(self) -> bool:
        """Whether it has sides."""
        return self.sides != NO_SIDE

    def tag(self, name: str) -> str:
        """The value of a tag; empty where the item has none of that name."""
        return dict(self.tags).get(name, "")


@dataclass(frozen=True, slots=True)
class Score:
    """One number per participant, and the same for parts of the items."""

    name: str
    how: How
    items: tuple[str, ...] = ()
    """Names of items; none: all of them. Of a ``ratio`` the numerator and the denominator."""
    scores: tuple[str, ...] = ()
    """Scores further up that are taken in with the items."""
    low: float = -math.inf
    high: float = math.inf
    """``count``: how many ratings lie between these, ends included."""
    of_presence: bool = False
    """Take the presence (1 or 0) in each item and side in place of the ratings."""
    by: tuple[str, ...] = ()
    """Tags of the items, ``side`` or ``each``: one more column for every value."""


@dataclass(frozen=True, slots=True)
class Grade:
    """A rule of a grading: the grade where every quantity lies above one bound and up to another."""

    grade: int
    above: tuple[tuple[str, float], ...]
    up_to: tuple[tuple[str, float], ...]

    def holds(self, quantities: Mapping[str, float]) -> bool:
        """True where all of the bounds are met."""
        return all(quantities[name] > bound for name, bound in self.above) and all(
            quantities[name] <= bound for name, bound in self.up_to
        )


@dataclass(frozen=True, slots=True)
class Grading:
    """How a grade follows from what was counted, where it is not given itself."""

    quantities: tuple[tuple[str, Range], ...]
    """The columns. Where the first is 0, the others may be empty: nothing was there to count."""
    rules: tuple[Grade, ...]

    def grade(self, quantities: Mapping[str, float]) -> int | None:
        """The grade of the first rule that holds; None where the quantities contradict each other."""
        return next((rule.grade for rule in self.rules if rule.holds(quantities)), None)


@dataclass(frozen=True, slots=True)
class Presence:
    """When something is present in an item and side that was looked at in several places."""

    at_least: float
    """The rating that counts."""
    places: int
    """In so many places; as many have to be looked at."""
    confirmed: str
    """Column that makes one place enough."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a comparison of study groups looks at, beside the grade of each item."""

    scores: tuple[str, ...]
    most: str
    """The score that is the highest grade of a participant."""
    high_from: int
    """From this grade on it counts as high."""
    places: tuple[str, ...]
    """The tags that together make a place."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """All that the scorer needs to know."""

    name: str
    title: str
    citation: str
    long: bool
    """One row per participant and item, else one per participant."""
    items: tuple[Item, ...]
    """None: the items are whatever the records name."""
    range: Range
    """Of the items that have no range of their own, and of those that the records name."""
    scores: tuple[Score, ...]
    value: str = "value"
    """Long records: the column of the ratings."""
    item: str = "item"
    """Long records: the column of the items."""
    place: str = ""
    """Long records: the column that distinguishes several ratings of one item and side."""
    places: tuple[str, ...] = ()
    """What that column may hold; then there is an item for each item and place that anybody was rated in."""
    sided: bool = False
    missing_is_error: bool = True
    """Else the scores that need a missing item stay empty."""
    standardised: bool = False
    """Ratings become z-scores by a table of means and SDs."""
    grading: Grading | None = None
    presence: Presence | None = None
    summary: Summary | None = None
    formula: str = ""
    """The name of what computes the scores of ``how = "formula"``."""
    about: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The scores' columns, in order."""
        return tuple(name for score in self.scores for name, _ in self.parts(score))

    def parts(self, score: Score) -> list[tuple[str, tuple[str, str]]]:
        """The columns of a score and, for each, the part of the items: (tag, value), empty for the whole."""
        found = [(score.name, ("", ""))]
        for by in score.by:
            if by == BY_SIDE:
                values = [
                    side for side in SIDES if not self.items or any(side in i.sides for i in self.items)
                ]
            elif by == BY_EACH:
                values = [cell_name(item.name, side) for item in self.items for side in item.sides]
            else:
                values = list(dict.fromkeys(item.tag(by) for item in self.items if item.tag(by)))
            found += [(f"{score.name}_{value}", (by, value)) for value in values]
        return found


def cell_name(item: str, side: str) -> str:
    """The column of an item and side.

    >>> cell_name("median", "left"), cell_name("speech", "")
    ('median_left', 'speech')
    """
    return f"{item}_{side}" if side else item


def plain_name(text: str) -> str:
    """How names of items are compared: without regard to case, spaces and punctuation.

    >>> plain_name("Proximal flexors in  upper-limb")
    'proximal_flexors_in_upper_limb'
    """
    return re.sub(r"[\W_]+", "_", text.strip().casefold()).strip("_")


def grades_of(instrument: Instrument) -> range:
    """All grades of an instrument with whole ones."""
    return range(int(instrument.range.low), int(instrument.range.high) + 1)


def all_cells(instrument: Instrument) -> list[tuple[Item, str]]:
    """Each item and side, in order."""
    return list(itertools.chain.from_iterable(((i, side) for side in i.sides) for i in instrument.items))


def found_item(instrument: Instrument, text: str, place: str = "") -> Item | None:
    """The item that a record names, by its name or label, and the place that it names."""
    wanted, where = plain_name(text), plain_name(place)
    return next(
        (
            item
            for item in instrument.items
            if plain_name(item.place) == where and wanted in (_bare_name(item), plain_name(item.label))
        ),
        None,
    )


def _bare_name(item: Item) -> str:
    """The name without the place that it begins with."""
    return plain_name(item.name).removeprefix(f"{plain_name(item.place)}_" if item.place else "")


def only_rated(instrument: Instrument, rated: Collection[tuple[str, str]]) -> Instrument:
    """The instrument with those items and sides only that anybody was rated in: (name, side)."""
    items = []
    for item in instrument.items:
        sides = tuple(side for side in item.sides if (item.name, side) in rated)
        if sides:
            items.append(replace(item, sides=sides))
    return replace(instrument, items=tuple(items))


def names(items: Sequence[Item]) -> str:
    """The items for a message: the first few, and how many more.

    >>> names([Item(f"i{n}", f"item {n}", NO_SIDE, Range(0, 1)) for n in range(14)])[-18:]
    'item 11 and 2 more'
    """
    return and_more((item.label for item in items), 12)
