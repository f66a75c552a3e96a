"""ImgBB, an image host: a picture is put there for minutes so that a search page can look at it (https://api.imgbb.com)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deocclude.references.sources import plain
from deocclude.references.sources.candidates import Picture
from deocclude.references.sources.client import Client, Request
from deocclude.references.sources.problems import Reason, SourceError


@dataclass(frozen=True)
class Upload:
    """A picture at the host.

    Attributes:
        url: its address.
        delete_url: address of the page that deletes it; whoever knows it may do so.
    """

    url: str
    delete_url: str


class ImageHost:
    """Puts pictures on the host, and takes them away again."""

    def __init__(self, client: Client, deleting: Client, key: str) -> None:
        """Take what asks the API, what asks the page that deletes, and the API key."""
        self._client, self._deleting, self._key = client, deleting, key

    async def put(self, picture: Picture, seconds: int) -> Upload:
        """Upload a picture that the host deletes by itself after ``seconds`` (60 at least).

        Raises:
            SourceError: it was not taken.
        """
        form = {"key": self._key, "expiration": str(seconds)}
        files = {"image": ("object.jpg", picture.data, "image/jpeg")}
        content = await self._client.json(Request("/1/upload", "POST", form=form, files=files, explain=_words))
        url = plain.address(content, "data", "url")
        if plain.within(content, "success") is not True or not url:
            said = _words(content)
            reason = Reason.PROVIDER_ERROR if said else Reason.BAD_ANSWER
            raise SourceError(reason, f"imgbb: {said or 'no address after the upload'}")
        return Upload(url, plain.address(content, "data", "delete_url"))

    async def delete(self, upload: Upload) -> str:
        """Delete a picture before its time; the API has no call for it, so the host's page is asked as a person would.

        Returns:
            What a user should know where that did not work; else an empty text.
        """
        parts = [part for part in urlsplit(upload.delete_url).path.split("/") if part]
        if len(parts) < 2:
            return "imgbb named no page to delete the picture; it goes by itself when its time is over"
        identity, secret = parts[-2:]
        form = {"action": "delete", "delete": "image", "from": "resource", "pathname": f"/{identity}/{secret}",
                "deleting[id]": identity, "deleting[hash]": secret}  # fmt: skip
        try:
            answer = await self._deleting.json(Request("", "POST", form=form))
            if plain.number(answer, "status_code") == 200:
                return ""
            words = "it says no"
        except SourceError as error:
            words = error.reason.value
        return f"imgbb did not delete the picture ({words}); it goes by itself when its time is over"


def _words(answer: Any) -> str:
    return plain.text(answer, "error", "message")
