"""COCOA (COCO Amodal) annotations: regions with whole shapes, visible masks and depth order.

Zhu et al., "Semantic Amodal Segmentation", CVPR 2017. Two layouts are read: the full file (``images`` and
``annotations``, joined by ``image_id``; of several annotators of an image the first is taken) and one annotation
a file. A region's ``segmentation`` is one flat polygon of the amodal shape; ``visible_mask`` is there only where
the region is occluded, elsewhere the polygon is the visible mask too. Ids are positions in ``regions``, from 1;
``depth_constraint`` ("1-2,1-5": 1 in front of 2 and of 5) gives the order and may be absent.

Polygons cannot hold every mask exactly, so the writer adds ``amodal_mask`` and ``visible_mask`` as run lengths
and ``id`` to each region; the reader prefers them. Every region has category 1, as in the literature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deocclude import rle
from deocclude.files import write_text
from deocclude.formats.base import (
    Format,
    ImageEntry,
    by_image,
    object_ids,
    of_image,
    read_images,
    read_mask,
    read_size,
    scene_size,
    top_record,
    whole_shape,
)
from deocclude.formats.photo_names import stated_name
from deocclude.formats.record import Record
from deocclude.formats.source import Source
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

_RUN_LENGTHS = ("visible_mask", "amodal_mask", "invisible_mask")


@dataclass(frozen=True)
class CocoaDocument:
    """An opened COCOA file: one annotation (or none) an image."""

    file: Path
    images: list[ImageEntry]
    annotations: list[Record | None]

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return the regions of image ``index``; see :class:`deocclude.formats.base.Document`."""
        entry, annotation = self.images[index], self.annotations[index]
        regions = list(annotation.records("regions")) if annotation is not None else []
        size = scene_size(entry, regions, _RUN_LENGTHS, photo_size, self.file)
        ids = object_ids(regions)
        instances = tuple(_instance(*pair, size) for pair in zip(ids, regions, strict=True))
        order = read_order(annotation, ids) if annotation is not None else None
        return Scene(size, instances, entry.file_name, entry.image_id, order, self.file)


def is_cocoa(source: Source) -> bool:
    """Whether the JSON is one annotation with regions, or a list of such with their images."""
    return "regions" in source.top_keys or any("regions" in item for item in source.annotations)


def open_cocoa(source: Source) -> CocoaDocument:
    """Read the images and join the annotations to them.

    Raises:
        InputError: a list is absent or of another kind, or an id is damaged.
    """
    top = top_record(source)
    if "regions" in top.values:
        return CocoaDocument(source.path, [_entry(top)], [top])
    groups = by_image(top.records("annotations"))
    if not top.has("images"):
        firsts = [group[0] for group in groups.values()]
        return CocoaDocument(source.path, [_entry(first) for first in firsts], list(firsts))
    images = read_images(top)
    joined = [of_image(groups, entry.image_id) for entry in images]
    return CocoaDocument(source.path, images, [group[0] if group else None for group in joined])


def _entry(annotation: Record) -> ImageEntry:
    identity = annotation.identity("image_id") if annotation.has("image_id") else None
    name = annotation.text("file_name") or annotation.text("url")
    return ImageEntry(identity, stated_name(name), read_size(annotation))


def _instance(identity: int, region: Record, size: Size) -> Instance:
    amodal = read_mask(region, "amodal_mask" if region.has("amodal_mask") else "segmentation", size)
    return Instance(
        identity,
        read_mask(region, "visible_mask", size) if region.has("visible_mask") else amodal,
        name=region.text("name").strip(),
        amodal=amodal,
        category_id=1,
        is_stuff=region.flag("isStuff"),
        depth_rank=region.whole_or_none("order"),
        annotation_id=region.whole_or_none("id"),
    )


def read_order(annotation: Record, ids: Sequence[int]) -> frozenset[tuple[int, int]] | None:
    """Return the pairs (front id, behind id) of ``depth_constraint``, or ``None`` where it is absent.

    Args:
        annotation: of one image.
        ids: of its objects, in order; the text names them by their positions, from 1.

    Raises:
        InputError: it is damaged, or names another position.
    """
    if not annotation.has("depth_constraint"):
        return None
    text = annotation.text("depth_constraint")
    pairs = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"([0-9]{1,9})\s*-\s*([0-9]{1,9})", part)
        front, behind = (int(match[1]), int(match[2])) if match else (0, 0)
        if not (1 <= front <= len(ids) and 1 <= behind <= len(ids) and front != behind):
            expected = f"pairs p-q of two regions among 1 to {len(ids)}"
            raise annotation.wrong("depth_constraint", expected, found=repr(part[:40]))
        pairs.add((ids[front - 1], ids[behind - 1]))
    return frozenset(pairs)


def write_cocoa(scene: Scene, path: Path) -> None:
    """Write ``scene`` as a one-image COCOA file.

    Raises:
        InputError: an object has no amodal mask; COCOA would call what is visible the whole of it.
    """
    position = {identity: index for index, identity in enumerate(scene.ids, start=1)}
    content: dict[str, Any] = {
        "image_id": scene.image_id,
        "file_name": scene.image_file,
        "height": scene.size.height,
        "width": scene.size.width,
        "size": len(scene),
        "regions": [_region(item, whole_shape(item, path)) for item in scene.instances],
    }
    if scene.order_truth is not None:
        pairs = sorted((position[front], position[behind]) for front, behind in scene.order_truth)
        content["depth_constraint"] = ",".join(f"{front}-{behind}" for front, behind in pairs)
    write_text(path, json.dumps(content, indent=1))


def _region(item: Instance, amodal: Mask) -> dict[str, Any]:
    hidden = amodal - item.modal
    region: dict[str, Any] = {
        "id": item.id,
        "name": item.name,
        "isStuff": int(item.is_stuff),
        "area": amodal.area,
        "occlude_rate": hidden.area / max(1, amodal.area),
        "segmentation": outline(amodal),
        "amodal_mask": rle.encode(amodal),
        "visible_mask": rle.encode(item.modal),
    }
    region |= {"order": item.depth_rank} if item.depth_rank is not None else {}
    return region | ({"invisible_mask": rle.encode(hidden)} if hidden else {})


def outline(mask: Mask) -> list[float]:
    """Return the outline of the largest part of ``mask`` as one flat polygon; the box of the part where it is thin.

    Coordinates as in COCO: pixel (x, y) covers x to x + 1 and y to y + 1. The polygon runs through pixel centres.
    """
    import cv2

    if not mask:
        return []
    contours, _ = cv2.findContours(mask.pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = max(contours, key=cv2.contourArea)
    x, y, width, height = cv2.boundingRect(largest)
    if min(width, height) < 3:
        corners = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], float)
    else:
        corners = cv2.approxPolyDP(largest, 0.4, True)[:, 0].astype(float) + 0.5
    flat = corners + np.array(mask.box[:2], float)
    return [float(number) for number in flat.ravel()] if len(flat) >= 3 else []


COCOA = Format(
    "cocoa",
    "COCOA JSON",
    is_cocoa,
    open_cocoa,
    write_cocoa,
    frozenset({"name", "amodal", "is_stuff", "depth_rank", "order_truth"}),
)
