"""Made-up scenes whose order is known, as methods get to see them: masks as annotators and detectors leave them.

Composites lay objects over and under those of a photo (:mod:`deocclude.datasets.composites`); solids stand on a table
(:mod:`deocclude.datasets.tabletop`); cut-outs of photos stand on the ground (:mod:`deocclude.datasets.standing`). The
network of pairs learns from them, and the weights of cues are fitted on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deocclude.datasets import standing, tabletop
from deocclude.datasets.composites import CompositeSettings, compose
from deocclude.datasets.gaps import part_masks
from deocclude.masks import Mask
from deocclude.repair import repair
from deocclude.scene import Scene

COMPOSITE, TABLETOP, STANDING = "composite", "tabletop", "standing"
GAPS = (0, 0, 1, 2, 5)
"""Free space between all masks of a scene, pixels; one scene after the other."""
REDRAWN = 0.4
"""Share of the scenes whose masks are polygons with corners up to 2.5 px off, as annotators draw them."""


@dataclass(frozen=True)
class KnownScene:
    """A scene as methods see it, and the truth.

    Attributes:
        truth: visible and, where known, whole masks, before the repair; ``order_truth`` holds all known relations.
        scene: visible masks after the repair; no truth.
        laid: ids of which all relations are known.
        kind: :data:`COMPOSITE`, :data:`TABLETOP`, :data:`STANDING` or another name.
        group: number of the photo or of the scene; scenes of one group are not to be split.
    """

    truth: Scene
    scene: Scene
    laid: frozenset[int]
    kind: str
    group: int

    def knows(self, first: int, second: int) -> bool:
        """Whether the truth about two objects is known."""
        return first in self.laid or second in self.laid

    def relation(self, first: int, second: int) -> tuple[bool, bool]:
        """Return whether the first hides part of the second, and the second part of the first."""
        pairs = self.truth.order_truth or frozenset()
        return (first, second) in pairs, (second, first) in pairs


def composite(
    base: Scene, donors: Sequence[Mask], settings: CompositeSettings, seed: tuple[int, int], group: int
) -> KnownScene:
    """Return a composite over a photo; see :func:`deocclude.datasets.composites.compose`."""
    made = compose(base, donors, settings, seed)
    seen = redrawn(made.scene, np.random.default_rng((*seed, 1)))
    return KnownScene(made.scene, repair(seen)[0], made.laid, COMPOSITE, group)


def solids(count: int, seed: int, gaps: Sequence[int] = GAPS) -> Iterator[KnownScene]:
    """Yield ``count`` scenes of solids on a table, with ``gaps`` between their masks."""
    return _as_seen(tabletop.scenes(count, seed), seed, gaps, TABLETOP)


def boards(donors: Sequence[Mask], count: int, seed: int, gaps: Sequence[int] = GAPS) -> Iterator[KnownScene]:
    """Yield ``count`` scenes of cut-outs of ``donors`` on the ground, with ``gaps`` between their masks."""
    return _as_seen(standing.scenes(donors, count, seed), seed, gaps, STANDING)


def _as_seen(scenes: Iterable[Scene], seed: int, gaps: Sequence[int], kind: str) -> Iterator[KnownScene]:
    for number, truth in enumerate(scenes):
        parted = part_masks(truth, gaps[number % len(gaps)])
        seen = redrawn(parted, np.random.default_rng((seed, number, 1)))
        yield KnownScene(truth, repair(seen)[0], frozenset(truth.ids), kind, number)


def redrawn(scene: Scene, rng: np.random.Generator) -> Scene:
    """Return the scene with its visible masks drawn again as coarse polygons, or, mostly, as it is."""
    if rng.random() >= REDRAWN:
        return scene
    items = (replace(item, modal=_polygon(item.modal, rng.uniform(0.5, 2.5))) for item in scene.instances)
    return replace(scene, instances=tuple(replace(item, amodal=None) for item in items))


def _polygon(mask: Mask, tolerance: float) -> Mask:
    import cv2

    pixels = np.zeros_like(mask.pixels, np.uint8)
    outlines, _ = cv2.findContours(mask.pixels.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    drawn = [cv2.approxPolyDP(outline, tolerance, True) for outline in outlines]
    cv2.drawContours(pixels, [outline for outline in drawn if len(outline) > 2], -1, 1, cv2.FILLED)
    found = Mask.from_crop(pixels, mask.box[:2], mask.size)
    return found if found.area > mask.area / 2 else mask
