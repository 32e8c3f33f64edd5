"""The dataset that a folder of results was measured from, opened again under the same settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mriparaspinal.errors import NoInputError
from mriparaspinal.files.images import IMAGE_ENDINGS
from mriparaspinal.files.output import MANIFEST
from mriparaspinal.files.results import PARTICIPANTS
from mriparaspinal.model import Settings
from mriparaspinal.study import Study, open_study


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset, and what ``quantify.json`` says about its measurement."""

    results: Path
    study: Study
    settings: Settings
    sha256: dict[str, str]
    """Of the images and annotations that were measured, by file name."""

    def require_same(self, read: Iterable[tuple[str, str]]) -> None:
        """Hold the files that were read now, (name, SHA-256), against those that were measured.

        Raises :class:`NoInputError` that names the first file that is missing, changed or new.
        """
        now = dict(read)
        again = "give the dataset that was measured, or run quantify again"
        for name in sorted({*now, *self.sha256}):
            if name not in now:
                found, expected = f"was measured into {self.results}, but is missing now", "every file"
            elif name not in self.sha256:
                found, expected = f"was not measured into {self.results}", f"what its {MANIFEST} lists"
            elif now[name] != self.sha256[name]:
                found = f"changed since it was measured into {self.results} (its SHA-256 differs)"
                expected = "it untouched"
            else:
                continue
            raise NoInputError(f"{self.study.root / name}: {found}; expected {expected}; {again}")


def open_source(results: Path, manifest: Mapping[str, Any] | None, dataset: Path) -> Source:
    """Open the dataset of ``results`` with the settings of its ``manifest`` (``quantify.json``).

    Raises :class:`NoInputError` where there is no manifest, or its settings cannot be used.
    """
    if not manifest:
        found = "no quantify.json, which knows the settings"
        raise NoInputError(f"{results}: {found}; expected results as quantify writes them; run it again")
    if "numbering" in (manifest.get("settings") or {}):
        found = "measured from label maps, not from contours"
        remedy = "run quantify on the LabelMe files"
        raise NoInputError(f"{results}: {found}; expected results of the dataset's contours; {remedy}")
    try:
        settings = _settings(manifest["settings"])
        inputs = dict(manifest["inputs"])
        share = tuple(dict(manifest.get("share") or {}).get("participants", ()))
    except (KeyError, TypeError, ValueError, AttributeError):
        found = "its settings and inputs cannot be read"
        raise NoInputError(
            f"{results / MANIFEST}: {found}; expected those of this version; run quantify again"
        ) from None
    own = results / PARTICIPANTS
    study = open_study(dataset, settings, own if own.is_file() else None, share=share)
    measured = {name: digest for name, digest in inputs.items() if _is_of_slice(name)}
    return Source(results, study, settings, measured)


def _settings(saved: Mapping[str, Any]) -> Settings:
    values = dict(saved)
    values["labels"] = tuple(sorted(values["labels"].items()))
    values["contrasts"] = tuple(values["contrasts"])
    if values["window"] is not None:
        low, high = values["window"]
        values["window"] = (float(low), float(high))
    settings = Settings(**values)
    if not (isinstance(settings.threshold, int) and 0 <= settings.threshold <= 255):
        raise ValueError("threshold")
    return settings


def _is_of_slice(name: str) -> bool:
    return name.lower().endswith((".json", *IMAGE_ENDINGS))
