"""Find the reference: a shortlist by words and colours, verified one by one, ranked by the chance to be the same.

"None" is an answer: a picture counts as a reference only above a probability.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude.references.entries import Kind
from deocclude.references.index import BOTH, Hit, Index, Ranking
from deocclude.references.query import Query
from deocclude.references.verify import ACCEPT, Verdict, verify
from deocclude.stages import Stopwatch

Verifier = Callable[[Index, Hit, Query], Verdict]
"""Says whether a picture of an index shows what a query shows."""


def verified(index: Index, hit: Hit, view: Query) -> Verdict:
    """Return what geometry and colours say about a picture of an index."""
    return verify(view.features, index.features(hit), hit.colours)


@dataclass(frozen=True)
class SearchSettings:
    """How references are searched.

    Attributes:
        shortlist: pictures that are verified.
        top: most references that are returned.
        accept: smallest probability of a reference, 0..1.
        enough: verifying stops when this many pictures are all but certain; the rest keep their places behind.
        certain: probability that counts as all but certain.
        ranking: what the shortlist is ranked by.
    """

    shortlist: int = 40
    top: int = 10
    accept: float = ACCEPT
    enough: int = 8
    certain: float = 0.99
    ranking: Ranking = BOTH


@dataclass(frozen=True, eq=False)
class Found:
    """A picture that may show the same object.

    Attributes:
        hit: the picture.
        verdict: what verifying said; ``None`` where it was not looked at.
    """

    hit: Hit
    verdict: Verdict | None

    @property
    def probability(self) -> float:
        """That it shows the same object; 0 where it was not looked at."""
        return self.verdict.probability if self.verdict else 0.0

    @property
    def inliers(self) -> int:
        """Matches that agree with one transform; 0 where it was not looked at."""
        return self.verdict.inliers if self.verdict else 0

    @property
    def part(self) -> str:
        """Which part of the picture looks most like the query, in words."""
        box = "" if self.hit.kind == Kind.PICTURE else f" {','.join(map(str, self.hit.box))}"
        return f"{self.hit.category or self.hit.kind.name.lower()}{box}"


@dataclass(frozen=True, eq=False)
class Answer:
    """What a search found.

    Attributes:
        ranked: pictures, the best first, good or not.
        references: those that count as references; empty for "none".
        seconds: wall time.
    """

    ranked: tuple[Found, ...]
    references: tuple[Found, ...]
    seconds: float = 0.0

    def as_plain(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        ranked = [
            {
                "path": str(one.hit.path),
                "probability": one.probability,
                "verified": one.verdict is not None,
                "reference": one in self.references,
                "matches": one.inliers,
                "words": one.hit.words,
                "colours": one.hit.colours,
                "kind": one.hit.kind.name.lower(),
                "category": one.hit.category,
                "box": list(one.hit.box),
            }
            for one in self.ranked
        ]
        return {"found": bool(self.references), "pictures": ranked, "seconds": self.seconds}


def search(
    index: Index,
    views: Query | Sequence[Query],
    settings: SearchSettings | None = None,
    *,
    without: Collection[Path] = (),
    verifier: Verifier = verified,
) -> Answer:
    """Search an index for pictures that show the same object.

    Args:
        index: the collection.
        views: the query, or several views of one object; a candidate needs to agree with one of them.
        settings: how.
        without: pictures that are not to be found, the query itself for one.
        verifier: how candidates are verified.

    Raises:
        InputError: the index is damaged, or its vocabulary does not fit.
    """
    settings, watch = settings or SearchSettings(), Stopwatch()
    asked = [views] if isinstance(views, Query) else list(views)
    hits = index.query(asked, settings.shortlist, settings.ranking, without=without)
    found: list[Found] = []
    certain = 0
    for hit in hits:
        verdict = None
        if certain < settings.enough:
            verdict = max((verifier(index, hit, view) for view in asked), key=lambda one: one.probability)
            certain += verdict.probability >= settings.certain
        found.append(Found(hit, verdict))
    category = next((view.category for view in asked if view.category), "")
    # Python's sort keeps the order of the shortlist among equals, so those not looked at stay behind in theirs.
    found.sort(key=lambda one: (-one.probability, not category or one.hit.category != category))
    references = tuple(one for one in found if one.probability >= settings.accept)
    return Answer(tuple(found[: settings.top]), references[: settings.top], watch.seconds)
