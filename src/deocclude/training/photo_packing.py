"""Packed photos with instance masks: what training of the content nets reads.

A pack is a folder: ``photos.bin`` (squares of photos as JPEG, one after the other), ``labels.bin`` (the masks of their
objects as label maps, PNG), ``table.npz`` (where each lies, and the objects that are large enough) and ``pack.json``
(what it was made from). Squares of 256 px take about 25 kB each, a ninth of their pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.adjacency import touching_pairs
from deocclude.datasets.held_out import is_validation, photo_key
from deocclude.files import atomic_folder
from deocclude.geometry import Box
from deocclude.masks import Mask
from deocclude.scene import Scene
from deocclude.training.packing import (
    PACK_FILES,
    PHOTOS,
    Keyed,
    damaged,
    decoded_picture,
    encoded_photo,
    hull_growth,
    none_usable,
    read_columns,
    read_meta,
    write_meta,
)

PHOTO_PACK_VERSION = 1
PhotoLoader = Callable[[Scene], NDArray[np.uint8]]
MOST_LABELS = 255
WHOLE = 0.98
"""An object counts as cut off by its square if less than this share of it lies inside."""


@dataclass(frozen=True)
class PhotoPackSettings:
    """What goes into a pack of photos.

    Attributes:
        side: of the squares, pixels; photos are scaled so that their shorter side has this length.
        quality: of the JPEG compression.
        second_from: photos whose longer side is at least so many times the shorter give two squares, one at each end;
            the others one in the middle.
        min_side: objects whose longer box side is shorter than this, pixels of the square, are not trained on.
        min_area: nor are those with fewer pixels.
        max_aspect: nor those longer and thinner than this.
        touch_radius: two objects touch if one, grown by this many pixels of the photo, meets the other.
    """

    side: int = 256
    quality: int = 90
    second_from: float = 1.2
    min_side: int = 48
    min_area: int = 600
    max_aspect: float = 5.0
    touch_radius: int = 3


@dataclass(frozen=True, eq=False)
class PhotoPack(Keyed):
    """An opened pack of N squares and M objects.

    Attributes:
        photos: uint8, all JPEG files together, memory-mapped.
        labels: uint8, all PNG label maps together, memory-mapped.
        photo_ends: int64 [N], where each file ends.
        label_ends: int64 [N].
        image_keys: text [N], the photo each square is from.
        squares: int64 [M], the square that each object lies in.
        values: int64 [M], its value in the label map.
        boxes: int64 [M, 4], its box (x0, y0, x1, y1) in the square.
        areas: int64 [M], its pixels in the square.
        truncated: bool [M], it is cut off by the border of the photo or of the square.
        occluded: bool [M], a neighbour seems to hide part of it.
        meta: the content of ``pack.json``.
    """

    photos: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    photo_ends: NDArray[np.int64]
    label_ends: NDArray[np.int64]
    image_keys: NDArray[np.str_]
    squares: NDArray[np.int64]
    values: NDArray[np.int64]
    boxes: NDArray[np.int64]
    areas: NDArray[np.int64]
    truncated: NDArray[np.bool_]
    occluded: NDArray[np.bool_]
    meta: dict[str, Any]

    @property
    def side(self) -> int:
        """Side of the squares, pixels."""
        return int(self.meta["settings"]["side"])

    def rgb(self, square: int) -> NDArray[np.uint8]:
        """Return the pixels of a square, uint8 [S, S, 3].

        Raises:
            InputError: the pack is damaged.
        """
        return decoded_picture(self.photos, self.photo_ends, square, self.side)

    def label_map(self, square: int) -> NDArray[np.uint8]:
        """Return the label map of a square, uint8 [S, S]; 0 is no object.

        Raises:
            InputError: the pack is damaged.
        """
        return decoded_picture(self.labels, self.label_ends, square, self.side, grey=True)


def write_photo_pack(
    scenes: Iterable[Scene], target: Path, photos: PhotoLoader, settings: PhotoPackSettings | None = None
) -> int:
    """Pack photos into the folder ``target`` and return how many of their objects can be trained on.

    Args:
        scenes: photos with modal masks, or without any object.
        target: the pack folder; replaced as a whole.
        photos: returns the photo of a scene, uint8 [h, w, 3], any resolution.
        settings: sizes and limits.

    Raises:
        InputError: no object is large enough.
        OutputError: the folder cannot be written.
    """
    settings = settings or PhotoPackSettings()
    with atomic_folder(target, replaced=PACK_FILES) as part:
        rows = _Rows()
        with (part / "photos.bin").open("wb") as photo_file, (part / "labels.bin").open("wb") as label_file:
            for scene in scenes:
                for jpeg, png in _add_scene(rows, scene, photos(scene), settings):
                    rows.photo_ends.append(photo_file.tell() + photo_file.write(jpeg))
                    rows.label_ends.append(label_file.tell() + label_file.write(png))
        if not rows.objects:
            raise none_usable(settings.min_side, f"{settings.min_area} pixels of the scaled photo")
        _save(part, rows, settings)
    return len(rows.objects)


def open_photo_pack(folder: Path) -> PhotoPack:
    """Open a pack of photos, memory-mapped.

    Raises:
        InputError: no pack, one of another kind or version, or a damaged one.
    """
    meta = read_meta(folder, PHOTOS, PHOTO_PACK_VERSION)
    try:
        columns = read_columns(folder)
        photos, labels = (np.memmap(folder / f"{name}.bin", np.uint8, "r") for name in ("photos", "labels"))
        pack = PhotoPack(photos=photos, labels=labels, meta=meta, **columns)
        complete = (
            len(pack.squares) == meta["objects"]
            and int(pack.photo_ends[-1]) == len(pack.photos)
            and int(pack.label_ends[-1]) == len(pack.labels)
        )
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError) as error:
        raise damaged(folder, str(error)) from None
    if not complete:
        raise damaged(folder, "files of different lengths")
    return pack


def photo_fingerprint(pack: PhotoPack) -> str:
    """Return a short hash of the photos and objects, stored with weights trained on them."""
    digest = hashlib.sha256(pack.photo_ends.tobytes())
    digest.update(np.ascontiguousarray(pack.photos[::101]).tobytes())
    digest.update(pack.boxes.tobytes())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class _Object:
    square: int
    value: int
    box: Box
    area: int
    truncated: bool
    occluded: bool


class _Rows:
    """Columns of the table while they grow."""

    def __init__(self) -> None:
        self.photo_ends: list[int] = []
        self.label_ends: list[int] = []
        self.keys: list[str] = []
        self.objects: list[_Object] = []


def _add_scene(
    rows: _Rows, scene: Scene, photo: NDArray[np.uint8], settings: PhotoPackSettings
) -> Iterator[tuple[bytes, bytes]]:
    """Add a scene's objects to ``rows`` and yield each of its squares as JPEG and PNG."""
    import cv2

    scaled = _scaled(photo, settings.side)
    # Smaller objects on top of larger ones: polygons overlap, and a small one is rarely behind.
    masks = sorted((item.modal for item in scene.instances if item.modal), key=lambda mask: -mask.area)[:MOST_LABELS]
    labels = _label_map(masks, scene, scaled.shape[:2])
    windows = _windows(scaled.shape[:2], settings)
    first = len(rows.keys)
    for value in range(1, len(masks) + 1):
        parts = [Mask.from_array(labels[window] == value) for window in windows]
        place = int(np.argmax([part.area for part in parts]))
        part = parts[place]
        if _usable(part, settings):
            partial = part.area < WHOLE * np.count_nonzero(labels == value)
            cut = bool(partial or part.box.grow(3).clip(part.size) != part.box.grow(3))
            hidden = _seems_occluded(masks, value - 1, settings.touch_radius)
            rows.objects.append(_Object(first + place, value, part.box, part.area, cut, hidden))
    for window in windows:
        rows.keys.append(photo_key(scene))
        yield encoded_photo(scaled[window], settings.quality), cv2.imencode(".png", labels[window])[1].tobytes()


def _scaled(photo: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    import cv2

    height, width = photo.shape[:2]
    scale = side / min(height, width)
    target = max(side, round(width * scale)), max(side, round(height * scale))
    return np.asarray(
        cv2.resize(photo, target, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC), np.uint8
    )


def _label_map(masks: Sequence[Mask], scene: Scene, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the masks as one map uint8 of ``shape``: 0 nothing, k the k-th mask (from 1)."""
    import cv2

    if not masks:
        return np.zeros(shape, np.uint8)
    labels = np.zeros(scene.size, np.uint8)
    for value, mask in enumerate(masks, 1):
        labels[mask.box.slices][mask.pixels] = value
    return np.asarray(cv2.resize(labels, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _windows(shape: tuple[int, ...], settings: PhotoPackSettings) -> list[tuple[slice, slice]]:
    height, width = shape
    side, spare = settings.side, (height - settings.side, width - settings.side)
    two = max(height, width) >= settings.second_from * side
    shares = (0.0, 1.0) if two else (0.5,)
    corners = [(int(spare[0] * share), int(spare[1] * share)) for share in shares]
    return [(slice(y, y + side), slice(x, x + side)) for y, x in corners]


def _usable(mask: Mask, settings: PhotoPackSettings) -> bool:
    long, short = max(mask.box.width, mask.box.height), min(mask.box.width, mask.box.height)
    return long >= settings.min_side and long <= settings.max_aspect * short and mask.area >= settings.min_area


def _seems_occluded(masks: Sequence[Mask], index: int, radius: int) -> bool:
    """Whether the hull rule says that a touching neighbour hides part of a mask (Zhan et al., CVPR 2020: "convex")."""
    mask = masks[index]
    for other in (other for k, other in enumerate(masks) if k != index):
        if touching_pairs((mask, other), radius):
            mine = hull_growth(mask, other)
            if mine > 0.02 and mine > 1.5 * hull_growth(other, mask):
                return True
    return False


def _save(folder: Path, rows: _Rows, settings: PhotoPackSettings) -> None:
    objects = rows.objects
    np.savez(
        folder / "table.npz",
        photo_ends=np.array(rows.photo_ends, np.int64),
        label_ends=np.array(rows.label_ends, np.int64),
        image_keys=np.array(rows.keys, np.str_),
        squares=np.array([item.square for item in objects], np.int64),
        values=np.array([item.value for item in objects], np.int64),
        boxes=np.array([item.box for item in objects], np.int64),
        areas=np.array([item.area for item in objects], np.int64),
        truncated=np.array([item.truncated for item in objects], bool),
        occluded=np.array([item.occluded for item in objects], bool),
    )
    meta = {
        "kind": PHOTOS,
        "version": PHOTO_PACK_VERSION,
        "photos": len(set(rows.keys)),
        "squares": len(rows.keys),
        "objects": len(objects),
        "validation_objects": sum(is_validation(rows.keys[item.square]) for item in objects),
        "settings": asdict(settings),
    }
    write_meta(folder, meta)
