"""Sources of reference pictures: a folder of one's own, and the web.

Nothing here sends anything unless a source is named. The names are those of the command line and of
``run --references web:NAME``; several are written with commas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from deocclude.errors import InputError, unknown_choice

if TYPE_CHECKING:
    from deocclude.references.sources.candidates import Source
    from deocclude.references.sources.services import Services


def _openverse(services: Services) -> Source:
    from deocclude.references.sources.openverse import Openverse

    return Openverse(services.client("openverse"), services.settings.keys.openverse)


def _commons(services: Services) -> Source:
    from deocclude.references.sources.commons import Commons

    return Commons(services.client("commons"), services.settings.contact)


def _google_vision(services: Services) -> Source:
    from deocclude.references.sources.google_vision import GoogleVision

    return GoogleVision(services.client("google_vision"), services.key("google_vision"))


def _serpapi(services: Services) -> Source:
    from deocclude.references.sources.serpapi import SerpApi

    return SerpApi(services.client("serpapi"), services.key("serpapi"))


def _browser(services: Services) -> Source:
    from deocclude.references.sources.browser import Browser
    from deocclude.references.sources.imgbb import ImageHost

    settings = services.settings

    def host() -> ImageHost:
        clients = services.client("imgbb"), services.client("imgbb", settings.imgbb_delete)
        return ImageHost(*clients, services.key("imgbb"))

    return Browser(settings.browser, services.pace("browser", settings.browser.rate), host, settings.user_agent)


SOURCES: dict[str, Callable[[Services], Source]] = {
    "openverse": _openverse,
    "commons": _commons,
    "google-vision": _google_vision,
    "serpapi": _serpapi,
    "browser": _browser,
}
"""All sources on the web by name; ``folder:PATH`` is one more."""
BY_PICTURE = ("google-vision", "serpapi", "browser")
"""Those that a picture is sent to; the others get words."""


def wants_picture(names: Iterable[str]) -> bool:
    """Return whether one of these sources is asked with a picture."""
    return any(name in BY_PICTURE or name.startswith("folder:") for name in names)


def build_source(name: str, services: Services) -> Source:
    """Return the source of a name.

    Raises:
        InputError: an unknown name, a missing key, or settings that do not fit.
    """
    if name.startswith("folder:"):
        from deocclude.references.sources.folder import Folder

        return Folder(Path(name.removeprefix("folder:")).expanduser())
    if name not in SOURCES:
        raise unknown_choice("source", name, [*SOURCES, "folder:PATH"])
    return SOURCES[name](services)


def parse_sources(asked: str) -> tuple[str, ...]:
    """Return the names in a text such as ``openverse,commons``; a leading ``web:`` is dropped.

    Raises:
        InputError: none, or an unknown one.
    """
    names = tuple(dict.fromkeys(part.strip() for part in asked.removeprefix("web:").split(",") if part.strip()))
    if not names:
        raise InputError(f"one or more of {', '.join(SOURCES)}", "none", field="source")
    for name in names:
        if name == "folder:":
            raise InputError("a folder, as in folder:PATH", "none", field="source")
        if name not in SOURCES and not name.startswith("folder:"):
            raise unknown_choice("source", name, [*SOURCES, "folder:PATH"])
    return names
