"""``run.json``: all that a study was made of, and in what way the same is different now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from mriparaspinal.core.errors import UnreadableError
from mriparaspinal.core.filenames import MARK, RECORD
from mriparaspinal.core.text import and_more
from mriparaspinal.io.folder import file_sha256, read_bytes
from mriparaspinal.io.manifest import listed_outputs, manifest_bytes, parsed_json
from mriparaspinal.io.write import sha256

_HEAD = b'{\n  "mriparaspinal": '

_OWN = "sha256"


class StudyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a run depends on, by what it was asked for and by SHA-256, and what it wrote."""

    version: str = msgspec.field(name="mriparaspinal")
    program: str
    """A SHA-256 over the files of the program."""
    libraries: dict[str, str]
    settings: dict[str, Any]
    inputs: dict[str, dict[str, str]]
    """SHA-256 by name, of each folder or file that was given, by the name of its option."""
    outputs: dict[str, str]
    """SHA-256 of the page and of the manifests, which list the other files."""
    made: dict[str, dict[str, Any]]
    """What there was to say in short, by step."""


def is_record(head: bytes) -> bool:
    """Whether a file begins as a record of ours."""
    return head.startswith(_HEAD)


def record_bytes(record: StudyRecord) -> bytes:
    """The record as it is written, with a SHA-256 of its own."""
    content = msgspec.to_builtins(record)
    return manifest_bytes(content | {_OWN: sha256(manifest_bytes(content))})


def read_record(study: Path) -> StudyRecord | None:
    """The record in the folder of a study; None where there is none that this program wrote."""
    try:
        return parse_record(read_bytes(study / RECORD))
    except (UnreadableError, ValueError, RecursionError):
        return None


def parse_record(raw: bytes) -> StudyRecord:
    """The record in the bytes of a file; raises :class:`ValueError` for any other, and an edited one."""
    content = parsed_json(raw)
    if content.pop(_OWN, None) != sha256(manifest_bytes(content)):
        raise ValueError(f"its own {_OWN} differs")
    return msgspec.convert(content, StudyRecord)


def changes(before: StudyRecord, now: StudyRecord) -> list[str]:
    """What is no longer as it was when the study was made, the program first; nothing where all is."""
    before, now = (parse_record(record_bytes(record)) for record in (before, now))
    found = list(_differing({"mriparaspinal": before.version}, {"mriparaspinal": now.version}))
    if not found and before.program != now.program:
        found.append("the program itself is another one")
    found += _differing(before.libraries, now.libraries)
    found += _differing(before.settings, now.settings)
    for name in sorted({*before.inputs, *now.inputs}):
        found += _other_files(name, before.inputs.get(name, {}), now.inputs.get(name, {}))
    return found


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            yield f"{name} was {_shown(before.get(name))}, is {_shown(now.get(name))}"


def _shown(value: object) -> str:
    return "not there" if value is None else f"{value}"


def _other_files(option: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    place = "" if option == "dataset" else f" ({option})"
    for names, what in (
        ([name for name in now if name in before and before[name] != now[name]], "changed"),
        ([name for name in now if name not in before], "new"),
        ([name for name in before if name not in now], "no longer there"),
    ):
        if names:
            yield f"{what}: {and_more(names, 3)}{place}"


def outputs_of(study: Path, names: tuple[str, ...]) -> dict[str, str]:
    """The SHA-256 of files of a study, by their names in it; raises :class:`UnreadableError`."""
    return {name: file_sha256(study / name) for name in names}


def other_outputs(study: Path, record: StudyRecord, known: Mapping[str, frozenset[str]]) -> list[str]:
    """What a run wrote, and what is no longer as it was written: missing, changed, added or half replaced.

    ``known``: by folder, the tables that are there of the kinds that a run writes.
    """
    listed = dict(record.outputs)
    for manifest in record.outputs:
        folder, slash, name = manifest.rpartition("/")
        if slash:
            listed |= {f"{folder}/{own}": digest for own, digest in listed_outputs(study / manifest).items()}
    found = [f"cut off: {folder}" for folder in known if (study / folder / MARK).exists()]
    found += [
        f"not of this run: {folder}/{name}"
        for folder, names in known.items()
        for name in sorted(names)
        if f"{folder}/{name}" not in listed
    ]
    for name, digest in listed.items():
        try:
            if file_sha256(study / name) != digest:
                found.append(f"changed: {name}")
        except UnreadableError:
            found.append(f"no longer there: {name}")
    return found
