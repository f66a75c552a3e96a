"""Label pictures and folders of mask PNGs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from deocclude.errors import InputError
from deocclude.formats import read_scene, write_scene
from deocclude.geometry import Size
from deocclude.images import turn
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

LABELS = np.array([[0, 0, 7, 7], [2, 2, 0, 7], [2, 0, 0, 0]], np.uint8)
SHAPE = np.array([[0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]], np.uint8)


def save(path: Path, array: np.ndarray, mode: str | None = None) -> Path:
    image = Image.fromarray(array)
    (image if mode is None else image.convert(mode)).save(path)
    return path


def indexed() -> Image.Image:
    image = Image.fromarray(LABELS)
    image.putpalette([value for n in range(256) for value in (n, 255 - n, 7)])
    return image


def test_grey_8_and_16_bit_and_indexed_labels(tmp_path: Path) -> None:
    save(tmp_path / "a.png", LABELS)
    save(tmp_path / "b.png", LABELS.astype(np.uint16) * 1000)
    indexed().save(tmp_path / "c.png")
    scenes = {name: read_scene(tmp_path / f"{name}.png") for name in "abc"}
    assert {name: scene.ids for name, scene in scenes.items()} == {"a": (2, 7), "b": (2000, 7000), "c": (2, 7)}
    for scene in scenes.values():
        assert scene.modal == (Mask.from_array(LABELS == 2), Mask.from_array(LABELS == 7))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_mask_pictures_are_read_upright(tmp_path: Path, orientation: int) -> None:
    block = Image.Exif()
    block[ExifTags.Base.Orientation] = orientation
    stored = np.ascontiguousarray(turn(LABELS, {6: 8, 8: 6}.get(orientation, orientation)))
    for name, picture in (("8", stored), ("16", stored.astype(np.uint16) * 1000)):
        Image.fromarray(picture).save(tmp_path / f"{name}.png", exif=block)
        assert read_scene(tmp_path / f"{name}.png").modal == (
            Mask.from_array(LABELS == 2),
            Mask.from_array(LABELS == 7),
        )
    shape = np.where(stored == 7, 255, 0).astype(np.uint8)
    for name, picture in (("grey", shape), ("colour", np.dstack([shape] * 3)), ("opacity", np.dstack([shape] * 4))):
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / name / "1.png", exif=block)
        assert read_scene(tmp_path / name).modal == (Mask.from_array(LABELS == 7),)


def test_written_labels_are_as_deep_as_needed(tmp_path: Path) -> None:
    for identity, mode in ((255, "L"), (256, "I;16")):
        write_scene(Scene(Size(3, 4), (Instance(identity, Mask.from_array(SHAPE)),)), tmp_path / "a.png", "label-png")
        assert Image.open(tmp_path / "a.png").mode == mode


def test_bad_label_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a label picture with one channel, found mode RGB"):
        read_scene(save(tmp_path / "a.png", np.zeros((3, 4, 3), np.uint8)))
    with pytest.raises(InputError, match="without loss, found a JPEG picture"):
        read_scene(save(tmp_path / "a.jpg", LABELS))
    with pytest.raises(InputError, match="at least one object, found none"):
        read_scene(save(tmp_path / "a.png", LABELS * 0))
    save(tmp_path / "a.png", LABELS)
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:50])
    with pytest.raises(InputError, match="expected a picture that can be read"):
        read_scene(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["1_cup", "02-red dog", "10"], [(1, "cup"), (2, "red dog"), (10, "")]),
        (["cup10", "cup2"], [(1, "cup2"), (2, "cup10")]),
        (["0", "1", "2"], [(1, ""), (2, ""), (3, "")]),
        (["1a", "01b", "2"], [(1, "1a"), (2, "01b"), (3, "")]),
    ],
)
def test_ids_and_names_from_file_names(names: list[str], read: list[tuple[int, str]], tmp_path: Path) -> None:
    for name in names:
        save(tmp_path / f"{name}.png", SHAPE * 255)
    assert [(item.id, item.name) for item in read_scene(tmp_path).instances] == read


def test_masks_of_any_brightness_and_mode(tmp_path: Path) -> None:
    pictures = {
        "1": SHAPE,
        "2": SHAPE * 255,
        "3": SHAPE * 200 + 30,
        "4": SHAPE.astype(bool),
        "5": SHAPE.astype(np.uint16) * 65_535,
        "6": np.repeat(SHAPE[..., None] * 255, 3, axis=2),
        "7": np.stack([SHAPE * 0 + 90, SHAPE, SHAPE, SHAPE * 255], axis=2),
        "8": np.stack([SHAPE * 255, SHAPE * 255, SHAPE * 255, SHAPE * 0 + 255], axis=2),
        "9": np.stack([SHAPE * 0 + 255, SHAPE * 255], axis=2),
    }
    for name, array in pictures.items():
        save(tmp_path / f"{name}.png", array)
    scene = read_scene(tmp_path)
    assert len(scene) == 9
    assert [item.id for item in scene.instances if item.modal != Mask.from_array(SHAPE)] == []


@pytest.mark.parametrize("colours", [(0, 255), (255, 0)])
def test_palette_masks_are_read_by_brightness(tmp_path: Path, colours: tuple[int, int]) -> None:
    image = Image.fromarray(SHAPE if colours[1] else 1 - SHAPE)
    image.putpalette([value for colour in colours for value in (colour,) * 3])
    image.save(tmp_path / "1.png")
    assert Image.open(tmp_path / "1.png").mode == "P"
    assert read_scene(tmp_path).instances[0].modal == Mask.from_array(SHAPE)


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "1.PNG", SHAPE)
    (tmp_path / "._1.png").write_bytes(b"resource fork")
    (tmp_path / "readme.txt").write_text("x")
    assert read_scene(tmp_path).ids == (1,)


def test_bad_mask_folders(tmp_path: Path) -> None:
    save(tmp_path / "1.png", SHAPE)
    second = tmp_path / "2.png"
    save(second, SHAPE[:2])
    with pytest.raises(InputError, match=r"2\.png: expected masks of one size, 4x3 as in 1\.png, found 4x2"):
        read_scene(tmp_path)
    save(second, SHAPE * 0)
    with pytest.raises(InputError, match=r"object 2 .*: expected a visible mask with at least one pixel"):
        read_scene(tmp_path)
    assert read_scene(tmp_path, skip_empty=True).ids == (1,)
    save(second, np.arange(36, dtype=np.uint8).reshape(3, 4, 3))
    with pytest.raises(InputError, match=r"2\.png: expected a black and white mask, found a colour picture"):
        read_scene(tmp_path)
    second.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"2\.png: expected a picture that can be read"):
        read_scene(tmp_path)
