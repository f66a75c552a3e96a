"""Masks that are in the making: clicks of a model, lines, brush and eraser after each other; what undo takes back."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from page_window import HEIGHT, WIDTH, Server, Window, small_coffee

from deocclude.segment.clicks import ClickModel

pytest.importorskip("onnx", reason="needs onnx")
pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
sys.path.insert(0, str(Path(__file__).parents[2]))

from tiny_models import RADIUS, decoder, encoder


@pytest.fixture(scope="module")
def clicking(tmp_path_factory):
    """A server with a click model."""
    folder = tmp_path_factory.mktemp("clicking")
    files = encoder(folder / "encoder.onnx"), decoder(folder / "decoder.onnx", size=(HEIGHT, WIDTH))
    server = Server(folder / "work", ClickModel(*files))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bare(clicking, tmp_path_factory) -> str:
    """The id of a photo without objects."""
    path, _ = small_coffee(tmp_path_factory.mktemp("photo"))
    return clicking.workspace.add(path, "coffee.png").identity


@pytest.fixture(scope="module")
def window(browser, clicking, bare):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    window = Window(context.new_page(), clicking)
    window.go(bare, "masks")
    yield window
    context.close()


@pytest.fixture(autouse=True)
def nothing_open(window):
    """Each test begins without objects and ends so."""
    yield
    if window.page.locator("#discard").count():
        window.page.locator("#discard").click()
    if window.page.locator("ul.objects .name").count():
        window.page.locator("ul.objects").get_by_role("button", name="Remove").click()
        window.page.get_by_text("0 objects").wait_for()


def click(window, x, y, **more):
    window.page.mouse.click(*window.at(x, y), **more)
    window.settle()


def taken(window, photo) -> np.ndarray:
    """Take the mask and return it, bool [HEIGHT, WIDTH]."""
    window.page.locator("#take").click()
    window.page.get_by_text("1 object", exact=True).wait_for()
    window.settle()
    session = window.server.workspace.session(photo)
    return session.scene.instances[0].modal.to_array()


def near(x, y, away=0) -> np.ndarray:
    """A disc of the radius of the model, or further."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(columns - x, rows - y) < RADIUS + away


def test_clicks_add_and_take_away_and_undo_takes_them_back(window, bare):
    page = window.page
    page.keyboard.press("c")
    click(window, 60, 60)
    click(window, 68, 60)
    click(window, 60, 64, button="right")
    click(window, 150, 100)
    assert page.locator("#undo").is_enabled()
    page.keyboard.press("Control+z")
    window.settle()
    mask = taken(window, bare)
    assert mask[60, 74] and mask[54, 64] and not mask[64, 60] and not mask[60, 150 - RADIUS : 150 + RADIUS].any()
    assert not (mask & ~near(60, 60, 1) & ~near(68, 60, 1)).any()
    assert page.locator("#undo").get_attribute("aria-label") == "Undo: Add object 1"


def test_alt_clicks_take_away_too_and_keys_click_as_well(window, bare):
    page = window.page
    page.keyboard.press("c")
    page.locator("canvas.picture").focus()
    for key in ("ArrowRight", "ArrowLeft", "Enter", "Enter"):  # in the middle of the photo: a press and a release
        page.keyboard.press(key)
    window.settle()
    page.keyboard.down("Alt")
    click(window, WIDTH // 2 + 4, HEIGHT // 2)
    page.keyboard.up("Alt")
    mask = taken(window, bare)
    assert mask[HEIGHT // 2, WIDTH // 2 - 5] and not mask[HEIGHT // 2, WIDTH // 2 + 5]


def test_many_steps_back_the_mask_is_what_it_was(window, bare):
    page = window.page
    page.keyboard.press("c")
    for step in range(9):
        click(window, 40 + 10 * step, 60)
    for _ in range(8):
        page.keyboard.press("Control+z")
        window.settle()
    mask = taken(window, bare)
    assert mask[60, 36:45].all() and not (mask & ~near(40, 60, 1)).any()


def test_a_click_beside_the_object_alone_is_refused(window, bare):
    page = window.page
    page.keyboard.press("c")
    click(window, 60, 60, button="right")
    page.get_by_role("alert").wait_for()
    assert "a click on the object" in page.get_by_role("alert").inner_text()
    assert page.locator("#take").count() == 0
    click(window, 60, 60)  # done right, the complaint goes
    assert page.get_by_role("alert").count() == 0
    window.faults = [fault for fault in window.faults if "status of 422" not in fault]


def test_what_was_painted_stays_when_a_line_follows(window, bare):
    """The outline is found anew after each line; the brush outranks it."""
    page = window.page
    page.keyboard.press("b")
    window.drag((60, 8), (175, 130))
    window.settle()
    page.keyboard.press("p")
    window.drag((200, 20), (215, 20))
    page.keyboard.press("g")
    window.drag((64, 12), (66, 14))
    window.settle()
    mask = taken(window, bare)
    assert mask[20, 200:216].all() and not mask[13, 65]
    assert mask[60, 110]


def test_lines_go_on_from_what_was_clicked(window, bare):
    page = window.page
    page.keyboard.press("c")
    click(window, 120, 60)
    page.keyboard.press("f")
    with page.expect_request("**/segment") as asked:
        window.drag((120, 60), (130, 60))
    assert asked.value.post_data_json["start"]["box"] == [113, 53, 128, 68]
    window.settle()
    assert taken(window, bare)[60, 121:130].all()


def test_an_object_is_chosen_by_a_click(window, bare):
    page = window.page
    page.keyboard.press("c")
    click(window, 60, 60)
    taken(window, bare)
    page.keyboard.press("Escape")
    assert page.locator(".object.chosen").count() == 0
    page.keyboard.press("v")
    click(window, 60, 60)
    assert page.locator(".object.chosen").count() == 1
    page.keyboard.press("p")
    window.drag((90, 60), (95, 60))
    window.settle()
    assert window.server.workspace.session(bare).scene.instances[0].modal.to_array()[60, 92]


def test_a_name_is_typed_while_the_outline_is_found(window, bare):
    """The panel is drawn anew meanwhile; letters still go to the end of the name. Two Enters store one object."""
    page = window.page
    page.keyboard.press("p")
    window.drag((20, 20), (40, 20))
    field = page.locator("#new-name")
    field.focus()
    page.keyboard.type("cup")
    slow(page, "/segment", 400)
    page.evaluate("document.querySelector('[data-tool=box]').click()")
    window.drag((129, 24), (171, 132))
    field.focus()
    page.keyboard.press("End")
    page.keyboard.type(" and saucer", delay=80)
    window.settle()
    assert field.input_value() == "cup and saucer"
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_text("1 object", exact=True).wait_for()
    window.settle()
    assert page.get_by_role("alert").count() == 0
    assert [item.name for item in window.server.workspace.session(bare).scene.instances] == ["cup and saucer"]


def slow(page, path: str, milliseconds: int) -> None:
    """Let requests to addresses with ``path`` wait before they are sent."""
    page.evaluate(
        "([path, time]) => { const real = window.fetch; window.fetch = async (address, options) => {"
        " if (String(address).includes(path)) await new Promise((done) => setTimeout(done, time));"
        " return real(address, options); }; }",
        [path, milliseconds],
    )


def test_strokes_are_stored_in_the_order_in_which_they_were_drawn(window, bare):
    """A mask that takes long to pack is not overtaken by the next one; what lies beside the photo is no error."""
    page = window.page
    page.keyboard.press("p")
    window.drag((20, 20), (40, 20))
    taken(window, bare)
    page.evaluate(
        "() => { const real = OffscreenCanvas.prototype.convertToBlob; let first = true;"
        " OffscreenCanvas.prototype.convertToBlob = async function (options) {"
        " if (first) { first = false; await new Promise((done) => setTimeout(done, 600)); }"
        " return real.call(this, options); }; }"
    )
    window.drag((80, 60), (120, 60))
    page.keyboard.press("e")
    window.drag((95, 60), (105, 60))
    window.drag((-12, 40), (-12, 44))
    window.settle()
    mask = window.server.workspace.session(bare).scene.instances[0].modal.to_array()
    assert mask[60, 82] and not mask[60, 100]
    assert page.get_by_role("alert").count() == 0


def test_a_box_by_numbers_may_have_its_sides_in_any_order(window):
    page = window.page
    page.keyboard.press("b")
    page.get_by_text("Box by numbers").click()
    for field, value in zip(page.locator(".four input").all(), ("171.4", "24", "129", "132"), strict=True):
        field.fill(value)
    with page.expect_request("**/segment") as asked:
        page.get_by_role("button", name="Find the object").click()
    assert asked.value.post_data_json["box"] == [129, 24, 171, 132]
    window.settle()


def test_nothing_to_undo_is_said(window):
    page = window.page
    while page.locator("#undo").is_enabled():
        page.locator("#undo").click()
        window.settle()
    assert page.locator("#undo").get_attribute("aria-label") == "Undo"


def test_no_line_covers_what_is_beside_a_mask_that_is_looked_at_closely(window, bare):
    """Its own pixels are tinted, the second one beside it looks as in the photo."""
    window.page.keyboard.press("p")
    window.drag((60, 80), (120, 80))
    window.settle()
    rows = np.flatnonzero(taken(window, bare)[:, 90])
    spots = [(90, rows[-1] + 2), (90, rows[0] - 2), (90, rows[-1] - 2)]
    window.page.mouse.move(*window.at(200, 20))
    marked = [window.colour_at(*spot) for spot in spots]
    window.page.keyboard.press("h")
    window.page.wait_for_timeout(200)
    plain = [window.colour_at(*spot) for spot in spots]
    window.page.keyboard.press("h")
    below, above, inside = np.abs(np.subtract(marked, plain)).max(1)
    assert max(below, above) < 3 and inside > 10
