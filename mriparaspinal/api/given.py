"""What the functions are given (paths, data frames, results) as files, and what they all hand back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import ParaspinalError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from mriparaspinal.core.model import Problem
    from mriparaspinal.io.protocol import Protocol

PathLike: TypeAlias = str | Path

Folders: TypeAlias = "PathLike | Sequence[PathLike]"
"""One folder, or several."""

Table: TypeAlias = "str | Path | pd.DataFrame"
"""A CSV, TSV or Excel file, or a data frame that is read as its CSV would be."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is done now, how much of it is done, and of how much: ``progress("measuring", 3, 80)``; 0 of 1
where a step begins that is not counted."""


def paths_of(given: Folders | None) -> tuple[Path, ...]:
    """The folders, none or one or several, as a tuple."""
    if given is None:
        return ()
    return tuple(map(Path, [given] if isinstance(given, (str, Path)) else given))


def texts_of(given: PathLike | Sequence[PathLike] | None) -> tuple[str, ...]:
    """Names, or paths, none or one or several, as a tuple of texts."""
    if given is None:
        return ()
    return tuple(map(str, [given] if isinstance(given, (str, Path)) else given))


class Files:
    """Tables as files: only a data frame is written into a temporary folder, as long as it is read."""

    def __init__(self, open_until: contextlib.ExitStack) -> None:
        self._open_until = open_until
        self.paths: list[Path] = []
        """The files of the caller's own."""

    def of(self, table: Table, name: str) -> Path:
        """The file of a table; of a data frame one of such a name."""
        if isinstance(table, (str, Path)):
            self.paths.append(Path(table))
            return Path(table)
        import tempfile

        from mriparaspinal.analysis.frames import frame_csv

        path = Path(self._open_until.enter_context(tempfile.TemporaryDirectory()), name)
        path.write_bytes(frame_csv(table.assign(**_whole(table))))
        return path

    def if_any(self, table: Table | None, name: str) -> Path | None:
        """The same; None if there is none."""
        return None if table is None else self.of(table, name)


def _whole(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Whole numbers that pandas holds as floats, for a cell is missing: 1 is no longer a code as 1.0."""
    import pandas as pd

    floats = {str(name): table[name] for name in table if pd.api.types.is_float_dtype(table[name])}
    return {name: cells.astype("Int64") for name, cells in floats.items() if (cells.dropna() % 1 == 0).all()}


@contextlib.contextmanager
def files() -> Iterator[Files]:
    """Data frames as files, until the block ends."""
    with contextlib.ExitStack() as open_until:
        yield Files(open_until)


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """What was found wrong, and what there is in short."""

    problem_list: tuple[Problem, ...] = field(default=(), repr=False)
    """The problems as objects; :attr:`problems` is their table."""
    summary: dict[str, Any]
    """Numbers in short, such as how many slices were measured."""

    @cached_property
    def problems(self) -> pd.DataFrame:
        """In the columns of ``problems.csv``: file, shape, severity, code, message, remedy."""
        from mriparaspinal.analysis.frames import problems_frame

        return problems_frame(self.problem_list)


@contextlib.contextmanager
def telling(problems: Sequence[Problem]) -> Iterator[None]:
    """Let an error that ends the work know what had been found before."""
    try:
        yield
    except ParaspinalError as error:
        error.problems = tuple(problems)
        for problem in [problem for problem in problems if problem.severity == "error"][:20]:
            error.add_note(problem.line())
        raise


def each(progress: Progress | None, label: str, total: int) -> Callable[[], None] | None:
    """What the work calls once per item."""
    if progress is None:
        return None
    done = 0
    progress(label, done, total)

    def advance() -> None:
        nonlocal done
        done += 1
        progress(label, done, total)

    return advance


def begin(progress: Progress | None, step: str) -> None:
    """Tell that a step begins that is not counted."""
    if progress is not None:
        progress(step, 0, 1)


def processes(
    protocol: Protocol, jobs: int | None, participants: Path | None = None, *, noted: bool = True
) -> tuple[Path | None, int]:
    """The participants file and the processes as given, else of the dataset's protocol, else the default.

    Logs a note where fewer processes work than were asked for. Raises :class:`UsageError`.
    """
    if jobs is not None and jobs < 1:
        raise UsageError(f"{argument('jobs')}: {jobs} was found; expected 1 or more; correct it")
    people, number = protocol.run_options(participants, jobs)
    if noted:
        note_jobs(number)
    return people, number


def note_jobs(jobs: int) -> None:
    """Log a note where fewer processes work than were asked for."""
    import logging

    from mriparaspinal.parallel.map import cores

    if jobs > 1 and jobs > cores():
        here = f"{cores()} core{'' if cores() == 1 else 's'} here, so no more processes work"
        logging.getLogger("mriparaspinal").info(f"note: {argument('jobs')} {jobs}: {here}")
