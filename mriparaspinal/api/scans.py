"""DICOM series and NIfTI volumes from Python: what is there, and the slices of a dataset made of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mriparaspinal.api.given import PathLike, Progress, each, telling
from mriparaspinal.api.making import Made
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import IMAGE_ENDINGS, PREPARED
from mriparaspinal.core.text import and_more, count_of
from mriparaspinal.imaging.window import parse_window
from mriparaspinal.io.folder import PACKED
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_as_output
from mriparaspinal.io.tables import read_table
from mriparaspinal.scans.prepare import Prepared, check_output
from mriparaspinal.scans.prepare import prepare as prepare_slices
from mriparaspinal.scans.survey import LIST_COLUMNS, Surveyed, survey

if TYPE_CHECKING:
    import pandas as pd

    from mriparaspinal.scans.level_maps import LevelRule

#: Files that a message about a source without series looks at.
_LOOKED_AT = 10_000


def prepare(
    sources: Sequence[PathLike],
    levels: PathLike,
    out: PathLike,
    *,
    window: str | None = None,
    level_numbering: str | None = None,
    level_at: Literal["disc", "vertebra"] | None = None,
    slices_per_level: int | None = None,
    affine: Literal["qform", "sform"] | None = None,
    progress: Progress | None = None,
) -> Made:
    """Make a dataset's slices from DICOM series and volumes (NIfTI, NRRD, MetaImage).

    Parameters
    ----------
    sources : sequence of str or Path
        Folders or files of DICOM series and NIfTI volumes.
    levels, out : str or Path
        ``levels.csv``: which slice is which segment; the dataset folder to write.
    window : str, optional
        ``dicom-series``, ``dicom-slice``, ``percentile`` or ``LOW,HIGH``.
    level_numbering, level_at, slices_per_level : optional
        How slices are taken from label maps of the levels: see the page "DICOM and NIfTI".
    affine, progress : optional
        As for :func:`make_maps`, row by row.

    Returns
    -------
    Made
        ``count`` slices, and the ``problems`` of rows that could not be prepared.

    Raises
    ------
    UsageError, NoInputError
        For a window that a source does not have, ``out`` that is a source, no row that can be prepared.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np, pandas as pd
    >>> import mriparaspinal as mp
    >>> values = np.arange(4 * 4 * 3, dtype=np.int16).reshape(4, 4, 3)
    >>> level = {"source": "t2.nii.gz", "group": "ALS", "patient": 1, "segment": 3, "slice": 2}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), f"{folder}/t2.nii.gz")
    ...     pd.DataFrame([level]).to_csv(f"{folder}/levels.csv", index=False)
    ...     mp.prepare([folder], f"{folder}/levels.csv", f"{folder}/scans", window="0,50").count
    1
    """
    folder, table, paths = Path(out), Path(levels), list(map(Path, sources))
    _refuse_sources(folder, paths)
    levels_by = _level_rule(level_numbering, level_at, slices_per_level)
    rule = None if window is None else parse_window(window)
    advance = each(progress, "preparing", len(read_table(table).rows))
    made = prepare_slices(paths, table, rule, folder, levels_by, advance, affine)
    with telling(made.problems):
        _place(made, folder, table.name)
    problems, rows = tuple(made.problems), made.rows
    return Made(out=folder, count=made.images, problem_list=problems, summary={"rows": rows})


def _refuse_sources(out: Path, sources: Sequence[Path]) -> None:
    for path in sources:
        refuse_as_output(out, path, "a source itself")


def _place(made: Prepared, folder: Path, levels: str) -> None:
    if not made.images:
        nothing = "no row could be prepared; expected slices; correct the rows"
        raise NoInputError(f"{levels}: {nothing}")
    with OutputFolder(folder, PREPARED) as written:
        check_output(folder, made.files, written.cut_off)
        written.replace(made.files)


def _level_rule(
    numbering: str | None, at: Literal["disc", "vertebra"] | None, slices: int | None
) -> LevelRule | None:
    from mriparaspinal.scans.level_maps import NUMBERINGS, level_rule, parse_level_numbering

    if numbering is None:
        for name, value in (("level_at", at), ("slices_per_level", slices)):
            if value is not None:
                found = f"given without {argument('level_numbering')}; expected label maps in levels.csv"
                raise UsageError(f"{argument(name)}: {found}; leave it out")
        return None
    known = NUMBERINGS.get(numbering)
    if known is None:
        path = Path(numbering)
        if not path.is_file():
            found = f"{numbering!r} was found; expected {', '.join(NUMBERINGS)} or the file of a table"
            raise UsageError(f"{argument('level_numbering')}: {found}; correct it")
        table = read_table(path)
        known = parse_level_numbering(table.columns, table.rows, path.name)
    return level_rule(known, at, 1 if slices is None else slices)


def _no_series(sources: Sequence[Path]) -> str:
    """The line for sources without a series: what lies there in its place, and what to do with it."""
    files = itertools.chain.from_iterable(path.rglob("*") if path.is_dir() else [path] for path in sources)
    kinds: dict[str, list[str]] = {"archive": [], "picture": []}
    for file in itertools.islice(files, _LOOKED_AT):
        ending = file.suffix.lower()
        kinds["archive"] += [file.name] * (ending in PACKED)
        kinds["picture"] += [file.name] * (ending in IMAGE_ENDINGS)
    found, remedy = "no series were found", "check the path"
    if kinds["archive"]:
        found += f", but {and_more(sorted(kinds['archive']), 3)}"
        remedy = "unpack it, and give the folder"
    elif kinds["picture"]:
        found += f", but {count_of(len(kinds['picture']), 'picture')} such as {min(kinds['picture'])}"
        remedy = "pictures that a PACS exported need no prepare: name them GROUP_N_L.png, such as ALS_7_3.png"
    return f"{and_more(sources, 3)}: {found}; expected DICOM slices or NIfTI; {remedy}"


@dataclass(frozen=True, eq=False)
class SeriesList:
    """The series that were found, to choose slices from."""

    found: Surveyed
    sources: tuple[Path, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        """One line for each DICOM or NIfTI file that cannot be read."""
        return self.found.broken

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """A row for each series; raises :class:`NoInputError` if there is none."""
        if not self.found.stacks:
            raise NoInputError(_no_series(self.sources))
        return self.found.rows()

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows as a table: source, series, plane, number of slices, position, sequence, size, window."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=list(LIST_COLUMNS), dtype=object)

    @cached_property
    def label_maps(self) -> dict[int, str]:
        """The sources that are label maps, by their row of the list: they get no contact sheet."""
        from mriparaspinal.scans.proposal import label_maps

        return {row: one.source for row, one in label_maps(self.found.stacks).items()}

    def save_sheets(
        self,
        folder: PathLike,
        *,
        level_numbering: str | None = None,
        level_at: Literal["disc", "vertebra"] | None = None,
    ) -> tuple[str, ...]:
        """Write the axial series as pictures, and a ``levels.csv`` to be confirmed if none is there.

        ``level_numbering``, ``level_at``: as in :func:`prepare`, for label maps among the sources, which
        have no picture. Returns the names of the files. Raises :class:`NoInputError` if no series is axial.
        """
        from mriparaspinal.scans.levels import TABLE
        from mriparaspinal.scans.survey import SHEETS, sheet_files, sheets_manifest

        out = Path(folder)
        _refuse_sources(out, self.sources)
        rule = _level_rule(level_numbering, level_at, None)
        files = sheet_files(self.found, self.label_maps, rule)
        if not files:
            raise NoInputError("prepare: no axial series; expected some to choose slices from; see --list")
        if (out / TABLE).exists():
            del files[TABLE]  # it may be filled in already
        with OutputFolder(out, SHEETS, keep_changed=True) as whole:
            old = [name for name in whole.written_before() if name.startswith("sheet_")]
            stale = [name for name in old if name not in files]
            whole.replace({**files, SHEETS: sheets_manifest(files)}, stale)
        return tuple(files)


def list_series(
    sources: Sequence[PathLike],
    *,
    leave_out: PathLike | None = None,
    affine: Literal["qform", "sform"] | None = None,
) -> SeriesList:
    """List the series of DICOM folders and NIfTI volumes, and make contact sheets of them.

    Parameters
    ----------
    sources : sequence of str or Path
        Folders or files of DICOM series and NIfTI volumes.
    leave_out : str or Path, optional
        A folder in the sources that is no part of them.
    affine : {"qform", "sform"}, optional
        Which position of a NIfTI header counts if its two disagree.

    Returns
    -------
    SeriesList
        ``table``, one row per series; ``broken``, the files that cannot be read; ``save_sheets(folder)``.

    Raises
    ------
    NoInputError
        By ``table``, if there is no series.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     values = np.arange(4 * 4 * 3, dtype=np.int16).reshape(4, 4, 3)
    ...     nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), f"{folder}/t2.nii.gz")
    ...     mp.list_series([folder]).table[["source", "plane", "slices"]].values.tolist()
    [['t2.nii.gz', 'axial', '3']]
    """
    paths = tuple(map(Path, sources))
    return SeriesList(survey(paths, None if leave_out is None else Path(leave_out), affine), paths)
