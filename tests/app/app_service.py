"""A small photo with two objects, and an app around it: what the tests of the app share."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient

from deocclude.app.factory import create_app
from deocclude.app.workspace import Workspace

TOKEN = "a-token"
FAST = {"order": "convex", "amodal": "convexR", "fill": "telea"}
SIZE = (60, 80)


def square(x0, y0, x1, y1, size=SIZE):
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def client_of(workspace: Workspace, **more) -> TestClient:
    headers = {"X-Deocclude-Token": TOKEN}
    return TestClient(create_app(workspace, TOKEN, **more), base_url="http://127.0.0.1:8000", headers=headers)


def upload(client: TestClient, drawn: Path, *, masks: bool = True) -> str:
    """Add the drawn photo; return the address of its part of the API."""
    files = {"file": ("photo.png", (drawn / "photo.png").read_bytes(), "image/png")}
    if masks:
        files["masks"] = ("masks.json", (drawn / "masks.json").read_bytes(), "application/json")
    answer = client.post("/api/photos", files=files)
    assert answer.status_code == 201, answer.text
    return f"/api/photos/{answer.json()['id']}"


def finish(client: TestClient, job: dict, seconds: float = 90) -> dict:
    """Wait for a job."""
    end = time.monotonic() + seconds
    while job["status"] in ("queued", "running") and time.monotonic() < end:
        time.sleep(0.02)
        job = client.get(f"/api/jobs/{job['id']}").json()
    return job


def compute(client: TestClient, photo: str, until: str = "layers") -> dict:
    """Compute, and return the state."""
    job = finish(client, client.post(f"{photo}/compute", json={"until": until}).json())
    assert job["status"] == "done", job
    return client.get(photo).json()
