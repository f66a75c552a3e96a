"""References in the main job: what they give, what they may not change, what a user decides, what is kept."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from reference_scene import (
    FAST,
    HEIGHT,
    OCCLUDER,
    VIEW,
    WIDTH,
    clean,
    hidden,
    photo,
    psnr,
    scene,
    unrelated,
    view,
    with_occluder,
)

import deocclude.content.revealed as revealed
import deocclude.references.supply as supply
from deocclude.content.patch import BACKGROUND, Provenance
from deocclude.content.reference_stage import reduced
from deocclude.errors import InputError
from deocclude.files import sha256
from deocclude.geometry import Size
from deocclude.images import Photo
from deocclude.layers.compose import compose
from deocclude.masks import Mask
from deocclude.pipeline import open_project, run, stale_from
from deocclude.project.store import read_project, write_project
from deocclude.references.choice import Choice
from deocclude.references.credit import Credit, write_credits
from deocclude.references.features import extract
from deocclude.references.search import Answer
from deocclude.references.transforms import apply
from deocclude.referencing import holes_of
from deocclude.scene import Scene

TABLE = 2


def save(picture, path):
    Image.fromarray(picture).save(path)
    return path


def started(category: str = ""):
    return open_project(Photo(photo()), scene(category))


def same_pixels(one, other) -> bool:
    layers = zip(one.layers.layers, other.layers.layers, strict=True)
    same = all(np.array_equal(a.rgba, b.rgba) and np.array_equal(a.provenance, b.provenance) for a, b in layers)
    return same and np.array_equal(one.layers.background, other.layers.background)


def filled(project, identity=TABLE):
    """The whole photo with one hidden part filled."""
    fill, picture = project.fills[identity], project.photo.pixels.copy()
    picture[fill.box.slices][fill.hole] = fill.rgb[fill.hole]
    return picture


@pytest.fixture(scope="module")
def plain():
    return run(started(), FAST)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("library")
    save(view(), place / "view.png")
    save(unrelated(), place / "astronaut.png")
    save(photo(), place / "itself.png")
    write_credits(place, {"view.png": Credit("openverse", title="A table", licence="CC BY 4.0", creator="A. Person")})
    return place


@pytest.fixture(scope="module")
def searched(folder):
    return run(started(), replace(FAST, references=(str(folder),)))


@pytest.fixture
def no_stitching(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("laid over again")

    monkeypatch.setattr(revealed, "stitch", refuse)


def test_a_folder_is_indexed_searched_and_used(searched, plain, folder):
    assert (folder / ".deocclude-index" / "index.json").is_file()
    picture = searched.references.pictures[0]
    assert (picture.path, picture.number) == (str(folder / "view.png"), 0)
    assert picture.probability > 0.5
    assert picture.pixels > 0.8 * hidden().sum()
    assert psnr(filled(searched), clean(), hidden()) > psnr(filled(plain), clean(), hidden()) + 4
    codes = searched.fills[TABLE].provenance[searched.fills[TABLE].hole]
    assert set(np.unique(codes)) <= {Provenance.REFERENCE, Provenance.DIFFUSION}
    assert searched.fills[TABLE].method.startswith("references")


@pytest.mark.parametrize("identity", [TABLE, BACKGROUND])
def test_a_mask_that_is_too_tight_does_not_colour_the_fill(identity, folder):
    blue, tight = photo(), np.zeros((HEIGHT, WIDTH), bool)
    blue[OCCLUDER] = (20, 60, 230)
    tight[82:148, 122:203] = True
    cat, table = scene().instances
    front = Mask.from_array(tight)
    listed = (replace(cat, modal=front), replace(table, modal=(table.modal | cat.modal) - front))
    given = Scene(scene().size, listed[:1] if identity == BACKGROUND else listed)
    found = run(open_project(Photo(blue), given), replace(FAST, reference=(str(folder / "view.png"),)))
    assert found.references.pictures[0].pixels > 0.8 * tight.sum()
    assert psnr(filled(found, identity), clean(), tight) > 28


def test_nothing_visible_changes(searched):
    assert np.array_equal(compose(searched.layers), photo())


def test_the_photo_itself_is_no_reference(searched, folder):
    listed = {picture.path: picture for picture in searched.references.pictures}
    assert listed[str(folder / "itself.png")].reason_rejected == "it is the photo itself"


def test_credits_of_the_folder_are_recorded(searched, folder):
    credit = searched.references.pictures[0].credit
    assert (credit.title, credit.licence, credit.creator) == ("A table", "CC BY 4.0", "A. Person")
    assert searched.references.pictures[1].credit == Credit()


def test_unrelated_references_change_no_byte(plain, tmp_path):
    names = ("astronaut", "chelsea", "rocket")
    files = [save(unrelated(name), tmp_path / f"{name}.png") for name in names]
    named = run(started(), replace(FAST, reference=tuple(map(str, files))))
    assert same_pixels(named, plain)
    assert [picture.pixels for picture in named.references.pictures] == [0, 0, 0]
    assert all(picture.reason_rejected and picture.number is None for picture in named.references.pictures)
    assert "none of 3 pictures" in named.records["references"].fallback_reason
    searched = run(started(), replace(FAST, references=(str(tmp_path),)))
    assert same_pixels(searched, plain)


def test_a_view_with_the_occluder_elsewhere_gives_nothing_of_it(plain, tmp_path):
    other = with_occluder(clean(), shift=40)
    found = run(started(), replace(FAST, reference=(str(save(other, tmp_path / "moved.png")),)))
    revealing = hidden() & ~np.roll(hidden(), -40, 1)
    part = found.references.parts[TABLE]
    taken = np.zeros((HEIGHT, WIDTH), bool)
    taken[part.box.slices] = part.hole
    assert (taken & revealing).sum() > 0.6 * revealing.sum()
    assert (taken & ~revealing).sum() < 0.05 * hidden().sum()
    assert psnr(filled(found), clean(), taken) > psnr(filled(plain), clean(), taken) + 4


def test_a_copy_of_the_photo_gives_nothing(plain, tmp_path):
    copy = tmp_path / "copy.jpg"
    Image.fromarray(photo()).save(copy, quality=85)
    found = run(started(), replace(FAST, reference=(str(copy),)))
    assert same_pixels(found, plain)
    assert "hides the object" in found.references.pictures[0].reason_rejected


def test_bad_files_are_listed_with_the_reason(plain, tmp_path):
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG no more")
    save(np.full((90, 120, 3), 200, np.uint8), tmp_path / "blank.png")
    clear = np.dstack([view(), np.zeros(view().shape[:2], np.uint8)])
    Image.fromarray(clear, "RGBA").save(tmp_path / "clear.png")
    save(photo(), tmp_path / "itself.png")
    files = tuple(str(tmp_path / name) for name in ("damaged.png", "blank.png", "clear.png", "itself.png"))
    found = run(started(), replace(FAST, reference=files))
    reasons = {picture.path.rpartition("/")[2]: picture.reason_rejected for picture in found.references.pictures}
    assert "damaged" in reasons["damaged.png"]
    assert "a blank one" in reasons["blank.png"]
    assert "transparent" in reasons["clear.png"]
    assert reasons["itself.png"] == "it is the photo itself"
    assert same_pixels(found, plain)


def test_a_transparent_part_of_a_reference_is_not_used(tmp_path):
    edge = 180
    alpha = np.full(view().shape[:2], 255, np.uint8)
    alpha[:, edge:] = 0
    Image.fromarray(np.dstack([view(), alpha]), "RGBA").save(tmp_path / "half.png")
    found = run(started(), replace(FAST, reference=(str(tmp_path / "half.png"),)))
    part = found.references.parts[TABLE]
    y, x = np.nonzero(part.hole)
    seen = apply(VIEW, np.stack([x + part.box.x0, y + part.box.y0], 1))
    assert len(seen) > 200
    assert seen[:, 0].max() < edge + 3


def test_a_close_up_of_what_hides_the_object_gives_nothing(plain, tmp_path):
    close = cv2.resize(photo()[95:135, 140:185], (320, 260), interpolation=cv2.INTER_CUBIC)
    found = run(started(), replace(FAST, reference=(str(save(close, tmp_path / "cat.png")),)))
    assert found.references.pictures[0].reason_rejected == "it shows nothing but other objects of the photo"
    assert same_pixels(found, plain)


def test_a_reference_that_is_all_mask_is_listed_with_the_reason(plain, tmp_path):
    mask = save(np.where(hidden(), np.uint8(255), np.uint8(0)), tmp_path / "mask.png")
    white = save(np.full((HEIGHT, WIDTH), 255, np.uint8), tmp_path / "white.png")
    found = run(started(), replace(FAST, reference=(str(mask), str(white))))
    reasons = {picture.path: picture.reason_rejected for picture in found.references.pictures}
    assert "matches" in reasons[str(mask)]
    assert "a blank one" in reasons[str(white)]
    assert same_pixels(found, plain)


def test_a_reference_of_50_megapixels_is_used(plain, tmp_path):
    huge = tmp_path / "huge.jpg"
    Image.fromarray(view()).resize((7820, 6440), Image.Resampling.BILINEAR).save(huge)
    found = run(started(), replace(FAST, reference=(str(huge),)))
    assert found.references.pictures[0].pixels > 0.8 * hidden().sum()
    assert psnr(filled(found), clean(), hidden()) > psnr(filled(plain), clean(), hidden()) + 4


def test_a_huge_reference_is_reduced(tmp_path, monkeypatch):
    monkeypatch.setattr(supply, "LARGEST", 20_000)
    reference = supply.load(save(view(), tmp_path / "huge.png"))
    assert reference.rgb.shape[0] * reference.rgb.shape[1] <= 21_000
    assert reference.features.size == reference.rgb.shape[:2]


def test_detail_far_finer_than_the_photo_is_left_out():
    rgb = cv2.resize(view(), (2000, 1600))
    shown = np.zeros(rgb.shape[:2], bool)
    shown[:, :1000] = True
    reference = supply.Reference(rgb, extract(rgb, shown), shown)
    assert reduced(reference, Size(500, 700)) is reference
    small = reduced(reference, Size(220, 300))
    assert small.rgb.shape == (1024, 1280, 3)
    assert small.features.size == small.shown.shape == (1024, 1280)
    assert small.shown[:, :639].all() and not small.shown[:, 641:].any()
    again = extract(small.rgb, small.shown).points
    nearest = np.linalg.norm(small.features.points[:, None] - again[None], axis=2).min(1)
    assert np.median(nearest) < 1


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"references": ("nowhere",)}, "nowhere: expected a folder of pictures, found no such folder"),
        ({"reference": ("nowhere.png",)}, "nowhere.png: expected a picture file, found no such file"),
        ({"reference": (".",)}, "expected a picture file, found a folder; name folders with --references"),
    ],
)
def test_what_is_not_there_is_refused_before_the_work(asked, line):
    with pytest.raises(InputError, match=line.replace(".", r"\.")):
        run(started(), replace(FAST, **asked), until="repair")


def test_an_empty_folder_says_so(plain, tmp_path):
    found = run(started(), replace(FAST, references=(str(tmp_path),)))
    assert same_pixels(found, plain)
    assert found.records["references"].notes == (f"no picture in {tmp_path}: nothing to search",)


def test_an_index_of_another_version_is_refused(searched, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    table = copy / ".deocclude-index" / "index.json"
    table.write_text(json.dumps({**json.loads(table.read_text()), "version": 99}))
    with pytest.raises(InputError, match="expected version 2, found 99"):
        run(started(), replace(FAST, references=(str(copy),)), until="repair")


def test_pictures_that_an_earlier_job_made_are_no_references(plain, tmp_path):
    write_project(plain, tmp_path / "library" / "job")
    found = run(started(), replace(FAST, references=(str(tmp_path / "library"),)))
    assert not found.references.pictures
    assert same_pixels(found, plain)


def test_the_category_is_part_of_the_question(folder, monkeypatch):
    asked = []

    def spy(index, views, *rest, **named):
        asked.extend(views)
        return Answer((), (), 0.0)

    monkeypatch.setattr(supply, "search", spy)
    run(started("table"), replace(FAST, references=(str(folder),)), until="references")
    assert {view.category for view in asked} == {"table", ""}  # "" is the background's


def test_a_rejected_reference_gives_nothing(searched, plain, folder):
    choice = Choice("/elsewhere/view.png", "reject", None, sha256(folder / "view.png"))
    corrected = replace(searched, corrections=searched.corrections.with_reference(choice))
    again = run(corrected, replace(FAST, references=(str(folder),)))
    listed = {picture.path: picture.reason_rejected for picture in again.references.pictures}
    assert listed[str(folder / "view.png")] == "rejected by hand"
    assert same_pixels(again, plain)
    freed = replace(again, corrections=again.corrections.without_reference(choice.path, choice.sha256))
    assert same_pixels(run(freed, replace(FAST, references=(str(folder),))), searched)


def test_a_picked_reference_outranks_agreement(monkeypatch, tmp_path):
    seen = []
    stitch = revealed.stitch

    def spy(photo, hole, usable, references, settings, **rest):
        seen.append(settings)
        return stitch(photo, hole, usable, references, settings, **rest)

    monkeypatch.setattr(revealed, "stitch", spy)
    choice = Choice(str(save(view(), tmp_path / "view.png")), "pick", TABLE)
    project = started()
    found = run(replace(project, corrections=project.corrections.with_reference(choice)), FAST)
    assert found.references.pictures[0].pixels > 0.7 * hidden().sum()
    assert [(one.verify, one.least_confidence) for one in seen] == [(False, 0.0)]
    assert BACKGROUND not in found.references.parts  # the pick was for the table only


def test_resuming_looks_at_nothing_again(searched, folder, tmp_path, no_stitching):
    settings = replace(FAST, references=(str(folder),))
    write_project(searched, tmp_path / "job")
    back = read_project(tmp_path / "job")
    assert back.references.pictures == searched.references.pictures
    assert stale_from(back, settings) is None
    again = run(back, replace(settings, edges="hard"))
    assert again.references is back.references
    assert again.layers.edges == "hard"


def test_other_painters_do_not_search_again(searched, folder, no_stitching):
    again = run(searched, replace(FAST, references=(str(folder),), fill="mean"))
    assert again.references.pictures == searched.references.pictures
    assert again.fills[TABLE].method in ("references", "references + mean")


def test_what_is_added_to_the_folder_is_seen_and_renaming_is_not(searched, folder, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / "copy")
    settings = replace(FAST, references=(str(copy),))
    with monkeypatch.context() as patch:
        patch.setattr(revealed, "stitch", None)  # not called: the pictures are the same
        moved = run(searched, settings)
    assert same_pixels(moved, searched)
    save(unrelated("rocket"), copy / "rocket.png")
    assert stale_from(moved, settings) == "references"


def test_without_its_references_a_project_keeps_what_it_has(searched, folder, tmp_path, no_stitching):
    copy = shutil.copytree(folder, tmp_path / "copy")
    settings = replace(FAST, references=(str(copy),))
    write_project(run(searched, settings), tmp_path / "job")
    shutil.rmtree(copy)
    back = read_project(tmp_path / "job")
    assert stale_from(back, settings) is None
    grown = back.amodal.masks[TABLE]
    smaller = run(replace(back, corrections=back.corrections.with_amodal(TABLE, back.scene[TABLE].modal)), settings)
    assert TABLE not in smaller.references.parts
    same = run(replace(back, corrections=back.corrections.with_amodal(TABLE, grown)), settings)
    assert same.references.parts[TABLE].hole.sum() == searched.references.parts[TABLE].hole.sum()
    assert "not on this machine" in same.records["references"].notes[0]


def test_a_rejection_counts_where_the_references_are_not(searched, plain, folder, tmp_path, no_stitching):
    copy = shutil.copytree(folder, tmp_path / "copy")
    settings = replace(FAST, references=(str(copy),))
    there = run(searched, settings)
    shutil.rmtree(copy)
    first = there.references.pictures[0]
    rejected = there.corrections.with_reference(Choice(first.path, "reject", None, first.sha256))
    done = run(replace(there, corrections=rejected), settings)
    assert {one.path: one.reason_rejected for one in done.references.pictures}[first.path] == "rejected by hand"
    assert same_pixels(done, plain)


def test_what_could_not_be_searched_is_made_up_for(searched, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    settings = replace(FAST, references=(str(copy),))
    home = run(searched, settings)
    copy.rename(tmp_path / "away")
    smaller = home.corrections.with_amodal(TABLE, home.scene[TABLE].modal)
    away = run(replace(home, corrections=smaller), settings)
    assert stale_from(away, settings) is None
    (tmp_path / "away").rename(copy)
    assert stale_from(away, settings) == "references"


def test_a_picked_file_that_is_gone_keeps_nobody_from_searching(folder, tmp_path):
    save(unrelated(), tmp_path / "astronaut.png")
    project = run(started(), replace(FAST, reference=(str(tmp_path / "astronaut.png"),)), until="references")
    gone = project.corrections.with_reference(Choice(str(tmp_path / "gone.png"), "pick", None, "0" * 64))
    done = run(replace(project, corrections=gone), replace(FAST, references=(str(folder),)), until="references")
    assert TABLE in done.references.parts
    listed = {picture.path: picture.reason_rejected for picture in done.references.pictures}
    assert "no such file" in listed[str(tmp_path / "gone.png")]


def test_no_references_takes_them_back(searched, plain):
    assert same_pixels(run(searched, FAST), plain)


def test_the_index_says_who_gave_what(searched, tmp_path):
    write_project(searched, tmp_path / "job")
    index = json.loads((tmp_path / "job" / "scene.json").read_text())
    first, *others = index["references"]["pictures"]
    assert first["licence"] == "CC BY 4.0"
    assert first["number"] == 0
    assert first["pixels"] == searched.references.pictures[0].pixels > 0
    assert first["reason_rejected"] is None
    assert all(other["reason_rejected"] for other in others)
    page = (tmp_path / "job" / "report.html").read_text()
    assert "CC BY 4.0" in page
    assert "A table" in page
    assert "it is the photo itself" in page
    codes = np.asarray(Image.open(tmp_path / "job" / "provenance.png"))
    assert (codes[hidden()] == Provenance.REFERENCE).mean() > 0.5


def test_what_other_objects_show_is_told_from_what_all_show():
    project = run(started(), FAST, until="amodal")
    holes = {hole.id: hole for hole in holes_of(project)}
    assert holes.keys() == {TABLE, BACKGROUND}
    assert holes[TABLE].foreign == project.scene[1].modal
    assert holes[BACKGROUND].foreign == holes[BACKGROUND].covered
    assert not holes[BACKGROUND].around & holes[BACKGROUND].shaded
    assert {id(hole.covered) for hole in holes.values()} == {id(holes[TABLE].covered)}  # not one a hole
