"""``review.csv``: what a reader judged of slices and of single regions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path

from mriparaspinal.core.errors import NoInputError, UsageError
from mriparaspinal.core.labels import OWN_LABEL, Own, lacks_side, parse_label
from mriparaspinal.core.text import natural_key
from mriparaspinal.dataset.contour_source import EXCLUDE, LOOK_AGAIN, REVIEWED
from mriparaspinal.io.tables import TextTable, csv_bytes, read_table

VERDICTS = (REVIEWED, LOOK_AGAIN, EXCLUDE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement; the fields are the columns of ``review.csv``."""

    image: str
    """Name of the image relative to the dataset folder, with forward slashes."""
    region: str
    """``MF_L`` … ``PM_R``, ``IVD`` or ``VB``; empty for the slice as a whole."""
    reader: str
    """Who judged; empty where nobody gave a name."""
    verdict: str
    """``reviewed``, ``look-again`` or ``exclude``."""
    reason: str
    """Why; never empty for ``exclude``."""
    comment: str


COLUMNS = tuple(field.name for field in fields(Verdict))


def read_verdicts(path: Path, own: Own | None = ()) -> list[Verdict]:
    """The judgements of a ``review.csv`` (CSV, TSV or XLSX), in its order.

    Columns ``image`` and ``verdict`` must be there; others of ``image,region,reader,verdict,reason,comment``
    may be missing, further ones are passed over. Regions are written in any spelling of the contract and
    come back in the short one. Raises :class:`NoInputError`, with a line for each fault that names file and
    row, for a table that cannot be read, an unknown verdict or region, a path that leads out of the dataset,
    an ``exclude`` without a reason, and for two judgements of one reader on the same region.
    """
    return verdicts_in(read_table(path), path.name, own)


def verdicts_in(table: TextTable, name: str, own: Own | None = ()) -> list[Verdict]:
    """The same of a table that was read; ``name``: what messages call it."""
    verdicts, faults = sound_and_faulty(table, name, own)
    if faults:
        raise NoInputError("\n".join(faults))
    return verdicts


def sound_and_faulty(table: TextTable, name: str, own: Own | None = ()) -> tuple[list[Verdict], list[str]]:
    """The judgements of the sound rows, and a line for each fault of the others."""
    _require_columns(table, name, ("image", "verdict"))
    verdicts: list[Verdict] = []
    rows: dict[tuple[str, str, str], int] = {}
    faults: list[str] = []
    for number, row in enumerate(table.rows, 2):
        cells = dict(zip(table.columns, row, strict=True))
        try:
            verdict = _verdict(cells, f"{name}: row {number}", own)
        except NoInputError as error:
            faults.append(str(error))
            continue
        key = (verdict.image, verdict.region, verdict.reader)
        if key in rows:
            what = f"{verdict.region or 'the slice'} of {verdict.image}"
            found = f"judges {what} again, as row {rows[key]} does"
            faults.append(f"{name}: row {number}: {found}; expected one verdict of a reader; delete one")
        rows[key] = number
        verdicts.append(verdict)
    return verdicts, faults


def _verdict(cells: dict[str, str], where: str, own: Own | None = ()) -> Verdict:
    return checked(Verdict(**{column: cells.get(column, "") for column in COLUMNS}), where, own)


def checked(verdict: Verdict, where: str, own: Own | None = ()) -> Verdict:
    """The judgement, its region in the short spelling; raises :class:`NoInputError` for an impossible one.

    ``own``: the study's own regions; None: not known here, and what may be one stays as it is.
    """
    if not _is_below(verdict.image):
        found = f"image {verdict.image!r} was found"
        raise NoInputError(
            f"{where}: {found}; expected a name below the dataset, such as ALS_1_3.png; correct it"
        )
    if verdict.verdict not in VERDICTS:
        near = get_close_matches(verdict.verdict.casefold().replace(" ", "-"), VERDICTS, n=1)
        hint = f"did you mean {near[0]}?" if near else "correct it"
        raise NoInputError(
            f"{where}: verdict {verdict.verdict!r} was found; expected one of {', '.join(VERDICTS)}; {hint}"
        )
    if verdict.verdict == EXCLUDE and not verdict.reason:
        raise NoInputError(
            f"{where}: exclude without a reason; expected why; write it into the column reason"
        )
    if not verdict.region:
        return verdict
    region = parse_label(verdict.region, own or ())
    if region is None and own is None and OWN_LABEL.fullmatch(verdict.region):
        return verdict
    if region is None or lacks_side(region, own or ()):
        expected = "expected MF_L, ES_R, IVD or the like, or nothing for the whole slice"
        raise NoInputError(f"{where}: region {verdict.region!r} was found; {expected}; correct it")
    return replace(verdict, region=str(region))


def _is_below(name: str) -> bool:
    parts = name.split("/")
    return bool(name) and ":" not in name[:2] and "\\" not in name and not {"", ".", ".."} & set(parts)


def _require_columns(table: TextTable, name: str, expected: Sequence[str]) -> None:
    missing = [column for column in expected if column not in table.columns]
    if missing:
        found = f"no column {' and '.join(missing)}; expected {', '.join(COLUMNS)}"
        raise NoInputError(f"{name}: {found}; check that the file is a review.csv")


def verdicts_bytes(verdicts: Iterable[Verdict]) -> bytes:
    """``review.csv``, sorted by image, region and reader: the same bytes for the same judgements."""
    ordered = sorted(verdicts, key=lambda v: (natural_key(v.image), v.region, v.reader))
    return csv_bytes(COLUMNS, map(astuple, ordered))


def require_plain(text: str, what: str) -> None:
    """Raise :class:`UsageError` for a text that does not fit into one line of a table."""
    odd = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs")), None)
    if odd is not None:
        found = f"the character U+{ord(odd):04X} was found"
        raise UsageError(f"{what}: {found}; expected one line of plain text; take it out")


def read_marks(path: Path, own: Own = ()) -> list[Verdict]:
    """The judgements that the HTML report saved: a ``review.csv``.

    The marks of earlier reports (``needs-another-look.csv``) come as ``look-again`` on whole slices.

    Raises :class:`NoInputError` for another table.
    """
    table = read_table(path)
    if "verdict" in table.columns:
        return read_verdicts(path, own)
    missing = [column for column in ("image", "reasons") if column not in table.columns]
    if missing:
        found = f"no column {' and '.join(missing)}; expected a review.csv"
        raise NoInputError(f"{path.name}: {found}; give the file that the report saved")
    marks: dict[str, Verdict] = {}
    for number, row in enumerate(table.rows, 2):
        cells = dict(zip(table.columns, row, strict=True))
        told = {"image": cells["image"], "verdict": LOOK_AGAIN, "reason": cells["reasons"]}
        mark = _verdict(told, f"{path.name}: row {number}")
        marks.setdefault(mark.image, mark)
    return list(marks.values())
