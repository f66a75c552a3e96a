"""The pair network's data and training: packs of pairs, the samples made of them, the task."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from deocclude.datasets.held_out import is_validation
from deocclude.datasets.known_scenes import TABLETOP, KnownScene
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.nets.pair_net import PairNet
from deocclude.scene import Instance, Scene
from deocclude.training import pair_packing
from deocclude.training.config import LoopSettings, Phase
from deocclude.training.packing import write_pack
from deocclude.training.pair_net import (
    KindShares,
    PairJitter,
    PairNetConfig,
    PairNetSettings,
    PairSampler,
    PairTask,
    train_pair_net,
)
from deocclude.training.pair_packing import PairPack, open_pair_pack, pairs, write_pair_pack
from deocclude.training.pair_scenes import PairScenes, pair_scenes, training_masks
from deocclude.weights import load_net

SIZE = Size(200, 300)
STILL = PairJitter(zoom=1.0, shift=0.0, turn_degrees=0.0)


def known(number: int, kind: str = TABLETOP) -> KnownScene:
    """A square that hides the right half of another one, a bar beside both, and a disc far off."""
    whole = [np.zeros((SIZE.height, SIZE.width), bool) for _ in range(4)]
    whole[0][60:140, 60:140] = True
    whole[1][60:140, 100:180] = True
    whole[2][140:150, 60:180] = True
    whole[3][5:25, 5:25] = True
    seen = [whole[0] & ~whole[1], *whole[1:]]
    items = tuple(Instance(k + 1, Mask.from_array(mask)) for k, mask in enumerate(seen))
    truth = Scene(SIZE, items, order_truth=frozenset({(2, 1)}))
    return KnownScene(truth, replace(truth, order_truth=None), frozenset({2, 3}), kind, number)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("pairs") / "pack"
    write_pair_pack([known(k, kind) for k in range(30) for kind in (TABLETOP, "composite")], target)
    return target


@pytest.fixture(scope="module")
def pack(folder: Path) -> PairPack:
    return open_pair_pack(folder)


def config(folder: Path, **changes: float) -> PairNetConfig:
    loop = LoopSettings((Phase(4, 64, 8),), device="cpu", log_every=2, validate_every=2)
    shares = KindShares(**{"composite": 0.5, "tabletop": 0.5, "standing": 0.0, **changes})
    return PairNetConfig(str(folder), loop, PairNetSettings(0.25, ""), shares=shares, validation_size=64)


def test_pairs_whose_truth_is_known_are_asked_about():
    asked = list(pairs(known(0)))
    assert [relation for _, relation in asked] == [(False, True), (False, False), (False, False)]
    assert all(len(question.others) == 2 for question, _ in asked)
    lonely = replace(known(0), laid=frozenset({4}))
    assert not list(pairs(lonely)), "pairs of two objects of a photo have no truth"


def test_plain_samples_show_what_the_network_is_asked(pack: PairPack):
    from deocclude.nets.pair_reader import planes, windows

    question, relation = next(iter(pairs(known(0))))
    batch = PairSampler(pack, np.arange(len(pack))).plain(0, 1, 128)
    asked = [planes(question, square, 128) for square in windows(question)]
    assert (batch.near[0].numpy() != asked[0]).mean() < 0.01
    assert batch.wide.shape == (1, 4, 64, 64)
    assert (np.abs(batch.wide[0].numpy() - asked[1].reshape(4, 64, 2, 64, 2).mean((2, 4))) > 0.5).mean() < 0.01
    assert batch.truth.tolist() == [list(map(float, relation))]


def test_half_of_the_samples_are_exchanged_with_their_truth(pack: PairPack):
    sampler = PairSampler(pack, np.zeros(1, np.int64))
    batch = sampler.sample(64, 32, 5, STILL)
    first = batch.truth[:, 0] == 1
    assert 16 < first.sum() < 48
    smaller = batch.near[:, 0].sum((1, 2)) < batch.near[:, 1].sum((1, 2))
    assert len({(bool(a), bool(b)) for a, b in zip(first, smaller, strict=True)}) == 2


def test_equal_seeds_give_equal_samples(pack: PairPack):
    sampler = PairSampler(pack, np.arange(len(pack)))
    first, again, other = (sampler.sample(8, 32, seed, PairJitter()) for seed in (1, 1, 2))
    assert torch.equal(first.near, again.near) and torch.equal(first.wide, again.wide)
    assert not torch.equal(first.near, other.near)


def test_scenes_are_held_out_as_a_whole(pack: PairPack):
    held_out = set(pack.image_keys[pack.in_validation])
    assert held_out and held_out.isdisjoint(pack.image_keys[~pack.in_validation])


def test_training_and_its_weights(folder: Path, tmp_path: Path):
    out = train_pair_net(config(folder), tmp_path / "run")
    net = load_net(out / "weights.safetensors")
    assert isinstance(net, PairNet) and net.width == 0.25
    assert (out / "samples.png").is_file()


class Knows(nn.Module):
    """Says that what fills less of the near window, which is laid around the smaller one, is in front."""

    def forward(self, near, wide):
        less = near[:, 1].sum((1, 2)) - near[:, 0].sum((1, 2))
        return torch.stack([less, -less], 1)


def test_scores_by_kind(folder: Path, pack: PairPack):
    task = PairTask(config(folder), pack)
    with torch.inference_mode():
        right, other = (task.validate(net, torch.device("cpu")) for net in (Knows(), PairNet(0.25).eval()))
    assert right["tabletop_order"] == right["composite_order"] == 1.0
    assert set(other) == {"tabletop_order", "tabletop_loss", "composite_order", "composite_loss"}


def test_batches_keep_their_shares(folder: Path, pack: PairPack):
    from deocclude.training.task import Draw

    task = PairTask(config(folder, composite=0.75, tabletop=0.25), pack)
    task._train["tabletop"]._truth = torch.full((len(pack), 2), 7.0)
    batch = task.batch(Draw(0, 0, 0, 16, 32), torch.device("cpu"))
    assert (batch.truth == 7).all(1).sum() == 4
    small = task.batch(Draw(0, 0, 0, 1, 32), torch.device("cpu"))
    assert len(small.truth) == 1


def test_it_starts_from_the_mask_network(folder: Path, pack: PairPack):
    settings = replace(config(folder), net=PairNetSettings(1.0, "pcnet-m"))
    found, given = PairTask(settings, pack).build().down, load_net("pcnet-m").down
    assert all(torch.equal(a, b) for a, b in zip(found.state_dict().values(), given.state_dict().values(), strict=True))


def test_start_of_another_width_is_refused(folder: Path, pack: PairPack):
    settings = replace(config(folder), net=PairNetSettings(0.5, "pcnet-m"))
    with pytest.raises(InputError, match="the weights belong to another net"):
        PairTask(settings, pack).build()


def test_kinds_that_are_missing_are_named(tmp_path: Path):
    write_pair_pack([known(k) for k in range(30)], tmp_path / "pack")
    with pytest.raises(InputError, match="training pairs of composite scenes"):
        PairTask(config(tmp_path), open_pair_pack(tmp_path / "pack"))
    PairTask(config(tmp_path, composite=0.0), open_pair_pack(tmp_path / "pack"))


def test_bad_packs_are_named(tmp_path: Path, folder: Path):
    with pytest.raises(InputError, match="pack-pairs"):
        open_pair_pack(tmp_path / "none")
    write_pack([known(0).scene], tmp_path / "masks")
    with pytest.raises(InputError, match="a pack of pairs"):
        open_pair_pack(tmp_path / "masks")
    with pytest.raises(InputError, match="two objects that meet"):
        write_pair_pack([], tmp_path / "empty")


def test_damaged_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_pair_pack([known(0)], tmp_path / "pack")
    (tmp_path / "pack" / "planes.npy").write_bytes(b"x")
    with pytest.raises(InputError, match="damaged"):
        open_pair_pack(tmp_path / "pack")
    write_pair_pack([known(0)], tmp_path / "other")
    monkeypatch.setattr(pair_packing, "PAIR_PACK_VERSION", 2)
    with pytest.raises(InputError, match="version"):
        open_pair_pack(tmp_path / "other")


def test_scenes_of_solids_and_composites_of_training_photos(tmp_path: Path):
    names = [f"photo-{k}.jpg" for k in range(40)]
    images = [{"id": k, "file_name": name, "height": 200, "width": 300} for k, name in enumerate(names)]
    square = [[100, 50, 180, 50, 180, 130, 100, 130]]
    boxes = [
        {"id": 2 * k + part, "image_id": k, "category_id": 1, "iscrowd": 0, "area": 6400, "bbox": [0, 0, 1, 1],
         "segmentation": [[x - 90 * part for x in square[0]]] if part == 0 else [[20, 20, 60, 20, 60, 90, 20, 90]]}
        for k in range(len(images)) for part in (0, 1)
    ]  # fmt: skip
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "box"}]}
    (tmp_path / "coco.json").write_text(json.dumps(content))
    assert any(map(is_validation, names)) and not all(map(is_validation, names))
    made = list(pair_scenes([tmp_path / "coco.json"], PairScenes(composites=6, solids=4, boards=5)))
    assert [item.kind for item in made] == ["composite"] * 6 + ["standing"] * 5 + ["tabletop"] * 4
    photos, _ = training_masks([tmp_path / "coco.json"])
    assert [photo.image_file for photo in photos] == [name for name in names if not is_validation(name)]
    again = list(pair_scenes([tmp_path / "coco.json"], PairScenes(composites=6, solids=4, boards=5)))
    assert [item.scene for item in made] == [item.scene for item in again]


def test_photos_that_are_only_numbered_are_held_out_too(tmp_path: Path):
    numbers = range(40)
    images = [{"id": k, "height": 200, "width": 300} for k in numbers]
    boxes = [
        {"id": k, "image_id": k, "category_id": 1, "iscrowd": 0, "area": 6400, "bbox": [0, 0, 1, 1],
         "segmentation": [[100, 50, 180, 50, 180, 130, 100, 130]]}
        for k in numbers
    ]  # fmt: skip
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "box"}]}
    (tmp_path / "coco.json").write_text(json.dumps(content))
    kept = [k for k in numbers if not is_validation(str(k))]
    assert 0 < len(kept) < len(numbers)
    assert [scene.image_id for scene in training_masks([tmp_path / "coco.json"])[0]] == kept


def test_photos_without_a_whole_object_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="whole objects to make scenes of"):
        list(pair_scenes([], PairScenes(composites=1, solids=0, boards=0)))


def test_shares_that_make_no_sense():
    assert KindShares(0.5, 0.0, 0.5).counts(7) == {"composite": 4, "standing": 3}
    for shares in (KindShares(0.0, 0.0, 0.0), KindShares(-0.1, 0.5, 0.5)):
        with pytest.raises(InputError, match="shares of 0 or more"):
            shares.counts(8)
