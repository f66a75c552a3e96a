"""A small pack of random whole shapes, and two that touch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deocclude.masks import Mask
from deocclude.scene import Instance, Scene
from deocclude.training.packing import Pack, PackSettings, open_pack, write_pack
from deocclude.training.shapes import shape_scenes


def touching_scene(name: str) -> Scene:
    """A square that lies in front of a larger one, which has a notch where the first covers it."""
    front, behind = np.zeros((200, 300), bool), np.zeros((200, 300), bool)
    front[80:140, 60:120] = True
    behind[60:160, 100:200] = True
    behind &= ~front
    instances = (Instance(1, Mask.from_array(front)), Instance(2, Mask.from_array(behind)))
    return Scene(Mask.from_array(front).size, instances, image_file=name)


@pytest.fixture(scope="session")
def pack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "pack"
    scenes = [*shape_scenes(60), *(touching_scene(f"touching-{k}") for k in range(20))]
    write_pack(scenes, folder, PackSettings(crop_size=64))
    return folder


@pytest.fixture(scope="session")
def pack(pack_folder: Path) -> Pack:
    return open_pack(pack_folder)
