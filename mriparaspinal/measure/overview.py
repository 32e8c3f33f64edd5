"""A measured dataset at a glance: participants by segments, and what is missing there."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Literal

from mriparaspinal.core.model import WHOLE, Problem, Settings, Slice, SliceResult
from mriparaspinal.core.spelling import composed, near_stem
from mriparaspinal.core.text import natural_key
from mriparaspinal.dataset.find import slice_of
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.dataset.strays import kind
from mriparaspinal.io.folder import stands_for
from mriparaspinal.measure.dataset import MeasuredDataset

State = Literal["measured", "in part", "error", "missing", "draft", "excluded"]
"""Of a segment of a participant: every slice measured without an error; some of it; not, by an error; not
there; not, as nobody has judged the draft; not, by the review."""

_SIDE = "onset_side"

#: Ids that are at least so much alike may be one.
_ALIKE = 0.75


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is of each participant."""

    segments: tuple[str, ...]
    """Those that some participant has."""
    states: Mapping[str, Mapping[str, State]]
    """By participant (in a follow-up by participant and session: ``ALS_7 v2``), in the order of the tables,
    then by segment."""
    no_onset_side: tuple[str, ...]
    """The participants whose onset side is not known, of groups whose sides are compared."""
    perhaps_one: tuple[tuple[str, str], ...]
    """Two ids that are nearly the same, each with the segments that the other one lacks."""

    participants: int
    """How many people these are: of a follow-up fewer than ``states`` has."""
    sessions: bool = False
    """Whether it is that of a follow-up, by participant and session."""
    without_session: Mapping[str, list[str]] = field(default_factory=dict)
    """The participants who lack a session that most others have, and which."""

    def missing(self) -> dict[str, list[str]]:
        """The participants who lack segments, and which."""
        lacking = {
            who: [segment for segment, state in states.items() if state == "missing"]
            for who, states in self.states.items()
        }
        return {who: segments for who, segments in lacking.items() if segments}


def overview_of(measured: MeasuredDataset, settings: Settings) -> Overview:
    """The overview of a dataset that was measured, or checked."""
    study = measured.study
    wrong = _wrong_files(measured.problems)
    found: dict[tuple[str, str], set[State]] = defaultdict(set)
    slices: list[Slice] = []
    for result in measured.results:
        slices.append(result.slice)
        found[result.slice.visit, result.slice.segment].add(_state(result, wrong, settings))
    slices += study.dataset.lost
    for slice_ in study.dataset.lost:
        gone = WHOLE in study.source.left_out(slice_.name)
        found[slice_.visit, slice_.segment].add("excluded" if gone else "error")
    there = {slice_.name for slice_ in slices} | {slice_.annotation for slice_ in slices}
    chosen = set(study.share)
    named = list(slices)
    for who, segment, state in _never_read(measured.problems, there, settings):
        if not chosen or who.participant_id in chosen:
            found[who.visit, segment].add(state)
            named.append(who)
    order = list(dict.fromkeys(slice_.visit for slice_ in slices))
    order += sorted({who for who, _ in found} - set(order), key=natural_key)
    segments = tuple(segment for segment in settings.levels if any(segment == s for _, s in found))
    states = {who: {segment: _of_all(found.get((who, segment))) for segment in segments} for who in order}
    visits: dict[str, set[str]] = defaultdict(set)
    for slice_ in named:
        visits[slice_.participant_id].add(slice_.session)
    sessions = any(slice_.session for slice_ in slices)
    return Overview(
        segments,
        states,
        _no_side(measured, settings),
        () if sessions else _perhaps_one(states),
        len(visits),
        sessions,
        _without_session(visits),
    )


def _without_session(visits: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Who lacks a session that more than half of the participants have, and which."""
    times = Counter(session for of in visits.values() for session in of)
    usual = sorted((s for s, number in times.items() if s and 2 * number > len(visits)), key=natural_key)
    lacking = {who: [s for s in usual if s not in visits[who]] for who in sorted(visits, key=natural_key)}
    return {who: sessions for who, sessions in lacking.items() if sessions}


def _wrong_files(problems: Sequence[Problem]) -> dict[str, set[str]]:
    """The codes of the errors of each file."""
    wrong: dict[str, set[str]] = defaultdict(set)
    for problem in problems:
        if problem.severity == "error":
            wrong[problem.file].add(problem.code)
    return wrong


def _state(result: SliceResult, wrong: Mapping[str, set[str]], settings: Settings) -> State:
    codes = wrong.get(result.slice.annotation, set()) | wrong.get(result.slice.name, set())
    if WHOLE in result.left_out:
        return "excluded"
    if "unreviewed-draft" in codes:
        return "draft"
    if not any(name in settings.muscles for name, _ in result.counts):
        return "error"
    return "in part" if codes else "measured"


def _never_read(
    problems: Sequence[Problem], there: set[str], settings: Settings
) -> list[tuple[Slice, str, State]]:
    """Whose the files are that made no slice, by their names, and the segment."""
    who = name_parser(settings)
    found: list[tuple[Slice, str, State]] = []
    for problem in problems:
        excluded = problem.code == "excluded-by-review" and not problem.shape
        if problem.file in there or not (problem.severity == "error" or excluded):
            continue
        name = stands_for(problem.file) or problem.file
        stem = name.rpartition(".")[0]
        parsed = who(stem) if kind(name) else ""
        if isinstance(parsed, str) and problem.code == "bad-name" and settings.name_pattern is None:
            folder, slash, own = stem.rpartition("/")
            parsed = who(f"{folder}{slash}{near_stem(own)}")
        if not isinstance(parsed, str):
            slice_ = slice_of(parsed, None, name)
            found.append((slice_, slice_.segment, "excluded" if excluded else "error"))
    return found


def _of_all(states: set[State] | None) -> State:
    """The state of a segment by those of its slices."""
    if not states:
        return "missing"
    if len(states) == 1:
        return next(iter(states))
    return "in part" if states & {"measured", "in part"} else "error"


def _no_side(measured: MeasuredDataset, settings: Settings) -> tuple[str, ...]:
    """Who has no onset side, in groups of which others have one, or whose sides are to be compared."""
    people = measured.study.participants
    groups = {result.slice.participant_id: result.slice.group for result in measured.results}
    known = Counter(groups[who] for who in groups if people.value(who, _SIDE))
    sides = (contrast.removeprefix("side:") for contrast in settings.contrasts if contrast[:5] == "side:")
    wanted = {*known, *(group.partition("[")[0] for group in sides)} if known else set()
    # Who has no row at all is a problem of its own.
    listed = (who for who in groups if who in people.rows and groups[who] in wanted)
    return tuple(who for who in listed if not people.value(who, _SIDE))


def _perhaps_one(states: Mapping[str, Mapping[str, State]]) -> tuple[tuple[str, str], ...]:
    """Pairs of ids that differ in letters alone, where each has what the other one lacks."""
    lacking = {
        who: frozenset(segment for segment, state in of.items() if state == "missing")
        for who, of in states.items()
    }
    numbers: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for who, segments in lacking.items():
        if segments:
            numbers[tuple(re.findall(r"\d+", who))].append(who)
    every = max((len(of) for of in states.values()), default=0)
    pairs = []
    for alike in numbers.values():
        for place, one in enumerate(alike[:20]):
            for other in alike[place + 1 : 20]:
                apart = len(lacking[one]) + len(lacking[other]) == len(lacking[one] | lacking[other]) == every
                if apart and SequenceMatcher(None, composed(one), composed(other)).ratio() >= _ALIKE:
                    pairs.append((one, other))
    return tuple(pairs)
