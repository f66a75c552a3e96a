"""Table 2: every row on samples with references of every kind, and what must not be tested on."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data

from deocclude.cli.main import main
from deocclude.datasets.reference_building import build_reference_dataset
from deocclude.datasets.reference_dataset import read_reference_dataset
from deocclude.datasets.reference_plan import BuildSettings
from deocclude.datasets.reference_sample import ReferenceKind
from deocclude.errors import InputError
from deocclude.evaluation.table2 import run_samples, score_sample, tables
from deocclude.evaluation.table2_files import gallery
from deocclude.evaluation.table2_rows import laid_reference, make_rows, networks, paint_base, stitched
from deocclude.evaluation.unseen import check_unseen
from deocclude.images import read_photo, write_picture
from deocclude.nets.reference_net import Conv3Deconv3, FusionNet
from deocclude.weights import WeightsInfo, bundled_path, load_net, read_weights, save_weights

SCENE = "views/image00000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of two things in four shifted views each, all of it for testing."""
    views = tmp_path_factory.mktemp("data") / "views"
    for number, name in enumerate(("coffee", "chelsea")):
        wide = cv2.resize(getattr(skimage.data, name)(), (220, 160), interpolation=cv2.INTER_AREA)
        for view in range(4):
            part = np.ascontiguousarray(wide[5 * view : 130 + 5 * view, 10 * view : 180 + 10 * view])
            write_picture(views / f"image{4 * number + view:05}.png", part)
    made = views.parent / "references"
    build_reference_dataset([views], made, BuildSettings(side=64, test_objects=3, test_share=1.0, objects=0))
    return made


@pytest.fixture(scope="module")
def data(folder):
    return read_reference_dataset(folder).select(split="test")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A new successor, which returns what PCNet-C painted, and a new published net."""
    made = tmp_path_factory.mktemp("weights")
    about = {"scenes": ["elsewhere/1"]}
    save_weights(made / "ours.safetensors", FusionNet(0.25),
                 WeightsInfo("fusion", {"net": "fusion", "width": 0.25}, data=about))  # fmt: skip
    save_weights(made / "old.safetensors", Conv3Deconv3(4),
                 WeightsInfo("fusion", {"net": "conv3-deconv3", "width": 4}, data=about))  # fmt: skip
    return made


@pytest.fixture(scope="module")
def rows(weights):
    return make_rows((f"ours={weights}/ours.safetensors", f"altered-gt={weights}/old.safetensors", "stitched"))


@pytest.fixture(scope="module")
def results(data, rows):
    return run_samples([data], rows)


def test_rows_and_columns(results):
    found = {table.title: table for table in tables(results, samples=20)}
    assert {kind for kind in ReferenceKind if f"Table 2, reference: {kind}" in found} == {
        ReferenceKind.OTHER_VIEW, ReferenceKind.UNRELATED, ReferenceKind.NONE}  # fmt: skip
    view = found["Table 2, reference: other-view"]
    assert [row["row"] for row in view.rows] == ["original", "ours", "altered-gt", "stitched"]
    assert view.columns[1:8] == ("EUC", "MANH", "CHORD", "MSE", "PSNR", "SSIM", "RFD")
    assert view.rows[1]["MSE change"] == "+0.0%" and view.rows[1]["worse"] == "0.0%"
    together = found["Table 2, mean squared error by kind of reference (table2 v1)"]
    assert together.rows[0]["other-view"] == pytest.approx(
        np.mean([r.answers["original"]["mse"] for r in results if r.kind == ReferenceKind.OTHER_VIEW]))  # fmt: skip


def test_an_original_without_any_error_has_no_change(results):
    perfect = [
        replace(one, answers={**one.answers, "original": {**one.answers["original"], "mse": 0.0}}) for one in results
    ]
    assert tables(perfect, samples=0)[0].rows[1]["MSE change"] == "–"


def test_a_new_net_equals_the_original_everywhere(results):
    for result in results:
        assert result.answers["ours"] == result.answers["original"]


def test_stitched_is_better_with_another_view_and_the_same_with_strangers(results):
    for kind, good in ((ReferenceKind.OTHER_VIEW, True), (ReferenceKind.UNRELATED, False)):
        part = [result for result in results if result.kind == kind]
        gains = [result.answers["stitched"]["psnr"] - result.answers["original"]["psnr"] for result in part]
        assert np.mean(gains) > 3 if good else not any(gains)


def test_the_truth_is_looked_at_by_nobody(data, rows):
    sample = next(data[k] for k in range(len(data)) if data[k].kind == ReferenceKind.OTHER_VIEW)
    blind = replace(sample, truth=np.where(sample.hole[..., None], 0, sample.truth).astype(np.uint8))
    base = paint_base(sample)
    for fill in rows.values():
        assert (fill(sample, base) == fill(blind, base)).all()


def test_only_the_hole_is_scored_and_shown(data, rows):
    sample = data[0]
    result = score_sample(sample, rows)
    assert (result.pictures["ours"][~sample.hole] == sample.truth[~sample.hole]).all()
    assert list(result.pictures) == ["given", "reference", "aligned", *rows, "truth"]


def test_a_distrusted_reference_is_not_stitched_in(data):
    sample = next(data[k] for k in range(len(data)) if data[k].alignment > 0.5)
    base = paint_base(sample)
    assert stitched(sample, base)[1].any()
    assert (stitched(replace(sample, alignment=0.2), base)[0] == base.rgb).all()


def test_a_distrusted_reference_is_shown_to_other_networks_only(data):
    sample = next(data[k] for k in range(len(data)) if data[k].alignment > 0.5)
    base = paint_base(sample)
    doubtful = replace(sample, alignment=0.2)
    made = make_rows(("ours", f"all-references={bundled_path('fusion')}"))
    assert (made["ours"](sample, base) != base.rgb).any()
    assert (made["ours"](doubtful, base) == base.rgb).all()
    assert (made["all-references"](doubtful, base) != base.rgb).any()


def test_no_reference_is_none_for_the_painter(data):
    sample = next(data[k] for k in range(len(data)) if data[k].kind == ReferenceKind.NONE)
    laid = laid_reference(sample)
    assert laid.loose is None
    assert (laid.source < 0).all()


def test_scenes_of_the_training_are_refused(data):
    tested = {row.scene: row.scene for row in data.rows}
    check_unseen(tested, {"ours": ["elsewhere/1"]}, data.folder)
    with pytest.raises(InputError, match=f"that ours has seen: {SCENE}"):
        check_unseen(tested, {"ours": [SCENE]}, data.folder)


def test_every_row_says_which_network_it_uses():
    base = {"original": "pcnet-c"}
    assert networks(["chosen", "stitched"]) == {**base, "chosen": "fusion", "stitched": "pcnet-c"}
    assert networks(["chosen", "ours=mine"]) == {**base, "chosen": "mine", "ours": "mine"}
    assert networks(["ours", "gate-off=x"]) == {**base, "ours": "fusion", "gate-off": "x"}
    for wrong in ("chosen=mine", "stitched=", "ours=", "gate-off", "original=x"):
        with pytest.raises(InputError, match="row "):
            networks([wrong])


def test_galleries(results):
    for which in ("spread", "best", "worst"):
        sheet = gallery(results, which, by="stitched", most=2)
        assert sheet.shape == (20 + 2 * 146, 4 + 8 * 132, 3)


def test_command(folder, weights, tmp_path, capsys):
    out = tmp_path / "table2"
    ours = f"ours={weights}/ours.safetensors"
    code = main(["evaluate", "table2", str(folder), "--rows", ours, "chosen", "--limit", "2", "--samples", "0",
                 "--kind", "other-view", "-o", str(out), "--json"])  # fmt: skip
    assert code == 0
    shown = json.loads(capsys.readouterr().out)
    assert [row["row"] for row in shown[0]["rows"]] == ["original", "ours", "chosen"]
    assert {path.name for path in out.iterdir()} == {
        "table2.md", "table2.json", "samples.png", "best.png", "worst.png"}  # fmt: skip
    assert read_photo(out / "best.png").size.width == 4 + 7 * 132
    assert main(["evaluate", "table2", str(folder), "--rows", ours, "-o", str(out)]) == 2
    assert "force" in capsys.readouterr().err
    assert main(["evaluate", "table2", str(folder), "--rows", "altered-gt"]) == 2
    assert "altered-gt=runs/altered-gt" in capsys.readouterr().err
    assert main(["evaluate", "table2", str(folder), "--rows", f"ours={weights}/none.safetensors"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_seen_scenes_are_refused_by_the_command(folder, tmp_path, capsys):
    path = tmp_path / "seen.safetensors"
    about = WeightsInfo("fusion", {"net": "fusion", "width": 0.25}, data={"scenes": [SCENE]})
    save_weights(path, FusionNet(0.25), about)
    assert main(["evaluate", "table2", str(folder), "--rows", f"ours={path}"]) == 2
    assert SCENE in capsys.readouterr().err


@pytest.mark.parametrize(("row", "name"), [("chosen", "fusion"), ("ours", "fusion"), ("stitched", "pcnet-c")])
def test_scenes_that_shipped_networks_have_seen_are_refused(folder, monkeypatch, tmp_path, capsys, row, name):
    path = tmp_path / "seen.safetensors"
    info, _ = read_weights(bundled_path(name))
    save_weights(path, load_net(name), replace(info, data={"scenes": [SCENE]}))
    monkeypatch.setattr("deocclude.weights.bundled_path", lambda asked: path if asked == name else bundled_path(asked))
    assert main(["evaluate", "table2", str(folder), "--rows", row]) == 2
    assert f"{'original' if name == 'pcnet-c' else row} has seen: {SCENE}" in capsys.readouterr().err
