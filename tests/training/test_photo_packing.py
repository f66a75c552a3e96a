"""Packs of photos: squares, masks of another resolution, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene
from deocclude.training.packing import open_pack
from deocclude.training.photo_packing import (
    PhotoPackSettings,
    open_photo_pack,
    photo_fingerprint,
    write_photo_pack,
)
from deocclude.training.photos import PackedPhotos
from deocclude.training.sources import pack_photos


def small(**changes: int) -> PhotoPackSettings:
    return PhotoPackSettings(**{"side": 64, "min_side": 16, "min_area": 100, **changes})


def square_at(x: int, y: int, side: int, size: Size) -> Mask:
    return Mask.from_crop(np.ones((side, side), bool), (x, y), size)


@pytest.mark.parametrize(("width", "squares"), [(128, 1), (150, 1), (200, 2)])
def test_long_photos_give_two_squares(tmp_path: Path, width: int, squares: int):
    scene = Scene(Size(128, width), (Instance(1, square_at(20, 30, 60, Size(128, width))),), image_file="a.png")
    photo = np.zeros((128, width, 3), np.uint8)
    assert write_photo_pack([scene], tmp_path / "pack", lambda _: photo, small()) == 1
    pack = open_photo_pack(tmp_path / "pack")
    assert pack.image_keys.tolist() == ["a.png"] * squares
    assert pack.rgb(squares - 1).shape == (64, 64, 3)


def test_masks_follow_a_photo_of_another_resolution(tmp_path: Path):
    size = Size(400, 400)
    photo = np.zeros((100, 100, 3), np.uint8)
    photo[25:75, 30:80] = 255
    scene = Scene(size, (Instance(1, square_at(120, 100, 200, size)),), image_file="a.png")
    write_photo_pack([scene], tmp_path / "pack", lambda _: photo, small(quality=100))
    pack = open_photo_pack(tmp_path / "pack")
    assert pack.boxes[0].tolist() == [19, 16, 51, 48]
    assert pack.areas[0] == 32 * 32 and not pack.truncated[0]
    inside, bright = pack.label_map(0) == pack.values[0], pack.rgb(0).mean(2) > 127
    assert (inside == bright).mean() > 0.98


def test_an_object_belongs_to_the_square_that_shows_most_of_it(tmp_path: Path):
    size = Size(128, 256)
    objects = (square_at(10, 10, 60, size), square_at(170, 20, 60, size), square_at(100, 30, 60, size))
    scene = Scene(size, tuple(Instance(k + 1, mask) for k, mask in enumerate(objects)), image_file="a.png")
    write_photo_pack([scene], tmp_path / "pack", lambda _: np.zeros((128, 256, 3), np.uint8), small())
    pack = open_photo_pack(tmp_path / "pack")
    assert sorted(pack.squares.tolist()) == [0, 1, 1]
    assert pack.truncated.sum() == 1  # the one in the middle is cut in two


def test_small_objects_lie_on_large_ones(tmp_path: Path):
    size = Size(64, 64)
    inner, outer = square_at(20, 20, 20, size), square_at(5, 5, 50, size)
    scene = Scene(size, (Instance(1, inner), Instance(2, outer)), image_file="a.png")
    write_photo_pack([scene], tmp_path / "pack", lambda _: np.zeros((64, 64, 3), np.uint8), small())
    assert sorted(open_photo_pack(tmp_path / "pack").areas.tolist()) == [400, 2100]


def test_photos_without_an_object_are_packed_too(tmp_path: Path):
    square = [10, 10, 60, 10, 60, 60, 10, 60]
    content = {
        "images": [{"id": k, "file_name": f"{k}.png", "width": 80, "height": 80} for k in (1, 2)],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "segmentation": [square]}],
        "categories": [{"id": 1, "name": "box"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    for k in (1, 2):
        Image.fromarray(np.full((80, 80, 3), 40 * k, np.uint8)).save(tmp_path / f"{k}.png")
    assert pack_photos([tmp_path / "instances.json"], tmp_path / "pack", small()) == 1
    pack = open_photo_pack(tmp_path / "pack")
    assert pack.image_keys.tolist() == ["1.png", "2.png"]
    assert abs(int(pack.rgb(1).mean()) - 80) < 3
    assert pack.meta["photos"] == 2 and pack.meta["objects"] == 1


def test_no_usable_object_is_one_line(tmp_path: Path):
    scene = Scene(Size(64, 64), (), image_file="a.png")
    with pytest.raises(InputError, match=r"expected an object of at least 16 px.*none in the training set"):
        write_photo_pack([scene], tmp_path / "pack", lambda _: np.zeros((64, 64, 3), np.uint8), small())
    assert not (tmp_path / "pack").exists()


def test_packs_of_another_kind_are_told_apart(pack_folder: Path, photo_pack_folder: Path):
    with pytest.raises(InputError, match=r"a pack of photos, found one of masks.*'deocclude train pack-photos'"):
        open_photo_pack(pack_folder)
    with pytest.raises(InputError, match=r"a pack of masks, found one of photos"):
        open_pack(photo_pack_folder)


def test_absent_damaged_and_old_packs_are_refused(photo_pack_folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="run 'deocclude train pack-photos' first"):
        open_photo_pack(tmp_path / "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(photo_pack_folder, copy)
    photos = (copy / "photos.bin").read_bytes()
    (copy / "photos.bin").write_bytes(photos[:-100])
    with pytest.raises(InputError, match="copy: expected a complete pack, found a damaged one"):
        open_photo_pack(copy)
    (copy / "photos.bin").write_bytes(bytes(len(photos)))
    with pytest.raises(InputError, match="a damaged picture"):
        open_photo_pack(copy).rgb(0)
    meta = json.loads((copy / "pack.json").read_text())
    (copy / "pack.json").write_text(json.dumps({**meta, "version": 0}))
    with pytest.raises(InputError, match="version: expected version 1, found 0"):
        open_photo_pack(copy)


def test_the_fingerprint_follows_the_photos(photo_pack_folder: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(photo_pack_folder, copy)
    assert photo_fingerprint(open_photo_pack(copy)) == photo_fingerprint(open_photo_pack(photo_pack_folder))
    content = bytearray((copy / "photos.bin").read_bytes())
    content[101 * 7] ^= 255
    (copy / "photos.bin").write_bytes(bytes(content))
    assert photo_fingerprint(open_photo_pack(copy)) != photo_fingerprint(open_photo_pack(photo_pack_folder))


def test_the_sides_of_the_split_share_no_photo(photo_pack_folder: Path):
    pack = open_photo_pack(photo_pack_folder)
    train, held_out = (PackedPhotos(pack, validation=side) for side in (False, True))
    assert len(train) + len(held_out) == pack.meta["objects"]
    assert len(train.rgb) + len(held_out.rgb) == len(pack.image_keys)
    assert len(held_out) == pack.meta["validation_objects"] > 0


def test_shapes_lie_where_the_objects_lie(photo_pack_folder: Path):
    photos = PackedPhotos(open_photo_pack(photo_pack_folder), validation=True)
    for row in range(len(photos)):
        x, y, half = (photos.places[row] * photos.side / 2).tolist()
        share = float((photos.shapes[row] > 127).float().mean())
        area = share * (2 * half) ** 2
        rgb = photos.rgb[photos.squares[row]].float()
        strong = (rgb[:2].max(0).values > 105).sum()  # red and green discs of this square
        assert area <= float(strong) * 1.1
        centre = rgb[:, int(y + photos.side / 2), int(x + photos.side / 2)]
        assert int(centre.argmax()) in (0, 1)
