"""A ``paraspinal.toml`` to be filled in: every setting with its default and what it means, commented out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from mriparaspinal.core.model import Settings

_HEAD = """\
# How this study is measured and compared. To change a setting, take away the # in front of its name and write
# your value; what is shown is the default, or an example. Options on the command line count above this file.
"""

#: Setting, or option of a run → what it means.
MEANINGS = {
    "threshold": "A pixel brighter than this grey level, 0 to 255, is fat (fat rule fixed).",
    "mask_rule": "Pixels of a contour: labelme (boundary included) or centre.",
    "image_left": "The patient's side at the left of the image: right (radiological display) or left.",
    "reference": "What areas are divided by: IVD (disc) or VB (vertebral body). Default: the one there is.",
    "patient_from": "Whose slice a file is: by its name, or by its folder.",
    "name_pattern": "A regular expression for other file names. Default: GROUP_N_L, such as ALS_7_3.",
    "window": "Grey levels LOW, HIGH that become 0 and 255 in images of more than 8 bits. Default: none.",
    "labels": "What labels of your own mean. Default: none.",
    "contrasts": "What is compared. Default: the sides of each group, and the groups.",
    "normality": "The test of normality: lilliefors or shapiro.",
    "divide_by": "A column of participants.csv by which the comparisons divide. Default: none.",
    "fat_rule": "Which pixels are fat: fixed, otsu, multiotsu, reference or dixon.",
    "sat_fraction": "Fat rule reference: the threshold is this fraction of the median of SAT.",
    "same_voxels": "Fat rule dixon: fat and water are one grid, whatever their headers say of the origin.",
    "affine": "The position that counts if a NIfTI header has two: qform or sform. Default: the scanner's.",
    "regions": "Regions of your own beside MF, ES, PM and QL, a table for each. Default: none.",
    "segments": "The segments of the study.",
    "measures": "Groups of further columns, by name. Default: none.",
    "participants": "The participants table, a file of this folder.",
    "jobs": "Processes to work with.",
}

#: The options of a run that are no settings, with their defaults.
RUN_OPTIONS: dict[str, Any] = {"participants": "participants.csv", "jobs": 1}

#: What is shown of a setting whose default is that there is none.
_EXAMPLES: dict[str, Any] = {
    "reference": "IVD",
    "name_pattern": r"(?P<group>[A-Z]+)(?P<patient>[0-9]+)-L(?P<segment>[1-5])",
    "window": [0, 1200],
    "contrasts": ["side:ALS", "group:ALS-LR"],
    "divide_by": "bmi",
    "affine": "sform",
    "segments": ["L1", "L2", "L3", "L4", "L5"],
    "measures": ["signal"],
}

#: Tables stand last: TOML takes whatever follows for a part of them.
_TABLES = {
    "labels": ("[labels]", '"DLJ L" = "MF_L"'),
    "regions": ("[regions.DS]", "sided = false", 'names = ["dural sac"]'),
}


def protocol_template(given: Mapping[str, Any] | None = None) -> str:
    """The text of a ``paraspinal.toml``: comments alone, but for the settings that are ``given``."""
    known = given or {}
    defaults = {f.name: f.default for f in dataclasses.fields(Settings)} | RUN_OPTIONS
    options = [name for name in defaults if name not in _TABLES]
    parts = [_HEAD]
    for name in options:
        value = known.get(name, _shown(name, defaults[name]))
        parts.append(_commented(name, ("#" * (name not in known) + f"{name} = {_toml(value)}",)))
    parts += [
        _commented(name, tuple(f"#{line}" for line in _TABLES[name])) for name in _TABLES if name in defaults
    ]
    return "\n".join(parts)


def _shown(name: str, default: Any) -> Any:
    return _EXAMPLES[name] if default is None or default == () else default


def _commented(name: str, lines: tuple[str, ...]) -> str:
    return "".join(f"{line}\n" for line in (f"# {MEANINGS[name]}", *lines))


def _toml(value: Any) -> str:
    """A value as TOML, which takes JSON's texts, numbers and lists of them as they are.

    >>> print(_toml(["ALS", 0.5, True]))
    ["ALS", 0.5, true]
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
