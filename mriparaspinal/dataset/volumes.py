"""The label maps in place of contours, and the fat and water images: whether they fit the other options."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.model import Settings

if TYPE_CHECKING:
    from mriparaspinal.dataset.map_sources import LabelMaps


def label_maps(
    masks: Sequence[Path], numberings: Sequence[str], asked: Container[str], *outputs: Path
) -> LabelMaps | None:
    """The label maps that are measured; raises :class:`UsageError` if they contradict other options.

    ``asked``: the settings that were asked for by name; ``outputs``: the folders that are written into.
    """
    maps = argument("masks")
    if not masks:
        if numberings:
            found = f"given without {maps}; expected a folder of label maps whose numbers it names"
            raise UsageError(f"{argument('numbering')}: {found}; name the folder, or leave it out")
        return None
    if "mask_rule" in asked:
        found = f"given with {maps}; expected contours, which become pixels by it"
        raise UsageError(f"{argument('mask_rule')}: {found}; leave one of them out")
    for out in outputs:
        if out.resolve() in {folder.resolve() for folder in masks}:
            found = f"is the folder of {maps}; expected another folder; choose another {argument('out')}"
            raise UsageError(f"{out}: {found}")
    from mriparaspinal.dataset.map_sources import open_label_maps

    return open_label_maps(masks, numberings)


def dixon_images(
    settings: Settings, fat: Path | None, water: Path | None, *outputs: Path
) -> tuple[Path, Path] | None:
    """The images of the fat rule ``dixon``; raises :class:`UsageError` if they contradict the rule."""
    names, rule = (argument("fat"), argument("water")), argument("fat_rule")
    if settings.fat_rule == "dixon":
        if fat is None or water is None:
            missing = " and ".join(n for n, path in zip(names, (fat, water), strict=True) if path is None)
            raise UsageError(f"{rule} dixon: no {missing}; expected both; give the folders of the images")
        for path in (fat, water):
            for out in outputs:
                if path.resolve() == out.resolve():
                    found = f"is the folder of {' or '.join(names)}; expected another folder"
                    raise UsageError(f"{out}: {found}; choose another {argument('out')}")
        return fat, water
    if fat is not None or water is not None:
        found = f"given with the fat rule {settings.fat_rule}, which does not use them"
        raise UsageError(f"{', '.join(names)}: {found}; expected {rule} dixon; add it")
    return None


def refuse_idle_affine(asked: Container[str], *volumes: object) -> None:
    """Raise :class:`UsageError` for ``affine`` if no volume is given whose position it could select."""
    if "affine" in asked and all(volume is None for volume in volumes):
        given = f"{argument('masks')} or {argument('fat')} and {argument('water')}"
        found = f"given without {given}; expected volumes whose position it selects"
        raise UsageError(f"{argument('affine')}: {found}; leave it out")
