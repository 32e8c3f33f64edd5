"""From annotations of other tools to LabelMe files: ``contours`` as one function.

A slice's file is made of all that its source says, or not at all if part of it is unclear: what
was left out would be missing in a region, without notice. A fault in one region costs that
region.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from mriparaspinal.annotations.readers import (
    Annotations,
    Drawn,
    listed,
    no_area_note,
    read_drawn,
)
from mriparaspinal.annotations.sources import SourceFiles, Sources, find_sources
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError, UsageError, unreadable
from mriparaspinal.core.filenames import require_short
from mriparaspinal.core.labels import Region, aliases_of, hint, part_of, region_of
from mriparaspinal.core.model import Contour, Problem, Settings, Slice
from mriparaspinal.core.text import count_of
from mriparaspinal.dataset.anatomy import sort_contours
from mriparaspinal.dataset.label_maps import SourceRegions
from mriparaspinal.dataset.made import told_once
from mriparaspinal.dataset.map_sources import LabelMaps, MapSource, maps_in, numberings_of, words_of
from mriparaspinal.dataset.mapped import join
from mriparaspinal.dataset.open import open_dataset
from mriparaspinal.imaging.rasterise import rasterise
from mriparaspinal.imaging.tracing import encloses_area, pixels_of, simplified, trace
from mriparaspinal.io.dicom_seg import read_segmentation
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.images import decode_image
from mriparaspinal.io.labelme import labelme_bytes
from mriparaspinal.io.lock import require_finished
from mriparaspinal.io.rtstruct import read_structures

#: What is reported of a source's positions before its contours are written; the rest is for ``check``.
_PLACES = (
    "front-contradicts-back",
    "transposed-coordinates",
    "normalised-coordinates",
    "hole-not-taken-out",
    "off-centre",
)


@dataclass(slots=True)
class Contoured:
    """The LabelMe files of a dataset by name below it, and what was found on the way."""

    files: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    shapes: int = 0
    labels: set[str] = field(default_factory=set)
    traced: int = 0
    """Shapes that are outlines around pixels."""
    tolerance_px: float = 0.0
    draft: bool | None = None
    """Whether the files carry the flag of a draft; None: where a program drew the contours."""
    drafts: int = 0
    """Files that carry it."""
    changed_px: int = 0
    """Pixels that the tolerance changed, in all."""
    most_changed_px: int = 0
    """The same in the region where they are most."""


def open_annotations(
    sources: Sequence[Path], dataset: Path, settings: Settings, numberings: Sequence[str] = ()
) -> tuple[Annotations, ...]:
    """Find the slices of a dataset, and in each source (a folder or one file) the annotations for them.

    ``numberings``: names or tables of what the numbers of label maps mean, for the sources that have some, in
    order; without one, ``values.csv`` beside them. Raises :class:`UsageError` and :class:`NoInputError`.
    """
    for source in sources:
        if not source.exists():
            raise NoInputError(f"{source}: does not exist; expected annotations; check the path")
        if [other.resolve() for other in sources].count(source.resolve()) > 1:
            found = "was given twice; expected each once"
            raise UsageError(f"SOURCE {source}: {found}; leave one of them out")
    folders = [source.parent if source.is_file() else source for source in sources]
    for folder in folders:
        require_finished(folder, "label maps", "masks")
    study = open_dataset(dataset, settings, maps=maps_in(folders, [{}] * len(folders)))
    slices = study.dataset.slices
    if not slices:
        told = [problem.line() for problem in study.dataset.problems if problem.severity == "error"]
        remedy = "correct the problems above" if told else "check the path and names"
        none = f"{dataset}: no slices; expected images GROUP_N_L.png; {remedy}"
        raise NoInputError("\n".join([*told, none]))
    found_in = [find_sources(source, slices, words_of(settings).is_used) for source in sources]
    names = _numberings(found_in, numberings)
    # They remember the last files: the slices of a participant come one after another.
    structures, segmentation = lru_cache(maxsize=8)(read_structures), lru_cache(maxsize=8)(read_segmentation)
    told = [source.name for source in sources]
    if len(set(told)) < len(told):
        told = list(map(str, sources))
    return tuple(
        Annotations(
            study=study,
            settings=settings,
            sources=there,
            maps=LabelMaps(
                (MapSource(there.folder, numbering, name, len(sources) > 1),),
                study.places,
                settings.affine,
            ),
            structures=structures,
            segmentation=segmentation,
        )
        for there, numbering, name in zip(found_in, names, told, strict=True)
    )


def _numberings(found_in: Sequence[Sources], given: Sequence[str]) -> list[Mapping[int, str]]:
    """The numbering of each source; empty where it has no label maps of numbers."""
    mapped = [there for there in found_in if there.has_numbers]
    if not mapped:
        if given:
            found = "given, but no label map of a slice is in SOURCE; expected some, whose numbers it names"
            raise UsageError(f"--numbering: {found}; leave it out, or check the names of the label maps")
        return [{} for _ in found_in]
    tables = iter(numberings_of([there.folder for there in mapped], given, "SOURCE"))
    return [next(tables) if there.has_numbers else {} for there in found_in]


def make_contours(
    given: Sequence[Annotations],
    tolerance_px: float = 0.0,
    progress: Callable[[], None] | None = None,
    draft: bool | None = None,
) -> Contoured:
    """The LabelMe files of all slices that have an annotation in any source; nothing is written.

    ``tolerance_px``: points of outlines that lie this near to the rest are left out; 0 keeps every pixel.
    ``draft``: whether all carry the flag of a draft; None: label maps, and what says that a program drew it.
    """
    study, settings = given[0].study, given[0].settings
    made = Contoured(problems=list(study.dataset.problems), tolerance_px=tolerance_px, draft=draft)
    without: dict[str, list[str]] = {}
    for slice_ in given[0].slices:
        claims = [(one, one.sources.claims.get(slice_.name, ())) for one in given]
        for one, found in claims:
            if not found:
                without.setdefault(one.told, []).append(slice_.name)
        if any(found for _, found in claims):
            _make_one(slice_, claims, made)
        if progress is not None:
            progress()
    for one in given:
        where = f" in {one.told}" if len(given) > 1 else ""
        made.problems += _lost(one.sources, without.get(one.told, []), where)
    made.problems += _overall(made, settings)
    made.problems = told_once(made.problems, "contours")
    return made


def _warning(code: str, found: str, remedy: str) -> Problem:
    return Problem("contours", "", "warning", code, found, remedy)


def _lost(sources: Sources, without: list[str], where: str) -> list[Problem]:
    """About a source: slices without an annotation, files without a slice."""
    problems = []
    if without:
        found = f"no annotation of {listed(without)}{where}; expected one for each slice"
        remedy = "see 'contours --help' for the names, or leave these slices as they are"
        problems.append(_warning("no-source", found, remedy))
    if sources.passed:
        found = f"files of {listed(sources.passed)}{where} were not read; expected regions"
        remedy = "name a structure in paraspinal.toml if it is to be drawn"
        problems.append(_warning("other-label", found, remedy))
    if sources.lost:
        found = f"{listed(sources.lost)}{where} belong to no slice; expected names as the slices have"
        remedy = "correct the names, or leave them: they were not read"
        problems.append(_warning("source-without-slice", found, remedy))
    return problems


def _overall(made: Contoured, settings: Settings) -> list[Problem]:
    """About the dataset: outlines around pixels, labels without region."""
    problems = []

    def warn(code: str, found: str, remedy: str) -> None:
        problems.append(_warning(code, found, remedy))

    if made.traced and settings.mask_rule == "centre":
        many = f"{count_of(made.traced, 'outline')}"
        found = f"{many} around pixels, in a study of mask-rule centre, which counts fewer"
        warn(
            "traced-outline",
            f"{found}; expected labelme, which fills exactly these pixels",
            "measure label maps with 'quantify --masks', or all contours by mask-rule labelme",
        )
    others = sorted(label for label in made.labels if isinstance(_meaning(label, settings), str))
    if others:
        aliases = aliases_of(settings)
        hints = dict.fromkeys(filter(None, (hint(label, aliases) for label in others[:20])))
        found = f"labels that are not regions here: {listed(others, repr)}"
        found += f" ({listed(list(hints))})" if hints else ""
        warn(
            "other-label",
            f"{found}; expected MF_L, ES_R, IVD and such",
            "rename or split them in LabelMe, or name them in paraspinal.toml",
        )
    return problems


def _meaning(label: str, settings: Settings) -> Region | str:
    """The region that a label means, or a numbered part of it, else the label itself."""
    aliases = aliases_of(settings)
    part = part_of(label, aliases)
    return region_of(label, aliases) or (part[0] if part else label)


def _make_one(
    slice_: Slice, claimed: Sequence[tuple[Annotations, Sequence[SourceFiles]]], made: Contoured
) -> None:
    name = f"{slice_.name.rpartition('.')[0]}.json"
    given = claimed[0][0]
    try:
        require_short(name)
        shape = _shape_of(given.study.root, slice_)
    except UnreadableError as error:
        made.problems.append(error.fault.at(slice_.name).problem())
        return
    parts = []
    for one, claims in claimed:
        try:
            if len(claims) > 1:
                names = " and ".join(listed(claim.names) for claim in claims)
                found = f"{names} are annotations of this slice"
                raise unreadable(found, "one source", "keep the one that is meant", "several-sources")
            if claims:
                parts.append((one.told, claims[0], read_drawn(claims[0], slice_, shape, one)))
        except UnreadableError as error:
            made.problems.append(error.fault.at(slice_.name).problem())
    if not parts:
        return
    drawn = _joined(parts, slice_, shape, given)
    made.problems += [note.at(slice_.name).problem("warning") for note in drawn.notes]
    _leave_out_mislabelled(slice_, drawn, shape, given, made)
    shapes = _shapes(slice_, drawn, shape, given.settings, made)
    for label, fault in drawn.faulty.items():
        made.problems.append(fault.at(slice_.name, "unclear-contour", label).problem())
    if not shapes:
        if not drawn.faulty:
            names = " and ".join(listed(claim.names) for _, claim, _ in parts)
            found = f"nothing is marked on this slice in {names}; expected regions"
            remedy = "check that it is the annotation of this slice"
            made.problems.append(Problem(slice_.name, "", "warning", "nothing-marked", found, remedy))
        return
    if not _in_place(slice_, shapes, shape, given, made):
        return
    image = slice_.name.rpartition("/")[2]
    draft = drawn.automatic if made.draft is None else made.draft
    made.files[name] = labelme_bytes(image, shape, shapes, draft)
    made.drafts += draft
    made.shapes += len(shapes)


def _joined(
    parts: Sequence[tuple[str, SourceFiles, Drawn]], slice_: Slice, shape: tuple[int, int], given: Annotations
) -> Drawn:
    """What all sources say of a slice, as that of one."""
    whole = Drawn()
    mapped = []
    for name, claim, drawn in parts:
        whole.automatic |= drawn.automatic
        whole.faulty |= drawn.faulty
        whole.notes += drawn.notes
        shown = listed(claim.names) if len(parts) == 1 else f"{name}/{listed(claim.names)}"
        mapped.append(drawn.mapped or SourceRegions(shown, drawn.contours))
    if len(parts) == 1 and parts[0][2].mapped is None:
        whole.contours = mapped[0].contours
        return whole
    joined = join(mapped, given.maps, slice_, shape, given.settings)
    whole.contours = joined.contours
    whole.faulty |= {fault.shape: fault for fault in joined.faults}
    whole.notes += joined.notes
    return whole


def _leave_out_mislabelled(
    slice_: Slice, drawn: Drawn, shape: tuple[int, int], given: Annotations, made: Contoured
) -> None:
    """Take out regions that two are labelled as, while that can be seen: traced, they may be one outline."""
    aliases = aliases_of(given.settings)
    anatomy = sort_contours(drawn.contours, shape, given.settings, aliases, slice_.name)
    wrong = [problem for problem in anatomy.problems if problem.code == "one-label"]
    made.problems += wrong
    lost = {region_of(problem.shape, aliases) for problem in wrong}
    if lost:
        drawn.contours = [c for c in drawn.contours if _meaning(c.label, given.settings) not in lost]


def _in_place(
    slice_: Slice, shapes: list[Contour], shape: tuple[int, int], given: Annotations, made: Contoured
) -> bool:
    """Whether the regions can lie where they do; if not, ``quantify`` would refuse the slice, too."""
    anatomy = sort_contours(shapes, shape, given.settings, aliases_of(given.settings), slice_.name)
    told = [problem for problem in anatomy.problems if problem.code in _PLACES]
    made.problems += told
    return not any(problem.severity == "error" for problem in told)


def _shape_of(root: Path, slice_: Slice) -> tuple[int, int]:
    """(rows, columns) of a slice; its grey levels do not matter here, so any window will do."""
    try:
        image = decode_image(read_bytes(root / slice_.name), (0.0, 1.0)).grey
    except UnreadableError as error:
        raise UnreadableError(error.fault.at("", "unreadable-file")) from None
    return image.height, image.width


def _shapes(
    slice_: Slice, drawn: Drawn, shape: tuple[int, int], settings: Settings, made: Contoured
) -> list[Contour]:
    """The shapes of a slice, region by region in the order of the source."""
    by_label: dict[str, list[Contour]] = defaultdict(list)
    for contour in drawn.contours:
        if not encloses_area(contour):
            note = no_area_note(["outlines"]).at(slice_.name, shape=contour.label)
            made.problems.append(note.problem("warning"))
            continue
        by_label[contour.label].append(contour)
        if rasterise(contour, shape, "labelme") is None:
            found = "an outline that covers no pixel of the image"
            remedy = "check that it was drawn on this slice"
            drawn.faulty[contour.label] = Fault("", found, "it on the image", remedy)
    shapes: list[Contour] = []
    # Also by another spelling of the label: a region is written whole or not at all.
    lost = {_meaning(label, settings) for label in drawn.faulty}
    for label, contours in by_label.items():
        if _meaning(label, settings) in lost:
            continue
        outlines = [contour for contour in contours if contour.mask is None]
        masks = [contour for contour in contours if contour.mask is not None]
        around = trace(pixels_of(masks, shape), label) if masks else []
        made.traced += sum(contour.mask is None for contour in around)
        exact = outlines + around
        simple = [simplified(contour, made.tolerance_px) for contour in exact]
        if made.tolerance_px > 0:
            changed = int(np.count_nonzero(pixels_of(exact, shape) ^ pixels_of(simple, shape)))
            made.changed_px += changed
            made.most_changed_px = max(made.most_changed_px, changed)
        mark = next((contour.made for contour in contours if contour.made), "")
        shapes += [replace(contour, made=mark) for contour in simple] if mark else simple
        made.labels.add(label)
    return shapes
