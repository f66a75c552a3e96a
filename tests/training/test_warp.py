"""Placing crops: maps, squares and morphology against values worked out by hand or by other code."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from deocclude.masks import Mask, dilate, erode
from deocclude.training import warp


def identity(count: int = 1) -> torch.Tensor:
    return torch.tensor([[1.0, 0, 0], [0, 1, 0]]).repeat(count, 1, 1)


def test_a_crop_drawn_through_its_own_window_is_itself():
    crops = (torch.rand(3, 32, 32) > 0.5).to(torch.uint8) * 255
    windows = torch.tensor([[0.0, 0, 1]]).repeat(3, 1)
    assert torch.equal(warp.draw(crops, identity(3), windows, 32), crops > 127)


def test_a_window_of_half_the_size_shows_the_middle():
    crop = torch.zeros(1, 64, 64, dtype=torch.uint8)
    crop[:, 16:48, 16:32] = 255
    shown = warp.draw(crop, identity(), torch.tensor([[0.0, 0, 0.5]]), 64)[0]
    assert shown[:, :32].all() and not shown[:, 32:].any()


def test_to_frame_inverts_the_map():
    maps = warp.with_offset(
        warp.similarity(torch.tensor([0.4]), torch.tensor([1.7]), torch.tensor([0.2]), torch.tensor([True])),
        torch.tensor([[0.3, -0.2]]),
        torch.tensor([[0.1, 0.5]]),
    )
    assert warp.to_frame(maps, torch.tensor([[0.1, 0.5]]))[0].tolist() == pytest.approx([0.3, -0.2], abs=1e-6)
    assert torch.linalg.det(maps[0, :, :2]).item() == pytest.approx(-(1.7**2), rel=1e-5)


@pytest.mark.parametrize(("width", "height"), [(10, 10), (30, 4)])
def test_square_is_that_of_the_paper(width: int, height: int):
    mask = torch.zeros(1, 40, 40, dtype=torch.bool)
    mask[0, 8 : 8 + height, 4 : 4 + width] = True
    x, y, half = warp.fit_square(mask, torch.tensor([[0.0, 0, 1]]))[0].tolist()
    side = max(math.sqrt(3 * width * height), 1.1 * width, 1.1 * height)
    assert half == pytest.approx(side / 40, rel=1e-5)
    assert (x, y) == pytest.approx(((4 + width / 2) / 20 - 1, (8 + height / 2) / 20 - 1), abs=1e-6)


def test_an_empty_mask_keeps_its_window():
    window = torch.tensor([[0.1, 0.2, 0.7]])
    assert torch.equal(warp.fit_square(torch.zeros(1, 8, 8, dtype=torch.bool), window), window)


def test_morphology_agrees_with_the_masks_of_the_package():
    rng = np.random.default_rng(0)
    array = np.zeros((40, 40), bool)
    array[12:28, 10:30] = rng.random((16, 20)) > 0.1
    planes = torch.from_numpy(np.stack([array] * 5))
    grown = warp.morph(planes, torch.tensor([0, 1, 2, -1, -2])).numpy()
    mask = Mask.from_array(array)
    assert np.array_equal(grown[0], array)
    assert np.array_equal(grown[1], dilate(mask, 1).to_array())
    assert np.array_equal(grown[3], erode(mask, 1).to_array())
    assert not (dilate(mask, 2).to_array() & ~grown[2]).any()
    assert not (grown[4] & ~erode(mask, 2).to_array()).any()


def test_a_slit_that_is_closed_again_keeps_all_pixels_and_moves_the_common_edge():
    masks = torch.zeros(2, 40, 40, dtype=torch.bool)
    masks[0, 10:30, 5:20], masks[1, 10:30, 20:35] = True, True
    one, two = warp.reopened(masks[:1], masks[1:], torch.tensor([[4], [0]]))
    assert torch.equal(one | two, masks[:1] | masks[1:]) and not (one & two).any()
    edge = one[0, 20].nonzero().max()
    assert edge == 17, "of a slit of four pixels each mask gets back two"
    same = warp.reopened(masks[:1], masks[1:], torch.tensor([[0], [0]]))
    assert torch.equal(same[0], masks[:1]) and torch.equal(same[1], masks[1:])
