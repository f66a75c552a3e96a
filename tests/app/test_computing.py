"""What is computed, by a real worker: layers, candidates, exports, annotation, news, cancel."""

import io
import json
import threading
import time
import zipfile
from urllib.parse import unquote

import numpy as np
import pytest
from app_service import FAST, SIZE, TOKEN, client_of, compute, finish, square, upload
from PIL import Image

from deocclude import rle
from deocclude.app import exports, pictures
from deocclude.app.inputs import PREFERRED
from deocclude.app.workspace import Workspace
from deocclude.cli.main import main
from deocclude.content import METHODS
from deocclude.errors import InputError
from deocclude.layers.export import read_layers
from deocclude.masks import Mask


def pixels(answer):
    assert answer.status_code == 200, answer.text
    with Image.open(io.BytesIO(answer.content)) as image:
        return np.asarray(image)


def wait_until(true):
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    assert true()


def folder_of(client, photo):
    return client.app.state.service.workspace.folder / photo.rpartition("/")[2]


def test_a_photo_is_taken_apart(computing, computed, drawn):
    state = computing.get(computed).json()
    assert state["stale_from"] is None and len(state["layers"]) == 2
    assert [(edge["front"], edge["behind"]) for edge in state["order"]["edges"]] == [(1, 2)]
    assert state["objects"][1]["hole"]["method"] == "telea"
    assert state["objects"][1]["whole"]["hidden_pixels"] > 0
    assert {stage["name"] for stage in state["stages"]} >= {"repair", "order", "amodal", "content", "layers"}
    assert {entry["name"] for entry in state["overlays"]["legend"]} == {"diffusion"}
    with Image.open(drawn / "photo.png") as image:
        assert np.array_equal(pixels(computing.get(f"{computed}/composed.png?size=full")), np.asarray(image))
    layer = next(layer for layer in state["layers"] if layer["id"] == 2)
    x0, y0, x1, y1 = layer["box"]
    assert pixels(computing.get(layer["picture_url"])).shape == (y1 - y0, x1 - x0, 4)
    for name in ("provenance", "confidence"):
        assert pixels(computing.get(state["overlays"][f"{name}_url"])).shape == (60, 80, 4)


def test_a_flip_of_an_arrow_is_followed_by_the_layers_and_by_nothing_else(computing, computed):
    before = computing.get(computed).json()
    body = {"first": 2, "second": 1, "relation": "front", "revision": 0}
    state = computing.put(f"{computed}/order", json=body).json()
    assert state["stale_from"] == "order" and [layer["id"] for layer in state["layers"]] == [2, 1]
    state = compute(computing, computed)
    assert [layer["id"] for layer in state["layers"]] == [1, 2]
    assert state["order"]["edges"] == [{"front": 2, "behind": 1, "probability": 1.0, "reverse": 0.0, "by_user": True}]
    seconds = {stage["name"]: stage["seconds"] for stage in before["stages"]}
    assert next(stage for stage in state["stages"] if stage["name"] == "repair")["seconds"] == seconds["repair"]
    state = computing.post(f"{computed}/undo", json={"revision": state["revision"]}).json()
    assert state["stale_from"] == "order"
    assert [layer["id"] for layer in compute(computing, computed)["layers"]] == [2, 1]


def test_layers_are_arranged_though_one_is_of_an_object_that_has_gone(computing, computed):
    """It is shown until the layers are computed again."""
    state = computing.get(computed).json()
    item = state["objects"][0]
    computing.delete(f"{computed}/objects/{item['id']}?revision={item['revision']}")
    plan = {"version": 1, "layers": [{"id": 1, "dx": 5}, {"id": 2, "dx": 7}], "order": [1, 2]}
    answer = computing.put(f"{computed}/arrangement", json={"revision": 0, "arrangement": plan})
    assert answer.status_code == 200, answer.text
    assert answer.json()["arrangement"]["value"] == plan
    kept = compute(computing, computed)["arrangement"]["value"]
    assert kept == {"version": 1, "layers": [{"id": 2, "dx": 7}], "order": [2]}


def test_a_new_name_needs_no_computing(computing, computed):
    state = computing.patch(f"{computed}/objects/2", json={"revision": 0, "name": "box"}).json()
    assert state["stale_from"] is None
    assert [layer["name"] for layer in state["layers"]] == ["box", "red"]


def test_candidates_are_made_picked_and_used(computing, computed, monkeypatch):
    state = computing.get(computed).json()
    assert computing.get(f"{computed}/holes/2/candidates").json() == {"fresh": False, "candidates": []}
    job = finish(computing, computing.post(f"{computed}/holes/2/candidates").json())
    assert (job["status"], job["kind"], job["hole"]) == ("done", "candidates", 2)
    found = computing.get(f"{computed}/holes/2/candidates").json()
    names = [item["name"] for item in found["candidates"]]
    assert found["fresh"] and names == list(PREFERRED) and sorted(names) == sorted(METHODS), "all, the best first"
    picture = next(item for item in found["candidates"] if item["name"] == "mean")["picture_url"]
    x0, y0, x1, y1 = state["objects"][1]["whole"]["box"]
    assert pixels(computing.get(picture)).shape == (y1 - y0, x1 - x0, 4)
    monkeypatch.setitem(pictures.LONGEST, "screen", SIZE[1] // 2)
    assert pixels(computing.get(f"{picture}&size=screen")).shape == ((y1 - y0) // 2, (x1 - x0) // 2, 4)
    computing.put(f"{computed}/holes/2/choice", json={"revision": 0, "pick": "mean", "reject": ["exemplar"]})
    found = computing.get(f"{computed}/holes/2/candidates").json()["candidates"]
    assert [item["name"] for item in found if item["picked"]] == ["mean"]
    assert [item["name"] for item in found if item["rejected"]] == ["exemplar"]
    state = compute(computing, computed)
    assert state["objects"][1]["hole"]["method"] == "mean"
    seed = {"revision": state["settings"]["revision"], "settings": {"seed": 5}}
    computing.put(f"{computed}/settings", json=seed)
    compute(computing, computed)
    assert computing.get(f"{computed}/holes/2/candidates").json()["fresh"] is False
    finish(computing, computing.post(f"{computed}/holes/2/candidates").json())
    again = {item["name"]: item["picture_url"] for item in
             computing.get(f"{computed}/holes/2/candidates").json()["candidates"]}  # fmt: skip
    assert again["mean"] != picture
    body = {"revision": 2, "pick": None, "reject": ["textured", "exemplar", "pcnet-c"]}
    computing.put(f"{computed}/holes/2/choice", json=body)
    assert compute(computing, computed)["objects"][1]["hole"]["method"] == "biharmonic"


def test_a_reference_is_a_candidate_with_its_source(computing, computed, drawn):
    other = np.asarray(Image.open(drawn / "photo.png")).copy()
    other[25:55, 30:70] = np.random.default_rng(1).integers(0, 255, (30, 40, 3))
    stream = io.BytesIO()
    Image.fromarray(other).save(stream, "PNG")
    files, about = {"files": ("other.png", stream.getvalue())}, {"revision": "0", "source": "me", "licence": "CC0"}
    state = computing.post(f"{computed}/references", files=files, data=about).json()
    assert state["stale_from"] == "references"
    finish(computing, computing.post(f"{computed}/holes/2/candidates").json())
    found = computing.get(f"{computed}/holes/2/candidates").json()["candidates"]
    one = next(item for item in found if item["kind"] == "reference")
    assert (one["source"], one["licence"], one["title"]) == ("me", "CC0", "other.png")
    assert (one["error"] is None) == (one["picture_url"] is not None)
    body = {"revision": 0, "pick": None, "reject": [one["name"]]}
    assert computing.put(f"{computed}/holes/2/choice", json=body).status_code == 200
    compute(computing, computed)
    tried = computing.app.state.service.workspace.session(computed.rpartition("/")[2]).results.references.pictures
    assert [trial.reason for picture in tried for trial in picture.trials if trial.object == 2] == ["rejected by hand"]


def test_an_export_is_what_is_shown(computing, computed, tmp_path):
    body = {"revision": 0, "arrangement": {"version": 1, "layers": [{"id": 1, "dx": 5, "dy": -3}], "order": [1, 2]}}
    assert computing.put(f"{computed}/arrangement", json=body).status_code == 200
    shown = pixels(computing.get(f"{computed}/composed.png?size=full"))
    photo = pixels(computing.get(f"{computed}/picture?size=full"))
    assert not np.array_equal(shown, photo)
    assert np.array_equal(pixels(computing.get(f"{computed}/export/photo")), shown)
    ora = zipfile.ZipFile(io.BytesIO(computing.get(f"{computed}/export/ora").content))
    with Image.open(ora.open("mergedimage.png")) as image:
        assert np.array_equal(np.asarray(image), shown)
    archive = zipfile.ZipFile(io.BytesIO(computing.get(f"{computed}/export/png").content))
    archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    assert len(read_layers(folder).layers) == 2
    assert json.loads((folder / "arrangement.json").read_text()) == body["arrangement"]
    pytest.importorskip("psd_tools", reason="needs the extra 'psd'")
    assert computing.get(f"{computed}/export/psd").content[:4] == b"8BPS"


def test_no_export_is_of_layers_from_before_a_change(computing, computed):
    one = computing.get(computed).json()["objects"][0]
    paint = {"mode": "erase", "mask": {"polygons": [[30, 25, 40, 25, 40, 35, 30, 35]]}}
    computing.patch(f"{computed}/objects/{one['id']}", json={"revision": one["revision"], "paint": paint})
    for form in ("png", "ora", "psd", "photo", "cocoa"):
        answer = computing.get(f"{computed}/export/{form}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not-ready")
    compute(computing, computed)
    assert computing.get(f"{computed}/export/ora").status_code == 200


def test_what_is_encoded_already_is_not_encoded_again_for_an_export(computing, computed, monkeypatch):
    """But is where a layer has another name since, or another place."""
    written = folder_of(computing, computed)
    wait_until(lambda: (written / "scene.ora").is_file())
    names = zipfile.ZipFile(io.BytesIO(computing.get(f"{computed}/export/png").content)).namelist()

    def never(*_, **__):
        raise AssertionError("encoded again")

    with monkeypatch.context() as patch:
        patch.setattr(exports, "write_openraster", never)
        patch.setattr(exports, "export_png", never)
        assert computing.get(f"{computed}/export/ora").content == (written / "scene.ora").read_bytes()
        with zipfile.ZipFile(io.BytesIO(computing.get(f"{computed}/export/png").content)) as archive:
            assert archive.namelist() == names and len(names) == 9
            picture = archive.read("photo-layers/background.png")
        assert picture == (written / "background.png").read_bytes()
    one = computing.get(computed).json()["objects"][0]
    computing.patch(f"{computed}/objects/1", json={"revision": one["revision"], "name": "another"})
    for form, place in (("ora", "stack.xml"), ("png", "photo-layers/layers.json")):
        with zipfile.ZipFile(io.BytesIO(computing.get(f"{computed}/export/{form}").content)) as archive:
            assert b'"another"' in archive.read(place)


@pytest.mark.parametrize(("name", "form", "expected"), [
    ("Büro 3.jpg", "ora", "Büro 3.ora"), ("photo.png", "png", "photo-layers.zip"),
    ('a"b<c>.png', "photo", "a_b_c_-arranged.png"), ("x" * 200 + ".png", "ora", "x" * 120 + ".ora"),
    ("...png", "cocoa", None),
])  # fmt: skip
def test_an_export_is_called_like_its_photo(computing, computed, name, form, expected):
    session = computing.app.state.service.workspace.session(computed.rpartition("/")[2])
    session._journal.facts["name"] = name
    told = computing.get(f"{computed}/export/{form}").headers["content-disposition"]
    found = unquote(told.partition("utf-8''")[2]) or told.partition('filename="')[2].rstrip('"')
    assert found == (expected or f"{session.identity}-cocoa.json")


def test_reopened_it_is_the_same(computing, computed):
    computing.put(f"{computed}/objects/2/whole", json={
        "revision": 0, "mask": {"rle": rle.encode(Mask.from_array(square(10, 10, 50, 40)))}})  # fmt: skip
    before = compute(computing, computed)
    end = time.monotonic() + 30  # results are saved after they are shown
    while not (folder_of(computing, computed) / "masks" / "amodal_2.png").is_file() and time.monotonic() < end:
        time.sleep(0.05)
    again = client_of(Workspace(computing.app.state.service.workspace.folder))
    after = again.get(computed).json()
    assert after == before
    for layer in before["layers"]:
        assert again.get(layer["picture_url"]).content == computing.get(layer["picture_url"]).content


def test_what_another_command_changed_is_taken_over_and_can_be_undone(computing, computed, capsys):
    folder = folder_of(computing, computed)
    end = time.monotonic() + 30
    while not (folder / "layers").is_dir() and time.monotonic() < end:
        time.sleep(0.05)
    computing.app.state.service.workspace.session(computed.rpartition("/")[2]).save()
    assert main(["order", str(folder), "--set", "2>1", "--json"]) == 0
    again = client_of(Workspace(folder.parent))
    state = again.get(computed).json()
    assert state["undo"] == "Changes by another command"
    assert [(item["first"], item["second"]) for item in state["order"]["set"]] == [(2, 1)]
    assert state["stale_from"] is None
    state = again.post(f"{computed}/undo", json={"revision": state["revision"]}).json()
    assert state["order"]["set"] == [] and state["stale_from"] == "order"


def test_the_annotation_is_read_by_evaluate_and_train(computing, computed, tmp_path, capsys):
    state = computing.put(f"{computed}/done", json={"revision": 0, "done": True}).json()
    assert state["done"]["value"] and state["photo"]["done"]
    work = computing.app.state.service.workspace.folder
    collected = work / "annotations" / f"{computed.rpartition('/')[2]}.json"
    for file in (folder_of(computing, computed) / "annotation.json", collected):
        assert main(["evaluate", "ordering", "--data", str(file), "--method", "convex", "--json"]) == 0
        table = json.loads(capsys.readouterr().out)[0]
        assert table["title"] == "Order" and "convex" in str(table)
    assert main(["train", "pack", str(tmp_path / "pack"), "--source", str(collected)]) == 0
    assert "(2 objects)" in " ".join(capsys.readouterr().out.split())


def test_a_job_can_be_cancelled_and_the_next_one_runs(computing, drawn):
    photo = upload(computing, drawn)
    computing.put(f"{photo}/settings", json={"revision": 0, "settings": FAST})
    job = computing.post(f"{photo}/compute", json={}).json()
    gone = computing.delete(f"/api/jobs/{job['id']}").json()
    gone = finish(computing, gone)
    assert gone["status"] == "cancelled"
    assert computing.get(photo).json()["layers"] == []
    assert len(compute(computing, photo)["layers"]) == 2
    assert computing.delete(f"/api/jobs/{job['id']}").json()["status"] == "cancelled"


def test_a_job_that_cannot_be_done_says_why(computing, drawn):
    photo = upload(computing, drawn)
    service = computing.app.state.service
    session = service.workspace.session(photo.rpartition("/")[2])
    session.act("Change settings", {"settings": {**session.state.value("settings"), "weights": "nothing.safetensors"}})
    job = finish(computing, computing.post(f"{photo}/compute", json={}).json())
    assert job["status"] == "failed" and "nothing.safetensors" in job["error"]["message"]


def test_asking_twice_makes_one_job_of_what_waits(client, photo):
    jobs = [client.post(f"{photo}/compute", json={"until": until}).json() for until in ("order", "layers", "amodal")]
    assert len({job["id"] for job in jobs}) == 1 and jobs[0]["status"] == "queued"
    assert client.app.state.service.jobs.find(jobs[0]["id"]).until == "layers"
    assert client.get(photo).json()["job"] == jobs[0]
    assert client.delete(f"/api/jobs/{jobs[0]['id']}").json()["status"] == "cancelled"
    assert client.post(f"{photo}/compute", json={}).json()["id"] != jobs[0]["id"]


def test_results_never_overwrite_what_another_command_saved(computing, computed):
    session = computing.app.state.service.workspace.session(computed.rpartition("/")[2])
    session.save()
    index = session.folder / "scene.json"
    index.write_text(index.read_text() + " ")
    with pytest.raises(InputError, match="another command has saved since"):
        session.save()
    assert index.read_text().endswith(" ")
    assert computing.patch(f"{computed}/objects/1", json={"revision": 0, "name": "box"}).status_code == 200


def test_open_tabs_hear_of_everything(computing, drawn):
    photo = upload(computing, drawn)
    computing.put(f"{photo}/settings", json={"revision": 0, "settings": FAST})
    broker, heard, there = computing.app.state.service.broker, [], threading.Event()

    def listen(identity, name, data):
        heard.append((identity, name, data))
        if (name, data.get("status")) == ("job", "done"):
            there.set()
        return publish(identity, name, data)

    publish, broker.publish = broker.publish, listen
    try:
        computing.patch(f"{photo}/objects/1", json={"revision": 0, "name": "box"})
        job = computing.post(f"{photo}/compute", json={}).json()
        finish(computing, job)
        assert there.wait(10)
    finally:
        broker.publish = publish
    names = [name for identity, name, _ in heard if identity == photo.rpartition("/")[2]]
    assert names[0] == "state" and "results" in names and names[-1] == "job"
    assert TOKEN not in json.dumps(heard)
