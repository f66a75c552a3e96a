"""Asking a service: paced, tried again where that helps, limited in time and size; every failure gets its name."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from deocclude.references.sources.options import Network
from deocclude.references.sources.pace import Pace
from deocclude.references.sources.problems import WORTH_REPEATING, Reason, SourceError, reason_of


@dataclass(frozen=True)
class Request:
    """One request to a service.

    Attributes:
        path: behind the base address.
        method: GET or POST.
        parameters: of the query.
        headers: besides those of every request.
        form: fields of a form.
        files: of a form: name of the field to (file name, content, type).
        content: JSON values to send instead.
        explain: returns what an error answer (JSON values, or ``None``) says, in words.
        check: raises :class:`SourceError` for an error inside an answer with status 200.
    """

    path: str
    method: str = "GET"
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    files: Mapping[str, tuple[str, bytes, str]] | None = field(default=None, repr=False)
    content: Any = field(default=None, repr=False)
    explain: Callable[[Any], str] = lambda answer: ""
    check: Callable[[Any], None] = lambda answer: None


class Client:
    """Asks one service."""

    def __init__(
        self, http: httpx.AsyncClient, base: str, pace: Pace, limits: Network, hide: Callable[[str], str]
    ) -> None:
        """Take what sends requests, the base address, the schedule, limits, and what takes keys out of texts."""
        self._http, self.base, self._pace, self._limits, self._hide = http, base.rstrip("/"), pace, limits, hide
        self._under_limit = asyncio.Semaphore(limits.connections)
        self.requests = 0

    async def json(self, request: Request) -> Any:
        """Send a request and return the JSON values of the answer.

        Raises:
            SourceError: with the reason; attempts are used up where another could have helped.
        """
        for attempt in range(self._limits.attempts):
            try:
                async with self._under_limit:
                    await self._pace.turn()
                    return await self._once(request)
            except SourceError as error:
                await self._before_next(error, attempt)
        raise AssertionError("unreachable")

    async def _before_next(self, error: SourceError, attempt: int) -> None:
        """Wait before another attempt, or raise the error where none would help."""
        asked = error.retry_after
        if error.reason is Reason.RATE_LIMITED and asked is not None:
            self._pace.hold(min(asked, 7 * 86400.0))
        is_last = attempt + 1 >= self._limits.attempts
        if is_last or error.reason not in WORTH_REPEATING or (asked or 0.0) > self._limits.patience_seconds:
            raise SourceError(error.reason, self._hide(str(error)), retry_after=asked) from None
        pause = self._limits.pause_seconds * 2.0**attempt * random.uniform(0.75, 1.25)
        await asyncio.sleep(max(pause, asked or 0.0))

    async def _once(self, request: Request) -> Any:
        self.requests += 1
        with named_failures(self.base):
            async with asyncio.timeout(self._limits.total_seconds), self._sent(request) as response:
                body = await read_at_most(response, self._limits.answer_bytes)
        content = _parsed(body)
        if response.status_code != 200:
            raise self._refusal(response, request.explain(content))
        if content is None:
            kind = response.headers.get("content-type", "no type")
            raise SourceError(Reason.BAD_ANSWER, f"{self.base}: the answer is no JSON ({kind})")
        try:
            request.check(content)
        except SourceError as error:
            wait = retry_after(response.headers.get("retry-after", ""))
            raise SourceError(error.reason, str(error), retry_after=wait) from None
        return content

    @contextlib.asynccontextmanager
    async def _sent(self, request: Request) -> AsyncIterator[httpx.Response]:
        async with self._http.stream(
            request.method,
            self.base + request.path,
            params=dict(request.parameters) or None,
            headers=dict(request.headers),
            data=dict(request.form) if request.form is not None else None,
            files=dict(request.files) if request.files is not None else None,
            json=request.content,
        ) as response:
            yield response

    def _refusal(self, response: httpx.Response, words: str) -> SourceError:
        status = response.status_code
        reason = reason_of(status)
        text = f"{self.base}: status {status}" + (f", {words}" if words else "")
        wait = retry_after(response.headers.get("retry-after", "")) if status in (429, 503) else None
        return SourceError(reason, text, retry_after=wait)


@contextlib.contextmanager
def named_failures(place: str) -> Iterator[None]:
    """Turn what HTTPX raises into :class:`SourceError`; ``place`` begins the texts."""
    try:
        yield
    except (httpx.TimeoutException, TimeoutError):
        raise SourceError(Reason.TIMEOUT, f"{place}: no answer in time") from None
    except httpx.ConnectError as error:
        raise SourceError(Reason.UNREACHABLE, f"{place}: no connection ({error})") from None
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise SourceError(Reason.REFUSED_ADDRESS, f"{place}: no http or https address ({error})") from None
    except (httpx.NetworkError, httpx.RemoteProtocolError) as error:
        if "location header" in str(error):  # HTTPX reads it before it is asked to follow
            raise SourceError(Reason.REFUSED_ADDRESS, f"{place}: leads to no http or https address") from None
        raise SourceError(Reason.BROKEN_OFF, f"{place}: the connection broke off ({error})") from None
    except (httpx.HTTPError, httpx.StreamError, ValueError, OSError) as error:
        raise SourceError(Reason.BAD_ANSWER, f"{place}: {error or type(error).__name__}") from None


async def read_at_most(response: httpx.Response, limit: int) -> bytes:
    """Return the body of an answer.

    Raises:
        SourceError: it is longer than ``limit`` bytes, or says that it is.
    """
    stated = response.headers.get("content-length", "")
    if stated.isascii() and stated.isdigit() and int(stated) > limit:
        raise SourceError(Reason.TOO_LARGE, f"{response.url.host}: {int(stated) / 1e6:.1f} MB")
    body = bytearray()
    async for piece in response.aiter_bytes(65536):
        body += piece
        if len(body) > limit:
            raise SourceError(Reason.TOO_LARGE, f"{response.url.host}: more than {limit / 1e6:.1f} MB")
    return bytes(body)


def retry_after(stated: str) -> float | None:
    """Return the seconds that a ``Retry-After`` header means, a number or a date; ``None`` where it means nothing."""
    stated = stated.strip()
    if stated.isascii() and stated.isdigit():
        return float(min(int(stated[:9]), 10**8))
    try:
        return max(0.0, parsedate_to_datetime(stated).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
