"""Photos in, photos out: orientation, profiles, and every kind of file that is no 8-bit RGB photo."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps

from deocclude.errors import InputError
from deocclude.images import (
    MAX_PIXELS,
    Photo,
    read_labels,
    read_photo,
    read_size,
    read_small,
    thumbnail,
    turn,
    write_like,
    write_picture,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
ORIENTATION = 0x0112
RGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: object) -> Image.Exif:
    block = Image.Exif()
    block[ORIENTATION] = orientation
    block[0x010F] = "A camera"
    return block


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def save(path: Path, mode: str = "RGB", **options) -> Path:
    Image.fromarray(PIXELS).convert(mode).save(path, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_read_upright_and_written_as_stored(tmp_path, orientation):
    path = save(tmp_path / "in.png", exif=exif(orientation), icc_profile=RGB_PROFILE)
    with Image.open(path) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    photo = read_photo(path)
    assert np.array_equal(photo.pixels, upright)
    assert not photo.pixels.flags.writeable
    assert photo.orientation == orientation
    assert photo.size == upright.shape[:2]
    assert not photo.converted

    write_like(photo, photo.pixels, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert np.array_equal(np.asarray(image), PIXELS)
        assert image.getexif()[ORIENTATION] == orientation
        assert image.getexif()[0x010F] == "A camera"
        assert image.info["icc_profile"] == RGB_PROFILE
    assert np.array_equal(read_photo(tmp_path / "out.png").pixels, photo.pixels)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_size_is_told_by_the_header(tmp_path, suffix, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (300, 200)).save(path, exif=exif)
    assert read_size(path) == read_photo(path).size
    if suffix == ".jpg":
        path.write_bytes(path.read_bytes()[:-300])
        assert read_size(path) == ((200, 300) if orientation < 5 else (300, 200))
    with pytest.raises(InputError, match="expected a picture that can be read"):
        path.write_bytes(b"no picture")
        read_size(path)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turn_of_arrays(orientation):
    for array in (PIXELS, PIXELS[..., 0], PIXELS[..., :2] > 9):
        image = Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[2] == 2 else array)
        image.getexif()[ORIENTATION] = orientation
        expected = np.asarray(ImageOps.exif_transpose(image))
        turned = turn(array, orientation)
        assert np.array_equal(turned[..., 0] if array.ndim == 3 and array.shape[2] == 2 else turned, expected)


def test_photo_without_extras_is_written_without(tmp_path):
    photo = read_photo(save(tmp_path / "in.bmp"))
    assert (photo.orientation, photo.exif, photo.icc_profile) == (1, b"", b"")
    write_like(photo, photo.pixels, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert not image.getexif()
        assert "icc_profile" not in image.info


def test_a_format_that_cannot_say_how_to_turn_gets_an_upright_picture(tmp_path):
    photo = read_photo(save(tmp_path / "in.png", exif=exif(6)))
    write_like(photo, photo.pixels, tmp_path / "out.bmp")
    assert np.array_equal(read_photo(tmp_path / "out.bmp").pixels, photo.pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".tif", ".png", ".PNG"])
def test_extras_survive_in_every_format(tmp_path, suffix):
    path = save(tmp_path / f"in{suffix}", exif=exif(6), icc_profile=RGB_PROFILE)
    photo = read_photo(path)
    assert photo.size == (9, 6)
    write_like(photo, photo.pixels, tmp_path / f"out{suffix}")
    again = read_photo(tmp_path / f"out{suffix}")
    assert again.size == photo.size
    assert again.icc_profile == RGB_PROFILE
    if suffix not in (".jpg", ".webp"):
        assert np.array_equal(again.pixels, photo.pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".jpe", ".jfif", ".mpo", ".webp"])
def test_lossy_formats_lose_little_by_whatever_name(tmp_path, suffix):
    smooth = cv2.resize(PIXELS, (180, 120), interpolation=cv2.INTER_CUBIC)
    write_like(Photo(smooth), smooth, tmp_path / f"out{suffix}")
    off = read_photo(tmp_path / f"out{suffix}").pixels.astype(float) - smooth
    assert np.sqrt(np.mean(off**2)) < 2


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_lossy_photo_that_nothing_was_changed_in_is_written_as_it_is(tmp_path, suffix):
    path = save(tmp_path / f"in{suffix}", exif=exif(6))
    photo = read_photo(path)
    write_like(photo, photo.pixels.copy(), tmp_path / f"out{suffix}")
    assert (tmp_path / f"out{suffix}").read_bytes() == path.read_bytes()
    changed = photo.pixels.copy()
    changed[0, 0] ^= 255
    write_like(photo, changed, tmp_path / f"out{suffix}")
    assert (tmp_path / f"out{suffix}").read_bytes() != path.read_bytes()
    save(path)  # its file is another one by now
    write_like(photo, photo.pixels, tmp_path / f"out{suffix}")
    assert read_photo(tmp_path / f"out{suffix}").size == photo.size


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_senseless_orientation_is_upright(tmp_path, orientation):
    photo = read_photo(save(tmp_path / "in.png", exif=exif(orientation)))
    assert photo.orientation == 1
    assert np.array_equal(photo.pixels, PIXELS)


def make_16_bit(path: Path, channels: int) -> Path:
    values = np.arange(6 * 9 * channels, dtype=np.uint16).reshape(6, 9, channels) * 300
    cv2.imwrite(str(path), values[..., 0] if channels == 1 else values)
    return path


def make_transparent_palette(path: Path) -> Path:
    return save(path, "P", transparency=0)


def make_animation(path: Path) -> Path:
    frames = [Image.fromarray(np.full((6, 9, 3), value, np.uint8)) for value in (200, 20, 90)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, lossless=True)
    return path


KINDS = {
    "grey.png": (lambda path: save(path, "L"), "a grey picture"),
    "bits.png": (lambda path: save(path, "1"), "a grey picture"),
    "rgba.png": (lambda path: save(path, "RGBA"), "transparency"),
    "la.png": (lambda path: save(path, "LA"), "transparency"),
    "palette.png": (lambda path: save(path, "P"), "mode P"),
    "clear_palette.png": (make_transparent_palette, "transparency"),
    "cmyk.jpg": (lambda path: save(path, "CMYK"), "a CMYK picture"),
    "grey16.png": (lambda path: make_16_bit(path, 1), "a 16-bit picture"),
    "rgb16.png": (lambda path: make_16_bit(path, 3), "a 16-bit picture"),
    "rgba16.png": (lambda path: make_16_bit(path, 4), "a 16-bit picture"),
    "rgb16.tif": (lambda path: make_16_bit(path, 3), "a 16-bit picture"),
    "float.tif": (lambda path: save(path, "F"), "a 16-bit picture"),
    "moving.gif": (make_animation, "an animation of 3 frames"),
    "moving.png": (make_animation, "an animation of 3 frames"),
    "moving.webp": (make_animation, "an animation of 3 frames"),
}


@pytest.mark.parametrize("name", KINDS)
def test_other_kinds_are_refused_and_converted_on_demand(tmp_path, name):
    make, found = KINDS[name]
    path = make(tmp_path / name)
    with pytest.raises(InputError, match=f"{name}: expected an 8-bit RGB photo, found .*{found}.*--convert"):
        read_photo(path)
    photo = read_photo(path, convert=True)
    assert photo.converted
    assert photo.pixels.shape == (6, 9, 3)
    assert photo.pixels.dtype == np.uint8
    grey = np.asarray(Image.fromarray(PIXELS).convert("L"))
    if name in ("grey.png", "la.png", "float.tif"):
        assert np.array_equal(photo.pixels, np.repeat(grey[..., None], 3, 2))
    if name == "rgba.png":
        assert np.array_equal(photo.pixels, PIXELS)
    if name == "cmyk.jpg":
        assert np.abs(photo.pixels.astype(int).mean() - PIXELS.mean()) < 12
    if name == "grey16.png":
        assert np.array_equal(photo.pixels[..., 0].ravel(), np.rint(np.arange(54) * 300 / 257))
    if name.startswith("moving"):
        assert (photo.pixels == 200).all()


def test_transparency_is_laid_on_white(tmp_path):
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[0, 0] = (10, 20, 30, 255)
    rgba[0, 1] = (0, 0, 0, 128)
    Image.fromarray(rgba).save(tmp_path / "in.png")
    pixels = read_photo(tmp_path / "in.png", convert=True).pixels
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert np.abs(pixels[0, 1].astype(int) - 127).max() <= 1
    assert (pixels[1] == 255).all()


def test_float_picture_from_0_to_1(tmp_path):
    Image.fromarray(np.array([[0.0, 0.5, 1.0, np.nan]], np.float32)).save(tmp_path / "in.tif")
    assert read_photo(tmp_path / "in.tif", convert=True).pixels[0, :, 0].tolist() == [0, 128, 255, 0]


@pytest.mark.parametrize(("mode", "kept"), [("L", False), ("CMYK", False), ("RGB", True)])
def test_profile_of_other_channels_is_not_attached(tmp_path, mode, kept):
    path = save(tmp_path / "in.jpg", mode, icc_profile=b"some profile")
    assert read_photo(path, convert=True).icc_profile == (b"some profile" if kept else b"")


def test_profile_of_a_palette_picture_is_kept(tmp_path):
    assert read_photo(save(tmp_path / "in.png", "P", icc_profile=RGB_PROFILE), convert=True).icc_profile == RGB_PROFILE


def test_phone_photo_with_a_preview_behind_it_is_a_photo(tmp_path):
    first, preview = Image.fromarray(PIXELS), Image.fromarray(PIXELS[:3, :3])
    first.save(tmp_path / "in.mpo", save_all=True, append_images=[preview])
    path = (tmp_path / "in.mpo").rename(tmp_path / "in.jpg")
    photo = read_photo(path)
    assert photo.size == (6, 9)
    assert not photo.converted


def test_files_that_are_no_pictures(tmp_path):
    png = save(tmp_path / "whole.png").read_bytes()
    for name, content in {
        "empty.png": b"",
        "text.jpg": b"a shopping list",
        "short.png": png[: len(png) // 2],
        "corrupt.png": png[:60] + b"\xff" * 20 + png[80:],
        "head.png": png[:20],
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(
            InputError, match=f"{name}: expected a picture that can be read, found damaged or no picture"
        ):
            read_photo(tmp_path / name)
    jpeg = save(tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "short.jpg").write_bytes(jpeg[:-40])
    with pytest.raises(InputError, match="damaged"):
        read_photo(tmp_path / "short.jpg")
    with pytest.raises(InputError, match="expected a picture file, found a folder"):
        read_photo(tmp_path)
    with pytest.raises(InputError, match=r"gone\.png: expected a picture file, found no such file"):
        read_photo(tmp_path / "gone.png")
    with pytest.raises(InputError, match="/dev/null: expected a picture file, found a device or pipe"):
        read_photo("/dev/null")


@pytest.mark.parametrize(("side", "found"), [(13_350, "13350x13350"), (20_000, "more than that")])
def test_too_large_is_refused_before_decoding(tmp_path, side, found):
    assert side**2 > MAX_PIXELS
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path = tmp_path / "huge.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"x")) + chunk(b"IEND", b""))
    with pytest.raises(InputError, match=f"huge.png: expected at most 178 megapixels, found {found}; scale"):
        read_photo(path)


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_raise_nothing_but_input_error(tmp_path, data):
    suffix = data.draw(st.sampled_from([".png", ".jpg", ".gif", ".tif", ".webp", ".bmp"]))
    path = tmp_path / f"in{suffix}"
    save(path, exif=exif(6)) if suffix != ".gif" else save(path, "P")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(8, len(content)))])
    try:
        photo = read_photo(path, convert=True)
    except InputError:
        return
    assert photo.pixels.ndim == 3


@pytest.mark.parametrize(
    ("dtype", "mode"), [(np.uint8, "L"), (np.uint16, "I;16"), (bool, "1"), (np.int32, "I"), (np.uint8, "P")]
)
def test_labels_are_read_as_they_are(tmp_path, dtype, mode):
    labels = np.array([[0, 1, 0], [1, 1, 0]] if dtype is bool else [[0, 3, 7], [250, 3, 0]], dtype)
    if dtype in (np.uint16, np.int32):
        labels[0, 0] = 40_000
    image = Image.fromarray(labels)
    if mode == "P":
        image.putpalette([value % 256 for value in range(768)])
    suffix = ".tif" if mode == "I" else ".png"
    image.save(tmp_path / f"in{suffix}")
    read = read_labels(tmp_path / f"in{suffix}")
    assert read.dtype == np.int32
    assert np.array_equal(read, labels)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_labels_of_few_bits_are_read_as_they_are(tmp_path, bits):
    labels = np.arange(16, dtype=np.uint8).reshape(2, 8) % 2**bits
    rows = np.unpackbits(labels[..., None], axis=2)[..., 8 - bits :].reshape(2, -1)
    data = b"".join(b"\0" + np.packbits(row).tobytes() for row in rows)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 2, bits, 0, 0, 0, 0))
    content = header + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    (tmp_path / "in.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    assert np.array_equal(read_labels(tmp_path / "in.png"), labels)


def test_labels_with_colours_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"in\.png: expected a label picture with one channel, found mode RGB"):
        read_labels(save(tmp_path / "in.png"))


def test_unknown_format_is_refused_before_writing(tmp_path):
    with pytest.raises(InputError, match=r"expected a picture format by its suffix, found '\.cat'"):
        write_picture(tmp_path / "out.cat", PIXELS)
    with pytest.raises(InputError, match="found ''"):
        write_picture(tmp_path / "out", PIXELS)
    assert not list(tmp_path.iterdir())


def test_pictures_of_every_kind_are_written(tmp_path):
    for array in (PIXELS, PIXELS[..., 0], PIXELS[..., 0] > 99, np.dstack([PIXELS, PIXELS[..., 0]])):
        write_picture(tmp_path / "out.png", array)
        with Image.open(tmp_path / "out.png") as image:
            assert np.array_equal(np.asarray(image), array)


@pytest.mark.parametrize(("suffix", "mode"), [("jpg", "RGB"), ("jpg", "L"), ("jpg", "CMYK"), ("png", "RGB")])
def test_a_picture_is_read_small_and_upright(tmp_path, suffix, mode):
    path = tmp_path / f"photo.{suffix}"
    stored = np.linspace(0, 255, 1200, dtype=np.uint8)[None, :, None] * np.ones((800, 1, 3), np.uint8)
    Image.fromarray(stored).convert(mode).save(path, exif=exif(6))
    small = read_small(path, 90)
    whole = thumbnail(read_photo(path, convert=True).pixels, 90)
    assert small.shape == whole.shape == (90, 60, 3)
    assert np.abs(small.astype(int) - whole).max() < 8
    assert read_small(path, 2000).shape == (1200, 800, 3)


def test_thumbnail_shrinks_only():
    large = np.zeros((100, 300, 3), np.uint8)
    assert thumbnail(large, 150).shape == (50, 150, 3)
    assert thumbnail(large, 400) is large
