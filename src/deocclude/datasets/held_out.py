"""Which photos training never sees: a fixed tenth, told by their names alone; and how scenes are told apart."""

from __future__ import annotations

import hashlib

import numpy as np

from deocclude.formats.photo_names import base_name
from deocclude.scene import Scene

VALIDATION_SHARE = 0.1


def is_validation(image_key: str) -> bool:
    """Return whether a photo is held out; depends on its name only, so packs agree about it."""
    return chance(image_key) < VALIDATION_SHARE


def chance(text: str) -> float:
    """Return a number of 0 to 1 that depends on a text alone, as evenly spread as if drawn at random."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def photo_key(scene: Scene) -> str:
    """Return the name that splits know the photo of a scene by; some formats number photos only.

    Folders are left out: annotation files of one data set state more or fewer of them.
    """
    return base_name(scene.image_file or str(scene.image_id))


def scene_digest(scene: Scene) -> str:
    """Return a short hash of the size and the visible masks, in any order.

    Names do not tell scenes apart: training and test sets number their photos alike.
    """
    objects = sorted(
        hashlib.sha256(repr(tuple(mask.box)).encode() + np.packbits(mask.pixels).tobytes()).hexdigest()
        for mask in scene.modal
    )
    return hashlib.sha256(f"{tuple(scene.size)} {objects}".encode()).hexdigest()[:16]
