"""Published protocol on real data: the counts that an independent run of the reference protocol gave, exactly."""

import pytest

from deocclude.adjacency import touching_pairs
from deocclude.datasets.labelled_scenes import open_dataset
from deocclude.evaluation import ordering as order_scores
from deocclude.evaluation.protocol import TRUE_ORDER, Protocol, predict_graph, prepare
from deocclude.evaluation.run import evaluate_amodal, evaluate_ordering

REFERENCE = Protocol(reference=True, samples=0)


def _scenes(data_folder, name):
    if not (data_folder / name).is_dir():
        pytest.skip(f"no {name} in {data_folder}")
    return list(open_dataset(data_folder / name))


@pytest.fixture(scope="module")
def demo5(data_folder):
    return _scenes(data_folder, "cocoa_demo5")


@pytest.fixture(scope="module")
def lmo(data_folder):
    return _scenes(data_folder, "lmo")


def _rows(table):
    return {row["method"]: row for row in table.rows}


def _counts(estimate):
    return estimate.numerator, estimate.denominator


def test_pairs_of_the_five_photos(demo5):
    pairs = [order_scores.truth_from_masks(labelled.scene).sum() for labelled in demo5]
    assert [len(labelled.scene) for labelled in demo5] == [2, 11, 19, 10, 6]
    assert [len(touching_pairs(labelled.scene.modal, 1, shape="cross")) for labelled in demo5] == [1, 10, 23, 8, 8]
    assert pairs == [1, 10, 23, 8, 7]
    assert all(labelled.photo().size == labelled.scene.size for labelled in demo5)


def test_order_on_the_five_photos(demo5):
    rows = _rows(evaluate_ordering(demo5, ["area-small", "area-large", "y-axis", "convex"], REFERENCE))
    assert {name: _counts(row["acc_occpair"]) for name, row in rows.items()} == {
        "area-small": (26, 49), "area-large": (23, 49), "y-axis": (22, 49), "convex": (39, 49)
    }  # fmt: skip
    assert {name: row["acc_allpair"].denominator for name, row in rows.items()} == dict.fromkeys(rows, 287)
    expected = {"area-small": 0.9164, "y-axis": 0.9024, "convex": 0.9617}
    assert {name: round(rows[name]["acc_allpair"].value, 4) for name in expected} == expected


@pytest.mark.parametrize(
    ("order", "method", "pooled", "mean", "occluded", "hidden"),
    [
        ("convex", "raw", (674458, 840274), 0.8576, 0.7152, 0.0),
        ("convex", "convex", (794766, 948816), 0.8297, 0.7957, 0.4385),
        ("convex", "convexR", (794170, 858079), 0.9256, 0.8561, 0.6520),
        (TRUE_ORDER, "convexR", (794766, 850451), 0.9365, 0.8730, 0.6836),
    ],
)
def test_amodal_masks_on_the_five_photos(demo5, order, method, pooled, mean, occluded, hidden):
    table, bins = evaluate_amodal(demo5, [method], REFERENCE, order=order)
    row = table.rows[0]
    assert _counts(row["iou"]) == pooled
    assert round(row["mean_iou"].value, 4) == mean
    assert round(row["mean_iou_occluded"].value, 4) == occluded
    assert row["mean_iou_occluded"].denominator == 24
    assert round(row["hidden_iou"].value, 4) == hidden
    assert sum(line["objects"] for line in bins.rows) == 48
    assert sum(line["iou"].numerator for line in bins.rows) == pooled[0]


def test_raw_accuracy_is_the_visible_share(demo5):
    row = evaluate_amodal(demo5, ["raw"], REFERENCE)[0].rows[0]
    assert _counts(row["pacc"]) == (674458, 840274)


def test_order_by_height_on_lmo(lmo):
    row = evaluate_ordering(lmo, ["y-axis"], REFERENCE).rows[0]
    assert row["pairs"] == 254
    assert row["acc_occpair"].value == pytest.approx(0.811, abs=0.002)


def test_order_by_hull_on_lmo(lmo):
    row = evaluate_ordering(lmo, ["convex"], REFERENCE).rows[0]
    assert row["acc_occpair"].value == pytest.approx(0.768, abs=0.002)


def test_amodal_masks_on_lmo(lmo):
    row = evaluate_amodal(lmo, ["convexR"], REFERENCE)[0].rows[0]
    assert row["iou"].value == pytest.approx(0.927, abs=0.002)
    assert row["hidden_iou"].value == pytest.approx(0.362, abs=0.002)


def test_methods_do_not_see_the_truth(demo5):
    prepared = prepare(demo5[1], REFERENCE)
    assert all(item.amodal is None and item.depth_rank is None for item in prepared.scene.instances)
    assert prepared.scene.order_truth is None


def test_default_protocol_agrees_where_masks_fit(demo5):
    table = evaluate_ordering(demo5, ["convex"], Protocol(samples=0))
    assert table.rows[0]["correct"] >= 35
    graph = predict_graph(prepare(demo5[2], Protocol()), "convex", Protocol())
    assert len(graph.z_order()) == len(demo5[2].scene)
