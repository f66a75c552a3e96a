"""What a user does by hand, through the API; nothing is computed here."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
from app_service import SIZE, TOKEN, client_of, square, upload
from PIL import Image

from deocclude import rle
from deocclude.app import pictures
from deocclude.app.create import new_project
from deocclude.app.mask_bodies import mask_png
from deocclude.app.workspace import Workspace
from deocclude.formats import read_scene, write_scene
from deocclude.images import png_bytes
from deocclude.masks import Mask


def runs(array):
    return {"rle": rle.encode(Mask.from_array(array))}


def mask_of(client, photo, identity, kind="visible"):
    return rle.decode(client.get(f"{photo}/objects/{identity}/mask?kind={kind}").json()["rle"]).to_array()


def test_a_photo_with_masks_has_its_objects(client, photo):
    state = client.get(photo).json()
    assert [item["name"] for item in state["objects"]] == ["red", "green"]
    assert state["objects"][0]["visible_box"] == [30, 25, 70, 55]
    assert state["objects"][0]["centre"] == [49.5, 39.5]
    assert (state["revision"], state["undo"], state["redo"]) == (0, None, None)
    assert state["stale_from"] == "repair" and state["layers"] == []
    assert client.get("/api/photos").json()["photos"] == [state["photo"]]
    assert client.get("/api/app").json()["current"] == state["photo"]["id"]


def test_a_photo_without_masks_starts_empty(client, drawn):
    photo = upload(client, drawn, masks=False)
    state = client.get(photo).json()
    assert state["objects"] == [] and state["stale_from"] is None
    state = client.post(f"{photo}/objects", json={"mask": runs(square(5, 5, 20, 20)), "name": " cup "}).json()
    assert [(item["id"], item["name"], item["visible_pixels"]) for item in state["objects"]] == [(1, "cup", 225)]
    assert state["undo"] == "Add cup"


@pytest.mark.parametrize("grey", [True, False])
def test_a_mask_may_come_as_a_picture(client, drawn, grey):
    photo = upload(client, drawn, masks=False)
    wanted = np.zeros((10, 12), np.uint8)
    wanted[2:7, 3:9] = 255
    data = png_bytes(np.dstack([wanted] * 3)) if grey else mask_png(Mask.from_array(wanted))
    box = [20, 30, 32, 40] if grey else [23, 32, 29, 37]
    mask = {"png": base64.b64encode(data).decode(), "box": box}
    assert client.post(f"{photo}/objects", json={"mask": mask}).status_code == 200
    assert np.array_equal(mask_of(client, photo, 1), square(23, 32, 29, 37))


def test_a_mask_picture_is_laid_over_its_box(client, drawn):
    photo = upload(client, drawn, masks=False)
    data = png_bytes(np.full((5, 5, 3), 255, np.uint8))
    body = {"mask": {"png": base64.b64encode(data).decode(), "box": [-10, 0, 10, 20]}}
    client.post(f"{photo}/objects", json=body)
    assert np.array_equal(mask_of(client, photo, 1), square(0, 0, 10, 20))


def test_painted_pixels_are_taken_from_others_unless_asked_otherwise(client, photo):
    stroke = square(20, 20, 35, 30)
    body = {"revision": 0, "paint": {"mode": "add", "mask": runs(stroke)}}
    before = {identity: mask_of(client, photo, identity) for identity in (1, 2)}
    state = client.patch(f"{photo}/objects/1", json=body).json()
    assert np.array_equal(mask_of(client, photo, 1), before[1] | stroke)
    assert np.array_equal(mask_of(client, photo, 2), before[2] & ~stroke)
    assert [item["revision"] for item in state["objects"]] == [1, 1]
    body = {"revision": 1, "take": False, "paint": {"mode": "add", "mask": runs(before[1])}}
    client.patch(f"{photo}/objects/2", json=body)
    assert np.array_equal(mask_of(client, photo, 1), before[1] | stroke)


def test_erasing_renaming_and_drawing_anew(client, photo):
    stroke = square(30, 25, 40, 55)
    client.patch(f"{photo}/objects/1", json={"revision": 0, "paint": {"mode": "erase", "mask": runs(stroke)}})
    assert np.array_equal(mask_of(client, photo, 1), square(40, 25, 70, 55))
    state = client.patch(f"{photo}/objects/1", json={"revision": 1, "name": "box"}).json()
    assert state["undo"] == "Rename red" and state["objects"][0]["name"] == "box"
    client.patch(f"{photo}/objects/1", json={"revision": 2, "mask": runs(square(60, 50, 70, 60))})
    assert np.array_equal(mask_of(client, photo, 1), square(60, 50, 70, 60))


def test_an_object_goes_with_all_that_was_said_of_it_and_comes_back_with_it(client, photo):
    client.put(f"{photo}/order", json={"first": 2, "second": 1, "relation": "front", "revision": 0})
    client.put(f"{photo}/objects/1/whole", json={"revision": 0, "mask": runs(square(30, 20, 75, 58))})
    before = client.get(photo).json()
    state = client.delete(f"{photo}/objects/1?revision=0").json()
    assert [item["id"] for item in state["objects"]] == [2] and state["order"]["set"] == []
    new = client.post(f"{photo}/objects", json={"mask": runs(square(60, 5, 70, 15))}).json()
    assert [item["id"] for item in new["objects"]] == [2, 3]  # 1 stays taken
    client.post(f"{photo}/undo", json={"revision": 4})
    state = client.post(f"{photo}/undo", json={"revision": 5}).json()
    assert state["redo"] == "Remove red"
    assert [item["visible_pixels"] for item in state["objects"]] == [
        item["visible_pixels"] for item in before["objects"]
    ]
    assert state["objects"][0]["whole"]["by_hand"] and len(state["order"]["set"]) == 1


def test_a_whole_shape_is_painted_and_given_back(client, photo):
    visible = mask_of(client, photo, 2)
    body = {"revision": 0, "paint": {"mode": "add", "mask": runs(square(30, 25, 50, 40))}}
    state = client.put(f"{photo}/objects/2/whole", json=body).json()
    assert state["objects"][1]["whole"]["hidden_pixels"] == 300
    assert np.array_equal(mask_of(client, photo, 2, "whole"), square(10, 10, 50, 40))
    assert np.array_equal(mask_of(client, photo, 2, "hidden"), square(10, 10, 50, 40) & ~visible)
    picture = client.get(state["objects"][1]["whole"]["mask_url"])
    assert "immutable" in picture.headers["cache-control"]
    state = client.put(f"{photo}/objects/2/whole", json={"revision": 1, "mask": None}).json()
    assert state["objects"][1]["whole"]["by_hand"] is False


def test_a_picture_that_has_changed_since_is_not_kept_under_its_old_address(client, photo):
    """Undo leads back to the old address; a browser must not find the newer picture there."""
    known = client.get(photo).json()["objects"][0]
    stroke = {"polygons": [[30, 25, 40, 25, 40, 35, 30, 35]]}
    body = {"revision": known["revision"], "paint": {"mode": "erase", "mask": stroke}}
    now = client.patch(f"{photo}/objects/1", json=body).json()["objects"][0]
    assert client.get(known["mask_url"]).headers["cache-control"] == "no-store"
    assert "immutable" in client.get(now["mask_url"]).headers["cache-control"]


def test_a_mask_is_sent_as_large_as_the_page_draws_it(client, photo, monkeypatch):
    monkeypatch.setitem(pictures.LONGEST, "screen", SIZE[1] // 2)
    address = client.get(photo).json()["objects"][0]["mask_url"]
    answer = client.get(f"{address}&size=screen")
    alpha = np.asarray(Image.open(io.BytesIO(answer.content)))[..., 1]
    assert alpha.shape == (15, 20) and (alpha == 255).all()  # half of 40 x 30
    assert "immutable" in answer.headers["cache-control"]


def test_an_arrow_is_set_doubled_taken_away_and_given_back(client, photo):
    for revision, relation in enumerate(("front", "both", "none")):
        body = {"first": 2, "second": 1, "relation": relation, "revision": revision}
        said = client.put(f"{photo}/order", json=body).json()["order"]["set"]
        assert said == [{"first": 2, "second": 1, "relation": relation, "revision": revision + 1}]
    body = {"first": 1, "second": 2, "relation": "auto", "revision": 3}
    assert client.put(f"{photo}/order", json=body).json()["order"]["set"] == []


def test_a_choice_is_kept(client, photo):
    body = {"revision": 0, "pick": "biharmonic", "reject": ["mean", "telea"]}
    hole = client.put(f"{photo}/holes/2/choice", json=body).json()["objects"][1]["hole"]
    assert (hole["pick"], hole["reject"], hole["revision"]) == ("biharmonic", ["mean", "telea"], 1)
    hole = client.put(f"{photo}/holes/0/choice", json={"revision": 0, "pick": "mean"}).json()["background"]["hole"]
    assert hole["pick"] == "mean"


def test_two_tabs_that_edit_the_same_object_are_told_and_others_are_not(client, photo):
    assert client.patch(f"{photo}/objects/1", json={"revision": 0, "name": "first tab"}).status_code == 200
    answer = client.patch(f"{photo}/objects/1", json={"revision": 0, "name": "second tab"})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["current"]) == (409, "conflict", 1)
    assert client.get(photo).json()["objects"][0]["name"] == "first tab"
    assert client.patch(f"{photo}/objects/2", json={"revision": 0, "name": "another"}).status_code == 200
    for method, path, body in (
        ("DELETE", "objects/1?revision=0", None),
        ("PUT", "settings", {"revision": 5, "settings": {}}),
        ("PUT", "order", {"first": 1, "second": 2, "relation": "none", "revision": 9}),
        ("PUT", "objects/1/whole", {"revision": 9, "mask": None}),
        ("PUT", "holes/1/choice", {"revision": 9}),
        ("PUT", "arrangement", {"revision": 9, "arrangement": {"version": 1}}),
        ("PUT", "done", {"revision": 9, "done": False}),
        ("POST", "undo", {"revision": 1}),
    ):
        answer = client.request(method, f"{photo}/{path}", json=body)
        assert answer.status_code == 409, (path, answer.text)


def test_references_are_added_shown_and_taken_away(client, drawn, photo):
    content = (drawn / "photo.png").read_bytes()
    files = [("files", ("right.png", content)), ("files", ("right.png", content))]
    about = {"revision": "0", "source": "my camera", "licence": "CC0", "page": ""}
    state = client.post(f"{photo}/references", files=files, data=about).json()
    assert [item["name"] for item in state["references"]["items"]] == ["right.png", "right-2.png"]
    assert state["references"]["items"][0]["licence"] == "CC0"
    assert client.get(state["references"]["items"][1]["thumbnail_url"]).headers["content-type"] == "image/png"
    state = client.delete(f"{photo}/references/right.png?revision=1").json()
    assert [item["name"] for item in state["references"]["items"]] == ["right-2.png"]
    state = client.post(f"{photo}/undo", json={"revision": 2}).json()
    assert len(state["references"]["items"]) == 2
    assert client.delete(f"{photo}/references/right.png?revision=1").status_code == 409


def test_a_box_and_scribbles_find_the_mask(client, photo):
    found = client.post(f"{photo}/segment", json={"box": [26, 21, 74, 59]}).json()
    mask = rle.decode(found["rle"]).to_array()
    truth = square(30, 25, 70, 55)
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95
    assert found["mask"]["box"][0] == 30 and found["pixels"] == mask.sum()
    strokes = {"object": 1, "background": [[[31, 30], [31, 50]]], "radius": 2}
    less = rle.decode(client.post(f"{photo}/segment", json=strokes).json()["rle"]).to_array()
    assert not less[30:50, 31].any()
    assert client.get(photo).json()["revision"] == 0  # nothing was stored


def test_objects_that_are_spared_keep_their_pixels(client, photo):
    body = {"box": [5, 5, 78, 58], "spare": [1, 99]}  # one of them was removed in another tab
    found = rle.decode(client.post(f"{photo}/segment", json=body).json()["rle"]).to_array()
    assert found[12:24, 12:48].mean() > 0.95 and not found[25:55, 30:70].any()
    body |= {"foreground": [[[40, 45], [60, 45]]], "radius": 1}
    found = rle.decode(client.post(f"{photo}/segment", json=body).json()["rle"]).to_array()
    assert found[45, 40:60].all() and not found[30:40, 40:60].any()
    alone = client.post(f"{photo}/segment", json={"box": [26, 21, 74, 59], "spare": [1, 2]})
    assert alone.status_code == 422 and "part of another object" in alone.json()["error"]["message"]


def test_a_click_spares_what_it_does_not_point_at(tmp_path, drawn):
    class Discs:
        """Stands for a click model: a disc round each click."""

        def embed(self, photo):
            return None

        def segment(self, embedding, points, box):
            rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
            near = [np.hypot(columns - x, rows - y) < 8 for x, y, _ in points]
            return Mask.from_array(np.logical_or.reduce(near))

    client = client_of(Workspace(tmp_path / "work"), model=Discs())
    address = upload(client, drawn)

    def found(x, y):
        return client.post(f"{address}/click", json={"points": [[x, y, 1]], "spare": [1]})

    beside = rle.decode(found(26, 40).json()["rle"]).to_array()
    assert beside[40, 20:30].all() and not beside[40, 30:].any()
    assert rle.decode(found(32, 40).json()["rle"]).to_array()[40, 26:38].all()  # it points at the object


def test_pictures_come_in_three_sizes(client, tmp_path):
    Image.new("RGB", (2000, 1000), "navy").save(tmp_path / "wide.png")
    answer = client.post("/api/photos", files={"file": ("wide.png", (tmp_path / "wide.png").read_bytes())})
    photo = f"/api/photos/{answer.json()['id']}"
    state = client.get(photo).json()
    assert state["preview"]["scale"] == 0.8 and state["preview"]["width"] == 1600
    for size, width in (("thumb", 256), ("screen", 1600), ("full", 2000)):
        (tmp_path / "got.png").write_bytes(client.get(f"{photo}/picture?size={size}").content)
        with Image.open(tmp_path / "got.png") as image:
            assert image.width == width


def test_a_folder_of_photos_is_listed_without_being_opened(drawn, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.png", "a.png"):
        (folder / name).write_bytes((drawn / "photo.png").read_bytes())
    (folder / "notes.txt").write_text("no photo")
    client = client_of(Workspace(tmp_path / "work", folder))
    photos = client.get("/api/photos").json()["photos"]
    assert [(item["name"], item["width"]) for item in photos] == [("a.png", None), ("b.png", None)]
    assert client.get(photos[1]["thumbnail_url"]).status_code == 200
    assert not (tmp_path / "work").exists()
    assert client.get("/api/app").json()["current"] == photos[0]["id"]
    photo = f"/api/photos/{photos[0]['id']}"
    client.post(f"{photo}/objects", json={"mask": runs(square(5, 5, 20, 20))})
    again = client_of(Workspace(tmp_path / "work", folder)).get("/api/photos").json()["photos"]
    assert [(item["name"], item["objects"], item["width"]) for item in again] == [("a.png", 1, 80), ("b.png", 0, None)]


def test_projects_are_listed_without_being_opened(client, photo):
    folder = client.app.state.service.workspace.folder
    photos = Workspace(folder)
    again = client_of(photos)
    (listed,) = again.get("/api/photos").json()["photos"]
    answer = again.get(listed["thumbnail_url"])
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == SIZE[::-1]
    assert "immutable" in answer.headers["cache-control"]
    assert photos.opened(listed["id"]) is None


def test_a_folder_of_photos_is_listed_without_what_is_none(drawn, tmp_path):
    folder = tmp_path / "photos"
    (folder / "album.png").mkdir(parents=True)
    (folder / "._photo.png").write_bytes(b"left behind by another system")
    shutil.copy(drawn / "photo.png", folder / "photo.png")
    listed = client_of(Workspace(tmp_path / "work", folder)).get("/api/photos").json()["photos"]
    assert [photo["name"] for photo in listed] == ["photo.png"]


def test_a_project_folder_may_have_any_name(drawn, tmp_path):
    folder = tmp_path / "work" / "Küche #2, 50%"
    new_project(folder, drawn / "photo.png", "photo.png", drawn / "masks.json")
    client = client_of(Workspace(tmp_path / "work"))
    (photo,) = client.get("/api/photos").json()["photos"]
    state = client.get(f"/api/photos/{photo['id']}").json()
    assert client.get(state["objects"][0]["mask_url"]).status_code == 200
    assert client.get("/api/app").json()["current"] == photo["id"]


def test_what_is_left_out_of_the_masks_of_an_upload_is_said(client, drawn, tmp_path):
    write_scene(read_scene(drawn / "masks.json"), tmp_path / "drawn.json", "labelme")
    plain = json.loads((tmp_path / "drawn.json").read_text())
    plain["shapes"].append({"label": "tip", "shape_type": "point", "points": [[3, 3]]})
    files = {"file": ("photo.png", (drawn / "photo.png").read_bytes()), "masks": ("m.json", json.dumps(plain).encode())}
    state = client.get(f"/api/photos/{client.post('/api/photos', files=files).json()['id']}").json()
    assert (len(state["objects"]), state["notice"]) == (2, "1 shape without an area is left out: 1 point 'tip'")


def test_the_masks_of_an_upload_are_found_by_the_name_of_the_photo(client, drawn):
    """Signs that no file of the app may have in its name."""
    sizes = [{"id": number, "file_name": name, "width": SIZE[1], "height": SIZE[0]}
             for number, name in enumerate(["other.png", "Bild (1).png"])]  # fmt: skip
    about = {"category_id": 1, "iscrowd": 0, "area": 100, "bbox": [5, 5, 10, 10]}
    masks = [{"id": number, "image_id": number, "segmentation": [[5, 5, 15, 5, 15, 15 + number]], **about}
             for number in (0, 1)]  # fmt: skip
    plain = {"images": sizes, "annotations": masks, "categories": [{"id": 1, "name": "thing"}]}
    files = {"file": ("Bild (1).png", (drawn / "photo.png").read_bytes(), "image/png"),
             "masks": ("all.json", json.dumps(plain).encode(), "application/json")}  # fmt: skip
    answer = client.post("/api/photos", files=files)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "Bild (1).png" and answer.json()["objects"] == 1


def test_a_demo_is_opened_once(client):
    first = client.post("/api/demos/coffee").json()
    assert client.post("/api/demos/coffee").json() == first
    assert first["objects"] == 3 and TOKEN not in str(first)


def test_a_photo_that_is_edited_is_no_longer_done(client, photo):
    session = client.app.state.service.workspace.session(photo.rpartition("/")[2])
    session.act("Done", {"done": True})
    edits = client.put(f"{photo}/settings", json={"revision": 0, "settings": {"fill": "telea"}}).json()
    assert edits["done"]["value"]  # says nothing about the annotation
    renamed = client.patch(f"{photo}/objects/1", json={"revision": 0, "name": "box"}).json()
    assert not renamed["done"]["value"]
    assert client.post(f"{photo}/undo", json={"revision": renamed["revision"]}).json()["done"]["value"]


def test_lines_go_on_from_a_mask(client, photo):
    start = {"polygons": [[30, 25, 69, 25, 69, 54, 30, 54]]}
    body = {"start": start, "background": [[[35, 30], [45, 30]]], "radius": 2}
    found = client.post(f"{photo}/segment", json=body).json()
    assert 900 < found["pixels"] < 1200
    refused = client.post(f"{photo}/segment", json=body | {"object": 1})
    assert refused.status_code == 422 and "object or start" in refused.json()["error"]["message"]
