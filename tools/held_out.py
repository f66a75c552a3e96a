"""Scenes with a known order, for fitting: composites of masks that no network was trained on, and synthetic scenes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deocclude.datasets.composites import CompositeSettings, compose, whole_looking
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.formats import read_scenes
from deocclude.repair import repair
from deocclude.scene import Scene
from deocclude.training.packing import is_validation

GAPS = (0, 0, 1, 2, 5)


@dataclass(frozen=True)
class KnownScene:
    """A scene as methods see it, and the truth.

    Attributes:
        truth: visible and, where known, whole masks, before the repair; ``order_truth`` holds all known relations.
        scene: visible masks after the repair; no truth.
        laid: ids of which all relations are known.
        kind: ``composite`` or ``synthetic``.
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
        yield KnownScene(made.scene, repair(made.scene)[0], made.laid, "composite", group)


def synthetic(count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` synthetic scenes, a third of them with two objects that hide parts of each other."""
    for number in range(count):
        settings = SyntheticSettings(mutual=0.3, gap=GAPS[number % len(GAPS)], noise=0.0, shadows=0.0)
        truth = generate(settings, (seed, number)).scene
        yield KnownScene(truth, repair(truth)[0], frozenset(truth.ids), "synthetic", 1000 + number)
