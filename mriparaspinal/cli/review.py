"""``mriparaspinal review``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mriparaspinal.cli import options as opt
from mriparaspinal.cli.console import say
from mriparaspinal.cli.following import say_next
from mriparaspinal.core.errors import UsageError
from mriparaspinal.core.text import count_of
from mriparaspinal.io.protocol import resolve_settings

if TYPE_CHECKING:
    from mriparaspinal.review.begin import Wanted


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """Who reads, and how."""

    reader: Annotated[
        str | None, opt.option("--reader", "Who reads: stands in review.csv with each verdict.", "NAME")
    ] = None
    out: Annotated[
        Path | None,
        opt.option("--out", "This reader's own folder; made if missing [default: beside the images].", "DIR"),
    ] = None
    blind: Annotated[
        int | None,
        opt.option("--blind", "Codes in place of names, in a random order; needs --key.", "SEED"),
    ] = None
    key: Annotated[
        Path | None,
        opt.option("--key", "With --blind: where the key is kept, apart from --out.", "FILE"),
    ] = None
    repeat: Annotated[
        float | None,
        opt.option("--repeat", "With --blind: show this share of the slices twice.", "SHARE", min=0, max=1),
    ] = None
    with_contours: Annotated[
        bool, opt.option("--with-contours", "With --blind: show the contours that there are.")
    ] = False
    compare: Annotated[
        tuple[Path, ...],
        opt.option("--compare", "Only slices on which two readers' folders differ (give it twice).", "DIR"),
    ] = ()
    dice_below: Annotated[
        float | None,
        opt.option(
            "--dice-below",
            "With --compare: a region differs where Dice is below this [default: 0.9].",
            "DICE",
            min=0,
            max=1,
        ),
    ] = None
    marks: Annotated[
        Path | None,
        opt.option("--marks", "The review.csv saved from the HTML report: verdicts to go on with.", "FILE"),
    ] = None
    timing: Annotated[
        bool, opt.option("--timing", "Record seconds per slice in timing.csv; needs --out.")
    ] = False


@opt.command
def review(
    *,
    dataset: Annotated[Path, opt.argument("Folder of slices, with or without LabelMe files.")],
    reading: _Reading,
    port: Annotated[
        int,
        opt.option("--port", "Port on this computer [default: any free one].", "N", min=0, max=65535),
    ] = 0,
    no_browser: Annotated[
        bool, opt.option("--no-browser", "Print the address, and open no browser (for ssh -L).")
    ] = False,
    protocol: opt.Protocol,
    naming: opt.Naming,
) -> None:
    """Look at slices, draw, correct and judge contours, on a page of this computer alone.

    Writes LabelMe files and review.csv: beside the images, or with --out into a reader's folder.
    With --blind nothing on the page tells whose slice it is; unblind gives the names back.

    \b
    Example:
      mriparaspinal review scans
      mriparaspinal review scans --reader anna --out anna-blinded --blind 7 --key anna.key.csv
    """
    _require_together(reading)
    settings = resolve_settings(dataset, opt.given(protocol, naming))
    from mriparaspinal.review.begin import begin
    from mriparaspinal.review.launch import serve

    session, notes = begin(dataset, settings, _wanted(reading))
    try:
        for note in notes:
            say(note)
        say(f"{count_of(len(session.readings), 'slice')} to look at in {dataset}")
        serve(session, port, not no_browser, say)
    finally:
        session.close()
    _say_next(dataset, reading, vars(protocol) | vars(naming))


def _say_next(dataset: Path, reading: _Reading, given: dict[str, Any]) -> None:
    if reading.blind is not None:
        return say_next("unblind", reading.out, "--key", reading.key, "--out", f"{reading.reader}-unblinded")
    verdicts = (reading.out or dataset) / "review.csv"
    given |= {"annotations": reading.out, "review": verdicts if verdicts.is_file() else None}
    return say_next("check", dataset, **given)


def _wanted(reading: _Reading) -> Wanted:
    from mriparaspinal.review.begin import Wanted

    return Wanted(**vars(reading))


def _require_together(reading: _Reading) -> None:
    """Raise :class:`UsageError` for an option without those that it needs."""
    blinded, compared = reading.blind is not None, bool(reading.compare)
    for option, given, needed, there in (
        ("--out", reading.out is not None, "--reader", bool((reading.reader or "").strip())),
        ("--blind", blinded, "--out", reading.out is not None),
        ("--blind", blinded, "--key", reading.key is not None),
        ("--key", reading.key is not None, "--blind", blinded),
        ("--repeat", reading.repeat is not None, "--blind", blinded),
        ("--with-contours", reading.with_contours, "--blind", blinded),
        ("--dice-below", reading.dice_below is not None, "--compare", compared),
        ("--compare", compared, "--out", reading.out is not None),
        ("--timing", reading.timing, "--out", reading.out is not None),
    ):
        if given and not there:
            raise UsageError(f"{option}: given without {needed}; expected both; add {needed}")
    if compared and len(reading.compare) != 2:
        found = f"given {len(reading.compare)} times" if len(reading.compare) > 1 else "given once"
        raise UsageError(f"--compare: {found}; expected two readers' folders; give it twice")
    for option, given in (("--compare", compared), ("--marks", reading.marks is not None)):
        if given and blinded:
            raise UsageError(f"{option}: given with --blind; expected the names of slices; leave one out")
