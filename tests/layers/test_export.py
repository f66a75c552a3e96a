"""Layers to PNG, OpenRaster and Photoshop files and back."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_scenes import parts
from PIL import Image, ImageCms

from deocclude.errors import InputError, MissingExtraError, OutputError
from deocclude.geometry import EMPTY_BOX, Box, Size
from deocclude.images import png_bytes
from deocclude.layers import EXPORTERS, openraster
from deocclude.layers.blend import over
from deocclude.layers.build import build_layers
from deocclude.layers.compose import compose
from deocclude.layers.export import export_png, read_layers
from deocclude.layers.naming import file_stem, plain_text
from deocclude.layers.openraster import write_openraster
from deocclude.layers.psd import write_psd
from deocclude.layers.stack import Layer, LayerStack

NAMES = ["a/b\\c", "..", ".hidden", "", "CON", "猫 🐱", 'x<&>"', "\x00\x1f", "\ud800", "é" * 300, "same", "same"]


def odd_names():
    """One small layer a name, and one without pixels."""
    rng = np.random.default_rng(2)
    size = Size(20, 30)
    layers = []
    for z, name in enumerate(NAMES):
        rgba = rng.integers(0, 256, (3, 4, 4), dtype=np.uint8)
        box = Box(z, z, z + 4, z + 3)
        labels = rng.integers(0, 256, (3, 4), dtype=np.uint8)
        layers.append(Layer(z + 10, name, z, box, rgba, labels, labels[::-1].copy()))
    none = np.zeros((0, 0), np.uint8)
    layers.append(Layer(99, "nothing", len(NAMES), EMPTY_BOX, np.zeros((0, 0, 4), np.uint8), none, none))
    ground = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    return LayerStack(size, ground, tuple(layers), "soft", {10: 3}, {0: 5})


def assert_equal(one, other):
    assert (one.size, one.edges, one.clipped, one.patched) == (other.size, other.edges, other.clipped, other.patched)
    assert np.array_equal(one.background, other.background)
    for a, b in zip(one.layers, other.layers, strict=True):
        assert (a.instance_id, a.name, a.z, a.box) == (b.instance_id, b.name, b.z, b.box)
        for kind in ("rgba", "provenance", "confidence"):
            assert np.array_equal(getattr(a, kind), getattr(b, kind))


@settings(deadline=None, max_examples=30)
@given(parts, st.sampled_from(["hard", "soft"]), st.booleans())
def test_png_round_trip(case, edges, full_frame):
    stack = build_layers(*case.arguments(), edges=edges)
    with tempfile.TemporaryDirectory() as folder:
        export_png(stack, Path(folder) / "layers", full_frame=full_frame)
        assert_equal(read_layers(Path(folder) / "layers"), stack)


def test_png_folder_names_and_index(tmp_path):
    stack = odd_names()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    export_png(stack, tmp_path / "layers", icc_profile=profile)
    assert_equal(read_layers(tmp_path / "layers"), stack)
    names = sorted(path.name for path in (tmp_path / "layers").iterdir())
    assert names[:3] == ["00_a_b_c.confidence.png", "00_a_b_c.png", "00_a_b_c.provenance.png"]
    assert {"01_object.png", "02_hidden.png", "03_object.png", "04_CON.png", "05_猫.png", "layers.json"} <= set(names)
    data = json.loads((tmp_path / "layers" / "layers.json").read_text())
    assert data["layers"][2] | {"file": 0} == {
        "id": 12, "name": ".hidden", "z": 2, "box": [2, 2, 6, 5], "offset": [2, 2], "file": 0,
        "provenance": "02_hidden.provenance.png", "confidence": "02_hidden.confidence.png",
    }  # fmt: skip
    assert data["layers"][-1]["file"] is None
    for name in ("background.png", "00_a_b_c.png"):
        assert Image.open(tmp_path / "layers" / name).info["icc_profile"] == profile


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=200), st.integers(0, 120))
def test_file_stems_are_safe_everywhere(name, z):
    stem = file_stem(z, 121, name)
    assert stem.startswith(f"{z:03d}_")
    assert len(stem.encode()) <= 84
    assert all(char.isalnum() or char in "_-" for char in stem)
    assert stem == unicodedata.normalize("NFC", stem)
    ET.fromstring(f"<a>{plain_text(name).translate({38: None, 60: None})}</a>")


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda folder: (folder / "layers.json").unlink(), "expected a folder of layers with layers.json"),
        (lambda folder: (folder / "layers.json").write_text("{"), "expected JSON"),
        (lambda folder: (folder / "layers.json").write_text("[]"), "version: expected version 1"),
        (lambda folder: (folder / "layers.json").write_text('{"version": 1}'), "a damaged one .KeyError"),
        (lambda folder: (folder / "background.png").unlink(), "background.png: expected a layer picture"),
        (lambda folder: (folder / "02_hidden.png").write_bytes(b"?"), "02_hidden.png: expected a layer picture"),
        (
            lambda folder: Image.new("L", (4, 3)).save(folder / "02_hidden.png"),
            "8-bit RGBA picture of 4x3, found L 4x3",
        ),
        (lambda folder: Image.new("RGBA", (4, 1)).save(folder / "02_hidden.png"), "found RGBA 4x1"),
        (lambda folder: _edit(folder, "file", "../../x.png"), "is no file name"),
        (lambda folder: _edit(folder, "box", "wide"), r"layers\[0\].box: expected a list"),
        (lambda folder: _edit(folder, "box", [-1, 0, 4, 4]), r"layers\[0\].box: expected .* inside the photo"),
        (lambda folder: _edit(folder, "box", [2, 2, -1, 4]), r"layers\[0\].box: expected .* inside the photo"),
        (
            lambda folder: (folder / "layers.json").write_text('{"version": 1, "height": 9, "width": Infinity}'),
            "a damaged one .OverflowError",
        ),
        (lambda folder: _edit(folder, "offset", [99, 0]), r"layers\[0\].offset: expected .* not behind the box"),
        (lambda folder: _edit(folder, "id", "one"), r"layers\[0\].id: expected a whole number"),
    ],
)
def test_damaged_folders_are_named(damage, text, tmp_path):
    export_png(odd_names(), tmp_path / "layers")
    damage(tmp_path / "layers")
    with pytest.raises(InputError, match=text):
        read_layers(tmp_path / "layers")


def _edit(folder, key, value):
    data = json.loads((folder / "layers.json").read_text())
    data["layers"][0][key] = value
    (folder / "layers.json").write_text(json.dumps(data))


def _recomposed(archive, root):
    """Recompose an OpenRaster file from nothing but its parts."""
    image = np.zeros((int(root.get("h")), int(root.get("w")), 3), np.uint8)
    for element in reversed(root.findall("stack/layer")):
        if element.get("visibility") == "hidden":
            continue
        pixels = np.array(Image.open(io.BytesIO(archive.read(element.get("src")))).convert("RGBA"))
        x, y = int(element.get("x")), int(element.get("y"))
        window = image[y : y + pixels.shape[0], x : x + pixels.shape[1]]
        window[...] = over(pixels, window)
    return image


@settings(deadline=None, max_examples=30)
@given(parts, st.sampled_from(["hard", "soft"]))
def test_openraster_recomposes_to_its_merged_picture(case, edges):
    stack = build_layers(*case.arguments(), edges=edges)
    hidden = stack.ids[:1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.ora"
        write_openraster(stack, path, hidden=hidden)
        with zipfile.ZipFile(path) as archive:
            merged = np.array(Image.open(io.BytesIO(archive.read("mergedimage.png"))))
            assert np.array_equal(merged, _recomposed(archive, ET.fromstring(archive.read("stack.xml"))))
    assert np.array_equal(merged, compose(stack, hide=hidden))


def test_openraster_layout(tmp_path):
    stack = odd_names()
    wide = LayerStack(Size(10, 600), np.zeros((10, 600, 3), np.uint8), stack.layers[:3], "hard", {})
    write_openraster(wide, tmp_path / "wide.ora", icc_profile=b"profile" * 30)
    write_openraster(stack, tmp_path / "scene.ora")
    with zipfile.ZipFile(tmp_path / "wide.ora") as archive:
        assert Image.open(io.BytesIO(archive.read("Thumbnails/thumbnail.png"))).size == (256, 4)
        assert Image.open(io.BytesIO(archive.read("mergedimage.png"))).info["icc_profile"] == b"profile" * 30
    raw = (tmp_path / "scene.ora").read_bytes()
    assert raw[30:54] == b"mimetypeimage/openraster"
    with zipfile.ZipFile(tmp_path / "scene.ora") as archive:
        assert archive.testzip() is None
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        root = ET.fromstring(archive.read("stack.xml"))
        entries = root.findall("stack/layer")
        assert set(archive.namelist()) >= {element.get("src") for element in entries}
    assert root.attrib == {"version": "0.0.5", "w": "30", "h": "20", "xres": "72", "yres": "72"}
    assert [element.get("name") for element in entries][::-1] == ["background", *map(plain_text, NAMES), "nothing"]
    assert {element.get("composite-op") for element in entries} == {"svg:src-over"}


def test_psd_reopens_with_layers_places_and_pixels(tmp_path):
    psd_tools = pytest.importorskip("psd_tools")
    stack = odd_names()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_psd(stack, tmp_path / "scene.psd", icc_profile=profile, hidden=[12])
    document = psd_tools.PSDImage.open(tmp_path / "scene.psd")
    ground, *layers = list(document)
    assert np.array_equal(np.array(ground.topil(apply_icc=False))[..., :3], stack.background)
    assert document.size == (30, 20)
    assert [layer.name for layer in layers] == [plain_text(layer.name)[:120] for layer in stack.layers]
    assert [layer.visible for layer in layers] == [layer.instance_id != 12 for layer in stack.layers]
    for made, layer in zip(layers[:-1], stack.layers, strict=False):
        assert made.offset == layer.box[:2]
        assert np.array_equal(np.array(made.topil(apply_icc=False)), layer.rgba)
        assert not made.has_mask()
    merged = np.array(document.topil(apply_icc=False))[..., :3]
    assert np.array_equal(merged, compose(stack, hide=[12]))
    assert document.image_resources.get_data(1039) == profile


def test_psd_limits(tmp_path, monkeypatch):
    stack = LayerStack(Size(1, 30_001), np.zeros((1, 30_001, 3), np.uint8), (), "hard", {})
    with pytest.raises(InputError, match="at most 30000 pixels"):
        write_psd(stack, tmp_path / "a.psd")
    monkeypatch.setitem(sys.modules, "psd_tools", None)
    with pytest.raises(MissingExtraError, match=r"deocclude\[psd\]"):
        write_psd(odd_names(), tmp_path / "a.psd")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(EXPORTERS))
def test_what_was_there_stays_when_writing_fails(name, tmp_path):
    if name == "psd":
        pytest.importorskip("psd_tools")
    target = tmp_path / "file" / "scene"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        EXPORTERS[name](odd_names(), target)
    assert (tmp_path / "file").read_text() == "in the way"


def test_importing_the_stage_loads_nothing_heavy():
    code = (
        "import sys, deocclude.layers; "
        "print([name for name in ('cv2', 'torch', 'scipy', 'skimage', 'psd_tools') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_pictures_exported_already_are_not_encoded_again(tmp_path, monkeypatch):
    stack = odd_names()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    export_png(stack, tmp_path / "layers", icc_profile=profile)
    write_openraster(stack, tmp_path / "first.ora", icc_profile=profile)
    encoded = []
    monkeypatch.setattr(openraster, "png_bytes", lambda pixels, icc: encoded.append(pixels) or png_bytes(pixels, icc))
    write_openraster(stack, tmp_path / "second.ora", icc_profile=profile, exported=tmp_path / "layers")
    assert (tmp_path / "second.ora").read_bytes() == (tmp_path / "first.ora").read_bytes()
    bare = sum(layer.box.empty for layer in stack.layers)
    assert len(encoded) == 2 + bare, "the merged picture, the thumbnail and those of layers without pixels"
