"""The index: what is found, and what happens to files that change, move, go or are damaged."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from reference_pictures import PHOTOS, QUICK, other_view, photo

from deocclude.errors import InputError
from deocclude.formats import write_scene
from deocclude.geometry import Size
from deocclude.images import write_picture
from deocclude.masks import Mask
from deocclude.references.entries import Kind
from deocclude.references.index import Index
from deocclude.references.manifest import writing
from deocclude.references.query import query_object, query_photo
from deocclude.references.update import add, build, remove
from deocclude.scene import Instance, Scene


def names(index) -> set[str]:
    return {picture.path for _, _, picture in Index(index).pictures()}


def ask(index, pixels, **options):
    return Index(index).query(query_photo(pixels, settings=QUICK, **options))


@pytest.mark.parametrize("name", PHOTOS)
def test_another_view_is_found(built, name):
    hits = ask(built, other_view(photo(name)))
    assert hits[0].path.name == f"{name}.png"
    assert hits[0].path.is_file()
    assert hits[0].score > hits[1].score
    assert len({hit.path for hit in hits}) == len(hits) == len(PHOTOS)


def test_a_part_of_a_picture_is_found_as_a_patch(tmp_path, options):
    quarters = [photo(name, 400)[:200, :200] for name in PHOTOS[:4]]
    mosaic = np.vstack([np.hstack(quarters[:2]), np.hstack(quarters[2:])])
    (tmp_path / "pictures").mkdir()
    Image.fromarray(mosaic).save(tmp_path / "pictures" / "mosaic.png")
    features = replace(QUICK, largest_side=400, count=1200)
    build(tmp_path / "index", [tmp_path / "pictures"], replace(options, features=features))
    hit = Index(tmp_path / "index").query(query_photo(quarters[3], settings=features))[0]
    assert (hit.kind, hit.box) == (Kind.PATCH, (200, 200, 400, 400))


def test_several_views_together(built):
    views = [query_photo(other_view(photo(name)), settings=QUICK) for name in ("coffee", "rocket")]
    assert {hit.path.stem for hit in Index(built).query(views, top=2)} == {"coffee", "rocket"}


def test_stored_features_are_those_of_the_picture(built):
    from deocclude.references.features import extract

    hit = ask(built, photo("chelsea"))[0]
    stored, fresh = Index(built).features(hit), extract(photo("chelsea"), settings=QUICK)
    assert np.array_equal(stored.points, fresh.points)
    assert np.allclose(stored.descriptors, fresh.descriptors, atol=0.01)
    assert stored.size == fresh.size


def test_a_query_without_features_finds_nothing_wrong(built):
    grey = np.full((50, 60, 3), 128, np.uint8)
    assert all(hit.words == 0 for hit in ask(built, grey))


def test_an_unchanged_folder_costs_nothing(built, collection, options):
    report = build(built, [collection], options)
    assert (report.added, report.removed, report.unchanged) == (0, 0, len(PHOTOS))


def test_renamed_files_are_recognised(built, collection, options):
    (collection / "coffee.png").rename(collection / "deeper" / "cup.png")
    report = build(built, [collection], options)
    assert (report.added, report.removed, len(report.moved)) == (0, 0, 1)
    assert [path.name for path in report.moved[0]] == ["coffee.png", "cup.png"]
    hit = ask(built, photo("coffee"))[0]
    assert hit.path.name == "cup.png"
    assert hit.path.is_file()


def test_swapped_files_are_both_moved(built, collection, options):
    one, two = collection / "coffee.png", collection / "rocket.png"
    one.rename(collection / "third")
    two.rename(one)
    (collection / "third").rename(two)
    report = build(built, [collection], options)
    assert (report.added, report.removed, len(report.moved)) == (0, 0, 2)
    assert ask(built, photo("coffee"))[0].path.name == "rocket.png"


def test_a_moved_collection_stays_usable(built, collection, tmp_path):
    moved = collection.rename(tmp_path / "elsewhere")
    hit = ask(moved / built.name, photo("coffee"))[0]
    assert hit.path.resolve() == (moved / "coffee.png").resolve()


def test_changed_files_are_indexed_anew(built, collection, options):
    Image.fromarray(photo("retina")).save(collection / "coffee.png")
    report = build(built, [collection], options)
    assert (report.added, report.removed) == (1, 1)
    assert ask(built, other_view(photo("retina")))[0].path.name == "coffee.png"
    assert ask(built, photo("coffee"))[0].words < 0.5


def test_duplicates_are_reported_and_left_out(built, collection, options):
    shutil.copy(collection / "coffee.png", collection / "copy.png")
    report = build(built, [collection], options)
    assert (report.added, len(report.duplicates)) == (0, 1)
    assert [path.name for path in report.duplicates[0]] == ["copy.png", "coffee.png"]
    (collection / "coffee.png").unlink()
    report = build(built, [collection], options)
    assert [new.name for _, new in report.moved] == ["copy.png"]


def test_files_that_are_gone_are_dropped_by_build_only(built, collection, options):
    (collection / "coffee.png").unlink()
    assert add(built, [collection / "deeper"], options).removed == 0
    assert "coffee.png" in names(built)
    assert build(built, [collection], options).removed == 1
    assert "coffee.png" not in names(built)


def test_other_folders_of_the_index_stay(built, collection, options):
    assert build(built, [collection / "deeper"], options).removed == 0
    assert len(Index(built)) == len(PHOTOS)


def test_remove(built, collection):
    assert remove(built, [collection / "deeper"]).removed == 2
    assert len(Index(built)) == len(PHOTOS) - 2
    with pytest.raises(InputError, match="none of that name"):
        remove(built, [collection / "deeper"])
    assert remove(built, [collection]).pictures == 0
    assert ask(built, photo("coffee")) == []
    assert not list((built / "segments").iterdir())


def test_add_needs_an_index(tmp_path, collection, options):
    with pytest.raises(InputError, match="deocclude index build"):
        add(tmp_path / "none", [collection], options)
    with pytest.raises(InputError, match="no such file"):
        build(tmp_path / "none", [tmp_path / "nowhere"], options)
    assert not (tmp_path / "none").exists()


def test_bad_pictures_are_skipped(collection, options):
    (collection / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (collection / "cut.png").write_bytes((collection / "coffee.png").read_bytes()[:3000])
    huge = b"P6 60000 60000 255\n"
    (collection / "huge.ppm").write_bytes(huge)
    (collection / "locked.png").mkdir()
    report = build(collection / ".index", [collection], options)
    assert (report.added, report.unchanged) == (0, len(PHOTOS))
    assert {skipped.path.name for skipped in report.skipped} == {"broken.jpg", "cut.png", "huge.ppm"}
    assert all(skipped.reason for skipped in report.skipped)


def test_many_small_batches_are_merged(built, collection, options):
    hits = ask(built, other_view(photo("coffee")))
    small = photo("coffee", 90)
    for turn in range(12):
        Image.fromarray(np.rot90(small, turn % 4)[turn:]).save(collection / f"turn{turn}.png")
    add(built, [collection], replace(options, batch=1))
    assert len(list((built / "segments").iterdir())) < 9
    remove(built, [collection / f"turn{turn}.png" for turn in range(12)])
    again = ask(built, other_view(photo("coffee")))
    assert [hit.path for hit in again] == [hit.path for hit in hits]
    assert [hit.score for hit in again] == pytest.approx([hit.score for hit in hits], abs=1e-3)


def test_readers_keep_what_they_opened(built, collection, options):
    reader = Index(built)
    remove(built, [collection])
    assert reader.query(query_photo(photo("coffee"), settings=QUICK))[0].path.name == "coffee.png"


def test_two_writers(built, collection, options):
    with writing(built), pytest.raises(InputError, match=f"process {os.getpid()}"):
        build(built, [collection], options)
    build(built, [collection], options)


def test_processes_give_the_same(built, collection, options):
    other = collection / ".other"
    build(other, [collection], replace(options, processes=2))
    one, two = (ask(index, other_view(photo("coffee"))) for index in (built, other))
    assert [(hit.path, hit.score) for hit in one] == [(hit.path, hit.score) for hit in two]


def test_other_versions_and_damage_are_clear_errors(built):
    table = built / "index.json"
    text = table.read_text()
    table.write_text(json.dumps({**json.loads(text), "version": 99}))
    with pytest.raises(InputError, match="another release"):
        Index(built)
    table.write_text(text[: len(text) // 2])
    with pytest.raises(InputError, match="damaged"):
        Index(built)
    table.write_text(text)
    part = next(built.glob("segments/*/descriptors.npy"))
    part.write_bytes(part.read_bytes()[:-5])
    with pytest.raises(InputError, match="descriptors.npy.*bytes instead of"):
        Index(built)
    shutil.rmtree(part.parent)
    with pytest.raises(InputError, match="segments missing"):
        Index(built)


def test_a_vocabulary_that_does_not_fit(built, tmp_path):
    from deocclude.references.vocabulary import TrainingSettings, load_vocabulary, train_vocabulary

    path = next(built.glob("vocabulary-*.npz"))
    rows = np.random.default_rng(0).random((300, 128)).astype(np.float32)
    train_vocabulary([rows], TrainingSettings(words=20, iterations=1)).save(path)
    with pytest.raises(InputError, match="the vocabulary .* that the index was made with"):
        ask(built, photo("coffee"))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="damaged or cut off"):
        load_vocabulary(path)
    path.unlink()
    with pytest.raises(InputError, match="no such file"):
        ask(built, photo("coffee"))


def test_force_builds_a_damaged_index_again(built, collection, options):
    (built / "index.json").write_text("{")
    with pytest.raises(InputError, match="--force"):
        build(built, [collection], options)
    assert build(built, [collection], options, force=True).added == len(PHOTOS)


def scene_of(pixels, box, category, name="") -> Scene:
    size = Size(*pixels.shape[:2])
    mask = np.zeros(size, bool)
    mask[box] = True
    return Scene(size, (Instance(1, Mask.from_array(mask), category=category, category_id=7),), image_file=name)


def test_objects_become_entries_and_categories_come_first(collection, options):
    scene = scene_of(photo("coffee"), np.s_[60:140, 60:200], "cup", "coffee.png")
    write_scene(scene, collection / "masks.json", "coco")
    index = collection / ".index"
    assert build(index, [collection], options).added == 1
    hits = ask(index, other_view(photo("rocket")), category="cup")
    assert [hits[0].path.stem, hits[1].path.stem] == ["coffee", "rocket"]
    assert (hits[0].category, hits[0].kind) == ("cup", Kind.OBJECT)
    assert hits[0].box == scene.instances[0].modal.box
    assert ask(index, other_view(photo("rocket")), category="plate")[0].path.stem == "rocket"


def test_masks_are_about_the_pictures_of_their_own_folder(tmp_path, options):
    """Pictures of two folders have the same name; each folder has its own masks."""
    folders = []
    for name, box, category in (("coffee", np.s_[60:140, 60:200], "cup"), ("rocket", np.s_[5:-5, 5:-5], "rocket")):
        folders.append(tmp_path / name)
        write_picture(folders[-1] / "0001.png", photo(name))
        write_scene(scene_of(photo(name), box, category, "0001.png"), folders[-1] / "masks.json", "coco")
    build(tmp_path / "index", folders, options)
    for name, category in (("coffee", "cup"), ("rocket", "rocket")):
        hit = ask(tmp_path / "index", photo(name), category=category)[0]
        assert (hit.path.parent.name, hit.category) == (name, category)
    again = build(tmp_path / "index", folders, options)
    assert (again.unchanged, again.added) == (2, 0)


def test_other_masks_are_indexed_anew(collection, options):
    for box, category in ((np.s_[60:140, 60:200], "cup"), (np.s_[50:150, 60:200], "cup"), (np.s_[50:150, 60:200], "x")):
        write_scene(scene_of(photo("coffee"), box, category, "coffee.png"), collection / "masks.json", "coco")
        build(collection / ".index", [collection], options)
        hit = ask(collection / ".index", photo("coffee")[60:140, 60:200], category=category)[0]
        assert hit.category == category
    assert build(collection / ".index", [collection], options).unchanged == len(PHOTOS)


def test_an_object_is_asked_for_without_what_hides_it(built):
    pixels = np.array(photo("coffee"))
    hidden = np.s_[80:120, 100:150]
    pixels[hidden] = photo("rocket")[:40, :50]
    size = Size(*pixels.shape[:2])
    body, front = np.zeros(size, bool), np.zeros(size, bool)
    body[50:150, 60:200] = True
    front[hidden] = True
    scene = Scene(size, (Instance(1, Mask.from_array(body & ~front)), Instance(2, Mask.from_array(front))))
    asked = query_object(pixels, scene, 1, settings=QUICK)
    x, y = asked.features.points.T
    assert len(asked.features) > 50
    assert not ((x > 97) & (x < 152) & (y > 77) & (y < 122)).any()
    own = query_object(pixels, scene, 1, context=False, settings=QUICK)
    assert (own.features.points.min(0) > (60, 50)).all()
    assert Index(built).query(asked)[0].path.stem == "coffee"


def test_all_mostly_dead_segments_are_written_anew(tmp_path, options):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    small = photo("coffee", 90)
    for turn in range(12):
        Image.fromarray(np.roll(small, 7 * turn, 1)).save(pictures / f"p{turn:02}.png")
    build(tmp_path / "index", [pictures], replace(options, batch=4, processes=1))
    names_of = [[picture.path for _, _, picture in Index(tmp_path / "index").pictures()]]
    gone = [pictures / f"p{turn:02}.png" for turn in (0, 1, 2, 4, 5, 6)]  # of the first and the second batch
    remove(tmp_path / "index", gone)
    manifest = Index(tmp_path / "index").manifest
    assert len(names_of[0]) == 12
    assert sum(segment.alive for segment in manifest.segments) == 6
    assert all(not segment.removed for segment in manifest.segments)
