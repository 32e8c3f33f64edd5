"""A DICOM SEG file of drawn regions, by the package highdicom: the same regions give the same bytes.

It belongs to the study of its source images and has that study's attributes of the patient, as DICOM wants
it. No clock and no chance are in it: its UIDs are hashes of the source images' UIDs and the pixels (root
2.25), its date and time are the study's.
"""

from __future__ import annotations

import hashlib
import io
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from mriparaspinal import __version__
from mriparaspinal.core.errors import UsageError, unreadable
from mriparaspinal.core.labels import Region
from mriparaspinal.core.model import SAT
from mriparaspinal.imaging.planes import Plane
from mriparaspinal.imaging.slice_position import THICKNESS_MM
from mriparaspinal.io.dicom_header import fenced

#: Category and type by region, each a value of SNOMED CT and its meaning. ES, SAT and PM: DICOM PS3.16, CID
#: 7151, 7166 and 8134, which have none of psoas major: it is a skeletal muscle, and its label says which. MF,
#: QL: HL7's value set of body sites. VB: HL7's map of structures in radiotherapy. IVD: the code of any disc,
#: since one segment has the discs of all levels.
_STRUCTURE = ("91723000", "Anatomical Structure")
_TISSUE = ("85756007", "Tissue")
CODES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "MF": (_STRUCTURE, ("5709001", "Multifidus muscles")),
    "ES": (_STRUCTURE, ("44947003", "Erector spinae muscle")),
    "PM": (_STRUCTURE, ("127954009", "Skeletal muscle")),
    "QL": (_STRUCTURE, ("6001004", "Quadratus lumborum muscle")),
    "IVD": (_STRUCTURE, ("360499006", "Intervertebral disc")),
    "VB": (_STRUCTURE, ("3572006", "Body of vertebra")),
    SAT: (_TISSUE, ("71966008", "Subcutaneous tissue")),
}

#: Of a region of a study's own, as 3D Slicer codes what nobody has named.
_OTHER = (_TISSUE, ("85756007", "Tissue"))

_SIDES = {"left": ("7771000", "Left"), "right": ("24028007", "Right")}

#: Date and time of the content where the study has none: DICOM wants one, and the clock's changes.
NO_DATE, NO_TIME = "19000101", "000000"

#: Attributes that a source must have for highdicom, and may lack once it is de-identified.
_MAY_LACK = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip

_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID")


@dataclass(frozen=True, slots=True)
class SegmentedImage:
    """A source image, or a frame of one, and the regions on it, (rows, columns) as it is stored."""

    path: Path
    plane: Plane
    frame: bool
    """Whether it is one of several frames of its file."""
    regions: Mapping[tuple[str, str], NDArray[np.bool_]]
    slice_spacing_mm: float | None


def require_highdicom() -> None:
    """Raise :class:`UsageError` where highdicom is not installed."""
    try:
        import highdicom  # noqa: F401
    except ImportError:
        found = "highdicom: this package is not installed; expected it, for DICOM SEG"
        raise UsageError(f'{found}; run: pip install "mriparaspinal[dicom-seg]"') from None


def segmentation_bytes(images: Sequence[SegmentedImage], number: int, automatic: bool) -> bytes:
    """The SEG file, BINARY, of regions on images of one series (or frames of one file), orientation and grid.

    ``number``: which one of its participant, from 1; ``automatic``: whether a program drew some of the
    contours. Raises :class:`UnreadableError` for images that no SEG can refer to.
    """
    with fenced("the source image"):
        sources = [_source(image) for image in (images[:1] if images[0].frame else images)]
    keys = list(dict.fromkeys(key for image in images for key in image.regions))
    rows, columns = int(sources[0].Rows), int(sources[0].Columns)
    pixels = np.zeros((len(images), rows, columns, len(keys)), dtype=np.uint8)
    for frame, image in enumerate(images):
        for key, region in image.regions.items():
            pixels[frame, :, :, keys.index(key)] = region
    content = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = _made(sources, images, pixels, keys, number, automatic)
            made.save_as(content, enforce_file_format=True)
    except Exception:  # what an odd header makes highdicom raise can be anything, and quote it
        found = "source images that highdicom makes no segmentation of"
        remedy = "take the series as it came from the scanner"
        raise unreadable(found, "images with all that DICOM asks of them", remedy) from None
    return content.getvalue()


def _source(image: SegmentedImage) -> Dataset:
    source = pydicom.dcmread(image.path, stop_before_pixels=True)
    lacking = [name for name in _NEEDED if not source.get(name)]
    if lacking:
        found = f"a source image without {', '.join(lacking)}"
        raise unreadable(found, "them, which a SEG refers to", "take the series as it came from the scanner")
    for name in _MAY_LACK:
        if name not in source:
            setattr(source, name, "")
    if not source.get("SliceThickness"):
        source.SliceThickness = image.slice_spacing_mm or THICKNESS_MM
    if image.frame:
        # highdicom looks for them there alone; what is written is told by the frames' own places.
        shared, frame = source.SharedFunctionalGroupsSequence[0], source.PerFrameFunctionalGroupsSequence[0]
        for name in ("PixelMeasuresSequence", "PlaneOrientationSequence"):
            if name not in shared:
                setattr(shared, name, frame[name].value)
    return source


def _made(
    sources: Sequence[Dataset],
    images: Sequence[SegmentedImage],
    pixels: NDArray[np.uint8],
    keys: Sequence[tuple[str, str]],
    number: int,
    automatic: bool,
) -> Dataset:
    import highdicom as hd

    first, plane = sources[0], images[0].plane
    places = {}
    if images[0].frame:  # else they are the source images' own
        across = hd.PlaneOrientationSequence("PATIENT", (*plane.across, *plane.down))
        at = [hd.PlanePositionSequence("PATIENT", image.plane.position) for image in images]
        places = {"plane_orientation": across, "plane_positions": at}
    told = [str(source.SOPInstanceUID) for source in sources] + [
        str(image.plane.position) for image in images
    ]
    told += [str(Region(*key)) for key in keys] + [__version__, str(automatic), str(number)]
    digest = hashlib.sha256("\n".join(told).encode() + pixels.tobytes()).hexdigest()
    logger = logging.getLogger("highdicom")
    before, logger.disabled = logger.disabled, True
    try:
        made: Any = hd.seg.Segmentation(
            source_images=list(sources),
            pixel_array=pixels,
            segmentation_type="BINARY",
            segment_descriptions=[
                _description(hd, index, key, automatic) for index, key in enumerate(keys, 1)
            ],
            series_instance_uid=_uid(digest, "series"),
            series_number=900 + number,
            sop_instance_uid=_uid(digest, "instance"),
            instance_number=1,
            manufacturer="mriparaspinal",
            manufacturer_model_name="mriparaspinal masks",
            software_versions=__version__,
            device_serial_number="none",
            series_description="Segmentation of lumbar muscles",
            content_label="PARASPINAL",
            pixel_measures=hd.PixelMeasuresSequence(
                pixel_spacing=(plane.row_spacing_mm, plane.col_spacing_mm),
                slice_thickness=first.SliceThickness,
                spacing_between_slices=images[0].slice_spacing_mm,
            ),
            **places,
        )
    finally:
        logger.disabled = before
    made.ContentDate = str(first.StudyDate or NO_DATE)
    made.ContentTime = str(first.StudyTime or NO_TIME)
    for name in ("InstanceCreationDate", "InstanceCreationTime"):
        if name in made:
            delattr(made, name)
    _without_chance(made, digest)
    return made  # type: ignore[no-any-return]


def _description(hd: Any, number: int, key: tuple[str, str], automatic: bool) -> Any:
    region, side = key
    category, kind = (
        hd.sr.CodedConcept(value, "SCT", meaning) for value, meaning in CODES.get(region, _OTHER)
    )
    algorithm = None
    if automatic:
        family = hd.sr.CodedConcept("123111", "DCM", "Deformable Models")
        algorithm = hd.AlgorithmIdentificationSequence("mriparaspinal draft", family, __version__)
    described = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=str(Region(region, side)),
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="SEMIAUTOMATIC" if automatic else "MANUAL",
        algorithm_identification=algorithm,
    )
    if side in _SIDES:
        value, meaning = _SIDES[side]
        code = hd.sr.CodedConcept(value, "SCT", meaning)
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [code]
    return described


def _uid(digest: str, what: str) -> str:
    """A UID of the root 2.25, whose number is a hash."""
    return f"2.25.{int(hashlib.sha256(f'{digest} {what}'.encode()).hexdigest()[:32], 16)}"


def _without_chance(made: Dataset, digest: str) -> None:
    """Give the UIDs that highdicom drew by chance, of its dimensions, the value of a hash; drop its clock."""
    made_up: dict[str, str] = {}

    def settle(part: Dataset, element: Any) -> None:
        if element.keyword == "ContributionDateTime":
            del part[element.tag]
        if element.keyword == "DimensionOrganizationUID":
            old = str(element.value)
            element.value = UID(made_up.setdefault(old, _uid(digest, f"dimension {len(made_up)}")))

    made.walk(settle)
