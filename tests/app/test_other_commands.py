"""A project folder that commands and the app change in turn: nobody's corrections are lost."""

import pytest
from app_service import client_of

from deocclude.app.workspace import Workspace
from deocclude.cli.main import main


@pytest.fixture
def folder(drawn, tmp_path, capsys):
    methods = ("--order-method", "convex", "--amodal-method", "convexR", "--fill", "telea")
    masks = ("--masks", str(drawn / "masks.json"))
    assert main(["run", str(drawn / "photo.png"), *masks, "-o", str(tmp_path / "project"), *methods]) == 0
    return tmp_path / "project"


def opened(folder):
    """A client of an app that was just started with the folder, and the address of its photo."""
    client = client_of(Workspace(folder.parent / "work", folder))
    return client, f"/api/photos/{client.get('/api/photos').json()['photos'][0]['id']}"


def test_corrections_of_a_command_reach_a_project_that_was_only_looked_at(folder, capsys):
    client, address = opened(folder)
    assert client.get(address).json()["order"]["set"] == []
    assert main(["order", str(folder), "--set", "2>1"]) == 0
    client, address = opened(folder)
    state = client.get(address).json()
    assert [(item["first"], item["second"]) for item in state["order"]["set"]] == [(2, 1)]
    assert state["stale_from"] is None


def test_changes_of_a_command_are_taken_over_once(folder, capsys):
    client, address = opened(folder)
    client.get(address)
    assert main(["order", str(folder), "--set", "2>1"]) == 0
    client, address = opened(folder)
    client.get(address)
    assert client.patch(f"{address}/objects/1", json={"revision": 0, "name": "box"}).status_code == 200
    client, address = opened(folder)
    state = client.get(address).json()
    assert state["objects"][0]["name"] == "box"
    assert state["undo"] == "Rename red"
