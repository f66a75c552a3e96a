"""What can go wrong on the web, each with a name of its own: a search never crashes, it says what it could not do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deocclude.errors import DeoccludeError


class Reason(StrEnum):
    """Why something was not found or not fetched."""

    NO_RESULT = "no-result"
    """The source answered, and knows nothing like it."""
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    PROVIDER_ERROR = "provider-error"
    """The source answered in its own words that it failed."""
    BAD_ANSWER = "bad-answer"
    """Not what the source documents: no JSON, another structure, a status that is not expected."""
    GONE = "gone"
    """Nothing is at that address."""
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BROKEN_OFF = "broken-off"
    """The connection ended before all of it was there."""
    REDIRECTS = "redirects"
    REFUSED_ADDRESS = "refused-address"
    """The address is none that may be visited: private, loopback, link-local, or neither http nor https."""
    TOO_LARGE = "too-large"
    WRONG_TYPE = "wrong-type"
    """What came is no picture."""
    DAMAGED = "damaged"
    LICENCE = "licence"
    """The licence does not permit what was asked for, or is not known."""
    BLOCKED = "blocked"
    """The page asks whether a person is there; it is not tried to get around that."""
    UNSUPPORTED = "unsupported"
    """The source cannot be asked this way, by picture or by words."""


WORTH_REPEATING = frozenset({Reason.SERVER_ERROR, Reason.UNREACHABLE, Reason.BROKEN_OFF, Reason.RATE_LIMITED})
"""What may work the next time. Not a timeout: it has taken long enough."""
_BY_STATUS = {401: Reason.UNAUTHORISED, 403: Reason.FORBIDDEN, 408: Reason.TIMEOUT, 429: Reason.RATE_LIMITED}


def reason_of(status: int) -> Reason:
    """Return what an HTTP status other than success means."""
    return _BY_STATUS.get(status, Reason.SERVER_ERROR if status >= 500 else Reason.BAD_ANSWER)


class SourceError(DeoccludeError):
    """A source, or an address that it named, could not be used.

    Attributes:
        reason: why.
        retry_after: seconds after which it may be tried again, where the server said so.
    """

    def __init__(self, reason: Reason, text: str, *, retry_after: float | None = None) -> None:
        self.reason, self.retry_after = reason, retry_after
        super().__init__(" ".join(text.split())[:400])


@dataclass(frozen=True)
class Failure:
    """Something that was not found or not fetched, as part of a result.

    Attributes:
        provider: which source.
        reason: why.
        text: one line for people.
        url: address of the picture, where it is about one.
    """

    provider: str
    reason: Reason
    text: str
    url: str = ""

    @classmethod
    def of(cls, provider: str, error: SourceError, url: str = "") -> Failure:
        """Return the failure that an error means."""
        return cls(provider, error.reason, str(error), url)

    def as_plain(self) -> dict[str, str]:
        """Return it as JSON values."""
        plain = {"provider": self.provider, "reason": self.reason.value, "text": self.text}
        return plain | ({"url": self.url} if self.url else {})
