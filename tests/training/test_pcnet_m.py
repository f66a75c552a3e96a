"""Training of the mask net, toy size: it learns something, and leaves a folder that describes itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from deocclude.errors import InputError
from deocclude.training.config import LoopSettings, Phase
from deocclude.training.erasing import EraserSampler
from deocclude.training.mixing import MixedSampler
from deocclude.training.objects import PackedObjects
from deocclude.training.packing import Pack
from deocclude.training.pcnet_m import NetSettings, PCNetMConfig, train_pcnet_m
from deocclude.training.reference_erasing import ReferenceSampler
from deocclude.training.shapes import random_shape
from deocclude.weights import load_unet, read_weights


@pytest.fixture(scope="module")
def config(pack_folder: Path) -> PCNetMConfig:
    loop = LoopSettings(
        (Phase(40, 32, 16),), learning_rate=5e-3, log_every=10, validate_every=1000, precision="float32", device="cpu"
    )
    net = NetSettings(width=0.25, fold=1)
    return PCNetMConfig(str(pack_folder), loop, net, validation_pairs=64, validation_size=32)


@pytest.fixture(scope="module")
def run(config: PCNetMConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_pcnet_m(config, tmp_path_factory.mktemp("runs") / "run")


def test_the_loss_falls(run: Path):
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < 0.8 * losses[0]


def test_the_folder_describes_itself(run: Path, config: PCNetMConfig):
    info, _ = read_weights(run / "weights.safetensors")
    assert info.task == "pcnet-m"
    assert info.architecture == {"net": "unet", "width": 0.25, "in_channels": 4, "fold": 1}
    assert info.settings["loop"]["phases"] == [{"steps": 40, "size": 32, "batch": 16}]
    assert info.data["objects"] == 100 and info.training["samples"] == 640
    assert {"order", "growth_auc", "invisible_iou", "threshold"} <= set(info.scores)
    assert info.scores["invisible_iou_at_threshold"] >= info.scores["invisible_iou"]
    assert load_unet(run / "weights.safetensors")(torch.rand(1, 4, 32, 32)).shape == (1, 2, 32, 32)
    with Image.open(run / "samples.png") as sheet:
        assert sheet.size == (8 * 128, 4 * 128)


def test_continues_from_its_own_weights(run: Path, config: PCNetMConfig, tmp_path: Path):
    short = replace(config.loop, phases=(Phase(1, 32, 4),), learning_rate=0.0)
    tuned = replace(config, loop=short, net=replace(config.net, start_from=str(run / "weights.safetensors")))
    train_pcnet_m(tuned, tmp_path / "tuned")
    before, after = (load_unet(folder / "weights.safetensors") for folder in (run, tmp_path / "tuned"))
    assert torch.allclose(before.head.weight, after.head.weight, atol=1e-5)


def test_the_protocol_of_the_paper_runs(config: PCNetMConfig, tmp_path: Path):
    loop = replace(
        config.loop, phases=(Phase(2, 32, 4),), optimizer="sgd", schedule="steps", milestones=(0.5,), ema=0.0
    )
    paper = replace(config, loop=loop, protocol="reference", net=NetSettings(0.25, channels=2, init="reference"))
    train_pcnet_m(paper, tmp_path)
    assert read_weights(tmp_path / "weights.safetensors")[0].architecture["in_channels"] == 2


def test_wrong_names_get_a_suggestion(config: PCNetMConfig, tmp_path: Path):
    with pytest.raises(InputError, match="did you mean 'reference'"):
        train_pcnet_m(replace(config, protocol="referenz"), tmp_path)
    with pytest.raises(InputError, match="did you mean 'kaiming'"):
        train_pcnet_m(replace(config, net=replace(config.net, init="kaming")), tmp_path)


@pytest.mark.parametrize("change", [{"validation_pairs": 0}, {"reference_share": 1.5}, {"scene_share": -0.1}])
def test_numbers_that_make_no_sense_are_refused(config: PCNetMConfig, tmp_path: Path, change: dict[str, float]):
    with pytest.raises(InputError, match=next(iter(change))):
        train_pcnet_m(replace(config, protocol="mixed", **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_absent_pack(config: PCNetMConfig, tmp_path: Path):
    with pytest.raises(InputError, match="run 'deocclude train pack' first"):
        train_pcnet_m(replace(config, pack=str(tmp_path / "none")), tmp_path / "out")


def test_random_shapes_are_whole_and_clear_of_the_border():
    for seed in range(30):
        shape = random_shape(np.random.default_rng(seed), 128)
        assert 0.02 < shape.mean() < 0.75
        assert not (shape[0].any() or shape[-1].any() or shape[:, 0].any() or shape[:, -1].any())


def test_mixed_batches_hold_both_kinds(pack: Pack):
    objects = PackedObjects(pack, validation=False)
    published, ours = ReferenceSampler(objects), EraserSampler(objects)
    mixed = MixedSampler(published, ours, 0.25).sample(8, 32, 5)
    assert torch.equal(mixed.target[:2], published.sample(2, 32, 5).target)
    assert torch.equal(mixed.unknown[2:], ours.sample(6, 32, 5).unknown)
    assert torch.equal(MixedSampler(published, ours, 1.0).sample(4, 32, 5).eraser, published.sample(4, 32, 5).eraser)
