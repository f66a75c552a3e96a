"""Content trials: a whole object of a photo, hidden in part by an object pasted from another photo.

The truth about the hidden pixels is the photo itself. How much is hidden and how large the occluder is follow real
occlusions; nothing is tuned to a picture. Equal seeds give equal trials, whatever else the data set holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from deocclude.datasets.whole_objects import WholeObject
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.images import RGBArray
from deocclude.masks import Mask, erode

Rng = np.random.Generator
FloatArray = NDArray[np.float32]
Quantiles = tuple[tuple[float, float], ...]

TRIES = 48
REDRAWN = 12
"""So many occluders are tried before another share and size are drawn: trying them less would favour easy cases."""
GRID = 200
"""Places are searched on a grid of at most so many steps along the longer side of either shape."""
LEAST_HIDDEN = 64
LEAST_SEEN = 0.1
MARGIN = 64
"""Least surroundings that a trial shows of its photo, in pixels; as wide as the object where that is more."""


class DonorError(InputError):
    """The photo that an occluder is cut from cannot be read.

    Attributes:
        key: names the donor.
    """

    def __init__(self, donor: WholeObject, error: Exception) -> None:
        found = error.found if isinstance(error, InputError) else str(error)
        hint = f"the object {donor.key} in it was to hide others; repair or remove it"
        super().__init__("a photo that can be read", found, file=donor.photo_path, hint=hint)
        self.key = donor.key


@dataclass(frozen=True)
class TrialSettings:
    """How objects are hidden, as quantile functions: (share of the cases, value) pairs, linear in between.

    Attributes:
        hidden: hidden share of an object. Quantiles of the 24 occluded things of the five COCOA photos that Zhan et
            al. (CVPR 2020) demonstrate on; the upper end is the 95 % quantile of their training samples.
        size: area of the whole occluder over that of the whole object, of the 42 occluding pairs of the same photos.
        largest_scale: an occluder is not enlarged by more than this: its blur would give it away.
        tight: pixels by which the occluder's mask is too small, as masks of annotators and detectors often are: a rim
            of the occluder then counts as the object's visible part.
    """

    hidden: Quantiles = ((0, 0.02), (0.05, 0.03), (0.25, 0.16), (0.5, 0.27), (0.75, 0.38), (0.95, 0.55), (1, 0.72))
    size: Quantiles = ((0, 0.03), (0.05, 0.044), (0.25, 0.19), (0.5, 0.74), (0.75, 1.6), (0.95, 5.1), (1, 8))
    largest_scale: float = 3.0
    tight: int = 0


@dataclass(frozen=True, eq=False)
class Trial:
    """A part of a photo in which an object was hidden in part.

    Attributes:
        key: names the object among all data sets.
        photo_key: names the photo; objects of one photo are not independent.
        truth: uint8 [h, w, 3], the photo as it was.
        rgb: uint8 [h, w, 3], with the occluder pasted; its outline is anti-aliased, as a camera's would be.
        target: the whole object.
        occluder: the mask of the pasted one: where it covers half of a pixel or more, unless the mask is too tight.
        seed: for painters that draw random numbers.
    """

    key: str
    photo_key: str
    truth: RGBArray
    rgb: RGBArray
    target: Mask
    occluder: Mask
    seed: int = 0

    @property
    def modal(self) -> Mask:
        """What is seen of the object."""
        return self.target - self.occluder

    @property
    def hole(self) -> Mask:
        """The hidden pixels of the object."""
        return self.target & self.occluder

    @property
    def share(self) -> float:
        """Hidden share of the object."""
        return self.target.overlap(self.occluder) / self.target.area

    def tight(self, pixels: int) -> Trial:
        """Return the same with a mask of the occluder that is so many pixels smaller all round."""
        return replace(self, occluder=erode(self.occluder, pixels)) if pixels else self


def make_trials(
    objects: Sequence[WholeObject],
    donors: Sequence[WholeObject],
    settings: TrialSettings | None = None,
    *,
    limit: int | None = None,
    seed: int = 0,
) -> Iterator[Trial]:
    """Yield a trial for each object that can be hidden; one of every photo first, in random order.

    Args:
        objects: what is hidden.
        donors: what hides it; an occluder is of another photo.
        settings: how much is hidden.
        limit: at most so many trials.
        seed: equal seeds give equal trials.

    Raises:
        InputError: no donor, or a photo is damaged.
        DonorError: the photo of a donor is.
    """
    settings = settings or TrialSettings()
    able = sorted((donor for donor in donors if not donor.region), key=lambda item: item.key)
    if not able:
        raise InputError("objects with masks to paste as occluders", "none", hint="name a data set with --donors")
    made = 0
    for item in _in_turn(objects, seed):
        if made == limit:
            return
        trial = make_trial(item, able, settings, seed)
        if trial is not None:
            made += 1
            yield trial


def make_trial(item: WholeObject, donors: Sequence[WholeObject], settings: TrialSettings, seed: int) -> Trial | None:
    """Return one trial, or ``None``: the photo hardly shows the object, or no occluder fits in :data:`TRIES` tries.

    Raises:
        InputError: the object's photo is damaged.
        DonorError: the photo of a donor is.
    """
    rng = np.random.default_rng((seed, crc32(item.key.encode())))
    photo, target = item.load()
    if target.area < LEAST_HIDDEN:
        return None
    for number in range(TRIES):
        if number % REDRAWN == 0:
            share, size = draw_extent(settings, rng)
        donor = donors[int(rng.integers(len(donors)))]
        if donor.photo_key == item.photo_key:
            continue
        colours, shape = _cut_from(donor)
        scale = float(np.sqrt(size * target.area / max(1, shape.area)))
        if scale > settings.largest_scale:
            continue
        rgb, alpha = cut_out(colours, shape, scale)
        corner = place(target, alpha >= 0.5, share, rng)
        if corner is None:
            continue
        trial = paste(photo, target, (rgb, alpha), corner, key=item.key, photo_key=item.photo_key)
        trial = trial.tight(settings.tight)
        if trial.hole.area >= LEAST_HIDDEN and trial.share <= 1 - LEAST_SEEN:
            return trial
    return None


def _cut_from(donor: WholeObject) -> tuple[RGBArray, Mask]:
    try:
        return donor.load()
    except (InputError, OSError) as error:
        raise DonorError(donor, error) from None


def draw_extent(settings: TrialSettings, rng: Rng) -> tuple[float, float]:
    """Return a hidden share and an occluder's relative size, drawn until one of that size can hide so much."""
    while True:
        share, size = (_quantile(table, rng.random()) for table in (settings.hidden, settings.size))
        if size >= 1.2 * share:
            return share, size


def cut_out(photo: RGBArray, mask: Mask, scale: float) -> tuple[FloatArray, FloatArray]:
    """Return an object scaled: colours float32 [h, w, 3] (0..255) and coverage float32 [h, w] in 0..1.

    The outermost pixels, which mix with the old surroundings, are left behind.
    """
    import cv2

    inner = erode(mask, 1)
    mask = inner if inner.area >= 0.5 * mask.area else mask
    height, width = (max(1, round(side * scale)) for side in mask.pixels.shape)
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    cover = mask.pixels.astype(np.float32)
    lit = photo[mask.box.slices].astype(np.float32) * cover[..., None]
    alpha = np.asarray(cv2.resize(cover, (width, height), interpolation=flags), np.float32)
    rgb = cv2.resize(lit, (width, height), interpolation=flags) / np.maximum(alpha, 1e-3)[..., None]
    # Enlarged, the edge would be as soft as the scale is large; a camera's is a pixel wide.
    sharp = np.clip((alpha - 0.5) * max(1.0, scale) + 0.5, 0, 1)
    return np.clip(rgb, 0, 255).astype(np.float32), sharp.astype(np.float32)


def place(target: Mask, shape: NDArray[np.bool_], share: float, rng: Rng) -> tuple[int, int] | None:
    """Return a random corner (x, y) for ``shape`` at which it hides about ``share`` of ``target``; ``None`` if none.

    All places are counted at once, on a coarser grid for large shapes, by a convolution.
    """
    from scipy.signal import fftconvolve

    step = max(1, max(*target.pixels.shape, *shape.shape) // GRID)
    under, over = target.pixels[::step, ::step], shape[::step, ::step]
    common = fftconvolve(under.astype(np.float32), over[::-1, ::-1].astype(np.float32))
    hidden = np.rint(common) / max(1, np.count_nonzero(under))
    rows, columns = np.nonzero(np.abs(hidden - share) <= max(0.01, 0.1 * share))
    if rows.size == 0:
        return None
    pick = int(rng.integers(rows.size))
    down, right = int(rows[pick]) - over.shape[0] + 1, int(columns[pick]) - over.shape[1] + 1
    return target.box.x0 + right * step, target.box.y0 + down * step


def paste(
    photo: RGBArray,
    target: Mask,
    occluder: tuple[FloatArray, FloatArray],
    corner: tuple[int, int],
    *,
    key: str,
    photo_key: str,
) -> Trial:
    """Return the trial that an occluder (colours, coverage) makes at a corner (x, y) of the photo."""
    rgb, alpha = occluder
    size = target.size
    longest = max(target.box.width, target.box.height)
    view = target.box.grow(max(MARGIN, longest)).clip(size)
    placed = Size(*alpha.shape).box.moved(*corner)
    common = placed.intersect(view)
    truth = np.ascontiguousarray(photo[view.slices])
    mixed = truth.astype(np.float32)
    window, part = common.window(view), common.window(placed)
    cover = alpha[part][..., None]
    mixed[window] = mixed[window] * (1 - cover) + rgb[part] * cover
    small = Size(view.height, view.width)
    return Trial(
        key=key,
        photo_key=photo_key,
        truth=truth,
        rgb=np.rint(mixed).astype(np.uint8),
        target=Mask.from_array(target.crop(view)),
        occluder=Mask.from_crop(alpha[part] >= 0.5, (common.x0 - view.x0, common.y0 - view.y0), small),
        seed=crc32(key.encode()) % 2**16,
    )


def _quantile(table: Quantiles, level: float) -> float:
    levels, values = zip(*table, strict=True)
    return float(np.interp(level, levels, values))


def _in_turn(objects: Sequence[WholeObject], seed: int) -> list[WholeObject]:
    """Return the objects in random order: the first of each photo, then the second of each, ..."""
    known = sorted(objects, key=lambda item: item.key)
    shuffled = [known[k] for k in np.random.default_rng(seed).permutation(len(known))]
    seen: Counter[str] = Counter()
    turns = []
    for item in shuffled:
        turns.append(seen[item.photo_key])
        seen[item.photo_key] += 1
    return [shuffled[k] for k in np.argsort(turns, kind="stable")]
