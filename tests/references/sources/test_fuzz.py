"""Whatever a service answers, a source returns candidates or raises its own error; nothing else."""

from __future__ import annotations

import asyncio
import copy
import json

import provider_answers as answers
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_server import picture

from deocclude.references.sources import plain
from deocclude.references.sources.browser import read_page
from deocclude.references.sources.candidates import Answer, Picture
from deocclude.references.sources.client import _parsed, retry_after
from deocclude.references.sources.commons import Commons
from deocclude.references.sources.google_vision import GoogleVision
from deocclude.references.sources.imgbb import ImageHost, Upload
from deocclude.references.sources.licences import permits
from deocclude.references.sources.openverse import Openverse
from deocclude.references.sources.problems import Reason, SourceError
from deocclude.references.sources.serpapi import SerpApi
from deocclude.references.sources.session import _read_kept

BASE = "http://127.0.0.1:9"
ASKED = Picture(picture(), 64, 48)
often = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
    | st.sampled_from(["//x/y.jpg", "http://", "http://[", "https://h:99999/a.jpg", "http://h/a b", "<a href='", "&#x;",
                       "<![", "<!--", "\ud800", "http://x/\x00.jpg", "9" * 400, "1e999", "image/jpeg", f"{BASE}/a.jpg"])
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
GOOD = {
    "openverse": answers.openverse(BASE, ["one", "two"], pages=3),
    "commons": answers.commons(BASE, ["one", "two"], {"gsroffset": 2, "continue": "-||"}),
    "google-vision": answers.google_vision(BASE),
    "serpapi": answers.serpapi(BASE),
    "imgbb": answers.imgbb(BASE),
}


def spots(content, path=()):
    """All places in JSON values."""
    yield path
    steps = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for step, inner in steps:
        yield from spots(inner, (*path, step))


@st.composite
def answers_like(draw, name):
    """An answer with some places replaced by anything, or removed; or anything."""
    if draw(st.integers(0, 9)) == 0:
        return draw(values)
    content = copy.deepcopy(GOOD[name])
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(list(spots(content))))
        if not path:
            return draw(values)
        inside = content
        for step in path[:-1]:
            inside = inside[step]
        if draw(st.booleans()) or isinstance(inside, list):
            inside[path[-1]] = draw(values)
        else:
            del inside[path[-1]]
    return content


class Said:
    """Stands for a client: each request is answered by the next of some answers, as HTTP would bring it."""

    base = BASE

    def __init__(self, *contents):
        self._contents = list(contents)

    async def json(self, request):
        content = self._contents.pop(0) if len(self._contents) > 1 else self._contents[0]
        content = _parsed(json.dumps(content).encode("utf-8", "surrogatepass"))
        assert isinstance(request.explain(content), str)
        request.check(content)
        return content


def check(work) -> None:
    try:
        found = asyncio.run(work)
    except SourceError as error:
        assert str(error)
        assert error.reason
        return
    if isinstance(found, Answer):
        for one in found.candidates:
            assert plain.is_web(one.url)
            assert all(address == "" or plain.is_web(address) for address in (one.page, one.licence_url, one.thumbnail))
            assert all(text.isprintable() for text in (one.title, one.creator, one.licence))
            assert one.width >= 0
            json.dumps(one.as_plain()).encode()
            permits(one.licence, one.licence_url, "commercial")
        assert [one.rank for one in found.candidates] == sorted(one.rank for one in found.candidates)
        found.guess.encode()


@pytest.mark.parametrize("name", ["openverse", "commons", "google-vision", "serpapi"])
@often
@given(data=st.data())
def test_sources(name, data):
    content = data.draw(answers_like(name))
    made = {
        "openverse": lambda: Openverse(Said(content)).search_text("cup", 5),
        "commons": lambda: Commons(Said(content), "me@example.org").search_text("cup", 5),
        "google-vision": lambda: GoogleVision(Said(content), "k").search_image(ASKED, 5),
        "serpapi": lambda: SerpApi(Said({"image_id": "x"}, content), "k").search_image(ASKED, 5),
    }
    check(made[name]())


@often
@given(answers_like("serpapi"), answers_like("imgbb"))
def test_uploads(lens, upload):
    check(SerpApi(Said(lens), "k").search_image(ASKED, 5))
    check(ImageHost(Said(upload), None, "k").put(ASKED, 60))


@often
@given(st.dictionaries(st.sampled_from(["results", "guess", "blocked"]), values) | values, st.text(max_size=20))
def test_pages_caches_and_headers(content, text):
    check(_wrapped(lambda: read_page(content, 5)))
    assert _read_kept(content) is None or isinstance(_read_kept(content), Answer)
    wait = retry_after(text)
    assert wait is None or wait >= 0
    assert plain.unmarked(text).isprintable()


@often
@given(st.text(alphabet="<>!-[]&;#x/ abp\"='\n\x00", max_size=60))
def test_html_of_any_kind_becomes_text(text):
    found = plain.unmarked(text)
    assert found.isprintable()
    assert len(found) <= plain.LONGEST


@often
@given(st.text(max_size=40))
def test_a_page_to_delete_at_may_be_anything(text):
    class Gone:
        async def json(self, request):
            raise SourceError(Reason.UNREACHABLE, "no")

    note = asyncio.run(ImageHost(Said({}), Gone(), "k").delete(Upload(BASE, plain.address(text))))
    assert "imgbb" in note


async def _wrapped(work):
    return work()
