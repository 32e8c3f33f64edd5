"""The ``review.csv`` of a folder, read before each change: others may write it, too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mriparaspinal.core.errors import NoInputError, UnreadableError, UsageError
from mriparaspinal.core.filenames import REVIEW
from mriparaspinal.core.labels import Own
from mriparaspinal.core.spelling import composed
from mriparaspinal.io.tables import read_table
from mriparaspinal.io.write import write_file
from mriparaspinal.review.slices import below
from mriparaspinal.review.verdicts import COLUMNS, Verdict, checked, verdicts_bytes, verdicts_in


class VerdictFile:
    """The judgements of a folder, as they stand on the disk."""

    def __init__(self, folder: Path, reader: str, own_regions: Own = ()) -> None:
        self._folder, self._reader, self._own_regions = folder, reader, own_regions
        self._own: dict[str, list[Verdict]] = {}
        self._further: list[str] = []
        """Columns that somebody added, and that would be lost."""
        self._read()

    @property
    def _path(self) -> Path:
        try:
            return below(self._folder, REVIEW)
        except UnreadableError as error:
            raise NoInputError(error.fault.at(REVIEW)) from None

    def of(self, image: str) -> list[Verdict]:
        """The reader's judgements on a slice and its regions."""
        return self._own.get(composed(image), [])

    def judge(self, verdict: Verdict) -> None:
        """Put a judgement in place of an earlier one on the same region; an empty verdict takes it back.

        Raises :class:`ParaspinalError` for one that ``review.csv`` cannot hold.
        """
        self.judge_all([verdict])

    def judge_all(self, verdicts: Iterable[Verdict]) -> None:
        """The same for several."""
        everyone = self._read()
        if self._further:
            found = f"the column {', '.join(self._further)} was found"
            remedy = "take it out, and judge again: review would write the table without it"
            raise UsageError(f"{REVIEW}: {found}; expected {', '.join(COLUMNS)}; {remedy}")
        for verdict in verdicts:
            everyone = [v for v in everyone if _what(v) != _what(verdict)]
            if verdict.verdict:
                everyone.append(checked(verdict, REVIEW, self._own_regions))
        # Ours, whatever a spreadsheet made of its separators and line ends: all of it was read.
        write_file(self._path, verdicts_bytes(everyone), lambda _: True)
        self._sort(everyone)

    def _read(self) -> list[Verdict]:
        everyone: list[Verdict] = []
        self._further = []
        if self._path.exists():
            table = read_table(self._path)
            everyone = verdicts_in(table, REVIEW, self._own_regions)
            self._further = [column for column in table.columns if column not in COLUMNS]
        self._sort(everyone)
        return everyone

    def _sort(self, everyone: list[Verdict]) -> None:
        self._own = {}
        for verdict in everyone:
            if verdict.reader == self._reader:
                self._own.setdefault(composed(verdict.image), []).append(verdict)


def _what(verdict: Verdict) -> tuple[str, str, str]:
    """What is judged by whom; names of images are told apart as they are read: in one spelling."""
    return composed(verdict.image), verdict.region, verdict.reader
