"""``[regions.DS]`` of ``paraspinal.toml``: the regions that a study declares beside ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any

from mriparaspinal.core.errors import Fault
from mriparaspinal.core.labels import Own, means_hole, names_of, parse_label, part_of
from mriparaspinal.core.model import SPINE, OwnRegion

#: What is no name of a region: sides, and words that stand in place of one.
_RESERVED = {"l", "r", "left", "right", "both", "slice", "overlap", *(name.casefold() for name in SPINE)}

#: More regions than label maps have numbers for.
_MOST = 40

_FIELDS = tuple(f.name for f in fields(OwnRegion))

_COLOUR = re.compile("#[0-9a-fA-F]{6}")


def own_regions(value: Any) -> tuple[Own, list[Fault]]:
    """The sound ones of declared regions, in their order, and what is wrong with the others.

    ``value``: the table below ``regions``, or a list of regions as settings and their manifest have them.
    """
    if isinstance(value, Mapping):
        told = list(value.items())
    elif isinstance(value, (list, tuple)):
        dicts = [asdict(one) if isinstance(one, OwnRegion) else one for one in value]
        told = [(one.get("name"), one) if isinstance(one, Mapping) else (None, one) for one in dicts]
    else:
        told = [(None, value)]
    regions: list[OwnRegion] = []
    faults = []
    for name, keys in told:
        region = _region(name, keys) if isinstance(name, str) and isinstance(keys, Mapping) else None
        if region is None:
            found, expected = f"{keys!r} was found", "a table such as [regions.DS]"
        elif isinstance(region, OwnRegion):
            if not (clash := _clash(region, regions)):
                regions.append(region)
                continue
            found, expected = clash
        else:
            found, expected = region
        shown = f"regions.{name}" if isinstance(name, str) else "regions"
        faults.append(Fault(shown[:80], found[:200], expected, "correct it"))
    if len(regions) > _MOST:
        faults.append(
            Fault("regions", f"{len(regions)} regions were found", f"at most {_MOST}", "leave some out")
        )
    return tuple(regions), faults


def _region(name: str, keys: Mapping[str, Any]) -> OwnRegion | tuple[str, str]:
    """The region of one table, or what was found and what was expected."""
    values = {"name": name, **keys}
    expected = {
        "name": (isinstance(values["name"], str), "a name"),
        "sided": (isinstance(values.get("sided", True), bool), "true or false"),
        "names": (_are_names(values.get("names", ())), 'a list of words such as ["dural sac"]'),
        "colour": (_is_colour(values.get("colour", "")), "a colour such as #44aa99"),
        "expected": (isinstance(values.get("expected", False), bool), "true or false"),
    }
    if unknown := [key for key in values if key not in _FIELDS]:
        known = f"one of {', '.join(_FIELDS[1:])} (what is no key of a region stands above any [table])"
        return f"the key {unknown[0]!r} was found", known
    if not re.fullmatch("[A-Z][A-Za-z0-9]{1,11}", name):
        return f"the name {name!r} was found", "2 to 12 letters and digits, the first a capital, such as DS"
    for key, (good, words) in expected.items():
        if not good:
            return f"{key} = {values[key]!r} was found", words
    return OwnRegion(**{**values, "names": tuple(values.get("names", ()))})


def _is_colour(value: Any) -> bool:
    return value == "" or (isinstance(value, str) and _COLOUR.fullmatch(value) is not None)


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(name, str) and re.fullmatch(r"(?=.*[^\W\d_])[\w\-. ]{2,60}", name) and name.strip("_-. ")
        for name in value
    )


def _clash(region: OwnRegion, others: list[OwnRegion]) -> tuple[str, str] | None:
    """What a region's labels mean already, if they mean anything: what was found and what was expected."""
    expected = "a name of its own"
    labels = [label for name in names_of(region) for label in _labels(name, region.sided)]
    for label in labels:
        if label in _RESERVED or means_hole(label):
            return f"{label!r} was found, which has another meaning", expected
        if told := parse_label(label, tuple(others)):
            return f"{label!r} was found, which means {told}", expected
        if part := part_of(label, {}):
            return f"{label!r} was found, which means a part of {part[0]}", expected
    for other in others:
        theirs = (label for name in names_of(other) for label in _labels(name, other.sided))
        if shared := next((label for label in theirs if parse_label(label, (region,))), ""):
            return f"{shared!r} is a label of {other.name} and of {region.name}", expected
    return None


def _labels(name: str, sided: bool) -> Iterator[str]:
    yield name
    for side in ("l", "r", "left", "right") if sided else ():
        yield from (f"{name}_{side}", f"{side}_{name}", f"{name}{side}", f"{side}{name}")
