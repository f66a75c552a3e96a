"""Refine an alignment by dense optical flow on what both pictures show, continued smoothly into the hole.

The flow is OpenCV's DIS (Kroeger et al., ECCV 2016). It is believed where forward and backward flow agree, colours
agree and there is texture; elsewhere, in the hole above all, an affine trend and a membrane continue it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.membrane import pull_push
from deocclude.content.sampling import pixel_grid, sample

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
STRIDE = 4
"""Every so many pixels a sample for the affine trend."""
LEAST = 16
"""Shorter sides than this, in pixels, make OpenCV's solver fail, or end the process."""


@dataclass(frozen=True)
class FlowSettings:
    """How far flow is believed.

    Attributes:
        disagreement: of forward and backward flow at which trust falls to a third, pixels.
        mismatch: of colours at which trust falls to a third, grey levels.
        texture: mean absolute Laplacian at which trust is half.
        smoothness: spread of the Gaussian that smooths the flow, pixels.
        jump: distance from the smoothed flow at which a vector's trust falls to a third, pixels.
        bend: distance from the affine trend at which a vector counts half for it, pixels.
    """

    disagreement: float = 1.0
    mismatch: float = 20.0
    texture: float = 6.0
    smoothness: float = 5.0
    jump: float = 2.0
    bend: float = 1.5


@dataclass(frozen=True, eq=False)
class Flow:
    """Displacements from the photo to an aligned picture.

    Attributes:
        vectors: float32 [h, w, 2], (x, y): the picture shows at ``p + vectors[p]`` what the photo shows at p.
        trust: float32 [h, w], 0..1; zero where there is nothing to compare.
    """

    vectors: Float
    trust: Float


def measure(photo: Float, picture: Float, known: Bool, valid: Bool, settings: FlowSettings | None = None) -> Flow:
    """Return the flow between the photo and a picture that is roughly aligned with it and has its colours.

    Args:
        photo: float32 [h, w, 3], 0..255.
        picture: float32 [h, w, 3], 0..255.
        known: bool [h, w], pixels of the photo that may be compared.
        valid: bool [h, w], pixels of the picture that exist.
        settings: what is believed.
    """
    settings = settings or FlowSettings()
    # What only one of them shows is taken from the other: it pulls nowhere.
    one = np.where(known[..., None], photo, picture)
    two = np.where(valid[..., None], picture, one)
    first, second = _grey(one), _grey(two)
    forward, backward = there_and_back(first, second, finest=0)
    there = pixel_grid(*known.shape) + forward
    disagreement = np.linalg.norm(forward + sample(backward, there), axis=2)
    mismatch = cv2.blur(np.abs(sample(two, there) - one).mean(2), (7, 7))
    texture = cv2.blur(np.abs(cv2.Laplacian(first, cv2.CV_32F)), (9, 9))
    trust = np.exp(-np.square(disagreement / settings.disagreement) - np.square(mismatch / settings.mismatch))
    trust = trust * texture / (texture + settings.texture) * (known & valid)
    return Flow(forward, np.asarray(trust, np.float32))


def there_and_back(
    first: NDArray[np.uint8], second: NDArray[np.uint8], *, finest: int | None = None
) -> tuple[Float, Float]:
    """Return the flow from ``first`` to ``second`` and back, each float32 [h, w, 2], (x, y) in pixels.

    Args:
        first: uint8 [h, w], grey.
        second: uint8 [h, w], grey.
        finest: how often the pictures are halved at the last step; OpenCV's choice when not given.
    """
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    if finest is not None:
        solver.setFinestScale(finest)
    height, width = first.shape
    room = 0, max(0, LEAST - height), 0, max(0, LEAST - width)
    one, two = (cv2.copyMakeBorder(picture, *room, cv2.BORDER_REPLICATE) for picture in (first, second))
    ways = (solver.calc(*pair, np.zeros((*one.shape, 2), np.float32)) for pair in ((one, two), (two, one)))
    forth, back = (np.ascontiguousarray(way[:height, :width], np.float32) for way in ways)
    return forth, back


def continued(flow: Flow, known: Bool, settings: FlowSettings | None = None) -> Float:
    """Return smooth vectors float32 [h, w, 2] everywhere, from the trusted ones among the ``known`` pixels only."""
    settings = settings or FlowSettings()
    smooth, share = _smoothed(flow, known, settings)
    trend = _trend(smooth, share, settings)
    if trend is None:
        return np.zeros_like(smooth)
    return trend + pull_push(np.where((share > 0)[..., None], smooth - trend, np.float32(0)), share, sweeps=4)


def _smoothed(flow: Flow, known: Bool, settings: FlowSettings) -> tuple[Float, Float]:
    """Return robustly smoothed vectors and how much speaks for them, 0..1; nothing at pixels that are not known."""
    trust = flow.trust * known
    weight = trust
    smooth = flow.vectors
    for _ in range(3):
        share = cv2.GaussianBlur(weight, (0, 0), settings.smoothness)
        mean = cv2.GaussianBlur(flow.vectors * weight[..., None], (0, 0), settings.smoothness)
        smooth = np.asarray(mean / (share[..., None] + 1e-6), np.float32)
        weight = trust * np.exp(-np.square(np.linalg.norm(flow.vectors - smooth, axis=2) / settings.jump))
        weight = np.asarray(weight, np.float32)
    return np.asarray(smooth, np.float32), np.asarray(np.minimum(share / 0.05, 1) * known, np.float32)


def _trend(vectors: Float, share: Float, settings: FlowSettings) -> Float | None:
    """Return the affine field that most vectors follow; ``None`` where there are hardly any."""
    height, width = share.shape
    x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
    plane = np.stack([x, y, np.ones_like(x)], 2)
    rows, values = plane[::STRIDE, ::STRIDE].reshape(-1, 3), vectors[::STRIDE, ::STRIDE].reshape(-1, 2)
    start = share[::STRIDE, ::STRIDE].ravel().astype(np.float64)
    if start.sum() < 10:
        return None
    weight = start
    for _ in range(4):
        scatter = rows.T @ (rows * weight[:, None]) + np.diag([20.0, 20.0, 1.0])
        solution = np.linalg.solve(scatter, (rows * weight[:, None]).T @ values)
        off = np.linalg.norm(values - rows @ solution, axis=1)
        weight = start / (1 + np.square(off / settings.bend))
    return np.asarray(plane @ solution, np.float32)


def _grey(picture: Float) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY), np.uint8)
