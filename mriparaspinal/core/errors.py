"""What is wrong with an input, as data, and what ends a command early, with which exit code.

Text is made of a fault only where a person reads it, as one line:
``file: what was found; what was expected; what to do``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from mriparaspinal.core.model import Problem


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one input, in parts.

    >>> print(Fault("a.png", "more than 8 bits", "grey levels of 8 bits", "export it as 8-bit PNG"))
    a.png: more than 8 bits; expected grey levels of 8 bits; export it as 8-bit PNG
    """

    file: str
    """The file, option or whatever else is meant; empty where only the caller knows it."""
    found: str
    expected: str = ""
    """Without the word *expected*, which the line adds."""
    remedy: str = ""
    """What to do."""
    code: str = ""
    """The code of ``problems.csv``; empty where only the caller knows it."""
    shape: str = ""
    """The label of the contour, or empty if it concerns the file."""

    @property
    def message(self) -> str:
        """What was found, and what was expected: the column ``message`` of ``problems.csv``."""
        return f"{self.found}; expected {self.expected}" if self.expected else self.found

    def __str__(self) -> str:
        """The fault as one line."""
        where = "".join(f"{part}: " for part in (self.file, self.shape) if part)
        return where + "; ".join(part for part in (self.message, self.remedy) if part)

    def at(self, file: str, code: str = "", shape: str = "") -> Fault:
        """The same of a file; ``code``: for a fault that has none of its own."""
        return replace(self, file=file, code=self.code or code, shape=shape or self.shape)

    def about(self, what: str) -> Fault:
        """The same, said of a part of the input: another file, a slice of a series."""
        return replace(self, found=f"{what}: {self.found}")

    def problem(self, severity: Literal["error", "warning"] = "error") -> Problem:
        """The fault as a row of ``problems.csv``."""
        return Problem(self.file, self.shape, severity, self.code, self.message, self.remedy)


class ParaspinalError(Exception):
    """A user's mistake or an unusable input: shown as one line, never as a traceback."""

    exit_code = 1

    problems: tuple[Problem, ...] = ()
    """What had been found in single files and rows before the work ended."""

    def __init__(self, fault: Fault | str) -> None:
        super().__init__(fault)
        self.fault = fault if isinstance(fault, Fault) else Fault("", fault)


class UsageError(ParaspinalError):
    """Wrong usage or settings, or an output that cannot be written."""

    exit_code = 2


class NoInputError(ParaspinalError):
    """No usable input."""

    exit_code = 3


class UnreadableError(ParaspinalError):
    """One input that cannot be used: a file, an image, the contours of a slice, a row of a table."""

    exit_code = 3


class NothingToCompareError(NoInputError):
    """The input is sound, but there are no two arms in it: one group, no onset sides."""


class SessionsError(UsageError):
    """Rows of several sessions where those of one are needed."""


class GateError(ParaspinalError):
    """A gate that was asked for failed."""

    exit_code = 5


def unreadable(found: str, expected: str, remedy: str, code: str = "") -> UnreadableError:
    """The error of one who reads an input and does not know what its user calls it."""
    return UnreadableError(Fault("", found, expected, remedy, code))


#: Done, but part of the input had errors (not an exception: the work was finished).
EXIT_PARTLY = 4
