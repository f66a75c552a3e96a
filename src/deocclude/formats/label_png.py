"""Label pictures: one channel whose values are object ids, 0 the background; 8 or 16 bit grey, or indexed colours.

Of indexed colours the value 255 is left out where it is not the only one: with it PASCAL VOC and LabelMe's converter
mark borders and what is to be ignored. Where the picture has colour channels, every colour but black is an object,
numbered 1 to n by red + 256 green + 65536 blue and named by its colour; greys in such channels are ids.

Each pixel belongs to one object at most, so overlapping or empty masks cannot be written. Names, classes, amodal
masks and orders have no place in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.formats.base import LARGEST_KEPT_ID, Format, ImageEntry, refuse_empty
from deocclude.formats.source import Kind, Source
from deocclude.geometry import Size
from deocclude.images import is_indexed, read_colour_labels, read_labels, write_picture
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

_VOID = 255
"""Of indexed pictures: borders of objects, and what is to be ignored."""
_FEW = 32
"""So many labels are taken without a doubt."""


@dataclass(frozen=True, eq=False)
class LabelDocument:
    """An opened label picture."""

    file: Path
    images: list[ImageEntry]
    labels: NDArray[np.int32]
    names: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return one object for each value but 0; see :class:`deocclude.formats.base.Document`."""
        from scipy import ndimage

        size = Size(*self.labels.shape)
        instances = []
        for label, window in enumerate(ndimage.find_objects(self.labels), start=1):
            if window is not None:
                rows, columns = window
                mask = Mask.from_crop(self.labels[window] == label, (columns.start, rows.start), size)
                instances.append(Instance(label, mask, name=self.names.get(label, "")))
        file_name = self.images[index].file_name
        return Scene(size, tuple(instances), file_name, source=self.file, notes=self.notes)


def is_label_png(source: Source) -> bool:
    """Whether the source is a picture; that its channels fit is checked on opening."""
    return source.kind is Kind.PICTURE


def open_label_png(source: Source) -> LabelDocument:
    """Read the picture.

    Raises:
        InputError: it is damaged, was packed with loss, holds values beyond 16 bits, or is a photo.
    """
    if source.kind is not Kind.PICTURE:
        raise InputError("a label picture", source.description, file=source.path)
    with source.path.open("rb") as file:
        lossy = file.read(3) == b"\xff\xd8\xff"
    if lossy:
        hint = "JPEG changes the values; save the labels as PNG"
        raise InputError("a label picture without loss", "a JPEG picture", file=source.path, hint=hint)
    colours = read_colour_labels(source.path)
    labels, names = (read_labels(source.path), {}) if colours is None else _numbered(colours)
    if labels.min(initial=0) < 0 or labels.max(initial=0) > LARGEST_KEPT_ID:
        values = f"{labels.min()} to {labels.max()}"
        raise InputError(f"labels from 0 to {LARGEST_KEPT_ID}", values, file=source.path)
    _check_areas(labels, source.path)
    labels, notes = _without_void(labels, source.path) if is_indexed(source.path) else (labels, ())
    return LabelDocument(source.path, [ImageEntry(None, "", Size(*labels.shape))], labels, names, notes)


def _numbered(codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], dict[int, str]]:
    """Return labels and their names for the codes of colours: greys as they are, colours numbered."""
    grey = codes & 255
    if np.array_equal(codes, grey * 65793):
        return grey, {}
    table = np.zeros(1 << 24, np.int32)  # sorting the pixels would take ten times as long
    table[codes] = 1
    table[0] = 0
    found = np.flatnonzero(table)
    table[found] = np.arange(1, found.size + 1)
    return table[codes], {label: _hexadecimal(int(code)) for label, code in enumerate(found, start=1)}


def _hexadecimal(code: int) -> str:
    return f"#{code & 255:02x}{code >> 8 & 255:02x}{code >> 16:02x}"


def _check_areas(labels: NDArray[np.int32], file: Path) -> None:
    """Refuse a photo, or labels with smoothed edges.

    In a label picture nearly all neighbours below and to the right of a pixel have its own label, in a photo few have.
    Where edges were smoothed, most labels lie along edges only.

    Raises:
        InputError: it is one of these.
    """
    area = np.bincount(labels.ravel())
    area[0] = 0
    objects = np.flatnonzero(area)
    if objects.size <= _FEW:
        return
    alike = np.zeros(area.size, np.int64)
    for here, there in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        alike += np.bincount(here[here == there], minlength=area.size)
    alike, area = alike[objects], area[objects]
    if alike.sum() < 1.5 * area.sum() or np.median(alike / area) < 0.5:
        found = f"{objects.size} values, most of them in no area of their own: a photo, or smoothed edges"
        hint = "hand in masks that were saved without smoothing, or a folder with one PNG a mask, which may be smooth"
        raise InputError("a label picture, one value an object", found, file=file, hint=hint)


def _without_void(labels: NDArray[np.int32], file: Path) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return the labels of an indexed picture without 255, and a note where there is any."""
    others = (labels != 0) & (labels != _VOID)
    void = int(np.count_nonzero(labels == _VOID))
    if not void or not others.any() or labels[others].max() == _VOID - 1:
        return labels, ()
    note = f"{void} px of {file.name} with the value 255 are left out: borders or parts to ignore, as in PASCAL VOC"
    return np.where(labels == _VOID, 0, labels), (note,)


def write_label_png(scene: Scene, path: Path) -> None:
    """Write the visible masks as a grey PNG, 8 bit if the ids fit, else 16 bit.

    Raises:
        InputError: two masks overlap, one is empty, an id is beyond 16 bits, or the file is no PNG by its name: most
            other formats would change the values.
    """
    labels = np.zeros(scene.size, np.uint16)
    for item in scene.instances:
        refuse_empty(item, path, "a label picture")
        if not 1 <= item.id <= LARGEST_KEPT_ID:
            raise InputError(f"ids from 1 to {LARGEST_KEPT_ID}", str(item.id), file=path, field="id")
        window = labels[item.modal.box.slices]
        taken = window[item.modal.pixels & (window > 0)]
        if taken.size:
            hint = "repair the masks first, or write another format"
            found = f"{taken.size} pixels of object {item.id} in object {taken[0]}"
            raise InputError("masks that do not overlap", found, file=path, hint=hint)
        window[item.modal.pixels] = item.id
    if path.suffix.lower() != ".png":
        raise InputError("a file name with .png", path.name, file=path)
    write_picture(path, labels.astype(np.uint8) if labels.max(initial=0) < 256 else labels)


LABEL_PNG = Format(
    "label-png",
    "label PNG (one channel, values are ids)",
    is_label_png,
    open_label_png,
    write_label_png,
    frozenset(),
)
