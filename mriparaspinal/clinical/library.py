"""Instruments on disk: those of the package, and a user's own."""

from __future__ import annotations

import tomllib
from pathlib import Path

from mriparaspinal.clinical.instrument import Instrument
from mriparaspinal.clinical.instrument_file import parse_instrument
from mriparaspinal.core.errors import UnreadableError, UsageError
from mriparaspinal.core.model import PROBLEM_COLUMNS
from mriparaspinal.core.spelling import nearest
from mriparaspinal.io.folder import read_bytes
from mriparaspinal.io.write import Output, is_device, same_header

_PROBLEMS = ",".join(PROBLEM_COLUMNS).encode() + b"\n"

_FOLDER = Path(__file__).with_name("instruments")


def bundled() -> list[str]:
    """The names of the instruments that come with the package."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def open_instrument(name: str) -> Instrument:
    """An instrument by its name, or a file of one's own by its path.

    Raises :class:`UsageError` with one line for each fault.
    """
    if name in bundled():
        return _read(_FOLDER / f"{name}.toml", name)
    if not name.endswith(".toml"):
        found = "no such instrument"
        near = nearest(name, bundled())
        remedy = f"did you mean {near}?" if near else "name one"
        expected = f"one of {', '.join(bundled())}, or a .toml file"
        raise UsageError(f"{name}: {found}; expected {expected}; {remedy}")
    return _read(Path(name), Path(name).name)


def _read(path: Path, name: str) -> Instrument:
    try:
        content = tomllib.loads(read_bytes(path).decode("utf-8-sig"))
    except UnreadableError as error:
        raise UsageError(error.fault.at(f"{path}")) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}; expected TOML; correct the file") from None
    return parse_instrument(content, name)


def scores_of(path: Path, table: bytes, plain: bytes, problems: bytes) -> list[Output]:
    """The scores and, beside them, what was wrong; an older ``…_problems.csv`` of ours goes.

    ``plain``: the scores without the participants table; ``problems``: a table with its header, empty bytes
    where nothing was wrong.
    """
    scores = Output(path, table, same_header(table, plain))
    if is_device(path):
        return [scores]
    beside = path.with_name(f"{path.stem}_problems.csv")
    is_ours = same_header(_PROBLEMS)
    if not problems and not (beside.is_file() and is_ours(beside.read_bytes()[:1000])):
        return [scores]
    return [Output(beside, problems or None, is_ours), scores]
