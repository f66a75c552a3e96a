"""Training from the command line, at toy size."""

import pytest

pytest.importorskip("lightning_fabric", reason="the extra 'train' is not installed")

RECIPE = """
pack = "set by the test"

[net]
width = 0.25

[loop]
precision = "float32"
validate_every = 2
log_every = 1

[[loop.phases]]
steps = 2
size = 32
batch = 4
"""


@pytest.fixture
def pack(call, inputs, tmp_path):
    answer = call("train", "pack", tmp_path / "pack", "--source", inputs[1], "--shapes", 12, "--crop-size", 32)
    assert answer.code == 0, answer.err
    return tmp_path / "pack"


def test_pack_and_train_give_a_weights_file_that_describes_itself(call, pack, tmp_path):
    from deocclude.weights import read_weights

    (tmp_path / "toy.toml").write_text(RECIPE)
    answer = call("train", "pcnet-m", "--config", tmp_path / "toy.toml", "--pack", pack, "-o", tmp_path / "run")
    assert answer.code == 0, answer.err
    info, state = read_weights(tmp_path / "run" / "weights.safetensors")
    assert info.task == "pcnet-m"
    assert info.architecture["width"] == 0.25
    assert state


def test_a_misspelt_key_is_refused(call, pack, tmp_path):
    (tmp_path / "toy.toml").write_text(RECIPE.replace("width", "widht"))
    answer = call("train", "pcnet-m", "--config", tmp_path / "toy.toml", "--pack", pack, "-o", tmp_path / "run")
    assert answer.code == 2
    assert "did you mean 'width'" in answer.err
    assert not (tmp_path / "run").exists()


def test_a_pack_that_is_there_is_not_overwritten(call, inputs, pack):
    answer = call("train", "pack", pack, "--source", inputs[1])
    assert answer.code == 2
    assert "--force" in answer.err


def test_a_recipe_that_is_not_there(call):
    answer = call("train", "pcnet-m", "--config", "paperr")
    assert answer.code == 2
    assert "one that ships, found no such file; 'deocclude train recipes' lists" in answer.err


def test_recipes_are_listed(call):
    assert "pcnet_m_paper" in call("train", "recipes").out


@pytest.mark.parametrize("command", ["supervised", "order-net"])
def test_baselines_train_on_labelled_data_and_refuse_others(call, inputs, tmp_path, command):
    data = tmp_path / "data"
    assert call("synthesize", data, "--count", 30, "--seed", 1, "--config", small(tmp_path)).code == 0
    recipe = "crop_size = 48\nsize = 32\n" + RECIPE.partition("[loop]")[2].join(["[loop]", ""])
    (tmp_path / "toy.toml").write_text(recipe)
    answer = call("train", command, "--config", tmp_path / "toy.toml", "--data", data, "-o", tmp_path / "run")
    assert answer.code == 0, answer.err
    assert (tmp_path / "run" / "weights.safetensors").is_file()
    option = "--supervised" if command == "supervised" else "--order-net"
    answer = call("evaluate", "table1", data, option, tmp_path / "absent.safetensors")
    assert answer.code == 2
    assert "absent.safetensors" in answer.err
    answer = call("evaluate", "table1", data, option, tmp_path / "run")
    assert answer.code == 2
    assert "scenes that no network was trained on" in answer.err
    answer = call("train", command, "--config", tmp_path / "toy.toml", "-o", tmp_path / "other")
    assert answer.code == 2
    assert "at least one data set" in answer.err


def small(folder):
    (folder / "small.toml").write_text("width = 72\nheight = 56\nobjects = [3, 4]\n")
    return folder / "small.toml"


@pytest.mark.parametrize("quality", [0, 101, 90.5])
def test_a_quality_that_jpeg_does_not_have_is_refused(call, inputs, tmp_path, quality):
    answer = call("train", "pack-photos", tmp_path / "pack", "--source", inputs[1], "--quality", quality)
    assert answer.code == 2 and "--quality" in answer.err
    assert not (tmp_path / "pack").exists()


def test_a_pack_that_is_named_needs_none_in_the_recipe(call, pack, tmp_path):
    (tmp_path / "toy.toml").write_text(RECIPE.replace('pack = "set by the test"\n', ""))
    answer = call("train", "pcnet-m", "--config", tmp_path / "toy.toml", "--pack", pack, "-o", tmp_path / "run")
    assert answer.code == 0, answer.err


def test_of_several_processes_one_says_where_the_run_is(capsys, monkeypatch, tmp_path):
    from deocclude.cli import train

    for rank, lines in (("0", 1), ("1", 0)):
        monkeypatch.setenv("RANK", rank)
        train._report(tmp_path)
        assert len(capsys.readouterr().out.splitlines()) == lines
