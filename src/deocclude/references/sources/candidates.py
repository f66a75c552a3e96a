"""What a source is asked and what it answers: the protocol that the local folder and all web sources share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from deocclude.references.credit import Credit
from deocclude.references.sources.problems import SourceError


@dataclass(frozen=True)
class Candidate:
    """A picture that a source named.

    Attributes:
        provider: name of the source.
        url: address of the picture.
        rank: place in the answer of the source, from 1.
        thumbnail: address of a small version.
        page: address of the page about the picture.
        title: what it is called.
        licence: short name of the licence; empty where it is not known.
        licence_url: address of the licence's text.
        creator: who made it.
        width: in pixels; 0 where it is not known.
        height: in pixels; 0 where it is not known.
    """

    provider: str
    url: str
    rank: int
    thumbnail: str = ""
    page: str = ""
    title: str = ""
    licence: str = ""
    licence_url: str = ""
    creator: str = ""
    width: int = 0
    height: int = 0

    @property
    def credit(self) -> Credit:
        """Whose the picture is."""
        return Credit(
            provider=self.provider,
            page=self.page or None,
            title=self.title or None,
            licence=self.licence or None,
            licence_url=self.licence_url or None,
            creator=self.creator or None,
            url=self.url,
        )

    def as_plain(self) -> dict[str, Any]:
        """Return it as JSON values; an unknown licence says so."""
        plain = {key: value for key, value in asdict(self).items() if value not in ("", 0)}
        return plain | {"licence": self.licence or "unknown"}


@dataclass(frozen=True)
class Answer:
    """What one source answered.

    Attributes:
        candidates: pictures, the best first.
        guess: what the source takes the picture for, in words; empty where it does not say.
        notes: what a user should know, such as an upload that could not be deleted.
        broken_off: why there are no more, where a source failed after its first pages.
    """

    candidates: tuple[Candidate, ...] = ()
    guess: str = ""
    notes: tuple[str, ...] = ()
    broken_off: SourceError | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture to search by.

    Attributes:
        data: the file's content, JPEG.
        width: in pixels.
        height: in pixels.
    """

    data: bytes = field(repr=False)
    width: int
    height: int


class Source(Protocol):
    """A place where pictures are searched. Both ways of asking raise :class:`SourceError` and nothing else."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""

    @property
    def by_picture(self) -> bool:
        """Whether it can be asked by picture; else by words only."""

    @property
    def by_words(self) -> bool:
        """Whether it can be asked by words."""

    @property
    def state(self) -> str:
        """What its answers depend on besides the question, such as its address; part of the cache's key."""

    async def search_image(self, picture: Picture, count: int) -> Answer:
        """Return up to ``count`` pictures that look like one.

        Raises:
            SourceError: it could not be asked, or its answer is not usable.
        """

    async def search_text(self, words: str, count: int) -> Answer:
        """Return up to ``count`` pictures of what words say.

        Raises:
            SourceError: it could not be asked, or its answer is not usable.
        """

    async def close(self) -> None:
        """End what it started, such as a browser."""
