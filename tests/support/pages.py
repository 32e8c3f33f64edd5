"""What the tests of the documentation share: the blocks of a page, and a shell to run them in.

Of the pages a block of the language ``sh`` is run; one of the language ``text`` right after it is what it
prints, where a line ``…`` stands for lines that the page leaves out. Blocks of the language ``bash`` are for
the reader alone: they install something, or need a cluster.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

from tests.support.builders.study import run

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SAMPLE = ROOT / "sample_data"


class Block(NamedTuple):
    """A block of code of a page."""

    heading: str
    """The heading that it stands below."""
    language: str
    title: str
    text: str
    after: str
    """What stands between it and the block before, in the page."""


def blocks(page: str) -> list[Block]:
    """The blocks of a page of ``docs``, in their order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    pattern = r'^( *)```(?:(\w+)|{\.(\w+) title="([^"]+)"})\n(.*?)^\1```$'
    found = []
    end = 0
    for match in re.finditer(pattern, text, flags=re.DOTALL | re.MULTILINE):
        headings = re.findall(r"^#+ (.*)$", _without_code(text[: match.start()]), flags=re.MULTILINE)
        content = textwrap.dedent(match[5])
        language = match[2] or match[3]
        found.append(Block(headings[-1], language, match[4] or "", content, text[end : match.start()]))
        end = match.end()
    return found


def _without_code(text: str) -> str:
    """A comment in a block of code is no heading."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)


def commands_with_output(page: str) -> list[tuple[str, str | None]]:
    """The commands of a page and what it says that they print."""
    found: list[tuple[str, str | None]] = []
    previous = None
    for block in blocks(page):
        if block.language == "sh":
            found.append((block.text, None))
        elif block.language == "text" and previous == "sh" and not block.after.strip():
            found[-1] = (found[-1][0], block.text)
        previous = block.language
    return found


def shows(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed; a line ``…`` of the page stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "…" else re.escape(line) + " *\n" for line in shown.splitlines()
    )
    return re.fullmatch(pattern, printed if printed.endswith("\n") else f"{printed}\n") is not None


def environment(folder: Path) -> dict[str, str]:
    """An environment where ``mriparaspinal`` and ``python`` are these, whatever is installed elsewhere."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, words in (("mriparaspinal", " -m mriparaspinal"), ("python", "")):
        script = programs / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n')
        script.chmod(0o755)
    # Unbuffered: what goes to stdout and stderr stands in the order in which it was said.
    own = {"PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **own}


def shell(command: str, folder: Path, **variables: str) -> tuple[int, str]:
    """Run commands in a folder: the exit code of the last one, and all that they print.

    A line of ours, with nothing in it that a shell is needed for, runs in this process: it is quicker.
    """
    lines = command.replace("\\\n", " ").strip().splitlines()
    if not variables and all(re.match(r"(mriparaspinal|ls|head|python) ", line) for line in lines):
        ended = [_one_line(line, folder) for line in lines]
        return ended[-1][0], "".join(printed for _, printed in ended)
    return _in_bash(command, folder, **variables)


def _one_line(line: str, folder: Path) -> tuple[int, str]:
    if not re.fullmatch(r'mriparaspinal (?:[\w ./=,:+-]|"[\w ./=,:+{}[\]-]*")+', line, re.ASCII):
        return _in_bash(line, folder)
    with contextlib.chdir(folder):
        found = run(*shlex.split(line)[1:], together=True)
    return found.code, found.out


def _in_bash(command: str, folder: Path, **variables: str) -> tuple[int, str]:
    outside = folder.parent / f"{folder.name}-programs"
    outside.mkdir(exist_ok=True)
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment(outside) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return result.returncode, result.stdout
