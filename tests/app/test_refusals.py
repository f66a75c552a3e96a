"""Who and what is refused: one clear message, and nothing is written."""

import base64
import errno
import io
import os
import struct
import tempfile
import zlib

import pytest
from app_service import TOKEN, client_of, square, upload
from fastapi.testclient import TestClient
from PIL import Image

from deocclude import rle
from deocclude.app import security
from deocclude.app.workspace import Workspace
from deocclude.masks import Mask


def error_of(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code, error
    assert "\n" not in error["message"] and error["message"]
    assert {"field", "hint"} <= set(error)
    return error


def written(client):
    folder = client.app.state.service.workspace.folder
    return sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize(
    "address", ["/", "/api/app", "/api/photos", "/static/app.css", "/api/openapi.json", "/nothing"]
)
@pytest.mark.parametrize("token", [None, "another"])
def test_nobody_is_answered_without_the_token(client, address, token):
    client.headers.pop("X-Deocclude-Token")
    headers = {"X-Deocclude-Token": token} if token else {}
    error_of(client.get(address, headers=headers), 401, "token")


def test_the_address_with_the_token_sets_a_cookie_and_leads_on(client):
    client.headers.pop("X-Deocclude-Token")
    answer = client.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert client.get("/api/photos").json()["photos"] == []
    error_of(client.get("/?token=wrong", cookies={"deocclude-8000": ""}), 401, "token")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9", "https://127.0.0.1:8000"])
def test_a_foreign_origin_is_refused(client, photo, origin):
    before = written(client)
    error_of(client.get("/api/photos", headers={"Origin": origin}), 403, "origin")
    error_of(client.post(f"{photo}/undo", json={"revision": 0}, headers={"Origin": origin}), 403, "origin")
    error_of(client.get("/api/photos", headers={"Sec-Fetch-Site": "cross-site"}), 403, "origin")
    assert written(client) == before


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1:9", "127.0.0.1@evil.example", "", "["]
)
def test_a_foreign_host_is_refused(client, host):
    error_of(client.get("/api/photos", headers={"Host": host}), 403, "origin")


def test_its_own_names_are_answered(client):
    for host in ("127.0.0.1:8000", "localhost:8000"):
        answer = client.get("/api/photos", headers={"Host": host, "Origin": f"http://{host}"})
        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client, photo):
    before = written(client)
    headers = {"Content-Length": str(security.LARGEST_BODY + 1), "Content-Type": "multipart/form-data; boundary=x"}
    error_of(client.post("/api/photos", content=b"", headers=headers), 413, "too-large")
    error_of(client.post(f"{photo}/undo", content=b"", headers=headers | {"Content-Length": "many"}), 413, "too-large")
    assert written(client) == before


def test_a_body_that_says_nothing_of_its_size_is_refused_when_it_is_too_large(client, photo, monkeypatch):
    monkeypatch.setattr(security, "LARGEST_BODY", 1000)
    before = written(client)
    parts = (b"x" * 400 for _ in range(5))  # sent in chunks, without a length
    answer = client.post(f"{photo}/objects", content=parts, headers={"Content-Type": "application/json"})
    error_of(answer, 413, "too-large")
    assert written(client) == before


def png_of(width, height):
    """A PNG that says that it is this large, with no pixel in it."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_picture_of_500_megapixels_is_refused(client, photo):
    before = written(client)
    file = ("large.png", png_of(25_000, 20_000), "image/png")
    assert "178 megapixels" in error_of(client.post("/api/photos", files={"file": file}), 413, "too-large")["message"]
    answer = client.post(f"{photo}/references", files={"files": file}, data={"revision": "0"})
    error_of(answer, 413, "too-large")
    assert written(client) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [("notes.txt", b"no picture"), ("photo.png", b"\x89PNG\r\n\x1a\n cut"), ("photo", b"x"), ("../../photo.png", b"x")],
)
def test_a_file_that_is_no_picture_is_refused(client, name, content):
    told = error_of(client.post("/api/photos", files={"file": (name, content)}), 422, "invalid")["message"]
    assert tempfile.gettempdir() not in told
    assert written(client) == []


def test_masks_that_do_not_fit_the_photo_are_refused(client, drawn):
    stream = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(stream, "PNG")
    masks = ("masks.json", (drawn / "masks.json").read_bytes())
    answer = client.post("/api/photos", files={"file": ("photo.png", stream.getvalue()), "masks": masks})
    error_of(answer, 422, "invalid")
    assert written(client) == []


@pytest.mark.parametrize("name", ["../state.json", "..%2f..%2fphoto.png", "%2fetc%2fpasswd", "....", "a/../../x"])
def test_no_name_leads_out_of_the_project(client, photo, name):
    for address in (f"{photo}/references/{name}", f"/api/photos/{name}", f"/static/{name}", f"{photo}/export/{name}"):
        assert client.get(address).status_code == 404, address


@pytest.mark.parametrize("name", ["../../../evil.png", "..\\..\\evil.png", "/tmp/evil.png", "a\x00b.png", "é .png"])
def test_the_name_of_an_upload_leads_nowhere(client, drawn, photo, name, tmp_path):
    content = (drawn / "photo.png").read_bytes()
    answer = client.post(f"{photo}/references", files={"files": (name, content)}, data={"revision": "0"})
    assert answer.status_code == 200, answer.text
    folder = client.app.state.service.workspace.folder
    assert not list(tmp_path.glob("evil*")) and not list(folder.glob("evil*"))
    kept = answer.json()["references"]["items"][0]["name"]
    found = [path for path in folder.rglob("references/*") if path.suffix == ".png"]
    assert [path.name for path in found] == [kept]


SIZE = [60, 80]
WHOLE = {"rle": rle.encode(Mask.from_array(square(0, 0, 80, 60)))}
NOTHING = {"rle": rle.encode(Mask.from_array(square(0, 0, 0, 0)))}


@pytest.mark.parametrize(
    "mask",
    [
        {},
        {"png": "xx"},
        {"png": "!!", "box": [0, 0, 5, 5]},
        {"png": base64.b64encode(b"no png").decode(), "box": [0, 0, 5, 5]},
        {"png": base64.b64encode(png_of(25_000, 20_000)).decode(), "box": [0, 0, 5, 5]},
        {"png": base64.b64encode(png_of(4, 4)).decode(), "box": [5, 5, 5, 9]},
        {"box": [0, 0, 5, 5]},
        {"rle": {"size": SIZE, "counts": "~~~"}},
        {"rle": {"size": [1, 1], "counts": [1]}},
        {"rle": {"size": SIZE, "counts": [10**9]}},
        {"polygons": [[1, 2, 3]]},
        {"polygons": [[0, 0, 1e6, 0, 1e6, 1e6]]},
        {"polygons": [], "rle": {"size": SIZE, "counts": [4800]}},
        NOTHING,
        WHOLE,  # would leave nothing of the others
        {"rle": {"size": SIZE, "counts": [4800]}, "colour": "red"},
    ],
)
def test_a_mask_that_is_none_is_refused(client, photo, mask):
    before = written(client)
    error_of(client.post(f"{photo}/objects", json={"mask": mask}), 422, "invalid")
    assert written(client) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "order", {"first": 1, "second": 1, "relation": "front", "revision": 0}),
        ("PUT", "order", {"first": 1, "second": 2, "relation": "above", "revision": 0}),
        ("PUT", "settings", {"revision": 0, "settings": {"weights": "/etc/passwd"}}),
        ("PUT", "settings", {"revision": 0, "settings": {"fill": "telly"}}),
        ("PUT", "settings", {"revision": 0, "settings": {"seed": -1}}),
        ("PUT", "settings", {"revision": 0, "settings": {"max_gap": "wide"}}),
        ("PUT", "arrangement", {"revision": 0, "arrangement": {"version": 1, "layers": [{"id": 9, "dx": 1}]}}),
        ("PUT", "arrangement", {"revision": 0, "arrangement": {"version": 1, "order": [1, 1]}}),
        ("PUT", "holes/1/choice", {"revision": 0, "pick": "nobody"}),
        ("PUT", "holes/1/choice", {"revision": 0, "pick": "mean", "reject": ["mean"]}),
        ("PATCH", "objects/1", {"revision": 0}),
        ("PATCH", "objects/1", {"revision": 0, "name": "a", "mask": WHOLE}),
        ("POST", "segment", {}),
        ("POST", "segment", {"box": [500, 500, 600, 600]}),
        ("POST", "compute", {"until": "dinner"}),
        ("POST", "undo", {"revision": 0}),
        ("POST", "undo", {"revision": "0"}),
        ("POST", "undo", {}),
    ],
)
def test_a_senseless_request_is_refused(client, photo, method, path, body):
    before = written(client)
    error_of(client.request(method, f"{photo}/{path}", json=body), 422, "invalid")
    assert written(client) == before


def test_arrows_set_by_hand_must_not_form_a_cycle(client, drawn):
    photo = upload(client, drawn)
    mask = {"polygons": [[2, 50, 8, 50, 8, 58, 2, 58]]}
    assert client.post(f"{photo}/objects", json={"mask": mask}).status_code == 200
    for first, second in ((1, 2), (2, 3)):
        body = {"first": first, "second": second, "relation": "front", "revision": 0}
        assert client.put(f"{photo}/order", json=body).status_code == 200
    body = {"first": 3, "second": 1, "relation": "front", "revision": 0}
    assert "cycle" in error_of(client.put(f"{photo}/order", json=body), 422, "invalid")["message"]


def test_what_is_not_there_is_missing(client, photo):
    for path in ("objects/9/mask.png", "holes/9/candidates", "export/tape", "references/a.png", "nothing"):
        error_of(client.get(f"{photo}/{path}"), 404, "missing")
    for address in ("/api/photos/none", "/api/jobs/7"):
        error_of(client.get(address), 404, "missing")
    error_of(client.post("/api/demos/tea"), 422, "invalid")
    error_of(client.delete("/api/app"), 405, "method")


def test_what_is_not_computed_is_not_ready(client, photo):
    for path in ("background.png", "composed.png", "layers/1.png", "overlays/confidence.png", "export/ora",
                 "export/cocoa"):  # fmt: skip
        error_of(client.get(f"{photo}/{path}"), 409, "not-ready")
    error_of(client.put(f"{photo}/done", json={"revision": 0, "done": True}), 409, "not-ready")
    error_of(client.post(f"{photo}/annotation"), 409, "not-ready")
    error_of(client.post(f"{photo}/click", json={"points": [[1, 1, 1]]}), 409, "not-ready")


def test_a_damaged_project_is_named_and_the_others_still_open(client, drawn, photo):
    other = upload(client, drawn)
    workspace = client.app.state.service.workspace
    folder = workspace.folder / photo.rpartition("/")[2]
    (folder / "app" / "state.json").write_text("{")
    fresh: TestClient = client_of(Workspace(workspace.folder))
    assert "state.json" in error_of(fresh.get(photo), 422, "invalid")["message"]
    assert fresh.get(other).status_code == 200


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_for_passing_files_is_said(client, monkeypatch, number):
    from deocclude.app.routes import photos

    def full():
        raise OSError(number, os.strerror(number), "/tmp")

    monkeypatch.setattr(photos.tempfile, "TemporaryDirectory", full)
    answer = client.post("/api/photos", files={"file": ("photo.png", b"x")})
    error_of(answer, 507, "output")
    assert os.strerror(number) in answer.json()["error"]["message"]
