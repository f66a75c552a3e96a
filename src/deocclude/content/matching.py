"""Nearest source patch of each target patch: exact search, spreading of good matches, passing to the next level."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.content.patches import Canvas, Float, Index

NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))


def nearest(target: Float, source: Float) -> tuple[Index, Float]:
    """Return for each row of ``target`` [n, d] the nearest row of ``source`` [m, d] and its squared distance."""
    import faiss

    index = faiss.IndexFlatL2(source.shape[1])
    index.add(np.ascontiguousarray(source))
    distance, row = index.search(np.ascontiguousarray(target), 1)
    return row[:, 0].astype(np.int64), np.maximum(distance[:, 0], 0)


def search(target: Float, source: Float, rows: Index, limit: int, generator: np.random.Generator) -> Index:
    """Return ``rows`` improved by an exact search through at most ``limit`` rows of ``source``, drawn at random."""
    drawn = subsample(np.arange(len(source)), limit, generator)
    found, found_distance = nearest(target, source[drawn])
    return np.where(found_distance < distance(target, source, rows), drawn[found], rows)


def distance(target: Float, source: Float, rows: Index) -> Float:
    """Return the squared distances between ``target`` [n, d] and ``source[rows]``."""
    return np.asarray(np.square(target - source[rows]).sum(1), np.float32)


def spread(canvas: Canvas, target: Float, source: Float, rows: Index, reaches: tuple[int, ...]) -> tuple[Index, Float]:
    """Improve matches by those of neighbours, shifted along (the propagation of PatchMatch, Barnes et al. 2009).

    All targets move at once, so the result does not depend on an order of visits.

    Args:
        canvas: the level.
        target: features of the targets, float32 [n, d].
        source: features of the sources, float32 [m, d].
        rows: the match of each target, as a row of ``source``.
        reaches: distances in pixels to the neighbours that are asked, one pass each.

    Returns:
        the better matches and their squared distances.
    """
    best = distance(target, source, rows)
    for reach in reaches:
        before = rows
        for down, right in NEIGHBOURS:
            step = reach * (down * canvas.width + right)
            asked = canvas.targets + step
            neighbour = canvas.target_row[np.clip(asked, 0, len(canvas.target_row) - 1)]
            proposal = canvas.sources[before[np.maximum(neighbour, 0)]] - step
            inside = (proposal >= 0) & (proposal < len(canvas.source_row))
            proposed = canvas.source_row[np.where(inside, proposal, 0)]
            valid = np.flatnonzero((neighbour >= 0) & inside & (proposed >= 0) & (proposed != rows))
            cost = distance(target[valid], source, proposed[valid])
            better = cost < best[valid]
            rows = rows.copy() if rows is before else rows
            rows[valid[better]], best[valid[better]] = proposed[valid[better]], cost[better]
    return rows, best


def parents(coarse: Canvas, fine: Canvas) -> Index:
    """Return for each target of ``fine`` the target of ``coarse`` (flat index) that lies under it, or the nearest."""
    y, x = np.divmod(fine.targets, fine.width)
    under = ((y - fine.radius) // 2 + coarse.radius) * coarse.width + (x - fine.radius) // 2 + coarse.radius
    return _to_nearest(coarse.targets, coarse.shape)[under]


def pass_down(coarse: Canvas, fine: Canvas, match: Index) -> Index:
    """Return for each target of ``fine`` the source centre that the matches of ``coarse`` point to.

    Args:
        coarse: the level that was solved, half the size of ``fine``.
        fine: the next level.
        match: one source centre of ``coarse`` a target of ``coarse``.
    """
    here = parents(coarse, fine)
    there = match[coarse.target_row[here]]
    y, x = np.divmod(fine.targets, fine.width)
    here_y, here_x = np.divmod(here, coarse.width)
    there_y, there_x = np.divmod(there, coarse.width)
    height, width = fine.shape
    y = np.clip(y + 2 * (there_y - here_y), 0, height - 1)
    x = np.clip(x + 2 * (there_x - here_x), 0, width - 1)
    return _to_nearest(fine.sources, fine.shape)[y * width + x]


def _to_nearest(members: Index, shape: tuple[int, int]) -> Index:
    """Return for each pixel of an image of ``shape`` the flat index of the nearest of ``members``."""
    away = np.ones(shape, np.uint8)
    away.flat[members] = 0
    _, labels = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    home = np.zeros(int(labels.max()) + 1, np.int64)
    home[labels.flat[members]] = members
    return home[labels.ravel()]


def subsample(rows: Index, limit: int, generator: np.random.Generator) -> Index:
    """Return at most ``limit`` of ``rows``, drawn without repetition, in their order."""
    return rows if len(rows) <= limit else np.sort(generator.choice(rows, limit, replace=False))
