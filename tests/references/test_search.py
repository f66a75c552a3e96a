"""Search: the shortlist is verified, "none" is an answer, what is certain early ends the work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reference_pictures import PHOTOS, QUICK, other_view, photo

from deocclude.geometry import Box, Size
from deocclude.references import colour
from deocclude.references.entries import EntrySettings, Kind, regions
from deocclude.references.index import BOTH, Hit, Index, Ranking
from deocclude.references.postings import build, merge, query_vector
from deocclude.references.query import query_photo
from deocclude.references.rerank import RerankSettings, rerank
from deocclude.references.search import SearchSettings, search
from deocclude.references.verify import Verdict


def asked(name):
    return query_photo(other_view(photo(name)), settings=QUICK)


@pytest.fixture(scope="module")
def index(library) -> Index:
    return Index(library / ".index")


def test_the_reference_is_found_and_the_rest_refused(index):
    answer = search(index, asked("coffee"))
    assert [one.hit.path.stem for one in answer.references] == ["coffee"]
    assert answer.ranked[0] is answer.references[0]
    assert answer.ranked[0].inliers > 20
    assert len(answer.ranked) == len(PHOTOS)


def test_none_is_an_answer(index):
    answer = search(index, query_photo(photo("retina"), settings=QUICK))
    assert answer.references == ()
    assert not answer.as_plain()["found"]
    assert len(answer.ranked) == len(PHOTOS)


def test_one_of_several_views_is_enough(index):
    answer = search(index, [asked("coffee"), query_photo(photo("retina"), settings=QUICK)])
    assert [one.hit.path.stem for one in answer.references] == ["coffee"]


def test_ranking_follows_the_verifier_and_stops_when_certain(index):
    calls = []

    def odd(index, hit, view):
        calls.append(hit)
        return Verdict(1.0 if len(calls) == 2 else 0.1, 9, None, "affine", "")

    first = index.query(asked("coffee"))
    answer = search(index, asked("coffee"), SearchSettings(enough=1, top=3, followed=0, rankings=(BOTH,)), verifier=odd)
    assert len(calls) == 2
    assert [one.hit.path for one in answer.ranked] == [first[1].path, first[0].path, first[2].path]
    assert answer.ranked[2].verdict is None
    assert answer.ranked[2].probability == 0


def test_colours():
    red, blue = (np.full((20, 20, 3), value, np.uint8) for value in ((200, 30, 30), (30, 30, 200)))
    both = np.concatenate([red, blue])
    signatures = np.stack([colour.signature(one) for one in (red, blue, both, both[::-1])])
    assert colour.similarity(signatures[0], signatures) == pytest.approx([1, 0, 0.5**0.5, 0.5**0.5], abs=0.02)
    use = np.zeros(both.shape[:2], bool)
    use[:20] = True
    assert np.array_equal(colour.signature(both, use), signatures[0])
    assert not colour.similarity(colour.signature(both, use & False), signatures).any()


def test_a_grid_covers_the_picture():
    size = Size(90, 150)
    found = regions(size, None, EntrySettings(grid=3))
    assert [one.kind for one in found] == [Kind.PICTURE, *[Kind.PATCH] * 9]
    covered = np.zeros(size, int)
    for one in found[1:]:
        assert one.box == one.box.clip(size)
        covered[one.box.slices] += 1
    assert covered.min() >= 1
    assert len(regions(size, None, EntrySettings(grid=0))) == 1


def test_postings_are_cosines():
    chance = np.random.default_rng(0)
    rarity = chance.uniform(0.1, 3, 50).astype(np.float32)
    entries, words = chance.integers(0, 7, 400), chance.integers(0, 50, 400)
    counts = np.zeros((7, 50))
    np.add.at(counts, (entries, words), 1)
    dense = np.sqrt(counts) * rarity
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    inverted = build(entries, words, rarity, 7)
    vector = query_vector(words[entries == 3], rarity)
    assert inverted.score(*vector, 7) == pytest.approx(dense @ dense[3], abs=2e-3)
    kept = np.array([0, -1, 1, 2, -1, 3, 4])
    merged = merge([(inverted, kept), (inverted, np.where(kept < 0, -1, kept + 5))])
    wanted = np.tile((dense @ dense[3])[kept >= 0], 2)
    assert merged.score(*vector, 10) == pytest.approx(wanted, abs=2e-3)
    assert not inverted.score(np.zeros(0, np.int64), np.zeros(0, np.float32), 7).any()


def test_neighbours_of_what_is_certain_are_followed(index):
    """A picture that the query does not show, but that shows what a certain one shows, is found through that."""
    query, seen = asked("coffee"), []

    def chain(index, hit, view):
        step = (Path(view.source).stem, hit.path.stem)
        seen.append(step)
        chances = {("", "coffee"): 1.0, ("coffee", "chelsea"): 0.9}
        return Verdict(chances.get(step, 0.0), 9, np.eye(3), "affine", "")

    answer = search(index, query, SearchSettings(neighbours=9), verifier=chain)
    best, second = answer.references
    assert (best.hit.path.stem, best.via) == ("coffee", None)
    assert second.hit.path.stem == "chelsea"
    assert second.probability == pytest.approx(0.9 * best.probability)
    assert second.via == best.hit.path
    assert second.verdict.target_from_source is None, "the transform is not one to the query"
    assert ("coffee", "coffee") not in seen
    assert len(seen) == len(set(seen))
    plain = search(index, query, SearchSettings(followed=0), verifier=chain)
    assert [one.hit.path.stem for one in plain.references] == ["coffee"]


def test_some_pictures_are_not_to_be_found(index):
    path = index.query(asked("coffee"))[0].path
    answer = search(index, asked("coffee"), without={path})
    assert path not in {one.hit.path for one in answer.ranked}
    assert len(answer.ranked) == len(PHOTOS) - 1
    assert answer.references == ()


def test_without_a_transform_nothing_is_a_reference(index):
    answer = search(index, asked("coffee"), verifier=lambda *given: Verdict(0.9, 0, None, "none", ""))
    assert answer.ranked[0].probability == 0.9
    assert answer.references == ()


def test_ranking_by_colours_alone(index):
    red = query_photo(np.full((200, 200, 3), (200, 40, 40), np.uint8), settings=QUICK)
    assert index.query(red, ranking=Ranking(words=1, colours=0))[0].score == 0
    best = index.query(red, len(PHOTOS), Ranking(words=0, colours=1))
    assert best[0].score == pytest.approx(max(one.colours for one in best), rel=0.25)
    assert best[0].score > 0


class _Graph:
    """An index of which only the neighbours are known."""

    def __init__(self, lists):
        self.lists = lists

    def neighbours(self, hit, top, ranking):
        return [_hit(name, score) for name, score in self.lists.get(hit.path.stem, ())][:top]


def _hit(name, score):
    return Hit(Path(name), Box(0, 0, 1, 1), score, 1.0, score, "", Kind.PICTURE, 0, 0)


def test_neighbours_vote():
    """b is a neighbour of the first, c one that is not mutual: b overtakes c, the first stays first."""
    shortlist = [_hit("a", 1.0), _hit("c", 0.5), _hit("b", 0.4), _hit("d", 0.1)]
    graph = _Graph({"a": [("b", 0.6), ("c", 0.6)], "b": [("a", 0.6)], "c": [("x", 0.9)], "d": [("b", 0.2)]})
    ranked = rerank(graph, shortlist, RerankSettings(weight=1.0))
    assert [one.path.stem for one in ranked] == ["a", "b", "c", "d"]
    assert ranked[1].score == pytest.approx(0.4 + 1.0)  # d's vote is not mutual
    assert ranked[2].score == pytest.approx(0.5)
    assert rerank(graph, shortlist, RerankSettings(weight=0.0)) == shortlist
    assert rerank(graph, []) == []
