"""The dataset that a folder of results was measured from, opened again under the same settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.dataset import name_parser
from mriparaspinal.errors import NoInputError, UsageError
from mriparaspinal.files.images import IMAGE_ENDINGS
from mriparaspinal.files.manifest import Manifest
from mriparaspinal.files.output import MANIFEST
from mriparaspinal.files.results import PARTICIPANTS
from mriparaspinal.model import Settings
from mriparaspinal.names import composed
from mriparaspinal.study import Study, UnknownParticipantError, open_study

if TYPE_CHECKING:
    from mriparaspinal.label_maps import LabelMaps


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset, and what ``quantify.json`` says about its measurement."""

    results: Path
    study: Study
    settings: Settings
    manifest: Manifest
    sha256: dict[str, str]
    """Of the images and annotations that were measured, by file name."""

    def require_same(self, read: Iterable[tuple[str, str]]) -> None:
        """Hold the files that were read now, (name, SHA-256), against those that were measured.

        Raises :class:`NoInputError` that names the first file that is missing, changed or new.
        """
        # Folders that were copied from a Mac may have the same names with accented letters in two parts.
        now = {composed(name): digest for name, digest in read}
        again = "give the dataset that was measured, or run quantify again"
        for name in sorted({*now, *self.sha256}):
            if name not in now:
                found, expected = f"was measured into {self.results}, but is missing now", "every file"
            elif name not in self.sha256:
                found, expected = f"was not measured into {self.results}", f"what its {MANIFEST} lists"
            elif now[name] != self.sha256[name]:
                found = f"changed since it was measured into {self.results} (its SHA-256 differs)"
                expected = "it untouched"
            else:
                continue
            raise NoInputError(f"{self.study.root / name}: {found}; expected {expected}; {again}")


def open_source(results: Path, manifest: Manifest | None, dataset: Path) -> Source:
    """Open the dataset of ``results`` with the settings of its ``manifest`` (``quantify.json``).

    Raises :class:`NoInputError` where there is no manifest, or its settings cannot be used.
    """
    manifest, settings = _measured(results, manifest)
    if manifest.numbering is not None:
        found = "measured from label maps, not from contours"
        remedy = "run quantify on the LabelMe files"
        raise NoInputError(f"{results}: {found}; expected results of the dataset's contours; {remedy}")
    return _opened(results, manifest, settings, dataset, None, _is_of_slice)


def open_source_of_maps(results: Path, manifest: Manifest, dataset: Path, masks: Path) -> Source:
    """The same of results that were measured from label maps, which lie in the folder ``masks``."""
    from mriparaspinal.label_maps import LabelMaps

    manifest, settings = _measured(results, manifest)
    maps = LabelMaps(masks, manifest.numbering or {}, {})
    return _opened(results, manifest, settings, dataset, maps, _is_of_maps)


def _measured(results: Path, manifest: Manifest | None) -> tuple[Manifest, Settings]:
    """The manifest of a measurement, and its settings; raises :class:`NoInputError` for none, and others."""
    if manifest is None:
        found = "no quantify.json, which knows the settings"
        raise NoInputError(f"{results}: {found}; expected results as quantify writes them; run it again")
    if manifest.mean_of_raters is not None:
        found = f"the mean of {manifest.mean_of_raters} raters, of which no dataset was measured"
        raise NoInputError(f"{results}: {found}; expected the results of one rater; give those")
    settings = manifest.measured_with
    try:
        name_parser(settings)
    except UsageError as error:
        raise NoInputError(f"{results / MANIFEST}: {error}") from None
    return manifest, settings


def _opened(
    results: Path,
    manifest: Manifest,
    settings: Settings,
    dataset: Path,
    maps: LabelMaps | None,
    is_read: Callable[[str], bool],
) -> Source:
    own = results / PARTICIPANTS
    people = own if own.is_file() else None
    share = () if manifest.share is None else manifest.share.participants
    try:
        study = open_study(dataset, settings, people, maps=maps, share=share)
    except UnknownParticipantError as error:
        found = str(error).removeprefix("--participant-label: ").rsplit("; ", 1)[0]
        raise NoInputError(f"{results / MANIFEST}: {found}; give the dataset that was measured") from None
    measured = {composed(name): digest for name, digest in manifest.inputs.items() if is_read(name)}
    return Source(results, study, settings, manifest, measured)


def _is_of_maps(name: str) -> bool:
    """Whether an input is the image or the label map of a slice."""
    return name.startswith("masks/") or name.lower().endswith(IMAGE_ENDINGS)


def _is_of_slice(name: str) -> bool:
    return name.lower().endswith((".json", *IMAGE_ENDINGS))
