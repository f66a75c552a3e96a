"""COCO: polygons, run lengths, crowds, ids, real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deocclude import rle
from deocclude.formats import list_images, read_scene, read_scenes, write_scene
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

CATEGORIES = [{"id": 1, "name": "dog"}, {"id": 18, "name": "cup"}]


def scene_of(folder: Path, *annotations: dict[str, Any]) -> Scene:
    image = {"id": 4, "file_name": "sub/photo.jpg", "width": 10, "height": 8}
    objects = [{"image_id": 4, "category_id": 18, **annotation} for annotation in annotations]
    path = folder / "coco.json"
    path.write_text(json.dumps({"images": [image], "annotations": objects, "categories": CATEGORIES}))
    return read_scene(path)


def test_polygons_are_drawn_and_joined(tmp_path: Path) -> None:
    two = [[1, 1, 4, 1, 4, 5, 1, 5], [6, 2, 9, 2, 9, 3, 6, 3]]
    scene = scene_of(tmp_path, {"segmentation": two})
    expected = np.zeros((8, 10), bool)
    expected[1:5, 1:4] = expected[2:3, 6:9] = True
    assert np.array_equal(scene[1].modal.to_array(), expected)
    assert (scene[1].category, scene[1].category_id) == ("cup", 18)
    assert (scene.image_file, scene.size) == ("sub/photo.jpg", (8, 10))


def test_run_lengths_packed_and_plain(tmp_path: Path) -> None:
    mask = Mask.from_array(np.arange(80).reshape(8, 10) % 7 == 2)
    plain = {"size": [8, 10], "counts": rle.counts(mask)}
    scene = scene_of(tmp_path, {"segmentation": plain}, {"segmentation": rle.encode(mask)})
    assert scene.modal == (mask, mask)


def test_crowds_are_left_out(tmp_path: Path) -> None:
    square = [[1, 1, 4, 1, 4, 5, 1, 5]]
    crowd = {"segmentation": {"size": [8, 10], "counts": [0, 80]}, "iscrowd": 1}
    assert len(scene_of(tmp_path, {"segmentation": square}, crowd, {"segmentation": square})) == 2


@pytest.mark.parametrize(("image", "named"), [("4", 4), (4, "4"), ("four", "four"), (4, 4)])
def test_an_image_id_is_one_as_number_and_as_text(image: Any, named: Any, tmp_path: Path) -> None:
    objects = [{"image_id": number, "segmentation": [[1, 1, 4, 1, 4, 5, 1, 5]]} for number in (named, 5, named)]
    images = [{"id": image, "file_name": "photo.jpg", "width": 10, "height": 8}]
    (tmp_path / "coco.json").write_text(json.dumps({"images": images, "annotations": objects}))
    assert len(read_scene(tmp_path / "coco.json")) == 2


@pytest.mark.parametrize(
    ("stated", "given"),
    [((12, 5), (12, 5)), ((1_038_967, 5), (1, 2)), ((0, 1), (1, 2)), ((None, 9), (1, 2)), ((65_535, 1), (65_535, 1))],
)
def test_small_ids_stay_large_ones_become_positions(stated: Any, given: tuple[int, ...], tmp_path: Path) -> None:
    square = [[1, 1, 4, 1, 4, 5, 1, 5]]
    assert scene_of(tmp_path, *({"id": number, "segmentation": square} for number in stated)).ids == given


def test_objects_without_class_get_a_free_number(tmp_path: Path) -> None:
    mask = Mask.from_array(np.eye(3))
    items = (Instance(1, mask), Instance(2, mask, category="cat", category_id=1), Instance(3, mask, category="dog"))
    write_scene(Scene(Size(3, 3), items), tmp_path / "out.json", "coco")
    back = read_scene(tmp_path / "out.json")
    assert [(item.category, item.category_id) for item in back.instances] == [("", 2), ("cat", 1), ("dog", 3)]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_written_file_is_what_pycocotools_expects(tmp_path: Path) -> None:
    from pycocotools.coco import COCO

    mask = Mask.from_array(np.arange(80).reshape(8, 10) % 7 == 2)
    write_scene(Scene(Size(8, 10), (Instance(3, mask, category="dog"),), image_id=5), tmp_path / "out.json", "coco")
    official = COCO(tmp_path / "out.json")
    assert np.array_equal(official.annToMask(official.loadAnns([3])[0]), mask.to_array())
    assert official.loadCats(official.getCatIds())[0]["name"] == "dog"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_real_file_agrees_with_pycocotools(data_folder: Path) -> None:
    from pycocotools.coco import COCO

    path = data_folder / "coco_masks" / "instances.json"
    official, entries = COCO(path), list_images(path)
    assert len(entries) == 506
    for entry in entries[::50]:
        scene = read_scene(path, image_id=entry.image_id, photo_size=entry.size)
        truth = official.loadAnns(official.getAnnIds(imgIds=[entry.image_id], iscrowd=False))
        assert len(truth) == len(scene)
        for annotation, item in zip(truth, scene.instances, strict=True):
            assert np.array_equal(official.annToMask(annotation), item.modal.to_array())


def test_real_files_read_as_a_whole(data_folder: Path) -> None:
    path = data_folder / "coco_masks" / "instances.json"
    assert sum(len(scene) for scene in read_scenes(path)) == 4282 - 43  # crowds
