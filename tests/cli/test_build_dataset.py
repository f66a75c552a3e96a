"""The command build-dataset: tables, JSON, and one line for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

QUICK = ("--side", 32, "--no-align", "--kind", "none", "--test-share", 0)


@pytest.fixture(scope="module")
def things(tmp_path_factory) -> Path:
    """Two photos each of two things."""
    folder = tmp_path_factory.mktemp("things")
    for name in ("coffee", "chelsea"):
        (folder / name).mkdir()
        image = Image.fromarray(getattr(skimage.data, name)())
        image.thumbnail((120, 120))
        for number in range(2):
            image.transpose(Image.Transpose.FLIP_LEFT_RIGHT if number else Image.Transpose.ROTATE_180).save(
                folder / name / f"{number}.png"
            )
    return folder


def test_build_and_go_on(call, things, tmp_path):
    answer = call("build-dataset", things, "-o", tmp_path / "set", "--objects", 2, *QUICK)
    assert answer.code == 0, answer.err
    assert "Left out: 0.0% of 2 objects" in answer.out
    assert "1 shards made now" in answer.out
    again = call("build-dataset", things, "-o", tmp_path / "set", "--objects", 2, *QUICK, "--json")
    facts = json.loads(again.out)
    assert (facts["made"], facts["lost"], facts["references"]) == (0, 0, {"none": 2})
    other = call("build-dataset", things, "-o", tmp_path / "set", "--objects", 1, *QUICK)
    assert other.code == 2
    assert "expected the data set that these options make" in other.err


def test_a_set_without_objects_is_no_success(call, tmp_path):
    (tmp_path / "things" / "dot").mkdir(parents=True)
    for number in range(2):
        Image.new("RGB", (12, 12)).save(tmp_path / "things" / "dot" / f"{number}.png")
    answer = call("build-dataset", tmp_path / "things", "-o", tmp_path / "set", *QUICK)
    assert answer.code == 2, answer.out
    assert "expected an object that can be used, found none of 2 (" in answer.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--backend", "cloud"), "backend: expected one of local, ray, found 'cloud'"),
        (("--kind", "view"), "kind of reference: expected one of"),
        (("--references", "nowhere"), "nowhere: expected a folder of pictures, found no such folder"),
        (("--donors", "nowhere"), "nowhere: expected a data set"),
    ],
)
def test_bad_input_is_one_line(call, things, tmp_path, options, said):
    answer = call("build-dataset", things, "-o", tmp_path / "set", "--side", 32, "--test-share", 0, *options)
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert said in answer.err
