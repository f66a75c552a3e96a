"""Drawn scenes that show whether an occluder's colour gets into what is painted behind it.

The occluder has one vivid colour that nothing else has. Its outline is anti-aliased, so the visible pixels beside it
carry its colour, and a painter that trusts them spreads it.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.content_trials import Trial, TrialSettings, draw_extent, paste, place
from deocclude.datasets.shapes import FAMILIES, rasterise
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.datasets.textures import octaves
from deocclude.geometry import Size
from deocclude.masks import Mask, erode

Rng = np.random.Generator
FloatArray = NDArray[np.float32]

SCENES = SyntheticSettings(width=320, height=240, objects=(3, 7), smallest=70, largest=0.6, truncation=0.0)
VIVID = np.array([c for c in itertools.product((20, 235), repeat=3) if len(set(c)) > 1], np.float32)
"""Colours of occluders: the corners of the colour cube without black and white."""
CHAIR = (225, 15, 30)
SUPERSAMPLING = 4
SCENE_SIZE = Size(256, 288)
CHEST = (52, 72, 238, 226)
DRAWERS = 5


def saturated_trial(number: int, seed: int = 0) -> Trial:
    """Return drawn scene ``number`` of a set: its largest unhidden object behind a shape of one vivid colour.

    Args:
        number: of the scene.
        seed: of the set; equal seeds give equal scenes.
    """
    attempt = -1
    while True:
        attempt += 1
        rng = np.random.default_rng((seed, number, attempt))
        drawn = generate(SCENES, (seed, number, attempt))
        seen = [item.modal for item in drawn.scene.instances if item.modal == item.amodal]
        if not seen:
            continue
        target = max(seen, key=lambda mask: mask.area)
        share, size = draw_extent(TrialSettings(), rng)
        shape = _random_shape(size * target.area, rng)
        corner = place(target, shape >= 0.5, share, rng)
        if corner is None:
            continue
        mean = drawn.photo[target.box.slices][target.pixels].mean(0)
        colour = VIVID[np.square(VIVID - mean).sum(1).argmax()]
        flat = np.broadcast_to(colour, (*shape.shape, 3)).astype(np.float32)
        key = f"drawn/{seed}-{number}"
        return paste(drawn.photo, target, (flat, shape), corner, key=key, photo_key=key)


def drawer_and_chair(seed: int = 0) -> Trial:
    """Return a chest of drawers behind a vivid red chair with thin legs, with the chest as the object.

    Drawn after Figure 4 of An et al., "Better Image De-occlusion Using Similar Images", where the chair's red comes
    back in the stripes of the drawers.

    Args:
        seed: of the wood's grain.
    """
    rng = np.random.default_rng(seed)
    photo = _room(rng)
    x0, y0, x1, y1 = CHEST
    photo[y0:y1, x0:x1] = _chest(rng, y1 - y0, x1 - x0)
    chest = Mask.from_crop(np.ones((y1 - y0, x1 - x0), bool), (x0, y0), SCENE_SIZE)
    alpha = _chair()
    flat = np.broadcast_to(np.array(CHAIR, np.float32), (*alpha.shape, 3))
    key = f"drawer-and-chair/{seed}"
    return paste(photo, chest, (np.asarray(flat), alpha), (0, 0), key=key, photo_key=key)


def occluder_colour(trial: Trial) -> NDArray[np.float64]:
    """Return the mean colour of the occluder's inner pixels, float64 [3]."""
    inner = erode(trial.occluder, 1) or trial.occluder
    return np.asarray(trial.rgb[inner.to_array()].mean(0), np.float64)


def _random_shape(area: float, rng: Rng) -> FloatArray:
    """Return the coverage of a random shape of about ``area`` pixels, float32 [h, w] in 0..1."""
    drawing = FAMILIES[sorted(FAMILIES)[int(rng.integers(len(FAMILIES)))]](rng)
    angle = rng.uniform(0, 2 * np.pi)
    filled = float((rasterise(drawing, 100, angle) / 255).sum())
    extent = float(np.clip(100 * np.sqrt(area / max(filled, 1)), 12, 600))
    return (rasterise(drawing, extent, angle) / 255).astype(np.float32)


def _room(rng: Rng) -> NDArray[np.uint8]:
    """Return a wall above a floor, uint8 [H, W, 3]."""
    height, width = SCENE_SIZE
    grain = 14 * (octaves(rng, height, width)[..., None] - 0.5)
    wall, floor = np.array((196, 188, 170), np.float32), np.array((120, 112, 104), np.float32)
    is_floor = (np.arange(height) >= CHEST[3] - 22)[:, None, None]
    return np.asarray(np.clip(np.where(is_floor, floor, wall) + grain, 0, 255), np.uint8)


def _chest(rng: Rng, height: int, width: int) -> NDArray[np.uint8]:
    """Return the front of the chest: drawers with dark gaps between them, grain along them, two knobs each."""
    y, x = np.mgrid[:height, :width]
    grain = octaves(rng, height, max(2, width // 12), 8.0)
    grain = np.repeat(grain, 13, axis=1)[:, :width]
    pitch = height / DRAWERS
    within = y % pitch
    tone = np.where((y // pitch) % 2 == 0, 1.0, 0.86) * (1 - 0.18 * within / pitch)
    wood = np.array((150, 104, 62), np.float32) * (tone * (0.9 + 0.2 * grain))[..., None]
    gap = (within < 3) | (y >= height - 3) | (x < 4) | (x >= width - 4)
    wood[gap] = (48, 32, 22)
    for side in (0.25, 0.75):
        knob = (x - side * width) ** 2 + (within - pitch / 2) ** 2 <= 4.5**2
        wood[knob] = (206, 186, 120)
    return np.asarray(np.clip(wood, 0, 255), np.uint8)


def _chair() -> FloatArray:
    """Return the coverage of the chair, float32 [H, W]: a back of two posts and three slats, a seat, four thin legs."""
    import cv2

    fine = np.zeros((SCENE_SIZE.height * SUPERSAMPLING, SCENE_SIZE.width * SUPERSAMPLING), np.uint8)

    def bar(start: tuple[float, float], end: tuple[float, float], thick: float) -> None:
        points = [(round(v * SUPERSAMPLING) for v in point) for point in (start, end)]
        first, second = (tuple(point) for point in points)
        cv2.line(fine, first, second, 255, round(thick * SUPERSAMPLING))

    for x in (104, 186):
        bar((x, 92), (x, 176), 6)
    for y in (100, 122, 144):
        bar((104, y), (186, y), 7)
    seat = np.array([(96, 170), (194, 170), (206, 186), (84, 186)]) * SUPERSAMPLING
    cv2.fillPoly(fine, [seat.astype(np.int32)], 255)
    for top, bottom in (
        ((90, 186), (82, 250)),
        ((200, 186), (208, 250)),
        ((108, 186), (104, 240)),
        ((184, 186), (188, 240)),
    ):
        bar(top, bottom, 4.5)
    small = cv2.resize(fine, (SCENE_SIZE.width, SCENE_SIZE.height), interpolation=cv2.INTER_AREA)
    return np.asarray(small / 255, np.float32)
