"""Masks, contours, pages and synthetic studies from Python: each is written where ``out`` says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from mriparaspinal.api.contoured import ContourChoice
from mriparaspinal.api.given import (
    Folders,
    Found,
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
from mriparaspinal.api.measuring import settings_of
from mriparaspinal.api.results import StudyResults, annotations_of, dataset_of
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.model import SEGMENTS, Settings
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_as_output, refuse_beside_inputs
from mriparaspinal.io.protocol import Protocol, read_protocol
from mriparaspinal.io.write import write_files
from mriparaspinal.phantom.ranges import RANGES

if TYPE_CHECKING:
    from mriparaspinal.analysis.inputs import Cohort
    from mriparaspinal.annotations.to_labelme import Contoured
    from mriparaspinal.measure.results import Results
    from mriparaspinal.report.gather import Ready


MaskFormat: TypeAlias = Literal["png", "nifti", "nrrd", "seg.nrrd", "mha", "dicom-seg"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Made(Found):
    """What was written, and what there is to say about it."""

    out: Path
    """The folder or file."""
    count: int
    """How many slices, maps or files."""
    notes: tuple[str, ...] = ()


def masks(
    dataset: PathLike,
    out: PathLike,
    *,
    settings: Settings | Mapping[str, Any] | None = None,
    format: MaskFormat = "png",
    source: PathLike | None = None,
    annotations: PathLike | None = None,
    accept_drafts: bool = False,
    only: Sequence[str] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Made:
    """Draw what is measured: an index image and an overlay of every slice, or label maps.

    Parameters
    ----------
    dataset : str or Path
        Folder of slices and their LabelMe files.
    out : str or Path
        The folder to write; made if missing.
    settings, annotations, accept_drafts, only, jobs, progress : optional
        As for :func:`quantify`.
    format : {"png", "nifti", "nrrd", "seg.nrrd", "mha", "dicom-seg"}
        ``NAME_mask.png`` with ``NAME_overlay.png``; or in the patient's space ``NAME_mask.nii.gz``,
        ``.nrrd``, ``.seg.nrrd`` (3D Slicer) or ``.mha``; or DICOM SEG, ``PARTICIPANT.dcm``.
    source : str or Path, optional
        Of DICOM SEG, the folder of the images, with a folder for each participant.

    Returns
    -------
    Made
        ``count`` slices that were drawn, and the ``problems``.

    Raises
    ------
    UsageError
        Where ``out`` is the dataset, and where ``source`` is missing, or given for another format.
    NoInputError
        Where no slice could be drawn.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mp.masks("sample_data", f"{folder}/masks", only=["ALS_1"]).count
    5
    """
    from mriparaspinal.annotations.to_masks import MASKS, draw_slices
    from mriparaspinal.dataset.open import open_dataset

    root, folder = Path(dataset), Path(out)
    there = read_protocol(root)
    protocol = settings_of(there, settings)
    refuse_as_output(folder, root, "the dataset itself")
    if format not in (known := get_args(MaskFormat)):
        raise UsageError(f"format: {format!r} was found; expected {', '.join(known)}; correct it")
    if (format == "dicom-seg") != (source is not None):
        option, found = argument("source"), "is missing" if source is None else f"was given with {format}"
        expected = "expected the folder of the DICOM images for dicom-seg, and for it alone"
        raise UsageError(f"{option}: {found}; {expected}; correct it")
    if source is not None:
        refuse_as_output(folder, Path(source), "an input")
        from mriparaspinal.annotations.to_dicom_seg import draw_segmentations
        from mriparaspinal.io.dicom_seg_file import require_highdicom

        require_highdicom()
    _, number = processes(there, jobs)
    choice = ContourChoice(annotations=annotations, accept_drafts=accept_drafts)
    for place in choice.paths:
        refuse_as_output(folder, place, "an input")
    contours, _ = choice.source(root)
    with OutputFolder(folder, MASKS, keep_changed=True) as written:
        study = open_dataset(root, protocol, leave_out=folder, share=list(only), source=contours)
        slices = len(study.dataset.slices)
        advance = each(progress, "drawing", slices)
        if source is not None:
            drawn, problems = draw_segmentations(study, written, protocol, Path(source), advance)
        else:
            drawn, problems = draw_slices(study, written, protocol, number, advance, format)
    return Made(out=folder, count=drawn, problem_list=tuple(problems), summary={"slices": slices})


def contours(
    source: Folders,
    dataset: PathLike,
    *,
    numbering: str | Sequence[str] | None = None,
    tolerance: float = 0.0,
    draft: bool | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Made:
    """Turn annotations of other tools into LabelMe files next to the slices; no file is ever replaced.

    Parameters
    ----------
    source : str, Path or sequence of them
        Label maps, ROIs of ImageJ, DICOM RTSTRUCT or SEG: a folder, or one file. The regions of several are
        joined.
    dataset : str or Path
        Folder of the slices, which the files are written into.
    numbering : str or sequence of str, optional
        What the numbers of label maps mean: a name, or a table's file; one for each source of label maps.
    tolerance : float
        In pixels: points of outlines that lie this near to the rest are left out. 0 is exact.
    draft : bool, optional
        Whether the files carry the flag ``draft``: then they are not measured before a person unticks it.
        Without it those do whose source is a label map, or a SEG or RTSTRUCT that says it is automatic.
    settings, progress : optional
        As for :func:`quantify`.

    Returns
    -------
    Made
        ``count`` LabelMe files, and the ``problems``; ``summary`` has the pixels that the tolerance changed.

    Raises
    ------
    UsageError
        Where a file with other contours is there.
    NoInputError
        If no slice has annotations.

    Examples
    --------
    >>> import shutil, tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = mp.masks("sample_data", f"{folder}/masks", only=["ALS_1"])
    ...     _ = shutil.copy("sample_data/ALS_1_3.png", folder)
    ...     mp.contours(f"{folder}/masks", folder).count
    1
    """
    from mriparaspinal.annotations.to_labelme import make_contours, open_annotations
    from mriparaspinal.drafts.files import add_rows, rows_of
    from mriparaspinal.io.beside import write_beside
    from mriparaspinal.io.lock import finished

    root = Path(dataset)
    _require_in_range("tolerance", tolerance)
    sources = paths_of(source)
    protocol = settings_of(read_protocol(root), settings)
    annotations = open_annotations(sources, root, protocol, texts_of(numbering))
    slices = len(annotations[0].slices)
    made = make_contours(annotations, tolerance, each(progress, "making contours", slices), draft)
    with telling(made.problems):
        _require_files(made, sources, slices)
        with finished():
            written = write_beside(root, made.files)
            if drafted := rows_of(made.files, "contours", " + ".join(place.name for place in sources)):
                add_rows(root, drafted)
    summary = {"slices": slices, "written": written, "shapes": made.shapes, "drafts": made.drafts}
    summary |= {"changed_px": made.changed_px, "most_changed_px": made.most_changed_px}
    return Made(out=root, count=len(made.files), problem_list=tuple(made.problems), summary=summary)


def _require_files(made: Contoured, sources: Sequence[Path], slices: int) -> None:
    if not made.files:
        found = f"no contours could be made for any of {slices} slice{'' if slices == 1 else 's'}"
        expected = "expected annotations named as the slices; see docs/contours.md"
        raise NoInputError(f"{' and '.join(map(str, sources))}: {found}; {expected}")


def make_report(
    results: PathLike | StudyResults,
    dataset: PathLike | None = None,
    *,
    out: PathLike,
    comparison: PathLike | Sequence[PathLike] | None = None,
    masks: Folders | None = None,
    annotations: PathLike | None = None,
    participants: Table | None = None,
    also: Collection[Literal["participants", "pdf"]] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Made:
    """Make one HTML page of a study: findings, every slice with its outlines, tables and figures.

    Parameters
    ----------
    results : StudyResults, str or Path
        Results of the study.
    dataset : str or Path, optional
        The dataset that they were measured from; results of :func:`quantify` in hand know it.
    out : str or Path
        The page to write, ``.html``.
    comparison : str, Path or sequence of them, optional
        The folder that :func:`compare` of them was saved into, and folders of other analyses of them.
    masks : str, Path or sequence of them, optional
        The label maps that were measured, in the same order.
    annotations : str or Path, optional
        The folder of contours that do not lie beside the images.
    also : collection of {"participants", "pdf"}
        What is made beside it: a page for each participant, as ``report_participants/ALS_1.html``; each page
        as PDF, printed by the Chromium, Chrome or Edge of this computer.
    participants, jobs, progress : optional
        As for :func:`quantify`; the participants table is in place of the results' own.

    Returns
    -------
    Made
        ``count`` slices on the page, and the ``problems`` of the participants.

    Raises
    ------
    UsageError
        Where ``out`` is an input, or a file that is no page of ours; where there is no browser for the PDF.
    NoInputError
        Where dataset, results and comparison do not belong together.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = mp.make_phantom(f"{folder}/scans", als=1, lr=0, size=128)
    ...     measured = mp.quantify(study.out)
    ...     mp.make_report(measured, out=f"{folder}/report.html").count
    5
    """
    from mriparaspinal.analysis.inputs import open_cohort

    root = dataset_of(results, dataset)
    given_folders = [comparison] if isinstance(comparison, (str, Path)) else comparison or ()
    folders = tuple(map(Path, given_folders))
    there = read_protocol(root) if jobs is None else Protocol(root, {}, None)
    _, number = processes(there, jobs)
    read = results.read if isinstance(results, StudyResults) else Path(results)
    with files() as given:
        cohort = open_cohort(at_session(read, folders), given.if_any(participants, PARTICIPANTS))
    on_disk = not isinstance(results, StudyResults) or results.where is not None
    with telling(cohort.problems):
        regions = (paths_of(masks), annotations_of(results, annotations))
        return write_page(cohort, root, Path(out), folders, regions, number, progress, on_disk, also)


def at_session(results: Path | Results, folders: Sequence[Path]) -> Results:
    """Results of a follow-up at the session that was compared, else at their first: all slices are shown."""
    from mriparaspinal.measure.results import read_results, sessions_of
    from mriparaspinal.report.comparison import session_of

    found = results if not isinstance(results, Path) else read_results(results)
    there = sessions_of(found.contents, found.tables)
    if not there or found.session:
        return found
    compared = next(filter(None, map(session_of, folders)), "")
    return replace(found, session=compared or there[0])


def write_page(
    cohort: Cohort,
    dataset: Path,
    out: Path,
    folders: Sequence[Path],
    regions: tuple[Sequence[Path], Path | None],
    jobs: int,
    progress: Progress | None,
    on_disk: bool,
    also: Collection[str],
    ready: Ready | None = None,
) -> Made:
    """Write the page; ``on_disk``: whether the results are, and so must not change meanwhile.

    ``regions``: the folders of label maps and of contours that were measured; ``ready``: what of the page is
    made already.
    """
    from mriparaspinal.measure.reopen import open_measured
    from mriparaspinal.report.gather import NOTHING_READY, gather, open_page
    from mriparaspinal.report.pages import folder_of, report_files, require_free
    from mriparaspinal.report.pdf import find_browser
    from mriparaspinal.report.people import person_views

    if unknown := set(also) - {"participants", "pdf"}:
        raise UsageError(f"also: {min(unknown)!r} was found; expected participants or pdf; correct it")
    folder = cohort.sources[0].folder
    made = (folder if on_disk else None, *folders)
    given_folders = (dataset, *regions[0], regions[1])
    refuse_beside_inputs(argument("out"), out, (), given_folders, made)
    for place in filter(None, (*given_folders, *made)) if "participants" in also else ():
        refuse_as_output(folder_of(out), place, "an input")
    require_free(out, "pdf" in also, argument("out"))
    if out.suffix.lower() not in (".html", ".htm"):  # no browser would show it as a page
        name = argument("out")
        raise UsageError(
            f"{name}: {str(out)!r} was found; expected a name that ends in .html; add the ending"
        )
    browser = find_browser() if "pdf" in also else None
    ready = ready or NOTHING_READY
    begin(progress, "opening the dataset")
    opened = ready.opened or open_page(cohort, open_measured(folder, cohort.manifest, dataset, *regions))
    slices = len(opened.source.study.dataset.slices)
    advance = each(progress, "drawing", slices)
    begin(progress, "checking the results")
    contents = gather(opened, folders, jobs, advance, ready)
    people = []
    if "participants" in also:
        views = (*contents.first, *contents.others)
        people = person_views(views, opened.rows, cohort.participants)
    begin(progress, "writing the page")
    advance = each(progress, "printing", len(people) + 1) if browser else None
    files = report_files(contents, people, out, browser, advance)
    for read in cohort.sources if on_disk else ():
        read.require_same()
    write_files(files)
    summary = {"slices": slices, "first": len(contents.first), "pages": len(people)}
    return Made(out=out, count=slices, problem_list=cohort.problems, notes=cohort.notes, summary=summary)


def make_phantom(
    out: PathLike,
    *,
    als: int = 8,
    lr: int = 8,
    seed: int = 1,
    size: int = 256,
    sessions: int = 1,
    effects: Mapping[str, float] | None = None,
    clinical: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Draw a synthetic study whose answers are known: slices, contours, participants and ``truth.csv``.

    Parameters
    ----------
    out : str or Path
        Folder for the dataset: new or empty.
    als, lr, seed, size : int
        Patients of each group, 0–999; the same seed gives the same bytes; rows and columns, 128–1024.
    sessions : int
        Scans of each patient, half a year apart; of several, ``truth_slopes.csv`` has the true change.
    effects : mapping of str to float
        On the onset side at L3–L5: ``als_atrophy`` (0.3 if not given) and ``lr_atrophy``, the fraction of
        the area that is lost, 0–0.8; ``als_fat`` and ``lr_fat``, what is added to FI, 0–0.5.
    clinical : bool
        Also clinical records, in ``records``.
    progress : callable, optional
        As for :func:`quantify`.

    Returns
    -------
    Made
        ``count`` slices.

    Raises
    ------
    UsageError
        For a number out of its range, and a folder that holds files.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mp.make_phantom(f"{folder}/scans", als=1, lr=1, size=128).count
    10
    """
    from mriparaspinal.phantom.followup import make_visits
    from mriparaspinal.phantom.model import Effects
    from mriparaspinal.phantom.slices import make_cohort, make_slices
    from mriparaspinal.phantom.write import record_files, write_cohort

    for name, value in {"als": als, "lr": lr, "seed": seed, "size": size, "sessions": sessions}.items():
        _require_in_range(name, value)
    for name, share in (effects or {}).items():
        _require_in_range(name, share)
    if als + lr == 0:
        found = f"{argument('als')} 0 and {argument('lr')} 0 were found"
        raise UsageError(f"phantom: {found}; expected at least one patient; raise one")
    people = make_cohort(als, lr, seed)
    rows = make_visits(people, sessions, seed) if sessions > 1 else people
    slices = make_slices(rows, seed, size, Effects(**(effects or {})))
    records = record_files(people, seed) if clinical else {}
    total = len(rows) * len(SEGMENTS)
    count = write_cohort(Path(out), rows, slices, each(progress, "drawing", total), records)
    return Made(out=Path(out), count=count, summary={"participants": [p.participant_id for p in people]})


def _require_in_range(name: str, value: float) -> None:
    ranges = {**RANGES, "tolerance": (0, 100)}
    if name not in ranges:
        raise UsageError(f"effects: {name} was found; expected {', '.join(RANGES)}; correct it")
    low, high = ranges[name]
    if value < low or (high is not None and value > high):
        expected = f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
        raise UsageError(f"{argument(name)}: {value} was found; expected {expected}; correct it")
