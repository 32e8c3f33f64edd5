"""Scans, scores, brain regions and single contours from Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mriparaspinal.analysis.frames import table_frame
from mriparaspinal.analysis.result import Analysis
from mriparaspinal.api.given import PathLike, Table, files, problems_frame
from mriparaspinal.api.making import Made
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import PARTICIPANTS, PREPARED
from mriparaspinal.core.model import Contour, MaskRule
from mriparaspinal.io.output import Output, OutputFolder, require_ours, same_header, write_files
from mriparaspinal.io.overwrite import refuse_beside_inputs, refuse_inputs
from mriparaspinal.io.tables import parse_table, read_table

if TYPE_CHECKING:
    from mriparaspinal.io.labelme import Annotation
    from mriparaspinal.scans.level_maps import LevelRule


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
) -> Made:
    """Make a dataset's slices from DICOM series and NIfTI volumes.

    Parameters
    ----------
    sources : sequence of str or Path
        Folders or files of DICOM series and NIfTI volumes.
    levels : str or Path
        ``levels.csv``: which slice is which segment.
    out : str or Path
        The dataset folder to write; made if missing.
    window : str, optional
        ``dicom-series``, ``dicom-slice``, ``percentile`` or ``LOW,HIGH``.
    level_numbering, level_at, slices_per_level : optional
        How slices are taken from label maps of the levels: see the page "DICOM and NIfTI".
    affine : {"qform", "sform"}, optional
        Which position of a NIfTI header counts if its two disagree.

    Returns
    -------
    Made
        ``count`` slices, and the ``problems`` of rows that could not be prepared.

    Raises
    ------
    UsageError
        For a window that a source does not have, and where ``out`` is a source.
    NoInputError
        Where no row could be prepared.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np, pandas as pd
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     values = np.arange(4 * 4 * 3, dtype=np.int16).reshape(4, 4, 3)
    ...     nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), f"{folder}/t2.nii.gz")
    ...     level = {"source": "t2.nii.gz", "group": "ALS", "patient": 1, "segment": 3, "slice": 2}
    ...     pd.DataFrame([level]).to_csv(f"{folder}/levels.csv", index=False)
    ...     mp.prepare([folder], f"{folder}/levels.csv", f"{folder}/scans", window="0,50").count
    1
    """
    from mriparaspinal.imaging.window import parse_window
    from mriparaspinal.scans.prepare import check_output
    from mriparaspinal.scans.prepare import prepare as prepare_slices

    folder, paths = Path(out), list(map(Path, sources))
    refuse_inputs("out", [folder], paths)
    rule = None if window is None else parse_window(window)
    levels_by = _level_rule(level_numbering, level_at, slices_per_level)
    prepared = prepare_slices(paths, Path(levels), rule, folder, levels_by, None, affine)
    if not prepared.images:
        lines = [problem.line() for problem in prepared.problems[:20]]
        nothing = f"{Path(levels).name}: no row could be prepared; expected slices; correct the rows"
        raise NoInputError("\n".join([*lines, nothing]))
    with OutputFolder(folder, PREPARED) as written:
        check_output(folder, prepared.files, written.cut_off)
        written.replace(prepared.files)
    return Made(folder, prepared.images, problems_frame(prepared.problems))


def _level_rule(
    numbering: str | None, at: Literal["disc", "vertebra"] | None, slices: int | None
) -> LevelRule | None:
    from mriparaspinal.scans.level_maps import NUMBERINGS, level_rule, parse_level_numbering

    if numbering is None:
        if at is not None or slices is not None:
            found = "level_at or slices_per_level: given without level_numbering"
            raise UsageError(f"{found}; expected label maps in levels.csv; leave it out")
        return None
    known = NUMBERINGS.get(numbering)
    if known is None:
        path = Path(numbering)
        if not path.is_file():
            found = f"{numbering!r} was found; expected {', '.join(NUMBERINGS)} or the file of a table"
            raise UsageError(f"level_numbering: {found}; correct it")
        table = read_table(path)
        known = parse_level_numbering(table.columns, table.rows, path.name)
    return level_rule(known, at, 1 if slices is None else slices)


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
    """The scores of an instrument, or the measurements of regions, as tables that can be saved."""

    table: pd.DataFrame
    """Of scores one row per participant, of regions one row per region and map."""
    problems: pd.DataFrame
    """In the columns of ``problems.csv``."""
    outputs: tuple[tuple[bytes, bytes, bytes], ...]
    """The bytes of the tables."""
    notes: tuple[str, ...] = ()
    summary: Analysis | None = None
    """The comparison of the study groups, where it was asked for."""
    inputs: tuple[Path, ...] = ()

    def save(self, file: PathLike) -> None:
        """Write the table, and beside it what was wrong; raises :class:`UsageError` over what is not ours."""
        from mriparaspinal.clinical.library import scores_of

        path = Path(file)
        refuse_inputs("save", [path], self.inputs)
        outputs = scores_of(path, *self.outputs[0])
        refuse_inputs("save", [output.path for output in outputs], self.inputs)
        for output in outputs:
            require_ours(output.path, output.is_ours, "save")
        write_files(outputs)


def score(
    instrument: str | Path,
    records: Table,
    *,
    participants: Table | None = None,
    reference: PathLike | None = None,
    summary: bool = False,
) -> Scores:
    """Turn item-level clinical records into one row of scores per participant.

    Parameters
    ----------
    instrument : str or Path
        Its name, such as ``alsfrs-r``, or a ``.toml`` of your own.
    records : str, Path or DataFrame
        The records, item by item.
    participants : str, Path or DataFrame, optional
        Participants table, which the scores are added to.
    reference : str or Path, optional
        For ``cmap-z``: the laboratory's item, mean, sd.
    summary : bool
        For ``fasciculation``: also compare the study groups of ``participants``.

    Returns
    -------
    Scores
        ``table``: ``participant_id`` and the columns of the instrument, which the page on clinical scores
        lists; ``problems``: the faulty records, whose participants are left out.

    Raises
    ------
    UsageError
        For records that cannot be used, or of which nobody could be scored.

    Notes
    -----
    ALSFRS-R: Cedarbaum et al., J Neurol Sci 1999; the page on clinical scores has the sources of the others.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = mp.make_phantom(f"{folder}/scans", als=2, lr=0, size=128, clinical=True)
    ...     found = mp.score("alsfrs-r", f"{folder}/scans/records/alsfrs-r.csv")
    >>> list(found.table)[:2], len(found.table)
    (['participant_id', 'alsfrs_r'], 2)
    """
    from mriparaspinal.clinical import records as clinical
    from mriparaspinal.clinical.library import open_instrument

    chosen = open_instrument(str(instrument))
    if summary and participants is None:
        raise UsageError("summary: no participants were given; expected the study groups; give the table")
    with files() as given:
        norms = given.if_any(reference, "")
        people_file = given.if_any(participants, PARTICIPANTS)
        people, problems = clinical.read_people(people_file) if people_file else (None, ())
        scored = clinical.score_file(chosen, given.of(records, "records.csv"), norms)
    plain = clinical.scores_csv(scored)
    table, notes = clinical.joined_csv(scored, people) if people else (plain, [])
    problems = (*problems, *scored.problems)
    inputs = (*given.paths, Path(instrument))
    compared = None
    if summary and people is not None:
        from mriparaspinal.analysis.grades import summarise

        compared = dataclasses.replace(summarise(chosen, scored, people), paths=tuple(given.paths))
    outputs = ((table, plain, clinical.problems_csv(problems)),)
    frame = table_frame(parse_table(table, "scores"))
    return Scores(frame, problems_frame(problems), outputs, tuple(notes), compared, inputs)


@dataclasses.dataclass(frozen=True, eq=False)
class Regions:
    """Measurements of the regions of an atlas."""

    table: pd.DataFrame
    """One row per participant, region and map."""
    wide: pd.DataFrame
    """One row per participant, columns such as ``fa_mean_REGION``."""
    problems: pd.DataFrame
    """In the columns of ``problems.csv``."""
    outputs: tuple[bytes, bytes]
    inputs: tuple[Path, ...] = ()

    def save(self, file: PathLike, wide: PathLike | None = None) -> None:
        """Write the long table and, where it is named, the wide one."""
        given = ((file, self.outputs[0]), (wide, self.outputs[1]))
        tables = [(Path(path), content) for path, content in given if path is not None]
        if len({path.resolve() for path, _ in tables}) < len(tables):
            raise UsageError(f"save {wide}: is the long table, too; expected two files; choose another")
        for path, _ in tables:
            refuse_beside_inputs("save", path, self.inputs, ())
        # The long table is the last: it is what the wide one was made of.
        write_files([Output(path, content, same_header(content)) for path, content in reversed(tables)])


def measure_regions(
    maps: Mapping[str, PathLike],
    *,
    tissues: Mapping[str, PathLike] | None = None,
    atlas: PathLike | None = None,
    names: PathLike | None = None,
    probabilities: Mapping[str, PathLike] | None = None,
    percent: bool = False,
    ignore_zero: bool = False,
    subjects: PathLike | None = None,
    participant: str | None = None,
    tiv: float | tuple[str, PathLike] | None = None,
) -> Regions:
    """Mean, SD, median and volume of NIfTI maps in the regions of an atlas. Nothing is resampled.

    Parameters
    ----------
    maps, tissues : mapping of str to str or Path
        By name: maps to average, and maps of tissue shares, whose volume is wanted.
    atlas, names : str or Path, optional
        Labels (3-D) or probability maps (4-D), and the table value, label of what they mean.
    probabilities : mapping of str to str or Path, optional
        In place of an atlas: by region, its probability map or mask.
    percent : bool
        Probabilities are 0–100, not 0–1.
    ignore_zero : bool
        Voxels in which a map is exactly 0 are left out.
    subjects : str or Path, optional
        A folder of participants, for files with ``{participant_id}`` in their names.
    participant : str, optional
        Whose files they are; without it the ``sub-…`` of their paths.
    tiv : float, or pair of str and path, optional
        Intracranial volume in ml, or the column of a participants table that has it.

    Returns
    -------
    Regions
        ``table`` has the columns of the long table, which the data dictionary lists; volumes are in ml.

    Raises
    ------
    UsageError
        For images of another grid, and names that are missing.
    NoInputError
        Where nothing could be measured.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, value in (("fa", 0.5), ("cst", 1.0)):
    ...         image = nibabel.Nifti1Image(np.full((3, 3, 3), value), np.eye(4))
    ...         nibabel.save(image, f"{folder}/{name}.nii.gz")
    ...     files = {name: f"{folder}/{name}.nii.gz" for name in ("fa", "cst")}
    ...     found = mp.measure_regions({"fa": files["fa"]}, probabilities={"CST": files["cst"]})
    >>> found.table[["region", "map", "mean"]].values.tolist()
    [['CST', 'fa', 0.5]]
    """
    from mriparaspinal.brain import measure as regions

    if (atlas is None) == (not probabilities) or (atlas is None) != (names is None):
        found = "atlas with names, or probabilities"
        raise UsageError(f"regions: expected {found}; one of them was missing, or both were given; name one")
    if twice := sorted(set(maps) & set(tissues or {})):
        raise UsageError(f"tissues {twice[0]}: a map, too; expected each name once; name one otherwise")
    if subjects is not None and participant is not None:
        raise UsageError("participant: given with subjects, whose folders give it; leave one out")
    request = regions.Request(
        maps=_texts(maps),
        tissues=_texts(tissues or {}),
        atlas="" if atlas is None else str(atlas),
        names={} if names is None else regions.read_names(Path(names)),
        probabilities=_texts(probabilities or {}),
        percent=percent,
        ignore_zero=ignore_zero,
    )
    regions.check_request(request, subjects is not None)
    column, people_file = tiv if isinstance(tiv, tuple) else (tiv, None)
    people_path = None if people_file is None else Path(people_file)
    volumes = None if column is None else regions.read_tiv(str(column), people_path)
    people = (
        regions.find_subjects(Path(subjects)) if subjects else [regions.single_subject(participant, request)]
    )
    measured = regions.measure_regions(request, people, volumes)
    outputs = regions.long_csv(measured.rows), regions.wide_csv(measured.rows)
    table, wide = (table_frame(parse_table(content, "regions")) for content in outputs)
    inputs = (*map(Path, request.files()), *(Path(p) for p in (names, people_file) if p is not None))
    return Regions(table, wide, problems_frame(measured.problems), outputs, inputs)


def _texts(files: Mapping[str, PathLike]) -> dict[str, str]:
    return {name: str(path) for name, path in files.items()}


def rasterise(points: ArrayLike, shape: tuple[int, int], rule: MaskRule = "labelme") -> NDArray[np.bool_]:
    """The pixels that a polygon covers.

    Parameters
    ----------
    points : array_like, (n, 2)
        Corners as (column, row) in pixels, as LabelMe has them; pixel (0, 0) is the one at the top left.
    shape : (int, int)
        Rows and columns of the image.
    rule : {"labelme", "centre"}
        What Pillow fills, boundary included, or the pixels whose centre lies inside.

    Returns
    -------
    ndarray of bool, (rows, columns)
        The mask.

    Raises
    ------
    UsageError
        For points that are not (n, 2) finite numbers, n ≥ 3, and for another rule.

    Notes
    -----
    ``labelme``: Pillow's ``ImageDraw.polygon(outline=1, fill=1)``, as LabelMe's own ``shape_to_mask``.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> square = [(2, 2), (12, 2), (12, 12), (2, 12)]
    >>> int(mp.rasterise(square, (20, 20)).sum()), int(mp.rasterise(square, (20, 20), "centre").sum())
    (121, 100)
    """
    from mriparaspinal.imaging.rasterise import rasterise as draw

    xy = np.asarray(points, dtype=np.float64)
    if xy.ndim != 2 or xy.shape[1] != 2 or len(xy) < 3 or not np.isfinite(xy).all():
        found = f"an array of shape {xy.shape} was found"
        raise UsageError(f"points: {found}; expected (n, 2) finite numbers, n ≥ 3; correct it")
    if rule not in ("labelme", "centre"):
        raise UsageError(f"rule: {rule!r} was found; expected labelme or centre; correct it")
    patch = draw(Contour("", "polygon", tuple(map(tuple, xy.tolist()))), shape, rule)
    return np.zeros(shape, dtype=bool) if patch is None else patch.full(shape)


def read_labelme(file: PathLike) -> Annotation:
    """Read a LabelMe file of any version.

    Parameters
    ----------
    file : str or Path
        The JSON that LabelMe wrote.

    Returns
    -------
    Annotation
        ``contours``, each with ``label``, ``shape_type`` and ``points`` as (column, row) in pixels;
        ``broken``, the shapes that cannot be used, and why; ``image_path`` and ``image_size``.

    Raises
    ------
    NoInputError
        Where the file cannot be read, or is not LabelMe's.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> sorted({contour.label for contour in mp.read_labelme("sample_data/ALS_1_3.json").contours})
    ['ES_L', 'ES_R', 'IVD', 'MF_L', 'MF_R', 'PM_L', 'PM_R']
    """
    from mriparaspinal.io.folder import UnreadableFileError, read_bytes
    from mriparaspinal.io.labelme import UnreadableAnnotationError, read_annotation

    try:
        return read_annotation(read_bytes(Path(file)))
    except (UnreadableFileError, UnreadableAnnotationError) as error:
        raise NoInputError(f"{file}: {error.message}; {error.remedy}") from None
