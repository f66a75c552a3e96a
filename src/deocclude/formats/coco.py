"""COCO instance annotations: many images a file, polygons or run lengths, class names in ``categories``.

Objects that are crowds (``iscrowd``: 1) are left out: such a mask covers many objects and has no single shape.
Ids follow :func:`deocclude.formats.base.object_ids`. A text under ``name`` and a number under ``score`` of an
annotation, which COCO itself lacks, are read and written. Amodal masks and orders have no place in it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from deocclude import rle
from deocclude.files import write_text
from deocclude.formats.base import (
    Format,
    ImageEntry,
    bbox,
    group_annotations,
    object_ids,
    of_image,
    read_images,
    read_mask,
    scene_size,
    top_record,
)
from deocclude.formats.record import Record
from deocclude.formats.source import Source
from deocclude.geometry import Size
from deocclude.scene import Instance, Scene

UNNAMED = "object"
"""Category of objects without one; read back as no category."""


@dataclass(frozen=True)
class CocoDocument:
    """An opened file of COCO's layout; formats that only add keys build on it."""

    MASK_KEYS: ClassVar[tuple[str, ...]] = ("segmentation",)
    """Where a mask, and so the size of its picture, may stand."""

    file: Path
    images: list[ImageEntry]
    objects: dict[int | str, list[Record]]
    categories: dict[int, str]

    @classmethod
    def open(cls, source: Source) -> Self:
        """Read the images and group the annotations.

        Raises:
            InputError: a list is absent or of another kind, an id is damaged or occurs twice.
        """
        top = top_record(source)
        return cls(source.path, read_images(top), group_annotations(top), read_categories(top))

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return the objects of image ``index``; see :class:`deocclude.formats.base.Document`."""
        entry = self.images[index]
        records = of_image(self.objects, entry.image_id)
        size = scene_size(entry, records, self.MASK_KEYS, photo_size, self.file)
        ids = object_ids(records)
        instances = tuple(self._instance(*pair, size) for pair in zip(ids, records, strict=True))
        return Scene(size, instances, entry.file_name, entry.image_id, source=self.file)

    def _instance(self, identity: int, record: Record, size: Size) -> Instance:
        category_id = record.whole_or_none("category_id")
        return Instance(
            identity,
            read_mask(record, "segmentation", size),
            name=record.text("name").strip(),
            category=self.categories.get(category_id, "") if category_id is not None else "",
            category_id=category_id,
            score=record.number_or_none("score"),
            annotation_id=record.whole_or_none("id"),
        )


def read_categories(top: Record) -> dict[int, str]:
    """Return class names by number; :data:`UNNAMED` counts as no name."""
    if not top.has("categories"):
        return {}
    names = {record.whole("id"): record.text("name") for record in top.records("categories")}
    return {number: "" if name == UNNAMED else name for number, name in names.items()}


def is_coco(source: Source) -> bool:
    """Whether the JSON has COCO's two lists."""
    return {"images", "annotations"} <= source.top_keys


def number_categories(scene: Scene) -> tuple[list[int], list[dict[str, Any]]]:
    """Return a category number for each object and the ``categories`` list.

    Numbers of the scene are kept, unless two classes claim one; classes without a number get the next free one.
    """
    names: dict[int, str] = {}
    for item in scene.instances:
        if item.category_id is not None:
            names.setdefault(item.category_id, item.category or UNNAMED)
    numbers = []
    for item in scene.instances:
        wanted, name = item.category_id, item.category or UNNAMED
        if wanted is None or names[wanted] != name:
            wanted = next((number for number, known in names.items() if known == name), None)
        if wanted is None:
            wanted = max([0, *names]) + 1
            names[wanted] = name
        numbers.append(wanted)
    return numbers, [{"id": number, "name": name} for number, name in sorted(names.items())]


def image_record(scene: Scene) -> dict[str, Any]:
    """Return the entry of the ``images`` list for ``scene``; an image without an id gets 1."""
    identity = 1 if scene.image_id is None else scene.image_id
    return {"id": identity, "file_name": scene.image_file, "width": scene.size.width, "height": scene.size.height}


def write_coco(scene: Scene, path: Path) -> None:
    """Write the visible masks of ``scene`` as a COCO file with one image, masks as compressed run lengths."""
    image = image_record(scene)
    numbers, categories = number_categories(scene)
    annotations = []
    for item, number in zip(scene.instances, numbers, strict=True):
        record: dict[str, Any] = {
            "id": item.id,
            "image_id": image["id"],
            "category_id": number,
            "iscrowd": 0,
            "area": item.modal.area,
            "bbox": bbox(item.modal),
            "segmentation": rle.encode(item.modal),
        }
        record |= {"name": item.name} if item.name else {}
        record |= {"score": item.score} if item.score is not None else {}
        annotations.append(record)
    content = {"images": [image], "annotations": annotations, "categories": categories}
    write_text(path, json.dumps(content, indent=1))


COCO = Format(
    "coco",
    "COCO JSON",
    is_coco,
    CocoDocument.open,
    write_coco,
    frozenset({"name", "category", "category_id", "score"}),
)
