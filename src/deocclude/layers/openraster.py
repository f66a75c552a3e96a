"""Layers as OpenRaster 0.0.5 (``.ora``), which Krita, GIMP and MyPaint open.

A ZIP file: ``mimetype`` first and uncompressed, ``stack.xml`` (topmost layer first), ``data/*.png``, the merged
picture and a thumbnail (https://www.openraster.org).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from deocclude.files import atomic_file
from deocclude.images import png_bytes, thumbnail
from deocclude.layers.compose import compose
from deocclude.layers.export import BACKGROUND, file_names
from deocclude.layers.naming import plain_text
from deocclude.layers.stack import Layer, LayerStack

MIMETYPE = "image/openraster"
THUMBNAIL = 256


def write_openraster(
    stack: LayerStack,
    path: Path,
    *,
    icc_profile: bytes = b"",
    hidden: Collection[int] = (),
    exported: Path | None = None,
) -> None:
    """Write ``stack`` as an OpenRaster file, whole or not at all.

    Args:
        stack: the layers.
        path: the file to make.
        icc_profile: colour profile of the photo, embedded in each picture.
        hidden: ids of layers that are there but switched off.
        exported: folder into which :func:`~deocclude.layers.export.export_png` wrote the same layers, cropped, with the
            same profile: its files are taken as they are, which saves encoding them again.

    Raises:
        InputError: a hidden id that the stack does not have.
        OutputError: the disk is full, or the place is not writable.
    """
    merged = compose(stack, hide=hidden)
    pictures: dict[str, NDArray[np.uint8] | Path] = {
        "data/background.png": stack.background if exported is None else exported / BACKGROUND,
        "mergedimage.png": merged,
        "Thumbnails/thumbnail.png": thumbnail(merged, THUMBNAIL),
    }
    for layer in stack.layers:
        file = file_names(layer, len(stack.layers))["rgba"]
        pictures[_data_name(layer)] = exported / file if exported and file else _visible_pixels(layer)

    def encode(picture: NDArray[np.uint8] | Path) -> bytes:
        return picture.read_bytes() if isinstance(picture, Path) else png_bytes(picture, icc_profile)

    with (
        ThreadPoolExecutor() as threads,  # the two large pictures at once
        atomic_file(path) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
    ):
        _add(archive, "mimetype", MIMETYPE.encode())
        _add(archive, "stack.xml", _stack_xml(stack, hidden))
        for name, data in zip(pictures, threads.map(encode, pictures.values()), strict=True):
            _add(archive, name, data)


def _stack_xml(stack: LayerStack, hidden: Collection[int]) -> bytes:
    image = ET.Element("image", version="0.0.5", w=str(stack.size.width), h=str(stack.size.height))
    image.set("xres", "72")
    image.set("yres", "72")
    pile = ET.SubElement(image, "stack")
    for layer in reversed(stack.layers):
        shown = "hidden" if layer.instance_id in hidden else "visible"
        _add_layer(pile, layer.name, _data_name(layer), layer.box[:2], shown)
    _add_layer(pile, "background", "data/background.png", (0, 0), "visible")
    buffer = io.BytesIO()
    ET.ElementTree(image).write(buffer, encoding="UTF-8", xml_declaration=True)
    return buffer.getvalue()


def _add_layer(pile: ET.Element, name: str, source: str, place: tuple[int, int], visibility: str) -> None:
    ET.SubElement(
        pile,
        "layer",
        {
            "name": plain_text(name),
            "src": source,
            "x": str(place[0]),
            "y": str(place[1]),
            "opacity": "1.0",
            "visibility": visibility,
            "composite-op": "svg:src-over",
        },
    )


def _data_name(layer: Layer) -> str:
    return f"data/layer{layer.z:03d}.png"


def _visible_pixels(layer: Layer) -> NDArray[np.uint8]:
    """Return the layer's pixels; one clear pixel for a layer without any, since a PNG needs one."""
    return np.zeros((1, 1, 4), np.uint8) if layer.box.empty else layer.rgba


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # A fixed date: the same layers give the same file.
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
