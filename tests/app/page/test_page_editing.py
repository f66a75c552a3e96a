"""What editors have taught people: nothing vanishes meanwhile, others stay as they are, the picture moves by Space."""

from __future__ import annotations

import re

import numpy as np
import pytest
from page_window import small_coffee
from PIL import Image


@pytest.fixture(scope="module")
def photo(server, tmp_path_factory) -> str:
    """The id of a photo of its own, since objects come and go here."""
    path, scene = small_coffee(tmp_path_factory.mktemp("editing"))
    return server.workspace.add(path, "coffee.png", scene).identity


@pytest.fixture(autouse=True)
def as_it_was(server, photo, window):
    """Undo what a test has done."""
    before = server.workspace.session(photo).state.cursor
    yield
    window.go(photo, "masks")
    while server.workspace.session(photo).state.cursor > before:
        window.page.locator("#undo").click()
        window.settle()


def masks_of(server, photo) -> dict:
    return {item.label: item.modal for item in server.workspace.session(photo).scene.instances}


def photo_colour(window, photo, x, y) -> np.ndarray:
    return window.server.workspace.session(photo).photo.pixels[y - 1 : y + 2, x - 1 : x + 2].mean((0, 1))


def test_a_new_mask_leaves_other_objects_alone(server, window, photo):
    window.go(photo, "masks")
    page = window.page
    page.get_by_role("button", name="Remove saucer", exact=True).click()
    page.get_by_text("2 objects").wait_for()
    window.settle()
    before = masks_of(server, photo)
    window.drag((22, 20), (205, 156))  # cup and spoon lie in this box, too
    page.get_by_role("button", name="Add object").click()
    page.get_by_text("3 objects").wait_for()
    window.settle()
    after = masks_of(server, photo)
    assert {name: after[name] for name in before} == before
    assert max(mask.area for mask in after.values()) > 0


def test_a_mask_after_another_is_a_new_object_unless_one_is_chosen(window, photo):
    window.go(photo, "masks")
    page = window.page
    for left, name in ((2, "saucer"), (1, "spoon")):
        page.get_by_role("button", name=f"Remove {name}", exact=True).click()
        page.get_by_text(re.compile(rf"^{left} objects?$")).wait_for()
        window.settle()
    window.drag((22, 20), (205, 156))
    page.locator("#take:enabled").click()
    page.get_by_text("2 objects").wait_for()
    window.settle()
    assert page.locator("li.object.chosen").count() == 1  # it is chosen, so that the brush can touch it up
    window.drag((60, 5), (165, 120))
    page.locator("#discard").wait_for()
    assert page.locator("#replace").count() == 0
    page.locator("#discard").click()
    page.get_by_role("button", name="Choose cup").click()
    window.drag((60, 5), (165, 120))
    page.locator("#replace:enabled").wait_for()
    page.locator("#discard").click()


def test_a_stroke_stays_in_sight_while_it_is_stored(window, photo):
    window.go(photo, "masks")
    page = window.page
    page.get_by_role("button", name="Choose cup").click()
    page.keyboard.press("p")
    held = []
    page.route("**/objects/*", lambda route: held.append(route))
    before = window.colour_at(10, 10)
    window.drag((6, 10), (14, 10))
    page.mouse.move(*window.at(120, 150))
    page.wait_for_timeout(500)
    green = window.colour_at(10, 10)
    held[0].continue_()
    page.unroute("**/objects/*")
    window.settle()
    after = window.colour_at(10, 10)
    assert (green - before)[1] > 20 and np.argmax(green - before) == 1
    assert np.abs(after - before).max() > 5


def test_what_is_drawn_over_the_photo_can_be_hidden(window, photo):
    window.go(photo, "masks")
    page = window.page
    spot = 45, 95
    drawn = window.colour_at(*spot)
    page.keyboard.press("h")
    page.wait_for_timeout(150)
    bare = window.colour_at(*spot)
    assert page.locator("#marks").get_attribute("aria-pressed") == "true"
    assert np.abs(bare - photo_colour(window, photo, *spot)).max() < 12 < np.abs(drawn - bare).max()
    page.locator("#marks").click()
    page.wait_for_timeout(150)
    assert np.abs(window.colour_at(*spot) - drawn).max() < 3


def test_space_moves_the_picture_wherever_the_focus_is(server, window, photo):
    window.go(photo, "masks")
    page = window.page
    page.locator("[data-tool=brush]").click()
    page.get_by_role("button", name="Choose cup").click()
    before = masks_of(server, photo)
    corner = window.at(0, 0)
    page.mouse.move(*window.at(120, 80))
    page.keyboard.down("Space")
    window.drag((120, 80), (140, 90))
    page.keyboard.up("Space")
    page.wait_for_timeout(200)
    page.mouse.move(corner[0] + 2, corner[1] + 2)
    page.wait_for_timeout(100)
    assert page.locator("#place").inner_text() == ""  # the photo is no longer there
    assert masks_of(server, photo) == before
    page.keyboard.press("0")


def test_space_presses_what_one_has_reached_by_tab(window, photo):
    window.go(photo, "masks")
    page = window.page
    page.mouse.move(*window.at(120, 80))
    page.locator("[data-tool=box]").focus()
    page.keyboard.press("Tab")
    page.locator("#marks").focus()
    page.keyboard.press("Space")
    assert page.locator("#marks").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Space")


def test_two_fingers_move_and_zoom_and_draw_nothing(server, window, photo):
    window.go(photo, "masks")
    page = window.page
    page.get_by_role("button", name="Choose cup").click()
    page.keyboard.press("p")
    before, percent = masks_of(server, photo), page.get_by_label("Zoom", exact=True).inner_text()
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        places = [{"x": x, "y": y, "id": place} for place, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    x, y = window.at(100, 80)
    send("touchStart", (x, y))
    send("touchMove", (x + 4, y))
    send("touchStart", (x + 4, y), (x + 60, y))
    for step in range(1, 5):
        send("touchMove", (x - 20 * step, y), (x + 60 + 20 * step, y))
    send("touchEnd")
    window.settle()
    assert masks_of(server, photo) == before
    assert int(page.get_by_label("Zoom", exact=True).inner_text().split()[0]) > 1.8 * int(percent.split()[0])
    page.keyboard.press("0")


def test_the_key_called_delete_on_a_mac_removes(server, window, photo):
    window.go(photo, "masks")
    window.page.get_by_role("button", name="Choose spoon").click()
    window.page.keyboard.press("Backspace")
    window.page.get_by_text("2 objects").wait_for()
    window.settle()
    assert set(masks_of(server, photo)) == {"cup", "saucer"}


def test_what_is_not_computed_yet_is_named_by_its_steps(window, photo):
    window.go(photo, "masks")
    window.page.get_by_role("button", name="Remove spoon", exact=True).click()
    window.page.get_by_text("2 objects").wait_for()
    window.settle()
    said = window.page.locator("#state").inner_text()
    assert "computed" in said and "Repair" not in said


def test_a_line_of_the_list_shows_its_arrow(window, photo):
    window.go(photo, "order")
    line = window.page.locator("ul.relations .pair").first
    line.click()
    assert window.page.locator(".arrow.chosen").count() == 1
    assert window.page.locator("ul.relations li.chosen").count() == 1
    line.click()
    assert window.page.locator(".arrow.chosen").count() == 0


def test_all_photos_are_one_click_away(window, photo):
    window.go(photo, "order")
    window.page.locator("#photos").click()
    window.page.locator("body[data-step=start]").wait_for()
    window.settle()
    projects, demos = window.page.locator(f"#open-{photo}"), window.page.locator("#demo-coffee")
    assert projects.bounding_box()["y"] < demos.bounding_box()["y"]


def test_a_wide_and_low_window_has_the_panel_beside_the_picture(window, photo):
    """As at 200 % zoom: none of the picture lies below the edge."""
    page = window.page
    page.set_viewport_size({"width": 640, "height": 400})
    sizes = {}
    for step in ("masks", "order", "amodal", "content", "layers", "annotate"):
        window.go(photo, step)
        canvas, panel = page.locator("canvas.picture").bounding_box(), page.locator(".panel").bounding_box()
        sizes[step] = canvas["y"] + canvas["height"] <= 370 and canvas["height"] > 130 and panel["x"] > 250
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert all(sizes.values()), sizes
    assert wide <= 640


def test_a_tiny_photo_is_shown_large(server, window, tmp_path):
    Image.new("RGB", (20, 15), (90, 120, 90)).save(tmp_path / "tiny.png")
    tiny = server.workspace.add(tmp_path / "tiny.png", "tiny.png").identity
    window.go(tiny, "masks")
    assert window.page.get_by_label("Zoom", exact=True).inner_text() == "1600 %"
