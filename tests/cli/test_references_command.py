"""References on the command line: options, the command, errors in one line."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from deocclude.cli.main import main
from deocclude.project.store import read_project

FAST = ("--order-method", "convex", "--amodal-method", "convexR", "--fill", "telea")


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "blank.png"
    Image.fromarray(np.full((60, 80, 3), 120, np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def made(inputs, tmp_path_factory, blank):
    """A project folder made by `run` that looked at a reference, for tests to copy."""
    folder = tmp_path_factory.mktemp("made") / "out"
    arguments = ("run", inputs[0], "--masks", inputs[1], *FAST, "--reference", blank, "-o", folder)
    assert main([str(argument) for argument in arguments]) == 0
    return folder


@pytest.fixture
def done(made, tmp_path):
    """A copy of it that may be changed."""
    return shutil.copytree(made, tmp_path / "out")


def test_run_lists_what_was_not_used(call, inputs, tmp_path, blank):
    answer = call("run", inputs[0], "--masks", inputs[1], *FAST, "--reference", blank, "-o", tmp_path / "out")
    assert answer.code == 0
    assert "not used: expected a picture that shows something, found a blank one" in answer.out
    assert "none of 1 pictures looked at is used" in answer.err


def test_run_json_lists_references(call, inputs, tmp_path, blank):
    answer = call("run", inputs[0], "--masks", inputs[1], *FAST, "--reference", blank, "-o", tmp_path / "out", "--json")
    listed = json.loads(answer.out)["references"]
    assert [(one["path"], one["pixels"], one["licence"]) for one in listed] == [(str(blank), 0, None)]


def test_paths_are_kept_absolute(call, inputs, tmp_path, blank, monkeypatch):
    monkeypatch.chdir(blank.parent)
    call("run", inputs[0], "--masks", inputs[1], *FAST, "--reference", "blank.png", "-o", tmp_path / "out")
    assert read_project(tmp_path / "out").settings["reference"] == [str(blank)]


def test_the_project_remembers_until_told_otherwise(call, done):
    call("run", done, "--edges", "hard")
    assert read_project(done).references.pictures
    assert call("run", done, "--no-references").code == 0
    after = read_project(done)
    assert not after.references.pictures
    assert after.settings["reference"] == []


def test_both_some_and_none_are_refused(call, done, blank):
    answer = call("run", done, "--no-references", "--reference", blank)
    assert answer.code == 2
    assert "give one or the other" in answer.err


@pytest.mark.parametrize(
    ("option", "line"),
    [("--references", "expected a folder of pictures"), ("--reference", "expected a picture file")],
)
def test_what_is_not_there_is_one_line(call, inputs, tmp_path, option, line):
    answer = call("run", inputs[0], "--masks", inputs[1], option, tmp_path / "nowhere", "-o", tmp_path / "out")
    assert answer.code == 2
    assert line in answer.err
    assert len(answer.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_reject_and_forget(call, done, blank):
    assert call("references", done, "--reject", "blank.png").code == 0
    project = read_project(done)
    assert project.references.pictures[0].reason_rejected == "rejected by hand"
    assert [(one.path, one.verdict, one.object) for one in project.corrections.references] == [
        (str(blank), "reject", None)
    ]
    answer = call("references", done, "--forget", "blank.png", "--json")
    assert "blank one" in json.loads(answer.out)["references"][0]["reason_rejected"]
    assert not read_project(done).corrections.references


def test_pick_for_one_object(call, done, blank):
    identity = read_project(done).scene.ids[0]
    assert call("references", done, "--pick", f"{identity}={blank}").code == 0
    choice = read_project(done).corrections.references[0]
    assert (choice.verdict, choice.object) == ("pick", identity)


@pytest.mark.parametrize(
    ("text", "line"),
    [("nothing.png", "expected a reference by its number, name or path"), ("99=blank.png", "99"), ("", "reference")],
)
def test_wrong_names_change_nothing(call, done, text, line):
    before = (done / "scene.json").read_bytes()
    answer = call("references", done, "--reject", text)
    assert answer.code == 2
    assert line in answer.err
    assert (done / "scene.json").read_bytes() == before


def test_a_project_without_references_says_what_to_do(call, inputs, tmp_path):
    call("run", inputs[0], "--masks", inputs[1], *FAST, "-o", tmp_path / "out")
    answer = call("references", tmp_path / "out")
    assert answer.code == 0
    assert "--references FOLDER" in answer.out


def test_a_name_that_two_references_have_is_refused(call, inputs, tmp_path):
    """The first one would be meant by luck."""
    for number, folder in enumerate(("one", "two")):
        (tmp_path / folder).mkdir()
        pixels = np.random.default_rng(number).integers(0, 255, (60, 80, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / folder / "view.png")
    paths = [tmp_path / folder / "view.png" for folder in ("one", "two")]
    named = [text for path in paths for text in ("--reference", path)]
    assert call("run", inputs[0], "--masks", inputs[1], *FAST, *named, "-o", tmp_path / "out").code == 0
    answer = call("references", tmp_path / "out", "--reject", "view.png")
    assert answer.code == 2 and "2 that are called view.png" in answer.err
    assert call("references", tmp_path / "out", "--reject", paths[1]).code == 0
    assert [one.path for one in read_project(tmp_path / "out").corrections.references] == [str(paths[1])]
