import numpy as np
import pytest

from deocclude.datasets.composites import CompositeSettings, compose, whole_looking
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

SIZE = Size(160, 200)
ROWS, COLUMNS = np.mgrid[:160, :200]


def disc(x, y, radius):
    return Mask.from_array((ROWS - y) ** 2 + (COLUMNS - x) ** 2 <= radius**2)


def scene(*masks):
    return Scene(SIZE, tuple(Instance(k + 1, mask) for k, mask in enumerate(masks)))


BASE = scene(disc(60, 80, 30), disc(140, 80, 35))
DONORS = [disc(60, 60, 25), Mask.from_array((abs(ROWS - 80) < 12) & (abs(COLUMNS - 100) < 40))]
SETTINGS = CompositeSettings(gaps=(0,))


@pytest.mark.parametrize("seed", range(12))
def test_truth_agrees_with_the_masks(seed):
    made = compose(BASE, DONORS, SETTINGS, seed)
    items = made.scene.instances
    covered = np.zeros(SIZE, int)
    for item in items:
        covered += item.modal.to_array()
        assert (item.amodal is not None) == (item.id in made.laid)
        assert item.amodal is None or not item.modal - item.amodal
    assert covered.max() == 1
    whole = {item.id: item.amodal for item in items if item.amodal is not None}
    for front, behind in made.scene.order_truth:
        assert made.known(front, behind)
        if behind in whole and front in whole:
            assert whole[behind].overlap(whole[front])
    for one in items:
        for two in items:
            if one.id != two.id and two.id in whole and one.modal.overlap(whole[two.id]):
                assert (one.id, two.id) in made.scene.order_truth


def test_objects_come_above_and_below_and_side_by_side():
    above = below = apart = 0
    for seed in range(30):
        made = compose(BASE, DONORS, SETTINGS, seed)
        base = set(made.scene.ids) - made.laid
        above += sum(front in made.laid and behind in base for front, behind in made.scene.order_truth)
        below += sum(front in base and behind in made.laid for front, behind in made.scene.order_truth)
        apart += sum(all(k not in pair for pair in made.scene.order_truth) for k in made.laid)
    assert min(above, below, apart) >= 5


def test_every_object_stays_visible():
    for seed in range(10):
        for item in compose(BASE, DONORS, SETTINGS, seed).scene.instances:
            whole = item.amodal.area if item.amodal is not None else 0
            assert item.modal.area >= SETTINGS.min_visible * whole


def test_gaps_open_between_all():
    made = compose(BASE, DONORS, CompositeSettings(gaps=(3,)), 4)
    label = np.zeros(SIZE, int)
    for item in made.scene.instances:
        label[item.modal.to_array()] = item.id
    for step in (1, 2):
        assert ((label[:, step:] == 0) | (label[:, :-step] == 0) | (label[:, step:] == label[:, :-step])).all()


def test_equal_seeds_equal_composites():
    one, two = compose(BASE, DONORS, SETTINGS, (1, 2)), compose(BASE, DONORS, SETTINGS, (1, 2))
    assert one.scene == two.scene
    assert compose(BASE, DONORS, SETTINGS, (1, 3)).scene != one.scene


def test_whole_looking_leaves_out_occluded_and_cut_objects():
    front, behind = disc(100, 80, 25), disc(130, 80, 30)
    cut = disc(0, 20, 40)
    assert whole_looking(scene(front, behind - front, cut)) == [front]


def test_photo_without_objects():
    made = compose(scene(), DONORS, SETTINGS, 0)
    assert made.laid == set(made.scene.ids)


def test_a_thin_object_that_vanishes_when_made_small_is_not_laid():
    line = Mask.from_array(abs(ROWS - COLUMNS) < 1)
    for seed in range(8):
        for item in compose(BASE, [line], SETTINGS, seed).scene.instances:
            assert item.modal


def test_no_donor():
    with pytest.raises(ValueError, match="at least one whole object"):
        compose(BASE, [], SETTINGS, 0)
