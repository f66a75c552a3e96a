"""Photos for the tests of references, and other views of them."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data
from numpy.typing import NDArray

from deocclude.references.features import FeatureSettings

PHOTOS = ("coffee", "astronaut", "chelsea", "rocket", "hubble_deep_field", "immunohistochemistry")
QUICK = FeatureSettings(count=300, smallest_side=200, largest_side=320)


def photo(name: str, side: int = 260) -> NDArray[np.uint8]:
    pixels = getattr(skimage.data, name)()
    scale = side / max(pixels.shape[:2])
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def other_view(pixels: NDArray[np.uint8], angle: float = 12, scale: float = 0.9) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    return cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
