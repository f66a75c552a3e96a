"""Who may ask: only the page that was opened with the token, from this machine, with bodies of a sane size."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deocclude.app.problems import TooLargeError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADER = "x-deocclude-token"
LARGEST_BODY = 200_000_000
"""Bytes of a request."""
HOSTS = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(24)


def cookie_name(port: int | None) -> str:
    """Return the name of the cookie: cookies of 127.0.0.1 are common to all its ports."""
    return f"deocclude-{port or 80}"


class Guard:
    """ASGI middleware that refuses what does not belong, before anything else looks at it.

    Args:
        app: what is guarded.
        token: that a request must know.
    """

    def __init__(self, app: App, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # no web sockets here
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(send, *refusal)
        elif scope["path"] == "/" and "token" in parse_qs(scope.get("query_string", b"").decode("latin-1")):
            await self._welcome(send, _port(headers["host"]))
        else:
            await self._guarded(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str, str] | None:
        host = headers.get("host", "")
        if _hostname(host) not in HOSTS or not _same_port(host, scope.get("server")):
            return 403, "origin", "this server answers only under its own address, 127.0.0.1 or localhost"
        if headers.get("origin") not in (None, f"http://{host}") or headers.get("sec-fetch-site") == "cross-site":
            return 403, "origin", "requests from pages of other origins are refused"
        if not self._knows_token(scope, headers, _port(host)):
            return 401, "token", "open the address that 'deocclude app' printed; it holds the token"
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return 413, "too-large", _too_large()
        return None

    def _knows_token(self, scope: Scope, headers: dict[str, str], port: int | None) -> bool:
        given = [headers.get(HEADER, ""), _cookie(headers.get("cookie", ""), cookie_name(port))]
        if scope["path"] == "/":
            given += parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        return any(secrets.compare_digest(text.encode(), self._token.encode()) for text in given)

    async def _welcome(self, send: Send, port: int | None) -> None:
        """Set the cookie and lead on to the same page without the token in its address."""
        cookie = f"{cookie_name(port)}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"cache-control", b"no-store"), *_HEADERS]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        read, refused = 0, False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_BODY:
                raise TooLargeError(_too_large())
            return message

        async def marked(message: Message) -> None:
            nonlocal refused
            if read > LARGEST_BODY:  # whatever was made of a body that broke off
                if not refused:
                    refused = True
                    await _refuse(send, 413, "too-large", _too_large())
                return
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, counted, marked)


async def _refuse(send: Send, status: int, code: str, text: str) -> None:
    error = {"code": code, "message": text, "field": None, "hint": None}
    headers = [(b"content-type", b"application/json"), (b"connection", b"close"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": error}).encode()})


def _too_large() -> str:
    return f"expected at most {LARGEST_BODY // 1_000_000} MB, found more"


def _hostname(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "") if "@" not in host else ""
    except ValueError:
        return ""


def _port(host: str) -> int | None:
    try:
        return urlsplit(f"//{host}").port
    except ValueError:
        return None


def _same_port(host: str, server: Any) -> bool:
    return not server or server[1] is None or (_port(host) or 80) == server[1]


def _cookie(text: str, name: str) -> str:
    try:
        found = SimpleCookie(text).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""
