"""A closer look: where a query shows a part of a picture, that part decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference_pictures import photo

from deocclude.errors import InputError
from deocclude.geometry import Box, Size
from deocclude.references.closer import CloserSettings, look_closer, shown_part
from deocclude.references.features import extract
from deocclude.references.search import verified
from deocclude.references.transforms import apply
from deocclude.references.verify import NO_TRANSFORM, Verdict, verify

SETTINGS = CloserSettings(margin=0.1)


def verdict(matrix, probability=0.5):
    return Verdict(probability, 9, matrix, "affine", "", {})


def shift(x, y, scale=1.0):
    """Return the matrix from a picture to a query that shows it from (x, y) on, enlarged."""
    return np.array([[scale, 0, -x * scale], [0, scale, -y * scale], [0, 0, 1]])


def test_the_part_that_a_query_shows():
    query, picture = Size(100, 120), Size(300, 400)
    assert shown_part(verdict(shift(50, 20)), query, picture, SETTINGS) == Box(38, 10, 182, 130)
    assert shown_part(verdict(shift(50, 20, 2)), query, picture, SETTINGS) == Box(44, 15, 116, 75)
    at_the_rim = shown_part(verdict(shift(-40, 250)), query, picture, SETTINGS)
    assert at_the_rim == Box(0, 240, 92, 300)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(verdict(shift(50, 20), 0.9999), id="no doubt"),
        pytest.param(verdict(shift(50, 20), 0.001), id="hopeless"),
        pytest.param(verdict(None), id="no plane transform"),
        pytest.param(verdict(shift(0, 0, 0.3)), id="all of the picture"),
        pytest.param(verdict(shift(50, 20, 12.0)), id="too small"),
        pytest.param(verdict(np.zeros((3, 3))), id="singular"),
        pytest.param(verdict(shift(900, 900)), id="outside"),
    ],
)
def test_no_part_deserves_a_closer_look(given):
    assert shown_part(given, Size(100, 120), Size(300, 400), SETTINGS) is None

    def never():
        raise AssertionError("the picture was opened")

    query = extract(np.zeros((100, 120, 3), np.uint8))
    assert look_closer(given, query, Size(300, 400), never, settings=SETTINGS) is given


@pytest.fixture(scope="module")
def seen():
    """A picture, a part of it as a query, and what the first look says."""
    picture = photo("coffee")
    query = extract(picture[60:160, 130:250])
    first = verify(query, extract(picture))
    return picture, query, replace(first, probability=0.5)


def test_the_part_has_more_matches_and_the_transform_is_that_of_the_picture(seen):
    picture, query, first = seen
    closer = look_closer(first, query, Size(*picture.shape[:2]), lambda: picture)
    assert closer.inliers > 1.3 * first.inliers
    assert closer.kind != NO_TRANSFORM
    corners = np.array([(130, 60), (249, 159)], float)
    assert apply(closer.target_from_source, corners) == pytest.approx(np.array([(0, 0), (119, 99)]), abs=1.0)


def test_colours_and_words_count_again(seen):
    picture, query, first = seen
    sizes = Size(*picture.shape[:2])
    closer = look_closer(first, query, sizes, lambda: picture, 0.8, 0.1)
    assert closer.measures["colour"] == 0.8
    assert "words" in closer.measures


def test_a_picture_that_cannot_be_opened_or_is_another_by_now_leaves_the_first_verdict(seen):
    picture, query, first = seen

    def gone():
        raise InputError("a photo", "no such file")

    sizes = Size(*picture.shape[:2])
    assert look_closer(first, query, sizes, gone) is first
    assert look_closer(first, query, sizes, lambda: picture[:-1]) is first


def test_a_search_opens_the_file_of_a_doubtful_picture(library, tmp_path, monkeypatch):
    from deocclude.references import search
    from deocclude.references.index import Index
    from deocclude.references.query import query_photo

    index = Index(library / ".index")
    query = query_photo(photo("coffee")[60:160, 130:250], settings=index.manifest.features)
    hit = next(one for one in index.query(query) if one.path.stem == "coffee")
    plain = verify(query.features, index.features(hit), hit.colours, words=hit.words)
    monkeypatch.setattr(search, "verify", lambda *given, **named: replace(plain, probability=0.5))
    assert verified(index, hit, query).inliers > plain.inliers
    sure = replace(plain, probability=1.0)
    monkeypatch.setattr(search, "verify", lambda *given, **named: sure)
    assert verified(index, hit, query) is sure
