"""The dataset of a folder of results, with its contours or its label maps: what the pictures show."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.files.images import IMAGE_ENDINGS
from mriparaspinal.files.results import PARTICIPANTS, require_finished
from mriparaspinal.label_maps import LabelMaps
from mriparaspinal.source import Source, open_source
from mriparaspinal.study import open_study

_NUMBERING = "numbering"


def open_measured(
    results: Path, manifest: Mapping[str, Any], dataset: Path, masks: Path | None = None
) -> Source:
    """Open the dataset of ``results``; ``masks`` is the folder of label maps, where those were measured.

    Raises :class:`UsageError` where ``masks`` is missing or too much, :class:`NoInputError` where the
    manifest is missing or cannot be used.
    """
    settings = dict(manifest.get("settings") or {})
    if _NUMBERING not in settings:
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
    try:
        numbering = {int(value): str(label) for value, label in settings.pop(_NUMBERING).items()}
    except (AttributeError, ValueError):
        found = "its numbering cannot be read"
        raise NoInputError(f"{results}: {found}; expected that of this version; run quantify again") from None
    source = open_source(results, {**manifest, "settings": settings}, dataset)
    own = results / PARTICIPANTS
    study = open_study(
        dataset,
        source.settings,
        own if own.is_file() else None,
        maps=LabelMaps(masks, numbering, {}),
    )
    measured = {name: digest for name, digest in manifest["inputs"].items() if _is_read(name)}
    return dataclasses.replace(source, study=study, sha256=measured)


def _is_read(name: str) -> bool:
    """Whether an input is the image or the label map of a slice."""
    return name.startswith("masks/") or name.lower().endswith(IMAGE_ENDINGS)
