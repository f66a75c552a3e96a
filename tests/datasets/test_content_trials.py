"""Content trials: what is whole, what hides it, and that nothing else of the photo changes."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from deocclude.datasets import whole_objects as objects_module
from deocclude.datasets.content_trials import DonorError, TrialSettings, cut_out, draw_extent, make_trials, place
from deocclude.datasets.saturated import CHAIR, drawer_and_chair, occluder_colour, saturated_trial
from deocclude.datasets.synthetic import SyntheticSettings
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.datasets.whole_objects import fitted, whole_objects
from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask, dilate


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("content") / "drawn"
    settings = SyntheticSettings(width=200, height=170, objects=(3, 6), smallest=50, truncation=0.1)
    write_dataset(target, 8, settings, seed=3, hidden=False)
    return target


@pytest.fixture(scope="module")
def whole(folder):
    return whole_objects(folder)


@pytest.fixture(scope="module")
def trials(whole):
    return list(make_trials(whole, whole, seed=1))


def test_whole_objects_are_whole(folder, whole):
    from deocclude.datasets.labelled_scenes import open_dataset

    scenes = {f"drawn/{item.scene.image_file}": item.scene for item in open_dataset(folder)}
    assert len(whole) >= 5
    for item in whole:
        truth = scenes[item.photo_key][int(item.key.split("#")[1])]
        assert truth.modal == item.mask
        assert truth.amodal.area <= truth.modal.area / (1 - objects_module.HIDDEN)
        assert item.mask.area >= objects_module.LEAST_AREA
        assert item.mask.box.grow(3).clip(item.mask.size) == item.mask.box.grow(3)


def test_all_hidden_objects_are_left_out(folder, whole):
    from deocclude.datasets.labelled_scenes import open_dataset

    known = {item.key for item in whole}
    for labelled in open_dataset(folder):
        for item in labelled.scene.instances:
            if item.modal.area < 0.99 * item.amodal.area:
                assert f"drawn/{labelled.scene.image_file}#{item.id}" not in known


def test_held_out_tenth_is_that_of_training(folder, whole, monkeypatch):
    chosen = sorted({item.photo_key for item in whole})[0].split("/")[1]
    monkeypatch.setattr("deocclude.datasets.whole_objects.is_validation", lambda key: key == chosen)
    assert {item.photo_key for item in whole_objects(folder, validation=True)} == {f"drawn/{chosen}"}


def test_only_the_occluder_changes_the_photo(trials):
    assert len(trials) >= 5
    for trial in trials:
        changed = np.any(trial.rgb != trial.truth, axis=2)
        near = dilate(trial.occluder, 2).to_array()
        assert not (changed & ~near).any()
        assert trial.modal.overlap(trial.hole) == 0
        assert (trial.modal | trial.hole) == trial.target
        assert trial.hole.area >= 64
        assert 0 < trial.share <= 0.9


def test_tight_masks_leave_a_rim_of_the_occluder_to_the_object(whole, trials):
    exact = {trial.key: trial for trial in trials}
    found = list(make_trials(whole, whole, TrialSettings(tight=2), seed=1))
    assert len(found) >= 3
    for trial in found:
        assert trial.hole.area >= 64
        if np.array_equal(trial.rgb, exact[trial.key].rgb):
            assert dilate(trial.occluder, 2).overlap(exact[trial.key].occluder) > 0
            assert trial.hole.area < exact[trial.key].hole.area
            assert not trial.hole - exact[trial.key].hole
            assert trial.modal.overlap(exact[trial.key].hole) > 0
    assert any(np.array_equal(trial.rgb, exact[trial.key].rgb) for trial in found)


def test_occluders_come_from_other_photos(whole):
    lone = [item for item in whole if item.photo_key == whole[0].photo_key]
    assert list(make_trials(lone, lone)) == []


def test_equal_seeds_give_equal_trials(whole, trials):
    again = {trial.key: trial for trial in make_trials(list(reversed(whole)), whole, seed=1, limit=4)}
    assert len(again) == 4
    for trial in trials:
        if trial.key in again:
            assert np.array_equal(trial.rgb, again[trial.key].rgb)
            assert trial.hole == again[trial.key].hole
    other = next(iter(make_trials(whole, whole, seed=2)))
    same = next(trial for trial in trials if trial.key == other.key)
    assert not np.array_equal(other.rgb, same.rgb)


def test_one_object_of_every_photo_first(whole, trials):
    photos = len({trial.photo_key for trial in trials})
    first = [trial.photo_key for trial in make_trials(whole, whole, seed=1, limit=photos)]
    assert len(set(first)) == photos


def test_shares_follow_the_settings():
    settings, rng = TrialSettings(), np.random.default_rng(0)
    drawn = np.array([draw_extent(settings, rng) for _ in range(2000)])
    assert (drawn[:, 1] >= 1.2 * drawn[:, 0]).all()
    assert np.quantile(drawn[:, 0], [0.25, 0.5, 0.75]) == pytest.approx([0.14, 0.25, 0.36], abs=0.03)


def test_an_occluder_is_laid_to_hide_what_is_asked():
    square = Mask.from_crop(np.ones((60, 50), bool), (70, 40), Size(200, 220))
    disc = np.hypot(*np.mgrid[-20:21, -20:21]) <= 20
    rng = np.random.default_rng(0)
    corners = set()
    for share in (0.05, 0.2, 0.4):
        for _ in range(5):
            corner = place(square, disc, share, rng)
            hidden = square.overlap(Mask.from_crop(disc, corner, square.size)) / square.area
            assert hidden == pytest.approx(share, abs=max(0.011, 0.11 * share))
            corners.add(corner)
    assert len(corners) > 10
    assert place(square, disc, 0.7, rng) is None


def test_large_shapes_are_placed_on_a_coarser_grid():
    square = Mask.from_crop(np.ones((600, 500), bool), (700, 400), Size(2000, 2200))
    disc = np.hypot(*np.mgrid[-300:301, -300:301]) <= 300
    corner = place(square, disc, 0.3, np.random.default_rng(0))
    hidden = square.overlap(Mask.from_crop(disc, corner, square.size)) / square.area
    assert hidden == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.5])
def test_a_cut_object_brings_nothing_of_its_surroundings(scale):
    photo = np.zeros((80, 90, 3), np.uint8)
    disc = Mask.from_array(np.hypot(*(np.mgrid[:80, :90] - np.array([40, 45])[:, None, None])) <= 25)
    photo[disc.to_array()] = (200, 100, 50)
    rgb, alpha = cut_out(photo, disc, scale)
    assert np.allclose(rgb[alpha > 0.05], (200, 100, 50), atol=0.5)
    assert alpha.sum() == pytest.approx(np.pi * 24**2 * scale**2, rel=0.05)
    assert alpha.max() <= 1


def test_objects_that_a_small_copy_of_their_photo_hardly_shows_are_left_out(tmp_path, whole):
    Image.new("RGB", (12, 10)).save(tmp_path / "small.png")
    thin = Mask.from_crop(np.ones((4, 300), bool), (40, 40), Size(400, 480))
    small = replace(whole[0], photo_path=tmp_path / "small.png", photo_key="small", mask=thin)
    assert not small.load()[1]
    assert list(make_trials([small], whole)) == []


def test_photos_without_masks_are_hidden_in_their_middle(tmp_path, whole):
    for number in range(2):
        pixels = np.random.default_rng(number).integers(0, 255, (120, 160, 3), np.uint8)
        (tmp_path / "bare" / "cat").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "bare" / "cat" / f"{number}.jpg")
    regions = whole_objects(tmp_path / "bare")
    assert [item.key for item in regions] == ["bare/cat/0.jpg#1", "bare/cat/1.jpg#1"]
    assert all(item.region for item in regions)
    assert regions[0].mask.area == pytest.approx(np.pi / 4 * 0.64 * 120 * 160, rel=0.01)
    with pytest.raises(InputError, match="objects with masks to paste.*--donors"):
        next(make_trials(regions, regions))
    assert len(list(make_trials(regions, whole))) == 2


def test_real_photos_make_trials(data_folder):
    if not (data_folder / "lmo").is_dir():
        pytest.skip("no lmo")
    whole = whole_objects(data_folder / "lmo")
    assert len(whole) == 161
    trials = list(make_trials(whole, whole, limit=3))
    assert len({trial.photo_key for trial in trials}) == 3
    assert all(trial.hole.area >= 64 for trial in trials)


def test_masks_follow_a_photo_of_another_size(whole):
    item = whole[0]
    half = Size(item.mask.size.height // 2, item.mask.size.width // 2)
    assert fitted(item.mask, half).size == half
    assert fitted(item.mask, half).area == pytest.approx(item.mask.area / 4, rel=0.1)
    assert fitted(item.mask, item.mask.size) is item.mask


def test_what_has_no_whole_object_is_refused(tmp_path, folder):
    with pytest.raises(InputError, match="a data set"):
        whole_objects(tmp_path / "absent")
    photo_free = tmp_path / "annotations.json"
    photo_free.write_bytes((folder / "annotations.json").read_bytes())
    with pytest.raises(InputError, match="unoccluded objects.*with a photo"):
        whole_objects(photo_free)


def test_saturated_scenes_have_one_vivid_colour():
    first, again, other = saturated_trial(0, 5), saturated_trial(0, 5), saturated_trial(1, 5)
    assert np.array_equal(first.rgb, again.rgb)
    assert first.key != other.key
    for trial in (first, other):
        colour = occluder_colour(trial)
        assert np.ptp(colour) > 200
        hole = trial.hole.to_array()
        assert np.linalg.norm(trial.truth[hole].mean(0) - colour) > 120


def test_drawer_and_chair_is_what_it_says():
    trial = drawer_and_chair()
    assert occluder_colour(trial) == pytest.approx(CHAIR, abs=1)
    assert 0.1 < trial.share < 0.3
    rows = trial.truth[trial.target.box.slices].mean((1, 2))
    assert np.ptp(rows) > 40
    assert replace(trial, key="x").hole == trial.hole


def test_a_damaged_photo_of_a_donor_is_named(whole, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(whole[0].photo_path.read_bytes()[:400])
    donor = replace(whole[0], key="other/broken.png#1", photo_key="other/broken.png", photo_path=broken)
    with pytest.raises(DonorError, match=r"broken\.png: expected a photo that can be read.* other/broken\.png#1 in it"):
        list(make_trials(whole, [donor], seed=1))
