"""Picture files: photos in, pictures out, with EXIF and ICC kept.

A photo is worked on upright (EXIF orientation applied). What is written in its place is turned back, so that a
recomposed photo has the stored size, the orientation tag and the pixels of the original file.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import warnings
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from deocclude.errors import InputError, OutputError
from deocclude.files import atomic_file
from deocclude.geometry import Size

RGBArray = NDArray[np.uint8]
MAX_PIXELS = 178_000_000
"""Largest picture that is read; Pillow itself refuses a little more as a decompression bomb."""
PNG_OPTIONS: dict[str, Any] = {"compress_level": 3, "compress_type": zlib.Z_RLE}
"""On photos, runs alone are found a third faster than any match of DEFLATE, and the files are 2 to 9 % smaller."""
_TURN_BACK = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
"""The orientation whose turn undoes that of another."""
_WITH_EXIF = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp", ".avif", ".mpo"})
"""Suffixes of formats that can say how a picture is to be turned."""
_LOSSY = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".avif"})
"""Suffixes of formats that ask for a quality."""
_FEW_BITS = {"L;2": 85, "L;4": 17}
"""Pillow stretches grey of so few bits to 0..255: by how much."""
_RESIZED = frozenset({"ICO", "ICNS"})
"""Formats that hold pictures of certain sizes only, and change all others."""
_TIFF_STORAGE = (254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338,
                 339, 347, 529, 530, 531, 532, 34675)  # fmt: skip
"""Tags that say how a TIFF file holds its pixels: Pillow counts them as EXIF, in another file they are wrong."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, upright.

    Attributes:
        pixels: uint8 [H, W, 3] RGB, read-only, EXIF orientation applied.
        path: the file it came from, if any.
        orientation: the EXIF orientation tag of the file, 1 to 8 (1: stored upright).
        exif: the EXIF block of the file, or nothing.
        icc_profile: the colour profile of the file, or nothing; that of a grey or CMYK file is left out, since it
            does not describe ``pixels``.
        converted: the file was not 8-bit RGB, so ``pixels`` are a conversion of it.
        original_name: name of the file that ``path`` is a copy of, where it is one.
    """

    pixels: RGBArray
    path: Path | None = None
    orientation: int = 1
    exif: bytes = b""
    icc_profile: bytes = b""
    converted: bool = False
    original_name: str = ""

    @property
    def name(self) -> str:
        """What its user calls it: the name of its file, empty if there is none."""
        return self.original_name or (self.path.name if self.path else "")

    @property
    def size(self) -> Size:
        """Height and width, upright."""
        return Size(*self.pixels.shape[:2])

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of the pixels."""
        return hashlib.sha256(self.pixels.data).hexdigest()


def turn(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn a stored array [H, W, ...] upright, as the EXIF ``orientation`` (1 to 8) asks."""
    if orientation >= 5:
        array = np.swapaxes(array, 0, 1)
    flip_rows, flip_columns = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return array[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1]


def read_photo(path: Path | str, *, convert: bool = False) -> Photo:
    """Read an 8-bit RGB picture file.

    Args:
        path: any format that Pillow opens.
        convert: accept grey, palette, RGBA (laid on white), CMYK, 16-bit and animated (first frame) pictures by
            conversion to 8-bit RGB; without it they are refused, since pixels would change.

    Raises:
        InputError: no such file, no picture, damaged, too large, or not 8-bit RGB.
    """
    path = Path(path)
    image, stored = _opened(path)
    with image:
        # Pillow halves 16-bit colours itself.
        converted = _check_kind(path, image, ";16" in stored, convert)
        orientation, exif = _exif(image)
        colour_profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P", "PA") else None
        pixels = np.ascontiguousarray(turn(_to_rgb(image), orientation))
    pixels.setflags(write=False)
    return Photo(pixels, path, orientation, exif, colour_profile or b"", converted)


def read_size(path: Path | str) -> Size:
    """Return height and width of a picture file, upright, from its header where its format allows.

    Raises:
        InputError: no such file, no picture, or too large. Damage to the pixels may stay unnoticed.
    """
    image, _ = _opened(Path(path), decode=False)
    with image:
        turned = _exif(image)[0] >= 5
        return Size(image.width, image.height) if turned else Size(image.height, image.width)


def read_small(path: Path | str, longest: int) -> RGBArray:
    """Read any picture file as :func:`read_photo` converts it, upright, the longer side at most ``longest``.

    A JPEG file is decoded at an eighth of its size where that is enough.

    Raises:
        InputError: no such file, no picture, damaged, or too large.
    """
    image, _ = _opened(Path(path), longest)
    with image:
        return thumbnail(np.ascontiguousarray(turn(_to_rgb(image), _exif(image)[0])), longest)


def read_shown(path: Path | str) -> tuple[RGBArray, NDArray[np.bool_] | None]:
    """Read any picture file as one to look things up in: 8-bit RGB, and which pixels are not transparent.

    Returns:
        uint8 [H, W, 3], upright, transparent parts white; and bool [H, W], ``None`` where nothing is transparent.

    Raises:
        InputError: no such file, no picture, damaged, or too large.
    """
    image, _ = _opened(Path(path))
    with image:
        orientation, _ = _exif(image)
        pixels = np.ascontiguousarray(turn(_to_rgb(image), orientation))
        if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
            return pixels, None
        shown = turn(np.asarray(image.convert("RGBA"))[..., 3] >= 128, orientation)
    return pixels, None if shown.all() else np.ascontiguousarray(shown)


def read_labels(path: Path | str) -> NDArray[np.int32]:
    """Read a picture whose values are labels: grey up to 16 bit, or palette (indices). Returns int32 [H, W], upright.

    Raises:
        InputError: no such file, no picture, damaged, or a picture with colour channels.
    """
    path = Path(path)
    image, stored = _opened(path)
    with image:
        if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
            raise InputError(
                "a label picture with one channel",
                f"mode {image.mode}",
                file=path,
                hint="save it as 8- or 16-bit grey, or as an indexed picture",
            )
        return turn(np.asarray(image).astype(np.int32) // _FEW_BITS.get(stored[:3], 1), _exif(image)[0])


def read_colour_labels(path: Path | str) -> NDArray[np.int32] | None:
    """Read a picture whose colours are labels, as red + 256 green + 65536 blue; black and transparent parts are 0.

    Returns:
        int32 [H, W], upright; ``None`` for a picture without colour channels, see :func:`read_labels`.

    Raises:
        InputError: no such file, no picture, damaged, or more than 8 bits a channel.
    """
    path = Path(path)
    image, stored = _opened(path)
    with image:
        if image.mode not in ("RGB", "RGBA", "LA"):
            return None
        if ";16" in stored:
            hint = "save it as 8- or 16-bit grey, or as an indexed picture"
            raise InputError("a label picture of 8 bits a colour", "one of 16 bits", file=path, hint=hint)
        pixels = np.asarray(image.convert("RGBA"))
        codes = pixels[..., :3].astype(np.int32) @ np.array([1, 256, 65536], np.int32)
        return turn(np.where(pixels[..., 3] > 0, codes, 0), _exif(image)[0])


def is_indexed(path: Path | str) -> bool:
    """Return whether a picture file holds a palette and places in it.

    Raises:
        InputError: no such file, or no picture.
    """
    image, _ = _opened(Path(path), decode=False)
    with image:
        return image.mode == "P"


def read_as_stored(path: Path | str, mode: str) -> NDArray[np.uint8]:
    """Read any 8-bit picture file as Pillow's ``mode`` (``RGBA``, ``LA`` ...), with nothing laid on white.

    Returns:
        uint8 [H, W, channels], upright.

    Raises:
        InputError: no such file, no picture, damaged, or too large.
    """
    image, _ = _opened(Path(path))
    with image:
        return turn(np.asarray(image.convert(mode), np.uint8), _exif(image)[0])


def write_picture(path: Path, pixels: NDArray[Any], **options: Any) -> None:
    """Write uint8 [H, W], [H, W, 3] or [H, W, 4], or bool [H, W], in the format of the suffix, whole or not at all.

    Raises:
        InputError: the suffix names no picture format that can be written.
        OutputError: the file cannot be written.
    """
    Image.preinit()  # the common formats; all of them take a quarter of a second
    suffix = path.suffix.lower()
    formats = Image.EXTENSION if suffix in Image.EXTENSION else Image.registered_extensions()
    if formats.get(suffix) not in Image.SAVE or formats[suffix] in _RESIZED:
        raise InputError("a picture format by its suffix", repr(path.suffix), file=path, hint="use .png")
    if suffix == ".png":
        options = PNG_OPTIONS | options
    with atomic_file(path) as part:
        try:
            Image.fromarray(np.ascontiguousarray(pixels)).save(part, **options)
        except OSError:
            raise
        except Exception as error:  # Pillow's writers raise anything where a format cannot hold a picture
            raise OutputError(f"{path}: this format cannot hold the picture ({error}); use .png") from error


def png_bytes(pixels: NDArray[np.uint8], icc_profile: bytes = b"") -> bytes:
    """Return a picture as a PNG file: uint8 [H, W], [H, W, 2] (grey and alpha), [H, W, 3] or [H, W, 4]."""
    buffer = io.BytesIO()
    icc = {"icc_profile": icc_profile} if icc_profile else {}
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", **PNG_OPTIONS, **icc)
    return buffer.getvalue()


def write_like(photo: Photo, pixels: RGBArray, path: Path) -> None:
    """Write upright ``pixels`` the way ``photo`` was stored: turned back, with its EXIF and ICC blocks.

    A PNG (or another lossless format) is identical to the stored photo where ``pixels`` are. Formats that cannot say
    how a picture is to be turned get it upright. A lossy file is copied where ``pixels`` are all those of the photo:
    encoding them again would change them.
    """
    suffix = path.suffix.lower()
    if suffix in _LOSSY and _holds(photo, pixels, suffix):
        assert photo.path is not None  # else it holds nothing
        with atomic_file(path) as part:
            shutil.copyfile(photo.path, part)
        return
    options: dict[str, Any] = {"quality": 95} if suffix in _LOSSY else {}
    if photo.exif and suffix in _WITH_EXIF:
        options["exif"] = photo.exif
        pixels = turn(pixels, _TURN_BACK[photo.orientation])
    if photo.icc_profile:
        options["icc_profile"] = photo.icc_profile
    write_picture(path, pixels, **options)


def _holds(photo: Photo, pixels: RGBArray, suffix: str) -> bool:
    """Whether the photo's file, as it is now, is of this kind and shows exactly ``pixels``."""
    if photo.path is None or photo.path.suffix.lower() != suffix or not np.array_equal(photo.pixels, pixels):
        return False
    try:
        return np.array_equal(read_photo(photo.path).pixels, pixels)
    except (InputError, OSError):
        return False


def _opened(path: Path, least: int | None = None, *, decode: bool = True) -> tuple[Image.Image, str]:
    """Return the picture, and how its file stores a pixel, such as ``L;4`` or ``RGB;16B``; empty if unknown.

    Where ``least`` is given, a JPEG picture may come smaller, both sides at least so many pixels if they were before.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "a device or pipe" if path.exists() else "no such file"
        raise InputError("a picture file", found, file=path)
    image = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
            _check_extent(path, image)
            stored = str(image.tile[0][3]) if image.tile else ""
            if least is not None:
                image.draft(None, (least, least))
            if decode or image.format == "TIFF":  # Pillow turns these itself, on decoding
                image.load()
    except Image.DecompressionBombError:
        raise _too_large(path, "more than that") from None
    except Exception as error:  # Pillow's readers raise anything on damaged files
        if image is not None:
            image.close()
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else f"damaged or no picture ({error})"
        raise InputError("a picture that can be read", reason, file=path) from None
    return image, stored


def _check_extent(path: Path, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path, f"{image.width}x{image.height}")


def _too_large(path: Path, found: str) -> InputError:
    limit = f"at most {MAX_PIXELS // 1_000_000} megapixels"
    return InputError(limit, found, file=path, hint="scale the picture down")


def _exif(image: Image.Image) -> tuple[int, bytes]:
    """Return the orientation (1 to 8; 1 if absent or senseless) and the EXIF block (empty if absent or damaged)."""
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        for tag in _TIFF_STORAGE if image.format == "TIFF" else ():
            exif.pop(tag, None)
        block = exif.tobytes() if exif else b""
    except Exception:  # a damaged block raises anything; the pixels are sound
        return 1, b""
    return (orientation if orientation in range(1, 9) else 1), block


def _check_kind(path: Path, image: Image.Image, deep: bool, convert: bool) -> bool:
    """Return whether the picture needs conversion; refuse it if that is not allowed."""
    # A phone's MPO file is a JPEG photo followed by previews or depth; its first frame is the photo.
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    kinds = {
        f"an animation of {frames} frames": frames > 1,
        "a 16-bit picture": deep or image.mode.startswith("I") or image.mode == "F",
        "a CMYK picture": image.mode == "CMYK",
        "a picture with transparency (RGBA)": transparent,
        "a grey picture": image.mode in ("L", "1"),
        "a picture with a palette (mode P)": image.mode == "P",
        f"a picture of mode {image.mode}": image.mode != "RGB",
    }
    found = next((kind for kind, is_so in kinds.items() if is_so), None)
    if found and not convert:
        raise InputError(
            "an 8-bit RGB photo", found, file=path, hint="pass --convert to work on an 8-bit RGB copy of it"
        )
    return found is not None


def _to_rgb(image: Image.Image) -> RGBArray:
    if image.mode.startswith("I") or image.mode == "F":
        grey = np.nan_to_num(np.asarray(image).astype(np.float64))
        highest = grey.max(initial=0)
        scale = 257.0 if highest > 255 else 1 / 255 if image.mode == "F" and highest <= 1 else 1.0
        image = Image.fromarray(np.clip(np.rint(grey / scale), 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def thumbnail(pixels: RGBArray, longest: int) -> RGBArray:
    """Return ``pixels`` scaled down so that the longer side is at most ``longest``."""
    side = max(pixels.shape[:2])
    return resized(pixels, longest / side) if side > longest else pixels


def resized(pixels: RGBArray, scale: float) -> RGBArray:
    """Return ``pixels`` scaled; far down in two steps, of which the first averages whole blocks and is fast."""
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0))
