"""The choice among candidates: the right one wins, a useless one changes nothing, all of it is told."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from deocclude.content import choose as choosing
from deocclude.content import painter
from deocclude.content.choice_model import Belief, ChoiceModel, bundled, from_json, to_json
from deocclude.content.choose import ChooseSettings, choose, choose_among_all
from deocclude.content.contest import COPIES, Candidate, from_picture, hold
from deocclude.content.fill import fill_hidden
from deocclude.content.painting import compose
from deocclude.content.patch import Patch, Provenance
from deocclude.content.probes import LARGEST, make_probes
from deocclude.errors import InputError
from deocclude.masks import Mask


def disc(height, width, radius):
    y, x = np.mgrid[:height, :width]
    return (y - height / 2) ** 2 + (x - width / 2) ** 2 <= radius**2


def patch_of(picture, hole, evidence=None, seed=0):
    spoilt = picture.copy()
    spoilt[hole] = [255, 0, 255]
    return Patch(spoilt, hole, ~hole if evidence is None else evidence, seed)


def stripes(side=96):
    y, x = np.mgrid[:side, :side]
    wave = np.where((x + y) % 12 < 6, 210, 60)
    return np.stack([wave, wave // 2, 255 - wave], 2).astype(np.uint8)


def gradient(side=96):
    y, x = np.mgrid[:side, :side]
    return np.stack([x + y // 2, 40 + 2 * y, 250 - 2 * x], 2).astype(np.uint8)


def grass(side=96):
    rough = np.random.default_rng(4).normal(0, 45, (side, side)).astype(np.float32)
    grey = 120 + cv2.GaussianBlur(rough, (0, 0), 1.0)
    return np.clip(np.stack([grey * 0.7, grey, grey * 0.5], 2), 0, 255).astype(np.uint8)


def candidates(*names):
    return [Candidate(name, painter(name)) for name in names]


def noise(name="noise"):
    def paint(patch):
        colours = np.random.default_rng(1).integers(0, 256, patch.rgb.shape).astype(np.float32)
        return compose(patch, colours, np.ones(patch.hole.shape, np.float32), Provenance.NETWORK, name)

    return Candidate(name, paint)


def error(painted, truth, hole):
    return float(np.sqrt(np.square(painted.rgb[hole].astype(float) - truth[hole]).mean()))


BASIC = ("biharmonic", "telea", "exemplar")


def test_texture_wins_on_stripes():
    picture, hole = stripes(), disc(96, 96, 15)
    patch = patch_of(picture, hole)
    painted = choose(candidates(*BASIC))(patch)
    assert (painted.provenance[hole] == Provenance.OWN_TEXTURE).all()
    assert error(painted, picture, hole) <= error(painter("exemplar")(patch), picture, hole) + 0.5
    assert painted.notes[0].startswith("exemplar 100%")


def test_diffusion_wins_on_a_gradient():
    picture, hole = gradient(), disc(96, 96, 15)
    painted = choose(candidates(*BASIC))(patch_of(picture, hole))
    assert (painted.provenance[hole] == Provenance.DIFFUSION).all()
    assert error(painted, picture, hole) < 1.5


def test_each_part_of_a_hole_is_won_by_who_is_right_there():
    picture = gradient(128)
    hole = np.zeros((128, 128), bool)
    hole[54:74, 20:108] = True
    left, right = picture.copy(), picture.copy()
    left[:, 64:], right[:, :64] = [255, 0, 0], [0, 0, 255]
    shown = np.ones(hole.shape, bool)
    two = [from_picture(name, rgb, shown, Provenance.REFERENCE + k) for k, (name, rgb) in
           enumerate({"a": left, "b": right}.items())]  # fmt: skip
    painted = choose([*candidates("mean"), *two])(patch_of(picture, hole))
    assert (painted.provenance[:, :40][hole[:, :40]] == Provenance.REFERENCE).all()
    assert (painted.provenance[:, 88:][hole[:, 88:]] == Provenance.REFERENCE + 1).all()
    far = hole & (np.abs(np.arange(128) - 63.5) > 24)
    assert error(painted, picture, far) < 8


@pytest.mark.parametrize("draw", [stripes, gradient, grass])
def test_a_useless_candidate_changes_nothing(draw):
    patch = patch_of(draw(), disc(96, 96, 15))
    without = choose(candidates(*BASIC))(patch)
    black = from_picture("black", np.zeros((96, 96, 3), np.uint8), np.ones((96, 96), bool), Provenance.REFERENCE)
    with_two = choose([*candidates(*BASIC), noise(), black])(patch)
    assert np.array_equal(without.rgb, with_two.rgb)
    assert np.array_equal(without.provenance, with_two.provenance)
    assert np.array_equal(without.confidence, with_two.confidence)


def test_a_candidate_known_by_name_is_not_trusted_when_it_fails():
    patch = patch_of(grass(), disc(96, 96, 15))
    without = choose(candidates("biharmonic", "telea"))(patch)
    spoilt = choose([*candidates("biharmonic", "telea"), noise("exemplar")])(patch)
    assert np.array_equal(without.rgb, spoilt.rgb)


def test_a_reference_that_fits_wins_where_it_shows_anything():
    picture, hole = grass(), disc(96, 96, 15)
    shown = np.zeros((96, 96), bool)
    shown[:, :56] = True
    reference = from_picture("reference 1", picture, shown, Provenance.REFERENCE + 1)
    painted = choose([*candidates(*BASIC), reference])(patch_of(picture, hole))
    inner = hole & (np.arange(96) < 46)
    assert (painted.provenance[inner] == Provenance.REFERENCE + 1).all()
    assert (painted.provenance[hole & ~shown] != Provenance.REFERENCE + 1).all()
    assert np.abs(painted.rgb[inner].astype(int) - picture[inner]).max() <= 1


def test_fine_detail_survives_the_mean():
    picture, hole = grass(), disc(96, 96, 15)
    patch = patch_of(picture, hole)

    def detail(painted):
        return np.abs(np.diff(painted.rgb.mean(2), axis=1))[(hole[:, 1:] & hole[:, :-1])].mean()

    smooth = choose(candidates(*BASIC), ChooseSettings(detail=0.0))(patch)
    sharp = choose(candidates(*BASIC), ChooseSettings(detail=0.03))(patch)
    assert detail(sharp) > 1.3 * detail(smooth)
    assert error(sharp, picture, hole) < 1.06 * error(smooth, picture, hole)


def test_maps_are_consistent():
    picture, hole = grass(), disc(96, 96, 15)
    patch = patch_of(picture, hole)
    painted = choose(candidates(*BASIC))(patch)
    assert painted.method == "chosen"
    assert np.array_equal(painted.rgb[~hole], patch.rgb[~hole])
    assert (painted.provenance[~hole] == Provenance.NOTHING).all()
    assert set(np.unique(painted.provenance[hole])) <= {Provenance.DIFFUSION, Provenance.OWN_TEXTURE}
    assert (painted.confidence[~hole] == 0).all()
    assert 0 < painted.confidence[hole].min() <= painted.confidence[hole].max() < 1
    assert painted.confidence.dtype == np.float32


def test_confidence_is_higher_where_it_is_easier():
    hole = disc(96, 96, 15)
    noise = np.random.default_rng(2).integers(0, 256, (96, 96, 3), np.uint8)
    sure, unsure = (
        choose(candidates(*BASIC))(patch_of(picture, hole)).confidence[hole].mean() for picture in (gradient(), noise)
    )
    assert sure > 0.9
    assert unsure < 0.3


def test_same_seed_same_result():
    patch = patch_of(grass(), disc(96, 96, 12), seed=3)
    first, second = (choose(candidates(*BASIC))(patch) for _ in range(2))
    assert np.array_equal(first.rgb, second.rgb)
    assert np.array_equal(first.confidence, second.confidence)
    assert first.notes == second.notes


def test_cost_is_bounded():
    asked = []
    hole = disc(96, 96, 15)

    def paint(patch):
        asked.append(int(patch.hole.sum()))
        return painter("telea")(patch)

    choose([Candidate("telea", paint)])(patch_of(grass(), hole))
    assert len(asked) <= 2 + COPIES
    assert sum(asked) <= 4 * hole.sum()


def test_a_thin_hole_is_left_to_the_safe_candidate():
    hole = np.zeros((60, 60), bool)
    hole[:, 30:33] = True
    painted = choose([*candidates("biharmonic"), noise()])(patch_of(gradient(60), hole))
    assert any("px wide" in note for note in painted.notes)
    assert error(painted, gradient(60), hole) < 1.5


def test_a_thin_hole_goes_to_the_next_candidate_where_the_safe_one_fails():
    def fail(patch):
        raise InputError("weights", "damaged ones")

    hole = np.zeros((60, 60), bool)
    hole[:, 30:33] = True
    painted = choose([Candidate("broken", fail), *candidates("biharmonic")])(patch_of(gradient(60), hole))
    assert any("broken left out" in note for note in painted.notes)
    assert error(painted, gradient(60), hole) < 1.5
    alone = choose([Candidate("broken", fail)])(patch_of(gradient(60), hole))
    assert "no painter can answer" in alone.fallback_reason
    assert any("broken left out" in note for note in alone.notes)


@pytest.mark.parametrize("side", [1, 2, 5, 9])
def test_tiny_objects(side):
    hole, evidence = np.zeros((12, 12), bool), np.zeros((12, 12), bool)
    hole[:side, :6], evidence[:side, 6:8] = True, True
    painted = choose(candidates(*BASIC))(patch_of(stripes(12), hole, evidence))
    assert (painted.provenance[hole] > Provenance.VISIBLE).all()
    assert np.isfinite(painted.confidence).all()


def test_nothing_visible():
    hole = np.ones((9, 9), bool)
    painted = choose(candidates(*BASIC))(patch_of(stripes(9), hole))
    assert (painted.rgb == 128).all()
    assert "no visible pixel" in painted.fallback_reason


def test_a_reference_paints_what_nothing_visible_says_anything_about():
    hole = np.ones((40, 40), bool)
    reference = from_picture("reference 1", stripes(40), hole, Provenance.REFERENCE)
    painted = choose([*candidates(*BASIC), reference])(patch_of(stripes(40), hole))
    assert np.array_equal(painted.rgb, stripes(40))


def test_a_candidate_that_breaks_is_named():
    def paint(patch):
        raise InputError("weights", "none")

    painted = choose([*candidates("biharmonic", "telea"), Candidate("broken", paint)])(
        patch_of(grass(), disc(96, 96, 12))
    )
    assert any("broken left out" in note for note in painted.notes)


def test_a_painter_that_cannot_be_had_is_named(monkeypatch):
    monkeypatch.setattr(choosing, "CANDIDATES", ("biharmonic", "no-such-painter"))
    choosing.available.cache_clear()
    painted = choose_among_all()(patch_of(gradient(), disc(96, 96, 12)))
    choosing.available.cache_clear()
    assert any("no-such-painter left out" in note for note in painted.notes)


def test_notes_tell_the_errors_on_the_tests():
    painted = choose(candidates(*BASIC))(patch_of(stripes(), disc(96, 96, 15)))
    line = next(note for note in painted.notes if "grey levels" in note)
    assert line.index("exemplar") < line.index("telea")
    assert line.index("exemplar") < line.index("biharmonic")


def test_probes_hide_what_they_ask_and_leave_most_visible():
    patch = replace(patch_of(grass(), disc(96, 96, 15)), corner=(7, 11))
    probes = make_probes(patch, 2)
    assert [probe.kind for probe in probes] == ["band", "copy", "copy"]
    for probe in probes:
        part = probe.box.slices
        assert (patch.evidence[part][probe.asked]).all()
        assert not (probe.patch.evidence & probe.asked).any()
        assert (probe.patch.rgb[probe.asked] == 128).all()
        assert probe.asked.sum() <= LARGEST * patch.evidence.sum()
        assert np.array_equal(probe.truth, patch.rgb[part])
        assert probe.patch.corner == (7 + probe.box.x0, 11 + probe.box.y0)


def test_a_picture_is_cut_by_the_corner_of_the_patch():
    picture = stripes()
    window = slice(20, 60), slice(30, 80)
    patch = replace(patch_of(picture[window], disc(40, 50, 9)), corner=(30, 20))
    contest = hold(patch, [from_picture("same", picture, np.ones((96, 96), bool), Provenance.REFERENCE)])
    assert np.array_equal(contest.answers[0].painted.rgb, picture[window])
    for probe, test in zip(contest.probes, contest.answers[0].tests, strict=True):
        assert np.array_equal(test, probe.truth[probe.asked])


def test_the_model_survives_being_written():
    model = ChoiceModel({"other": Belief((0.1, 0.0, 0.0, 0.5, 0.2), (1.0, 0.0, 0.0))}, about={"cases": 3})
    assert from_json(to_json(model)) == model
    assert "other" in bundled().beliefs


def test_fill_takes_the_choice_when_asked():
    picture = stripes()
    whole, front = np.zeros((96, 96), bool), np.zeros((96, 96), bool)
    whole[10:86, 10:86], front[30:50, 40:60] = True, True
    photo = picture.copy()
    photo[front] = [255, 0, 0]
    modal, amodal = Mask.from_array(whole & ~front), Mask.from_array(whole)
    fill = fill_hidden(photo, modal, amodal, instance_id=1, occluders=Mask.from_array(front), method="chosen")
    assert fill.method == "chosen"
    assert any("grey levels" in note for note in fill.notes)
    assert (fill.provenance[fill.hole] == Provenance.OWN_TEXTURE).all()
