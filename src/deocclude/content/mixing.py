"""From answers and their expected errors to one picture: weights for each pixel, their mean, and fine detail.

The mean of candidates that are about equally good is better than each of them, and blurs. Therefore the weights fall
steeply with the expected error and reach zero, so that a candidate that is clearly right stands alone; and the finest
detail of the candidate whose amount of detail is the most natural is put back as far as it costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.contest import Contest
from deocclude.content.probes import Probe
from deocclude.masks import distance_to

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
FINE = 1.0
"""Spread in pixels of the Gaussian that parts fine detail from the rest."""
BLURRED = 4.0
"""Spread in pixels from twice of which on a blur is done at a reduced scale."""
FADE = 4.0
"""Pixels over which a candidate fades out."""
DETAIL_GATE = 3.0
"""Detail comes from candidates whose expected squared error is at most so many times the best one's."""


def weights(expected: Float, answered: Bool, power: float, gate: float) -> Float:
    """Return the share of each candidate in each pixel.

    ``max(0, q ** power - gate ** -power)``, normalised, where q is the least expected squared error over the
    candidate's own: continuous, and zero for candidates that are ``gate`` times worse, so that these change nothing.
    Where a candidate's answer ends inside the hole, its share fades out over :data:`FADE` pixels if others have one.

    Args:
        expected: float32 [k, h, w], log of the expected squared error.
        answered: bool [k, h, w], where the candidate has an answer at all.
        power: how steeply the weights fall.
        gate: where they reach zero.

    Returns:
        float32 [k, h, w]; the sum is 1 wherever anyone answered.
    """
    firm = np.stack([one if one.all() else distance_to(~one) > FADE for one in answered])
    firm = np.where(firm.any(0), firm, answered)
    cost = np.where(firm, expected, np.float32(np.inf))
    best = cost.min(0)
    behind = np.where(firm, cost - np.where(np.isfinite(best), best, 0), np.float32(80))
    share = np.maximum(np.exp(-power * behind) - np.float32(gate**-power), 0)
    share = share / np.maximum(share.sum(0), 1e-12)
    share = np.stack([cv2.GaussianBlur(one, (0, 0), FADE / 2) for one in share.astype(np.float32)])
    share = np.where(answered, share, 0)
    return np.asarray(share / np.maximum(share.sum(0), 1e-12), np.float32)


def mean(pictures: Sequence[Float], shares: Float) -> Float:
    """Return the weighted mean of pictures [..., 3]; ``shares`` [k, ...]."""
    total = np.zeros_like(pictures[0], np.float32)
    for picture, share in zip(pictures, shares, strict=True):
        total += np.where(share[..., None] > 0, picture * share[..., None], 0)
    return total


def smooth(picture: Float, known: Bool, spread: float) -> Float:
    """Return a picture float32 [h, w] or [h, w, c] blurred, looking at ``known`` pixels only.

    Args:
        picture: means nothing where it is not known.
        known: bool [h, w].
        spread: standard deviation of the Gaussian, pixels.
    """
    return smoother(known, spread)(picture)


def smoother(known: Bool, spread: float) -> Callable[[Float], Float]:
    """Return :func:`smooth` for several pictures with the same known pixels.

    Wide blurs are done at a reduced scale: what they cost follows the picture, not the spread.
    """
    (height, width), factor = known.shape, max(1, int(spread / BLURRED))
    size = (-(-width // factor), -(-height // factor))

    def blurred(part: Float) -> Float:
        small = part if factor == 1 else _resized(part, size, cv2.INTER_AREA)
        return np.asarray(cv2.GaussianBlur(small, (0, 0), spread / factor), np.float32)

    weight = np.maximum(blurred(known.astype(np.float32)), 1e-6)

    def apply(picture: Float) -> Float:
        deep = (...,) if picture.ndim == 2 else (..., None)
        mean = blurred(np.where(known[deep], picture, np.float32(0)).astype(np.float32, copy=False))
        mean /= weight[deep]
        return mean if factor == 1 else _resized(mean, (width, height), cv2.INTER_LINEAR)

    return apply


def _resized(picture: Float, size: tuple[int, int], how: int) -> Float:
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.float32)


def fine(picture: Float, known: Bool) -> Float:
    """Return the fine detail of a picture float32 [h, w, 3]; only ``known`` pixels are looked at."""
    return picture - smooth(picture, known, FINE)


def answered_picture(probe: Probe, answer: Float) -> Float:
    """Return the test hole with an answer [n, 3] in it, float32 [h, w, 3]."""
    picture = probe.truth.astype(np.float32)
    picture[probe.asked] = np.where(np.isfinite(answer), answer, picture[probe.asked])
    return picture


def naturalness(contest: Contest, tests: Sequence[Float]) -> float:
    """Return how far the amount of fine detail on the test holes is from the true one: |log ratio|, 0 is best."""
    painted = true = 0.0
    for probe, answer in zip(contest.probes, tests, strict=True):
        known = probe.asked | probe.patch.evidence
        painted += float(np.square(fine(answered_picture(probe, answer), known)[probe.asked]).sum())
        true += float(np.square(fine(probe.truth.astype(np.float32), known)[probe.asked]).sum())
    pixels = sum(int(np.count_nonzero(probe.asked)) for probe in contest.probes)
    return abs(float(np.log((painted + pixels) / (true + pixels)))) if pixels else 0.0


def detail_gain(contest: Contest, mixed: Sequence[Float], source: Sequence[Float], extra: float, cost: float) -> float:
    """Return how much of a candidate's fine detail to put in place of the mean's, 0..1.

    Adding g times the difference d of both changes the squared error by ``g^2 <d d> + 2 g <e d>``, where e is the
    error of the mean. ``<e d> / <d d>`` and ``<e e>`` are measured on the test holes, ``<d d>`` in the hole itself; g
    is the largest at which the change is at most ``cost`` times ``<e e>``.

    Args:
        contest: the test holes.
        mixed: float32 [n, 3] for each, the weighted mean of the answers.
        source: float32 [n, 3] for each, the answers of the candidate.
        extra: mean of ``d d`` in the hole.
        cost: accepted growth of the squared error.
    """
    square, product, error = 0.0, 0.0, 0.0
    for probe, mean_answer, answer in zip(contest.probes, mixed, source, strict=True):
        known = probe.asked | probe.patch.evidence
        blend, sharp = answered_picture(probe, mean_answer), answered_picture(probe, answer)
        step = (fine(sharp, known) - fine(blend, known))[probe.asked]
        off = (blend - probe.truth)[probe.asked]
        square, product, error = (
            total + float(np.sum(part, dtype=np.float64))
            for total, part in zip((square, product, error), (step * step, off * step, off * off), strict=True)
        )
    if square <= 0 or extra <= 0:
        return 0.0
    pixels = 3 * sum(int(np.count_nonzero(probe.asked)) for probe in contest.probes)
    slope = product / square
    return float(np.clip(-slope + np.sqrt(slope**2 + cost * error / pixels / extra), 0, 1))
