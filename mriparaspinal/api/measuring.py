"""``quantify``, ``check`` and ``merge`` from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from mriparaspinal.api.contoured import ContourArguments, ContourChoice
from mriparaspinal.api.given import (
    Folders,
    PathLike,
    Progress,
    Table,
    begin,
    each,
    files,
    paths_of,
    processes,
    telling,
    texts_of,
)
from mriparaspinal.api.results import (
    CheckedDataset,
    StudyResults,
    TableArguments,
    TableChoice,
    results_of,
    summary_of,
)
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.model import Settings
from mriparaspinal.dataset.open import open_dataset, refuse_own_copy
from mriparaspinal.dataset.volumes import dixon_images, label_maps, refuse_idle_affine
from mriparaspinal.io.manifest import manifest_bytes
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_as_output, refuse_beside_inputs
from mriparaspinal.io.protocol import FILE, Protocol, read_protocol, resolve_settings, sound
from mriparaspinal.io.write import require_ours, write_file
from mriparaspinal.measure.dataset import MeasuredDataset, measure_dataset
from mriparaspinal.measure.overview import overview_of
from mriparaspinal.measure.result_files import problem_records
from mriparaspinal.measure.results import refuse_other_share, stale_tables
from mriparaspinal.parallel.map import Execution

if TYPE_CHECKING:
    from mriparaspinal.dataset.contour_source import ContourSource
    from mriparaspinal.dataset.map_sources import LabelMaps

Pair: TypeAlias = "tuple[PathLike | None, PathLike | None] | None"


class QuantifyArguments(ContourArguments, TableArguments, total=False):
    """Which contours are measured, and for which programs tables are written."""


def require_known(given: Mapping[str, Any], arguments: type) -> None:
    """Raise :class:`TypeError` for an argument of another name, as Python does."""
    unknown = next((name for name in given if name not in arguments.__annotations__), None)
    if unknown is not None:
        raise TypeError(f"unexpected keyword argument {unknown!r}")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be measured, and how: checked, the protocol of the dataset among it."""

    dataset: Path
    settings: Settings
    participants: Path | None
    maps: LabelMaps | None
    dixon: tuple[Path, Path] | None
    source: ContourSource
    only: tuple[str, ...]
    execution: Execution
    inputs: tuple[Path, ...]
    """All that is read."""
    digests: Mapping[str, str]
    """SHA-256 of the protocol, of drafts.csv and of the review."""
    tables: TableChoice = field(default_factory=TableChoice)

    def measure(
        self, label: str, progress: Progress | None, leave_out: Path | None = None, out: Path | None = None
    ) -> MeasuredDataset:
        """Measure it; ``leave_out`` may lie in the dataset and is no part of it."""
        begin(progress, "opening the dataset")
        images = (self.maps, self.dixon)
        study = open_dataset(
            self.dataset, self.settings, self.participants, leave_out, *images, self.only, self.source
        )
        study = replace(study, sha256={**self.digests, **study.sha256})
        self.tables.require_possible(study.dataset.slices)
        if out is not None:
            refuse_other_share(out, study.share)
        advance = each(progress, label, len(study.dataset.slices))
        return measure_dataset(study, self.settings, self.execution, advance)


def settings_of(protocol: Protocol, settings: Settings | Mapping[str, Any] | None) -> Settings:
    """The settings as given whole, or as the dataset has them, below those that are given by name."""
    if isinstance(settings, Settings):
        return sound(settings)
    return protocol.settings(settings or {})


def _asked(settings: Settings | Mapping[str, Any] | None) -> set[str]:
    """The names of the settings that were asked for."""
    if isinstance(settings, Settings):
        return {f.name for f in fields(Settings) if getattr(settings, f.name) != f.default}
    return {name for name, value in (settings or {}).items() if value is not None}


def requested(
    dataset: PathLike,
    settings: Settings | Mapping[str, Any] | None,
    participants: Path | None,
    masks: tuple[Folders | None, str | Sequence[str] | None],
    fat_and_water: Pair,
    only: Sequence[str],
    jobs: int | Execution | None,
    outputs: Sequence[Path] = (),
    contours: ContourChoice | None = None,
) -> Request:
    """What is to be measured; raises :class:`UsageError` where its parts do not fit. ``outputs``: folders."""
    root = Path(dataset)
    there = read_protocol(root)
    protocol = settings_of(there, settings)
    contours = contours or ContourChoice()
    if outputs:
        refuse_as_output(outputs[0], root, "the dataset itself")
        for place in contours.paths:
            refuse_as_output(outputs[0], place, "an input")
    folders = paths_of(masks[0])
    fat, water = (None if p is None else Path(p) for p in fat_and_water or (None, None))
    maps = label_maps(folders, texts_of(masks[1]), _asked(settings), *outputs)
    dixon = dixon_images(protocol, fat, water, *outputs)
    refuse_idle_affine(_asked(settings), maps, dixon)
    source, digests = contours.source(root, maps is not None)
    how = jobs if isinstance(jobs, Execution) else Execution(jobs)
    people, number = processes(there, how.jobs, participants, noted=how.scheduler is None)
    return Request(
        dataset=root,
        settings=protocol,
        participants=people,
        maps=maps,
        dixon=dixon,
        source=source,
        only=tuple(only),
        execution=replace(how, jobs=number),
        inputs=tuple(
            path for path in (root, *folders, fat, water, people, *contours.paths) if path is not None
        ),
        digests={**there.digests, **digests},
    )


def measure_into(
    request: Request,
    out: Path | None = None,
    progress: Progress | None = None,
    leave_out: Path | None = None,
    first: Callable[[], None] | None = None,
) -> StudyResults:
    """Measure, and write where ``out`` says; ``first``: before the first of the old results is touched."""
    if out is not None:
        refuse_own_copy(request.participants, out)
    with ExitStack() as stack:
        folder = None if out is None else stack.enter_context(OutputFolder(out, first=first))
        bids = request.tables.open_bids(stack)
        measured = request.measure("measuring", progress, leave_out or out, out)
        if folder is not None or bids is not None:
            begin(progress, "writing the results")
        with telling(measured.problems):
            found = results_of(measured, request.settings, request.tables)
            # Nothing is written where a part of it would be refused.
            write_bids = None if bids is None else found.prepare_bids(bids)
            if folder is not None:
                folder.replace(found.contents, stale_tables(folder, found.contents))
            if write_bids is not None:
                write_bids()
    found = replace(found, where=out, inputs=request.inputs, dataset=request.dataset)
    return replace(found, annotations=request.source.folder)


def quantify(
    dataset: PathLike,
    *,
    out: PathLike | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    participants: Table | None = None,
    masks: Folders | None = None,
    numbering: str | Sequence[str] | None = None,
    fat_and_water: Pair = None,
    only: Sequence[str] = (),
    jobs: int | Execution | None = None,
    progress: Progress | None = None,
    **more: Unpack[QuantifyArguments],
) -> StudyResults:
    """Measure fatty infiltration and areas of every muscle, side and segment of a dataset.

    Parameters
    ----------
    dataset : str or Path
        Folder of slices ``GROUP_N_L.png`` and their LabelMe files.
    out : str or Path, optional
        Folder of results to write; without it nothing is written: see :meth:`StudyResults.save`.
    settings : Settings or mapping, optional
        The protocol, whole; or by name the settings that count above ``paraspinal.toml``.
    participants : str, Path or DataFrame, optional
        Participants table; without it the dataset's own.
    masks, numbering : str or Path, or sequence of them, optional
        Folder of label maps to measure in place of contours, and what their numbers mean: a name or a table.
        Of several folders the regions are joined; the n-th numbering is that of the n-th folder.
    fat_and_water : pair of str or Path, optional
        The fat and the water images, for the fat rule ``dixon``.
    annotations, review : str or Path, optional
        Folder of the LabelMe files, in the sub-folders of the dataset, where they do not lie beside the
        images; the ``review.csv`` of what is left out or to be looked at again.
    accept_drafts : bool
        Measure contours that the program drew and nobody has judged; each row says so in ``draft``.
    only : sequence of str, optional
        The participants to measure; without it everyone. Such results are a share of the study.
    jobs : int or Execution, optional
        Processes; without it those of ``paraspinal.toml``, else 1. See the page "From Python" for scripts.
    progress : callable, optional
        Told of every slice: what is done, how many, of how many.
    xlsx, sav : bool
        Write ``results.xlsx``, too; ``results.sav`` and ``measurements.sav`` for SPSS (pip extra ``spss``).
    bids : str or Path, optional
        Folder for the results as BIDS derivatives, too.

    Returns
    -------
    StudyResults
        ``table`` with the columns of ``L1.csv`` … ``L5.csv``; look at ``problems`` before you use it.

    Raises
    ------
    UsageError
        For settings that contradict each other, and a reference (IVD, VB) that is not clear.
    NoInputError
        Where nothing could be measured.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> first = mp.quantify("sample_data", only=["ALS_1"]).table.iloc[0]
    >>> first["muscle"], first["side"], round(float(first["fi"]), 3)
    ('MF', 'left', 0.436)
    """
    outputs = () if out is None else (Path(out),)
    with files() as given:
        people = given.if_any(participants, PARTICIPANTS)
        require_known(more, QuantifyArguments)
        chosen = ContourChoice.of(more)
        images = (masks, numbering), fat_and_water
        asked = requested(dataset, settings, people, *images, only, jobs, outputs, chosen)
        tables = TableChoice.of(more, outputs[0] if outputs else None, asked.inputs)
        asked = replace(asked, tables=tables)
        return measure_into(asked, outputs[0] if outputs else None, progress)


def check(
    dataset: PathLike,
    *,
    json: PathLike | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    participants: Table | None = None,
    masks: Folders | None = None,
    numbering: str | Sequence[str] | None = None,
    only: Sequence[str] = (),
    jobs: int | Execution | None = None,
    progress: Progress | None = None,
    **contours: Unpack[ContourArguments],
) -> CheckedDataset:
    """Find every problem in a dataset at once.

    Parameters
    ----------
    dataset : str or Path
        Folder of slices and their LabelMe files.
    json : str or Path, optional
        File to write the problems into.
    settings, participants, masks, numbering, only, jobs, progress : optional
        As for :func:`quantify`.
    annotations, review, accept_drafts : optional
        As for :func:`quantify`.

    Returns
    -------
    CheckedDataset
        ``problems``: one row each, with the columns file, shape, severity, code, message, remedy; empty
        where nothing is wrong. ``summary``: numbers of slices, participants, errors and warnings.

    Raises
    ------
    UsageError
        For settings that contradict each other.
    NoInputError
        For a folder that is not there; by ``problems`` where nothing is there to be checked.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> found = mp.check("sample_data", only=["ALS_1"])
    >>> len(found.problems), found.summary["slices_measured"]
    (0, 5)
    """
    with files() as given:
        people = given.if_any(participants, PARTICIPANTS)
        chosen = ContourChoice(**contours)
        asked = requested(dataset, settings, people, (masks, numbering), None, only, jobs, (), chosen)
        if json is not None:
            given_tables = (asked.participants, *texts_of(numbering), chosen.review)
            tables = tuple(None if p is None else Path(p) for p in given_tables)
            refuse_beside_inputs(argument("json"), Path(json), tables, asked.inputs)
            require_ours(Path(json), _is_list_of_problems, argument("json"))
        measured = asked.measure("checking", progress)
    if json is not None:
        content = manifest_bytes({"problems": problem_records(measured.problems)})
        write_file(Path(json), content, _is_list_of_problems)
    regions = tuple((result.slice.name, len(result.counts)) for result in measured.results)
    return CheckedDataset(
        problem_list=tuple(measured.problems),
        summary=summary_of(measured),
        regions=regions,
        measured=measured,
        overview=overview_of(measured, asked.settings),
    )


def _is_list_of_problems(head: bytes) -> bool:
    return head.startswith(b'{\n  "problems"')


def merge(
    shares: Sequence[PathLike], out: PathLike, *, xlsx: bool = False, sav: bool = False
) -> StudyResults:
    """Join shares of a dataset that were measured separately, as on the nodes of a cluster.

    Parameters
    ----------
    shares : sequence of str or Path
        Folders of results of some participants each, from ``quantify(..., only=...)``.
    out : str or Path
        The folder of results to write.
    xlsx, sav : bool
        As for :func:`quantify`.

    Returns
    -------
    StudyResults
        The same bytes as measuring all their participants in one run; ``left_out`` are in no share.

    Raises
    ------
    UsageError
        Where the shares do not belong together, or ``out`` is one of them.
    NoInputError
        Where a folder is no share, or nothing could be measured.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for who in ("ALS_1", "LR_1"):
    ...         _ = mp.quantify("sample_data", out=f"{folder}/{who}", only=[who])
    ...     joined = mp.merge([f"{folder}/ALS_1", f"{folder}/LR_1"], f"{folder}/both")
    >>> joined.summary["participants"], len(joined.left_out)
    (2, 14)
    """
    from mriparaspinal.measure.shares import join_shares

    folder, places = Path(out), list(map(Path, shares))
    for place in places:
        refuse_as_output(folder, place, "one of the shares")
    measured, settings = join_shares(places)
    with OutputFolder(folder) as whole:
        refuse_other_share(folder, measured.study.share)
        found = results_of(measured, settings, TableChoice(xlsx=xlsx, sav=sav))
        whole.replace(found.contents, stale_tables(whole, found.contents))
    return replace(found, where=folder, inputs=tuple(places))


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
