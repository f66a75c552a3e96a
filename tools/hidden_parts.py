"""Objects of photos with a part hidden on purpose, so that what is hidden is known: for fitting and for scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.fill import SHADOW, background_patch, hidden_patch
from deocclude.content.patch import Patch
from deocclude.datasets.composites import whole_looking
from deocclude.formats import read_scenes
from deocclude.geometry import Box
from deocclude.images import read_photo
from deocclude.masks import Mask, dilate, union
from deocclude.repair import repair
from deocclude.scene import Scene

SMALLEST = 600
"""Least pixels of an object."""
SIZES = (0.35, 1.2)
"""An eraser's longer side over the object's."""
HIDDEN = (0.04, 0.6)
"""Accepted share of the object that is hidden."""
BACKGROUND_SHARE = 0.2
GARBAGE = (255, 0, 255)


@dataclass(frozen=True, eq=False)
class HiddenPart:
    """A patch and what its hole truly shows.

    Attributes:
        patch: as painters see it; the hole is painted over.
        truth: uint8 [h, w, 3].
        photo: file name of the photo.
        kind: ``object`` or ``background``.
    """

    patch: Patch
    truth: NDArray[np.uint8]
    photo: str
    kind: str


def hidden_parts(annotations: Path, count: int, seed: int, *, part: str = "all") -> Iterator[HiddenPart]:
    """Yield ``count`` cases from the photos of a COCO file (photos in ``images/`` beside it).

    Args:
        annotations: the file.
        count: how many cases; photos are taken in turns.
        seed: equal seeds give equal cases.
        part: ``all`` photos, those ``held-out`` from training, or those ``trained`` on.
    """
    from deocclude.training.packing import is_validation

    wanted = {"all": (True, False), "held-out": (True,), "trained": (False,)}[part]
    scenes = [repair(scene)[0] for scene in read_scenes(annotations) if is_validation(scene.image_file) in wanted]
    rng = np.random.default_rng(seed)
    scenes = [scenes[k] for k in rng.permutation(len(scenes))]
    donors = [mask for scene in scenes[:60] for mask in whole_looking(scene)]
    made = 0
    while made < count:
        for scene in scenes:
            case = _case(scene, donors, rng, annotations.parent / "images", made)
            if case is not None:
                yield case
                made += 1
            if made == count:
                return


def _case(scene: Scene, donors: list[Mask], rng: np.random.Generator, folder: Path, seed: int) -> HiddenPart | None:
    large = [item.modal for item in scene.instances if item.modal.area >= SMALLEST]
    if not large:
        return None
    whole, objects = large[int(rng.integers(len(large)))], union(scene.modal, scene.size)
    behind = rng.random() < BACKGROUND_SHARE
    for _ in range(8):
        eraser = _eraser(whole, donors[int(rng.integers(len(donors)))], anywhere=behind, rng=rng)
        share = eraser.overlap(objects) / max(1, eraser.area) if behind else eraser.overlap(whole) / whole.area
        if (share < 0.1 and eraser.area >= SMALLEST / 4) if behind else (HIDDEN[0] <= share <= HIDDEN[1]):
            truth = read_photo(folder / scene.image_file, convert=True).pixels
            return _hide(scene, truth, None if behind else whole, eraser, seed)
    return None


def _eraser(whole: Mask, donor: Mask, *, anywhere: bool, rng: np.random.Generator) -> Mask:
    """Return the shape of another object, resized, turned over now and then, laid over the object or anywhere."""
    longest = max(whole.box.width, whole.box.height) * SIZES[0] * (SIZES[1] / SIZES[0]) ** rng.random()
    scale = longest / max(donor.box.width, donor.box.height)
    target = max(3, round(donor.box.width * scale)), max(3, round(donor.box.height * scale))
    shape = cv2.resize(donor.pixels.astype(np.uint8), target, interpolation=cv2.INTER_LINEAR)
    shape = shape[:, ::-1] if rng.random() < 0.5 else shape
    box = Box(0, 0, whole.size.width, whole.size.height) if anywhere else whole.box
    x, y = (int(rng.integers(low, high)) for low, high in ((box.x0, box.x1), (box.y0, box.y1)))
    return Mask.from_crop(shape, (x - target[0] // 2, y - target[1] // 2), whole.size)


def _hide(scene: Scene, truth: NDArray[np.uint8], whole: Mask | None, eraser: Mask, seed: int) -> HiddenPart:
    photo = truth.copy()
    photo[eraser.box.slices][eraser.pixels] = GARBAGE
    if whole is None:
        others = dilate(union((*scene.modal, eraser), scene.size), SHADOW)
        patch, box = background_patch(photo, eraser - union(scene.modal, scene.size), others, seed=seed)
    else:
        patch, box, _ = hidden_patch(photo, whole - eraser, whole & eraser, seed=seed, occluders=eraser)
    return HiddenPart(patch, truth[box.slices], scene.image_file, "object" if whole else "background")
