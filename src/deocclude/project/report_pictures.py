"""Pictures of a report: scaled down, encoded within a budget of bytes, written as data URIs."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from deocclude.content.patch import Provenance
from deocclude.images import RGBArray
from deocclude.project.provenance import PROVENANCE_COLOURS

PREVIEW = 1200
"""Longer side of a whole photo, in pixels."""
PREVIEW_BYTES = 360_000
"""Most bytes of one whole photo before base64; five of them, the layers and the thumbnails stay below 6 MB."""
THUMBNAIL = 480
"""Longer side of a layer in its card, in pixels."""
LAYERS_BYTES = 1_300_000
"""Most bytes of all layers of the take-apart together."""
THUMBNAILS_BYTES = 1_000_000
"""Most bytes of all thumbnails together."""
CERTAINTY = 300
"""Longer side of a picture of how sure a shape is, in pixels."""
CERTAINTY_BYTES = 400_000
"""Most bytes of all of them together."""

_QUALITIES = (86, 76, 64, 50, 35, 20)
_SMALLEST = 48
_HIDDEN_RGB = (255, 45, 135)


@dataclass(frozen=True)
class Picture:
    """A picture ready for an ``img`` element.

    Attributes:
        uri: ``data:`` with the encoded picture.
        width: in pixels.
        height: in pixels.
    """

    uri: str
    width: int
    height: int


def photo_picture(pixels: RGBArray, longest: int = PREVIEW) -> Picture:
    """Return uint8 [H, W, 3] as a JPEG of at most ``longest`` pixels and :data:`PREVIEW_BYTES`."""
    image = _limited(Image.fromarray(np.ascontiguousarray(pixels)), longest)
    return _within(image, "JPEG", PREVIEW_BYTES, optimize=True, progressive=True)


def small_picture(pixels: RGBArray, longest: int, budget: int) -> Picture:
    """Return uint8 [h, w, 3] as a JPEG of at most ``longest`` pixels and ``budget`` bytes."""
    return _within(_limited(Image.fromarray(np.ascontiguousarray(pixels)), longest), "JPEG", budget, optimize=True)


def cutout_picture(rgba: NDArray[np.uint8], longest: int, budget: int) -> Picture:
    """Return uint8 [h, w, 4], straight alpha, as a WebP (a PNG where Pillow has no WebP).

    Args:
        rgba: the cut-out.
        longest: most pixels on the longer side.
        budget: most bytes.
    """
    image = _limited(Image.fromarray(rgba), longest)
    return _within(image, "WEBP", budget, method=2) if features.check("webp") else _within(image, "PNG", budget)


def hidden_picture(hidden: NDArray[np.bool_], longest: int = THUMBNAIL) -> Picture:
    """Return the hidden part, bool [h, w], as a PNG to lay over a cut-out: outlined and tinted, clear elsewhere."""
    image = Image.fromarray(hidden.astype(np.uint8) * 255)
    image = _resized(image, longest / max(image.size))
    inside = np.pad(np.asarray(image) >= 128, 2)
    core = inside.copy()
    for axis in (0, 1):
        for step in (-2, -1, 1, 2):
            core &= np.roll(inside, step, axis)
    indices = (inside.astype(np.uint8) + (inside & ~core))[2:-2, 2:-2]
    coded = Image.fromarray(indices)
    coded.putpalette(bytes((0, 0, 0, *_HIDDEN_RGB, *_HIDDEN_RGB)))
    return _picture(coded, _encode(coded, "PNG", optimize=True, transparency=bytes((0, 105, 255))), "PNG")


def provenance_overlay(photo: RGBArray, codes: NDArray[np.uint8]) -> Picture:
    """Return the photo in pale grey with each hidden pixel in the colour of where it came from.

    Args:
        photo: uint8 [H, W, 3].
        codes: uint8 [H, W] of :class:`~deocclude.content.patch.Provenance`.
    """
    small = _limited(Image.fromarray(np.ascontiguousarray(photo)), PREVIEW)
    grey = np.asarray(small.convert("L")).astype(np.float32)[..., None]
    coded = np.asarray(Image.fromarray(codes).resize(small.size, Image.Resampling.NEAREST))
    colours = np.array(PROVENANCE_COLOURS, np.float32)[coded]
    painted = (coded > Provenance.VISIBLE)[..., None]
    mixed = np.where(painted, 0.8 * colours + 0.2 * grey, 0.5 * grey + 105)
    return photo_picture(mixed.clip(0, 255).astype(np.uint8))


def _resized(image: Image.Image, scale: float) -> Image.Image:
    """Scale; far down in two steps, of which the first averages whole blocks and is fast."""
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    factor = int(1 / (2 * scale))
    return (image.reduce(factor) if factor > 1 else image).resize(size)


def _limited(image: Image.Image, longest: int) -> Image.Image:
    return _resized(image, longest / max(image.size)) if max(image.size) > longest else image


def _within(image: Image.Image, kind: str, budget: int, **options: object) -> Picture:
    """Encode at a good quality that fits into ``budget``; where none does, scale down."""
    qualities = _QUALITIES if kind != "PNG" else _QUALITIES[:1]
    place = 0
    while place < len(qualities):
        data = _encode(image, kind, quality=qualities[place], **options)
        if len(data) <= budget:
            return _picture(image, data, kind)
        place += 1 if len(data) < 1.5 * budget else 2
    if max(image.size) <= _SMALLEST:
        return _picture(image, data, kind)
    return _within(_resized(image, 0.7), kind, budget, **options)


def _encode(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _picture(image: Image.Image, data: bytes, kind: str) -> Picture:
    coded = base64.b64encode(data).decode("ascii")
    return Picture(f"data:image/{kind.lower()};base64,{coded}", image.width, image.height)
