"""Who may ask: only the page that this program opened, on this computer."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from typing import Any

#: The header that carries the token. No cookie: those of one host are sent to all of its ports.
TOKEN_HEADER = b"x-review-token"

#: Names of this computer that a request may be made to; the port may be that of a tunnel.
_HOSTS = (b"localhost", b"127.0.0.1")

#: Bytes of a request: more than all contours of a slice take.
BODY_LIMIT = 4_000_000

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

Scope = dict[str, Any]


class Guard:
    """An ASGI application around another: what is not the page's is refused before it gets there."""

    def __init__(self, app: Any, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Refuse a request, or hand it on with its answer's headers added."""
        if scope["type"] != "http":
            return
        refused = self._refused(scope)
        if refused is not None:
            await _answer(send, *refused)
            return
        body = await _body(receive)
        if body is None:
            await _answer(send, 413, f"more than {BODY_LIMIT} bytes were sent; expected the page's requests")
            return

        async def given() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
            await send(message)

        await self._app(scope, given, with_headers)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        """Status and words of a refusal; None where nothing is wrong."""
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not _is_here(hosts[0]):
            return 421, "another host name was asked; expected localhost or 127.0.0.1"
        if any(origin != b"http://" + hosts[0] for origin in _values(scope, b"origin")):
            return 403, "the request comes from another page; expected this one"
        # The page itself is opened from a file of this computer, which counts as another site.
        sites = _values(scope, b"sec-fetch-site") if scope["path"] != "/" else []
        if any(site not in (b"same-origin", b"none") for site in sites):
            return 403, "the request comes from another page; expected this one"
        if scope["path"].startswith("/api/"):
            tokens = _values(scope, TOKEN_HEADER)
            if len(tokens) != 1 or not hmac.compare_digest(tokens[0], self._token):
                return 403, "the token is missing or wrong; expected that of the address; open it again"
        length = _values(scope, b"content-length")
        if length and (not length[0].isdigit() or int(length[0]) > BODY_LIMIT):
            return 413, f"more than {BODY_LIMIT} bytes were sent; expected the page's requests"
        return None


def _values(scope: Scope, name: bytes) -> list[bytes]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value for key, value in headers if key.lower() == name]


def _is_here(host: bytes) -> bool:
    name, colon, port = host.partition(b":")
    return name.lower() in _HOSTS and (not colon or port.isdigit())


async def _body(receive: Any) -> bytes | None:
    """All that is sent; None for too much."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


async def _answer(send: Any, status: int, error: str) -> None:
    content = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *HEADERS]})
    await send({"type": "http.response.body", "body": content})
