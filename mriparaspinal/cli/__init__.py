"""The command line: one file per command, options that several share in ``options``."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Iterator

import click

from mriparaspinal import __version__
from mriparaspinal.cli.surroundings import libraries_quiet, settle, told
from mriparaspinal.core.errors import ParaspinalError
from mriparaspinal.core.model import printable

#: In the order of ``--help``. Each stands in the module of its name.
COMMANDS = (
    "phantom",
    "prepare",
    "check",
    "masks",
    "contours",
    "quantify",
    "merge",
    "compare",
    "correlate",
    "regress",
    "roc",
    "score",
    "regions",
    "maps",
    "reliability",
    "threshold-sweep",
    "report",
    "run",
)


def load(name: str) -> click.Command:
    """The command of such a name."""
    name = name.replace("-", "_")
    command: click.Command = getattr(importlib.import_module(f"{__name__}.{name}"), name)
    return command


class _Commands(click.Group):
    """The commands, each imported when it is asked for: a run needs just one of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click gives it)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        return load(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            # click knows no command to propose, as none is loaded.
            near = get_close_matches(args[0], COMMANDS)
            hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    name="mriparaspinal",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="mriparaspinal", message="%(prog)s %(version)s")
def app() -> None:
    """From contours on lumbar MRI slices to fatty infiltration, areas and the tests of a study."""


class Stopped(KeyboardInterrupt):
    """A signal asks to stop, as Ctrl-C does: by ``timeout``, a batch system, the end of a session."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number


@contextlib.contextmanager
def _obeying() -> Iterator[None]:
    """End in good order by SIGTERM and SIGHUP, too; one that is ignored (``nohup``) stays so."""

    def stop(number: int, _: object) -> None:
        raise Stopped(number)

    obeyed = []
    with contextlib.suppress(ValueError):  # not in the main thread
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) == signal.SIG_DFL:
                signal.signal(number, stop)
                obeyed.append(number)
    try:
        yield
    finally:
        for number in obeyed:
            signal.signal(number, signal.SIG_DFL)


def _last_line(text: str) -> None:
    # After a hang-up there may be no terminal any more.
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Run a command; a user's mistake becomes one line on stderr and its exit code."""
    settle()
    try:
        # Not app(): that turns Ctrl-C, and a reader of our output that has gone, into exit code 1.
        with _obeying(), libraries_quiet(), app.make_context("mriparaspinal", sys.argv[1:]) as context:
            app.invoke(context)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except ParaspinalError as error:
        # Several faults of a protocol stand in a line each.
        lines = map(printable, str(error).split("\n"))
        print("mriparaspinal: " + "\n".join(lines), file=sys.stderr)
        sys.exit(error.exit_code)
    except Stopped as stop:
        _last_line(f"mriparaspinal: stopped by the signal {stop.name}")
        sys.exit(stop.exit_code)
    except KeyboardInterrupt:
        _last_line("mriparaspinal: stopped from the keyboard")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is wrong, nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        lacking = told(error)
        if lacking is None:
            raise
        print(f"mriparaspinal: {lacking}", file=sys.stderr)
        sys.exit(lacking.exit_code)
