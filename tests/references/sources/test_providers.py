"""Each provider against a server that speaks its documented format."""

from __future__ import annotations

import asyncio
import base64
import email.utils
import time
from dataclasses import replace

import provider_answers as answers
import pytest
from web_server import Reply, plain

from conftest import KEY
from deocclude.errors import InputError
from deocclude.references.sources import SOURCES, parse_sources
from deocclude.references.sources.candidates import Answer
from deocclude.references.sources.options import KEYS, Keys
from deocclude.references.sources.problems import Reason, SourceError
from deocclude.references.sources.session import open_session

PATHS = {
    "openverse": "/v1/images/", "commons": "/w/api.php", "google-vision": "/v1/images:annotate", "serpapi": "/search",
}  # fmt: skip
LENS = {"/image": plain({"message": "Image uploaded successfully.", "image_id": "xokJ"})}


def ask(name, settings, question, count=5) -> Answer:
    """Ask one source, by words or by picture."""

    async def work():
        async with open_session([name], settings) as session:
            source = session.sources[0]
            if isinstance(question, str):
                return await source.search_text(question, count)
            return await source.search_image(question, count)

    return asyncio.run(work())


def ask_any(name, settings, asked_picture) -> Answer:
    return ask(name, settings, asked_picture if name in ("google-vision", "serpapi") else "cup")


def good(name, base):
    made = {"openverse": lambda: answers.openverse(base, ["one"]), "commons": lambda: answers.commons(base, ["one"]),
            "google-vision": lambda: answers.google_vision(base), "serpapi": lambda: answers.serpapi(base)}  # fmt: skip
    return made[name]()


def reason_of(name, settings, asked_picture) -> SourceError:
    with pytest.raises(SourceError) as caught:
        ask_any(name, settings, asked_picture)
    return caught.value


def test_openverse_states_licences(server, settings):
    server.routes["/v1/images/"] = plain(answers.openverse(server.url, ["one", "two"]))
    first, second = ask("openverse", settings, "coffee cup").candidates
    assert (first.url, first.rank, second.rank) == (f"{server.url}/pictures/one.jpg", 1, 2)
    assert (first.licence, first.licence_url) == ("CC BY-SA 2.0", "https://creativecommons.org/licenses/by-sa/2.0/")
    assert (first.creator, first.title, first.width, first.height) == ("Ada & Co", "A one", 64, 48)
    assert first.page == "https://www.flickr.com/photos/one"
    assert first.thumbnail == f"{server.url}/v1/images/one/thumb/"
    asked = server.asked[0]
    assert (asked.query["q"], asked.query["page_size"]) == ("coffee cup", "5")
    assert "me@example.org" in asked.headers["user-agent"]
    assert "authorization" not in asked.headers


def test_openverse_pages_and_sends_the_token(server, settings):
    def page(asked):
        return plain(answers.openverse(server.url, [f"{asked.query['page']}-{index}" for index in range(20)], pages=3))

    server.routes["/v1/images/"] = page
    found = ask("openverse", replace(settings, keys=Keys(openverse="tok")), "cup", 45).candidates
    assert [one.rank for one in found] == list(range(1, 46))
    assert [asked.query["page"] for asked in server.asked] == ["1", "2", "3"]
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer tok"}


@pytest.mark.parametrize(
    ("code", "version", "name"),
    [("cc0", "1.0", "CC0 1.0"), ("pdm", "1.0", "Public domain"), ("by-nc-nd", "4.0", "CC BY-NC-ND 4.0"), ("", "", "")],
)
def test_openverse_names_of_licences(server, settings, code, version, name):
    entry = answers.openverse(server.url, ["one"], license=code, license_version=version, license_url=None)
    server.routes["/v1/images/"] = plain(entry)
    assert ask("openverse", settings, "cup").candidates[0].licence == name


def test_commons_reads_html_and_keeps_the_order_of_the_search(server, settings):
    server.routes["/w/api.php"] = plain(answers.commons(server.url, ["one", "two"]))
    first, second = ask("commons", settings, "coffee cup").candidates
    assert (first.title, second.title) == ("One", "Two")
    assert first.creator == "Ada & Co"
    assert (first.licence, first.licence_url) == ("CC BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0")
    assert (first.url, first.width) == (f"{server.url}/pictures/one.jpg", 64)
    assert server.asked[0].query["gsrsearch"] == "filetype:bitmap coffee cup"
    assert server.asked[0].query["gsrnamespace"] == "6"


def test_commons_takes_the_scaled_version_of_a_large_original(server, settings):
    server.routes["/w/api.php"] = plain(answers.commons(server.url, ["one"], width=8000, height=6000))
    one = ask("commons", settings, "cup").candidates[0]
    assert (one.url, one.width, one.height) == (f"{server.url}/thumbs/one.jpg", 1280, 960)


def test_commons_goes_on_and_passes_over_what_is_no_picture(server, settings):
    video = answers.commons(server.url, ["film"], {"gsroffset": 1, "continue": "gsroffset||"}, mime="video/webm")
    server.routes["/w/api.php"] = [plain(video), plain(answers.commons(server.url, ["one"]))]
    assert [one.title for one in ask("commons", settings, "cup").candidates] == ["One"]
    assert (server.asked[1].query["gsroffset"], server.asked[1].query["continue"]) == ("1", "gsroffset||")


def test_commons_wants_a_contact(settings):
    with pytest.raises(InputError, match="DEOCCLUDE_CONTACT"):
        ask("commons", replace(settings, contact=""), "cup")


def test_commons_that_lags_is_asked_again(server, settings):
    lag = {"error": {"code": "maxlag", "info": "Waiting for a database server", "lag": 6.2}}
    server.routes["/w/api.php"] = [plain(lag, retry_after="0"), plain(answers.commons(server.url, ["one"]))]
    assert len(ask("commons", settings, "cup").candidates) == 1


def test_google_vision_orders_partial_full_pages_alike(server, settings, asked_picture):
    server.routes["/v1/images:annotate"] = plain(answers.google_vision(server.url))
    answer = ask("google-vision", settings, asked_picture)
    names = [one.url.rpartition("/")[2] for one in answer.candidates]
    assert names == ["part.jpg", "full.jpg", "of-page.jpg", "alike.jpg"]
    assert answer.guess == "coffee cup"
    part = answer.candidates[0]
    assert (part.page, part.title, part.licence) == ("https://shop.example/cups", "Cups and saucers", "")
    asked = server.asked[0]
    assert base64.b64decode(asked.json["requests"][0]["image"]["content"]) == asked_picture.data
    assert asked.json["requests"][0]["features"] == [{"type": "WEB_DETECTION", "maxResults": 5}]
    assert asked.headers["x-goog-api-key"] == KEY
    assert asked.query == {}


@pytest.mark.parametrize("code", [8, 13, 14])
def test_google_vision_that_is_busy_with_status_200_is_asked_again(code, server, settings, asked_picture):
    busy = plain({"responses": [{"error": {"code": code, "message": "Try again."}}]})
    server.routes["/v1/images:annotate"] = [busy, plain(answers.google_vision(server.url))]
    assert ask("google-vision", settings, asked_picture).candidates


def test_serpapi_uploads_and_asks(server, settings, asked_picture):
    server.routes |= LENS | {"/search": plain(answers.serpapi(server.url))}
    answer = ask("serpapi", settings, asked_picture)
    first, second = answer.candidates
    assert (first.url, first.page, first.width) == (f"{server.url}/pictures/one.jpg", "https://shop.example/cup", 64)
    assert (second.url, second.rank) == (f"{server.url}/t/two.jpg", 2)
    assert answer.guess == "Coffee cup"
    upload, search = server.asked
    assert (upload.form["image"], upload.form["api_key"]) == (asked_picture.data, KEY.encode())
    assert upload.query == {}
    assert (search.query["image_id"], search.query["engine"]) == ("xokJ", "google_lens")


def test_serpapi_takes_no_large_picture(settings, asked_picture):
    large = type(asked_picture)(bytes(500_001), 2000, 2000)
    with pytest.raises(SourceError) as caught:
        ask("serpapi", settings, large)
    assert caught.value.reason is Reason.TOO_LARGE


EMPTY = {
    "openverse": {"result_count": 0, "page_count": 0, "results": []},
    "commons": {"batchcomplete": True},
    "google-vision": {"responses": [{}]},
    "serpapi": {"search_metadata": {"status": "Success"},
                "error": "Google Lens hasn't returned any results for this query."},
}  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_no_result_is_an_empty_answer(name, server, settings, asked_picture):
    server.routes |= LENS | {PATHS[name]: plain(EMPTY[name])}
    assert ask_any(name, settings, asked_picture).candidates == ()


REFUSALS = {
    "openverse": {"detail": "of its own"},
    "commons": {"error": {"code": "x", "info": "of its own"}},
    "google-vision": {"error": {"code": 403, "message": "of its own", "status": "PERMISSION_DENIED"}},
    "serpapi": {"error": "of its own"},
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(("status", "reason"), [(401, Reason.UNAUTHORISED), (403, Reason.FORBIDDEN),
                                                (400, Reason.BAD_ANSWER)])  # fmt: skip
def test_refusals_are_named_and_not_repeated(name, status, reason, server, settings, asked_picture):
    server.routes |= LENS | {PATHS[name]: plain(REFUSALS[name], status)}
    error = reason_of(name, settings, asked_picture)
    assert error.reason is reason
    assert "of its own" in str(error)
    assert server.times(PATHS[name]) == 1


@pytest.mark.parametrize("name", PATHS)
def test_too_many_requests_are_waited_for(name, server, settings, asked_picture):
    server.routes |= LENS | {PATHS[name]: [plain({}, 429, retry_after="1"), plain(good(name, server.url))]}
    assert ask_any(name, settings, asked_picture).candidates
    first, second = [one.at for one in server.asked if one.path == PATHS[name]]
    assert second - first >= 1.0


def test_retry_after_may_be_a_date(server, settings):
    date = email.utils.formatdate(time.time() + 2, usegmt=True)
    busy = plain({}, 503, retry_after=date)
    server.routes["/v1/images/"] = [busy, plain(answers.openverse(server.url, ["one"]))]
    assert ask("openverse", settings, "cup").candidates
    first, second = [one.at for one in server.asked]
    assert second - first >= 0.9


def test_a_long_retry_after_is_obeyed_by_all_that_follow(server, settings, asked_picture):
    server.routes["/v1/images/"] = plain({"detail": "Request was throttled."}, 429, retry_after="3600")
    error = reason_of("openverse", settings, asked_picture)
    assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, 3600)
    assert reason_of("openverse", settings, asked_picture).reason is Reason.RATE_LIMITED
    assert server.times("/v1/images/") == 1  # the second did not even ask


@pytest.mark.parametrize("name", PATHS)
def test_a_server_error_is_tried_again(name, server, settings, asked_picture):
    server.routes |= LENS | {PATHS[name]: [Reply(b"oops", 500, "text/html"), plain(good(name, server.url))]}
    assert ask_any(name, settings, asked_picture).candidates
    server.routes[PATHS[name]] = Reply(b"oops", 502, "text/html")
    before = server.times(PATHS[name])
    assert reason_of(name, settings, asked_picture).reason is Reason.SERVER_ERROR
    assert server.times(PATHS[name]) - before == settings.network.attempts


INSIDE = {
    "openverse": ({"detail": "broken"}, Reason.PROVIDER_ERROR),
    "commons": ({"error": {"code": "internal_api_error", "info": "broken"}}, Reason.PROVIDER_ERROR),
    "google-vision": ({"responses": [{"error": {"code": 7, "message": "broken"}}]}, Reason.FORBIDDEN),
    "serpapi": ({"search_metadata": {"status": "Error"}, "error": "broken"}, Reason.PROVIDER_ERROR),
}


@pytest.mark.parametrize("name", PATHS)
def test_an_error_inside_a_200(name, server, settings, asked_picture):
    content, reason = INSIDE[name]
    server.routes |= LENS | {PATHS[name]: plain(content)}
    error = reason_of(name, settings, asked_picture)
    assert (error.reason, "broken" in str(error)) == (reason, True)


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b"[1, 2", b'"text"', b"[" * 100_000])
def test_an_answer_that_is_none(name, body, server, settings, asked_picture):
    server.routes |= LENS | {PATHS[name]: Reply(body, kind="text/html")}
    assert reason_of(name, settings, asked_picture).reason is Reason.BAD_ANSWER


@pytest.mark.parametrize("name", PATHS)
def test_missing_fields(name, server, settings, asked_picture):
    bare = {
        "openverse": {"results": [{}, None, 3, {"url": 7}, {"url": "ftp://x/y.jpg"}, {"url": f"{server.url}/a.jpg"}]},
        "commons": {"query": {"pages": [{}, {"imageinfo": []}, {"imageinfo": [{"url": f"{server.url}/a.jpg",
                                                                               "mime": "image/png"}]}]}},
        "google-vision": {"responses": [{"webDetection": {"partialMatchingImages": [{}, {"url": None}],
                                                          "visuallySimilarImages": [{"url": f"{server.url}/a.jpg"}]}}]},
        "serpapi": {"visual_matches": [{}, {"image": 4}, {"image": f"{server.url}/a.jpg"}]},
    }  # fmt: skip
    server.routes |= LENS | {PATHS[name]: plain(bare[name])}
    (one,) = ask_any(name, settings, asked_picture).candidates
    assert (one.url, one.licence, one.creator, one.width) == (f"{server.url}/a.jpg", "", "", 0)
    assert one.as_plain()["licence"] == "unknown"


@pytest.mark.parametrize("name", PATHS)
def test_a_redirect_of_a_service_is_not_followed(name, server, elsewhere, settings, asked_picture):
    away = Reply(b"", 307, headers={"Location": f"{elsewhere.url}/steal"})
    server.routes |= LENS | {PATHS[name]: away}
    assert reason_of(name, settings, asked_picture).reason is Reason.BAD_ANSWER
    assert not elsewhere.asked


@pytest.mark.parametrize("name", PATHS)
def test_a_server_that_dribbles_or_dies(name, server, settings, asked_picture):
    quick = replace(settings, network=replace(settings.network, total_seconds=0.6, attempts=1))
    server.routes |= LENS | {PATHS[name]: Reply(pieces=[b" "] * 50, pause=0.1)}
    assert reason_of(name, quick, asked_picture).reason is Reason.TIMEOUT
    server.routes[PATHS[name]] = Reply(pieces=[b'{"results": ', None], length=5000)
    assert reason_of(name, quick, asked_picture).reason is Reason.BROKEN_OFF


def test_an_endless_answer_is_cut_off(server, settings, asked_picture):
    small = replace(settings, network=replace(settings.network, answer_bytes=100_000))
    server.routes["/v1/images/"] = Reply(pieces=(b" " * 10_000 for _ in range(1000)))
    assert reason_of("openverse", small, asked_picture).reason is Reason.TOO_LARGE
    server.routes["/v1/images/"] = Reply(b"", length=10**12)
    assert reason_of("openverse", small, asked_picture).reason is Reason.TOO_LARGE


def test_no_server_at_all(server, settings, asked_picture):
    server.close()
    assert reason_of("openverse", settings, asked_picture).reason is Reason.UNREACHABLE


@pytest.mark.parametrize(("name", "key"), [("google-vision", "google_vision"), ("serpapi", "serpapi")])
def test_a_missing_key_says_where_to_get_one(name, key, settings, asked_picture):
    with pytest.raises(InputError) as caught:
        ask(name, replace(settings, keys=Keys()), asked_picture)
    assert KEYS[key].page in str(caught.value)
    assert KEYS[key].variable in str(caught.value)


@pytest.mark.parametrize("name", PATHS)
def test_a_source_says_how_it_is_asked(name, settings, asked_picture):
    with pytest.raises(SourceError) as caught:
        ask(name, settings, "cup" if name in ("google-vision", "serpapi") else asked_picture)
    assert caught.value.reason is Reason.UNSUPPORTED


def test_names_of_sources():
    assert parse_sources("web:openverse, commons,openverse") == ("openverse", "commons")
    assert parse_sources("folder:/some/where") == ("folder:/some/where",)
    with pytest.raises(InputError, match="did you mean 'commons'"):
        parse_sources("commmons")
    with pytest.raises(InputError, match="found none"):
        parse_sources("web:")
    assert set(PATHS) < set(SOURCES)
