"""COCOA-cls subset: visible masks of COCO objects, and amodal masks of those that are hidden by much.

The layout is a list of ``{image_id, file_name, width, height, regions}``; a region has ``id``, ``category``,
``visible_mask``, ``amodal_mask`` (or null), and, where it has one, ``occluders`` ({id: hidden pixels}). Only objects
hidden by more than 30 % have amodal truth, and occluders of other classes than COCO's are not annotated: the order
is right where it is stated and silent elsewhere. Source: Follmann et al., "Learning to See the Invisible", WACV 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deocclude.errors import InputError
from deocclude.formats.base import ImageEntry, object_ids, read_mask, read_size, scene_size
from deocclude.formats.record import Record
from deocclude.formats.source import open_source
from deocclude.scene import Instance, Scene, validate


def read_cocoa_cls(path: Path | str) -> Iterator[Scene]:
    """Yield the scenes of the file; ``amodal`` is ``None`` where the file has no truth.

    Ids run from 1 to n in the order of the file, whose own run into the millions. ``order_truth`` holds the annotated
    occlusions (front, behind) and is ``None`` where an image has none.

    Raises:
        InputError: the file is absent, damaged or of another layout.
    """
    source = open_source(path)
    if not isinstance(source.document, list):
        raise InputError("a JSON list of images with regions", source.description, file=source.path)
    for position, value in enumerate(source.document):
        yield validate(_scene(Record.of(value, source.path, f"[{position}]")))


def _scene(image: Record) -> Scene:
    regions = list(image.records("regions"))
    entry = ImageEntry(image.identity("image_id"), image.text("file_name"), read_size(image))
    size = scene_size(entry, regions, ("visible_mask",), None, image.file)
    ids = object_ids(regions)
    instances = tuple(
        Instance(
            identity,
            read_mask(region, "visible_mask", size),
            amodal=read_mask(region, "amodal_mask", size) if region.has("amodal_mask") else None,
            category=region.text("category"),
            annotation_id=region.whole_or_none("id"),
        )
        for identity, region in zip(ids, regions, strict=True)
    )
    by_file_id = {str(region.values.get("id")): identity for identity, region in zip(ids, regions, strict=True)}
    pairs = {
        (by_file_id[occluder], identity)
        for identity, region in zip(ids, regions, strict=True)
        if region.has("occluders")
        for occluder in region.record("occluders").values
        if occluder in by_file_id
    }
    return Scene(size, instances, entry.file_name, entry.image_id, frozenset(pairs) or None, image.file)
