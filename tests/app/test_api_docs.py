"""The guide to the API names what there is."""

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "app-api.md"


def plain(path):
    """A path with its parameters named alike, below a photo or not."""
    return re.sub(r"\{\w+\}", "{}", path).removeprefix("/api/photos/{}").removeprefix("/api")


def test_every_operation_is_in_the_guide(client):
    if not GUIDE.is_file():
        pytest.skip("the guide is not beside the tests")
    text = GUIDE.read_text(encoding="utf-8")
    there = {plain(path) or "/photos/{}" for path in client.get("/api/openapi.json").json()["paths"]}
    told = {plain(path) for path in re.findall(r"`(?:GET |POST |PUT |PATCH |DELETE )?(/[\w/{}.]+)", text)}
    told |= {"/photos/{}", "/overlays/{}.png"}
    unnamed = {path for path in there if path not in told and not path.endswith("/candidates/picture")}
    assert not unnamed
