"""Packed pairs: neighbours of scenes whose order is known, as the pair network sees them, with room to move.

A pack is a folder: ``planes.npy`` (bits, see :class:`PairPack`), ``table.npz`` and ``pack.json``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.known_scenes import KnownScene
from deocclude.errors import InputError
from deocclude.files import atomic_folder
from deocclude.nets.pair_reader import PairQuestion, planes, windows
from deocclude.ordering.couples import Nearness, couple, neighbouring
from deocclude.training.packing import (
    PACK_FILES,
    PAIRS,
    Keyed,
    damaged,
    read_columns,
    read_meta,
    write_meta,
)

PAIR_PACK_VERSION = 1
CROP = 160
"""Side of the crops, pixels; a multiple of 8."""
ROOM = 1.3
"""Crops are this many times as wide as the windows of the network, so that these can be moved and scaled in them."""


@dataclass(frozen=True, eq=False)
class PairPack(Keyed):
    """An opened pack of n pairs.

    Attributes:
        planes: uint8 [n, 2, 4, S, S / 8], bits: the four inputs of the pair network in its two windows. Memory-mapped.
        truth: bool [n, 2], whether the first hides part of the second, and the second part of the first.
        kinds: text [n], the kind of scene.
        image_keys: text [n], the scene that each pair is from.
        meta: the content of ``pack.json``.
    """

    planes: NDArray[np.uint8]
    truth: NDArray[np.bool_]
    kinds: NDArray[np.str_]
    image_keys: NDArray[np.str_]
    meta: dict[str, Any]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.planes)

    def fingerprint(self) -> str:
        """Return a short hash of the pairs, stored with weights trained on them."""
        digest = hashlib.sha256(np.ascontiguousarray(self.truth).tobytes())
        digest.update(np.ascontiguousarray(self.planes[:, :, :, ::8]).tobytes())
        return digest.hexdigest()[:16]


def write_pair_pack(scenes: Iterable[KnownScene], target: Path) -> int:
    """Pack the pairs of scenes whose truth is known into the folder ``target`` and return how many there are.

    Raises:
        InputError: no two objects meet.
        OutputError: the folder cannot be written.
    """
    crops, truth, kinds, keys = [], [], [], []
    for known in scenes:
        for pair, relation in pairs(known):
            listed = [planes(pair, square.grow(ROOM), CROP) for square in windows(pair)]
            crops.append(np.packbits(np.stack(listed), -1))
            truth.append(relation)
            kinds.append(known.kind)
            keys.append(f"{known.kind}-{known.group}")
    if not crops:
        raise InputError("two objects that meet", "none in the scenes", hint="make more scenes")
    with atomic_folder(target, replaced=PACK_FILES) as part:
        np.save(part / "planes.npy", np.stack(crops))
        np.savez(
            part / "table.npz",
            truth=np.array(truth, bool),
            kinds=np.array(kinds, np.str_),
            image_keys=np.array(keys, np.str_),
        )
        write_meta(part, {"kind": PAIRS, "version": PAIR_PACK_VERSION, "objects": len(crops), "crop": CROP})
    return len(crops)


def open_pair_pack(folder: Path) -> PairPack:
    """Open a pack of pairs, memory-mapped.

    Raises:
        InputError: no pack, one of another kind or version, or a damaged one.
    """
    meta = read_meta(folder, PAIRS, PAIR_PACK_VERSION)
    try:
        crops = np.load(folder / "planes.npy", mmap_mode="r", allow_pickle=False)
        pack = PairPack(planes=crops, meta=meta, **read_columns(folder))
    except (OSError, ValueError, TypeError, EOFError) as error:
        raise damaged(folder, str(error)) from None
    if not len(crops) == len(pack.truth) == len(pack.kinds) == len(pack.image_keys) == meta["objects"]:
        raise damaged(folder, "arrays of different lengths")
    return pack


def pairs(known: KnownScene) -> Iterator[tuple[PairQuestion, tuple[bool, bool]]]:
    """Yield the neighbours of a scene whose truth is known, as they are asked about, and that truth."""
    scene, ids = known.scene, known.scene.ids
    reach = Nearness().reach(scene)
    for i, j in neighbouring(scene):
        if known.knows(ids[i], ids[j]):
            first, second = couple(scene.modal[i], scene.modal[j], reach)
            others = [mask for k, mask in enumerate(scene.modal) if k not in (i, j)]
            yield PairQuestion(first, second, others), known.relation(ids[i], ids[j])
