"""Settings of the web search: addresses, rates, limits, keys; from a settings file and from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from deocclude import __version__
from deocclude.errors import InputError
from deocclude.settings import read_settings

FILE_VARIABLE = "DEOCCLUDE_WEB"
"""Environment variable with the path of the settings file."""


@dataclass(frozen=True)
class Key:
    """A key and where one gets it.

    Attributes:
        variable: environment variable that may hold it.
        page: where one gets it.
    """

    variable: str
    page: str


KEYS = {
    "google_vision": Key("DEOCCLUDE_GOOGLE_VISION_KEY", "https://cloud.google.com/vision/docs/setup"),
    "serpapi": Key("DEOCCLUDE_SERPAPI_KEY", "https://serpapi.com/manage-api-key"),
    "imgbb": Key("DEOCCLUDE_IMGBB_KEY", "https://api.imgbb.com/"),
    "openverse": Key("DEOCCLUDE_OPENVERSE_TOKEN", "https://api.openverse.org/v1/#tag/auth"),
}
"""All keys by the name of their service."""


@dataclass(frozen=True)
class Keys:
    """Keys of services. They are never printed, logged, cached or stored with results."""

    google_vision: str = field(default="", repr=False)
    serpapi: str = field(default="", repr=False)
    imgbb: str = field(default="", repr=False)
    openverse: str = field(default="", repr=False)
    """Access token; not needed, but it permits many more requests."""

    @property
    def all(self) -> tuple[str, ...]:
        """Those that are set."""
        return tuple(key for key in (self.google_vision, self.serpapi, self.imgbb, self.openverse) if key)


@dataclass(frozen=True)
class Service:
    """Where a source is asked, and how often."""

    url: str
    """Base address."""
    rate: float
    """Most requests a second."""


@dataclass(frozen=True)
class Network:
    """Limits of every connection."""

    allow: tuple[str, ...] = ()
    """Networks that are not public and may be visited all the same, such as "127.0.0.0/8"."""
    connect_seconds: float = 10.0
    """Longest wait for a connection, and for the next piece of an answer."""
    total_seconds: float = 60.0
    """Longest time for one answer or one picture, all in all."""
    answer_bytes: int = 10_000_000
    """Largest answer of a service."""
    picture_bytes: int = 25_000_000
    """Largest picture file."""
    picture_pixels: int = 60_000_000
    """Largest picture, width times height."""
    redirects: int = 5
    """Most redirects on the way to a picture."""
    attempts: int = 3
    """How often something is tried that may work the next time."""
    pause_seconds: float = 1.0
    """Wait before the second attempt; doubled for the next."""
    patience_seconds: float = 90.0
    """Longest wait that a service may ask for (Retry-After) without being given up for now."""
    connections: int = 64
    """Most connections at a time to one service, and as many for pictures."""
    same_host: int = 4
    """Most pictures at a time from one host."""


@dataclass(frozen=True)
class Storage:
    """The cache on disk; processes share it."""

    folder: str = ""
    """Where it lies; by default in the user's cache folder."""
    answer_days: float = 30.0
    """How long answers are kept."""
    picture_days: float = 180.0
    """How long pictures are kept."""
    megabytes: float = 2000.0
    """How much pictures may take; those not used for longest go first."""

    @property
    def references(self) -> Path:
        """Where folders of references lie that were found for jobs."""
        return self.place / "references"

    @property
    def place(self) -> Path:
        """The folder."""
        if self.folder:
            return Path(self.folder).expanduser()
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deocclude" / "web"


@dataclass(frozen=True)
class Browser:
    """A search page, and how it is driven. Selectors are CSS."""

    permission: bool = False
    """True states that the site permits you automated queries. Without it the browser stays off."""
    search_url: str = ""
    """Address of the page with results; {image} is the address of the uploaded picture, {words} are words."""
    result: str = ""
    """Selects each result."""
    image: str = "img"
    """Selects the picture inside a result."""
    image_attribute: str = "src"
    """Attribute of the picture with its address; several, with commas, are tried in turn."""
    page: str = "a"
    """Selects the link to the page about the picture, inside a result."""
    title: str = ""
    """Selects the title inside a result; by default the picture's alt text."""
    guess: str = ""
    """Selects what the site takes the picture for."""
    blocked: str = ""
    """Selects what the page has instead of results when it asks whether a person is there."""
    seconds: float = 30.0
    """Longest time for one page."""
    rate: float = 0.2
    """Most pages a second."""
    binary: str = ""
    """The browser; by default Chromium or Chrome on the PATH."""
    driver: str = ""
    """Its driver; by default chromedriver on the PATH."""
    arguments: tuple[str, ...] = ()
    """More arguments for the browser."""
    upload_seconds: int = 300
    """After this time the image host deletes the picture by itself, if deleting it did not work; at least 60."""


@dataclass(frozen=True)
class WebSettings:
    """All of it. Never write it to a result: it holds keys."""

    contact: str = ""
    """Address (e-mail or page) where the operators of a service reach you; part of the User-Agent."""
    count: int = 20
    """Pictures that each source is asked for."""
    longest: int = 1024
    """Longer side of a picture that is sent, pixels."""
    licence: str = ""
    """Uses that licences must permit where the command line does not say: commercial, modification, or both."""
    keys: Keys = field(default_factory=Keys, repr=False)
    network: Network = field(default_factory=Network)
    cache: Storage = field(default_factory=Storage)
    google_vision: Service = Service("https://vision.googleapis.com", 10.0)
    openverse: Service = Service("https://api.openverse.org", 0.33)
    commons: Service = Service("https://commons.wikimedia.org", 5.0)
    serpapi: Service = Service("https://serpapi.com", 2.0)
    imgbb: Service = Service("https://api.imgbb.com", 1.0)
    imgbb_delete: str = "https://ibb.co/json"
    """Address that deletes an uploaded picture."""
    browser: Browser = field(default_factory=Browser)

    @property
    def user_agent(self) -> str:
        """Who asks, in the form that Wikimedia's policy wants."""
        about = f" ({self.contact})" if self.contact else ""
        return f"deocclude/{__version__}{about} httpx"


def read_web_settings(file: Path | None = None, environment: Mapping[str, str] | None = None) -> WebSettings:
    """Return the settings in force: the environment over the file over the defaults.

    Args:
        file: settings file (TOML); by default the one that ``DEOCCLUDE_WEB`` names, else
            ``~/.config/deocclude/web.toml`` if it is there.
        environment: by default that of the process. ``DEOCCLUDE_CONTACT`` and the variables of :data:`KEYS` count.

    Raises:
        InputError: the file cannot be used.
    """
    known = os.environ if environment is None else environment
    settings = WebSettings()
    place = file or _usual_file(known)
    if place is not None:
        settings = read_settings(WebSettings, place)
    from_environment = {name: known[key.variable].strip() for name, key in KEYS.items() if known.get(key.variable)}
    contact = known.get("DEOCCLUDE_CONTACT", "").strip() or settings.contact
    checked = replace(settings, contact=contact, keys=replace(settings.keys, **from_environment))
    _check(checked, place)
    return checked


def _usual_file(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(FILE_VARIABLE)
    if named:
        return Path(named).expanduser()
    home = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    usual = home / "deocclude" / "web.toml"
    return usual if usual.is_file() else None


def _check(settings: WebSettings, file: Path | None) -> None:
    """Refuse values that would only fail later.

    Raises:
        InputError: a value that cannot be.
    """
    for text in (settings.contact, *settings.keys.all):
        if not text.isascii() or not text.isprintable():
            raise InputError("printable ASCII", "other characters", file=file, field="contact or keys")
    network, cache = settings.network, settings.cache
    at_least = {
        "count": (settings.count, 1),
        "longest": (settings.longest, 32),
        "network.connect_seconds": (network.connect_seconds, 0.01),
        "network.total_seconds": (network.total_seconds, 0.01),
        "network.answer_bytes": (network.answer_bytes, 1),
        "network.picture_bytes": (network.picture_bytes, 1),
        "network.picture_pixels": (network.picture_pixels, 1),
        "network.redirects": (network.redirects, 0),
        "network.attempts": (network.attempts, 1),
        "network.pause_seconds": (network.pause_seconds, 0),
        "network.patience_seconds": (network.patience_seconds, 0),
        "network.connections": (network.connections, 1),
        "network.same_host": (network.same_host, 1),
        "cache.answer_days": (cache.answer_days, 0),
        "cache.picture_days": (cache.picture_days, 0),
        "cache.megabytes": (cache.megabytes, 0),
        "browser.seconds": (settings.browser.seconds, 0.01),
        "browser.upload_seconds": (settings.browser.upload_seconds, 60),
    }
    services = ("google_vision", "openverse", "commons", "serpapi", "imgbb")
    at_least |= {f"{name}.rate": (getattr(settings, name).rate, 1e-4) for name in services}
    at_least["browser.rate"] = (settings.browser.rate, 1e-4)
    for name, (value, least) in at_least.items():
        if not value >= least:
            raise InputError(f"at least {least:g}", f"{value:g}", file=file, field=name)
