"""Self-supervised samples: what must hold for every one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from deocclude.masks import Mask
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Instance, Scene
from deocclude.stages import StageRecord
from deocclude.training.erasing import EraserSampler, ErasingSettings
from deocclude.training.objects import PackedObjects, neighbours_behind, seems_occluded
from deocclude.training.packing import Pack, open_pack, write_pack
from deocclude.training.shapes import shape_scenes

EXACT = ErasingSettings(contact_noise=0, border_cut=0, unseen=0)


@pytest.fixture(scope="module")
def objects(pack: Pack) -> PackedObjects:
    return PackedObjects(pack, validation=False)


def test_equal_seeds_give_equal_batches(objects: PackedObjects):
    sampler = EraserSampler(objects)
    first, again, other = (sampler.sample(8, 48, seed) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(vars(first).values(), vars(again).values(), strict=True))
    assert not torch.equal(first.target, other.target)


@pytest.mark.parametrize("settings", [EXACT, ErasingSettings()])
def test_inputs_are_disjoint(objects: PackedObjects, settings: ErasingSettings):
    batch = EraserSampler(objects, settings).sample(64, 48, 0)
    assert not (batch.visible & batch.eraser).any()
    assert not (batch.outside & (batch.visible | batch.eraser)).any()
    assert not (batch.unknown & (batch.visible | batch.eraser | batch.outside)).any()
    assert batch.inputs(4).shape == (64, 4, 48, 48)
    assert batch.inputs(3).shape == (64, 3, 48, 48)
    assert batch.inputs(2).shape == (64, 2, 48, 48)


def test_without_noise_visible_and_hidden_make_up_the_target(objects: PackedObjects):
    batch = EraserSampler(objects, EXACT).sample(64, 48, 0)
    inside = ~batch.outside
    assert torch.equal((batch.visible | (batch.target & batch.eraser)) & inside, batch.target & inside)
    assert torch.equal(batch.weight[inside & batch.eraser].unique(), torch.tensor([5.0]))


def test_an_eraser_behind_hides_nothing(objects: PackedObjects):
    behind = ErasingSettings(contact_noise=0, border_cut=0, behind=1.0)
    batch = EraserSampler(objects, behind).sample(64, 48, 0)
    assert torch.equal(batch.visible, batch.target & ~batch.outside)
    assert not (batch.eraser & batch.target).any()


def test_an_eraser_in_front_hides_an_accepted_share(objects: PackedObjects):
    front = ErasingSettings(contact_noise=0, border_cut=0, behind=0.0, candidates=6)
    batch = EraserSampler(objects, front).sample(256, 64, 0)
    share = 1 - batch.visible.sum((1, 2)) / batch.target.sum((1, 2))
    assert ((share > 0.005) & (share < 0.9)).float().mean() > 0.95


def test_contact_noise_opens_gaps(objects: PackedObjects):
    def contact(settings: ErasingSettings) -> float:
        batch = EraserSampler(objects, settings).sample(128, 64, 1)
        grown = torch.nn.functional.max_pool2d(batch.visible.float()[:, None], 3, 1, 1)[:, 0] > 0
        return float((grown & batch.eraser).any(2).any(1).float().mean())

    base = {"border_cut": 0.0, "behind": 0.0, "unseen": 0.0}
    assert contact(ErasingSettings(contact_noise=0, **base)) > 0.97
    assert contact(ErasingSettings(contact_noise=1, **base)) < 0.85


def test_border_cuts_are_targets_beyond_the_photo(objects: PackedObjects):
    batch = EraserSampler(objects, ErasingSettings(border_cut=1.0, contact_noise=0)).sample(64, 48, 0)
    assert (batch.target & batch.outside).any(2).any(1).float().mean() > 0.5


def test_notched_objects_count_as_occluded_and_their_occluders_know_them(pack: Pack):
    occluded = seems_occluded(pack)
    first = pack.pairs.tolist()
    assert all(occluded[behind] and not occluded[front] for front, behind in first)
    chosen = torch.arange(len(pack)).numpy()
    neighbours, maps = neighbours_behind(pack, chosen)
    front, behind = first[0]
    assert neighbours[front].tolist() == [behind, -1, -1, -1]
    assert (neighbours[behind] == -1).all()
    assert maps[front, 0].ravel().tolist() == pytest.approx([0.6, 0, -60 / 55, 0, 0.6, 0], abs=0.02)


def test_an_ordering_method_outranks_the_hulls(notched: Scene, tmp_path: Path):
    def reversed_order(scene: Scene) -> PairwiseOrder:
        """Say that the notched square is in front; answer in another order than the scene's."""
        assert scene.ids == (7, 1, 2)
        front = np.zeros((3, 3))
        front[0, 1], front[1, 0] = 0.9, 0.05
        return PairwiseOrder((2, 1, 7), front, StageRecord("test", {}, 0.0))

    speck = np.zeros(notched.size, bool)
    speck[2:8, 2:8] = True
    scene = replace(notched, instances=(Instance(7, Mask.from_array(speck)), *notched.instances))
    write_pack([scene, *shape_scenes(3)], tmp_path / "pack", order=reversed_order)
    pack = open_pack(tmp_path / "pack")
    assert pack.hidden.tolist() == pytest.approx([0.9, 0.05, 0, 0, 0])
    assert seems_occluded(pack).tolist() == [True, False, False, False, False]
    neighbours, _ = neighbours_behind(pack, np.arange(len(pack)))
    assert neighbours[:2, 0].tolist() == [-1, 0]


def test_pairs_ask_both_questions(objects: PackedObjects):
    hidden, front = EraserSampler(objects, EXACT).sample_pairs(32, 48, 0)
    assert (hidden.target & hidden.eraser).any(2).any(1).float().mean() > 0.9
    assert not (front.target & front.eraser).any()
    assert torch.equal(front.visible, front.target)


def test_what_hides_an_object_unseen_lies_in_the_unknown(objects: PackedObjects):
    settings = ErasingSettings(contact_noise=0, border_cut=0, behind=0.0, unseen=1.0, hide_eraser=1.0)
    batch = EraserSampler(objects, settings).sample(64, 48, 0)
    hidden = batch.target & ~batch.visible & ~batch.outside
    assert hidden.any()
    assert not (hidden & ~batch.unknown).any()
    assert not batch.eraser.any()
