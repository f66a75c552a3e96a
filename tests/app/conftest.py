"""Fixtures of the app's tests."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("fastapi", reason="needs the extra 'app'")
sys.path.insert(0, str(Path(__file__).parent))

from app_service import FAST, SIZE, client_of, compute, square, upload

from deocclude.app.workspace import Workspace
from deocclude.formats import write_scene
from deocclude.scene import scene_from_arrays


@pytest.fixture(scope="session")
def drawn(tmp_path_factory):
    """A photo (a red square before a green one, on noise) and its masks file."""
    folder = tmp_path_factory.mktemp("drawn")
    pixels = np.random.default_rng(0).integers(90, 130, (*SIZE, 3)).astype(np.uint8)
    behind, front = square(10, 10, 50, 40), square(30, 25, 70, 55)
    behind &= ~front
    pixels[behind], pixels[front] = (30, 160, 60), (200, 40, 40)
    Image.fromarray(pixels).save(folder / "photo.png")
    write_scene(scene_from_arrays(np.stack([front, behind]), ("red", "green")), folder / "masks.json", "sam")
    return folder


@pytest.fixture
def client(tmp_path):
    """A client of an app without a worker: for all that is not computed."""
    return client_of(Workspace(tmp_path / "work"))


@pytest.fixture(scope="module")
def computing(tmp_path_factory):
    """A client of an app with a worker."""
    with client_of(Workspace(tmp_path_factory.mktemp("computing") / "work")) as client:
        yield client


@pytest.fixture
def photo(client, drawn):
    """The address of the drawn photo."""
    return upload(client, drawn)


@pytest.fixture
def computed(computing, drawn):
    """The address of a photo that was taken apart."""
    address = upload(computing, drawn)
    computing.put(f"{address}/settings", json={"revision": 0, "settings": FAST})
    compute(computing, address)
    return address
