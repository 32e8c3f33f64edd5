"""What commands say on the terminal. Messages go to stderr; results go to files."""

from __future__ import annotations

import io
import itertools
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Problem, Settings, printable

if TYPE_CHECKING:
    from mriparaspinal.dataset.label_maps import LabelMaps


#: Warnings that are written out; the others are counted (all stand in problems.csv).
_WARNINGS_SHOWN = 20

#: Of a list in a note so many are named on the terminal, unless hardly more are there.
_LISTED = 6

_LONG_LISTS = (re.compile(r"[^,;:()]+(?:, [^,;:()]+){8,}"), re.compile(r"[^;]+(?:; [^;]+){8,}"))

_log: Callable[[str], None] | None = None


def log_with(write: Callable[[str], None] | None) -> None:
    """Give all that is said to a log, too (None: no more)."""
    global _log
    _log = write


def log(text: str) -> None:
    """A line for the log alone, where there is one: what is shown in another form."""
    if _log is not None:
        _log(text)


def say(text: str, quiet: bool = False) -> None:
    """One line on stderr; the log has it even where the terminal is to be quiet."""
    text = printable(text)
    log(text)
    if not quiet:
        with if_read(sys.stderr):
            print(text, file=sys.stderr, flush=True)


def say_jobs(jobs: int, quiet: bool) -> None:
    """A note where fewer processes work than were asked for."""
    from mriparaspinal.parallel.map import cores

    if jobs > 1 and jobs > cores():
        say(f"note: --jobs {jobs}: {counted(cores(), 'core')} here, so no more processes work", quiet)


def say_note(note: str, quiet: bool = False, whole: str = "notes.txt") -> None:
    """A note on stderr, its long lists cut; the file ``whole``, and the log, have all of them."""
    note = printable(f"note: {note}")
    log(note)
    if not quiet:
        for long_list, separator in zip(_LONG_LISTS, (", ", "; "), strict=True):
            note = long_list.sub(partial(_cut, separator, whole), note)
        with if_read(sys.stderr):
            print(note, file=sys.stderr, flush=True)


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

    rate = TextColumn("{task.fields[rate]}")
    left = TimeRemainingColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, left)
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total, rate="")

        def advance() -> None:
            progress.advance(task)
            speed = progress.tasks[0].speed
            progress.update(task, rate=f"{speed:.1f}/s" if speed else "")

        yield advance


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "slice"), counted(0, "error")
    ('1 slice', '0 errors')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def fat_and_water(
    settings: Settings, fat: Path | None, water: Path | None, *outputs: Path
) -> tuple[Path, Path] | None:
    """The images of the fat rule ``dixon``; raises :class:`UsageError` where they and the rule do not fit.

    ``outputs``: the folders that the command writes into, which hold none of the images.
    """
    if settings.fat_rule == "dixon":
        if fat is None or water is None:
            missing = " and ".join(n for n, path in (("--fat", fat), ("--water", water)) if path is None)
            raise UsageError(f"--fat-rule dixon: no {missing}; expected both; give the folders of the images")
        for path, out in itertools.product((fat, water), outputs):
            if path.resolve() == out.resolve():
                found = "is the folder of --fat or --water"
                raise UsageError(f"{out}: {found}; expected another folder; choose another --out")
        return fat, water
    if fat is not None or water is not None:
        found = f"given with the fat rule {settings.fat_rule}, which does not use them"
        raise UsageError(f"--fat, --water: {found}; expected --fat-rule dixon; add it")
    return None


def refuse_idle_affine(affine: object, *volumes: object) -> None:
    """Raise :class:`UsageError` for ``--affine`` where no volume is given whose place it could tell."""
    if affine is not None and all(volume is None for volume in volumes):
        found = "given without --masks or --fat and --water; expected volumes whose position it selects"
        raise UsageError(f"--affine: {found}; leave it out")


def label_maps(
    masks: Path | None, numbering: str | None, mask_rule: object, *outputs: Path
) -> LabelMaps | None:
    """The label maps of ``--masks``; raises :class:`UsageError` where they and other options do not fit.

    ``outputs``: the folders that the command writes into.
    """
    if masks is None:
        if numbering is not None:
            found = "given without --masks; expected a folder of label maps whose numbers it names"
            raise UsageError(f"--numbering: {found}; name the folder, or leave it out")
        return None
    if mask_rule is not None:
        found = "given with --masks; expected contours, which become pixels by it"
        raise UsageError(f"--mask-rule: {found}; leave one of them out")
    for out in outputs:
        if out.resolve() == masks.resolve():
            raise UsageError(
                f"{out}: is the folder of --masks; expected another folder; choose another --out"
            )
    from mriparaspinal.dataset.label_maps import open_label_maps

    return open_label_maps(masks, numbering)


def refuse_dataset_as_output(dataset: Path, out: Path) -> None:
    """Nothing is written beside the inputs."""
    if out.resolve() == dataset.resolve():
        raise UsageError(f"{out}: is the dataset itself; expected another folder; choose another --out")


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout: drawn on a terminal, tab-separated lines elsewhere."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may hold what the terminal cannot show
    if not sys.stdout.isatty():
        with if_read(sys.stdout):
            for row in (header, *rows):
                print("\t".join(map(printable, row)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, show_lines=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)
