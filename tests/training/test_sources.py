"""Packing annotation files: masks, photos of another resolution, shapes besides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude.errors import InputError
from deocclude.training.answer_packing import open_answer_pack
from deocclude.training.packing import PackSettings, open_pack
from deocclude.training.photo_packing import PhotoPackSettings, open_photo_pack
from deocclude.training.scene_packing import open_scene_pack
from deocclude.training.sources import pack_answers, pack_photos, pack_scenes, pack_sources, photo_of, photo_scenes


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    square = [100, 80, 220, 80, 220, 200, 100, 200]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 400, "height": 300}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": 14400, "segmentation": [square]}
        ],
        "categories": [{"id": 1, "name": "box"}],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(content))
    return path


def test_packs_objects_and_shapes(annotations: Path, tmp_path: Path):
    assert pack_sources([annotations], tmp_path / "pack", PackSettings(crop_size=64), shapes=5) == 6
    pack = open_pack(tmp_path / "pack")
    assert pack.image_keys.tolist() == ["a.png", *(f"shape-0-{k}" for k in range(5))]
    assert (pack.crops[0] > 127).mean() == pytest.approx(1 / 1.1**2, abs=0.02)


def test_photos_of_another_resolution_fit(annotations: Path, tmp_path: Path):
    (tmp_path / "images").mkdir()
    photo = np.zeros((150, 200, 3), np.uint8)
    photo[40:100, 50:110] = 255
    Image.fromarray(photo).save(tmp_path / "images" / "a.png")
    assert pack_photos([annotations], tmp_path / "pack", PhotoPackSettings(side=150, min_area=100)) == 1
    pack = open_photo_pack(tmp_path / "pack")
    inside = pack.label_map(int(pack.squares[0])) == pack.values[0]
    assert (pack.rgb(int(pack.squares[0]))[..., 0] > 127)[inside].mean() > 0.98


def test_a_photo_named_like_its_annotations_is_found(annotations: Path, tmp_path: Path):
    Image.new("RGB", (400, 300)).save(tmp_path / "instances.png")
    assert pack_photos([annotations], tmp_path / "pack", PhotoPackSettings(side=150, min_area=100)) == 1


def test_photos_in_folders_are_told_apart(tmp_path: Path):
    square = [20, 20, 120, 20, 120, 120, 20, 120]
    names = ["a/1.png", "b/1.png", "b/2.png"]
    content = {
        "images": [{"id": k, "file_name": name, "width": 200, "height": 150} for k, name in enumerate(names)],
        "annotations": [
            {"id": k, "image_id": k, "category_id": 1, "iscrowd": 0, "segmentation": [square]} for k in (0, 1)
        ],
        "categories": [{"id": 1, "name": "box"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    for brightness, name in enumerate(names, 1):
        file = tmp_path / "images" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (200, 150), (brightness,) * 3).save(file)
    scenes = list(photo_scenes(tmp_path / "instances.json"))
    assert [(scene.image_file, len(scene)) for scene in scenes] == [("a/1.png", 1), ("b/1.png", 1), ("b/2.png", 0)]
    photos = [photo_of(scene) for scene in scenes]
    assert [int(photo.max()) for photo in photos if photo is not None] == [1, 2, 3]


def test_photos_are_found_where_coco_has_them(annotations: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "annotations").mkdir()
    annotations.rename(tmp_path / "annotations" / "instances_val2017.json")
    (tmp_path / "val2017").mkdir()
    Image.new("RGB", (400, 300), (7, 7, 7)).save(tmp_path / "val2017" / "a.png")
    monkeypatch.chdir(tmp_path / "annotations")
    for source in (tmp_path / "annotations" / "instances_val2017.json", Path("instances_val2017.json")):
        assert photo_of(next(photo_scenes(source))).max() == 7


def test_a_file_of_many_images_is_named_after_none(annotations: Path, tmp_path: Path):
    content = json.loads(annotations.read_text())
    content["images"].append({"id": 2, "file_name": "b.png", "width": 400, "height": 300})
    annotations.write_text(json.dumps(content))
    Image.new("RGB", (400, 300)).save(tmp_path / "instances.png")
    with pytest.raises(InputError, match=r"expected the photo 'a.png' beside it"):
        photo_of(next(photo_scenes(annotations)))


def test_an_image_without_objects_is_found_in_a_folder_of_files(tmp_path: Path):
    folder = tmp_path / "files"
    folder.mkdir()
    about = {"imagePath": "gone/IMG_1.jpg", "imageHeight": 30, "imageWidth": 40, "shapes": []}
    (folder / "first.json").write_text(json.dumps(about))
    Image.new("RGB", (40, 30), (9, 9, 9)).save(folder / "first.png")
    (scene,) = photo_scenes(folder)
    assert photo_of(scene).shape == (30, 40, 3)


def test_answers_are_those_of_the_named_methods(annotations: Path, tmp_path: Path):
    content = json.loads(annotations.read_text())
    over = [180, 60, 260, 60, 260, 220, 180, 220]
    content["annotations"].append({**content["annotations"][0], "id": 2, "segmentation": [over]})
    content["annotations"][0]["segmentation"] = [[100, 80, 180, 80, 180, 200, 100, 200]]
    annotations.write_text(json.dumps(content))
    Image.new("RGB", (400, 300)).save(tmp_path / "a.png")
    methods = {"order": "area-large", "amodal": "convexR"}
    assert pack_answers([annotations], tmp_path / "none", order="area-large", amodal="raw") == 2
    assert open_answer_pack(tmp_path / "none").hidden.tolist() == [0, 0]
    pack_answers([annotations], tmp_path / "small", **(methods | {"order": "area-small"}))
    small = np.unpackbits(open_answer_pack(tmp_path / "small").planes, axis=-1).any((2, 3))
    assert small[:, 2].tolist() == [False, True], "the smaller hides the larger"
    pack_answers([annotations], tmp_path / "large", **methods)
    large = np.unpackbits(open_answer_pack(tmp_path / "large").planes, axis=-1).any((2, 3))
    assert large[:, 2].tolist() == [True, False]


@pytest.mark.parametrize(
    ("named", "message"),
    [({"order": "guess"}, "ordering method"), ({"amodal": "pcnet-m-rgb"}, "amodal method")],
)
def test_teachers_that_cannot_teach_are_refused(annotations: Path, tmp_path: Path, named: dict[str, str], message: str):
    with pytest.raises(InputError, match=message):
        pack_answers([annotations], tmp_path / "pack", **named)


def test_absent_photos_are_named(annotations: Path, tmp_path: Path):
    message = r"instances.json: expected the photo 'a.png' beside it, in images/ or in photos/, found none$"
    with pytest.raises(InputError, match=message):
        pack_photos([annotations], tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_nothing_usable_is_refused(annotations: Path, tmp_path: Path):
    with pytest.raises(InputError, match="none in the training set"):
        pack_sources([annotations], tmp_path / "pack", PackSettings(min_side=500))


def test_scenes_of_solids_and_cut_outs(tmp_path: Path):
    square = [[20, 20, 120, 20, 120, 120, 20, 120]]
    images = [{"id": k, "file_name": f"photo-{k}.jpg", "height": 200, "width": 300} for k in range(12)]
    boxes = [
        {
            "id": k,
            "image_id": k,
            "category_id": 1,
            "iscrowd": 0,
            "area": 1,
            "bbox": [0, 0, 1, 1],
            "segmentation": square,
        }
        for k in range(12)
    ]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "box"}]}
    (tmp_path / "coco.json").write_text(json.dumps(content))
    alone = pack_scenes([], tmp_path / "solids", solids=4)
    both = pack_scenes([tmp_path / "coco.json"], tmp_path / "both", solids=4, boards=6)
    assert 0 < alone < both
    assert any(key.startswith("standing-") for key in open_scene_pack(tmp_path / "both").image_keys)
    with pytest.raises(InputError, match="whole objects to make scenes of"):
        pack_scenes([], tmp_path / "none", solids=0, boards=1)
