"""Instruments as TOML files: read and checked."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from mriparaspinal.clinical.formulas import FORMULAS
from mriparaspinal.clinical.instrument import (
    BY_EACH,
    BY_SIDE,
    ENDLESS,
    NO_SIDE,
    SIDES,
    Grade,
    Grading,
    How,
    Instrument,
    Item,
    Presence,
    Range,
    Score,
    Summary,
    cell_name,
    plain_name,
)
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.participants import WORDS

_NAME = re.compile(r"[a-z][a-z0-9_]*")


# --- from TOML ----------------------------------------------------------------------------------------------


_TOP = {
    "title", "citation", "about", "records", "missing", "sided", "standardised", "value", "range", "item",
    "place", "places", "items", "scores", "grading", "presence", "summary", "formula",
}  # fmt: skip

_ITEM = {"name", "label", "sided", "range", "tags", "points"}

_SCORE = {"name", "how", "items", "scores", "between", "of", "by"}


class _Faults(list[str]):
    """What is wrong with a file, gathered before it is said."""

    def keys(self, where: str, table: Mapping[str, Any], known: set[str]) -> None:
        for key in table:
            if key not in known:
                self.append(f"{where}{key} was found; expected one of {', '.join(sorted(known))}")

    def get(self, where: str, table: Mapping[str, Any], key: str, kind: type, default: Any) -> Any:
        """The value of a key, of the kind; else the default (None: the key is needed) and a fault."""
        if key not in table:
            if default is None:
                self.append(f"{where}{key} is missing; expected {_KINDS[kind]}")
            return kind() if default is None else default
        value = table[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            self.append(f"{where}{key} {value!r} was found; expected {_KINDS[kind]}")
            return kind() if default is None else default
        return value

    def texts(self, where: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = self.get(where, table, key, list, [])
        if not all(isinstance(text, str) for text in value):
            self.append(f"{where}{key} {value!r} was found; expected a list of texts")
            return ()
        return tuple(value)

    def pair(self, where: str, table: Mapping[str, Any], key: str) -> tuple[float, float] | None:
        value = table.get(key)
        if value is None:
            return None
        numbers = isinstance(value, list) and len(value) == 2 and all(_is_number(v) for v in value)
        if not numbers or value[0] > value[1]:
            self.append(f"{where}{key} {value!r} was found; expected two numbers, the lower first")
            return None
        return float(value[0]), float(value[1])

    def name(self, where: str, table: Mapping[str, Any]) -> str:
        name: str = self.get(where, table, "name", str, None)
        if name and not _NAME.fullmatch(name):
            self.append(
                f"{where}name {name!r} was found; expected small letters, digits and _, a letter first"
            )
        return name


_KINDS = {
    str: "a text", bool: "true or false", int: "a whole number", list: "a list", dict: "a table",
}  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def parse_instrument(content: Mapping[str, Any], name: str) -> Instrument:
    """An instrument from the tables of its TOML file; ``name`` is what messages call it.

    Raises :class:`UsageError` with every fault in one line each.
    """
    faults = _Faults()
    faults.keys("", content, _TOP)
    sided = faults.get("", content, "sided", bool, False)
    records = faults.get("", content, "records", str, None)
    if records not in ("wide", "long"):
        faults.append(f"records {records!r} was found; expected wide or long")
    missing = faults.get("", content, "missing", str, "error")
    if missing not in ("error", "empty"):
        faults.append(f"missing {missing!r} was found; expected error or empty")
    believed = _range(content, "", faults, None)
    items = tuple(
        _item(table, number, sided, believed, faults)
        for number, table in enumerate(_tables(content, "items", faults), 1)
    )
    scores = tuple(_score(t, i, faults) for i, t in enumerate(_tables(content, "scores", faults), 1))
    instrument = Instrument(
        name=name,
        title=faults.get("", content, "title", str, None),
        citation=faults.get("", content, "citation", str, None),
        about=faults.get("", content, "about", str, ""),
        long=records == "long",
        items=items,
        range=believed,
        scores=scores,
        value=faults.get("", content, "value", str, "value"),
        item=faults.get("", content, "item", str, "item"),
        place=faults.get("", content, "place", str, ""),
        places=faults.texts("", content, "places"),
        sided=sided,
        missing_is_error=missing == "error",
        standardised=faults.get("", content, "standardised", bool, False),
        grading=_grading(content, faults),
        presence=_presence(content, faults),
        summary=_summary(content, faults),
        formula=faults.get("", content, "formula", str, ""),
    )
    _check_whole(instrument, faults)
    if faults:
        raise UsageError("\n".join(f"{name}: {fault}; correct the instrument" for fault in faults))
    return replace(instrument, items=_at_each_place(instrument)) if instrument.places else instrument


def _at_each_place(instrument: Instrument) -> tuple[Item, ...]:
    """An item for each place and item, with both as tags."""
    return tuple(
        replace(
            item,
            name=f"{plain_name(place)}_{item.name}",
            place=place,
            tags=(*item.tags, (instrument.place, plain_name(place)), (instrument.item, item.name)),
        )
        for place, item in itertools.product(instrument.places, instrument.items)
    )


def _tables(content: Mapping[str, Any], key: str, faults: _Faults) -> list[Mapping[str, Any]]:
    tables = faults.get("", content, key, list, [])
    if not all(isinstance(table, dict) for table in tables):
        faults.append(f"{key} {tables!r} was found; expected tables [[{key}]]")
        return []
    return list(tables)


def _range(table: Mapping[str, Any], where: str, faults: _Faults, default: Range | None) -> Range:
    if "range" not in table and default is not None:
        return default
    inner = faults.get(where, table, "range", dict, None)
    if not inner:
        return Range(0, 0)
    where = f"{where}range."
    if "words" in inner:
        return _words(inner, where, faults)
    faults.keys(where, inner, {"low", "above", "high", "whole"})
    whole = faults.get(where, inner, "whole", bool, True)
    least = "above" if "above" in inner and "low" not in inner else "low"
    # Fractions may have no end.
    low, high = inner.get(least), inner.get("high", None if whole else ENDLESS)
    if not (_is_number(low) and _is_number(high) and low < high):
        faults.append(
            f"{where}{least} {low!r} and high {high!r} were found; expected two numbers, {least} below high"
        )
        return Range(0, 0)
    if least == "low" and "above" in inner:
        faults.append(f"{where}low and above were found; expected one of them")
    return Range(float(low), float(high), whole, least == "above")


def _words(inner: Mapping[str, Any], where: str, faults: _Faults) -> Range:
    """A range of words, the first of which counts as 0."""
    faults.keys(where, inner, {"words", "vocabulary"})
    words = faults.texts(where, inner, "words")
    if len({word.casefold() for word in words}) < max(2, len(words)):
        faults.append(f"{where}words {list(words)!r} were found; expected two or more different texts")
    vocabulary = faults.get(where, inner, "vocabulary", str, "")
    if vocabulary and not set(words) <= set(WORDS.get(vocabulary, ())):
        faults.append(f"{where}vocabulary {vocabulary!r} was found; expected one that has the words")
    return Range(0, len(words) - 1, words=words, vocabulary=vocabulary)


def _item(table: Mapping[str, Any], number: int, sided: bool, believed: Range, faults: _Faults) -> Item:
    where = f"items {number}: "
    faults.keys(where, table, _ITEM)
    name = faults.name(where, table)
    tags = faults.get(where, table, "tags", dict, {})
    for tag, value in tags.items():
        if not isinstance(value, str) or not _NAME.fullmatch(value) or tag in (BY_SIDE, BY_EACH):
            faults.append(f"{where}tags.{tag} {value!r} was found; expected a name in small letters")
            tags = {}
            break
    limits = _range(table, where, faults, believed)
    points = faults.get(where, table, "points", list, [])
    if points and (
        not all(map(_is_number, points)) or not limits.whole or len(points) != limits.high - limits.low + 1
    ):
        faults.append(f"{where}points {points!r} was found; expected one number for each rating")
        points = []
    return Item(
        name=name,
        label=faults.get(where, table, "label", str, name.replace("_", " ")),
        sides=SIDES if faults.get(where, table, "sided", bool, sided) else NO_SIDE,
        range=limits,
        tags=tuple(tags.items()),
        points=tuple(map(float, points)),
    )


def _score(table: Mapping[str, Any], number: int, faults: _Faults) -> Score:
    where = f"scores {number}: "
    faults.keys(where, table, _SCORE)
    how = faults.get(where, table, "how", str, None)
    if how not in get_args(How):
        faults.append(f"{where}how {how!r} was found; expected {', '.join(get_args(How))}")
    between = faults.pair(where, table, "between")
    if (how == "count") != ("between" in table):
        faults.append(f'{where}between belongs to how = "count", and to nothing else')
    of = faults.get(where, table, "of", str, "values")
    if of not in ("values", "presence"):
        faults.append(f"{where}of {of!r} was found; expected values or presence")
    low, high = between or (-math.inf, math.inf)
    items = faults.texts(where, table, "items")
    if how == "ratio" and (len(items) != 2 or "scores" in table or of == "presence"):
        faults.append(f"{where}items {list(items)!r} were found; expected the numerator and the denominator")
    return Score(
        name=faults.name(where, table),
        how=how,
        items=items,
        scores=faults.texts(where, table, "scores"),
        low=low,
        high=high,
        of_presence=of == "presence",
        by=faults.texts(where, table, "by"),
    )


def _grading(content: Mapping[str, Any], faults: _Faults) -> Grading | None:
    if "grading" not in content:
        return None
    table = faults.get("", content, "grading", dict, None)
    faults.keys("grading.", table, {"quantities", "rules"})
    quantities = []
    for number, inner in enumerate(_tables(table, "quantities", faults), 1):
        where = f"grading.quantities {number}: "
        faults.keys(where, inner, {"name", "range"})
        quantities.append((faults.name(where, inner), _range(inner, where, faults, None)))
    names = {name for name, _ in quantities}
    rules = []
    for number, inner in enumerate(_tables(table, "rules", faults), 1):
        where = f"grading.rules {number}: "
        faults.keys(where, inner, {"grade", "above", "up_to"})
        bounds = []
        for key in ("above", "up_to"):
            found = faults.get(where, inner, key, dict, {})
            if not all(name in names and _is_number(bound) for name, bound in found.items()):
                faults.append(f"{where}{key} {found!r} was found; expected numbers for {', '.join(names)}")
                found = {}
            bounds.append(tuple(found.items()))
        rules.append(Grade(faults.get(where, inner, "grade", int, None), bounds[0], bounds[1]))
    if not quantities or not rules:
        faults.append("grading has no quantities or no rules; expected both")
    return Grading(tuple(quantities), tuple(rules))


def _presence(content: Mapping[str, Any], faults: _Faults) -> Presence | None:
    if "presence" not in content:
        return None
    table = faults.get("", content, "presence", dict, None)
    faults.keys("presence.", table, {"at_least", "places", "confirmed"})
    return Presence(
        at_least=faults.get("presence.", table, "at_least", int, None),
        places=faults.get("presence.", table, "places", int, None),
        confirmed=faults.get("presence.", table, "confirmed", str, None),
    )


def _summary(content: Mapping[str, Any], faults: _Faults) -> Summary | None:
    if "summary" not in content:
        return None
    table = faults.get("", content, "summary", dict, None)
    faults.keys("summary.", table, {"scores", "most", "high_from", "places"})
    return Summary(
        scores=faults.texts("summary.", table, "scores"),
        most=faults.get("summary.", table, "most", str, None),
        high_from=faults.get("summary.", table, "high_from", int, None),
        places=faults.texts("summary.", table, "places"),
    )


def _check_whole(instrument: Instrument, faults: _Faults) -> None:
    """What no part can see by itself: names that clash, or lead nowhere; keys that do not fit together."""
    names = [name for item in instrument.items for name in {plain_name(item.name), plain_name(item.label)}]
    cells = [cell_name(item.name, side) for item in instrument.items for side in item.sides]
    for what, found in (("items", names), ("items", cells), ("columns of scores", instrument.columns)):
        for twice in sorted({name for name in found if list(found).count(name) > 1}):
            faults.append(f"{what}: {twice!r} appears more than once; expected it once")
    known = {item.name for item in instrument.items}
    tags = {tag for item in instrument.items for tag, _ in item.tags} | {BY_SIDE, BY_EACH}
    tags |= {instrument.item, instrument.place} if instrument.places else set()
    before: set[str] = set()
    for score in instrument.scores:
        for wanted, there, what in (
            (score.items, known, "items"),
            (score.scores, before, "scores further up"),
            (score.by, tags, "tags, side or each"),
        ):
            for lost in [name for name in wanted if name not in there]:
                faults.append(f"score {score.name}: {lost!r} was found; expected one of the {what}")
        if score.of_presence and instrument.presence is None:
            faults.append(f'score {score.name}: of = "presence" without [presence]; expected that table')
        if instrument.places and score.items:
            faults.append(f"score {score.name}: items with places; expected by = [{instrument.item!r}]")
        before.add(score.name)
    _check_formula(instrument, faults)
    if not instrument.scores:
        faults.append("no scores; expected at least one [[scores]]")
    if "participant_id" in instrument.columns:
        faults.append("a score is called participant_id; expected another name")
    named = [instrument.item, instrument.value, instrument.place, "side", "participant_id"]
    if instrument.long and len({name for name in named if name}) < len([name for name in named if name]):
        faults.append("item, value and place: two columns of one name; expected different names")
    _check_layout(instrument, faults)


def _check_formula(instrument: Instrument, faults: _Faults) -> None:
    computed = {score.name for score in instrument.scores if score.how == "formula"}
    if not instrument.formula and not computed:
        return
    formula = FORMULAS.get(instrument.formula)
    if formula is None:
        faults.append(f"formula {instrument.formula!r} was found; expected one of {', '.join(FORMULAS)}")
        return
    for name in sorted(computed - set(formula.columns)):
        expected = f"expected one of {', '.join(formula.columns)}"
        faults.append(f"score {name}: not a column of the formula {instrument.formula}; {expected}")
    there = {cell_name(item.name, side) for item in instrument.items for side in item.sides}
    if lost := [name for name in formula.items if name not in there]:
        faults.append(f"formula {instrument.formula}: no item {', '.join(lost)}; expected each of them")


def _check_layout(instrument: Instrument, faults: _Faults) -> None:
    if not instrument.long:
        for key, there in (("grading", instrument.grading), ("presence", instrument.presence)):
            if there is not None:
                faults.append(f'{key} with records = "wide"; expected records = "long"')
        if not instrument.items:
            faults.append("no items; expected at least one [[items]]")
    if not instrument.items and instrument.long and not instrument.place:
        faults.append("neither items nor place; expected [[items]], or the column of the place")
    if instrument.long and any(item.range.vocabulary for item in instrument.items):
        faults.append('vocabulary with records = "long"; expected records = "wide"')
    _check_places(instrument, faults)
    if instrument.grading is not None and instrument.range.whole:
        grades = {rule.grade for rule in instrument.grading.rules}
        if not all(instrument.range.low <= grade <= instrument.range.high for grade in grades):
            faults.append(f"grading.rules: grades {sorted(grades)}; expected {instrument.range}")
    summary = instrument.summary
    if summary is not None:
        plain = {score.name for score in instrument.scores}
        for lost in [name for name in (*summary.scores, summary.most) if name not in plain]:
            faults.append(f"summary: {lost!r} was found; expected a score")
        if not instrument.items or not instrument.range.whole or instrument.range.low != 0:
            faults.append("summary: expected items with grades from 0")


def _check_places(instrument: Instrument, faults: _Faults) -> None:
    if instrument.places:
        if not instrument.long or not instrument.place or not instrument.items:
            faults.append('places; expected records = "long", place and [[items]] with them')
        if instrument.presence is not None or instrument.grading is not None or instrument.missing_is_error:
            faults.append('places; expected missing = "empty", and neither presence nor grading')
        if len({plain_name(place) for place in instrument.places}) < len(instrument.places):
            faults.append(f"places {list(instrument.places)!r} were found; expected each once")
        return
    if instrument.place and instrument.items:
        faults.append("items and place without places; expected all of them, or one of the two")
    if (instrument.presence is None) != (not instrument.place):
        faults.append("place and presence belong together; expected both or neither")
