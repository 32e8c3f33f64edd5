"""Manifests: written, and ``quantify.json`` read back, compared with what ``quantify`` writes."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from mriparaspinal import __version__
from mriparaspinal.core.errors import Fault, NoInputError, UnreadableError
from mriparaspinal.core.filenames import MANIFEST, RECORD
from mriparaspinal.core.model import Settings
from mriparaspinal.core.spelling import composed
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.protocol import faults_of

COMPARISON = "comparison.json"

#: The manifests of all commands, which are no annotations where they lie in a dataset.
MANIFESTS = frozenset(
    {
        MANIFEST,
        RECORD,
        "prepare.json",
        "sheets.json",
        "masks.json",
        "maps.json",
        "comparison.json",
        "correlations.json",
        "refine.json",
        "unblind.json",
    }
    | {"regressions.json", "roc.json", "reliability.json", "threshold_sweep.json", "grades.json"}
    | {"model.json", "plan.json", "change.json"}
)

_SHA256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]

#: A file of the folder itself, never one elsewhere.
_FILE_NAME = Annotated[str, msgspec.Meta(pattern=r"^[^/\\]+$", max_length=255)]

_COUNT = Annotated[int, msgspec.Meta(ge=0)]

_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:\W?[a-z][\w.+]{0,40})?", re.ASCII)

_NUMBERING = "numbering"

T = TypeVar("T")

#: What every manifest says; settings that came later stand there where they were used.
_ALWAYS = (
    *("threshold", "mask_rule", "image_left", "reference", "patient_from", "name_pattern", "window"),
    *("labels", "contrasts", "normality", "divide_by", "fat_rule", "sat_fraction", "same_voxels"),
)


class ShareRecord(msgspec.Struct, frozen=True):
    """Whose results a share of a dataset holds, and of how many participants."""

    participants: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    of: _COUNT


class ContoursRecord(msgspec.Struct, frozen=True):
    """What makes the contours of a measurement others than those beside the images, all judged."""

    annotations: str = ""
    """The name of the folder that they lie in."""
    accept_drafts: bool = False
    excluded: dict[str, tuple[str, ...]] = {}
    """What a review leaves out: image → labels of regions, or ``slice``."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What ``quantify.json`` says; types and names were checked."""

    version: str = msgspec.field(name="mriparaspinal")
    settings: dict[str, Any]
    """As they stand there. Those of a mean of raters may be a part: what the raters have in common."""
    libraries: dict[str, str]
    inputs: dict[str, _SHA256]
    outputs: dict[_FILE_NAME, _SHA256]
    counts: dict[str, _COUNT]
    share: ShareRecord | None = None
    contours: ContoursRecord = ContoursRecord()
    mean_of_raters: Annotated[int, msgspec.Meta(ge=2)] | None = None

    @property
    def measured_with(self) -> Settings:
        """The settings of the measurement; those that do not stand there are the default."""
        return _as_settings(self.settings)

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments that there are tables of."""
        return self.measured_with.levels

    @property
    def numberings(self) -> tuple[dict[int, str], ...] | None:
        """What the values of the label maps mean, by folder; None where contours were measured."""
        told = self.settings.get(_NUMBERING)
        if told is None:
            return None
        tables = told if isinstance(told, list) else [told]
        return tuple({int(value): label for value, label in table.items()} for table in tables)


class AnalysisManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What ``comparison.json`` and the manifests of the other statistics say; types were checked."""

    version: str = msgspec.field(name="mriparaspinal")
    settings: dict[str, tuple[str, ...]]
    """What was asked for, or taken in its place; of a comparison that was skipped, why."""
    inputs: dict[str, _SHA256]
    outputs: dict[_FILE_NAME, _SHA256]


def read_analysis_manifest(file: Path, command: str) -> AnalysisManifest:
    """Read the manifest that a ``command`` of the statistics wrote.

    Raises :class:`NoInputError` with one line where it is missing, or is not what this version of the
    command, or one before it, writes.
    """
    if not file.is_file():
        raise NoInputError(Fault(f"{file}", "not found", f"what {command} wrote", f"run {command} again"))
    return _checked(_bytes(file), file, command, lambda content: msgspec.convert(content, AnalysisManifest))


def read_manifest(file: Path) -> Manifest:
    """Read a ``quantify.json``; raises as :func:`parse_manifest`, and where it cannot be read at all."""
    return parse_manifest(_bytes(file), file)


def _bytes(file: Path) -> bytes:
    try:
        return read_bytes(file)
    except UnreadableError as error:
        raise NoInputError(error.fault.at(f"{file}")) from None


def parse_manifest(raw: bytes, file: Path) -> Manifest:
    """The manifest in the bytes of a ``file``.

    Raises :class:`NoInputError` with one line for anything that ``quantify`` of this version, or of one
    before it, does not write: no JSON, a key missing or there twice, a value of a wrong type or out of range.
    """

    def manifest(content: dict[str, Any]) -> Manifest:
        found = msgspec.convert(content, Manifest)
        _check_settings(found)
        return found

    return _checked(raw, file, "quantify", manifest)


def _checked(raw: bytes, file: Path, command: str, convert: Callable[[dict[str, Any]], T]) -> T:
    """The content of a manifest as a ``command`` writes it; ``convert`` raises ``ValueError`` for others."""
    try:
        content = parsed_json(raw)
        _require_version(content)
        return convert(content)
    except RecursionError:
        found = "it is nested too deeply"
    except ValueError as error:  # those of msgspec and json, too
        found = " ".join(str(error).split())[:300]
    raise NoInputError(Fault(f"{file}", found, f"it as {command} writes it", f"run {command} again"))


def listed_outputs(file: Path) -> dict[str, str]:
    """The SHA-256 of the outputs that a manifest lists, by name; none where it cannot be read.

    Enough to tell one's own files from others', of ``prepare.json``, too.
    """
    try:
        return msgspec.convert(parsed_json(read_bytes(file))["outputs"], dict[str, str])
    except (UnreadableError, RecursionError, ValueError, KeyError):
        return {}


def manifest_bytes(content: Mapping[str, Any]) -> bytes:
    """A manifest as JSON, always the same bytes for the same content."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    # Names of files that are not UTF-8 hold characters that cannot be written as such.
    return composed(text).encode("utf-8", "backslashreplace")


def outputs_manifest(outputs: Mapping[str, str]) -> bytes:
    """The manifest of a folder that says no more than what was written, by SHA-256."""
    return manifest_bytes({"mriparaspinal": __version__, "outputs": dict(outputs)})


def parsed_json(raw: bytes) -> dict[str, Any]:
    """The object in a JSON file; raises :class:`ValueError` for any other, and for a key there twice."""
    try:
        content = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON ({error.msg}, line {error.lineno})") from None
    except UnicodeDecodeError:
        raise ValueError("no JSON (no UTF-8 text)") from None
    if not isinstance(content, dict):
        raise ValueError(f"a JSON {type(content).__name__} was found in place of an object")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    there = dict(pairs)
    if len(there) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} appears more than once")
    return there


def _no_number(text: str) -> float:
    raise ValueError(f"{text} was found, which is not a number")


def _require_version(content: Mapping[str, Any]) -> None:
    """The version first: what a later one means by its other keys is not known here."""
    told = content.get("mriparaspinal")
    here = _release(__version__)
    there = _release(told)
    if there is None or here is None:
        found = "no version of mriparaspinal" if told is None else f"the version {str(told)[:40]!r}"
        raise ValueError(f"{found} was found in it")
    if there > here:
        raise ValueError(f"written by mriparaspinal {told}, which is later than {__version__} here")


def _release(text: object) -> tuple[int, ...] | None:
    found = _VERSION.fullmatch(text) if isinstance(text, str) else None
    return tuple(int(part or 0) for part in found.groups()) if found else None


def _check_settings(manifest: Manifest) -> None:
    """Raise :class:`ValueError` where the settings are not those of a measurement."""
    told = manifest.settings
    missing = [name for name in _ALWAYS if name not in told]
    if missing and manifest.mean_of_raters is None:
        raise ValueError(f"the setting {missing[0]} is missing")
    known = {field.name for field in dataclasses.fields(Settings)} | {_NUMBERING}
    unknown = sorted(set(told) - known)
    if unknown:
        raise ValueError(f"the unknown setting {unknown[0]!r} was found")
    if _NUMBERING in told:
        given = told[_NUMBERING]
        tables = msgspec.convert(given if isinstance(given, list) else [given], list[dict[str, str]])
        values = [value for table in tables for value in table]
        wrong = [value for value in values if not re.fullmatch(r"[0-9]{1,9}", value)]
        if wrong:
            raise ValueError(f"the numbering has the value {wrong[0]!r}, which is not a whole number")
    if "mask_rule" in told and (told["mask_rule"] == "mask") != (_NUMBERING in told):
        raise ValueError(
            "mask_rule and numbering contradict each other (label maps have both, contours none)"
        )
    _as_settings(told)
    given = {name: value for name, value in told.items() if value not in (None, []) and name != _NUMBERING}
    if given.get("mask_rule") == "mask":
        del given["mask_rule"]
    for fault in faults_of(given):
        raise ValueError(f"the setting {fault.file}: {fault.found}, not {fault.expected}")


def _as_settings(told: Mapping[str, Any]) -> Settings:
    values = {name: value for name, value in told.items() if name != _NUMBERING}
    if "labels" in values:
        values["labels"] = sorted(msgspec.convert(values["labels"], dict[str, str]).items())
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`$.", "`$.settings.")) from None
