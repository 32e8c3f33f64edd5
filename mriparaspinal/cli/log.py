"""``--log-file`` of every command: what is said, with the time. The only output that knows a clock."""

from __future__ import annotations

import logging
import os
import platform
import re
import stat
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from mriparaspinal import __version__
from mriparaspinal.cli.console import LOGGER
from mriparaspinal.core.errors import ParaspinalError, UsageError

#: How a line of a log begins: a file that begins otherwise is somebody's data.
_LINE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* mriparaspinal ")


@contextmanager
def logged(arguments: Mapping[str, Any], command: str) -> Iterator[None]:
    """Keep a log while a command runs, where ``--log-file`` is among its arguments."""
    log_file: Path | None = arguments.get("log_file")
    if log_file is None:
        yield
        return
    _refuse_input(log_file, arguments)
    with _log_to(log_file, command):
        yield


def log_unread(arguments: Sequence[str], command: str, error: UsageError) -> None:
    """Log a command line that could not be read, if it names a log that may be written."""
    pairs = list(zip(("", *arguments), arguments, strict=False))
    named = [text for option, text in pairs if option == "--log-file"]
    named += [text.partition("=")[2] for text in arguments if text.startswith("--log-file=")]
    if named and named[0]:
        others = [Path(text) for option, text in pairs if option not in ("--log-file", "--out")]
        with suppress(UsageError), logged({"log_file": Path(named[0]), "others": others}, command):
            raise error


def _refuse_input(log_file: Path, arguments: Mapping[str, Any]) -> None:
    """Refuse a log that the command reads or writes, or that lies in the folder of an input."""
    resolved = log_file.resolve()
    for name, value in arguments.items():
        for path in [] if name == "log_file" else value if isinstance(value, list) else [value]:
            if isinstance(path, Path):
                place = path.resolve()
                inside = name != "out" and place.is_dir() and place in resolved.parents
                if resolved == place or inside:
                    found = f"is {path}, or lies in it, which the command reads or writes"
                    raise UsageError(
                        f"--log-file {log_file}: {found}; expected a file elsewhere; choose another"
                    )


@contextmanager
def _log_to(path: Path, command: str) -> Iterator[None]:
    import shlex

    log = _Log(path, command)
    began = time.monotonic()
    code = 0
    log.line(f"began: {_versions()}; arguments: {shlex.join(sys.argv[1:])}")
    LOGGER.addHandler(log)
    try:
        yield
    except BaseException as error:
        code = _exit_code(error)
        if isinstance(error, ParaspinalError):
            log.line(f"mriparaspinal: {error}")
        elif code == 1:
            import traceback

            log.line(traceback.format_exc())
        raise
    finally:
        LOGGER.removeHandler(log)
        log.line(f"ended: exit code {code}, after {time.monotonic() - began:.1f} s")
        log.close()


def _exit_code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return int(getattr(error, "exit_code", 130))
    if isinstance(error, BrokenPipeError):
        return 0
    code = getattr(error, "exit_code", getattr(error, "code", 1))
    return code if isinstance(code, int) else 1


def _versions() -> str:
    """Of what makes the numbers; without importing any of it."""
    from importlib.metadata import PackageNotFoundError, version

    parts = [f"mriparaspinal {__version__}", f"Python {platform.python_version()}"]
    for name in ("numpy", "pillow", "msgspec", "pandas", "scipy", "statsmodels"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            parts.append(f"{name} unknown")
    return ", ".join(parts)


class _Log(logging.Handler):
    """A file that complete lines are appended to, though several runs may write into it."""

    def __init__(self, path: Path, command: str) -> None:
        super().__init__()
        self._path, self._command, self._failed, self._file = path, command, False, -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Not to wait for the reader of a pipe.
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0)
            self._file = os.open(path, flags, 0o666)
            regular = stat.S_ISREG(os.fstat(self._file).st_mode)
            head = os.read(self._file, 100) if regular else b"?"
        except OSError as error:
            found = f"cannot be written ({error.strerror})"
            raise UsageError(
                f"--log-file {path}: {found}; expected a file in a writable folder; choose another"
            ) from None
        if head and not _LINE.match(head):
            self.close()
            found = "it exists and is not a log of mriparaspinal"
            raise UsageError(f"--log-file {path}: {found}; expected a log, or no file; choose another")

    def emit(self, record: logging.LogRecord) -> None:
        self.line(record.getMessage())

    def line(self, text: str) -> None:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        head = f"{now} mriparaspinal {self._command}[{os.getpid()}] "
        lines = "".join(f"{head}{line}\n" for line in text.rstrip("\n").splitlines() or [""])
        try:
            os.write(self._file, lines.encode("utf-8", "backslashreplace"))
        except OSError as error:
            # The work matters more than its log.
            if not self._failed:
                print(f"--log-file {self._path}: cannot be written ({error.strerror})", file=sys.stderr)
            self._failed = True

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        super().close()
