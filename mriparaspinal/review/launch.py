"""From a session to a page in the browser: a socket of this computer alone, a token, and a file to open."""

from __future__ import annotations

import contextlib
import html
import secrets
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn

from mriparaspinal.core.errors import UsageError
from mriparaspinal.review.server import application
from mriparaspinal.review.session import Session


def serve(session: Session, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serve the page until the reader has done, or the program is stopped.

    ``port``: 0 for any that is free. Raises :class:`UsageError` where the port is taken.
    """
    token = secrets.token_urlsafe(32)
    with _listening(port) as listener:
        port = listener.getsockname()[1]
        server: list[uvicorn.Server] = []

        def end() -> None:
            server[0].should_exit = True

        config = uvicorn.Config(
            application(session, token, end),
            log_config=None,
            access_log=False,
            lifespan="off",
            http="h11",
            ws="none",
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=3,
        )
        with _address_file(f"http://127.0.0.1:{port}/#{token}") as file:

            def told() -> None:
                """Say where the page is: no sooner than Ctrl-C ends the server in order."""
                if browser:
                    say(f"the page opens in the browser; if it does not, open {file.as_uri()}")
                    threading.Thread(target=webbrowser.open, args=(file.as_uri(),), daemon=True).start()
                else:
                    say("open this address in a browser; who has it can read and change the contours:")
                    # Not through ``say``: a log is no place for a token.
                    print(f"  http://127.0.0.1:{port}/#{token}", file=sys.stderr, flush=True)
                say("to end: 'Finish' on the page, or Ctrl-C here")

            class Server(uvicorn.Server):
                async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                    await super().startup(sockets=sockets)
                    told()

            server.append(Server(config))
            try:
                server[0].run(sockets=[listener])
            except KeyboardInterrupt as stop:
                # Ctrl-C is the usual way to end; other signals to stop are not.
                if type(stop) is not KeyboardInterrupt:
                    raise


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            found = f"{port} cannot be used ({error.strerror})"
            raise UsageError(
                f"--port: {found}; expected a free port; choose another, or leave it out"
            ) from None
        listener.listen(64)
        yield listener


@contextlib.contextmanager
def _address_file(address: str) -> Iterator[Path]:
    """A page that leads to the address and that only its owner can read: arguments of programs are public."""
    with tempfile.TemporaryDirectory(prefix="mriparaspinal-review-") as folder:  # of mode 0700
        file = Path(folder) / "open.html"
        file.touch(mode=0o600)
        quoted = html.escape(address, quote=True)
        file.write_text(
            f'<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0;url={quoted}"><title>mriparaspinal review</title>'
            f'<a href="{quoted}">Open the page</a>\n',
            encoding="utf-8",
        )
        yield file
