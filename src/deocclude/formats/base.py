"""What all formats share: the list of images, reading options, and how masks and ids are taken from JSON."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from deocclude import rle
from deocclude.errors import InputError
from deocclude.formats.photo_names import stated_name
from deocclude.formats.record import Record, describe, finite, is_whole
from deocclude.formats.source import Source
from deocclude.geometry import Box, Size
from deocclude.images import MAX_PIXELS
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

LARGEST_KEPT_ID = 65_535
"""Ids of a file up to this are kept; where one is larger, the objects of the image are numbered 1 to n."""


@dataclass(frozen=True)
class ImageEntry:
    """One image of an annotation file.

    Attributes:
        image_id: its number or name in the data set, or ``None`` where the format has none.
        file_name: the photo's file name, with its folders where the file states them, or empty.
        size: height and width, or ``None`` where the file does not state them.
    """

    image_id: int | str | None
    file_name: str = ""
    size: Size | None = None


class Document(Protocol):
    """An opened annotation file."""

    @property
    def images(self) -> Sequence[ImageEntry]:
        """The images it annotates, in the order of the file."""

    def scene(self, index: int, photo_size: Size | None) -> Scene:
        """Return the objects of image ``index``, unvalidated.

        Args:
            index: position in :attr:`images`.
            photo_size: the photo's size, used only where the file states none.

        Raises:
            InputError: the content is not usable.
        """


@dataclass(frozen=True)
class Format:
    """A file format for objects of a photo.

    Attributes:
        name: as in ``--format``.
        title: what it is, in a few words.
        recognise: whether a source is of this format, by its content.
        open: read the list of images; the objects are read when asked for.
        write: write one scene to a path, whole or not at all.
        holds: fields of :class:`~deocclude.scene.Instance` (and ``order_truth``) that survive writing and reading;
            ``id`` and ``modal`` always do.
    """

    name: str
    title: str
    recognise: Callable[[Source], bool]
    open: Callable[[Source], Document]
    write: Callable[[Scene, Path], None]
    holds: frozenset[str]


def read_size(record: Record, height: str = "height", width: str = "width") -> Size | None:
    """Return the size under two keys, or ``None`` where both are absent.

    Raises:
        InputError: only one is there, or they are no size of a picture.
    """
    if not record.has(height) and not record.has(width):
        return None
    return _checked_size(record.whole(height), record.whole(width), record, height)


def _checked_size(height: int, width: int, record: Record, key: str) -> Size:
    if min(height, width) < 1 or height * width > MAX_PIXELS:
        limit = f"a picture size of 1 to {MAX_PIXELS // 1_000_000} million pixels"
        raise record.wrong(key, limit, found=f"{width}x{height}")
    return Size(height, width)


def read_box(record: Record, key: str, size: Size) -> Box:
    """Return the box [x0, y0, x1, y1] under ``key``: inside a picture of ``size``, or all zeros.

    Raises:
        InputError: it is none.
    """
    sides = record.items(key)
    if len(sides) == 4 and all(map(is_whole, sides)):
        box = Box(*map(int, sides))
        if box == box.clip(size):
            return box
    raise record.wrong(key, f"[x0, y0, x1, y1] inside the photo of {size}", found=str(sides)[:60])


def rle_size(value: Any) -> Size | None:
    """Return the size that a run-length mask states, or ``None`` where ``value`` is no such mask."""
    size = value.get("size") if isinstance(value, dict) else None
    if isinstance(size, list) and len(size) == 2 and all(map(is_whole, size)):
        return Size(int(size[0]), int(size[1]))
    return None


def _stated_size(value: Any) -> Size | None:
    """Return the size that run lengths or rows of true and false state, or ``None`` for any other mask."""
    rows = value if isinstance(value, list) and value and isinstance(value[0], list) else []
    if rows and rows[0] and isinstance(rows[0][0], bool):
        return Size(len(rows), len(rows[0]))
    return rle_size(value)


def read_mask(record: Record, key: str, size: Size) -> Mask:
    """Return the mask under ``key``: run lengths, polygons (their union), one flat polygon, or rows of pixels.

    Raises:
        InputError: it is none of these, does not fit its own size, or is of another size than ``size``.
    """
    value = record.values.get(key)
    try:
        if isinstance(value, dict):
            return _read_rle(record.record(key), size)
        if isinstance(value, list):
            bitmap = _bitmap(value, size)
            if bitmap is not None:
                if bitmap.shape != size:
                    raise record.wrong(key, f"a mask of {size}", found=f"one of {Size(*bitmap.shape)}")
                return Mask.from_array(bitmap)
            return rle.from_polygons(_polygons(value, record, key), size)
    except ValueError as error:
        raise record.wrong(key, "a mask", found=f"a damaged one ({error})") from None
    raise record.wrong(key, "run lengths {size, counts} or polygons [[x, y, ...], ...]")


def _read_rle(record: Record, size: Size) -> Mask:
    stated = record.items("size")
    if len(stated) != 2 or not all(map(is_whole, stated)):
        raise record.wrong("size", "[height, width]", found=str([describe(side) for side in stated[:4]]))
    found = _checked_size(int(stated[0]), int(stated[1]), record, "size")
    if found != size:
        raise record.wrong("size", f"a mask of {size}", found=f"one of {found}")
    if not isinstance(record.values.get("counts"), (str, list)):
        raise record.wrong("counts", "a run-length text or a list of whole numbers")
    return rle.decode({"size": found, "counts": record.values["counts"]})


def _bitmap(value: list[Any], size: Size) -> NDArray[Any] | None:
    """Return rows of pixels [H][W], as SAM's masks become by ``tolist``; ``None`` where ``value`` is no such list.

    Rows are true and false, 0 and 1 or, where there are as many as in a picture of ``size``, 0 and any other number.
    """
    if len(value) < 2 or not all(isinstance(row, list) and len(row) == len(value[0]) > 0 for row in value):
        return None
    if not isinstance(value[0][0], (bool, int, float)):
        return None
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        return None
    highest = array.max()
    two_valued = highest >= 0 and bool(((array == 0) | (array == highest)).all())
    return array if two_valued and (array.shape == size or highest <= 1) else None


def _polygons(value: list[Any], record: Record, key: str) -> list[list[float]]:
    """Return a list of flat polygons; one flat polygon is taken as a list of one, as COCOA writes it."""
    parts = value if value and isinstance(value[0], list) else [value] if value else []
    for part in parts:
        if not isinstance(part, list):
            raise record.wrong(key, "polygons [[x, y, ...], ...]", found=f"{describe(part)} among them")
    return [[finite(number, record, key) for number in part] for part in parts]


def object_ids(records: Sequence[Record]) -> list[int]:
    """Return an id for each object of one image.

    The ids of the file are kept where all of them are there and lie in 1 to :data:`LARGEST_KEPT_ID`; otherwise
    (COCO's run into the millions) the objects are numbered 1 to n in the order of the file, so that an arrow reads
    ``3>5``.

    Raises:
        InputError: an id occurs twice or is no whole number.
    """
    stated = [record.whole_or_none("id") for record in records]
    seen: set[int] = set()
    for record, identity in zip(records, stated, strict=True):
        if identity in seen:
            raise record.wrong("id", "ids that occur once in an image", found=f"{identity} twice")
        if identity is not None:
            seen.add(identity)
    kept = [identity for identity in stated if identity is not None and 1 <= identity <= LARGEST_KEPT_ID]
    return kept if len(kept) == len(stated) else list(range(1, len(stated) + 1))


def by_image(records: Iterable[Record]) -> dict[int | str, list[Record]]:
    """Group annotations by the image they name; their order stays."""
    groups: defaultdict[int | str, list[Record]] = defaultdict(list)
    for record in records:
        groups[record.identity("image_id")].append(record)
    return dict(groups)


def of_image(groups: Mapping[int | str, list[Record]], identity: int | str | None) -> list[Record]:
    """Return the annotations of an image out of :func:`by_image`.

    Some writers state an id as a number here and as a text there: 7 and "7" are one, unless the file has both.
    """
    if identity is None or identity in groups:
        return groups[identity] if identity is not None else []
    if isinstance(identity, int):
        return groups.get(str(identity), [])
    return groups.get(int(identity), []) if re.fullmatch("[0-9]{1,18}", identity) else []


def read_images(top: Record) -> list[ImageEntry]:
    """Return the entries of a COCO-style ``images`` list.

    Raises:
        InputError: an entry is damaged, or an id occurs twice.
    """
    entries, seen = [], set()
    for record in top.records("images"):
        identity = record.identity("id")
        if identity in seen:
            raise record.wrong("id", "image ids that occur once", found=f"{identity} twice")
        seen.add(identity)
        entries.append(ImageEntry(identity, stated_name(record.text("file_name")), read_size(record)))
    return entries


def scene_size(
    entry: ImageEntry, records: Sequence[Record], keys: Sequence[str], photo_size: Size | None, file: Path
) -> Size:
    """Return the size of an image: what the file states, else its first mask that does, else the photo's.

    Args:
        entry: the image.
        records: its objects; where there is none, an unknown size does no harm and 0x0 is returned.
        keys: where an object's masks may stand.
        photo_size: the photo's size, if known.
        file: for the message.

    Raises:
        InputError: nothing tells the size.
    """
    masks = (record.values.get(key) for record in records for key in keys)
    size = entry.size or next(filter(None, map(_stated_size, masks)), None) or photo_size
    if size is None and records:
        hint = "hand in the photo with the masks"
        raise InputError("the size of the photo", "none in the file", file=file, hint=hint)
    return Size(*size) if size is not None else Size(0, 0)


def top_record(source: Source) -> Record:
    """Return the JSON object that the file consists of.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(source.document, dict):
        raise InputError("a JSON object {...}", source.description, file=source.path)
    return Record(source.document, source.path)


def group_annotations(top: Record) -> dict[int | str, list[Record]]:
    """Return COCO-style ``annotations`` by image, crowds left out.

    Raises:
        InputError: an annotation is damaged.
    """
    return by_image(record for record in top.records("annotations") if not record.flag("iscrowd"))


def refuse_empty(item: Instance, path: Path, holder: str) -> None:
    """Check that an object can be written where empty masks have no form.

    Raises:
        InputError: it has no visible pixel.
    """
    if not item.modal:
        hint = f"{holder} cannot hold it; write coco or cocoa"
        raise InputError("masks with a pixel", "an empty one", file=path, field=f"object {item.id}", hint=hint)


def whole_shape(item: Instance, path: Path) -> Mask:
    """Return the amodal mask of an object that is to be written to ``path``.

    Raises:
        InputError: it has none; amodal formats would call what is visible the whole of it.
    """
    if item.amodal is None:
        hint = "complete the shapes first, or write another format"
        where = f"object {item.id}"
        raise InputError("an amodal mask of every object", "none", file=path, field=where, hint=hint)
    return item.amodal


def bbox(mask: Mask) -> list[int]:
    """Return the box of a mask as COCO writes it: [x, y, width, height]."""
    return [mask.box.x0, mask.box.y0, mask.box.width, mask.box.height]
