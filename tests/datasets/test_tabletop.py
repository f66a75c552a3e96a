"""Scenes of solids on a table: disjoint visible masks, whole masks around them, and the order between."""

from __future__ import annotations

import numpy as np

from deocclude.datasets.tabletop import scenes


def test_visible_and_whole_masks_and_order_agree():
    hidden = 0
    for scene in scenes(6, seed=3):
        masks = {item.id: (item.modal, item.amodal) for item in scene.instances}
        total = np.zeros((scene.size.height, scene.size.width), int)
        for modal, amodal in masks.values():
            assert amodal is not None and modal.overlap(amodal) == modal.area
            total += modal.to_array()
        assert total.max() <= 1
        expected = {
            (a, b)
            for a, (modal, _) in masks.items()
            for b, (_, amodal) in masks.items()
            if a != b and modal.overlap(amodal)
        }
        assert scene.order_truth == expected
        hidden += len(expected)
    assert hidden > 6


def test_what_stands_in_front_reaches_lower_mostly():
    lower = [
        scene[front].amodal.box.y1 > scene[behind].amodal.box.y1
        for scene in scenes(12, seed=4)
        for front, behind in scene.order_truth
    ]
    assert np.mean(lower) > 0.7


def test_equal_seeds_give_equal_scenes():
    first, again, other = (next(scenes(1, seed)) for seed in (5, 5, 6))
    assert [item.modal for item in first.instances] == [item.modal for item in again.instances]
    assert [item.modal for item in first.instances] != [item.modal for item in other.instances]
