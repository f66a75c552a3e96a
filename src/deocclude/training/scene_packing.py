"""Packed scenes whose whole shapes are known: questions to the mask network together with their answers.

Made-up solids on a table (:mod:`deocclude.datasets.tabletop`) and cut-outs that stand on the ground
(:mod:`deocclude.datasets.standing`) show what random pairs of shapes cannot: what stands in front stands lower, erasers
have their true size and place, and one object touches the ground where another one does. A pack is a folder:
``planes.npy`` (bits, see :class:`ScenePack`), ``table.npz`` and ``pack.json``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from deocclude.adjacency import touching_pairs
from deocclude.crops import Square, cut, object_square
from deocclude.errors import InputError
from deocclude.files import atomic_folder
from deocclude.masks import Mask, union
from deocclude.scene import Instance, Scene
from deocclude.training.packing import (
    PACK_FILES,
    SCENES,
    Keyed,
    damaged,
    picture_edges,
    read_columns,
    read_meta,
    write_meta,
)

SCENE_PACK_VERSION = 1
CROP = 144
"""Side of the crops, pixels; a multiple of 8."""
ROOM = 1.6
"""Crops are this many times as wide as the square that the network sees, so that it can be moved and scaled in them."""
REACH = 3
"""Masks within so many pixels of each other are asked about."""
MIN_VISIBLE = 80
"""Objects of which fewer pixels are seen are not asked about."""


@dataclass(frozen=True, eq=False)
class ScenePack(Keyed):
    """An opened pack of n questions.

    Attributes:
        planes: uint8 [n, 3, S, S / 8], bits: what is seen of the object, what may hide it, and what of the object lies
            hidden there. Memory-mapped.
        edges: float32 [n, 4], left, top, right, bottom of the picture in the coordinates (-1..1) of the crop.
        image_keys: text [n], the scene that each question is from.
        meta: the content of ``pack.json``.
    """

    planes: NDArray[np.uint8]
    edges: NDArray[np.float32]
    image_keys: NDArray[np.str_]
    meta: dict[str, Any]

    def __len__(self) -> int:
        """Number of questions."""
        return len(self.planes)

    def fingerprint(self) -> str:
        """Return a short hash of the questions, stored with weights trained on them."""
        digest = hashlib.sha256(self.edges.tobytes())
        digest.update(np.ascontiguousarray(self.planes[:, :, ::8]).tobytes())
        return digest.hexdigest()[:16]


def write_scene_pack(scenes: Iterable[Scene], target: Path) -> int:
    """Pack the questions of scenes into the folder ``target`` and return how many there are.

    Args:
        scenes: scenes with visible masks, whole masks and their true order.
        target: the pack folder; replaced as a whole.

    Raises:
        InputError: no two objects meet.
        OutputError: the folder cannot be written.
    """
    planes, edges, keys = [], [], []
    for scene in scenes:
        for target_object, eraser in questions(scene):
            square = object_square(target_object.modal.box).grow(ROOM)
            planes.append(_planes(target_object, eraser, square))
            edges.append(picture_edges(scene.size, square))
            keys.append(scene.image_file)
    if not planes:
        raise InputError("two objects that meet", "none in the scenes", hint="make more scenes")
    with atomic_folder(target, replaced=PACK_FILES) as part:
        np.save(part / "planes.npy", np.stack(planes))
        np.savez(part / "table.npz", edges=np.array(edges, np.float32), image_keys=np.array(keys, np.str_))
        write_meta(part, {"kind": SCENES, "version": SCENE_PACK_VERSION, "objects": len(planes), "crop": CROP})
    return len(planes)


def open_scene_pack(folder: Path) -> ScenePack:
    """Open a pack of scenes, memory-mapped.

    Raises:
        InputError: no pack, one of another kind or version, or a damaged one.
    """
    meta = read_meta(folder, SCENES, SCENE_PACK_VERSION)
    try:
        columns = read_columns(folder)
        planes = np.load(folder / "planes.npy", mmap_mode="r", allow_pickle=False)
        pack = ScenePack(planes=planes, meta=meta, **columns)
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise damaged(folder, str(error)) from None
    if not len(pack.planes) == len(pack.edges) == len(pack.image_keys) == meta["objects"]:
        raise damaged(folder, "arrays of different lengths")
    return pack


def questions(scene: Scene) -> Iterator[tuple[Instance, Mask]]:
    """Yield (object, what may hide it): neighbours both ways, and all that lies in front where that is several."""
    seen = [item for item in scene.instances if item.modal.area >= MIN_VISIBLE]
    for i, j in touching_pairs([item.modal for item in seen], REACH):
        yield seen[i], seen[j].modal
        yield seen[j], seen[i].modal
    order = nx.DiGraph(sorted(scene.order_truth or ()))
    for item in seen:
        fronts = nx.ancestors(order, item.id) - {item.id} if item.id in order else set()
        if len(fronts) > 1:
            yield item, union((scene[front].modal for front in sorted(fronts)), scene.size)


def _planes(target: Instance, eraser: Mask, square: Square) -> NDArray[np.uint8]:
    """Return the bits of a question, uint8 [3, S, S / 8]."""
    assert target.amodal is not None
    seen, may_hide, whole = (cut(mask, square, CROP) for mask in (target.modal, eraser, target.amodal))
    may_hide &= ~seen
    return np.packbits(np.stack([seen, may_hide, whole & may_hide]), -1)
