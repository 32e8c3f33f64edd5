"""What ends a command early, and with which exit code.

Each message is one line for a person: ``file: what was found; what was expected; what to do``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mriparaspinal.core.model import Problem


class ParaspinalError(Exception):
    """A user's mistake or an unusable input: shown as one line, never as a traceback."""

    exit_code = 1

    problems: tuple[Problem, ...] = ()
    """What had been found in single files and rows before the work ended."""


class UsageError(ParaspinalError):
    """Wrong usage or settings, or an output that cannot be written."""

    exit_code = 2


class NoInputError(ParaspinalError):
    """No usable input."""

    exit_code = 3


class NothingToCompareError(NoInputError):
    """The input is sound, but there are no two arms in it: one group, no onset sides."""


class GateError(ParaspinalError):
    """A gate that was asked for failed."""

    exit_code = 5


#: Done, but part of the input had errors (not an exception: the work was finished).
EXIT_PARTLY = 4
