"""The threads of the app outlive what goes wrong in one of their tasks, and no news gets lost between them."""

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from app_service import upload

from deocclude.app import jobs, views, workspace
from deocclude.app.events import Broker
from deocclude.app.saver import Saver


class Photo:
    """Stands for a session; every use of it ends in an error that nobody foresaw."""

    identity, state = "photo", SimpleNamespace(revision=0)

    def save(self):
        raise ZeroDivisionError("by mistake")

    snapshot = save


def test_results_are_saved_after_an_unforeseen_error():
    saver, told = Saver(), []
    saver.start()
    for _ in range(2):
        saver.save(Photo(), told.append)
    saver.stop()
    assert told == ["ZeroDivisionError: by mistake"] * 2


def test_jobs_are_done_after_an_unforeseen_error(monkeypatch):
    work, photo = jobs.Jobs(Broker()), Photo()
    monkeypatch.setattr(work._worker, "warm_up", lambda: None)
    work.start()
    try:
        for _ in range(2):
            job, end = work.submit("compute", photo), time.monotonic() + 20
            while not job.over and time.monotonic() < end:
                time.sleep(0.01)
            assert (job.status, job.error) == ("failed", "ZeroDivisionError: by mistake")
    finally:
        work.stop()


def test_jobs_are_done_after_a_process_could_not_be_started_ahead_of_them(monkeypatch):
    def refused():
        raise OSError("no more processes")

    work = jobs.Jobs(Broker())
    monkeypatch.setattr(jobs, "HEAD_START", 0.01)
    monkeypatch.setattr(work._worker, "warm_up", refused)
    work.start()
    try:
        time.sleep(0.1)
        job, end = work.submit("compute", Photo()), time.monotonic() + 20
        while not job.over and time.monotonic() < end:
            time.sleep(0.01)
        assert job.status == "failed"
    finally:
        work.stop()


def test_an_object_does_not_go_while_it_is_described(client, photo, monkeypatch):
    """Two tabs: one removes an object, the other one asks for the state."""
    describe, answers = views._object, []
    last = client.get(photo).json()["objects"][-1]

    def remove():
        answers.append(client.delete(f"{photo}/objects/{last['id']}?revision={last['revision']}"))

    other = threading.Thread(target=remove)

    def slowly(session, results, identity):
        if identity == last["id"] and other.ident is None:
            other.start()
            other.join(1)  # it has to wait
        return describe(session, results, identity)

    monkeypatch.setattr(views, "_object", slowly)
    assert [item["id"] for item in client.get(photo).json()["objects"]] == [1, 2]
    other.join()
    assert answers[0].status_code == 200
    assert [item["id"] for item in client.get(photo).json()["objects"]] == [1]


def test_others_are_listed_and_worked_on_while_a_photo_is_opened(client, drawn, monkeypatch):
    """A large photo takes seconds."""
    known, read, going_on, answers = upload(client, drawn), workspace.new_project, threading.Event(), []

    def slowly(*arguments):
        assert going_on.wait(20)
        return read(*arguments)

    monkeypatch.setattr(workspace, "new_project", slowly)
    others = [threading.Thread(target=lambda: answers.append(upload(client, drawn))) for _ in range(2)]
    for other in others:
        other.start()
    time.sleep(0.1)
    listed = [f"/api/photos/{photo['id']}" for photo in client.get("/api/photos").json()["photos"]]
    assert listed == [known] and client.get(known).status_code == 200 and not answers
    going_on.set()
    for other in others:
        other.join()
    assert len({known, *answers}) == len(client.get("/api/photos").json()["photos"]) == 3


def test_two_requests_open_a_photo_once(client, drawn, tmp_path, monkeypatch):
    read, opened = workspace.Session.open, []

    def slowly(identity, *arguments):
        opened.append(identity)
        time.sleep(0.2)
        return read(identity, *arguments)

    monkeypatch.setattr(workspace.Session, "open", slowly)
    (tmp_path / "photos").mkdir()
    shutil.copy(drawn / "photo.png", tmp_path / "photos")
    photos = workspace.Workspace(tmp_path / "other", tmp_path / "photos")
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(photos.session, [photos.current] * 2)
    assert one is two and opened == [photos.current]


def test_nothing_is_missed_between_the_first_news_and_the_following():
    """What happens while the first news is put together comes after it."""
    broker = Broker()

    def first():
        broker.publish("photo", "job", {"id": 1})
        return [("state", {"revision": 3})]

    async def heard():
        stream = broker.stream("photo", first)
        return [await anext(stream) for _ in range(2)]

    assert [text.splitlines()[0] for text in asyncio.run(heard())] == ["event: state", "event: job"]
