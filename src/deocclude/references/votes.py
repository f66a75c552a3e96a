"""Votes of single matches for where an object lies: a cheap test whether matches lie the same way.

A key point knows its place, size and direction, so one match says where the whole candidate would lie in the query
(a similarity). Matches that say about the same are counted (the Hough transform of Lowe, IJCV 2004, section 7.3, with
its bin widths); chance matches disagree. A tenth of a millisecond a picture, where verifying takes sixteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

GROWTH = 2.0
"""Factor between two bins of size."""
TURNS = 12
"""Bins of direction in a full turn."""
SHIFT = 0.25
"""Width of a bin of place, as a share of the candidate's longer side as it would lie in the query."""
_FAR = 512
"""Bins of place either way; what lies beyond is no match."""
_SIZES = 16
"""Bins of size either way."""
_PER_CANDIDATE = 2 * _SIZES * TURNS * (2 * _FAR) ** 2


@dataclass(frozen=True, eq=False)
class Guesses:
    """Matches of a query with many candidates, each with what it says about its candidate.

    Attributes:
        candidate: int64 [m], number of the candidate.
        query: int64 [m], row of the query's key point.
        growth: float64 [m], natural logarithm of the candidate's size in the query against its own.
        turn: float64 [m], degrees.
        place: float64 [m, 2], where the candidate's middle would lie, pixels of the query.
        side: float64 [m], its longer side as it would be in the query, without the growth.
    """

    candidate: NDArray[np.int64]
    query: NDArray[np.int64]
    growth: NDArray[np.float64]
    turn: NDArray[np.float64]
    place: NDArray[np.float64]
    side: NDArray[np.float64]


def guesses(
    candidate: NDArray[np.int64],
    query: NDArray[np.int64],
    shown: NDArray[np.floating[Any]],
    asked: NDArray[np.floating[Any]],
    sizes: NDArray[np.floating[Any]],
) -> Guesses:
    """Return what matches say.

    Args:
        candidate: int64 [m], number of the candidate of each match.
        query: int64 [m], row of the query's key point.
        shown: float [m, 4], x, y, scale, angle (degrees) of the candidate's key point.
        asked: float [m, 4], the same of the query's.
        sizes: float [candidates, 2], width and height.
    """
    own = sizes[candidate].astype(np.float64)
    scale = asked[:, 2] / np.maximum(shown[:, 2], 1e-6)
    turn = np.radians(asked[:, 3] - shown[:, 3])
    x, y = (own / 2 - shown[:, :2]).T
    place = asked[:, :2] + scale[:, None] * np.column_stack(
        [np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y]
    )
    return Guesses(candidate, query, np.log(np.maximum(scale, 1e-6)), np.degrees(turn), place, own.max(1))


def count(listed: Guesses, candidates: int) -> NDArray[np.int64]:
    """Return the most key points of the query that say the same about each candidate, int64 [candidates].

    Bins overlap by half in all four directions, so that no group of matches is cut apart.
    """
    most = np.zeros(candidates, np.int64)
    voters = int(listed.query.max(initial=0)) + 1
    for halves in product((0.0, 0.5), repeat=4):
        bins, inside = _bins(listed, halves)
        votes = np.unique(bins * voters + listed.query[inside]) // voters  # each key point of the query votes once
        chosen, counts = np.unique(votes, return_counts=True)
        np.maximum.at(most, chosen // _PER_CANDIDATE, counts)
    return most


def _bins(listed: Guesses, halves: tuple[float, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the numbers of bins, those of one candidate in one range, and the matches that have one."""
    step = np.floor(listed.growth / np.log(GROWTH) + halves[0])
    turn = np.floor(listed.turn * TURNS / 360 + halves[1]) % TURNS
    width = SHIFT * listed.side * GROWTH ** (step - halves[0] + 0.5)
    place = np.floor(listed.place / width[:, None] + halves[2:])
    inside = np.flatnonzero((np.abs(place) < _FAR).all(1) & (np.abs(step) < _SIZES))
    numbers = listed.candidate[inside]
    for value, low, span in ((step, -_SIZES, 2 * _SIZES), (turn, 0, TURNS), (place[:, 0], -_FAR, 2 * _FAR),
                             (place[:, 1], -_FAR, 2 * _FAR)):  # fmt: skip
        numbers = numbers * span + value[inside].astype(np.int64) - low
    return numbers, inside
