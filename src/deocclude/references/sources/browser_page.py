"""A page of results in a headless Chromium, driven by Selenium: load, scroll, read what is there."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deocclude.errors import InputError, MissingExtraError
from deocclude.references.sources.options import Browser
from deocclude.references.sources.problems import Reason, SourceError, reason_of

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--window-size=1280,1600",
)  # fmt: skip
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PAUSE = 0.3
_QUIET = 2.0
"""The page counts as whole when nothing was added for so long, seconds."""
_READ = """
const [asked] = arguments;
const one = (at, selector) => { try { return selector ? at.querySelector(selector) : null; } catch { return null; } };
const text = node => node ? (node.innerText || node.textContent || '') : '';
const results = asked.result ? Array.from(document.querySelectorAll(asked.result)) : [];
const read = results.slice(0, asked.most).map(at => {
  const image = at.matches(asked.image) ? at : one(at, asked.image);
  const link = at.matches(asked.page) ? at : one(at, asked.page);
  const named = asked.attributes.map(name => image ? (name === 'src' ? image.currentSrc || image.src :
    image.getAttribute(name)) : '').find(value => value && !value.startsWith('data:')) || '';
  let url = ''; try { url = new URL(named, document.baseURI).href; } catch {}
  return { url: named ? url : '', page: link ? link.href || '' : '', title: asked.title ? text(one(at, asked.title)) :
    (image ? image.alt || '' : ''), width: image ? image.naturalWidth || 0 : 0,
    height: image ? image.naturalHeight || 0 : 0 };
});
const loaded = performance.getEntriesByType('navigation')[0];
return { results: read, guess: text(one(document, asked.guess)), blocked: !!one(document, asked.blocked),
  status: location.protocol === 'chrome-error:' ? -1 : loaded ? loaded.responseStatus || 0 : 0 };
"""


class Page:
    """One browser with a profile of its own; used by one thread at a time."""

    def __init__(self, settings: Browser, identity: str) -> None:
        """Start the browser.

        Args:
            settings: which, and how.
            identity: appended to the User-Agent, so that the site knows who asks.

        Raises:
            MissingExtraError: Selenium is not installed.
            InputError: no browser or no driver.
            SourceError: it does not start.
        """
        self._settings = settings
        self._profile = tempfile.TemporaryDirectory(prefix="deocclude-browser-", ignore_cleanup_errors=True)
        try:
            self._driver = _started(settings, self._profile.name, identity)
        except BaseException:
            self._profile.cleanup()
            raise

    def close(self) -> None:
        """End the browser, and delete its profile."""
        with contextlib.suppress(Exception):  # whatever it says, it is to go
            self._driver.quit()
        self._profile.cleanup()

    def read(self, url: str, count: int) -> Mapping[str, Any]:
        """Load a page and scroll it until it has ``count`` results, or no more come.

        Returns:
            ``results`` (objects with url, page, title, width, height) and ``guess``.

        Raises:
            SourceError: it does not load, or asks whether a person is there.
        """
        from selenium.common.exceptions import TimeoutException, WebDriverException

        end = time.monotonic() + self._settings.seconds
        try:
            self._driver.set_page_load_timeout(self._settings.seconds)
            self._driver.get(url)
            return self._scrolled(count, end)
        except TimeoutException:
            raise SourceError(Reason.TIMEOUT, "the search page did not load in time") from None
        except WebDriverException as error:
            words = (error.msg or type(error).__name__).partition("\n")[0]
            raise SourceError(Reason.UNREACHABLE, f"the search page did not load ({words})") from None

    def _scrolled(self, count: int, end: float) -> Mapping[str, Any]:
        asked = _asked(self._settings, count)
        known, since = -1, time.monotonic()
        while True:
            content = _checked(self._driver.execute_script(_READ, asked))
            usable = sum(bool(one.get("url")) for one in content.get("results") or ())
            now = time.monotonic()
            if usable != known:
                known, since = usable, now
            if usable >= count or now > end or now - since > _QUIET:
                return content
            self._driver.execute_script("window.scrollTo(0, document.body ? document.body.scrollHeight : 0)")
            time.sleep(_PAUSE)


def _checked(content: Any) -> Mapping[str, Any]:
    """Return what was read from a page, refused where it is no page of results."""
    if not isinstance(content, dict):
        raise SourceError(Reason.BAD_ANSWER, "the search page could not be read")
    status = content.get("status") or 0
    if content.get("blocked"):
        raise SourceError(Reason.BLOCKED, "the search page asks whether a person is there")
    if status < 0:
        raise SourceError(Reason.UNREACHABLE, "the search page did not load")
    if status >= 400:
        raise SourceError(reason_of(status), f"the search page answers with status {status}")
    return content


def _asked(settings: Browser, count: int) -> dict[str, Any]:
    attributes = [name.strip() for name in settings.image_attribute.split(",") if name.strip()]
    return {
        "result": settings.result,
        "image": settings.image,
        "attributes": attributes,
        "page": settings.page,
        "title": settings.title,
        "guess": settings.guess,
        "blocked": settings.blocked,
        "most": 4 * count,
    }


def _started(settings: Browser, profile: str, identity: str) -> Chrome:
    try:
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver import Chrome, ChromeOptions, ChromeService
    except ImportError:
        raise MissingExtraError("The browser source", "browser") from None
    options = ChromeOptions()
    options.binary_location = _program(settings.binary, _BROWSERS, "browser.binary", "Chromium")
    driver = _program(settings.driver, ("chromedriver",), "browser.driver", "chromedriver")
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0  # then Chromium starts without its sandbox or not at all
    for flag in (*_FLAGS, *(["--no-sandbox"] if is_root else []), f"--user-data-dir={profile}", *settings.arguments):
        options.add_argument(flag)
    browser = None
    try:
        browser = Chrome(options=options, service=ChromeService(executable_path=driver))
        usual = browser.execute_script("return navigator.userAgent")
        browser.execute_cdp_cmd("Network.setUserAgentOverride", {"userAgent": f"{usual} {identity}"})
        return browser
    except WebDriverException as error:
        if browser is not None:
            browser.quit()
        words = (error.msg or type(error).__name__).partition("\n")[0]
        raise SourceError(Reason.UNREACHABLE, f"the browser does not start ({words})") from None


def _program(named: str, usual: Sequence[str], field: str, what: str) -> str:
    found = next(filter(None, map(shutil.which, [named] if named else usual)), None)
    if found is None:
        hint = f"install {what}, or name it with {field} in the settings file"
        raise InputError(what, repr(named) if named else "none on the PATH", field=field, hint=hint)
    return found
