"""The demo: photos found without a download, masks disjoint, tight and named."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import deocclude.demo as demo_module
from deocclude.demo import Demo, demo_names, load_demo
from deocclude.errors import InputError
from deocclude.images import read_photo
from deocclude.masks import dilate, union

OBJECTS = {
    "coffee": ["cup", "spoon", "saucer"],
    "motorcycle": [
        "motorcycle", "bench", "shelf", "red tub", "tall carton", "middle carton", "left carton", "top carton",
        "white bin", "door",
    ],
}  # fmt: skip


@pytest.fixture(params=sorted(OBJECTS))
def demo(request) -> Demo:
    return load_demo(request.param)


def by_name(demo: Demo, name: str):
    return next(item for item in demo.scene.instances if item.name == name)


def test_names():
    assert demo_names() == tuple(sorted(OBJECTS))


def test_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(InputError, match=r"coffee, motorcycle.*did you mean 'coffee'"):
        load_demo("cofee")


def test_photos_exist_and_have_the_size_of_the_masks(demo):
    photo = read_photo(demo.photo_path)
    assert photo.size == demo.scene.size
    assert demo.photo_path.name == demo.scene.image_file
    for reference in demo.references:
        with Image.open(reference) as image:
            assert image.size == (demo.scene.size.width, demo.scene.size.height)


def test_only_the_stereo_pair_has_a_reference():
    assert load_demo("coffee").references == ()
    assert [path.name for path in load_demo("motorcycle").references] == ["motorcycle_right.png"]


def test_objects_front_to_back(demo):
    assert [item.name for item in demo.scene.instances] == OBJECTS[demo.name]
    assert demo.scene.ids == tuple(range(1, len(demo.scene) + 1))


def test_masks_are_disjoint_and_not_empty(demo):
    claims = sum(mask.to_array().astype(int) for mask in demo.scene.modal)
    assert claims.max() == 1
    assert min(mask.area for mask in demo.scene.modal) > 500


def test_no_specks(demo):
    """A stray pixel in a mask, or a pinhole, is a slip of the pen."""
    from scipy import ndimage

    for mask in demo.scene.modal:
        for pixels in (mask.to_array(), ~mask.to_array()):
            labels, _ = ndimage.label(pixels, np.ones((3, 3)))
            assert np.bincount(labels.ravel())[1:].min() > 2


@pytest.mark.parametrize(("name", "low", "high"), [("coffee", 0.45, 0.50), ("motorcycle", 0.44, 0.50)])
def test_share_of_the_photo_that_is_covered(name, low, high):
    scene = load_demo(name).scene
    covered = sum(mask.area for mask in scene.modal) / (scene.size.height * scene.size.width)
    assert low < covered < high


def test_amodal_masks_hold_the_visible_ones():
    scene = load_demo("coffee").scene
    assert scene[1].amodal is None
    for item in scene.instances[1:]:
        assert item.amodal is not None
        assert not item.modal - item.amodal
        assert not (item.amodal - item.modal) - union(scene.modal, scene.size)  # hidden only by what is in front
    assert all(item.amodal is None for item in load_demo("motorcycle").scene.instances)


def test_masks_touch_without_a_gap():
    """Two pixels round the cup, nearly everything inside the saucer belongs to some object."""
    scene = load_demo("coffee").scene
    around = (dilate(scene[1].modal, 2) - scene[1].modal) & scene[3].amodal
    assert around.area > 1000
    assert not around - union(scene.modal, scene.size)


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ((225, 135), "door"),
        ((65, 150), "bench"),
        ((640, 105), "shelf"),
        ((470, 240), "middle carton"),
        ((555, 225), "motorcycle"),
        ((570, 215), "red tub"),
    ],
)
def test_known_pixels(point, name):
    demo = load_demo("motorcycle")
    x, y = point
    assert [item.name for item in demo.scene.instances if item.modal.to_array()[y, x]] == [name]


def test_holes_show_what_lies_behind():
    """Through the grab rail one sees a slat of the bench; through the wheels the floor."""
    demo = load_demo("motorcycle")
    owner = np.zeros(demo.scene.size, int)
    for item in demo.scene.instances:
        owner += item.id * item.modal.to_array()
    assert owner[157, 156] == by_name(demo, "bench").id
    assert owner[310, 165] == 0
    assert owner[350, 625] == 0


def test_disparity_tells_the_motorcycle_from_what_is_behind_it():
    """The depth that was measured with the stereo pair agrees with the masks drawn by eye."""
    demo = load_demo("motorcycle")
    with np.load(demo.photo_path.with_name("motorcycle_disp.npz")) as archive:
        disparity = archive["arr_0"]
    valid = np.isfinite(disparity) & (disparity > 0)
    front = by_name(demo, "motorcycle").modal.to_array() & valid
    behind = union((item.modal for item in demo.scene.instances[1:]), demo.scene.size).to_array() & valid
    assert np.mean(disparity[front] > 29) > 0.985
    assert np.mean(disparity[behind] < 29) > 0.98


def test_files_are_labelme_with_polygons_inside_the_photo(demo):
    document = json.loads((demo.scene.source).read_text(encoding="utf-8"))
    assert {"version", "imagePath", "imageHeight", "imageWidth", "shapes"} <= document.keys()
    assert document["deocclude"]["overlap"] == "first shape wins"
    for shape in document["shapes"]:
        points = np.array(shape["points"])
        assert shape["shape_type"] == "polygon"
        assert points.shape[0] >= 3
        assert points.min() >= 0
        assert (points <= (document["imageWidth"], document["imageHeight"])).all()


def test_text_for_the_user(demo):
    assert demo.title
    assert ("CC0" if demo.name == "coffee" else "Middlebury") in demo.credit


def test_scikit_image_without_photos_is_an_input_error(monkeypatch):
    monkeypatch.setattr(demo_module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"coffee\.png inside the installed scikit-image"):
        load_demo("coffee")


def test_loading_imports_neither_torch_nor_skimage():
    code = "import sys, deocclude.demo as d; d.load_demo('coffee'); print({'torch','skimage','cv2'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
