"""What an analysis hands over: its tables and figures as objects, and as files once it is saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pandas as pd

from mriparaspinal import __version__
from mriparaspinal.analysis.drawing import Drawing, FigureFiles, each_drawn, figure_files, files_of
from mriparaspinal.analysis.frames import frame_csv, give_back, problems_frame
from mriparaspinal.core.arguments import argument
from mriparaspinal.io.manifest import manifest_bytes
from mriparaspinal.io.output import OutputFolder
from mriparaspinal.io.overwrite import refuse_inputs
from mriparaspinal.io.write import sha256
from mriparaspinal.present.table_layout import PaperTable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mriparaspinal.core.model import Problem
    from mriparaspinal.measure.results import Results

#: So many characters of a column's name go into the name of a file.
_NAME_LENGTH = 60

T = TypeVar("T")


Content: TypeAlias = bytes | pd.DataFrame | PaperTable | tuple[PaperTable, ...] | Drawing
"""Text as it is, a table, a printed table, a workbook of printed tables, or a figure."""


class Lazy(Mapping[str, T]):
    """Objects by name, each made when it is first asked for, and then kept."""

    def __init__(self, makers: Mapping[str, Callable[[], T]]) -> None:
        self._makers = dict(makers)
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __repr__(self) -> str:
        return f"{{{', '.join(self._makers)}}}"


@dataclass(frozen=True, eq=False)
class Analysis:
    """What an analysis has found.

    Nothing is on disk before :meth:`save`. A figure is drawn when it is asked for.
    """

    table: pd.DataFrame
    """The main table; its columns are those of the file that the command is named for."""
    notes: tuple[str, ...]
    """What was left out, assumed or read in another way, one sentence each."""
    contents: Mapping[str, Content]
    """By the name of the file; printed tables and figures, of which each has several, without an ending."""
    manifest: str
    """The name of the file that lists the others."""
    settings: Mapping[str, Sequence[str]]
    """What was asked for, or taken in its place."""
    inputs: tuple[tuple[str, str], ...]
    """The files that it was made from, and their SHA-256."""
    problem_list: tuple[Problem, ...] = ()
    """What is wrong with the participants table, as objects; :attr:`problems` is their table."""
    sources: tuple[Results, ...] = ()
    """The folders of results that it was made from: :meth:`save` refuses where they have changed since."""
    paths: tuple[Path, ...] = ()
    """The files and folders that :meth:`save` must not write over."""
    summary: Mapping[str, Any] = field(default_factory=dict)
    """What there is to say in short."""

    @cached_property
    def problems(self) -> pd.DataFrame:
        """What is wrong with the participants table, in the columns of ``problems.csv``."""
        return problems_frame(self.problem_list)

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """The figures by name, as matplotlib ``Figure``; :meth:`save` draws its own, without your changes."""
        return Lazy({n: content.draw for n, content in self.contents.items() if isinstance(content, Drawing)})

    @cached_property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """All tables by name; a printed one has its ``title`` and its ``notes`` in ``.attrs``."""
        found: dict[str, pd.DataFrame] = {}
        for name, content in self.contents.items():
            if isinstance(content, pd.DataFrame):
                found[name.removesuffix(".csv")] = content
            elif isinstance(content, PaperTable):
                found[name] = _printed(content)
        return found

    @cached_property
    def files(self) -> dict[str, bytes]:
        """All files but the manifest, by name. Each figure is drawn, written and let go."""
        return dict(self.each_file(FigureFiles()))

    def each_file(
        self, how: FigureFiles, progress: Callable[[], None] | None = None
    ) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of all files but the manifest; other processes draw from the first one on."""
        drawings = {name: content for name, content in self.contents.items() if isinstance(content, Drawing)}
        if drawings:
            # Loaded here once, and not by each process that draws.
            import mriparaspinal.analysis.files  # noqa: F401
        drawn = each_drawn(drawings, how, progress)
        for name, content in self.contents.items():
            if isinstance(content, Drawing):
                yield from next(drawn).items()
                continue
            if name == "notes.txt" and isinstance(content, bytes):
                content += "".join(f"{note}\n" for note in self.lacking).encode()
            yield from (self._tables[name] if name in self._tables else _files(name, content)).items()

    @cached_property
    def _tables(self) -> Mapping[str, dict[str, bytes]]:
        """The files of each table, made once."""
        tables = {n: c for n, c in self.contents.items() if isinstance(c, pd.DataFrame | PaperTable)}
        return Lazy({name: partial(_files, name, table) for name, table in tables.items()})

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """A note where figures lack letters: all texts of figures come from the tables beside them."""
        if not self.figures:
            return ()
        from mriparaspinal.analysis.files import missing_letters

        missing = missing_letters(text.decode() for files in self._tables.values() for text in files.values())
        if not missing:
            return ()
        found = f"no font of this machine has the letters {' '.join(missing[:20])}"
        return (f"figures: {found}; they are boxes there; install one, such as the Noto Sans of that script",)

    def _put(self, folder: OutputFolder, how: FigureFiles, files: Iterable[tuple[str, bytes]]) -> list[str]:
        """Put all files and the manifest into a folder that is taken, where they wait; their names.

        They are never in memory together: the figures of 10,000 participants have 60 MB.
        """
        outputs: dict[str, str] = {}
        for name, content in files:
            folder.put(name, content)
            outputs[name] = sha256(content)
            del content  # before the next figure is drawn
            give_back()
        manifest = {
            "mriparaspinal": __version__,
            "settings": {
                n: list(values) for n, values in {**self.settings, **how.settings}.items() if values
            },
            "inputs": dict(self.inputs),
            "outputs": outputs,
        }
        folder.put(self.manifest, manifest_bytes(manifest))
        return [*outputs, self.manifest]

    def save(
        self,
        folder: str | Path,
        *,
        formats: Sequence[str] = (),
        style: str | Path | None = None,
        jobs: int | None = None,
    ) -> None:
        """Write all files into a folder, which is made if missing: the bytes that the command writes.

        ``formats``: of the figures, ``pdf`` and ``tiff`` beside PNG and SVG. ``style``: a style sheet of
        matplotlib, laid over ours. ``jobs``: processes that draw.

        Files of an earlier analysis of this kind go. Raises :class:`UsageError` for a format or style that is
        none, where the folder is an
        input, or a file would take the place of one that the command did not write, and
        :class:`NoInputError` where the results have changed since they were read.
        """
        self.write(Path(folder), figure_files(formats, style, jobs))

    @property
    def to_draw(self) -> int:
        """The number of figures, none of which is drawn to know it."""
        return sum(isinstance(content, Drawing) for content in self.contents.values())

    def write(
        self, folder: Path, how: FigureFiles | None = None, progress: Callable[[], None] | None = None
    ) -> list[str]:
        """The same with figures as they were asked for; the names of the files."""
        with self.folder(folder) as out:
            return self.put(out, how, progress)

    def folder(self, path: Path) -> OutputFolder:
        """The folder to save into; raises :class:`UsageError` where it is an input."""
        refuse_inputs(argument("save"), [path], self.paths)
        return OutputFolder(path, self.manifest, keep_changed=True)

    def put(
        self,
        folder: OutputFolder,
        how: FigureFiles | None = None,
        progress: Callable[[], None] | None = None,
        made: Iterable[tuple[str, bytes]] | None = None,
    ) -> list[str]:
        """Save into a folder that is taken already; the files' names. ``progress`` is called per figure.

        ``made``: what :meth:`each_file` gives, where another process makes it.
        """
        how = how or FigureFiles()
        files = self._put(folder, how, self.each_file(how, progress) if made is None else made)
        refuse_inputs(argument("save"), [folder.path / name for name in files], self.paths)
        for results in self.sources:
            results.require_same()
        folder.replace({}, folder.outdated(files))
        return files


def _files(name: str, content: Content) -> dict[str, bytes]:
    from mriparaspinal.analysis.files import to_csv_bytes, to_markdown, to_xlsx_bytes

    if isinstance(content, bytes):
        return {name: content}
    if isinstance(content, pd.DataFrame):
        return {name: frame_csv(content)}
    if isinstance(content, PaperTable):
        return {f"{name}.csv": to_csv_bytes(content), f"{name}.md": to_markdown(content).encode()}
    if isinstance(content, Drawing):
        return files_of({name: content}, FigureFiles(), name)
    return {name: to_xlsx_bytes(content)}


def _printed(paper: PaperTable) -> pd.DataFrame:
    table = pd.DataFrame(paper.rows, columns=list(paper.header), dtype=object)
    table.attrs.update(title=paper.title, notes=list(paper.footnotes))
    return table


def notes_bytes(settings: Mapping[str, Sequence[str]], notes: Sequence[str]) -> bytes:
    """``notes.txt``: the settings, which the tables alone do not show, and the notes, one per line."""
    said = "; ".join(f"{name} {', '.join(values)}" for name, values in settings.items() if values)
    return "".join(f"{line}\n" for line in (f"settings: {said}", *notes)).encode()


def file_name(stem: str, taken: Container[str]) -> str:
    """A name that every file system takes, made of names of columns, and unlike those that are ``taken``.

    >>> file_name("scatter_FA/CST (left)", {"scatter_fa_cst_left"})
    'scatter_fa_cst_left_2'
    """
    # In small letters: "FA" and "fa" are one file on some systems.
    short = re.sub(r"([^\w.-]|_)+", "_", stem.casefold())[:_NAME_LENGTH].strip("_.")
    name, number = short, 1
    while name in taken:
        number += 1
        name = f"{short}_{number}"
    return name
