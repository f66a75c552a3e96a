"""Pictures from strangers: limits, redirects, addresses, types, and that nothing half-fetched is kept."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import random
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from web_server import HOME, Reply, jpeg, picture

from deocclude.errors import InputError
from deocclude.references.sources.addresses import Visitable
from deocclude.references.sources.cache import Stored
from deocclude.references.sources.download import checked_picture
from deocclude.references.sources.problems import Reason, SourceError
from deocclude.references.sources.services import Services


def fetch(url, settings) -> Stored:
    async def work():
        async with Services(settings) as services:
            return await services.downloader.fetch(url)

    return asyncio.run(work())


def reason_of(url, settings) -> Reason:
    with pytest.raises(SourceError) as caught:
        fetch(url, settings)
    kept = [path for path in (settings.cache.place / "pictures").rglob("*") if path.is_file()]
    assert not kept, "nothing of a failure stays"
    return caught.value.reason


def test_a_picture_is_kept_as_it_came_and_asked_for_once(server, settings):
    server.routes["/a.jpg"] = jpeg()
    stored = fetch(f"{server.url}/a.jpg", settings)
    assert (stored.path.read_bytes(), stored.width, stored.height) == (picture(), 64, 48)
    assert stored.path.suffix == ".jpg"
    assert fetch(f"{server.url}/a.jpg", settings) == stored
    assert server.times("/a.jpg") == 1


def test_the_same_address_many_times_at_once_is_one_request(server, settings):
    server.routes["/a.jpg"] = Reply(pieces=[picture()], pause=0.1, kind="image/jpeg")

    async def work():
        async with Services(settings) as services:
            return await asyncio.gather(*(services.downloader.fetch(f"{server.url}/a.jpg") for _ in range(20)))

    assert len(set(asyncio.run(work()))) == 1
    assert server.times("/a.jpg") == 1


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_formats(kind, server, settings):
    server.routes["/a"] = Reply(picture(kind=kind), kind="application/octet-stream")
    stored = fetch(f"{server.url}/a", settings)
    with Image.open(stored.path) as image:
        assert (image.mode, image.size) == ("RGB", (64, 48))


def test_exif_is_turned_and_dropped(server, settings):
    image = Image.open(io.BytesIO(picture()))
    exif = image.getexif()
    exif[0x0112], exif[0x010F] = 6, "a camera"
    target = io.BytesIO()
    image.save(target, "JPEG", exif=exif, quality=95)
    server.routes["/a.jpg"] = Reply(target.getvalue(), kind="image/jpeg")
    stored = fetch(f"{server.url}/a.jpg", settings)
    assert (stored.width, stored.height) == (48, 64)
    with Image.open(stored.path) as upright:
        assert not upright.getexif()
        shown = np.asarray(image.transpose(Image.Transpose.ROTATE_270)).astype(int)
        assert abs(np.asarray(upright).astype(int) - shown).mean() < 2


def test_other_modes_become_rgb(server, settings):
    target = io.BytesIO()
    Image.new("RGBA", (20, 10), (255, 0, 0, 0)).save(target, "PNG")
    server.routes["/a.png"] = Reply(target.getvalue(), kind="image/png")
    with Image.open(fetch(f"{server.url}/a.png", settings).path) as image:
        assert (image.mode, image.getpixel((0, 0))) == ("RGB", (255, 255, 255))


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/json", "image/svg+xml", "video/mp4"])
def test_wrong_content_type(kind, server, settings):
    server.routes["/a.jpg"] = Reply(picture(), kind=kind)
    assert reason_of(f"{server.url}/a.jpg", settings) is Reason.WRONG_TYPE


@pytest.mark.parametrize(
    "body", [b"", b"<html></html>", picture()[:300], picture()[:-200], picture(kind="PNG")[:100]], ids=range(5)
)
def test_damaged_and_truncated_pictures(body, server, settings):
    server.routes["/a.jpg"] = Reply(body, kind="image/jpeg")
    assert reason_of(f"{server.url}/a.jpg", settings) is Reason.DAMAGED


def test_a_useless_picture_is_not_asked_for_again_soon(server, settings):
    server.routes["/a.jpg"] = Reply(b"<html>", kind="text/html")
    for _ in range(3):
        assert reason_of(f"{server.url}/a.jpg", settings) is Reason.WRONG_TYPE
    assert server.times("/a.jpg") == 1


@pytest.mark.parametrize("limit", [{"picture_bytes": 100}, {"picture_pixels": 100}, {"redirects": 0}])
def test_a_picture_beyond_a_limit_is_asked_for_again_when_the_limit_is_raised(limit, server, settings):
    server.routes |= {"/a": Reply(b"", 302, headers={"Location": "/a.jpg"}), "/a.jpg": jpeg()}
    low = replace(settings, network=replace(settings.network, **limit))
    assert reason_of(f"{server.url}/a", low) in (Reason.TOO_LARGE, Reason.REDIRECTS)
    assert fetch(f"{server.url}/a", settings).path.is_file()


def test_a_hundred_megabytes_are_cut_off(server, settings):
    small = replace(settings, network=replace(settings.network, picture_bytes=1_000_000))
    server.routes["/stated.jpg"] = Reply(b"", kind="image/jpeg", length=100_000_000)
    assert reason_of(f"{server.url}/stated.jpg", small) is Reason.TOO_LARGE
    sent = []

    def pieces():
        for _ in range(1000):
            sent.append(1)
            yield bytes(100_000)

    server.routes["/endless.jpg"] = Reply(pieces=pieces(), kind="image/jpeg")
    assert reason_of(f"{server.url}/endless.jpg", small) is Reason.TOO_LARGE
    assert len(sent) < 500


def huge_png(side: int) -> bytes:
    """A PNG file of a few bytes that states an enormous size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_000, 60_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(side, server, settings):
    server.routes["/a.png"] = Reply(huge_png(side), kind="image/png")
    assert reason_of(f"{server.url}/a.png", settings) is Reason.TOO_LARGE


def test_redirects_lead_to_the_picture_and_loops_end(server, settings):
    server.routes["/one"] = Reply(b"", 302, headers={"Location": "/two"})
    server.routes["/two"] = Reply(b"", 301, headers={"Location": f"{server.url}/a.jpg"})
    server.routes["/a.jpg"] = jpeg()
    assert fetch(f"{server.url}/one", settings).path.is_file()


def test_a_redirect_loop(server, settings):
    server.routes["/loop"] = Reply(b"", 302, headers={"Location": "/loop"})
    assert reason_of(f"{server.url}/loop", settings) is Reason.REDIRECTS
    assert server.times("/loop") == settings.network.redirects + 1


@pytest.mark.parametrize("scheme", ["file:///etc/passwd", "ftp://example.org/a.jpg", "gopher://x/", "data:image/png,x"])
def test_only_http(scheme, server, settings):
    assert reason_of(scheme, settings) is Reason.REFUSED_ADDRESS
    server.routes["/away"] = Reply(b"", 302, headers={"Location": scheme})
    assert reason_of(f"{server.url}/away", settings) is Reason.REFUSED_ADDRESS


PRIVATE = [
    "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "127.0.0.2",
    "[::1]", "[::ffff:127.0.0.2]", "[::ffff:10.0.0.1]", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:2]",
    "[2002:7f00:2::]", "[fec0::1]", "2130706434", "0x7f.2", "0177.0.0.2", "224.0.0.1", "255.255.255.255", "240.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_addresses_of_this_network_are_refused(host, server, settings):
    assert reason_of(f"http://{host}:{server.port}/a.jpg", settings) is Reason.REFUSED_ADDRESS
    server.routes["/away"] = Reply(b"", 302, headers={"Location": f"http://{host}:{server.port}/b.jpg"})
    assert reason_of(f"{server.url}/away", settings) is Reason.REFUSED_ADDRESS


def test_loopback_is_refused_by_default(server, settings):
    closed = replace(settings, network=replace(settings.network, allow=()))
    for host in ("localhost", HOME):
        assert reason_of(f"http://{host}:{server.port}/a.jpg", closed) is Reason.REFUSED_ADDRESS
    assert not server.asked


def test_no_byte_reaches_a_private_address(server, elsewhere, settings):
    elsewhere.routes["/a.jpg"] = jpeg()
    server.routes["/away"] = Reply(b"", 307, headers={"Location": f"{elsewhere.url}/a.jpg"})
    assert reason_of(f"{server.url}/away", settings) is Reason.REFUSED_ADDRESS
    assert not elsewhere.asked
    allowed = replace(settings, network=replace(settings.network, allow=("127.0.0.0/8",)))
    assert fetch(f"{server.url}/away", allowed).path.is_file()


def test_a_name_is_looked_up_once_and_that_address_is_visited(server, elsewhere, settings, monkeypatch):
    """A name server that says something else the second time changes nothing."""
    server.routes["/a.jpg"] = elsewhere.routes["/a.jpg"] = jpeg()
    said = [HOME]

    async def getaddrinfo(self, host, port, **_):
        address = said.pop(0) if said else "127.0.0.2"
        return [(2, 1, 6, "", (address, server.port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", getaddrinfo)
    assert fetch(f"http://changing.example:{server.port}/a.jpg", settings).path.is_file()
    assert server.asked[0].headers["host"] == f"changing.example:{server.port}"
    assert reason_of_second(f"http://changing.example:{server.port}/b.jpg", settings) is Reason.REFUSED_ADDRESS
    assert not elsewhere.asked


def reason_of_second(url, settings) -> Reason:
    with pytest.raises(SourceError) as caught:
        fetch(url, settings)
    return caught.value.reason


def test_proxies_of_the_environment_are_not_used(server, elsewhere, settings, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, elsewhere.url)
    server.routes["/a.jpg"] = jpeg()
    assert fetch(f"{server.url}/a.jpg", settings).path.is_file()
    assert not elsewhere.asked


def test_rule_of_addresses():
    rule = Visitable()
    for text in ("8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert rule.permits(ipaddress.ip_address(text)), text
    generator = random.Random(0)
    for network in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "fe80::/10", "fc00::/7"):
        whole = ipaddress.ip_network(network)
        for _ in range(50):
            assert not rule.permits(whole[generator.randrange(whole.num_addresses)])
    assert Visitable(["10.0.0.0/8"]).permits(ipaddress.ip_address("::ffff:10.1.2.3"))
    with pytest.raises(InputError, match="network.allow"):
        Visitable(["everything"])


def test_slow_loris(server, settings):
    quick = replace(settings, network=replace(settings.network, total_seconds=0.5))
    whole = picture()
    server.routes["/a.jpg"] = Reply(
        pieces=[whole[at : at + 5] for at in range(0, 500, 5)], pause=0.1, kind="image/jpeg"
    )
    assert reason_of(f"{server.url}/a.jpg", quick) is Reason.TIMEOUT


def test_a_server_that_dies_half_way_is_asked_again(server, settings):
    dying = Reply(pieces=[picture()[:400], None], length=len(picture()), kind="image/jpeg")
    server.routes["/a.jpg"] = [dying, dying, jpeg()]
    assert fetch(f"{server.url}/a.jpg", settings).path.read_bytes() == picture()
    server.routes["/b.jpg"] = dying
    with pytest.raises(SourceError) as caught:
        fetch(f"{server.url}/b.jpg", settings)
    assert caught.value.reason is Reason.BROKEN_OFF


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, Reason.UNAUTHORISED), (403, Reason.FORBIDDEN), (404, Reason.GONE), (500, Reason.SERVER_ERROR),
     (304, Reason.BAD_ANSWER), (408, Reason.TIMEOUT)],
)  # fmt: skip
def test_refusals_are_named(status, reason, server, settings):
    server.routes["/a.jpg"] = Reply(b"no", status, "text/plain")
    assert reason_of(f"{server.url}/a.jpg", settings) is reason


def test_too_many_requests_are_waited_for(server, settings):
    server.routes["/a.jpg"] = [Reply(b"", 429, headers={"Retry-After": "1"}), jpeg()]
    assert fetch(f"{server.url}/a.jpg", settings).path.is_file()
    first, second = [one.at for one in server.asked]
    assert second - first >= 1.0


def test_content_that_was_packed_unasked_is_refused(server, settings):
    server.routes["/a.jpg"] = Reply(
        zlib.compress(picture()), kind="image/jpeg", headers={"Content-Encoding": "deflate"}
    )
    assert reason_of(f"{server.url}/a.jpg", settings) is Reason.BAD_ANSWER


def test_a_picture_is_checked_in_any_state():
    generator = random.Random(0)
    whole = bytearray(picture())
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(generator.randrange(1, 30)):
            broken[generator.randrange(len(broken))] = generator.randrange(256)
        try:
            content, suffix, size = checked_picture(bytes(broken), 10_000_000)
        except SourceError as error:
            assert error.reason in (Reason.DAMAGED, Reason.TOO_LARGE)
        else:
            assert content
            assert suffix == ".jpg"
            assert min(size) > 0
