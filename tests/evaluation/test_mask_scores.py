"""Amodal mask scores against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from deocclude.errors import InputError
from deocclude.evaluation.masks import by_hidden_share, count, measure, summarise
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.scene import Instance, Scene

ARRAYS = hnp.arrays(bool, (8, 9))


def _row(*columns):
    full = np.zeros((1, 20), bool)
    full[0, list(columns)] = True
    return Mask.from_array(full)


def test_counts_by_hand():
    found = count(_row(*range(6)), _row(*range(10)), _row(*range(8), 12))
    assert (found.both, found.either, found.true) == (8, 11, 10)
    assert (found.hidden_both, found.hidden_either) == (2, 5)
    assert found.hidden_share == pytest.approx(0.4)
    assert found.iou == pytest.approx(8 / 11)
    assert found.hidden_iou == pytest.approx(2 / 5)


@given(modal=ARRAYS, truth=ARRAYS, predicted=ARRAYS)
@settings(deadline=None)
def test_counts_agree_with_full_arrays(modal, truth, predicted):
    found = count(*(Mask.from_array(array) for array in (modal, truth, predicted)))
    assert found.both == (predicted & truth).sum()
    assert found.either == (predicted | truth).sum()
    assert found.hidden_both == (predicted & truth & ~modal).sum()
    assert found.hidden_either == ((predicted | truth) & ~modal).sum()
    assert found.hidden_share == pytest.approx((truth & ~modal).sum() / truth.sum() if truth.any() else 0.0)


def test_pooled_and_mean_differ_as_they_should():
    large, small = count(_row(*range(9)), _row(*range(10)), _row(*range(10))), count(_row(0), _row(0, 1), _row(0))
    scores = summarise([[large], [small]])
    assert scores["iou"].counts == (11, 12)
    assert scores["mean_iou"].value == pytest.approx((1 + 0.5) / 2)
    assert scores["pacc"].counts == (11, 12)
    assert scores["hidden_iou"].counts == (1, 2)
    assert scores["mean_iou_occluded"].counts == (1.5, 2)
    assert scores["mean_hidden_iou"].counts == (1, 2)


def test_unoccluded_objects_count_in_the_pool_and_not_in_the_occluded_mean():
    whole = count(_row(0, 1), _row(0, 1), _row(0, 1, 2))
    scores = summarise([[whole]])
    assert scores["hidden_iou"].counts == (0, 1)
    assert np.isnan(scores["mean_iou_occluded"].value)


def test_bins_part_the_objects():
    rows = [count(_row(*range(20 - hidden)), _row(*range(20)), _row(*range(20))) for hidden in (0, 1, 5, 6, 10, 11, 20)]
    bins = by_hidden_share([rows])
    assert [scores["mean_iou"].counts[1] for scores in bins.values()] == [1, 2, 2, 2]
    assert list(bins) == ["0", "0-.25", ".25-.5", ".5-1"]


def test_only_scored_objects_count():
    items = tuple(Instance(k, _row(k), amodal=_row(k, k + 1) if k < 3 else None) for k in (1, 2, 3))
    scene = Scene(Size(1, 20), items)
    predicted = {k: _row(k) for k in (1, 2, 3)}
    assert [row.instance_id for row in measure(scene, predicted)] == [1, 2]
    assert [row.instance_id for row in measure(scene, predicted, {2})] == [2]
    with pytest.raises(InputError, match="true amodal mask"):
        measure(scene, predicted, {3})
    with pytest.raises(InputError, match=r"object 2.*predicted amodal mask"):
        measure(scene, {1: _row(1)})
