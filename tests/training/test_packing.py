"""Packs: geometry of the crops, neighbours, the split, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deocclude.datasets.held_out import is_validation
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene
from deocclude.training.packing import (
    MASK_MARGIN,
    Pack,
    PackSettings,
    hull_growth,
    open_pack,
    write_pack,
)


def one_object(array: np.ndarray, name: str = "photo.jpg") -> Scene:
    mask = Mask.from_array(array)
    return Scene(mask.size, (Instance(1, mask),), image_file=name)


@pytest.mark.parametrize("side", [40, 400])
def test_crop_covers_the_square_around_the_box(tmp_path: Path, side: int):
    array = np.zeros((600, 700), bool)
    array[50 : 50 + side // 2, 100 : 100 + side] = True
    write_pack([one_object(array)], tmp_path / "pack", PackSettings(crop_size=110))
    pack = open_pack(tmp_path / "pack")
    assert pack.windows[0].tolist() == pytest.approx([100 + side / 2, 50 + side / 4, MASK_MARGIN * side])
    inside = pack.crops[0] > 127
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert (columns[0], columns[-1]) == (5, 104)
    assert (rows[0], rows[-1]) == (30, 79)
    assert not pack.truncated[0]


def test_crops_are_written_as_they_come_and_as_numpy_does(tmp_path: Path):
    array = np.zeros((90, 120), bool)
    array[10:80, 10:100] = True
    grown = []

    def scenes():
        for number in range(12):
            yield one_object(array, f"{number}.jpg")
            grown.append(next(tmp_path.glob(".pack.*/crops.npy")).stat().st_size)

    assert write_pack(scenes(), tmp_path / "pack", PackSettings(crop_size=110)) == 12
    assert grown[2] > 110 * 110
    np.save(tmp_path / "same.npy", np.array(open_pack(tmp_path / "pack").crops))
    assert (tmp_path / "pack" / "crops.npy").read_bytes() == (tmp_path / "same.npy").read_bytes()


def test_objects_at_the_border_count_as_truncated(tmp_path: Path):
    inner, outer = np.zeros((2, 200, 200), bool)
    inner[10:90, 10:90] = True
    outer[2:90, 50:130] = True
    write_pack([one_object(inner), one_object(outer)], tmp_path / "pack")
    assert open_pack(tmp_path / "pack").truncated.tolist() == [False, True]


def test_touching_objects_are_paired_and_the_notched_one_grows(pack: Pack):
    first = pack.pairs[0]
    assert pack.image_keys[first[0]] == pack.image_keys[first[1]]
    front, behind = pack.hull_growth[0]
    assert front == 0
    assert behind == pytest.approx(60 * 20 / (100 * 100 - 60 * 20), rel=0.1)


def test_hull_growth_counts_only_what_the_other_covers():
    notched = np.ones((40, 40), bool)
    notched[10:30, 20:] = False
    other = np.zeros((40, 40), bool)
    other[10:20, 30:] = True
    canvas = Size(40, 40)
    grown = hull_growth(Mask.from_crop(notched, (0, 0), canvas), Mask.from_crop(other, (0, 0), canvas))
    assert grown == pytest.approx(100 / 1200, rel=0.02)


def test_the_split_is_by_photo_and_about_a_tenth():
    names = [f"{k:012d}.jpg" for k in range(3000)]
    share = np.mean([is_validation(name) for name in names])
    assert 0.08 < share < 0.12
    assert is_validation(names[0]) == is_validation(names[0])


@pytest.mark.parametrize(("height", "width"), [(20, 20), (250, 10)])
def test_no_usable_object_is_one_line(tmp_path: Path, height: int, width: int):
    array = np.zeros((300, 300), bool)
    array[5 : 5 + height, 5 : 5 + width] = True
    with pytest.raises(InputError, match=r"expected an object of at least 32 px.*none in the training set"):
        write_pack([one_object(array)], tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_absent_damaged_and_old_packs_are_refused(pack_folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="run 'deocclude train pack' first"):
        open_pack(tmp_path / "nowhere")
    copy = tmp_path / "copy"
    shutil.copytree(pack_folder, copy)
    crops = copy / "crops.npy"
    crops.write_bytes(crops.read_bytes()[:-100])
    with pytest.raises(InputError, match="copy: expected a complete pack, found a damaged one"):
        open_pack(copy)
    meta = json.loads((copy / "pack.json").read_text())
    (copy / "pack.json").write_text(json.dumps({**meta, "version": 0}))
    with pytest.raises(InputError, match="version: expected version 2, found 0"):
        open_pack(copy)


def test_crops_are_memory_mapped(pack: Pack):
    assert isinstance(pack.crops, np.memmap)
    assert len(replace(pack)) == pack.meta["objects"] == 100
