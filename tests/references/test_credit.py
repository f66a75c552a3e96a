"""Tests of credits and of the file that states them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from deocclude.errors import InputError
from deocclude.images import write_picture
from deocclude.references.collection import find_masks
from deocclude.references.credit import CREDITS, Credit, read_credits, write_credits

FULL = Credit("openverse", "https://a.example/p", "Cup", "CC BY 4.0", "https://l.example", "A. Person", "https://u")


@pytest.mark.parametrize("credit", [FULL, Credit(), Credit(licence="CC0")])
def test_plain_and_back(credit):
    assert Credit.from_plain(json.loads(json.dumps(credit.as_plain()))) == credit


def test_written_and_read(tmp_path):
    write_credits(tmp_path, {"b.jpg": FULL, "a.jpg": Credit(title="Über")})
    assert read_credits(tmp_path) == {"a.jpg": Credit(title="Über"), "b.jpg": FULL}


def test_no_file_is_no_credit(tmp_path):
    assert read_credits(tmp_path) == {}


@pytest.mark.parametrize("text", ["", "[]", "3", '{"a.jpg": 3}', '{"a.jpg": {"title": 3}}'])
def test_damaged(tmp_path, text):
    (tmp_path / CREDITS).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"credits\.json: expected credits by file name"):
        read_credits(tmp_path)


def test_unknown_keys_are_passed_over():
    assert Credit.from_plain({"title": "Cup", "width": 3}) == Credit(title="Cup")


def test_credits_are_not_taken_for_masks(tmp_path):
    write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    write_credits(tmp_path, {"a.png": FULL})
    assert find_masks(tmp_path) is None
