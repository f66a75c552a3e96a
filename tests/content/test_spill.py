"""Pixels of the visible part that show what hides the object."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from deocclude.content.fill import fill_hidden, hidden_patch
from deocclude.content.patch import Patch
from deocclude.content.spill import BANDS, TILE, spill, without_spill
from deocclude.geometry import Size
from deocclude.masks import Mask, distance_to

SIDE = 120


def disc(radius: float) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return (y - 60) ** 2 + (x - 60) ** 2 <= radius**2


def scene(off: int, *, noise: float = 6.0, tint: tuple[int, int, int] = (200, 40, 30)) -> tuple[np.ndarray, ...]:
    """A greenish surface behind a soft-edged disc of radius 25, whose mask is ``off`` pixels too small.

    Returns the photo, the visible part and the disc by their masks, and what the disc really covers.
    """
    alpha = cv2.GaussianBlur(disc(25).astype(np.float32), (0, 0), 0.7)[..., None]
    surface = np.random.default_rng(0).normal((90, 160, 90), noise, (SIDE, SIDE, 3))
    rgb = np.clip(alpha * np.array(tint) + (1 - alpha) * surface, 0, 255).astype(np.uint8)
    front = disc(25 - off)
    return rgb, ~front, front, disc(25)


@pytest.mark.parametrize("off", [1, 2, 3])
def test_what_a_tight_mask_leaves_of_the_occluder_is_found(off):
    rgb, own, front, covered = scene(off)
    found = spill(rgb, own, front)
    left = own & covered
    assert np.count_nonzero(found & left) >= 0.95 * np.count_nonzero(left)
    assert distance_to(covered)[found].max(initial=0) <= 3


def test_a_large_crop_looked_at_in_squares_gives_what_it_gives_as_a_whole(monkeypatch):
    rgb, own, front, covered = (np.tile(part, (9, 9, 1)[: part.ndim]) for part in scene(2))
    assert max(own.shape) > TILE
    in_squares = spill(rgb, own, front)
    monkeypatch.setattr("deocclude.content.spill.TILE", 2 * TILE)
    whole = spill(rgb, own, front)
    assert np.count_nonzero(in_squares & own & covered) >= 0.95 * np.count_nonzero(own & covered)
    assert np.count_nonzero(in_squares ^ whole) <= 0.01 * np.count_nonzero(whole)


def test_a_right_mask_loses_nothing():
    rgb, own, front, _ = scene(0)
    assert not spill(rgb, own, front).any()


def test_a_pattern_is_no_spill():
    generator = np.random.default_rng(1)
    blotches = cv2.GaussianBlur(generator.normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32), (0, 0), 2)
    rgb = np.clip(128 + 60 / blotches.std() * blotches, 0, 255).astype(np.uint8)
    front = disc(25)
    rgb[front] = (200, 40, 30)
    assert np.count_nonzero(spill(rgb, ~front, front)) <= 0.1 * np.count_nonzero(~front & disc(25 + BANDS))


def test_equal_colours_are_left_alone():
    rgb, own, front, _ = scene(2, tint=(95, 155, 95))
    assert not spill(rgb, own, front).any()


@pytest.mark.parametrize("own", [disc(0) & False, ~disc(25) & disc(27)])
def test_nothing_to_compare_with_is_no_spill(own):
    rgb, _, front, _ = scene(2)
    assert not spill(rgb, own, front).any()


def test_in_a_large_photo_masks_may_be_off_by_more():
    rgb, _, front, covered = (np.kron(part, np.ones((4, 4, 1)[: part.ndim], part.dtype)) for part in scene(2))
    hidden, size = Mask.from_array(front), Size(4 * SIDE, 4 * SIDE)
    modal, left = Mask.from_array(~front), ~front & covered

    def kept(size: Size) -> int:
        """Evidence that shows the disc, where the photo has this size."""
        visible, hides = (Mask.from_crop(mask.to_array(), (0, 0), size) for mask in (modal, hidden))
        patch = Patch(rgb, front, ~front, 0, None, (0, 0))
        return int(np.count_nonzero(without_spill(patch, visible, hides).evidence & left))

    assert kept(size) > 0.3 * np.count_nonzero(left)
    assert kept(Size(4 * 600, 4 * 600)) < 0.05 * np.count_nonzero(left)


def test_fills_do_not_take_the_colour_of_the_occluder():
    rgb, own, front, _ = scene(2)
    modal, whole = Mask.from_array(own), Mask.from_array(own | front)
    fill = fill_hidden(rgb, modal, whole, instance_id=1, method="telea", occluders=Mask.from_array(front))
    red = fill.rgb[fill.hole][:, 0].mean()
    assert red < 95
    blind = fill_hidden(rgb, modal, whole, instance_id=1, method="telea")
    assert red < blind.rgb[blind.hole][:, 0].mean() - 20


def test_where_nothing_else_would_be_left_all_is_kept():
    rgb, _, front, _ = scene(3)
    modal = Mask.from_array(disc(25) & ~front)
    hidden = Mask.from_array(front)
    patch, _, _ = hidden_patch(rgb, modal, hidden, occluders=hidden)
    assert np.count_nonzero(patch.evidence) > 0
    assert Mask.from_array(patch.evidence).size == Size(*patch.hole.shape)
