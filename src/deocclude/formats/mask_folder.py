"""Folders of mask PNGs, one an object, taken in natural order (2 before 10).

A pixel belongs to the object where it is brighter than half of the brightest pixel, so masks of 0 and 1, of 0 and
255, and with smoothed edges are read alike. The number that a file name starts with is the id where all files have
one of their own from 1 up, else the objects are numbered by position; the rest of the file name is the name.
Masks may overlap. Classes, amodal masks and orders have no place in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deocclude.errors import InputError
from deocclude.files import atomic_folder, check_output_folder
from deocclude.formats.base import LARGEST_KEPT_ID, Format, ImageEntry
from deocclude.formats.source import Kind, Source, visible_files
from deocclude.geometry import Size
from deocclude.images import read_as_stored, read_labels, write_picture
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

_NUMBERED = re.compile(r"([0-9]+)[ _.-]?(.*)", re.DOTALL)
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*\x7f\ud800-\udfff]')
_LONGEST_NAME = 40


@dataclass(frozen=True)
class MaskFolder:
    """An opened folder."""

    file: Path
    images: list[ImageEntry]
    pictures: list[Path]

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return one object a file; see :class:`deocclude.formats.base.Document`."""
        masks = [read_mask(path) for path in self.pictures]
        for path, mask in zip(self.pictures, masks, strict=True):
            if mask.size != masks[0].size:
                expected = f"masks of one size, {masks[0].size} as in {self.pictures[0].name}"
                raise InputError(expected, str(mask.size), file=path)
        named = _ids_and_names([path.stem for path in self.pictures])
        instances = tuple(
            Instance(identity, mask, name=name) for (identity, name), mask in zip(named, masks, strict=True)
        )
        return Scene(masks[0].size, instances, self.images[index].file_name, source=self.file)


def _ids_and_names(stems: list[str]) -> list[tuple[int, str]]:
    matches = [_NUMBERED.fullmatch(stem) for stem in stems]
    numbers = [int(match[1][:9]) if match else 0 for match in matches]
    if len(set(numbers)) == len(numbers) and min(numbers) >= 1 and max(numbers) <= LARGEST_KEPT_ID:
        return [(number, match[2]) for number, match in zip(numbers, matches, strict=True) if match]
    return [(position, "" if stem.isdecimal() else stem) for position, stem in enumerate(stems, start=1)]


def read_mask(path: Path) -> Mask:
    """Return the mask that a picture shows, of any mode, bright or opaque on dark or transparent.

    Raises:
        InputError: it cannot be read, or has colours.
    """
    values = _values(path)
    return Mask.from_array(values > int(values.max(initial=0)) // 2)


def _values(path: Path) -> NDArray[Any]:
    """Return the brightness, or the opacity where a picture is transparent in places, [H, W]."""
    try:
        with Image.open(path) as image:
            mode = image.mode
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        mode = ""
    if mode not in ("RGB", "RGBA", "LA", "P"):
        return read_labels(path)
    pixels = read_as_stored(path, "RGBA" if mode == "P" else mode)
    if mode != "RGB" and pixels[..., -1].min(initial=255) < 255:
        return pixels[..., -1]
    colours = pixels[..., :3] if mode != "LA" else pixels[..., :1]
    if (colours != colours[..., :1]).any():
        hint = "a mask is white on black, or opaque on transparent"
        raise InputError("a black and white mask", "a colour picture", file=path, hint=hint)
    return colours[..., 0]


def _is_mask(path: Path) -> bool:
    """Whether a file is a PNG of two values: a grey photo can be read as a mask, too, but is none to be replaced."""
    if path.suffix.lower() != ".png":
        return False
    try:
        return len(np.unique(_values(path))) <= 2
    except InputError:
        return False


def is_mask_folder(source: Source) -> bool:
    """Whether the source is a folder with PNG files."""
    return source.kind is Kind.FOLDER and bool(visible_files(source.path, ".png"))


def open_mask_folder(source: Source) -> MaskFolder:
    """List the PNG files.

    Raises:
        InputError: it is no folder, or one without PNG files.
    """
    if not is_mask_folder(source):
        raise InputError("a folder of mask PNGs", source.description, file=source.path)
    return MaskFolder(source.path, [ImageEntry(None)], visible_files(source.path, ".png"))


def write_mask_folder(scene: Scene, path: Path) -> None:
    """Write the visible masks as ``ID_name.png``, 0 and 255; characters that file systems refuse become ``_``.

    Raises:
        InputError: the folder holds other things than mask PNGs.
    """
    foreign = [file.name for file in path.iterdir() if not _is_mask(file)] if path.is_dir() else []
    if foreign:
        raise InputError("a new folder, or one of mask PNGs only", f"{foreign[0]!r} in it", file=path)
    check_output_folder(path, force=True)
    digits = len(str(max([0, *scene.ids])))
    with atomic_folder(path) as part:
        for item in scene.instances:
            name = _UNSAFE.sub("_", item.label if item.name or item.category else "")[:_LONGEST_NAME].strip()
            stem = f"{item.id:0{digits}d}" + (f"_{name}" if name else "")
            write_picture(part / f"{stem}.png", item.modal.to_array())


MASK_FOLDER = Format(
    "mask-folder",
    "folder of mask PNGs",
    is_mask_folder,
    open_mask_folder,
    write_mask_folder,
    frozenset({"name"}),
)
