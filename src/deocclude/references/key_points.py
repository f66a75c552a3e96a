"""The inverted file over key points: for each visual word the key points that show it, with their signatures.

Two descriptors of one word may still be far apart; 64 bits each tell most of those pairs apart at the cost of an
exclusive or (Hamming embedding: Jegou, Douze and Schmid, ECCV 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.references.postings import listed

BITS = 64
"""Length of a signature."""
_SIXTEEN = np.array([number.bit_count() for number in range(1 << 16)], np.uint8)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Key points of a query with key points of an index that look like them.

    Attributes:
        query: int64 [p], rows of the query's features.
        key: int64 [p], rows of the index's key points.
        distance: uint8 [p], bits that differ.
    """

    query: NDArray[np.int64]
    key: NDArray[np.int64]
    distance: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class KeyPostings:
    """An inverted file over key points; the arrays may be memory-mapped.

    Attributes:
        words: uint32 [w], the words that occur, rising.
        starts: int64 [w + 1]; those of word k are at ``starts[k]`` up to ``starts[k + 1]`` of the two below.
        keys: uint32 [k], key points, rising for each word.
        signatures: uint64 [k].
    """

    words: NDArray[np.uint32]
    starts: NDArray[np.int64]
    keys: NDArray[np.uint32]
    signatures: NDArray[np.uint64]

    def pairs(self, words: NDArray[np.int64], signatures: NDArray[np.uint64], reach: int) -> Pairs:
        """Return the pairs of one word whose signatures differ in ``reach`` bits at most.

        Args:
            words: int64 [n], of the query's key points.
            signatures: uint64 [n], theirs.
            reach: most bits that differ.
        """
        query, flat = listed(self.words, self.starts, words)
        distance = ones(self.signatures[flat] ^ signatures[query])
        near = np.flatnonzero(distance <= reach)
        return Pairs(query[near], self.keys[flat[near]].astype(np.int64), distance[near])

    def by_key(self) -> NDArray[np.uint64]:
        """Return the signatures in the order of the key points, uint64 [k]."""
        ordered = np.empty(len(self.keys), np.uint64)
        ordered[self.keys] = self.signatures
        return ordered


def build(words: NDArray[np.uint32], signatures: NDArray[np.uint64]) -> KeyPostings:
    """Return the inverted file of key points.

    Args:
        words: uint32 [k], of each key point.
        signatures: uint64 [k].
    """
    order = np.argsort(words, kind="stable")
    listed, starts = np.unique(words[order], return_index=True)
    bounds = np.append(starts, len(words)).astype(np.int64)
    return KeyPostings(listed.astype(np.uint32), bounds, order.astype(np.uint32), signatures[order])


def ones(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return how many bits are set in each number, uint8 [n]."""
    quarters = _SIXTEEN[np.ascontiguousarray(values).view(np.uint16)]
    return np.asarray(quarters.reshape(-1, 4).sum(1, dtype=np.uint8))
