"""The inverted file: for each visual word the entries that show it.

Values are tf-idf (square root of the count, so that repeated texture does not drown the rest, times rarity), divided
by the length of the entry's vector: the sum of products with a query's vector of unit length is their cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Postings:
    """An inverted file; the arrays may be memory-mapped.

    Attributes:
        words: uint32 [w], the words that occur, rising.
        starts: int64 [w + 1]; those of word k are at ``starts[k]`` up to ``starts[k + 1]`` of the two below.
        entries: uint32 [p], rising for each word.
        values: float16 [p].
    """

    words: NDArray[np.uint32]
    starts: NDArray[np.int64]
    entries: NDArray[np.uint32]
    values: NDArray[np.float16]

    def score(self, words: NDArray[np.int64], weights: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """Return the cosine of a query with each entry.

        Only the lists of the query's words are read.

        Args:
            words: int64 [m], each once.
            weights: float32 [m], of unit length.
            count: number of entries.

        Returns:
            float32 [count].
        """
        known, flat = listed(self.words, self.starts, words)
        products = self.values[flat].astype(np.float32) * weights[known]
        return np.bincount(self.entries[flat], products, count).astype(np.float32)


def listed(
    words: NDArray[np.uint32], starts: NDArray[np.int64], asked: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all that an inverted file lists for some words, one word after the other.

    Args:
        words: uint32 [w], the words of the file, rising.
        starts: int64 [w + 1], where the list of each begins.
        asked: int64 [n], words.

    Returns:
        int64 [p], the row of ``asked`` that each item is listed for, and int64 [p], its place in the file.
    """
    place = np.searchsorted(words, asked)
    known = np.flatnonzero(place < len(words))
    known = known[words[place[known]] == asked[known]]
    begin, end = starts[place[known]], starts[place[known] + 1]
    return np.repeat(known, end - begin), spans(begin, end - begin)


def spans(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers ``start``, ``start + 1``, ... of spans of these lengths, one span after the other."""
    before = np.cumsum(lengths) - lengths
    return np.asarray(np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths), np.int64)


def build(entries: NDArray[Any], words: NDArray[Any], rarity: NDArray[np.float32], count: int) -> Postings:
    """Return the inverted file of entries.

    Args:
        entries: int [m], for each key point of each entry the entry.
        words: int [m], and the word.
        rarity: float32 [vocabulary], inverse document frequency.
        count: number of entries.
    """
    keys, counts = np.unique(words.astype(np.int64) * max(count, 1) + entries, return_counts=True)
    word, entry = np.divmod(keys, max(count, 1))
    weights = np.sqrt(counts) * rarity[word]
    lengths = np.sqrt(np.bincount(entry, weights**2, count))
    values = (weights / np.maximum(lengths[entry], 1e-12)).astype(np.float16)
    return _gathered(word.astype(np.uint32), entry.astype(np.uint32), values)


def merge(parts: list[tuple[Postings, NDArray[np.int64]]]) -> Postings:
    """Return one inverted file for several.

    Args:
        parts: each with the new number of its entries, int64 [entries]; -1 for those that are dropped.
    """
    words, entries, values = [], [], []
    for part, renumbered in parts:
        renamed = renumbered[part.entries]
        kept = renamed >= 0
        words.append(np.repeat(part.words, np.diff(part.starts))[kept])
        entries.append(renamed[kept].astype(np.uint32))
        values.append(part.values[kept])
    word, entry = np.concatenate(words), np.concatenate(entries)
    order = np.lexsort((entry, word))
    return _gathered(word[order], entry[order], np.concatenate(values)[order])


def query_vector(
    words: NDArray[np.int64], rarity: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return a query's words and their weights, of unit length.

    Args:
        words: int64 [n], the nearest word of each descriptor.
        rarity: float32 [vocabulary].

    Returns:
        int64 [m], rising, and float32 [m].
    """
    seen, counts = np.unique(words, return_counts=True)
    values = np.sqrt(counts) * rarity[seen]
    length = float(np.linalg.norm(values))
    return seen, np.asarray(values / max(length, 1e-12), np.float32)


def _gathered(word: NDArray[np.uint32], entry: NDArray[np.uint32], value: NDArray[np.float16]) -> Postings:
    """Return the inverted file of triples sorted by word."""
    words, starts = np.unique(word, return_index=True)
    return Postings(words, np.append(starts, len(word)).astype(np.int64), entry, value)
