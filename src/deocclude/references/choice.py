"""References that a user picked or rejected by hand: they outrank what search and agreement say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from deocclude.errors import unknown_choice

Verdict = Literal["pick", "reject"]
VERDICTS = ("pick", "reject")


@dataclass(frozen=True)
class Choice:
    """A word of a user on one reference.

    Attributes:
        path: the file, absolute.
        verdict: ``pick``: use it wherever it can be laid over the photo; ``reject``: never use it.
        object: for the hidden part of this object only (0 is the background); ``None`` for all.
        sha256: of its content, by which it is known again under another name; empty where it is not known.
    """

    path: str
    verdict: Verdict
    object: int | None = None
    sha256: str = ""

    def __post_init__(self) -> None:
        """Refuse a verdict that is none.

        Raises:
            InputError: it is neither ``pick`` nor ``reject``.
        """
        if self.verdict not in VERDICTS:
            raise unknown_choice("verdict on a reference", self.verdict, VERDICTS)

    def concerns(self, identity: int) -> bool:
        """Whether this is about the hidden part of an object."""
        return self.object is None or self.object == identity

    def means(self, path: str, sha256: str = "") -> bool:
        """Whether this is about a file: the same content, or the same path where that is not known."""
        return self.sha256 == sha256 if self.sha256 and sha256 else self.path == path

    def as_plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def said_of(choices: tuple[Choice, ...], identity: int, path: str, sha256: str = "") -> Verdict | None:
    """Return the last word on a reference for an object; one on this very object outranks one on all."""
    fitting = [one for one in choices if one.concerns(identity) and one.means(path, sha256)]
    fitting.sort(key=lambda one: one.object is not None)
    return fitting[-1].verdict if fitting else None
