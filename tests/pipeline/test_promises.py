"""The promises of the README, from file to file."""

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data as photos

from deocclude.cli.main import main
from deocclude.content.patch import BACKGROUND, Provenance
from deocclude.formats import write_scene
from deocclude.images import read_photo
from deocclude.layers.compose import compose
from deocclude.masks import Mask
from deocclude.pipeline import open_project, run
from deocclude.plan import Settings
from deocclude.scene import Instance, Scene


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("edges", ["hard", "soft"])
def test_nothing_visible_changes_on_real_photos(data_folder, number, edges):
    folder = data_folder / "cocoa_demo5"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    project = run(open_project(folder / f"{number}.jpg", folder / f"{number}.json"), Settings(fill="mean", edges=edges))
    assert np.array_equal(compose(project.layers), project.photo.pixels)


def two_discs(height, width):
    y, x = np.mgrid[:height, :width]
    first = (x - width * 0.4) ** 2 + (y - height * 0.5) ** 2 < (height * 0.3) ** 2
    second = (x - width * 0.6) ** 2 + (y - height * 0.6) ** 2 < (height * 0.25) ** 2
    size = Mask.from_array(first).size
    return Scene(size, (Instance(1, Mask.from_array(first & ~second)), Instance(2, Mask.from_array(second))))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_size_profile_and_orientation_survive(tmp_path, orientation):
    stored = Image.fromarray(photos.coffee()[:200:2, :300:2])
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "Maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stored.save(tmp_path / "photo.png", exif=exif, icc_profile=profile)
    upright = read_photo(tmp_path / "photo.png").pixels
    write_scene(two_discs(*upright.shape[:2]), tmp_path / "masks.json", "coco")
    assert main(["run", str(tmp_path / "photo.png"), "--masks", str(tmp_path / "masks.json"), "--fill", "mean",
                 "-o", str(tmp_path / "out")]) == 0  # fmt: skip
    assert main(["recompose", str(tmp_path / "out"), "-o", str(tmp_path / "again.png")]) == 0
    with Image.open(tmp_path / "again.png") as again:
        assert np.array_equal(np.asarray(again), np.asarray(stored))
        assert again.info["icc_profile"] == profile
        assert again.getexif()[0x0112] == orientation
        assert again.getexif()[0x010F] == "Maker"


def test_every_hidden_pixel_says_where_it_came_from(tmp_path):
    scene = two_discs(100, 150)
    Image.fromarray(photos.coffee()[:200:2, :300:2]).save(tmp_path / "photo.png")
    project = run(open_project(tmp_path / "photo.png", scene))
    for key, fill in project.fills.items():
        assert (fill.provenance[fill.hole] > Provenance.VISIBLE).all(), key
        assert (fill.provenance[~fill.hole] == Provenance.NOTHING).all(), key
    assert project.fills[BACKGROUND].hole.sum() == sum(item.modal.area for item in project.scene.instances)
    for layer in project.layers.layers:
        assert (layer.provenance[layer.rgba[..., 3] > 0] != Provenance.NOTHING).all()


def test_a_fallback_is_named_in_the_record(tmp_path):
    """An object of one visible pixel has no texture to copy: something else paints it, and the record says so."""
    hidden = np.zeros((60, 80), bool)
    hidden[30, 40] = True
    front = np.zeros((60, 80), bool)
    front[20:50, 20:60] = True
    scene = Scene(
        Mask.from_array(front).size,
        (Instance(1, Mask.from_array(hidden)), Instance(2, Mask.from_array(front & ~hidden))),
    )
    Image.fromarray(photos.coffee()[:60, :80]).save(tmp_path / "photo.png")
    project = open_project(tmp_path / "photo.png", scene)
    whole = Mask.from_crop(np.ones((20, 20)), (35, 25), scene.size)
    from dataclasses import replace

    from deocclude.ordering.graph import Override

    corrections = project.corrections.with_order(Override(2, 1)).with_amodal(1, whole)
    done = run(replace(project, corrections=corrections), Settings(fill="exemplar"))
    assert done.fills[1].fallback_reason
    assert done.fills[1].fallback_reason in done.records["content"].fallback_reason
