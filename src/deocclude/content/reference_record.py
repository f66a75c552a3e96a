"""What became of each reference: which hidden pixels it gave, or why it gave none, and whose it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from deocclude.content.patch import Fill, Provenance
from deocclude.references.credit import Credit

MOST = 255 - Provenance.REFERENCE + 1
"""References that can be told apart in a picture of provenance."""


@dataclass(frozen=True)
class Trial:
    """A reference tried on the hidden part of one object.

    Attributes:
        object: the object's id; 0 is the background.
        probability: that the reference shows the same thing, 0..1; ``None`` where nobody asked, because a user named
            it.
        pixels: hidden pixels that came from it.
        reason: why none did; ``None`` where some did.
    """

    object: int
    probability: float | None = None
    pixels: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class ReferenceUsed:
    """A reference picture, and what it was good for.

    Attributes:
        path: the file, as it was found.
        sha256: of its content; empty where it cannot be read.
        number: k of its pixels' provenance ``REFERENCE + k``; ``None`` where no pixel is its.
        credit: whose it is, as far as that is known.
        named: by a user, not found by a search.
        trials: one for each object it was tried on.
        thumbnail: a small JPEG of it; empty where it cannot be read.
    """

    path: str
    sha256: str = ""
    number: int | None = None
    credit: Credit = field(default_factory=Credit)
    named: bool = False
    trials: tuple[Trial, ...] = ()
    thumbnail: bytes = field(default=b"", repr=False)

    @property
    def key(self) -> str:
        """What tells it from others: its content, or its path where that is not known."""
        return self.sha256 or self.path

    @property
    def pixels(self) -> int:
        """Hidden pixels that came from it."""
        return sum(trial.pixels for trial in self.trials)

    @property
    def probability(self) -> float | None:
        """The highest chance, over all objects, that it shows the same thing."""
        return max((trial.probability for trial in self.trials if trial.probability is not None), default=None)

    @property
    def reason_rejected(self) -> str | None:
        """Why no pixel is its; ``None`` where some are."""
        if self.pixels:
            return None
        return "; ".join(dict.fromkeys(trial.reason for trial in self.trials if trial.reason)) or "not needed"

    def as_plain(self) -> dict[str, Any]:
        """Return everything but the thumbnail, as JSON values."""
        return {
            "number": self.number,
            "path": self.path,
            "sha256": self.sha256,
            **{key: getattr(self.credit, key) for key in Credit.__dataclass_fields__},
            "named": self.named,
            "probability": self.probability,
            "pixels": self.pixels,
            "reason_rejected": self.reason_rejected,
            "objects": [vars(trial) for trial in self.trials],
        }

    @classmethod
    def from_plain(cls, entry: Mapping[str, Any], thumbnail: bytes = b"") -> ReferenceUsed:
        """Return what :meth:`as_plain` wrote.

        Raises:
            KeyError, TypeError, ValueError: the entry is damaged.
        """
        trials = tuple(Trial(**trial) for trial in entry["objects"])
        number = None if entry["number"] is None else int(entry["number"])
        if number is not None and not 0 <= number < MOST:
            raise ValueError(f"reference {number} is not among 0..{MOST - 1}")
        credit = Credit.from_plain(entry)
        return cls(str(entry["path"]), str(entry["sha256"]), number, credit, bool(entry["named"]), trials, thumbnail)


@dataclass(frozen=True, eq=False)
class References:
    """What the references of a scene gave.

    Attributes:
        pictures: the ones that gave pixels first, by number, then the ones that did not.
        parts: by object id, the hidden pixels that references show; no entry where none does.
    """

    pictures: tuple[ReferenceUsed, ...] = ()
    parts: Mapping[int, Fill] = field(default_factory=dict)


def credited(found: References, credit: Credit) -> References:
    """Return the references with ``credit`` for each of which nothing is known."""
    pictures = (replace(one, credit=credit) if one.credit == Credit() else one for one in found.pictures)
    return replace(found, pictures=tuple(pictures))


def in_order(pictures: Iterable[ReferenceUsed]) -> tuple[ReferenceUsed, ...]:
    """Return references in the order they are listed: by number, then those without by path."""
    return tuple(sorted(pictures, key=lambda one: (one.number is None, one.number or 0, one.path)))


def with_trial(picture: ReferenceUsed, trial: Trial) -> ReferenceUsed:
    """Return the reference with one more trial."""
    return replace(picture, trials=(*picture.trials, trial))
