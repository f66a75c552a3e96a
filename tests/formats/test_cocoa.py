"""COCOA: one-image and full files, modal and amodal masks, order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deocclude import rle
from deocclude.errors import InputError
from deocclude.formats import list_images, read_scene, read_scenes
from deocclude.geometry import Size
from deocclude.masks import Mask, union

SQUARE = [1, 1, 5, 1, 5, 5, 1, 5]
VISIBLE = Mask.from_crop(np.ones((2, 4)), (1, 1), Size(8, 10))
REGIONS = [
    {"segmentation": SQUARE, "name": " sky ", "isStuff": 1, "order": 1},
    {"segmentation": SQUARE, "name": "cat", "isStuff": 0, "order": 4, "visible_mask": rle.encode(VISIBLE)},
]
ONE = {"image_id": 4, "url": "http://x/y/photo.jpg", "regions": REGIONS}


def write(folder: Path, document: Any) -> Path:
    path = folder / "cocoa.json"
    path.write_text(json.dumps(document))
    return path


def test_modal_is_the_visible_mask_or_the_polygon(tmp_path: Path) -> None:
    scene = read_scene(write(tmp_path, ONE))
    square = np.zeros((8, 10), bool)
    square[1:5, 1:5] = True
    for item in scene.instances:
        assert item.amodal is not None
        assert np.array_equal(item.amodal.to_array(), square)
    assert scene.modal == (Mask.from_array(square), VISIBLE)
    assert [(i.id, i.name, i.is_stuff, i.depth_rank, i.category_id) for i in scene.instances] == [
        (1, "sky", True, 1, 1),
        (2, "cat", False, 4, 1),
    ]
    assert (scene.image_file, scene.image_id, scene.size, scene.order_truth) == ("photo.jpg", 4, (8, 10), None)


@pytest.mark.parametrize(("text", "pairs"), [("", set()), ("1-2", {(1, 2)}), ("1-2, 2-1", {(1, 2), (2, 1)})])
def test_depth_constraint(text: str, pairs: set[tuple[int, int]], tmp_path: Path) -> None:
    assert read_scene(write(tmp_path, ONE | {"depth_constraint": text})).order_truth == pairs


@pytest.mark.parametrize("text", ["1-3", "0-1", "1-1", "a-b", "1", "1-2-3"])
def test_bad_depth_constraint(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"depth_constraint: expected pairs p-q of .* 1 to 2, found '{text}'"):
        read_scene(write(tmp_path, ONE | {"depth_constraint": text}))


def test_full_file_is_joined_by_image_id_and_the_first_annotator_counts(tmp_path: Path) -> None:
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 10, "height": 8} for n in (9, 4, 7)]
    other = {"image_id": 4, "regions": REGIONS[:1]}
    path = write(tmp_path, {"images": images, "annotations": [ONE, other, {"image_id": 9, "regions": REGIONS[1:]}]})
    assert [entry.image_id for entry in list_images(path)] == [9, 4, 7]
    assert [(scene.image_id, len(scene)) for scene in read_scenes(path)] == [(9, 1), (4, 2)]
    assert read_scene(path, photo_name="4.jpg")[2].name == "cat"


@pytest.mark.parametrize("number", range(1, 6))
def test_real_files_modal_is_amodal_minus_nearer_ones(number: int, data_folder: Path) -> None:
    scene = read_scene(data_folder / "cocoa_demo5" / f"{number}.json")
    for item in scene.instances:
        assert item.amodal is not None
        assert item.depth_rank is not None
        nearer = [
            other.amodal
            for other in scene.instances
            if other.amodal is not None and other.depth_rank is not None and other.depth_rank < item.depth_rank
        ]
        expected = item.amodal - union(nearer, scene.size)
        assert (expected - item.modal).area + (item.modal - expected).area <= 0.02 * item.amodal.area


def test_real_folder(data_folder: Path) -> None:
    scenes = list(read_scenes(data_folder / "cocoa_demo5"))
    occluded = sum(bool(item.amodal - item.modal) for scene in scenes for item in scene.instances if item.amodal)
    assert (len(scenes), sum(map(len, scenes)), occluded) == (5, 48, 24)
