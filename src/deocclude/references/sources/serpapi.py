"""SerpApi, Google Lens: search by picture through a paid service.

The picture goes to SerpApi itself (POST /image, at most 500 KB, kept ten minutes), so no image host is needed; the
``image_id`` of the answer is what ``engine=google_lens`` is asked with. See https://serpapi.com/image-api and
https://serpapi.com/google-lens-api.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deocclude.references.sources import plain
from deocclude.references.sources.candidates import Answer, Candidate, Picture
from deocclude.references.sources.client import Client, Request
from deocclude.references.sources.problems import Reason, SourceError

NAME = "serpapi"
LARGEST = 500_000
"""Largest picture that SerpApi takes, bytes."""
_EMPTY = "hasn't returned any results"
"""How SerpApi says that there is none: as an error inside an answer with status 200."""


class SerpApi:
    """Asks Google Lens through SerpApi. It states no licences, so all pictures count as of unknown licence."""

    name, by_picture, by_words = NAME, True, False

    def __init__(self, client: Client, key: str) -> None:
        """Take what asks, and the API key."""
        self._client, self._key = client, key
        self.state = client.base

    async def search_image(self, picture: Picture, count: int) -> Answer:
        """Return up to ``count`` visual matches, and what Google takes the picture for."""
        if len(picture.data) > LARGEST:
            raise SourceError(Reason.TOO_LARGE, f"serpapi takes pictures up to {LARGEST // 1000} KB")
        identity = await self._upload(picture)
        parameters = {
            "engine": "google_lens",
            "type": "visual_matches",
            "image_id": identity,
            "output": "json",
            "api_key": self._key,
        }
        content = await self._client.json(Request("/search", parameters=parameters, explain=_words))
        return read_answer(content, count)

    async def search_text(self, words: str, count: int) -> Answer:
        """Refuse: Google Lens is asked by picture only."""
        raise SourceError(Reason.UNSUPPORTED, "serpapi is asked by picture only")

    async def close(self) -> None:
        """Nothing to end."""

    async def _upload(self, picture: Picture) -> str:
        files = {"image": ("object.jpg", picture.data, "image/jpeg")}
        request = Request("/image", "POST", form={"api_key": self._key}, files=files, explain=_words)
        content = await self._client.json(request)
        identity = plain.text(content, "image_id")
        if not identity:
            said = _words(content)
            reason = Reason.PROVIDER_ERROR if said else Reason.BAD_ANSWER
            raise SourceError(reason, f"serpapi: {said or 'no image_id after the upload'}")
        return identity


def read_answer(content: Any, count: int) -> Answer:
    """Return what an answer of the Google Lens engine says.

    Raises:
        SourceError: an error inside it, or it is none.
    """
    if not isinstance(content, Mapping):
        raise SourceError(Reason.BAD_ANSWER, "serpapi: the answer is no object")
    error = _words(content)
    if error and _EMPTY not in error:
        raise SourceError(Reason.PROVIDER_ERROR, f"serpapi: {error}")
    found: dict[str, Candidate] = {}
    for entry in plain.entries(content, "visual_matches"):
        candidate = read_match(entry, len(found) + 1)
        if candidate is not None:
            found.setdefault(candidate.url, candidate)
    guess = plain.text(content, "knowledge_graph", 0, "title") or plain.text(content, "related_content", 0, "query")
    return Answer(tuple(found.values())[:count], guess)


def read_match(entry: Mapping[str, Any], rank: int) -> Candidate | None:
    """Return the picture of one visual match: whole where its address is stated, else the thumbnail."""
    thumbnail = plain.address(entry, "thumbnail")
    whole = plain.address(entry, "image")
    if not (whole or thumbnail):
        return None
    kind = "image" if whole else "thumbnail"
    return Candidate(
        NAME,
        whole or thumbnail,
        rank,
        thumbnail=thumbnail,
        page=plain.address(entry, "link"),
        title=plain.text(entry, "title"),
        creator="",
        width=plain.number(entry, f"{kind}_width"),
        height=plain.number(entry, f"{kind}_height"),
    )


def _words(answer: Any) -> str:
    return plain.text(answer, "error")
