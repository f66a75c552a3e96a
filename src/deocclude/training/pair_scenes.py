"""What the pair network learns from: made-up scenes with a known order, of masks of photos and of solids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from deocclude.datasets.composites import CompositeSettings, whole_looking
from deocclude.datasets.held_out import is_validation, photo_key
from deocclude.datasets.known_scenes import GAPS, KnownScene, boards, composite, solids
from deocclude.errors import InputError
from deocclude.formats import read_scenes
from deocclude.masks import Mask
from deocclude.repair import repair
from deocclude.scene import Scene

WIDE_GAPS = (3, 4, 5, 6)
"""Free space between masks in the share of scenes where detectors left much of it, pixels."""
LAID = (3, 7)
CROWD = 25
"""A composite is made over at most so many objects of a photo."""
RICH = 0.8
"""Share of the composites that are made over a photo with two objects or more."""


@dataclass(frozen=True)
class PairScenes:
    """How many scenes of what kind.

    Attributes:
        composites: objects laid over and under those of a photo.
        solids: solids on a table.
        boards: cut-outs of photos that stand on the ground.
        wide: share of each with wide gaps between all masks.
        seed: equal seeds give equal scenes.
    """

    composites: int = 5000
    solids: int = 3000
    boards: int = 4000
    wide: float = 0.3
    seed: int = 0


def pair_scenes(sources: Sequence[Path], settings: PairScenes) -> Iterator[KnownScene]:
    """Yield scenes whose order is known, made of photos that are not held out.

    Args:
        sources: mask files or folders in any format of :mod:`deocclude.formats`; not looked at for solids.
        settings: how many.

    Raises:
        InputError: a file that cannot be read, or no whole object in them.
    """
    if settings.composites or settings.boards:
        photos, donors = training_masks(sources)
        yield from _composites(photos, donors, settings)
        for number, (count, gaps) in enumerate(_by_gap(settings.boards, settings)):
            yield from boards(donors, count, settings.seed + number, gaps)
    for number, (count, gaps) in enumerate(_by_gap(settings.solids, settings)):
        yield from solids(count, settings.seed + number, gaps)


def training_masks(sources: Sequence[Path]) -> tuple[list[Scene], list[Mask]]:
    """Return the photos of ``sources`` that are not held out, with disjoint masks, and their whole objects.

    Raises:
        InputError: a file that cannot be read, or no whole object in them.
    """
    scenes = chain.from_iterable(read_scenes(source, skip_empty=True) for source in sources)
    photos = [repair(scene, max_gap=0)[0] for scene in scenes if not is_validation(photo_key(scene))]
    donors = [mask for photo in photos for mask in whole_looking(photo)]
    if not donors:
        raise InputError("whole objects to make scenes of", f"none in {len(photos)} photos", field="--source")
    return photos, donors


def _composites(photos: Sequence[Scene], donors: Sequence[Mask], settings: PairScenes) -> Iterator[KnownScene]:
    rich = [photo for photo in photos if len(photo) > 1] or photos
    rng = np.random.default_rng(settings.seed)
    usual, wide = CompositeSettings(laid=LAID), CompositeSettings(laid=LAID, gaps=WIDE_GAPS)
    for number in range(settings.composites):
        among = rich if rng.random() < RICH else photos
        base = among[int(rng.integers(len(among)))]
        chosen = wide if number < settings.wide * settings.composites else usual
        yield composite(base.subset(set(base.ids[:CROWD])), donors, chosen, (settings.seed, number), number)


def _by_gap(count: int, settings: PairScenes) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return how many scenes have the usual gaps and how many wide ones, and these."""
    wide = round(settings.wide * count)
    return (count - wide, GAPS), (wide, WIDE_GAPS)
