"""Problems on the terminal: one line a kind where they are many, every line where they are few."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mriparaspinal.cli.kinds import KINDS
from mriparaspinal.core.filenames import IMAGE_ENDINGS
from mriparaspinal.core.model import Problem, printable
from mriparaspinal.core.text import and_more, count_of, that_fit

#: Lines of a terminal of the usual width that problems may take.
LINES = 30

WIDTH = 80

#: Problems of one kind that are written out even if they all say the same.
_FEW = 3

Line = tuple[str, str]
"""A severity, or nothing, and a text."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Problems of one severity and code."""

    severity: Literal["error", "warning"]
    code: str
    problems: list[Problem]

    def brief(self, digits: int, width: int) -> str:
        """How many there are, of what, and the first names that have room."""
        words = f"{self.severity}: {KINDS.get(self.code, self.code)} ({self.code}): "
        head = f"{len(self.problems):>{digits}} × {words}"
        places = dict.fromkeys(map(_place, self.problems))
        names = [f"{place} {shape}".strip() for place, shape in places]
        shown = [that_fit(names, width - len(head))]
        # Without the contour, without the folders; the number stands in front.
        first = next(iter(places))[0] or names[0]
        shown += [and_more([name], count=len(names)) for name in (first, first.rpartition("/")[2])]
        shown.append(f"{first.rpartition('/')[2]} …")
        return printable(head + next((text for text in shown if len(head + text) <= width), shown[-1]))

    @property
    def differ(self) -> bool:
        """Whether the problems say different things, so that one does not stand for all."""
        return len({(p.message, p.remedy) for p in self.problems}) > len(self.problems) / 2


def _place(problem: Problem) -> tuple[str, str]:
    """Where a problem is, in short: the slice and the contour, or the row of a table."""
    stem, _, ending = problem.file.rpartition(".")
    if f".{ending.lower()}" in (*IMAGE_ENDINGS, ".json"):
        return stem, "+".join(problem.shape.split(", "))
    return "", problem.shape or problem.file


def problem_lines(problems: Iterable[Problem], most: int = LINES, width: int = WIDTH) -> list[Line]:
    """Errors, then warnings, in at most ``most`` lines of ``width`` characters.

    A kind of problem is one line with its count and the first names; where there is room, its first problem
    follows in full, and few problems, or those that differ, stand in its place.
    """
    kinds = _kinds(problems)
    most -= 1  # the last line says how to see all
    shown, rest = _with_room(kinds, most)
    digits = len(str(max((len(kind.problems) for kind in shown), default=0)))
    texts = [[kind.brief(digits, width)] for kind in shown]
    left = most - 2 * bool(rest) - sum(_height(lines, width) for lines in texts)
    whole: set[int] = set()
    for written_out in (_first, _all):
        for place, kind in enumerate(shown):
            lines = written_out(kind, texts[place])
            more = _height(lines, width) - _height(texts[place], width)
            if more <= left:
                left -= more
                texts[place] = lines
                whole |= {place} if lines == [problem.line() for problem in kind.problems] else set()
    found: list[Line] = []
    for severity in ("error", "warning"):
        ours = (lines for kind, lines in zip(shown, texts, strict=True) if kind.severity == severity)
        found += [(severity, text) for lines in ours for text in lines]
        others = [kind for kind in rest if kind.severity == severity]
        if others:
            number = count_of(sum(len(kind.problems) for kind in others), severity)
            head = f"{count_of(len(others), 'more kind')}, {number}: "
            found.append((severity, head + that_fit((kind.code for kind in others), width - len(head))))
    all_told = len(whole) == len(kinds)
    return found if all_told else [*found, ("", "--verbose lists all problems, one by one")]


def _kinds(problems: Iterable[Problem]) -> list[_Kind]:
    groups: dict[tuple[Literal["error", "warning"], str], list[Problem]] = defaultdict(list)
    for problem in problems:
        groups[problem.severity, problem.code].append(problem)
    kinds = [_Kind(severity, code, found) for (severity, code), found in groups.items()]
    return sorted(kinds, key=lambda kind: (kind.severity, -len(kind.problems), kind.code))


def _with_room(kinds: list[_Kind], most: int) -> tuple[list[_Kind], list[_Kind]]:
    """The kinds that have a line of their own, a third of them for warnings, and the others."""
    if len(kinds) <= most:
        return kinds, []
    most -= 2  # a line for the other errors, and one for the other warnings
    errors, warnings = ([k for k in kinds if k.severity == s] for s in ("error", "warning"))
    shown = errors[: max(most - len(warnings), most * 2 // 3)]
    shown += warnings[: most - len(shown)]
    return shown, [kind for kind in kinds if kind not in shown]


def _first(kind: _Kind, lines: list[str]) -> list[str]:
    """The kind with its first problem in full."""
    only = len(kind.problems) == 1
    return [kind.problems[0].line()] if only else [*lines, f"    {kind.problems[0].line()}"]


def _all(kind: _Kind, lines: list[str]) -> list[str]:
    """The kind's problems in full, if they are few, or differ."""
    few = len(kind.problems) <= _FEW or kind.differ
    return [problem.line() for problem in kind.problems] if few else lines


def _height(lines: list[str], width: int) -> int:
    return sum(len(wrapped(text, width)) for text in lines)


def wrapped(text: str, width: int) -> list[str]:
    """A line as a terminal shows it: what has no room stands below, indented."""
    return textwrap.wrap(text, width, subsequent_indent=" " * 6, break_on_hyphens=False)
