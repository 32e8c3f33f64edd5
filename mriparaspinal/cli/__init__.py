"""The command line: one file per command, options that several share in ``options``."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from mriparaspinal import __version__
from mriparaspinal.cli.surroundings import libraries_quiet, settle, told
from mriparaspinal.core.errors import ParaspinalError, UsageError
from mriparaspinal.core.model import printable

#: Panel of ``--help`` → its commands, in the order of the work. Each is in the module of its name.
PANELS = {
    "First steps": ("demo", "init"),
    "Slices": ("phantom", "prepare"),
    "Contours": ("review", "contours", "refine", "draft", "interpolate", "unblind"),
    "Look and measure": ("check", "masks", "run", "quantify", "merge", "bids"),
    "Compare": (
        *("compare", "correlate", "regress", "model", "change", "roc", "reliability", "threshold-sweep"),
        "plan",
    ),
    "Report": ("report",),
    "Scores and brain": ("score", "maps", "regions"),
}
COMMANDS = tuple(name for names in PANELS.values() for name in names)


def load(name: str) -> TyperCommand:
    """The command of such a name."""
    name = name.replace("-", "_")
    command: TyperCommand = getattr(importlib.import_module(f"{__name__}.{name}"), name)
    return command


class _Commands(TyperGroup):
    """The commands, each imported when it is asked for: a run needs just one of them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (Typer gives it)
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:  # noqa: ARG002
        return load(cmd_name) if cmd_name in COMMANDS else None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave all behind the name of a command to it."""
        if ctx.resilient_parsing:  # for completion
            return super().parse_args(ctx, args)
        if not args:
            print(self.get_help(ctx), file=sys.stderr)
            raise typer.Exit(2)
        if args[0].startswith("-"):
            try:
                super().parse_args(ctx, args)
            except typer.TyperException as error:
                from mriparaspinal.cli.command import usage_error

                options = [option for parameter in self.get_params(ctx) for option in parameter.opts]
                raise usage_error(error, options, "mriparaspinal") from None
            raise UsageError("no command was given; expected one; see mriparaspinal --help")
        ctx.args = args
        return args

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is named first."""
        name, *args = ctx.args
        command = self.get_command(ctx, name)
        try:
            if command is None:
                from difflib import get_close_matches

                near = get_close_matches(name, COMMANDS)
                hint = f"did you mean {' or '.join(near)}?" if near else "choose another"
                raise UsageError(f"{name}: unknown command; expected a command that --help lists; {hint}")
            context = command.make_context(name, args, parent=ctx)
        except UsageError as error:
            from mriparaspinal.cli.log import log_unread

            log_unread(args, "mriparaspinal" if command is None else name, error)
            raise
        with context:
            return command.invoke(context)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """The commands by panel, each with the whole first sentence of its help."""
        for panel, names in PANELS.items():
            with formatter.section(panel):
                formatter.write_dl([(name, (load(name).help or "").split("\n\n")[0]) for name in names])

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Options, then the commands."""
        from mriparaspinal.cli.command import help_row

        with formatter.section("Options"):
            formatter.write_dl([help_row(parameter) for parameter in self.get_params(ctx)])
        self.format_commands(ctx, formatter)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"mriparaspinal {__version__}")
        raise typer.Exit


_typer = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@_typer.callback(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def mriparaspinal(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
            show_default=False,
        ),
    ] = False,
) -> None:
    """From contours on lumbar MRI slices to fatty infiltration, areas and the tests of a study."""


app: Any = get_command(_typer)

# The system takes the memory back at once; a last search for unreachable objects takes up to half a second.
atexit.register(gc.freeze)


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
    if "_MRIPARASPINAL_COMPLETE" in os.environ:
        app.main(prog_name="mriparaspinal")
    try:
        # Not app(): that turns Ctrl-C, and a reader of our output that has gone, into exit code 1.
        with _obeying(), libraries_quiet(), app.make_context("mriparaspinal", sys.argv[1:]) as context:
            app.invoke(context)
    except typer.Exit as end:
        sys.exit(end.exit_code)
    except ParaspinalError as error:
        # Several faults of a protocol have a line each.
        lines = map(printable, str(error).split("\n"))
        print("mriparaspinal: " + "\n".join(lines), file=sys.stderr)
        sys.exit(error.exit_code)
    except Stopped as stop:
        _last_line(f"mriparaspinal: stopped by the signal {stop.name}")
        sys.exit(stop.exit_code)
    except KeyboardInterrupt:
        _last_line("mriparaspinal: stopped from the keyboard")
        # Where Ctrl-C met source text being run (a dataclass in an import), ``python -m`` would end by the
        # signal instead of our code: it remembers how the last text ended. This one ends well.
        exec("")
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
