"""The way of the paper: the picture goes to an image host, and a search page is driven in a headless browser.

Off unless a setting states that the site permits it: the terms of search sites forbid automated queries.
(An et al., "Better Image De-occlusion Using Similar Images", image search API.)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from deocclude.errors import DeoccludeError, InputError
from deocclude.references.sources import plain
from deocclude.references.sources.browser_page import Page
from deocclude.references.sources.candidates import Answer, Candidate, Picture
from deocclude.references.sources.imgbb import ImageHost
from deocclude.references.sources.options import Browser as BrowserSettings
from deocclude.references.sources.pace import Pace
from deocclude.references.sources.problems import Reason, SourceError

NAME = "browser"


class Browser:
    """Drives a search page."""

    name = NAME

    def __init__(self, settings: BrowserSettings, pace: Pace, host: Callable[[], ImageHost], identity: str) -> None:
        """Take the description of the page, the schedule, what gives the image host, and who asks.

        Raises:
            InputError: no permission is stated, or the page is not described.
        """
        if not settings.permission:
            raise InputError(
                "browser.permission = true, which states that the site permits you automated queries",
                "false",
                field="browser.permission",
                hint="the terms of search sites forbid them; see docs/web-search.md, or use another source",
            )
        for field in ("search_url", "result"):
            if not getattr(settings, field):
                raise InputError("a description of the search page", "none", field=f"browser.{field}",
                                 hint="see docs/web-search.md")  # fmt: skip
        self.by_picture, self.by_words = "{image}" in settings.search_url, "{words}" in settings.search_url
        if not (self.by_picture or self.by_words) or not plain.is_web(_filled(settings.search_url, "", "")):
            raise InputError("an http or https address with {image} or {words}", repr(settings.search_url),
                             field="browser.search_url")  # fmt: skip
        self._settings, self._pace, self._identity = settings, pace, identity
        self._host = host() if self.by_picture else None
        self._page: Page | None = None
        self._lock, self._turn = threading.Lock(), asyncio.Lock()
        pictures = settings.result, settings.image, settings.image_attribute
        self.state = repr((settings.search_url, *pictures, settings.page, settings.title, settings.guess))

    async def search_image(self, picture: Picture, count: int) -> Answer:
        """Upload the picture, read the page of results, delete the picture."""
        if self._host is None:
            raise SourceError(Reason.UNSUPPORTED, "the described page is asked by words only")
        upload = await self._host.put(picture, self._settings.upload_seconds)
        problem: SourceError | None = None
        answer = Answer()
        try:
            answer = await self._answer(_filled(self._settings.search_url, upload.url, ""), count)
        except SourceError as error:
            problem = error
        finally:
            note = await self._host.delete(upload)
        if problem is not None:
            raise SourceError(problem.reason, f"{problem}; {note}" if note else str(problem))
        others = (one for one in answer.candidates if one.url != upload.url)
        return Answer(tuple(others), answer.guess, (note,) if note else ())

    async def search_text(self, words: str, count: int) -> Answer:
        """Read the page of results for words."""
        if not self.by_words:
            raise SourceError(Reason.UNSUPPORTED, "the described page is asked by picture only")
        return await self._answer(_filled(self._settings.search_url, "", words), count)

    async def close(self) -> None:
        """End the browser."""
        await asyncio.to_thread(self._end)

    async def _answer(self, url: str, count: int) -> Answer:
        async with self._turn:  # one page at a time
            await self._pace.turn()
            return read_page(await asyncio.to_thread(self._read, url, count), count)

    def _read(self, url: str, count: int) -> Any:
        with self._lock:
            try:
                if self._page is None:
                    self._page = Page(self._settings, self._identity)
                return self._page.read(url, count)
            except SourceError as error:
                if error.reason is Reason.UNREACHABLE:  # the browser itself may be gone: the next page gets a new one
                    self._forget()
                raise
            except DeoccludeError as error:
                raise SourceError(Reason.UNSUPPORTED, str(error)) from None
            except Exception as error:  # Selenium and what lies under it raise of everything
                self._forget()
                words = f"the browser failed ({type(error).__name__})"
                raise SourceError(Reason.UNREACHABLE, words) from None

    def _end(self) -> None:
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        if self._page is not None:
            self._page.close()
            self._page = None


def read_page(content: Any, count: int) -> Answer:
    """Return what was read from a page; results without a picture that has an address are passed over."""
    found: dict[str, Candidate] = {}
    for entry in plain.entries(content, "results"):
        url = plain.address(entry, "url")
        if url and url not in found:
            found[url] = Candidate(
                NAME,
                url,
                len(found) + 1,
                page=plain.address(entry, "page"),
                title=plain.text(entry, "title"),
                width=plain.number(entry, "width"),
                height=plain.number(entry, "height"),
            )
    return Answer(tuple(found.values())[:count], plain.text(content, "guess"))


def _filled(pattern: str, image: str, words: str) -> str:
    return pattern.replace("{image}", quote(image, safe="")).replace("{words}", quote(words, safe=""))
