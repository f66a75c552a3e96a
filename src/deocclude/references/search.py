"""Find the reference: a shortlist by words and colours, verified one by one, ranked by the chance to be the same.

"None" is an answer: a picture counts as a reference only above a probability, and what different things show as well
lowers it (:mod:`deocclude.references.rivals`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from deocclude.images import read_photo
from deocclude.references.closer import CloserSettings, look_closer
from deocclude.references.entries import Kind
from deocclude.references.index import BOTH, Hit, Index, Ranking
from deocclude.references.query import Query
from deocclude.references.rivals import NEIGHBOURS, UNKNOWN, bundled, rivals
from deocclude.references.verify import NO_TRANSFORM, Verdict, verify
from deocclude.stages import Stopwatch

LIKELY = 0.1
"""Less probable pictures are ranked by words and colours alone: verifying said nothing about them."""
Verifier = Callable[[Index, Hit, Query], Verdict]
"""Says whether a picture of an index shows what a query shows."""


def verified(index: Index, hit: Hit, view: Query) -> Verdict:
    """Return what geometry, colours and words say about a picture, with a closer look where there is doubt."""
    features = index.features(hit)
    first = verify(view.features, features, hit.colours, words=hit.words)
    settings = CloserSettings(features=index.manifest.features)
    return look_closer(first, view.features, features.size, lambda: read_photo(hit.path, convert=True).pixels,
                       hit.colours, hit.words, settings)  # fmt: skip


@dataclass(frozen=True)
class SearchSettings:
    """How references are searched.

    Attributes:
        shortlist: pictures that are verified, for each of the rankings.
        details: as many by details at most; they find what is small in the query or in other light, a poster in a
            photo of a room.
        always: pictures, best by each ranking, that are verified in any case;
        agreeing: the others are where at least this many matches of details say the same about where the picture lies.
            On development groups of UKBench that is so for 97 % of what is accepted, and for 28 % of the rest.
        top: most references that are returned.
        accept: smallest probability of a reference, 0..1: the highest level in steps of 0.05 that keeps at least 95 %
            of right first pictures, by cross-validation on development groups of UKBench.
        enough: verifying stops when this many pictures are all but certain; the rest keep their places behind.
        certain: probability that counts as all but certain.
        rankings: what the shortlist is made by, in turns, besides the details.
        followed: references, all but certain when they were verified, whose own neighbours are looked at, for other
            sides of the object that the query does not show; 0 for none.
        neighbours: neighbours of each of them.
        contested: look for other things that match as well, which makes a picture less probable.
    """

    shortlist: int = 20
    details: int = 20
    always: int = 5
    agreeing: int = 2
    top: int = 10
    accept: float = 0.75
    enough: int = 8
    certain: float = 0.99
    rankings: tuple[Ranking, ...] = (BOTH,)
    followed: int = 3
    neighbours: int = 4
    contested: bool = True


@dataclass(frozen=True, eq=False)
class Found:
    """A picture that may show the same object.

    Attributes:
        hit: the picture.
        verdict: what verifying said; ``None`` where it was not looked at.
        via: the picture of the index that it was found through, where the query itself does not tell.
        rival: chance of the best picture of another thing, 0..1; ``None`` where rivals were not looked for.
    """

    hit: Hit
    verdict: Verdict | None
    via: Path | None = None
    rival: float | None = None

    @property
    def chance(self) -> float:
        """That it shows the same object by what verifying said alone; 0 where it was not looked at."""
        return self.verdict.probability if self.verdict else 0.0

    @property
    def probability(self) -> float:
        """That it shows the same object; 0 where it was not looked at."""
        return self.chance if self.rival is None else bundled().probability(self.chance, self.rival)

    @property
    def inliers(self) -> int:
        """Matches that agree with one transform; 0 where it was not looked at."""
        return self.verdict.inliers if self.verdict else 0

    @property
    def reason(self) -> str:
        """One line for people on what verifying said; empty where it was not looked at."""
        if self.verdict is None:
            return ""
        if self.rival is None or self.rival <= UNKNOWN:
            return self.verdict.reason
        return f"{self.verdict.reason}, but something else matches as well (probability {self.rival:.2f})"

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
                "rival": one.rival,
                "verified": one.verdict is not None,
                "reference": one in self.references,
                "via": str(one.via) if one.via else None,
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
    category = next((view.category for view in asked if view.category), "")
    hits, promising = _listed(index, asked, settings, without)
    found: list[Found] = []
    certain = 0
    for hit in hits:
        verdict = None
        if certain < settings.enough and hit.path in promising:
            verdict = max((verifier(index, hit, view) for view in asked), key=lambda one: one.probability)
            certain += verdict.probability >= settings.certain
        found.append(Found(hit, verdict))
    beside = _Beside(index, without, verifier)
    if settings.contested:
        found = _contested(found, beside)
    if settings.followed:
        found = _followed(found, settings, beside)
    found.sort(key=lambda one: (
        -one.probability if one.probability >= LIKELY else 0, not category or one.hit.category != category,
        -one.hit.words * one.hit.colours**BOTH.colours,
    ))  # fmt: skip
    references = tuple(one for one in found if is_reference(one, settings.accept))
    return Answer(tuple(found[: settings.top]), references[: settings.top], watch.seconds)


def _listed(
    index: Index, asked: Sequence[Query], settings: SearchSettings, without: Collection[Path]
) -> tuple[list[Hit], set[Path]]:
    """Return the pictures that may show the same, from all rankings in turns, and those that are worth verifying."""
    lists = [index.query(asked, settings.shortlist, ranking, without=without) for ranking in settings.rankings]
    promising = {hit.path for listed in lists for hit in listed[: settings.always]}
    if settings.details:
        lists.append(index.by_details(asked, settings.details, without=without))
    hits: dict[Path, Hit] = {}
    for hit in filter(None, chain.from_iterable(zip_longest(*lists))):
        hits.setdefault(hit.path, hit)
    if settings.agreeing:
        places = [(hit.segment, hit.row) for hit in hits.values()]
        counts = np.max([index.details(view).agreeing(places) for view in asked], axis=0)
        promising |= {path for path, count in zip(hits, counts, strict=True) if count >= settings.agreeing}
    else:
        promising |= set(hits)
    return list(hits.values()), promising


def is_reference(found: Found, least: float = SearchSettings.accept) -> bool:
    """Whether a picture that was found counts as a reference: probable enough, and matches lie the same way."""
    verdict = found.verdict
    return verdict is not None and found.probability >= least and verdict.kind != NO_TRANSFORM


class _Beside:
    """Pictures of an index beside their nearest neighbours; each pair is verified once."""

    def __init__(self, index: Index, without: Collection[Path], verifier: Verifier) -> None:
        self._index, self._without, self._verifier = index, without, verifier
        self._views: dict[Path, Query] = {}
        self._verdicts: dict[tuple[Path, Path], Verdict] = {}

    def neighbours(self, hit: Hit, count: int) -> list[Hit]:
        """Return the nearest ``count`` pictures, less those that are not to be found."""
        return [other for other in self._index.neighbours(hit, count) if other.path not in self._without]

    def verdict(self, hit: Hit, other: Hit) -> Verdict:
        """Return whether a neighbour shows the same as a picture."""
        pair = hit.path, other.path
        if pair not in self._verdicts:
            if hit.path not in self._views:
                features, colours = self._index.features(hit), self._index.colours(hit)
                self._views[hit.path] = Query(features, colours, hit.category, str(hit.path))
            self._verdicts[pair] = self._verifier(self._index, other, self._views[hit.path])
        return self._verdicts[pair]


def _contested(found: list[Found], beside: _Beside) -> list[Found]:
    """Return ``found`` with the chances of rivals, for those of which matches lie the same way."""
    places = [place for place, one in enumerate(found) if one.verdict and one.verdict.kind != NO_TRANSFORM]

    def near(number: int) -> list[tuple[Path, Verdict]]:
        hit = found[places[number]].hit
        return [(other.path, beside.verdict(hit, other)) for other in beside.neighbours(hit, NEIGHBOURS)]

    best = rivals([found[place].hit.path for place in places], [found[place].chance for place in places], near)
    contested = dict(zip(places, best, strict=True))
    return [replace(one, rival=contested.get(place)) for place, one in enumerate(found)]


def _followed(found: list[Found], settings: SearchSettings, beside: _Beside) -> list[Found]:
    """Return ``found`` with pictures that show what an all but certain one shows (k nearest neighbours, verified).

    The probability is the product of both steps. Automatic query expansion (Chum et al., ICCV 2007), kept to single
    pictures so that it can be said why something was found.
    """
    known = {one.hit.path: one for one in found}
    sure = [one for one in found if one.chance >= settings.certain and is_reference(one, settings.accept)]
    for one in sorted(sure, key=lambda one: -one.probability)[: settings.followed]:
        for hit in beside.neighbours(one.hit, settings.neighbours):
            before = known.get(hit.path)
            if before and before.chance >= settings.certain:
                continue
            verdict = beside.verdict(one.hit, hit)
            chance = one.probability * verdict.probability
            if before is None or chance > before.probability:
                verdict = replace(verdict, probability=chance, target_from_source=None)
                known[hit.path] = Found(hit, verdict, one.hit.path)
    return list(known.values())
