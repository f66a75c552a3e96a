"""The networks that learn from the truth, toy size: their samples, what they learn, and their rows in the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

from deocclude.amodal.supervised import complete_supervised, load_supervised
from deocclude.datasets.held_out import is_validation, scene_digest
from deocclude.datasets.labelled_scenes import open_dataset
from deocclude.datasets.synthetic import SyntheticSettings
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.errors import InputError
from deocclude.evaluation.learned import check_scenes, learned_rows
from deocclude.evaluation.protocol import Protocol
from deocclude.evaluation.table1 import evaluate_table1
from deocclude.nets.order_net import OrderNet, ask
from deocclude.nets.unet import UNet
from deocclude.ordering.order_net import load_order_net, order_by_net
from deocclude.training.config import LoopSettings, Phase
from deocclude.training.labelled import Jitter, read_pairs, read_shapes
from deocclude.training.order_net import OrderNetConfig, train_order_net
from deocclude.training.supervised import SupervisedConfig, train_supervised
from deocclude.weights import WeightsInfo, read_weights, save_weights

STILL = Jitter(0.0, 0.0, 0.0)


def drawn(target: Path, seed: int) -> Path:
    write_dataset(target, 30, SyntheticSettings(width=72, height=56, objects=(3, 4)), seed=seed, hidden=False)
    return target


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return drawn(tmp_path_factory.mktemp("labelled") / "set", seed=1)


def loop(steps: int, size: int) -> LoopSettings:
    phases = (Phase(steps, size, 16),)
    return LoopSettings(
        phases, learning_rate=5e-3, log_every=10, validate_every=1000, precision="float32", device="cpu"
    )


@pytest.fixture(scope="module")
def shapes_run(data, tmp_path_factory) -> Path:
    config = SupervisedConfig(loop(30, 32), (str(data),), width=0.25, fold=1, crop_size=48, size=32)
    return train_supervised(config, tmp_path_factory.mktemp("runs") / "supervised")


@pytest.fixture(scope="module")
def order_run(data, tmp_path_factory) -> Path:
    config = OrderNetConfig(loop(60, 32), (str(data),), width=8, crop_size=48, size=32)
    return train_order_net(config, tmp_path_factory.mktemp("runs") / "order")


def test_objects_keep_their_truth_and_their_side_of_the_split(data):
    training, held_out = read_shapes([data], 64)
    scenes = [item.scene for item in open_dataset(data)]
    wanted = sum(len(scene) for scene in scenes if not is_validation(scene.image_file))
    assert len(training) == wanted
    assert len(training) + len(held_out) == sum(map(len, scenes))
    masks, _ = training.plain(torch.arange(len(training)), 48)
    visible, whole = masks[:, 0], masks[:, 1]
    assert float((visible & ~whole).sum() / visible.sum()) < 0.02
    assert whole.sum() > 1.05 * visible.sum()


def test_samples_are_seeded_varied_and_stay_in_their_crop(data):
    training, _ = read_shapes([data], 64)
    first, again, other = (training.draw(32, 32, seed, Jitter())[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    still = training.draw(32, 32, 1, STILL)[0]
    assert abs(float(first.float().mean() / still.float().mean()) - 1) < 0.25
    centre = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 32)] * 2, indexing="ij"))
    spread = [(x[:, 0].float()[:, None] * centre).sum((2, 3)) / x[:, 0].sum((1, 2))[:, None] for x in (first, still)]
    assert spread[0].std() > spread[1].std()


def test_pairs_say_which_is_in_front(data):
    training, held_out = read_pairs([data], 48)
    assert len(training) > 10
    assert len(held_out) > 0
    masks, front = training.plain(torch.arange(len(training)), 32)
    assert not (masks[:, 0] & masks[:, 1]).any()
    assert 0 < float(front.float().mean()) < 1


def test_both_orders_of_the_input_give_one_answer():
    torch.manual_seed(0)
    net = OrderNet(4).eval()
    pairs = np.random.default_rng(0).random((5, 2, 32, 32)) > 0.5
    assert np.allclose(ask(net, pairs), 1 - ask(net, pairs[:, ::-1].copy()), atol=1e-6)
    assert ask(net, pairs[:0]).shape == (0,)


def test_both_learn_something(shapes_run, order_run):
    shapes, _ = read_weights(shapes_run / "weights.safetensors")
    order, _ = read_weights(order_run / "weights.safetensors")
    assert shapes.task == "supervised"
    assert shapes.scores["iou"] > 0.6
    assert order.task == "order-net"
    assert order.scores["accuracy"] > 0.5
    assert order.data["pairs"] > order.data["held_out"] > 0


def test_they_are_rows_of_the_table(data, shapes_run, order_run):
    torch.manual_seed(0)
    tiny = shapes_run / "tiny.safetensors"
    save_weights(tiny, UNet(0.125, 2), WeightsInfo("pcnet-m", {"net": "unet", "width": 0.125, "in_channels": 2}))
    rows = learned_rows(shapes_run / "weights.safetensors", order_run / "weights.safetensors")
    scenes = list(open_dataset(data))[:4]
    table = evaluate_table1(scenes, Protocol(samples=0, weights=str(tiny)), learned=rows)
    order, shapes = table.rows[:2]
    assert (order["method"], shapes["method"]) == ("Order net, supervised", "U-Net, supervised")
    assert order["ordering accuracy"].denominator > 0
    assert order["amodal mIoU"] is None
    assert 0.3 < shapes["amodal mIoU"].value <= 1
    assert shapes["ordering accuracy"] is None
    assert learned_rows() == ()


def test_scenes_of_the_training_are_not_scored(data, shapes_run, order_run, tmp_path):
    for named in ({"shapes": shapes_run}, {"order": order_run}):
        (row,) = learned_rows(**{name: run / "weights.safetensors" for name, run in named.items()})
        with pytest.raises(InputError, match=f"scenes that no network was trained on.* that {row.name} has seen"):
            check_scenes(data, (row,))
        check_scenes(drawn(tmp_path / row.name, seed=2), (row,))  # other scenes, whose photos have the same names
        check_scenes(data, (replace(row, scenes=None),))


def test_scenes_are_told_apart_by_their_visible_masks(data):
    scene = next(iter(open_dataset(data))).scene
    renamed = replace(scene, image_file="other.png", instances=tuple(reversed(scene.instances)), order_truth=None)
    assert scene_digest(renamed) == scene_digest(scene)
    assert scene_digest(replace(scene, instances=scene.instances[1:])) != scene_digest(scene)


def test_answers_have_the_shape_that_stages_expect(data, shapes_run, order_run):
    scene = next(iter(open_dataset(data))).scene
    order = order_by_net(scene, load_order_net(order_run / "weights.safetensors"))
    assert order.ids == scene.ids
    assert np.allclose((order.front + order.front.T)[order.front > 0], 1)
    whole = complete_supervised(scene, load_supervised(shapes_run / "weights.safetensors"))
    assert set(whole.masks) == set(scene.ids)
    assert whole.record.method == "supervised"


def test_weights_of_another_kind_are_refused(shapes_run, order_run):
    with pytest.raises(InputError, match="'supervised', found 'order-net'"):
        load_supervised(order_run / "weights.safetensors")
    with pytest.raises(InputError, match="'order-net', found 'supervised'"):
        load_order_net(shapes_run / "weights.safetensors")
    with pytest.raises(InputError, match="no such file"):
        learned_rows(order=shapes_run / "absent.safetensors")


def test_weights_that_do_not_state_their_patch_side(tmp_path):
    path = tmp_path / "bare.safetensors"
    save_weights(path, UNet(0.125, 1), WeightsInfo("supervised", {"net": "unet", "width": 0.125, "in_channels": 1}))
    with pytest.raises(InputError, match="settings.size: expected the patch side"):
        load_supervised(path)
    save_weights(path, OrderNet(4), WeightsInfo("order-net", {"net": "order-net", "width": 4}))
    with pytest.raises(InputError, match="settings.size: expected the patch side"):
        load_order_net(path)


def test_crops_are_kept_as_bits(data):
    crops = read_shapes([data], 30)[0]
    masks = crops.masks(torch.arange(len(crops)))
    assert masks.shape == (len(crops), 2, 30, 30) and set(masks.unique().tolist()) == {0, 255}
    assert crops.bits.nbytes == len(crops) * 2 * 30 * 4


def test_data_without_truth_are_refused(data, tmp_path):
    from deocclude.formats import write_scene

    with pytest.raises(InputError, match="at least one data set"):
        read_shapes([], 32)
    scene = next(iter(open_dataset(data))).scene
    bare = replace(scene, instances=tuple(replace(i, amodal=None) for i in scene.instances), order_truth=None)
    write_scene(bare, tmp_path / "bare.json", "coco")
    with pytest.raises(
        InputError, match="objects with true whole masks, found none; name data sets with annotated truth"
    ):
        read_shapes([tmp_path / "bare.json"], 32)
    with pytest.raises(InputError, match="neighbours of which one hides the other"):
        read_pairs([tmp_path / "bare.json"], 32)
