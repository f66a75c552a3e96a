"""Where a reference shows what hides the object: pixels that must not be taken for what lies behind.

A second view of the same scene shows the occluder too, shifted. Its pixels are those that dense optical flow (DIS,
Kroeger et al., ECCV 2016) leads to visible pixels of the occluder in the photo, forth and back, with like colours. The
flow starts from each plane that matches reveal, so that large shifts, turns and zooms are followed. What is left either
matches something else or is seen in the reference alone, which is what a fill is looking for.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.colour import gain_and_bias
from deocclude.content.sampling import pixel_grid, sample
from deocclude.geometry import Box, Size
from deocclude.references.features import Features
from deocclude.references.matching import Matches, MatchSettings, match
from deocclude.references.transforms import Matrix, plausible, sequential

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
RGBArray = NDArray[np.uint8]


@dataclass(frozen=True)
class ForeignSettings:
    """When a pixel of a reference counts as foreign.

    Attributes:
        longest: pictures are looked at with at most so many pixels on the longer side.
        planes: starts of the flow, at most, from the matches of what is foreign and again from all matches.
        disagreement: largest distance between a pixel and where the flow there and back leads, pixels.
        mismatch: largest difference of colours, mean of a small window, grey levels.
        margin: pixels around foreign ones that count as foreign too: edges mix.
        gap: narrower gaps between foreign pixels are closed, pixels.
    """

    longest: int = 800
    planes: int = 3
    disagreement: float = 2.0
    mismatch: float = 25.0
    margin: int = 2
    gap: int = 7


@dataclass(frozen=True, eq=False)
class Pair:
    """A photo and a reference, reduced, with the starts of the flow between them.

    Attributes:
        photo: uint8 [h, w, 3].
        reference: uint8 [H, W, 3].
        starts: float64 [3, 3], homographies from pixels of the reference to pixels of the photo.
        scale: size of the reduced photo over that of the photo, (x, y).
    """

    photo: RGBArray
    reference: RGBArray
    starts: tuple[Matrix, ...]


def foreign_in(
    photo: tuple[RGBArray, Features],
    foreign: Bool,
    reference: tuple[RGBArray, Features],
    settings: ForeignSettings | None = None,
) -> Bool:
    """Return which pixels of a reference show something foreign, bool [H, W].

    Args:
        photo: uint8 [h, w, 3], and the features of all of it.
        foreign: bool [h, w], visible pixels of what is foreign.
        reference: uint8 [H, W, 3], and its features.
        settings: how.
    """
    settings = settings or ForeignSettings()
    size = Size(*reference[0].shape[:2])
    if not foreign.any():
        return np.zeros(size, bool)
    matches = match(reference[1], photo[1], MatchSettings(ratio=0.85))
    small, down = _reduced(photo[0], settings.longest)
    other, across = _reduced(reference[0], settings.longest)
    mask = cv2.resize(foreign.astype(np.float32), small.shape[1::-1], interpolation=cv2.INTER_AREA)
    found = np.zeros(other.shape[:2], bool)
    for start in _starts(matches, foreign, Size(*foreign.shape), settings):
        found |= _led_to(small, mask, other, down @ start @ np.linalg.inv(across), settings)
    found = _tidied(found, settings)
    enlarged = cv2.resize(found.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged > 0)


def _reduced(rgb: RGBArray, longest: int) -> tuple[RGBArray, Matrix]:
    """Return the picture reduced, and the transform from its pixels to those of the reduced one."""
    height, width = rgb.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return rgb, np.eye(3)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    x, y = size[0] / width, size[1] / height
    matrix = np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]])
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8), matrix


def _starts(matches: Matches, foreign: Bool, size: Size, settings: ForeignSettings) -> list[Matrix]:
    """Return the planes of what is foreign, and those of everything, as transforms from the reference to the photo."""
    x, y = np.rint(matches.target_points).astype(int).T
    inside = foreign[np.clip(y, 0, size.height - 1), np.clip(x, 0, size.width - 1)]
    box = Box(0, 0, size.width, size.height)
    starts: list[Matrix] = []
    for part in (matches.part(inside), matches):
        planes = sequential(part.source_points, part.target_points, size)[: settings.planes]
        starts += [plane.target_from_source for plane in planes if plausible(plane.target_from_source, box)]
    return starts


def _led_to(photo: RGBArray, mask: Float, reference: RGBArray, start: Matrix, settings: ForeignSettings) -> Bool:
    """Return which pixels of the reference the flow from one start leads to the mask, bool [H, W]."""
    height, width = reference.shape[:2]
    warped = cv2.warpPerspective(photo, np.linalg.inv(start), (width, height), flags=cv2.INTER_AREA)
    there = cv2.warpPerspective(np.ones_like(mask), np.linalg.inv(start), (width, height)) > 0.99
    wanted = np.asarray(cv2.warpPerspective(mask, np.linalg.inv(start), (width, height)), np.float32)
    if np.count_nonzero(there) < 64 or not (wanted > 0.5).any():
        return np.zeros((height, width), bool)
    gain, bias, _ = gain_and_bias(warped.astype(np.float32), reference.astype(np.float32), there)
    warped = np.where(there[..., None], np.clip(warped * gain + bias, 0, 255), reference).astype(np.uint8)
    first, second = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (reference, warped))
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    forth = np.asarray(solver.calc(first, second, np.zeros((height, width, 2), np.float32)), np.float32)
    back = np.asarray(solver.calc(second, first, np.zeros((height, width, 2), np.float32)), np.float32)
    where = pixel_grid(height, width) + forth
    off = np.linalg.norm(forth + sample(back, where), axis=2)
    step = np.abs(sample(warped.astype(np.float32), where) - reference).mean(2)
    alike = (off <= settings.disagreement) & (cv2.blur(step, (5, 5)) <= settings.mismatch)
    return np.asarray(alike & (sample(wanted, where) > 0.3) & (sample(there.astype(np.float32), where) > 0.5))


def _tidied(found: Bool, settings: ForeignSettings) -> Bool:
    def disc(width: int) -> NDArray[np.uint8]:
        return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)), np.uint8)

    coded = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, disc(3))
    coded = cv2.morphologyEx(coded, cv2.MORPH_CLOSE, disc(settings.gap))
    return np.asarray(cv2.dilate(coded, disc(2 * settings.margin + 1)) > 0)
