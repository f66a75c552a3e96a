"""Repair of masks: no overlaps, no slits between neighbours, nothing lost."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.repair import RepairReport, repair
from deocclude.scene import Instance, Scene

SIZE = Size(24, 40)
RECTANGLES = st.tuples(st.integers(-3, 36), st.integers(-3, 20), st.integers(1, 16), st.integers(1, 14))


def block(x: int, y: int, width: int, height: int, size: Size = SIZE) -> Mask:
    return Mask.from_crop(np.ones((height, width)), (x, y), size)


def scene(*masks: Mask, **more) -> Scene:
    return Scene(masks[0].size, tuple(Instance(k, mask, **more) for k, mask in enumerate(masks, 1)))


def scenes(rectangles: list[tuple[int, int, int, int]]) -> Scene:
    return scene(*(block(*rectangle) for rectangle in rectangles))


@pytest.mark.parametrize("gap", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("max_gap", [1, 3, 4, 6])
def test_slit_is_closed_half_and_half(gap, max_gap):
    """Two blocks from the picture's top to its bottom."""
    first, second = block(5, 0, 8, 24), block(13 + gap, 0, 8, 24)
    fixed, report = repair(scene(first, second), max_gap=max_gap)
    if gap > max_gap:
        assert fixed == scene(first, second)
        assert report == RepairReport()
        return
    left, right = fixed.modal
    assert left == block(5, 0, 8 + (gap + 1) // 2, 24)
    assert right == block(13 + (gap + 1) // 2, 0, 8 + gap // 2, 24)
    expected = {(1, 2): 24 * ((gap + 1) // 2), (2, 1): 24 * (gap // 2)}
    assert report.gaps == {pair: count for pair, count in expected.items() if count}
    assert report.lines() == (f"{24 * gap} px of slits between neighbours closed",)


def test_slit_is_not_closed_towards_the_open_background():
    fixed, report = repair(scene(block(5, 6, 8, 12), block(14, 6, 8, 12)))
    assert report.gaps == {(1, 2): 12}
    assert fixed.modal[0] == block(5, 6, 9, 12)


def test_open_corner_of_touching_blocks_is_not_filled():
    upright, flat = block(5, 0, 8, 24), block(13, 12, 20, 12)
    _, report = repair(scene(upright, flat))
    assert sum(report.gaps.values()) <= 1


def test_notches_and_holes_of_one_object_stay():
    comb = block(5, 5, 20, 10) - block(9, 5, 2, 8) - block(15, 7, 3, 3)
    fixed, report = repair(scene(comb, block(25, 5, 8, 10)))
    assert report == RepairReport()
    assert fixed.modal[0] == comb


def test_nothing_to_do_gives_the_equal_scene():
    masks = block(5, 5, 10, 10), block(15, 5, 10, 10), block(31, 15, 3, 3)
    fixed, report = repair(scene(*masks))
    assert fixed == scene(*masks)
    assert report == RepairReport()
    assert report.lines() == ()


def test_smaller_object_wins_an_overlap():
    large, small = block(5, 5, 20, 14), block(10, 10, 5, 5)
    fixed, report = repair(scene(large, small))
    assert fixed.modal == (large - small, small)
    assert report.overlaps == {(2, 1): 25}
    assert report.lines() == ("25 px claimed twice, in 1 pairs of objects",)


def test_annotated_rank_wins_an_overlap():
    large, small = block(5, 5, 20, 14), block(10, 10, 5, 14)
    ranked = Scene(SIZE, (Instance(1, large, depth_rank=1), Instance(2, small, depth_rank=2)))
    fixed, report = repair(ranked, max_gap=0)
    assert fixed.modal[0] == large
    assert report.overlaps == {(1, 2): large.overlap(small)}


def test_ranks_of_clusters_do_not_compare():
    large, small = block(5, 5, 20, 14), block(10, 10, 5, 5)
    clustered = Scene(SIZE, (Instance(1, large, depth_rank=1, cluster=1), Instance(2, small, depth_rank=2, cluster=2)))
    assert repair(clustered)[1].overlaps == {(2, 1): 25}


def test_ranks_within_a_cluster_win_an_overlap():
    large, small = block(5, 5, 20, 14), block(10, 10, 5, 5)
    clustered = Scene(SIZE, (Instance(1, large, depth_rank=1, cluster=4), Instance(2, small, depth_rank=2, cluster=4)))
    assert repair(clustered)[1].overlaps == {(1, 2): 25}


def test_an_object_without_a_rank_wins_by_its_size_only():
    large, small = block(5, 5, 20, 14), block(10, 10, 5, 5)
    assert repair(Scene(SIZE, (Instance(1, small, depth_rank=1), Instance(2, large))))[1].overlaps == {(1, 2): 25}
    assert repair(Scene(SIZE, (Instance(1, large, depth_rank=1), Instance(2, small))))[1].overlaps == {(2, 1): 25}


def test_duplicates_are_dropped_and_reported():
    mask = block(4, 4, 6, 6)
    fixed, report = repair(scene(mask, mask, mask))
    assert fixed.ids == (1,)
    assert report.dropped == (2, 3)
    assert report.overlaps == {(1, 2): 36, (1, 3): 36}
    assert report.lines()[1:] == (
        "object 2 dropped: every pixel of it belongs to another object",
        "object 3 dropped: every pixel of it belongs to another object",
    )


def test_dropped_objects_leave_the_annotated_order():
    mask = block(4, 4, 6, 6)
    whole = Scene(SIZE, scene(mask, mask).instances, order_truth=frozenset({(1, 2)}))
    assert repair(whole)[0].order_truth == frozenset()


def test_amodal_truth_stays_a_superset():
    first, second = block(5, 0, 8, 24), block(15, 0, 8, 24)
    whole = Scene(SIZE, (Instance(1, first, amodal=first), Instance(2, second)))
    fixed, _ = repair(whole)
    assert fixed.instances[0].amodal == fixed.modal[0] == block(5, 0, 9, 24)
    assert fixed.instances[1].amodal is None


def test_no_gap_is_closed_on_demand():
    touching = scene(block(5, 0, 8, 24), block(14, 0, 8, 24))
    assert repair(touching, max_gap=0) == (touching, RepairReport())


@settings(deadline=None, max_examples=150)
@given(st.lists(RECTANGLES, min_size=1, max_size=6), st.integers(0, 6))
def test_repaired_masks_are_disjoint_complete_and_final(rectangles, max_gap):
    before = scenes([rectangle for rectangle in rectangles if block(*rectangle)] or [(0, 0, 2, 2)])
    after, report = repair(before, max_gap=max_gap)
    claimed = np.any([mask.to_array() for mask in before.modal], axis=0)
    owners = np.sum([mask.to_array() for mask in after.modal], axis=0)
    assert owners.max() == 1
    assert (owners[claimed] == 1).all()
    assert (owners.sum() - claimed.sum()) == sum(report.gaps.values())
    again, nothing = repair(after, max_gap=max_gap)
    assert again == after
    assert nothing == RepairReport()


@settings(deadline=None)
@given(st.lists(RECTANGLES, min_size=2, max_size=4), st.permutations([0, 1, 2, 3]))
def test_claimed_and_closed_pixels_do_not_depend_on_the_order_of_objects(rectangles, order):
    whole = scenes([rectangle for rectangle in rectangles if block(*rectangle)] or [(0, 0, 2, 2)])
    shuffled = Scene(SIZE, tuple(whole.instances[k] for k in order if k < len(whole)))
    first, second = (np.any([m.to_array() for m in repair(s)[0].modal], axis=0) for s in (whole, shuffled))
    assert np.array_equal(first, second)


def test_cost_does_not_depend_on_the_size_of_the_photo():
    size = Size(2**20, 2**20)
    masks = [block(1000 * k, 5000, 100, 100, size) for k in range(5)]
    masks += [block(1000 * k + 102, 5000, 100, 100, size) for k in range(5)]
    watch = time.perf_counter()
    _, report = repair(scene(*masks))
    assert time.perf_counter() - watch < 10
    assert sum(report.gaps.values()) == 5 * 200


def test_nearly_the_same_masks_are_told():
    size = Size(60, 60)
    boxes = [(10, 10, 50, 50), (10, 10, 50, 51), (10, 10, 50, 50), (12, 12, 40, 40)]
    masks = [Mask.from_crop(np.ones((y1 - y0, x1 - x0), bool), (x0, y0), size) for x0, y0, x1, y1 in boxes]
    scene = Scene(size, tuple(Instance(k, mask) for k, mask in enumerate(masks, start=1)))
    _, report = repair(scene)
    assert report.dropped == (3,)
    assert report.alike == ((1, 3), (1, 2))
    assert report.lines()[1:] == (
        "object 3 dropped: every pixel of it belongs to another object",
        "objects 1 and 2 have nearly the same mask: if they are one thing, leave one out",
    )
