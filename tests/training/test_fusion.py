"""Training of the networks that fill with a reference, toy size, and the references that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from stopping import stopped_after

from deocclude.cli import train as commands
from deocclude.datasets.reference_sample import ReferenceKind, ReferenceSample
from deocclude.errors import InputError
from deocclude.nets.gated import GatedUNet
from deocclude.references.altered import Alterations
from deocclude.settings import from_dict, read_settings
from deocclude.training.config import LoopSettings, Phase
from deocclude.training.content_samples import ContentSampler, ContentSettings
from deocclude.training.fusion import Fusion, FusionConfig, FusionLossSettings, FusionNetSettings, train_fusion
from deocclude.training.fusion_records import RecordSampler
from deocclude.training.fusion_references import KINDS, AlignmentErrors, ReferenceMaker, ReferenceMix
from deocclude.training.loop import TrainingStoppedError
from deocclude.training.photo_packing import open_photo_pack
from deocclude.training.photos import PackedPhotos
from deocclude.training.task import Draw
from deocclude.weights import WeightsInfo, read_weights, save_weights

SIDE = 64


def sample_with_reference(number: int = 0, kind: ReferenceKind = ReferenceKind.OTHER_VIEW) -> ReferenceSample:
    """A coloured square whose right half is hidden; the aligned reference shows it a little brighter."""
    rng = np.random.default_rng(number)
    truth = rng.integers(0, 200, (SIDE, SIDE, 3)).astype(np.uint8)
    modal, eraser = np.zeros((2, SIDE, SIDE), bool)
    modal[16:48, 16:48] = True
    eraser[10:54, 32:60] = True
    rgb = np.where(eraser[..., None], np.uint8(255), truth)
    everywhere = np.ones((SIDE, SIDE), bool)
    there = everywhere if kind is not ReferenceKind.NONE else ~everywhere
    reference = np.where(there[..., None], truth + 20, 0).astype(np.uint8)
    return ReferenceSample(
        truth=truth, rgb=rgb, inside=everywhere, modal=modal, amodal=modal, predicted_amodal=modal, eraser=eraser,
        visible=modal & ~eraser, predicted=rgb, reference=reference, reference_valid=there, aligned=reference,
        aligned_valid=there, alignment=0.9, kind=kind, key=f"made/{number}", reference_key=f"made/{number}r",
        scene=f"made/{number}", split="train",
    )  # fmt: skip


class Samples(Sequence[ReferenceSample]):
    """Stands in for a data set on disk."""

    folder = Path("made")

    def __init__(self, samples: Sequence[ReferenceSample], build: str = "first", side: int = 64) -> None:
        self._samples, self.manifest, self.side = samples, {"fingerprint": build}, side

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, place):
        return self._samples[place]

    def select(self, *, split: str | None = None, kinds: Sequence[str] = ()) -> Samples:
        return Samples([one for one in self._samples if one.split == split and (not kinds or one.kind in kinds)])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("base") / "base.safetensors"
    arguments = {"width": 0.25, "levels": 2, "fold": 1}
    save_weights(path, GatedUNet(**arguments), WeightsInfo("pcnet-c", {"net": "gated", **arguments}))
    return path


@pytest.fixture(scope="module")
def config(photo_pack_folder: Path, base: Path) -> FusionConfig:
    loop_settings = LoopSettings(
        (Phase(30, 32, 8),), learning_rate=5e-3, log_every=10, validate_every=1000, precision="float32", device="cpu"
    )
    return FusionConfig(
        str(photo_pack_folder),
        loop_settings,
        base=str(base),
        net=FusionNetSettings(width=0.25, levels=3),
        references=ReferenceMix(altered=1.0, none=0.1),
        samples=ContentSettings(candidates=2),
        loss=FusionLossSettings(features=(4, 8)),
        validation_samples=8,
        validation_size=32,
    )


@pytest.fixture(scope="module")
def content(photo_pack_folder: Path):
    photos = PackedPhotos(open_photo_pack(photo_pack_folder), validation=False)
    return ContentSampler(photos, ContentSettings(candidates=2)).sample(8, 32, 1)


def made(content, kind: str, **errors: float):
    kinds = torch.full((8,), KINDS.index(kind))
    return ReferenceMaker(errors=AlignmentErrors(**errors)).make(content, kinds, torch.Generator().manual_seed(2))


@pytest.fixture(scope="module")
def run(config: FusionConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_fusion(config, tmp_path_factory.mktemp("runs") / "run")


def test_a_perfectly_aligned_reference_is_the_truth(content):
    found = made(content, "altered", aligned=1.0, largest=0.2, gain=0.0, gamma=1.0, blur=0.0, cover=0.0)
    inner = (slice(None), slice(0, 3), slice(2, -2), slice(2, -2))
    assert (found.aligned[inner] - content.target[inner]).abs().mean() < 0.01
    assert found.useful.all()
    assert found.loose[:, 3].mean() > 0.5  # turned and padded, but there
    assert (found.loose[:, :3] - content.target).abs().mean() > 0.01


def test_what_is_cut_out_does_not_show_the_hole(content):
    found = made(content, "cut", aligned=1.0, largest=0.2, gain=0.0, gamma=1.0, blur=0.0, cover=0.0)
    assert (found.aligned[:, 3] * content.hole).sum() == 0
    assert (found.aligned[:, 3] * ~content.hole).sum() > 0
    assert not found.useful.any()


def test_none_and_unrelated(content):
    nothing = made(content, "none")
    assert nothing.aligned.abs().sum() == nothing.loose.abs().sum() == 0
    strange = made(content, "unrelated", misled=1.0)
    assert strange.aligned[:, 3].any()
    assert not strange.useful.any()


def test_equal_seeds_give_equal_references(content):
    one, two = made(content, "altered"), made(content, "altered")
    assert torch.equal(one.aligned, two.aligned)
    assert torch.equal(one.loose, two.loose)


STILL = Alterations((1, 1), (0, 0), (1, 1), 0, 0, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [(one.name, getattr(Alterations(), one.name)) for one in fields(Alterations)]
    + [("gamma", (1.2, 1.2)), ("pad", (0.1, 0.1)), ("crop", (0.8, 0.8))],
)
def test_each_alteration_has_an_effect(content, name, value):
    """A key of a recipe that changes nothing would be accepted in silence."""
    kinds = torch.full((8,), KINDS.index("altered"))

    def loose(settings: Alterations) -> torch.Tensor:
        return ReferenceMaker(settings).make(content, kinds, torch.Generator().manual_seed(2)).loose

    still, changed = loose(STILL), loose(replace(STILL, **{name: value}))
    assert ((still - changed).abs().amax((1, 2, 3)) > 1e-3).all()


@pytest.mark.parametrize("key", ["hue", "second_hole", "second_hole_area"])
def test_what_training_does_not_alter_is_no_setting_of_it(key):
    content = {"pack": "p", "loop": {"phases": []}, "altered": {key: 0.5}}
    with pytest.raises(InputError, match=f"altered.{key}"):
        from_dict(FusionConfig, content)


def test_shares_add_up():
    shares = ReferenceMix(altered=3, cut=0, other=0, unrelated=0, none=1).shares(records=False)
    assert shares["altered"] == 0.75
    assert "recorded" not in shares
    with pytest.raises(InputError, match="not all 0"):
        ReferenceMix(0, 0, 0, 0, 0).shares(records=False)


def test_records_become_patches():
    sampler = RecordSampler([sample_with_reference(k) for k in range(3)])
    content, references = sampler.cut(torch.arange(3), torch.tensor([[0.0, 0.0, 1.0]] * 3), SIDE)
    sample = sample_with_reference(1)
    assert torch.equal(content.hole[1], torch.from_numpy(sample.hole))
    assert np.abs(content.target[1].permute(1, 2, 0).numpy() * 255 - sample.truth).max() < 0.01
    seen = content.seen[1].numpy()
    assert not (seen & sample.eraser).any()
    assert (content.own[1].numpy() <= sample.visible).all()
    assert content.planes[1, :3][:, ~torch.from_numpy(seen)].abs().max() == 0
    assert references.aligned.shape == references.loose.shape == (3, 4, SIDE, SIDE)
    assert references.useful.all()
    again = sampler.sample(4, 32, 7), sampler.sample(4, 32, 7)
    assert torch.equal(again[0][0].planes, again[1][0].planes)
    with pytest.raises(InputError, match="none"):
        RecordSampler([])


def test_records_are_mixed_in(config: FusionConfig):
    samples = Samples([sample_with_reference(k) for k in range(3)])
    mixed = replace(config, references=ReferenceMix(altered=1, recorded=1), kinds=("other-view",))
    task = Fusion(mixed, open_photo_pack(Path(config.pack)), [samples])
    batch = task.batch(Draw(0, 0, 0, 16, 32), torch.device("cpu"))
    assert batch.content.planes.shape == (16, 6, 32, 32)
    assert task.given(batch).shape == (16, 17, 32, 32)
    only = Fusion(
        replace(mixed, references=ReferenceMix(0, 0, 0, 0, 0, 1)), open_photo_pack(Path(config.pack)), [samples]
    )
    assert only.batch(Draw(0, 0, 0, 4, 32), torch.device("cpu")).references.useful.all()
    with pytest.raises(InputError, match="training samples with a reference"):
        Fusion(replace(mixed, kinds=("same-class",)), open_photo_pack(Path(config.pack)), [samples])


def test_another_build_of_the_data_is_another_run(config: FusionConfig):
    pack, samples = open_photo_pack(Path(config.pack)), [sample_with_reference(k) for k in range(3)]
    mixed = replace(config, kinds=("other-view",))
    first, again, other = (Fusion(mixed, pack, [Samples(samples, name)]).settings() for name in ("a", "a", "b"))
    assert first == again != other


def test_data_sets_of_several_sides_are_refused(config: FusionConfig):
    data = [Samples([sample_with_reference(0)]), Samples([sample_with_reference(1)], side=96)]
    with pytest.raises(InputError, match="data: expected data sets with pictures of one side, found 64 px and 96 px"):
        Fusion(config, open_photo_pack(Path(config.pack)), data)


def test_photos_that_patches_are_trained_on_do_not_validate(config: FusionConfig):
    pack = open_photo_pack(Path(config.pack))
    trained_on, held_out = (pack.image_keys[pack.in_validation == side][0] for side in (False, True))
    later = [
        replace(sample_with_reference(k), split="validation", scene=f"photos/{name}")
        for k, name in enumerate((trained_on, held_out, "elsewhere.jpg"))
    ]
    mixed = replace(config, kinds=("other-view",))
    task = Fusion(mixed, pack, [Samples([sample_with_reference(9), *later])])
    assert len(task._held_out._records) == 2
    assert "recorded" not in Fusion(mixed, pack, [Samples([sample_with_reference(9), later[0]])])._held_out.batches


def test_the_loss_falls(config: FusionConfig, run: Path):
    task = Fusion(config, open_photo_pack(Path(config.pack)))
    batch = task.batch(Draw(9, 0, 0, 32, 32), torch.device("cpu"))
    fresh, trained = task.build().eval(), task.build().eval()
    trained.load_state_dict(read_weights(run / "weights.safetensors")[1])
    with torch.no_grad():
        assert float(task.loss(trained, batch)) < 0.97 * float(task.loss(fresh, batch))


def test_the_folder_describes_itself(run: Path):
    info, _ = read_weights(run / "weights.safetensors")
    assert info.task == "fusion"
    assert info.architecture["net"] == "fusion" and info.architecture["attention"] is True
    assert info.data["objects"] == 80 and info.training["samples"] == 240
    assert {f"{kind}_{name}" for kind in KINDS for name in ("psnr", "base_psnr", "harmed")} == set(info.scores)
    assert info.scores["none_psnr"] == info.scores["none_base_psnr"]
    assert (run / "samples.png").is_file()


def test_a_stopped_run_continues_to_the_same_bits(config: FusionConfig, tmp_path: Path):
    short = replace(config, loop=replace(config.loop, phases=(Phase(4, 32, 4),)))
    train_fusion(short, tmp_path / "straight")
    with stopped_after(2), pytest.raises(TrainingStoppedError):
        train_fusion(short, tmp_path / "halves")
    train_fusion(short, tmp_path / "halves")
    one, two = (read_weights(tmp_path / name / "weights.safetensors")[1] for name in ("straight", "halves"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    with pytest.raises(InputError, match="begun differently"):
        train_fusion(replace(short, references=ReferenceMix(none=0.5)), tmp_path / "halves")


@pytest.mark.parametrize("switch", ["align", "gate", "attention"])
def test_ablations_train(switch: str, config: FusionConfig, tmp_path: Path):
    net = replace(config.net, **{switch: False})
    train_fusion(replace(config, net=net, loop=replace(config.loop, phases=(Phase(1, 32, 4),))), tmp_path)
    assert read_weights(tmp_path / "weights.safetensors")[0].architecture[switch] is False


def test_the_published_net_trains(config: FusionConfig, tmp_path: Path):
    recipe = read_settings(FusionConfig, commands._recipe("fusion", Path("paper")))
    assert recipe.loop.optimizer == "sgd" and recipe.loop.momentum == 0 and recipe.loop.learning_rate == 1e-3
    assert recipe.references.shares(records=False)["altered"] == 1
    toy = replace(recipe, pack=config.pack, base=config.base, samples=config.samples, validation_samples=4,
                  validation_size=32, net=replace(recipe.net, width=0.125),
                  loop=replace(recipe.loop, phases=(Phase(2, 32, 4),), device="cpu"))  # fmt: skip
    train_fusion(toy, tmp_path)
    architecture = read_weights(tmp_path / "weights.safetensors")[0].architecture
    assert architecture == {"net": "conv3-deconv3", "width": 8, "kernel": 3}


def test_bad_input_is_one_line(config: FusionConfig, tmp_path: Path):
    with pytest.raises(InputError, match="did you mean 'fusion'"):
        train_fusion(replace(config, net=FusionNetSettings("fusoin")), tmp_path)
    with pytest.raises(InputError, match="nowhere"):
        train_fusion(replace(config, data=(str(tmp_path / "nowhere"),)), tmp_path)
    with pytest.raises(InputError, match="weights"):
        train_fusion(replace(config, base=str(tmp_path / "none.safetensors")), tmp_path)


@pytest.mark.parametrize("name", ["cpu", "gpu", "paper", "similar_paper", "altered_cpu", "similar_cpu"])
def test_recipes_can_be_read(name: str):
    recipe = read_settings(FusionConfig, commands._recipe("fusion", Path(name)))
    assert recipe.loop.steps > 0
    recipe.references.shares(records=True)
