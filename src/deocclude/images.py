"""Picture files: photos in, pictures out, with EXIF and ICC kept.

A photo is worked on upright (EXIF orientation applied). What is written in its place is turned back, so that a
recomposed photo has the stored size, the orientation tag and the pixels of the original file.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from deocclude.errors import InputError
from deocclude.files import atomic_file
from deocclude.geometry import Size

RGBArray = NDArray[np.uint8]
MAX_PIXELS = 200_000_000
_TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_TURN_BACK = {**_TURN, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo, upright.

    Attributes:
        pixels: uint8 [H, W, 3] RGB, read-only, EXIF orientation applied.
        path: the file it came from, if any.
        orientation: the EXIF orientation tag of the file, 1 to 8 (1: stored upright).
        exif: the EXIF block of the file, or nothing.
        icc_profile: the colour profile of the file, or nothing.
        converted: the file was not 8-bit RGB, so ``pixels`` are a conversion of it.
    """

    pixels: RGBArray
    path: Path | None = None
    orientation: int = 1
    exif: bytes = b""
    icc_profile: bytes = b""
    converted: bool = False

    @property
    def size(self) -> Size:
        """Height and width, upright."""
        return Size(*self.pixels.shape[:2])

    @property
    def stored_size(self) -> Size:
        """Height and width as the file stores them, before the orientation tag is obeyed."""
        height, width = self.size
        return Size(width, height) if self.orientation >= 5 else Size(height, width)


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
    with _opened(path) as image:
        converted = _check_kind(path, image, convert)
        exif = image.getexif()
        orientation = int(exif.get(ExifTags.Base.Orientation, 1) or 1)
        orientation = orientation if 1 <= orientation <= 8 else 1
        info = image.info
        pixels = turn(_to_rgb(image), orientation)
    pixels = np.ascontiguousarray(pixels)
    pixels.setflags(write=False)
    return Photo(pixels, path, orientation, exif.tobytes() if exif else b"", info.get("icc_profile") or b"", converted)


def read_labels(path: Path | str) -> NDArray[np.int32]:
    """Read a picture whose values are labels: grey 8 or 16 bit, or palette (indices). Returns int32 [H, W].

    Raises:
        InputError: no such file, no picture, damaged, or a picture with colour channels.
    """
    path = Path(path)
    with _opened(path) as image:
        if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
            raise InputError(
                "a label picture with one channel",
                f"mode {image.mode}",
                file=path,
                hint="save it as 8- or 16-bit grey, or as an indexed picture",
            )
        return np.asarray(image).astype(np.int32)


def write_picture(path: Path, pixels: NDArray[Any], **options: Any) -> None:
    """Write uint8 [H, W], [H, W, 3] or [H, W, 4], or bool [H, W], in the format of the suffix, whole or not at all."""
    if path.suffix.lower() == ".png":
        options.setdefault("compress_level", 3)
    with atomic_file(path) as part:
        Image.fromarray(np.ascontiguousarray(pixels)).save(part, **options)


def write_like(photo: Photo, pixels: RGBArray, path: Path) -> None:
    """Write upright ``pixels`` the way ``photo`` was stored: turned back, with its EXIF and ICC blocks.

    A PNG (or another lossless format) is identical to the stored photo where ``pixels`` are.
    """
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if photo.orientation in _TURN_BACK:
        image = image.transpose(_TURN_BACK[photo.orientation])
    options: dict[str, Any] = {"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg", ".webp") else {}
    if photo.exif:
        options["exif"] = photo.exif
    if photo.icc_profile:
        options["icc_profile"] = photo.icc_profile
    write_picture(path, np.asarray(image), **options)


def _opened(path: Path) -> Image.Image:
    if not path.is_file():
        raise InputError("a picture file", "a folder" if path.is_dir() else "no such file", file=path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
            if image.width * image.height <= MAX_PIXELS:
                image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError("a picture that can be read", f"damaged or no picture ({error})", file=path) from None
    if image.width * image.height > MAX_PIXELS:
        raise InputError(
            f"at most {MAX_PIXELS // 1_000_000} megapixels",
            f"{image.width}x{image.height}",
            file=path,
            hint="scale the picture down",
        )
    return image


def _check_kind(path: Path, image: Image.Image, convert: bool) -> bool:
    """Return whether the picture needs conversion; refuse it if that is not allowed."""
    frames = getattr(image, "n_frames", 1)
    transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    kinds = {
        f"an animation of {frames} frames": frames > 1,
        "a 16-bit picture": image.mode.startswith("I") or image.mode == "F",
        "a CMYK picture": image.mode == "CMYK",
        "a picture with transparency (RGBA)": transparent,
        "a grey picture": image.mode in ("L", "1"),
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
        grey = np.asarray(image).astype(np.float64)
        scale = 257.0 if grey.max(initial=0) > 255 else 1.0
        image = Image.fromarray(np.clip(np.rint(grey / scale), 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def thumbnail(pixels: RGBArray, longest: int) -> RGBArray:
    """Return ``pixels`` scaled down so that the longer side is at most ``longest``."""
    return (
        np.asarray(ImageOps.contain(Image.fromarray(pixels), (longest, longest)))
        if max(pixels.shape[:2]) > longest
        else pixels
    )
