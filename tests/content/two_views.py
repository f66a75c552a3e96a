"""Pictures for tests of alignment: a photo, the same from elsewhere under other light, and an unrelated one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
from skimage import data

from deocclude.content.blend import NONE
from deocclude.content.stitch import Stitched, stitch
from deocclude.geometry import Box
from deocclude.masks import Mask

WIDTH, HEIGHT = 240, 180
# Photo to reference: turned by 20 degrees, larger, and tilted.
VIEW = np.array([[1.05, -0.38, 40.0], [0.40, 1.08, -30.0], [2e-4, -3e-4, 1.0]])


@cache
def photo() -> np.ndarray:
    return cv2.resize(data.coffee(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


@cache
def unrelated() -> np.ndarray:
    return cv2.resize(data.chelsea(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


@cache
def wide() -> np.ndarray:
    """The photo at twice the size, to look at from elsewhere."""
    return cv2.resize(data.coffee(), (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_AREA)


@cache
def view() -> np.ndarray:
    """The photo seen from elsewhere, darker and yellower."""
    half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1.0]])
    seen = cv2.warpPerspective(wide(), VIEW @ half, (300, 260), flags=cv2.INTER_AREA, borderValue=(90, 90, 90))
    return np.clip(seen * np.array([0.8, 0.75, 0.6]) + 12, 0, 255).astype(np.uint8)


def hole() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[60:120, 90:170] = True
    return mask


def stitch_whole(picture: np.ndarray, hole: np.ndarray, usable: np.ndarray, references: list) -> Stitched:
    """The hole filled from references, in the frame of the whole picture."""
    found = stitch(picture, Mask.from_array(hole), Mask.from_array(usable), references)
    rgb, filled = found.over(picture)
    source, confidence = np.full(hole.shape, NONE, np.int16), np.zeros(hole.shape, np.float32)
    source[found.box.slices], confidence[found.box.slices] = found.source, found.confidence
    return replace(
        found, box=Box(0, 0, *hole.shape[::-1]), rgb=rgb, filled=filled, source=source, confidence=confidence
    )


def psnr(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean(np.square(one.astype(float) - other)[where]) / 255**2))
