"""The plain stitching of the paper, as a baseline: one homography from SIFT matches, warp, paste.

An et al., Better Image De-occlusion Using Similar Images, appendix: SIFT, brute-force matcher, RANSAC homography, warp
the reference, fill the missing part. What the paper does not state is set as usual: ratio test 0.75, 5 pixels, at least
15 inliers; of several references the one with most inliers. Colours are left as they are, and nothing is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deocclude.content.blend import NONE
from deocclude.content.stitch import Stitched
from deocclude.geometry import Size
from deocclude.images import RGBArray

Bool = NDArray[np.bool_]
RATIO = 0.75
REACH = 5.0
LEAST = 15


def stitch_homography(photo: RGBArray, hole: Bool, usable: Bool, references: Sequence[RGBArray]) -> Stitched:
    """Fill a hole from the reference that one homography explains best, as far as it shows the hole.

    Args:
        photo: uint8 [h, w, 3]; what stands in the hole is not looked at.
        hole: bool [h, w].
        usable: bool [h, w], pixels of the photo that may be looked at.
        references: uint8 [H, W, 3] each.
    """
    detector = cv2.SIFT.create()
    wanted = detector.detectAndCompute(_grey(photo), (usable & ~hole).astype(np.uint8))
    best, number = None, NONE
    most = LEAST - 1
    for place, reference in enumerate(references):
        matrix, inliers = _homography(detector.detectAndCompute(_grey(reference), None), wanted)
        if matrix is not None and inliers > most:
            best, number, most = matrix, place, inliers
    frame, source = Size(*hole.shape).box, np.full(hole.shape, NONE, np.int16)
    if best is None:
        return Stitched(frame, photo.copy(), source != NONE, source, np.zeros(hole.shape, np.float32),
                        notes=("no homography",))  # fmt: skip
    target = hole.shape[::-1]
    reference = references[number]
    warped = cv2.warpPerspective(reference, best, target)
    shown = cv2.warpPerspective(np.ones(reference.shape[:2], np.uint8), best, target, flags=cv2.INTER_NEAREST)
    filled = hole & (shown > 0)
    source[filled] = number
    rgb = np.where(filled[..., None], warped, photo).astype(np.uint8)
    return Stitched(frame, rgb, filled, source, filled.astype(np.float32))


def _homography(found: tuple[Any, Any], wanted: tuple[Any, Any]) -> tuple[NDArray[np.float64] | None, int]:
    """Return the homography from the points ``found`` to those ``wanted``, and its number of inliers."""
    if found[1] is None or wanted[1] is None or len(wanted[1]) < 2:
        return None, 0
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(found[1], wanted[1], k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
    if len(good) < LEAST:
        return None, 0
    source = np.array([found[0][match.queryIdx].pt for match in good], np.float32)
    target = np.array([wanted[0][match.trainIdx].pt for match in good], np.float32)
    matrix, flags = cv2.findHomography(source, target, cv2.RANSAC, REACH)
    if matrix is None:
        return None, 0
    return np.asarray(matrix, np.float64), int(np.count_nonzero(flags))


def _grey(rgb: RGBArray) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), np.uint8)
