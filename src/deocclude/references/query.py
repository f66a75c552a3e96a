"""What an index is asked: a photo, a part of it, or an object of a scene with what hides it masked out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from deocclude.crops import object_square
from deocclude.geometry import Size
from deocclude.masks import Mask, union
from deocclude.references import colour
from deocclude.references.features import Features, FeatureSettings, extract
from deocclude.scene import Scene


@dataclass(frozen=True, eq=False)
class Query:
    """A question to an index.

    Attributes:
        features: local features of what may be looked at, in pixels of the photo.
        colours: uint8 [c], colour signature of the same.
        category: class name of the object, or empty.
        source: the picture of an index that it was made from, else empty; a search does not look at it.
    """

    features: Features
    colours: NDArray[np.uint8]
    category: str = ""
    source: str = ""


def query_photo(
    rgb: NDArray[np.uint8],
    use: NDArray[np.bool_] | None = None,
    *,
    category: str = "",
    settings: FeatureSettings | None = None,
) -> Query:
    """Return the question for a photo.

    Args:
        rgb: uint8 [H, W, 3].
        use: bool [H, W], the pixels that may be looked at; all of them when not given.
        category: class name of what it shows, if known.
        settings: those of the index, ``index.manifest.features``.
    """
    return Query(extract(rgb, use, settings), colour.signature(rgb, use), category)


def query_object(
    rgb: NDArray[np.uint8],
    scene: Scene,
    identity: int,
    *,
    hidden: Mask | None = None,
    context: bool = True,
    settings: FeatureSettings | None = None,
) -> Query:
    """Return the question for an object of a scene.

    Looked at is the square around the object that networks see too (:func:`~deocclude.crops.object_square`), so a
    small object is enlarged; other objects in it are masked out, and so is the hidden part.

    Args:
        rgb: uint8 [H, W, 3], the photo.
        scene: its objects.
        identity: id of the object.
        hidden: pixels where the object is hidden, if known; other objects' pixels are masked out anyway.
        context: also look at pixels of no known object; they tell the place where the photo was taken.
        settings: those of the index.

    Raises:
        InputError: no object with this id.
    """
    item = scene[identity]
    size = Size(*rgb.shape[:2])
    box = object_square(item.modal.box).box.clip(size)
    if context:
        others = [other.modal for other in scene.instances if other.id != identity and not other.is_stuff]
        use = ~union([*others, *((hidden,) if hidden else ())], size).crop(box) | item.modal.crop(box)
    else:
        use = item.modal.crop(box)
    asked = query_photo(rgb[box.slices], use, category=item.category, settings=settings)
    return replace(asked, features=moved(asked.features, (box.x0, box.y0), size))


def moved(features: Features, corner: tuple[int, int], size: Size) -> Features:
    """Return features of a crop in pixels of the whole picture.

    Args:
        features: of the crop.
        corner: (x, y) of its first pixel.
        size: of the whole picture.
    """
    return replace(features, points=features.points + np.array(corner, np.float32), size=size)
