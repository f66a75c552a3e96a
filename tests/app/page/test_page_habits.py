"""What people do without thinking: keys that scroll, two tabs, back and forth, a turn too many, a click that shakes."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("window")


def state_of(window, photo: str) -> dict:
    return window.page.request.get(f"{window.server.address}api/photos/{photo}").json()


def moves_of(window, photo: str) -> dict[int, dict]:
    """What is said about each layer that is not as it was found, by id."""
    return {move.pop("id"): move for move in state_of(window, photo)["arrangement"]["value"]["layers"]}


def layer(window, photo: str, name: str) -> int:
    return next(item["id"] for item in state_of(window, photo)["layers"] if item["name"] == name)


def test_a_turn_beyond_half_a_circle_is_one_the_other_way(window, photo):
    window.go(photo, "layers")
    page = window.page
    cup = layer(window, photo, "cup")
    page.locator(f"#layer-{cup}").click()
    field = page.locator("#pose-rotate")
    for typed, shown in (("270", "-90"), ("-725", "-5"), ("180", "180"), ("-180", "180"), ("360", "0"), ("179", "179")):
        field.fill(typed)
        field.blur()
        assert field.input_value() == shown
    page.locator("canvas.picture").focus()
    page.keyboard.press(",")
    page.wait_for_timeout(500)
    window.settle()
    assert moves_of(window, photo)[cup] == {"rotate": -179}
    page.locator("#pose-reset").click()
    page.wait_for_timeout(500)
    window.settle()
    assert moves_of(window, photo) == {}


def test_arrow_keys_scroll_the_panel_that_has_the_focus(window, photo):
    window.go(photo, "layers")
    page = window.page
    page.set_viewport_size({"width": 1280, "height": 420})
    cup = layer(window, photo, "cup")
    page.locator(f"#layer-{cup}").click()
    panel = page.get_by_role("region", name="Layers")
    panel.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageDown")
    page.wait_for_timeout(600)
    assert panel.evaluate("it => it.scrollTop") > 100
    assert page.url.endswith(f"#{photo}/layers") and moves_of(window, photo) == {}
    page.locator("canvas.picture").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(500)
    window.settle()
    assert moves_of(window, photo) == {cup: {"dy": 1}}
    page.keyboard.press("Control+z")
    window.settle()
    page.keyboard.press("Escape")
    page.locator(f"#layer-{cup}").focus()
    panel.evaluate("it => it.scrollTop = 0")
    page.keyboard.press("ArrowDown")  # no layer is chosen: nothing else wants the key
    page.wait_for_timeout(600)
    assert panel.evaluate("it => it.scrollTop") > 0
    page.set_viewport_size({"width": 1280, "height": 800})


def test_a_drag_leaves_what_another_tab_did_to_other_layers(window, photo):
    window.go(photo, "layers")
    page = window.page
    cup, spoon = layer(window, photo, "cup"), layer(window, photo, "spoon")
    page.mouse.move(*window.at(95, 60))
    page.mouse.down()
    page.mouse.move(*window.at(85, 60))
    before = state_of(window, photo)
    elsewhere = {"version": 1, "layers": [{"id": spoon, "hidden": True}, {"id": cup, "opacity": 0.5}]}
    answer = page.request.put(
        f"{window.server.address}api/photos/{photo}/arrangement",
        data={"revision": before["arrangement"]["revision"], "arrangement": elsewhere},
    )
    assert answer.ok
    window.settle()  # the news has arrived
    page.mouse.move(*window.at(75, 60))
    page.mouse.up()
    window.settle()
    moved = moves_of(window, photo)
    assert moved[spoon] == {"hidden": True}
    assert moved[cup]["dx"] == pytest.approx(-20, abs=1)
    assert page.locator(f"#eye-{spoon}").get_attribute("aria-pressed") == "false"
    for _ in range(2):
        page.keyboard.press("Control+z")
        window.settle()
    assert moves_of(window, photo) == {}


def test_two_changes_that_cancel_each_other_leave_nothing(window, photo):
    """The second is a change against the first, though the first has not been answered yet."""
    window.go(photo, "layers")
    eye = window.page.locator(f"#eye-{layer(window, photo, 'spoon')}")
    eye.click()
    eye.click()
    window.settle()
    assert eye.get_attribute("aria-pressed") == "true" and moves_of(window, photo) == {}


def test_a_click_that_shakes_moves_nothing(window, photo):
    window.go(photo, "layers")
    page = window.page
    cup = layer(window, photo, "cup")
    page.keyboard.press("Escape")
    x, y = window.at(95, 60)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in (1, 2, 1.5):
        page.mouse.move(x + step, y)
    page.mouse.up()
    window.settle()
    assert page.locator(f"#layer-{cup}").get_attribute("aria-pressed") == "true"
    assert page.locator("#pose-dx").input_value() == "0"
    assert moves_of(window, photo) == {}


def test_escape_ends_before_and_after(window, photo):
    window.go(photo, "layers")
    page = window.page
    page.keyboard.press("n")
    page.keyboard.press("c")
    page.get_by_role("slider", name="How much of the photo").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".wipe").is_hidden() and page.locator("li.layer.chosen").count() == 1
    assert page.evaluate("document.activeElement.innerText") == "Before / after"
    page.keyboard.press("Escape")
    assert page.locator("li.layer.chosen").count() == 0


def test_escape_leaves_a_name_as_it_was(window, photo):
    window.go(photo, "masks")
    page = window.page
    field = page.get_by_label("Name of object 1")
    field.fill("mug")
    field.press("Escape")
    window.settle()
    assert field.input_value() == "cup" and state_of(window, photo)["objects"][0]["name"] == "cup"
    assert page.evaluate("document.activeElement.id") != "name-1"


def test_letters_typed_in_a_list_of_names_choose_there(window, photo):
    window.go(photo, "order")
    page = window.page
    page.keyboard.press("n")
    before = state_of(window, photo)["order"]
    page.locator("#front").focus()
    page.keyboard.press("f")
    page.wait_for_timeout(1500)  # a browser takes letters in quick succession for one name
    page.keyboard.press("s")
    window.settle()
    assert state_of(window, photo)["order"] == before
    assert page.locator("#front option:checked").inner_text().startswith("s")


def test_a_mask_in_the_making_outlives_a_look_at_another_step(window, photo):
    window.go(photo, "masks")
    page = window.page
    page.keyboard.press("p")
    window.drag((10, 10), (30, 20))
    page.locator("#new-name").fill("corner")
    page.get_by_role("button", name="Order").click()
    page.locator("body[data-step=order]").wait_for()
    window.settle()
    page.go_back()
    page.locator("body[data-step=masks]").wait_for()
    window.settle()
    page.get_by_role("button", name="Add object").and_(page.locator(":enabled")).wait_for()
    assert page.locator("#new-name").input_value() == "corner"
    page.get_by_role("button", name="Discard").click()
    window.settle()
    window.go(photo, "masks")
    assert page.get_by_role("button", name="Add object").count() == 0


def test_a_mask_in_the_making_is_there_when_the_page_is_loaded_again(window, photo):
    """With its name, and with what can be taken back; brush strokes into objects leave no copy."""
    window.go(photo, "masks")
    page = window.page
    page.get_by_role("button", name="Choose spoon").click()
    window.drag((129, 24), (171, 132))
    page.get_by_role("button", name="Add object").and_(page.locator(":enabled")).wait_for(timeout=60_000)
    page.keyboard.press("p")
    window.drag((10, 10), (30, 20))
    page.locator("#new-name").fill("corner")
    window.settle()
    with_corner = window.colour_at(20, 15)
    page.goto(f"{window.server.address}#start")
    page.locator("body[data-step=start]").wait_for()
    page.goto(f"{window.server.address}#{photo}/masks")
    page.reload()
    page.get_by_role("button", name="Add object").and_(page.locator(":enabled")).wait_for()
    window.settle()
    assert page.locator("#new-name").input_value() == "corner"
    assert abs(window.colour_at(20, 15) - with_corner).max() < 12
    page.keyboard.press("Control+z")  # the stroke
    window.settle()
    assert abs(window.colour_at(20, 15) - with_corner).max() > 20
    assert page.get_by_role("button", name="Add object").is_enabled()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Choose cup").click()
    window.drag((100, 70), (102, 70))
    window.settle()
    page.reload()
    page.get_by_role("button", name="Choose cup").wait_for()
    window.settle()
    assert page.get_by_role("button", name="Add object").count() == 0
    page.keyboard.press("Control+z")
    window.settle()


def test_going_back_while_a_photo_is_opened_shows_what_the_address_says(window, photo):
    page = window.page
    page.goto(f"{window.server.address}#start")
    page.locator("body[data-step=start]").wait_for()
    page.route(f"**/api/photos/{photo}", lambda route: (page.wait_for_timeout(700), route.continue_()))
    page.evaluate(f"location.hash = '#{photo}/order'")
    page.wait_for_timeout(100)
    page.evaluate("history.back()")
    page.wait_for_timeout(1500)
    page.unroute(f"**/api/photos/{photo}")
    window.settle()
    assert page.locator("body").get_attribute("data-step") == "start"
    assert page.locator("#step-masks").is_disabled()
    assert page.locator("#undo").count() == 0


def test_it_says_when_the_server_does_not_answer_and_goes_on_when_it_does(window, photo):
    window.go(photo, "masks")
    page = window.page
    page.context.route("**/api/**", lambda route: route.abort())
    page.get_by_label("Name of object 1").fill("mug")
    page.get_by_label("Name of object 1").press("Enter")
    page.get_by_role("alert").get_by_text("The server does not answer").wait_for()
    page.goto(f"{window.server.address}#start")
    page.locator("body[data-step=start]").wait_for()
    page.go_back()  # the photo cannot be opened now
    page.wait_for_timeout(300)
    assert page.locator("body").get_attribute("data-step") == "start"
    page.context.unroute("**/api/**")
    page.get_by_text("The server answers again").wait_for()
    page.locator("body[data-step=masks]").wait_for()
    assert page.get_by_label("Name of object 1").input_value() == "cup"
    window.settle()
    window.faults = [fault for fault in window.faults if "ERR_FAILED" not in fault]


def test_news_is_read_out(window, photo):
    """A message appears inside a region that was there before it, or screen readers miss it."""
    window.go(photo, "order")
    page = window.page
    box = page.locator("#notice")
    assert box.evaluate("it => it.parentElement.getAttribute('aria-live')") == "polite"
    page.locator("#behind").select_option(page.locator("#front").input_value())
    page.get_by_role("button", name="Add the arrow").click()
    page.get_by_role("alert").get_by_text("two different objects").wait_for()
    page.get_by_role("button", name="Close message").click()
    assert box.is_hidden()
