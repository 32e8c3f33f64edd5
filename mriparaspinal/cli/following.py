"""What a command says last: the next command, to be pasted, and where its page is, opened if asked for."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mriparaspinal.cli.console import say


def say_next(command: str, *words: object, why: str = "", **options: Any) -> None:
    """The next command as a line to be pasted; ``options`` that are not given are left out."""
    typed = [command, *map(str, words), *_options(options)]
    say(f"next{why and ', ' + why}: {program()} {quoted(typed)}")


def _options(values: Mapping[str, Any]) -> list[str]:
    """Options as they are typed, by their names in Python."""
    words: list[str] = []
    for name, value in values.items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, tuple) and name == "window":
            words += [option, ",".join(f"{number:.15g}" for number in value)]
        elif isinstance(value, tuple):
            words += [word for one in value for word in (option, str(one))]
        elif value is True:
            words.append(option)
        elif value is not None and value is not False:
            words += [option, str(value)]
    return words


def quoted(words: list[str]) -> str:
    """Words as a shell takes them."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def program() -> str:
    """What was typed to start this program."""
    started, found = Path(sys.argv[0]), shutil.which("mriparaspinal")
    if started.name == "__main__.py":
        return "python -m mriparaspinal"
    # On Windows one of the two may lack its ending.
    named = found is not None and Path(found).with_suffix("").resolve() == started.with_suffix("").resolve()
    return "mriparaspinal" if named or started.stem != "mriparaspinal" else quoted([sys.argv[0]])


def show_page(page: Path, wanted: bool) -> None:
    """Open a page in the browser if it is ``wanted``; say where it is where there is none."""
    if not wanted:
        return
    import webbrowser

    address = page.resolve().as_uri()
    try:
        opened = _has_screen() and webbrowser.open(address)
    except (webbrowser.Error, OSError):
        opened = False
    say(f"opened {page} in the browser" if opened else f"no browser here; open {page.resolve()} in one")


def _has_screen() -> bool:
    """Whether a browser could be seen: of a text browser over ssh nobody wants the page."""
    if "BROWSER" in os.environ or sys.platform in ("win32", "darwin"):
        return "SSH_CONNECTION" not in os.environ or "BROWSER" in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
