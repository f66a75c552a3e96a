"""Layers as a folder of PNG files with a ``layers.json``, and back.

The folder holds ``background.png``, for each layer ``NN_name.png`` (RGBA, NN counts up from the bottom) with
``NN_name.provenance.png`` and ``NN_name.confidence.png``, and ``layers.json``, which states z, place and name.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deocclude.errors import InputError
from deocclude.files import atomic_folder, keep_others, write_text
from deocclude.formats.base import read_box
from deocclude.formats.record import Record, is_whole
from deocclude.geometry import Box, Size
from deocclude.images import png_bytes
from deocclude.layers.naming import file_stem
from deocclude.layers.stack import Layer, LayerStack

VERSION = 1
INDEX = "layers.json"
BACKGROUND = "background.png"
_KINDS = ("rgba", "provenance", "confidence")


def export_png(stack: LayerStack, folder: Path, *, icc_profile: bytes = b"", full_frame: bool = False) -> None:
    """Write ``stack`` as PNG files into ``folder``, whole or not at all; layers of an older one go, other files stay.

    Args:
        stack: the layers.
        folder: the folder to make.
        icc_profile: colour profile of the photo, embedded in the colour pictures.
        full_frame: write each layer in the size of the photo instead of cropped to its pixels (larger files, but
            programs that know nothing of offsets put them right).

    Raises:
        OutputError: the disk is full, or the place is not writable.
    """
    names = [file_names(layer, len(stack.layers)) for layer in stack.layers]
    pictures = [(name, layer, kind) for layer, files in zip(stack.layers, names, strict=True)
                for kind, name in files.items() if name]  # fmt: skip

    def encoded(picture: tuple[str, Layer, str]) -> bytes:
        _, layer, kind = picture
        pixels = _framed(getattr(layer, kind), layer.box, stack.size, full_frame)
        return png_bytes(pixels, icc_profile if kind == "rgba" else b"")

    with ThreadPoolExecutor() as threads, atomic_folder(folder) as part:
        ground = threads.submit(png_bytes, stack.background, icc_profile)
        for (name, *_), data in zip(pictures, threads.map(encoded, pictures), strict=True):
            (part / name).write_bytes(data)
        (part / BACKGROUND).write_bytes(ground.result())
        entries = [_entry(*about, full_frame) for about in zip(stack.layers, names, strict=True)]
        head = {
            "version": VERSION,
            "width": stack.size.width,
            "height": stack.size.height,
            "edges": stack.edges,
            "background": BACKGROUND,
            "clipped": stack.clipped,
            "patched": stack.patched,
        }
        write_text(part / INDEX, json.dumps(head | {"layers": entries}, indent=2) + "\n")
        keep_others(folder, part, _results_in(folder))


def _results_in(folder: Path) -> set[str]:
    """Return the files that an older ``layers.json`` in the folder names."""
    try:
        entries = json.loads((folder / INDEX).read_text(encoding="utf-8"))["layers"]
        return {str(entry[key]) for entry in entries for key in ("file", "provenance", "confidence")}
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return set()


def file_names(layer: Layer, count: int) -> dict[str, str | None]:
    """Return the file of each kind of picture; none for a layer without pixels."""
    stem = None if layer.box.empty else file_stem(layer.z, count, layer.name)
    return {kind: stem and (f"{stem}.png" if kind == "rgba" else f"{stem}.{kind}.png") for kind in _KINDS}


def picture_files(stack: LayerStack) -> list[str]:
    """Return the files of a folder that :func:`export_png` wrote."""
    names = (file_names(layer, len(stack.layers)).values() for layer in stack.layers)
    return [INDEX, BACKGROUND, *(name for several in names for name in several if name)]


def _entry(layer: Layer, files: dict[str, str | None], full_frame: bool) -> dict[str, Any]:
    return {
        "id": layer.instance_id,
        "name": layer.name,
        "z": layer.z,
        "box": list(layer.box),
        "offset": [0, 0] if full_frame else list(layer.box[:2]),
        "file": files["rgba"],
        "provenance": files["provenance"],
        "confidence": files["confidence"],
    }


def _framed(pixels: NDArray[np.uint8], box: Box, size: Size, full_frame: bool) -> NDArray[np.uint8]:
    if not full_frame:
        return pixels
    frame = np.zeros((*size, *pixels.shape[2:]), np.uint8)
    frame[box.slices] = pixels
    return frame


def read_layers(folder: Path) -> LayerStack:
    """Read back what :func:`export_png` wrote.

    Raises:
        InputError: no such folder, a file is missing or damaged, or ``layers.json`` does not describe the files.
    """
    index = folder / INDEX
    try:
        data = json.loads(index.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"a folder of layers with {INDEX}", error.strerror or str(error), file=folder) from None
    except (ValueError, RecursionError) as error:
        raise InputError("JSON", f"text that is none ({error})", file=index) from None
    if not isinstance(data, dict) or data.get("version") != VERSION:
        found = data.get("version") if isinstance(data, dict) else "no JSON object"
        raise InputError(f"version {VERSION}", repr(found), file=index, field="version")
    try:
        size = Size(int(data["height"]), int(data["width"]))
        background = _read_png(folder / _plain_name(data["background"]), "RGB", size)
        entries = Record(data, index).records("layers")
        layers = sorted((_read_layer(folder, entry, size) for entry in entries), key=lambda layer: layer.z)
        clipped, patched = ({int(k): int(v) for k, v in data[key].items()} for key in ("clipped", "patched"))
        return LayerStack(size, background, tuple(layers), str(data["edges"]), clipped, patched)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        hint = "write the folder again"
        raise InputError("the description of layers", f"a damaged one ({error!r})", file=index, hint=hint) from None


def _read_layer(folder: Path, entry: Record, size: Size) -> Layer:
    box = read_box(entry, "box", size)
    pixels = {"RGBA": np.zeros((0, 0, 4), np.uint8), "L": np.zeros((0, 0), np.uint8)}
    rgba, provenance, confidence = pixels["RGBA"], pixels["L"], pixels["L"]
    if not box.empty:
        x, y = _offset(entry, box)
        window = box.window(Box(x, y, box.x1, box.y1))
        shape = Size(box.y1 - y, box.x1 - x)
        rgba, provenance, confidence = (
            _read_png(folder / _plain_name(entry.values[key]), mode, shape)[window]
            for key, mode in (("file", "RGBA"), ("provenance", "L"), ("confidence", "L"))
        )
    return Layer(entry.whole("id"), entry.exact_text("name"), entry.whole("z"), box, rgba, provenance, confidence)


def _offset(entry: Record, box: Box) -> tuple[int, int]:
    """Return the place (x, y) of a layer's picture, which its box lies in."""
    place = entry.items("offset")
    if not (len(place) == 2 and all(map(is_whole, place)) and 0 <= place[0] <= box.x0 and 0 <= place[1] <= box.y0):
        raise entry.wrong("offset", "[x, y] not behind the box", found=str(place)[:60])
    return int(place[0]), int(place[1])


def _plain_name(name: Any) -> str:
    """Return a file name if it stays inside the folder."""
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"{name!r} is no file name")
    return name


def _read_png(path: Path, mode: str, least: Size) -> NDArray[np.uint8]:
    """Read a picture of ``mode`` that is at least as large as ``least``."""
    try:
        with Image.open(path) as image:
            found, pixels = image.mode, np.array(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("a layer picture", f"none that can be read ({error})", file=path) from None
    if found != mode or pixels.shape[0] < least.height or pixels.shape[1] < least.width:
        size = Size(*pixels.shape[:2])
        raise InputError(f"an 8-bit {mode} picture of {least}", f"{found} {size}", file=path)
    return pixels
