"""Markdown for the pages that scripts write: tables, and paragraphs of even length."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 110


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def joined(parts: Iterable[str]) -> str:
    """Parts of a page below each other, their paragraphs and list items broken anew at ``WIDTH``.

    Blocks are parted by empty lines. Tables and headings stay as they are.
    """
    blocks = [block for part in parts for block in part.strip().split("\n\n")]
    return "\n\n".join(_filled(block) for block in blocks) + "\n"


def _filled(block: str) -> str:
    if block.startswith(("|", "#")):
        return block
    items: list[str] = []
    for line in block.splitlines():
        if line.startswith("- ") or not items:
            items.append(line)
        else:
            items[-1] += " " + line.strip()
    return "\n".join(
        textwrap.fill(
            item,
            WIDTH,
            subsequent_indent="  " if item.startswith("- ") else "",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for item in items
    )
