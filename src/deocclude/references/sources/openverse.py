"""Openverse: pictures with open licences, by words (https://api.openverse.org/v1/)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deocclude.references.sources import plain
from deocclude.references.sources.candidates import Answer, Candidate, Picture
from deocclude.references.sources.client import Client, Request
from deocclude.references.sources.licences import licence_name
from deocclude.references.sources.problems import Reason, SourceError

NAME = "openverse"
PAGE = 20
"""Most results of one request without a token."""
MOST_PAGES = 12
"""Openverse goes no deeper than 240 results without a token."""
LONGEST_WORDS = 200


class Openverse:
    """Asks Openverse. Every hit states its licence, its creator and the page it is from."""

    name, by_picture, by_words = NAME, False, True

    def __init__(self, client: Client, token: str = "") -> None:
        """Take what asks, and an access token if there is one."""
        self._client, self._token = client, token
        self.state = client.base

    async def search_image(self, picture: Picture, count: int) -> Answer:
        """Refuse: Openverse is asked by words only."""
        raise SourceError(Reason.UNSUPPORTED, "openverse is asked by words only")

    async def search_text(self, words: str, count: int) -> Answer:
        """Return up to ``count`` pictures of what ``words`` say."""
        found: list[Candidate] = []
        page = 1
        while len(found) < count:
            try:
                content = await self._client.json(self._request(words, page, min(count, PAGE)))
            except SourceError as error:
                if not found:
                    raise
                return Answer(tuple(found), broken_off=error)
            results = list(plain.entries(content, "results"))
            for entry in results:
                candidate = read_result(entry, len(found) + 1)
                if candidate is not None:
                    found.append(candidate)
            if not results or page >= min(plain.number(content, "page_count"), MOST_PAGES):
                break
            page += 1
        return Answer(tuple(found[:count]))

    async def close(self) -> None:
        """Nothing to end."""

    def _request(self, words: str, page: int, size: int) -> Request:
        parameters = {"q": words[:LONGEST_WORDS], "page": str(page), "page_size": str(size)}
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return Request("/v1/images/", parameters=parameters, headers=headers, explain=_words, check=_check)


def read_result(entry: Mapping[str, Any], rank: int) -> Candidate | None:
    """Return the picture of one entry of ``results``, ``None`` where it has no address."""
    url = plain.address(entry, "url")
    if not url:
        return None
    return Candidate(
        NAME,
        url,
        rank,
        thumbnail=plain.address(entry, "thumbnail"),
        page=plain.address(entry, "foreign_landing_url"),
        title=plain.text(entry, "title"),
        licence=licence_name(plain.text(entry, "license"), plain.text(entry, "license_version")),
        licence_url=plain.address(entry, "license_url"),
        creator=plain.unmarked(plain.text(entry, "creator")),
        width=plain.number(entry, "width"),
        height=plain.number(entry, "height"),
    )


def _check(content: Any) -> None:
    if not isinstance(plain.within(content, "results"), list):
        said = _words(content)
        reason = Reason.PROVIDER_ERROR if said else Reason.BAD_ANSWER
        raise SourceError(reason, f"openverse: {said or 'the answer has no list of results'}")


def _words(answer: Any) -> str:
    return plain.text(answer, "detail") or plain.text(answer, "error")
