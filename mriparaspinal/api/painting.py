"""Regions of the brain painted with a comparison, from Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.analysis.paint import paint
from mriparaspinal.api.given import PathLike
from mriparaspinal.brain.paint import PColumn

if TYPE_CHECKING:
    from mriparaspinal.analysis.result import Analysis
    from mriparaspinal.io.nifti import Form


def paint_regions(
    comparisons: PathLike,
    atlas: PathLike,
    table: PathLike,
    metric: str,
    *,
    contrast: str | None = None,
    p_column: PColumn = "p",
    affine: Form | None = None,
) -> Analysis:
    """Paint the regions of an atlas by −log10 p of a comparison, with the sign of the effect.

    Parameters
    ----------
    comparisons : str or Path
        ``comparisons.csv`` of :func:`compare` with a table of regions.
    atlas, table : str or Path
        The atlas of labels and the table of its names, as :func:`measure_regions` had them.
    metric : str
        What the metrics begin with: ``fa_mean`` for ``fa_mean_REGION``.
    contrast : str, optional
        Which one, where there are several.
    p_column : {"p", "p_adjusted", "p_exact"}
        Which p-value.
    affine : {"qform", "sform"}, optional
        Which position of a header counts if its two disagree.

    Returns
    -------
    Analysis
        ``table`` has a row per region: p, effect size and the value that is painted, above 0 where arm a is
        larger. ``save`` writes the map and the figure, too.

    Raises
    ------
    UsageError
        Where regions of the comparison are not those of the atlas: all of them are named.
    NoInputError
        For a file that cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> import nibabel, numpy as np, pandas as pd
    >>> import mriparaspinal as mp
    >>> fa = pd.DataFrame({"participant_id": [f"P{n}" for n in range(6)], "group": ["ALS"] * 3 + ["HC"] * 3})
    >>> fa["fa_mean_CST"] = [0.40, 0.42, 0.41, 0.50, 0.52, 0.51]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     compared = mp.compare(fa, contrasts=["group:ALS-HC"])
    ...     compared.table.to_csv(f"{folder}/comparisons.csv", index=False)
    ...     image = nibabel.Nifti1Image(np.ones((3, 3, 3), dtype=np.uint8), np.eye(4))
    ...     nibabel.save(image, f"{folder}/atlas.nii.gz")
    ...     pd.DataFrame({"value": [1], "label": ["CST"]}).to_csv(f"{folder}/labels.csv", index=False)
    ...     files = [f"{folder}/{name}" for name in ("comparisons.csv", "atlas.nii.gz", "labels.csv")]
    ...     painted = mp.paint_regions(*files, "fa_mean")
    >>> painted.table.round(2)[["region", "signed_log10_p"]].values.tolist()
    [['CST', -1.31]]
    """
    return paint(Path(comparisons), Path(atlas), Path(table), metric, contrast, p_column, affine)
