"""The picture of a dataset on the terminal: participants by segments, those with something to say first."""

from __future__ import annotations

import sys
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mriparaspinal.cli.console import if_read, is_quiet, log, screen_width
from mriparaspinal.cli.summary import Rows
from mriparaspinal.core.model import printable
from mriparaspinal.core.text import count_of, that_fit

if TYPE_CHECKING:
    from mriparaspinal.measure.overview import Overview, State

#: Lines that the participants may take where nothing else is said, and those of the picture beside them.
LINES = 7
FRAME = 2

#: Columns of the names of rows (the longest is ``slices per segment``), and between these and the values.
_BESIDE = 21

#: The longest id that is shown whole.
_LONGEST = 20

#: Of each state: a letter for a pipe or file, a sign and a style for a terminal.
SIGNS: dict[State, tuple[str, str, str]] = {
    "measured": ("m", "■", "green"),
    "in part": ("p", "◧", "yellow"),
    "error": ("E", "✗", "bold red"),
    "missing": (".", "·", "dim"),
    "draft": ("d", "d", "magenta"),
    "excluded": ("x", "x", "blue"),
}

Cells = list[tuple[str, str]]
"""Texts with their styles, one after the other: a line."""


def show_overview(overview: Overview, most: int = LINES) -> None:
    """The picture on stderr, and in the log as letters; ``most``: lines that the participants may take."""
    for line in overview_lines(overview, 0):
        log("".join(text for text, _ in line))
    if is_quiet():
        return
    terminal = sys.stderr.isatty()
    unicode = terminal and (sys.stderr.encoding or "").lower().startswith("utf")
    lines = overview_lines(overview, int(unicode), screen_width(), most)
    if not terminal:
        with if_read(sys.stderr):
            for line in lines:
                print("".join(text for text, _ in line).rstrip(), file=sys.stderr)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    for line in lines:
        console.print(Text.assemble(*line), soft_wrap=True)


def overview_lines(overview: Overview, sign: int, width: int = 80, most: int = LINES) -> list[Cells]:
    """The lines of the picture; ``sign``: 0 for letters, 1 for signs."""
    sure = {who for who, states in overview.states.items() if set(states.values()) == {"measured"}}
    told = [who for who in overview.states if who not in sure]
    noun = "session" if overview.sessions else "participant"
    lines: list[Cells] = []
    if told:
        lines, told = _blocks(overview, told, sign, width, most)
    if told:
        lines.append([(f"{count_of(len(told), f'more {noun}')}: {_counts(overview, told)}", "")])
    if sure:
        others = "other " if lines else ""
        every = ", ".join(overview.segments)
        lines.append([(f"{count_of(len(sure), others + noun)}: {every} measured", "")])
    return lines


def _blocks(
    overview: Overview, told: Sequence[str], sign: int, width: int, most: int
) -> tuple[list[Cells], list[str]]:
    """Participants below and beside each other, under the segments' names, and those without room."""
    room = min(max(_width(printable(who)) for who in told), _LONGEST)
    cell = max(map(len, overview.segments))
    wide = room + (cell + 1) * len(overview.segments) + 4
    beside = max(1, (width + 4) // wide)
    below = min(most - 2, -(-len(told) // beside))
    shown = [told[start : start + below] for start in range(0, min(len(told), below * beside), below)]
    head = " " * room + "".join(f" {segment:<{cell}}" for segment in overview.segments)
    lines: list[Cells] = [[((head + " " * 4) * len(shown), "bold")]]
    for place in range(below):
        line: Cells = []
        for block in shown:
            line += _cells(block[place], overview, sign, room) if place < len(block) else []
        lines.append(line)
    states = {state for who in told for state in overview.states[who].values()}
    meanings = ", ".join(f"{signs[sign]} {state}" for state, signs in SIGNS.items() if state in states)
    return [*lines, [(f"({meanings})", "dim")]], list(told[below * beside :])


def _cells(who: str, overview: Overview, sign: int, room: int) -> Cells:
    name = printable(who)
    while _width(name) > room:
        name = f"{name[:-2]}~"
    cells: Cells = [(name + " " * (room - _width(name)), "")]
    cell = max(map(len, overview.segments))
    for state in overview.states[who].values():
        signs = SIGNS[state]
        cells += [(" ", ""), (f"{signs[sign]:<{cell}}", signs[2])]
    return [*cells, (" " * 4, "")]


def _width(text: str) -> int:
    """The columns of a terminal that a text takes: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _counts(overview: Overview, told: Sequence[str]) -> str:
    """How many segments of participants are in each state but measured."""
    states: Counter[State] = Counter(state for who in told for state in overview.states[who].values())
    first, *others = ((state, states[state]) for state in SIGNS if states[state] and state != "measured")
    named = f"{count_of(first[1], 'segment')} {first[0]}"
    return ", ".join([named, *(f"{number} {state}" for state, number in others)])


def gap_rows(overview: Overview) -> Rows:
    """What is missing, each once: segments, onset sides, an id that may be another one's."""
    rows = []
    room = screen_width() - _BESIDE
    for kind, missing in (("sessions", overview.without_session), ("segments", overview.missing())):
        if missing:
            names = (f"{who} ({', '.join(lacking)})" for who, lacking in missing.items())
            rows.append((f"{kind} missing", that_fit(names, room)))
    if overview.no_onset_side:
        rows.append(("no onset side", that_fit(overview.no_onset_side, room)))
    for one, other in overview.perhaps_one[:2]:
        rows.append(("one participant?", f"{one} and {other}: each has what the other lacks"))
    return rows


def plain(overview: Overview) -> Mapping[str, object]:
    """The overview for a program."""
    return {
        "segments_by_participant": {who: dict(states) for who, states in overview.states.items()},
        "segments_missing": overview.missing(),
        **({"sessions_missing": dict(overview.without_session)} if overview.sessions else {}),
        "no_onset_side": list(overview.no_onset_side),
    }
