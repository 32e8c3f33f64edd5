"""Compressed pixels, decoded in a process of its own.

The decoders are C. Some of them tell of damage on stderr alone and return wrong pixels all the same, and a
damaged file can end the whole process. Here it ends a process that does nothing else.
"""

from __future__ import annotations

import atexit
import json
import math
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any

import numpy as np

from mriparaspinal.core.errors import unreadable

#: How an answer begins; an array follows the first.
_DECODED, _COMPLAINED, _FAILED = b"+", b"?", b"-"

_ONE_AT_A_TIME = Lock()


def decode(path: Path, frame: int | None) -> np.ndarray[Any, Any]:
    """The stored values of a file or of one of its frames; raises :class:`UnreadableError`."""
    with _ONE_AT_A_TIME:
        process = _process(os.getpid())
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps([os.path.abspath(path), frame]).encode() + b"\n")  # noqa: PTH100
            process.stdin.flush()
            answer = process.stdout.read(1)
            if answer == _DECODED:
                kind, shape = json.loads(process.stdout.readline())
                size = np.dtype(kind).itemsize * math.prod(shape)
                return np.frombuffer(process.stdout.read(size), kind).reshape(shape)
        except BaseException:  # interrupted: what it answers next would be taken for that of another file
            _give_up(process)
            raise
        if not answer:  # it has ended
            _give_up(process)
    if answer == _COMPLAINED:
        found = "the pixels are damaged, according to their decoder"
    else:
        found = "the pixels cannot be decoded (truncated or damaged)"
    raise unreadable(found, "a complete DICOM file", "export the file again")


@lru_cache(maxsize=1)
def _process(_parent: int) -> subprocess.Popen[bytes]:
    """The process that decodes; a process that was forked from this one starts its own."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    atexit.register(_end, process)
    return process


def _give_up(process: subprocess.Popen[bytes]) -> None:
    _end(process)
    atexit.unregister(_end)
    _process.cache_clear()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def serve() -> None:
    """Answer each line of stdin, a path and a frame, on stdout, until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    with TemporaryFile() as heard:
        for stream in (1, 2):
            os.dup2(heard.fileno(), stream)
        for line in sys.stdin.buffer:
            _answer(answers, heard, *json.loads(line))
            answers.flush()


def _answer(answers: IO[bytes], heard: IO[bytes], path: str, frame: int | None) -> None:
    from pydicom.pixels.utils import pixel_array

    from mriparaspinal.io.dicom_header import read_header

    heard.seek(0)
    heard.truncate()
    try:
        header = read_header(Path(path), pixels=True)
        assert header is not None
        values = np.asarray(pixel_array(header, index=frame, raw=True))
    except Exception:
        answers.write(_FAILED)
        return
    if heard.seek(0, os.SEEK_END):
        answers.write(_COMPLAINED)
        return
    answers.write(_DECODED + json.dumps([values.dtype.str, values.shape]).encode() + b"\n")
    answers.write(values.tobytes())
