"""Whatever a file holds, reading it gives scenes or one InputError, never another exception."""

from __future__ import annotations

import copy
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.errors import InputError
from deocclude.formats import FORMATS, list_images, read_scene, read_scenes, recognise, write_scene
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

ARRAY = np.arange(30).reshape(5, 6) % 3 == 0
SCENE = Scene(
    Size(5, 6),
    tuple(
        Instance(n, Mask.from_array(mask), "cup", Mask.from_array(mask), "dog", 3, depth_rank=1, cluster=2, score=0.5)
        for n, mask in ((1, ARRAY), (2, ~ARRAY))
    ),
    "photo.png",
    7,
    frozenset({(1, 2)}),
)
JSON_FORMATS = ("coco", "cocoa", "kins", "sam", "labelme")
KEYS = ("images", "annotations", "regions", "shapes", "segmentation", "size", "counts", "image", "id", "categories")
HOSTILE_RLE = (
    {"size": [5, 6], "counts": [30]},
    {"size": [5, 6], "counts": "`"},
    {"size": [5, 6], "counts": "oooooooooooooooooooooo"},
    {"size": [1, 1], "counts": "0" * 50},
    {"size": [2**40, 2**40], "counts": [2**62] * 4},
    {"size": [10**6, 10**6], "counts": [0, 10**12]},
)
HOSTILE_LISTS = ([], [[]], [{}], [None], [1, 1, 2, 2, 3, 1], [[1e9, 1, 2, 2, 3, 1]], [5, 6])
HOSTILE_NUMBERS = (-1, 0, 2**70, -(2**70), 1e300, float("nan"), float("inf"), True)
HOSTILE = st.sampled_from([*HOSTILE_RLE, *HOSTILE_LISTS, *HOSTILE_NUMBERS, {}, "", "1", "\ud800", "iVBORw0KGgo="])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | HOSTILE
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def read_everything(path: Path, name: str | None = None) -> None:
    with suppress(InputError):
        recognise(path)
    for size in (None, Size(5, 6)):
        with suppress(InputError):
            read_scene(path, photo_size=size, format=name, photo_name="photo.png")
    with suppress(InputError):
        entries = list_images(path, format=name)
        with suppress(InputError):
            read_scene(path, image_id=entries[0].image_id, format=name)
    with suppress(InputError):
        list(read_scenes(path, format=name, skip_empty=True))


def valid_documents() -> dict[str, Any]:
    documents = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in JSON_FORMATS:
            path = Path(folder) / f"{name}.json"
            write_scene(SCENE, path, name)
            documents[name] = json.loads(path.read_text())
    polygon = [1, 1, 4, 1, 4, 4]
    documents["coco_polygons"] = copy.deepcopy(documents["coco"])
    documents["coco_polygons"]["annotations"][0]["segmentation"] = [polygon, polygon]
    documents["cocoa_polygon"] = copy.deepcopy(documents["cocoa"])
    for region in documents["cocoa_polygon"]["regions"]:
        del region["amodal_mask"], region["visible_mask"]
    shapes = [("polygon", [[0, 0], [3, 0], [3, 3]]), ("rectangle", [[1, 1], [4, 3]]), ("circle", [[2, 2], [2, 4]])]
    documents["labelme_shapes"] = documents["labelme"] | {
        "shapes": [{"label": "a", "shape_type": kind, "points": points, "group_id": None} for kind, points in shapes]
    }
    documents["cocoa_full"] = {
        "images": [{"id": 7, "file_name": "photo.png", "width": 6, "height": 5}],
        "annotations": [documents["cocoa"]],
    }
    return documents


DOCUMENTS = valid_documents()


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all values within a parsed JSON document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in inside for place in places(inner, (*path, key)))]


PLACES = {name: places(document)[1:] for name, document in DOCUMENTS.items()}


def test_the_documents_are_valid(tmp_path: Path) -> None:
    for name, document in DOCUMENTS.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document))
        assert recognise(path) == name.split("_")[0]
        assert len(read_scene(path)) >= 2


@pytest.mark.parametrize("name", DOCUMENTS)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_mutated_files(name: str, data: st.DataObject) -> None:
    document = copy.deepcopy(DOCUMENTS[name])
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from(PLACES[name]))
        target = document
        with suppress(LookupError, TypeError):
            for key in place[:-1]:
                target = target[key]
            if data.draw(st.integers(0, 3)) == 0:
                del target[place[-1]]
            else:
                target[place[-1]] = data.draw(VALUES)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks.json"
        path.write_text(json.dumps(document))
        read_everything(path)
        read_everything(path, name.split("_")[0])


@given(document=VALUES)
@settings(deadline=None, max_examples=100)
def test_any_json(document: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "masks.json"
        path.write_text(json.dumps(document))
        for name in (None, *FORMATS):
            read_everything(path, name)


@pytest.mark.parametrize("name", ["coco", "label-png", "mask-folder"])
@given(cut=st.integers(0, 400), changed=st.integers(0, 300), byte=st.integers(0, 255))
@settings(deadline=None, max_examples=40)
def test_damaged_bytes(name: str, cut: int, changed: int, byte: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("masks" if name == "mask-folder" else "masks.png")
        write_scene(SCENE, path, name)
        file = path / "2_cup.png" if name == "mask-folder" else path
        raw = bytearray(file.read_bytes())
        raw[changed % len(raw)] = byte
        file.write_bytes(raw[: len(raw) - cut % len(raw)])
        read_everything(path)
        read_everything(path, name)


def test_deep_nesting_and_huge_numbers(tmp_path: Path) -> None:
    path = tmp_path / "masks.json"
    for text in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"images": ' + "9" * 5000 + "}", "[1e999]", "\ufeff[]"):
        path.write_text(text)
        read_everything(path)
