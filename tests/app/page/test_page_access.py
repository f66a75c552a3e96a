"""The page for those who use no mouse or see little: axe-core on each view, keys, focus, narrow windows."""

from __future__ import annotations

import pytest

STEPS = ["masks", "order", "amodal", "content", "layers", "annotate"]


@pytest.fixture(scope="module")
def axe():
    module = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
    )
    return module.Axe()


def violations(axe, window) -> list[str]:
    answer = axe.run(window.page).response
    assert len(answer["passes"]) > 10, "axe-core did look"
    found = answer["violations"]
    return [f"{item['id']}: {node['target']} {node['failureSummary']}" for item in found for node in item["nodes"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 800)])
def test_no_view_violates_the_guidelines(axe, window, photo, scheme, width):
    page = window.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{window.server.address}#start")
    page.locator("body[data-step=start]").wait_for()
    window.settle()
    found = {"start": violations(axe, window)}
    for step in STEPS:
        window.go(photo, step)
        page.keyboard.press("n")
        page.wait_for_timeout(50)
        found[step] = violations(axe, window)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{step} is wider than the window"
    page.keyboard.press("?")
    page.get_by_role("heading", name="Keyboard").wait_for()
    found["help"] = violations(axe, window)
    page.keyboard.press("Escape")
    assert found == {name: [] for name in ["start", *STEPS, "help"]}


def test_a_box_is_drawn_with_keys_alone(window, photo):
    page = window.page
    page.set_viewport_size({"width": 1280, "height": 800})
    window.go(photo, "masks")
    page.keyboard.press("b")
    page.locator("canvas.picture").focus()
    to_start, to_end = ["ArrowRight"] * 4 + ["ArrowUp"] * 24, ["ArrowRight"] * 18 + ["ArrowDown"] * 47
    for key in [*to_start, "Enter", *to_end, "Enter"]:  # round the spoon
        page.keyboard.press(key)
    page.get_by_role("button", name="Add object").and_(page.locator(":enabled")).wait_for()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Add object").wait_for(state="detached")


@pytest.mark.parametrize("step", STEPS)
def test_every_control_shows_its_focus(window, photo, step):
    """Tab through a view: what has the focus has an outline, and the round ends where it began."""
    window.go(photo, step)
    page = window.page
    page.locator("#brand").focus()
    seen = 0
    for _ in range(80):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(() => { const it = document.activeElement; if (it === document.body) return null;"
            " const own = getComputedStyle(it); const next = it.nextElementSibling;"
            " return own.outlineStyle !== 'none' || own.opacity === '0' || it.matches('svg *'); })()"
        )
        if style is None or page.evaluate("document.activeElement.id") == "brand":
            break
        assert style, page.evaluate("document.activeElement.outerHTML")
        seen += 1
    assert seen > 8


def test_help_lists_the_keys_of_the_view(window, photo):
    window.go(photo, "layers")
    window.page.get_by_role("button", name="Keyboard (?)").click()
    text = window.page.locator("#help-keys").inner_text()
    assert "Bring the layer forward" in text and "Undo" in text
    window.page.keyboard.press("Escape")
