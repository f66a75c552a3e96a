"""Order scores against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deocclude.datasets.synthetic import SyntheticSettings, generate
from deocclude.errors import InputError
from deocclude.evaluation.ordering import count, signed, summarise, truth, truth_as_annotated, truth_from_masks
from deocclude.geometry import Size
from deocclude.masks import Mask
from deocclude.ordering.pairs import PairwiseOrder
from deocclude.scene import Instance, Scene
from deocclude.stages import StageRecord

SIZE = Size(10, 20)


def _mask(x0, y0, x1, y1):
    full = np.zeros(SIZE, bool)
    full[y0:y1, x0:x1] = True
    return Mask.from_array(full)


def _scene(*pairs, order=None):
    items = tuple(Instance(k, modal, amodal=amodal) for k, (modal, amodal) in enumerate(pairs, start=1))
    return Scene(SIZE, items, order_truth=order)


def _order(front):
    front = np.asarray(front, float)
    return PairwiseOrder(tuple(range(1, len(front) + 1)), front, StageRecord("test"))


def test_the_object_seen_where_the_other_extends_is_in_front():
    behind = (_mask(0, 0, 5, 10), _mask(0, 0, 8, 10))
    front = (_mask(5, 0, 10, 10), _mask(5, 0, 10, 10))
    assert truth_from_masks(_scene(behind, front)).tolist() == [[False, False], [True, False]]
    assert truth_from_masks(_scene(front, behind)).tolist() == [[False, True], [False, False]]


def test_a_tie_goes_to_the_object_listed_first_and_nothing_hidden_is_no_relation():
    first = (_mask(0, 0, 5, 10), _mask(0, 0, 7, 10))
    second = (_mask(5, 0, 10, 10), _mask(3, 0, 10, 10))
    assert truth_from_masks(_scene(first, second)).tolist() == [[False, True], [False, False]]
    assert truth_from_masks(_scene(second, first)).tolist() == [[False, True], [False, False]]
    apart = ((_mask(0, 0, 5, 10),) * 2, (_mask(5, 0, 10, 10),) * 2)
    assert not truth_from_masks(_scene(*apart)).any()


def test_a_slit_or_a_diagonal_contact_parts_a_pair():
    behind = (_mask(0, 0, 4, 10), _mask(0, 0, 8, 10))
    front = (_mask(5, 0, 10, 10), _mask(5, 0, 10, 10))
    assert not truth_from_masks(_scene(behind, front)).any()
    corner = (_mask(0, 0, 5, 5), _mask(0, 0, 8, 8))
    assert not truth_from_masks(_scene(corner, (_mask(5, 5, 10, 10), _mask(5, 5, 10, 10)))).any()


def test_an_object_without_a_whole_mask_is_named():
    with pytest.raises(InputError, match="object 2"):
        truth_from_masks(_scene((_mask(0, 0, 2, 2), _mask(0, 0, 2, 2)), (_mask(4, 4, 5, 5), None)))


def test_annotated_truth_keeps_both_directions():
    whole = (_mask(0, 0, 2, 2), _mask(0, 0, 2, 2))
    scene = _scene(whole, whole, whole, order=frozenset({(1, 2), (2, 1), (3, 1)}))
    relations = truth_as_annotated(scene)
    assert relations.tolist() == [[False, True, False], [True, False, False], [True, False, False]]
    assert signed(relations).tolist() == [[0, 0, -1], [0, 0, 0], [1, 0, 0]]
    assert np.array_equal(truth(scene, "auto"), relations)
    with pytest.raises(InputError, match="annotated order"):
        truth(_scene(whole), "annotated")
    with pytest.raises(InputError, match="one of annotated, auto, masks"):
        truth(scene, "mask")


def test_counts_by_hand():
    relations = np.zeros((3, 3), bool)
    relations[0, 1] = relations[2, 0] = True
    found = count(_order([[0, 0.9, 0.8], [0.1, 0, 0.7], [0.2, 0.3, 0]]), relations)
    assert (found.correct, found.occluded, found.agreed, found.pairs) == (1, 2, 1, 3)
    assert found.recall == pytest.approx(1 / 2)
    assert found.precision == pytest.approx(1 / 3)
    assert found.f1 == pytest.approx(0.4)


def test_no_relation_predicted_on_an_occluded_pair_is_an_error_but_not_the_reverse():
    relations = np.array([[False, True], [False, False]])
    silent, loud = _order([[0, 0], [0, 0]]), _order([[0, 0.9], [0.1, 0]])
    assert count(silent, relations).correct == 0
    assert count(loud, relations).correct == 1
    nothing = np.zeros((2, 2), bool)
    assert count(loud, nothing).occluded == 0
    assert count(loud, nothing).agreed == 0
    assert count(silent, nothing).agreed == 1
    assert count(silent, nothing).f1 == 1


def test_mutual_pairs_count_in_recall_only():
    both = np.array([[False, True], [True, False]])
    found = count(_order([[0, 0.9], [0.8, 0]]), both)
    assert (found.occluded, found.recall, found.precision) == (0, 1, 1)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="truth"):
        count(_order([[0.0]]), np.zeros((2, 2), bool))


def test_accuracy_is_pooled_and_f1_is_a_mean_over_scenes():
    full = np.array([[False, True], [False, False]])
    right, wrong = _order([[0, 1], [0, 0]]), _order([[0, 0], [1, 0]])
    scores = summarise([count(right, full), count(wrong, full), count(right, full)])
    assert scores["acc_occpair"].counts == (2, 3)
    assert scores["f1"].value == pytest.approx(2 / 3)


@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=10)
def test_on_synthetic_scenes_both_truths_agree_where_masks_touch(seed):
    scene = generate(SyntheticSettings(width=120, height=90, objects=(3, 8)), seed).scene
    from_masks, annotated = truth_from_masks(scene), truth_as_annotated(scene)
    assert (annotated | ~from_masks).all()
    perfect = count(_order(annotated), from_masks)
    assert perfect.correct == perfect.occluded


def test_arrows_that_are_not_drawn_do_not_count_as_drawn():
    relations = np.array([[False, True], [False, False]])
    for front, drawn in ((0.45, 0), (0.55, 1)):
        found = count(PairwiseOrder((1, 2), np.array([[0.0, front], [0.2, 0.0]]), StageRecord("x")), relations)
        assert (found.correct, found.drawn, found.occluded) == (1, drawn, 1)
