"""Scores of painted pixels against the true ones: distances, structure, gradients, features.

Pixels are float64, 0 to 255; arrays of whole numbers are refused, since their differences wrap around. The Euclidean,
Manhattan and chord distance and the MSE are those that An et al., "Better Image De-occlusion Using Similar Images",
name without stating a formula; here each has one. With K = 3 n numbers of n pixels, x painted and y true:

* ``mse`` = sum (x - y)^2 / K; ``rmse`` its root; ``mae`` = sum |x - y| / K; ``psnr`` = 10 log10(255^2 / mse);
* ``euc_px`` = mean over pixels of the Euclidean norm of the colour difference; ``euc_img`` = ||x - y|| = sqrt(K mse);
* ``manh_px`` = mean over pixels of the sum of absolute differences of the three channels = 3 mae;
* ``chord`` = sqrt(2 - 2 <x, y> / (||x|| ||y||)), between unit vectors: blind to brightness, kind to a mean colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Scores = dict[str, float]

PEAK = 255.0
LEAST_MSE = 0.01
"""PSNR counts a smaller error as this, 68 dB, so that a mean over trials stays finite."""
AROUND = 8
"""Windowed scores see so many pixels around the object."""
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales of MS-SSIM, finest first: Wang, Simoncelli and Bovik, Asilomar 2003."""
WINDOW = 11
"""Side of the Gaussian window (sigma 1.5) of SSIM: Wang et al., IEEE Trans. Image Processing 2004."""
HUGE = 1e6
"""With a constant so large the luminance factor of SSIM is 1, and contrast times structure remains."""
LUMA = np.array([0.299, 0.587, 0.114])


def mse(x: Float, y: Float) -> float:
    """Return the mean squared difference."""
    return float(np.square(_difference(x, y)).mean())


def rmse(x: Float, y: Float) -> float:
    """Return the root of the mean squared difference."""
    return math.sqrt(mse(x, y))


def mae(x: Float, y: Float) -> float:
    """Return the mean absolute difference."""
    return float(np.abs(_difference(x, y)).mean())


def euc_px(x: Float, y: Float) -> float:
    """Return the mean Euclidean distance of the colours of a pixel."""
    return float(np.sqrt(np.square(_difference(x, y)).sum(-1)).mean())


def euc_img(x: Float, y: Float) -> float:
    """Return the Euclidean distance of all numbers taken as one vector; it grows with the number of pixels."""
    return float(np.sqrt(np.square(_difference(x, y)).sum()))


def manh_px(x: Float, y: Float) -> float:
    """Return the mean Manhattan distance of the colours of a pixel."""
    return float(np.abs(_difference(x, y)).sum(-1).mean())


def chord(x: Float, y: Float) -> float:
    """Return the distance of the two as vectors of unit length, 0 to sqrt(2) for colours.

    It is 0 when both are black and sqrt(2) when one is.
    """
    _difference(x, y)
    lengths = float(np.sqrt(np.square(x).sum())), float(np.sqrt(np.square(y).sum()))
    if not all(lengths):
        return 0.0 if not any(lengths) else math.sqrt(2)
    # ||x/|x| - y/|y||| is the same and loses no digits where the two are nearly parallel.
    return float(np.sqrt(np.square(x / lengths[0] - y / lengths[1]).sum()))


def psnr(x: Float, y: Float) -> float:
    """Return the peak signal-to-noise ratio in dB, at most 68."""
    return 10 * math.log10(PEAK**2 / max(mse(x, y), LEAST_MSE))


DISTANCES: dict[str, Callable[[Float, Float], float]] = {
    "euc_px": euc_px, "manh_px": manh_px, "chord": chord, "mse": mse, "psnr": psnr, "rmse": rmse, "mae": mae,
    "euc_img": euc_img,
}  # fmt: skip
"""Scores of two lists of colours, float64 [n, 3], by name."""


def ssim(x: Float, y: Float, where: Bool) -> float:
    """Return the mean over ``where`` of the structural similarity map of two pictures [h, w, 3], 1 when equal.

    Wang et al. 2004 (scikit-image, Gaussian windows), channel by channel. Windows at the rim of ``where`` also see
    pixels outside of it. nan for pictures smaller than a window.
    """
    return _mean(_similarity(x, y), where) if min(x.shape[:2]) >= WINDOW else math.nan


def ms_ssim(x: Float, y: Float, where: Bool) -> float:
    """Return the multi-scale structural similarity of two pictures [h, w, 3] over ``where``.

    Wang, Simoncelli and Bovik 2003: the product over scales of contrast and structure, and of luminance at the
    coarsest, to the power of :data:`SCALE_WEIGHTS`. A scale's mean counts each place by its share of ``where``.
    Pictures too small for five scales are scored at those that fit, with weights that add up to 1.
    """
    scales = min(len(SCALE_WEIGHTS), int(math.log2(max(1, min(x.shape[:2]) / WINDOW))) + 1)
    if min(x.shape[:2]) < WINDOW:
        return math.nan
    powers = np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales])
    share, product = where.astype(np.float64), 1.0
    for level, power in enumerate(powers):
        coarsest = level == scales - 1
        value = _mean(_similarity(x, y) if coarsest else _similarity(x, y, contrast_only=True), share)
        product *= max(value, 0.0) ** power
        if not coarsest:
            x, y, share = _halved(x), _halved(y), _halved(share)
    return float(product)


def gradient_error(x: Float, y: Float, where: Bool) -> float:
    """Return the mean over ``where`` of the length of the difference of the grey-value gradients, per pixel step.

    Gradients are differences to the right and lower neighbour, so those across the rim of a fill count: seams show.
    """
    return float(np.hypot(*_gradient(x - y))[where].mean())


def steepness(x: Float, where: Bool) -> float:
    """Return the mean length of the grey-value gradient inside ``where``; blurred fills have less than the truth.

    Steps that leave ``where`` do not count, so a seam is no detail. 0 where no step stays inside.
    """
    inner = where.copy()
    inner[:, :-1] &= where[:, 1:]
    inner[:-1] &= where[1:]
    inner[-1], inner[:, -1] = False, False
    return float(np.hypot(*_gradient(x))[inner].mean()) if inner.any() else 0.0


def score(painted: Float, truth: Float, hole: Bool) -> Scores:
    """Return all scores over the pixels of ``hole``.

    Args:
        painted: float64 [h, w, 3] in 0..255; the truth outside of what was painted.
        truth: float64 [h, w, 3].
        hole: bool [h, w], the pixels to score, at least one.

    Returns:
        Scores by name; ``detail`` is ``steepness`` of the painted picture, ``true_detail`` that of the truth.

    Raises:
        TypeError: an array does not hold floating-point numbers.
    """
    scores = {name: distance(painted[hole], truth[hole]) for name, distance in DISTANCES.items()}
    return scores | {
        "ssim": ssim(painted, truth, hole),
        "ms_ssim": ms_ssim(painted, truth, hole),
        "gradient": gradient_error(painted, truth, hole),
        "detail": steepness(painted, hole),
        "true_detail": steepness(truth, hole),
    }


def _difference(x: Float, y: Float) -> Float:
    for array in (x, y):
        if not np.issubdtype(np.asarray(array).dtype, np.floating):
            raise TypeError(f"scores need floating-point pixels, found {np.asarray(array).dtype}: differences wrap")
    return np.asarray(x, np.float64) - np.asarray(y, np.float64)


def _similarity(x: Float, y: Float, *, contrast_only: bool = False) -> Float:
    from skimage.metrics import structural_similarity

    options: dict[str, Any] = {"K1": HUGE} if contrast_only else {}
    _, per_channel = structural_similarity(
        x, y, data_range=PEAK, channel_axis=-1, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        full=True, **options,
    )  # fmt: skip
    return np.asarray(per_channel.mean(-1), np.float64)


def _mean(values: Float, weight: Bool | Float) -> float:
    return float(np.average(values, weights=weight.astype(np.float64)))


def _halved(values: Float) -> Float:
    """Return the means of blocks of 2 x 2; an odd last row or column stands for its missing neighbour."""
    height, width = values.shape[:2]
    blocks = np.pad(values, ((0, height % 2), (0, width % 2), *[(0, 0)] * (values.ndim - 2)), mode="edge")
    return np.asarray((blocks[::2, ::2] + blocks[1::2, ::2] + blocks[::2, 1::2] + blocks[1::2, 1::2]) / 4, np.float64)


def _gradient(x: Float) -> tuple[Float, Float]:
    grey = np.asarray(x, np.float64) @ LUMA
    return np.diff(grey, axis=1, append=grey[:, -1:]), np.diff(grey, axis=0, append=grey[-1:])
