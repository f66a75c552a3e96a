"""The stages in order, on synthetic scenes whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import ExifTags, Image

from deocclude import amodal, content, ordering
from deocclude.content.patch import BACKGROUND
from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.errors import InputError
from deocclude.images import Photo, read_photo
from deocclude.layers.compose import compose
from deocclude.masks import Mask
from deocclude.ordering.graph import Override
from deocclude.pipeline import open_project, run, stale_from
from deocclude.plan import STAGES, Settings
from deocclude.project.store import read_project

FAST = Settings(order="convex", amodal="convexR", fill="telea")


@pytest.fixture(scope="module")
def drawn():
    return generate(SyntheticSettings(width=160, height=120, objects=(4, 6)), seed=3)


@pytest.fixture(scope="module")
def project(drawn):
    return run(open_project(Photo(drawn.photo), drawn.scene), FAST)


def test_every_stage_leaves_a_result_and_a_record(project):
    assert set(project.records) == {"repair", "order", "amodal", "references", "content", "layers"}
    assert set(project.fills) == {BACKGROUND, *project.scene.ids}
    assert len(project.layers.layers) == len(project.scene)


def test_methods_of_ones_own_are_taken_by_name(project, monkeypatch):
    monkeypatch.setitem(ordering.METHODS, "mine", ordering.METHODS["convex"])
    monkeypatch.setitem(amodal.METHODS, "mine", amodal.METHODS["raw"])
    monkeypatch.setitem(content.METHODS, "mine", content.METHODS["mean"])
    again = run(project, Settings(order="mine", amodal="mine", fill="mine"))
    assert again.amodal.masks == {item.id: item.modal for item in again.scene.instances}
    assert again.fills[BACKGROUND].method == "mean"


@pytest.mark.parametrize("edges", ["hard", "soft"])
def test_the_unmoved_layers_are_the_photo(project, edges):
    again = run(project, replace(FAST, edges=edges))
    assert np.array_equal(compose(again.layers), project.photo.pixels)


def test_an_unchanged_stage_is_not_computed_again(project):
    again = run(project, replace(FAST, edges="hard"))
    assert again.amodal is project.amodal
    assert again.fills is project.fills
    assert again.stack is not project.stack


def test_a_change_is_followed_by_what_depends_on_it(project):
    again = run(project, replace(FAST, amodal="raw"))
    assert again.graph is project.graph
    assert all(not fill.hole.any() for key, fill in again.fills.items() if key != BACKGROUND)


def test_only_the_holes_that_change_are_painted_again(project):
    item = max(project.scene.instances, key=lambda item: project.fills[item.id].hole.sum())
    painted = item.modal  # nothing of it is hidden any more
    kept = {key: fill for key, fill in project.fills.items() if key != item.id}
    again = run(replace(project, corrections=project.corrections.with_amodal(item.id, painted)), FAST)
    assert all(again.fills[key] is fill for key, fill in kept.items())
    assert not again.fills[item.id].hole.any()


def test_a_painter_picked_for_one_hole_paints_that_hole(project, tmp_path):
    key = next(key for key, fill in project.fills.items() if key != BACKGROUND and fill.hole.any())
    picked = replace(project, corrections=replace(project.corrections, painters={key: "mean"}))
    assert stale_from(project, FAST) is None
    assert stale_from(picked, FAST) == "content"
    again = run(picked, FAST)
    assert again.fills[key].method == "mean"
    assert all(again.fills[other] is fill for other, fill in project.fills.items() if other != key)
    again.save(tmp_path / "project")
    assert read_project(tmp_path / "project").corrections.painters == {key: "mean"}


def test_stale_names_the_first_stage_to_compute(drawn, project):
    assert stale_from(open_project(Photo(drawn.photo), drawn.scene), FAST) == "repair"
    assert stale_from(project, replace(FAST, edges="hard")) == "layers"
    assert stale_from(project, replace(FAST, amodal="raw")) == "amodal"


def test_until_stops_early(drawn):
    partial = run(open_project(Photo(drawn.photo), drawn.scene), FAST, until="order")
    assert partial.graph is not None
    assert partial.amodal is None
    with pytest.raises(InputError, match="run 'deocclude run' on it first"):
        _ = partial.layers


def test_an_arrow_set_by_hand_outranks_the_model(project):
    edge = project.order.edges[0]
    corrected = project.corrections.with_order(Override(edge.behind, edge.front))
    again = run(replace(project, corrections=corrected), FAST)
    assert edge.front not in again.order.occluders(edge.behind)
    assert edge.behind in again.order.occluders(edge.front)
    depth = {layer.instance_id: layer.z for layer in again.layers.layers}
    assert depth[edge.behind] > depth[edge.front]


def test_a_shape_painted_by_hand_outranks_the_model(project):
    item = project.scene.instances[0]
    painted = Mask.from_crop(np.ones((20, 20)), item.modal.box[:2], project.scene.size)
    again = run(replace(project, corrections=project.corrections.with_amodal(item.id, painted)), FAST)
    assert again.amodal.masks[item.id] == painted | item.modal
    assert "painted by hand" in again.records["amodal"].notes[-1]


def test_the_network_says_how_sure_it_is_except_of_shapes_painted_by_hand(drawn):
    settings = Settings(fill="mean")
    found = run(open_project(Photo(drawn.photo), drawn.scene), settings, until="amodal")
    asked = set(found.amodal.probability)
    assert asked
    assert all(found.order.occluders(identity) for identity in asked)
    identity = min(asked)
    corrected = found.corrections.with_amodal(identity, found.amodal.masks[identity])
    again = run(replace(found, corrections=corrected), settings, until="amodal")
    assert set(again.amodal.probability) == asked - {identity}


def test_full_mask_arrays_are_accepted(drawn):
    masks = np.stack([item.modal.to_array() for item in drawn.scene.instances])
    assert open_project(Photo(drawn.photo), masks).given.modal == drawn.scene.modal


def test_masks_of_another_size_are_refused(drawn):
    with pytest.raises(InputError, match="expected masks of the photo's size 160x119, found 160x120"):
        open_project(Photo(drawn.photo[:-1]), drawn.scene)


@pytest.mark.parametrize(
    ("field", "value", "suggestion"),
    [
        ("order", "convx", "convex"),
        ("amodal", "convexr", "convexR"),
        ("fill", "tela", "telea"),
        ("edges", "sft", "soft"),
    ],
)
def test_a_misspelt_method_is_refused_before_any_work(project, field, value, suggestion):
    with pytest.raises(InputError, match=f"did you mean '{suggestion}'"):
        run(project, Settings(**{field: value}))


def test_a_misspelt_stage_is_refused(project):
    with pytest.raises(InputError, match="did you mean 'layers'"):
        run(project, FAST, until="layer")


def test_the_same_seed_gives_the_same_layers(drawn):
    first, second = (run(open_project(Photo(drawn.photo), drawn.scene), Settings(fill="exemplar")) for _ in range(2))
    assert np.array_equal(first.layers.background, second.layers.background)
    for a, b in zip(first.layers.layers, second.layers.layers, strict=True):
        assert np.array_equal(a.rgba, b.rgba)


def test_progress_reaches_the_end(drawn):
    seen = []
    run(open_project(Photo(drawn.photo), drawn.scene), FAST, progress=lambda *step: seen.append(step))
    assert ("content", len(drawn.scene) + 1, len(drawn.scene) + 1) in seen
    assert [stage for stage, done, total in seen if done == total == 1] == list(STAGES)


@pytest.mark.parametrize(("orientation", "notes"), [(1, 0), (3, 1), (6, 0)])
def test_masks_that_may_be_made_for_the_stored_photo_are_told(tmp_path, drawn, orientation, notes):
    block = Image.Exif()
    block[ExifTags.Base.Orientation] = orientation
    Image.fromarray(drawn.photo).save(tmp_path / "photo.png", exif=block)
    photo = read_photo(tmp_path / "photo.png")
    masks = np.zeros((1, *photo.size), bool)
    masks[0, 20:40, 20:40] = True
    found = run(open_project(photo, masks), FAST, until="repair").records["repair"].notes
    assert len(found) == notes
    assert all("photo.png is stored upside down (EXIF orientation): the masks are taken as" in note for note in found)
