"""Lists of run-length masks: what SAM's automatic mask generator and most detectors write.

Read are a list of objects with ``segmentation`` (``area``, ``bbox``, ``stability_score`` and the like are ignored), a
bare list of run lengths, and SA-1B's file (``image`` and ``annotations``). Entries that name an ``image_id``, as in
COCO's result files, are grouped by it. The score is ``score``, else ``predicted_iou``. Masks may overlap.
Ids follow :func:`deocclude.formats.base.object_ids`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deocclude import rle
from deocclude.errors import InputError
from deocclude.files import write_text
from deocclude.formats.base import (
    Format,
    ImageEntry,
    bbox,
    by_image,
    object_ids,
    read_mask,
    read_size,
    scene_size,
)
from deocclude.formats.photo_names import stated_name
from deocclude.formats.record import Record
from deocclude.formats.source import Source
from deocclude.geometry import Size
from deocclude.scene import Instance, Scene


@dataclass(frozen=True)
class SamDocument:
    """An opened list of masks."""

    file: Path
    images: list[ImageEntry]
    objects: list[list[Record]]

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return the objects of image ``index``; see :class:`deocclude.formats.base.Document`."""
        entry, records = self.images[index], self.objects[index]
        size = scene_size(entry, records, ("segmentation",), photo_size, self.file)
        ids = object_ids(records)
        instances = tuple(_instance(*pair, size) for pair in zip(ids, records, strict=True))
        return Scene(size, instances, entry.file_name, entry.image_id, source=self.file)


def _instance(identity: int, record: Record, size: Size) -> Instance:
    score = record.number_or_none("score")
    return Instance(
        identity,
        read_mask(record, "segmentation", size),
        name=record.text("name").strip(),
        category_id=record.whole_or_none("category_id"),
        score=record.number_or_none("predicted_iou") if score is None else score,
        annotation_id=record.whole_or_none("id"),
    )


def is_sam(source: Source) -> bool:
    """Whether the JSON is a list of masks, or one image with its masks."""
    if isinstance(source.document, list):
        first = source.document[0] if source.document else {"segmentation": None}
        return isinstance(first, dict) and ("segmentation" in first or {"size", "counts"} <= set(first))
    return {"image", "annotations"} <= source.top_keys


def open_sam(source: Source) -> SamDocument:
    """Group the masks by image.

    Raises:
        InputError: the JSON is of another kind.
    """
    if isinstance(source.document, dict):
        top = Record(source.document, source.path)
        image = top.record("image")
        identity = image.identity("image_id") if image.has("image_id") else None
        entry = ImageEntry(identity, stated_name(image.text("file_name")), read_size(image))
        return SamDocument(source.path, [entry], [list(top.records("annotations"))])
    records = _records(source)
    if not any(record.has("image_id") for record in records):
        return SamDocument(source.path, [ImageEntry(None)], [records])
    groups = by_image(records)
    return SamDocument(source.path, [ImageEntry(identity) for identity in groups], list(groups.values()))


def _records(source: Source) -> list[Record]:
    if not isinstance(source.document, list):
        raise InputError("a list of masks", source.description, file=source.path)
    records = []
    for position, value in enumerate(source.document):
        record = Record.of(value, source.path, f"[{position}]")
        bare = "segmentation" not in record.values and "counts" in record.values
        records.append(Record({"segmentation": value}, record.file, record.place) if bare else record)
    return records


def write_sam(scene: Scene, path: Path) -> None:
    """Write the visible masks of ``scene`` as a list, scores as ``predicted_iou``."""
    entries = []
    for item in scene.instances:
        entry: dict[str, Any] = {
            "id": item.id,
            "segmentation": rle.encode(item.modal),
            "area": item.modal.area,
            "bbox": bbox(item.modal),
        }
        extra = {
            "image_id": scene.image_id,
            "name": item.name or None,
            "category_id": item.category_id,
            "predicted_iou": item.score,
        }
        entries.append(entry | {key: value for key, value in extra.items() if value is not None})
    write_text(path, json.dumps(entries, indent=1))


SAM = Format(
    "sam",
    "SAM JSON (list of run-length masks)",
    is_sam,
    open_sam,
    write_sam,
    frozenset({"name", "category_id", "score"}),
)
