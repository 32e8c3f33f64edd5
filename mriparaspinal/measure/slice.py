"""How one slice, then one folder, is measured. A newcomer starts here."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mriparaspinal.core.errors import NoInputError, UnreadableError
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import FASCIA, OURS, SAT, Problem, Settings, Slice, SliceResult, Spacing
from mriparaspinal.dataset.contour_source import BESIDE, ContourSource
from mriparaspinal.dataset.plausibility import mirror_fit, unusual_areas, unusual_levels, without_signal
from mriparaspinal.dataset.read import OpenSlice, read_mapped, read_slice
from mriparaspinal.dataset.regions import Anatomy, RegionKey
from mriparaspinal.imaging.rasterise import Patch, frame_of
from mriparaspinal.measure.duplicates import drawing_digest
from mriparaspinal.measure.fat import count_region, dixon_sums
from mriparaspinal.parallel.map import Execution, in_time, map_in_order

if TYPE_CHECKING:
    from mriparaspinal.dataset.dixon import DixonSource
    from mriparaspinal.dataset.map_sources import LabelMaps
    from mriparaspinal.measure.slice_view import SliceView, Values


Signal = NDArray[np.float64]

_UNKNOWN: Mapping[str, Spacing] = {}


def measure_slices(
    root: Path,
    slices: Sequence[Slice],
    settings: Settings,
    spread: int | Execution = 1,
    progress: Callable[[], None] | None = None,
    maps: LabelMaps | None = None,
    dixon: DixonSource | None = None,
    source: ContourSource = BESIDE,
    spacings: Mapping[str, Spacing] = _UNKNOWN,
) -> list[SliceResult]:
    """Measure slices of the folder ``root``, in their order; the results do not depend on ``spread``.

    With ``maps``, label maps take the place of contours; with ``dixon``, the fat fraction that of grey.
    ``source``: where the contours lie, and which of them count; ``spacings``: of the pixels, by image, for
    the measures that are asked for.
    """
    from mriparaspinal.measure.pack import unpack

    how = Execution(spread) if isinstance(spread, int) else spread
    if how.scheduler is not None:
        # Workers elsewhere know nothing of the folder that the command was given in.
        root = root.absolute()
        maps = maps and maps.absolute()
        dixon = dixon and replace(dixon, fat=dixon.fat.absolute(), water=dixon.water.absolute())
        source = replace(source, folder=source.folder and source.folder.absolute())
    measure: Callable[[Slice], SliceResult]
    known = spacings if settings.measures else _UNKNOWN
    measure = partial(
        measure_slice, root, settings=settings, maps=maps, dixon=dixon, source=source, spacings=known
    )
    if how.scheduler is not None:
        measure = partial(_measure_elsewhere, root, measure)
    if how.timeout is not None:
        measure = partial(in_time, measure, partial(_timed_out, how.timeout), how.timeout)
    # Closed, so that processes end with an error here, too.
    with closing(map_in_order(partial(_packed, measure), slices, how, progress)) as packed:
        return [unpack(slice_, raw) for slice_, raw in zip(slices, packed, strict=True)]


def _packed(measure: Callable[[Slice], SliceResult], slice_: Slice) -> bytes:
    """A slice's result as bytes, which travel between processes at little cost."""
    from mriparaspinal.measure.pack import pack

    return pack(measure(slice_))


def _measure_elsewhere(root: Path, measure: Callable[[Slice], SliceResult], slice_: Slice) -> SliceResult:
    """On another machine, which may lack the folder: else each slice would be an error of its own."""
    if not root.is_dir():
        found = f"no such folder on the worker {platform.node()}; expected the same path on each machine"
        raise NoInputError(f"{root}: {found}; mount the shared folder there")
    return measure(slice_)


def _timed_out(seconds: float, slice_: Slice) -> SliceResult:
    message = f"no result within {seconds:g} s; expected the slice to be read and measured in that time"
    remedy = "look at the disk or network drive that it lies on, or give a longer --timeout"
    problem = Problem(slice_.name, "", "error", "timed-out", message, remedy)
    return _lost(slice_, OpenSlice(problems=[problem]))


def measure_slice(
    root: Path,
    slice_: Slice,
    settings: Settings,
    maps: LabelMaps | None = None,
    dixon: DixonSource | None = None,
    source: ContourSource = BESIDE,
    spacings: Mapping[str, Spacing] = _UNKNOWN,
) -> SliceResult:
    """Count every region of one slice. What is wrong with it becomes problems, never an exception."""
    if maps is None:
        found = read_slice(root, slice_, settings, source)
    else:
        found = read_mapped(root, slice_, settings, maps, source)
    return measure_read(found, slice_, settings, dixon, spacings.get(slice_.name))


def measure_read(
    found: OpenSlice,
    slice_: Slice,
    settings: Settings,
    dixon: DixonSource | None = None,
    spacing_mm: Spacing | None = None,
) -> SliceResult:
    """Count every region of a slice that was read; what is found wrong is added to its problems."""
    if found.image is None or found.anatomy is None:
        return _lost(slice_, found)
    anatomy = found.anatomy
    counts = {}
    threshold = None
    fit = None
    more: Values = {}
    if anatomy.patches:
        # Only the part under the contours and under their mirror image becomes an array: copying the rest
        # takes longer than counting.
        columns, rows = found.image.size
        frame = frame_of(anatomy.patches.values())
        margin = min(frame.left, columns - frame.right)
        frame = frame._replace(left=margin, right=columns - margin)
        grey = np.asarray(found.image.crop(frame))
        patches = {
            key: patch.moved(-frame.top, -frame.left)
            for key, patch in anatomy.patches.items()
            if key[0] not in FASCIA
        }
        ours = {key: patch for key, patch in patches.items() if key[0] in OURS}
        fit = None if _explained(found.problems, ours) else mirror_fit(grey, ours)
        found.problems += _implausible(grey, patches, rows * columns, found.problems, slice_, settings)
        threshold = slice_threshold(grey, patches, settings, slice_, found.problems)
        signals = None if dixon is None else _signals(dixon, slice_, found)
        if threshold is None or (dixon is not None and signals is None):
            return _lost(slice_, found)
        for key, patch in patches.items():
            counts[key] = count_region(grey, patch, anatomy.areas_px[key], threshold)
            if signals is not None:
                fat_px, sums = dixon_sums(*signals, anatomy.patches[key], threshold)
                counts[key] = replace(counts[key], fat_px=fat_px, dixon=sums)
        if settings.measures:
            more = _measures(found, slice_, settings, threshold, signals, spacing_mm)
    return SliceResult(
        slice_,
        counts,
        frozenset(anatomy.seen),
        True,
        tuple(found.problems),
        tuple(found.sha256),
        threshold,
        found.deep,
        fit,
        drawing_digest(anatomy.contours) if counts else b"",
        found.draft,
        found.as_drawn,
        found.left_out,
        found.ignored,
        _several(anatomy),
        more,
    )


def _measures(
    found: OpenSlice,
    slice_: Slice,
    settings: Settings,
    threshold: float,
    signals: tuple[Signal, Signal] | None,
    spacing_mm: Spacing | None,
) -> Values:
    """What the measures asked for give of a slice; what is found wrong is added to its problems."""
    from mriparaspinal.measure.fat_distribution import crossing_outlines
    from mriparaspinal.measure.groups import values_of
    from mriparaspinal.measure.slice_view import SliceView

    assert found.image is not None  # only slices that can be measured come here
    assert found.anatomy is not None
    grey, patches = np.asarray(found.image), found.anatomy.patches
    if signals is None:
        fat = grey > threshold
    else:
        whole = signals[0] + signals[1]
        # No fat where there is no signal, or no value.
        fat = np.divide(signals[0], whole, out=np.zeros(whole.shape), where=whole > 0) > threshold
    if "signal" in settings.measures and settings.fat_rule != "reference" and (SAT, "") in patches:
        found.problems += _saturated(grey, patches, slice_, "ratio to it is too high")
    masks = {key: patch.full(grey.shape) for key, patch in patches.items()}
    if "distribution" in settings.measures:
        found.problems += crossing_outlines(masks, slice_.annotation)
    reference = settings.reference or ""
    view = SliceView(grey, masks, fat, spacing_mm, settings.image_left, reference, settings.muscles)
    if "signal" in settings.measures:
        found.problems += _clipped_reference(view, slice_)
    return values_of(view, settings.measures)


def _several(anatomy: Anatomy) -> tuple[str, ...]:
    """The muscles that several contours are labelled as."""
    drawn = [key for key, _ in anatomy.contours]
    if len(set(drawn)) == len(drawn):
        return ()
    muscles = [key for key in anatomy.patches if key[1] and key[0] not in FASCIA]
    return tuple(str(Region(*key)) for key in muscles if drawn.count(key) > 1)


#: What tells already that contours do not lie where they belong: a better fit elsewhere follows from it.
_MISPLACED = {"off-centre", "leaves-image", "embedded-differs", "embedded-other-size"}


def _explained(known: list[Problem], patches: Mapping[RegionKey, Patch]) -> bool:
    """Whether the fit to the mirror image would tell nothing new: no muscle is left, or it is known why."""
    return not any(side for _, side in patches) or any(problem.code in _MISPLACED for problem in known)


def _implausible(
    grey: NDArray[np.uint8],
    patches: Mapping[RegionKey, Patch],
    image_px: int,
    known: list[Problem],
    slice_: Slice,
    settings: Settings,
) -> list[Problem]:
    """Warnings about regions without signal, grey levels of another scale, and areas that no muscle has."""
    name = slice_.annotation
    problems = []
    if dark := without_signal(grey, patches):
        labels = ", ".join(str(Region(*key)) for key in dark)
        found = "all pixels of the region have one grey level; expected tissue, whose grey levels scatter"
        remedy = "check on an overlay that the contours were drawn on this image"
        problems.append(Problem(name, labels, "warning", "no-signal", found, remedy))
    elif settings.fat_rule == "fixed" and all(problem.code != "embedded-differs" for problem in known):
        ours = {key: patch for key, patch in patches.items() if key[0] in OURS}
        finding = unusual_levels(grey, ours, settings.threshold)
        problems += [Problem(slice_.name, "", "warning", *finding)] if finding else []
    areas = {key: int(np.count_nonzero(patch.pixels)) for key, patch in patches.items()}
    # Contours that leave the image have been told of: their areas follow from that.
    leave = any(problem.code == "leaves-image" for problem in known)
    for key, finding in () if leave else unusual_areas(areas, image_px):
        problems.append(Problem(name, str(Region(*key)), "warning", *finding))
    return problems


def slice_threshold(
    grey: NDArray[np.uint8],
    patches: Mapping[RegionKey, Patch],
    settings: Settings,
    slice_: Slice,
    problems: list[Problem],
) -> float | None:
    """The grey level above which a pixel of the slice is fat; None, with a problem, where there is none.

    ``grey`` (rows, columns), 8-bit, with ``patches`` placed on it. Rule ``dixon``: the fat fraction.
    """
    if settings.fat_rule == "fixed":
        return settings.threshold
    from mriparaspinal.measure.fat import DIXON_THRESHOLD, grey_threshold

    if settings.fat_rule == "dixon":
        return DIXON_THRESHOLD
    name = slice_.annotation
    try:
        known = {k: p for k, p in patches.items() if k[0] in OURS or k[0] not in settings.references}
        threshold = grey_threshold(settings.fat_rule, grey, known, settings.sat_fraction)
    except UnreadableError as error:
        problems.append(error.fault.at(name, "no-threshold").problem())
        return None
    if settings.fat_rule == "reference":
        problems += _saturated(grey, patches, slice_, "threshold is too low")
    return int(threshold) if threshold.is_integer() else threshold


def _saturated(
    grey: NDArray[np.uint8], patches: Mapping[RegionKey, Patch], slice_: Slice, outcome: str
) -> list[Problem]:
    """The warning that the window cuts subcutaneous fat off, where it does."""
    from mriparaspinal.measure.fat import is_saturated

    if not is_saturated(grey, patches):
        return []
    found = "the median of subcutaneous fat is white (255), clipped by the window; expected it below"
    remedy = f"export with a wider window: the {outcome} by an unknown part"
    return [Problem(slice_.annotation, SAT, "warning", "saturated-fat", found, remedy)]


def _clipped_reference(view: SliceView, slice_: Slice) -> list[Problem]:
    """The warning that the window cuts the reference off, where it does."""
    from mriparaspinal.measure.signal import clipped_reference

    if not (name := clipped_reference(view)):
        return []
    found = f"the median of {name} is black (0) or white (255), clipped by the window; expected it between"
    remedy = "export with a wider window: reference_ratio is wrong by an unknown part"
    return [Problem(slice_.annotation, name, "warning", "clipped-reference", found, remedy)]


def _signals(dixon: DixonSource, slice_: Slice, found: OpenSlice) -> tuple[Signal, Signal] | None:
    """Fat and water of the slice, (rows, columns) each; None, with a problem, where there are none."""
    from mriparaspinal.dataset.dixon import read_dixon

    assert found.image is not None  # only slices that can be measured come here
    columns, rows = found.image.size
    try:
        read = read_dixon(dixon, slice_, (rows, columns))
    except UnreadableError as error:
        found.problems.append(error.fault.at(slice_.name, "no-dixon").problem())
        return None
    found.sha256 += read.sha256
    found.problems += [remark.problem("warning") for remark in read.remarks]
    return read.fat, read.water


def _lost(slice_: Slice, found: OpenSlice) -> SliceResult:
    return SliceResult(
        slice_,
        {},
        frozenset(),
        False,
        tuple(found.problems),
        tuple(found.sha256),
        left_out=found.left_out,
    )
