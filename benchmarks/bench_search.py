"""Many web searches at once: wall time against what the service's rate limit allows, and memory.

    python benchmarks/bench_search.py [--queries 200] [--latency 1] [--rate 20] [--pictures 0]

A server on 127.0.0.1, in a process of its own, speaks Openverse's format: each answer takes the latency, more requests
a second than the rate get status 429. An et al. needed about 12 s for each image.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import multiprocessing
import resource
import tempfile
import threading
import time
from collections import deque
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from deocclude.references.sources.fetch import fetch_into
from deocclude.references.sources.options import Network, Service, Storage, WebSettings
from deocclude.references.sources.session import Wanted, WebQuery


def serve(pipe: Connection, latency: float, rate: float, pictures: int) -> None:
    """Answer searches and send pictures until the other side closes."""
    asyncio.run(_serve(pipe, latency, rate, pictures))


async def _serve(pipe: Connection, latency: float, rate: float, pictures: int) -> None:
    recent: deque[float] = deque()
    counts = {"searches": 0, "refused": 0, "pictures": 0}
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                path = head.split()[1]
                status, kind, body = await reply(path)
                extra = "Retry-After: 1\r\n" if status == 429 else ""
                fields = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}"
                writer.write(f"HTTP/1.1 {status} X\r\n{fields}\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    async def reply(path: str) -> tuple[int, str, bytes]:
        if path.startswith("/pictures/"):
            counts["pictures"] += 1
            return 200, "image/jpeg", picture(noise, int(path.rpartition("/")[2].removesuffix(".jpg")))
        counts["searches"] += 1
        now = time.monotonic()
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= rate:
            counts["refused"] += 1
            return 429, "application/json", b"{}"
        recent.append(now)
        await asyncio.sleep(latency)
        return 200, "application/json", json.dumps(results(path)).encode()

    def results(path: str) -> dict[str, Any]:
        first = int(path.partition("q=w")[2].partition("&")[0]) * pictures
        base = f"http://127.0.0.1:{port}/pictures"
        found = [{"url": f"{base}/{first + n}.jpg", "license": "by", "license_version": "4.0"} for n in range(pictures)]
        return {"page_count": 1, "results": found}

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pipe.send(port)
    await asyncio.to_thread(pipe.recv)
    pipe.send(counts)


def picture(noise: np.ndarray, number: int) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.roll(noise, number, axis=1) ^ np.uint8(number % 251)).save(target, "JPEG", quality=80)
    return target.getvalue()


class Memory(threading.Thread):
    """Notes the resident memory every quarter of a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes: list[float] = []

    def run(self) -> None:
        """Go on until the process ends."""
        while True:
            self.megabytes.append(_resident())
            time.sleep(0.25)


def _resident() -> float:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def measure(url: str, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run all queries, then all again from the cache."""
    settings = WebSettings(
        contact="bench@example.org", count=max(1, asked.pictures), openverse=Service(url, asked.rate),
        network=Network(allow=("127.0.0.0/8",), same_host=16), cache=Storage(folder=str(folder / "cache")),
    )  # fmt: skip
    memory, known = Memory(), list[int]()

    def run(target: Path) -> float:
        begun = time.perf_counter()
        queries = (WebQuery(str(number), words=f"w{number}") for number in range(asked.queries))
        wanted = Wanted(("openverse",), fetch=asked.pictures > 0)
        fetch_into(queries, wanted, target, settings, told=lambda one: known.append(len(one.files)))
        return time.perf_counter() - begun

    fetch_into([WebQuery("warm", words="w999999")], Wanted(("openverse",)), folder / "warm",
               replace(settings, count=1), told=lambda one: None)  # fmt: skip
    time.sleep(1.1)
    memory.start()
    cpu = time.process_time()
    seconds = run(folder / "found")
    cpu = time.process_time() - cpu
    tenth = max(1, len(memory.megabytes) // 10)
    early, late = memory.megabytes[tenth : 2 * tenth], memory.megabytes[-tenth:]
    fetched = sum(known)
    again = run(folder / "again")
    allowed = (asked.queries - 1) / asked.rate + asked.latency
    return {
        "queries": asked.queries,
        "pictures": fetched,
        "seconds": round(seconds, 2),
        "allowed_by_the_limit": round(allowed, 2),
        "ratio": round(seconds / allowed, 3),
        "cpu_seconds": round(cpu, 2),
        "seconds_from_cache": round(again, 2),
        "megabytes_early": round(float(np.mean(early or [0])), 1),
        "megabytes_late": round(float(np.mean(late or [0])), 1),
        "megabytes_most": round(max(memory.megabytes), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--pictures", type=int, default=0, help="results of each query, which are fetched")
    asked = parser.parse_args()
    here, there = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=serve, args=(there, asked.latency, asked.rate, asked.pictures), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}"
    with tempfile.TemporaryDirectory() as folder:
        report = measure(url, asked, Path(folder))
    here.send("done")
    print(json.dumps(report | here.recv(), indent=1))


if __name__ == "__main__":
    main()
