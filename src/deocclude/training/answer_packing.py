"""Packed objects of real photos, each with what the mask method answers when it knows every mask.

From these a net learns to see in the photo what hides an object: it is told of fewer masks than the teacher was
("learning using privileged information", Vapnik and Vashist, Neural Networks 2009). A pack is a folder: ``photos.bin``
(the surroundings of each object as JPEG, one after the other), ``planes.npy`` (bits, see :class:`AnswerPack`),
``table.npz`` and ``pack.json``. An object takes about 30 kB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.crops import Square, cut, cut_colours, object_square
from deocclude.datasets.held_out import is_validation, photo_key
from deocclude.files import atomic_folder
from deocclude.masks import Mask, union
from deocclude.repair import repair
from deocclude.scene import Instance, Scene
from deocclude.training.packing import (
    ANSWERS,
    PACK_FILES,
    Keyed,
    damaged,
    decoded_picture,
    encoded_photo,
    none_usable,
    picture_edges,
    read_columns,
    read_meta,
    write_meta,
)
from deocclude.training.photo_packing import PhotoLoader

ANSWER_PACK_VERSION = 1
ROOM = 1.6
"""Crops are this many times as wide as the square that the network sees, so that it can be moved and scaled in them."""
QUALITY = 90


@dataclass(frozen=True, eq=False)
class Answer:
    """What the teacher says of one object.

    Attributes:
        whole: its whole shape, which contains its visible mask.
        hiders: the visible masks of all that may hide it, together.
    """

    whole: Mask
    hiders: Mask


Teacher = Callable[[Scene], dict[int, Answer]]
"""Answers for every object of a scene with disjoint masks, by id."""


@dataclass(frozen=True)
class AnswerPackSettings:
    """What goes into a pack of answers.

    Attributes:
        crop: side of the crops, pixels; a multiple of 8.
        min_side: objects whose longer box side is shorter than this are left out, pixels.
        min_area: objects with fewer visible pixels are left out.
    """

    crop: int = 192
    min_side: int = 24
    min_area: int = 200


@dataclass(frozen=True, eq=False)
class AnswerPack(Keyed):
    """An opened pack of n objects.

    Attributes:
        photos: uint8, all JPEG files together, memory-mapped.
        photo_ends: int64 [n], where each file ends.
        planes: uint8 [n, 4, S, S / 8], bits: what is seen of the object, its whole shape, the objects that may hide it,
            and all other objects. Memory-mapped.
        edges: float32 [n, 4], left, top, right, bottom of the photo in the coordinates (-1..1) of the crop.
        hidden: float32 [n], the share of the whole shape that is hidden.
        image_keys: text [n], the photo that each object is from.
        meta: the content of ``pack.json``.
    """

    photos: NDArray[np.uint8]
    photo_ends: NDArray[np.int64]
    planes: NDArray[np.uint8]
    edges: NDArray[np.float32]
    hidden: NDArray[np.float32]
    image_keys: NDArray[np.str_]
    meta: dict[str, Any]

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.planes)

    def rgb(self, row: int) -> NDArray[np.uint8]:
        """Return the colours of a crop, uint8 [S, S, 3].

        Raises:
            InputError: the pack is damaged.
        """
        return decoded_picture(self.photos, self.photo_ends, row, self.planes.shape[2], field="answers")

    def fingerprint(self) -> str:
        """Return a short hash of the objects and answers, stored with weights trained on them."""
        digest = hashlib.sha256(self.edges.tobytes() + self.photo_ends.tobytes())
        digest.update(np.ascontiguousarray(self.planes[:, :, ::8]).tobytes())
        return digest.hexdigest()[:16]


def write_answer_pack(
    scenes: Iterable[Scene],
    target: Path,
    photos: PhotoLoader,
    teacher: Teacher,
    settings: AnswerPackSettings | None = None,
) -> int:
    """Pack the objects of scenes with the teacher's answers into ``target`` and return how many there are.

    Args:
        scenes: photos with modal masks.
        target: the pack folder; replaced as a whole.
        photos: returns the photo of a scene, uint8 [h, w, 3], any resolution.
        teacher: is asked once for each scene, with all of its masks.
        settings: sizes and limits.

    Raises:
        InputError: no object is large enough, or a photo cannot be read.
        OutputError: the folder cannot be written.
    """
    settings, rows = settings or AnswerPackSettings(), _Rows()
    with atomic_folder(target, replaced=PACK_FILES) as part:
        with (part / "photos.bin").open("wb") as file:
            for scene in (repair(given)[0] for given in scenes):
                usable = [item for item in scene.instances if _usable(item.modal, settings)]
                if not usable:
                    continue
                photo, answers = photos(scene), teacher(scene)
                for item in usable:
                    jpeg = _add_object(rows, scene, item, answers[item.id], photo, settings.crop)
                    rows.ends.append(file.tell() + file.write(jpeg))
        if not rows.planes:
            raise none_usable(settings.min_side, f"{settings.min_area} visible pixels")
        _save(part, rows, settings)
    return len(rows.planes)


def open_answer_pack(folder: Path) -> AnswerPack:
    """Open a pack of answers, memory-mapped.

    Raises:
        InputError: no pack, one of another kind or version, or a damaged one.
    """
    meta = read_meta(folder, ANSWERS, ANSWER_PACK_VERSION)
    try:
        columns = read_columns(folder)
        planes = np.load(folder / "planes.npy", mmap_mode="r", allow_pickle=False)
        photos = np.memmap(folder / "photos.bin", np.uint8, "r")
        pack = AnswerPack(photos=photos, planes=planes, meta=meta, **columns)
        complete = len(pack.planes) == len(pack.edges) == len(pack.hidden) == len(pack.image_keys) == meta[
            "objects"
        ] and int(pack.photo_ends[-1]) == len(pack.photos)
    except (OSError, ValueError, TypeError, KeyError, IndexError, EOFError) as error:
        raise damaged(folder, str(error)) from None
    if not complete:
        raise damaged(folder, "files of different lengths")
    return pack


def _usable(mask: Mask, settings: AnswerPackSettings) -> bool:
    return max(mask.box.width, mask.box.height) >= settings.min_side and mask.area >= settings.min_area


class _Rows:
    """Columns of the table while they grow."""

    def __init__(self) -> None:
        self.planes: list[NDArray[np.uint8]] = []
        self.ends: list[int] = []
        self.edges: list[list[float]] = []
        self.hidden: list[float] = []
        self.keys: list[str] = []


def _add_object(
    rows: _Rows, scene: Scene, item: Instance, answer: Answer, photo: NDArray[np.uint8], size: int
) -> bytes:
    """Add an object to ``rows`` and return the colours around it as JPEG."""
    square = object_square(item.modal.box).grow(ROOM)
    others = union((other.modal for other in scene.instances if other.id != item.id), scene.size)
    shown = [cut(mask, square, size) for mask in (item.modal, answer.whole, answer.hiders, others)]
    rows.planes.append(np.packbits(np.stack(shown), -1))
    rows.edges.append(picture_edges(scene.size, square))
    rows.hidden.append(1 - item.modal.area / answer.whole.area)
    rows.keys.append(photo_key(scene))
    scale = photo.shape[1] / scene.size.width
    colours = cut_colours(photo, Square(*(scale * value for value in square)), size)
    return encoded_photo(np.rint(colours * 255).astype(np.uint8), QUALITY)


def _save(folder: Path, rows: _Rows, settings: AnswerPackSettings) -> None:
    np.save(folder / "planes.npy", np.stack(rows.planes))
    np.savez(
        folder / "table.npz",
        photo_ends=np.array(rows.ends, np.int64),
        edges=np.array(rows.edges, np.float32),
        hidden=np.array(rows.hidden, np.float32),
        image_keys=np.array(rows.keys, np.str_),
    )
    meta = {
        "kind": ANSWERS,
        "version": ANSWER_PACK_VERSION,
        "objects": len(rows.planes),
        "photos": len(set(rows.keys)),
        "validation_objects": sum(map(is_validation, rows.keys)),
        "settings": asdict(settings),
    }
    write_meta(folder, meta)
