"""Segments made of fresh pictures, and of older segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from deocclude.references import colour, key_points, postings
from deocclude.references.extraction import Extracted
from deocclude.references.features import WIDTH
from deocclude.references.segment import ENTRY, Content, Picture, Segment


def gather(
    batch: Sequence[Extracted], describe: Callable[[Extracted], Picture], rarity: NDArray[np.float32]
) -> Content:
    """Return fresh pictures as the content of a segment.

    Args:
        batch: what was found in them.
        describe: says what is to be known of a picture.
        rarity: float32 [vocabulary], inverse document frequency.
    """
    first = np.cumsum([0, *(len(one.words) for one in batch)]).astype(np.int64)
    parts = [(row, part) for row, one in enumerate(batch) for part in one.parts]
    categories = tuple(sorted({part.region.category for _, part in parts if part.region.category}))
    numbers = {"": -1, **{name: number for number, name in enumerate(categories)}}
    rows = [
        (row, tuple(part.region.box), part.region.kind, numbers[part.region.category], part.region.object_id)
        for row, part in parts
    ]
    words = np.concatenate([one.words for one in batch])
    owners = np.repeat(np.arange(len(parts)), [len(part.members) for _, part in parts])
    keys = np.concatenate([first[row] + part.members for row, part in parts])
    return Content(
        pictures=tuple(describe(one) for one in batch),
        categories=categories,
        first=first,
        entries=np.array(rows, ENTRY),
        colours=np.stack([part.colours for _, part in parts]).reshape(-1, colour.WIDTH),
        descriptors=np.concatenate([one.descriptors for one in batch]).reshape(-1, WIDTH),
        geometry=np.concatenate([one.geometry for one in batch]).reshape(-1, 4),
        key_words=words,
        postings=postings.build(owners, words[keys], rarity, len(parts)),
        key_postings=key_points.build(words, np.concatenate([one.signatures for one in batch])),
    )


def merge(segments: Sequence[Segment], removed: Sequence[Sequence[int]], pictures: Sequence[Picture]) -> Content:
    """Return several segments as one, without the pictures that do not count any more.

    Args:
        segments: at least one.
        removed: for each of them the rows to leave out.
        pictures: the remaining pictures of all of them, in order.
    """
    kept = [np.setdiff1d(np.arange(len(segment)), rows) for segment, rows in zip(segments, removed, strict=True)]
    chosen = [np.isin(segment.entries["picture"], rows) for segment, rows in zip(segments, kept, strict=True)]
    counts = [np.diff(segment.first)[rows] for segment, rows in zip(segments, kept, strict=True)]
    categories = tuple(sorted({name for segment in segments for name in segment.categories}))
    points = [_points(segment, rows) for segment, rows in zip(segments, kept, strict=True)]
    parts, tables = [], []
    entry_base = row_base = 0
    for segment, rows, take in zip(segments, kept, chosen, strict=True):
        renumbered = np.where(take, np.cumsum(take) - 1 + entry_base, -1)
        parts.append((segment.postings, renumbered))
        tables.append(_renumbered(segment, rows, take, row_base, categories))
        entry_base, row_base = entry_base + int(take.sum()), row_base + len(rows)
    pairs = list(zip(segments, points, strict=True))
    key_words = np.concatenate([segment.key_words[keys] for segment, keys in pairs])
    signatures = np.concatenate([segment.key_postings.by_key()[keys] for segment, keys in pairs])
    return Content(
        pictures=tuple(pictures),
        categories=categories,
        first=np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64),
        entries=np.concatenate(tables),
        colours=np.concatenate([segment.colours[take] for segment, take in zip(segments, chosen, strict=True)]),
        descriptors=np.concatenate([segment.descriptors[keys] for segment, keys in pairs]),
        geometry=np.concatenate([segment.geometry[keys] for segment, keys in pairs]),
        key_words=key_words,
        postings=postings.merge(parts),
        key_postings=key_points.build(key_words, signatures),
    )


def _points(segment: Segment, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the key points of some pictures of a segment, as indices."""
    return postings.spans(segment.first[rows], np.diff(segment.first)[rows])


def _renumbered(
    segment: Segment, rows: NDArray[np.int64], take: NDArray[np.bool_], base: int, categories: tuple[str, ...]
) -> NDArray[np.void]:
    """Return the entries ``take`` with rows of pictures counted from ``base`` and numbers of ``categories``."""
    table = np.array(segment.entries[take])
    table["picture"] = np.searchsorted(rows, table["picture"]) + base
    numbers = np.array([*(categories.index(name) for name in segment.categories), -1], np.int32)
    table["category"] = numbers[table["category"]]  # -1, unknown, is the last one
    return table
