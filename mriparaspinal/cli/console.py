"""What commands say on the terminal. Messages go to stderr; results go to files."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

from mriparaspinal.core.model import Problem, printable

if TYPE_CHECKING:
    from mriparaspinal.cli.progress import Bar

#: Of a list in a note so many are named on the terminal, unless hardly more are there.
_LISTED = 6

_LONG_LISTS = (re.compile(r"[^,;:()]+(?:, [^,;:()]+){8,}"), re.compile(r"[^;]+(?:; [^;]+){8,}"))

#: What is said, by level: DEBUG is in the log file alone, VERBOSE is shown with ``--verbose``, ERROR even
#: with ``--quiet``. The library says notes here, too; the command line alone decides who hears them.
LOGGER = logging.getLogger("mriparaspinal")

VERBOSE = 15


class _Terminal(logging.Handler):
    """Lines on stderr: a record may be ``shown`` in another form than in the log."""

    def emit(self, record: logging.LogRecord) -> None:
        line = getattr(record, "shown", None) or record.getMessage()
        with if_read(sys.stderr):
            if _bar is not None:
                _bar.say(line)
            else:
                print(line, file=sys.stderr, flush=True)


_TERMINAL = _Terminal(logging.INFO)


@contextmanager
def speaking() -> Iterator[None]:
    """Let be heard on the terminal what is said."""
    LOGGER.addHandler(_TERMINAL)
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    speak()
    try:
        yield
    finally:
        LOGGER.removeHandler(_TERMINAL)
        LOGGER.setLevel(logging.NOTSET)
        LOGGER.propagate = True


def speak(quiet: bool = False, verbose: bool = False) -> None:
    """Say nothing but errors, or more than usual."""
    _TERMINAL.setLevel(logging.ERROR if quiet else VERBOSE if verbose else logging.INFO)


def is_quiet() -> bool:
    """Whether only errors are said."""
    return _TERMINAL.level > logging.INFO


def log(text: str) -> None:
    """A line for the log alone, where there is one: what is shown in another form."""
    LOGGER.debug(printable(text))


def say(text: str, level: int = logging.INFO) -> None:
    """One line on stderr; the log has it even where the terminal is to be quiet."""
    LOGGER.log(level, printable(text))


def say_notes(notes: Iterable[str], whole: str = "notes.txt") -> None:
    """Notes on stderr, their long lists cut; the file ``whole``, and the log, have all of them."""
    for text in notes:
        note = shown = printable(f"note: {text}")
        for long_list, separator in zip(_LONG_LISTS, (", ", "; "), strict=True):
            shown = long_list.sub(partial(_cut, separator, whole), shown)
        LOGGER.info(note, extra={"shown": shown})


def _cut(separator: str, whole: str, found: re.Match[str]) -> str:
    parts = found[0].split(separator)
    return f"{separator.join(parts[:_LISTED])} and {len(parts) - _LISTED} more (all in {whole})"


@contextmanager
def if_read(stream: TextIO) -> Iterator[None]:
    """Write to a stream as long as it has a reader: the work, and its exit code, do not depend on one."""
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        # Not to fail again at the end, when what waits is written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def say_problems(problems: Sequence[Problem], most: int | None = None) -> None:
    """Problems on stderr, errors alone with --quiet, each by itself with --verbose; the log has each.

    ``most``: the lines that they may take.
    """
    from mriparaspinal.cli.problems import LINES, problem_lines

    for problem in problems:
        log(problem.line())
    if is_quiet():
        problems = [problem for problem in problems if problem.severity == "error"]
    if _TERMINAL.level <= VERBOSE:
        ordered = sorted(problems, key=lambda problem: problem.severity)
        lines = [(str(problem.severity), problem.line()) for problem in ordered]
    else:
        lines = problem_lines(problems, LINES if most is None else most, screen_width())
    if sys.stderr.isatty():
        _show_wrapped(lines)
        return
    with if_read(sys.stderr):
        for _, text in lines:
            print(text, file=sys.stderr)


def screen_width() -> int:
    """The width of the terminal, or the usual one where stderr is none."""
    return shutil.get_terminal_size().columns if sys.stderr.isatty() else 80


def screen_height() -> int:
    """The lines of the terminal, or 40 where stderr is none."""
    return shutil.get_terminal_size().lines if sys.stderr.isatty() else 40


def _show_wrapped(lines: Iterable[tuple[str, str]]) -> None:
    """Lines on a terminal, each with its severity, which has a colour."""
    from rich.console import Console
    from rich.text import Text

    from mriparaspinal.cli.problems import wrapped

    console = Console(stderr=True) if _bar is None else _bar.console
    for severity, text in lines:
        for part in wrapped(text, console.width):
            styled = Text(part)
            if severity:
                styled.highlight_words([f"{severity}:"], style="red" if severity == "error" else "yellow")
            console.print(styled, soft_wrap=True, highlight=False)


#: The bar that is on the terminal now.
_bar: Bar | None = None


@contextmanager
def working(step: str) -> Iterator[None]:
    """Say on a terminal what is being done, until the block or :func:`end_bar` ends it; nothing elsewhere."""
    global _bar
    if not is_quiet() and sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        from mriparaspinal.cli.progress import Bar

        _bar = Bar(step)
    try:
        yield
    finally:
        end_bar()


def end_bar() -> None:
    """Take the bar away, where there is one, before other things are drawn."""
    global _bar
    if _bar is not None:
        bar, _bar = _bar, None
        bar.end()


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """What takes the progress of the work: the bar; None where there is none."""
    yield None if _bar is None else _bar.show


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], dispensable: Sequence[str] = ()) -> None:
    """A table on stdout: drawn on a terminal, tab-separated lines elsewhere.

    A terminal shows no empty columns, and those that are ``dispensable`` only where they have room.
    """
    end_bar()
    if not sys.stdout.isatty():
        with if_read(sys.stdout):
            for row in (header, *rows):
                print("\t".join(map(printable, row)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    columns = {
        name: [printable(row[place]) for row in rows]
        for place, name in enumerate(header)
        if not rows or any(row[place] for row in rows)
    }
    widths = {name: 3 + max(map(len, [name, *cells])) for name, cells in columns.items()}
    console = Console()
    left_out = []
    for name in dispensable:
        if name in columns and sum(widths[shown] for shown in columns) >= console.width:
            del columns[name]
            left_out.append(name)
    table = Table(show_lines=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*map(Text, cells))
    console.print(table)
    if left_out:
        say(
            f"left out, as they have no room here: {', '.join(left_out)}; a wider terminal or a pipe has them"
        )
