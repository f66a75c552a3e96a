"""Free space between masks, as detectors leave it: what methods see is shrunk, what they are scored on is not."""

from __future__ import annotations

from deocclude.datasets.placement import open_gaps
from deocclude.masks import Mask, erode
from deocclude.scene import Scene


def part_masks(scene: Scene, gap: int) -> Scene:
    """Return the scene with at least ``gap`` free pixels between each two visible masks.

    Of a pair the mask listed first loses what lies within (gap + 1) // 2 pixels of the other (Euclidean distance of
    pixel centres), the other one what then still lies within ``gap`` pixels of the first. A mask that would vanish
    keeps its core, the last that repeated erosion by one pixel leaves, so that all objects stay in the scene; only
    beside such cores may the gap be narrower.

    Args:
        scene: objects with visible masks.
        gap: pixels, 0 or more.
    """
    parted = open_gaps(scene.modal, gap)
    kept = [after if after else _core(before) for before, after in zip(scene.modal, parted, strict=True)]
    return scene.with_modal(kept)


def _core(mask: Mask) -> Mask:
    while (inner := erode(mask, 1)) and inner != mask:
        mask = inner
    return mask
