"""The page for those who use no mouse or see little: axe-core on each view, keys, focus, narrow windows."""

from __future__ import annotations

import pytest

STEPS = ["masks", "order", "amodal", "content", "layers", "annotate"]
FOCUS = "document.activeElement.id || document.activeElement.getAttribute('aria-label')"


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
    page.get_by_role("button", name="Choose spoon").click()
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


@pytest.mark.parametrize("width", [400, 320])
def test_a_narrow_window_shows_all_of_it(window, photo, width):
    page = window.page
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{window.server.address}#start")
    page.locator("body[data-step=start]").wait_for()
    window.settle()
    sizes = {"start": sizes_of(page)}
    for step in STEPS:
        window.go(photo, step)
        sizes[step] = sizes_of(page)
    page.set_viewport_size({"width": 1280, "height": 800})
    assert sizes == {step: [width, 800, 0] for step in ["start", *STEPS]}


def test_a_telephone_shows_all_steps_and_tools_at_once(window, photo):
    page = window.page
    page.set_viewport_size({"width": 420, "height": 800})
    window.go(photo, "masks")
    tops = page.locator("#steps button").evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    rail = page.locator(".rail").evaluate("it => it.scrollHeight - it.clientHeight")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert len(set(tops)) == 1 and rail == 0


def test_the_picture_keeps_its_size_on_a_telephone(window, photo):
    """Whatever is said below it, and with candidates beside it."""
    page = window.page
    page.set_viewport_size({"width": 420, "height": 800})
    window.go(photo, "masks")
    canvas = page.locator("canvas.picture")
    before = canvas.bounding_box()
    page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    page.locator("#state").evaluate("it => it.textContent = 'Short.'")
    after = canvas.bounding_box()
    window.go(photo, "content")
    page.keyboard.press("n")
    window.settle()
    page.get_by_role("button", name="Paint").click()
    page.locator(".candidate").first.wait_for()
    window.settle()
    beside = canvas.bounding_box()
    seen = page.get_by_text("in use").evaluate("it => it.getBoundingClientRect().right")
    edge = page.locator(".candidate", has_text="in use").evaluate("it => it.getBoundingClientRect().right")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert after == before and beside["height"] > 220
    assert seen < edge


@pytest.mark.parametrize("step", ["masks", "order", "amodal", "layers"])
def test_what_is_chosen_is_scrolled_into_sight(window, photo, step):
    """In a long list, what one chooses on the photo may be far down."""
    page = window.page
    window.go(photo, "layers")
    page.set_viewport_size({"width": 1280, "height": 320})
    window.go(photo, step)
    page.keyboard.press("Shift+N")
    page.wait_for_timeout(100)
    lines = page.locator(".panel li.chosen")
    seen = lines.evaluate(
        "it => { const own = it.getBoundingClientRect(), panel = it.closest('.panel').getBoundingClientRect();"
        " return own.top > panel.top - 1 && own.bottom < panel.bottom + 1; }"
    )
    page.set_viewport_size({"width": 1280, "height": 800})
    assert lines.count() == 1 and seen


def test_where_objects_are_many_the_arrows_have_no_words(window, photo):
    page = window.page
    page.set_viewport_size({"width": 400, "height": 460})
    window.go(photo, "order")
    for _ in range(4):
        page.keyboard.press("-")
    assert page.locator(".pill:visible, .badge .name:visible").count() == 0
    page.keyboard.press("n")
    assert page.locator(".arrow.chosen .pill").is_visible()
    page.keyboard.press("0")
    page.set_viewport_size({"width": 1280, "height": 800})
    window.settle()
    assert page.locator(".pill:visible").count() > 2


def test_long_names_stay_in_their_place(window, photo):
    page = window.page
    window.go(photo, "masks")
    field = page.get_by_label("Name of object 1")
    field.fill(f"a name with many words {'and a long one' * 3} {'Donaudampfschiff' * 7}")
    field.press("Enter")
    window.settle()
    sizes, lines = {}, {}
    for step in STEPS:
        window.go(photo, step)
        page.keyboard.press("n")
        page.wait_for_timeout(50)
        sizes[step] = sizes_of(page)
        lines[step] = page.locator(".label").evaluate_all("all => all.some((one) => one.clientHeight > 60)")
    window.go(photo, "order")
    drawn = page.locator(".badge .name").evaluate_all("all => Math.max(...all.map((one) => one.getBBox().width))")
    page.keyboard.press("Control+z")
    window.settle()
    assert sizes == {step: [1280, 800, 0] for step in STEPS}
    assert not any(lines.values()) and drawn < 300


def sizes_of(page) -> list[int]:
    """Width and height of the document, and by how much its parts are wider than they may be."""
    return page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight,"
        " Math.max(...[...document.querySelectorAll('.bar, #view, .panel, .tray-head')].map((part) =>"
        " part.scrollWidth - part.clientWidth))]"
    )


def test_the_focus_stays_where_it_was(window, photo):
    """Buttons that go, or are switched off, hand the focus on; nobody who uses keys begins at the top again."""
    page = window.page
    window.go(photo, "order")
    flip = page.locator(".relations button[aria-label^=Flip]").first
    flip.focus()
    name = page.evaluate(FOCUS)
    page.keyboard.press("Enter")
    window.settle()
    assert page.evaluate(FOCUS) == name and flip.get_attribute("aria-label").startswith("Flip")
    page.keyboard.press("Enter")
    window.settle()
    page.locator(".arrow").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("f")
    window.settle()
    assert page.evaluate("document.activeElement.closest('.arrow') !== null")
    page.keyboard.press("Control+z")
    window.settle()
    window.go(photo, "layers")
    bottom = page.locator("li.layer[data-layer]").last.get_attribute("data-layer")
    page.locator(f"#up-{bottom}").focus()
    for _ in range(2):  # to the top, where it cannot go on
        page.keyboard.press("Enter")
        window.settle()
    assert page.evaluate(FOCUS) == f"down-{bottom}"
    page.locator("#step-masks").focus()
    page.keyboard.press("Enter")
    window.settle()
    page.get_by_role("button", name="Remove").last.focus()
    page.keyboard.press("Enter")
    window.settle()
    assert page.evaluate(FOCUS).startswith("Remove ")
    for _ in range(4):
        page.keyboard.press("Control+z")
        window.settle()


def test_keys_with_alt_are_the_pages_even_on_a_tool(window, photo):
    page = window.page
    window.go(photo, "masks")
    page.locator(".rail [aria-checked=true]").focus()
    page.keyboard.press("Alt+ArrowRight")
    page.locator("body[data-step=order]").wait_for()
    window.settle()


def test_the_last_one_is_the_one_before_the_first(window, photo):
    page = window.page
    window.go(photo, "masks")
    page.keyboard.press("Shift+N")
    assert page.locator("ul.objects li").last.get_attribute("class") == "object chosen"


def test_help_lists_the_keys_of_the_view(window, photo):
    window.go(photo, "layers")
    window.page.get_by_role("button", name="Keyboard (?)").click()
    text = window.page.locator("#help-keys").inner_text()
    assert "Bring the layer forward" in text and "Undo" in text
    window.page.keyboard.press("Escape")
