"""The browser source with a real headless Chromium, against a page that behaves like an image search."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace

import provider_answers as answers
import pytest
from web_server import Reply, jpeg, plain

from conftest import KEY
from deocclude.errors import InputError
from deocclude.references.sources.imgbb import ImageHost, Upload
from deocclude.references.sources.options import Browser, Keys
from deocclude.references.sources.problems import Reason, SourceError
from deocclude.references.sources.services import Services
from deocclude.references.sources.session import Wanted, WebQuery, open_session, search_web

CHROMIUM = bool(shutil.which("chromium") and shutil.which("chromedriver"))
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="Chromium and chromedriver are not installed")

PAGE = """<!doctype html><html><head><title>Pictures like yours</title><style>
.hit { height: 700px; } </style></head><body>
<h1 class="guess">coffee cup</h1><div id="hits"></div>
<script>
const image = new URL(location).searchParams.get('image') || '', words = new URL(location).searchParams.get('q') || '';
let shown = 0;
function more() {
  for (let i = 0; i < 3 && shown < 7; i++, shown++) {
    const hit = document.createElement('div');
    hit.className = 'hit';
    hit.innerHTML = `<a href="/about/${shown}"><img class="thumb" alt="Cup ${shown} ${words}"
      src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
      data-src="/pictures/${shown}.jpg"></a>`;
    document.getElementById('hits').append(hit);
  }
}
if (image || words) fetch('/saw?image=' + encodeURIComponent(image)).then(() => setTimeout(more, 300));
let busy = false;
addEventListener('scroll', () => { if (!busy) { busy = true; setTimeout(() => { more(); busy = false; }, 200); } });
</script></body></html>"""


@pytest.fixture
def pages(server, settings):
    """An image host and a search page; the settings that describe it."""
    server.routes |= {
        "/1/upload": plain(answers.imgbb(server.url)),
        "/json": plain({"status_code": 200, "success": {"message": "image deleted", "code": 200}}),
        "/find": Reply(PAGE.encode(), kind="text/html; charset=utf-8"),
        "/saw": Reply(b"", kind="text/plain"),
    }
    for index in range(7):
        server.routes[f"/pictures/{index}.jpg"] = jpeg((30 * index, 90, 200))
    described = Browser(
        permission=True,
        search_url=f"{server.url}/find?image={{image}}&q={{words}}",
        result=".hit",
        image_attribute="src, data-src",
        guess="h1.guess",
        blocked="#captcha",
        seconds=20.0,
        rate=100.0,
        arguments=("--disable-dev-shm-usage", "--no-sandbox"),
    )
    slower = replace(settings.network, total_seconds=20.0)
    return replace(settings, count=6, browser=described, network=slower)


def ask(settings, *questions):
    """Ask the browser one question after the other in one session; errors are returned."""

    async def work():
        found = []
        async with open_session(["browser"], settings) as session:
            for question in questions:
                by_words = isinstance(question, str)
                source = session.sources[0]
                asked = source.search_text(question, 6) if by_words else source.search_image(question, 6)
                try:
                    found.append(await asked)
                except SourceError as error:
                    found.append(error)
        return found

    return asyncio.run(work())


@needs_chromium
def test_a_picture_is_hosted_searched_read_and_deleted(server, pages, asked_picture):
    told = []
    search_web([WebQuery("thing", asked_picture)], Wanted(("browser",)), pages, told=told.append)
    (answer,) = told
    assert [one.url for one in answer.candidates] == [f"{server.url}/pictures/{index}.jpg" for index in range(6)]
    assert answer.candidates[2].page == f"{server.url}/about/2"
    assert answer.candidates[2].title == "Cup 2"
    assert (answer.words, answer.notes, answer.failures) == ("coffee cup", (), ())
    assert len(answer.pictures) == 6
    upload = next(one for one in server.asked if one.path == "/1/upload")
    assert upload.form == {"key": KEY.encode(), "expiration": b"300", "image": asked_picture.data}
    assert next(one.query["image"] for one in server.asked if one.path == "/saw") == f"{server.url}/hosted/object.jpg"
    find, deleted = (next(one for one in server.asked if one.path == path) for path in ("/find", "/json"))
    assert deleted.form["deleting[id]"] == b"2ndCYJK"
    assert deleted.form["deleting[hash]"] == b"670a7e48ddcb85ac340c717a41047e5c"
    assert deleted.at > find.at
    assert "me@example.org" in find.headers["user-agent"]
    # Once more: the answer is known, so nothing is uploaded and no browser starts.
    before = len(server.asked)
    search_web([WebQuery("thing", asked_picture)], Wanted(("browser",)), pages, told=told.append)
    assert told[1].candidates == answer.candidates
    assert len(server.asked) == before


@needs_chromium
def test_one_browser_for_many_pages_and_what_can_go_wrong(server, pages, asked_picture):
    server.routes["/json"] = Reply(b"no", 500, "text/plain")
    captcha = Reply(b"<html><body><div id='captcha'>Are you a person?</div></body></html>", kind="text/html")
    empty = Reply(b"<html><body>nothing</body></html>", kind="text/html")
    whole = Reply(PAGE.encode(), kind="text/html")
    server.routes["/find"] = [captcha, empty, Reply(b"slow down", 429, "text/html"), whole, whole]
    blocked, nothing, many, found, fewer = ask(pages, asked_picture, "cup", "cup", "cup", asked_picture)
    assert many.reason is Reason.RATE_LIMITED
    assert blocked.reason is Reason.BLOCKED
    assert "imgbb did not delete the picture" in str(blocked)
    assert nothing.candidates == ()
    assert [one.title for one in found.candidates] == [f"Cup {index} cup" for index in range(6)]
    assert "imgbb did not delete" in fewer.notes[0]


@needs_chromium
def test_no_page_and_a_page_that_hangs(server, pages):
    def hang(asked):
        return Reply(pieces=[b"<html>"] * 100, pause=0.2, kind="text/html")

    server.routes["/find"] = hang
    (error,) = ask(replace(pages, browser=replace(pages.browser, seconds=1.5)), "cup")
    assert error.reason is Reason.TIMEOUT
    gone = replace(pages.browser, search_url="http://127.0.0.1:9/find?q={words}")
    (error,) = ask(replace(pages, browser=gone), "cup")
    assert error.reason is Reason.UNREACHABLE


def refused(settings, **changes):
    with pytest.raises(InputError) as caught:
        ask(replace(settings, browser=replace(settings.browser, **changes)))
    return str(caught.value)


def test_it_is_off_until_permission_is_stated(pages):
    assert Browser().permission is False
    said = refused(pages, permission=False)
    assert "browser.permission = true" in said
    assert "docs/web-search.md" in said


def test_the_page_has_to_be_described(pages):
    assert "browser.search_url" in refused(pages, search_url="")
    assert "browser.result" in refused(pages, result="")
    assert "{image} or {words}" in refused(pages, search_url="https://example.org/")
    assert "{image} or {words}" in refused(pages, search_url="file:///etc/{words}")


@pytest.mark.parametrize("name", ["search_url", "result", "image", "image_attribute", "page", "title", "guess"])
def test_a_page_described_otherwise_is_read_anew(name, pages):
    """What was read by another description is not taken from the cache."""

    async def work(settings):
        async with open_session(["browser"], settings) as session:
            return session.sources[0].state

    changed = replace(pages.browser, **{name: getattr(pages.browser, name) + "&b=c"})
    assert asyncio.run(work(replace(pages, browser=changed))) != asyncio.run(work(pages))


def test_a_page_by_words_needs_no_image_host(pages, asked_picture):
    by_words = replace(pages.browser, search_url="http://127.0.0.1:9/find?q={words}")
    (error,) = ask(replace(pages, browser=by_words, keys=Keys()), asked_picture)
    assert error.reason is Reason.UNSUPPORTED
    with pytest.raises(InputError, match="DEOCCLUDE_IMGBB_KEY"):
        ask(replace(pages, keys=Keys()), asked_picture)


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        ({"status_code": 400, "error": {"message": "Invalid API v1 key.", "code": 100}}, 400, Reason.BAD_ANSWER),
        ({"success": False, "error": {"message": "Empty upload source."}}, 200, Reason.PROVIDER_ERROR),
        ({"success": True, "data": {}}, 200, Reason.BAD_ANSWER),
    ],
)
def test_an_image_host_that_refuses(content, status, reason, server, pages, asked_picture):
    server.routes["/1/upload"] = plain(content, status)
    (error,) = ask(pages, asked_picture)
    assert error.reason is reason
    assert server.times("/find") == 0


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (plain({"status_code": 200}), ""),
        (plain({"status_code": 403}), "imgbb did not delete the picture (it says no)"),
        (Reply(b"<html>", kind="text/html"), "imgbb did not delete the picture (bad-answer)"),
        (Reply(pieces=[b" "] * 100, pause=0.1), "imgbb did not delete the picture (timeout)"),
        (Reply(pieces=(b" " * 10_000 for _ in range(100))), "imgbb did not delete the picture (too-large)"),
    ],
    ids=range(5),
)
def test_deleting_keeps_to_the_limits_of_every_answer(reply, said, server, settings):
    server.routes["/json"] = reply
    network = replace(settings.network, total_seconds=0.5, answer_bytes=100_000)

    async def work():
        async with Services(replace(settings, network=network)) as services:
            host = ImageHost(services.client("imgbb"), services.client("imgbb", f"{server.url}/json"), KEY)
            return await host.delete(Upload(f"{server.url}/a.jpg", "https://ibb.co/2ndCYJK/670a7e48"))

    assert asyncio.run(work()).partition(";")[0] == said


@pytest.mark.parametrize("field", ["binary", "driver"])
def test_a_missing_browser_is_named(field, pages):
    if not CHROMIUM and field == "driver":
        pytest.skip("there is no browser to miss the driver of")
    (error,) = ask(replace(pages, browser=replace(pages.browser, **{field: "/no/such/program"})), "cup")
    assert error.reason is Reason.UNSUPPORTED
    assert f"browser.{field}" in str(error)
