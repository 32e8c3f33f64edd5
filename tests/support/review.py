"""Helpers for the tests of the review page: the program, started, and requests to it."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support.builders.study import PATIENCE, become, wait_until

#: What a review loads when it starts or is asked, which takes longer than all that a test does with it.
_LOADED = (
    *("adjudicate", "begin", "launch", "outlines", "saving", "server", "timing", "verdict_file", "workbench"),
)


class Forked:
    """A command in a fork of this process: no library is imported once more. Used as a ``Popen`` is."""

    def __init__(self, *arguments: object, preexec_fn: Callable[[], object] | None = None) -> None:
        for name in _LOADED:
            import_module(f"mriparaspinal.review.{name}")
        for name in ("uvicorn.loops.auto", "uvicorn.protocols.http.h11_impl", "anyio._backends._asyncio"):
            import_module(name)
        said, to_said = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if not self.pid:
            become(map(str, arguments), os.open(os.devnull, os.O_WRONLY), to_said, lambda: _alone(preexec_fn))
        os.close(to_said)
        self.stderr = os.fdopen(said, encoding="utf-8")

    def poll(self) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int | None:
        if not wait_until(lambda: self.poll() is not None, timeout):
            self.send_signal(signal.SIGKILL)
            raise AssertionError(f"no end in {timeout} s: {self.stderr.read()}")
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def communicate(self, timeout: float = PATIENCE) -> tuple[str, str]:
        self.wait(timeout)
        with self.stderr:
            return "", self.stderr.read()


def _alone(before: Callable[[], object] | None) -> None:
    """As in a new program, nothing that this process has open is open: neither browsers nor other reviews."""
    own = sorted((2, sys.stdout.fileno(), sys.stderr.fileno()))
    for one, other in pairwise([*own, 1 << 16]):
        os.closerange(one + 1, other)
    if before:
        before()


@dataclass
class Served:
    """A review that was started, and where it listens."""

    process: Forked
    port: int
    token: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/#{self.token}"

    def send(
        self, path: str, body: Any = None, method: str | None = None, **headers: str | None
    ) -> tuple[int, dict[str, str], bytes]:
        """A request as the page makes it; ``headers`` replace its own (None: without that one)."""
        told = {"Host": f"127.0.0.1:{self.port}", "X-Review-Token": self.token}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**told, **given}.items() if value is not None}
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.putrequest(method or ("GET" if body is None else "POST"), path, skip_host=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if content is not None and "Content-Length" not in sent:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def ask(self, path: str, body: Any = None) -> Any:
        """The answer to a request that is to succeed."""
        status, _, content = self.send(f"/api/{path}", body)
        assert status == 200, content
        return json.loads(content)

    def kill(self) -> None:
        """End it at once, as when the power fails."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        """End it as Ctrl-C does: exit code, and what it said since it was started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said


#: All that were started.
STARTED: list[Served] = []


def serve(dataset: Path, *options: object, **process_options: Any) -> Served:
    """Start ``review`` without a browser, and wait until it listens."""
    words = ("review", dataset, "--no-browser", *options)
    process = Forked(*words, **process_options)
    said = ""
    for line in process.stderr:
        said += line
        if found := re.search(r"http://127\.0\.0\.1:(\d+)/#(\S+)", line):
            STARTED.append(Served(process, int(found[1]), found[2]))
            return STARTED[-1]
    raise AssertionError(said)


def png_base64(mask: Any) -> str:
    """A mask of booleans as LabelMe writes it."""
    content = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def shape(region: str, points: Any, index: int | None = None) -> dict[str, Any]:
    """A shape as the page sends it."""
    return {"region": region, "index": index, "points": points}
