"""Synthetic scenes: the truth they tell must hold exactly."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deocclude.datasets.placement import open_gaps
from deocclude.datasets.shapes import FAMILIES, rasterise
from deocclude.datasets.synthetic import SyntheticSettings, check, generate
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.datasets.textures import PATTERNS, surface
from deocclude.errors import InputError
from deocclude.formats import read_scenes
from deocclude.geometry import Size
from deocclude.masks import Mask, dilate, union

SMALL = SyntheticSettings(width=160, height=120, objects=(3, 10))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_fills_its_extent(family):
    for seed in range(3):
        alpha = rasterise(FAMILIES[family](np.random.default_rng(seed)), 40, angle=seed)
        assert max(alpha.shape) == 40
        assert (alpha > 127).mean() > 0.05
        assert np.array_equal(alpha, rasterise(FAMILIES[family](np.random.default_rng(seed)), 40, angle=seed))


@pytest.mark.parametrize("family", ["ring", "frame"])
def test_holes_are_holes(family):
    alpha = rasterise(FAMILIES[family](np.random.default_rng(0)), 40)
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 0


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_patterns_stay_in_range(pattern):
    value = PATTERNS[pattern](np.random.default_rng(1), 30, 50)
    assert value.shape == (30, 50)
    assert value.dtype == np.float32
    assert 0 <= value.min() <= value.max() <= 1


def test_surfaces_differ():
    rng = np.random.default_rng(0)
    means = [surface(rng, 16, 16).mean((0, 1)) for _ in range(8)]
    assert np.std(means, axis=0).min() > 10


@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=15)
def test_masks_and_colours_are_exact(seed):
    made = generate(SMALL, seed)
    scene = check(made.scene)
    for item, hidden in zip(scene.instances, made.hidden, strict=True):
        assert item.id == hidden.instance_id
        assert Mask.from_crop(hidden.alpha, hidden.box[:2], scene.size) == item.amodal
        seen = item.modal.crop(hidden.box)
        assert np.array_equal(made.photo[hidden.box.slices][seen], hidden.rgb[seen])
    ground = ~union(scene.modal, scene.size).to_array()
    assert np.array_equal(made.photo[ground], made.background_shaded[ground])


@given(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=15)
def test_order_follows_depth_and_only_where_something_is_hidden(seed):
    scene = generate(SMALL, seed).scene
    rank = {item.id: item.depth_rank for item in scene.instances}
    for front, behind in scene.order_truth:
        assert rank[front] < rank[behind]
        assert scene[front].modal.overlap(scene[behind].amodal) > 0
    for item in scene.instances:
        assert (item.modal != item.amodal) == any(behind == item.id for _, behind in scene.order_truth)


def test_equal_seeds_give_equal_scenes_and_others_do_not():
    first, again, other = generate(SMALL, 5), generate(SMALL, 5), generate(SMALL, 6)
    assert np.array_equal(first.photo, again.photo)
    assert first.scene == again.scene
    assert not np.array_equal(first.photo, other.photo)


def test_numbering_tells_nothing_about_depth():
    agree = []
    for seed in range(25):
        ranks = [item.depth_rank for item in generate(SMALL, seed).scene.instances]
        agree += [a < b for k, a in enumerate(ranks) for b in ranks[k + 1 :]]
    assert 0.4 < np.mean(agree) < 0.6


@pytest.mark.parametrize("gap", [1, 2, 3, 6])
def test_gap_parts_all_masks_and_leaves_the_truth_alone(gap):
    made = generate(replace(SMALL, gap=gap), 3)
    scene = check(made.scene, exact=False)
    for item, hidden in zip(scene.instances, made.hidden, strict=True):
        assert Mask.from_crop(hidden.alpha, hidden.box[:2], scene.size) == item.amodal
    assert scene.order_truth
    for i, first in enumerate(scene.modal):
        assert first
        for second in scene.modal[i + 1 :]:
            assert not dilate(first, gap).overlap(second)


@pytest.mark.parametrize("gap", [0, 1, 3, 4])
def test_gap_is_no_wider_than_asked(gap):
    left = np.zeros((20, 40), bool)
    left[:, :20] = True
    opened = open_gaps((Mask.from_array(left), Mask.from_array(~left)), gap)
    assert opened[0].area + opened[1].area == 20 * (40 - gap)


@pytest.mark.parametrize("seed", range(6))
def test_mutual_scenes_hold_a_pair_that_hide_each_other(seed):
    made = generate(replace(SMALL, mutual=1.0), seed)
    scene = check(made.scene, exact=False)
    assert any((behind, front) in scene.order_truth for front, behind in scene.order_truth)
    for item, hidden in zip(scene.instances, made.hidden, strict=True):
        seen = item.modal.crop(hidden.box)
        assert np.array_equal(made.photo[hidden.box.slices][seen], hidden.rgb[seen])


def test_shadows_darken_what_lies_below():
    plain, shaded = (generate(replace(SMALL, shadows=share, noise=0.0), 4) for share in (0.0, 1.0))
    assert np.array_equal(plain.background, plain.background_shaded)
    assert np.array_equal(plain.background, shaded.background)
    assert (shaded.background_shaded <= shaded.background).all()
    assert (shaded.background_shaded < shaded.background).any()
    assert plain.scene == shaded.scene


def test_soft_edges_keep_the_masks():
    hard, soft = generate(SMALL, 7), generate(replace(SMALL, soft_edges=True), 7)
    assert hard.scene == soft.scene
    changed = (hard.photo != soft.photo).any(2)
    assert 0 < changed.mean() < 0.2


def test_sizes_and_counts_follow_the_settings():
    many = generate(SyntheticSettings(width=640, height=480, objects=(30, 30)), 0).scene
    assert 25 <= len(many) <= 30
    sides = [
        max(item.amodal.box[2] - item.amodal.box[0], item.amodal.box[3] - item.amodal.box[1])
        for seed in range(10)
        for item in generate(replace(SMALL, truncation=0.0), seed).scene.instances
    ]
    assert min(sides) >= 9
    assert max(sides) <= 80
    assert max(sides) > 60


def test_truncation_cuts_objects_at_the_border():
    def touches_border(share):
        scenes = [generate(replace(SMALL, truncation=share, crowding=0.0), seed).scene for seed in range(10)]
        boxes = [item.amodal.box for scene in scenes for item in scene.instances]
        return np.mean([b.x0 == 0 or b.y0 == 0 or b.x1 == 160 or b.y1 == 120 for b in boxes])

    assert touches_border(0.0) == 0
    assert touches_border(1.0) > 0.1


def test_settings_out_of_range_are_refused():
    with pytest.raises(InputError, match="gap: expected 0 to 6, found 9"):
        SyntheticSettings(gap=9)
    with pytest.raises(InputError, match="objects"):
        SyntheticSettings(objects=(5, 2))
    with pytest.raises(InputError, match="did you mean 'blob'"):
        generate(SyntheticSettings(families=("blobb",)), 0)


def test_check_refuses_what_is_wrong():
    scene = generate(SMALL, 0).scene
    whole = scene.with_modal([item.amodal for item in scene.instances])
    with pytest.raises(ValueError, match="overlaps"):
        check(whole, exact=False)
    first = scene.instances[0]
    box = first.modal.box
    smaller = first.modal - Mask.from_crop(np.ones((1, box.width), bool), (box.x0, box.y0), scene.size)
    with pytest.raises(ValueError, match="whole minus"):
        check(scene.with_modal([smaller, *scene.modal[1:]]))
    everything = Mask.from_array(np.ones(scene.size, bool))
    with pytest.raises(ValueError, match="not part"):
        check(scene.with_modal([everything, *scene.modal[1:]]))


def test_data_set_on_disk_reads_back_exactly(tmp_path):
    write_dataset(tmp_path / "set", 3, replace(SMALL, gap=2, mutual=0.5), seed=9)
    scenes = list(read_scenes(tmp_path / "set" / "annotations.json"))
    assert len(scenes) == 3
    for number, read in enumerate(scenes):
        made = generate(replace(SMALL, gap=2, mutual=0.5), (9, number))
        photo = np.asarray(Image.open(tmp_path / "set" / "photos" / read.image_file))
        assert np.array_equal(photo, made.photo)
        assert read.size == Size(120, 160)
        assert [(i.id, i.modal, i.amodal, i.depth_rank) for i in read.instances] == [
            (i.id, i.modal, i.amodal, i.depth_rank) for i in made.scene.instances
        ]
        assert read.order_truth == made.scene.order_truth
        whole = np.asarray(Image.open(tmp_path / "set" / "hidden" / f"{number:06d}" / "1.png"))
        assert np.array_equal(whole[..., 3] > 0, made.scene[1].amodal.to_array())
    about = json.loads((tmp_path / "set" / "synthetic.json").read_text())
    assert about["settings"]["gap"] == 2
