"""Contours that the program proposes, for a person to judge, from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mriparaspinal.api.contoured import judged_in
from mriparaspinal.api.given import Found, PathLike, Progress, each, processes
from mriparaspinal.api.measuring import settings_of
from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.model import Problem, Settings
from mriparaspinal.core.text import count_of
from mriparaspinal.dataset.strays import kind
from mriparaspinal.drafts.evaluation import COLUMNS as QUALITY_COLUMNS
from mriparaspinal.drafts.evaluation import Quality
from mriparaspinal.drafts.files import COLUMNS, DraftRow, read_drafts, write_drafts
from mriparaspinal.io.folder import list_files
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_as_output
from mriparaspinal.io.protocol import read_protocol

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class Drafted(Found):
    """Contours that were drafted, and what is to be expected of them."""

    out: Path
    """The folder that the LabelMe files were written into."""
    count: int
    """How many slices were drafted."""
    rows: tuple[DraftRow, ...] = ()
    """One per contour; :attr:`contours` is their table."""
    qualities: tuple[Quality, ...] = ()
    """Of :func:`draft`, found on the judged slices themselves; :attr:`quality` is their table."""

    @cached_property
    def contours(self) -> pd.DataFrame:
        """One row per contour, in the columns of ``drafts.csv``."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows], columns=list(COLUMNS))

    @cached_property
    def quality(self) -> pd.DataFrame:
        """Dice, area error (%) and FI error by region, each with its interval of 95 %."""
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in self.qualities], columns=list(QUALITY_COLUMNS))


def _drafted(
    out: Path,
    count: int,
    rows: Sequence[DraftRow],
    problems: Sequence[Problem],
    qualities: Sequence[Quality] = (),
    **summary: Any,
) -> Drafted:
    told = {"slices": count, "regions": len(rows), **summary}
    return Drafted(
        problem_list=tuple(problems),
        summary=told,
        out=out,
        count=count,
        rows=tuple(rows),
        qualities=tuple(qualities),
    )


def _lines(problems: Sequence[Problem], last: str) -> str:
    """Why nothing was drafted: the first of the errors, else of the warnings, and a last line."""
    told = [p for p in problems if p.severity == "error"] or problems
    return "\n".join([*(problem.line() for problem in told[:20]), last])


def refine(
    rough: PathLike,
    out: PathLike,
    *,
    band: float | None = None,
    settings: Settings | Mapping[str, Any] | None = None,
    jobs: int | None = None,
) -> Drafted:
    """Turn 6 to 15 clicks around each region into smooth contours that follow the slice.

    Parameters
    ----------
    rough : str or Path
        Folder of slices and LabelMe files with some points around each region.
    out : str or Path
        The folder to write: the slices, their refined LabelMe files with the flag ``draft``, ``drafts.csv``.
    band : float, optional
        In pixels, 0–100: no line moves farther from the spline through the points. Default: 8 % of the square
        root of the region's area, at least 3.5.
    settings, jobs : optional
        As for :func:`quantify`.

    Returns
    -------
    Drafted
        ``contours`` with the change in area (%) and the largest move (px) of each line.

    Raises
    ------
    UsageError
        Where ``out`` is the folder itself, or holds files that were changed since they were written.
    NoInputError
        Where no region could be refined.

    Notes
    -----
    A closed cubic spline, then a random walker (Grady 2006, doi 10.1109/TPAMI.2006.233) in a band around it.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scans = mp.make_phantom(f"{folder}/scans", als=1, lr=0, size=128).out
    ...     for path in scans.glob("*.json"):
    ...         document = json.loads(path.read_text())
    ...         for shape in document["shapes"]:
    ...             shape["points"] = shape["points"][:: len(shape["points"]) // 8]
    ...         _ = path.write_text(json.dumps(document))
    ...     mp.refine(scans, f"{folder}/fine").count
    5
    """
    from mriparaspinal.drafts.clicks import MANIFEST, refine_slices, write_refined

    root, folder = Path(rough), Path(out)
    refuse_as_output(folder, root, "the dataset itself")
    if band is not None and not 0 <= band <= 100:
        raise UsageError(f"{argument('band')}: {band} was found; expected 0 to 100 pixels; correct it")
    there = read_protocol(root)
    protocol = settings_of(there, settings)
    _, number = processes(there, jobs)
    with OutputFolder(folder, MANIFEST, keep_changed=True) as written:
        made = refine_slices(root, protocol, band, number, folder)
        write_refined(made, written)
    return _drafted(folder, made.slices, made.rows, made.problems)


def draft(
    dataset: PathLike,
    *,
    reviewed: PathLike | None = None,
    quick: bool = False,
    settings: Settings | Mapping[str, Any] | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Drafted:
    """Draft contours of slices that have none, from slices whose contours a person has judged.

    This writes into the dataset: ``NAME.json`` beside ``NAME.png``, with LabelMe's flag ``draft``, and
    ``drafts.csv``. No LabelMe file is ever replaced. A draft is no measurement.

    Parameters
    ----------
    dataset : str or Path
        Folder of the slices.
    reviewed : str or Path, optional
        Folder of the judged contours; default: those of the dataset. Drafts are never used. Where it has no
        images, as a reader's folder, they are those of the dataset.
    quick : bool
        Three times as fast, by OpenCV (the extra ``speed-drafts``); other drafts, as good.
    settings, jobs, progress : optional
        As for :func:`quantify`.

    Returns
    -------
    Drafted
        ``contours`` with the Dice coefficient to expect and ``look_first``; ``quality`` by leave-one-out.

    Raises
    ------
    NoInputError
        For fewer than 5 judged slices, and where none of the slices is like them.

    Notes
    -----
    Judged slices and their mirror images are laid over a slice by an affine map and a TV-L1 flow (Zach, Pock
    and Bischof 2007, doi 10.1007/978-3-540-74936-3_22), and vote on each pixel, weighted by how well they fit
    around it.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scans = mp.make_phantom(f"{folder}/scans", als=1, lr=1, size=128).out
    ...     for path in (*scans.glob("LR_1_[1245].*"), scans / "LR_1_3.json"):
    ...         path.unlink()
    ...     made = mp.draft(scans)
    ...     made.count, sorted(made.contours["label"])
    (1, ['ES_L', 'ES_R', 'IVD', 'MF_L', 'MF_R', 'PM_L', 'PM_R'])
    """
    from mriparaspinal.drafts.draft import (
        MOST_COMPARED,
        Sources,
        draft_slices,
        errors_of,
        slices_without_contours,
    )
    from mriparaspinal.drafts.registration import require_opencv
    from mriparaspinal.drafts.reviewed import read_reviewed

    root = Path(dataset)
    source = root if reviewed is None else Path(reviewed)
    there = read_protocol(root)
    protocol = settings_of(there, settings)
    _, number = processes(there, jobs)
    read_drafts(root)
    if quick:
        require_opencv()
    bare, _, images = slices_without_contours(root, protocol)
    place, own = source, protocol
    if reviewed is not None and not _has_no_image(source):
        # A dataset of its own: its protocol says how its slices are read.
        own = settings_of(read_protocol(source), settings)
    contours = judged_in(source, own.regions)
    if _has_no_image(source):
        # The folder of a reader: its images are those of the dataset.
        contours, place = replace(contours, folder=source), root
        read = {name[: -len(".json")] for name in list_files(source)[0] if kind(name) == "json"}
        bare = [slice_ for slice_ in bare if slice_.name.rpartition(".")[0] not in read]
    judged, errors = read_reviewed(place, own, number, contours)
    sources = Sources(place, judged, own, contours, quick)
    advance = each(progress, "drafting", min(MOST_COMPARED, len(judged)) + len(bare))
    made = draft_slices(root, bare, images.spacings, protocol, sources, number, advance)
    made.problems[:0] = [*errors_of(images), *errors]
    if bare and not made.files:
        found = f"{root}: no draft could be made for any of {count_of(len(bare), 'slice')}"
        expected = f"expected slices like those of {source}"
        raise NoInputError(_lines(made.problems, f"{found}; {expected}; see the page on drafts"))
    write_drafts(root, made.files, made.rows)
    told = {"without_contours": len(bare), "judged": len(judged)}
    return _drafted(root, len(made.files), made.rows, made.problems, made.qualities, **told)


def _has_no_image(folder: Path) -> bool:
    kinds = set(map(kind, list_files(folder)[0]))
    return "json" in kinds and "image" not in kinds


def interpolate(
    dataset: PathLike,
    *,
    largest_gap: float = 20.0,
    settings: Settings | Mapping[str, Any] | None = None,
    jobs: int | None = None,
) -> Drafted:
    """Draft the contours of slices that lie between two contoured slices of a stack.

    This writes into the dataset: ``NAME.json`` beside ``NAME.png``, with LabelMe's flag ``draft``, and
    ``drafts.csv``. No LabelMe file is ever replaced.

    Parameters
    ----------
    dataset : str or Path
        Folder of the slices: several of one segment, or with their places in ``slices.csv``.
    largest_gap : float
        In mm, where places are known: contoured slices farther apart are no neighbours.
    settings, jobs : optional
        As for :func:`quantify`.

    Returns
    -------
    Drafted
        ``contours`` with the two slices that each was made from.

    Raises
    ------
    NoInputError
        Where no slice lies between two contoured ones.

    Notes
    -----
    Shape-based interpolation of signed distances (Raya and Udupa 1990, doi 10.1109/42.52980).

    Examples
    --------
    >>> import shutil, tempfile
    >>> from pathlib import Path
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for letter, segment in zip("abc", "234"):
    ...         for ending in ("png", "json") if letter != "b" else ("png",):
    ...             text = Path(f"sample_data/ALS_1_{segment}.{ending}").read_bytes()
    ...             text = text.replace(f"ALS_1_{segment}".encode(), f"ALS_1_3_{letter}".encode())
    ...             _ = Path(folder, f"ALS_1_3_{letter}.{ending}").write_bytes(text)
    ...     made = mp.interpolate(folder)
    ...     made.count, set(made.contours["made_from"])
    (1, {'ALS_1_3_a.png; ALS_1_3_c.png'})
    """
    from mriparaspinal.drafts.interpolate import interpolate_slices

    root = Path(dataset)
    if not 0 < largest_gap <= 100:
        raise UsageError(
            f"{argument('largest_gap')}: {largest_gap} was found; expected 0 to 100 mm; correct it"
        )
    there = read_protocol(root)
    protocol = settings_of(there, settings)
    _, number = processes(there, jobs)
    made = interpolate_slices(root, protocol, largest_gap, number, judged_in(root, protocol.regions))
    if not made.files:
        found = f"{root}: no slice without contours lies between two contoured ones of use"
        raise NoInputError(
            _lines(made.problems, f"{found}; expected stacks with gaps; see the page on drafts")
        )
    write_drafts(root, made.files, made.rows)
    return _drafted(root, len(made.files), made.rows, made.problems)
