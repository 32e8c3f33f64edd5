"""``paraspinal.toml``: the lab's protocol beside its data, and how settings come together."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UnreadableError, UsageError
from mriparaspinal.core.labels import Own, alias_key, parse_label
from mriparaspinal.core.measure_columns import MEASURES, in_order
from mriparaspinal.core.model import REFERENCES, SPINE, FatRule, Settings
from mriparaspinal.core.spelling import composed, loose_key
from mriparaspinal.io.folder import find_name, read_bytes
from mriparaspinal.io.numberings import DISC_BETWEEN
from mriparaspinal.io.own_regions import own_regions

FILE = "paraspinal.toml"

#: More bytes than a person writes.
_SIZE_LIMIT = 1_000_000

_FIELDS = tuple(f.name for f in dataclasses.fields(Settings))

#: What the protocol may say beside the settings; it changes how a run is done, not its numbers.
_RUN_OPTIONS = ("participants", "jobs")

_OPTIONS = (*_FIELDS, *_RUN_OPTIONS)


@dataclass(frozen=True, slots=True)
class Protocol:
    """The ``paraspinal.toml`` of a dataset, as it was read."""

    dataset: Path
    values: Mapping[str, Any]
    """What stands in it, with underscores in the names; empty where there is none."""
    sha256: str | None
    """Of the file; None if there is none."""

    @property
    def digests(self) -> dict[str, str]:
        """The file and its SHA-256, for the inputs of a measurement."""
        return {} if self.sha256 is None else {FILE: self.sha256}

    def settings(self, flags: Mapping[str, Any]) -> Settings:
        """Defaults, then the protocol, then the flags that were given (not None).

        Raises :class:`UsageError` with every fault of the protocol in one line each.
        """
        given = {name: value for name, value in flags.items() if value is not None}
        if self.sha256 is None:
            _refuse_another_name(self.dataset)
        faults = [f"{FILE}: {fault}" for fault in faults_of(self.values)]
        faults += map(str, faults_of(given, option=True, own=own_regions(self.values.get("regions", {}))[0]))
        faults += [f"{FILE}: {fault}" for fault in _contradictions(self.values)]
        faults += map(str, _contradictions(given, self.values))
        if faults:
            raise UsageError("\n".join(faults))
        values = {name: value for name, value in {**self.values, **given}.items() if name in _FIELDS}
        values["regions"] = own_regions(values.get("regions", {}))[0]
        for name in ("labels", "contrasts", "segments"):
            if isinstance(values.get(name), dict):
                values[name] = tuple(sorted(values[name].items()))
            elif name in values:
                values[name] = tuple(values[name])
        if "measures" in values:
            values["measures"] = in_order(values["measures"])
        if values.get("window") is not None:
            low, high = values["window"]
            values["window"] = (float(low), float(high))
        return Settings(**values)

    def run_options(self, participants: Path | None, jobs: int | None) -> tuple[Path | None, int]:
        """The participants file and the number of processes: as given, else the protocol's, else the default.

        The protocol's participants file is relative to the dataset, and lies in it: a protocol comes with
        data of others. Raises :class:`UsageError` with every fault of these two in one line each.
        """
        faults = faults_of({name: self.values[name] for name in _RUN_OPTIONS if name in self.values})
        if faults:
            raise UsageError("\n".join(f"{FILE}: {fault}" for fault in faults))
        if participants is None and "participants" in self.values:
            participants = _inside(self.dataset, self.values["participants"])
        return participants, jobs or self.values.get("jobs", 1)


def read_protocol(dataset: Path) -> Protocol:
    """The protocol of a dataset; raises :class:`UsageError` where it is no TOML."""
    if not _is_there(dataset / FILE):
        return Protocol(dataset, {}, None)
    try:
        raw = read_bytes(dataset / FILE, _SIZE_LIMIT)
    except UnreadableError as error:
        raise UsageError(error.fault.at(FILE)) from None
    return Protocol(dataset, _parsed(raw), hashlib.sha256(raw).hexdigest())


def declared_regions(dataset: Path) -> Own:
    """The regions of its own that the protocol of a dataset declares, as far as they are sound."""
    return own_regions(read_protocol(dataset).values.get("regions", {}))[0]


def resolve_settings(dataset: Path, flags: Mapping[str, Any]) -> Settings:
    """The settings of :meth:`Protocol.settings`, for those who need nothing else of the protocol."""
    return read_protocol(dataset).settings(flags)


def sound(settings: Settings) -> Settings:
    """The settings, measures in their order; raises :class:`UsageError` with each fault in one line."""
    given = {f.name: getattr(settings, f.name) for f in dataclasses.fields(Settings)}
    given = {f.name: given[f.name] for f in dataclasses.fields(Settings) if given[f.name] != f.default}
    if isinstance(given.get("labels"), tuple):
        given["labels"] = dict(given["labels"])
    if faults := [*faults_of(given), *_contradictions(given)]:
        raise UsageError("\n".join(f"Settings: {fault}" for fault in faults))
    regions, measures = own_regions(settings.regions)[0], in_order(settings.measures)
    return dataclasses.replace(settings, regions=regions, measures=measures)


def _inside(dataset: Path, name: str) -> Path:
    path = dataset / (find_name(dataset, name) or name)
    try:
        inside = dataset.resolve() in path.resolve().parents
    except (OSError, ValueError, RuntimeError):  # a link in circles, a zero byte
        inside = False
    if not inside:
        found = f"{name[:200]!r} was found, which leads out of the dataset"
        remedy = "copy it there, or give it by --participants"
        raise UsageError(f"{FILE}: participants: {found}; expected a file in it; {remedy}")
    return path


def _is_there(path: Path) -> bool:
    try:
        return path.exists() or path.is_symlink()  # a broken link is a protocol that is missing
    except OSError:
        return False  # the dataset itself cannot be read: said by the one who lists it


def _refuse_another_name(dataset: Path) -> None:
    """A protocol under a name that is not quite its own would be passed over without a word."""
    try:
        names = sorted(path.name for path in dataset.iterdir())
    except OSError:
        return  # said by the one who lists it
    for name in names:
        own = name.casefold()
        if own == f".{FILE}.icloud":
            found, remedy = "is not on this disk: iCloud keeps it", "download it in Finder"
        elif own in (FILE, f"{FILE}.txt") or loose_key(name) == loose_key(FILE):
            found, remedy = f"was found; expected the name {FILE}", f"rename it to {FILE}"
        else:
            continue
        raise UsageError(f"{name}: {found}; {remedy}, or its settings are not used")


def _parsed(raw: bytes) -> dict[str, Any]:
    import tomllib

    try:
        content = tomllib.loads(composed(raw.decode("utf-8-sig")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{FILE}: {error}; expected TOML; correct the file") from None
    except (ValueError, RecursionError):  # what tomllib does not fence: thousands of digits, or of brackets
        found = "a number too large or nesting too deep"
        raise UsageError(f"{FILE}: {found}; expected TOML; correct the file") from None
    keys = [key.replace("-", "_") for key in content]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        found = f"{', '.join(twice)} appears twice, with dashes and underscores"
        raise UsageError(f"{FILE}: {found}; expected each key once; remove one")
    return dict(zip(keys, content.values(), strict=True))


def faults_of(values: Mapping[str, Any], option: bool = False, own: Own = ()) -> list[Fault]:
    """What is wrong with settings and options of a run; ``own``: the study's own regions, if not in them."""
    own, faults = own_regions(values["regions"]) if "regions" in values else (own, [])
    for name, value in values.items():
        if name == "regions":
            continue
        shown = argument(name) if option else name
        if name == "labels":
            expected = _labels(value, own)
        elif name == "reference":
            expected = _reference(value, own)
        else:
            expected = _CHECKS[name](value) if name in _CHECKS else _known_name(name, value)
        if expected:
            found = tuple(value) if isinstance(value, tuple) else value  # a named one would show its class
            faults.append(Fault(shown, f"{_as_written(found)[:200]} was found", expected, "correct it"))
    return faults


def _known_name(name: str, value: Any) -> str:
    """What was expected in place of a key that is no option."""
    inside = [key for key in value if _option_of(key)] if isinstance(value, dict) else []
    if inside:
        return f"{', '.join(inside)} at the top of the file, above any [table]"
    near = _option_of(name) or next(iter(get_close_matches(name.casefold(), _OPTIONS, 1)), "")
    meant = f"{near} (did you mean it?), or another " if near else ""
    return f"{meant}one of {', '.join(_OPTIONS)}"


def _option_of(key: str) -> str:
    """The option that a key is called as, without regard to case, dashes and spaces."""
    name = re.sub(r"[-_\s]+", "_", key.strip().casefold())
    return name if name in _OPTIONS else ""


def _swallowed(aliases: Mapping[str, Any]) -> str:
    """What TOML does to options that are written below ``[labels]``: they become labels."""
    for key in aliases:
        exact = key.replace("-", "_") in _OPTIONS
        near = get_close_matches(key, _OPTIONS, 1, cutoff=0.85) if not exact and key == key.lower() else []
        if exact or near:
            what = "an option" if exact else f"nearly the option {near[0]}"
            written = key.capitalize()
            return (
                f"labels of the lab alone below [labels], and {key!r} is {what}: write it above [labels]"
                f" (or, if a label is called so, with a capital letter: {written})"
            )
    return ""


def _contradictions(values: Mapping[str, Any], below: Mapping[str, Any] | None = None) -> list[Fault]:
    """Settings that would be left unused by the fat rule that is given with them, or below them.

    ``below``: the protocol, where ``values`` are flags.
    """
    rule = values.get("fat_rule", (below or {}).get("fat_rule", "fixed"))
    faults = []
    for name, fit in (("threshold", "fixed"), ("sat_fraction", "reference"), ("same_voxels", "dixon")):
        if name in values and rule != fit:
            option = name if below is None else argument(name)
            found = f"given with the fat rule {rule}, which does not use it"
            faults.append(Fault(option, found, f"it with {fit} alone", "leave one of them out"))
    return faults


def _one_of(*words: str) -> Any:
    return lambda value: "" if value in words else " or ".join(words)


def _threshold(value: Any) -> str:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255
    return "" if good else "a whole grey level from 0 to 255"


def _fraction(value: Any) -> str:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1
    return "" if good else "a number between 0 and 1"


def _jobs(value: Any) -> str:
    good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return "" if good else "a whole number of processes from 1"


def _window(value: Any) -> str:
    expected = "two numbers LOW,HIGH with LOW below HIGH"
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return expected
    numbers = [
        v
        for v in value
        if isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < 1e300  # False for NaN, too
    ]
    return "" if len(numbers) == 2 and numbers[0] < numbers[1] else expected


def _reference(value: Any, own: Own) -> str:
    known = (*REFERENCES, *(region.name for region in own if not region.sided))
    if value in known:
        return ""
    sided = any(region.name == value for region in own)
    return " or ".join(known) + (" (a region with sides divides nothing)" if sided else "")


def _segments(value: Any) -> str:
    expected = f'a list of segments from {SPINE[0]} to {SPINE[-1]}, each once, such as ["T12", "L1", "S1"]'
    good = isinstance(value, (list, tuple)) and value and all(isinstance(name, str) for name in value)
    return "" if good and set(value) <= set(SPINE) and len(set(value)) == len(value) else expected


def _labels(value: Any, own: Own) -> str:
    if isinstance(value, tuple):
        return ""
    if not isinstance(value, dict):
        return 'a table such as [labels] "lab label" = "MF_L"'
    if found := _swallowed(value):
        return found
    wrong = [
        key for key, text in value.items() if not isinstance(text, str) or not _means_something(text, own)
    ]
    if wrong:
        return f"a label such as MF_L or IVD for {', '.join(map(repr, wrong))}"
    keys = [alias_key(key) for key in value]
    twice = [key for key in value if keys.count(alias_key(key)) > 1]
    return f"one meaning for {', '.join(map(repr, twice))}, whatever the case" if twice else ""


def _means_something(label: str, own: Own) -> bool:
    return parse_label(label, own) is not None or label == DISC_BETWEEN


def _texts(value: Any) -> str:
    good = isinstance(value, (list, tuple)) and all(isinstance(text, str) for text in value)
    return "" if good else 'a list such as ["side:ALS", "group:ALS-LR"]'


def _as_written(value: Any) -> str:
    """Of an option that was given several times each text, not Python's brackets around them."""
    several = isinstance(value, tuple) and value and all(isinstance(text, str) for text in value)
    return ", ".join(map(repr, value)) if several else repr(value)


def _measures(value: Any) -> str:
    names = ", ".join(MEASURES)
    if not isinstance(value, (list, tuple)) or not all(isinstance(text, str) for text in value):
        return f'a list such as ["{MEASURES[0]}"], of {names}'
    wrong = next((text for text in value if text not in MEASURES), None)
    if wrong is None:
        return ""
    if "," in wrong:
        return f"one name at a time, of {names}"
    near = get_close_matches(wrong.casefold(), MEASURES, 1)
    meant = f"{near[0]} (did you mean it?), or another " if near else "one "
    return f"{meant}of {names} in place of {wrong[:40]!r}"


_CHECKS: dict[str, Any] = {
    "threshold": _threshold,
    "mask_rule": _one_of("labelme", "centre"),
    "image_left": _one_of("right", "left"),
    "patient_from": _one_of("name", "folder"),
    "name_pattern": lambda value: "" if isinstance(value, str) else "a regular expression",
    "window": _window,
    "contrasts": _texts,
    "normality": _one_of("lilliefors", "shapiro"),
    "divide_by": lambda value: "" if isinstance(value, str) and value else "the name of a column",
    "fat_rule": _one_of(*get_args(FatRule)),
    "sat_fraction": _fraction,
    "same_voxels": lambda value: "" if isinstance(value, bool) else "true or false",
    "affine": _one_of("qform", "sform"),
    "measures": _measures,
    "segments": _segments,
    "participants": lambda value: "" if isinstance(value, str) and value else "the name of a file",
    "jobs": _jobs,
}
