"""The index commands: build, add, remove, info, query, vocabulary."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import skimage.data
from PIL import Image


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for name in ("coffee", "rocket", "chelsea"):
        image = Image.fromarray(getattr(skimage.data, name)())
        image.thumbnail((240, 240))
        image.save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="module")
def words(pictures, tmp_path_factory) -> Path:
    from deocclude.cli.main import main

    file = tmp_path_factory.mktemp("words") / "small.npz"
    assert main(["index", "vocabulary", str(pictures), "-o", str(file), "--words", "300", "--processes", "1"]) == 0
    return file


@pytest.fixture
def folder(pictures, tmp_path) -> Path:
    return Path(shutil.copytree(pictures, tmp_path / "my pictures"))


def test_the_life_of_an_index(call, folder, words):
    answer = call("index", "build", folder, "--vocabulary", words, "--processes", 1)
    assert answer.code == 0, answer.err
    assert "3 pictures: 3 added" in answer.out
    (folder / "coffee.png").rename(folder / "cup.png")
    shutil.copy(folder / "cup.png", folder / "twice.png")
    (folder / "broken.jpg").write_text("no picture")
    report = json.loads(call("index", "build", folder, "--processes", 1, "--json").out)
    assert (report["added"], report["unchanged"], len(report["moved"])) == (0, 2, 1)
    assert [Path(one["path"]).name for one in report["duplicates"]] == ["twice.png"]
    assert [Path(one["path"]).name for one in report["skipped"]] == ["broken.jpg"]
    assert call("index", "remove", folder, folder / "rocket.png").code == 0
    facts = json.loads(call("index", "info", folder, "--json", "--list").out)
    assert facts["pictures"] == 2
    assert sorted(Path(path).name for path in facts["paths"]) == ["chelsea.png", "cup.png"]
    assert "3 pictures: 1 added" in call("index", "add", folder, folder / "rocket.png", "--processes", 1).out
    assert "cup.png" in call("index", "info", folder, "--list").out


def test_query(call, folder, words, tmp_path):
    call("index", "build", folder, "--vocabulary", words, "--processes", 1)
    image = Image.open(folder / "coffee.png")
    image.rotate(8, Image.Resampling.BICUBIC).crop((20, 20, 220, 140)).save(tmp_path / "asked.png")
    sheet = tmp_path / "sheet.html"
    answer = call("index", "query", folder, tmp_path / "asked.png", "--sheet", sheet, "--top", 2)
    assert answer.code == 0, answer.err
    assert str(folder / "coffee.png") in answer.out, "paths are not cut off"
    page = sheet.read_text(encoding="utf-8")
    assert page.count("<figure") == 3
    assert "coffee.png" in page
    assert "http://" not in page
    assert "https://" not in page
    found = json.loads(call("index", "query", folder, tmp_path / "asked.png", "--json").out)
    assert found["found"]
    best = found["pictures"][0]
    assert Path(best["path"]).name == "coffee.png"
    assert best["reference"]
    assert best["probability"] > 0.9
    assert call("index", "query", folder, tmp_path / "asked.png", "--sheet", sheet).code == 2


def test_nothing_alike(call, folder, words, tmp_path):
    call("index", "build", folder, "--vocabulary", words, "--processes", 1)
    image = Image.fromarray(skimage.data.retina())
    image.thumbnail((240, 240))
    image.save(tmp_path / "asked.png")
    assert "None of them shows the same object." in call("index", "query", folder, tmp_path / "asked.png").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["query", "{tmp}/none", "{photo}"], "no such folder"),
        (["query", "{tmp}", "{photo}"], "deocclude index build"),
        (["info", "{tmp}"], "an index, or a folder that has one"),
        (["build", "{tmp}/none"], "no such folder"),
        (["build", "{tmp}/empty", "--vocabulary", "{photo}"], "a vocabulary of deocclude"),
        (["vocabulary", "{tmp}", "-o", "{tmp}/words.npz"], "more pictures or fewer words"),
        (["vocabulary", "{tmp}", "-o", "{tmp}/words.npz", "--words", "-5"], "--words"),
        (["build", "{tmp}/empty", "--processes", "0"], "--processes"),
        (["query", "{tmp}/empty", "{photo}", "--top", "-3"], "--top"),
        (["query", "{tmp}/empty", "{photo}", "--accept", "nan"], "--accept"),
    ],
)
def test_bad_input_is_one_line(call, pictures, tmp_path, arguments, said):
    (tmp_path / "empty").mkdir()
    photo = pictures / "coffee.png"
    answer = call("index", *(part.format(tmp=tmp_path, photo=photo) for part in arguments))
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_asking_for_an_object(call, folder, words, inputs):
    photo, masks = inputs
    shutil.copy(photo, folder)
    call("index", "build", folder, "--vocabulary", words, "--processes", 1)
    answer = call("index", "query", folder, photo, "--masks", masks, "--object", 1, "--json")
    assert answer.code == 0, answer.err
    assert len(json.loads(answer.out)["pictures"]) == 4
    assert "--object" in call("index", "query", folder, photo, "--masks", masks).err
    assert "--masks" in call("index", "query", folder, photo, "--object", 1).err


def test_a_name_that_is_no_utf8_and_a_pipe_stop_nothing(call, folder, words):
    shutil.copyfile(folder / "coffee.png", os.fsencode(folder) + b"/caf\xe9.png")
    (folder / "coffee.png").unlink()
    os.mkfifo(folder / "pipe.png")
    answer = call("index", "build", folder, "--vocabulary", words, "--processes", 1)
    assert answer.code == 0, answer.err
    assert "pipe.png: left out: no regular file" in answer.err
    found = call("index", "query", folder, os.fsencode(folder).decode("utf-8") + "/caf\udce9.png", "--json")
    assert found.code == 0, found.err
    assert "caf\\udce9.png" in found.out


def test_an_index_whose_last_picture_goes(call, folder, words):
    assert call("index", "build", folder, "--vocabulary", words, "--processes", 1).code == 0
    answer = call("index", "remove", folder, *sorted(folder.glob("*.png")))
    assert answer.code == 0 and "0 pictures" in answer.out
