"""What a command finds around it, settled once: no window to draw in, libraries that warn, no room."""

from __future__ import annotations

import errno
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mriparaspinal.core.errors import UsageError

#: Errors of a system that has run out of something; never the fault of one file.
_SHORT = {
    *(errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EROFS, errno.EFBIG),
    *([errno.EDQUOT] if hasattr(errno, "EDQUOT") else []),
}


def settle() -> None:
    """Set what libraries read from the environment when they are loaded; called before any of them is."""
    # Linear algebra in one thread: its sums have one order on every machine, --jobs are not multiplied, and
    # NumPy is loaded a tenth quicker. Set before it is; who wants more threads says so in the environment.
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    # Figures go to files. A notebook names a backend of its own, which may not be installed here.
    if "matplotlib" not in sys.modules:
        os.environ["MPLBACKEND"] = "agg"
    # Either may be closed (2>&-), and is then None: what is said goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 (as long as the process)
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    # Help and names may hold what the terminal cannot show; of stderr Python does so itself.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def libraries_quiet() -> Iterator[None]:
    """Keep from the terminal what libraries warn of; it is in the log, where there is one.

    What matters in such a warning is handled where it arises, and reported in words of this package. This is
    no filter: the tests still turn every warning into an error.
    """
    import logging

    from mriparaspinal.cli.console import log, speaking

    def heard(
        message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object
    ) -> None:
        log(f"{Path(filename).name}:{lineno}: {category.__name__}: {message}")

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log(f"{record.name}: {record.levelname}: {record.getMessage()}")

    shown, warnings.showwarning = warnings.showwarning, heard  # type: ignore[assignment]
    # Libraries that log (matplotlib of its cache, pydicom of values) find a handler, and so write nothing.
    handler = Heard(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        with speaking():
            yield
    finally:
        warnings.showwarning = shown
        logging.getLogger().removeHandler(handler)


def told(error: OSError) -> UsageError | None:
    """The line for what the surroundings lack; None for any other error."""
    try:
        Path.cwd()
    except OSError:
        found = "the folder that the command was started in is gone"
        return UsageError(f"{found}; expected it, as paths are relative to it; start it in another folder")
    text = str(error)
    if "temporary directory" in text or "cache directory" in text:
        found = "no folder for temporary files can be written"
        return UsageError(f"TMPDIR: {found}; expected one; set TMPDIR to a folder with free space")
    if error.errno in _SHORT:
        where = error.filename if isinstance(error.filename, str) else "the system"
        expected = "expected enough memory, processes, open files and room on the disk"
        return UsageError(f"{where}: {error.strerror}; {expected}; free some, or raise the limit (ulimit -a)")
    return None
