"""Wikimedia Commons: free pictures, by words, through the MediaWiki API (action=query, generator=search)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deocclude.errors import InputError
from deocclude.references.sources import plain
from deocclude.references.sources.candidates import Answer, Candidate, Picture
from deocclude.references.sources.client import Client, Request
from deocclude.references.sources.problems import Reason, SourceError

NAME = "commons"
WIDTH = 1280
"""Width of the version that is asked for, one of those that Wikimedia keeps ready; smaller originals come whole."""
PAGE = 50
_MIMES = frozenset({"image/jpeg", "image/png", "image/webp", "image/tiff", "image/gif"})
_LICENCE_KEYS = "Artist|LicenseShortName|LicenseUrl|ObjectName|Credit"


class Commons:
    """Asks Wikimedia Commons."""

    name, by_picture, by_words = NAME, False, True

    def __init__(self, client: Client, contact: str) -> None:
        """Take what asks.

        Raises:
            InputError: no contact; Wikimedia's User-Agent policy wants one.
        """
        if not contact:
            raise InputError(
                "an address where Wikimedia's operators reach you (their User-Agent policy wants one)",
                "none",
                field="contact",
                hint="set DEOCCLUDE_CONTACT to your e-mail address or page",
            )
        self._client = client
        self.state = client.base

    async def search_image(self, picture: Picture, count: int) -> Answer:
        """Refuse: Commons is asked by words only."""
        raise SourceError(Reason.UNSUPPORTED, "commons is asked by words only")

    async def search_text(self, words: str, count: int) -> Answer:
        """Return up to ``count`` pictures of what ``words`` say."""
        found: list[Candidate] = []
        goes_on: dict[str, str] = {}
        for _ in range(12):
            try:
                content = await self._client.json(_request(words, count, goes_on))
            except SourceError as error:
                if not found:
                    raise
                return Answer(tuple(found), broken_off=error)
            pages = sorted(plain.entries(content, "query", "pages"), key=lambda page: plain.number(page, "index"))
            for page in pages:
                candidate = read_page(page, len(found) + 1)
                if candidate is not None:
                    found.append(candidate)
            more = plain.within(content, "continue")
            goes_on = {key: plain.text(more, key) for key in more} if isinstance(more, Mapping) else {}
            if not goes_on or len(found) >= count:
                break
        return Answer(tuple(found[:count]))

    async def close(self) -> None:
        """Nothing to end."""


def _request(words: str, count: int, goes_on: Mapping[str, str]) -> Request:
    parameters = {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "generator": "search",
        "gsrsearch": f"filetype:bitmap {words[:250]}",
        "gsrnamespace": "6",
        "gsrlimit": str(min(count, PAGE)),
        "prop": "imageinfo",
        "iiprop": "url|size|mime|extmetadata",
        "iiurlwidth": str(WIDTH),
        "iiextmetadatafilter": _LICENCE_KEYS,
        "maxlag": "5",
    }
    return Request("/w/api.php", parameters=parameters | dict(goes_on), explain=_words, check=_check)


def _check(content: Any) -> None:
    """Refuse an error inside an answer with status 200, as MediaWiki gives it."""
    if not isinstance(content, Mapping):
        raise SourceError(Reason.BAD_ANSWER, "commons: the answer is no object")
    if "error" in content:
        is_busy = plain.text(content, "error", "code") in ("maxlag", "ratelimited")
        reason = Reason.RATE_LIMITED if is_busy else Reason.PROVIDER_ERROR
        raise SourceError(reason, f"commons: {_words(content) or 'an error without words'}")


def read_page(page: Mapping[str, Any], rank: int) -> Candidate | None:
    """Return the picture of one entry of ``query.pages``, ``None`` where it is none that can be used."""
    info = plain.within(page, "imageinfo", 0)
    original = plain.address(info, "url")
    if not original or plain.text(info, "mime") not in _MIMES:
        return None
    scaled, about = plain.address(info, "thumburl"), plain.within(info, "extmetadata")
    is_large = plain.number(info, "width") > WIDTH and bool(scaled)
    title = plain.text(page, "title").removeprefix("File:").rpartition(".")[0]
    return Candidate(
        NAME,
        scaled if is_large else original,
        rank,
        thumbnail=scaled,
        page=plain.address(info, "descriptionurl"),
        title=plain.unmarked(plain.text(about, "ObjectName", "value")) or title,
        licence=plain.unmarked(plain.text(about, "LicenseShortName", "value")),
        licence_url=plain.address(about, "LicenseUrl", "value"),
        creator=plain.unmarked(_whole(about, "Artist")) or plain.unmarked(_whole(about, "Credit")),
        width=plain.number(info, "thumbwidth" if is_large else "width"),
        height=plain.number(info, "thumbheight" if is_large else "height"),
    )


def _whole(about: Any, key: str) -> str:
    """Return a field of ``extmetadata`` uncut: it is HTML, and half a tag is none."""
    value = plain.within(about, key, "value")
    return value if isinstance(value, str) else ""


def _words(answer: Any) -> str:
    return plain.unmarked(plain.text(answer, "error", "info") or plain.text(answer, "error", "code"))
