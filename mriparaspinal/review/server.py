"""The page and what it asks for, as an application of Starlette."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable
from dataclasses import asdict
from importlib import resources
from typing import Any

import numpy as np
from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mriparaspinal.core.errors import ParaspinalError, UsageError
from mriparaspinal.review.document import parse_edits, read_points
from mriparaspinal.review.guard import Guard
from mriparaspinal.review.saving import ChangedOnDiskError
from mriparaspinal.review.session import Session
from mriparaspinal.review.slices import Reading
from mriparaspinal.review.verdicts import Verdict, require_plain

#: Kinds of the page's own files; others are not handed out.
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}

#: Pixels of the longer edge of a thumbnail.
_THUMBNAIL = 160

_TEXT_LIMIT = 2000


def application(session: Session, token: str, end: Callable[[], None]) -> Guard:
    """The whole application; ``end`` is called when the reader has done."""
    asked = _Asked(session)

    async def finish(_: Request) -> Response:
        end()
        return JSONResponse({})

    routes = [
        Route("/", _page),
        Route("/page/{name}", _page),
        Route("/favicon.ico", lambda _: Response(status_code=204)),
        Route("/api/session", asked.answer(asked.overview)),
        Route("/api/slices/{number}", asked.answer(asked.slice)),
        Route("/api/slices/{number}/grey", asked.answer(asked.grey)),
        Route("/api/slices/{number}/thumbnail", asked.answer(asked.thumbnail)),
        *(
            Route(f"/api/slices/{{number}}/{name}", asked.answer(getattr(asked, name)), methods=["POST"])
            for name in ("measure", "refine", "keep", "discard", "save", "judge", "spend")
        ),
        Route("/api/end", finish, methods=["POST"]),
    ]
    return Guard(Starlette(routes=routes), token)


async def _page(request: Request) -> Response:
    name = request.path_params.get("name", "index.html")
    kind = next((kind for ending, kind in _KINDS.items() if name.endswith(ending)), None)
    # Names are those of the package's own folder, not paths.
    there = {
        entry.name: entry for entry in resources.files("mriparaspinal.review").joinpath("page").iterdir()
    }
    if kind is None or name not in there:
        return JSONResponse({"error": f"{name[:80]}: no part of the page"}, 404)
    return Response(there[name].read_bytes(), media_type=f"{kind}; charset=utf-8")


class _Asked:
    """The answers to the page's requests; a slice is named by its number in the list."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def answer(self, handler: Callable[..., Any]) -> Any:
        """An endpoint: what goes wrong with the input is one line, as on the command line."""

        async def endpoint(request: Request) -> Response:
            try:
                number = request.path_params.get("number")
                if number is not None and re.fullmatch("[0-9]{1,9}", number) is None:
                    return JSONResponse({"error": f"{number[:20]}: no number of a slice"}, 404)
                reading = self._reading(None if number is None else int(number))
                given = _given(await request.body())
                if re.fullmatch("[0-9]{1,9}", again := request.query_params.get("session", "")):
                    given.setdefault("session", int(again))
                found = await run_in_threadpool(handler, reading, given)
            except ChangedOnDiskError as error:
                return JSONResponse({"error": str(error), "changed": True}, 409)
            except ParaspinalError as error:
                return JSONResponse({"error": _line(error)}, 400)
            return found if isinstance(found, Response) else JSONResponse(found)

        return endpoint

    def _reading(self, number: int | None) -> Reading | None:
        if number is None:
            return None
        if number >= len(self._session.readings):
            raise UsageError(f"slice {number} was asked for; expected fewer; load the page anew")
        return self._session.readings[number]

    def overview(self, _: Reading, __: dict[str, Any]) -> Any:
        return self._session.overview()

    def slice(self, reading: Reading, given: dict[str, Any]) -> Any:
        found = self._session.open(reading, _number(given))
        return {
            **{name: getattr(found, name) for name in ("digest", "draft", "unsaved", "changed", "session")},
            "spacing": self._session.way.spacings.get(reading.image),
            "rows": found.shape[0],
            "columns": found.shape[1],
            "shapes": [asdict(drawing) for drawing in found.drawn if drawing.region],
            "others": [asdict(drawing) for drawing in found.drawn if not drawing.region],
            "proposals": [
                {
                    "name": name,
                    "draft": proposed.draft,
                    "shapes": [asdict(drawing) for drawing in proposed.drawn if drawing.region],
                }
                for name, proposed in found.proposals.items()
            ],
            "verdicts": self._session.judged(reading),
        }

    def grey(self, reading: Reading, _: dict[str, Any]) -> Any:
        return Response(self._session.grey(reading).tobytes(), media_type="application/octet-stream")

    def thumbnail(self, reading: Reading, _: dict[str, Any]) -> Any:
        image = Image.fromarray(np.ascontiguousarray(self._session.grey(reading)))
        image.thumbnail((_THUMBNAIL, _THUMBNAIL))
        content = io.BytesIO()
        image.save(content, "PNG")
        return Response(content.getvalue(), media_type="image/png")

    def measure(self, reading: Reading, given: dict[str, Any]) -> Any:
        found = self._session.measure(
            reading, _base(given), parse_edits(given.get("shapes"), self._session.way.settings.regions)
        )
        return {
            "regions": {name: asdict(numbers) for name, numbers in found.regions.items()},
            "problems": [asdict(problem) for problem in found.problems],
            "threshold": found.threshold,
            "fat": found.fat,
        }

    def refine(self, reading: Reading, given: dict[str, Any]) -> Any:
        return {"points": self._session.refine(reading, read_points(given.get("points")))}

    def keep(self, reading: Reading, given: dict[str, Any]) -> Any:
        parse_edits(given.get("shapes"), self._session.way.settings.regions)
        self._session.keep(reading, _base(given), given["shapes"], _number(given))
        return {}

    def discard(self, reading: Reading, given: dict[str, Any]) -> Any:
        self._session.discard(reading, _number(given))
        return {}

    def save(self, reading: Reading, given: dict[str, Any]) -> Any:
        edits = parse_edits(given.get("shapes"), self._session.way.settings.regions)
        force = given.get("force") is True
        digest = self._session.save(reading, _base(given), edits, force, _number(given))
        return {"digest": digest}

    def judge(self, reading: Reading, given: dict[str, Any]) -> Any:
        texts = [given.get(name, "") for name in ("region", "verdict", "reason", "comment")]
        if not all(isinstance(text, str) and len(text) <= _TEXT_LIMIT for text in texts):
            raise UsageError("no texts were found; expected region, verdict, reason, comment; try again")
        for name, text in zip(("region", "verdict", "reason", "comment"), texts, strict=True):
            require_plain(text, f"the {name}")
        region, verdict, reason, comment = texts
        judged = Verdict(
            reading.name, region, self._session.way.reader, verdict, reason.strip(), comment.strip()
        )
        # A script that never opened the slice judges it as it is.
        base = _base(given) if "base" in given else self._session.digest(reading)
        digest = self._session.judge(reading, judged, base, _number(given))
        return {"digest": digest, "verdicts": self._session.judged(reading)}

    def spend(self, reading: Reading, given: dict[str, Any]) -> Any:
        seconds = given.get("seconds")
        if not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise UsageError("no seconds were found; expected a number; load the page anew")
        self._session.spend(reading, float(seconds))
        return {}


def _given(body: bytes) -> dict[str, Any]:
    """What the page sent; raises :class:`UsageError` for what it does not send."""
    try:
        given = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise UsageError("no JSON object was found; expected what the page sends; load the page anew")
    return given


def _base(given: dict[str, Any]) -> str | None:
    base = given.get("base")
    if base is not None and not isinstance(base, str):
        raise UsageError("no SHA-256 was found; expected what the page sends; load the page anew")
    return base


def _number(given: dict[str, Any]) -> int | None:
    number = given.get("session")
    if number is not None and type(number) is not int:
        raise UsageError("no number of a session was found; expected what the page sends; load the page anew")
    return number


def _line(error: ParaspinalError) -> str:
    remedy = getattr(error, "remedy", None)
    return f"{error}; {remedy}" if isinstance(remedy, str) else str(error)
