from __future__ import annotations

import json

import numpy as np
import pytest
from skimage import data

from deocclude.cli.main import main
from deocclude.datasets.ukbench import read_groups
from deocclude.errors import InputError
from deocclude.evaluation.stitching import run_queries, table
from deocclude.images import read_photo, resized, write_picture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One object in four views, shifted and of other brightness, and one in unrelated pictures."""
    made = tmp_path_factory.mktemp("views")
    wide = resized(data.coffee(), 0.5)
    for number in range(4):
        part = wide[10 * number : 140 + 10 * number, 15 * number : 200 + 15 * number]
        write_picture(made / f"v{number:03}.png", (part * (1 - 0.1 * number)).astype(np.uint8))
    for number, name in enumerate(("astronaut", "chelsea", "rocket", "coffee"), 4):
        picture = np.ascontiguousarray(getattr(data, name)())
        write_picture(made / f"v{number:03}.png", resized(picture, 150 / picture.shape[0]))
    return made


@pytest.fixture(scope="module")
def results(folder):
    return run_queries(read_groups(folder), ("stitch-homography", "stitch"), seed=3)


def test_views_fill_and_strangers_do_not(results):
    seen, unrelated = (result.answers for result in results)
    assert list(seen) == ["telea", "stitch-homography", "stitch"]
    assert seen["stitch"].filled > 0.9
    assert seen["stitch"].scores["psnr"] > seen["stitch-homography"].scores["psnr"] > 0
    assert seen["stitch"].scores["psnr"] > seen["telea"].scores["psnr"] + 8
    assert unrelated["stitch"].filled == 0
    assert (unrelated["stitch"].rgb == unrelated["telea"].rgb).all()


def test_table(results):
    rows = {row["row"]: row for row in table(results, samples=0).rows}
    assert rows["telea"]["used"].value == 0
    assert rows["stitch"]["used"].value == 0.5
    assert rows["stitch"]["worse"].value == 0
    assert rows["telea"]["PSNR"].value == pytest.approx(
        np.mean([result.answers["telea"].scores["psnr"] for result in results])
    )


def test_wrong_names(folder):
    with pytest.raises(InputError, match="stitch-homography"):
        run_queries(read_groups(folder), ("stich",))


def test_command(folder, tmp_path, capsys):
    sheet = tmp_path / "gallery.png"
    code = main(["evaluate", "stitching", str(folder), "--rows", "telea", "--limit", "1", "--protocol", "crop",
                 "--gallery", str(sheet), "--samples", "0", "--json"])  # fmt: skip
    assert code == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert [row["row"] for row in shown["rows"]] == ["telea"]
    assert read_photo(sheet).size.height == 164
    assert main(["evaluate", "stitching", str(folder), "--protocol", "rectangel"]) == 2
    assert "rectangle" in capsys.readouterr().err
    assert main(["evaluate", "stitching", str(folder), "--gallery", str(sheet)]) == 2
