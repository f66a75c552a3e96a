"""Square patches of one pyramid level: where they are, how they are compared, how they vote.

Patches are known by the flat index of their centre in an image padded by the patch radius, so that the pixels of a
patch are its index plus a fixed table of steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.masks import distance_to

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Index = NDArray[np.int64]
Number = TypeVar("Number", bound=np.number)
CHUNK = 16_384
FAINT = 0.01
"""Votes weaker than this, against 1 at the centre, are not counted."""


@dataclass(eq=False)
class Canvas:
    """One level of the picture while it is being painted.

    Attributes:
        pixels: float32 [n, c], the padded image, flat: R, G, B and texture channels; only unknown pixels change.
        unknown: bool [n], pixels to be painted: the hole and what surrounds it without being evidence.
        width: columns of the padded image.
        radius: patches have 2 * radius + 1 pixels a side.
        sources: centres of the patches that consist of pixels to copy only.
        targets: centres of the patches that meet the hole.
        source_row: int64 [n], position in ``sources`` of each pixel, -1 elsewhere.
        target_row: int64 [n], position in ``targets`` of each pixel, -1 elsewhere.
        reach: float32, one a target: distance of its centre to the evidence in pixels.
    """

    pixels: Float
    unknown: Bool
    width: int
    radius: int
    sources: Index
    targets: Index
    source_row: Index = field(repr=False)
    target_row: Index = field(repr=False)
    reach: Float = field(repr=False)

    @property
    def steps(self) -> Index:
        """Flat steps from a centre to the pixels of its patch, row by row."""
        reach = np.arange(-self.radius, self.radius + 1)
        return (reach[:, None] * self.width + reach).ravel()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the padded image."""
        return len(self.pixels) // self.width, self.width

    def unpadded(self, flat: NDArray[Number]) -> NDArray[Number]:
        """Return values [n] or [n, c] of the padded image as an image without padding."""
        inner = slice(self.radius, -self.radius)
        return flat.reshape(*self.shape, *flat.shape[1:])[inner, inner]


def make_canvas(image: Float, hole: Bool, evidence: Bool, copied: Bool, radius: int) -> Canvas:
    """Return the canvas of a level.

    Args:
        image: float32 [h, w, c], defined everywhere.
        hole: bool [h, w].
        evidence: bool [h, w], pixels to compare with.
        copied: bool [h, w], part of the evidence: pixels to copy from.
        radius: of the patches, at least 1.
    """
    pad = ((radius, radius), (radius, radius))
    hole, evidence, copied = np.pad(hole, pad), np.pad(evidence, pad), np.pad(copied, pad)
    square = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    inner = np.zeros_like(hole)
    inner[radius:-radius, radius:-radius] = True
    centres = cv2.dilate(hole.astype(np.uint8), square).astype(bool) & inner
    whole = cv2.erode(np.where(inner, copied, False).astype(np.uint8), square).astype(bool) & inner
    touched = cv2.dilate(centres.astype(np.uint8), square).astype(bool)
    sources, targets = np.flatnonzero(whole), np.flatnonzero(centres)
    return Canvas(
        pixels=np.pad(image, (*pad, (0, 0)), mode="edge").reshape(-1, image.shape[2]).astype(np.float32),
        unknown=(touched & ~evidence).ravel(),
        width=hole.shape[1],
        radius=radius,
        sources=sources,
        targets=targets,
        source_row=_rows(sources, hole.size),
        target_row=_rows(targets, hole.size),
        reach=distance_to(evidence).ravel()[targets],
    )


def _rows(indices: Index, size: int) -> Index:
    rows = np.full(size, -1, np.int64)
    rows[indices] = np.arange(len(indices))
    return rows


@dataclass(frozen=True, eq=False)
class Basis:
    """Principal components of the colours of patches: float64 ``mean`` [k] and ``axes`` [k, d]."""

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]

    def features(self, canvas: Canvas, centres: Index) -> Float:
        """Return what patches are compared by, float32 [n, d + 2]: components of colour, and texture.

        Texture varies slowly: that of the centre stands for all pixels of a patch. All are whole numbers, computed in
        double precision: matrix products differ in their last bits from run to run, and results must not.
        """
        colours, seen = self.axes.shape[1], canvas.pixels[:, :3].astype(np.float64)
        found = np.empty((len(centres), colours + 2), np.float32)
        for start in range(0, len(centres), CHUNK):
            part = slice(start, start + CHUNK)
            found[part, :colours] = np.rint(_colours(seen, canvas, centres[part]) @ self.axes - self.mean @ self.axes)
        found[:, colours:] = canvas.pixels[centres, 3:] * (2 * canvas.radius + 1)
        return np.rint(found, out=found)


def _colours(seen: NDArray[np.float64], canvas: Canvas, centres: Index) -> NDArray[np.float64]:
    """Return the patches of ``seen`` [n, 3], the colours of ``canvas``, one a row."""
    patches: NDArray[np.float64] = seen.take(centres[:, None] + canvas.steps, axis=0)
    return patches.reshape(len(centres), -1)


def principal(canvas: Canvas, dimensions: int, generator: np.random.Generator, samples: int = 4000) -> Basis:
    """Return about ``dimensions`` main directions in which the colours of the source patches of ``canvas`` vary.

    Found by subspace iteration (Halko, Martinsson and Tropp, SIAM Review 2011): a full decomposition would cost more
    than the search that it is to speed up.
    """
    chosen = canvas.sources
    if len(chosen) > samples:
        chosen = np.sort(generator.choice(chosen, samples, replace=False))
    vectors = _colours(canvas.pixels[:, :3].astype(np.float64), canvas, chosen)
    mean = vectors.mean(0)
    scatter = (vectors - mean).T @ (vectors - mean)
    axes = generator.standard_normal((len(mean), min(dimensions, len(mean))))
    for _ in range(6):
        axes, _ = np.linalg.qr(scatter @ axes)
    return Basis(mean, np.ascontiguousarray(axes))


def votes(canvas: Canvas, match: Index, weight: Float, sharpness: float, channels: int) -> Float:
    """Return what all patches that cover a pixel say of it.

    Args:
        canvas: its sources are copied from.
        match: one source centre a target.
        weight: float32, one a target.
        sharpness: spread in pixels of the vote's Gaussian around the centre of a patch.
        channels: how many of the first channels are asked for.

    Returns:
        float32 [n, channels], also on known pixels; the canvas's own value where none votes.
    """
    pixels = np.ascontiguousarray(canvas.pixels[:, :channels].T)  # gathered one by one: faster than short rows
    total = np.zeros_like(pixels)
    share = np.zeros(len(canvas.pixels), np.float32)
    reach = np.arange(-canvas.radius, canvas.radius + 1)
    bell = np.exp(-(reach[:, None] ** 2 + reach**2) / (2 * sharpness**2)).ravel().astype(np.float32)
    heard = bell > FAINT
    for step, height in zip(canvas.steps[heard], bell[heard], strict=True):
        pull, here, there = weight * height, canvas.targets + step, match + step
        for sum_of_votes, channel in zip(total, pixels, strict=True):
            sum_of_votes[here] += pull * channel.take(there)
        share[here] += pull
    return np.ascontiguousarray(np.where(share > 0, total / np.maximum(share, 1e-20), pixels).T, np.float32)
