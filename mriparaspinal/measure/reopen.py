"""The dataset of a folder of results, with its contours or its label maps: what the pictures show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.filenames import IMAGE_ENDINGS, MANIFEST, PARTICIPANTS
from mriparaspinal.core.labels import parse_label
from mriparaspinal.core.model import WHOLE, Settings
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import count_of
from mriparaspinal.dataset.contour_source import EXCLUDE, ContourSource, Judgement
from mriparaspinal.dataset.names import name_parser
from mriparaspinal.dataset.open import Dataset, UnknownParticipantError, open_dataset
from mriparaspinal.io.lock import require_finished
from mriparaspinal.io.manifest import Manifest

if TYPE_CHECKING:
    from mriparaspinal.dataset.map_sources import LabelMaps


def open_measured(
    results: Path,
    manifest: Manifest | None,
    dataset: Path,
    masks: Sequence[Path] = (),
    annotations: Path | None = None,
) -> ReopenedDataset:
    """Open the dataset of ``results``.

    ``masks``: the folders of label maps, where those were measured; ``annotations``: that of contours that do
    not lie beside the images. Raises :class:`UsageError` where one of them is missing or too much,
    :class:`NoInputError` where the manifest is missing or cannot be used.
    """
    if manifest is None or manifest.numberings is None:
        if masks:
            found = f"{results} was measured from contours"
            raise UsageError(f"--masks {masks[0]}: {found}; expected no label maps; leave it out")
        return open_source(results, manifest, dataset, annotations)
    if not masks:
        found = "was measured from label maps, and --masks is missing"
        raise UsageError(f"{results}: {found}; expected the folder of the label maps; give --masks DIR")
    for folder in masks:
        if not folder.is_dir():
            raise UsageError(f"--masks {folder}: no such folder; expected the label maps; check the path")
        require_finished(folder, "label maps", "masks")
    if len(masks) != len(manifest.numberings):
        measured = count_of(len(manifest.numberings), "folder")
        found = f"was measured from {measured} of label maps, and --masks names {len(masks)}"
        raise UsageError(f"{results}: {found}; expected the same, in the same order; give each by --masks")
    return open_source_of_maps(results, manifest, dataset, masks)


@dataclass(frozen=True, slots=True)
class ReopenedDataset:
    """A dataset, and what ``quantify.json`` says about its measurement."""

    results: Path
    study: Dataset
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
            contours = self.study.source.folder if name.lower().endswith(".json") else None
            place = (contours or self.study.root) / name
            for source in self.study.maps.sources if self.study.maps else ():
                if name.startswith(source.own_name("")):
                    place = source.folder / name.removeprefix(source.own_name(""))
                    if source.joined:
                        again = (
                            "give the folders that were measured, in the same order, or run quantify again"
                        )
            raise NoInputError(f"{place}: {found}; expected {expected}; {again}")


def open_source(
    results: Path, manifest: Manifest | None, dataset: Path, annotations: Path | None = None
) -> ReopenedDataset:
    """Open the dataset of ``results`` with the settings of its ``manifest`` (``quantify.json``).

    ``annotations``: the folder of contours that do not lie beside the images; one of its name in the dataset
    or beside it is found without. Raises :class:`UsageError` where it is missing or too much, and
    :class:`NoInputError` where there is no manifest, or its settings cannot be used.
    """
    manifest, settings = _measured(results, manifest)
    if manifest.numberings is not None:
        found = "measured from label maps, not from contours"
        remedy = "run quantify on the LabelMe files"
        raise NoInputError(f"{results}: {found}; expected results of the dataset's contours; {remedy}")
    source = replace(_source(manifest), folder=_annotations(results, manifest, dataset, annotations))
    return _opened(results, manifest, settings, dataset, None, _is_of_slice, source)


def open_source_of_maps(
    results: Path, manifest: Manifest, dataset: Path, masks: Sequence[Path]
) -> ReopenedDataset:
    """The same of results that were measured from label maps, which lie in the folders ``masks``."""
    from mriparaspinal.dataset.map_sources import maps_in

    manifest, settings = _measured(results, manifest)
    maps = maps_in(masks, manifest.numberings or ())
    return _opened(results, manifest, settings, dataset, maps, _is_of_maps, _source(manifest))


def _annotations(results: Path, manifest: Manifest, dataset: Path, given: Path | None) -> Path | None:
    """The folder of contours; what lies in it is held against the SHA-256 of what was measured."""
    name, option = manifest.contours.annotations, argument("annotations")
    if given is not None and not name:
        found = f"{results} was measured from contours beside the images"
        raise UsageError(f"{option} {given}: {found}; expected no other folder; leave it out")
    if given is not None and not given.is_dir():
        raise UsageError(f"{option} {given}: no such folder; expected the LabelMe files; check the path")
    if given is not None or not name:
        return given
    here = [path for path in (dataset / name, dataset.resolve().parent / name) if path.is_dir()]
    if len(here) != 1:
        found = f"was measured from the contours of a folder {name}, and {option} is missing"
        raise UsageError(f"{results}: {found}; expected that folder; give {option} DIR")
    return here[0]


def _source(manifest: Manifest) -> ContourSource:
    """Which contours counted."""
    own = manifest.measured_with.regions
    judgements = tuple(
        Judgement(image, WHOLE if region is None else (region.name, region.side), "", EXCLUDE, "")
        for image, labels in manifest.contours.excluded.items()
        for region in (parse_label(label, own) for label in labels)
    )
    return ContourSource(accept_drafts=manifest.contours.accept_drafts, judgements=judgements or None)


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
    source: ContourSource,
) -> ReopenedDataset:
    own = results / PARTICIPANTS
    people = own if own.is_file() else None
    share = () if manifest.share is None else manifest.share.participants
    try:
        study = open_dataset(dataset, settings, people, maps=maps, share=share, source=source)
    except UnknownParticipantError as error:
        other = replace(
            error.fault, file=f"{results / MANIFEST}", remedy="give the dataset that was measured"
        )
        raise NoInputError(other) from None
    measured = {composed(name): digest for name, digest in manifest.inputs.items() if is_read(name)}
    return ReopenedDataset(results, study, settings, manifest, measured)


def _is_of_maps(name: str) -> bool:
    """Whether an input is the image or the label map of a slice."""
    return name.startswith("masks/") or name.lower().endswith(IMAGE_ENDINGS)


def _is_of_slice(name: str) -> bool:
    return name.lower().endswith((".json", *IMAGE_ENDINGS))
