"""The page ``reference.md``: every command with its arguments, options and examples, from the app itself.

It is not in the repository: ``make docs`` makes it while the site is built, so that it cannot be out of date.
Run ``python docs/scripts/reference.py`` to see it.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from markdown_page import table

from mriparaspinal.cli import COMMANDS, app, load
from mriparaspinal.cli.command import help_rows

_INTRODUCTION = """\
# Commands

```text
mriparaspinal COMMAND …
python -m mriparaspinal COMMAND …
```

Results go to files, messages to stderr. "repeat": an option may be given several times. Settings can be in
[`paraspinal.toml`](reproducibility.md#the-protocol-in-a-file), too; options override it.
`mriparaspinal --version` shows the version.

## Exit codes

| code | meaning |
| --- | --- |
| 0 | all done (perhaps with warnings) |
| 1 | an unexpected failure, with a traceback: please report it |
| 2 | wrong usage or settings, or an output that cannot be written |
| 3 | no usable input |
| 4 | done, but part of the input had errors: `problems.csv` lists what was not measured |
| 5 | a gate that was asked for failed (`--require-cv`) |

`run` gives the first of 1, 2, 3, 4, 0 that any of its steps gives. `check` gives 4 with errors, 0 with
warnings only."""


_SEVERAL = "## Options of several commands"

#: An option that so many commands have with the same meaning stands in one table.
SHARED = 3


def page() -> str:
    """The page as Markdown."""
    with app.make_context("mriparaspinal", [], resilient_parsing=True) as context:
        rows = {name: _rows(load(name), context) for name in COMMANDS}
        times = Counter(row for panels in rows.values() for panel in panels.values() for row in panel)
        shared = {row for row, count in times.items() if count >= SHARED and row[0].startswith("-")}
        commands = [_command(name, load(name), rows[name], shared, context) for name in COMMANDS]
    first = dict.fromkeys(row for panels in rows.values() for panel in panels.values() for row in panel)
    listed = [[_code(option), _cell(meaning)] for option, meaning in first if (option, meaning) in shared]
    several = f"{_SEVERAL}\n\n{table(['option', 'what'], listed)}"
    return "\n\n".join([_INTRODUCTION, *commands, several]) + "\n"


def _rows(command: Any, parent: Any) -> dict[str, list[tuple[str, str]]]:
    context = command.make_context(command.name, [], parent=parent, resilient_parsing=True)
    return help_rows(command.get_params(context))


def _command(
    name: str,
    command: Any,
    panels: dict[str, list[tuple[str, str]]],
    shared: set[tuple[str, str]],
    parent: Any,
) -> str:
    """The section of one command, in the words of its ``--help``."""
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    text, _, examples = (command.help or "").replace("\b", "").partition("Example:")
    usage = " ".join(command.collect_usage_pieces(context)[1:])
    lines = "\n".join(line.strip() for line in examples.strip().splitlines())
    parts = [f"## {name}", _linked(text.strip()), f"```sh\n{lines}\n```"]
    own = [
        [_code(option), _cell(meaning)]
        for rows in panels.values()
        for option, meaning in rows
        if (option, meaning) not in shared
    ]
    parts.append(table([f"`{name} {usage} [OPTIONS]`", "what"], own))
    also = [
        _code(option.partition(" ")[0])
        for panel, rows in panels.items()
        for option, meaning in rows
        if (option, meaning) in shared and panel != "Messages"
    ]
    if also:
        parts.append(f"[Also](#options-of-several-commands): {', '.join(also)}.")
    return "\n\n".join(parts)


def _code(text: str) -> str:
    return f"`{' '.join(text.split())}`"


def _cell(text: str | None) -> str:
    return _linked(" ".join((text or "").split()).replace("|", "\\|"))


def _linked(text: str) -> str:
    """The names of pages become links."""
    return re.sub(r"docs/([a-z-]+)\.md", r"[\1](\1.md)", text)


if __name__ == "__main__":
    print(page(), end="")
