"""The plain data that the steps hand to each other. Units are part of the names or of their descriptions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Side = Literal["left", "right", "both"]

MaskRule = Literal["labelme", "centre", "mask"]
"""How contours become pixels; ``mask`` where label maps are measured, which need no rule."""

FatRule = Literal["fixed", "otsu", "multiotsu", "reference", "dixon"]

SEGMENTS = ("L1", "L2", "L3", "L4", "L5")

#: All segments that a protocol may declare, from the head down.
SPINE = (
    *(f"C{n}" for n in range(1, 8)),
    *(f"T{n}" for n in range(1, 13)),
    *SEGMENTS,
    *(f"S{n}" for n in range(1, 6)),
)

MUSCLES = ("MF", "ES", "PM", "QL")

REFERENCES = ("IVD", "VB")

#: Subcutaneous fat, from which the fat rule ``reference`` takes its threshold.
SAT = "SAT"

#: Optional contours that tell the fat outside of a muscle from that within: its second outline, along the
#: fascia or the muscle itself, and the fat between erector spinae and fascia (the epimuscular fat, or tent).
FASCIA = ("MF_CSA", "ES_CSA", "EFT")

#: The regions that are always known, but for :data:`FASCIA`; others are a study's own.
OURS = frozenset((*MUSCLES, *REFERENCES, SAT))

SIDES: tuple[Side, ...] = ("left", "right", "both")

#: The muscles of the paper: a slice where one of them is missing is a problem, without QL it is not.
EXPECTED_MUSCLES = ("MF", "ES", "PM")


def printable(text: str) -> str:
    r"""A text as one line: names of files and cells may hold what ends a line, or steers a terminal.

    >>> print(printable("a\tb\x1b[2J"))
    a\tb\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about the input; the fields are the columns of ``problems.csv``."""

    file: str
    """Name relative to the dataset folder, with forward slashes."""
    shape: str
    """The label of the contour, or empty if it concerns the file."""
    severity: Literal["error", "warning"]
    code: str
    message: str
    """What was found; what was expected."""
    remedy: str
    """What to do."""

    def line(self) -> str:
        """The finding as one line for a terminal.

        >>> Problem("a.png", "", "error", "bad-name", "found this; expected that", "rename it").line()
        'a.png: error: found this; expected that; rename it'
        """
        where = f"{self.file}: {self.shape}" if self.shape else self.file
        return printable(f"{where}: {self.severity}: {self.message}; {self.remedy}")


@dataclass(frozen=True, slots=True)
class OwnRegion:
    """A region that a study declares beside ours, such as the dural sac."""

    name: str
    """As in the tables and, with ``_L`` or ``_R``, in labels: a capital, then letters and digits."""
    sided: bool = True
    """Whether there is one on each side of the patient."""
    names: tuple[str, ...] = ()
    """How else labels may call it."""
    colour: str = ""
    """``#rrggbb``; empty: one of those that are left."""
    expected: bool = False
    """Whether a slice without it is a problem."""


def is_sided(name: str, own: Sequence[OwnRegion]) -> bool:
    """Whether there is such a region on each side of the patient; ``own``: the study's own ones."""
    return name in (*MUSCLES, *FASCIA) or any(one.sided for one in own if one.name == name)


#: Colours for regions of one's own (Tol's muted scheme, without those that look like ours).
_OWN_COLOURS = ("#44aa99", "#aa4499", "#999933", "#88ccee", "#ddcc77", "#cc6677", "#117733", "#882255")


@dataclass(frozen=True, slots=True)
class Settings:
    """The protocol of a measurement: everything that can change a number."""

    threshold: int = 50
    """Grey level 0–255; a pixel strictly brighter is fat."""
    mask_rule: MaskRule = "labelme"
    image_left: Side = "right"
    """The patient's side that the left of the image shows; ``right`` is the radiological display."""
    reference: str | None = None
    """``IVD``, ``VB`` or a region of one's own; None: the one kind of disc or body that the dataset has."""
    patient_from: Literal["name", "folder"] = "name"
    name_pattern: str | None = None
    window: tuple[float, float] | None = None
    """Grey levels (LOW, HIGH) that are mapped to 0 and 255 in images of more than 8 bits."""
    labels: tuple[tuple[str, str], ...] = ()
    """Aliases: (label in the files, label of the contract)."""
    contrasts: tuple[str, ...] = ()
    """The contrasts of the protocol, in the spelling of ``compare --contrast``."""
    normality: str = "lilliefors"
    """The test of normality of the comparisons, ``lilliefors`` or ``shapiro``."""
    divide_by: str | None = None
    """The column of the participants by which the comparisons divide each metric."""
    fat_rule: FatRule = "fixed"
    """Rule that decides which pixels are fat; ``threshold`` is for ``fixed`` alone."""
    sat_fraction: float = 0.5
    """Rule ``reference``: the threshold is this fraction of the median of subcutaneous fat."""
    same_voxels: bool = False
    """Rule ``dixon``: water is taken voxel by voxel as fat, whatever its header says of the origin."""
    affine: Literal["qform", "sform"] | None = None
    """Which position of a NIfTI header counts if its two disagree; None: they must not, or one is clear."""
    measures: tuple[str, ...] = ()
    """Groups of further columns (``signal``, ``shape`` …), in the order of their columns."""
    regions: tuple[OwnRegion, ...] = ()
    """Regions of one's own, in the order of the tables."""
    segments: tuple[str, ...] = ()
    """The segments of the study; empty: L1 to L5."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The segments of the study, from the head down."""
        return tuple(name for name in SPINE if name in self.segments) or SEGMENTS

    @property
    def muscles(self) -> tuple[str, ...]:
        """What has rows, in their order: the muscles, then one's own regions but for the reference."""
        return (*MUSCLES, *(region.name for region in self.regions if region.name != self.reference))

    @property
    def references(self) -> tuple[str, ...]:
        """What areas can be divided by in this study."""
        return (*REFERENCES, *(region.name for region in self.regions if region.name == self.reference))

    def sides_of(self, name: str) -> tuple[str, ...]:
        """``left`` and ``right`` for what lies on either side of the patient, an empty one for others."""
        return ("left", "right") if is_sided(name, self.regions) else ("",)

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Every region with its side that is drawn in this study: what has rows, then what divides."""
        return tuple(
            (name, side) for name in (*self.muscles, *self.references) for side in self.sides_of(name)
        )

    @property
    def own_colours(self) -> dict[str, str]:
        """``#rrggbb`` of each region of one's own."""
        left = [
            colour for colour in _OWN_COLOURS if colour not in {r.colour.casefold() for r in self.regions}
        ]
        given = (region.colour or left[i % len(left)] for i, region in enumerate(self.regions))
        return {region.name: colour for region, colour in zip(self.regions, given, strict=True)}


#: What the program does to regions of label maps, by the code of the warning, which is a flag of shapes, too.
MADE = DERIVED_DISC, SIDES_SPLIT = "derived-disc", "sides-split"

#: The protocol of a study that says nothing.
DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Contour:
    """One shape of a LabelMe file. Coordinates are pixels, (column, row), pixel (0, 0) at the top left."""

    label: str
    shape_type: str
    points: tuple[tuple[float, float], ...]
    mask: NDArray[np.bool_] | None = field(default=None, compare=False)
    """Pixels of a shape of type ``mask``, (rows, columns); its first point is the upper left one."""
    made: str = field(default="", compare=False)
    """One of :data:`MADE`, where the program did more than to take a contour over."""
    xy: NDArray[np.float64] = field(init=False, compare=False, repr=False)
    """The points as an array of (n, 2)."""

    def __post_init__(self) -> None:
        import numpy as np  # here, so that ``--help`` does without it

        # Twice as fast as np.array, which looks at every pair by itself: this runs for every contour.
        numbers = np.fromiter(chain.from_iterable(self.points), np.float64, 2 * len(self.points))
        object.__setattr__(self, "xy", numbers.reshape(-1, 2))


@dataclass(frozen=True, slots=True)
class Slice:
    """One axial image and its contours: who it belongs to, and the two files, relative to the dataset."""

    participant_id: str
    group: str
    segment: str
    image: str | None
    annotation: str
    """The LabelMe file, or the image itself where label maps take its place."""
    letter: str = ""
    """Tells several slices of one segment apart, as ``a`` in ``ALS_7_3_a.png``; empty for the only one."""
    session: str = ""
    """Which scan of the participant, as ``v2`` in ``ALS_7_v2_3.png``; empty where there is one only."""

    @property
    def visit(self) -> str:
        """Participant and session, for sentences: ``ALS_7 v2``."""
        return f"{self.participant_id} {self.session}".rstrip()

    @property
    def scan(self) -> str:
        """What files of all slices of a participant, at one session, begin with: ``ALS_7_v2``."""
        return f"{self.participant_id}_{self.session}" if self.session else self.participant_id

    @property
    def name(self) -> str:
        """The file by which the tables name the slice."""
        return self.image or self.annotation


@dataclass(frozen=True, slots=True)
class DixonSums:
    """What fat and water images add up to in a region, over the voxels that have a signal."""

    voxels: int
    fraction_sum: float
    """Sum of fat / (fat + water) of each voxel."""
    fat_sum: float
    signal_sum: float
    """Sum of fat + water."""


@dataclass(frozen=True, slots=True)
class RegionCount:
    """What was counted in one region (a muscle on one side, or a reference) of one slice."""

    csa_px: int
    contour_area_px: float | None
    fat_px: int
    grey_sum: int
    dixon: DixonSums | None = None


#: In place of a region and its side: the slice as a whole.
WHOLE = ("", "")


@dataclass(frozen=True, slots=True)
class SliceResult:
    """All that measuring one slice gives; small, so that it travels between processes."""

    slice: Slice
    counts: dict[tuple[str, str], RegionCount]
    """By region and side (``left``, ``right``; empty for a reference)."""
    seen: frozenset[tuple[str, str]]
    """Every region and side that a label of the file names, measured or not."""
    measurable: bool
    """False if the slice was lost (its files could not be read)."""
    problems: tuple[Problem, ...]
    sha256: tuple[tuple[str, str], ...]
    """(file name relative to the dataset, SHA-256 of its bytes)."""
    threshold: float | None = None
    """The fat threshold of this slice: a grey level, or a fat fraction for the rule ``dixon``."""
    deep: bool = False
    """Whether the image has more than 8 bits, so that a window made its grey levels."""
    fit: tuple[float, float] | None = None
    """How far grey levels scatter within the regions, and within the mirrored ones."""
    drawing: bytes = b""
    """Tells the contours from those of other slices; empty where nothing was counted."""
    draft: bool = False
    """Whether the contours are a draft that nobody has judged, and were measured all the same."""
    as_drawn: int = 0
    """How many contours a person let stand as the program drew them."""
    left_out: frozenset[tuple[str, str]] = frozenset()
    """The regions that a review leaves out; :data:`WHOLE` for the slice."""
    ignored: tuple[str, ...] = ()
    """The labels that mean no region."""
    several: tuple[str, ...] = ()
    """The muscles that several contours are labelled as: ``MF_L``."""
    more: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    """What the measures asked for give, by muscle and side (``both``, too), then by column."""


def _about(doc: str, unit: str = "") -> dict[str, str]:
    """What a column means, for the data dictionary, and its unit."""
    return {"doc": doc, "unit": unit} if unit else {"doc": doc}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One row of ``L1.csv`` … ``L5.csv``; the fields are its columns, in order.

    Those with a default are columns only where a row has a value for them; those of ``more`` follow where
    their group was asked for.
    """

    participant_id: str = field(
        metadata=_about("who was measured: GROUP_N, or the name of the patient's folder")
    )
    group: str = field(metadata=_about("from the file name, such as ALS"))
    segment: str = field(metadata=_about("L1 to L5, or as segments in paraspinal.toml declares"))
    muscle: str = field(
        metadata=_about(
            "MF multifidus, ES erector spinae, PM psoas major, QL quadratus lumborum; "
            "then the regions that paraspinal.toml declares"
        )
    )
    side: Side = field(
        metadata=_about(
            "left or right of the patient, or both sides together; both for a region without sides"
        )
    )
    role: str = field(
        metadata=_about("symptomatic (the onset side), contralateral, bilateral; empty: onset side not known")
    )
    csa_px: float = field(
        metadata=_about("pixels of the mask; whole, but for the mean of several slices", "px")
    )
    csa_mm2: float | None = field(
        metadata=_about("csa_px × row spacing × column spacing; empty without slices.csv", "mm²")
    )
    contour_area_px: float | None = field(metadata=_about("area that the drawn contour encloses", "px²"))
    fat_px: float = field(metadata=_about("pixels of the mask that are fat: above the threshold", "px"))
    fi: float = field(metadata=_about("fatty infiltration, fat_px / csa_px", "0–1"))
    lean_px: float = field(metadata=_about("functional CSA, csa_px − fat_px", "px"))
    reference: str = field(
        metadata=_about("what areas are divided by: IVD disc, VB vertebral body, or a region of one's own")
    )
    reference_px: float | None = field(metadata=_about("pixels of the reference on the same slice", "px"))
    rcsa: float | None = field(metadata=_about("relative CSA, csa_px / reference_px", "ratio"))
    lean_rcsa: float | None = field(metadata=_about("lean_px / reference_px", "ratio"))
    mean_intensity: float = field(metadata=_about("mean grey level of the mask", "grey level"))
    asymmetry_pct: float | None = field(
        metadata=_about("on rows of both sides: 100 · |left − right| / ((left + right) / 2) of csa_px", "%")
    )
    threshold: float = field(
        metadata=_about("a pixel above it is fat", "grey level; fat fraction for the rule dixon")
    )
    fat_rule: str = field(
        metadata=_about("how the threshold was found: fixed, otsu, multiotsu, reference, dixon")
    )
    mask_rule: str = field(
        metadata=_about("how contours became pixels: labelme, centre; mask for label maps")
    )
    image: str = field(metadata=_about("the file that was measured"))
    fat_fraction_mean: float | None = field(
        default=None, metadata=_about("mean of fat / (fat + water); rule dixon", "0–1")
    )
    fat_fraction_pooled: float | None = field(
        default=None, metadata=_about("Σ fat / Σ (fat + water); rule dixon", "0–1")
    )
    slices: int | None = field(
        default=None, metadata=_about("how many slices of the segment the row stands for", "slices")
    )
    volume_ml: float | None = field(
        default=None, metadata=_about("of evenly spaced slices: the sum of area × slice spacing", "ml")
    )
    draft: int | None = field(
        default=None,
        metadata=_about("with --accept-drafts: 1 where nobody has judged the contours yet, else 0"),
    )
    session: str | None = field(
        default=None,
        metadata=_about("in a follow-up: which scan of the participant, such as v2"),
    )
    more: Mapping[str, float] = field(default_factory=dict)
    """By column of ``core/measure_columns.py``; no column of its own."""


#: The fields that are columns.
FIELDS = tuple(f for f in dataclasses.fields(Measurement) if f.name != "more")

#: The columns of ``L1.csv`` … ``L5.csv`` that are always there.
COLUMNS: tuple[str, ...] = tuple(f.name for f in FIELDS if f.default is dataclasses.MISSING)

#: Those that follow where a row has a value for them.
OPTIONAL_COLUMNS: tuple[str, ...] = tuple(f.name for f in FIELDS if f.default is not dataclasses.MISSING)

#: The columns of ``problems.csv``.
PROBLEM_COLUMNS: tuple[str, ...] = tuple(f.name for f in dataclasses.fields(Problem))

Spacing = tuple[float, float]
"""Row and column spacing of the pixels, in mm."""
