"""The names of the files that several modules write or read."""

from __future__ import annotations

from mriparaspinal.core.errors import UnreadableError, unreadable

#: So many bytes has a name on the common file systems.
_NAME_BYTES = 255

#: The usual image formats next to a JSON, in any case; of several images of a stem these are measured.
USUAL_ENDINGS = (".png", ".jpg", ".jpeg")

#: All endings that are looked for.
IMAGE_ENDINGS = (*USUAL_ENDINGS, ".tif", ".tiff", ".bmp")

MARK = ".unfinished"

MANIFEST = "quantify.json"

#: What ``run`` made a study of, beside the folders of its results and its comparison.
RECORD = "run.json"

PARTICIPANTS = "participants.csv"

#: The main table of a comparison.
COMPARISONS = "comparisons.csv"

#: The rows of all segments, and one row per participant.
MEASUREMENTS, WIDE = "measurements.csv", "wide.csv"

#: The same for Excel and SPSS, where asked for.
WORKBOOK, WIDE_SAV, MEASUREMENTS_SAV = "results.xlsx", "results.sav", "measurements.sav"

#: What a share of a dataset keeps for others to be joined with it.
SHARE = "share.msgpack"

#: What ``prepare`` writes next to the slices that it makes.
PREPARED = "prepare.json"

SLICES_TABLE = "slices.csv"

#: What the program drew, by the hashes of its contours.
DRAFTS = "drafts.csv"

#: What readers judged.
REVIEW = "review.csv"

#: What was drawn on the page of ``review`` and not saved. The dot: it is no part of a dataset.
JOURNAL = ".review-journal.jsonl"


def name_too_long(ending: str) -> UnreadableError:
    """The fault of a slice whose name leaves no room for that of a file made of it."""
    found, remedy = f"its name is too long to end in {ending}", "shorten the names of its files"
    return unreadable(found, "a shorter one", remedy, "name-too-long")


def require_short(name: str) -> None:
    """Raise :class:`UnreadableError` for a name (``a/b.png``) that is too long for a file system."""
    own = name.rpartition("/")[2]
    if len(own.encode("utf-8", "surrogateescape")) > _NAME_BYTES:
        raise name_too_long(f".{own.rpartition('.')[2]}")
