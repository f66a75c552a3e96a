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


def test_what_was_not_computed_yet_stays_beside_the_changes_of_a_command(folder, capsys):
    """Both sides changed something else: both changes are there, and the user is told."""
    client, address = opened(folder)
    client.patch(f"{address}/objects/2", json={"revision": 0, "name": "crate"})
    client.put(f"{address}/objects/1/whole", json={"revision": 0, "mask": {"polygons": [[5, 5, 60, 5, 60, 50, 5, 50]]}})
    assert main(["order", str(folder), "--set", "2>1"]) == 0
    client, address = opened(folder)
    state = client.get(address).json()
    assert [item["name"] for item in state["objects"]] == ["red", "crate"]
    assert state["objects"][0]["whole"]["by_hand"]
    assert [(item["first"], item["second"]) for item in state["order"]["set"]] == [(2, 1)]
    assert "another command" in state["notice"].lower() and "given way" not in state["notice"]
    assert state["stale_from"] is not None  # the painted shape is still to be computed
    state = client.post(f"{address}/undo", json={"revision": state["revision"]}).json()
    assert state["order"]["set"] == [] and state["notice"] is None
    assert state["objects"][1]["name"] == "crate" and state["objects"][0]["whole"]["by_hand"]


def test_where_both_changed_the_same_the_user_is_told_and_undo_brings_it_back(folder, capsys):
    client, address = opened(folder)
    client.put(f"{address}/order", json={"first": 1, "second": 2, "relation": "none", "revision": 0})
    assert main(["order", str(folder), "--set", "2>1"]) == 0
    client, address = opened(folder)
    state = client.get(address).json()
    assert [(item["first"], item["relation"]) for item in state["order"]["set"]] == [(2, "front")]
    assert "given way" in state["notice"] and "Undo" in state["notice"]
    state = client.post(f"{address}/undo", json={"revision": state["revision"]}).json()
    assert [(item["first"], item["relation"]) for item in state["order"]["set"]] == [(1, "none")]


def test_without_a_record_of_the_last_save_all_that_differs_is_the_commands(folder, capsys):
    client, address = opened(folder)
    client.patch(f"{address}/objects/2", json={"revision": 0, "name": "crate"})
    (folder / "app" / "saved.json").write_text("{")
    assert main(["order", str(folder), "--set", "2>1"]) == 0
    client, address = opened(folder)
    state = client.get(address).json()
    assert state["objects"][1]["name"] == "green" and "given way" in state["notice"]
    state = client.post(f"{address}/undo", json={"revision": state["revision"]}).json()
    assert state["objects"][1]["name"] == "crate"
