import json
import math

import numpy as np
import pytest

from deocclude.errors import InputError
from deocclude.geometry import Size
from deocclude.masks import Mask, dilate
from deocclude.ordering import pair_model
from deocclude.ordering.cues import EdgeCues, edge_cues
from deocclude.ordering.pair_model import NAMES, PairMeasures, PairModel, SideMeasures, cues, fit, load

SIZE = Size(100, 100)
ROWS, COLUMNS = np.mgrid[:100, :100]
DISC = Mask.from_array((ROWS - 50) ** 2 + (COLUMNS - 40) ** 2 <= 20**2)
WALL = Mask.from_array((COLUMNS >= 50) & (COLUMNS < 90) & (ROWS >= 20) & (ROWS < 80)) - DISC
EDGE = EdgeCues(20.0, 0.0, 0.3)


def side(**values):
    return SideMeasures(**{"growth": 0.0, "hull": 0.0, "area": 400.0, **values})


def test_length_and_gap_of_the_edge():
    found = edge_cues(DISC, WALL, 6)
    assert 40 <= found.length <= 60
    assert found.gap == 0


def test_object_whose_outline_runs_on_is_in_front_at_the_ends():
    bar = Mask.from_array((COLUMNS >= 40) & (COLUMNS < 60))
    behind = Mask.from_array((ROWS >= 40) & (ROWS < 60) & (COLUMNS >= 10)) - bar
    found = edge_cues(bar, behind, 6)
    assert found.junctions > 0.1
    assert found.length == pytest.approx(40, abs=6)


@pytest.mark.parametrize("gap", [0, 2, 4])
def test_cues_turn_around_and_bear_gaps(gap):
    wall = WALL - dilate(DISC, gap)
    one, two = edge_cues(DISC, wall, 8), edge_cues(wall, DISC, 8)
    assert one.gap == pytest.approx(gap, abs=1)
    assert one.junctions == pytest.approx(-two.junctions, abs=1e-4)


def test_cues_of_a_pair_by_hand():
    first = side(growth=100.0, area=400.0)
    pair = PairMeasures(first, side(area=1600.0, hull=50.0), EDGE, (3.0, -1.0))
    found = cues(pair)
    slack = pair_model.SLACK * 20 * 20 + 2
    assert tuple(found) == NAMES
    assert found["growth"][0] == pytest.approx(math.log(slack / (100 + slack)))
    assert found["hull"][1] == pytest.approx(-math.tanh(math.log((50 + slack) / slack)))
    assert found["looks"] == (2.0, -2.0) and found["looks_either"] == (1.0, 1.0)
    assert found["junctions"] == pytest.approx((math.tanh(2), -math.tanh(2)))
    assert found["constant"] == (1.0, 1.0)


def test_probabilities_of_a_model():
    model = PairModel({"constant": -1.0, "looks": 2.0})
    first, second = model.probability(PairMeasures(side(), side(), EDGE, (1.0, -1.0)))
    assert first == pytest.approx(1 / (1 + math.exp(-1)))
    assert second == pytest.approx(1 / (1 + math.exp(3)))
    assert PairModel({"constant": -1e4}).probability(PairMeasures(side(), side(), EDGE)) == (0.0, 0.0)


def test_fit_finds_the_weights_back():
    rng = np.random.default_rng(0)
    vectors = np.column_stack([np.ones(20_000), rng.normal(0, 3, 20_000), np.zeros(20_000)])
    labels = rng.random(20_000) < 1 / (1 + np.exp(-(vectors @ [0.5, -1.0, 0.0])))
    found = fit(vectors, labels, ("constant", "growth", "junctions"))
    assert found["constant"] == pytest.approx(0.5, abs=0.1)
    assert found["growth"] == pytest.approx(-1.0, abs=0.1)
    assert found["junctions"] == 0.0


def test_model_survives_its_file(tmp_path):
    model = PairModel({"constant": 0.25, "growth": -1.5}, {"by": "test"})
    model.save(tmp_path / "model.json")
    assert load(tmp_path / "model.json") == model


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weights": {"growth": "x"}, "fitted": {}}'])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"model\.json: expected a pair model"):
        load(path)


def test_unknown_cues_are_named(tmp_path):
    path = tmp_path / "model.json"
    path.write_text(json.dumps({"weights": {"colour": 1}, "fitted": {}}))
    with pytest.raises(InputError, match="weights: expected cues among growth, .*found 'colour'"):
        load(path)


def test_bundled_model_says_how_it_was_fitted():
    model = pair_model.bundled()
    assert set(model.weights) <= set(NAMES)
    assert set(model.fitted["scores"]) == {"synthetic", "composite", "tabletop", "standing"}
