"""Lay a reference over the surroundings of a hole piece by piece: for scenes with depth, where no plane fits all.

What lies beside the hole is looked for in the roughly aligned reference, as a template, within some pixels around; so
that things at other depths are found, whose parallax the rough alignment does not have. The best places are refined to
affine maps by the method of Lucas and Kanade (Baker and Matthews, IJCV 2004) with gain and bias, and with robust
weights, so that a layer of another depth in the same piece does not pull. A map found in one piece is a proposal for
the whole hole (the plane hypotheses of PatchMatch Stereo, Bleyer et al., BMVC 2011): costs say where it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.sampling import sample
from deocclude.content.target import Target
from deocclude.masks import distance_to

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Affine = NDArray[np.float64]
BLUR = 0.8
"""Spread of the Gaussian that both pictures are smoothed with, pixels."""
APART = 4
"""Places nearer to a better one than this are the same, pixels."""


@dataclass(frozen=True)
class LocalSettings:
    """Where pieces are looked for, and how they are refined.

    Attributes:
        reach: how far from where the rough alignment puts it a piece may lie, as a share of the longer side.
        ring: width of the ring around the hole that pieces are cut from, as a share of the root of the hole's area.
        ring_limits: least and greatest width of the ring beyond the band, pixels.
        span: length of a piece along the hole, in widths of the ring.
        pieces: most pieces.
        places: places of each piece that are refined, the likest ones.
        likeness: least correlation of a place.
        rounds: steps of the refinement.
        least: fewest pixels of a piece.
        samples: most pixels of a piece that are looked at in the refinement.
        stiffness: how strongly maps are drawn to a mere shift: so many pixels would have to speak against it.
    """

    reach: float = 0.08
    ring: float = 0.5
    ring_limits: tuple[float, float] = (10.0, 30.0)
    span: float = 3.0
    pieces: int = 5
    places: int = 3
    likeness: float = 0.3
    rounds: int = 10
    least: int = 60
    samples: int = 900
    stiffness: float = 3.0


@dataclass(frozen=True, eq=False)
class Found:
    """Two affine maps float64 [3, 3] from the photo to the roughly aligned picture.

    Attributes:
        full: fitted to all of a piece.
        rehearsed: to what of it lies outside the band.
    """

    full: Affine
    rehearsed: Affine


def local_maps(target: Target, picture: Float, valid: Bool, settings: LocalSettings | None = None) -> Iterator[Found]:
    """Yield the maps under which pieces of what surrounds the hole reappear in the picture.

    Args:
        target: the photo with the hole.
        picture: float32 [h, w, 3], roughly aligned with the photo.
        valid: bool [h, w], pixels of the picture that exist.
        settings: how.
    """
    settings = settings or LocalSettings()
    one, two = _smooth(target.rgb, target.known), _smooth(picture, valid)
    apart = _smooth(target.rgb, target.known & ~target.band)
    seen: list[Affine] = []
    corners, band = _corners(target.hole), target.band
    reach = max(4, round(settings.reach * max(target.features.size)))
    for piece in _pieces(target.hole, target.known, band, settings):
        for shift in _places(apart, two, piece & ~band, reach, settings):
            rehearsed = refine(apart, two, valid, piece & ~band, shift, settings)
            if rehearsed is None or any(np.abs(corners @ (rehearsed - other)[:2].T).max() < 0.5 for other in seen):
                continue
            seen.append(rehearsed)
            full = refine(one, two, valid, piece, shift, settings)
            if full is not None:
                yield Found(full, rehearsed)


def _pieces(hole: Bool, known: Bool, band: Bool, settings: LocalSettings) -> list[Bool]:
    """Return the ring around the hole, and the parts it is cut into where it is long."""
    from scipy.cluster.vq import kmeans2

    away = distance_to(hole)
    area = float(np.count_nonzero(hole))
    width = float(np.clip(settings.ring * np.sqrt(area), *settings.ring_limits))
    inner = float(away[band].max()) if band.any() else 0.0
    ring = known & (away <= inner + width)
    rows, columns = np.nonzero(ring)
    if len(rows) < settings.least:
        return []
    span = settings.span * (inner + width)
    extent = np.ptp(rows) + np.ptp(columns)
    count = int(np.clip(round(extent / span), 1, settings.pieces))
    if count == 1:
        return [ring]
    points = np.stack([rows, columns], 1).astype(np.float64)
    _, label = kmeans2(points, count, minit="++", seed=0)
    parts = [ring]
    for number in range(count):
        piece = np.zeros_like(ring)
        piece[rows[label == number], columns[label == number]] = True
        parts.append(piece)
    return [piece for piece in parts if np.count_nonzero(piece & ~band) >= settings.least]


def _places(one: Float, two: Float, piece: Bool, reach: int, settings: LocalSettings) -> Iterator[tuple[float, float]]:
    """Yield the shifts (x, y) of up to ``reach`` pixels under which a piece of the photo is likest to the picture."""
    rows, columns = np.flatnonzero(piece.any(1)), np.flatnonzero(piece.any(0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    around = cv2.copyMakeBorder(two, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    around = around[y0 : y1 + 2 * reach, x0 : x1 + 2 * reach]
    mask = piece[y0:y1, x0:x1].astype(np.float32)
    likeness = cv2.matchTemplate(around, np.ascontiguousarray(one[y0:y1, x0:x1]), cv2.TM_CCOEFF_NORMED, mask=mask)
    likeness = np.where(np.isfinite(likeness) & (np.abs(likeness) <= 1.01), likeness, -1)
    for _ in range(settings.places):
        y, x = np.unravel_index(likeness.argmax(), likeness.shape)
        if likeness[y, x] < settings.likeness:
            return
        yield float(x - reach), float(y - reach)
        likeness[max(0, y - APART) : y + APART + 1, max(0, x - APART) : x + APART + 1] = -1


def refine(
    one: Float, two: Float, valid: Bool, piece: Bool, shift: tuple[float, float], settings: LocalSettings
) -> Affine | None:
    """Return the affine map [3, 3] near a shift that takes the pixels of a piece to like ones; ``None`` if none does.

    Args:
        one: float32 [h, w], the photo in grey.
        two: float32 [h, w], the picture in grey.
        valid: bool [h, w], pixels of the picture that exist.
        piece: bool [h, w], pixels of the photo.
        shift: (x, y), pixels.
        settings: how.
    """
    rows, columns = np.nonzero(piece)
    if len(rows) < settings.least:
        return None
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), settings.samples)).astype(int)
    points = np.stack([columns[chosen], rows[chosen]], 1).astype(np.float64)
    wanted = one[rows[chosen], columns[chosen]].astype(np.float64)
    middle, spread = points.mean(0), float(np.sqrt(points.var(0).sum())) + 1
    basis = np.hstack([(points - middle) / spread, np.ones((len(points), 1))])
    field = np.dstack([two, *_slopes(two), valid.astype(np.float32)])
    motion = np.zeros((3, 2))
    motion[2] = shift
    light = np.array([1.0, 0.0])
    prior = np.diag([*[settings.stiffness * 25.0] * 2, 0.0])
    for _ in range(settings.rounds):
        at = (points + basis @ motion).astype(np.float32)
        found = sample(field, at[:, None])[:, 0].astype(np.float64)
        weight, off = _weights(found[:, 0] * light[0] + light[1] - wanted, found[:, 3] > 0.999)
        if weight.sum() < settings.least / 4:
            return None
        gradient = light[0] * found[:, 1:3]
        rows_ = np.hstack([basis * gradient[:, :1], basis * gradient[:, 1:], found[:, :1], np.ones((len(at), 1))])
        scatter = rows_.T @ (rows_ * weight[:, None])
        pull = np.zeros(8)
        for axis in (0, 1):
            part = slice(3 * axis, 3 * axis + 3)
            scatter[part, part] += prior
            pull[part] = prior @ motion[:, axis]
        scatter += np.diag([1e-3] * 8)
        step = np.linalg.solve(scatter, -(rows_ * weight[:, None]).T @ off - pull)
        motion += np.clip(step[:6].reshape(2, 3).T, -2, 2)
        light = light + step[6:]
        light[0] = np.clip(light[0], 0.4, 2.5)
        if np.abs(step[:6]).max() < 0.01:
            break
    turn = np.eye(2) + motion[:2].T / spread
    if np.linalg.det(turn) < 0.3 or np.abs(motion[2] - shift).max() > 2 * APART:
        return None
    full = np.eye(3)
    full[:2] = np.hstack([turn, (motion[2] - motion[:2].T @ middle / spread)[:, None]])
    return full


def _weights(off: NDArray[np.float64], seen: Bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of residuals (squared Cauchy), zero where nothing is seen, and the residuals."""
    if not seen.any():
        return np.zeros_like(off), off
    scale = max(4.0, 1.5 * float(np.median(np.abs(off[seen]))))
    return seen / np.square(1 + np.square(off / scale)), off


def _slopes(grey: Float) -> tuple[Float, Float]:
    kernel = np.array([[-0.5, 0, 0.5]], np.float32)
    across, down = (cv2.filter2D(grey, cv2.CV_32F, one) for one in (kernel, kernel.T))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _corners(hole: Bool) -> NDArray[np.float64]:
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    return np.array([[x, y, 1.0] for x in (columns[0], columns[-1]) for y in (rows[0], rows[-1])])


def _smooth(picture: Float, seen: Bool) -> Float:
    """Return a picture in grey, smoothed over the pixels that may be seen alone."""
    share = seen.astype(np.float32)
    total = cv2.GaussianBlur(_grey(picture) * share, (0, 0), BLUR)
    return np.asarray(total / np.maximum(cv2.GaussianBlur(share, (0, 0), BLUR), 1e-6) * share, np.float32)


def _grey(picture: Float) -> Float:
    return np.asarray(cv2.cvtColor(np.clip(picture, 0, 255).astype(np.float32), cv2.COLOR_RGB2GRAY), np.float32)
