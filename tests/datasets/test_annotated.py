"""COCOA-cls and LM-Occlusion: layouts of the evaluation data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deocclude import rle
from deocclude.datasets.cocoa_cls import read_cocoa_cls
from deocclude.datasets.lmo import read_lmo
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask

SIZE = Size(30, 40)
WHOLE = Mask.from_crop(np.ones((20, 20)), (5, 5), SIZE)
HALF = Mask.from_crop(np.ones((10, 20)), (5, 5), SIZE)
NOTHING = Mask.empty(SIZE)


def write(folder: Path, document: Any) -> Path:
    path = folder / "data.json"
    path.write_text(json.dumps(document))
    return path


def region(amodal: Mask, modal: Mask, share: float) -> dict[str, Any]:
    masks = {"amodal": rle.encode(amodal), "modal": rle.encode(modal)}
    return masks | {
        "obj_id": 5,
        "name": "can",
        "area": amodal.area,
        "vis_area": modal.area,
        "bop_visib_fract": share,
    }


def test_lmo_order_positions_filter_and_absent_objects(tmp_path: Path) -> None:
    regions = [region(WHOLE, HALF, 0.55), region(NOTHING, NOTHING, 0.0), region(WHOLE, NOTHING, 0.2)]
    order = [[0, 2, 200, 1.0], [1, 2, 0, 0.0]]
    frame = next(read_lmo(write(tmp_path, [{"image": "3.jpg", "im_id": 3, "regions": regions, "order": order}])))
    assert (frame.scene.ids, frame.scene.order_truth, frame.scored) == ((1, 3), {(1, 3)}, {1})
    assert (frame.scene[3].amodal, frame.scene[3].modal) == (WHOLE, NOTHING)


def test_lmo_refuses_positions_out_of_range(tmp_path: Path) -> None:
    document = [{"image": "3.jpg", "im_id": 3, "regions": [region(WHOLE, HALF, 0.5)], "order": [[0, 1, 3, 1.0]]}]
    with pytest.raises(InputError, match=r"\[0\].order: expected rows \[front, behind, ...\] of positions below 1"):
        next(read_lmo(write(tmp_path, document)))


def test_cocoa_cls_ids_truth_and_occluders(tmp_path: Path) -> None:
    front = {"id": 1_221_298, "category": "cat", "visible_mask": rle.encode(HALF), "amodal_mask": None}
    behind = {
        "id": 1_096_288,
        "category": "bed",
        "visible_mask": rle.encode(WHOLE - HALF),
        "amodal_mask": rle.encode(WHOLE),
    }
    behind["occluders"] = {"1221298": 200, "99": 5}
    image = {"image_id": 8, "file_name": "8.jpg", "width": 40, "height": 30, "regions": [behind, front]}
    plain = image | {"regions": [front]}
    scene, other = read_cocoa_cls(write(tmp_path, [image, plain]))
    assert (scene.ids, scene.order_truth, scene[1].category) == ((1, 2), {(2, 1)}, "bed")
    assert (scene[1].amodal, scene[2].amodal, other.order_truth) == (WHOLE, None, None)


@pytest.mark.parametrize("read", [read_lmo, read_cocoa_cls])
def test_other_layouts_are_refused(read: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a JSON list of .* found JSON: an object with 'images'"):
        next(read(write(tmp_path, {"images": []})))
    with pytest.raises(InputError, match=r"\[0\].regions: expected a list"):
        next(read(write(tmp_path, [{"images": []}])))


def test_real_lmo(data_folder: Path) -> None:
    frames = list(read_lmo(data_folder / "lmo" / "lmo_amodal_modal_order.json"))
    assert len(frames) == 60
    assert sum(len(frame.scored) for frame in frames) == 291
    for frame in frames:
        for item in frame.scene.instances:
            assert item.amodal is not None
            assert not item.modal - item.amodal
        for front, behind in frame.scene.order_truth or ():
            assert frame.scene[front].amodal.overlap(frame.scene[behind].amodal) > 0


def test_real_cocoa_cls(data_folder: Path) -> None:
    scenes = list(read_cocoa_cls(data_folder / "cocoa_cls" / "cocoa_cls_val_subset.json"))
    items = [item for scene in scenes for item in scene.instances]
    assert (len(scenes), len(items), sum(item.amodal is not None for item in items)) == (75, 207, 12)
    for scene in scenes:
        for front, behind in scene.order_truth or ():
            hidden = scene[behind].amodal - scene[behind].modal
            assert scene[front].modal.overlap(hidden) > 0
