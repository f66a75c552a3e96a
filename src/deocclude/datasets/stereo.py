"""Stereo pairs with disparities as queries: what a thing hides in one view, the other view shows.

A pixel of one view, moved by its disparity, says what lies at its place in the other view. Where something nearer is
seen there, it is hidden: the true colour of a pixel that is really hidden, in a real photo. Layout of Middlebury 2003
(Scharstein and Szeliski, CVPR 2003): ``im2``, ``im6`` (left, right) and ``disp2``, ``disp6``, four units a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.ukbench import Query
from deocclude.errors import InputError
from deocclude.images import RGBArray, read_labels, read_photo

PROTOCOL = "stereo"
UNIT = 4.0
"""Units of a stored disparity a pixel; 0 is unknown."""
NEARER = 2.0
"""What hides something has a disparity larger by so many pixels."""
LEAST = 150
"""Smaller hidden parts are no queries, pixels."""
FILES = ("im2.png", "im6.png", "disp2.pgm", "disp6.pgm")

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pair:
    """A view to restore, and the other one.

    Attributes:
        name: of the view, for tables.
        view: uint8 [h, w, 3].
        other: uint8 [h, w, 3], the same rows (rectified).
        disparity: float32 [h, w] of the view, pixels; 0 is unknown.
        other_disparity: float32 [h, w] of the other view.
        sign: of the way from the other view to this one, along x: +1 for the left view.
    """

    name: str
    view: RGBArray
    other: RGBArray
    disparity: Float
    other_disparity: Float
    sign: int


def is_stereo(folder: Path) -> bool:
    """Return whether a folder holds a pair in the layout of Middlebury 2003."""
    return all((folder / name).is_file() for name in FILES)


def read_pairs(folder: Path | str) -> tuple[Pair, Pair]:
    """Return the left view with the right one as reference, and the other way round.

    Raises:
        InputError: a file is absent, damaged, or of another size than the others.
    """
    folder = Path(folder)
    left, right = (read_photo(folder / name, convert=True).pixels for name in FILES[:2])
    near, far = (read_labels(folder / name).astype(np.float32) / np.float32(UNIT) for name in FILES[2:])
    for name, array in zip(FILES[1:], (right, near, far), strict=True):
        if array.shape[:2] != left.shape[:2]:
            raise InputError(f"the size of {FILES[0]}, {left.shape[:2]}", str(array.shape[:2]), file=folder / name)
    return Pair("left", left, right, near, far, 1), Pair("right", right, left, far, near, -1)


def stereo_queries(folder: Path | str) -> list[Query]:
    """Return one query for each part that a nearer thing hides in one view and the other view shows.

    The hole is that part, what may be looked at all that is known not to be nearer than it; the truth is what the
    other view shows, placed by its disparities. Pixels on which nothing lands belong to no hole.

    Raises:
        InputError: a file is absent or damaged, or nothing is hidden.
    """
    queries = [query for pair in read_pairs(folder) for query in queries_of(pair, Path(folder).name)]
    if not queries:
        raise InputError("things that one view hides and the other shows", "none", file=Path(folder))
    return queries


def queries_of(pair: Pair, name: str) -> list[Query]:
    """Return the queries of one view; the parts are those of :func:`stereo_queries`.

    Args:
        pair: the view and the other one.
        name: of the scene, for keys.
    """
    import cv2

    queries = []
    shown, depth = behind(pair)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((depth > 0).astype(np.uint8))
    for number in range(1, count):
        if stats[number, cv2.CC_STAT_AREA] < LEAST:
            continue
        hole = labels == number
        truth = np.where(hole[..., None], shown, pair.view).astype(np.uint8)
        usable = ~hole & (pair.disparity > 0) & (pair.disparity < float(depth[hole].max()) + NEARER)
        key = f"{name}-{pair.name}-{number:03}"
        queries.append(Query(key, truth, hole, usable, (pair.other,), ("the other view",), PROTOCOL))
    return queries


def forward(disparity: Float) -> Float:
    """Return the disparity of the right view from that of the left: float32 [h, w], 0 where nothing lands."""
    width = disparity.shape[1]
    moved = np.zeros_like(disparity)
    y, x = np.nonzero(disparity > 0)
    # The nearest is written last.
    order = np.argsort(disparity[y, x], kind="stable")
    y, x, value = y[order], x[order], disparity[y[order], x[order]]
    for place in (np.floor(x - value).astype(np.int64), np.ceil(x - value).astype(np.int64)):
        landed = np.zeros_like(disparity)
        within = (place >= 0) & (place < width)
        landed[y[within], place[within]] = value[within]
        moved = np.maximum(moved, landed)
    return moved


def behind(pair: Pair) -> tuple[RGBArray, Float]:
    """Return what lies behind the things that a view shows, as far as the other view shows it.

    Returns:
        uint8 [h, w, 3], the colours, and float32 [h, w], their disparity; 0 where nothing is known to lie behind.
    """
    height, width = pair.disparity.shape
    y, x = np.nonzero(pair.other_disparity > 0)
    disparity = pair.other_disparity[y, x]
    there = np.rint(x + pair.sign * disparity).astype(np.int64)
    within = (there >= 0) & (there < width)
    y, x, there, disparity = y[within], x[within], there[within], disparity[within]
    hidden = disparity < pair.disparity[y, there] - NEARER
    # The nearest of several that lie behind is written last.
    order = np.flatnonzero(hidden)[np.argsort(disparity[hidden], kind="stable")]
    colours, depth = np.zeros_like(pair.view), np.zeros((height, width), np.float32)
    colours[y[order], there[order]] = pair.other[y[order], x[order]]
    depth[y[order], there[order]] = disparity[order]
    return colours, depth
