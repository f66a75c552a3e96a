"""Pictures for the page, at the size that it asks for."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deocclude.content.patch import BACKGROUND, Provenance
from deocclude.geometry import Size
from deocclude.images import resized
from deocclude.project.provenance import PROVENANCE_COLOURS, provenance_picture
from deocclude.project.state import Project

Pixels = NDArray[np.uint8]

LONGEST = {"thumb": 256, "screen": 1600}
"""Longer side of each size, pixels."""


def scale_of(size: Size, name: str) -> float:
    """Return the factor from full size to the size called ``name`` (``thumb``, ``screen`` or ``full``)."""
    return min(1.0, LONGEST[name] / max(size)) if name in LONGEST else 1.0


def scaled(pixels: Pixels, scale: float) -> Pixels:
    """Return a picture scaled down, uint8 [h, w, 3] or [h, w, 4] (straight alpha)."""
    if scale >= 1 or not pixels.size:
        return pixels
    if pixels.shape[2] == 3:
        return resized(pixels, scale)
    width, height = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    # Scaled with colours multiplied by alpha, or the colour of clear pixels would bleed into the rim.
    small = Image.fromarray(pixels).convert("RGBa").resize((width, height), Image.Resampling.BOX)
    return np.asarray(small.convert("RGBA"))


def layer_picture(pixels: Pixels) -> Pixels:
    """Return the pixels of a layer; one clear pixel for a layer without any, since a PNG needs one."""
    return pixels if pixels.size else np.zeros((1, 1, 4), np.uint8)


def provenance_overlay(project: Project) -> Pixels:
    """Return where hidden content came from as colours, uint8 [H, W, 4], clear where nothing was painted."""
    codes = provenance_picture(project)
    table = np.array([(*colour, 255) for colour in PROVENANCE_COLOURS], np.uint8)
    table[: Provenance.VISIBLE + 1] = 0
    return table[codes]


def legend(project: Project) -> list[dict[str, object]]:
    """Return what the colours of the provenance overlay mean: code, name, colour, pixels."""
    from deocclude.project.provenance import provenance_name

    counts = np.bincount(provenance_picture(project).ravel(), minlength=256)
    return [
        {"code": code, "name": provenance_name(code), "colour": _hex(code),
         "pixels": int(counts[code])}
        for code in range(Provenance.VISIBLE + 1, 256) if counts[code]
    ]  # fmt: skip


def _hex(code: int) -> str:
    red, green, blue = PROVENANCE_COLOURS[code]
    return f"#{red:02x}{green:02x}{blue:02x}"


def confidence_overlay(project: Project) -> Pixels:
    """Return how sure the front-most hidden content is, uint8 [H, W, 4]: red (a guess), yellow, green (sure)."""
    sure = np.zeros(project.photo.size, np.uint8)
    known = np.zeros(project.photo.size, bool)
    ground = (project.fills or {}).get(BACKGROUND)
    if ground is not None and not ground.box.empty:
        known[ground.box.slices] = ground.hole
        np.copyto(sure[ground.box.slices], ground.confidence, where=ground.hole)
    for layer in project.stack.layers if project.stack is not None else ():
        painted = layer.provenance > Provenance.VISIBLE
        known[layer.box.slices] |= painted
        np.copyto(sure[layer.box.slices], layer.confidence, where=painted)
    rgba = np.empty((*sure.shape, 4), np.uint8)
    rgba[..., :3] = _CERTAINTY[sure]
    rgba[..., 3] = np.where(known, 255, 0)
    return rgba


def _certainty(value: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(value / 255 / 3, 0.9, 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)


_CERTAINTY = np.array([_certainty(value) for value in range(256)], np.uint8)
