"""Altered ground truth: a reference made from the truth itself, by gamma, padding, cropping, rotation and shear.

One of the two trainings of An et al., "Better Image De-occlusion Using Similar Images" (Altered-GT), whose ranges are
not stated; the defaults here are of the same kinds, and wide. Since such a reference shows exactly what is hidden, a
part of it can be cut out: a network that learns from nothing else learns to copy what no real reference shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.images import RGBArray
from deocclude.masks import BoolArray

Float = NDArray[np.float32]
Matrix = NDArray[np.float64]
Rng = np.random.Generator
PADDINGS = ("reflect", "constant")
"""What surrounds a padded picture: its mirror image, or one colour."""


@dataclass(frozen=True)
class Alterations:
    """How the truth is altered, here and in the training of networks; every number is drawn evenly from its range.

    Attributes:
        gamma: least and greatest exponent of the grey levels.
        pad: least and greatest width of the padding on each side, as a share of the picture's side.
        crop: least and greatest share of the area that is kept and enlarged to the old size.
        rotation: greatest angle either way, degrees.
        shear: greatest angle either way, degrees.
        brightness: greatest change either way, as a share.
    """

    gamma: tuple[float, float] = (0.6, 1.6)
    pad: tuple[float, float] = (0.0, 0.15)
    crop: tuple[float, float] = (0.75, 1.0)
    rotation: float = 20.0
    shear: float = 10.0
    brightness: float = 0.15


@dataclass(frozen=True)
class AlterSettings(Alterations):
    """How :func:`alter` alters the truth; it shears along rows and along columns.

    Attributes:
        hue: greatest turn of the colours either way, as a share of the whole circle.
        second_hole: share of the pictures with a hole cut into them at random.
        second_hole_area: least and greatest area of it, as a share of the picture.
    """

    hue: float = 0.03
    second_hole: float = 0.5
    second_hole_area: tuple[float, float] = (0.05, 0.25)


@dataclass(frozen=True, eq=False)
class Altered:
    """An altered picture.

    Attributes:
        rgb: uint8 [h, w, 3]; padding outside the picture, 0 in what is cut out.
        valid: bool [h, w], pixels that show the picture.
        altered_from_source: float64 [3, 3], maps points (x, y) of the picture to where they lie now.
    """

    rgb: RGBArray
    valid: BoolArray
    altered_from_source: Matrix


def alter(
    truth: RGBArray,
    seed: int | tuple[int, ...] | Rng,
    settings: AlterSettings | None = None,
    *,
    shown: BoolArray | None = None,
) -> Altered:
    """Return ``truth`` altered at random; equal seeds give equal pictures.

    Args:
        truth: uint8 [h, w, 3].
        seed: a number, or a generator.
        settings: how much.
        shown: bool [h, w], pixels that may be copied; leave the hole out to train on references that do not have
            what is hidden. All of them when not given.
    """
    import cv2

    settings, rng = settings or AlterSettings(), np.random.default_rng(seed)
    height, width = truth.shape[:2]
    shown = np.ones((height, width), bool) if shown is None else shown.copy()
    matrix = draw_matrix(height, width, settings, rng)
    colours = _recoloured(truth, settings, rng)
    mirrored = PADDINGS[int(rng.integers(len(PADDINGS)))] == "reflect"
    filling = rng.uniform(0, 255, 3)
    if rng.random() < settings.second_hole:
        shown &= ~_blob(height, width, settings, rng)
    colours[~shown] = 0
    border = cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_CONSTANT
    value = tuple(float(level) for level in filling)
    picture = cv2.warpAffine(colours, matrix[:2], (width, height), flags=cv2.INTER_LINEAR, borderMode=border,
                             borderValue=value)  # fmt: skip
    seen = cv2.warpAffine(shown.astype(np.float32), matrix[:2], (width, height), flags=cv2.INTER_LINEAR)
    cut = cv2.warpAffine((~shown).astype(np.float32), matrix[:2], (width, height), flags=cv2.INTER_LINEAR,
                         borderMode=border)  # fmt: skip
    rgb = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    rgb[cut > 0.01] = 0
    return Altered(rgb, np.asarray(seen > 0.999), matrix)


def draw_matrix(height: int, width: int, settings: AlterSettings, rng: Rng) -> Matrix:
    """Return the map of points of a picture by padding, crop, rotation and shear, drawn at random, float64 [3, 3].

    The size stays: a padded picture is reduced to it, a cropped one enlarged.
    """
    left, top, right, bottom = rng.uniform(*settings.pad, 4) * (width, height, width, height)
    padded = _box_to_frame((-left, -top, width + right, height + bottom), height, width)
    side = np.sqrt(rng.uniform(*settings.crop))
    x, y = rng.uniform(0, (1 - side) * np.array([width, height]))
    cropped = _box_to_frame((x, y, x + side * width, y + side * height), height, width)
    angle = np.radians(rng.uniform(-settings.rotation, settings.rotation))
    across, down = np.tan(np.radians(rng.uniform(-settings.shear, settings.shear, 2)))
    turned = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    sheared = np.array([[1, across, 0], [down, 1, 0], [0, 0, 1]])
    centre = np.array([[1, 0, (width - 1) / 2], [0, 1, (height - 1) / 2], [0, 0, 1]])
    return np.asarray(centre @ sheared @ turned @ np.linalg.inv(centre) @ cropped @ padded)


def _box_to_frame(box: tuple[float, float, float, float], height: int, width: int) -> Matrix:
    """Return the map that shows ``box`` (pixel edges) at the size of the picture."""
    x0, y0, x1, y1 = box
    scale_x, scale_y = width / (x1 - x0), height / (y1 - y0)
    # A pixel centre x lies x + 0.5 from the edge of the picture.
    return np.array(
        [[scale_x, 0, (0.5 - x0) * scale_x - 0.5], [0, scale_y, (0.5 - y0) * scale_y - 0.5], [0, 0, 1]], np.float64
    )


def _recoloured(truth: RGBArray, settings: AlterSettings, rng: Rng) -> Float:
    """Return the picture with another gamma, hue and brightness, float32 [h, w, 3] in 0..255."""
    gamma = rng.uniform(*settings.gamma)
    turn = 2 * np.pi * rng.uniform(-settings.hue, settings.hue)
    gain = rng.uniform(1 - settings.brightness, 1 + settings.brightness)
    levels = (np.arange(256) / 255.0) ** gamma * 255 * gain
    colours = levels.astype(np.float32)[truth]
    # Hue turns round the grey axis (Rodrigues).
    cosine, sine = np.cos(turn), np.sin(turn) / np.sqrt(3)
    mean = (1 - cosine) / 3
    rotation = np.full((3, 3), mean) + cosine * np.eye(3) + sine * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return np.asarray(np.clip(colours @ rotation.T.astype(np.float32), 0, 255), np.float32)


def _blob(height: int, width: int, settings: AlterSettings, rng: Rng) -> BoolArray:
    """Return an ellipse somewhere in the picture, bool [height, width]."""
    area = rng.uniform(*settings.second_hole_area) * height * width
    ratio, angle = np.exp(rng.uniform(-0.7, 0.7)), rng.uniform(0, np.pi)
    long, short = np.sqrt(area * ratio / np.pi), np.sqrt(area / (ratio * np.pi))
    y, x = np.mgrid[:height, :width]
    x, y = x - rng.uniform(0, width - 1), y - rng.uniform(0, height - 1)
    along, beside = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return np.asarray((along / long) ** 2 + (beside / short) ** 2 <= 1)
