"""A local web server, and settings of the web search that know no other place."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from web_server import HOME, WebServer, picture

from deocclude.references.sources.candidates import Picture
from deocclude.references.sources.options import Keys, Network, Service, Storage, WebSettings

KEY = "s3cret/key+0123456789"


@pytest.fixture
def server():
    one = WebServer()
    yield one
    one.close()


@pytest.fixture
def elsewhere():
    """A server at a loopback address that the settings do not allow."""
    try:
        one = WebServer("127.0.0.2")
    except OSError as error:  # macOS has no such address by itself
        pytest.skip(f"127.0.0.2 cannot be listened at ({error})")
    yield one
    one.close()


@pytest.fixture
def settings(server, tmp_path) -> WebSettings:
    service = Service(server.url, 1000.0)
    network = Network(
        allow=(f"{HOME}/32",), connect_seconds=2.0, total_seconds=3.0, pause_seconds=0.01, patience_seconds=2.0
    )
    named = dict.fromkeys(("google_vision", "openverse", "commons", "serpapi", "imgbb"), service)
    return replace(
        WebSettings(contact="me@example.org", count=5, network=network, keys=Keys(KEY, KEY, KEY, "")),
        cache=Storage(folder=str(tmp_path / "cache")),
        imgbb_delete=f"{server.url}/json",
        **named,
    )


@pytest.fixture
def asked_picture() -> Picture:
    return Picture(picture((10, 120, 200)), 64, 48)
