"""A real server on 127.0.0.1: start, news, kill -9 in the middle of actions."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from app_service import FAST

from deocclude.app.session import Session

ACTIONS = 30


class Server:
    """``deocclude app`` in a process of its own."""

    def __init__(self, workspace: Path, *options: str) -> None:
        command = [sys.executable, "-m", "deocclude", "app", "--no-browser", "--workspace", str(workspace)]
        self.workspace = workspace
        self.errors = workspace.parent / "errors.txt"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [*command, *options], stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
        address = self.process.stdout.readline().strip()
        self.base, _, self.token = address.partition("?token=")
        self.client = httpx.Client(base_url=self.base, headers={"X-Deocclude-Token": self.token}, timeout=120)

    def kill(self) -> None:
        self.process.kill()  # signal 9
        self.process.wait()


@pytest.fixture
def server(tmp_path, drawn):
    found = Server(tmp_path / "work", str(drawn / "photo.png"))
    yield found
    found.kill()
    found.client.close()
    found.process.stdout.close()


def test_it_says_where_it_is_and_answers_only_on_this_machine(server):
    assert server.base.startswith("http://127.0.0.1:") and len(server.token) > 20
    page = httpx.get(f"{server.base}?token={server.token}", follow_redirects=True)
    assert page.status_code == 200 and "<title>" in page.text
    assert httpx.get(server.base).status_code == 401
    assert server.client.get("/api/openapi.json").json()["info"]["title"] == "deocclude"
    current = server.client.get("/api/app").json()["current"]
    with server.client.stream("GET", f"/api/photos/{current}/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: state"
        assert json.loads(next(lines).removeprefix("data: ")) == {"revision": 0}
        os.killpg(server.process.pid, signal.SIGINT)  # while a tab is open; Ctrl-C reaches all processes of a terminal
        assert server.process.wait(30) == 0
    assert server.errors.read_text() == ""


def test_what_a_stop_costs_is_said(server):
    photo = f"/api/photos/{server.client.get('/api/app').json()['current']}"
    server.client.post(f"{photo}/objects", json={"mask": {"polygons": [[5, 5, 40, 5, 40, 40, 5, 40]]}})
    with server.client.stream("GET", f"{photo}/events") as stream:
        news = stream.iter_lines()
        server.client.post(f"{photo}/compute", json={})
        while '"running"' not in next(news):
            pass
        os.killpg(server.process.pid, signal.SIGINT)
        assert "failed" not in "".join(news)  # it was stopped; nothing went wrong
    assert server.process.wait(30) == 0
    assert server.errors.read_text() == (
        "note: photo.png: stopped while something was computed; its steps compute it again\n"
    )


def test_a_port_that_is_taken_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "deocclude", "app", "--no-browser", "--port", port]
        answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert answer.returncode == 2
    assert "--port: expected a free port" in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr


def act(client, photo, state, chance):
    """Do something at random; return the answer."""
    objects, revision = state["objects"], state["revision"]
    x, y = chance.randrange(60), chance.randrange(40)
    mask = {"polygons": [[x, y, x + 18, y, x + 18, y + 15, x, y + 15]]}
    kinds = ["add", "rename", "paint", "erase", "whole", "order", "settings", "undo", "redo", "compute", "remove"]
    kind = chance.choice(kinds) if objects else "add"
    one = chance.choice(objects) if objects else None
    if kind == "add":
        return client.post(f"{photo}/objects", json={"mask": mask, "name": f"object {revision}"})
    if kind in ("undo", "redo"):
        return client.post(f"{photo}/{kind}", json={"revision": revision})
    if kind == "compute":
        return client.post(f"{photo}/compute", json={})
    if kind == "settings":
        body = {"revision": state["settings"]["revision"], "settings": {"seed": revision}}
        return client.put(f"{photo}/settings", json=body)
    if kind == "order":
        other = chance.choice(objects)
        pair = {one["id"], other["id"]}
        said = [item["revision"] for item in state["order"]["set"] if {item["first"], item["second"]} == pair]
        body = {"first": one["id"], "second": other["id"], "relation": "front", "revision": (said or [0])[0]}
        return client.put(f"{photo}/order", json=body)
    if kind == "remove":
        return client.delete(f"{photo}/objects/{one['id']}", params={"revision": one["revision"]})
    if kind == "whole":
        body = {"revision": one["whole"]["revision"], "mask": mask}
        return client.put(f"{photo}/objects/{one['id']}/whole", json=body)
    change = {"name": f"name {revision}"} if kind == "rename" else {"paint": {"mode": "add", "mask": mask}}
    if kind == "erase":
        change["paint"]["mode"] = "erase"
    return client.patch(f"{photo}/objects/{one['id']}", json={"revision": one["revision"], **change})


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_that_was_finished_is_lost_when_it_is_killed(server, seed):
    chance = random.Random(seed)
    photo = f"/api/photos/{server.client.get('/api/app').json()['current']}"
    state = server.client.get(photo).json()
    server.client.put(f"{photo}/settings", json={"revision": 0, "settings": FAST})
    state, done = server.client.get(photo).json(), 0
    killer = None
    try:
        for _ in range(10 * ACTIONS):
            if done == ACTIONS // 2 + seed and killer is None:
                killer = threading.Timer(chance.uniform(0, 0.2), server.kill)
                killer.start()
            answer = act(server.client, photo, state, chance)
            assert answer.status_code < 500, answer.text
            if answer.status_code == 200:
                state, done = answer.json(), done + 1
            if done == ACTIONS:
                break
    except httpx.TransportError:
        pass  # killed
    assert killer is not None
    killer.join()
    (folder,) = [path for path in server.workspace.iterdir() if not path.name.startswith(".")]
    session = Session.open("again", folder)
    # The action under way may have been finished without its answer getting through.
    assert session.state.revision in (state["revision"], state["revision"] + 1)
    if session.state.revision == state["revision"]:
        assert session.state.ids("object") == [item["id"] for item in state["objects"]]
        for item in state["objects"]:
            assert session.state.revision_of(f"object/{item['id']}") == item["revision"]
            assert session.scene[item["id"]].modal.area == item["visible_pixels"]
    while session.state.cursor:  # all of the history is there
        session.undo(session.state.revision)
    assert session.state.ids("object") == []


def test_it_is_killed_while_it_saves_results(tmp_path, drawn):
    server = Server(tmp_path / "work", str(drawn / "photo.png"))
    try:
        photo = f"/api/photos/{server.client.get('/api/app').json()['current']}"
        server.client.put(f"{photo}/settings", json={"revision": 0, "settings": FAST})
        mask = {"polygons": [[5, 5, 40, 5, 40, 40, 5, 40]]}
        state = server.client.post(f"{photo}/objects", json={"mask": mask}).json()
        server.client.post(f"{photo}/compute", json={})
        end = time.monotonic() + 90
        folder = tmp_path / "work" / photo.rpartition("/")[2]
        while not (folder / "scene.json").is_file() and time.monotonic() < end:
            name = f"name {state['revision']}"  # actions go on while the folder changes places
            body = {"revision": state["objects"][0]["revision"], "name": name}
            state = server.client.patch(f"{photo}/objects/1", json=body).json()
    finally:
        server.kill()
        server.client.close()
        server.process.stdout.close()
    session = Session.open("again", folder)
    assert session.state.revision == state["revision"]
    assert session.scene[1].name == state["objects"][0]["name"]
    assert session.results is not None and session.stale_from is None
