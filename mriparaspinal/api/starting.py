"""The first steps from Python: a study to look at, and what a person fills in for one of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mriparaspinal.api.given import PathLike, Progress, telling
from mriparaspinal.api.making import Made, make_phantom
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import PARTICIPANTS
from mriparaspinal.core.label_list import LABELS, label_list
from mriparaspinal.io.write import cannot_write

if TYPE_CHECKING:
    from mriparaspinal.api.running import StudyRun

#: Patients of each group and pixels of a side: enough for every table and figure, and few enough to be quick.
_PATIENTS, _SIZE = 6, 160


def demo(out: PathLike, *, progress: Progress | None = None) -> StudyRun:
    """Make a synthetic study, and run it: slices with contours in ``scans``, the rest in ``study``.

    Parameters
    ----------
    out : str or Path
        The folder to write: new or empty.
    progress : callable, optional
        As for :func:`quantify`.

    Returns
    -------
    StudyRun
        As :func:`run` of the slices gives it.

    Raises
    ------
    UsageError
        For a folder that holds files, or cannot be written.

    Examples
    --------
    >>> import mriparaspinal as mp
    >>> try:
    ...     mp.demo("sample_data")
    ... except mp.errors.UsageError as error:
    ...     print(error)
    sample_data: already holds files; expected a new or empty folder; choose another
    """
    from mriparaspinal.api.running import run

    folder = Path(out)
    try:
        if folder.is_dir() and any(folder.iterdir()):
            found = "already holds files; expected a new or empty folder; choose another"
            raise UsageError(f"{folder}: {found}")
    except OSError as error:
        raise cannot_write(folder, error) from None
    made = make_phantom(folder / "scans", als=_PATIENTS, lr=_PATIENTS, size=_SIZE, progress=progress)
    return run(made.out, folder / "study", progress=progress)


def init(dataset: PathLike, *, settings: Mapping[str, Any] | None = None) -> Made:
    """Write into a dataset folder what a person fills in; no file that is there is touched.

    ``participants.csv`` has the ids that were found, ``paraspinal.toml`` all settings as comments, and
    ``labels.txt`` the labels for LabelMe. This is the one function that writes beside the slices.

    Parameters
    ----------
    dataset : str or Path
        The folder of slices, with contours or still without.
    settings : mapping, optional
        Settings that count above ``paraspinal.toml``, such as ``name_pattern``; a new one keeps them.

    Returns
    -------
    Made
        ``count`` files; ``summary``: the names of those ``written``, those that were ``there``, and the
        ``participants`` that were found.

    Raises
    ------
    UsageError
        For settings that cannot be, and a folder that cannot be written.
    NoInputError
        For a folder without slices: nothing is written into it.

    Examples
    --------
    >>> import tempfile
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scans = mp.make_phantom(f"{folder}/scans", als=1, lr=1, size=128).out
    ...     mp.init(scans).summary["written"]
    ['paraspinal.toml', 'labels.txt']
    """
    from mriparaspinal.dataset.begin import begin_dataset, participants_template
    from mriparaspinal.io.beside import write_beside
    from mriparaspinal.io.protocol import FILE, read_protocol
    from mriparaspinal.io.protocol_template import protocol_template

    root = Path(dataset)
    given = {name: value for name, value in (settings or {}).items() if value is not None}
    protocol = read_protocol(root).settings(given)
    begun = begin_dataset(root, protocol)
    if not begun.slices:
        with telling(begun.problems):
            expected = "expected images such as ALS_7_3.png"
            remedy = "check the path, say by --name-pattern how they are called, or make them by prepare"
            raise NoInputError(f"{root}: no slices were found; {expected}; {remedy}")
    files = {
        PARTICIPANTS: participants_template(begun.slices, sessions=not begun.tells_sessions),
        FILE: protocol_template(given).encode(),
        LABELS: label_list(protocol),
    }
    there = {name: found for name in files if (found := begun.there(name))}
    fresh = {name: content for name, content in files.items() if name not in there}
    write_beside(root, fresh)
    people = list(dict.fromkeys(slice_.participant_id for slice_ in begun.slices))
    summary = {"written": list(fresh), "there": list(there.values()), "participants": people}
    return Made(out=root, count=len(fresh), summary=summary)
