"""The first page, what it refuses, long work that is cancelled, two tabs at once."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PIL import Image

from deocclude.formats import write_scene
from deocclude.scene import scene_from_arrays


def start(window):
    window.page.goto(f"{window.server.address}#start")
    window.page.locator("body[data-step=start]").wait_for()
    window.settle()
    return window.page


def test_a_photo_is_opened_from_the_list(window, photo):
    page = start(window)
    page.locator(f"#open-{photo}").click()
    page.locator("body[data-step=layers]").wait_for()
    page.locator("#cancel").click()
    window.settle()
    assert page.get_by_text("There are no layers yet.").or_(page.locator("li.layer")).count()


def test_a_demo_is_opened_and_its_work_cancelled(window):
    page = start(window)
    page.locator("#demo-coffee").click()
    page.locator("body[data-step=layers]").wait_for()
    page.locator("#cancel").click()
    window.settle()
    page.locator("#step-masks").click()
    page.get_by_text("3 objects").wait_for()


def test_an_answer_that_the_news_has_overtaken_changes_nothing(window, photo):
    """The job was cancelled before the page read that it still ran; it must not be shown as running for ever."""
    page = start(window)

    def late(route):
        answer = route.fetch()
        time.sleep(3)
        route.fulfill(response=answer, json=answer.json() | {"status": "running"})

    page.route("**/api/jobs/*", late)
    page.locator(f"#open-{photo}").click()
    page.locator("#cancel").click()
    page.locator("#job").wait_for(state="hidden")
    page.wait_for_timeout(4000)
    page.unroute("**/api/jobs/*")
    assert page.locator("#job").is_hidden()
    assert page.locator("#compute").is_visible()


def test_it_says_what_is_waited_for(window):
    page = start(window)
    page.evaluate("() => { window.fetch = () => new Promise(() => {}); }")
    page.locator("#demo-coffee").click()
    page.get_by_text("Opening coffee …").wait_for()
    page.reload()
    page.locator("body[data-step=start]").wait_for()
    window.settle()


def test_whoever_goes_on_while_a_photo_is_opened_is_not_called_back(window, photo, tmp_path):
    Image.new("RGB", (64, 48), (90, 120, 90)).save(tmp_path / "large.png")
    page = start(window)
    page.route("**/api/photos", lambda route: (page.wait_for_timeout(1500), route.continue_()))
    page.locator("#photo-input").set_input_files(tmp_path / "large.png")
    page.get_by_text("Opening large.png …").wait_for()
    assert page.get_by_role("progressbar").is_visible()
    page.locator(f"#open-{photo}").click()
    page.get_by_text("large.png is ready").wait_for()
    page.unroute("**/api/photos")
    assert page.url.endswith(f"#{photo}/layers")
    page.get_by_role("button", name="Close message").click()
    window.settle()


def test_a_photo_is_uploaded(window, tmp_path):
    picture = tmp_path / "grey.png"
    Image.new("RGB", (64, 48), (90, 120, 90)).save(picture)
    page = start(window)
    page.locator("#photo-input").set_input_files(picture)
    page.locator("body[data-step=masks]").wait_for()
    page.get_by_text("Nothing is marked yet").wait_for()
    assert "grey.png" in page.title()
    window.settle()


def test_many_photos_are_added_at_once_each_with_its_masks(window, tmp_path):
    for name in ("one.png", "two.png"):
        Image.new("RGB", (64, 48), (90, 120, 90)).save(tmp_path / name)
    (tmp_path / "three.png").write_text("no picture", encoding="utf-8")
    mask = np.zeros((48, 64), bool)
    mask[10:20, 10:20] = True
    write_scene(scene_from_arrays(mask[None], ("thing",)), tmp_path / "two.json", "sam")
    page = start(window)
    page.locator("#photo-input").set_input_files([tmp_path / f"{name}.png" for name in ("one", "two", "three")]
                                                 + [tmp_path / "two.json"])  # fmt: skip
    page.get_by_role("alert").wait_for()
    told = page.get_by_role("alert").inner_text()
    assert told.startswith("2 photos added, 1 not: three.png")
    assert page.locator(".tile", has_text="one.png").inner_text().endswith("0 objects")
    assert page.locator(".tile", has_text="two.png").inner_text().endswith("1 object")
    window.go(page.locator(".tile", has_text="one.png").get_attribute("id").removeprefix("open-"), "masks")
    assert page.get_by_role("alert").count() == 0  # it was about other photos
    window.faults = [fault for fault in window.faults if "status of 4" not in fault]


@pytest.mark.parametrize("name", ["words.png", "words.txt"])
def test_what_is_no_picture_is_refused_with_a_message(window, tmp_path, name):
    (tmp_path / name).write_text("no picture", encoding="utf-8")
    before = sorted(path.name for path in window.server.workspace.folder.iterdir())
    page = start(window)
    page.locator("#photo-input").set_input_files(tmp_path / name)
    page.get_by_role("alert").wait_for()
    assert "picture" in page.get_by_role("alert").inner_text()
    page.get_by_role("button", name="Close message").click()
    assert sorted(path.name for path in window.server.workspace.folder.iterdir()) == before
    window.faults = [fault for fault in window.faults if "status of 4" not in fault]


def test_the_second_of_two_tabs_is_told(window, photo):
    window.go(photo, "masks")
    other = window.page.context.new_page()
    other.route("**/events", lambda route: route.abort())  # news from the first tab does not arrive in time
    other.goto(f"{window.server.address}#{photo}/masks")
    other.get_by_label("Name of object 1").wait_for()
    for page, name in ((window.page, "mug"), (other, "beaker")):
        page.get_by_label("Name of object 1").fill(name)
        page.get_by_label("Name of object 1").press("Enter")
        page.wait_for_timeout(300)
    other.get_by_role("alert").wait_for()
    assert other.get_by_label("Name of object 1").input_value() == "mug"
    other.close()
    window.settle()


def test_a_tab_whose_layers_another_tab_made_old_computes_them_when_asked(window, photo):
    window.go(photo, "layers")
    other = window.page.context.new_page()
    other.goto(f"{window.server.address}#{photo}/masks")
    other.get_by_label("Name of object 1").wait_for()
    window.page.bring_to_front()
    assert window.page.locator("#compute").is_hidden() and window.page.locator("#export-ora").is_enabled()
    other.get_by_role("button", name="Remove").first.click()
    window.page.locator("#compute").wait_for()
    window.page.locator("#export").click()
    window.page.get_by_text("Ready when the layers are up to date.").wait_for()
    assert window.page.locator("#export-ora").is_disabled()  # of layers from before the change
    window.page.locator("#compute").click()
    window.page.locator("#export-ora:enabled").wait_for(state="attached")
    window.settle()
    assert window.page.locator("#compute").is_hidden()
    other.close()
    window.page.keyboard.press("Control+z")
    window.settle()


def test_a_photo_is_taken_off_the_list_and_put_back(window, tmp_path):
    Image.new("RGB", (64, 48), (90, 120, 90)).save(tmp_path / "spare.png")
    page = start(window)
    page.locator("#photo-input").set_input_files(tmp_path / "spare.png")
    page.locator("body[data-step=masks]").wait_for()
    page = start(window)
    tile = page.locator(".tile", has_text="spare.png")
    page.get_by_role("button", name="Take spare.png off the list").click()
    tile.wait_for(state="detached")
    folder = next(path for path in window.server.workspace.folder.glob("spare-*"))
    assert f"Nothing is deleted: its files stay in {folder}." in page.locator("#notice").inner_text()
    page.get_by_role("button", name="Undo", exact=True).click()
    tile.wait_for()
    page.get_by_role("button", name="Take spare.png off the list").click()
    tile.wait_for(state="detached")
    page.reload()
    page.get_by_text("1 photo taken off the list").click()
    page.get_by_role("button", name="Put back").click()
    tile.wait_for()
    assert page.locator("details.unlisted").count() == 0
    window.settle()


def test_what_went_wrong_is_not_told_in_the_next_step(window, photo):
    window.go(photo, "masks")
    page = window.page
    page.get_by_role("radio", name="Eraser").click()
    window.drag((5, 5), (20, 10))
    page.get_by_role("alert").wait_for()
    assert page.get_by_role("alert").inner_text().startswith("Choose the object first")
    assert page.get_by_text("New mask").count() == 0
    page.locator("#step-annotate").click()
    page.locator("body[data-step=annotate]").wait_for()
    assert page.get_by_role("alert").count() == 0
    window.settle()
