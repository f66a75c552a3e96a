"""How quickly the browser app is there, and how quickly layers follow a flip of an arrow on the demo photo.

    python benchmarks/bench_app.py [--repeats 5] [--threads 2]

Start: from the command to the answer of the page, its scripts and the list of photos. Flip: from the request that turns
an arrow round to the state with the new layers; their pictures are fetched, too, as the page does.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

import httpx


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    starts, flips = [], []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.repeats):
            server, client, seconds = started(folder)
            try:
                starts.append(seconds)
                if number == options.repeats - 1:
                    flips = flipped(client, options.repeats)
            finally:
                server.kill()
                server.wait()
    report("start to usable page", starts)
    report("flip to new layers", flips)


def started(folder: str) -> tuple[subprocess.Popen[str], httpx.Client, float]:
    """Start the app; return it, a client and the seconds until the page could be used."""
    before = time.perf_counter()
    command = [sys.executable, "-m", "deocclude", "app", "--no-browser", "--workspace", folder]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    base, _, token = server.stdout.readline().strip().partition("?token=")
    client = httpx.Client(base_url=base, headers={"X-Deocclude-Token": token}, timeout=600)
    for address in ("/", "/static/app.css", "/static/js/main.js", "/api/app", "/api/photos"):
        client.get(address).raise_for_status()
    return server, client, time.perf_counter() - before


def flipped(client: httpx.Client, repeats: int) -> list[float]:
    """Turn the arrow between cup and spoon round, again and again; return the seconds of each."""
    photo = f"/api/photos/{client.post('/api/demos/coffee').json()['id']}"
    computed(client, photo)
    seconds, revision = [], 0
    for number in range(repeats):
        first, second = (1, 2) if number % 2 else (2, 1)
        time.sleep(3)  # until the results of the last one are saved
        before = time.perf_counter()
        body = {"first": first, "second": second, "relation": "front", "revision": revision}
        revision = client.put(f"{photo}/order", json=body).raise_for_status().json()["revision"]
        state = computed(client, photo)
        for layer in state["layers"]:
            client.get(layer["picture_url"]).raise_for_status()
        seconds.append(time.perf_counter() - before)
        above = [layer["id"] for layer in state["layers"]]
        assert above.index(first) > above.index(second)
    return seconds


def computed(client: httpx.Client, photo: str) -> dict:
    """Compute what has changed; return the state."""
    job = client.post(f"{photo}/compute", json={}).json()
    while job["status"] in ("queued", "running"):
        time.sleep(0.03)
        job = client.get(f"/api/jobs/{job['id']}").json()
    assert job["status"] == "done", job
    return client.get(photo).json()


def report(name: str, seconds: list[float]) -> None:
    print(f"{name:<22} median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s, {len(seconds)} times")


if __name__ == "__main__":
    main()
