"""The paper's table: every row by the rule that its name states, no number from elsewhere."""

from dataclasses import replace

import pytest
import torch

from deocclude.datasets.labelled_scenes import open_dataset
from deocclude.datasets.synthetic import SyntheticSettings
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.errors import InputError
from deocclude.evaluation.protocol import Protocol
from deocclude.evaluation.run import evaluate_amodal, evaluate_ordering
from deocclude.evaluation.table1 import ENTRIES, Learned, evaluate_table1
from deocclude.nets.unet import UNet
from deocclude.ordering.heuristics import order_by_rule
from deocclude.weights import WeightsInfo, save_weights

COLUMNS = ("method", "protocol", "ordering accuracy", "amodal mIoU", "invisible IoU")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A protocol with a network that is small, so that it is fast, and knows nothing."""
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, UNet(0.125, 2), WeightsInfo("pcnet-m", {"net": "unet", "width": 0.125, "in_channels": 2}))
    return Protocol(samples=20, weights=str(path))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    target = tmp_path_factory.mktemp("table1") / "set"
    write_dataset(target, 2, SyntheticSettings(width=100, height=80, objects=(4, 4)), seed=3, hidden=False)
    return list(open_dataset(target))


@pytest.fixture(scope="module")
def table(scenes, quick):
    return evaluate_table1(scenes, quick)


def rows(table):
    return {row["method"]: row for row in table.rows}


def test_layout(table):
    assert table.columns == COLUMNS
    assert [row["method"] for row in table.rows] == [entry.name for entry in ENTRIES]
    found = rows(table)
    assert found["Raw"]["ordering accuracy"] is None
    assert found["Y-axis"]["amodal mIoU"] is None
    assert all(found["deocclude"][name].low <= found["deocclude"][name].high for name in COLUMNS[2:])
    assert "2 scenes" in table.notes[0]


def test_rows_are_what_the_single_evaluations_say(table, scenes, quick):
    found, reference = rows(table), replace(quick, reference=True)
    order = evaluate_ordering(scenes, ["area-small", "convex", "pcnet-m"], reference)
    for name, row in zip(
        ("Area, the smaller in front", "Convex", "PCNet-M, grounded on order"), order.rows, strict=True
    ):
        assert found[name]["ordering accuracy"] == row["acc_occpair"]
    hull, _ = evaluate_amodal(scenes, ["convex", "convexR"], reference, order="convex")
    net, _ = evaluate_amodal(scenes, ["pcnet-m-nog", "pcnet-m"], reference, order="pcnet-m")
    names = ("Convex", "ConvexR", "PCNet-M, not grounded on order", "PCNet-M, grounded on order")
    for name, row in zip(names, (*hull.rows, *net.rows), strict=True):
        assert found[name]["amodal mIoU"] == row["iou"]
        assert found[name]["invisible IoU"] == row["hidden_iou"]
    ours = evaluate_ordering(scenes, ["pcnet-m"], quick).rows[0]
    assert found["deocclude"]["ordering accuracy"] == ours["acc_occpair"]


def test_a_data_set_may_know_only_one_of_the_two(scenes, quick):
    no_shapes = [
        replace(item, scene=replace(item.scene, instances=tuple(replace(i, amodal=None) for i in item.scene.instances)))
        for item in scenes
    ]
    found = rows(evaluate_table1(no_shapes, quick))
    assert found["deocclude"]["amodal mIoU"] is None
    assert found["deocclude"]["ordering accuracy"].denominator > 0
    nothing = [replace(item, scene=replace(item.scene, order_truth=None)) for item in no_shapes]
    with pytest.raises(InputError, match="an order truth or true amodal masks"):
        evaluate_table1(nothing, quick)


def test_learned_rows_come_first(scenes, table, quick):
    learned = Learned(
        "Mine",
        lambda prepared: order_by_rule(prepared.scene, rule="area-small"),
        lambda prepared: {item.id: item.modal for item in prepared.scene.instances},
    )
    extended = evaluate_table1(scenes, quick, learned=[learned])
    mine, found = extended.rows[0], rows(table)
    assert mine["method"] == "Mine"
    assert mine["amodal mIoU"] == found["Raw"]["amodal mIoU"]
    assert list(extended.rows[1:]) == list(table.rows)
