"""Match the colours of an aligned picture to those of the photo: gain, bias, and a smooth local correction.

Two photos of one object differ in exposure, white balance and light. What both show outside the hole says how; things
that only one of them shows (other occluders, highlights) are outliers, which reweighting takes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.cells import CELL, shrunk, stretched
from deocclude.content.membrane import pull_push

STEP = 12.0
"""Pixels that differ by fewer grey levels say little about the gain."""
FEWEST_PAIRS = 50

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class ColourSettings:
    """How colours are matched.

    Attributes:
        rounds: reweighted fits of gain and bias.
        least_scale: residuals below this are no outliers, grey levels.
        largest_gain: gains are kept within 1/x..x.
        prior: variance in squared grey levels that pulls the gain towards 1 where the overlap is flat.
        spread: of the local correction, as a share of the longer side of the picture; 0 turns it off.
        largest_shift: limit of the local correction, grey levels.
        samples: most pixels that gain and bias are fitted to.
        fewest: with fewer pixels in the overlap colours are left as they are.
    """

    rounds: int = 6
    least_scale: float = 6.0
    largest_gain: float = 2.5
    prior: float = 25.0
    spread: float = 0.06
    largest_shift: float = 40.0
    samples: int = 2500
    fewest: int = 200


def match_colours(picture: Float, photo: Float, overlap: Bool, settings: ColourSettings | None = None) -> Float:
    """Return ``picture`` in the colours of ``photo``.

    Args:
        picture: float32 [h, w, 3], 0..255, aligned with the photo.
        photo: float32 [h, w, 3], 0..255.
        overlap: bool [h, w], pixels at which both show the same thing, by and large.
        settings: how.

    Returns:
        float32 [h, w, 3]; the picture itself where the overlap is too small.
    """
    settings = settings or ColourSettings()
    if np.count_nonzero(overlap) < settings.fewest:
        return picture
    gain, bias, scale = gain_and_bias(picture, photo, overlap, settings)
    matched = np.asarray(picture * gain + bias, np.float32)
    if settings.spread > 0:
        matched = matched + _local_shift(matched, photo, overlap, scale, settings)
    return np.clip(matched, 0, 255)


def gain_and_bias(
    picture: Float, photo: Float, overlap: Bool, settings: ColourSettings | None = None
) -> tuple[Float, Float, float]:
    """Fit ``photo = gain * picture + bias`` for each channel, robustly: median slope, then squared Cauchy weights.

    Returns:
        gain float32 [3], bias float32 [3] and the usual residual in grey levels (Euclidean over the channels).
    """
    settings = settings or ColourSettings()
    rows = np.flatnonzero(overlap)
    rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), settings.samples)).astype(int)]
    seen, wanted = (part.reshape(-1, 3)[rows].astype(np.float64) for part in (picture, photo))
    gain = np.clip(_median_slope(seen, wanted), 1 / settings.largest_gain, settings.largest_gain)
    bias = np.median(wanted - gain * seen, axis=0)
    weight, scale = _weights(seen * gain + bias - wanted, settings)
    for _ in range(settings.rounds):
        share = weight / weight.sum()
        middle, goal = share @ seen, share @ wanted
        variance = share @ np.square(seen - middle) + settings.prior
        covariance = share @ ((seen - middle) * (wanted - goal)) + settings.prior
        gain = np.clip(covariance / variance, 1 / settings.largest_gain, settings.largest_gain)
        bias = goal - gain * middle
        weight, scale = _weights(seen * gain + bias - wanted, settings)
    return gain.astype(np.float32), bias.astype(np.float32), scale


def _median_slope(seen: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median slope of each channel over pairs of pixels of different brightness (after Theil and Sen)."""
    half = len(seen) // 2
    run, rise = (values[half : 2 * half] - values[:half] for values in (seen, wanted))
    slopes = np.ones(seen.shape[1])
    for channel in range(seen.shape[1]):
        steep = np.abs(run[:, channel]) >= STEP
        if np.count_nonzero(steep) >= FEWEST_PAIRS:
            slopes[channel] = np.median(rise[steep, channel] / run[steep, channel])
    return slopes


def _weights(off: NDArray[np.float64], settings: ColourSettings) -> tuple[NDArray[np.float64], float]:
    """Return the weights of residuals [n, 3], and their usual size."""
    size = np.linalg.norm(off, axis=1)
    scale = max(settings.least_scale, 1.5 * float(np.median(size)))
    return 1 / np.square(1 + np.square(size / scale)), scale


def _local_shift(matched: Float, photo: Float, overlap: Bool, scale: float, settings: ColourSettings) -> Float:
    """Return what is left of the difference, smooth, and continued smoothly where there is no overlap."""
    height, width = overlap.shape
    off = np.where(overlap[..., None], photo - matched, np.float32(0)).astype(np.float32)
    weight = np.asarray(overlap / np.square(1 + np.square(np.linalg.norm(off, axis=2) / scale)), np.float32)
    sigma = max(1.0, settings.spread * max(height, width) / CELL)
    share = cv2.GaussianBlur(shrunk(weight), (0, 0), sigma)
    mean = cv2.GaussianBlur(shrunk(off * weight[..., None]), (0, 0), sigma)
    # A prior of "no shift" rules where little is seen.
    shift = mean / (share[..., None] + 0.05)
    known = np.asarray(np.minimum(4 * share, 1) * (share > 0.02), np.float32)
    if not known.any():
        return np.zeros_like(matched)
    limit = settings.largest_shift
    return stretched(np.clip(pull_push(shift, known), -limit, limit), height, width)
