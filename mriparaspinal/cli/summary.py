"""What a command found, in short: for a person on stderr, or as one JSON object for a program on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from mriparaspinal.cli.console import end_bar, if_read, is_quiet, log
from mriparaspinal.core.model import printable
from mriparaspinal.core.text import count_of

Rows = list[tuple[str, str]]

#: What there is to say of drafts and of a review, where there are any.
_JUDGED = {
    "drafts_measured": "unjudged drafts measured",
    "accepted_as_drawn": "contours accepted as drawn by the program",
    "excluded_slices": "slices excluded by the review",
    "excluded_regions": "regions excluded by the review",
    "look_again": "to be looked at again",
}

#: Codes of problems that a summary names; the others are counted.
_CODES_NAMED = 4


def measured_rows(summary: Mapping[str, Any], kinds: bool = True, found: int = 0) -> Rows:
    """What measuring a dataset gave, for a person; ``kinds``: the problems, too.

    ``found``: participants that files name, of whom some may have no slice that could be measured.
    """
    codes = list(summary["problems_by_code"].items())
    named = ", ".join(f"{number} × {code}" for code, number in codes[:_CODES_NAMED])
    more = f", {count_of(len(codes) - _CODES_NAMED, 'more kind')}" if len(codes) > _CODES_NAMED else ""
    groups = ", ".join(f"{group} {n}" for group, n in summary["participants_by_group"].items())
    segments = ", ".join(f"{segment} {n}" for segment, n in summary["slices_by_segment"].items())
    slices = f"{summary['slices_measured']} of {summary['slices_found']}" if summary["slices_found"] else "0"
    if alone := summary["problems_by_code"].get("image-without-json", 0):
        slices += f", and {count_of(alone, 'image')} without contours"
    people = f"{summary['participants']} ({groups})" if groups else "0"
    if found > summary["participants"]:
        people += f", and {found - summary['participants']} without a measured slice"
    rows = [
        ("slices measured", slices),
        ("participants", people),
        ("slices per segment", segments or "none"),
    ]
    if kinds:
        rows.append(("errors, warnings", f"{summary['errors']}, {summary['warnings']}"))
        rows += [("problems", named + more)] * bool(codes)
    return rows + [(words, str(summary[name])) for name, words in _JUDGED.items() if name in summary]


def compared_rows(summary: Mapping[str, Any]) -> Rows:
    """The same for a person."""
    rows = [
        ("comparisons", f"{summary['comparisons']}{not_tested(summary)}"),
        ("with p < 0.05", str(summary["p_below_0_05"])),
        ("with adjusted p < 0.05", str(summary["p_adjusted_below_0_05"])),
    ]
    for contrast, counts in summary["by_contrast"].items():
        shares = f"{counts['p_below_0_05']} and {counts['p_adjusted_below_0_05']} of {counts['comparisons']}"
        rows.append((f"  {contrast}", shares))
    if summary["paired"]:
        below = f"{summary['paired_p_below_0_05']} of {summary['paired']} below 0.05"
        rows.append(("paired p of the sides", f"{below}, not counted above"))
    if counts := summary.get("omnibus"):
        shares = f"{counts['p_below_0_05']} and {counts['p_adjusted_below_0_05']} of {counts['tests']}"
        rows.append((f"all groups of {counts['groups']}", f"{shares}, not counted above"))
    return rows


def not_tested(summary: Mapping[str, Any]) -> str:
    """How many rows have no test, in brackets after the number of comparisons; empty if all have one."""
    number = summary["not_tested"]
    return f" ({number} more could not be tested)" if number else ""


def show(rows: Rows) -> None:
    """Names and values on stderr, aligned; in bold on a terminal."""
    end_bar()
    rows = [(printable(name), printable(value)) for name, value in rows]
    for name, value in rows:
        log(f"{name}: {value}")
    if is_quiet() or not rows:
        return
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 3))
        for name, value in rows:
            table.add_row(Text(name), Text(value, style="bold"))
        Console(stderr=True).print(table)
        return
    width = max(len(name) for name, _ in rows)
    with if_read(sys.stderr):
        for name, value in rows:
            print(f"{name:<{width}}   {value}", file=sys.stderr)


def print_json(content: Mapping[str, Any]) -> None:
    """One JSON object on stdout."""
    end_bar()
    with if_read(sys.stdout):
        print(json.dumps(content, indent=2, ensure_ascii=True))
