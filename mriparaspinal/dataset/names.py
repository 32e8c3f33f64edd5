"""Whose slice a file is, by its name and its folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Settings
from mriparaspinal.core.spelling import composed, meant_by, undeclared
from mriparaspinal.dataset.strays import Who, kind
from mriparaspinal.io.folder import stands_for
from mriparaspinal.parallel.map import time_limit

#: ``GROUP_N_L``: letters and digits, the participant's number, the segment with or without its L;
#: ``GROUP_N_L_a``: one of several slices of the segment; ``GROUP_N_v2_L``: of the session ``v2``, which has
#: letters and then digits, unlike a segment, or is one of the usual words.
_NAME_PATTERN = (
    r"(?P<group>[^\W\d_](?:[^\W_]|-)*)_(?P<patient>[0-9]+)"
    r"(?:_(?P<session>(?!%s_)[A-Za-z]+[0-9]+|ses-[A-Za-z0-9]+|(?i:baseline|bl|followup|fu|pre|post)))?"
    r"_(?P<segment>%s)(?:_(?P<slice>[A-Za-z]))?"
)

#: A folder of one session, as in BIDS; and how a session is called.
_SESSION_FOLDER = re.compile(r"ses-([^\W_]+)")

_SESSION = re.compile(r"(?:ses-)?([^\W_]+)")

#: Seconds of computing that a pattern of the user's may take for all names: 20,000 take a tenth of one.
_MATCHING = 5.0

#: How formulas begin.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def participant_of(name: str, who: Callable[[str], Who | str]) -> str:
    """Whose slice a file is, by its name (relative to the dataset); empty if the name does not give it.

    ``who``: of :func:`name_parser`.
    """
    name = stands_for(name) or name
    parsed = who(name[: name.rindex(".")]) if kind(name) else ""
    return "" if isinstance(parsed, str) else parsed[0]


def name_parser(settings: Settings) -> Callable[[str], Who | str]:
    """A function from a stem (with folders) to :data:`Who`, or to the words for what is wrong with it."""
    matching = _matching(settings)
    from_folder = settings.patient_from == "folder"

    def parse(stem: str) -> Who | str:
        stem = composed(stem)
        who = tell(stem)
        if isinstance(who, str):
            return who
        # The file's name and its parts become cells of our tables.
        formula = next((text for text in (stem, *who) if text.startswith(_FORMULA)), None)
        if formula is None:
            return who
        found = f"{formula!r}, which a spreadsheet would run as a formula, was found"
        return f"{found}; expected a name that begins with a letter or digit"

    def tell(stem: str) -> Who | str:
        folder, _, name = stem.rpartition("/")
        match = matching(name)
        if match is None:
            meant = meant_by(name, settings.segments) if settings.name_pattern is None else ""
            return f"the name {name} was found; expected {_expected(settings)}{meant}"
        parts = match.groupdict()
        segment = (parts["segment"] or "").upper()
        segment = segment if segment.startswith("L") or segment in settings.levels else f"L{segment}"
        if segment not in settings.levels:
            expected = ", ".join(settings.segments) or "1 to 5 or L1 to L5"
            option = undeclared(parts["segment"] or "")
            return f"segment {parts['segment']!r} was found; expected {expected}{option}"
        session = _session(parts.get("session") or "", folder)
        if isinstance(session, Wrong):
            return session
        group = (parts.get("group") or "").strip()
        if not group:
            return "no group was found; expected one in the file name"
        letter = (parts.get("slice") or "").lower()
        if letter and not letter.isalnum():
            return f"slice {letter!r} was found; expected letters or digits"
        if from_folder:
            if not _of_patient(folder):
                return "no patient's folder was found; expected one folder per patient in the dataset"
            return _of_patient(folder), group, segment, letter, session
        patient = (parts.get("patient") or "").strip()
        if not patient:
            return "no patient was found; expected one in the file name"
        return f"{group}_{patient}", group, segment, letter, session

    return parse


class Wrong(str):
    """The words for what is wrong with a name."""

    __slots__ = ()


def _session(written: str, folder: str) -> str:
    """The session of a slice, by its name or a folder ``ses-…`` around it; empty where none is named."""
    found = _SESSION.fullmatch(written)
    if written and found is None:
        return Wrong(f"session {written!r} was found; expected letters or digits")
    named = {found[1]} if found else set()
    named |= {match[1] for part in folder.split("/") if (match := _SESSION_FOLDER.fullmatch(part))}
    if len(named) > 1:
        return Wrong(f"the sessions {' and '.join(sorted(named))} were found in one name; expected one")
    return next(iter(named), "")


def home_of(folder: str) -> str:
    """The folder of a slice without those from a ``ses-…`` on: where all sessions of a patient lie."""
    parts = folder.split("/")
    of_session = (place for place, part in enumerate(parts) if _SESSION_FOLDER.fullmatch(part))
    return "/".join(parts[: next(of_session, None)])


def _of_patient(folder: str) -> str:
    """The patient's folder: the last one, or that around the folder of the session."""
    return posixpath.basename(home_of(folder))


def _matching(settings: Settings) -> Callable[[str], re.Match[str] | None]:
    """The match of a name, or None; a pattern that backtracks without end raises :class:`UsageError`."""
    pattern = _compiled(settings)
    if settings.name_pattern is None:
        return pattern.fullmatch
    left = _MATCHING

    def match(name: str) -> re.Match[str] | None:
        nonlocal left
        try:
            with time_limit(left) as unused:
                return pattern.fullmatch(name)
        except TimeoutError:
            found = f"the pattern {settings.name_pattern!r} does not come to an end with the name {name[:80]}"
            expected = "expected one without a repetition inside a repetition, such as (a+)+"
            raise UsageError(f"--name-pattern: {found}; {expected}; write it otherwise") from None
        finally:
            left = max(unused(), 0.01)

    return match


def _compiled(settings: Settings) -> re.Pattern[str]:
    text = composed(settings.name_pattern or _default_pattern(settings))
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        raise UsageError(f"--name-pattern: {error}; expected a regular expression; correct it") from None
    needed = {"group", "segment"} | ({"patient"} if settings.patient_from == "name" else set())
    missing = sorted(needed - set(pattern.groupindex))
    if missing:
        names = ", ".join(f"(?P<{name}>…)" for name in missing)
        raise UsageError(f"--name-pattern: no {names}; expected the groups group, patient, segment; add them")
    return pattern


def _default_pattern(settings: Settings) -> str:
    """The pattern of names with the study's segments: lumbar ones with or without their L."""
    lumbar = "".join(name[1:] for name in settings.levels if name.startswith("L"))
    others = [name for name in settings.levels if not name.startswith("L")]
    never_session = "|".join(["[Ll][1-5]", *others])
    segment = "|".join([f"[Ll]?[{lumbar}]"] * bool(lumbar) + others)
    return _NAME_PATTERN % (f"(?i:{never_session})", f"(?i:{segment})")


def _expected(settings: Settings) -> str:
    if settings.name_pattern:
        return f"one that fits --name-pattern {settings.name_pattern}"
    usual = (
        "GROUP_N_L such as ALS_7_3 (group ALS, participant 7, segment L3), or ALS_7_3_a for one of several"
    )
    return f"{usual}; segments are {', '.join(settings.segments)}" if settings.segments else usual
