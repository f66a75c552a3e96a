"""Training of the content net, toy size: it learns something, continues, and leaves a folder that describes itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from stopping import stopped_after

from deocclude.cli import train as commands
from deocclude.errors import InputError
from deocclude.settings import from_dict, read_settings
from deocclude.training.adversary import AdversarySettings
from deocclude.training.config import LoopSettings, Phase, plain
from deocclude.training.content_samples import ContentSettings
from deocclude.training.loop import TrainingStoppedError
from deocclude.training.pcnet_c import (
    ContentLossSettings,
    ContentNetSettings,
    MixSettings,
    PCNetC,
    PCNetCConfig,
    train_pcnet_c,
)
from deocclude.training.photo_packing import open_photo_pack
from deocclude.weights import read_weights

SCORES = {"psnr", "ssim", "rfd", "detail"}


@pytest.fixture(scope="module")
def config(photo_pack_folder: Path) -> PCNetCConfig:
    loop_settings = LoopSettings(
        (Phase(40, 32, 8),), learning_rate=5e-3, log_every=10, validate_every=1000, precision="float32", device="cpu"
    )
    return PCNetCConfig(
        str(photo_pack_folder),
        loop_settings,
        ContentNetSettings(width=0.25, levels=2, fold=1),
        ContentSettings(candidates=2),
        loss=ContentLossSettings(features=(4, 8)),
        validation_samples=8,
        validation_size=32,
    )


@pytest.fixture(scope="module")
def run(config: PCNetCConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_pcnet_c(config, tmp_path_factory.mktemp("runs") / "run")


def test_the_loss_falls(config: PCNetCConfig, run: Path):
    """On the same held-out samples, since single batches differ much."""
    task = PCNetC(config, open_photo_pack(Path(config.pack)))
    batch = task._held_out._sampler.sample(32, 32, 1)
    fresh = task.build().eval()
    trained = task.build().eval()
    trained.load_state_dict(read_weights(run / "weights.safetensors")[1])
    with torch.no_grad():
        assert float(task.loss(trained, batch)) < float(task.loss(fresh, batch))


def test_the_folder_describes_itself(run: Path):
    info, _ = read_weights(run / "weights.safetensors")
    assert info.task == "pcnet-c"
    assert info.architecture == {"net": "gated", "width": 0.25, "levels": 2, "fold": 1}
    assert info.settings["loop"]["phases"] == [{"steps": 40, "size": 32, "batch": 8}]
    assert info.data["kind"] == "photos" and info.data["objects"] == 80 and info.training["samples"] == 320
    assert set(info.scores) == SCORES | {f"telea_{name}" for name in SCORES}
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert {"step", "loss"} <= set(rows[0]) and "validation_psnr" in rows[-1]
    with Image.open(run / "samples.png") as sheet:
        assert sheet.size == (8 * 32, 4 * 32)


def test_a_stopped_run_continues_to_the_same_bits(config: PCNetCConfig, tmp_path: Path):
    short = replace(
        config, loop=replace(config.loop, phases=(Phase(4, 32, 4),)), mix=MixSettings((1.0, 0.0), (0.0, 1.0))
    )
    train_pcnet_c(short, tmp_path / "straight")
    with stopped_after(2), pytest.raises(TrainingStoppedError):
        train_pcnet_c(short, tmp_path / "halves")
    train_pcnet_c(short, tmp_path / "halves")
    one, two = (read_weights(tmp_path / name / "weights.safetensors")[1] for name in ("straight", "halves"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    with pytest.raises(InputError, match="begun differently"):
        train_pcnet_c(replace(short, loss=replace(short.loss, hole=2.0)), tmp_path / "halves")


def test_a_stopped_run_with_a_discriminator_continues_to_the_same_bits(config: PCNetCConfig, tmp_path: Path):
    loop_settings = replace(config.loop, phases=(Phase(4, 32, 4),))
    rival = replace(config, loop=loop_settings, adversary=AdversarySettings(0.1, 1.0, width=0.125))
    train_pcnet_c(rival, tmp_path / "straight")
    with stopped_after(2), pytest.raises(TrainingStoppedError):
        train_pcnet_c(rival, tmp_path / "halves")
    train_pcnet_c(rival, tmp_path / "halves")
    train_pcnet_c(replace(rival, adversary=AdversarySettings()), tmp_path / "alone")
    names = ("straight", "halves", "alone")
    one, two, alone = (read_weights(tmp_path / name / "weights.safetensors")[1] for name in names)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], alone[name]) for name in one)


def test_continues_from_its_own_weights(run: Path, config: PCNetCConfig):
    task = PCNetC(
        replace(config, net=replace(config.net, start_from=str(run / "weights.safetensors"))),
        open_photo_pack(Path(config.pack)),
    )
    trained = read_weights(run / "weights.safetensors")[1]
    assert all(torch.equal(value, trained[name]) for name, value in task.build().state_dict().items())


def test_the_net_of_the_paper_trains(config: PCNetCConfig, tmp_path: Path):
    paper = replace(
        config,
        loop=replace(config.loop, phases=(Phase(1, 32, 4),)),
        net=ContentNetSettings("partial-conv", 0.125, levels=3),
        loss=ContentLossSettings(perceptual=0.0, style=0.0),
    )
    train_pcnet_c(paper, tmp_path)
    architecture = read_weights(tmp_path / "weights.safetensors")[0].architecture
    assert architecture == {"net": "partial-conv", "width": 0.125, "levels": 3}


def test_photos_come_first_and_objects_later():
    mix = MixSettings((0.9, 0.3), (0.2, 0.4))
    assert [round(mix.photo_share(progress), 3) for progress in (0, 0.2, 0.3, 0.4, 1)] == [0.9, 0.9, 0.6, 0.3, 0.3]


def test_the_terms_measure_the_hole(config: PCNetCConfig):
    task = PCNetC(config, open_photo_pack(Path(config.pack)))
    batch = task._held_out.batches[0]
    right = task.terms(batch.target.clone(), batch)
    assert set(right) == {"hole", "square", "valid", "gradient", "perceptual", "style"}
    assert all(float(value) == pytest.approx(0, abs=1e-5) for value in right.values())
    wrong_outside = torch.where(batch.weight[:, None] > 0, batch.target, 1 - batch.target)
    terms = task.terms(wrong_outside, batch)
    assert float(terms["hole"]) == pytest.approx(0, abs=1e-6) and float(terms["perceptual"]) == pytest.approx(
        0, abs=1e-4
    )
    terms = task.terms(torch.where(batch.weight[:, None] > 0, batch.target + 0.1, batch.target), batch)
    assert float(terms["hole"]) == pytest.approx(0.1, abs=1e-4)


def test_perfect_paint_scores_perfectly(config: PCNetCConfig):
    held_out = PCNetC(config, open_photo_pack(Path(config.pack)))._held_out
    scores = held_out.scores(lambda batch: batch.target)
    assert scores["psnr"] > 68 and scores["ssim"] == pytest.approx(1) and scores["rfd"] == 0
    assert scores["detail"] == pytest.approx(1)
    assert scores["telea_psnr"] < 60


@pytest.mark.parametrize("count", [3, 17])
def test_pictures_fill_rows_of_eight(config: PCNetCConfig, count: int):
    small = replace(config, validation_samples=count)
    held_out = PCNetC(small, open_photo_pack(Path(config.pack)))._held_out
    pictures = held_out.pictures(lambda batch: batch.target)
    assert pictures.shape == (32 * -(-min(count, 16) // 8), 32, 32, 3)
    assert (pictures[3:8] == 255).all() == (count < 8)  # what is not there is white
    assert not (pictures[:3] == 255).all((1, 2, 3)).any()


def test_validations_of_nothing_are_refused_before_the_training(config: PCNetCConfig, tmp_path: Path):
    for name, least in (("validation_samples", 1), ("validation_size", 8)):
        with pytest.raises(InputError, match=f"{name}: expected {least} or more, found {least - 1}"):
            train_pcnet_c(replace(config, **{name: least - 1}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_holes_that_are_too_small_to_be_scored(config: PCNetCConfig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("deocclude.training.content_scores.LEAST_PIXELS", 10_000)
    with pytest.raises(InputError, match="hidden pixels or more, found none of 8"):
        PCNetC(config, open_photo_pack(Path(config.pack)))._held_out.scores(lambda batch: batch.target)


def test_bad_input_is_one_line(config: PCNetCConfig, pack_folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="did you mean 'gated'"):
        train_pcnet_c(replace(config, net=replace(config.net, kind="gatet")), tmp_path)
    with pytest.raises(InputError, match="a pack of photos, found one of masks"):
        train_pcnet_c(replace(config, pack=str(pack_folder)), tmp_path)
    with pytest.raises(InputError, match=r"'mix.photo'; did you mean 'photos'"):
        from_dict(PCNetCConfig, {"pack": "x", "loop": {"phases": []}, "mix": {"photo": [1.0, 0.0]}})


@pytest.mark.parametrize("name", ["cpu", "gpu", "paper"])
def test_recipes_can_be_read(name: str):
    recipe = read_settings(PCNetCConfig, commands._recipe("pcnet_c", Path(name)))
    assert recipe.loop.steps > 0 and recipe.net.kind in ("gated", "partial-conv")


def test_the_paper_recipe_has_the_published_terms_and_samples():
    recipe = read_settings(PCNetCConfig, commands._recipe("pcnet_c", Path("paper")))
    weights = {name: value for name, value in plain(recipe.loss).items() if name != "features" and value}
    assert weights == {"hole": 6.0, "valid": 1.0, "perceptual": 0.1, "style": 50.0, "variation": 0.1}
    samples = recipe.samples
    assert (samples.turn_degrees, samples.hidden, samples.shift) == (0.0, (0.001, 0.9), 0.2)
    assert samples.size_ratio == 1.5 and samples.second_shape == samples.block == samples.contact_noise == 0
    assert (recipe.loop.learning_rate, recipe.adversary.rate, recipe.adversary.adversarial) == (1e-4, 0.1, 0.1)
    assert [(phase.steps, phase.size, phase.batch) for phase in recipe.loop.phases] == [(450_000, 256, 128)]
