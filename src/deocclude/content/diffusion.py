"""Smooth painters: Telea, Navier-Stokes, biharmonic, mean colour.

All work in own-pixels mode: a pixel that is neither evidence nor hole (another object, a mixed edge pixel) has no
influence. It is first covered by a smooth continuation of the evidence; the library's inpainting then sees only that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.membrane import halve, pull_push, twice, without_seam
from deocclude.content.painting import compose, paint_blind, trust
from deocclude.content.patch import Painted, Painter, Patch, Provenance
from deocclude.geometry import Size
from deocclude.masks import Mask

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class MarchingSettings:
    """Settings of the two OpenCV painters.

    Attributes:
        radius: neighbourhood in pixels that each painted pixel looks at.
    """

    radius: float = 3.0


@dataclass(frozen=True)
class BiharmonicSettings:
    """Settings of the biharmonic painter.

    Attributes:
        max_pixels: a hole with more pixels is solved at half, a quarter, ... of the scale.
    """

    max_pixels: int = 20_000


@dataclass(frozen=True)
class MeanSettings:
    """The mean painter has no settings."""


def telea(settings: MarchingSettings) -> Painter:
    """Return the painter of Telea, An Image Inpainting Technique Based on the Fast Marching Method, 2004."""
    return _marching("telea", cv2.INPAINT_TELEA, settings)


def navier_stokes(settings: MarchingSettings) -> Painter:
    """Return the painter of Bertalmio et al., Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting, 2001."""
    return _marching("navier-stokes", cv2.INPAINT_NS, settings)


def biharmonic(settings: BiharmonicSettings) -> Painter:
    """Return the painter that solves the biharmonic equation (Damelin and Hoang, 2018; scikit-image)."""

    def fill(base: Float, hole: Bool) -> tuple[Float, tuple[str, ...]]:
        return _biharmonic(base, hole, settings.max_pixels)

    return _smooth_painter("biharmonic", fill)


def mean_colour(settings: MeanSettings) -> Painter:
    """Return the painter that knows one colour: the mean of the evidence. Its confidence is half of the others'."""

    def paint(patch: Patch) -> Painted:
        if not patch.evidence.any():
            return paint_blind(patch, "mean")
        mean = patch.rgb[patch.evidence].mean(0, dtype=np.float64).astype(np.float32)
        filled = np.broadcast_to(mean, patch.rgb.shape)
        return compose(patch, filled, 0.5 * trust(patch), Provenance.MEAN_COLOUR, "mean")

    return paint


def continued(patch: Patch) -> Float:
    """Return the patch, float32 [h, w, 3], with all that is no evidence replaced by a smooth continuation of it."""
    return pull_push(patch.rgb.astype(np.float32), patch.evidence)


def _marching(name: str, flag: int, settings: MarchingSettings) -> Painter:
    def fill(base: Float, hole: Bool) -> tuple[Float, tuple[str, ...]]:
        # OpenCV's rounding adds up across a hole: to several grey levels in 8 bits, to hundredths of one in 16.
        flagged = hole.astype(np.uint8)
        fine = np.rint(256 * np.clip(base, 0, 255)).astype(np.uint16)
        channels = [cv2.inpaint(part, flagged, settings.radius, flag) for part in cv2.split(fine)]
        return np.stack(channels, 2) / np.float32(256), ()

    return _smooth_painter(name, fill)


def _smooth_painter(name: str, fill: Callable[[Float, Bool], tuple[Float, tuple[str, ...]]]) -> Painter:
    def paint(patch: Patch) -> Painted:
        if not (patch.evidence.any() and patch.hole.any()):
            return paint_blind(patch, name)
        base = continued(patch)
        window = _window(patch.hole)
        inner, notes = fill(np.ascontiguousarray(base[window]), np.ascontiguousarray(patch.hole[window]))
        base[window] = inner
        return compose(patch, base, trust(patch), Provenance.DIFFUSION, name, notes)

    return paint


def _window(hole: Bool, margin: int = 6) -> tuple[slice, slice]:
    return Mask.from_array(hole).box.grow(margin).clip(Size(*hole.shape)).slices


def _biharmonic(base: Float, hole: Bool, max_pixels: int) -> tuple[Float, tuple[str, ...]]:
    from skimage.restoration import inpaint_biharmonic

    if hole.all():
        return base, ("biharmonic: nothing known around the hole in its window, continued smoothly",)
    if np.count_nonzero(hole) <= max_pixels:
        known = base[~hole]
        solved = inpaint_biharmonic(base.astype(np.float64), hole, split_into_regions=True, channel_axis=-1)
        return np.clip(solved, known.min(0), known.max(0)).astype(np.float32), ()
    half, share = halve(base, (~hole).astype(np.float32))
    small, notes = _biharmonic(half, share == 0, max_pixels)
    up = without_seam(twice(small, hole.shape), base, hole, ~hole, 1)
    return np.where(hole[..., None], up, base), notes or ("biharmonic: the hole is large, solved at a reduced scale",)
