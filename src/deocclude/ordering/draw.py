"""The order drawn on the photo: an arrow from each occluder to what it hides."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from deocclude.geometry import Size
from deocclude.images import RGBArray, resized
from deocclude.masks import Mask
from deocclude.ordering.graph import Edge, OrderGraph
from deocclude.scene import Scene

Point = tuple[float, float]
SIDES = (1000, 1600)
"""Longer side of the drawing, in pixels, at least and at most: labels must be legible, and arrows need no more."""


def colour(position: int) -> tuple[int, int, int]:
    """Return the RGB colour of the object at ``position``; neighbours in the list are far apart in hue."""
    red, green, blue = colorsys.hsv_to_rgb((position * 0.618034 + 0.07) % 1.0, 0.72, 0.98)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_order(photo: RGBArray, scene: Scene, graph: OrderGraph) -> RGBArray:
    """Return the photo with tinted objects, their ids, and an arrow with its probability for each relation.

    Solid arrows are in force, dashed ones were dropped to break a cycle, those set by hand say so.

    Returns:
        uint8 [h, w, 3], the longer side within :data:`SIDES`.
    """
    longer = max(photo.shape[:2])
    canvas = np.array(resized(photo, min(max(longer, SIDES[0]), SIDES[1]) / longer))
    scale = canvas.shape[1] / scene.size.width
    for position, item in enumerate(scene.instances):
        _tint(canvas, item.modal, scale, colour(position))
    picture = Image.fromarray(canvas)
    pen = ImageDraw.Draw(picture, "RGBA")
    unit = max(canvas.shape[:2]) / 440
    anchors = {item.id: _anchor(item.modal, scale) for item in scene.instances if item.modal}
    for edge in (*graph.edges, *graph.dropped):
        if edge.front in anchors and edge.behind in anchors:
            _arrow(pen, anchors[edge.front], anchors[edge.behind], edge, unit, dashed=edge in graph.dropped)
    for position, item in enumerate(scene.instances):
        if item.id in anchors:
            _badge(pen, anchors[item.id], str(item.id), colour(position), unit)
    return np.asarray(picture)


def _tint(canvas: RGBArray, mask: Mask, scale: float, rgb: tuple[int, int, int]) -> None:
    size = Size(*canvas.shape[:2])
    crop = Image.fromarray(mask.pixels) if mask else None
    if crop is None:
        return
    box = [round(side * scale) for side in mask.box]
    shape = max(1, box[2] - box[0]), max(1, box[3] - box[1])
    small = Mask.from_crop(np.asarray(crop.resize(shape)), (box[0], box[1]), size)
    view = canvas[small.box.slices]
    view[small.pixels] = (0.68 * view[small.pixels] + 0.32 * np.array(rgb)).astype(np.uint8)


def _anchor(mask: Mask, scale: float) -> Point:
    """Return the point deepest inside the mask, in pixels of the drawing."""
    import cv2

    padded = np.pad(mask.pixels, 1).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3))
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return (mask.box.x0 + float(x) - 0.5) * scale, (mask.box.y0 + float(y) - 0.5) * scale


def _arrow(pen: ImageDraw.ImageDraw, start: Point, end: Point, edge: Edge, unit: float, *, dashed: bool) -> None:
    along = np.subtract(end, start)
    length = float(np.hypot(*along))
    if length < 1:
        return
    direction = along / length
    across = np.array([-direction[1], direction[0]])
    radius = 8 * unit
    tail, tip = np.array(start) + direction * radius, np.array(end) - direction * radius
    base = tip - direction * 7 * unit
    for width, ink in ((3.4 * unit, (0, 0, 0, 200)), (1.7 * unit, (255, 255, 255, 255))):
        _line(pen, tail, base, round(width), ink, dashed=dashed)
    wings = [tuple(tip), tuple(base + across * 4 * unit), tuple(base - across * 4 * unit)]
    pen.polygon(wings, fill=(255, 255, 255, 255), outline=(0, 0, 0, 255))
    word = "by hand" if edge.by_user else f"{edge.probability:.2f}"
    middle = (np.array(tail) + tip) / 2 + across * 6 * unit
    _text(pen, (float(middle[0]), float(middle[1])), word, 8.5 * unit)


def _line(
    pen: ImageDraw.ImageDraw, start: NDArray[np.float64], end: NDArray[np.float64], width: int,
    ink: tuple[int, ...], *, dashed: bool,
) -> None:  # fmt: skip
    parts = 11 if dashed else 1
    for part in range(0, parts, 2):
        a, b = start + (end - start) * part / parts, start + (end - start) * (part + 1) / parts
        pen.line([tuple(a), tuple(b)], fill=ink, width=max(1, width))


def _badge(pen: ImageDraw.ImageDraw, at: Point, word: str, rgb: tuple[int, int, int], unit: float) -> None:
    radius = 7.5 * unit
    pen.ellipse(
        [at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius],
        fill=(*rgb, 255),
        outline=(0, 0, 0, 255),
        width=max(1, round(unit)),
    )
    _text(pen, at, word, 9.5 * unit, halo=False)


def _text(pen: ImageDraw.ImageDraw, at: Point, word: str, height: float, *, halo: bool = True) -> None:
    font = ImageFont.load_default(size=height)
    ink = (255, 255, 255) if halo else (0, 0, 0)
    pen.text(at, word, fill=ink, font=font, anchor="mm", stroke_width=max(1, round(height / 9)) if halo else 0,
             stroke_fill=(0, 0, 0))  # fmt: skip
