"""Samples in colour: what the net is told, what it has to say, and that colours lie where the masks say."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from deocclude.training import warp
from deocclude.training.colour_erasing import ColourBatch, ColourSampler, ColourSettings
from deocclude.training.photo_packing import open_photo_pack
from deocclude.training.photos import PackedPhotos

EXACT = {"brightness": 0.0, "tint": 0.0, "noise_pixels": 0.0}


@pytest.fixture(scope="module")
def photos(photo_pack_folder: Path) -> PackedPhotos:
    return PackedPhotos(open_photo_pack(photo_pack_folder), validation=False)


@pytest.fixture
def flat(photo_pack_folder: Path) -> PackedPhotos:
    """Every square has one colour of its own."""
    photos = PackedPhotos(open_photo_pack(photo_pack_folder), validation=False)
    colours = torch.randint(40, 255, (len(photos.rgb), 3, 1, 1), generator=torch.Generator().manual_seed(0))
    photos.rgb, photos.half = (level.copy_(colours.expand_as(level)) for level in (photos.rgb, photos.half))
    return photos


def same(one: ColourBatch, other: ColourBatch) -> bool:
    return all(torch.equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(ColourBatch))


def test_shapes(photos: PackedPhotos):
    batch = ColourSampler(photos).sample(6, 48, 3)
    assert batch.inputs().shape == (6, 7, 48, 48) and batch.inputs().dtype == torch.float32
    assert batch.target.shape == batch.weight.shape == (6, 48, 48) and batch.target.dtype == torch.bool
    assert batch.rgb.min() >= 0 and batch.rgb.max() <= 1


def test_equal_seeds_give_equal_batches(photos: PackedPhotos):
    one, two, other = (ColourSampler(photos).sample(8, 32, seed) for seed in (5, 5, 6))
    assert same(one, two)
    assert not same(one, other)


def test_no_pixel_is_two_things(photos: PackedPhotos):
    batch = ColourSampler(photos).sample(64, 48, 1)
    assert set(batch.masks.unique().tolist()) == {0.0, 1.0}
    assert batch.masks.sum(1).max() == 1
    some = batch.masks[:, 3].flatten(1).any(1).float().mean()
    assert 0.6 < some < 0.9  # a quarter of the samples is closed


def test_closed_samples_tell_all(photos: PackedPhotos):
    batch = ColourSampler(photos, ColourSettings(**EXACT, closed=1.0, none=0.0, behind=0.0)).sample(32, 48, 2)
    assert not batch.masks[:, 3].any()
    seen, cover = batch.masks[:, 0] > 0, batch.masks[:, 1] > 0
    inside = batch.masks[:, 2] == 0
    assert not (batch.target & ~seen & ~cover & inside).any()


def test_unlisted_objects_are_not_told(photos: PackedPhotos):
    batch = ColourSampler(photos, ColourSettings(**EXACT, closed=0.0, none=0.0, listed=0.0)).sample(32, 48, 2)
    assert not batch.masks[:, 1].any()
    hidden = batch.target & (batch.masks[:, 3] > 0)
    assert hidden.flatten(1).any(1).float().mean() > 0.4
    assert (batch.weight[hidden] == ColourSettings().hidden_weight).all()


def test_colours_say_what_lies_in_front(flat: PackedPhotos):
    """Away from edges, a visible pixel of the object has its photo's colour, and a hidden one another's."""
    settings = ColourSettings(**EXACT, closed=0.0, none=0.0, behind=0.5, listed=0.0)
    batch = ColourSampler(flat, settings).sample(48, 48, 4)
    seen, hidden = batch.masks[:, 0] > 0, batch.target & (batch.masks[:, 3] > 0)
    inner = warp.morph(seen, torch.full((len(seen),), -2))
    checked = 0
    for rgb, own, covered in zip(batch.rgb, inner, hidden, strict=True):
        if own.sum() < 40 or covered.sum() < 40:
            continue
        colour = rgb[:, own].median(1).values
        assert (rgb[:, own] - colour[:, None]).abs().max() < 1e-3
        differs = (rgb[:, covered] - colour[:, None]).abs().amax(0) > 1e-3
        checked += bool(differs.float().mean() > 0.5)
    assert checked > 8


def test_nothing_pasted_leaves_the_object_whole(photos: PackedPhotos):
    batch = ColourSampler(photos, ColourSettings(**EXACT, none=1.0)).sample(16, 48, 3)
    assert torch.equal(batch.masks[:, 0] > 0, batch.target & (batch.masks[:, 2] == 0))
