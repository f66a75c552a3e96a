from __future__ import annotations

import json
import math

import numpy as np
import pytest
from skimage import data

from deocclude.cli.main import main
from deocclude.datasets.homographies import evd_pairs, hpatches_pairs, read_pairs
from deocclude.errors import InputError
from deocclude.evaluation.alignment import CLOSE, Found, corner_error, find_all, table
from deocclude.geometry import Size
from deocclude.images import resized, write_picture


def test_corner_error_of_a_shift():
    shift = np.array([[1.0, 0, 3], [0, 1, 4], [0, 0, 1]])
    assert corner_error(shift, np.eye(3), Size(10, 20)) == pytest.approx(5)
    to_infinity = np.array([[1.0, 0, 0], [0, 1, 0], [-1 / 19, 0, 1]])
    assert corner_error(to_infinity, np.eye(3), Size(10, 20)) == math.inf


def test_table():
    errors = {"a": 1.0, "b": 3.0, "c": 3.1, "d": math.inf}
    found = [Found(name, "ours", error, 0.5) for name, error in errors.items()]
    (row,) = table(found, "some set").rows
    assert [row[f"<= {limit} px"] for limit in (1, 3, 5, 10)] == [0.25, 0.5, 0.75, 0.75]
    assert row["median"] == 2
    assert "c 3.1 px, d inf px" in table(found, "some set").notes[-1]


def test_hpatches(data_folder):
    folder = data_folder / "hpatches"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    # The other two sequences need slanted views, which take minutes.
    pairs = [pair for pair in hpatches_pairs(folder) if pair.name.startswith(("v_boat", "v_soldiers"))]
    assert len(pairs) == 10
    found = find_all(pairs, ["ours"])
    assert sum(one.error <= CLOSE for one in found) >= 9, found


def test_evd(data_folder):
    folder = data_folder / "evd"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    (pair,) = (pair for pair in evd_pairs(folder) if pair.name == "adam")
    (found,) = find_all([pair], ["ours"])
    assert found.error <= 10


def sequence(folder):
    """A sequence in the layout of HPatches: the second picture is the first one, shifted by (12, 7)."""
    wide = resized(data.coffee(), 0.5)
    (folder / "v_coffee").mkdir()
    write_picture(folder / "v_coffee" / "1.ppm", wide[7:187, 12:252])
    write_picture(folder / "v_coffee" / "2.ppm", wide[:180, :240])
    (folder / "v_coffee" / "H_1_2").write_text("1 0 12\n0 1 7\n0 0 1\n")


def test_command(tmp_path, capsys):
    sequence(tmp_path)
    assert main(["evaluate", "alignment", str(tmp_path), "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert [row["<= 1 px"] for row in shown["rows"]] == [1, 1]
    assert main(["evaluate", "alignment", str(tmp_path / "v_coffee")]) == 2
    assert "HPatches" in capsys.readouterr().err
    assert len(read_pairs(tmp_path)) == 1


def test_unknown_row(tmp_path):
    sequence(tmp_path)
    with pytest.raises(InputError, match="opencv"):
        find_all(read_pairs(tmp_path), ["ransac"])
