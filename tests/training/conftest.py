"""Small packs: random whole shapes, and two that touch; photos of coloured discs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from deocclude.masks import Mask
from deocclude.scene import Instance, Scene
from deocclude.training.packing import Pack, PackSettings, open_pack, write_pack
from deocclude.training.photo_packing import PhotoPackSettings, write_photo_pack
from deocclude.training.shapes import shape_scenes

sys.path.insert(0, str(Path(__file__).parent))


def touching_scene(name: str) -> Scene:
    """A square that lies in front of a larger one, which has a notch where the first covers it."""
    front, behind = np.zeros((200, 300), bool), np.zeros((200, 300), bool)
    front[80:140, 60:120] = True
    behind[60:160, 100:200] = True
    behind &= ~front
    instances = (Instance(1, Mask.from_array(front)), Instance(2, Mask.from_array(behind)))
    return Scene(Mask.from_array(front).size, instances, image_file=name)


@pytest.fixture
def notched() -> Scene:
    """The scene of :func:`touching_scene`."""
    return touching_scene("notched")


@pytest.fixture(scope="session")
def pack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "pack"
    scenes = [*shape_scenes(60), *(touching_scene(f"touching-{k}") for k in range(20))]
    write_pack(scenes, folder, PackSettings(crop_size=64))
    return folder


@pytest.fixture(scope="session")
def pack(pack_folder: Path) -> Pack:
    return open_pack(pack_folder)


RED, GREEN, BLUE = (200, 30, 30), (30, 180, 30), (30, 30, 160)


def disc_photo(number: int) -> tuple[np.ndarray, Scene]:
    """A blue photo 240x160 with a red and a green disc, and their masks."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[:160, :240]
    photo = np.full((160, 240, 3), BLUE, np.uint8)
    masks = []
    for left, colour in ((60, RED), (175, GREEN)):
        radius, centre = rng.integers(30, 45), (left + rng.integers(-8, 8), 80 + rng.integers(-20, 20))
        mask = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
        photo[mask] = colour
        masks.append(mask)
    instances = tuple(Instance(k + 1, Mask.from_array(mask)) for k, mask in enumerate(masks))
    return photo, Scene(instances[0].modal.size, instances, image_file=f"disc-{number}.png")


@pytest.fixture(scope="session")
def disc_photos() -> list[tuple[np.ndarray, Scene]]:
    return [disc_photo(number) for number in range(40)]


@pytest.fixture(scope="session")
def photo_pack_folder(tmp_path_factory: pytest.TempPathFactory, disc_photos: list[tuple[np.ndarray, Scene]]) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "photos"
    by_name = {scene.image_file: photo for photo, scene in disc_photos}
    settings = PhotoPackSettings(side=80, quality=95, min_side=16, min_area=100)
    write_photo_pack([scene for _, scene in disc_photos], folder, lambda scene: by_name[scene.image_file], settings)
    return folder
