"""Training of the mask net that sees the photo, toy size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from deocclude.cli import train as commands
from deocclude.errors import InputError
from deocclude.masks import Mask
from deocclude.nets.completer import MaskCompleter, Question
from deocclude.scene import Scene
from deocclude.settings import read_settings
from deocclude.training.answer_packing import Answer, AnswerPackSettings, write_answer_pack
from deocclude.training.colour_erasing import ColourSettings
from deocclude.training.config import LoopSettings, Phase
from deocclude.training.pcnet_m_rgb import PCNetMRgb, PCNetMRgbConfig, RgbNetSettings, train_pcnet_m_rgb
from deocclude.training.photo_packing import open_photo_pack
from deocclude.training.task import Draw
from deocclude.weights import load_state, read_weights


@pytest.fixture(scope="module")
def config(photo_pack_folder: Path) -> PCNetMRgbConfig:
    loop = LoopSettings(
        (Phase(40, 32, 16),), learning_rate=5e-3, log_every=10, validate_every=1000, precision="float32", device="cpu"
    )
    net = RgbNetSettings(width=0.25, fold=1)
    return PCNetMRgbConfig(str(photo_pack_folder), loop, net, ColourSettings(), 64, 32)


@pytest.fixture(scope="module")
def run(config: PCNetMRgbConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_pcnet_m_rgb(config, tmp_path_factory.mktemp("runs") / "run")


def test_the_loss_falls_by_half(config: PCNetMRgbConfig, run: Path):
    task = PCNetMRgb(config, open_photo_pack(Path(config.pack)))
    batch = task._held_out.sample(64, 32, 1)
    trained = task.build()
    load_state(trained, read_weights(run / "weights.safetensors")[1], run)
    fresh = task.build()
    with torch.no_grad():
        assert task.loss(trained.eval(), batch) < 0.5 * task.loss(fresh.eval(), batch)


def test_the_weights_describe_themselves(run: Path):
    info, _ = read_weights(run / "weights.safetensors")
    assert info.task == "pcnet-m-rgb"
    assert info.architecture == {"net": "unet", "width": 0.25, "in_channels": 7, "fold": 1}
    assert set(info.scores) == {"listed_iou", "unlisted_iou", "unlisted_precision"}


def test_the_completer_wants_the_photo(run: Path):
    from deocclude.crops import Square

    completer = MaskCompleter(run / "weights.safetensors", size=32)
    assert completer.sees_colours and completer.knows_unknown
    target = np.zeros((40, 40), bool)
    target[10:30, 10:20] = True
    question = Question(Mask.from_array(target), Mask.from_array(~target), Square(0, 0, 40))
    with pytest.raises(InputError, match="looks at the photo"):
        completer.answer([question])
    photo = np.zeros((40, 40, 3), np.uint8)
    dark, bright = (completer.answer([question], photo=photo + shade)[1] for shade in (np.uint8(0), np.uint8(200)))
    assert dark.shape == (1, 32, 32) and not np.array_equal(dark, bright)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, disc_photos: list[tuple[np.ndarray, Scene]]) -> Path:
    """Discs of which the teacher says that a quarter more belongs to them, below, and that nothing shows why."""
    by_name, scenes = {scene.image_file: photo for photo, scene in disc_photos}, [scene for _, scene in disc_photos]
    nothing = Mask.empty(scenes[0].size)

    def teacher(scene: Scene) -> dict[int, Answer]:
        return {item.id: Answer(item.modal | moved_down(item.modal), nothing) for item in scene.instances}

    folder = tmp_path_factory.mktemp("packs") / "answers"
    settings = AnswerPackSettings(crop=48, min_side=16, min_area=100)
    write_answer_pack(scenes, folder, lambda scene: by_name[scene.image_file], teacher, settings)
    return folder


def moved_down(mask: Mask) -> Mask:
    return Mask.from_array(np.roll(mask.to_array(), mask.box.height // 4, 0))


def test_answers_are_learnt(config: PCNetMRgbConfig, answers: Path, tmp_path: Path):
    taught = replace(config, answers=str(answers), answer_share=1.0, samples=ColourSettings(noise_pixels=0.0))
    run = train_pcnet_m_rgb(taught, tmp_path / "run")
    info, _ = read_weights(run / "weights.safetensors")
    task = PCNetMRgb(taught, open_photo_pack(Path(config.pack)))
    fresh = task.build()
    before = task.validate(fresh.eval(), torch.device("cpu"))["answer_iou"]
    assert info.scores["answer_iou"] > max(0.5, 1.5 * before)


def test_batches_hold_both_kinds(config: PCNetMRgbConfig, answers: Path):
    pack = open_photo_pack(Path(config.pack))
    half = PCNetMRgb(replace(config, answers=str(answers), answer_share=0.5), pack)
    batch = half.batch(Draw(0, 0, 0, 8, 32), torch.device("cpu"))
    alone = PCNetMRgb(config, pack).batch(Draw(0, 0, 0, 4, 32), torch.device("cpu"))
    assert len(batch.rgb) == 8 and torch.equal(batch.rgb[4:], alone.rgb)


def test_the_shipped_recipe_reads():
    settings = read_settings(PCNetMRgbConfig, commands._recipe("pcnet_m_rgb", Path("cpu")))
    assert settings.net.width == 1.0 and sum(phase.steps for phase in settings.loop.phases) == 100
