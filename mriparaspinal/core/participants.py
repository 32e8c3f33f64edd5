"""The participants table: what its columns mean, and what is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mriparaspinal.core.model import Problem
from mriparaspinal.core.spelling import difference, loose_key, near_matches, nearest, slipped_ids
from mriparaspinal.core.text import (
    and_more,
    count_of,
    is_missing,
    is_nearly_number,
    natural_key,
    read_cell,
    read_number,
)

KEY = "participant_id"

#: Columns of numbers with a known meaning: the plausible range, and the unit.
NUMBERS: dict[str, tuple[float, float, str]] = {
    "age": (0, 130, "years"),
    "age_onset": (0, 130, "years"),
    "bmi": (5, 150, "kg/m²"),
    "height": (100, 250, "cm"),
    "alsfrs_r": (0, 48, "points"),
    "alsfrs_lower": (0, 12, "points"),
    "disease_duration": (0, 1500, "months"),
}

HEIGHT = "height"

#: All columns with a meaning.
KNOWN = ("group", "onset_side", "onset_region", "psa", "sex", *NUMBERS)

#: What the cells of a column of words may be called, without regard to case; see docs/tables.md.
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "sex": {
        "M": (
            *("m", "male", "males", "man", "men", "boy", "masculine", "h", "homme", "hombre", "masculin"),
            *("masculino", "männlich", "maennlich", "mann", "maschio", "uomo", "homem", "varón", "varon"),
            *("♂", "男", "男性"),
        ),
        "F": (
            *("f", "female", "females", "woman", "women", "girl", "feminine", "w", "weiblich", "frau"),
            *("femme", "féminin", "feminin", "femenino", "femenina", "feminino", "mujer", "femmina", "donna"),
            *("mulher", "♀", "女", "女性"),
        ),
    },
    "onset_side": {
        "left": (
            *("left", "l", "lt", "left side", "left sided", "links", "linke", "li", "gauche", "à gauche"),
            *("izquierda", "izquierdo", "sinistra", "sinistro", "左", "左侧"),
        ),
        "right": (
            *("right", "r", "rt", "right side", "right sided", "rechts", "rechte", "re", "droite", "droit"),
            *("à droite", "derecha", "derecho", "destra", "destro", "右", "右侧"),
        ),
        "": (
            *("bilateral", "bilat", "both", "both sides", "left and right", "right and left", "symmetric"),
            *("symmetrical", "beidseits", "beidseitig", "beide", "bds", "bilatéral", "les deux", "ambos"),
            *("l>r", "r>l", "l<r", "r<l", "l=r", "r=l", "left>right", "right>left", "双侧", "none", "null"),
        ),
    },
    "onset_region": {
        "lower": (
            *("lower", "ll", "le", "lower limb", "lower limbs", "lower extremity", "lower extremities"),
            *("leg", "legs", "lower leg", "untere extremität", "untere extremitäten", "bein", "beine"),
            *("membre inférieur", "membres inférieurs", "下肢"),
        ),
        "upper": (
            *("upper", "ul", "ue", "upper limb", "upper limbs", "upper extremity", "upper extremities"),
            *("arm", "arms", "obere extremität", "obere extremitäten", "membre supérieur"),
            *("membres supérieurs", "上肢"),
        ),
        "bulbar": ("bulbar", "bulbär", "bulbaire", "球部"),
    },
    "psa": {
        "1": ("1", "1.0", "+", "positive", "pos", "psa+", "positiv", "positif"),
        "0": ("0", "0.0", "-", "−", "–", "negative", "neg", "psa-", "psa−", "psa–", "negativ", "négatif"),
    },
}

#: Cells of those columns that are read as missing.
UNKNOWN = (
    *("unknown", "unk", "not known", "not reported", "unclear", "?", "unbekannt", "inconnu"),
    "desconocido",
)

#: Other entries for sex that are valid, not misspellings of M or F.
_FURTHER_SEXES = {"o", "other", "x", "d", "divers", "diverse", "intersex", "nonbinary", "non binary"}

#: Words of a language in which M is a woman.
_M_IS_A_WOMAN = {"h", "hombre", "varón", "varon", "mujer", "homem", "mulher"}

#: What tables write for a missing number, with either sign.
_MISSING_CODES = {9, 99, 999, 9999, 99999}

_EXPECTED = {"onset_side": "left, right, L, R or nothing", "psa": "1, 0, +, - or nothing"}


@dataclass(frozen=True, slots=True)
class Participants:
    """One row per participant; every cell a normalised text, missing ones empty."""

    columns: tuple[str, ...]
    """Without the key."""
    rows: dict[str, dict[str, str]]
    notes: tuple[str, ...] = ()
    """Cells that were read as something other than their text, for the notes of the statistics."""
    visits: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """Of a table with a row per session: the cells by participant and session; ``rows`` has those that all
    sessions of a participant share."""

    def value(self, participant_id: str, column: str) -> str:
        """A cell, empty where the participant or the column is not there."""
        return self.rows.get(participant_id, {}).get(column, "")


NOBODY = Participants((), {})


def read_participants(
    columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], file: str
) -> tuple[Participants, tuple[Problem, ...]]:
    """Normalise a table of texts; a value that cannot be understood becomes empty and a problem.

    Words become those of :data:`WORDS` (``left``, ``lower``, ``M``, ``1`` …), numbers stay as written.
    """
    problems: list[Problem] = []
    if KEY not in columns:
        there = " ".join(", ".join(columns).split())  # one line
        found = f"the columns {there} were found; expected {KEY} among them"
        near = next((column for column in columns if nearest(column, [KEY, "participant", "id"])), "")
        found += f": did you mean {near!r}?" if near else ""
        return NOBODY, (_error(file, "", "no-participant-id", found, f"name the column of ids {KEY}"),)
    problems += _alike(columns, file)
    records = [dict(zip(columns, row, strict=True)) for row in rows]
    counted = Counter(record[KEY] for record in records)
    ids = [record[KEY] for record in records if record[KEY] and counted[record[KEY]] == 1]
    people = [record for record in records if record[KEY] and counted[record[KEY]] == 1]
    read = {c: read_column(c, [record[c] for record in people]) for c in columns if c != KEY}
    for number, record in enumerate(records, 2):
        if not record[KEY]:
            found = f"row {number} has no {KEY}; expected one such as ALS_7"
            problems.append(_error(file, "", "no-participant-id", found, "fill it in"))
    for place, who in enumerate(ids):
        for column, cells in read.items():
            if place in cells.faults:
                text = people[place][column].strip()
                found = f"{column} {text[:40]!r} was found; expected {cells.faults[place]}"
                remedy = "correct the cell; it is read as missing"
                problems.append(_error(file, who, "bad-value", found, remedy))
    for who in sorted((who for who, n in counted.items() if n > 1 and who), key=natural_key):
        found = f"{counted[who]} rows were found; expected one row per participant"
        problems.append(_error(file, who, "duplicate-participant", found, "keep one of them"))
    problems += [
        Problem(file, "", doubt.severity, doubt.code, doubt.message, doubt.remedy)
        for cells in read.values()
        for doubt in cells.doubts
    ]
    table = {who: {c: read[c].cells[place] for c in read} for place, who in enumerate(ids)}
    notes = tuple(note for cells in read.values() for note in cells.notes)
    return Participants(tuple(read), table, notes), tuple(problems)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is wrong with a column as a whole."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Column:
    """The cells of one column as they were read."""

    cells: tuple[str, ...]
    """Normalised; empty where a cell is missing or faulty."""
    faults: dict[int, str]
    """What was expected, by the place of a cell that was not understood."""
    doubts: tuple[Doubt, ...] = ()
    notes: tuple[str, ...] = ()


def read_word(column: str, text: str) -> str | None:
    """A cell of a column of :data:`WORDS` as its standard word (empty for ``bilateral``); None if not listed.

    >>> read_word("sex", "weiblich"), read_word("onset_region", "Lower-limb onset"), read_word("sex", "1")
    ('F', 'lower', None)
    """
    words = meant(column)
    return _BY_WORD[words].get(_key(words, text)) if words in WORDS else None


def meant(column: str) -> str:
    """The column of :data:`WORDS` that a column is by its name, in whatever case; else its own name.

    >>> meant("Onset region"), meant("Gender"), meant("iq")
    ('onset_region', 'sex', 'iq')
    """
    name = _plain(column)
    name = "sex" if name == "gender" else name
    return name if name in WORDS else column


def _plain(column: str) -> str:
    return re.sub(r"[\s_.-]+", "_", column.casefold())


def read_column(column: str, texts: Sequence[str]) -> Column:
    """The cells of a column of the participants table, normalised by what the column means."""
    texts = [text.strip() for text in texts]
    if column == "group":
        return Column(tuple(texts), {})
    if meant(column) in WORDS:
        words = _read_words(column, texts)
        # A column that is only nearly named so is one of their own, with whatever it holds.
        return words if column in WORDS or not words.faults else read_own(column, texts)
    if column in NUMBERS:
        return _read_numbers(column, texts)
    return read_own(column, texts)


def read_own(column: str, texts: Sequence[str]) -> Column:
    """The cells of a column without a meaning of ours; missing ones become empty.

    ``None`` and ``null`` are missing where all that is filled in are numbers, else a category.
    """
    values = [read_cell(text) for text in texts]
    number = None not in values and any(value == value for value in values)
    cells = tuple("" if is_missing(text, number) else text for text in texts)
    notes = [*missing_notes(column, texts, cells), *_code_notes(column, values if number else [])]
    odd = Counter(text for text in texts if is_nearly_number(text))
    if odd and any(value is not None and value == value for value in values):
        notes.append(f"{column}: no numbers, so the column is read as texts: {_counts(odd)}")
    return Column(cells, {}, (), tuple(notes))


def _code_notes(column: str, values: Sequence[float | None]) -> list[str]:
    """A note on 9, 99, 999 … far above all other numbers, or below 0 where no other one is: a code, maybe."""
    found = Counter(value for value in values if value is not None and value == value)
    codes = [value for value in found if abs(value) in _MISSING_CODES]
    others = [value for value in found if value not in codes]
    if not others:
        return []
    low, high = min(others), max(others)
    codes = [value for value in codes if value > high + (high - low) or value < 0 <= low]
    return [
        f"{column}: {code:g} in {count_of(found[code], 'cell')}, the others are {low:g} to {high:g}; "
        "it is taken as a number: leave the cell empty where it stands for a missing one"
        for code in sorted(codes)
    ]


def _read_words(name: str, texts: Sequence[str]) -> Column:
    column = meant(name)
    cells, faults, sideless = [], {}, Counter[str]()
    unclear = column == "sex" and _sex_is_unclear(texts)
    for place, text in enumerate(texts):
        word = "" if is_missing(text, number=column == "psa") else read_word(column, text)
        if word is None and column in _EXPECTED:
            faults[place] = _EXPECTED[column]
        if word == "" and name == "onset_side" and not is_missing(text, number=True):
            sideless[text] += 1
        if unclear and _key(column, text) in {"h", "m"}:
            word = ""
        cells.append(("" if place in faults else text) if word is None else word)
    doubts = []
    if sideless:
        count = sideless.total()
        people = "1 participant" if count == 1 else f"{count} participants"
        found = f"onset_side names no side for {people} ({_counts(sideless)}); expected left or right"
        remedy = "they have no symptomatic side; write it if one is known"
        doubts.append(Doubt("warning", "no-onset-side", found, remedy))
    if column == "sex":
        doubts += _doubts_of_sex(texts, cells, unclear)
    known = [text if place not in faults else "" for place, text in enumerate(texts)]
    return Column(tuple(cells), faults, tuple(doubts), tuple(word_notes(name, known, cells)))


def _read_numbers(column: str, texts: Sequence[str]) -> Column:
    low, high, unit = NUMBERS[column]
    cells, faults = [], {}
    for place, text in enumerate(texts):
        value = read_number(text)
        good = value is not None and low <= value <= high
        if not good and not is_missing(text, number=True) and text not in {"-", "–", "—"}:
            faults[place] = f"a number from {low:g} to {high:g} ({unit}) or nothing"
            faults[place] += _other_unit(value) if column == HEIGHT else ""
        cells.append(text if good else "")
    known = [text if place not in faults else "" for place, text in enumerate(texts)]
    return Column(tuple(cells), faults, (), tuple(missing_notes(column, known, cells)))


def _other_unit(height: float | None) -> str:
    """In which other unit a height may be."""
    low, high, _ = NUMBERS[HEIGHT]
    for factor, unit in ((100, "m"), (2.54, "inches"), (0.1, "mm")):
        if height is not None and low <= height * factor <= high:
            return f"; {height:g} {unit} are {height * factor:.4g} cm"
    return ""


def _sex_is_unclear(texts: Iterable[str]) -> bool:
    """Whether M may be a man or a woman: other cells are in a language in which M is a woman."""
    keys = {_key("sex", text) for text in texts}
    return "m" in keys and bool(keys & _M_IS_A_WOMAN)


def _doubts_of_sex(texts: Sequence[str], cells: Sequence[str], unclear: bool) -> list[Doubt]:
    if unclear:
        written = Counter(text for text in texts if _key("sex", text) in {"m"} | _M_IS_A_WOMAN)
        found = f"sex {_counts(written)} were found together, and M may be a man or a woman (mujer, mulher)"
        remedy = "write M and F; H and M are read as missing"
        return [Doubt("error", "bad-value", f"{found}; expected one spelling", remedy)]
    odd = Counter(
        cell
        for text, cell in zip(texts, cells, strict=True)
        if cell and read_word("sex", text) is None and _key("sex", text) not in _FURTHER_SEXES
    )
    if not odd or len(set(cells) - {""}) < 3:
        return []
    found = f"sex {_counts(odd)} was found among other spellings; expected M and F, or one code throughout"
    remedy = "correct it: it counts as a category of its own"
    return [Doubt("warning", "mixed-spellings", found, remedy)]


def word_notes(column: str, texts: Sequence[str], cells: Sequence[str]) -> list[str]:
    """Which spellings were read as one word, where there are several, and which as missing."""
    notes = missing_notes(column, texts, cells)
    read: dict[str, Counter[str]] = {}
    for text, cell in zip(texts, cells, strict=True):
        if cell:
            read.setdefault(cell, Counter())[text.strip()] += 1
    return notes + [
        f"{column}: read as {cell}: {_counts(read[cell])}" for cell in sorted(read) if len(read[cell]) > 1
    ]


def missing_notes(column: str, texts: Sequence[str], cells: Sequence[str]) -> list[str]:
    """How many cells were read as missing, by their spelling; empty ones need no word.

    >>> missing_notes("alsfrs_r", ["NA", "40", ".", "", "NA"], ["", "40", "", "", ""])
    ['alsfrs_r: 3 cells read as missing (NA 2, . 1)']
    """
    written = Counter(text.strip() for text, cell in zip(texts, cells, strict=True) if not cell)
    del written[""]
    count = written.total()
    return [f"{column}: {count_of(count, 'cell')} read as missing ({_counts(written)})"] if count else []


def _counts(written: Counter[str]) -> str:
    ordered = sorted(written.items(), key=lambda item: (-item[1], item[0]))
    return and_more((f"{text[:40]} {times}" for text, times in ordered), 6)


def _key(column: str, text: str) -> str:
    """How words are compared: without regard to case, to wide letters and to what parts them."""
    folded = unicodedata.normalize("NFKC", text).casefold().strip()
    if column == "psa":
        return folded
    folded = re.sub(r"[\s_.-]+", " ", folded)
    folded = re.sub(r"\s*([<>=])\s*", r"\1", folded)
    if column == "onset_region":
        folded = re.sub(r"\b(onset|region|left|right|both)\b", " ", folded)
    return " ".join(folded.split())


def _by_word() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for column, words in WORDS.items():
        found[column] = {_key(column, word): "" for word in UNKNOWN}
        for word, spellings in words.items():
            found[column] |= {_key(column, spelling): word for spelling in spellings}
    return found


_BY_WORD = _by_word()


def _alike(columns: tuple[str, ...], file: str) -> list[Problem]:
    """A column that is nearly one with a meaning has none: without a word, all roles would be empty."""
    problems = []
    absent = [known for known in KNOWN if known not in columns]
    for column in columns:
        known = "" if column == KEY or column in KNOWN or meant(column) != column else nearest(column, absent)
        known = known or (_plain(column) if _plain(column) in absent else "")
        if known:
            found = f"the column {column!r} was found; expected {known}"
            remedy = f"rename it if it is {known}: it is taken as a column of your own"
            problems.append(Problem(file, "", "warning", "column-alike", found, remedy))
    return problems


def match_slices(participants: Participants, groups: dict[str, str], file: str) -> tuple[Problem, ...]:
    """Compare the table with the slices; ``groups``: participant id → group of the file names."""
    problems = []
    told: set[str] = set()
    for names, rows in near_matches(groups, participants.rows):
        problems.append(_nearly(names, rows, file))
        told.update(names, rows)
    for mine, theirs in slipped_ids(set(groups) - told, set(participants.rows) - told):
        problems.append(_nearly((mine,), (theirs,), file))
        told |= {mine, theirs}
    for who in sorted(set(groups) - set(participants.rows) - told, key=natural_key):
        found = "slices, but no row in the participants table; expected one"
        remedy = "add a row: no role without it"
        problems.append(Problem(file, who, "warning", "slices-without-participant", found, remedy))
    for who in sorted(set(participants.rows) - set(groups) - told, key=natural_key):
        found = "a row, but no slices in the dataset; expected slices"
        remedy = "add the slices, or go on without"
        problems.append(Problem(file, who, "warning", "participant-without-slices", found, remedy))
    for who in sorted(set(groups) & set(participants.rows), key=natural_key):
        group = participants.value(who, "group")
        if group and group != groups[who]:
            found = f"group {group} in the table, {groups[who]} in the file names"
            alike = loose_key(group) == loose_key(groups[who])
            found += f", which differ in {difference(group, groups[who])}" if alike else ""
            found += "; expected the same"
            problems.append(
                _error(file, who, "group-differs", found, "correct the table or rename the files")
            )
    return tuple(problems)


def _nearly(names: tuple[str, ...], rows: tuple[str, ...], file: str) -> Problem:
    """Ids of slices and of rows that look alike and are not the same: reported, never joined."""
    mine = next((name for name in names if name not in rows), names[0])
    other = next(name for name in (*rows, *names) if name != mine)
    found = f"{' and '.join(rows)} in the table and {' and '.join(names)} in the file names"
    alike = loose_key(mine) == loose_key(other)
    what = difference(mine, other) if alike else "letters"
    found += f" differ in {what}; expected one spelling of one participant"
    remedy = "write the id as in the file names if they are the same: no role without its row"
    return Problem(file, mine, "warning", "ids-alike", found, remedy)


def _error(file: str, who: str, code: str, message: str, remedy: str) -> Problem:
    return Problem(file, who, "error", code, message, remedy)
