"""Masks shrunk apart: exact gaps, no object lost, the truth untouched."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.adjacency import touching_pairs
from deocclude.datasets.gaps import part_masks
from deocclude.datasets.labelled_scenes import open_dataset
from deocclude.datasets.synthetic import SyntheticSettings
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.errors import InputError
from deocclude.evaluation.protocol import Protocol, prepare
from deocclude.evaluation.run import compare_amodal, compare_ordering, evaluate_ordering
from deocclude.scene import scene_from_arrays

QUICK = Protocol(samples=20)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    target = tmp_path_factory.mktemp("gaps") / "set"
    write_dataset(target, 4, SyntheticSettings(width=140, height=100, objects=(4, 7)), seed=6, hidden=False)
    return list(open_dataset(target))


def bars(*widths):
    """Upright bars that touch, in one row."""
    masks = np.zeros((len(widths), 40, sum(widths)), bool)
    left = 0
    for mask, width in zip(masks, widths, strict=True):
        mask[:, left : left + width] = True
        left += width
    return scene_from_arrays(masks)


@pytest.mark.parametrize("gap", [0, 1, 2, 5, 6])
def test_a_straight_edge_is_parted_by_exactly_the_gap(gap):
    first, second = part_masks(bars(30, 30), gap).modal
    assert second.box.x0 - first.box.x1 == gap
    assert abs((30 - first.box.x1) - (second.box.x0 - 30)) <= 1
    assert first.box.x0 == 0
    assert second.box.x1 == 60


def test_an_object_thinner_than_the_gap_stays_in_the_scene():
    thin = part_masks(bars(30, 3, 30), 8).modal[1]
    assert thin.box.width == 1
    assert thin.box.x0 == 31


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), gap=st.integers(1, 7))
def test_masks_only_shrink_and_come_apart(seed, gap):
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.integers(0, 4, (4, 4)), np.ones((16, 16), int))
    scene = scene_from_arrays(np.stack([labels == k for k in np.unique(labels)]))
    parted = part_masks(scene, gap).modal
    assert all(after and not (after - before) for before, after in zip(scene.modal, parted, strict=True))
    assert touching_pairs(parted, gap) == []


def test_methods_see_the_gap_and_the_score_does_not(scenes):
    labelled = scenes[0]
    seen = prepare(labelled, replace(QUICK, gap=6)).scene
    assert sum(mask.area for mask in seen.modal) < sum(mask.area for mask in labelled.scene.modal)
    assert touching_pairs(seen.modal, 3) == []
    blind = evaluate_ordering(scenes, ["convex"], replace(QUICK, gap=6, truth="masks"))
    assert (
        blind.rows[0]["pairs"] == evaluate_ordering(scenes, ["convex"], replace(QUICK, truth="masks")).rows[0]["pairs"]
    )
    assert blind.rows[0]["correct"] == 0


def test_both_columns_and_what_the_gap_costs(scenes):
    table = compare_ordering(scenes, ["convex", "pcnet-m"], replace(QUICK, gap=6))
    row = table.rows[0]
    assert row["correct"] > row["pairs"] / 2
    assert row["correct, 6 px"] == 0
    assert row["acc_occpair, cost"].value == pytest.approx(row["acc_occpair"].value)
    assert row["acc_occpair, cost"].low <= row["acc_occpair, cost"].value
    assert table.rows[1]["acc_occpair, cost"].value < row["acc_occpair, cost"].value
    shapes = compare_amodal(scenes, ["raw"], replace(QUICK, gap=6)).rows[0]
    assert shapes["iou, cost"].value == shapes["iou"].value - shapes["iou, 6 px"].value > 0
    with pytest.raises(InputError, match="gap of 1 pixel or more"):
        compare_ordering(scenes, ["convex"], QUICK)
