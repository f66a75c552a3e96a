"""Scenes whose whole shapes are known: packing them, and the samples made of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene
from deocclude.training.erasing import ErasingSettings
from deocclude.training.packing import write_pack
from deocclude.training.scene_packing import CROP, ROOM, ScenePack, open_scene_pack, questions, write_scene_pack
from deocclude.training.scene_samples import SceneSampler

SIZE = Size(200, 300)
EXACT = ErasingSettings(contact_noise=0.0, zoom=(1.0, 1.0), shift=0.0)


def scene(name: str) -> Scene:
    """A square of which another one hides the right half, and a third one beside them that hides both a little."""
    whole = [np.zeros((SIZE.height, SIZE.width), bool) for _ in range(3)]
    whole[0][60:140, 60:140] = True
    whole[1][60:140, 100:180] = True
    whole[2][50:64, 60:180] = True
    seen = [whole[0] & ~whole[1] & ~whole[2], whole[1] & ~whole[2], whole[2]]
    items = tuple(
        Instance(k + 1, Mask.from_array(visible), amodal=Mask.from_array(all_of_it))
        for k, (visible, all_of_it) in enumerate(zip(seen, whole, strict=True))
    )
    return Scene(SIZE, items, image_file=name, order_truth=frozenset({(2, 1), (3, 1), (3, 2)}))


@pytest.fixture
def pack(tmp_path: Path) -> ScenePack:
    write_scene_pack([scene(f"scene-{k}") for k in range(30)], tmp_path / "pack")
    return open_scene_pack(tmp_path / "pack")


def planes(pack: ScenePack, row: int) -> np.ndarray:
    return np.unpackbits(pack.planes[row], axis=-1).astype(bool)


def test_neighbours_are_asked_about_both_ways_and_all_in_front_together():
    asked = [(item.id, eraser.area) for item, eraser in questions(scene("a"))]
    seen = {item.id: item.modal.area for item in scene("a").instances}
    pairs = [(1, seen[2]), (2, seen[1]), (1, seen[3]), (3, seen[1]), (2, seen[3]), (3, seen[2])]
    assert sorted(asked) == sorted([*pairs, (1, seen[2] + seen[3])])


def test_what_is_hidden_is_what_lies_under_the_eraser_asked_about(pack: ScenePack):
    seen, eraser, hidden = planes(pack, 0)
    scale = (CROP / (ROOM * max(np.sqrt(3 * 40 * 76), 1.1 * 76))) ** 2
    assert seen.sum() == pytest.approx(40 * 76 * scale, rel=0.05)
    assert hidden.sum() == pytest.approx(40 * 76 * scale, rel=0.05)
    assert not (seen & eraser).any() and not (hidden & ~eraser).any()
    assert not planes(pack, 1)[2].any(), "nothing of the object in front is hidden"


def test_exact_samples_show_the_packed_truth(pack: ScenePack):
    batch = SceneSampler(pack, EXACT, validation=False).sample(16, 64, 3)
    assert not (batch.visible & batch.eraser).any()
    assert torch.equal(batch.target & ~batch.eraser, batch.visible)
    grows = (batch.target & batch.eraser).flatten(1).any(1)
    assert 0 < grows.sum() < 16
    assert (batch.weight[batch.eraser] == EXACT.eraser_weight).all()


def test_equal_seeds_give_equal_samples_and_others_do_not(pack: ScenePack):
    sampler = SceneSampler(pack, ErasingSettings(), validation=False)
    first, again, other = (sampler.sample(8, 64, seed) for seed in (1, 1, 2))
    assert torch.equal(first.visible, again.visible) and torch.equal(first.target, again.target)
    assert not torch.equal(first.visible, other.visible)


def test_contact_noise_parts_masks_but_not_the_truth(pack: ScenePack):
    noisy = replace(EXACT, contact_noise=1.0, noise_pixels=8.0)
    exact, parted = (SceneSampler(pack, s, validation=False).sample(16, 64, 5) for s in (EXACT, noisy))
    assert torch.equal(exact.target, parted.target)
    assert not torch.equal(exact.visible, parted.visible)
    assert not (parted.visible & parted.eraser).any()


def test_beyond_the_picture_nothing_counts(pack: ScenePack):
    wide = replace(EXACT, zoom=(ROOM * 2, ROOM * 2))
    batch = SceneSampler(pack, wide, validation=False).sample(4, 64, 5)
    assert batch.outside.any() and (batch.weight[batch.outside] == 0).all()
    assert not (batch.outside & (batch.visible | batch.eraser | batch.target)).any()


def test_scenes_are_held_out_as_a_whole(pack: ScenePack):
    held_out = set(pack.image_keys[pack.in_validation])
    assert held_out and held_out.isdisjoint(pack.image_keys[~pack.in_validation])


def test_scenes_in_which_nothing_meets_are_refused(tmp_path: Path):
    alone = replace(scene("a"), instances=scene("a").instances[:1], order_truth=None)
    with pytest.raises(InputError, match="two objects that meet"):
        write_scene_pack([alone], tmp_path / "pack")


def test_another_kind_of_pack_and_a_damaged_one_are_refused(tmp_path: Path):
    write_pack([scene("a")], tmp_path / "masks")
    with pytest.raises(InputError, match="pack of scenes"):
        open_scene_pack(tmp_path / "masks")
    write_scene_pack([scene("a")], tmp_path / "pack")
    (tmp_path / "pack" / "planes.npy").write_bytes(b"cut off")
    with pytest.raises(InputError, match="damaged"):
        open_scene_pack(tmp_path / "pack")


def test_one_side_of_the_split_may_not_be_empty(tmp_path: Path):
    write_scene_pack([scene("a")], tmp_path / "pack")
    pack = open_scene_pack(tmp_path / "pack")
    with pytest.raises(InputError, match="question"):
        SceneSampler(pack, EXACT, validation=not pack.in_validation[0])


def test_reopened_slits_move_the_line_between_masks_but_not_the_truth(pack: ScenePack):
    exact, moved = (
        SceneSampler(pack, settings, validation=False).sample(16, 64, 5)
        for settings in (EXACT, replace(EXACT, reopened=1.0))
    )
    assert torch.equal(exact.target, moved.target)
    assert torch.equal(exact.visible | exact.eraser, moved.visible | moved.eraser)
    assert not torch.equal(exact.visible, moved.visible)
