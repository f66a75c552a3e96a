"""LabelMe annotations: one image a file, shapes drawn by hand.

Polygons, rectangles and circles are drawn as LabelMe itself draws them when it exports masks (Pillow, outline
included); shapes of type ``mask`` carry a base64 PNG. A rectangle is two opposite corners or, as X-AnyLabeling saves
it, all four in turn; a tilted one (``oriented_rectangle``, in X-AnyLabeling ``rotation``) is always four. Points and
lines have no area: they are left out, and a note of the scene counts them. Shapes with the same label and ``group_id``
are parts of one object. Ids are the group ids where every object has one of its own, else the objects are numbered 1
to n. The writer uses ``mask`` shapes, which are exact, and group ids. LabelMe has no place for amodal masks, orders,
scores.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from deocclude.files import write_text
from deocclude.formats.base import (
    LARGEST_KEPT_ID,
    Format,
    ImageEntry,
    read_size,
    refuse_empty,
    scene_size,
    top_record,
)
from deocclude.formats.photo_names import base_name, stated_name
from deocclude.formats.record import Record, finite
from deocclude.formats.source import Source
from deocclude.geometry import Box, Size
from deocclude.images import MAX_PIXELS
from deocclude.masks import Mask, union
from deocclude.scene import Instance, Scene

_FARTHEST = 10**6
_TOLD = 5
"""Kinds of shapes that a note lists."""
_WITHOUT_AREA = ("point", "points", "line", "linestrip")
_TILTED = ("oriented_rectangle", "rotation")
_POINTS = {"polygon": "3 or more", "rectangle": "2 or 4", "circle": "2", "mask": "2"} | dict.fromkeys(_TILTED, "4")
Points = list[tuple[float, float]]


@dataclass(frozen=True)
class LabelmeDocument:
    """An opened LabelMe file."""

    file: Path
    images: list[ImageEntry]
    top: Record

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return the objects; see :class:`deocclude.formats.base.Document`."""
        entry = self.images[index]
        shapes = list(self.top.records("shapes"))
        drawn = [shape for shape in shapes if _kind(shape) not in _WITHOUT_AREA]
        size = scene_size(entry, drawn, (), photo_size, self.file)
        groups: dict[tuple[str, int | None, int], list[Record]] = {}
        for position, shape in enumerate(drawn):
            group = shape.whole_or_none("group_id")
            groups.setdefault((shape.text("label"), group, -1 if group is not None else position), []).append(shape)
        ids = _ids([group for _, group, _ in groups])
        instances = tuple(
            Instance(identity, union([_mask(part, size) for part in parts], size), name=label.strip())
            for identity, ((label, _, _), parts) in zip(ids, groups.items(), strict=True)
        )
        notes = _left_out([shape for shape in shapes if _kind(shape) in _WITHOUT_AREA])
        return Scene(size, instances, entry.file_name, source=self.file, notes=notes)


def _left_out(shapes: Sequence[Record]) -> tuple[str, ...]:
    """Return the line that counts shapes without an area, most frequent first; none where there is no such shape."""
    if not shapes:
        return ()
    kinds = Counter((_kind(shape), shape.text("label").strip()) for shape in shapes).most_common()
    told = [f"{count} {kind} {label!r}" for (kind, label), count in kinds[:_TOLD]]
    told += [f"{sum(count for _, count in kinds[_TOLD:])} others"] if len(kinds) > _TOLD else []
    what = "shape without an area is" if len(shapes) == 1 else "shapes without an area are"
    return (f"{len(shapes)} {what} left out: {', '.join(told)}",)


def _ids(groups: list[int | None]) -> list[int]:
    kept = {group for group in groups if group is not None and 1 <= group <= LARGEST_KEPT_ID}
    whole = [group for group in groups if group in kept and group is not None]
    return whole if len(kept) == len(groups) else list(range(1, len(groups) + 1))


def is_labelme(source: Source) -> bool:
    """Whether the JSON has LabelMe's list of shapes."""
    return "shapes" in source.top_keys


def open_labelme(source: Source) -> LabelmeDocument:
    """Read the image's name and size.

    Raises:
        InputError: the JSON is of another kind.
    """
    top = top_record(source)
    entry = ImageEntry(None, stated_name(top.text("imagePath")), read_size(top, "imageHeight", "imageWidth"))
    return LabelmeDocument(source.path, [entry], top)


def _kind(shape: Record) -> str:
    return shape.text("shape_type") or "polygon"


def _mask(shape: Record, size: Size) -> Mask:
    kind = _kind(shape)
    if kind not in _POINTS:
        hint = "only shapes with an area are objects; remove the others"
        raise shape.wrong("shape_type", f"one of {', '.join(_POINTS)}", hint=hint)
    points = _points(shape)
    if not (len(points) >= 3 if kind == "polygon" else str(len(points)) in _POINTS[kind].split()):
        raise shape.wrong("points", f"{_POINTS[kind]} points for shape_type {kind}", found=str(len(points)))
    if kind in _TILTED or (kind == "rectangle" and len(points) == 4 and not _upright(points)):
        kind = "polygon"
    return _embedded(shape, points, size) if kind == "mask" else _drawn(kind, points, size)


def _points(shape: Record) -> Points:
    points = []
    for value in shape.items("points"):
        if not isinstance(value, list) or len(value) != 2:
            raise shape.wrong("points", "points [x, y]", found="something else among them")
        x, y = (finite(number, shape, "points") for number in value)
        if max(abs(x), abs(y)) > _FARTHEST:
            raise shape.wrong("points", "points near the picture", found="one far outside")
        points.append((x, y))
    return points


def _upright(corners: Points) -> bool:
    """Whether four points are the corners of a rectangle whose sides are level and plumb."""
    xs, ys = zip(*corners, strict=True)
    return {(x, y) for x in (min(xs), max(xs)) for y in (min(ys), max(ys))} == set(corners)


def _drawn(kind: str, points: Points, size: Size) -> Mask:
    """Draw a shape on the part of the picture around it."""
    if kind == "circle":
        (x, y), rim = points
        radius = math.dist((x, y), rim)
        points = [(x - radius, y - radius), (x + radius, y + radius)]
    xs, ys = zip(*points, strict=True)
    if kind != "polygon":
        points = [(min(xs), min(ys)), (max(xs), max(ys))]
    box = Box(math.floor(min(xs)), math.floor(min(ys)), math.ceil(max(xs)) + 1, math.ceil(max(ys)) + 1)
    box = box.grow(1).clip(size)
    if box.empty:
        return Mask.empty(size)
    canvas = Image.new("L", (box.width, box.height))
    draw = ImageDraw.Draw(canvas)
    drawers: dict[str, Callable[..., None]] = {
        "polygon": draw.polygon,
        "rectangle": draw.rectangle,
        "circle": draw.ellipse,
    }
    drawers[kind]([(x - box.x0, y - box.y0) for x, y in points], outline=1, fill=1)
    return Mask.from_crop(np.asarray(canvas), box[:2], size)


def _embedded(shape: Record, points: Points, size: Size) -> Mask:
    """Place the PNG of a ``mask`` shape; ``points`` are its first and last pixel.

    LabelMe lets masks be dragged to places between pixels; then its picture may be a pixel off what the points say.
    """
    try:
        packed = io.BytesIO(base64.b64decode(shape.text("mask"), validate=True))
        with Image.open(packed, formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError("too large")
            pixels = np.asarray(image)
    except (binascii.Error, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise shape.wrong("mask", "a PNG in base64", found="something else or a damaged one") from None
    (x0, y0), (x1, y1) = ((round(x), round(y)) for x, y in points)
    slack = 0 if all(number.is_integer() for point in points for number in point) else 1
    stated = (y1 - y0 + 1, x1 - x0 + 1)
    if pixels.ndim != 2 or max(abs(side - told) for side, told in zip(pixels.shape, stated, strict=True)) > slack:
        found = f"one of shape {'x'.join(map(str, pixels.shape[::-1]))}"
        raise shape.wrong("mask", f"a picture of {x1 - x0 + 1}x{y1 - y0 + 1} as the points say", found=found)
    return Mask.from_crop(pixels, (x0, y0), size)


def write_labelme(scene: Scene, path: Path) -> None:
    """Write the visible masks of ``scene``; the label is the object's name, else its class.

    Raises:
        InputError: an object has no visible pixel.
    """
    content: dict[str, Any] = {
        "version": "5.4.1",
        "flags": {},
        "shapes": [_shape(item, path) for item in scene.instances],
        "imagePath": base_name(scene.image_file),
        "imageData": None,
        "imageHeight": scene.size.height,
        "imageWidth": scene.size.width,
    }
    write_text(path, json.dumps(content, indent=1))


def _shape(item: Instance, path: Path) -> dict[str, Any]:
    refuse_empty(item, path, "LabelMe")
    box, packed = item.modal.box, io.BytesIO()
    Image.fromarray(item.modal.pixels).save(packed, "PNG")
    return {
        "label": item.label,
        "points": [[box.x0, box.y0], [box.x1 - 1, box.y1 - 1]],
        "group_id": item.id,
        "description": "",
        "shape_type": "mask",
        "flags": {},
        "mask": base64.b64encode(packed.getvalue()).decode("ascii"),
    }


LABELME = Format(
    "labelme",
    "LabelMe JSON",
    is_labelme,
    open_labelme,
    write_labelme,
    frozenset({"name"}),
)
