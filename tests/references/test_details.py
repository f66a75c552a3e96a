"""Details: signatures of key points, the inverted file over them, votes, and the shortlist they make."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reference_pictures import QUICK, photo

from deocclude.references import key_points, votes
from deocclude.references.index import Index
from deocclude.references.query import query_photo
from deocclude.references.search import SearchSettings, search
from deocclude.references.update import remove
from deocclude.references.verify import Verdict
from deocclude.references.vocabulary import load_vocabulary


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_set_bits_are_counted(values):
    assert key_points.ones(np.array(values, np.uint64)).tolist() == [value.bit_count() for value in values]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_pairs_are_those_of_an_exhaustive_search(seed, reach):
    chance = np.random.default_rng(seed)
    words, asked = chance.integers(0, 9, 60).astype(np.uint32), chance.integers(0, 12, 20)
    held, given_ = chance.integers(0, 2**16, 60).astype(np.uint64), chance.integers(0, 2**16, 20).astype(np.uint64)
    found = key_points.build(words, held).pairs(asked, given_, reach)
    distance = key_points.ones((given_[:, None] ^ held[None]).ravel()).reshape(20, 60)
    wanted = np.argwhere((asked[:, None] == words[None]) & (distance <= reach))
    assert sorted(zip(found.query.tolist(), found.key.tolist(), strict=True)) == [
        tuple(pair) for pair in wanted.tolist()
    ]
    assert np.array_equal(found.distance, distance[found.query, found.key])


def test_signatures_in_the_order_of_key_points():
    held = np.arange(50, dtype=np.uint64)
    assert np.array_equal(key_points.build(np.tile(np.arange(5, dtype=np.uint32), 10), held).by_key(), held)


def test_nothing_indexed_pairs_with_nothing():
    empty = key_points.build(np.zeros(0, np.uint32), np.zeros(0, np.uint64))
    assert len(empty.pairs(np.arange(3), np.zeros(3, np.uint64), 64).key) == 0


def test_signatures_tell_descriptors_of_a_word_apart(vocabulary_path):
    vocabulary = load_vocabulary(vocabulary_path)
    features = query_photo(photo("coffee"), settings=QUICK).features
    words = vocabulary.assign(features.descriptors)
    own = vocabulary.signatures(features.descriptors, words)
    noise = np.random.default_rng(0).normal(0, 0.02, features.descriptors.shape)
    again = vocabulary.signatures(np.asarray(features.descriptors + noise, np.float32), words)
    order = np.argsort(words, kind="stable")
    neighbours = words[order][1:] == words[order][:-1]
    others = key_points.ones(own[order][1:][neighbours] ^ own[order][:-1][neighbours])
    assert np.median(key_points.ones(own ^ again)) < 12 < 22 < np.median(others)


@pytest.mark.parametrize("candidates", [1, 3])
def test_matches_that_say_the_same_are_counted(candidates):
    chance = np.random.default_rng(1)
    shown = np.column_stack([chance.uniform(0, 200, (30, 2)), chance.uniform(3, 20, 30), chance.uniform(0, 360, 30)])
    angle, growth = np.radians(40), 1.7
    turn = growth * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    asked = np.column_stack([shown[:, :2] @ turn.T + (50, 20), growth * shown[:, 2], (shown[:, 3] + 40) % 360])
    wrong = chance.permutation(30)[:12]
    asked[wrong] = np.column_stack([chance.uniform(0, 400, (12, 2)), chance.uniform(1, 60, 12),
                                    chance.uniform(0, 360, 12)])  # fmt: skip
    sizes = np.full((candidates, 2), 200)
    of = np.full(30, candidates - 1)
    counts = votes.count(votes.guesses(of, np.arange(30), shown, asked, sizes), candidates)
    assert 18 <= counts[-1] <= 20
    assert not counts[:-1].any()
    one = votes.guesses(of, np.zeros(30, int), shown, asked, sizes)
    assert votes.count(one, candidates)[-1] == 1, "a key point votes once"


def small_on_noise() -> np.ndarray:
    """Return a photo of the collection, small and turned, on another that is not in it."""
    background = Image.fromarray(photo("retina")).resize((360, 300))
    inset = Image.fromarray(photo("coffee")).resize((110, 80)).rotate(15, expand=True)
    background.paste(inset, (120, 90))
    return np.asarray(background)


def test_what_is_small_in_the_query_is_found_by_details(built):
    index = Index(built)
    view = query_photo(small_on_noise(), settings=index.manifest.features)
    found = index.by_details([view])
    assert found[0].path.stem == "coffee"
    assert index.details(view).agreeing([(found[0].segment, found[0].row)])[0] >= 4
    assert found[0].path not in {hit.path for hit in index.by_details([view], without={found[0].path})}


def test_removed_pictures_are_not_found_by_details(built, collection):
    remove(built, [collection / "coffee.png"])
    index = Index(built)
    view = query_photo(small_on_noise(), settings=index.manifest.features)
    assert "coffee" not in {hit.path.stem for hit in index.by_details([view])}


def test_only_what_may_be_right_is_verified(built):
    index, looked = Index(built), []

    def never(index, hit, view):
        looked.append(hit.path.stem)
        return Verdict(0.0, 0, None, "none", "")

    view = query_photo(photo("coffee"), settings=index.manifest.features)
    answer = search(index, view, SearchSettings(always=1, agreeing=10), verifier=never)
    assert looked == ["coffee"]
    assert len(answer.ranked) > 1, "the others are ranked all the same"
    looked.clear()
    search(index, view, SearchSettings(agreeing=0), verifier=never)
    assert len(looked) == len(answer.ranked)


def test_a_query_without_key_points_shares_no_details(built):
    index = Index(built)
    view = query_photo(np.full((50, 60, 3), 128, np.uint8), settings=index.manifest.features)
    assert index.by_details([view]) == []
