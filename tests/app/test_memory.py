"""Photos that were opened leave memory again, and nothing that was done or computed is lost by that."""

import gc
import threading
import weakref

import numpy as np
import pytest
from app_service import FAST, client_of, compute, finish, upload

from deocclude.app import saver as saving
from deocclude.app.memory import Recent, Shelf, bytes_of
from deocclude.app.saver import Saver
from deocclude.app.workspace import Workspace
from deocclude.errors import OutputError


@pytest.fixture
def tight(tmp_path):
    """A client of an app that keeps one photo in memory."""
    with client_of(Workspace(tmp_path / "work", room=1)) as client:
        yield client


def session_of(client, address):
    return client.app.state.service.workspace.opened(address.rpartition("/")[2])


def is_closed(client, address):
    gc.collect()
    return session_of(client, address) is None


def test_photos_used_longest_ago_leave_memory_and_come_back_as_they_were(tight, drawn):
    first, second = upload(tight, drawn), upload(tight, drawn)
    assert is_closed(tight, first) and not is_closed(tight, second)
    state = tight.patch(f"{first}/objects/1", json={"revision": 0, "name": "apple"}).json()
    assert is_closed(tight, second)
    tight.get(second)
    assert is_closed(tight, first)
    again = tight.get(first).json()
    assert again == state and again["undo"] == "Rename red"
    undone = tight.post(f"{first}/undo", json={"revision": again["revision"]}).json()
    assert undone["objects"][0]["name"] == "red"


def test_results_come_back_and_old_jobs_keep_no_photo(tight, drawn):
    first, second = upload(tight, drawn), upload(tight, drawn)
    tight.put(f"{first}/settings", json={"revision": 0, "settings": FAST})
    state = compute(tight, first)
    session = weakref.ref(session_of(tight, first))
    tight.get(second)
    for _ in range(100):
        gc.collect()
        if session() is None:
            break
        threading.Event().wait(0.05)  # the results are being saved
    assert session() is None
    again = tight.get(first).json()
    assert again["stale_from"] is None and again == state


def test_a_photo_that_somebody_works_with_is_the_same_for_all(tight, drawn):
    first, second = upload(tight, drawn), upload(tight, drawn)
    workspace = tight.app.state.service.workspace
    held = workspace.session(first.rpartition("/")[2])
    tight.get(second)
    assert workspace.session(held.identity) is held


class Photo:
    """Stands for a session whose disk is full at first."""

    name = "photo.png"

    def __init__(self, full):
        self.full, self.tries, self.written = full, 0, threading.Event()

    def save(self):
        self.tries += 1
        if self.full.is_set():
            raise OutputError("the disk is full")
        self.written.set()


def test_results_that_could_not_be_written_stay_and_are_tried_again(monkeypatch):
    monkeypatch.setattr(saving, "AGAIN", 0.02)
    full, told, saver = threading.Event(), [], Saver()
    full.set()
    photo = Photo(full)
    kept, written = weakref.ref(photo), photo.written
    saver.start()
    saver.save(photo, told.append)
    del photo
    while kept() is not None and kept().tries < 3:
        threading.Event().wait(0.01)
    full.clear()
    assert written.wait(10)
    saver.stop()
    gc.collect()
    assert told == ["the disk is full", None] and kept() is None


def test_results_that_could_not_be_written_are_tried_once_more_at_the_end():
    full, told, saver = threading.Event(), [], Saver()
    full.set()
    photo = Photo(full)
    saver.start()
    saver.save(photo, told.append)
    while not told:
        threading.Event().wait(0.01)
    full.clear()
    saver.stop()
    assert photo.written.is_set()


class Thing:
    def __init__(self, identity, size):
        self.identity, self.bytes = identity, size


def test_results_that_are_not_on_the_disk_at_the_end_are_named():
    full, told, saver = threading.Event(), [], Saver()
    full.set()
    lost, written = Photo(full), Photo(threading.Event())
    saver.start()
    for photo in (lost, written):
        saver.save(photo, told.append)
    saver.stop()
    assert saver.unwritten() == [("photo.png", "the disk is full")]
    saver.save(written, told.append)  # after the end
    assert ("photo.png", "stopped before they were written") in saver.unwritten()


def test_a_shelf_keeps_what_fits_and_what_was_used_last():
    shelf = Shelf(10)
    for name in "abc":
        shelf.add(Thing(name, 4))
    assert [shelf.find(name) is not None for name in "abc"] == [False, True, True]
    shelf.use("b")
    shelf.add(Thing("d", 4))
    assert [shelf.find(name) is not None for name in "bcd"] == [True, False, True]
    shelf.add(Thing("e", 100))
    assert [shelf.find(name) is not None for name in "bde"] == [False, False, True]


def test_recent_values_take_up_so_many_bytes_and_no_more():
    recent, made = Recent(100), []

    def value(key, size):
        return recent.get(key, lambda: made.append(key) or np.zeros(size, np.uint8))

    for key in "aba":
        value(key, 40)
    value("c", 40)
    value("a", 40)
    assert made == ["a", "b", "c"] and recent.bytes == 80
    value("b", 40)
    assert made == ["a", "b", "c", "b"]
    assert value("large", 1000).size == 1000 and recent.bytes == 0


def test_bytes_are_counted_once():
    array = np.zeros((10, 10), np.uint8)
    assert bytes_of({"one": array, "rows": [array[:5], array]}) == 100


@pytest.fixture
def full(monkeypatch):
    """Switches on a disk without room, for the journal, and for the results."""
    from deocclude.app import journal, session

    def refuse(target, *_, **__):
        raise OutputError(f"{target}: cannot be written (No space left on device)")

    def switch(on):
        for module, name in ((journal, "write_text"), (session, "write_text"), (session, "write_project")):
            monkeypatch.setattr(module, name, refuse if on else originals[module, name])

    originals = {(module, name): getattr(module, name) for module, name in
                 ((journal, "write_text"), (session, "write_text"), (session, "write_project"))}  # fmt: skip
    return switch


def test_results_that_are_not_stored_are_said_and_stored_later(computing, drawn, full):
    photo = upload(computing, drawn)
    computing.put(f"{photo}/settings", json={"revision": 0, "settings": FAST})
    assert computing.get(photo).json()["unsaved"] is None
    full(True)
    try:
        finish(computing, computing.post(f"{photo}/compute", json={}).json())
        state = computing.get(photo).json()
        for _ in range(100):
            if state["unsaved"]:
                break
            threading.Event().wait(0.05)
            state = computing.get(photo).json()
        assert "No space left on device" in state["unsaved"]
        assert len(state["layers"]) == 2 and state["stale_from"] is None
        answer = computing.post(f"{photo}/save")
        assert (answer.status_code, answer.json()["error"]["code"]) == (507, "output")
    finally:
        full(False)
    assert computing.post(f"{photo}/save").json()["unsaved"] is None
    session = session_of(computing, photo)
    assert (session.folder / "layers").is_dir()


def test_what_a_list_tells_is_not_needed_for_an_action(client, photo, monkeypatch):
    from deocclude.app import session

    def refuse(target, *_):
        raise OutputError("the disk is full")

    monkeypatch.setattr(session, "write_text", refuse)
    answer = client.delete(f"{photo}/objects/1?revision=0")
    assert answer.status_code == 200 and len(client.get(photo).json()["objects"]) == 1
