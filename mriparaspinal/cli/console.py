"""What commands say on the terminal. Messages go to stderr; results go to files."""

from __future__ import annotations

import dataclasses
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mriparaspinal.errors import UsageError
from mriparaspinal.model import Problem, Settings

#: Warnings that are written out; the others are counted (all stand in problems.csv).
_WARNINGS_SHOWN = 20


def say(text: str, quiet: bool = False) -> None:
    """One line on stderr."""
    if not quiet:
        print(text, file=sys.stderr)


def say_problems(problems: Sequence[Problem], quiet: bool = False, verbose: bool = False) -> None:
    """Every error, and the first warnings."""
    for problem in problems:
        if problem.severity == "error":
            say(problem.line())
    warnings = [problem for problem in problems if problem.severity == "warning"]
    shown = warnings if verbose else warnings[:_WARNINGS_SHOWN]
    for problem in shown:
        say(problem.line(), quiet)
    if len(warnings) > len(shown):
        rest = Counter(problem.code for problem in warnings[len(shown) :])
        codes = ", ".join(f"{n} × {code}" for code, n in rest.most_common())
        say(f"and {len(warnings) - len(shown)} more warnings ({codes}); --verbose lists them all", quiet)


@contextmanager
def progress_bar(label: str, total: int, quiet: bool) -> Iterator[Callable[[], None] | None]:
    """A bar with rate and time left on a terminal, nothing elsewhere; yields what to call per item."""
    if quiet or total < 2 or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda: progress.advance(task)


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "slice"), counted(0, "error")
    ('1 slice', '0 errors')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def settings_from(dataset: Path, arguments: dict[str, Any]) -> Settings:
    """The settings of a command: of its arguments those that are settings, over the dataset's protocol."""
    from mriparaspinal.files.protocol import resolve_settings

    names = {field.name for field in dataclasses.fields(Settings)}
    flags = {name: getattr(value, "value", value) for name, value in arguments.items() if name in names}
    return resolve_settings(dataset, flags)


def refuse_dataset_as_output(dataset: Path, out: Path) -> None:
    """Nothing is written beside the inputs."""
    if out.resolve() == dataset.resolve():
        raise UsageError(f"{out}: is the dataset itself; expected another folder; choose another --out")


def show_summary(rows: Sequence[tuple[str, str]]) -> None:
    """Names and values on stdout, aligned."""
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}   {value}")


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout: drawn on a terminal, tab-separated lines elsewhere."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may hold what the terminal cannot show
    if not sys.stdout.isatty():
        for row in (header, *rows):
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, show_lines=False)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
