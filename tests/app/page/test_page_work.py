"""A photo is taken apart in the page, from a box to the export, and reopened; each test goes on from the one before."""

from __future__ import annotations

import io
import json
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from deocclude.app.workspace import Workspace

pytestmark = pytest.mark.usefixtures("window")


def state_of(window, photo: str) -> dict:
    return window.page.request.get(f"{window.server.address}api/photos/{photo}").json()


def picture(window, url: str) -> np.ndarray:
    answer = window.page.request.get(window.server.address.rstrip("/") + url)
    assert answer.ok
    return np.asarray(Image.open(io.BytesIO(answer.body())).convert("RGBA"))


def stack(window) -> list[str]:
    """Names from front to back, as the step Order lists them."""
    return [text.strip() for text in window.page.locator("ol.stack li").all_inner_texts()]


def test_a_box_gives_a_mask(window, photo):
    window.go(photo, "masks")
    page = window.page
    page.get_by_role("button", name="Remove spoon").click()
    page.get_by_text("2 objects").wait_for()
    window.drag((129, 24), (171, 132))
    page.get_by_role("button", name="Add object").click(timeout=60_000)
    page.get_by_text("3 objects").wait_for()
    window.settle()
    new = state_of(window, photo)["objects"][-1]
    assert new["name"] == "object 4"
    left, top, right, bottom = new["visible_box"]
    assert 120 <= left < right <= 180 and 15 <= top < bottom <= 140
    assert 300 < new["visible_pixels"] < 42 * 108


def test_a_stroke_of_the_brush_is_stored(window, photo):
    window.go(photo, "masks")
    before = state_of(window, photo)["objects"][-1]
    window.page.get_by_role("button", name="Choose object 4").click()
    window.page.keyboard.press("p")
    window.drag((140, 30), (165, 35))
    window.settle()
    after = state_of(window, photo)["objects"][-1]
    assert after["visible_pixels"] > before["visible_pixels"]
    window.page.keyboard.press("Control+z")
    window.settle()
    assert state_of(window, photo)["objects"][-1]["visible_pixels"] == before["visible_pixels"]


def test_a_name_is_stored(window, photo):
    window.go(photo, "masks")
    field = window.page.get_by_label("Name of object 3")
    field.fill("spoon")
    field.press("Enter")
    window.settle()
    assert [item["name"] for item in state_of(window, photo)["objects"]] == ["cup", "saucer", "spoon"]


def test_a_flipped_arrow_changes_the_layers(window, photo):
    window.go(photo, "layers")
    window.go(photo, "order")
    before = stack(window)
    assert before.index("cup") < before.index("saucer")
    window.page.get_by_role("button", name="cup hides saucer").first.focus()
    window.page.keyboard.press("Enter")
    window.page.keyboard.press("f")
    window.page.get_by_role("button", name="saucer hides cup, by hand").wait_for()
    window.settle()
    after = stack(window)
    assert after.index("saucer") < after.index("cup")
    assert sorted(after) == sorted(before)
    window.page.get_by_role("button", name="Undo").click()
    window.page.get_by_role("button", name="cup hides saucer").first.wait_for()
    window.settle()
    assert stack(window) == before


def test_another_candidate_is_taken(window, photo):
    window.go(photo, "content")
    page = window.page
    page.locator(".objects button", has_text="saucer").click()
    page.get_by_role("button", name="Paint all candidates").click()
    page.locator(".candidate img").nth(1).wait_for()
    window.settle()
    before = saucer_of(state_of(window, photo))
    pixels = picture(window, before["layer"]["picture_url"])
    cards = page.locator(".candidate").evaluate_all("cards => cards.map((card) => card.dataset.candidate)")
    other = next(name for name in cards if name != before["hole"]["method"] and is_usable(page, name))
    page.locator(f"[id='pick-{other}']").click()
    page.locator(f"[id='pick-{other}'][aria-pressed=true]").wait_for()
    window.settle()
    after = saucer_of(state_of(window, photo))
    assert after["hole"]["pick"] == other
    assert after["hole"]["method"] == other
    assert not np.array_equal(picture(window, after["layer"]["picture_url"]), pixels)


def saucer_of(state: dict) -> dict:
    item, layer = (next(found for found in state[key] if found["name"] == "saucer") for key in ("objects", "layers"))
    return {"hole": item["hole"], "layer": layer}


def is_usable(page, name: str) -> bool:
    return page.locator(f"[id='pick-{name}']").is_enabled()


def test_a_dragged_layer_uncovers_what_is_behind(window, photo):
    window.go(photo, "layers")
    page = window.page
    cup = next(layer for layer in state_of(window, photo)["layers"] if layer["name"] == "cup")
    saucer = next(layer for layer in state_of(window, photo)["layers"] if layer["name"] == "saucer")
    spot = (100, 100)  # on the front of the cup, in front of the saucer
    hidden = picture(window, saucer["picture_url"])[spot[1] - saucer["box"][1], spot[0] - saucer["box"][0]]
    covered = window.colour_at(*spot)
    window.drag((95, 60), (95 - 80, 60 - 40))
    window.settle()
    page.mouse.move(5, 400)
    moves = state_of(window, photo)["arrangement"]["value"]["layers"]
    assert moves == [{"id": cup["id"], "dx": pytest.approx(-80, abs=1), "dy": pytest.approx(-40, abs=1)}]
    assert hidden[3] == 255
    shown = window.colour_at(*spot)
    assert np.abs(shown - hidden[:3]).max() < 25, "the painted saucer is seen where the cup was"
    composed = picture(window, f"/api/photos/{photo}/composed.png?size=full")
    assert np.abs(composed[spot[1], spot[0], :3].astype(float) - hidden[:3]).max() <= 2
    assert np.abs(covered - shown).max() > 3


def test_layers_are_hidden_and_restacked(window, photo):
    window.go(photo, "layers")
    page = window.page
    names = page.locator("li.layer[data-layer] button.choose")
    order = names.all_inner_texts()
    page.get_by_role("button", name="Send cup back").click()
    window.settle()
    assert names.all_inner_texts() != order
    page.get_by_role("button", name="Bring cup forward").click()
    window.settle()
    page.get_by_role("button", name="Show spoon").click()
    window.settle()
    assert [move for move in state_of(window, photo)["arrangement"]["value"]["layers"] if move.get("hidden")]
    page.get_by_role("button", name="Show spoon").click()
    window.settle()


def test_what_is_changed_in_quick_succession_is_stored(window, photo):
    """The answer to the first change arrives after the second one was made, and before the third."""
    window.go(photo, "layers")
    page = window.page
    before = state_of(window, photo)["arrangement"]["value"]

    def late(route):
        answer = route.fetch()
        page.wait_for_timeout(250)
        route.fulfill(response=answer)

    page.route("**/arrangement", late)
    eyes = page.locator("li.layer[data-layer] button.eye").all()
    for eye in eyes:
        eye.click()
        page.wait_for_timeout(150)
    window.settle()
    page.wait_for_timeout(800)
    window.settle()
    page.unroute("**/arrangement")
    stored = state_of(window, photo)["arrangement"]["value"]["layers"]
    assert len([move for move in stored if move.get("hidden")]) == len(eyes) == 3
    for _ in eyes:
        page.keyboard.press("Control+z")
        window.settle()
    assert state_of(window, photo)["arrangement"]["value"] == before


def test_a_number_typed_a_moment_ago_is_exported_and_undone(window, photo):
    window.go(photo, "layers")
    page = window.page
    before = state_of(window, photo)["arrangement"]["value"]
    page.locator("li.layer[data-layer] button.choose").first.click()
    page.locator("#pose-dy").fill("17")
    with page.expect_download() as waiting:
        page.locator("#export").click()
        page.locator("#export-png").click()
    with zipfile.ZipFile(waiting.value.path()) as file:
        name = next(name for name in file.namelist() if name.endswith("arrangement.json"))
        assert 17 in [move.get("dy") for move in json.loads(file.read(name))["layers"]]
    page.keyboard.press("Control+z")
    window.settle()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+z")
    page.wait_for_timeout(600)
    window.settle()
    assert state_of(window, photo)["arrangement"]["value"] == before


def test_before_and_after(window, photo):
    window.go(photo, "layers")
    spot = (100, 100)
    after = window.colour_at(*spot)
    window.page.get_by_role("button", name="Before / after").click()
    slider = window.page.get_by_role("slider", name="How much of the photo")
    slider.fill("100")
    window.page.wait_for_timeout(150)
    assert np.abs(window.colour_at(*spot) - after).max() > 3
    slider.fill("0")
    window.page.wait_for_timeout(150)
    assert np.abs(window.colour_at(*spot) - after).max() < 3


def test_the_layers_are_exported(window, photo):
    window.go(photo, "layers")
    with window.page.expect_download() as waiting:
        window.page.locator("#export").click()
        window.page.locator("#export-png").click()
    with zipfile.ZipFile(waiting.value.path()) as file:
        names = file.namelist()
        arrangement = json.loads(file.read(next(name for name in names if name.endswith("arrangement.json"))))
    assert sum(name.endswith(".png") for name in names) >= 3
    assert arrangement["layers"][0]["dx"] == pytest.approx(-80, abs=1)


def test_done_writes_the_annotation(window, photo):
    window.go(photo, "annotate")
    window.page.get_by_role("button", name="Mark done").click()
    window.page.get_by_text(re.compile(r"1 of \d+ done")).wait_for()
    assert state_of(window, photo)["done"]["value"] is True
    assert list(window.server.workspace.folder.rglob("annotation.json"))


def test_reopened_it_is_the_same(window, photo):
    window.go(photo, "layers")
    left = state_of(window, photo)
    again = Workspace(window.server.workspace.folder).session(photo)
    assert again.state.revision == left["revision"]
    before = window.page.locator("canvas.picture").evaluate("canvas => canvas.toDataURL()")
    window.page.reload()
    window.settle()
    assert state_of(window, photo) == left
    assert window.page.locator("canvas.picture").evaluate("canvas => canvas.toDataURL()") == before
    assert len(before) > 10_000
