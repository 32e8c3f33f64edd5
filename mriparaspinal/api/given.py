"""What the functions are given (paths, data frames, results) as the files that the commands read."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from mriparaspinal.analysis.frames import frame_csv
from mriparaspinal.core.model import PROBLEM_COLUMNS, Problem

PathLike: TypeAlias = str | Path

Table: TypeAlias = str | Path | pd.DataFrame
"""A CSV, TSV or Excel file, or a data frame that is read as its CSV would be."""


class Files:
    """Tables as files: a data frame stands in a temporary folder as long as it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.paths: list[Path] = []
        """The files of the caller's own."""

    def of(self, table: Table, name: str) -> Path:
        """The file of a table; of a data frame one of such a name."""
        if isinstance(table, pd.DataFrame):
            path = self._folder / name
            path.write_bytes(frame_csv(table.assign(**_whole(table))))
            return path
        self.paths.append(Path(table))
        return Path(table)

    def if_any(self, table: Table | None, name: str) -> Path | None:
        """The same; None where there is none."""
        return None if table is None else self.of(table, name)


def _whole(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Whole numbers that pandas holds as floats, for a cell is missing: 1 is no longer a code as 1.0."""
    floats = {str(name): table[name] for name in table if pd.api.types.is_float_dtype(table[name])}
    return {name: cells.astype("Int64") for name, cells in floats.items() if (cells.dropna() % 1 == 0).all()}


@contextlib.contextmanager
def files() -> Iterator[Files]:
    """Where data frames can stand as files."""
    with tempfile.TemporaryDirectory() as folder:
        yield Files(Path(folder))


def problems_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Problems as a table with the columns of ``problems.csv``."""
    rows = [[getattr(problem, column) for column in PROBLEM_COLUMNS] for problem in problems]
    return pd.DataFrame(rows, columns=list(PROBLEM_COLUMNS), dtype=object)
