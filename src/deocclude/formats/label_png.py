"""Label pictures: one channel whose values are object ids, 0 the background; 8 or 16 bit grey, or indexed colours.

Each pixel belongs to one object at most, so overlapping or empty masks cannot be written. Names, classes, amodal
masks and orders have no place in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deocclude.errors import InputError
from deocclude.formats.base import LARGEST_KEPT_ID, Format, ImageEntry, refuse_empty
from deocclude.formats.source import Kind, Source
from deocclude.geometry import Size
from deocclude.images import read_labels, write_picture
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene


@dataclass(frozen=True, eq=False)
class LabelDocument:
    """An opened label picture."""

    file: Path
    images: list[ImageEntry]
    labels: NDArray[np.int32]

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return one object for each value but 0; see :class:`deocclude.formats.base.Document`."""
        from scipy import ndimage

        size = Size(*self.labels.shape)
        instances = []
        for label, window in enumerate(ndimage.find_objects(self.labels), start=1):
            if window is not None:
                rows, columns = window
                mask = Mask.from_crop(self.labels[window] == label, (columns.start, rows.start), size)
                instances.append(Instance(label, mask))
        return Scene(size, tuple(instances), self.images[index].file_name, source=self.file)


def is_label_png(source: Source) -> bool:
    """Whether the source is a picture; that its channels fit is checked on opening."""
    return source.kind is Kind.PICTURE


def open_label_png(source: Source) -> LabelDocument:
    """Read the picture.

    Raises:
        InputError: it is damaged, has colour channels, was packed with loss, or holds values beyond 16 bits.
    """
    if source.kind is not Kind.PICTURE:
        raise InputError("a label picture", source.description, file=source.path)
    with source.path.open("rb") as file:
        lossy = file.read(3) == b"\xff\xd8\xff"
    if lossy:
        hint = "JPEG changes the values; save the labels as PNG"
        raise InputError("a label picture without loss", "a JPEG picture", file=source.path, hint=hint)
    labels = read_labels(source.path)
    if labels.min(initial=0) < 0 or labels.max(initial=0) > LARGEST_KEPT_ID:
        values = f"{labels.min()} to {labels.max()}"
        raise InputError(f"labels from 0 to {LARGEST_KEPT_ID}", values, file=source.path)
    return LabelDocument(source.path, [ImageEntry(None, "", Size(*labels.shape))], labels)


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
