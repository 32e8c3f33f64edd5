"""What readers judged, and the names of what they read blinded, from Python. The page itself is a command."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.api.given import PathLike
from mriparaspinal.api.making import Made
from mriparaspinal.io.overwrite import refuse_as_output
from mriparaspinal.review import blind
from mriparaspinal.review.verdicts import COLUMNS, read_verdicts

if TYPE_CHECKING:
    import pandas as pd


def read_review(file: PathLike) -> pd.DataFrame:
    r"""The judgements of readers, as the page of ``review`` writes them.

    Parameters
    ----------
    file : str or Path
        A ``review.csv``.

    Returns
    -------
    DataFrame
        One row per judgement: image, region (empty for the whole slice), reader, verdict (``reviewed``,
        ``look-again``, ``exclude``), reason, comment.

    Raises
    ------
    NoInputError
        Where the table cannot be read, or says what it cannot.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "review.csv"
    ...     _ = file.write_text("image,verdict,reason\nALS_1_3.png,exclude,motion\n")
    ...     mp.read_review(file)[["image", "verdict", "reason"]].values.tolist()
    [['ALS_1_3.png', 'exclude', 'motion']]
    """
    import pandas as pd

    rows = [asdict(verdict) for verdict in read_verdicts(Path(file), None)]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def unblind(reader: PathLike, key: PathLike, out: PathLike) -> Made:
    r"""Give the contours of a blinded reading the names of their slices again.

    Parameters
    ----------
    reader : str or Path
        The folder that a blinded reader wrote into.
    key : str or Path
        The key that ``review --blind`` wrote.
    out : str or Path
        The folder to write: ``NAME.json``, ``review.csv`` and ``timing.csv``, in the folders of the dataset;
        where slices were read twice, in ``first`` and ``second``.

    Returns
    -------
    Made
        ``count`` readings; ``notes`` tell of codes without contours, and of what was not saved.

    Raises
    ------
    UsageError
        Where ``out`` holds files of somebody else's, or a review is open in the reader's folder.
    NoInputError
        Where folder and key do not belong together.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import mriparaspinal as mp
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scans = mp.make_phantom(f"{folder}/scans", als=1, lr=0, size=128).out
    ...     blinded, key = Path(folder) / "blinded", Path(folder) / "key.csv"
    ...     blinded.mkdir()
    ...     _ = (blinded / "S001.json").write_bytes((scans / "ALS_1_3.json").read_bytes())
    ...     _ = key.write_text("code,image,reading\nS001,ALS_1_3.png,1\n")
    ...     named = mp.unblind(blinded, key, f"{folder}/named")
    ...     named.count, sorted(path.name for path in named.out.glob("ALS*"))
    (1, ['ALS_1_3.json'])
    """
    refuse_as_output(Path(out), Path(reader), "the reader's folder")
    done = blind.unblind(Path(reader), Path(key), Path(out))
    return Made(
        out=Path(out),
        count=done.files,
        notes=done.notes,
        summary={"readings": done.files, "repeated": done.repeated},
    )
