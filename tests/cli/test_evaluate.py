"""The commands that measure."""

import json

import pytest


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    from deocclude.datasets.synthetic import SyntheticSettings
    from deocclude.datasets.synthetic_files import write_dataset

    target = tmp_path_factory.mktemp("measured") / "set"
    write_dataset(target, 2, SyntheticSettings(width=100, height=80, objects=(3, 3)), seed=2, hidden=False)
    return target


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Weights of a network that is small, so that it is fast, and knows nothing."""
    from deocclude.nets.unet import UNet
    from deocclude.weights import WeightsInfo, save_weights

    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(path, UNet(0.125, 2), WeightsInfo("pcnet-m", {"net": "unet", "width": 0.125, "in_channels": 2}))
    return path


def test_table1_prints_a_table_a_data_set(call, data, tiny):
    answer = call("evaluate", "table1", data, data, "--samples", 20, "--json", "--weights", tiny)
    assert answer.code == 0, answer.err
    first, second = json.loads(answer.out)
    assert first == second
    assert first["title"] == "Order and whole shapes: set"
    assert first["rows"][-1]["amodal mIoU"]["denominator"] > 0


def test_table1_names_a_data_set_that_is_the_current_folder(call, data, tiny, monkeypatch):
    monkeypatch.chdir(data)
    answer = call("evaluate", "table1", ".", "--samples", 0, "--json", "--weights", tiny)
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)[0]["title"] == "Order and whole shapes: set"


def test_a_gap_gives_both_columns(call, data, tmp_path):
    target = tmp_path / "gap.md"
    answer = call("evaluate", "ordering", data, "--method", "convex", "--gap", 5, "--samples", 0, "-o", target)
    assert answer.code == 0, answer.err
    assert "acc_occpair, 5 px" in target.read_text()
    answer = call("evaluate", "amodal", "--data", data, "--method", "raw", "--gap", 5, "--samples", 0)
    assert answer.code == 0, answer.err
    assert "iou, cost" in answer.out


def test_predictions_of_another_method_are_scored(call, data, tmp_path):
    annotations = data / "annotations.json"
    for command, score in (("amodal", "iou"), ("ordering", "acc_occpair")):
        answer = call("evaluate", command, data, "--predictions", f"hers={annotations}", "--samples", 20, "--json")
        assert answer.code == 0, answer.err
        rows = json.loads(answer.out)[0]["rows"]
        assert [row["method"] for row in rows] == ["hers"]
        assert rows[0][score]["value"] == rows[0][score]["low"] == 1.0
        answer = call("evaluate", command, data, "--predictions", annotations, "--gap", 3)
        assert answer.code == 2
        assert "--gap: expected methods that can be asked again, found --predictions" in answer.err
        answer = call("evaluate", command, data, "--predictions", tmp_path / "absent.json")
        assert answer.code == 2
        assert "absent.json: expected a file or folder of masks" in answer.err


@pytest.mark.parametrize("command", ["ordering", "amodal", "table1"])
def test_bad_options_are_refused_before_the_work(call, data, tmp_path, command):
    (tmp_path / "there.md").write_text("mine")
    for options, text in (
        (("--weights", tmp_path / "absent.safetensors"), "absent.safetensors: weights: expected a weights file"),
        (("--weights", "pcnetm"), "did you mean 'pcnet-m'"),
        (("--weights", ""), "weights: expected the name of bundled weights, a file or a folder, found an empty text"),
        (("--samples", -1), "--samples"),
        (("-o", tmp_path / "there.md"), "--force"),
        (("--gap", -2), "--gap"),
        (("--method",), "--method"),
        (("--predictions",), "--predictions"),
        (("--truth", "mask"), "order truth: expected one of annotated, auto, masks"),
    ):
        answer = call("evaluate", command, data, *options)
        assert answer.code == 2
        assert text in answer.err
    assert call("evaluate", "table1").code == 2


@pytest.mark.parametrize("option", ["--supervised", "--order-net"])
def test_no_name_of_weights_is_not_the_current_folder(call, data, option):
    answer = call("evaluate", "table1", data, option, "")
    assert answer.code == 2
    assert option in answer.err
    assert "an empty text" in answer.err


@pytest.mark.parametrize("row", ["pcnet-c=", "chosen=", "telea=", "mean=x"])
def test_rows_of_content_without_the_weights_that_they_announce(call, data, row):
    answer = call("evaluate", "content", data, "--rows", row)
    assert answer.code == 2
    assert "row: expected weights" in answer.err


def test_damaged_weights_are_named(call, data, tmp_path):
    (tmp_path / "cut.safetensors").write_bytes(b"not weights at all")
    answer = call("evaluate", "ordering", data, "--method", "pcnet-m", "--weights", tmp_path / "cut.safetensors")
    assert answer.code == 2
    assert "damaged" in answer.err
    assert "Traceback" not in answer.err
