"""The measurements of a study in hand: their tables, and the folder that they are saved as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from mriparaspinal.api.given import Found, PathLike
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import MANIFEST, MEASUREMENTS, PARTICIPANTS, WIDE
from mriparaspinal.core.model import SPINE, Problem, Settings, Slice
from mriparaspinal.io.manifest import parse_manifest
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_inputs
from mriparaspinal.measure.dataset import MeasuredDataset
from mriparaspinal.measure.overview import Overview
from mriparaspinal.measure.result_files import result_files
from mriparaspinal.measure.results import Results, refuse_other_share, sessions_of, stale_tables
from mriparaspinal.measure.results import read_results as read_folder

if TYPE_CHECKING:
    import pandas as pd

_PROBLEMS = "problems.csv"


class TableArguments(TypedDict, total=False):
    """For which programs tables are written beside the CSVs: arguments of the functions that measure."""

    xlsx: bool
    """``results.xlsx``: all tables and what their columns mean, a sheet each."""
    sav: bool
    """``results.sav`` and ``measurements.sav`` for SPSS."""
    bids: PathLike | None
    """A folder for the results as BIDS derivatives."""


@dataclass(frozen=True, kw_only=True)
class TableChoice:
    """The same, as they were given."""

    xlsx: bool = False
    sav: bool = False
    bids: Path | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], out: Path | None, inputs: Iterable[Path]) -> TableChoice:
        """Those among other arguments; raises :class:`UsageError` for a BIDS folder that cannot be one."""
        bids = None if given.get("bids") is None else Path(given["bids"])
        if bids is not None:
            refuse_inputs(argument("bids"), [bids], inputs)
            if out is not None:
                refuse_inputs(argument("bids"), [bids], [out])
            for folder in inputs:
                if folder.resolve() in bids.resolve().parents:
                    found = f"lies in the input {folder}, of which its tables would become a part"
                    raise UsageError(
                        f"{argument('bids')} {bids}: {found}; expected it elsewhere; choose another"
                    )
        return cls(xlsx=bool(given.get("xlsx")), sav=bool(given.get("sav")), bids=bids)

    def require_possible(self, slices: Iterable[Slice]) -> None:
        """Raise :class:`UsageError`, before these are measured, for tables that cannot be written of them."""
        if self.sav:
            from mriparaspinal.io.spss import require_spss

            require_spss()
        if self.bids is not None:
            from mriparaspinal.measure.bids import Names

            Names((slice_.participant_id, slice_.session) for slice_ in slices)

    def open_bids(self, stack: ExitStack) -> OutputFolder | None:
        """The BIDS folder, if one is asked for; raises :class:`UsageError` where it cannot be one."""
        return None if self.bids is None else stack.enter_context(bids_folder(self.bids))


@dataclass(frozen=True, eq=False, kw_only=True)
class StudyResults(Found):
    """The measurements of a study, from :func:`quantify`, :func:`merge` or :func:`read_results`.

    ``summary`` has the numbers of slices found and measured, of participants, errors and warnings; it is
    empty for results that were read.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> results = mp.quantify("sample_data", only=["ALS_1"])
    >>> sorted(results.table["segment"].unique())
    ['L1', 'L2', 'L3', 'L4', 'L5']
    """

    contents: Mapping[str, bytes] = field(repr=False)
    """The files of the folder of results by name."""
    where: Path | None = None
    """The folder, if the results are on disk."""
    inputs: tuple[Path, ...] = ()
    """What :meth:`save` must not write into."""
    dataset: Path | None = None
    """The dataset that was measured, where :func:`quantify` did it."""
    annotations: Path | None = None
    """The folder of its contours, where they do not lie beside the images."""
    share: tuple[str, ...] = ()
    """The participants that were measured, if not all."""
    left_out: tuple[str, ...] = ()
    """Of a share: the participants of the dataset that were not measured."""
    session: str = ""
    """Of a follow-up: the session that the statistics look at; :meth:`at` chooses it."""

    @cached_property
    def read(self) -> Results:
        """The files as the readers of results have them."""
        if self.where is not None:
            return replace(read_folder(self.where), session=self.session)
        contents = dict(self.contents)
        sealed = contents.pop(MANIFEST)
        manifest = parse_manifest(sealed, Path(MANIFEST))
        place = Path("results in hand")
        return Results(place, manifest, self.segment_tables, contents, sealed, self.session)

    def at(self, session: str) -> StudyResults:
        """The same for the statistics of one session of a follow-up, such as ``v1``."""
        return replace(self, session=session)

    @property
    def segment_tables(self) -> tuple[str, ...]:
        """Of ``L1.csv`` … ``L5.csv`` those that are there."""
        return tuple(name for name in (f"{segment}.csv" for segment in SPINE) if name in self.contents)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per participant, segment, muscle and side, in the columns of ``L1.csv`` … ``L5.csv``.

        The data dictionary of the documentation lists the columns with their units.
        """
        from mriparaspinal.analysis.frames import read_measurements

        return read_measurements(self.read.contents, self.read.tables)

    @cached_property
    def wide(self) -> pd.DataFrame:
        """One row per participant, in a follow-up per participant and session, as in ``wide.csv``.

        Raises :class:`NoInputError` for a folder without one, as earlier versions wrote it.
        """
        from mriparaspinal.analysis.frames import table_frame
        from mriparaspinal.io.tables import parse_table

        contents = self.contents or self.read.contents
        if WIDE not in contents:
            raise _without(self.where, WIDE)
        return table_frame(parse_table(contents[WIDE], WIDE))

    @cached_property
    def problems(self) -> pd.DataFrame:
        """What was found wrong, in the columns of ``problems.csv``."""
        import pandas as pd

        from mriparaspinal.analysis.frames import problems_frame
        from mriparaspinal.io.tables import parse_table

        if _PROBLEMS not in self.contents:
            return problems_frame([])
        text = parse_table(self.contents[_PROBLEMS], _PROBLEMS)
        return pd.DataFrame(text.rows, columns=list(text.columns), dtype=object)

    @cached_property
    def participants(self) -> pd.DataFrame | None:
        """The participants table with its cells normalised; None if there is none.

        Of a follow-up whose table has a row per session, so has this one.
        """
        from mriparaspinal.analysis.frames import participants_frame
        from mriparaspinal.core.visits import SESSION, read_people
        from mriparaspinal.io.tables import parse_table

        if (own := self.contents.get(PARTICIPANTS)) is None:
            return None
        text = parse_table(own, PARTICIPANTS)
        people = read_people(text.columns, text.rows, PARTICIPANTS)[0]
        if not people.visits:
            return participants_frame(people)
        visits = [(who, session) for who, of in people.visits.items() for session in of]
        rows = {f"{who} {session}": people.visits[who][session] for who, session in visits}
        frame = participants_frame(replace(people, rows=rows, visits={}))
        frame["participant_id"] = [who for who, _ in visits]
        frame.insert(1, SESSION, [session for _, session in visits])
        return frame

    @property
    def sessions(self) -> list[str]:
        """Of a follow-up: the sessions, in the order of their names."""
        contents = self.contents or self.read.contents
        return sessions_of(contents, self.segment_tables if self.contents else self.read.tables)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that every number rests on; empty for tables without ``quantify.json``."""
        return {} if self.read.manifest is None else dict(self.read.manifest.settings)

    def save(self, folder: PathLike) -> None:
        """Write the folder of results: the bytes that ``mriparaspinal quantify`` writes.

        Raises :class:`UsageError` where the folder is an input, or holds tables of somebody's own.
        """
        folder = Path(folder)
        refuse_inputs(argument("save"), [folder], self.inputs)
        share = None if self.read.manifest is None else self.read.manifest.share
        with OutputFolder(folder) as out:
            refuse_other_share(folder, () if share is None else share.participants)
            out.replace(self.contents, stale_tables(out, self.contents))

    def save_bids(self, folder: PathLike) -> None:
        """Write the results as BIDS derivatives, a dataset of their own.

        Raises :class:`UsageError` where two ids are the same in BIDS, which has letters and digits alone, and
        for files of somebody's own in the folder.
        """
        with bids_folder(Path(folder)) as out:
            self.prepare_bids(out)()

    def prepare_bids(self, out: OutputFolder) -> Callable[[], None]:
        """What writes the BIDS derivatives; raises as :meth:`save_bids`, and then nothing is written."""
        from mriparaspinal.measure.bids import bids_files

        contents = self.contents or self.read.contents
        lacking = next((name for name in (WIDE, MEASUREMENTS) if name not in contents), None)
        if lacking is not None:
            raise _without(self.where, lacking)
        manifest = self.read.manifest
        files = bids_files(contents, () if manifest is None else manifest.measured_with.regions)
        stale = out.outdated(files)
        out.require_ours([*files, *stale])

        def write() -> None:
            out.replace(files, stale)
            for name in stale:
                for above in (out.path / name).parents:
                    if above == out.path or any(above.iterdir()):
                        break
                    above.rmdir()

        return write


def bids_folder(folder: Path) -> OutputFolder:
    """A folder of BIDS derivatives."""
    from mriparaspinal.measure.bids import SEAL

    return OutputFolder(folder, SEAL, keep_changed=True)


def _without(folder: Path | None, name: str) -> NoInputError:
    found = f"no {name}; expected one as quantify writes it; run quantify again"
    return NoInputError(f"{folder or 'results in hand'}: {found}")


@dataclass(frozen=True, eq=False, kw_only=True)
class CheckedDataset(Found):
    """What :func:`check` found; ``summary`` as of :class:`StudyResults`."""

    regions: tuple[tuple[str, int], ...] = field(repr=False)
    """Each slice, and how many of its regions could be measured."""
    measured: MeasuredDataset = field(repr=False)
    overview: Overview = field(repr=False)

    @cached_property
    def segments(self) -> pd.DataFrame:
        """One row per participant, one column per segment: what became of its slices.

        In a follow-up one row per participant and session, which is the last column.
        """
        import pandas as pd

        rows = [{"participant_id": who, **states} for who, states in self.overview.states.items()]
        table = pd.DataFrame(rows, columns=["participant_id", *self.overview.segments])
        if self.overview.sessions:
            parts = [who.rpartition(" ") for who in table["participant_id"]]
            table["participant_id"] = [who or label for who, _, label in parts]
            table["session"] = [label if who else "" for who, _, label in parts]
        return table

    @cached_property
    def problems(self) -> pd.DataFrame:
        """In the columns of ``problems.csv``; raises :class:`NoInputError` for nothing that was checked."""
        self.require_slices()
        return super().problems

    def require_slices(self) -> None:
        """Raise :class:`NoInputError` where, without an error, no slice could be measured."""
        if not self.summary["errors"]:
            self.measured.require_slices()


def dataset_of(results: PathLike | StudyResults, dataset: PathLike | None) -> Path:
    """The dataset of results: that which was named, else that which they were measured from."""
    known = results.dataset if isinstance(results, StudyResults) else None
    if dataset is None and known is None:
        found = "not given, and a folder of results does not know it; expected what was measured"
        raise UsageError(f"{argument('dataset')}: {found}; name it")
    return Path(dataset) if dataset is not None else known or Path()


def annotations_of(results: PathLike | StudyResults, annotations: PathLike | None) -> Path | None:
    """The folder of contours that was named, else that which they were measured from."""
    known = results.annotations if isinstance(results, StudyResults) else None
    return known if annotations is None else Path(annotations)


def read_results(folder: PathLike) -> StudyResults:
    """Read a folder of results, after checking that it is complete.

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
    ...     _ = mp.quantify("sample_data", out=f"{folder}/results", only=["ALS_1"])
    ...     len(mp.read_results(f"{folder}/results").table)
    45
    """
    read = read_folder(Path(folder))
    contents = {**read.contents, **({MANIFEST: read.sealed} if read.sealed else {})}
    found = StudyResults(summary={}, contents=contents, where=Path(folder))
    found.__dict__["read"] = read  # as it was checked
    return found


def results_in(folder: Path) -> StudyResults:
    """Results that stay in their folder, for commands that look at one table at a time."""
    return StudyResults(summary={}, contents={}, where=folder)


def results_of(
    measured: MeasuredDataset, settings: Settings, tables: TableChoice | None = None
) -> StudyResults:
    """The results of a dataset that was measured, with the files that they are saved as."""
    tables = tables or TableChoice()
    study = measured.study
    return StudyResults(
        problem_list=tuple(measured.problems),
        summary=summary_of(measured),
        contents=result_files(measured, settings, tables.xlsx, tables.sav),
        share=study.share,
        left_out=tuple(who for who in study.everyone if study.share and who not in study.share),
    )


def summary_of(measured: MeasuredDataset) -> dict[str, Any]:
    """What measuring a dataset gave, in numbers."""
    groups = Counter(group for group, _ in measured.people)
    return {
        "slices_found": len(measured.results),
        "slices_measured": measured.measured,
        "participants": len({participant for _, participant in measured.people}),
        "participants_by_group": dict(sorted(groups.items())),
        "slices_by_segment": measured.by_segment,
        "errors": measured.errors,
        "warnings": measured.warnings,
        "problems_by_code": _codes(measured.problems),
        **measured.judged_counts,
    }


def _codes(problems: Sequence[Problem]) -> dict[str, int]:
    """How often each code occurs, errors first, then the most frequent."""
    counts = Counter((problem.severity, problem.code) for problem in problems)
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    codes: dict[str, int] = {}
    for (_, code), number in ordered:
        codes[code] = codes.get(code, 0) + number
    return codes
