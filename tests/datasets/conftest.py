"""Plain folders of pictures in several layouts, small."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image

NAMES = ("coffee", "astronaut", "chelsea", "rocket", "immunohistochemistry", "retina")


def small(name: str, width: int = 160) -> np.ndarray:
    pixels = getattr(skimage.data, name)()[..., :3]
    height = round(pixels.shape[0] * width / pixels.shape[1])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def turned(pixels: np.ndarray, angle: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1 + abs(angle) / 60)
    return cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)


@pytest.fixture(scope="session")
def views_folder(tmp_path_factory) -> Path:
    """Six things, four views of each, in UKBench order."""
    folder = tmp_path_factory.mktemp("data") / "views"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        for view in range(4):
            Image.fromarray(turned(small(name), 6 * view)).save(folder / f"image{4 * number + view:05d}.png")
    return folder


@pytest.fixture(scope="session")
def masks_folder(tmp_path_factory) -> Path:
    """Photos of one or two coloured things each, with a COCO file."""
    folder = tmp_path_factory.mktemp("data") / "things"
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(12):
        picture = cv2.resize(small(NAMES[number % 4]), (180, 150))
        boxes = [(15, 30, 70, 80), (110, 40, 55, 60)][: 1 + number % 2]
        for k, (x, y, width, height) in enumerate(boxes):
            corners = [x, y, x + width, y + 5, x + width - 8, y + height, x + 4, y + height - 6]
            points = np.array(corners, np.int32).reshape(-1, 2)
            colour = np.random.default_rng(2 * number + k).integers(0, 256, 3).tolist()
            cv2.fillPoly(picture, [points], colour)
            about = {"id": len(annotations) + 1, "image_id": number + 1, "category_id": 1 + k, "iscrowd": 0}
            shape = {"segmentation": [corners], "bbox": [x, y, width, height], "area": width * height}
            annotations.append(about | shape)
        name = f"{number:012d}.png"
        Image.fromarray(picture).save(folder / "images" / name)
        images.append({"id": number + 1, "file_name": name, "width": 180, "height": 150, "license": 4,
                       "flickr_url": f"http://example.org/{number}"})  # fmt: skip
    annotations.append({"id": 99, "image_id": 1, "category_id": 1, "iscrowd": 0, "bbox": [150, 10, 12, 12], "area": 144,
                        "segmentation": [[150, 10, 162, 10, 162, 22, 150, 22]]})  # fmt: skip
    content = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "box"}, {"id": 2, "name": "tile"}],
        "licenses": [{"id": 4, "name": "CC BY"}],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="session")
def photos_folder(tmp_path_factory) -> Path:
    """Two photos each of three things."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    for name in NAMES[:3]:
        (folder / name).mkdir(parents=True)
        for view in range(2):
            Image.fromarray(turned(small(name, 120), 9 * view)).save(folder / name / f"{view}.png")
    return folder
