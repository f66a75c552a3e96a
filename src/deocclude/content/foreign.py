"""Where a reference shows what hides the object: pixels that must not be taken for what lies behind.

A second view of the same scene shows the occluder too, shifted. Its pixels are those that dense optical flow (DIS,
Kroeger et al., ECCV 2016) leads to visible pixels of the occluder in the photo, forth and back, with like colours. The
flow starts from each plane that matches reveal, so that large shifts, turns and zooms are followed. Flow fails at
their rims: what is very near belongs to them too, as far as a watershed of the reference's gradient says so, which
parts what is left between them and the pixels that lead elsewhere. The rest either matches something else or is seen in
the reference alone, which is what a fill is looking for.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.colour import gain_and_bias
from deocclude.content.flow import there_and_back
from deocclude.content.sampling import pixel_grid, sample
from deocclude.geometry import Size
from deocclude.images import RGBArray
from deocclude.masks import Mask
from deocclude.references.features import Features
from deocclude.references.matching import Matches, MatchSettings, match
from deocclude.references.transforms import Matrix, apply, plausible, sequential

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class ForeignSettings:
    """When a pixel of a reference counts as foreign.

    Attributes:
        longest: pictures are looked at with at most so many pixels on the longer side.
        planes: starts of the flow, at most, from the matches of what is foreign and again from all matches.
        disagreement: largest distance between a pixel and where the flow there and back leads, pixels.
        mismatch: largest difference of colours, mean of a small window, grey levels.
        doubt: factor on both within which pixels count that adjoin foreign ones: flow is poor on thin parts.
        margin: pixels around foreign ones that count as foreign too: edges mix.
        gap: narrower gaps between foreign pixels are closed, pixels.
        island: gaps of less than this share of the reference are closed too.
        near: pixels on the foreign side of an edge count up to so far.
    """

    longest: int = 800
    planes: int = 3
    disagreement: float = 2.0
    mismatch: float = 25.0
    doubt: float = 1.6
    margin: int = 2
    gap: int = 7
    island: float = 5e-4
    near: float = 6.0


@dataclass(frozen=True, eq=False)
class Trace:
    """Where one flow leads.

    Attributes:
        x: int32 [h, w], column in the photo that each pixel of the reduced reference is led to.
        y: int32 [h, w], row in the photo.
        alike: bool [h, w], whether flow and colours agree there.
        likely: bool [h, w], whether they nearly do.
    """

    x: NDArray[np.int32]
    y: NDArray[np.int32]
    alike: Bool
    likely: Bool

    def led_to(self, mask: Mask) -> Bool:
        """Return which pixels are led to ``mask`` of the photo for certain, bool [h, w]."""
        return np.asarray(self.alike & mask.holds(self.x, self.y))

    def led_elsewhere(self, mask: Mask) -> Bool:
        """Return which pixels are led to other pixels of the photo than ``mask`` for certain, bool [h, w]."""
        return np.asarray(self.alike & ~mask.holds(self.x, self.y))

    def grown_to(self, mask: Mask) -> Bool:
        """Return the pixels led to ``mask`` for certain with what adjoins and is likely to be, bool [h, w]."""
        to_mask = mask.holds(self.x, self.y)
        certain, likely = self.alike & to_mask, self.likely & to_mask
        _, labels = cv2.connectedComponents((certain | likely).astype(np.uint8), connectivity=8)
        kept = np.unique(labels[certain])
        return np.asarray((labels > 0) & np.isin(labels, kept))


@dataclass(frozen=True, eq=False)
class Traces:
    """Where the pixels of a reference are seen in the photo.

    Attributes:
        size: of the reference.
        photo: size of the photo.
        rgb: uint8 [h, w, 3], the reduced reference.
        traces: one for each start of the flow.
        settings: what counts.
    """

    size: Size
    photo: Size
    rgb: RGBArray
    traces: tuple[Trace, ...]
    settings: ForeignSettings

    def foreign(self, mask: Mask) -> Bool:
        """Return which pixels of the reference show what ``mask`` shows in the photo, bool [H, W] of the reference."""
        if not self.traces:
            return np.zeros(self.size, bool)
        found = np.logical_or.reduce([trace.grown_to(mask) for trace in self.traces])
        other = np.logical_or.reduce([trace.led_elsewhere(mask) for trace in self.traces])
        tidy = _tidied(found, self.settings)
        whole = _dilated(tidy, self.settings.margin) | _bordering(self.rgb, tidy, other, self.settings)
        enlarged = cv2.resize(whole.astype(np.float32), self.size[::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(enlarged > 0)

    def share(self, mask: Mask) -> float:
        """Return how much of ``mask`` of the photo the reference shows too, 0..1."""
        if not mask:
            return 0.0
        hit = np.zeros(mask.pixels.shape, np.uint8)
        for trace in self.traces:
            led = trace.led_to(mask)
            hit[trace.y[led] - mask.box.y0, trace.x[led] - mask.box.x0] = 1
        # The reference may be coarser than the photo: a hit speaks for its surroundings.
        spread = cv2.dilate(hit, np.ones((7, 7), np.uint8)) > 0
        return float(np.count_nonzero(spread & mask.pixels) / mask.area)


def trace(
    photo: tuple[RGBArray, Features],
    objects: Mask,
    reference: tuple[RGBArray, Features],
    settings: ForeignSettings | None = None,
) -> Traces:
    """Return where the pixels of a reference are seen in the photo.

    Args:
        photo: uint8 [h, w, 3], and the features of all of it.
        objects: visible pixels of all objects: the flow also starts from the planes of these.
        reference: uint8 [H, W, 3], and its features.
        settings: how.
    """
    settings = settings or ForeignSettings()
    seen, size = Size(*photo[0].shape[:2]), Size(*reference[0].shape[:2])
    matches = match(reference[1], photo[1], MatchSettings(ratio=0.85))
    small, down = _reduced(photo[0], settings.longest)
    other, across = _reduced(reference[0], settings.longest)
    starts = _starts(matches, objects, seen, settings)
    found = [_traced(small, other, down @ start @ np.linalg.inv(across), down, (seen, settings)) for start in starts]
    return Traces(size, seen, other, tuple(found), settings)


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


def _starts(matches: Matches, objects: Mask, size: Size, settings: ForeignSettings) -> list[Matrix]:
    """Return the planes of the objects, and those of everything, as transforms from the reference to the photo."""
    x, y = np.rint(matches.target_points).astype(int).T
    inside = objects.holds(np.clip(x, 0, size.width - 1), np.clip(y, 0, size.height - 1))
    starts: list[Matrix] = []
    for part in (matches.part(inside), matches):
        planes = sequential(part.source_points, part.target_points, size)[: settings.planes]
        starts += [plane.target_from_source for plane in planes if plausible(plane.target_from_source, size.box)]
    return starts


def _traced(
    photo: RGBArray, reference: RGBArray, start: Matrix, photo_scale: Matrix, about: tuple[Size, ForeignSettings]
) -> Trace:
    """Return where the flow from one start leads; the pictures are reduced, the answer is in pixels of the photo."""
    full, settings = about
    height, width = reference.shape[:2]
    back_to = np.linalg.inv(start)
    warped = np.asarray(cv2.warpPerspective(photo, back_to, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
    there = cv2.warpPerspective(np.ones(photo.shape[:2], np.float32), back_to, (width, height)) > 0.99
    if np.count_nonzero(there) >= 64:
        gain, bias, _ = gain_and_bias(warped.astype(np.float32), reference.astype(np.float32), there)
        warped = np.where(there[..., None], np.clip(warped * gain + bias, 0, 255), reference).astype(np.uint8)
    where, off = _flowed(reference, warped)
    step = np.abs(sample(warped.astype(np.float32), where) - reference).mean(2)
    badness = np.maximum(off / settings.disagreement, cv2.blur(step, (5, 5)) / settings.mismatch)
    shown = sample(there.astype(np.float32), where) > 0.5
    place = apply(np.linalg.inv(photo_scale) @ start, where.reshape(-1, 2).astype(np.float64))
    x, y = np.rint(np.nan_to_num(place, posinf=-1, neginf=-1)).T.reshape(2, height, width)
    shown &= (x >= 0) & (y >= 0) & (x < full.width) & (y < full.height)
    limits = ((x, full.width), (y, full.height))
    columns, rows = (np.clip(values, 0, count - 1).astype(np.int32) for values, count in limits)
    return Trace(columns, rows, np.asarray(shown & (badness <= 1)), np.asarray(shown & (badness <= settings.doubt)))


def _flowed(first: RGBArray, second: RGBArray) -> tuple[Float, Float]:
    """Return where the pixels of ``first`` lie in ``second``, and how far flow there and back misses, in pixels."""
    one, two = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (first, second))
    forth, back = there_and_back(np.asarray(one, np.uint8), np.asarray(two, np.uint8))
    where = np.asarray(pixel_grid(*one.shape) + forth, np.float32)
    return where, np.asarray(np.linalg.norm(forth + sample(back, where), axis=2), np.float32)


def _tidied(found: Bool, settings: ForeignSettings) -> Bool:
    coded = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_OPEN, _disc(3))
    coded = cv2.morphologyEx(coded, cv2.MORPH_CLOSE, _disc(settings.gap))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(1 - coded)
    return np.asarray((coded > 0) | (stats[labels, cv2.CC_STAT_AREA] < settings.island * found.size))


def _bordering(rgb: RGBArray, foreign: Bool, other: Bool, settings: ForeignSettings) -> Bool:
    """Return the pixels near foreign ones and on their side of an edge, bool [h, w]; not more than there are of these.

    Args:
        rgb: uint8 [h, w, 3].
        foreign: bool [h, w].
        other: bool [h, w], pixels that flow leads to something that is not foreign.
        settings: how far.
    """
    if not foreign.any():
        return foreign
    square = np.ones((3, 3), np.uint8)
    certain = cv2.morphologyEx((other & ~_dilated(foreign, settings.margin)).astype(np.uint8), cv2.MORPH_OPEN, square)
    seeds = np.where(cv2.erode(certain, square) > 0, np.int32(2), foreign.astype(np.int32))
    share = _dilated(cv2.watershed(np.ascontiguousarray(rgb), seeds) == 1, 1)
    near = cv2.distanceTransform((~foreign).astype(np.uint8), cv2.DIST_L2, 5) <= settings.near
    added = share & near & ~foreign
    _, labels = cv2.connectedComponents((foreign | added).astype(np.uint8), connectivity=4)
    seeded, grown = (np.bincount(labels[mask], minlength=labels.max() + 1) for mask in (foreign, added))
    return np.asarray(added & (grown <= seeded)[labels])


def _dilated(mask: Bool, radius: int) -> Bool:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _disc(2 * radius + 1)) > 0)


def _disc(width: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)), np.uint8)
