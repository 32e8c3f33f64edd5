"""The protocol of a study in one paragraph for a methods section, and the commands that repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import SEGMENTS, SPINE, Settings
from mriparaspinal.core.names import CHOICE_OF_OMNIBUS, MUSCLE_NAMES, NORMALITY_NAMES, REFERENCE_NAMES
from mriparaspinal.core.text import count_of, join_names
from mriparaspinal.io.manifest import ContoursRecord
from mriparaspinal.io.numberings import NUMBERINGS, VALUES
from mriparaspinal.stats.on_request import NOTHING, OnRequest

CITATION = (
    "Ren Y, Han X, Zhang K, et al. MRI abnormal patterns of lumbar paraspinal muscles in patients with "
    "amyotrophic lateral sclerosis and lumbosacral radiculopathy: a comparative study. Front. Neurol. "
    "2026;17:1751139. doi 10.3389/fneur.2026.1751139"
)

#: Contours beside the images, all judged.
_BESIDE = ContoursRecord()


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What the paragraph is about."""

    version: str
    """Of mriparaspinal, as it measured."""
    settings: Settings
    """As they were used; ``reference`` is what areas were divided by, None for nothing."""
    muscles: tuple[str, ...]
    segments: tuple[str, ...]
    participants: int
    slices: int
    """Those that were measured."""
    libraries: Mapping[str, str]
    """Name → version of what measured; with a comparison, of what compared, too."""
    sessions: tuple[str, ...] = ()
    """Of a follow-up."""
    at: str = ""
    """The session of these that a comparison is of; empty where there are none."""
    several_slices: bool = False
    """Whether some segment of a participant has several slices."""
    compared: bool = False
    normality: str = "lilliefors"
    divide_by: str | None = None
    asked: OnRequest = NOTHING
    groups: str | None = None
    sides_compared: bool = False
    drafts: int = 0
    """Slices that were measured though nobody had judged their contours."""
    as_drawn: int = 0
    """Contours that a person let stand as the program drew them."""
    excluded: tuple[int, int] = (0, 0)
    """Slices and single regions that a review leaves out."""
    contours: ContoursRecord = _BESIDE
    noted: frozenset[str] = frozenset()
    """Codes of the problems that were told when it was measured."""


def methods_paragraph(study: StudyFacts) -> str:
    """The protocol in plain text; only what was really done is in it."""
    return " ".join([*_measurement(study), *_statistics(study), _software(study)])


def _measurement(study: StudyFacts) -> list[str]:
    settings = study.settings
    slices = "axial MRI slice" if study.slices == 1 else "axial MRI slices"
    people = "participant" if study.participants == 1 else "participants"
    if study.sessions:
        people += f" in {count_of(len(study.sessions), 'session')} ({', '.join(study.sessions)})"
    lumbar = "lumbar segments" if set(study.segments) <= set(SEGMENTS) else "segments"
    sentences = [
        f"On {study.slices} {slices} of {study.participants} {people} ({lumbar} "
        f"{_range(study.segments)}), {_regions(study)} with mriparaspinal "
        f"{study.version}, after Ren et al. (2026).",
        _masks(settings),
        *[words for code, words in _MADE.items() if code in study.noted],
        _fat(settings),
    ]
    if settings.reference:
        known = REFERENCE_NAMES.get(settings.reference)
        reference = f"region {settings.reference}" if known is None else known.long
        sentences.append(
            "Relative cross-sectional area (rCSA) is the muscle’s number of pixels divided by that of the "
            f"{reference} on the same slice."
        )
    if settings.measures:
        sentences.append(f"Further measures were taken: {join_names(settings.measures)}.")
    sentences += _judged(study)
    sentences.append("For both sides together, pixels were added before dividing.")
    if study.several_slices:
        sentences.append(
            "Where a segment has several slices, areas are means and ratios are pooled over them."
        )
    shown = "right" if settings.image_left == "right" else "left"
    sentences.append(f"Sides are the patient’s; the left of the image was taken for the patient’s {shown}.")
    return sentences


def _regions(study: StudyFacts) -> str:
    """What was measured, by name: muscles and regions of the study's own."""
    names = {name: MUSCLE_NAMES[name].long if name in MUSCLE_NAMES else name for name in study.muscles}
    sided = [text for name, text in names.items() if len(study.settings.sides_of(name)) > 1]
    alone = [text for name, text in names.items() if len(study.settings.sides_of(name)) == 1]
    told = [f"{join_names(sided)} were measured on both sides"] if sided else []
    told += (
        [f"{join_names(alone)} {'was' if len(alone) == 1 else 'were'} measured as a whole"] if alone else []
    )
    return " and ".join(told)


def _masks(settings: Settings) -> str:
    if settings.mask_rule == "mask":
        return "The regions are those of label maps, pixel by pixel."
    pixels = (
        "the pixels whose centre lies inside the contour"
        if settings.mask_rule == "centre"
        else "the pixels that Pillow fills, boundary included, as in LabelMe’s own masks"
    )
    return f"Contours were drawn in LabelMe; a region is {pixels}."


#: What of label maps is the program's own work, by the code of the warning.
_MADE = {
    "derived-disc": (
        "Where a label map had vertebrae and no intervertebral disc, the disc was derived: its outline was "
        "interpolated between the endplates of the vertebrae above and below by their signed distances."
    ),
    "sides-split": (
        "Where a label map held both sides of a muscle in one number, each connected part was assigned to "
        "the side of the reference structure on which its centroid lies, or without one, of the middle "
        "between the muscles of the two sides."
    ),
}


def _fat(settings: Settings) -> str:
    window = ""
    if settings.window is not None:
        low, high = settings.window
        window = f", grey levels {low:g} to {high:g} mapped to 0–255"
    rules = {
        "fixed": f"grey level is above {settings.threshold} (8-bit images{window})",
        "otsu": f"grey level is above Otsu’s threshold of the slice’s muscles (8-bit images{window})",
        "multiotsu": (
            "grey level is above the upper of two thresholds by Otsu’s method for three classes over the "
            f"slice’s muscles (8-bit images{window})"
        ),
        "reference": (
            f"grey level is above {settings.sat_fraction:g} × the median of subcutaneous fat on the slice "
            f"(8-bit images{window})"
        ),
        "dixon": "fat fraction, fat / (fat + water) of Dixon images, is above 0.5",
    }
    return f"Fatty infiltration (FI) is the share of a muscle’s pixels whose {rules[settings.fat_rule]}."


def _statistics(study: StudyFacts) -> list[str]:
    if not study.compared:
        return []
    sentences = [
        f"Normality was judged by the {NORMALITY_NAMES[study.normality]}; two normal arms were "
        "compared by Student’s t-test, or Welch’s where Levene’s test found unequal variances, all others by "
        "the Mann–Whitney U test, two-sided.",
        "p-values were adjusted by Benjamini and Hochberg within each contrast; effect sizes are Hedges’ g "
        "or the rank-biserial correlation, with 95 % confidence intervals.",
    ]
    if study.sides_compared:
        sentences.append(
            "The sides of one participant were compared as independent samples, and also by the paired "
            "t-test or Wilcoxon’s signed-rank test."
        )
    margins = ", ".join(f"{margin:g} ({metric})" for metric, margin in study.asked.margins.items())
    if margins:
        sentences.append(f"Equivalence within {margins} was tested by two one-sided tests.")
    if study.asked.permutations is not None:
        sentences.append(
            "p-values were also adjusted by step-down max-T permutation (Westfall and Young 1993) within "
            f"each contrast, with {study.asked.permutations} random arrangements, or all of fewer."
        )
    if study.groups:
        sentences.append(
            f"The groups of {study.groups} were also tested all at once ({CHOICE_OF_OMNIBUS}), and all pairs "
            "by Tukey’s, Games and Howell’s or Dunn’s test (Holm’s adjustment)."
        )
    if study.divide_by:
        sentences.append(f"For the comparisons each metric was divided by {study.divide_by}.")
    return sentences


def _judged(study: StudyFacts) -> list[str]:
    """What is to be known of drafts, and of a review."""
    sentences = []
    if study.drafts:
        whose = "contours that the program drafted and nobody has judged"
        verb = "has" if study.drafts == 1 else "have"
        sentences.append(f"{count_of(study.drafts, 'slice')} {verb} {whose}.")
    if study.as_drawn:
        verb = "was" if study.as_drawn == 1 else "were"
        sentences.append(f"{count_of(study.as_drawn, 'contour')} {verb} accepted as drawn by the program.")
    slices, regions = study.excluded
    told = [count_of(n, what) for n, what in ((slices, "slice"), (regions, "single region")) if n]
    if told:
        verb = "was" if slices + regions == 1 else "were"
        sentences.append(f"{join_names(told)} {verb} excluded after review.")
    return sentences


def _software(study: StudyFacts) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in study.libraries.items())
    return f"Software: {versions}. Protocol: {CITATION}."


def commands(
    settings: Settings,
    contrasts: Sequence[str] = (),
    compared: bool = True,
    contours: ContoursRecord = _BESIDE,
    asked: OnRequest = NOTHING,
    numberings: Sequence[Mapping[int, str]] = (),
) -> list[str]:
    """The commands that repeat the study, with DATASET and RESULTS for its folders.

    ``numberings``: of the folders of label maps.
    """
    masks = _mask_folders(numberings) if settings.mask_rule == "mask" else []
    words = ["mriparaspinal", "quantify", "DATASET", "--out", "RESULTS", *_flags(settings, masks)]
    words += _numberings(numberings)
    elsewhere = ["--annotations", "ANNOTATIONS"] if contours.annotations else []
    words += elsewhere
    words += ["--review", "review.csv"] if contours.excluded else []
    words += ["--accept-drafts"] if contours.accept_drafts else []
    lines = [shlex.join(words)]
    if compared:
        chosen = [word for text in contrasts for word in ("--contrast", text)]
        more = [word for metric, x in asked.margins.items() for word in ("--margin", f"{metric}={x!r}")]
        if asked.permutations is not None:
            more += ["--max-t", str(asked.permutations), "--seed", str(asked.seed)]
        words = ["mriparaspinal", "compare", "RESULTS", *chosen, *more, "--out", "COMPARISON"]
        lines.append(shlex.join(words))
    beside = ["--comparison", "COMPARISON"] if compared else []
    report = ["report", "RESULTS", "--dataset", "DATASET", *masks, *elsewhere, *beside]
    report += ["--out", "report.html"]
    return [*lines, shlex.join(["mriparaspinal", *report])]


def _mask_folders(numberings: Sequence[Mapping[int, str]]) -> list[str]:
    several = range(1, len(numberings) + 1) if len(numberings) > 1 else [""]
    return [word for number in several for word in ("--masks", f"MASKS{number}")]


def _numberings(tables: Sequence[Mapping[int, str]]) -> list[str]:
    """What the numbers of the label maps mean; our own maps, and a file for each structure, tell it."""
    ours = {value: str(Region(*key)) for key, value in VALUES.items()}
    others = [dict(table) for table in tables if table and not ours.items() <= table.items()]
    names = [
        next((name for name, known in NUMBERINGS.items() if known == table), "TABLE.csv") for table in others
    ]
    return [word for name in names for word in ("--numbering", name)]


def _flags(settings: Settings, masks: Sequence[str]) -> list[str]:
    """Every setting that has a flag and is not the default, and the threshold in any case."""
    default = Settings()
    flags = ["--fat-rule", settings.fat_rule] if settings.fat_rule != default.fat_rule else []
    if settings.fat_rule == "fixed":
        flags += ["--threshold", str(settings.threshold)]
    if settings.fat_rule == "reference":
        flags += ["--sat-fraction", f"{settings.sat_fraction:g}"]
    if settings.fat_rule == "dixon":
        flags += ["--fat", "FAT", "--water", "WATER", *["--same-voxels"] * settings.same_voxels]
    flags += masks
    if settings.mask_rule not in (default.mask_rule, "mask"):
        flags += ["--mask-rule", settings.mask_rule]
    if settings.affine:
        flags += ["--affine", settings.affine]
    if settings.image_left != default.image_left:
        flags += ["--image-left", settings.image_left]
    if settings.reference:
        flags += ["--reference", settings.reference]
    if settings.patient_from != default.patient_from:
        flags += ["--patient-from", settings.patient_from]
    if settings.name_pattern:
        flags += ["--name-pattern", settings.name_pattern]
    if settings.window:
        flags += ["--window", f"{settings.window[0]:g},{settings.window[1]:g}"]
    for measure in settings.measures:
        flags += ["--measure", measure]
    return flags


def _range(segments: Sequence[str]) -> str:
    """Segments in words.

    >>> _range(("L1", "L2", "L3")), _range(("L3", "L5")), _range(("L4",))
    ('L1–L3', 'L3, L5', 'L4')
    """
    numbers = [SPINE.index(name) for name in segments]
    if len(numbers) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{segments[0]}–{segments[-1]}"
    return ", ".join(segments)
