"""The files of a report: its page, those of the participants, and their PDFs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from mriparaspinal.core.errors import UsageError
from mriparaspinal.io.write import Output, require_ours
from mriparaspinal.report.gather import Contents
from mriparaspinal.report.html import is_page, render
from mriparaspinal.report.pdf import is_pdf, printed
from mriparaspinal.report.people import PersonView, page_names

_PDF = ".pdf"


def folder_of(out: Path) -> Path:
    """Where the pages of the participants go: beside the page of the study."""
    return out.with_name(f"{out.stem}_participants")


def require_free(out: Path, pdf: bool, option: str) -> None:
    """Raise :class:`UsageError` where what is there is not ours."""
    require_ours(out, is_page, option)
    if not pdf:
        return
    if out.suffix.lower() == _PDF:
        found = f"{out}: the name of a PDF was found; expected one such as report.html"
        raise UsageError(f"{option} {found}; end it in .html: the PDF is written beside the page")
    require_ours(out.with_suffix(_PDF), is_pdf, option)


def report_files(
    contents: Contents,
    people: Sequence[PersonView],
    out: Path,
    browser: str | None = None,
    advance: Callable[[], None] | None = None,
) -> list[Output]:
    """The files to write, the page of the study last; with a ``browser``, each page as PDF, too.

    What an earlier report of this name wrote and this one does not is to go: its numbers may be others.
    """
    folder = folder_of(out)
    names = page_names([person.participant_id for person in people])
    pages = {folder / name: render(contents, one) for name, one in zip(names, people, strict=True)}
    pages[out] = render(contents)
    outputs = []
    for path, page in pages.items():
        if browser is not None:
            outputs.append(Output(path.with_suffix(_PDF), printed(browser, page), is_pdf))
            if advance is not None:
                advance()
        outputs.append(Output(path, page, is_page))
    return [*_outdated(out, {output.path for output in outputs}), *outputs]


def _outdated(out: Path, wanted: set[Path]) -> list[Output]:
    folder = folder_of(out)
    written = [(path, is_page) for path in sorted(folder.glob("*.html"))]
    written += [(path, is_pdf) for path in [*sorted(folder.glob(f"*{_PDF}")), out.with_suffix(_PDF)]]
    outputs = []
    for path, is_ours in written:
        if path not in wanted and path.is_file():
            try:
                require_ours(path, is_ours)
            except UsageError:
                continue  # somebody else's: it stays
            outputs.append(Output(path, None, is_ours))
    return outputs
