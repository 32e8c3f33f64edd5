"""``quantify`` and ``check`` from Python, and results read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from mriparaspinal.analysis.frames import participants_frame, read_measurements
from mriparaspinal.api.given import PathLike, Table, files, problems_frame
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import MANIFEST, PARTICIPANTS
from mriparaspinal.core.model import Settings
from mriparaspinal.core.participants import read_participants
from mriparaspinal.dataset.label_maps import open_label_maps
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.io.manifest import parse_manifest
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_inputs
from mriparaspinal.io.protocol import FILE, read_protocol, resolve_settings, sound
from mriparaspinal.io.tables import parse_table
from mriparaspinal.measure.dataset import MeasuredDataset, measure_dataset
from mriparaspinal.measure.results import Results, refuse_other_share, result_files, stale_tables
from mriparaspinal.measure.results import read_results as read_folder

_PROBLEMS = "problems.csv"


@dataclass(frozen=True, eq=False)
class StudyResults:
    """The measurements of a study, from :func:`quantify` or :func:`read_results`.

    Parameters
    ----------
    table : DataFrame
        One row per participant, segment, muscle and side, in the columns of ``L1.csv`` … ``L5.csv``; the
        data dictionary of the documentation lists them with their units.
    problems : DataFrame
        What was found wrong, in the columns of ``problems.csv``: file, shape, severity (``error`` or
        ``warning``), code, message, remedy.
    participants : DataFrame or None
        The participants table with its cells normalised; None where there is none.
    settings : mapping
        The settings that every number rests on; empty for tables without ``quantify.json``.
    read : Results
        The files as they are, or will be, on disk.
    saved : bool
        Whether ``read.folder`` is a folder on disk.
    inputs : tuple of Path
        What :meth:`save` must not write into.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> results = mp.quantify("sample_data", only=["ALS_1"])
    >>> sorted(results.table["segment"].unique())
    ['L1', 'L2', 'L3', 'L4', 'L5']
    """

    table: pd.DataFrame
    problems: pd.DataFrame
    participants: pd.DataFrame | None
    settings: Mapping[str, Any]
    read: Results
    saved: bool
    inputs: tuple[Path, ...] = ()

    def save(self, folder: PathLike) -> None:
        """Write the folder of results: the bytes that ``mriparaspinal quantify`` writes.

        Raises :class:`UsageError` where the folder is the dataset, or holds tables of somebody's own.
        """
        folder = Path(folder)
        refuse_inputs("save", [folder], self.inputs)
        share = None if self.read.manifest is None else self.read.manifest.share
        contents = {**self.read.contents, **({MANIFEST: self.read.sealed} if self.read.sealed else {})}
        with OutputFolder(folder) as out:
            refuse_other_share(folder, () if share is None else share.participants)
            out.replace(contents, stale_tables(out, contents))


def quantify(
    dataset: PathLike,
    *,
    settings: Settings | None = None,
    participants: Table | None = None,
    masks: PathLike | None = None,
    numbering: str | None = None,
    fat_and_water: tuple[PathLike, PathLike] | None = None,
    only: Sequence[str] = (),
    jobs: int | None = None,
) -> StudyResults:
    """Measure fatty infiltration and areas of every muscle, side and segment of a dataset.

    Nothing is written: see :meth:`StudyResults.save`. What is wrong with single slices, contours or cells
    comes as ``problems``, and what could be measured is measured; look at them before you use the table.

    Parameters
    ----------
    dataset : str or Path
        Folder of slices ``GROUP_N_L.png`` and their LabelMe files.
    settings : Settings, optional
        The protocol, whole. Without it, that of the dataset's ``paraspinal.toml``, else the defaults.
    participants : str, Path or DataFrame, optional
        Participants table; without it the dataset's own.
    masks : str or Path, optional
        Folder of label maps to measure in place of LabelMe contours.
    numbering : str, optional
        What the numbers of ``masks`` mean: a name such as ``totalsegmentator_mr``, or a table's file.
    fat_and_water : pair of str or Path, optional
        The fat and the water images, for ``Settings(fat_rule="dixon")``.
    only : sequence of str, optional
        The participants to measure; without it everyone. Such results are a share of the study.
    jobs : int, optional
        Processes to measure with; without it those of ``paraspinal.toml``, else 1. More than one are started
        by the default method of :mod:`multiprocessing` (``spawn`` on Windows and macOS): a script, not a
        notebook, then needs the line ``if __name__ == "__main__":`` around its calls.

    Returns
    -------
    StudyResults
        ``table`` with the columns of ``L1.csv`` … ``L5.csv``, ``problems``, ``participants``, ``settings``.

    Raises
    ------
    UsageError
        For settings that contradict each other, and a reference (IVD, VB) that is not clear.
    NoInputError
        Where nothing could be measured.

    Notes
    -----
    ``fi`` = ``fat_px`` / ``csa_px``, where a pixel is fat if its grey level is above the threshold;
    ``rcsa`` = ``csa_px`` / ``reference_px``. The page "From contour to number" has the formulas and their
    sources.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> measured = mp.quantify("sample_data", only=["ALS_1"])
    >>> first = measured.table.iloc[0]
    >>> first["muscle"], first["side"], round(float(first["fi"]), 3)
    ('MF', 'left', 0.436)
    """
    with files() as given:
        people = given.if_any(participants, PARTICIPANTS)
        paths = (masks, *(fat_and_water or ()))
        inputs = (Path(dataset), *map(Path, filter(None, paths)), *given.paths)
        measured, protocol = _measured(dataset, settings, people, masks, numbering, fat_and_water, only, jobs)
        contents = result_files(measured, protocol)
    sealed = contents.pop(MANIFEST)
    manifest = parse_manifest(sealed, Path(MANIFEST))
    tables = tuple(name for name in contents if len(name) == len("L1.csv") and name[0] == "L")
    return _as_results(Results(Path("results"), manifest, tables, contents, sealed), False, inputs)


def check(
    dataset: PathLike,
    *,
    settings: Settings | None = None,
    participants: Table | None = None,
    masks: PathLike | None = None,
    numbering: str | None = None,
    only: Sequence[str] = (),
    jobs: int | None = None,
) -> pd.DataFrame:
    """Find every problem in a dataset at once.

    Parameters
    ----------
    dataset : str or Path
        Folder of slices and their LabelMe files.
    settings, participants, masks, numbering, only, jobs : optional
        As for :func:`quantify`.

    Returns
    -------
    DataFrame
        One row per problem, with the columns file, shape, severity, code, message, remedy; empty where
        nothing is wrong.

    Raises
    ------
    UsageError
        For settings that contradict each other.
    NoInputError
        For a folder that is not there.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> len(mp.check("sample_data", only=["ALS_1"]))
    0
    """
    with files() as given:
        people = given.if_any(participants, PARTICIPANTS)
        measured, _ = _measured(dataset, settings, people, masks, numbering, None, only, jobs)
    if not measured.errors:
        measured.require_slices()
    return problems_frame(measured.problems)


def _measured(
    dataset: PathLike,
    settings: Settings | None,
    participants: Path | None,
    masks: PathLike | None,
    numbering: str | None,
    fat_and_water: tuple[PathLike, PathLike] | None,
    only: Sequence[str],
    jobs: int | None,
) -> tuple[MeasuredDataset, Settings]:
    root = Path(dataset)
    there = read_protocol(root)
    protocol = there.settings({}) if settings is None else sound(settings)
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs: {jobs} was found; expected 1 or more; correct it")
    if masks is None and numbering is not None:
        raise UsageError("numbering: given without masks; expected both; name the folder, or leave it out")
    if masks is not None and settings is not None and settings.mask_rule != "labelme":
        raise UsageError("mask_rule: given with masks, whose pixels need none; leave one of them out")
    if (protocol.fat_rule == "dixon") != (fat_and_water is not None):
        found = "fat_and_water and the fat rule dixon"
        raise UsageError(f"{found}: only one of them was given; expected both; add the other")
    if settings is not None and settings.affine is not None and masks is None and fat_and_water is None:
        raise UsageError("affine: given without masks or fat_and_water; expected volumes; leave it out")
    people, processes = there.run_options(participants, jobs)
    maps = None if masks is None else open_label_maps(Path(masks), numbering)
    dixon = None if fat_and_water is None else (Path(fat_and_water[0]), Path(fat_and_water[1]))
    study = open_dataset(root, protocol, people, maps=maps, fat_and_water=dixon, share=list(only))
    study = replace(study, sha256=there.digests | study.sha256)
    return measure_dataset(study, protocol, processes), protocol


def read_results(folder: PathLike) -> StudyResults:
    """Read a folder of results, after checking that it is whole.

    Parameters
    ----------
    folder : str or Path
        What ``quantify`` wrote, or a folder with ``L1.csv`` … ``L5.csv`` of other origin.

    Returns
    -------
    StudyResults
        As :func:`quantify` gives.

    Raises
    ------
    NoInputError
        Where a run was cut off, or a table is not the one that ``quantify.json`` lists by its SHA-256.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mp.quantify("sample_data", only=["ALS_1"]).save(f"{folder}/results")
    ...     len(mp.read_results(f"{folder}/results").table)
    45
    """
    return _as_results(read_folder(Path(folder)), True, ())


def read_settings(path: PathLike) -> Settings:
    """Read a protocol: the settings of a ``paraspinal.toml``.

    Parameters
    ----------
    path : str or Path
        The file, or the dataset folder that it lies in; a folder without one has the defaults.

    Returns
    -------
    Settings
        To be given to :func:`quantify`, as it is or changed by :func:`dataclasses.replace`.

    Raises
    ------
    UsageError
        With every fault of the file in one line each.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> mp.read_settings("sample_data").threshold
    50
    """
    path = Path(path)
    if path.is_dir():
        return resolve_settings(path, {})
    if path.name != FILE or not path.is_file():
        raise UsageError(f"{path}: was found; expected a folder, or a file {FILE} in it; check the path")
    return resolve_settings(path.parent, {})


def _as_results(read: Results, saved: bool, inputs: tuple[Path, ...]) -> StudyResults:
    raw = read.contents.get(_PROBLEMS)
    problems = problems_frame([])
    if raw is not None:
        text = parse_table(raw, _PROBLEMS)
        problems = pd.DataFrame(text.rows, columns=list(text.columns), dtype=object)
    people = None
    if (own := read.contents.get(PARTICIPANTS)) is not None:
        text = parse_table(own, PARTICIPANTS)
        people = participants_frame(read_participants(text.columns, text.rows, PARTICIPANTS)[0])
    settings = {} if read.manifest is None else dict(read.manifest.settings)
    table = read_measurements(read.contents, read.tables)
    return StudyResults(table, problems, people, settings, read, saved, inputs)
