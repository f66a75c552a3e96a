"""Whole objects of a data set: what a content trial hides a part of, and what it is hidden by.

An object counts as whole when it does not touch the border of its photo and nothing seems to hide a part of it: by the
true amodal mask where the data set has one, else by the convex hull rule (:func:`composites.whole_looking`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deocclude.datasets.composites import whole_looking
from deocclude.datasets.held_out import is_validation, photo_key
from deocclude.datasets.labelled_scenes import LabelledScene, dataset_name, open_dataset
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.images import RGBArray, read_photo, read_size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

SMALLEST = 48
"""Shortest longer side of an object, in pixels."""
LEAST_AREA = 1000
"""Fewest pixels of an object."""
BORDER = 3
"""An object so near the photo's border, in pixels, may be cut by it."""
HIDDEN = 0.005
"""Share that may be hidden of an object that counts as whole; masks are rarely exact to the pixel."""
REGION = 0.4
"""Half axes of the region that stands for the object of a photo without masks, in parts of the photo's sides."""


@dataclass(frozen=True, eq=False)
class WholeObject:
    """An object that is seen whole, without its photo's pixels.

    Attributes:
        key: names it among all: data set, photo, object.
        photo_key: names the photo: objects of one photo are not independent.
        photo_path: the photo, which may be smaller or larger than the mask's picture.
        mask: all of it.
        region: it is no object but the middle of a photo without masks; such a thing hides nothing.
    """

    key: str
    photo_key: str
    photo_path: Path
    mask: Mask
    region: bool = False

    def load(self) -> tuple[RGBArray, Mask]:
        """Return the photo, uint8 [H, W, 3], and the mask at its resolution.

        Raises:
            InputError: the photo is damaged.
        """
        pixels = read_photo(self.photo_path, convert=True).pixels
        return pixels, fitted(self.mask, Size(*pixels.shape[:2]))


def whole_objects(path: Path | str, *, validation: bool = False) -> list[WholeObject]:
    """Return the whole objects of a data set; of photos without masks the middle of each.

    Args:
        path: what :func:`deocclude.datasets.labelled_scenes.open_dataset` opens, or a folder of JPEG photos.
        validation: only those of photos in the tenth that training holds out.

    Raises:
        InputError: nothing is there, it is no data set, or it has no whole object with a photo.
    """
    path = Path(path)
    bare = _is_bare(path)
    scenes = _photo_scenes(path) if bare else open_dataset(path)
    wanted = (one for one in scenes if not validation or _is_held_out(one.scene, bare))
    found = [item for labelled in wanted for item in _whole(labelled, path, bare)]
    if not found:
        among = " in the held-out tenth" if validation else ""
        raise InputError(f"unoccluded objects of {SMALLEST} px or more with a photo{among}", "none", file=path)
    return found


def fitted(mask: Mask, size: Size) -> Mask:
    """Return ``mask`` for the same picture at another ``size``."""
    import cv2

    if mask.size == size:
        return mask
    full = cv2.resize(mask.to_array().astype(np.float32), (size.width, size.height), interpolation=cv2.INTER_AREA)
    return Mask.from_array(full >= 0.5)


def _whole(labelled: LabelledScene, path: Path, bare: bool) -> Iterator[WholeObject]:
    scene, photo = labelled.scene, labelled.photo_path
    if photo is None:
        return
    looking = {id(mask) for mask in whole_looking(scene, smallest=SMALLEST)}
    key = f"{dataset_name(path)}/{scene.image_file or scene.image_id}"
    for item in scene.instances:
        mask = item.modal
        if item.is_stuff or not mask or mask.area < LEAST_AREA or max(mask.box.width, mask.box.height) < SMALLEST:
            continue
        if _is_known_whole(item, labelled) if item.amodal is not None else id(mask) in looking:
            yield WholeObject(f"{key}#{item.id}", key, photo, mask, bare)


def _is_known_whole(item: Instance, labelled: LabelledScene) -> bool:
    assert item.amodal is not None
    if labelled.scored is not None and item.id not in labelled.scored:
        return False
    hidden = item.amodal.area - item.amodal.overlap(item.modal)
    inside = item.modal.box.grow(BORDER)
    return hidden <= HIDDEN * item.amodal.area and inside == inside.clip(item.modal.size)


def _is_held_out(scene: Scene, bare: bool) -> bool:
    """Photos without masks are held out by their paths: folders of classes number their photos alike."""
    return is_validation(scene.image_file if bare else photo_key(scene))


def _is_bare(path: Path) -> bool:
    """Whether a folder holds photos and nothing that could be masks."""
    suffixes = {file.suffix.lower() for file in path.rglob("*")} if path.is_dir() else set()
    return bool(suffixes & {".jpg", ".jpeg"}) and not suffixes & {".json", ".png"}


def _photo_scenes(folder: Path) -> Iterable[LabelledScene]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in (".jpg", ".jpeg"):
            size = read_size(file)
            y, x = np.ogrid[: size.height, : size.width]
            across, down = ((2 * v + 1) / n - 1 for v, n in ((x, size.width), (y, size.height)))
            middle = Mask.from_array(across**2 + down**2 <= (2 * REGION) ** 2)
            yield LabelledScene(Scene(size, (Instance(1, middle),), file.relative_to(folder).as_posix()), file)
