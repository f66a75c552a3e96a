"""Samples of content completion: what the net may see, and where things lie."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from deocclude.training.content_samples import ContentBatch, ContentSampler, ContentSettings
from deocclude.training.photo_packing import open_photo_pack
from deocclude.training.photos import PackedPhotos

PLAIN = {"brightness": 0.0, "tint": 0.0}


@pytest.fixture(scope="module")
def photos(photo_pack_folder: Path) -> PackedPhotos:
    return PackedPhotos(open_photo_pack(photo_pack_folder), validation=False)


def same(one: ContentBatch, other: ContentBatch) -> bool:
    return all(torch.equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(ContentBatch))


def test_shapes_and_kinds(photos: PackedPhotos):
    batch = ContentSampler(photos).sample(6, 48, 3, photo_share=0.5)
    assert batch.planes.shape == (6, 6, 48, 48) and batch.planes.dtype == torch.float32
    assert batch.target.shape == (6, 3, 48, 48) and batch.hole.shape == batch.weight.shape == (6, 48, 48)
    assert torch.equal(batch.seen[:3], batch.own[:3])  # of a photo all that is seen is its own
    assert (batch.seen[3:].sum() > batch.own[3:].sum()).all()


def test_equal_seeds_give_equal_batches(photos: PackedPhotos):
    one, two, other = (ContentSampler(photos).sample(8, 32, seed) for seed in (5, 5, 6))
    assert same(one, two)
    assert not same(one, other)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_unseen_enters_the_planes(photos: PackedPhotos, share: float):
    batch = ContentSampler(photos).sample(32, 48, 1, share)
    rgb, seen, own, hole = batch.planes[:, :3], batch.seen, batch.own, batch.hole
    assert set(batch.planes[:, 3:].unique().tolist()) <= {0.0, 1.0}
    assert not (rgb * ~seen[:, None]).any()
    assert torch.equal(rgb, batch.target * seen[:, None])
    assert not (seen & hole).any() and not (own & ~seen).any()
    assert torch.equal(batch.planes[:, 5] > 0, hole)
    assert not (batch.weight.bool() & ~hole).any()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_colours_of_other_photos_never_enter(photos: PackedPhotos, share: float, photo_pack_folder: Path):
    """Every square gets one colour of its own: a sample must hold that of its photo only, whatever hides it."""
    flat = PackedPhotos(open_photo_pack(photo_pack_folder), validation=False)
    colours = torch.randint(40, 255, (len(flat.rgb), 3, 1, 1), generator=torch.Generator().manual_seed(0))
    flat.rgb, flat.half = (level.copy_(colours.expand_as(level)) for level in (flat.rgb, flat.half))
    batch = ContentSampler(flat, ContentSettings(**PLAIN)).sample(32, 48, 2, share)
    for planes, seen, target in zip(batch.planes, batch.seen, batch.target, strict=True):
        assert target.flatten(1).std(1).max() < 1e-5
        values = planes[:3, seen]
        assert (values - target[:, :1, 0]).abs().max() < 1e-5
    true = ContentSampler(photos, ContentSettings(**PLAIN)).sample(32, 48, 2, share)
    assert torch.equal(true.planes[:, 3:], batch.planes[:, 3:])  # masks follow from shapes, never from colours


def test_masks_lie_on_their_objects(photos: PackedPhotos):
    settings = ContentSettings(**PLAIN, shrink_own=3.0, contact_noise=1.0, no_context=0.0)
    batch = ContentSampler(photos, settings).sample(64, 64, 4, photo_share=0.0)
    disc = batch.target[:, :2].max(1).values > 0.4  # red or green
    assert disc[batch.own].float().mean() > 0.95
    assert disc[batch.weight > 0].float().mean() > 0.9
    reddish = batch.target[:, 0] > batch.target[:, 1]
    for own, weight, red in zip(batch.own, batch.weight > 0, reddish, strict=True):
        if own.sum() > 30 and weight.sum() > 30:  # what is hidden has the colour of what is left
            assert abs(float(red[own].float().mean()) - float(red[weight].float().mean())) < 0.2


def test_a_reasonable_part_is_hidden(photos: PackedPhotos):
    batch = ContentSampler(photos).sample(200, 32, 7, photo_share=0.5)
    hidden = batch.weight.mean((1, 2))
    assert (hidden > 0).float().mean() > 0.97
    whole = batch.weight.sum((1, 2))[100:] / (batch.weight.sum((1, 2)) + batch.own.sum((1, 2)))[100:]
    assert 0.15 < float(whole.median()) < 0.6
    assert ((whole > 0.95).float().mean()) < 0.08


def test_the_hole_may_reach_beyond_the_object_only_below_what_hides_it(photos: PackedPhotos):
    settings = ContentSettings(grow_hole=8.0, rim=0.0, shrink_own=0.0, contact_noise=1.0, no_context=0.0, block=0.0)
    batch = ContentSampler(photos, settings).sample(64, 64, 9, photo_share=0.0)
    assert (batch.hole & (batch.weight == 0)).any()
    none = ContentSampler(photos, ContentSettings(contact_noise=0.0)).sample(64, 64, 9, photo_share=0.0)
    assert torch.equal(none.hole, none.weight > 0)


def test_context_is_left_out_in_some_samples(photos: PackedPhotos):
    batch = ContentSampler(photos, ContentSettings(no_context=0.5)).sample(100, 32, 11, photo_share=0.0)
    bare = ((batch.seen & ~batch.own).sum((1, 2)) == 0).float().mean()
    assert 0.35 < float(bare) < 0.65


def test_colours_are_changed_a_little(photos: PackedPhotos):
    kinds = ContentSettings(**PLAIN), ContentSettings()
    plain, changed = (ContentSampler(photos, settings).sample(32, 32, 13, 1.0) for settings in kinds)
    ratio = changed.target.mean((1, 2, 3)) / plain.target.mean((1, 2, 3))
    assert float(ratio.std()) > 0.03 and float(ratio.min()) > 0.75 and float(ratio.max()) < 1.25
