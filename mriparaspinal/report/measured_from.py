"""The dataset of a folder of results, with its contours or its label maps: what the pictures show."""

from __future__ import annotations

from pathlib import Path

from mriparaspinal.errors import UsageError
from mriparaspinal.files.manifest import Manifest
from mriparaspinal.files.results import require_finished
from mriparaspinal.source import Source, open_source, open_source_of_maps


def open_measured(
    results: Path, manifest: Manifest | None, dataset: Path, masks: Path | None = None
) -> Source:
    """Open the dataset of ``results``; ``masks`` is the folder of label maps, where those were measured.

    Raises :class:`UsageError` where ``masks`` is missing or too much, :class:`NoInputError` where the
    manifest is missing or cannot be used.
    """
    if manifest is None or manifest.numbering is None:
        if masks is not None:
            found = f"{results} was measured from contours"
            raise UsageError(f"--masks {masks}: {found}; expected no label maps; leave it out")
        return open_source(results, manifest, dataset)
    if masks is None:
        found = "was measured from label maps, and --masks is missing"
        raise UsageError(f"{results}: {found}; expected the folder of the label maps; give --masks DIR")
    if not masks.is_dir():
        raise UsageError(f"--masks {masks}: no such folder; expected the label maps; check the path")
    require_finished(masks, "label maps", "masks")
    return open_source_of_maps(results, manifest, dataset, masks)
