"""deocclude segment and the options of deocclude app."""

import json

import numpy as np
import pytest
from PIL import Image

from deocclude.cli.main import main
from deocclude.formats import read_scene


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(90, 130, (90, 120, 3)).astype(np.uint8)
    pixels[20:60, 20:60], pixels[30:80, 80:110] = (200, 50, 40), (40, 160, 60)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_each_name_becomes_a_mask_that_run_reads(photo, tmp_path, capsys):
    output = tmp_path / "masks.json"
    boxes = ["--box", "red=15,15,66,66", "--box", "green=75,25,115,86", "--background", "red=17,17 17,60"]
    assert main(["segment", str(photo), *boxes, "-o", str(output), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["name"] for item in told["objects"]] == ["red", "green"]
    scene = read_scene(output, photo_name="photo.png")
    assert [item.name or item.category for item in scene.instances] == ["red", "green"]
    assert scene.modal[0].area == pytest.approx(1600, rel=0.05)
    assert scene.modal[1].area == pytest.approx(1500, rel=0.05)
    assert main(["segment", str(photo), *boxes, "-o", str(output)]) == 2  # it is there
    options = ["--order-method", "convex", "--amodal-method", "raw", "--fill", "mean", "-o", str(tmp_path / "out")]
    assert main(["run", str(photo), "--masks", str(output), *options]) == 0


@pytest.mark.parametrize(
    ("form", "name"), [("sam", "masks.json"), ("label-png", "masks.png"), ("mask-folder", "masks")]
)
def test_what_no_output_names_is_called_as_its_format_wants(photo, tmp_path, monkeypatch, form, name):
    monkeypatch.chdir(tmp_path)
    assert main(["segment", str(photo), "--box", "red=15,15,66,66", "--to", form]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "photo.png"])
    assert len(read_scene(tmp_path / name, photo_name="photo.png")) == 1


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ([], "a box, a scribble or a click"),
        (["--box", "red"], 'such as "cup=160,92,400,290"'),
        (["--box", "=1,2,3,4"], "a name and numbers"),
        (["--box", "red=1,2,3"], "a name and numbers"),
        (["--box", "red=1,2,3,nan"], "a name and numbers"),
        (["--box", "red=500,500,600,600"], "a box inside the photo"),
        (["--foreground", "red=1 2"], 'such as "cup=200,150 260,180"'),
        (["--click", "red=1,2"], "--model"),
        (["--click-beside", "red=1,2"], "a click on the object"),
        (["--box", "red=15,15,66,66", "--to", "cocow"], "did you mean"),
        (["--box", "red=15,15,66,66", "--model", "none.onnx", "none.onnx"], "no such file"),
    ],
)
def test_a_senseless_prompt_is_refused(photo, tmp_path, capsys, options, text):
    output = tmp_path / "masks.json"
    assert main(["segment", str(photo), *options, "-o", str(output)]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert text in error and "Traceback" not in error
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nothing.png"], "a photo, a project folder or a folder of photos"),
        (["."], "a folder without"),
        (["--port", "99999"], "--port"),
    ],
)
def test_the_app_refuses_what_it_cannot_open(tmp_path, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(tmp_path)
    assert main(["app", "--no-browser", *arguments]) == 2
    assert text in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())
