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


def test_colours_are_objects_named_by_them(tmp_path: Path) -> None:
    colours = np.zeros((3, 4, 3), np.uint8)
    colours[LABELS == 2], colours[LABELS == 7] = (0, 0, 255), (255, 64, 0)
    opaque = np.dstack([colours, np.full((3, 4), 255, np.uint8)])
    for name, array in (("rgb", colours), ("rgba", opaque)):
        scene = read_scene(save(tmp_path / f"{name}.png", array))
        assert [(item.id, item.name) for item in scene.instances] == [(1, "#ff4000"), (2, "#0000ff")]
        assert scene.modal == (Mask.from_array(LABELS == 7), Mask.from_array(LABELS == 2))


def test_greys_in_colour_channels_are_ids_and_what_is_transparent_is_background(tmp_path: Path) -> None:
    see_through = np.dstack([LABELS, LABELS, LABELS, np.where(LABELS == 2, 0, 255).astype(np.uint8)])
    both = np.dstack([LABELS, np.full((3, 4), 255, np.uint8)])
    assert read_scene(save(tmp_path / "a.png", np.dstack([LABELS] * 3))).ids == (2, 7)
    assert read_scene(save(tmp_path / "b.png", see_through)).ids == (7,)
    assert read_scene(save(tmp_path / "c.png", both)).ids == (2, 7)


def test_deep_colours_would_lose_labels(tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([LABELS.astype(np.uint16) * 77] * 3))
    with pytest.raises(InputError, match="a label picture of 8 bits a colour, found one of 16 bits"):
        read_scene(tmp_path / "a.png")


def test_borders_of_indexed_labels_are_left_out(tmp_path: Path) -> None:
    image = indexed()
    image.putpixel((1, 2), 255)
    image.save(tmp_path / "voc.png")
    scene = read_scene(tmp_path / "voc.png")
    assert scene.ids == (2, 7)
    assert scene.notes == (
        "1 px of voc.png with the value 255 are left out: borders or parts to ignore, as in PASCAL VOC",
    )
    grey = LABELS.copy()
    grey[2, 1] = 255
    assert read_scene(save(tmp_path / "grey.png", grey)).ids == (2, 7, 255)
    image.putpixel((3, 2), 254)
    image.save(tmp_path / "many.png")
    assert read_scene(tmp_path / "many.png").ids == (2, 7, 254, 255)
    only = Image.fromarray(SHAPE * 255)
    only.putpalette(indexed().getpalette() or [])
    only.save(tmp_path / "only.png")
    assert read_scene(tmp_path / "only.png").ids == (255,)


@pytest.mark.parametrize("kind", ["grey", "deep", "colour", "indexed"])
def test_a_photo_is_no_label_picture(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 90, (60, 80, 3))
    photo = (noise + np.linspace(0, 160, 80)[None, :, None]).astype(np.uint8)
    image = {
        "grey": Image.fromarray(photo[..., 0]),
        "deep": Image.fromarray(photo[..., 0].astype(np.uint16) * 257),
        "colour": Image.fromarray(photo),
        "indexed": Image.fromarray(photo).convert("P", palette=Image.Palette.ADAPTIVE),
    }[kind]
    image.save(tmp_path / "photo.png")
    with pytest.raises(InputError, match="one value an object, found [0-9]+ values.*: a photo, or smoothed edges"):
        read_scene(tmp_path / "photo.png")


def test_smoothed_labels_are_refused_and_many_small_ones_are_not(tmp_path: Path) -> None:
    y, x = np.mgrid[:240, :320]
    large = np.where((x - 150) ** 2 + (y - 120) ** 2 < 9000, 250, 0) + np.where(x > 280, 90, 0)
    smooth = Image.fromarray(large.astype(np.uint8)).resize((107, 81), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "smooth.png")
    with pytest.raises(InputError, match="saved without smoothing, or a folder with one PNG a mask"):
        read_scene(tmp_path / "smooth.png")
    tiles = (1 + x // 4 + 80 * (y // 4)).astype(np.uint16)
    assert len(read_scene(save(tmp_path / "tiles.png", tiles))) == 4800


def test_bad_label_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a label picture with one channel, found mode CMYK"):
        read_scene(save(tmp_path / "a.tif", np.zeros((3, 4, 4), np.uint8), "CMYK"))
    with pytest.raises(InputError, match="at least one object, found none"):
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
