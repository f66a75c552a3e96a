"""A web server on 127.0.0.1 that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import email
import email.policy
import io
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

HOME = "127.0.0.1"


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, bytes]:
        """Fields of a form, whichever way they were sent."""
        kind = self.headers.get("content-type", "")
        if "multipart" not in kind:
            return {name: values[0].encode() for name, values in parse_qs(self.body.decode()).items()}
        head = f"Content-Type: {kind}\r\n\r\n".encode()
        parts = email.message_from_bytes(head + self.body, policy=email.policy.HTTP).iter_parts()
        return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}


@dataclass
class Reply:
    """An answer.

    ``length`` is stated instead of the true one; ``pieces`` are sent with ``pause`` seconds between them; ``None``
    among them closes the connection.
    """

    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes | None] | None = None
    pause: float = 0.0
    length: int | None = None


def plain(content: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(json.dumps(content).encode(), status, headers={k.replace("_", "-"): v for k, v in headers.items()})


Colour = tuple[int, int, int]


def picture(colour: Colour = (200, 60, 20), size: tuple[int, int] = (64, 48), kind: str = "JPEG") -> bytes:
    """A picture file whose content depends on the colour."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:] = colour
    pixels[: height // 2, : width // 2] = 255 - pixels[: height // 2, : width // 2]
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, kind)
    return target.getvalue()


def jpeg(colour: Colour = (200, 60, 20), **options: Any) -> Reply:
    return Reply(picture(colour, **options), kind="image/jpeg")


Answering = Callable[[Asked], Reply]


class WebServer:
    """Serves ``routes``: paths to a reply, to a list of replies used up one by one (the last stays), or a function."""

    def __init__(self, host: str = HOME) -> None:
        self.routes: dict[str, Reply | list[Reply] | Answering] = {}
        self.asked: list[Asked] = []
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._serve(self)

            def do_POST(self) -> None:
                server._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                pass

        self._http = Quiet((host, 0), Handler)
        self.host, self.port = host, self._http.server_address[1]
        self.url = f"http://{host}:{self.port}"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def times(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one.path == path for one in self.asked)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.command, parts.path, query, headers, body)
        with self._lock:
            self.asked.append(asked)
            route = self.routes.get(parts.path, Reply(b"nothing here", 404, "text/plain"))
            if isinstance(route, list):
                route = route.pop(0) if len(route) > 1 else route[0]
        reply = route if isinstance(route, Reply) else route(asked)
        try:
            _send(handler, reply)
        except OSError:
            handler.close_connection = True


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    handler.send_response(reply.status)
    headers = {"Content-Type": reply.kind, **reply.headers}
    if reply.length is not None or reply.pieces is None:
        headers["Content-Length"] = str(len(reply.body) if reply.length is None else reply.length)
    else:
        headers["Connection"] = "close"
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    if reply.length is not None or reply.pieces is not None:
        handler.close_connection = True
    for piece in [reply.body] if reply.pieces is None else reply.pieces:
        if piece is None:
            handler.connection.close()
            return
        handler.wfile.write(piece)
        handler.wfile.flush()
        time.sleep(reply.pause)
