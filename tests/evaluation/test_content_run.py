"""Rows, tables, contact sheet and bleeding of content evaluation; the command that runs them."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from deocclude.cli.main import main
from deocclude.content.patch import Painted
from deocclude.datasets.content_trials import Trial
from deocclude.datasets.saturated import drawer_and_chair, saturated_trial
from deocclude.datasets.synthetic import SyntheticSettings
from deocclude.datasets.synthetic_files import write_dataset
from deocclude.errors import InputError, MissingExtraError
from deocclude.evaluation import content_rows
from deocclude.evaluation.content_bleeding import RIM, TOLERANCE, bleeding_tables, measure, measure_trial
from deocclude.evaluation.content_files import write_results
from deocclude.evaluation.content_rows import default_rows, known_rows, paint, row_painter
from deocclude.evaluation.content_run import composite, ranked, run_trials, tables
from deocclude.evaluation.content_sheet import CELL, GAP, contact_sheet, pick
from deocclude.geometry import Size
from deocclude.masks import Mask

ROWS = ("mean", "telea")
CLASSICAL = ("mean", "telea", "navier-stokes", "biharmonic", "exemplar")


@pytest.fixture(scope="module")
def results():
    return run_trials((saturated_trial(number) for number in range(4)), ROWS)


@pytest.fixture(scope="module")
def chair():
    return drawer_and_chair()


def test_rows_are_the_painters_and_what_they_are_compared_with():
    assert set(CLASSICAL) <= set(known_rows())
    assert known_rows()[0] == "mean"
    assert {"patchmatch", "chosen"} <= set(known_rows())


def test_unknown_rows_are_refused(chair):
    with pytest.raises(InputError, match="did you mean 'telea'"):
        run_trials([chair], ["telia"])
    with pytest.raises(InputError, match="weights for pcnet-c or chosen only"):
        row_painter("patchmatch=weights.safetensors")
    with pytest.raises(InputError, match="at least one row"):
        run_trials([chair], [])
    with pytest.raises(InputError, match="objects that an occluder can be pasted on"):
        run_trials([], ROWS)


def test_patchmatch_is_left_out_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(content_rows, "find_spec", lambda name: None)
    row_painter.cache_clear()
    try:
        rows, reasons = default_rows()
        assert "patchmatch" not in rows
        assert any("PatchMatch" in reason and "deocclude[dev]" in reason for reason in reasons)
        with pytest.raises(MissingExtraError):
            row_painter("patchmatch")
    finally:
        row_painter.cache_clear()


def test_patchmatch_paints_with_the_objects_own_pixels():
    pytest.importorskip("patchmatch", reason="pypatchmatch is not installed")
    truth = np.zeros((40, 44, 3), np.uint8)
    truth[..., 1] = 120 + 60 * (np.arange(44) % 8 < 4)
    whole, occluder = (Mask.from_crop(np.ones(size, bool), at, Size(40, 44)) for size, at in
                       (((30, 34), (5, 5)), ((12, 10), (14, 16))))  # fmt: skip
    shown = np.where((occluder.to_array() | ~whole.to_array())[..., None], np.uint8(255), truth)
    trial = Trial("striped", "striped", truth, shown, whole, occluder)
    fill = paint(trial, "patchmatch")
    assert fill.method == "patchmatch"
    assert np.abs(fill.rgb[fill.hole].astype(int) - truth[trial.hole.to_array()]).mean() < 8
    assert np.array_equal(fill.rgb, paint(trial, "patchmatch").rgb)


def test_only_hidden_pixels_are_painted(chair):
    painted = composite(chair, paint(chair, "mean"))
    hole = chair.hole.to_array()
    assert np.array_equal(painted[~hole], chair.truth[~hole])
    assert len(np.unique(painted[hole], axis=0)) == 1


def test_scores_of_a_trial(results):
    result = results[0]
    assert list(result.answers) == list(ROWS)
    assert result.pixels > 0
    assert 0 < result.share < 1
    for answer in result.answers.values():
        assert answer.hidden["mse"] > answer.crop["mse"] > 0
        assert answer.hidden["psnr"] < answer.crop["psnr"]
        assert answer.view.shape == result.truth.shape == result.given.shape


def test_crop_scores_count_what_is_seen_as_right(results):
    for number, result in enumerate(results):
        box = saturated_trial(number).target.box
        for answer in result.answers.values():
            assert answer.crop["mse"] * box.width * box.height == pytest.approx(answer.hidden["mse"] * result.pixels)


def test_tables_hold_means_over_trials(results):
    hidden, crop, paired = tables(results, samples=50)
    assert [row["row"] for row in hidden.rows] == list(ROWS)
    cell = hidden.rows[1]["MSE"]
    assert cell.value == pytest.approx(np.mean([result.answers["telea"].hidden["mse"] for result in results]))
    assert cell.low <= cell.value <= cell.high
    assert cell.denominator == len(results)
    assert 0 <= hidden.rows[0]["detail"].value < 0.01  # one colour has none
    assert crop.rows[0]["PSNR"].value > hidden.rows[0]["PSNR"].value
    (line,) = paired.rows
    assert line["row"] == "mean"
    assert line["PSNR"].value == pytest.approx(hidden.rows[0]["PSNR"].value - hidden.rows[1]["PSNR"].value)
    assert line["PSNR"].low <= line["PSNR"].value <= line["PSNR"].high
    assert "content v1: 4 objects of 4 photos" in hidden.markdown()


def test_sheet_runs_from_best_to_worst(results):
    ordered = list(ranked(results, "telea"))
    errors = [result.answers["telea"].hidden["rmse"] for result in ordered]
    assert errors == sorted(errors)
    assert [label for label, _ in pick(ordered, 1)] == ["best", "median", "worst"]
    assert [result for _, result in pick(ordered, 1)] == [ordered[0], ordered[1], ordered[3]]
    assert [label for label, _ in pick(ordered, 2)] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    sheet = contact_sheet(results, "telea", each=1)
    assert sheet.dtype == np.uint8
    assert sheet.shape[1] == GAP + 4 * (CELL + GAP)


def test_written_folder(results, tmp_path):
    found = tables(results, samples=0)
    write_results(tmp_path / "out", results, found, by="telea", about={"seed": 0})
    numbers = json.loads((tmp_path / "out" / "content.json").read_text())
    assert numbers["protocol"] == "content v1"
    assert [trial["key"] for trial in numbers["trials"]] == [result.key for result in results]
    assert numbers["trials"][0]["rows"]["mean"]["hidden"]["chord"] >= 0
    assert "Content, object crop" in (tmp_path / "out" / "content.md").read_text()
    assert Image.open(tmp_path / "out" / "sheet.png").size[1] > 4 * CELL


def test_measure_of_bleeding_by_hand():
    truth, red = np.full((10, 3), 100.0), np.array([220.0, 100, 100])
    assert measure(truth, truth, red).ratio == 1
    half = np.where(np.arange(10)[:, None] < 5, truth, red)
    found = measure(half, truth, red)
    assert (found.ratio, found.residual) == (pytest.approx(0.5), pytest.approx(0.5))
    assert measure(truth + np.array([1, 0, 0]), truth, red).ratio > 1 - TOLERANCE
    away = measure(truth - np.array([12, 0, 0]), truth, red)
    assert (away.ratio, away.residual) == (pytest.approx(1.1), pytest.approx(-0.1))


@pytest.mark.parametrize("row", CLASSICAL)
def test_no_painter_bleeds_in_the_drawer_and_chair_scene(chair, row):
    painted = composite(chair, paint(chair, row))
    for rim in (None, RIM):
        found = measure_trial(chair, painted, rim=rim)
        assert found.ratio > 1 - TOLERANCE
        assert found.residual < 0.02


def test_a_painter_that_trusts_all_pixels_bleeds(chair):
    """The measure notices what the original network does: it counts the occluder's pixels as evidence."""
    import cv2

    def naive(patch):
        shown = cv2.inpaint(patch.rgb, patch.hole.astype(np.uint8), 3, cv2.INPAINT_TELEA)
        nothing = np.zeros(patch.hole.shape)
        return Painted(shown, nothing.astype(np.float32), nothing.astype(np.uint8), "naive")

    from deocclude.content.fill import fill_hidden

    fill = fill_hidden(chair.rgb, chair.modal, chair.target, instance_id=1, method=naive, occluders=chair.occluder)
    found = measure_trial(chair, composite(chair, fill), rim=RIM)
    assert found.residual > 0.03
    assert found.ratio < 1 - TOLERANCE


def test_no_classical_painter_bleeds_in_drawn_scenes():
    table, of_chair = bleeding_tables(("telea", "navier-stokes"), 8, samples=0)
    for row in table.rows:
        assert row["distance"].value > 1 - TOLERANCE
        assert abs(row["residual"].value) < 0.03
    assert [row["row"] for row in of_chair.rows] == ["telea", "navier-stokes"]
    assert math.isfinite(of_chair.rows[0]["PSNR"])


def test_command_on_a_data_set(tmp_path, capsys):
    settings = SyntheticSettings(width=200, height=170, objects=(3, 6), smallest=50, truncation=0.1)
    write_dataset(tmp_path / "drawn", 5, settings, seed=3, hidden=False)
    asked = ["evaluate", "content", str(tmp_path / "drawn"), "--rows", "mean", "telea", "--limit", "1",
             "--samples", "0", "-o", str(tmp_path / "out")]  # fmt: skip
    assert main(asked) == 0
    assert "| telea |" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "content.json").read_text())["rows"] == ["mean", "telea"]
    assert main(asked) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*asked, "--force", "--json", "--tight", "2"]) == 0
    assert json.loads((tmp_path / "out" / "content.json").read_text())["tight"] == 2
    assert "Occluders' masks are 2 px too tight" in (tmp_path / "out" / "content.md").read_text()
    assert len(json.loads(capsys.readouterr().out)) == 3


def test_command_on_drawn_scenes(tmp_path, capsys):
    asked = ["evaluate", "content", "--bleeding", "--rows", "mean", "--limit", "2", "-o", str(tmp_path / "out")]
    assert main(asked) == 0
    assert "drawer and chair" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "bleeding.md", "bleeding.json", "drawer-and-chair.png",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "at least one data set"),
        (["nowhere", "--bleeding"], "no data set with --bleeding"),
        (["nowhere", "--limit", "-1"], "0 or more"),
        (["nowhere"], "a data set"),
        (["nowhere", "--rows", "telia"], "did you mean 'telea'"),
    ],
)
def test_what_the_command_refuses(arguments, message, capsys):
    assert main(["evaluate", "content", *arguments]) == 2
    assert message in capsys.readouterr().err
