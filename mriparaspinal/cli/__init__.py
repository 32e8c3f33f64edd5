"""The command line: one file per command, options that several share in ``options``."""

from __future__ import annotations

import os
import sys

import typer

from mriparaspinal import __version__
from mriparaspinal.cli import (
    check,
    compare,
    contours,
    correlate,
    maps,
    masks,
    merge,
    phantom,
    prepare,
    quantify,
    regions,
    regress,
    reliability,
    report,
    roc,
    run,
    score,
    threshold_sweep,
)
from mriparaspinal.cli.logs import with_log
from mriparaspinal.errors import ParaspinalError

app = typer.Typer(
    name="mriparaspinal",
    help="From contours on lumbar MRI slices to fatty infiltration, areas and the tests of a study.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mriparaspinal {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
    ),
) -> None:
    pass


_COMMANDS = (
    phantom.phantom,
    prepare.prepare,
    check.check,
    masks.masks,
    contours.contours,
    quantify.quantify,
    merge.merge,
    compare.compare,
    correlate.correlate,
    regress.regress,
    roc.roc,
    score.score,
    regions.regions,
    maps.maps,
    reliability.reliability,
    threshold_sweep.threshold_sweep,
    report.report,
    run.run,
)
for _command in _COMMANDS:
    app.command(context_settings={"help_option_names": ["-h", "--help"]})(with_log(_command))


def main() -> None:
    """Run a command; a user's mistake becomes one line on stderr and its exit code."""
    try:
        app()
    except ParaspinalError as error:
        print(f"mriparaspinal: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("mriparaspinal: stopped from the keyboard", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing is wrong, nothing more to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
