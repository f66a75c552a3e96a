"""Synthetic scenes whose hidden parts are known exactly: shapes, order and colours.

Textured random shapes lie on each other on a textured ground. What a scene tells is the truth, not an estimate: the
visible mask of an object is its whole mask minus what lies in front, and its colours are known where it is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets import textures
from deocclude.datasets.placement import Stack, open_gaps, place
from deocclude.errors import InputError
from deocclude.geometry import Box, Size
from deocclude.images import RGBArray
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

FloatImage = NDArray[np.float32]
SHADOW_STRENGTH = (0.25, 0.6)
SHADOW_DISTANCE = (0.04, 0.12)


@dataclass(frozen=True)
class SyntheticSettings:
    """What scenes look like."""

    width: int = 320
    """Pixels."""
    height: int = 240
    """Pixels."""
    objects: tuple[int, int] = (2, 12)
    """Fewest and most objects; where the picture is full, fewer."""
    smallest: int = 10
    """Longest side of the smallest object, in pixels."""
    largest: float = 0.5
    """Longest side of the largest object, as a share of the picture's longer side."""
    crowding: float = 0.75
    """Share of objects that are laid over another one."""
    truncation: float = 0.15
    """Share of objects that the picture's border may cut."""
    min_visible: float = 0.1
    """Smallest visible share of an object, which also has 12 visible pixels or more."""
    mutual: float = 0.0
    """Probability of a pair that hide parts of each other: a rod through a ring."""
    shadows: float = 0.5
    """Share of objects that cast a shadow on what lies behind them."""
    gap: int = 0
    """Pixels of free space between the visible masks of neighbours, 0 to 6, as annotators and detectors leave."""
    soft_edges: bool = False
    """Mix colours along edges, as cameras do; the masks stay exact, but visible edge pixels then hold two objects."""
    noise: float = 2.0
    """Standard deviation of the sensor noise, in grey levels."""
    families: tuple[str, ...] = ()
    """Shape families (names of :data:`deocclude.datasets.shapes.FAMILIES`); empty for all."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of range.
        """
        limits = {
            "width": (16, 4096), "height": (16, 4096), "smallest": (3, 4096), "largest": (0.01, 1), "crowding": (0, 1),
            "truncation": (0, 1), "min_visible": (0, 1), "mutual": (0, 1), "shadows": (0, 1), "gap": (0, 6),
            "noise": (0, 50),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{low} to {high}", str(getattr(self, name)), field=name)
        if not 1 <= self.objects[0] <= self.objects[1] <= 250:
            raise InputError("fewest <= most, 1 to 250", str(self.objects), field="objects")


@dataclass(frozen=True, eq=False)
class HiddenObject:
    """The whole of one object, as it would look with everything in front taken away.

    Attributes:
        instance_id: its id in the scene.
        box: where the arrays lie in the photo, half-open.
        rgb: uint8 [h, w, 3], in the light of the photo: shadows of what lies in front are on it, so that without
            soft edges its visible pixels equal the photo's.
        alpha: uint8 [h, w]; 255 inside, 0 outside, between them only with soft edges.
    """

    instance_id: int
    box: Box
    rgb: RGBArray
    alpha: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SyntheticScene:
    """A photo and the whole truth about it.

    Attributes:
        photo: uint8 [H, W, 3].
        scene: visible and whole masks; ``depth_rank`` 1 is on top; ``order_truth`` has (a, b) where a is seen on a
            pixel that b extends to, in both directions for a mutual pair.
        hidden: the whole objects, in the order of the scene.
        background: uint8 [H, W, 3], without objects and shadows.
        background_shaded: the same in the light of the photo; equals the photo where no object is.
    """

    photo: RGBArray
    scene: Scene
    hidden: tuple[HiddenObject, ...]
    background: RGBArray
    background_shaded: RGBArray


def generate(settings: SyntheticSettings, seed: int | tuple[int, ...] = 0) -> SyntheticScene:
    """Make one scene; equal settings and seeds give equal scenes.

    Args:
        settings: what it looks like.
        seed: whole number or several (set, number of the scene), each 0 or more.

    Raises:
        InputError: a setting names an unknown shape family.
    """
    rng = np.random.default_rng(seed)
    size = Size(settings.height, settings.width)
    stack = place(settings, rng)
    labels = stack.labels()
    ids = rng.permutation(len(stack.pieces)) + 1
    ground = np.asarray(textures.surface(rng, *size), np.float32)
    looks = [_look(rng, piece.alpha) for piece in stack.pieces]
    shaded = ground.copy()
    _cast_shadows(stack, shaded, looks, rng, settings.shadows)
    solid = [_exposed(look, rng, settings.noise) for look in looks]
    background_shaded = _exposed(shaded, rng, settings.noise)
    hidden = [
        HiddenObject(int(identity), piece.box, rgb, _alpha(piece.alpha, settings.soft_edges))
        for identity, piece, rgb in zip(ids, stack.pieces, solid, strict=True)
    ]
    scene = _scene(stack, labels, ids, settings.gap)
    return SyntheticScene(
        photo=_compose(stack, hidden, background_shaded),
        scene=scene,
        hidden=tuple(sorted(hidden, key=lambda item: item.instance_id)),
        background=_exposed(ground, rng, settings.noise),
        background_shaded=background_shaded,
    )


def check(scene: Scene, *, exact: bool = True) -> Scene:
    """Return ``scene`` if its masks are consistent.

    Args:
        scene: with whole masks and, for ``exact``, a ``depth_rank`` for every object.
        exact: also ask that each visible mask is the whole mask minus all whole masks in front; this does not hold
            for scenes with gaps or mutual occlusion.

    Raises:
        ValueError: a visible mask sticks out of the whole one, two visible masks overlap, or one is not exact.
    """
    seen = Mask.empty(scene.size)
    for item in scene.instances:
        if item.amodal is None or item.modal - item.amodal:
            raise ValueError(f"object {item.id}: the visible mask is not part of the whole one")
        if item.modal.overlap(seen):
            raise ValueError(f"object {item.id}: its visible mask overlaps another")
        seen = seen | item.modal
    if not exact:
        return scene
    covered = Mask.empty(scene.size)
    for item in sorted(scene.instances, key=lambda item: item.depth_rank or 0):
        assert item.amodal is not None
        if item.modal != item.amodal - covered:
            raise ValueError(f"object {item.id}: visible is not whole minus what lies in front")
        covered = covered | item.amodal
    return scene


def _look(rng: np.random.Generator, alpha: NDArray[np.uint8]) -> FloatImage:
    """Return the lit surface of a shape, float32 [h, w, 3]: texture, a slope of light, a darker rim."""
    import cv2

    height, width = alpha.shape
    rgb = textures.surface(rng, height, width)
    inside = np.pad((alpha > 127).astype(np.uint8), 1)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)[1:-1, 1:-1] / rng.uniform(2, 12)
    light = 1 - rng.uniform(0, 0.45) * np.exp(-depth)
    dx, dy = rng.uniform(-0.2, 0.2, 2)
    slope = 1 + dx * np.linspace(-1, 1, width)[None] + dy * np.linspace(-1, 1, height)[:, None]
    return np.asarray(rgb * (light * slope)[..., None], np.float32)


def _cast_shadows(
    stack: Stack, ground: FloatImage, looks: list[FloatImage], rng: np.random.Generator, share: float
) -> None:
    """Darken, in place, the ground and all looks below each object that casts a shadow."""
    import cv2

    below: list[tuple[Box, FloatImage]] = [(stack.size.box, ground)]
    angle = rng.uniform(0, 2 * np.pi)
    for piece, look in zip(stack.pieces, looks, strict=True):
        strength = rng.uniform(*SHADOW_STRENGTH)
        reach = max(2.0, rng.uniform(*SHADOW_DISTANCE) * max(piece.alpha.shape))
        if rng.random() < share:
            margin = int(3 * reach) + 1
            padded = np.pad(piece.alpha, margin).astype(np.float32) / 255
            move = np.array([[1, 0, reach * np.cos(angle)], [0, 1, reach * np.sin(angle)]])
            shadow = cv2.GaussianBlur(cv2.warpAffine(padded, move, padded.shape[::-1]), (0, 0), reach / 2)
            place_of_shadow = piece.box.grow(margin)
            for box, target in below:
                if not (common := box.intersect(place_of_shadow)).empty:
                    target[common.window(box)] *= 1 - strength * shadow[common.window(place_of_shadow)][..., None]
        below.append((piece.box, look))


def _exposed(rgb: FloatImage, rng: np.random.Generator, noise: float) -> RGBArray:
    grain = rng.standard_normal(rgb.shape, np.float32) * np.float32(noise)
    return np.clip(np.rint(rgb + grain), 0, 255).astype(np.uint8)


def _alpha(coverage: NDArray[np.uint8], soft: bool) -> NDArray[np.uint8]:
    return coverage if soft else np.where(coverage > 127, 255, 0).astype(np.uint8)


def _compose(stack: Stack, hidden: list[HiddenObject], background: RGBArray) -> RGBArray:
    photo = background.copy()
    for index, where in stack.paint_order():
        item = hidden[index]
        alpha = (item.alpha * where)[..., None].astype(np.float32) / 255
        under = photo[item.box.slices]
        photo[item.box.slices] = np.rint(item.rgb * alpha + under * (1 - alpha)).astype(np.uint8)
    return photo


def _scene(stack: Stack, labels: NDArray[np.int32], ids: NDArray[np.int64], gap: int) -> Scene:
    """Return the scene with objects in the order of their ids, which tells nothing about depth."""
    size = Size(*labels.shape)
    whole = [piece.mask(size) for piece in stack.pieces]
    seen = [
        Mask.from_crop(labels[piece.box.slices] == index, piece.box[:2], size)
        for index, piece in enumerate(stack.pieces)
    ]
    order = frozenset(
        (int(ids[i]), int(ids[j]))
        for i in range(len(seen))
        for j in range(len(seen))
        if i != j and seen[i].overlap(whole[j])
    )
    items = [
        Instance(int(identity), modal, name=piece.family, amodal=amodal, depth_rank=len(ids) - index)
        for index, (identity, modal, amodal, piece) in enumerate(
            zip(ids, open_gaps(seen, gap), whole, stack.pieces, strict=True)
        )
    ]
    return Scene(size, tuple(sorted(items, key=lambda item: item.id)), order_truth=order)
