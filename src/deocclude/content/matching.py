"""Nearest source patch of each target patch: exact search, spreading of good matches, passing to the next level."""

from __future__ import annotations

import cv2
import numpy as np

from deocclude.content.patches import Canvas, Float, Index

NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))
OFFERED = 24
"""So many of the best sources are on offer to each target."""
GROUP = 64
"""So many targets choose at once."""


def nearest(target: Float, source: Float, count: int = 1) -> Index:
    """Return for each row of ``target`` [n, d] the nearest ``count`` rows of ``source`` [m, d], int64 [n, count]."""
    import faiss

    index = faiss.IndexFlatL2(source.shape[1])
    index.add(np.ascontiguousarray(source))
    _, rows = index.search(np.ascontiguousarray(target), min(count, len(source)))
    return np.asarray(rows, np.int64)


def search(
    target: Float, source: Float, rows: Index, limit: int, generator: np.random.Generator, variety: float
) -> Index:
    """Return ``rows`` improved by an exact search through at most ``limit`` rows of ``source``, drawn at random.

    A smooth first guess is explained best by a few smooth patches, over and over, and what repeats on a coarse level
    is a lattice in the end. So a source costs more the more targets take it (as in Kaspar et al., "Self Tuning Texture
    Optimization", Computer Graphics Forum 2015), and each target takes the cheapest of the best few.

    Args:
        target: features of the targets, float32 [n, d].
        source: features of the sources, float32 [m, d].
        rows: the match of each target, as a row of ``source``.
        limit: of the sources that are looked through.
        generator: draws them, and the order in which targets choose.
        variety: what a source costs when it is taken as often as all are on average, in median mismatches.
    """
    drawn = subsample(np.arange(len(source)), limit, generator)
    offered = np.concatenate([rows[:, None], drawn[nearest(target, source[drawn], OFFERED)]], 1)
    mismatch = np.stack([distance(target, source, column) for column in offered.T], 1)
    price = variety * float(np.median(mismatch[:, 1])) / max(1.0, len(target) / len(source))
    return _choose(offered, mismatch, price, len(source), generator)


def _choose(offered: Index, mismatch: Float, price: float, sources: int, generator: np.random.Generator) -> Index:
    """Return for each target the cheapest source on offer; groups of targets choose in turn, knowing of the others."""
    chosen = offered[:, 0].copy()
    taken = np.bincount(chosen, minlength=sources)
    turns = generator.permutation(len(chosen))
    for group in np.array_split(turns, max(1, len(turns) // GROUP)):
        np.subtract.at(taken, chosen[group], 1)
        cheapest = (mismatch[group] + price * taken[offered[group]]).argmin(1)
        chosen[group] = offered[group, cheapest]
        np.add.at(taken, chosen[group], 1)
    return chosen


def distance(target: Float, source: Float, rows: Index) -> Float:
    """Return the squared distances between ``target`` [n, d] and ``source[rows]``."""
    return np.asarray(np.square(target - source[rows]).sum(1), np.float32)


def spread(canvas: Canvas, target: Float, source: Float, rows: Index, reaches: tuple[int, ...]) -> tuple[Index, Float]:
    """Improve matches by those of neighbours, shifted along.

    The propagation of PatchMatch (Barnes et al., SIGGRAPH 2009) with all targets moving at once, so that the result
    does not depend on an order of visits. There is no search around the matches on purpose: free to choose, patches
    agree on smooth ones, and texture fades.

    Args:
        canvas: the level.
        target: features of the targets, float32 [n, d].
        source: features of the sources, float32 [m, d].
        rows: the match of each target, as a row of ``source``.
        reaches: distances in pixels to the neighbours that are asked, one pass each.

    Returns:
        the better matches and their squared distances.
    """
    rows, best = rows.copy(), distance(target, source, rows)
    for reach in reaches:
        before = canvas.sources[rows]
        for down, right in NEIGHBOURS:
            step = reach * (down * canvas.width + right)
            asked = np.clip(canvas.targets + step, 0, len(canvas.target_row) - 1)
            neighbour = canvas.target_row[asked]
            _improve(canvas, target, source, np.where(neighbour >= 0, before[neighbour] - step, -1), rows, best)
    return rows, best


def _improve(canvas: Canvas, target: Float, source: Float, proposal: Index, rows: Index, best: Float) -> None:
    """Take the proposed source centres (-1: none) where they match better; ``rows`` and ``best`` change in place."""
    inside = (proposal >= 0) & (proposal < len(canvas.source_row))
    proposed = canvas.source_row[np.where(inside, proposal, 0)]
    tried = np.flatnonzero(inside & (proposed >= 0) & (proposed != rows))
    cost = distance(target[tried], source, proposed[tried])
    better = cost < best[tried]
    rows[tried[better]], best[tried[better]] = proposed[tried[better]], cost[better]


def pass_down(coarse: Canvas, fine: Canvas, match: Index) -> tuple[Index, Index]:
    """Carry the matches of a level to the next finer one, which has twice its size.

    Args:
        coarse: the level that was solved.
        fine: the next level.
        match: one source centre of ``coarse`` a target of ``coarse``.

    Returns:
        for each target of ``fine`` a source centre, and the row of the target of ``coarse`` that it comes from.
    """
    y, x = np.divmod(fine.targets, fine.width)
    under = ((y - fine.radius) // 2 + coarse.radius) * coarse.width + (x - fine.radius) // 2 + coarse.radius
    here = nearest_member(coarse.targets, coarse.shape, under)
    rows = coarse.target_row[here]
    here_y, here_x = np.divmod(here, coarse.width)
    there_y, there_x = np.divmod(match[rows], coarse.width)
    height, width = fine.shape
    y = np.clip(y + 2 * (there_y - here_y), 0, height - 1)
    x = np.clip(x + 2 * (there_x - here_x), 0, width - 1)
    return nearest_member(fine.sources, fine.shape, y * width + x), rows


def reflect(canvas: Canvas) -> None:
    """Add to the first guess of pixels far from all evidence the mirrored detail of the evidence nearest to them.

    A smooth guess would do inside a hole; where an object continues beyond what is seen, it would be explained by
    one smooth patch over and over.
    """
    unknown = np.flatnonzero(canvas.unknown)
    nearest_source = nearest_member(canvas.sources, canvas.shape, unknown)
    down, right = (
        a - b for a, b in zip(np.divmod(nearest_source, canvas.width), np.divmod(unknown, canvas.width), strict=True)
    )
    far = np.hypot(down, right) > 2 * canvas.radius + 1
    unknown, nearest_source = unknown[far], nearest_source[far]
    mirrored = np.clip(2 * nearest_source - unknown, 0, len(canvas.pixels) - 1)
    inside = canvas.source_row[mirrored] >= 0
    side = 4 * canvas.radius + 1
    smooth = cv2.blur(canvas.pixels.reshape(*canvas.shape, -1), (side, side)).reshape(canvas.pixels.shape)
    seen = np.where(inside, mirrored, nearest_source)
    canvas.pixels[unknown] += canvas.pixels[seen] - smooth[seen]


def nearest_member(members: Index, shape: tuple[int, int], asked: Index) -> Index:
    """Return the nearest of ``members`` to each pixel of ``asked``, all flat indices of an image of ``shape``."""
    away = np.ones(shape, np.uint8)
    away.flat[members] = 0
    _, labels = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    home = np.zeros(int(labels.max()) + 1, np.int64)
    home[labels.flat[members]] = members
    return np.asarray(home[labels.ravel()[asked]], np.int64)


def subsample(rows: Index, limit: int, generator: np.random.Generator) -> Index:
    """Return at most ``limit`` of ``rows``, drawn without repetition, in their order."""
    return rows if len(rows) <= limit else np.sort(generator.choice(rows, limit, replace=False))
