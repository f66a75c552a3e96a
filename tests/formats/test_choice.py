"""Formats are told by content, images are picked by id or name, and bad input gets one clear line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deocclude.errors import InputError
from deocclude.formats import list_images, read_scene, read_scenes, recognise
from deocclude.geometry import Size

SQUARE = {"size": [3, 4], "counts": [0, 6, 6]}


def coco(images: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a COCO document with one object an image, the first one changed."""
    annotations: list[dict[str, Any]] = [
        {"id": 900 + n, "image_id": n, "category_id": 1, "segmentation": SQUARE} for n in range(1, images + 1)
    ]
    annotations[0] |= changes
    entries = [{"id": n, "file_name": f"photo{n}.jpg", "width": 4, "height": 3} for n in range(1, images + 1)]
    return {"images": entries, "annotations": annotations, "categories": [{"id": 1, "name": "dog"}]}


def write(folder: Path, document: Any, name: str = "masks.json") -> Path:
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (coco(), "coco"),
        ({"regions": []}, "cocoa"),
        ({"images": [], "annotations": [{"regions": []}]}, "cocoa"),
        (coco(inmodal_seg=SQUARE), "kins"),
        (coco(i_segm=SQUARE, a_segm=SQUARE), "kins"),
        (coco() | {"annotations": [*coco()["annotations"], {"inmodal_seg": SQUARE}]}, "kins"),
        ({"images": [], "annotations": [{}, {"regions": []}]}, "cocoa"),
        ([SQUARE], "sam"),
        ([{"segmentation": SQUARE}], "sam"),
        ({"image": {}, "annotations": []}, "sam"),
        ({"shapes": []}, "labelme"),
    ],
)
def test_json_is_recognised_by_content_not_by_name(document: Any, name: str, tmp_path: Path) -> None:
    assert recognise(write(tmp_path, document, "file.of_no_kind")) == name


def test_folders_are_recognised(tmp_path: Path) -> None:
    Image.fromarray(np.eye(3, dtype=np.uint8)).save(tmp_path / "a.png")
    assert recognise(tmp_path) == "mask-folder"
    write(tmp_path, {"settings": 1}, "metadata.json")
    assert recognise(tmp_path) == "mask-folder"
    write(tmp_path, coco())
    assert recognise(tmp_path) == "coco"
    assert len(read_scene(tmp_path, format="mask-folder")) == 1


def test_images_are_picked_by_id_name_or_stem(tmp_path: Path) -> None:
    path = write(tmp_path, coco(3))
    assert [entry.image_id for entry in list_images(path)] == [1, 2, 3]
    assert list_images(path)[0].size == Size(3, 4)
    assert read_scene(path, image_id="2").image_id == 2
    assert read_scene(path, photo_name="/somewhere/photo3.jpg").image_id == 3
    assert read_scene(path, photo_name="photo3.png").image_id == 3
    assert read_scene(path, photo_name="photo3.jpg", image_id=1).image_id == 1


def in_folders(folder: Path, *names: str) -> Path:
    document = coco(len(names))
    for entry, name in zip(document["images"], names, strict=True):
        entry["file_name"] = name
    return write(folder, document)


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ("a/1.jpg", "a/1.jpg"),
        ("a\\1.jpg", "a/1.jpg"),
        ("./a//1.jpg", "a/1.jpg"),
        ("..\\..\\a\\1.jpg", "a/1.jpg"),
        ("/data/a/1.jpg", "data/a/1.jpg"),
        ("C:\\data\\1.jpg", "data/1.jpg"),
        ("http://images.example/a/1.jpg", "1.jpg"),
    ],
)
def test_names_of_photos_keep_their_folders(stated: str, kept: str, tmp_path: Path) -> None:
    path = in_folders(tmp_path, stated)
    assert list_images(path)[0].file_name == kept
    assert read_scene(path).image_file == kept


def test_photos_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    path = in_folders(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.jpg", "1.jpg", "c/3.jpg")
    assert read_scene(path, photo_name="/photos/b/1.jpg").image_id == 2
    assert read_scene(path, photo_name="/photos/a/1.png").image_id == 1
    assert read_scene(path, photo_name="/photos/1.jpg").image_id == 4
    assert read_scene(path, photo_name="/moved/2.jpg").image_id == 3
    with pytest.raises(InputError, match=r"2 of them named '1\.jpg'; pick one with --image-id, one of 1, 2"):
        read_scene(in_folders(tmp_path, "a/1.jpg", "b/1.jpg", "b/2.jpg"), photo_name="1.jpg")


def test_folder_of_json_files_holds_all_their_images(tmp_path: Path) -> None:
    for n in (10, 2, 1):
        write(
            tmp_path,
            {"image_id": n, "regions": [{"segmentation": [0, 0, 2, 0, 2, 2], "visible_mask": SQUARE}]},
            f"{n}.json",
        )
    assert [scene.image_id for scene in read_scenes(tmp_path)] == [1, 2, 10]
    assert read_scene(tmp_path, image_id=10).image_id == 10
    with pytest.raises(InputError, match="found 3 images; pick one with --image-id, one of 1, 2, 10"):
        read_scene(tmp_path)


def test_images_without_objects_are_passed_over(tmp_path: Path) -> None:
    document = coco(2)
    del document["annotations"][0]
    path = write(tmp_path, document)
    assert [scene.image_id for scene in read_scenes(path)] == [2]
    with pytest.raises(InputError, match="expected at least one object, found none"):
        read_scene(path, image_id=1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_json_as_windows_writes_it(encoding: str, tmp_path: Path) -> None:
    text = " \r\n" + json.dumps(coco(name="Löwe"), ensure_ascii=False)
    (tmp_path / "masks.json").write_bytes(text.encode(encoding))
    assert read_scene(tmp_path / "masks.json").instances[0].name == "Löwe"


BAD = [
    ('{"images": [{"id": 1, "file_na', "expected complete JSON, found a file that is cut off"),
    ('{"images": [1,, 2]}', r"damage \(Expecting value in line 1, column 15\)"),
    ("", "expected a file of masks, found an empty file"),
    ("hello", "found a file of another kind"),
    (
        {"settings": 1, "x": 2},
        "expected masks in a known format, found JSON: an object with 'settings', 'x'; known are",
    ),
    ([{"boxes": 1}], "found a JSON list that starts with an object with 'boxes'"),
    ([], "expected at least one object, found none"),
    (coco(3), "expected one image, found 3 images; pick one with --image-id, one of 1, 2, 3"),
    (coco() | {"annotations": []}, "expected at least one object, found none"),
    (coco() | {"images": []}, "expected at least one image, found none"),
    (coco() | {"annotations": [*coco()["annotations"] * 2]}, r"annotations\[1\].id: .* found 901 twice"),
    (coco() | {"images": coco()["images"] * 2}, r"images\[1\].id: expected image ids that occur once, found 1 twice"),
    (coco() | {"annotations": None}, r"annotations: expected a list \[...\], found null"),
    (coco() | {"annotations": [3]}, r"annotations\[0\]: expected an object \{...\}, found 3"),
    (coco(image_id=None), r"annotations\[0\].image_id: expected a whole number or a text, found null"),
    (coco(id="x"), r"annotations\[0\].id: expected a whole number, found the text 'x'"),
    (coco(category_id=1.5), r"category_id: expected a whole number, found 1.5"),
    (coco(name=3), r"name: expected a text, found 3"),
    (coco(iscrowd=2), r"iscrowd: expected 0 or 1, found 2"),
    (coco(score="high"), r"score: expected a number, found the text 'high'"),
    (coco(segmentation={"size": [3, 4], "counts": [0, 6, 5]}), r"add up to 11, but the size 4x3 has 12 pixels"),
    (coco(segmentation={"size": [3, 4], "counts": "o"}), "run-length text is damaged or cut off"),
    (
        coco(segmentation={"size": [3, 5], "counts": [15]}),
        r"segmentation.size: expected a mask of 4x3, found one of 5x3",
    ),
    (coco(segmentation={"size": [3], "counts": [15]}), r"segmentation.size: expected \[height, width\]"),
    (coco(segmentation={"counts": [15]}), r"segmentation.size: expected a list \[...\], found nothing"),
    (coco(segmentation={"size": [3, 4]}), r"segmentation.counts: expected a run-length text or .*, found nothing"),
    (coco(segmentation=[[0, 0, 1]]), "a polygon needs at least three points x, y, found 3 numbers"),
    (coco(segmentation=[[0, 0, 1, 1, 2, None]]), "segmentation: expected a number, found null"),
    (coco(segmentation=[[0, 0, 1e8, 1, 2, 2]]), "a coordinate far outside the picture"),
    (coco(segmentation="x"), "expected run lengths .* found the text 'x'"),
    (coco(segmentation=[]), r"object 901 \(dog\): expected a visible mask with at least one pixel, found an empty one"),
    (coco(segmentation={"size": [10**5, 10**5], "counts": [10**10]}), "expected a picture size of 1 to [0-9]+ million"),
]


@pytest.mark.parametrize(("document", "text"), BAD)
def test_bad_json_gets_one_clear_line(document: Any, text: str, tmp_path: Path) -> None:
    path = write(tmp_path, document)
    with pytest.raises(InputError, match=text) as caught:
        read_scene(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_missing_path(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"none\.json: expected a file or folder of masks, found no such file or folder"
    ):
        read_scene(tmp_path / "none.json")


def test_folders_without_masks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected masks in a known format, found an empty folder"):
        read_scene(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="found a folder without mask PNGs or JSON files of these formats"):
        read_scene(tmp_path)


def test_missing_image_id(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"image id: expected the id of an image [(]9 in all[)], such as 1, 2, 3, 4, 5, found 77"
    ):
        read_scene(write(tmp_path, coco(9)), image_id=77)


def test_unknown_photo_name(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"found 2 images, none of them named 'x\.jpg'; pick one with --image-id, one of 1, 2"
    ):
        read_scene(write(tmp_path, coco(2)), photo_name="x.jpg")


def test_wrong_format_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'coco'"):
        read_scene(write(tmp_path, coco()), format="cocoo")
    with pytest.raises(InputError, match="shapes: expected a list"):
        read_scene(write(tmp_path, coco()), format="labelme")
    with pytest.raises(InputError, match="expected a label picture, found JSON"):
        read_scene(write(tmp_path, coco()), format="label-png")


def test_size_of_the_photo(tmp_path: Path) -> None:
    path = write(tmp_path, coco())
    assert read_scene(path, photo_size=Size(3, 4)).size == Size(3, 4)
    with pytest.raises(InputError, match="expected masks of the photo's size 5x4, found masks of 4x3"):
        read_scene(path, photo_size=Size(4, 5))
    with pytest.raises(InputError, match="before its EXIF orientation is applied"):
        read_scene(path, photo_size=Size(4, 3))


def test_unknown_size_is_taken_from_the_photo(tmp_path: Path) -> None:
    path = write(tmp_path, {"image_id": 1, "regions": [{"segmentation": [0, 0, 2, 0, 2, 2]}]})
    with pytest.raises(InputError, match="expected the size of the photo, found none in the file"):
        read_scene(path)
    assert read_scene(path, photo_size=Size(3, 4)).size == Size(3, 4)


def test_empty_objects_are_skipped_or_kept_on_demand(tmp_path: Path) -> None:
    document = coco(segmentation=[])
    document["annotations"].append({"id": 950, "image_id": 1, "segmentation": SQUARE})
    path = write(tmp_path, document)
    assert read_scene(path, skip_empty=True).ids == (950,)
    assert [scene.ids for scene in read_scenes(path, allow_empty=True)] == [(901, 950)]
    with pytest.raises(InputError, match="--skip-empty"):
        next(read_scenes(path))


def test_importing_formats_is_light() -> None:
    code = (
        "import sys, deocclude.formats; print({'torch', 'cv2', 'scipy', 'skimage', 'pycocotools'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_folder_of_files_without_image_ids(tmp_path: Path) -> None:
    shape = {"shape_type": "rectangle", "points": [[0, 0], [2, 2]], "label": "a"}
    for name in ("a", "b"):
        top = {"shapes": [shape], "imagePath": f"{name}.jpg", "imageHeight": 3, "imageWidth": 4}
        write(tmp_path, top, f"{name}.json")
    assert read_scene(tmp_path, photo_name="b.jpg").image_file == "b.jpg"
    with pytest.raises(InputError, match="or name the file of this photo, since these have no image ids"):
        read_scene(tmp_path, photo_name="c.jpg")


def test_a_file_named_like_the_photo_is_taken_where_no_image_is(tmp_path: Path) -> None:
    for number in (1, 2):
        regions = [{"name": str(number), "segmentation": [0, 0, 2, 0, 2, 2, 0, 2], "order": 1}]
        top = {
            "image_id": number,
            "images": [{"id": number, "file_name": f"COCO_{number}.jpg", "width": 4, "height": 3}],
        }
        write(tmp_path, top | {"annotations": [{"image_id": number, "regions": regions}]}, f"{number}.json")
    assert read_scene(tmp_path, photo_name="photos/2.jpg").image_file == "COCO_2.jpg"
    with pytest.raises(InputError, match="none of them named"):
        read_scene(tmp_path, photo_name="3.jpg")
