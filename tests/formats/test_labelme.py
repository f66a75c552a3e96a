"""LabelMe: every kind of shape, groups, damaged masks."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deocclude.errors import InputError
from deocclude.formats import read_scene
from deocclude.scene import Scene


def shape(kind: str | None, points: list[list[float]], **more: Any) -> dict[str, Any]:
    return {"label": "cup", "shape_type": kind, "points": points, "group_id": None, "flags": {}} | more


def read(folder: Path, *shapes: dict[str, Any], **top: Any) -> Scene:
    document = {"version": "5.2.1", "imagePath": "..\\photos\\a.jpg", "imageHeight": 8, "imageWidth": 10} | top
    path = folder / "a.json"
    path.write_text(json.dumps(document | {"shapes": shapes}))
    return read_scene(path)


def png(array: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("kind", ["polygon", None])
def test_polygon_includes_its_outline(kind: str | None, tmp_path: Path) -> None:
    scene = read(tmp_path, shape(kind, [[1, 1], [4, 1], [4, 5], [1, 5]]))
    expected = np.zeros((8, 10), bool)
    expected[1:6, 1:5] = True
    assert np.array_equal(scene[1].modal.to_array(), expected)
    assert (scene.image_file, scene[1].name) == ("photos/a.jpg", "cup")


def test_rectangle_from_any_two_corners(tmp_path: Path) -> None:
    scene = read(tmp_path, shape("rectangle", [[4, 5], [1, 1]]), shape("rectangle", [[1, 1], [4, 5]]))
    assert scene.modal[0] == scene.modal[1]
    assert (scene[1].modal.box, scene[1].modal.area) == ((1, 1, 5, 6), 20)


def test_rectangle_from_all_four_corners(tmp_path: Path) -> None:
    corners = [[1.3, 1.7], [4.6, 1.7], [4.6, 5.2], [1.3, 5.2]]
    scene = read(tmp_path, shape("rectangle", [corners[0], corners[2]]), shape("rectangle", corners))
    assert scene.modal[0] == scene.modal[1]


@pytest.mark.parametrize("kind", ["rectangle", "oriented_rectangle", "rotation"])
def test_tilted_rectangle_is_its_four_corners(kind: str, tmp_path: Path) -> None:
    corners = [[4, 1], [7, 4], [4, 7], [1, 4]]
    scene = read(tmp_path, shape("polygon", corners), shape(kind, corners, direction=0.7))
    assert scene.modal[0] == scene.modal[1]
    assert scene[1].modal.area == 25


def test_circle_is_centre_and_rim(tmp_path: Path) -> None:
    mask = read(tmp_path, shape("circle", [[4, 4], [4, 6]]))[1].modal
    assert mask.box == (2, 2, 7, 7)
    assert 12 <= mask.area <= 24


def test_shapes_beyond_the_border_are_cut(tmp_path: Path) -> None:
    scene = read(
        tmp_path, shape("rectangle", [[-5, -5], [2, 30]]), shape("polygon", [[8, 0], [20, 0], [20, 20], [8, 20]])
    )
    assert [mask.box for mask in scene.modal] == [(0, 0, 3, 8), (8, 0, 10, 8)]


@pytest.mark.parametrize("value", [1, 255])
def test_embedded_mask(value: int, tmp_path: Path) -> None:
    pixels = np.array([[0, value, value], [value, 0, 0]], np.uint8)
    mask = read(tmp_path, shape("mask", [[6, 3], [8, 4]], mask=png(pixels)))[1].modal
    assert np.array_equal(mask.to_array()[3:5, 6:9], pixels > 0)
    assert mask.area == 3


def test_embedded_mask_dragged_between_pixels(tmp_path: Path) -> None:
    pixels = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)
    mask = read(tmp_path, shape("mask", [[5.6, 2.5], [7.4, 3.6]], mask=png(pixels)))[1].modal
    assert np.array_equal(mask.to_array()[2:4, 6:9], pixels > 0)
    assert mask.area == 3


def test_groups_are_one_object_and_give_its_id(tmp_path: Path) -> None:
    left, right = [[0, 0], [1, 1]], [[5, 5], [6, 6]]
    scene = read(tmp_path, shape("rectangle", left, group_id=7), shape("rectangle", right, group_id=7))
    assert (scene.ids, scene[7].modal.area) == ((7,), 8)
    scene = read(tmp_path, shape("rectangle", left, group_id=7), shape("rectangle", right))
    assert scene.ids == (1, 2)
    scene = read(tmp_path, shape("rectangle", left, group_id=7), shape("rectangle", right, group_id=7, label="dog"))
    assert (scene.ids, [item.name for item in scene.instances]) == ((1, 2), ["cup", "dog"])


def test_shapes_without_an_area_are_left_out_and_counted(tmp_path: Path) -> None:
    box = shape("rectangle", [[0, 0], [1, 1]], group_id=7)
    tips = [shape("point", [[2, 2]], label="tip"), shape("point", [[3, 3]], label="tip")]
    scene = read(tmp_path, tips[0], box, shape("linestrip", [[0, 0], [1, 1]], group_id=7), tips[1])
    assert (scene.ids, scene[7].modal.area) == ((7,), 4)
    assert scene.notes == ("3 shapes without an area are left out: 2 point 'tip', 1 linestrip 'cup'",)
    assert read(tmp_path, box).notes == ()


BAD = [
    (
        shape("cuboid", [[0, 0], [1, 1]]),
        r"shape_type: expected one of polygon, .* found the text 'cuboid'; only shapes with",
    ),
    (
        shape("line", [[0, 0], [1, 1]]),
        r"at least one object, found none \(1 shape without an area is left out: 1 line 'cup'\)",
    ),
    (
        shape("polygon", [[0, 0], [1, 1]]),
        "expected 3 or more points for shape_type polygon, found 2",
    ),
    (shape("circle", [[0, 0]]), "expected 2 points for shape_type circle, found 1"),
    (shape("rectangle", [[0, 0], [1, 1], [2, 2]]), "expected 2 or 4 points for shape_type rectangle, found 3"),
    (shape("oriented_rectangle", [[0, 0], [1, 1]]), "expected 4 points for shape_type oriented_rectangle, found 2"),
    (shape("mask", [[0, 0], [1, 1]], mask=png(np.ones((2, 2, 3), np.uint8))), "found one of shape 3x2x2"),
    (shape("polygon", [[0, 0], [1, 1], [2]]), r"points: expected points \[x, y\]"),
    (shape("polygon", [[0, 0], [1, 1], [2, "3"]]), "points: expected a number, found the text '3'"),
    (shape("polygon", [[0, 0], [1, 1], [2, 1e9]]), "points near the picture"),
    (shape("mask", [[0, 0], [1, 1]], mask="???"), "mask: expected a PNG in base64"),
    (shape("mask", [[0, 0], [1, 1]]), "mask: expected a PNG in base64"),
    (
        shape("mask", [[0, 0], [1, 1]], mask=png(np.ones((3, 2), np.uint8))),
        "a picture of 2x2 .* found one of shape 2x3",
    ),
    (shape("rectangle", [[20, 20], [30, 30]]), r"object 1 \(cup\): expected a visible mask with at least one pixel"),
    (shape("rectangle", [[0, 0], [3, 3]], group_id="a"), "group_id: expected a whole number"),
]


@pytest.mark.parametrize(("bad", "text"), BAD)
def test_bad_shapes(bad: dict[str, Any], text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=text):
        read(tmp_path, bad)


def test_size_is_half_stated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="imageHeight: expected a whole number, found null"):
        read(tmp_path, shape("rectangle", [[0, 0], [3, 3]]), imageHeight=None)
