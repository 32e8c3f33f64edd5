"""Single contours and LabelMe files from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mriparaspinal.api.given import PathLike
from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError
from mriparaspinal.core.model import Contour, MaskRule

if TYPE_CHECKING:
    from mriparaspinal.io.labelme import Annotation


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
    from mriparaspinal.io.folder import read_bytes
    from mriparaspinal.io.labelme import read_annotation

    try:
        return read_annotation(read_bytes(Path(file)))
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{file}")) from None
