"""Features of a picture as seen from the side: for views so far apart that plain SIFT finds no matches.

Affine SIFT (Morel and Yu, SIAM J. Imaging Sciences 2009): the picture is turned and squeezed in several ways, as a
plane looks under a slant, and the features of all these views are taken together. It costs as many times more as there
are views; for pairs that plain features do not explain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.geometry import Size
from deocclude.images import RGBArray
from deocclude.references.features import Features, FeatureSettings, extract

Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class TiltSettings:
    """Which views are made up.

    Attributes:
        tilts: factors by which a picture is squeezed.
        step: turns between views are this angle divided by the tilt, degrees.
        longest: pictures are reduced to this longer side first, pixels.
        features: what is extracted from each view.
    """

    tilts: tuple[float, ...] = (2.0, 4.0)
    step: float = 72.0
    longest: int = 800
    features: FeatureSettings = field(default_factory=lambda: FeatureSettings(smallest_side=400, count=600))


def extract_tilted(rgb: RGBArray, use: Bool | None = None, settings: TiltSettings | None = None) -> Features:
    """Return the features of a picture and of its made-up views, in coordinates of the picture.

    Args:
        rgb: uint8 [H, W, 3].
        use: bool [H, W], the pixels that may be looked at; all of them when not given.
        settings: which views.
    """
    settings = settings or TiltSettings()
    size = Size(*rgb.shape[:2])
    found = [extract(rgb, use, replace(settings.features, count=2 * settings.features.count))]
    scale = min(1.0, settings.longest / max(size))
    known = np.ones(size, bool) if use is None else use
    for tilt in settings.tilts:
        for turn in np.arange(0, 180, settings.step / tilt):
            found.append(_seen(rgb, known, _view(size, float(turn), tilt, scale), tilt, settings.features))
    return _joined(found, size)


def _view(size: Size, turn: float, tilt: float, scale: float) -> NDArray[np.float64]:
    """Return the affine map [2, 3] from the picture to a view that just holds it."""
    angle = np.radians(turn)
    squeeze = scale * np.array([[np.cos(angle) / tilt, -np.sin(angle) / tilt], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[0, 0], [size.width, 0], [0, size.height], [size.width, size.height]]) @ squeeze.T
    return np.hstack([squeeze, -corners.min(0)[:, None]])


def _seen(rgb: RGBArray, known: Bool, view: NDArray[np.float64], tilt: float, settings: FeatureSettings) -> Features:
    height, width = rgb.shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]) @ view.T
    extent = np.maximum(np.ceil(corners.max(0)).astype(int), 8)
    # Turn at full width, blur along the direction that is squeezed, then squeeze: no aliasing.
    wide = view.copy()
    wide[0] *= tilt
    turned = cv2.warpAffine(rgb, wide, (int(extent[0] * tilt), int(extent[1])), flags=cv2.INTER_LINEAR)
    turned = cv2.GaussianBlur(turned, (0, 0), sigmaX=0.8 * float(np.sqrt(tilt**2 - 1)), sigmaY=0.01)
    picture = cv2.resize(turned, (int(extent[0]), int(extent[1])), interpolation=cv2.INTER_LINEAR)
    mask = cv2.warpAffine(known.astype(np.uint8), view, (int(extent[0]), int(extent[1])), flags=cv2.INTER_NEAREST)
    features = extract(np.asarray(picture, np.uint8), mask > 0, settings)
    back = cv2.invertAffineTransform(view)
    points = features.points @ back[:, :2].T + back[:, 2]
    stretch = float(np.sqrt(abs(np.linalg.det(back[:, :2]))))
    return Features(
        points.astype(np.float32), features.scales * np.float32(stretch), features.angles, features.descriptors,
        Size(height, width),
    )  # fmt: skip


def _joined(found: list[Features], size: Size) -> Features:
    return Features(
        np.concatenate([part.points for part in found]),
        np.concatenate([part.scales for part in found]),
        np.concatenate([part.angles for part in found]),
        np.concatenate([part.descriptors for part in found]),
        size,
    )
