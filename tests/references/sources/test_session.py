"""Whole searches: many sources, many queries, licences, folders of references, keys that stay hidden."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from dataclasses import replace

import provider_answers as answers
import pytest
from web_server import Reply, jpeg, picture, plain

from conftest import KEY
from deocclude.errors import InputError, OutputError
from deocclude.references.credit import Credit, read_credits, write_credits
from deocclude.references.sources.fetch import ATTRIBUTION, fetch_references
from deocclude.references.sources.licences import parse_uses, permits, permits_all
from deocclude.references.sources.options import Keys, WebSettings, read_web_settings
from deocclude.references.sources.problems import Reason
from deocclude.references.sources.session import Wanted, WebQuery, open_session, search_web, what_is_sent


def search(queries, wanted, settings):
    told = []
    search_web(queries, wanted, settings, told=told.append)
    return told


def serve_pictures(server, *names):
    for index, name in enumerate(names):
        server.routes[f"/pictures/{name}.jpg"] = jpeg((30 * index, 100, 250 - 20 * index))


@pytest.fixture
def web(server):
    """All services, and pictures."""
    server.routes |= {
        "/v1/images/": plain(answers.openverse(server.url, ["red", "green"])),
        "/w/api.php": plain(answers.commons(server.url, ["blue", "red"])),
        "/v1/images:annotate": plain(answers.google_vision(server.url)),
        "/image": plain({"image_id": "x"}),
        "/search": plain(answers.serpapi(server.url)),
    }
    serve_pictures(server, "red", "green", "blue", "part", "full", "of-page", "alike", "one")
    return server


def test_sources_take_turns_and_addresses_come_once(web, settings):
    (answer,) = search([WebQuery("cup", words="cup")], Wanted(("openverse", "commons")), settings)
    names = [one.url.rpartition("/")[2] for one in answer.candidates]
    assert names == ["red.jpg", "blue.jpg", "green.jpg"]
    assert {one.provider for one in answer.candidates} == {"openverse", "commons"}
    assert set(answer.pictures) == {one.url for one in answer.candidates}
    assert answer.failures == ()


def test_a_repeated_query_costs_no_request(web, settings, asked_picture):
    query = WebQuery("cup", asked_picture, "cup")
    wanted = Wanted(("google-vision", "openverse", "commons"))
    first = search([query], wanted, settings)[0]
    before = len(web.asked)
    again = search([query], wanted, settings)[0]
    assert len(web.asked) == before
    assert (again.candidates, again.pictures) == (first.candidates, first.pictures)


def test_the_guess_of_a_search_by_picture_feeds_the_search_by_words(web, settings, asked_picture):
    (answer,) = search([WebQuery("thing", asked_picture)], Wanted(("openverse", "google-vision")), settings)
    assert answer.words == "coffee cup"
    assert next(one.query["q"] for one in web.asked if one.path == "/v1/images/") == "coffee cup"


def test_words_are_needed_where_nothing_guesses(web, settings):
    (answer,) = search([WebQuery("thing")], Wanted(("openverse",)), settings)
    assert [one.reason for one in answer.failures] == [Reason.UNSUPPORTED]
    assert not web.asked


def test_a_source_that_fails_takes_none_of_the_others_along(web, settings):
    web.routes["/w/api.php"] = plain({"error": {"code": "x", "info": "broken"}})
    web.routes["/pictures/red.jpg"] = Reply(b"<html>", kind="text/html")
    (answer,) = search([WebQuery("cup", words="cup")], Wanted(("openverse", "commons")), settings)
    assert {(one.provider, one.reason) for one in answer.failures} == {
        ("commons", Reason.PROVIDER_ERROR),
        ("openverse", Reason.WRONG_TYPE),
    }
    assert list(answer.pictures) == [f"{web.url}/pictures/green.jpg"]


@pytest.mark.parametrize("source", ["openverse", "commons"])
def test_what_was_found_before_a_source_failed_is_kept_but_not_for_the_next_time(source, web, settings):
    pages = [answers.openverse(web.url, ["red"], pages=2), answers.commons(web.url, ["red"], {"gsroffset": 1})]
    first, path = (pages[0], "/v1/images/") if source == "openverse" else (pages[1], "/w/api.php")
    web.routes[path] = [plain(first), plain({}, 403)]
    for _ in range(2):
        (answer,) = search([WebQuery("cup", words="cup")], Wanted((source,)), settings)
        assert [one.url for one in answer.candidates] == [f"{web.url}/pictures/red.jpg"]
        assert [(one.provider, one.reason) for one in answer.failures] == [(source, Reason.FORBIDDEN)]
        web.routes[path] = [plain(first), plain({}, 403)]
    assert web.times(path) == 4


def test_no_result_is_a_named_reason(web, settings):
    web.routes["/v1/images/"] = plain({"results": [], "page_count": 0})
    (answer,) = search([WebQuery("cup", words="cup")], Wanted(("openverse",)), settings)
    assert [one.reason for one in answer.failures] == [Reason.NO_RESULT]


def test_licence_filter(web, settings, asked_picture):
    closed = answers.openverse(web.url, ["closed"], license="by-nc", license_url=None)["results"]
    unknown = answers.openverse(web.url, ["unknown"], license="", license_version="", license_url=None)["results"]
    content = answers.openverse(web.url, ["red"])
    web.routes["/v1/images/"] = plain(content | {"results": closed + unknown + content["results"]})
    (answer,) = search([WebQuery("cup", words="cup")], Wanted(("openverse",), ("commercial",)), settings)
    assert [one.url for one in answer.candidates] == [f"{web.url}/pictures/red.jpg"]
    assert [one.reason for one in answer.failures] == [Reason.LICENCE, Reason.LICENCE]
    assert web.times("/pictures/closed.jpg") == 0


@pytest.mark.parametrize(
    ("licence", "url", "commercial", "modification"),
    [
        ("CC BY-SA 4.0", "", True, True),
        ("CC BY-NC 2.0", "", False, True),
        ("CC BY-ND 2.0", "", True, False),
        ("CC BY-NC-ND 4.0", "", False, False),
        ("by-nc", "https://creativecommons.org/licenses/by-nc/2.0/", False, True),
        ("CC BY 2.0", "https://creativecommons.org/licenses/by-nc-nd/2.0/", False, False),
        ("CC0 1.0", "", True, True),
        ("Public domain", "", True, True),
        ("", "https://creativecommons.org/publicdomain/mark/1.0/", True, True),
        ("GFDL", "", True, True),
        ("CC BY\u2011NC 4.0", "", False, True),  # a hyphen at which no line ends
        ("CC BY\u2013NC\u2013ND 4.0", "", False, False),
        ("CC BY-NCSA", "", False, True),
        ("CC BY 2.0 (non-commercial)", "", False, True),
        ("CC BY 4.0, NoDerivs", "", True, False),
        ("Public domain, not for commercial use", "", False, True),
        ("CC NC-Sampling+ 1.0", "", False, False),
        ("", "", False, False),
        ("All rights reserved", "https://example.org", False, False),
    ],
)
def test_what_licences_permit(licence, url, commercial, modification):
    assert (permits(licence, url, "commercial"), permits(licence, url, "modification")) == (commercial, modification)
    assert permits_all(licence, url, ())


def test_uses_are_checked():
    assert parse_uses("commercial, modification") == ("commercial", "modification")
    with pytest.raises(InputError, match="did you mean 'commercial'"):
        parse_uses("comercial")


def test_what_is_sent_is_said(settings, asked_picture):
    async def work():
        names = ["openverse", "google-vision", "serpapi"]
        async with open_session(names, settings) as session:
            return what_is_sent(WebQuery("cup (3)", asked_picture, "cup"), session.sources)

    words, vision, lens = asyncio.run(work())
    assert words == "openverse: the words 'cup'"
    assert vision.startswith("google-vision: a picture of cup (3), 64x48 pixels")
    assert lens.startswith("serpapi: a picture of cup (3)")


def test_many_queries_run_at_once_within_the_rate(server, settings):
    def slow(asked):
        time.sleep(0.3)
        return plain(answers.openverse(server.url, []) | {"results": []})

    server.routes["/v1/images/"] = slow
    rated = replace(settings, openverse=replace(settings.openverse, rate=40.0))
    begun = time.monotonic()
    told = search((WebQuery(str(n), words=f"w{n}") for n in range(40)), Wanted(("openverse",)), rated)
    taken = time.monotonic() - begun
    assert len(told) == 40
    times = sorted(one.at for one in server.asked)
    assert times[-1] - times[0] > 0.9  # 39 gaps of 1/40 s
    assert taken < 6.0  # one after the other would take 12 s


def test_a_folder_of_references(web, settings, tmp_path, asked_picture):
    steps = []
    queries = [WebQuery("cup (1)", asked_picture, "cup"), WebQuery("cup (2)", None, "saucer")]
    target = fetch_references(
        queries, ("openverse", "google-vision"), tmp_path / "found", settings, progress=lambda *step: steps.append(step)
    )
    credits = read_credits(target)
    pictures = {path.name for path in target.iterdir() if path.suffix == ".jpg"}
    assert set(credits) == pictures
    assert len(pictures) == 6
    known = next(one for one in credits.values() if one.provider == "openverse")
    assert known.licence == "CC BY-SA 2.0"
    assert known.page.startswith("https://www.flickr.com/")
    assert any(one == Credit("google-vision", url=one.url) for one in credits.values())
    words = (target / ATTRIBUTION).read_text()
    assert "licence: CC BY-SA 2.0 <https://creativecommons.org/licenses/by-sa/2.0/>" in words
    assert "licence: unknown" in words
    told = json.loads((target / "search.json").read_text())
    assert [one["query"] for one in told] == ["cup (1)", "cup (2)"]
    assert {one["file"] for one in told[0]["pictures"]} <= pictures
    assert told[1]["failures"][0]["reason"] == "unsupported"  # google-vision needs a picture
    assert steps == [("searched", 1, 2), ("searched", 2, 2)]


def test_waiting_for_a_turn_counts_for_no_time_limit(server, settings):
    names = [f"n{index}" for index in range(16)]
    server.routes["/v1/images/"] = plain(answers.openverse(server.url, names))
    for index, name in enumerate(names):
        slow = Reply(pieces=[jpeg((10 * index, 0, 0)).body, b""], pause=0.1, kind="image/jpeg")
        server.routes[f"/pictures/{name}.jpg"] = slow
    tight = replace(settings, count=16, network=replace(settings.network, connections=2, total_seconds=1.0))
    steps = []
    told = []
    wanted, progress = Wanted(("openverse",)), lambda *step: steps.append(step)
    search_web([WebQuery("a", words="a")], wanted, tight, told=told.append, progress=progress)
    assert (len(told[0].pictures), told[0].failures) == (16, ())
    assert steps[-1] == ("pictures", 16, 16)


def test_a_folder_is_searched_by_words_and_keeps_its_credits(web, settings, tmp_path):
    mine = tmp_path / "mine"
    fetch_references([WebQuery("a", words="a")], ("openverse",), mine, settings)
    name = next(name for name, one in read_credits(mine).items() if one.title == "A green")
    before = len(web.asked)
    (answer,) = search([WebQuery("a", words="GREEN")], Wanted((f"folder:{mine}",)), settings)
    (one,) = answer.candidates
    assert (one.licence, one.creator, one.url.endswith(name)) == ("CC BY-SA 2.0", "Ada & Co", True)
    again = fetch_references([WebQuery("a", words="green")], (f"folder:{mine}",), tmp_path / "copy", settings)
    assert read_credits(again)[name].page == "https://www.flickr.com/photos/green"
    (nothing,) = search([WebQuery("a", words="purple")], Wanted((f"folder:{mine}",)), settings)
    assert [one.reason for one in nothing.failures] == [Reason.NO_RESULT]
    assert len(web.asked) == before


def test_files_of_one_name_and_links_to_files_of_any_are_all_copied(settings, tmp_path):
    mine = tmp_path / "mine"
    for number, place in enumerate(("a", "b")):
        (mine / place).mkdir(parents=True)
        (mine / place / "cup.jpg").write_bytes(picture((90 * number, 0, 0)))
    (tmp_path / "blob").write_bytes(picture((0, 0, 250)))
    (mine / "cup.JPG").symlink_to(tmp_path / "blob")
    source = f"folder:{mine}"
    target = fetch_references([WebQuery("a", words="cup")], (source,), tmp_path / "found", settings)
    copies = {path.read_bytes() for path in target.glob("*.jpg")}
    assert copies == {path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    (told,) = json.loads((target / "search.json").read_text())
    assert len({one["file"] for one in told["pictures"]}) == 3
    assert {one.title for one in read_credits(target).values()} == {"cup.jpg", "cup.JPG"}


def test_a_folder_states_the_credits_of_its_own_files_only(settings, tmp_path):
    for number, place in enumerate((tmp_path / "mine", tmp_path / "mine" / "others")):
        place.mkdir()
        (place / "cup.jpg").write_bytes(picture((90 * number, 0, 0)))
    write_credits(tmp_path / "mine", {"cup.jpg": Credit(licence="CC0")})
    (answer,) = search([WebQuery("a", words="cup")], Wanted((f"folder:{tmp_path / 'mine'}",)), settings)
    assert [one.licence for one in answer.candidates] == ["CC0", ""]
    write_credits(tmp_path / "mine" / "others", {"cup.jpg": Credit(licence="CC BY 4.0", title="A mug")})
    (answer,) = search([WebQuery("a", words="mug")], Wanted((f"folder:{tmp_path / 'mine'}",)), settings)
    assert [one.licence for one in answer.candidates] == ["CC BY 4.0"]


def test_names_and_words_that_are_no_utf_8(web, settings, tmp_path):
    """As file systems have them, and as JSON writes half a character."""
    mine = tmp_path / "mine"
    mine.mkdir()
    try:
        (mine / os.fsdecode(b"cup\xff.jpg")).write_bytes(picture())
    except OSError as error:
        pytest.skip(f"this file system has no such names ({error})")
    query = WebQuery("cup \ud800", words="cup \ud800")
    target = fetch_references([query], (f"folder:{mine}", "openverse"), tmp_path / "found", settings)
    (told,) = json.loads((target / "search.json").read_text())
    assert [one["provider"] for one in told["pictures"] if one["file"]] == [f"folder:{mine}", "openverse", "openverse"]
    assert told["failures"] == []
    assert next(one.query["q"] for one in web.asked if one.path == "/v1/images/") == "cup"


def test_the_folder_is_added_to(web, settings, tmp_path):
    target = tmp_path / "found"
    fetch_references([WebQuery("a", words="a")], ("openverse",), target, settings)
    before = read_credits(target)
    fetch_references([WebQuery("b", words="b")], ("commons",), target, settings)
    after = read_credits(target)
    assert len(after) == 3
    assert before.items() <= after.items()


def test_a_folder_that_cannot_be_made(web, settings, tmp_path):
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="no folder to put pictures into"):
            fetch_references([WebQuery("a", words="a")], ("openverse",), target, settings)
    assert not web.asked


def test_inside_a_running_loop(web, settings, tmp_path):
    async def work():
        return fetch_references([WebQuery("a", words="a")], ("openverse",), tmp_path / "found", settings)

    assert len(read_credits(asyncio.run(work()))) == 2


def test_keys_are_seen_nowhere_but_by_their_service(web, settings, tmp_path, asked_picture, caplog, capfd):
    web.routes["/search"] = plain({"error": f"Invalid API key {KEY}"}, 401)
    web.routes["/v1/images:annotate"] = [Reply(b"", 500), plain(answers.google_vision(web.url))]
    keyed = replace(settings, keys=Keys(KEY, KEY, KEY, "tok-3n"))
    with caplog.at_level(logging.DEBUG):
        fetch_references(
            [WebQuery("a", asked_picture, "a")], ("serpapi", "google-vision", "openverse"), tmp_path / "found", keyed
        )
    assert any(one.query.get("api_key") == KEY for one in web.asked)
    places = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in places)
    seen = [path.read_bytes() for path in places] + [caplog.text.encode(), "".join(capfd.readouterr()).encode()]
    seen.append(repr(keyed).encode())
    for text in seen:
        for key in (KEY, "s3cret%2Fkey%2B0123456789", "tok-3n"):
            assert key.encode() not in text
    assert "[key]" in (tmp_path / "found" / "search.json").read_text()


def test_keys_that_an_answer_with_status_200_quotes_are_hidden(web, settings, asked_picture):
    said = f"Invalid API key {KEY}"
    web.routes["/search"] = plain({"error": said})
    web.routes["/v1/images:annotate"] = plain({"responses": [{"error": {"code": 7, "message": said}}]})
    (answer,) = search([WebQuery("a", asked_picture)], Wanted(("serpapi", "google-vision")), settings)
    assert [one.text.partition(": ")[2] for one in answer.failures] == ["Invalid API key [key]"] * 2


def test_settings_from_file_and_environment(tmp_path):
    file = tmp_path / "web.toml"
    file.write_text('contact = "a@b.example"\n[keys]\nserpapi = "from file"\n[openverse]\nurl = "http://o"\nrate = 1\n')
    found = read_web_settings(file, {"DEOCCLUDE_GOOGLE_VISION_KEY": " from environment "})
    assert (found.contact, found.keys.serpapi, found.keys.google_vision) == (
        "a@b.example", "from file", "from environment",
    )  # fmt: skip
    assert (found.openverse.url, found.openverse.rate) == ("http://o", 1.0)
    assert read_web_settings(None, {"DEOCCLUDE_WEB": str(file)}).contact == "a@b.example"
    assert read_web_settings(None, {"XDG_CONFIG_HOME": str(tmp_path)}) == WebSettings()
    (tmp_path / "deocclude").mkdir()
    file.rename(tmp_path / "deocclude" / "web.toml")
    assert read_web_settings(None, {"XDG_CONFIG_HOME": str(tmp_path)}).keys.serpapi == "from file"


@pytest.mark.parametrize(
    ("line", "said"),
    [("count = 0", "count: expected at least 1"), ("[openverse]\nurl = 'x'\nrate = 0.0", "openverse.rate"),
     ("[network]\nredirects = -1", "network.redirects: expected at least 0, found -1"),
     ("[network]\nconnect_seconds = 0.0", "network.connect_seconds"), ("[network]\npicture_bytes = 0", "picture_bytes"),
     ("[network]\npause_seconds = -1.0", "network.pause"), ("[cache]\nanswer_days = -1.0", "cache.answer_days"),
     ("[browser]\nseconds = 0.0", "browser.seconds"),
     ("contct = ''", "did you mean 'contact'"), ("contact = 'ü'", "ASCII"),
     ('[keys]\nserpapi = "a\\nb"', "ASCII")],
)  # fmt: skip
def test_settings_are_checked(line, said, tmp_path):
    file = tmp_path / "web.toml"
    file.write_text(line)
    with pytest.raises(InputError, match=said):
        read_web_settings(file, {})
