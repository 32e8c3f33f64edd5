"""The user's style sheet of figures: what is taste is taken, what would hide data is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from mriparaspinal.core.arguments import argument
from mriparaspinal.core.errors import Fault, UsageError

_FONTS = ("font.family", "font.sans-serif", "font.serif", "font.monospace")

_SIZES = (
    *("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"),
    *("legend.fontsize", "legend.title_fontsize"),
)

#: More, and texts of the layout would lie upon each other.
_SIZE_PT, _TEXT_PT = (5.0, 10.0), (5.0, 8.0)

_WIDTHS = (
    *("axes.linewidth", "grid.linewidth", "hatch.linewidth", "lines.linewidth"),
    *(f"{axis}tick.{which}.width" for axis in "xy" for which in ("major", "minor")),
)

_WIDTH_PT = (0.25, 2.0)

#: Lengths of ticks, and what lies between texts and axes.
_LENGTHS = (
    *(f"{axis}tick.{which}.{of}" for axis in "xy" for which in ("major", "minor") for of in ("size", "pad")),
    *("axes.labelpad", "axes.titlepad"),
)

_LENGTH_PT = (0.0, 10.0)

#: Lowest and highest value of these, and their unit.
_LIMITS = {
    **dict.fromkeys(_WIDTHS, (*_WIDTH_PT, " points")),
    **dict.fromkeys(_LENGTHS, (*_LENGTH_PT, " points")),
    "savefig.dpi": (100.0, 1200.0, " dots per inch"),
    "grid.alpha": (0.0, 1.0, ""),
}

_BACKGROUNDS = ("figure.facecolor", "axes.facecolor")

#: Colours, and how much darker than the background they are at least (contrast of WCAG 2).
_INKS = {
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor"), 4.5),
    **dict.fromkeys((f"{axis}tick.{what}" for axis in "xy" for what in ("color", "labelcolor")), 4.5),
    "axes.edgecolor": 3.0,
    "grid.color": 1.0,
}

_SERIES, _SERIES_CONTRAST = "axes.prop_cycle", 2.0

#: Words that stand for another setting, which is checked itself.
_AS_ANOTHER = ("auto", "inherit")

#: What may have any value that matplotlib takes.
_FREE = (
    *("font.style", "font.weight", "axes.titleweight", "axes.labelweight", "axes.titlelocation"),
    *(f"axes.spines.{edge}" for edge in ("left", "bottom", "top", "right")),
    *("axes.grid", "axes.grid.axis", "axes.grid.which", "grid.linestyle", "legend.frameon"),
    *(f"{axis}tick.direction" for axis in "xy"),
    *(f"{axis}tick.minor.visible" for axis in "xy"),
)

_TAKEN = {*_FONTS, *_SIZES, *_LIMITS, *_BACKGROUNDS, *_INKS, _SERIES, *_FREE}

#: Fonts whose letters are other signs.
_SIGNS = re.compile(r"(cm(ex|sy|mi)10|.*(symbol|dingbat|webdings|wingdings).*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The settings of a file, and the line of each."""

    file: Path
    settings: dict[str, Any]
    lines: dict[str, int]

    def refuse(self, key: str, found: object, expected: str, remedy: str = "correct the line") -> NoReturn:
        raise _wrong(self.file, f"line {self.lines[key]}: {key} {found} was found", expected, remedy)


def read_style(file: Path) -> tuple[Mapping[str, Any], bytes]:
    """The settings of a style sheet, and its content; raises :class:`UsageError` for what is not taken."""
    try:
        content = file.read_bytes()
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise _wrong(file, found, "a style sheet of matplotlib", "check the path") from None
    sheet = _settings(content, file)
    _check_numbers(sheet)
    _check_sizes(sheet)
    _check_colours(sheet)
    _keep_fonts_that_are_there(sheet)
    return sheet.settings, content


def _settings(content: bytes, file: Path) -> _Sheet:
    """The settings, as matplotlib reads them; raises :class:`UsageError` for one that is not of taste."""
    import matplotlib

    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise _wrong(file, "is no text", "a style sheet of matplotlib", "choose another") from None
    sheet = _Sheet(file, {}, {})
    for number, line in enumerate(lines, 1):
        text = _without_comment(line)
        if not text:
            continue
        key, colon, value = (part.strip() for part in text.partition(":"))
        if not colon or key not in matplotlib.rcParams:
            said = f"line {number}: {key!r} was found"
            raise _wrong(file, said, "NAME: VALUE, a setting of matplotlib's figures", "correct the line")
        if key not in _TAKEN:
            said = f"line {number}: {key!r} was found"
            expected = "a setting of fonts, colours, lines or ticks that docs/figures.md lists"
            raise _wrong(file, said, expected, "delete the line")
        try:
            sheet.settings[key] = matplotlib.RcParams({key: value.strip('"')})[key]
        except ValueError as error:
            reason = str(error).split("\n", 1)[0].replace(";", ",")
            raise _wrong(file, f"line {number}: {reason}", f"a value of {key}", "correct the line") from None
        sheet.lines[key] = number
    return sheet


def _without_comment(line: str) -> str:
    """A line up to a # that is not inside of quotes.

    >>> _without_comment('axes.edgecolor: "#333333" # dark'), _without_comment("# all")
    ('axes.edgecolor: "#333333"', '')
    """
    kept = re.match(r"""(?:"[^"]*"|'[^']*'|[^#])*""", line)
    return kept[0].strip() if kept else ""


def _check_numbers(sheet: _Sheet) -> None:
    for key, (low, high, unit) in _LIMITS.items():
        value = sheet.settings.get(key)
        if value is not None and not (isinstance(value, int | float) and low <= value <= high):
            sheet.refuse(key, value, f"{low:g} to {high:g}{unit}")


def _check_sizes(sheet: _Sheet) -> None:
    """Letters that are read and have room, those named by a word, too."""
    from matplotlib.font_manager import font_scalings

    from mriparaspinal.present.style import TEXT_PT

    base = float(sheet.settings.get("font.size", TEXT_PT))
    for key in _SIZES:
        if key not in sheet.lines:
            continue
        value = sheet.settings[key]
        points = font_scalings[value] * base if value in font_scalings else float(value)
        low, high = _TEXT_PT if key == "font.size" else _SIZE_PT
        if not low <= points <= high:
            word = f" ({value})" if isinstance(value, str) else ""
            sheet.refuse(key, f"{points:.3g}{word}", f"{low:g} to {high:g} points")


def _check_colours(sheet: _Sheet) -> None:
    """A background on which our own grey and black are read, and what is read on it."""
    from mriparaspinal.present.style import GREY

    for key in _BACKGROUNDS:
        if key in sheet.lines and _contrast(sheet, key, sheet.settings[key], GREY) < 4.5:
            expected = "a light colour, on which grey and black letters are read"
            sheet.refuse(key, sheet.settings[key], expected)
    behind = [sheet.settings.get(key, "white") for key in _BACKGROUNDS]

    def check(key: str, colour: Any, least: float) -> None:
        contrast = min(_contrast(sheet, key, colour, background) for background in behind)
        if contrast < least:
            expected = f"a contrast with the background of at least {least:g}, not {contrast:.1f}"
            sheet.refuse(key, colour, expected, "take a darker colour")

    for key, least in _INKS.items():
        if key in sheet.lines and sheet.settings[key] not in _AS_ANOTHER:
            check(key, sheet.settings[key], least)
    if _SERIES in sheet.lines:
        cycle = sheet.settings[_SERIES].by_key()
        if set(cycle) != {"color"}:
            sheet.refuse(_SERIES, f"of {', '.join(sorted(cycle))}", "cycler('color', [...]) and nothing else")
        for colour in cycle["color"]:
            check(_SERIES, colour, _SERIES_CONTRAST)


def _contrast(sheet: _Sheet, key: str, one: Any, other: Any) -> float:
    """Of two colours, as WCAG 2 defines it: 1 to 21; one that lets others through is refused."""
    from matplotlib.colors import to_rgba

    if to_rgba(one)[3] < 1 or re.fullmatch(r"C\d+", str(one)):
        sheet.refuse(key, one, "a colour by its name or as #RRGGBB, not transparent")
    dark, light = sorted((_luminance(to_rgba(one)), _luminance(to_rgba(other))))
    return (light + 0.05) / (dark + 0.05)


def _luminance(rgba: tuple[float, ...]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgba[:3]]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _keep_fonts_that_are_there(sheet: _Sheet) -> None:
    """Of each list of fonts those of this machine; ours behind them, for letters that they lack."""
    from matplotlib import font_manager

    known = {entry.name for entry in font_manager.fontManager.ttflist} | font_manager.font_family_aliases
    for key in _FONTS:
        if key in sheet.lines:
            asked = sheet.settings[key]
            for name in asked:
                if _SIGNS.fullmatch(name):
                    sheet.refuse(key, name, "a font of letters", "name another")
            there = [name for name in asked if name in known]
            if not there:
                said = f"{key}: none of {', '.join(asked)} is installed"
                raise _wrong(sheet.file, said, "a font of this machine", "install one, or name another")
            sheet.settings[key] = [*there, *(["DejaVu Sans"] if key == "font.family" else [])]


def _wrong(file: Path, found: str, expected: str, remedy: str) -> UsageError:
    return UsageError(Fault(f"{argument('style')} {file}", found, expected, remedy))
