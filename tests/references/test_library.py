"""A folder of pictures opens as an index that is up to date, wherever that has to lie."""

from __future__ import annotations

import pytest
from reference_pictures import PHOTOS

from deocclude.errors import InputError
from deocclude.references import location
from deocclude.references.library import open_library
from deocclude.references.location import NAME, index_for, index_of


def test_a_folder_is_indexed_and_kept_up_to_date(collection, options):
    (collection / ".index").rename(collection / NAME)
    index, report = open_library(collection, options)
    assert (len(index), report.unchanged) == (len(PHOTOS), len(PHOTOS))
    (collection / "coffee.png").unlink()
    index, report = open_library(collection, options)
    assert (len(index), report.removed) == (len(PHOTOS) - 1, 1)
    again, report = open_library(index.folder, options)
    assert (len(again), report) == (len(PHOTOS) - 1, None)
    assert index_of(collection) == index_of(index.folder) == index.folder


def test_a_folder_that_cannot_be_written_is_indexed_in_the_cache(collection, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(location.os, "access", lambda path, mode: False)
    place = index_for(collection)
    assert place.is_relative_to(tmp_path / "cache" / "deocclude")
    assert place == index_for(collection)
    assert place != index_for(collection / "deeper")


def test_no_folder(tmp_path):
    for target in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="an index"):
            index_of(target)
    with pytest.raises(InputError, match="no such folder"):
        open_library(tmp_path / "none")
