"""References from the web for a data set: one search for one set of objects and sources; no network here."""

from __future__ import annotations

import json

import pytest

from deocclude.datasets import web_references
from deocclude.datasets.reference_plan import BuildSettings
from deocclude.datasets.web_references import ASKED, fetch_for_dataset
from deocclude.errors import InputError

SETTINGS = BuildSettings(objects=2, test_objects=1)


@pytest.fixture
def searches(monkeypatch):
    """Stands for the search; the sources of each."""
    asked = []

    def fetched(queries, sources, folder, web, *, progress):
        asked.append((sources, sorted(query.label for query in queries)))
        folder.mkdir(exist_ok=True)

    monkeypatch.setattr(web_references, "fetch_references", fetched)
    return asked


def test_a_completed_search_is_kept_and_another_one_refused(views_folder, tmp_path, searches):
    folder, data = tmp_path / "found", [str(views_folder)]
    for _ in range(2):
        assert fetch_for_dataset(data, ("openverse",), folder, SETTINGS) == folder
    assert len(searches) == 1
    assert json.loads((folder / ASKED).read_text()) == {"sources": ["openverse"], "objects": searches[0][1]}
    more = BuildSettings(objects=4, test_objects=1)
    for sources, settings in ((("commons", "openverse"), SETTINGS), (("openverse",), more)):
        with pytest.raises(InputError, match="another \\(other sources or other objects\\)") as error:
            fetch_for_dataset(data, sources, folder, settings)
        assert "\n" not in str(error.value)
    assert len(searches) == 1


def test_a_search_that_was_interrupted_is_taken_up_again(views_folder, tmp_path, searches):
    folder = tmp_path / "found"
    fetch_for_dataset([str(views_folder)], ("openverse",), folder, SETTINGS)
    (folder / ASKED).unlink()
    fetch_for_dataset([str(views_folder)], ("openverse",), folder, SETTINGS)
    assert len(searches) == 2
