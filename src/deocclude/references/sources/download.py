"""Fetching pictures from addresses that strangers named: limited in bytes, pixels, time and redirects, and checked.

What is kept is upright and 8-bit RGB: a file that is so already stays as it came, any other is written anew without
its metadata. Nothing half-fetched is ever kept.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from collections import defaultdict
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from PIL import Image, UnidentifiedImageError

from deocclude.errors import InputError
from deocclude.images import read_photo, write_picture
from deocclude.references.sources import plain
from deocclude.references.sources.cache import Cache, Stored
from deocclude.references.sources.client import named_failures, read_at_most, retry_after
from deocclude.references.sources.options import Network
from deocclude.references.sources.problems import WORTH_REPEATING, Reason, SourceError, reason_of

FORMATS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "BMP": ".bmp", "TIFF": ".tif", "MPO": ".jpg"}
"""Formats that are read, by Pillow's name, and their suffix."""
_LOSSY = frozenset({"JPEG", "MPO", "WEBP"})
_VAGUE = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity"}
_NOTHING_THERE = (404, 410)
_HOPELESS = frozenset(
    {Reason.GONE, Reason.WRONG_TYPE, Reason.DAMAGED, Reason.TOO_LARGE, Reason.REDIRECTS, Reason.BAD_ANSWER}
)
_HOPELESS_SECONDS = 86400.0
"""For so long a picture that proved useless is not asked for again."""


class Downloader:
    """Fetches pictures into the cache."""

    def __init__(self, http: httpx.AsyncClient, cache: Cache, limits: Network) -> None:
        """Take what sends requests, where pictures are kept, and limits."""
        self._http, self._cache, self._limits = http, cache, limits
        self._hosts: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(limits.same_host))
        self._under_limit, self._decoding = asyncio.Semaphore(limits.connections), asyncio.Semaphore(2)
        self._under_way: dict[str, asyncio.Lock] = {}
        self.requests = 0

    async def fetch(self, url: str) -> Stored:
        """Return the picture of an address, from the cache or from the web.

        Raises:
            SourceError: it cannot be had.
        """
        if not plain.is_web(url):
            raise SourceError(Reason.REFUSED_ADDRESS, f"{url[:100]!r} is no http or https address")
        lock = self._under_way.setdefault(url, asyncio.Lock())
        try:
            async with lock:  # two queries that found the same picture fetch it once
                return self._cache.picture(url) or await self._unless_hopeless(url)
        finally:
            if not lock.locked():
                self._under_way.pop(url, None)

    async def _unless_hopeless(self, url: str) -> Stored:
        """Fetch a picture; one that could not be used a short while ago, by the same limits, is not asked for again."""
        limits = self._limits
        key = f"hopeless {limits.picture_bytes} {limits.picture_pixels} {limits.redirects} {url}"
        before = self._cache.answer(key)
        if isinstance(before, dict) and before["until"] > time.time():
            raise SourceError(Reason(before["reason"]), before["text"])
        try:
            return await self._fetched(url)
        except SourceError as error:
            if error.reason in _HOPELESS:
                until = time.time() + _HOPELESS_SECONDS
                self._cache.keep_answer(key, {"reason": error.reason, "text": str(error), "until": until})
            raise

    async def _fetched(self, url: str) -> Stored:
        most = self._limits.picture_pixels
        async with self._hosts[urlsplit(url).netloc], self._under_limit:  # waiting here counts for no time limit
            content = await self._insisting(url)
            async with self._decoding:
                checked, suffix, size = await asyncio.to_thread(checked_picture, content, most)
        return self._cache.keep_picture(url, checked, suffix, size)

    async def _insisting(self, url: str) -> bytes:
        """Return the content of an address, tried again where that may help."""
        for attempt in range(self._limits.attempts):
            try:
                async with asyncio.timeout(self._limits.total_seconds):
                    return await self._content(url)
            except TimeoutError:
                raise SourceError(Reason.TIMEOUT, f"{urlsplit(url).netloc}: not there in time") from None
            except SourceError as error:
                asked = error.retry_after or 0.0
                is_last = attempt + 1 >= self._limits.attempts
                if is_last or error.reason not in WORTH_REPEATING or asked > self._limits.patience_seconds:
                    raise
                await asyncio.sleep(max(asked, self._limits.pause_seconds * 2.0**attempt))
        raise AssertionError("unreachable")

    async def _content(self, url: str) -> bytes:
        """Follow redirects to the picture, and read it."""
        host = urlsplit(url).netloc
        for _ in range(self._limits.redirects + 1):
            self.requests += 1
            with named_failures(host):
                async with self._http.stream("GET", url, headers=_HEADERS) as response:
                    if response.next_request is None:
                        _check_head(response)
                        return await read_at_most(response, self._limits.picture_bytes)
                    url = str(response.next_request.url)
            if not plain.is_web(url):
                raise SourceError(Reason.REFUSED_ADDRESS, f"{host} leads to {url[:100]!r}")
        raise SourceError(Reason.REDIRECTS, f"{host}: more than {self._limits.redirects} redirects")


def checked_picture(content: bytes, most_pixels: int) -> tuple[bytes, str, tuple[int, int]]:
    """Return a picture file that is sound, upright and 8-bit RGB, its suffix, and its width and height.

    Raises:
        SourceError: no picture, of a format that is not read, damaged, or with too many pixels.
    """
    kind, size, is_plain = _identified(content)
    if size[0] * size[1] > most_pixels:
        raise SourceError(Reason.TOO_LARGE, f"{size[0]}x{size[1]} pixels")
    with tempfile.TemporaryDirectory(prefix="deocclude-") as folder:
        file = Path(folder, f"picture{FORMATS[kind]}")
        file.write_bytes(content)
        try:
            photo = read_photo(file, convert=True)
        except InputError as error:
            raise SourceError(Reason.DAMAGED, f"the picture cannot be read: {error.found}") from None
        height, width = photo.size
        if is_plain and photo.orientation == 1 and not photo.converted:
            return content, FORMATS[kind], (width, height)
        suffix, options = (".jpg", {"quality": 95}) if kind in _LOSSY else (".png", {})
        anew = Path(folder, f"upright{suffix}")
        write_picture(anew, photo.pixels, **options)
        return anew.read_bytes(), suffix, (width, height)


def _identified(content: bytes) -> tuple[str, tuple[int, int], bool]:
    """Return format, stored width and height, and whether the format is one of those kept as they are."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=tuple(FORMATS)) as image:
                kind = image.format or ""
                return kind, image.size, kind in ("JPEG", "PNG", "WEBP")
    except Image.DecompressionBombError:
        raise SourceError(Reason.TOO_LARGE, "more pixels than can be read") from None
    except Exception as error:  # Pillow's readers raise anything on damaged files
        words = "no picture of a known format" if isinstance(error, UnidentifiedImageError) else f"{error}"
        raise SourceError(Reason.DAMAGED, words) from None


def _check_head(response: httpx.Response) -> None:
    """Refuse what is not a picture before its content is read."""
    status, host = response.status_code, response.url.host
    if status != 200:
        reason = Reason.GONE if status in _NOTHING_THERE else reason_of(status)
        wait = retry_after(response.headers.get("retry-after", "")) if status in (429, 503) else None
        raise SourceError(reason, f"{host}: status {status}", retry_after=wait)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _VAGUE and (not kind.startswith("image/") or "svg" in kind):
        raise SourceError(Reason.WRONG_TYPE, f"{host}: {kind[:60]} instead of a picture")
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise SourceError(Reason.BAD_ANSWER, f"{host}: compressed, which was not asked for")
