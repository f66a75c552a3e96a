"""KINS: both generations of keys, several polygons an object, ranks and clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deocclude import rle
from deocclude.errors import InputError
from deocclude.formats import read_scene, recognise
from deocclude.geometry import Size
from deocclude.masks import Mask

SIZE = Size(8, 10)
WHOLE = Mask.from_crop(np.ones((4, 4)), (1, 1), SIZE)
VISIBLE = Mask.from_crop(np.ones((2, 4)), (1, 1), SIZE)
WHOLE_POLYGON = [[1, 1, 5, 1, 5, 5, 1, 5]]


def write(folder: Path, *annotations: dict[str, Any]) -> Path:
    image = {"id": 4, "file_name": "training/image_2/000004.png", "width": 10, "height": 8}
    objects = [{"image_id": 4, "category_id": 2, "iscrowd": 0, **annotation} for annotation in annotations]
    path = folder / "kins.json"
    categories = [{"id": 2, "name": "car"}]
    path.write_text(json.dumps({"images": [image], "annotations": objects, "categories": categories}))
    return path


KEYS_2019 = {"segmentation": WHOLE_POLYGON, "inmodal_seg": rle.encode(VISIBLE), "inmodal_bbox": [1, 1, 4, 2]}


@pytest.mark.parametrize(
    "annotation",
    [
        KEYS_2019,
        {"a_segm": WHOLE_POLYGON, "i_segm": rle.encode(VISIBLE)},
        {"a_segmentation": rle.encode(WHOLE), "i_segmentation": [[1, 1, 5, 1, 5, 3, 1, 3]]},
        {"a_seg": WHOLE_POLYGON, "i_seg": rle.encode(VISIBLE), "segmentation": "ignored"},
        {"segmentation": rle.encode(WHOLE), "i_segm": {"size": [8, 10], "counts": rle.counts(VISIBLE)}},
    ],
)
def test_spellings(annotation: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path, annotation)
    assert recognise(path) == "kins"
    item = read_scene(path)[1]
    assert (item.modal, item.amodal, item.category, item.depth_rank, item.cluster) == (
        VISIBLE,
        WHOLE,
        "car",
        None,
        None,
    )


def test_polygons_of_one_object_are_merged(tmp_path: Path) -> None:
    far = [7, 6, 9, 6, 9, 8, 7, 8]
    item = read_scene(write(tmp_path, KEYS_2019 | {"segmentation": [*WHOLE_POLYGON, far]}))[1]
    assert item.amodal == WHOLE | Mask.from_crop(np.ones((2, 2)), (7, 6), SIZE)


def test_ranks_and_clusters_zero_means_none(tmp_path: Path) -> None:
    keys = [{"oco_id": 3, "ico_id": 2}, {"oco_id": 0, "ico_id": 0}]
    scene = read_scene(write(tmp_path, *(KEYS_2019 | key for key in keys)))
    assert [(item.cluster, item.depth_rank) for item in scene.instances] == [(3, 2), (None, None)]
    assert scene.order_truth is None


def test_missing_masks_are_named(tmp_path: Path) -> None:
    without_modal = {"segmentation": WHOLE_POLYGON}
    with pytest.raises(InputError, match=r"annotations\[1\].inmodal_segm: expected run lengths .* found nothing"):
        read_scene(write(tmp_path, KEYS_2019, without_modal))
    with pytest.raises(InputError, match=r"annotations\[0\].a_segm: expected run lengths .* found nothing"):
        read_scene(write(tmp_path, {"inmodal_seg": rle.encode(VISIBLE)}))
