"""The list of photos: what is taken off it stays on disk and can be put back."""

import shutil

import pytest
from app_service import client_of, upload
from PIL import Image

from deocclude.app.workspace import Workspace


def ids(client, name="photos"):
    return [photo["id"] for photo in client.get("/api/photos").json()[name]]


def set_listed(client, identity, listed):
    answer = client.put(f"/api/photos/{identity}/listed", json={"listed": listed})
    assert answer.status_code == 200, answer.text
    return answer.json()


def files_in(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "unlisted.json"}


def test_a_photo_taken_off_the_list_keeps_its_files_and_comes_back(client, drawn):
    one, other = (upload(client, drawn).rpartition("/")[2] for _ in range(2))
    folder = client.app.state.service.workspace.folder
    client.get(f"/api/photos/{one}")
    before = files_in(folder)
    told = set_listed(client, one, False)
    assert (told["photo"]["id"], told["folder"]) == (one, str(folder / one))
    assert (ids(client), ids(client, "unlisted")) == ([other], [one])
    assert files_in(folder) == before
    assert client.get("/api/app").json()["current"] is None
    assert len(client.get(f"/api/photos/{one}").json()["objects"]) == 2  # another tab may still work on it
    again = client_of(Workspace(folder))
    assert (ids(again), ids(again, "unlisted")) == ([other], [one])
    set_listed(again, one, True)
    assert sorted(ids(client_of(Workspace(folder)))) == sorted([one, other])


def test_what_is_named_is_listed_again(client, drawn, tmp_path):
    demo = client.post("/api/demos/coffee").json()["id"]
    one = upload(client, drawn).rpartition("/")[2]
    set_listed(client, demo, False)
    client.post("/api/demos/coffee")
    assert ids(client) == [demo, one]
    set_listed(client, one, False)
    folder = client.app.state.service.workspace.folder
    again = client_of(Workspace(tmp_path / "elsewhere", folder / one))
    (named,) = ids(again)
    set_listed(again, named, False)
    assert ids(client_of(Workspace(tmp_path / "elsewhere", folder / one))) == [named]


def test_photos_of_a_folder_stay_off_the_list(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (40, 30)).save(tmp_path / "photos" / name)

    def opened():
        return client_of(Workspace(tmp_path / "work", tmp_path / "photos"))

    first, second = ids(opened())
    assert set_listed(opened(), first, False)["folder"] is None
    assert ids(opened()) == [second]
    assert opened().get("/api/app").json()["current"] == second
    set_listed(opened(), second, False)
    assert ids(opened()) == [first, second]  # none would be left


def test_photos_of_a_folder_come_with_the_masks_beside_them(tmp_path, drawn):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("masked", "plain", "strange"):
        shutil.copyfile(drawn / "photo.png", folder / f"{name}.png")
    shutil.copyfile(drawn / "masks.json", folder / "masked.json")
    (folder / "strange.json").write_text('{"taken": "in spring"}')
    client = client_of(Workspace(tmp_path / "work", folder))
    states = [client.get(f"/api/photos/{identity}").json() for identity in ids(client)]
    assert [[item["name"] for item in state["objects"]] for state in states] == [["red", "green"], [], []]
    assert [state["notice"] for state in states[:2]] == [None, None]
    assert "strange.json" in states[2]["notice"] and "were not taken" in states[2]["notice"]
    assert states[0]["undo"] is None
    one = client_of(Workspace(tmp_path / "elsewhere", folder / "masked.png"))
    assert len(one.get(f"/api/photos/{ids(one)[0]}").json()["objects"]) == 2


@pytest.mark.parametrize("content", ["{", "[1, null]", '{"a": 1}'])
def test_a_damaged_note_of_what_is_off_the_list_hides_nothing(tmp_path, drawn, content):
    client = client_of(Workspace(tmp_path / "work"))
    one = upload(client, drawn).rpartition("/")[2]
    (tmp_path / "work" / "unlisted.json").write_text(content)
    assert ids(client_of(Workspace(tmp_path / "work"))) == [one]


def test_an_unknown_photo_cannot_be_taken_off(client):
    assert client.put("/api/photos/none/listed", json={"listed": False}).status_code == 404
