"""A disk without room: what is not stored is said, kept and stored later."""

from __future__ import annotations

import errno

import pytest

from deocclude.app import journal, session
from deocclude.errors import OutputError


@pytest.fixture
def full(monkeypatch):
    """A switch for the room on the disk."""
    taken = [False]

    def when_there_is_room(write):
        def run(target, *rest, **more):
            if taken[0]:
                raise OutputError(f"state.json: cannot be written ({OSError(errno.ENOSPC, 'No space left')})")
            return write(target, *rest, **more)

        return run

    for module, name in ((journal, "write_text"), (session, "write_text"), (session, "write_project")):
        monkeypatch.setattr(module, name, when_there_is_room(getattr(module, name)))
    yield lambda on: taken.__setitem__(0, on)
    taken[0] = False


def rename(page, name):
    page.get_by_label("Name of object 1").fill(name)
    page.get_by_label("Name of object 1").press("Enter")


def expect_refusals(window):
    window.faults = [fault for fault in window.faults if "507" not in fault]


def test_actions_wait_for_room_and_are_stored_in_turn(window, photo, full):
    window.go(photo, "masks")
    page = window.page
    full(True)
    rename(page, "mug")
    page.get_by_text("What you did last is not stored yet: state.json").wait_for()
    rename(page, "beaker")
    assert window.server.workspace.session(photo).scene[1].name == "cup"
    full(False)
    page.get_by_role("button", name="Try again").click()
    window.settle()
    assert "not stored" not in page.locator("#state").inner_text()
    assert window.server.workspace.session(photo).scene[1].name == "beaker"
    assert window.server.workspace.session(photo).state.steps[-2].label == "Rename cup"
    expect_refusals(window)


def test_an_action_that_waits_is_tried_again_by_itself_and_can_be_given_up(window, photo, full):
    window.go(photo, "masks")
    page = window.page
    full(True)
    rename(page, "bowl")
    page.get_by_role("button", name="Give it up").click()
    page.get_by_role("alert").wait_for()
    window.settle()
    rename(page, "jar")
    page.get_by_role("button", name="Give it up").wait_for()
    full(False)
    page.get_by_role("button", name="Give it up").wait_for(state="detached")
    window.settle()
    assert window.server.workspace.session(photo).scene[1].name == "jar"
    expect_refusals(window)


def test_results_that_are_not_stored_are_said_after_a_reload_too(window, photo, full):
    window.go(photo, "masks")
    page = window.page
    full(True)
    page.goto(f"{window.server.address}#{photo}/amodal")
    page.get_by_text("Your actions are stored, the results are not").wait_for()
    page.reload()
    page.get_by_text("Your actions are stored, the results are not").wait_for()
    full(False)
    page.get_by_role("button", name="Try again").click()
    window.settle()
    assert "not" not in page.locator("#state").inner_text().split()
    assert (window.server.workspace.folder / photo / "scene.json").is_file()
    expect_refusals(window)
