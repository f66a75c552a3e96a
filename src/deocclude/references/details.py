"""Details that a query shares with the pictures of an index: key points that look alike, and lie the same way.

Words compare pictures as a whole; an object that is small in a photo full of other things is lost among their words.
Here key points are compared one by one (:mod:`deocclude.references.key_points`), and pictures are ranked by how many
of these matches say the same about where the picture lies in the query (:mod:`deocclude.references.votes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.references import votes
from deocclude.references.features import Features
from deocclude.references.segment import Place, Segment
from deocclude.references.vocabulary import Vocabulary


@dataclass(frozen=True)
class DetailSettings:
    """How details are compared.

    Measured on scenes made of development pictures, laid small and tilted on other photos: the picture comes first for
    73 % of queries, for 15 % by words.

    Attributes:
        reach: most bits by which the signatures of two key points differ, of 64.
        falloff: bits at which a pair counts e times less.
        looked: pictures, best by the sum of their pairs, whose matches are asked where they lie.
        least: pictures with fewer key points that say the same are not listed.
        fewest: pictures with fewer key points are taken to have so many.
    """

    reach: int = 22
    falloff: float = 16.0
    looked: int = 300
    least: int = 4
    fewest: int = 30


class Details:
    """The key points of a query beside those of all pictures of an index that look like them."""

    def __init__(
        self,
        segments: Sequence[Segment],
        features: Features,
        vocabulary: Vocabulary,
        words: NDArray[np.int64],
        settings: DetailSettings | None = None,
    ) -> None:
        """Compare the key points.

        Args:
            segments: of the index.
            features: of the query.
            vocabulary: of the index.
            words: int64 [n], the nearest word of each of them.
            settings: how.
        """
        self.settings = settings or DetailSettings()
        self._segments = segments
        self._features = np.column_stack([features.points, features.scales, features.angles])
        self._first = np.cumsum([0, *map(len, segments)])
        signatures = vocabulary.signatures(features.descriptors, words)
        rarity = vocabulary.rarity[words].astype(np.float64) ** 2
        found = [self._of(number, words, signatures, rarity) for number in range(len(segments))]
        empty = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0)
        self._picture, self._query, self._shown, self._weight = (
            np.concatenate(parts) for parts in zip(empty, *found, strict=True)
        )

    def ranked(self, removed: Sequence[NDArray[np.int64]]) -> list[Place]:
        """Return the pictures that share details, the most first.

        Args:
            removed: by segment the rows that do not count.
        """
        sums = np.bincount(self._picture, self._weight, int(self._first[-1])).astype(np.float64)
        for number, rows in enumerate(removed):
            sums[self._first[number] + rows] = 0
        keys = np.concatenate([np.zeros(0), *(np.diff(segment.first) for segment in self._segments)])
        sums /= np.sqrt(np.maximum(keys, self.settings.fewest))
        best = np.argsort(-sums, kind="stable")[: self.settings.looked]
        best = best[sums[best] > 0]
        counts = self._counted(best)
        scores = sums[best] / max(float(sums.max(initial=0)), 1e-12) + counts / max(int(counts.max(initial=0)), 1)
        order = np.argsort(-scores, kind="stable")
        return [self._place(int(best[one])) for one in order if counts[one] >= self.settings.least]

    def agreeing(self, places: Sequence[Place]) -> NDArray[np.int64]:
        """Return for each picture how many key points of the query say the same about it, int64 [pictures]."""
        return self._counted(np.array([self._first[segment] + row for segment, row in places], np.int64))

    def _of(
        self, number: int, words: NDArray[np.int64], signatures: NDArray[np.uint64], rarity: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
        """Return for pairs with a segment: picture, key point of the query, geometry [p, 4] of the other, weight.

        Of each key point with each picture the best pair only: repeated texture does not count again and again.
        """
        segment = self._segments[number]
        pairs = segment.key_postings.pairs(words, signatures, self.settings.reach)
        row = np.searchsorted(segment.first, pairs.key, side="right") - 1
        order = np.lexsort((pairs.distance, pairs.query, row))
        fresh = np.ones(len(order), bool)
        fresh[1:] = (np.diff(row[order]) != 0) | (np.diff(pairs.query[order]) != 0)
        order = order[fresh]
        weight = rarity[pairs.query[order]] * np.exp(-((pairs.distance[order] / self.settings.falloff) ** 2))
        geometry = np.asarray(segment.geometry[pairs.key[order]])
        return row[order] + self._first[number], pairs.query[order], geometry, weight

    def _counted(self, pictures: NDArray[np.int64]) -> NDArray[np.int64]:
        number = np.full(int(self._first[-1]), -1)
        number[pictures] = np.arange(len(pictures))
        looked = np.flatnonzero(number[self._picture] >= 0)
        query, candidate = self._query[looked], number[self._picture[looked]]
        abouts = (self._segments[segment].picture(row) for segment, row in map(self._place, pictures.tolist()))
        sizes = np.array([(about.width, about.height) for about in abouts]).reshape(-1, 2)
        said = votes.guesses(candidate, query, self._shown[looked], self._features[query], sizes)
        return votes.count(said, len(pictures))

    def _place(self, picture: int) -> Place:
        segment = int(np.searchsorted(self._first, picture, side="right")) - 1
        return segment, int(picture - self._first[segment])
