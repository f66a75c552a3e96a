"""Fixtures of the tests of the page: a server with a small photo, and a headless Chromium that looks at it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from page_window import Server, Window, small_coffee

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """A browser for one module: as long as Playwright is there, no other test can run an event loop of its own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("no /usr/bin/chromium (Debian's package chromium)")
    with playwright.sync_playwright() as runner:
        found = runner.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("projects")
    running = Server(folder)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def photo(server, tmp_path_factory) -> str:
    """The id of a small photo with a cup, a spoon and a saucer."""
    path, scene = small_coffee(tmp_path_factory.mktemp("photo"))
    return server.workspace.add(path, "coffee.png", scene).identity


@pytest.fixture(scope="module")
def window(browser, server) -> Iterator[Window]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, color_scheme="light", reduced_motion="reduce"
    )
    yield Window(context.new_page(), server)
    context.close()


@pytest.fixture(autouse=True)
def no_faults(request) -> Iterator[None]:
    """No script fails, nothing is blocked by the content policy, and no other host is asked."""
    yield
    if "window" in request.fixturenames:
        window = request.getfixturevalue("window")
        faults, window.faults = window.faults, []
        assert not faults
