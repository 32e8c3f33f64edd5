"""Results as BIDS derivatives: the tables under the names that BIDS allows, with what their columns mean.

Measures of each scan are ``sub-X/anat/sub-X_desc-paraspinal_measurements.tsv``. BIDS knows no name for such
tables, so ``.bidsignore`` lists them; ``phenotype/paraspinal.tsv``, one row per participant, it does know.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from mriparaspinal import __version__
from mriparaspinal.core import meanings
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.filenames import MEASUREMENTS, WIDE
from mriparaspinal.core.meanings import Meaning
from mriparaspinal.core.model import OwnRegion
from mriparaspinal.core.participants import KEY
from mriparaspinal.core.text import is_missing
from mriparaspinal.core.visits import SESSION
from mriparaspinal.io.manifest import manifest_bytes, outputs_manifest
from mriparaspinal.io.tables import TextTable
from mriparaspinal.io.write import sha256
from mriparaspinal.measure.for_others import meanings_of, own_table

#: What was written, by its SHA-256; BIDS leaves the folder to us.
SEAL = "code/mriparaspinal.json"

_SOURCE = "source_id"

_DESC = "desc-paraspinal_measurements"

_DESCRIPTION = {
    "Name": "Measurements of the lumbar paraspinal muscles",
    "BIDSVersion": "1.10.0",
    "DatasetType": "derivative",
    "GeneratedBy": [{"Name": "mriparaspinal", "Version": __version__}],
}

_README = """\
# Measurements of the lumbar paraspinal muscles

Written by mriparaspinal. `participants.tsv` has the names that the participants had before (`source_id`);
`phenotype/` has all measures, one row per participant; of a follow-up there is a table for each session. The
tables of `sub-*` have those of each scan, one row per segment, muscle and side. JSON files say what columns
mean.
"""


def bids_files(files: Mapping[str, bytes], regions: Iterable[OwnRegion] = ()) -> dict[str, bytes]:
    """The files of a BIDS dataset by name, made of those of a folder of results; the last lists the others.

    ``regions``: those of the study's own. Raises :class:`UsageError` for ids that BIDS has no letters for, or
    that are the same to it.
    """
    wide = own_table(files[WIDE], WIDE)
    rows = [dict(zip(wide.columns, row, strict=True)) for row in wide.rows]
    names = Names((row[KEY], row.get(SESSION, "")) for row in rows)
    found = {
        "dataset_description.json": manifest_bytes(_DESCRIPTION),
        "README.md": _README.encode(),
        ".bidsignore": f"{_DESC}.json\n*_{_DESC}.tsv\n".encode(),
        **_people(wide.columns, rows, names),
        **_phenotype(wide.columns, rows, names),
        **_scans(own_table(files[MEASUREMENTS], MEASUREMENTS), names, meanings.values_with(regions)),
    }
    return found | {SEAL: outputs_manifest({name: sha256(content) for name, content in found.items()})}


class Names:
    """What participants and their sessions are called in BIDS.

    ``scans``: participant and session of each, which is empty where there is one only. Raises
    :class:`UsageError` as :func:`labels_of`.
    """

    def __init__(self, scans: Iterable[tuple[str, str]]) -> None:
        sessions: dict[str, dict[str, str]] = {}
        for who, session in scans:
            sessions.setdefault(who, {})[session] = ""
        for who, of in sessions.items():
            of.update(labels_of([name for name in of if name], f"session of {who}"))
        self._subjects, self._sessions = labels_of(sessions, "participant"), sessions

    def subject(self, who: str) -> str:
        """``sub-ALS7``."""
        return f"sub-{self._subjects[who]}"

    def session(self, who: str, session: str) -> str:
        """``ses-v2``; empty where there is only one scan."""
        label = self._sessions[who][session]
        return f"ses-{label}" if label else ""


def labels_of(names: Iterable[str], what: str) -> dict[str, str]:
    """Names as labels of BIDS: letters and digits alone. Raises :class:`UsageError` for two of one label.

    >>> labels_of(["ALS_7", "Müller-2"], "participant")
    {'ALS_7': 'ALS7', 'Müller-2': 'Muller2'}
    """
    labels: dict[str, str] = {}
    whose: dict[str, str] = {}
    for name in dict.fromkeys(names):
        label = re.sub(r"[^A-Za-z0-9]", "", unicodedata.normalize("NFKD", name))
        if not label:
            found = f"{what} {name!r} has no letter or digit that BIDS allows"
            raise UsageError(f"--bids: {found}; expected one of a–z, A–Z, 0–9; rename it")
        # Some file systems do not tell capitals apart.
        other = whose.setdefault(label.casefold(), name)
        if other != name:
            found = f"{what} {other!r} and {name!r} are both {label!r} in BIDS"
            raise UsageError(f"--bids: {found}; expected names that differ in letters or digits; rename one")
        labels[name] = label
    return labels


def _people(columns: Sequence[str], rows: Sequence[dict[str, str]], names: Names) -> dict[str, bytes]:
    """``participants.tsv``, and where there are sessions ``sub-X_sessions.tsv`` with what differs in them."""
    own = [c for c in columns if not meanings.is_measure(c) and c not in (KEY, SESSION, _SOURCE)]
    by_person = {who: list(of) for who, of in groupby(rows, lambda row: row[KEY])}
    differ = {c for c in own for of in by_person.values() if len({row[c] for row in of}) > 1}
    constant = [c for c in own if c not in differ]
    people = [
        {KEY: names.subject(who), _SOURCE: who, **{c: of[0][c] for c in constant}}
        for who, of in by_person.items()
    ]
    source = {_SOURCE: Meaning("what the participant is called in the results of mriparaspinal")}
    told = {c: meanings.participant_meaning(c) for c in constant}
    found = {
        "participants.tsv": _tsv((KEY, _SOURCE, *constant), people),
        "participants.json": _sidecar(source | told),
    }
    if SESSION not in columns:
        return found
    changing = [c for c in own if c in differ]
    for who, of in by_person.items():
        visits = [
            {"session_id": names.session(who, row[SESSION]), **{c: row[c] for c in changing}}
            for row in of
            if row[SESSION]
        ]
        if visits:
            subject = names.subject(who)
            found[f"{subject}/{subject}_sessions.tsv"] = _tsv(("session_id", *changing), visits)
    found["sessions.json"] = _sidecar({c: meanings.participant_meaning(c) for c in changing})
    return found


def _phenotype(columns: Sequence[str], rows: Sequence[dict[str, str]], names: Names) -> dict[str, bytes]:
    """The measures, one row per participant; of a follow-up a table for each session, as BIDS wants it."""
    measures = [c for c in columns if meanings.is_measure(c)]
    told = _sidecar({c: meanings.wide_meaning(c) for c in measures})
    tables: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        session = names.session(row[KEY], row.get(SESSION, ""))
        stem = "_".join(part for part in ("paraspinal", session) if part)
        tables.setdefault(stem, []).append(row | {KEY: names.subject(row[KEY])})
    found = {}
    for stem, own in tables.items():
        found[f"phenotype/{stem}.tsv"] = _tsv((KEY, *measures), own)
        found[f"phenotype/{stem}.json"] = told
    return found


def _scans(table: TextTable, names: Names, values: Mapping[str, Mapping[str, str]]) -> dict[str, bytes]:
    """The rows of each scan, and what their columns mean: one file for all, as BIDS inherits it."""
    columns = [c for c in table.columns if c not in (KEY, "group", SESSION)]
    found = {f"{_DESC}.json": _sidecar(meanings_of(MEASUREMENTS, columns), values)}
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    rows.sort(key=lambda row: (row[KEY], row.get(SESSION, "")))  # the order within a scan stays
    for (who, session), of in groupby(rows, lambda row: (row[KEY], row.get(SESSION, ""))):
        subject, visit = names.subject(who), names.session(who, session)
        folder = "/".join(part for part in (subject, visit, "anat") if part)
        stem = "_".join(part for part in (subject, visit, _DESC) if part)
        found[f"{folder}/{stem}.tsv"] = _tsv(columns, of)
    return found


def _tsv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    lines = [columns, *([_cell(row[column]) for column in columns] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines).encode("utf-8", "backslashreplace")


def _cell(text: str) -> str:
    return "n/a" if is_missing(text) else " ".join(text.split())


def _sidecar(told: Mapping[str, Meaning], values: Mapping[str, Mapping[str, str]] = meanings.VALUES) -> bytes:
    content: dict[str, dict[str, Any]] = {}
    for column, meaning in told.items():
        content[column] = {"Description": meaning.text}
        if meaning.unit:
            content[column]["Units"] = meaning.unit
        if levels := values.get(column):
            content[column]["Levels"] = dict(levels)
    return manifest_bytes(content)
