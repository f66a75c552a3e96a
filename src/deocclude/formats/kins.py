"""KINS annotations: COCO's layout with an amodal and a modal ("inmodal") mask for each object.

Qi et al., "Amodal Instance Segmentation with KINS Dataset", CVPR 2019. Two generations are read: 2019
(``segmentation`` is amodal, ``inmodal_seg`` modal) and 2020 (prefixes ``a_`` and ``i_``, spelt in several ways,
with ``oco_id``, the cluster of touching objects, and ``ico_id``, the rank in it, 1 nearest). Several polygons of one
object are merged. Ids follow :func:`deocclude.formats.base.object_ids`; crowds are left out. A rank or cluster of
0 means that nothing touches the object; it is read as none. ``order_truth`` stays empty, since ranks relate only
objects that meet.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deocclude import rle
from deocclude.files import write_text
from deocclude.formats.base import (
    Format,
    bbox,
    read_mask,
    whole_shape,
)
from deocclude.formats.coco import CocoDocument, image_record, is_coco, number_categories
from deocclude.formats.record import Record
from deocclude.formats.source import Source
from deocclude.geometry import Size
from deocclude.scene import Instance, Scene

_SPELLINGS = ("segm", "segmentation", "seg", "mask")
MODAL_KEYS = tuple(f"{prefix}_{word}" for prefix in ("inmodal", "i", "visible") for word in _SPELLINGS)
"""Where the visible mask may stand; the first that is there counts."""
AMODAL_KEYS = (*(f"{prefix}_{word}" for prefix in ("a", "amodal") for word in _SPELLINGS), "segmentation")
"""Where the whole mask may stand."""


class KinsDocument(CocoDocument):
    """An opened KINS file."""

    MASK_KEYS = (*MODAL_KEYS, *AMODAL_KEYS)

    def _instance(self, identity: int, record: Record, size: Size) -> Instance:
        category_id = record.whole_or_none("category_id")
        return Instance(
            identity,
            read_mask(record, _present(record, MODAL_KEYS), size),
            name=record.text("name").strip(),
            amodal=read_mask(record, _present(record, AMODAL_KEYS), size),
            category=self.categories.get(category_id, "") if category_id is not None else "",
            category_id=category_id,
            depth_rank=record.whole_or_none("ico_id") or None,
            cluster=record.whole_or_none("oco_id") or None,
            annotation_id=record.whole_or_none("id"),
        )


def _present(record: Record, keys: tuple[str, ...]) -> str:
    return next((key for key in keys if record.has(key)), keys[0])


def is_kins(source: Source) -> bool:
    """Whether the JSON has COCO's lists, and any annotation a visible mask of its own."""
    return is_coco(source) and any(not item.keys().isdisjoint(MODAL_KEYS) for item in source.annotations)


def write_kins(scene: Scene, path: Path) -> None:
    """Write ``scene`` with the keys of 2019, and with cluster and rank under the names of 2020.

    Raises:
        InputError: an object has no amodal mask.
    """
    image = image_record(scene)
    numbers, categories = number_categories(scene)
    annotations = []
    for item, number in zip(scene.instances, numbers, strict=True):
        amodal = whole_shape(item, path)
        record: dict[str, Any] = {
            "id": item.id,
            "image_id": image["id"],
            "category_id": number,
            "iscrowd": 0,
            "area": amodal.area,
            "bbox": bbox(amodal),
            "segmentation": rle.encode(amodal),
            "inmodal_bbox": bbox(item.modal),
            "inmodal_seg": rle.encode(item.modal),
        }
        extra = {"name": item.name or None, "oco_id": item.cluster, "ico_id": item.depth_rank}
        annotations.append(record | {key: value for key, value in extra.items() if value is not None})
    content = {"images": [image], "annotations": annotations, "categories": categories}
    write_text(path, json.dumps(content, indent=1))


KINS = Format(
    "kins",
    "KINS JSON",
    is_kins,
    KinsDocument.open,
    write_kins,
    frozenset({"name", "amodal", "category", "category_id", "depth_rank", "cluster"}),
)
