"""A BIDS dataset from Python: measured participant by participant, then compared as a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

from mriparaspinal import __version__
from mriparaspinal.api.given import Found, PathLike, Progress, telling
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import PARTICIPANTS, PREPARED, SLICES_TABLE
from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.core.participants import KEY
from mriparaspinal.io.manifest import listed_outputs, manifest_bytes, outputs_manifest
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_as_output
from mriparaspinal.io.protocol import resolve_settings
from mriparaspinal.io.tables import csv_bytes, read_table
from mriparaspinal.io.write import holds, sha256, write_file

if TYPE_CHECKING:
    from mriparaspinal.api.running import StudyRun
    from mriparaspinal.scans.bids import Person, Scan

#: The manifest of a folder of label maps that were taken over.
_TAKEN = "masks.json"

_VALUES = "values.csv"

_DESCRIPTION = {
    "Name": "mriparaspinal",
    "BIDSVersion": "1.10.0",
    "DatasetType": "derivative",
    "GeneratedBy": [{"Name": "mriparaspinal", "Version": __version__}],
}


class BidsArguments(TypedDict, total=False):
    """What the level of participants needs: where label maps lie, and how slices are taken."""

    masks: str | None
    """Folder of derivatives with a label map of the muscles for each T2w, by its name or its path."""
    numbering: str | None
    """What the numbers of ``masks`` mean; without it the ``dseg.tsv`` of the derivatives says."""
    levels: str | None
    """A table with participant_id, segment and slice; or a folder of derivatives with maps of the levels."""
    level_numbering: str | None
    """As for :func:`prepare`."""
    window: str | None
    """As for :func:`prepare`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BidsRun(Found):
    """What :func:`bids` made."""

    out: Path
    measured: tuple[str, ...] = ()
    """The folders of the scans in ``out``: ``sub-01``, ``sub-01/ses-A``."""
    study: StudyRun | None = None
    """Of the level of the group."""


def bids(
    dataset: PathLike,
    out: PathLike,
    level: Literal["participant", "group"],
    *,
    only: Sequence[str] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
    **how: Unpack[BidsArguments],
) -> BidsRun:
    """Measure a BIDS dataset with label maps, in the two levels of a BIDS App.

    Of each participant (and session), ``participant`` prepares the slices of the axial T2w and measures them
    by the label map of its muscles, in ``out/sub-…``. ``group`` takes these slices together and runs them as
    one study, in ``out/group``. A ``code/paraspinal.toml`` of the dataset has the settings of both.

    Parameters
    ----------
    dataset, out : str or Path
        The BIDS dataset, whose ``participants.tsv`` has the groups; the folder to write.
    level : {"participant", "group"}
        What is to be done; first all participants, in any order or at the same time, then the group.
    only : sequence of str, optional
        Labels of participants, with or without ``sub-``; without it everyone.
    masks, numbering, levels, level_numbering, window : str, optional
        For the level of participants: see :class:`BidsArguments`.
    jobs, progress : optional
        As for :func:`quantify`.

    Returns
    -------
    BidsRun
        ``problems`` of scans that lack something, or of the group; ``study`` is that of the group.

    Raises
    ------
    UsageError, NoInputError
        For a dataset without groups, folders that are not there, and where nothing could be measured.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> try:
    ...     mp.bids("sample_data", "measured", "participant")
    ... except mp.errors.NoInputError as error:
    ...     print(str(error).split(";")[0])
    sample_data: no participants.tsv
    """
    from mriparaspinal.scans.bids import chosen, read_people

    root, folder = Path(dataset), Path(out)
    refuse_as_output(folder, root, "the dataset itself")
    if level not in ("participant", "group"):
        raise UsageError(f"level: {level!r} was found; expected participant or group; correct it")
    people = read_people(root)
    labels = chosen(root, only)
    settings = resolve_settings(root / "code", {})
    settings = replace(settings, patient_from="name", name_pattern=None)  # the names are ours
    if level == "group":
        return _group(folder, people, labels, settings, jobs, progress)
    return _participants(root, folder, people, labels, settings, jobs, progress, how)


def _participants(
    root: Path,
    out: Path,
    people: Mapping[str, Person],
    labels: Sequence[str],
    settings: Settings,
    jobs: int | None,
    progress: Progress | None,
    how: BidsArguments,
) -> BidsRun:
    from mriparaspinal.scans.bids import find_scans, pipeline

    masks, levels = how.get("masks"), how.get("levels")
    for option, value in (("--masks", masks), ("--levels", levels)):
        if value is None:
            expected = "expected it for the level of participants"
            raise UsageError(f"{option}: not given; {expected}; see mriparaspinal bids --help")
    assert masks is not None
    assert levels is not None
    drawn = pipeline(root, masks, "--masks")
    where = Path(levels) if Path(levels).is_file() else pipeline(root, levels, "--levels")
    values = _numbering(drawn, how.get("numbering"))
    scans, problems = find_scans(root, people, labels, drawn, where)
    done: list[str] = []
    write_file(out / "dataset_description.json", manifest_bytes(_DESCRIPTION), _is_ours)
    for scan in scans:
        try:
            problems += _measure(scan, out / scan.place, values, settings, jobs, progress, how)
            done.append(scan.place)
        except NoInputError as error:
            found = [p for p in error.problems if p.severity == "error"]
            problems += [replace(p, file=f"{scan.place}/{p.file}".rstrip("/")) for p in found] or [
                Problem(scan.place, "", "error", "bids-incomplete", str(error), "see the other messages")
            ]
    if not done:
        with telling(problems):
            expected = "expected an axial T2w with its label map"
            raise NoInputError(f"{root}: no participant could be measured; {expected}; see the messages")
    summary = {"scans": len(scans), "measured": len(done), "without": len(labels) - len(done)}
    return BidsRun(out=out, measured=tuple(done), problem_list=tuple(problems), summary=summary)


def _measure(
    scan: Scan,
    out: Path,
    values: bytes,
    settings: Settings,
    jobs: int | None,
    progress: Progress | None,
    how: BidsArguments,
) -> list[Problem]:
    """The slices, the label map and the results of one scan."""
    from mriparaspinal.api.measuring import quantify
    from mriparaspinal.api.scans import prepare

    table = out / "levels.csv"
    write_file(table, scan.levels, lambda head: head.startswith(b"source,group,patient"))
    sources = [scan.image] if scan.level_map is None else [scan.image, scan.level_map]
    made = prepare(
        sources,
        table,
        out / "scans",
        window=how.get("window"),
        level_numbering=how.get("level_numbering"),
        affine=settings.affine,
    )
    _put(out / "masks", {scan.person.name + _ending(scan.muscles): scan.muscles, _VALUES: values})
    write_file(out / PARTICIPANTS, _people_table([scan.person]), _is_people)
    measured = quantify(
        out / "scans",
        out=out / "results",
        settings=settings,
        participants=out / PARTICIPANTS,
        masks=out / "masks",
        jobs=jobs,
        progress=progress,
    )
    return [
        replace(problem, file=f"{scan.place}/{problem.file}")
        for problem in (*made.problem_list, *measured.problem_list)
    ]


def _numbering(masks: Path, given: str | None) -> bytes:
    """A ``values.csv`` for label maps: of a name or a table, or of the ``dseg.tsv`` of the derivatives."""
    from mriparaspinal.dataset.map_sources import numberings_of

    own = masks / "dseg.tsv"
    if given is None and own.is_file():
        table = read_table(own)
        if missing := [name for name in ("index", "name") if name not in table.columns]:
            found = f"no column {' or '.join(missing)}"
            raise NoInputError(f"{own}: {found}; expected index and name; add it, or give --numbering")
        places = [table.columns.index(name) for name in ("index", "name")]
        return csv_bytes(("value", "label"), [[row[place] for place in places] for row in table.rows])
    if given is None and not (masks / _VALUES).is_file():
        found = f"neither dseg.tsv nor {_VALUES} in it; expected one that tells what the numbers mean"
        raise UsageError(f"--masks {masks}: {found}; write it, or give --numbering")
    (numbering,) = numberings_of([masks], () if given is None else (given,), "--masks")
    return csv_bytes(("value", "label"), [(str(value), label) for value, label in sorted(numbering.items())])


def _people_table(people: Sequence[Person]) -> bytes:
    """A participants table by the names of the slices; ``bids_id`` keeps that of the dataset."""
    others = list(dict.fromkeys(name for person in people for name in person.cells))
    rows = [(p.name, p.group, f"sub-{p.label}", *(p.cells.get(name, "") for name in others)) for p in people]
    return csv_bytes((KEY, "group", "bids_id", *others), rows)


def _is_people(head: bytes) -> bool:
    return head.startswith(f"{KEY},group,bids_id".encode())


def _is_ours(head: bytes) -> bool:
    return b'"GeneratedBy"' in head and b'"mriparaspinal"' in head


def _ending(path: Path) -> str:
    return ".nii.gz" if path.name.endswith(".gz") else ".nii"


def _put(folder: Path, files: Mapping[str, Path | bytes], manifest: str = _TAKEN) -> None:
    """Replace the files of a folder by these, in one go; a path is read where its turn comes."""
    with OutputFolder(folder, manifest) as out:
        digests = {}
        for name, source in files.items():
            content = source if isinstance(source, bytes) else source.read_bytes()
            digests[name] = sha256(content)
            out.put(name, content)
        everything = {*files, manifest}
        out.replace({manifest: outputs_manifest(digests)}, out.outdated(everything))


def _group(
    out: Path,
    people: Mapping[str, Person],
    labels: Sequence[str],
    settings: Settings,
    jobs: int | None,
    progress: Progress | None,
) -> BidsRun:
    """All slices that were prepared, as one study."""
    from mriparaspinal.api.running import run

    images: dict[str, Path | bytes] = {}
    masks: dict[str, Path | bytes] = {}
    rows: list[tuple[str, ...]] = []
    columns: tuple[str, ...] = ()
    measured: list[str] = []
    for label in labels:
        for folder in (out / f"sub-{label}", *sorted((out / f"sub-{label}").glob("ses-*"))):
            if label not in people or not (folder / "scans" / PREPARED).is_file():
                continue
            session = folder.name.removeprefix("ses-") if folder.name.startswith("ses-") else ""
            prefix = f"ses-{session}/" if session else ""
            taken = _prepared(folder, people[label])
            images |= {prefix + name: folder / "scans" / name for name in taken}
            masks |= _masks(folder, people[label].name, session, masks)
            table = read_table(folder / "scans" / SLICES_TABLE)
            if columns not in ((), table.columns):
                found = f"{SLICES_TABLE} has other columns than that of {measured[-1]}"
                raise UsageError(f"{folder}: {found}; expected the same; measure them by one version")
            columns, image = table.columns, table.columns.index("image")
            rows += [(*row[:image], prefix + row[image], *row[image + 1 :]) for row in table.rows]
            measured.append(folder.relative_to(out).as_posix())
    if not measured:
        expected = "expected what the level of participants writes"
        raise NoInputError(f"{out}: no measured participant; {expected}; run it first")
    group = out / "group"
    tables = {
        SLICES_TABLE: csv_bytes(columns, rows),
        PARTICIPANTS: _people_table([people[label] for label in labels if label in people]),
    }
    _put(group / "scans", images | tables, PREPARED)
    _put(group / "masks", masks)
    study = run(
        group / "scans",
        group,
        settings=settings,
        masks=group / "masks",
        jobs=jobs,
        progress=progress,
    )
    without = sum(not any(place.split("/")[0] == f"sub-{label}" for place in measured) for label in labels)
    summary: dict[str, Any] = {"scans": len(measured), "measured": len(measured), "without": without}
    problems = study.results.problem_list
    return BidsRun(out=out, measured=tuple(measured), study=study, problem_list=problems, summary=summary)


def _prepared(folder: Path, person: Person) -> list[str]:
    """The images of a scan, as they were prepared for a participant of this name."""
    written = listed_outputs(folder / "scans" / PREPARED)
    names = [name for name in written if name.endswith(".png")]
    again = "run the level of participants again"
    for name in names:
        if not name.startswith(f"{person.name}_"):
            found = f"{name} was prepared, but the participant is {person.name} now"
            raise UsageError(f"{folder}: {found}; expected one name; move the folder away and {again}")
        if not holds(folder / "scans" / name, written[name]):
            found = "is not as it was prepared"
            raise UsageError(f"{folder / 'scans' / name}: {found}; expected it unchanged; {again}")
    return names


def _masks(
    folder: Path, who: str, session: str, before: Mapping[str, Path | bytes]
) -> dict[str, Path | bytes]:
    """The label map of a scan by its name in the study, and what its numbers mean."""
    own = next((path for path in (folder / "masks").glob(f"{who}.nii*") if path.is_file()), None)
    if own is None:
        raise NoInputError(f"{folder / 'masks'}: no label map; expected {who}.nii.gz; measure it again")
    values = (folder / "masks" / _VALUES).read_bytes()
    if before.get(_VALUES, values) != values:
        found = "another numbering than that of other participants"
        raise UsageError(f"{folder / 'masks' / _VALUES}: {found}; expected one for all; measure them again")
    name = "_".join(filter(None, (who, session))) + _ending(own)
    return {name: own, _VALUES: values}
