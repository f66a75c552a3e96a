"""A scene whose hidden part other pictures show: a photo with an occluder pasted in, and views without and with it."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from skimage import data

from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.plan import Settings
from deocclude.scene import Instance, Scene

WIDTH, HEIGHT = 300, 220
FAST = Settings(order="convex", amodal="convexR", fill="telea")
OCCLUDER = (slice(80, 150), slice(120, 205))
# Photo to view: turned by 9 degrees, a little larger, and tilted.
VIEW = np.array([[1.02, -0.16, 30.0], [0.17, 1.05, -25.0], [1e-4, -1e-4, 1.0]])
OBJECT = (slice(15, 205), slice(20, 280))


@cache
def clean() -> np.ndarray:
    """What the photo would show without the occluder."""
    return cv2.resize(data.coffee(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def with_occluder(picture: np.ndarray, shift: int = 0) -> np.ndarray:
    """The picture with a part of another photo pasted in."""
    cat = cv2.resize(data.chelsea()[40:240, 100:350], (85, 70), interpolation=cv2.INTER_AREA)
    pasted = picture.copy()
    rows, columns = OCCLUDER
    pasted[rows, columns.start - shift : columns.stop - shift] = cat
    return pasted


def photo() -> np.ndarray:
    return with_occluder(clean())


def scene(category: str = "") -> Scene:
    """The coffee table (2), of which the cat (1) hides a part."""
    front, behind = (np.zeros((HEIGHT, WIDTH), bool) for _ in range(2))
    front[OCCLUDER], behind[OBJECT] = True, True
    cat = Instance(1, Mask.from_array(front), "cat")
    table = Instance(2, Mask.from_array(behind & ~front), "table", category=category)
    return Scene(Size(HEIGHT, WIDTH), (cat, table))


def hidden() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[OCCLUDER] = True
    return mask


@cache
def view() -> np.ndarray:
    """The table seen from elsewhere, darker and yellower, without the cat."""
    half = np.array([[0.5, 0, -0.25], [0, 0.5, -0.25], [0, 0, 1.0]])
    wide = cv2.resize(data.coffee(), (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_AREA)
    seen = cv2.warpPerspective(wide, VIEW @ half, (340, 280), flags=cv2.INTER_AREA, borderValue=(90, 90, 90))
    return np.clip(seen * np.array([0.85, 0.8, 0.7]) + 10, 0, 255).astype(np.uint8)


def unrelated(name: str = "astronaut") -> np.ndarray:
    return cv2.resize(getattr(data, name)(), (320, 240), interpolation=cv2.INTER_AREA)


def psnr(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean(np.square(one.astype(float) - other)[where]) / 255**2))
