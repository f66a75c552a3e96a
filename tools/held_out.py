"""Scenes with a known order, for fitting: composites of masks that no network was trained on, and made-up scenes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from deocclude.datasets import tabletop
from deocclude.datasets.composites import CompositeSettings, compose, whole_looking
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.evaluation.gaps import part_masks
from deocclude.formats import read_scenes
from deocclude.masks import Mask
from deocclude.repair import repair
from deocclude.scene import Scene
from deocclude.training.packing import is_validation

GAPS = (0, 0, 1, 2, 5)
REDRAWN = 0.4
"""Share of the scenes whose masks are polygons with corners up to 2.5 px off, as annotators draw them."""


@dataclass(frozen=True)
class KnownScene:
    """A scene as methods see it, and the truth.

    Attributes:
        truth: visible and, where known, whole masks, before the repair; ``order_truth`` holds all known relations.
        scene: visible masks after the repair; no truth.
        laid: ids of which all relations are known.
        kind: ``composite``, ``synthetic`` or ``tabletop``.
        group: number of the photo or of the scene; scenes of one group are not to be split.
    """

    truth: Scene
    scene: Scene
    laid: frozenset[int]
    kind: str
    group: int

    def relation(self, first: int, second: int) -> tuple[bool, bool]:
        """Return whether the first hides part of the second, and the second part of the first."""
        pairs = self.truth.order_truth or frozenset()
        return (first, second) in pairs, (second, first) in pairs


def composites(annotations: Path, count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` composites over the held-out photos of a COCO file."""
    photos = [repair(scene, max_gap=0)[0] for scene in read_scenes(annotations) if is_validation(scene.image_file)]
    donors = [mask for photo in photos for mask in whole_looking(photo)]
    for number in range(count):
        group = number % len(photos)
        made = compose(photos[group], donors, CompositeSettings(), (seed, number))
        seen = redrawn(made.scene, np.random.default_rng((seed, number, 1)))
        yield KnownScene(made.scene, repair(seen)[0], made.laid, "composite", group)


def synthetic(count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` synthetic scenes, a third of them with two objects that hide parts of each other."""
    for number in range(count):
        settings = SyntheticSettings(mutual=0.3, gap=GAPS[number % len(GAPS)], noise=0.0, shadows=0.0)
        truth = generate(settings, (seed, number)).scene
        yield KnownScene(truth, repair(truth)[0], frozenset(truth.ids), "synthetic", 1000 + number)


def solids(count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` scenes of solids on a table: the only ones with an up and a down."""
    for number, truth in enumerate(tabletop.scenes(count, seed)):
        parted = part_masks(truth, GAPS[number % len(GAPS)])
        seen = redrawn(parted, np.random.default_rng((seed, number, 1)))
        yield KnownScene(truth, repair(seen)[0], frozenset(truth.ids), "tabletop", 2000 + number)


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
