"""Helpers for the tests of the review page: the program, started, and requests to it."""

from __future__ import annotations

import base64
import http.client
import io
import json
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support.builders.study import PATIENCE, start


@dataclass
class Served:
    """A review that was started, and where it listens."""

    process: subprocess.Popen[str]
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
    process = start(*words, stdout=subprocess.DEVNULL, **process_options)
    assert process.stderr is not None
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
