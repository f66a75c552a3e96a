"""Rivals: what different things show as well makes none of them probable."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from reference_pictures import QUICK, other_view, photo

from deocclude.references.index import Index
from deocclude.references.query import query_photo
from deocclude.references.rivals import EXPANDED, FLOOR, MOST_LEAD, MOST_ODDS, UNKNOWN, bundled, measures, rivals
from deocclude.references.search import SearchSettings, search
from deocclude.references.verify import NO_TRANSFORM, Verdict

ALIKE = "alike"


def verdict(probability, alike=0):
    return Verdict(probability, alike, np.eye(3), "affine", "", {ALIKE: math.log1p(alike)})


def paths(names):
    return [Path(name) for name in names]


def beside(names, near, asked=None):
    """Return a comparison of neighbours: of each name a list of (name, probability, matches alike)."""

    def compare(place):
        if asked is not None:
            asked.append(names[place])
        return [(Path(name), verdict(*said)) for name, *said in near.get(names[place], ())]

    return compare


def test_views_of_one_thing_are_no_rivals():
    near = {"a": [("b", 0.99, 80)], "b": [("a", 0.99, 80)], "c": []}
    assert rivals(paths("abc"), [0.9, 0.8, 0.5], beside("abc", near)) == [0.5, 0.5, 0.9]


def test_the_order_of_the_list_does_not_matter():
    near = {"a": [("b", 0.99, 80)], "b": [("a", 0.99, 80)], "c": []}
    assert rivals(paths("cba"), [0.5, 0.8, 0.9], beside("cba", near)) == [0.9, 0.5, 0.5]


def test_things_in_the_same_surroundings_stay_apart():
    """a and x match by what stands around them, but each shares far more with its own other view."""
    near = {"a": [("a2", 0.99, 90), ("x", 0.95, 20)], "x": [("x2", 0.99, 90), ("a", 0.95, 20)]}
    assert rivals(paths("ax"), [0.9, 0.85], beside("ax", near)) == [0.85, 0.9]
    alone = {"a": [("x", 0.95, 20)], "x": [("a", 0.95, 20)]}
    assert rivals(paths("ax"), [0.9, 0.85], beside("ax", alone)) == [UNKNOWN, UNKNOWN]


def test_doubtful_neighbours_join_nothing():
    near = {"a": [("b", 0.6, 80)], "b": [("a", 0.6, 80)]}
    assert rivals(paths("ab"), [0.9, 0.8], beside("ab", near)) == [0.8, 0.9]


def test_what_is_improbable_is_no_rival_and_is_not_looked_at():
    asked = []
    assert rivals(paths("ab"), [0.9, FLOOR - 0.01], beside("ab", {}, asked)) == [UNKNOWN, UNKNOWN]
    assert asked == []
    assert rivals([], [], beside("", {})) == []


def test_comparing_stops_when_all_show_one_thing():
    asked = []
    near = {"a": [("b", 0.99, 80), ("c", 0.99, 70)]}
    assert rivals(paths("abc"), [0.9, 0.8, 0.7], beside("abc", near, asked)) == [UNKNOWN] * 3
    assert asked == ["a"]


def test_of_many_pictures_only_the_best_are_compared_and_the_others_are_no_rivals():
    names = [chr(ord("a") + number) for number in range(EXPANDED + 4)]
    asked = []
    found = rivals(paths(names), np.linspace(0.9, 0.5, len(names)).tolist(), beside(names, {}, asked))
    assert asked == names[:EXPANDED]
    assert found[0] == pytest.approx(np.linspace(0.9, 0.5, len(names))[1])
    assert found[1] == 0.9
    assert found[-1] == UNKNOWN


def test_measures_are_bounded():
    assert measures(1.0, UNKNOWN) == (MOST_ODDS, MOST_LEAD)
    assert measures(0.5, 0.5) == (0.0, 0.0)
    assert measures(0.9, 0.99)[1] < 0


def test_a_rival_makes_a_picture_less_probable():
    model = bundled()
    assert model.probability(0.99, UNKNOWN) > model.probability(0.99, 0.9) > model.probability(0.99, 0.99)
    assert model.probability(0.999, UNKNOWN) > model.probability(0.9, UNKNOWN) > model.probability(0.5, UNKNOWN)
    accept = SearchSettings.accept
    assert model.probability(0.9999, UNKNOWN) > accept > model.probability(0.99, 0.99)
    assert model.probability(FLOOR / 2, UNKNOWN) == FLOOR / 2


@pytest.fixture(scope="module")
def index(library) -> Index:
    return Index(library / ".index")


def asked():
    return query_photo(other_view(photo("coffee")), settings=QUICK)


def told(pairs):
    """Return a verifier that knows what pictures show; what it is not told about shows nothing."""

    def verify(index, hit, view):
        said = pairs.get((Path(view.source).stem, hit.path.stem))
        return verdict(*said) if said else Verdict(0.0, 0, None, NO_TRANSFORM, "")

    return verify


def test_two_things_that_match_equally_are_no_references(index):
    match = {("", "coffee"): (0.98, 60), ("", "chelsea"): (0.98, 60)}
    answer = search(index, asked(), verifier=told(match))
    assert answer.references == ()
    assert {one.hit.path.stem for one in answer.ranked[:2]} == {"coffee", "chelsea"}
    assert answer.ranked[0].rival == 0.98
    assert answer.as_plain()["pictures"][0]["rival"] == 0.98
    assert "something else matches as well (probability 0.98)" in answer.ranked[0].reason


def test_two_views_of_one_thing_are_references(index):
    match = {("", "coffee"): (0.98, 60), ("", "chelsea"): (0.98, 60)}
    match |= {("coffee", "chelsea"): (0.99, 90), ("chelsea", "coffee"): (0.99, 90)}
    answer = search(index, asked(), verifier=told(match))
    assert {one.hit.path.stem for one in answer.references} == {"coffee", "chelsea"}
    assert "something else" not in answer.ranked[0].reason


def test_rivals_need_not_be_looked_for(index):
    match = {("", "coffee"): (0.98, 60), ("", "chelsea"): (0.98, 60)}
    answer = search(index, asked(), SearchSettings(contested=False), verifier=told(match))
    assert len(answer.references) == 2
    assert (answer.ranked[0].rival, answer.ranked[0].probability) == (None, 0.98)


def test_pictures_that_are_left_out_join_nothing(index):
    """coffee and chelsea are each like a third picture; where that one is left out, nothing tells that they are one."""
    ranked = search(index, asked()).ranked
    third = next(one.hit.path for one in ranked if one.hit.path.stem not in ("coffee", "chelsea"))
    match = {("", "coffee"): (0.9999, 60), ("", "chelsea"): (0.999, 60)}
    for name in ("coffee", "chelsea"):
        match |= {(name, third.stem): (0.95, 90), (third.stem, name): (0.95, 90)}
    match[("", third.stem)] = (0.5, 9)
    settings = SearchSettings(followed=0)
    assert search(index, asked(), settings, verifier=told(match)).ranked[0].rival == UNKNOWN
    assert search(index, asked(), settings, without={third}, verifier=told(match)).ranked[0].rival == 0.999
