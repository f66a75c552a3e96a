"""The search command against a local server: folder, page, JSON, what is said before anything is sent."""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "references" / "sources"))

import provider_answers as answers
from web_server import Reply, WebServer, jpeg, plain

from deocclude.errors import InputError
from deocclude.formats import write_scene
from deocclude.references.credit import read_credits
from deocclude.scene import scene_from_arrays


@pytest.fixture(scope="module")
def cup(tmp_path_factory) -> tuple[Path, Path]:
    """A photo of a cup, with masks of the cup and of what hides it."""
    folder = tmp_path_factory.mktemp("cup")
    pixels = skimage.data.coffee()
    masks = np.zeros((2, *pixels.shape[:2]), bool)
    masks[0, 60:340, 150:450] = True
    masks[1, 200:340, 380:560] = True
    masks[0] &= ~masks[1]
    Image.fromarray(pixels).save(folder / "coffee.png")
    write_scene(scene_from_arrays(masks, ["cup", "spoon"]), folder / "masks.json", "coco")
    return folder / "coffee.png", folder / "masks.json"


@pytest.fixture(scope="module")
def small_cup(cup, tmp_path_factory) -> tuple[Path, Path]:
    """The same at half the size, cut to the cup."""
    folder = tmp_path_factory.mktemp("small")
    pixels = np.asarray(Image.fromarray(skimage.data.coffee()).resize((300, 200)))[20:180, 60:290]
    masks = np.zeros((2, *pixels.shape[:2]), bool)
    masks[0, 10:150, 15:165] = True
    masks[1, 80:150, 130:220] = True
    masks[0] &= ~masks[1]
    Image.fromarray(pixels).save(folder / "coffee.png")
    write_scene(scene_from_arrays(masks, ["cup", "spoon"]), folder / "masks.json", "coco")
    return folder / "coffee.png", folder / "masks.json"


@pytest.fixture
def server():
    one = WebServer()
    other_view = Image.fromarray(skimage.data.coffee()).rotate(7, Image.Resampling.BICUBIC).crop((60, 40, 540, 370))
    target = io.BytesIO()
    other_view.save(target, "JPEG", quality=92)
    one.routes |= {
        "/v1/images/": plain(answers.openverse(one.url, ["view", "red", "lost"])),
        "/w/api.php": plain(answers.commons(one.url, ["blue"], mime="image/jpeg")),
        "/v1/images:annotate": plain(answers.google_vision(one.url)),
        "/pictures/view.jpg": Reply(target.getvalue(), kind="image/jpeg"),
        "/pictures/red.jpg": jpeg((200, 0, 0)),
        "/pictures/blue.jpg": jpeg((0, 0, 200)),
        "/pictures/lost.jpg": Reply(b"<html>", kind="text/html"),
    }
    yield one
    one.close()


@pytest.fixture
def web_file(server, tmp_path, monkeypatch) -> Path:
    """A settings file that knows no place but the local server."""
    names = ("google_vision", "openverse", "commons", "serpapi", "imgbb")
    services = "".join(f'[{name}]\nurl = "{server.url}"\nrate = 1000.0\n' for name in names)
    file = tmp_path / "web.toml"
    file.write_text(
        'contact = "me@example.org"\n[network]\nallow = ["127.0.0.1/32"]\npause_seconds = 0.01\ntotal_seconds = 20.0\n'
        f'[cache]\nfolder = "{tmp_path / "cache"}"\n{services}'
    )
    monkeypatch.setenv("DEOCCLUDE_WEB", str(file))
    return file


def test_search(call, cup, server, web_file, tmp_path):
    photo, masks = cup
    folder = tmp_path / "found"
    asked = ("search", photo, "--masks", masks, "--object", 1, "--source", "openverse,commons", "-o", folder)
    answer = call(*asked)
    assert answer.code == 0, answer.err
    assert "note: sent to openverse: the words 'cup'" in answer.err
    assert "openverse: wrong-type" in answer.err
    assert "CC BY-SA 2.0" in answer.out
    assert "CC BY-SA 4.0" in answer.out
    credits = read_credits(folder)
    assert len(credits) == 3
    page = (folder / "found.html").read_text()
    assert page.count("<figure") == 4
    assert 'href="https://creativecommons.org/licenses/by-sa/4.0"' in page
    assert "Ada &amp; Co" in page
    assert "<script" not in page
    assert (folder / "ATTRIBUTION.txt").is_file()
    again = json.loads(call(*asked, "--json").out)
    by_name = {one["title"]: one for one in again["pictures"]}
    assert by_name["A view"]["reference"] is True
    assert by_name["A view"]["probability"] > 0.9
    assert not by_name["A red"].get("reference")
    assert by_name["A lost"]["file"] is None
    assert [one["reason"] for one in again["failures"]] == ["wrong-type"]
    assert server.times("/v1/images/") == 1
    assert not any(one.method == "POST" for one in server.asked)


def test_dry_run_sends_nothing(call, cup, server, web_file, tmp_path, monkeypatch):
    photo, masks = cup
    monkeypatch.setenv("DEOCCLUDE_GOOGLE_VISION_KEY", "k")
    answer = call("search", photo, "--masks", masks, "--object", 1, "--source", "google-vision,openverse",
                  "--words", "coffee", "--dry-run", "-o", tmp_path / "found")  # fmt: skip
    assert answer.code == 0, answer.err
    assert "would be sent to google-vision: a picture of cup (1), 360x340 pixels" in answer.err
    assert "would be sent to openverse: the words 'coffee'" in answer.err
    assert not server.asked
    assert not (tmp_path / "found").exists()


def test_only_the_object_is_shown(call, cup, server, web_file, tmp_path, monkeypatch):
    photo, masks = cup
    monkeypatch.setenv("DEOCCLUDE_GOOGLE_VISION_KEY", "k")
    asked = ("search", photo, "--masks", masks, "--object", 1, "--source", "google-vision", "--no-verify", "--alone")
    assert call(*asked, "-o", tmp_path / "found").code == 0
    sent = base64.b64decode(server.asked[0].json["requests"][0]["image"]["content"])
    pixels = np.asarray(Image.open(io.BytesIO(sent)))
    assert abs(pixels[5, 5].astype(int) - 127).max() < 6
    original = skimage.data.coffee()
    assert abs(pixels[60, 60].astype(int) - original[90, 180]).max() < 25  # the crop starts 30 pixels out
    hidden = pixels[200:300, 270:320].reshape(-1, 3).astype(int)
    assert hidden.std(axis=0).max() < 4, "what hides the object is painted over in one colour"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--source", "opnverse"), "did you mean 'openverse'"),
        (("--source", ""), "expected one or more of"),
        (("--source", "serpapi"), "https://serpapi.com/manage-api-key"),
        (("--source", "browser"), "browser.permission = true"),
        (("--source", "openverse", "--licence", "free"), "commercial"),
        (("--source", "openverse", "--count", "0"), "--count"),
        (("--source", "folder:/no/such/folder"), "no such folder"),
        (("--source", "folder:"), "expected a folder"),
        (("--source", "openverse", "--settings", "/no/such/file.toml"), "no such file"),
    ],
)
def test_bad_input(arguments, said, call, cup, server, web_file, tmp_path):
    photo, masks = cup
    answer = call("search", photo, "--masks", masks, "--object", 1, *arguments, "-o", tmp_path / "found")
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not server.asked


def test_an_unknown_object_and_a_folder_in_use(call, cup, server, web_file, tmp_path):
    photo, masks = cup
    asked = ("search", photo, "--masks", masks, "--source", "openverse", "--no-verify")
    assert "9" in call(*asked, "--object", 9).err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    answer = call(*asked, "--object", 1, "-o", tmp_path / "mine")
    assert (answer.code, "--force" in answer.err) == (2, True)
    assert not server.asked
    assert call(*asked, "--object", 1, "-o", tmp_path / "mine", "--force").code == 0
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_folder_of_ones_own_is_a_source(call, cup, server, web_file, tmp_path):
    photo, masks = cup
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "view.jpg").write_bytes(server.routes["/pictures/view.jpg"].body)
    (mine / "other.jpg").write_bytes(server.routes["/pictures/red.jpg"].body)
    asked = ("search", photo, "--masks", masks, "--object", 1, "--source", f"folder:{mine}", "--json")
    found = json.loads(call(*asked, "-o", tmp_path / "found").out)
    best = found["pictures"][0]
    assert (best["title"], best["reference"], best["licence"]) == ("view.jpg", True, "unknown")
    assert (tmp_path / "found" / best["file"]).read_bytes() == (mine / "view.jpg").read_bytes()
    assert not server.asked


def test_run_takes_references_from_the_web(call, small_cup, server, web_file, tmp_path):
    """What is found serves as a reference, its licence comes along, and resuming sends nothing."""
    photo, masks = small_cup
    out = tmp_path / "out"
    asked = ("run", photo, "--masks", masks, "--references", "web:openverse,commons", "--fill", "mean", "--edges",
             "hard", "--amodal-method", "convex", "--order-method", "area-large", "-o", out)  # fmt: skip
    answer = call(*asked)
    assert answer.code == 0, answer.err
    assert "sent to openverse: the words 'cup'" in answer.err
    assert "openverse: wrong-type" in answer.err
    assert "web:" not in (out / "scene.json").read_text()
    found = json.loads(call("references", out, "--json").out)["references"]
    known = [one for one in found if one.get("licence") == "CC BY-SA 2.0"]
    assert known
    assert known[0]["page"] == "https://www.flickr.com/photos/view"
    before = len(server.asked)
    assert call("run", out).code == 0
    assert len(server.asked) == before


def test_commands_that_fill_nothing_ask_nobody(call, cup, server, web_file):
    photo, masks = cup
    asked = ("--masks", masks, "--references", "web:openverse", "--order-method", "area-large")
    assert call("order", photo, *asked).code == 0
    assert not server.asked
    assert "did you mean 'openverse'" in call("run", photo, "--masks", masks, "--references", "web:opnverse").err


def test_build_dataset_takes_references_from_the_web(call, server, web_file, tmp_path, monkeypatch):
    from deocclude.datasets import reference_building

    folder = tmp_path / "photos" / "cup"
    folder.mkdir(parents=True)
    for name, turned in (("one", 0), ("two", 4)):
        Image.fromarray(skimage.data.coffee()).rotate(turned).save(folder / f"{name}.png")
    server.routes["/pictures/blue.jpg"] = Reply((folder / "one.png").read_bytes(), kind="image/png")
    asked = ("build-dataset", f"classes:{tmp_path / 'photos'}", "-o", tmp_path / "set", "--objects", 2,
             "--test-objects", 1, "--references", "web:openverse,commons")  # fmt: skip
    built = []

    def build(data, output, settings, *, aids, **_):
        built.append(aids.references)
        raise InputError("a test that ends here", "it")

    monkeypatch.setattr(reference_building, "build_reference_dataset", build)
    assert "sent to: openverse, commons" in call(*asked).err
    assert built == [tmp_path / "set-references"]
    titles = {one.title for one in read_credits(built[0]).values()}
    assert titles == {"A view", "A red"}, "no photo of the data itself"
    assert {one.query["q"] for one in server.asked if one.path == "/v1/images/"} == {"cup"}
    before = len(server.asked)
    call(*asked)
    assert len(server.asked) == before
