"""Packed object crops: what training reads instead of photos and annotation files.

A pack is a folder: ``crops.npy`` (uint8 [N, S, S], one object each, 255 inside, edges blended), ``table.npz`` (where
each crop lies, and which objects touch) and ``pack.json`` (what it was made from). The arrays are memory-mapped, so
opening a pack costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from deocclude.adjacency import touching_pairs
from deocclude.crops import Square
from deocclude.datasets.held_out import is_validation, photo_key
from deocclude.errors import InputError
from deocclude.files import atomic_folder
from deocclude.geometry import Box, Size
from deocclude.masks import Mask
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.repair import repair
from deocclude.scene import Scene

PACK_VERSION = 2
MASKS, PHOTOS, SCENES, PAIRS, ANSWERS = "masks", "photos", "scenes", "pairs", "answers"
COMMANDS = {
    MASKS: "deocclude train pack",
    PHOTOS: "deocclude train pack-photos",
    SCENES: "deocclude train pack-scenes",
    PAIRS: "deocclude train pack-pairs",
    ANSWERS: "deocclude train pack-answers",
}
"""The kinds of packs, and the command that writes each."""
PACK_FILES = ("crops.npy", "planes.npy", "photos.bin", "labels.bin", "table.npz", "pack.json")
"""The files of packs of all kinds."""
MASK_MARGIN = 1.1
Orderer = Callable[[Scene], PairwiseOrder]


@dataclass(frozen=True)
class PackSettings:
    """What goes into a pack.

    Attributes:
        crop_size: side S of the mask crops, pixels.
        min_side: objects whose longer box side is shorter than this are left out, pixels.
        min_area: objects with fewer visible pixels are left out.
        touch_radius: two objects touch if one, grown by this many pixels, meets the other.
        max_aspect: objects longer and thinner than this are left out (lines of text, wires).
    """

    crop_size: int = 128
    min_side: int = 32
    min_area: int = 300
    touch_radius: int = 3
    max_aspect: float = 6.0


class Keyed:
    """What is made from photos or scenes, of which ``image_keys`` names that of each row."""

    image_keys: NDArray[np.str_]

    @property
    def in_validation(self) -> NDArray[np.bool_]:
        """Bool [n]: the row's photo or scene belongs to the fixed tenth that is held out."""
        return np.array([is_validation(key) for key in self.image_keys], bool)


@dataclass(frozen=True, eq=False)
class Pack(Keyed):
    """An opened pack.

    Attributes:
        crops: uint8 [N, S, S], 255 inside the object.
        windows: float32 [N, 3]: centre x, centre y and side of the square that the mask crop covers, in pixels.
        sizes: float32 [N, 2]: height and width of the photo.
        image_keys: text [N], the photo each object is from.
        truncated: bool [N], the object touches the border of its photo.
        pairs: int64 [P, 2], objects of one photo that touch.
        hull_growth: float32 [P, 2]: share of each one's area by which its convex hull reaches into the other.
        front: float32 [P, 2]: probability that the first hides part of the second, and the second part of the first;
            empty if no ordering method was asked.
        hidden: float32 [N]: the largest probability that something in the photo hides part of it; empty likewise.
        meta: the content of ``pack.json``.
    """

    crops: NDArray[np.uint8]
    windows: NDArray[np.float32]
    sizes: NDArray[np.float32]
    image_keys: NDArray[np.str_]
    truncated: NDArray[np.bool_]
    pairs: NDArray[np.int64]
    hull_growth: NDArray[np.float32]
    front: NDArray[np.float32]
    hidden: NDArray[np.float32]
    meta: dict[str, Any]

    def __len__(self) -> int:
        """Number of objects."""
        return len(self.crops)


def write_pack(
    scenes: Iterable[Scene],
    target: Path,
    settings: PackSettings | None = None,
    order: Orderer | None = None,
) -> int:
    """Pack the objects of ``scenes`` into the folder ``target`` and return how many there are.

    Args:
        scenes: photos with modal masks.
        target: the pack folder; replaced as a whole.
        settings: sizes and limits.
        order: says who hides whom in a scene with disjoint masks, for a second round of self-training; without it the
            convex hulls of neighbours have to tell.

    Raises:
        InputError: no object is large enough.
        OutputError: the folder cannot be written.
    """
    settings = settings or PackSettings()
    with atomic_folder(target, replaced=PACK_FILES) as part:
        rows = _Rows()
        with (part / "crops.npy").open("wb") as file:
            _write_header(file, 0, settings)
            for scene in scenes:
                for crop in _add_scene(rows, scene, settings, order):
                    file.write(crop.tobytes())
            file.seek(0)
            _write_header(file, len(rows.windows), settings)
        if not rows.windows:
            raise none_usable(settings.min_side, f"{settings.min_area} visible pixels")
        _save(part, rows, settings)
    return len(rows.windows)


def _write_header(file: BinaryIO, count: int, settings: PackSettings) -> None:
    """Write the head of a file as NumPy saves so many crops; it is of the same length for all counts."""
    shape = (count, settings.crop_size, settings.crop_size)
    about = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, about)


def open_pack(folder: Path) -> Pack:
    """Open a pack, memory-mapped.

    Raises:
        InputError: no pack, one of another version, or a damaged one.
    """
    meta = read_meta(folder)
    try:
        columns = read_columns(folder)
        crops = np.load(folder / "crops.npy", mmap_mode="r", allow_pickle=False)
        pack = Pack(crops=crops, meta=meta, **columns)
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise damaged(folder, str(error)) from None
    if not len(crops) == len(pack.windows) == meta["objects"]:
        raise damaged(folder, "arrays of different lengths")
    return pack


def fingerprint(pack: Pack) -> str:
    """Return a short hash of the crops, their places and their order, stored with weights trained on them."""
    digest = hashlib.sha256(np.ascontiguousarray(pack.windows).tobytes())
    digest.update(np.ascontiguousarray(pack.crops[:, ::8, ::8]).tobytes())
    digest.update(pack.front.tobytes() + pack.hidden.tobytes())
    return digest.hexdigest()[:16]


class _Rows:
    """Columns of the table while they grow."""

    def __init__(self) -> None:
        self.windows: list[tuple[float, float, float]] = []
        self.sizes: list[tuple[int, int]] = []
        self.keys: list[str] = []
        self.truncated: list[bool] = []
        self.pairs: list[tuple[int, int]] = []
        self.growth: list[tuple[float, float]] = []
        self.front: list[tuple[float, float]] = []
        self.hidden: list[float] = []


def _add_scene(rows: _Rows, scene: Scene, settings: PackSettings, order: Orderer | None) -> Iterator[NDArray[np.uint8]]:
    """Add a scene's objects to ``rows``, and yield the crop of each."""
    places = [place for place, mask in enumerate(scene.modal) if _usable(mask, settings)]
    usable = [scene.modal[place] for place in places]
    front = _front(scene, order) if order and usable else None
    first = len(rows.windows)
    for mask in usable:
        x, y, side = square_around(mask.box, MASK_MARGIN)
        rows.windows.append((x, y, side))
        rows.sizes.append((scene.size.height, scene.size.width))
        rows.keys.append(photo_key(scene))
        rows.truncated.append(_truncated(mask))
        yield _mask_crop(mask, (x, y, side), settings.crop_size)
    for i, j in touching_pairs(usable, settings.touch_radius):
        rows.pairs.append((first + i, first + j))
        rows.growth.append((hull_growth(usable[i], usable[j]), hull_growth(usable[j], usable[i])))
        if front is not None:
            rows.front.append((front[places[i], places[j]], front[places[j], places[i]]))
    if front is not None:
        rows.hidden += front[:, places].max(0).tolist()


def _front(scene: Scene, order: Orderer) -> NDArray[np.float64]:
    """Return the probabilities that the objects of a scene hide each other, [n, n], by place."""
    front = np.zeros((len(scene), len(scene)))
    if len(scene) > 1:
        found = order(repair(scene)[0])
        rows = [scene.ids.index(identity) for identity in found.ids]
        front[np.ix_(rows, rows)] = found.front
    return front


def _usable(mask: Mask, settings: PackSettings) -> bool:
    long, short = max(mask.box.width, mask.box.height), min(mask.box.width, mask.box.height)
    return long >= settings.min_side and long <= settings.max_aspect * short and mask.area >= settings.min_area


def _truncated(mask: Mask) -> bool:
    """Whether the mask comes within 2 pixels of the border: polygons are rarely drawn to the very edge."""
    return mask.box.grow(3).clip(mask.size) != mask.box.grow(3)


def square_around(box: Box, margin: float) -> tuple[float, float, float]:
    """Return centre x, centre y and side of the square ``margin`` times as wide as the longer side of ``box``."""
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, margin * max(box.width, box.height)


def picture_edges(picture: Size, square: Square) -> list[float]:
    """Return left, top, right, bottom of the picture in the coordinates (-1..1) of a crop of ``square``."""
    half = square.side / 2
    x, y = square.x0 + half, square.y0 + half
    return [-x / half, -y / half, (picture.width - x) / half, (picture.height - y) / half]


def _mask_crop(mask: Mask, window: tuple[float, float, float], size: int) -> NDArray[np.uint8]:
    return _resample(mask.pixels.astype(np.uint8) * 255, mask.box[:2], window, size)


def _resample(
    pixels: NDArray[np.uint8], corner: tuple[int, int] | tuple[int, ...], window: tuple[float, float, float], size: int
) -> NDArray[np.uint8]:
    """Return the square ``window`` of ``pixels`` (whose first pixel lies at ``corner``) at ``size`` pixels a side."""
    import cv2

    x, y, side = window
    scale = size / side
    if scale < 1:
        height, width = pixels.shape[:2]
        small = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.uint8)
        step_x, step_y = width / small[0], height / small[1]
    else:
        step_x = step_y = 1.0
    # Pixel edges: photo = corner + step * source, and photo = centre - side / 2 + target / scale; centres are + 0.5.
    matrix = np.array(
        [
            [step_x * scale, 0, (corner[0] - x + side / 2 + 0.5 * step_x) * scale - 0.5],
            [0, step_y * scale, (corner[1] - y + side / 2 + 0.5 * step_y) * scale - 0.5],
        ]
    )
    return np.asarray(cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def hull_growth(mask: Mask, other: Mask) -> float:
    """Return by what share of its area the convex hull of ``mask`` reaches into ``other``."""
    import cv2

    points = np.argwhere(mask.pixels)[:, ::-1].astype(np.int32)
    filled = np.zeros(mask.pixels.shape, np.uint8)
    cv2.fillConvexPoly(filled, cv2.convexHull(points), 1)
    return float(np.count_nonzero((filled > 0) & ~mask.pixels & other.crop(mask.box)) / max(1, mask.area))


def _save(folder: Path, rows: _Rows, settings: PackSettings) -> None:
    keys = np.array(rows.keys, np.str_)
    np.savez(
        folder / "table.npz",
        windows=np.array(rows.windows, np.float32),
        sizes=np.array(rows.sizes, np.float32),
        image_keys=keys,
        truncated=np.array(rows.truncated, bool),
        pairs=np.array(rows.pairs, np.int64).reshape(-1, 2),
        hull_growth=np.array(rows.growth, np.float32).reshape(-1, 2),
        front=np.array(rows.front, np.float32).reshape(-1, 2),
        hidden=np.array(rows.hidden, np.float32),
    )
    meta = {
        "kind": MASKS,
        "version": PACK_VERSION,
        "objects": len(rows.windows),
        "photos": len(np.unique(keys)),
        "touching_pairs": len(rows.pairs),
        "validation_objects": sum(map(is_validation, rows.keys)),
        "settings": asdict(settings),
    }
    write_meta(folder, meta)


def write_meta(folder: Path, meta: dict[str, Any]) -> None:
    """Write ``pack.json``."""
    (folder / "pack.json").write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")


def read_meta(folder: Path, kind: str = MASKS, version: int = PACK_VERSION) -> dict[str, Any]:
    """Return the content of ``pack.json``.

    Args:
        folder: of the pack.
        kind: what the pack must hold, a key of :data:`COMMANDS`.
        version: which it must have.

    Raises:
        InputError: no pack, one of another kind or version, or a damaged one.
    """
    path = folder / "pack.json"
    if not path.is_file():
        raise InputError(
            f"a folder written by '{COMMANDS[kind]}'",
            "no pack.json in it" if folder.is_dir() else "no such folder",
            file=folder,
            hint=f"run '{COMMANDS[kind]}' first",
        )
    try:
        meta: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found_kind, found = meta.get("kind", MASKS), meta["version"]
        int(meta["objects"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(folder, str(error)) from None
    if found_kind != kind:
        raise InputError(
            f"a pack of {kind}", f"one of {found_kind}", file=folder, hint=f"make one with '{COMMANDS[kind]}'"
        )
    if found != version:
        raise InputError(
            f"version {version}", f"{found}", file=path, field="version", hint="pack the training set again"
        )
    return meta


def read_columns(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the columns of ``table.npz`` by name."""
    with np.load(folder / "table.npz", allow_pickle=False) as table:
        return {name: table[name] for name in table.files}


def side_of(
    in_validation: NDArray[np.bool_], validation: bool, *, what: str = "object", field: str = "pack", of: str = "photos"
) -> NDArray[np.int64]:
    """Return the rows on one side of the split: the held-out tenth (true), or the rest.

    Raises:
        InputError: there is none.
    """
    rows = np.flatnonzero(in_validation == validation)
    if not rows.size:
        side = "held-out" if validation else "training"
        raise InputError(f"at least one {side} {what}", "none", field=field, hint=f"pack more {of}")
    return rows


def encoded_photo(rgb: NDArray[np.uint8], quality: int) -> bytes:
    """Return uint8 [h, w, 3] as JPEG."""
    import cv2

    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def decoded_picture(
    files: NDArray[np.uint8], ends: NDArray[np.int64], row: int, side: int, *, grey: bool = False, field: str = "pack"
) -> NDArray[np.uint8]:
    """Return one of the square pictures that lie one after the other: uint8 [side, side, 3], or [side, side] if grey.

    Raises:
        InputError: it is damaged, or of another size.
    """
    import cv2

    start = int(ends[row - 1]) if row else 0
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    decoded = cv2.imdecode(np.asarray(files[start : int(ends[row])]), flag)
    if decoded is None or decoded.shape[:2] != (side, side):
        raise InputError("a complete pack", f"a damaged picture in it ({row})", field=field)
    return np.asarray(decoded if grey else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def none_usable(min_side: int, pixels: str) -> InputError:
    """Return the error for a training set without an object that is large enough."""
    expected = f"an object of at least {min_side} px and {pixels}"
    hint = "check the annotation files, or lower min_side and min_area"
    return InputError(expected, "none in the training set", hint=hint)


def damaged(folder: Path, reason: str) -> InputError:
    """Return the error for a pack whose files do not fit together."""
    return InputError("a complete pack", f"a damaged one ({reason})", file=folder, hint="pack the training set again")
