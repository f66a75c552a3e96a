"""Google Cloud Vision, WEB_DETECTION: Google's official search by picture (POST /v1/images:annotate)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from deocclude.references.sources import plain
from deocclude.references.sources.candidates import Answer, Candidate, Picture
from deocclude.references.sources.client import Client, Request
from deocclude.references.sources.problems import Reason, SourceError

NAME = "google-vision"
_KINDS = ("partialMatchingImages", "fullMatchingImages")
"""Kinds of matches by how useful they are. A partial match shows the same thing in another picture; a full one is
often the very photo that is asked about."""
_BY_CODE = {
    3: Reason.BAD_ANSWER, 4: Reason.TIMEOUT, 7: Reason.FORBIDDEN, 8: Reason.RATE_LIMITED, 13: Reason.SERVER_ERROR,
    14: Reason.SERVER_ERROR, 16: Reason.UNAUTHORISED,
}  # fmt: skip
"""What the codes of google.rpc.Code mean that an answer with status 200 may carry."""


class GoogleVision:
    """Asks Google Cloud Vision. It states no licences, so all pictures count as of unknown licence."""

    name, by_picture, by_words = NAME, True, False

    def __init__(self, client: Client, key: str) -> None:
        """Take what asks, and the API key."""
        self._client, self._key = client, key
        self.state = client.base

    async def search_image(self, picture: Picture, count: int) -> Answer:
        """Return up to ``count`` pictures from the web, and what Google takes the picture for."""
        content = {
            "requests": [
                {
                    "image": {"content": base64.b64encode(picture.data).decode()},
                    "features": [{"type": "WEB_DETECTION", "maxResults": count}],
                }
            ]
        }
        # The key in a header, not in the address: addresses end up in logs.
        headers = {"X-Goog-Api-Key": self._key}
        request = Request("/v1/images:annotate", "POST", headers=headers, content=content, explain=_words, check=_check)
        return read_answer(await self._client.json(request), count)

    async def search_text(self, words: str, count: int) -> Answer:
        """Refuse: web detection is asked by picture only."""
        raise SourceError(Reason.UNSUPPORTED, "google-vision is asked by picture only")

    async def close(self) -> None:
        """Nothing to end."""


def read_answer(content: Any, count: int) -> Answer:
    """Return what an answer of ``images:annotate`` says.

    Raises:
        SourceError: an error inside it, or it is none.
    """
    _check(content)
    response = plain.within(content, "responses", 0)
    if not isinstance(response, dict):
        raise SourceError(Reason.BAD_ANSWER, "google-vision: the answer has no response")
    web = plain.within(response, "webDetection")
    found: dict[str, Candidate] = {}
    for url, page, title in _matches(web):
        found.setdefault(url, Candidate(NAME, url, len(found) + 1, page=page, title=title))
    guess = plain.text(web, "bestGuessLabels", 0, "label")
    return Answer(tuple(found.values())[:count], guess)


def _check(content: Any) -> None:
    """Refuse an error inside an answer with status 200."""
    error = plain.within(content, "responses", 0, "error")
    if error is not None:
        reason = _BY_CODE.get(plain.number(error, "code"), Reason.PROVIDER_ERROR)
        raise SourceError(reason, f"google-vision: {plain.text(error, 'message') or 'an error without words'}")


def _matches(web: Any) -> Iterator[tuple[str, str, str]]:
    """Yield (picture, page, title): partial matches, full ones, those of pages, and what looks alike."""
    pages = list(_of_pages(web))
    where = {url: (page, title) for url, page, title in reversed(pages)}
    for kind in _KINDS:
        for entry in plain.entries(web, kind):
            # Google lists pictures that it has no address for as x-raw-image:///...; these are none.
            url = plain.address(entry, "url")
            if url:
                yield (url, *where.get(url, ("", "")))
    yield from pages
    for entry in plain.entries(web, "visuallySimilarImages"):
        url = plain.address(entry, "url")
        if url:
            yield url, "", ""


def _of_pages(web: Any) -> Iterator[tuple[str, str, str]]:
    for page in plain.entries(web, "pagesWithMatchingImages"):
        address, title = plain.address(page, "url"), plain.unmarked(plain.text(page, "pageTitle"))
        for kind in _KINDS:
            for entry in plain.entries(page, kind):
                url = plain.address(entry, "url")
                if url:
                    yield url, address, title


def _words(answer: Any) -> str:
    error = plain.within(answer, 0, "error") or plain.within(answer, "error")
    return plain.text(error, "message")
