"""Real objects with what a teacher says of them: packing them, and the samples made of them."""

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
from deocclude.training.answer_packing import (
    ROOM,
    Answer,
    AnswerPack,
    AnswerPackSettings,
    open_answer_pack,
    write_answer_pack,
)
from deocclude.training.answer_samples import AnswerSampler
from deocclude.training.colour_erasing import ColourBatch, ColourSettings
from deocclude.training.packing import write_pack

SIZE = Size(160, 240)
RED, GREEN, BLUE = (200, 30, 30), (30, 180, 30), (30, 30, 160)
EXACT = ColourSettings(
    noise_pixels=0.0, zoom=(1.0, 1.0), shift=0.0, brightness=0.0, tint=0.0, listed=0.0, closed=0.0, hidden_weight=3.0
)
SETTINGS = AnswerPackSettings(crop=96)


def rectangle(x0: int, y0: int, x1: int, y1: int) -> Mask:
    mask = np.zeros((SIZE.height, SIZE.width), bool)
    mask[y0:y1, x0:x1] = True
    return Mask.from_array(mask)


WHOLE = rectangle(60, 50, 120, 110)
FRONT = rectangle(95, 30, 140, 130)
BESIDE = rectangle(60, 110, 95, 140)


def scene(name: str) -> Scene:
    """A red square that a green board hides in part, and something beside it that hides nothing."""
    masks = (WHOLE - FRONT, FRONT, BESIDE)
    return Scene(SIZE, tuple(Instance(k, mask) for k, mask in enumerate(masks, 1)), image_file=name)


def photo(_: Scene) -> np.ndarray:
    pixels = np.full((SIZE.height, SIZE.width, 3), BLUE, np.uint8)
    pixels[WHOLE.to_array()] = RED
    pixels[FRONT.to_array()] = GREEN
    return pixels


def teacher(given: Scene) -> dict[int, Answer]:
    nothing = Mask.empty(given.size)
    return {1: Answer(WHOLE, FRONT), 2: Answer(FRONT, nothing), 3: Answer(BESIDE, nothing)}


def write(folder: Path, count: int = 30) -> Path:
    write_answer_pack([scene(f"scene-{k}") for k in range(count)], folder, photo, teacher, SETTINGS)
    return folder


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> AnswerPack:
    return open_answer_pack(write(tmp_path_factory.mktemp("packs") / "answers"))


def samples(pack: AnswerPack, **changes: float) -> ColourBatch:
    return AnswerSampler(pack, replace(EXACT, **changes), validation=False).sample(24, 64, 3)


def test_a_pack_holds_what_the_teacher_says(pack: AnswerPack):
    assert len(pack) == 90 and pack.meta["validation_objects"] == pack.in_validation.sum() > 0
    seen, whole, hiders, others = np.unpackbits(pack.planes[0], axis=-1).astype(bool)
    scale = (96 / (ROOM * np.sqrt(3 * 35 * 60))) ** 2
    assert seen.sum() == pytest.approx(35 * 60 * scale, rel=0.05)
    assert whole.sum() == pytest.approx(60 * 60 * scale, rel=0.05)
    assert (whole & ~seen & ~hiders).sum() <= 96, "what is hidden lies under what hides it, up to the edge"
    assert not (hiders & ~others).any() and (others & ~hiders).any()
    assert pack.hidden[:3] == pytest.approx([1 - 35 / 60, 0, 0], abs=1e-3)


def test_the_colours_fit_the_masks(pack: AnswerPack):
    seen, _, hiders, _ = np.unpackbits(pack.planes[0], axis=-1).astype(bool)
    rgb = pack.rgb(0).astype(int)
    assert np.abs(rgb[seen] - RED).mean() < 12 and np.abs(rgb[hiders] - GREEN).mean() < 12


def test_photos_of_another_resolution_fit(pack: AnswerPack, tmp_path: Path):
    write_answer_pack([scene("a")], tmp_path / "half", lambda given: photo(given)[::2, ::2], teacher, SETTINGS)
    half = open_answer_pack(tmp_path / "half")
    assert np.abs(half.rgb(0).astype(int) - pack.rgb(0)).mean() < 6


def test_told_of_nothing_the_net_has_to_find_what_hides(pack: AnswerPack):
    batch = samples(pack)
    seen, cover, outside, unknown = (batch.masks[:, k] > 0 for k in range(4))
    hidden = batch.target & ~seen
    rows = hidden.flatten(1).any(1)
    assert 0 < rows.sum() < 24, "some objects are hidden, others are not"
    assert not cover.any() and (unknown[hidden]).float().mean() > 0.99
    assert not (unknown & (seen | outside)).any()
    green = torch.tensor(GREEN, dtype=torch.float32) / 255
    assert (batch.rgb.permute(0, 2, 3, 1)[hidden] - green).abs().mean() < 0.1, "the photo shows what hides it"


def test_what_is_listed_is_shown_as_cover(pack: AnswerPack):
    batch = samples(pack, listed=1.0)
    cover, unknown = batch.masks[:, 1] > 0, batch.masks[:, 3] > 0
    hidden = batch.target & (batch.masks[:, 0] == 0)
    assert cover[hidden].float().mean() > 0.97 and unknown.any()
    assert not (samples(pack, closed=1.0).masks[:, 3] > 0).any()


def test_hidden_parts_count_more_and_nothing_counts_beyond_the_photo(pack: AnswerPack):
    batch = samples(pack, zoom=(3.0, 3.0))
    hidden = batch.target & (batch.masks[:, 0] == 0)
    outside = batch.masks[:, 2] > 0
    assert outside.any() and (batch.weight[outside] == 0).all()
    assert (batch.weight[hidden & ~outside] == 3.0).all()


def test_equal_seeds_give_equal_samples_and_others_do_not(pack: AnswerPack):
    sampler = AnswerSampler(pack, ColourSettings(), validation=False)
    first, again, other = (sampler.sample(8, 64, seed) for seed in (1, 1, 2))
    assert torch.equal(first.inputs(), again.inputs()) and torch.equal(first.target, again.target)
    assert not torch.equal(first.inputs(), other.inputs())


def test_photos_are_held_out_as_a_whole(pack: AnswerPack):
    held_out = set(pack.image_keys[pack.in_validation])
    assert held_out and held_out.isdisjoint(pack.image_keys[~pack.in_validation])


def test_small_objects_are_left_out(tmp_path: Path):
    with pytest.raises(InputError, match="500 px"):
        write_answer_pack([scene("a")], tmp_path / "none", photo, teacher, AnswerPackSettings(min_side=500))
    assert not (tmp_path / "none").exists()


def test_one_side_of_the_split_may_not_be_empty(tmp_path: Path):
    pack = open_answer_pack(write(tmp_path / "pack", 1))
    with pytest.raises(InputError, match="pack more photos"):
        AnswerSampler(pack, EXACT, validation=not pack.in_validation[0])


def test_another_kind_of_pack_and_damaged_ones_are_refused(tmp_path: Path):
    write_pack([scene("a")], tmp_path / "masks")
    with pytest.raises(InputError, match="pack of answers"):
        open_answer_pack(tmp_path / "masks")
    folder = write(tmp_path / "pack", 2)
    whole = (folder / "photos.bin").read_bytes()
    (folder / "photos.bin").write_bytes(whole[:-100])
    with pytest.raises(InputError, match="different lengths"):
        open_answer_pack(folder)
    (folder / "photos.bin").write_bytes(bytes(len(whole)))
    pack = open_answer_pack(folder)
    with pytest.raises(InputError, match="damaged picture"):
        AnswerSampler(pack, EXACT, validation=bool(pack.in_validation[0]))
    (folder / "planes.npy").write_bytes(b"cut off")
    with pytest.raises(InputError, match="damaged"):
        open_answer_pack(folder)
