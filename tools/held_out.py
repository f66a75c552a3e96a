"""Scenes with a known order, for fitting: composites of masks that no network was trained on, and made-up scenes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from deocclude.datasets import known_scenes
from deocclude.datasets.composites import CompositeSettings, whole_looking
from deocclude.datasets.held_out import is_validation, photo_key
from deocclude.datasets.known_scenes import GAPS, KnownScene, composite
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.formats import read_scenes
from deocclude.masks import Mask
from deocclude.repair import repair
from deocclude.scene import Scene


def composites(annotations: Path, count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` composites over the held-out photos of a COCO file."""
    photos, donors = held_out_masks(annotations)
    for number in range(count):
        group = number % len(photos)
        yield composite(photos[group], donors, CompositeSettings(), (seed, number), group)


def synthetic(count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` synthetic scenes, a third of them with two objects that hide parts of each other."""
    for number in range(count):
        settings = SyntheticSettings(mutual=0.3, gap=GAPS[number % len(GAPS)], noise=0.0, shadows=0.0)
        truth = generate(settings, (seed, number)).scene
        yield KnownScene(truth, repair(truth)[0], frozenset(truth.ids), "synthetic", 1000 + number)


def solids(count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` scenes of solids on a table, numbered apart from the others."""
    for known in known_scenes.solids(count, seed):
        yield replace(known, group=2000 + known.group)


def boards(annotations: Path, count: int, seed: int) -> Iterator[KnownScene]:
    """Yield ``count`` scenes of cut-outs of the held-out photos of a COCO file, numbered apart from the others."""
    for known in known_scenes.boards(held_out_masks(annotations)[1], count, seed):
        yield replace(known, group=3000 + known.group)


def held_out_masks(annotations: Path) -> tuple[list[Scene], list[Mask]]:
    """Return the held-out photos of a COCO file with disjoint masks, and their whole objects."""
    photos = [repair(scene, max_gap=0)[0] for scene in read_scenes(annotations) if is_validation(photo_key(scene))]
    return photos, [mask for photo in photos for mask in whole_looking(photo)]
