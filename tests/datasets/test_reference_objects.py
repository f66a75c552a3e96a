"""Plain folders as objects and references: layouts, splits, what is left out and why."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path

import pytest

from deocclude.datasets.reference_objects import LAYOUTS, _stated_credits, middle, open_source, split_of
from deocclude.datasets.reference_sample import SPLITS
from deocclude.datasets.whole_objects import whole_objects
from deocclude.errors import InputError
from deocclude.geometry import Size


def test_masks_with_their_credits_and_reasons(masks_folder):
    source = open_source(str(masks_folder))
    assert source.layout == "masks"
    assert len(source.objects) == 18
    assert source.failures == {"smaller than 48 px or 1000 pixels": 1}
    assert {item.category for item in source.objects} == {"box", "tile"}
    assert all(item.scene == item.whole.photo_key for item in source.objects)
    assert all(picture.credit.licence == "CC BY" for picture in source.pictures)
    assert source.pictures[0].credit.url == "http://example.org/0"
    assert all(0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1 for x0, y0, x1, y1 in (p.box for p in source.pictures))


@pytest.mark.parametrize(
    "content",
    ['{"licenses": [{"id": 1, "name": "MIT"}], "images": ["a.jpg"]}', '{"licenses": [], "images": [3]}', "[" * 100_000,
     '{"licenses": [{"id": 1, "name": 3}], "images": [{"file_name": "0.png", "license": 1}]}'],
    ids=range(4),
)  # fmt: skip
def test_other_files_beside_the_annotations_state_no_credits(content, tmp_path):
    (tmp_path / "other.json").write_text(content)
    assert _stated_credits(tmp_path) == {}


def test_folders_without_masks(views_folder, photos_folder):
    views, photos = open_source(str(views_folder)), open_source(str(photos_folder))
    assert (views.layout, len(views.objects), len({item.scene for item in views.objects})) == ("views", 24, 6)
    assert (photos.layout, len(photos.objects), len({item.scene for item in photos.objects})) == ("photos", 6, 3)
    classes = open_source(f"classes:{photos_folder}")
    assert {item.category for item in classes.objects} == {"astronaut", "chelsea", "coffee"}
    assert len({item.scene for item in classes.objects}) == 6
    assert all(item.whole.region for item in (*views.objects, *photos.objects))


@pytest.mark.parametrize("there", [".", "views:.", "below/..", "{}"])
def test_a_data_set_has_one_name_however_its_path_is_written(there, views_folder, tmp_path, monkeypatch):
    """Splits follow from it."""
    folder = Path(shutil.copytree(views_folder, tmp_path / "things"))
    (folder / "below").mkdir()
    monkeypatch.chdir(folder)
    source = open_source(there.format(folder))
    assert {picture.scene.partition("/")[0] for picture in source.pictures} == {"things"}


def test_an_annotation_file_in_the_current_folder_is_named_after_it(masks_folder, monkeypatch):
    monkeypatch.chdir(masks_folder)
    (file,) = Path().glob("*.json")
    keys = {item.whole.key for item in open_source(str(file)).objects}
    assert keys == {item.whole.key for item in open_source(str(masks_folder)).objects}
    assert {item.key for item in whole_objects(".")} == {item.key for item in whole_objects(masks_folder)}


def test_scenes_stay_together(views_folder, photos_folder, masks_folder):
    for data in (views_folder, photos_folder, masks_folder):
        source = open_source(str(data))
        splits = {}
        for item in (*source.objects, *source.pictures):
            split = split_of(item, 0.5)
            assert split in SPLITS
            assert splits.setdefault(item.scene, split) == split


def test_share_of_the_test_split():
    from deocclude.datasets.reference_objects import SourcePicture

    pictures = [SourcePicture("", None, f"set/{number}", "views") for number in range(2000)]
    for share in (0.0, 0.25, 1.0):
        found = [split_of(picture, share) for picture in pictures].count("test") / 2000
        assert found == pytest.approx(share, abs=0.03)
    kept = [split_of(picture, 0.25) for picture in pictures]
    assert 0.05 < kept.count("validation") / 1500 < 0.15


def test_masks_keep_the_held_out_tenth():
    from deocclude.datasets.held_out import is_validation
    from deocclude.datasets.reference_objects import SourcePicture

    names = [f"{number:012d}.jpg" for number in range(200)]
    for name in names:
        test = split_of(SourcePicture("", None, f"coco/{name}", "masks"), 0.9) == "test"
        assert test == is_validation(name)


def test_middle_is_fixed_by_the_name():
    first, again, other = (middle(Size(90, 120), key) for key in ("a", "a", "b"))
    assert first == again
    assert first != other
    assert 0.1 < first.area / (90 * 120) < 0.5


def test_middle_of_a_large_photo_takes_no_more_memory_than_a_few_copies_of_it():
    tracemalloc.start()
    try:
        assert middle(Size(3000, 4000), "a").area > 1_000_000
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_damaged_pictures_are_counted(views_folder, tmp_path):
    folder = shutil.copytree(views_folder, tmp_path / "views")
    (folder / "image00002.png").write_bytes(b"no picture")
    source = open_source(str(folder))
    assert source.failures == {"photo is damaged": 1}
    assert len(source.objects) == 23


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("nowhere", "nowhere: expected a data set: a folder or an annotation file, found nothing there"),
        ("view:nowhere", "layout: expected one of classes, masks, photos, views, found 'view'; did you mean 'views'"),
        ("views:nowhere", "nowhere: expected a data set"),
    ],
)
def test_bad_names(data, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as error:
        open_source(data)
    assert said in str(error.value)
    assert set(LAYOUTS) == {"masks", "views", "photos", "classes"}


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match="expected"):
        open_source(str(tmp_path))
    with pytest.raises(InputError, match="expected objects or pictures, found none"):
        open_source(f"photos:{tmp_path}")


def test_photos_in_folders_are_told_apart_and_split_by_their_names_alone(masks_folder, tmp_path):
    folder = Path(shutil.copytree(masks_folder, tmp_path / masks_folder.name))
    (annotations,) = folder.glob("*.json")
    content = json.loads(annotations.read_text())
    for number, image in enumerate(content["images"]):
        name = image["file_name"]
        image["file_name"] = f"part{number % 2}/{name}"
        (folder / "images" / f"part{number % 2}").mkdir(parents=True, exist_ok=True)
        next(folder.rglob(name)).rename(folder / "images" / image["file_name"])
    annotations.write_text(json.dumps(content))
    flat, sorted_in = open_source(str(masks_folder)), open_source(str(folder))
    assert [item.scene.rpartition("/")[2] for item in sorted_in.objects] == [
        item.scene.rpartition("/")[2] for item in flat.objects
    ]
    assert {item.scene.split("/")[1] for item in sorted_in.objects} == {"part0", "part1"}
    assert all(picture.credit for picture in sorted_in.pictures)
    assert [split_of(item) == "test" for item in sorted_in.objects] == [
        split_of(item) == "test" for item in flat.objects
    ]
