"""Where the contours of a dataset lie, and which of them count: drafts, and what readers judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mriparaspinal.core.draft_mark import contour_hash
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import REVIEW
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import WHOLE, Contour, Problem, Slice
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import and_more

REVIEWED = "reviewed"
LOOK_AGAIN = "look-again"
EXCLUDE = "exclude"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one reader says of a slice or of one region of it."""

    image: str
    """Name relative to the dataset, with forward slashes."""
    region: tuple[str, str]
    """Region and side, or :data:`WHOLE`."""
    reader: str
    verdict: str
    """``reviewed``, ``look-again`` or ``exclude``."""
    reason: str

    @property
    def what(self) -> str:
        """What is judged, in words: a region's label, or the slice."""
        return "the slice" if self.region == WHOLE else str(Region(*self.region))

    def problem(self, image: str) -> Problem:
        """The warning that is told of it; ``image``: its name as it stands on the disk."""
        shape = "" if self.region == WHOLE else self.what
        why = f" ({self.reason})" if self.reason else ""
        if self.verdict == EXCLUDE:
            found = f"{self.what} is excluded by the review{why}; expected no number of it"
            remedy = "nothing to do; of a stack, the segment has no row without it"
            return Problem(image, shape, "warning", "excluded-by-review", found, remedy)
        found = f"{self.what} is to be looked at again{why}; expected a judgement: it is measured"
        return Problem(image, shape, "warning", LOOK_AGAIN, found, "look at it, and judge it in review.csv")


@dataclass(frozen=True, slots=True)
class ContourSource:
    """Where contours lie, and which of them count."""

    folder: Path | None = None
    """The folder of the LabelMe files; None: they lie in the dataset."""
    accept_drafts: bool = False
    """Measure contours that nobody has judged."""
    drawn: Mapping[str, frozenset[str]] | None = None
    """Image → hashes of the contours that the program drew, of ``drafts.csv``; None: there is none."""
    judgements: tuple[Judgement, ...] | None = None
    """What readers judged; None: no review was given."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the tables of this."""
    review: str = REVIEW
    """The name of the table of judgements, for messages."""
    _judged: Mapping[str, tuple[Judgement, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        judged: dict[str, tuple[Judgement, ...]] = {}
        for one in self.judgements or ():
            if one.verdict != REVIEWED:
                image = composed(one.image)
                judged[image] = (*judged.get(image, ()), one)
        object.__setattr__(self, "_judged", judged)

    @property
    def name(self) -> str:
        """The name of the folder of contours; empty where they lie in the dataset."""
        return "" if self.folder is None else self.folder.name or self.folder.resolve().name

    def judged(self, image: str) -> tuple[Judgement, ...]:
        """What there is to say of an image and its regions."""
        return self._judged.get(composed(image), ())

    def left_out(self, image: str) -> frozenset[tuple[str, str]]:
        """The regions of an image that are left out; :data:`WHOLE` for all."""
        return frozenset([one.region for one in self.judged(image) if one.verdict == EXCLUDE])

    def as_drawn(self, slice_: Slice, contours: Iterable[Contour]) -> int:
        """How many contours of a slice are still as the program drew them."""
        hashes = (self.drawn or {}).get(composed(slice_.name))
        return sum(contour_hash(contour.points) in hashes for contour in contours) if hashes else 0


#: Contours beside the images, no drafts.
BESIDE = ContourSource()


def agreed(judgements: Sequence[Judgement], images: Iterable[str], file: str) -> tuple[Judgement, ...]:
    """One judgement of each slice and region.

    ``images``: the names of all images of the dataset; ``file``: what messages call the table. Raises
    :class:`UsageError`, with a line each, for images that are not there, readers who disagree, and a slice
    that is excluded with a region of it that is to be measured.
    """
    there = {composed(name) for name in images}
    faults = []
    unknown = dict.fromkeys(one.image for one in judgements if composed(one.image) not in there)
    for image in unknown:
        expected = f"one of {and_more(sorted(there), 3)}" if there else "images in the dataset"
        remedy = "correct the name; names of a blinded reading are given back by unblind"
        faults.append(f"{file}: {image}: no such image in the dataset; expected {expected}; {remedy}")
    by_region: dict[tuple[str, tuple[str, str]], list[Judgement]] = {}
    for one in judgements:
        by_region.setdefault((composed(one.image), one.region), []).append(one)
    for (image, _), several in by_region.items():
        if len({one.verdict for one in several}) > 1:
            said = ", ".join(f"{one.reader or 'a reader without a name'}: {one.verdict}" for one in several)
            found = f"{image}: {several[0].what} is judged in two ways ({said})"
            faults.append(f"{file}: {found}; expected one verdict; settle it, and delete the other rows")
    kept = {key: several[0] for key, several in by_region.items()}
    for (image, region), one in kept.items():
        whole = kept.get((image, WHOLE))
        if region != WHOLE and one.verdict != EXCLUDE and whole and whole.verdict == EXCLUDE:
            found = f"{image}: the slice is excluded, and {one.what} of it is {one.verdict}"
            faults.append(f"{file}: {found}; expected one of the two; delete one of these rows")
    if faults:
        raise UsageError("\n".join(faults))
    return tuple(kept.values())
