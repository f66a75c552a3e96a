"""Lists of run-length masks: SAM's generator, bare lists, SA-1B files, detectors' results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deocclude import rle
from deocclude.errors import InputError
from deocclude.formats import list_images, read_scene
from deocclude.geometry import Size
from deocclude.masks import Mask

MASK = Mask.from_array(np.arange(80).reshape(8, 10) % 7 == 2)
PACKED, PLAIN = rle.encode(MASK), {"size": [8, 10], "counts": rle.counts(MASK)}
ENTRY = {
    "segmentation": PACKED,
    "area": MASK.area,
    "bbox": [0, 0, 10, 8],
    "predicted_iou": 0.93,
    "point_coords": [[3.0, 4.0]],
    "stability_score": 0.97,
    "crop_box": [0, 0, 10, 8],
}


def write(folder: Path, document: Any) -> Path:
    path = folder / "sam.json"
    path.write_text(json.dumps(document))
    return path


def test_mask_generator(tmp_path: Path) -> None:
    scene = read_scene(write(tmp_path, [ENTRY, ENTRY | {"segmentation": PLAIN, "predicted_iou": None}]))
    assert scene.modal == (MASK, MASK)
    assert [(item.id, item.score) for item in scene.instances] == [(1, 0.93), (2, None)]


@pytest.mark.parametrize("values", [bool, int, float, lambda value: 255 * int(value)])
def test_masks_as_rows_of_pixels(tmp_path: Path, values: Callable[[bool], object]) -> None:
    rows = [[values(pixel) for pixel in row] for row in MASK.to_array().tolist()]
    scene = read_scene(write(tmp_path, [ENTRY | {"segmentation": rows}]), photo_size=Size(8, 10))
    assert scene.modal == (MASK,)


def test_rows_of_true_and_false_state_the_size(tmp_path: Path) -> None:
    scene = read_scene(write(tmp_path, [ENTRY | {"segmentation": MASK.to_array().tolist()}]))
    assert (scene.size, scene.modal) == (Size(8, 10), (MASK,))


@pytest.mark.parametrize("values", [bool, int])
def test_rows_of_another_size_are_refused(tmp_path: Path, values: Callable[[bool], object]) -> None:
    rows = [[values(pixel) for pixel in row] for row in MASK.to_array().tolist()]
    path = write(tmp_path, [ENTRY, ENTRY | {"segmentation": rows[:5]}])
    with pytest.raises(InputError, match=r"\[1\].segmentation: expected a mask of 10x8, found one of 10x5"):
        read_scene(path)


def test_polygons_with_the_corners_of_a_square_stay_polygons(tmp_path: Path) -> None:
    square = [[0, 0, 5, 0, 5, 5, 0, 5], [0, 0, 5, 0, 5, 5, 0, 5]]
    scene = read_scene(write(tmp_path, [ENTRY | {"segmentation": square}]), photo_size=Size(8, 10))
    assert scene.modal[0].area == 25


def test_bare_run_lengths(tmp_path: Path) -> None:
    scene = read_scene(write(tmp_path, [PACKED, PLAIN]))
    assert (scene.size, scene.ids, scene.modal) == (Size(8, 10), (1, 2), (MASK, MASK))


def test_sa1b_file(tmp_path: Path) -> None:
    image = {"image_id": 11, "width": 10, "height": 8, "file_name": "sa_11.jpg"}
    path = write(tmp_path, {"image": image, "annotations": [ENTRY | {"id": 532_680_571}]})
    assert (read_scene(path).image_file, read_scene(path).image_id, read_scene(path).ids) == ("sa_11.jpg", 11, (1,))


def test_results_of_many_images_are_grouped(tmp_path: Path) -> None:
    entries = [{"image_id": n, "category_id": 3, "segmentation": PACKED, "score": n / 10} for n in (5, 6, 5)]
    path = write(tmp_path, entries)
    assert [entry.image_id for entry in list_images(path)] == [5, 6]
    assert [item.score for item in read_scene(path, image_id=5).instances] == [0.5, 0.5]


def test_masks_of_two_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\[1\].segmentation.size: expected a mask of 10x8, found one of 2x2"):
        read_scene(write(tmp_path, [PACKED, {"size": [2, 2], "counts": [0, 4]}]))
