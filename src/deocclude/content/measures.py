"""What the test holes say about each candidate: its squared error near every pixel of the hole, and elsewhere.

The loss is the mean over R, G, B of the squared difference in grey levels. It goes into all that follows as
``log(loss + FLOOR)``, since errors of candidates compare by ratios, and differences below a grey level or two mean
nothing. How much detail a candidate paints is measured apart (:mod:`deocclude.content.mixing`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.contest import Contest
from deocclude.content.patch import Patch
from deocclude.content.probes import Probe, reach_of
from deocclude.masks import distance_to

Float = NDArray[np.float32]
FLOOR = 2.0
"""Added to a squared error, grey levels squared."""
NEAR = 10.0
"""Spread in pixels over which the error on the band counts for the hole."""
SHRINK = 0.02
"""Share of pixels (of a Gaussian neighbourhood) at which the local error counts as much as that of the whole band."""


@dataclass(frozen=True, eq=False)
class Shape:
    """The hole as the fitted models see it.

    Attributes:
        reach: log of 1 + the mean distance in pixels of the hole's pixels to the evidence.
        share: log of (hidden pixels / evidence pixels), -4..4.
    """

    reach: float
    share: float


def shape_of(patch: Patch) -> Shape:
    """Return what is measured on the hole itself."""
    hidden, seen = np.count_nonzero(patch.hole), np.count_nonzero(patch.evidence)
    share = float(np.clip(np.log((hidden + 1) / (seen + 1)), -4, 4))
    return Shape(float(np.log1p(min(reach_of(patch.hole, patch.evidence), 1e3))), share)


def squared_error(probe: Probe, answer: Float) -> Float:
    """Return the squared error of an answer float32 [n, 3] at each pixel asked, [n]; NaN where there was none."""
    return np.asarray(np.square(answer - probe.truth[probe.asked].astype(np.float32)).mean(1), np.float32)


def band_error(probe: Probe, error: Float) -> Float:
    """Return the log of the error on the band around each pixel of the patch, float32 [h, w].

    Args:
        probe: the band.
        error: squared error at each pixel asked, [n]; NaN where unknown.
    """
    known, total = np.zeros(probe.asked.shape, np.float32), np.zeros(probe.asked.shape, np.float32)
    there = np.isfinite(error)
    known[probe.asked], total[probe.asked] = there, np.where(there, error, 0)
    mean = float(error[there].mean()) if there.any() else np.inf
    around = cv2.GaussianBlur(total, (0, 0), NEAR) + np.float32(SHRINK * min(mean, 1e5))
    return np.asarray(np.log(around / (cv2.GaussianBlur(known, (0, 0), NEAR) + SHRINK) + FLOOR), np.float32)


def pooled(errors: list[Float]) -> float | None:
    """Return the log of the mean of all known errors; ``None`` without any."""
    known = [error[np.isfinite(error)] for error in errors]
    values = np.concatenate(known) if known else np.zeros(0)
    return float(np.log(values.mean(dtype=np.float64) + FLOOR)) if values.size else None


@dataclass(frozen=True, eq=False)
class Measured:
    """The test results of one candidate.

    Attributes:
        band: log error on the band around each pixel, float32 [h, w]; ``None`` if there was no band.
        copy: log error on the copies of the hole; ``None`` if there was none.
        grey_levels: root mean square error on all test holes; ``None`` if there was none.
    """

    band: Float | None
    copy: float | None
    grey_levels: float | None


def measure(contest: Contest, tests: tuple[Float, ...]) -> Measured:
    """Return what the answers ``tests`` (one a probe) say about who gave them."""
    errors = [squared_error(probe, answer) for probe, answer in zip(contest.probes, tests, strict=True)]
    pairs = list(zip(contest.probes, errors, strict=True))
    band = next((band_error(probe, error) for probe, error in pairs if probe.kind == "band"), None)
    copy = pooled([error for probe, error in pairs if probe.kind == "copy"])
    everything = pooled(errors)
    levels = None if everything is None else float(np.sqrt(max(np.exp(everything) - FLOOR, 0)))
    return Measured(band, copy, levels)


def distances(patch: Patch) -> Float:
    """Return the distance of each pixel to the evidence, pixels, at most 1000."""
    return np.minimum(distance_to(patch.evidence), 1e3).astype(np.float32)
