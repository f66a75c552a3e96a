from __future__ import annotations

import json

import numpy as np
import pytest
from skimage import data

from deocclude.cli.main import main
from deocclude.datasets.ukbench import make_query, read_groups
from deocclude.errors import InputError
from deocclude.evaluation.stitching import Record
from deocclude.evaluation.stitching_references import build_collection, found, strangers
from deocclude.evaluation.stitching_run import Asked, make_tasks, run_tasks
from deocclude.evaluation.stitching_table import tables
from deocclude.images import read_photo, resized, write_picture
from deocclude.references.search import search


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
def records(folder):
    rows = ("stitch-homography", "stitch", "fused", "complete")
    return run_tasks(make_tasks(folder, Asked(rows, seed=3), folder), rows)


def test_views_fill_and_strangers_do_not(records):
    seen, unrelated = (record.answers for record in records)
    assert list(seen) == ["telea", "stitch-homography", "stitch", "fused", "complete"]
    assert seen["stitch"].filled > 0.9
    assert not seen["stitch"].same
    assert seen["stitch"].scores["psnr"] > seen["stitch-homography"].scores["psnr"] > 0
    assert records[0].gain("stitch") > 8
    assert seen["fused"].filled == seen["stitch"].filled and records[0].gain("fused") > 5
    assert unrelated["stitch"].filled == 0
    assert unrelated["stitch"].same and unrelated["fused"].same
    assert seen["complete"].filled == seen["fused"].filled and records[0].gain("complete") > 5
    assert unrelated["complete"].filled == 0 and not unrelated["complete"].same


def test_table(records):
    (table,) = tables(records, "given", samples=0)
    rows = {row["row"]: row for row in table.rows}
    assert rows["telea"]["used"].value == 0
    assert rows["telea"]["same"].value == 1
    assert rows["stitch"]["used"].value == 0.5
    assert rows["stitch"]["filled"].value > 0.9
    assert rows["stitch"]["worse"].value == 0
    assert rows["telea"]["PSNR"].value == pytest.approx(
        np.mean([record.answers["telea"].scores["psnr"] for record in records])
    )


def test_records_survive_json(records):
    again = [Record.from_plain(json.loads(json.dumps(record.as_plain()))) for record in records]
    assert again == records


def test_answered_queries_are_not_answered_again(folder, records):
    tasks = make_tasks(folder, Asked(("stitch",), seed=3), folder)
    kept = []
    again = run_tasks(tasks[:1], ("stitch",), done=lambda task: records[0], keep=lambda *new: kept.append(new))
    assert again == records[:1]
    assert not kept


def test_found_references_are_those_of_the_object(folder, tmp_path):
    groups = read_groups(folder)
    index = build_collection(groups, tmp_path, "rectangle", 3)
    query = make_query(groups[0], "rectangle", 3)
    answered = found(query, np.where(query.hole[..., None], 128, query.truth).astype(np.uint8), index)
    assert query.key not in answered.sources
    assert set(answered.sources) & set(query.sources)
    assert set(answered.sources) <= {*query.sources, "v007"}, "v007 is the same photo"


def test_the_whole_picture_of_a_query_does_not_help_to_find(folder, tmp_path, monkeypatch):
    groups = read_groups(folder)
    index = build_collection(groups, tmp_path, "rectangle", 3)
    query = make_query(groups[0], "rectangle", 3)
    told = []

    def spy(*asked, without=(), **options):
        told.extend(without)
        return search(*asked, without=without, **options)

    monkeypatch.setattr("deocclude.references.search.search", spy)
    found(query, np.where(query.hole[..., None], 128, query.truth).astype(np.uint8), index)
    assert [path.stem for path in told] == [query.key]
    assert told[0].samefile(groups[0].paths[0])


def test_strangers_are_of_other_groups(folder):
    groups = read_groups(folder)
    query = strangers(make_query(groups[0], "rectangle", 3), groups, 0)
    assert len(query.references) == 3
    assert set(query.sources) <= {path.stem for path in groups[1].paths}


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (Asked(("stich",)), "stitch-homography"),
        (Asked(protocols=("rectangel",)), "rectangle"),
        (Asked(references="mine"), "strangers"),
        (Asked(skip=-1), "--skip"),
    ],
)
def test_wrong_choices(asked, named):
    with pytest.raises(InputError, match=named):
        asked.check()


def test_command_goes_on_where_it_was(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "out"
    command = ["evaluate", "stitching", str(folder), "--rows", "telea", "--protocol", "crop", "mask", "--samples", "0",
               "--json", "-o", str(out)]  # fmt: skip
    assert main([*command, "--limit", "1"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [table["rows"][0]["row"] for table in shown] == ["telea", "telea"]
    answers = sorted(path.name for path in (out / "answers").glob("*.json"))
    assert answers == ["crop-v000.json", "mask-v000.json"]
    before = (out / "answers" / "crop-v000.json").stat().st_mtime_ns
    assert main(command) == 0
    assert "2 queries" in json.loads(capsys.readouterr().out)[0]["notes"][0]
    assert (out / "answers" / "crop-v000.json").stat().st_mtime_ns == before
    assert read_photo(out / "sheet.png").size.height == 4 * read_photo(out / "answers" / "crop-v000.png").size.height
    assert "protocol mask" in (out / "stitching.md").read_text()
    (out / "answers" / "crop-v000.png").unlink()
    (out / "answers" / "mask-v000.json").write_text("[]")
    assert main(command) == 0
    assert (out / "answers" / "crop-v000.png").is_file()
    capsys.readouterr()
    assert main([*command, "--seed", "7"]) == 2
    assert "another" in capsys.readouterr().err
    monkeypatch.setattr("deocclude.fingerprints.models", lambda stage: [f"other models for {stage}"])
    assert main(command) == 2
    assert "of other models" in capsys.readouterr().err


def test_command_refuses_wrong_names_and_foreign_folders(folder, tmp_path, capsys):
    assert main(["evaluate", "stitching", str(folder), "--protocol", "rectangel"]) == 2
    assert "rectangle" in capsys.readouterr().err
    (tmp_path / "mine.txt").touch()
    assert main(["evaluate", "stitching", str(folder), "-o", str(tmp_path)]) == 2
    assert (tmp_path / "mine.txt").exists()
