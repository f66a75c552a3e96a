"""Which picture of a collection an annotation is about."""

from __future__ import annotations

import json
from pathlib import Path

from deocclude.references.collection import read_objects


def about(folder: Path, *names: str) -> Path:
    """Write masks of one object for each of ``names``, numbered from 1."""
    shape = {"size": [3, 4], "counts": [0, 6, 6]}
    numbered = list(enumerate(names, 1))
    (folder / "masks.json").write_text(json.dumps({
        "images": [{"id": n, "file_name": name, "width": 4, "height": 3} for n, name in numbered],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "segmentation": shape} for n, _ in numbered],
        "categories": [{"id": 1, "name": "dog"}],
    }))  # fmt: skip
    return folder / "masks.json"


def paths(folder: Path, *names: str) -> list[Path]:
    return [folder / name for name in names]


def test_a_plain_name_means_the_picture_beside_it(tmp_path: Path) -> None:
    here, below = paths(tmp_path, "x.jpg", "sub/x.jpg")
    assert list(read_objects(about(tmp_path, "x.jpg"), [below, here])) == [here]


def test_a_name_that_is_there_once_is_enough(tmp_path: Path) -> None:
    (below,) = paths(tmp_path, "images/x.jpg")
    assert list(read_objects(about(tmp_path, "elsewhere/x.jpg"), [below])) == [below]


def test_the_folders_of_a_name_decide(tmp_path: Path) -> None:
    first, second, loose = paths(tmp_path, "images/a/x.jpg", "images/b/x.jpg", "x.jpg")
    found = read_objects(about(tmp_path, "b/x.jpg", "a/x.jpg"), [loose, first, second])
    assert {path: scene.image_id for path, scene in found.items()} == {first: 2, second: 1}
    assert list(read_objects(about(tmp_path, "b/x.jpg", "a/x.jpg"), [loose, first])) == [first]


def test_what_stays_open_is_nobodys(tmp_path: Path) -> None:
    assert read_objects(about(tmp_path, "x.jpg", "y.jpg"), paths(tmp_path, "a/x.jpg", "b/x.jpg", "c.jpg")) == {}
