"""Answers of other methods: read, matched with the objects of a data set, and scored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from deocclude import rle
from deocclude.datasets.labelled_scenes import LabelledScene, open_dataset
from deocclude.datasets.synthetic import SyntheticSettings
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.errors import InputError
from deocclude.evaluation.predictions import Predictions, named_predictions
from deocclude.evaluation.protocol import Protocol
from deocclude.evaluation.run import evaluate_amodal, evaluate_ordering
from deocclude.formats import write_scene
from deocclude.masks import Mask

QUICK = Protocol(samples=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("synthetic") / "set"
    write_dataset(target, 3, SyntheticSettings(width=120, height=90, objects=(3, 4)), seed=1, hidden=False)
    return target


@pytest.fixture(scope="module")
def scenes(folder) -> list[LabelledScene]:
    return list(open_dataset(folder))


def whole(item):
    return rle.encode(item.amodal)


def written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def results(scenes, *, ids=lambda item, number: {"id": item.id}) -> list[dict]:
    """COCO results that are the truth."""
    entries = [(one.scene, item) for one in scenes for item in one.scene.instances]
    return [
        {"image_id": scene.image_id, "category_id": 1, "score": 1.0, "segmentation": whole(item)} | ids(item, number)
        for number, (scene, item) in enumerate(entries)
    ]


def amodal(scenes, path: Path, **options):
    return evaluate_amodal(scenes, [], QUICK, predictions=[Predictions(path)], **options)[0]


def test_the_truth_as_coco_results_scores_one(scenes, tmp_path):
    table = amodal(scenes, written(tmp_path / "mine.json", results(scenes)))
    (row,) = table.rows
    assert row["method"] == "mine"
    assert row["iou"].value == row["mean_hidden_iou"].value == 1.0
    assert row["mean_iou"].denominator == sum(len(one.scene) for one in scenes)
    assert "order:" not in "".join(table.notes) and "repaired" not in "".join(table.notes)


def test_objects_are_matched_by_id_in_any_order_else_by_their_order(scenes, tmp_path):
    shuffled = written(tmp_path / "shuffled.json", results(scenes)[::-1])
    assert amodal(scenes, shuffled).rows[0]["iou"].value == 1.0
    counted = written(tmp_path / "counted.json", results(scenes, ids=lambda item, number: {"id": number + 900}))
    bare = written(tmp_path / "bare.json", results(scenes, ids=lambda item, number: {}))
    for path in (counted, bare):
        table = amodal(scenes, path)
        assert table.rows[0]["iou"].value == 1.0
        assert f"{path}, as it is; objects matched by their order in 3 scenes" in table.notes[1]
    wrong = written(tmp_path / "wrong.json", results(scenes, ids=lambda item, number: {})[::-1])
    table = amodal(scenes, wrong)
    assert table.rows[0]["iou"].value < 1.0
    assert "shapes do not meet the visible part" in table.notes[1]


def test_ids_of_the_file_count_where_they_are_too_large_to_be_kept(scenes, tmp_path):
    annotations = [
        {"id": 10**6 * one.scene.image_id + 70_000 + item.id, "image_id": one.scene.image_id, "category_id": 1,
         "segmentation": whole(item), "inmodal_seg": rle.encode(item.modal)}
        for one in scenes for item in one.scene.instances
    ]  # fmt: skip
    images = [
        {"id": one.scene.image_id, "width": one.scene.size.width, "height": one.scene.size.height} for one in scenes
    ]
    content = {"images": images, "annotations": annotations, "categories": []}
    data = written(tmp_path / "kins.json", content)
    turned = written(tmp_path / "turned.json", content | {"annotations": annotations[::-1]})
    assert amodal(open_dataset(data), turned).rows[0]["iou"].value == 1.0
    listed = [{key: entry[key] for key in ("id", "image_id", "segmentation")} for entry in annotations[::-1]]
    assert amodal(open_dataset(data), written(tmp_path / "listed.json", listed)).rows[0]["iou"].value == 1.0


def test_a_folder_of_cocoa_files_is_matched_by_the_names_of_photos(scenes, tmp_path):
    for one in scenes:
        scene = replace(one.scene, image_id=None)
        write_scene(scene, tmp_path / f"{scene.image_file}.json", "cocoa")
    table = amodal(scenes, tmp_path)
    assert table.rows[0]["iou"].value == 1.0
    order = evaluate_ordering(scenes, [], QUICK, predictions=[Predictions(tmp_path, "hers")]).rows[0]
    assert order["method"] == "hers"
    assert order["acc_occpair"].value == order["f1"].value == 1.0


def test_rows_stand_beside_those_of_methods(scenes, tmp_path):
    hers = Predictions(written(tmp_path / "hers.json", results(scenes)))
    table, by_share = evaluate_amodal(scenes, ["raw"], QUICK, predictions=[hers])
    assert [row["method"] for row in table.rows] == ["raw", "hers"]
    alone = evaluate_amodal(scenes, ["raw"], QUICK)[0]
    assert {name: str(cell) for name, cell in table.rows[0].items()} == {
        name: str(cell) for name, cell in alone.rows[0].items()
    }
    assert "repaired" in table.notes[-1]
    assert len(by_share.rows) == 8
    with pytest.raises(InputError, match="predictions: expected a name that no method has, found 'raw'"):
        evaluate_amodal(scenes, ["raw"], QUICK, predictions=[Predictions(hers.path, "raw")])


def orders(scenes, turned: bool = False) -> list[dict]:
    listed = []
    for one in scenes:
        place = {identity: position for position, identity in enumerate(one.scene.ids, 1)}
        pairs = [(place[a], place[b])[:: -1 if turned else 1] for a, b in sorted(one.scene.order_truth)]
        text = ",".join(f"{front}-{behind}" for front, behind in pairs)
        listed.append({"image_id": one.scene.image_id, "depth_constraint": text})
    return listed


@pytest.mark.parametrize(("turned", "score"), [(False, 1.0), (True, 0.0)])
@pytest.mark.parametrize("wrapped", [False, True])
def test_an_order_needs_no_regions(scenes, tmp_path, turned, score, wrapped):
    listed = orders(scenes, turned)
    path = written(tmp_path / "order.json", {"annotations": listed} if wrapped else listed)
    (row,) = evaluate_ordering(scenes, [], QUICK, predictions=[Predictions(path)]).rows
    assert row["acc_occpair"].value == score
    with pytest.raises(InputError, match=r"order.json: image 0: expected whole shapes, found an order alone"):
        amodal(scenes, path)


def ranked() -> dict:
    """Two objects that touch and one apart, nearest the second, as KINS states it."""
    masks = np.zeros((3, 20, 40), bool)
    masks[0, 5:15, :10], masks[1, 5:15, 10:20], masks[2, 5:15, 30:] = True, True, True
    entries = [
        {"id": k + 1, "image_id": 1, "category_id": 1, "inmodal_seg": rle.encode(Mask.from_array(mask)),
         "segmentation": rle.encode(Mask.from_array(mask)), "oco_id": 1, "ico_id": rank}
        for k, (mask, rank) in enumerate(zip(masks, (2, 1, 3), strict=True))
    ]  # fmt: skip
    return {"images": [{"id": 1, "width": 40, "height": 20}], "annotations": entries, "categories": []}


def test_ranks_order_neighbours_of_one_cluster(tmp_path):
    content = ranked()
    path = written(tmp_path / "ranks.json", content)
    (labelled,) = open_dataset(path)
    front = Predictions(path).order(labelled).front
    assert np.argwhere(front).tolist() == [[1, 0]]
    content["annotations"][0]["oco_id"] = 2
    assert not Predictions(written(tmp_path / "apart.json", content)).order(labelled).front.any()


def test_what_cannot_be_matched_is_refused(scenes, tmp_path):
    entries = results(scenes)
    last = scenes[-1].scene
    lacking = [entry for entry in entries if entry["image_id"] != last.image_id]
    cases = [
        (lacking, rf"predictions for every scored image, found none for image {last.image_id}"),
        (entries[1:], r"image 0: expected predictions for the \d objects that are scored, found none for 1 \("),
        (results(scenes, ids=lambda item, number: {})[1:], r"image 0: expected as many objects as the data set has"),
        ([{**entry, "id": 5000 + k} for k, entry in enumerate(entries[1:])], "found 2 with other ids|found 3 with"),
        ([{**entry, "segmentation": {"size": [9, 9], "counts": [81]}} for entry in entries], "expected masks of"),
    ]
    for number, (content, message) in enumerate(cases):
        with pytest.raises(InputError, match=message) as error:
            amodal(scenes, written(tmp_path / f"{number}.json", content))
        assert str(error.value).startswith(str(tmp_path / f"{number}.json"))
    with pytest.raises(InputError, match=r"an order, found none; COCOA states one in depth_constraint"):
        evaluate_ordering(scenes, [], QUICK, predictions=[Predictions(written(tmp_path / "o.json", entries))])


def test_objects_that_the_data_do_not_have_are_left_out_and_told(scenes, tmp_path):
    entries = results(scenes)
    more = [*entries, {**entries[0], "id": 77}]
    table = amodal(scenes, written(tmp_path / "more.json", more))
    assert table.rows[0]["iou"].value == 1.0
    assert "1 objects that the data set does not have left out" in table.notes[1]
    content = ranked()
    path = written(tmp_path / "ranks.json", content)
    (labelled,) = open_dataset(path)
    content["annotations"].append({**content["annotations"][2], "id": 9})
    front = Predictions(written(tmp_path / "ranks-more.json", content)).order(labelled).front
    assert np.argwhere(front).tolist() == [[1, 0]]


def test_a_running_number_is_no_id_though_it_meets_some(scenes, tmp_path):
    first = [replace(scenes[0], scored=frozenset({2}))]
    counted = results(scenes[:1], ids=lambda item, number: {"id": number})
    table = amodal(first, written(tmp_path / "counted.json", counted))
    assert table.rows[0]["iou"].value == 1.0
    assert "matched by their order in 1 scenes" in table.notes[1]


def test_images_that_are_not_scored_are_told(scenes, tmp_path):
    table = amodal(scenes[:1], written(tmp_path / "all.json", results(scenes)))
    assert table.rows[0]["iou"].value == 1.0
    assert "2 of its images are not scored" in table.notes[1]


def test_one_prediction_is_not_taken_for_two_photos(scenes, tmp_path):
    path = written(tmp_path / "one.json", results(scenes[:1]))
    other = replace(scenes[1], scene=replace(scenes[1].scene, image_id=0))
    with pytest.raises(InputError, match="image ids that occur once in the data set"):
        amodal([scenes[0], replace(other, scene=replace(scenes[0].scene, image_file="another.png"))], path)


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "empty.json").touch()
    (tmp_path / "cut.json").write_text('[{"image_id": 1, "segm')
    for name, message in (("empty.json", "an empty file"), ("cut.json", "cut off"), ("absent.json", "no such file")):
        with pytest.raises(InputError, match=message):
            Predictions(tmp_path / name)
    labels = {"shapes": [], "imageHeight": 5, "imageWidth": 5, "imagePath": "a.png", "version": "5"}
    with pytest.raises(InputError, match="whole shapes in a COCO result file"):
        Predictions(written(tmp_path / "labelme.json", labels))


def test_names_come_before_an_equals_sign(scenes, tmp_path):
    path = written(tmp_path / "a.json", results(scenes))
    first, second = named_predictions([f"first={path}", str(path)])
    assert (first.name, second.name) == ("first", "a")
    with pytest.raises(InputError, match="--predictions: expected names that occur once, found 'a' twice"):
        named_predictions([str(path), str(path)])
