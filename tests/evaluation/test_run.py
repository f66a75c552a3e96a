"""Scoring over data sets: what is opened, what is scored, what methods get to see."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deocclude.datasets.labelled_scenes import LabelledScene, open_dataset
from deocclude.datasets.synthetic import SyntheticSettings
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.errors import InputError
from deocclude.evaluation.protocol import TRUE_ORDER, Protocol
from deocclude.evaluation.run import evaluate_amodal, evaluate_ordering
from deocclude.formats import write_scene

QUICK = Protocol(samples=0)
SETTINGS = SyntheticSettings(width=140, height=100, objects=(4, 8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("synthetic") / "set"
    write_dataset(target, 6, SETTINGS, seed=1, hidden=False)
    return target


def test_synthetic_folder_or_its_file_is_a_data_set(folder):
    scenes = list(open_dataset(folder))
    assert len(scenes) == 6
    assert all(item.truth == "annotated" for item in scenes)
    assert all(item.photo().size == item.scene.size for item in scenes)
    assert [item.scene for item in open_dataset(folder / "annotations.json")] == [item.scene for item in scenes]


def test_a_lone_cocoa_file_is_one_too(folder, tmp_path):
    scene = next(iter(open_dataset(folder))).scene
    write_scene(scene, tmp_path / "7.json", "cocoa")
    (opened,) = open_dataset(tmp_path / "7.json")
    assert opened.scene.modal == scene.modal
    assert opened.truth == "masks"
    assert opened.photo_path is None
    assert opened.photo() is None


@pytest.mark.parametrize(("name", "count"), [("lmo", 60), ("cocoa_cls", 75), ("cocoa_demo5", 5)])
def test_real_data_sets_open_with_their_photos(data_folder, name, count):
    if not (data_folder / name).is_dir():
        pytest.skip(f"no {name}")
    scenes = list(open_dataset(data_folder / name))
    assert len(scenes) == count
    assert all(item.photo_path is not None for item in scenes)


def test_cocoa_cls_is_scored_on_what_it_knows(data_folder):
    if not (data_folder / "cocoa_cls").is_dir():
        pytest.skip("no cocoa_cls")
    table, _ = evaluate_amodal(open_dataset(data_folder / "cocoa_cls"), ["raw"], QUICK)
    assert table.rows[0]["mean_iou"].denominator == 12
    assert 0 < table.rows[0]["iou"].value < 0.8


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(InputError, match="nothing there"):
        list(open_dataset(tmp_path / "absent"))
    with pytest.raises(InputError):
        list(open_dataset(tmp_path))


def test_order_table_has_a_row_a_method_with_counts(folder):
    done = []
    table = evaluate_ordering(open_dataset(folder), ["convex", "area-large"], QUICK, done.append)
    assert done == [1, 2, 3, 4, 5, 6]
    assert [row["method"] for row in table.rows] == ["convex", "area-large"]
    assert table.rows[0]["pairs"] == table.rows[1]["pairs"] > 10
    assert table.rows[0]["correct"] == table.rows[0]["acc_occpair"].numerator
    assert "6 scenes" in table.notes


def test_gaps_blind_the_reference_protocol_and_not_the_default(tmp_path):
    write_dataset(tmp_path / "gap", 4, replace(SETTINGS, gap=2), seed=2, hidden=False)
    scenes = list(open_dataset(tmp_path / "gap"))
    default = evaluate_ordering(scenes, ["convex"], QUICK).rows[0]
    blind = evaluate_ordering(scenes, ["convex"], replace(QUICK, reference=True)).rows[0]
    assert blind["correct"] == 0
    assert default["correct"] > default["pairs"] / 2
    assert evaluate_ordering(scenes, ["convex"], replace(QUICK, truth="masks")).rows[0]["pairs"] == 0


def test_amodal_tables(folder):
    scenes = list(open_dataset(folder))
    table, bins = evaluate_amodal(scenes, ["raw", "convexR"], QUICK, order=TRUE_ORDER)
    raw, hull = table.rows
    assert raw["hidden_iou"].value == 0
    assert hull["hidden_iou"].value > 0.2
    assert hull["iou"].value > raw["iou"].value
    assert [row["hidden"] for row in bins.rows] == ["0", "0-.25", ".25-.5", ".5-1"] * 2
    assert sum(row["objects"] for row in bins.rows[:4]) == sum(len(item.scene) for item in scenes)


def test_an_object_that_the_repair_drops_still_counts(folder):
    labelled = next(iter(open_dataset(folder)))
    first = labelled.scene.instances[0]
    twin = replace(first, id=99, depth_rank=None)
    scene = replace(labelled.scene, instances=(*labelled.scene.instances, twin))
    doubled = LabelledScene(scene, None, truth="annotated")
    assert evaluate_ordering([doubled], ["convex"], QUICK).rows[0]["pairs"] > 0
    for order in ("convex", TRUE_ORDER):
        table, _ = evaluate_amodal([doubled], ["convexR"], QUICK, order=order)
        assert table.rows[0]["mean_iou"].denominator == len(scene)


def test_only_what_is_scored_counts(folder):
    labelled = replace(next(iter(open_dataset(folder))), scored=frozenset({1, 2}))
    assert evaluate_amodal([labelled], ["raw"], QUICK)[0].rows[0]["mean_iou"].denominator == 2


def test_wrong_names_and_missing_truth_are_refused(folder):
    scenes = list(open_dataset(folder))
    with pytest.raises(InputError, match="did you mean 'convex'"):
        evaluate_ordering(scenes, ["convx"], QUICK)
    with pytest.raises(InputError, match=r"one of .*convexR.*'hull'"):
        evaluate_amodal(scenes, ["hull"], QUICK)
    with pytest.raises(InputError, match="ordering method"):
        evaluate_amodal(scenes, ["raw"], QUICK, order="none")
    with pytest.raises(InputError, match="at least one method"):
        evaluate_ordering(scenes, [], QUICK)
    bare = [
        replace(item, scene=replace(item.scene, instances=tuple(replace(i, amodal=None) for i in item.scene.instances)))
        for item in scenes
    ]
    with pytest.raises(InputError, match=r"annotations.json: .* true amodal masks, found none among 6"):
        evaluate_amodal(bare, ["raw"], QUICK)
    with pytest.raises(InputError, match="an order truth"):
        evaluate_ordering(bare, ["convex"], replace(QUICK, truth="masks"))


def test_photos_are_read_by_methods_that_look_at_them_alone(folder, tmp_path):
    labelled = next(iter(open_dataset(folder)))
    evaluate_amodal([replace(labelled, photo_path=tmp_path / "damaged.png")], ["raw"], QUICK)
    for photo, message in (
        (None, r"annotations.json: expected the photo '000000.png' beside it, .* found none; other methods need"),
        (tmp_path / "small.png", r"small.png: expected a photo of 140x100, found one of 70x50; other methods need"),
    ):
        if photo:
            Image.new("RGB", (70, 50)).save(photo)
        with pytest.raises(InputError, match=message):
            evaluate_amodal([replace(labelled, photo_path=photo)], ["pcnet-m-rgb"], QUICK, order=TRUE_ORDER)


def test_intervals_are_the_same_twice(folder):
    scenes = list(open_dataset(folder))
    first, again = (evaluate_ordering(scenes, ["convex"], Protocol(samples=50)).as_plain() for _ in range(2))
    assert first == again
    assert np.isfinite(evaluate_ordering(scenes, ["convex"]).rows[0]["acc_occpair"].low)
