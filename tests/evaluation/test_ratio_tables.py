"""Ratios, their intervals, and tables."""

import json
import math

import numpy as np
import pytest

from deocclude.evaluation.ratio import Estimate, Ratio, difference
from deocclude.evaluation.tables import Table, write


def test_sums_are_exact_and_pooled():
    ratio = Ratio.of([(1, 2), (0, 0), (674458, 840274)])
    assert ratio.counts == (674459, 840276)
    assert all(isinstance(number, int) for number in ratio.counts)
    assert ratio.value == 674459 / 840276
    assert math.isnan(Ratio.of([]).value)
    assert math.isnan(Ratio.of([(0, 0)]).value)


def test_interval_holds_the_value_is_seeded_and_shrinks_with_more_scenes():
    rng = np.random.default_rng(0)
    few, many = (Ratio.of([(int(rng.random() < 0.7), 1) for _ in range(n)]) for n in (30, 3000))
    narrow, wide = many.estimate(), few.estimate()
    assert wide.low < wide.value < wide.high
    assert narrow.high - narrow.low < (wide.high - wide.low) / 5
    assert narrow.high - narrow.low == pytest.approx(4 * math.sqrt(0.21 / 3000), rel=0.15)
    assert few.estimate() == wide
    assert many.estimate(seed=1) != narrow


def test_no_interval_where_none_can_be_had():
    assert math.isnan(Ratio.of([(1, 2)]).estimate().low)
    assert math.isnan(Ratio.of([(1, 2), (1, 2)]).estimate(samples=0).low)
    assert Ratio.of([(1, 2), (1, 2), (0, 0)]).estimate().low == 0.5


def test_estimates_print_as_readers_expect():
    assert str(Estimate(0.9213, 0.9, 0.94)) == "0.921 [0.90, 0.94]"
    assert str(Estimate(0.5)) == "0.500"
    assert str(Estimate(float("nan"))) == "–"


TABLE = Table(
    "Order",
    (
        {"method": "convex", "pairs": 49, "acc": Estimate(0.7959, 0.7, 0.9, 39, 49)},
        {"method": "a|b", "acc": 0.5, "note": None},
    ),
    ("5 scenes",),
)


def test_markdown_is_aligned_and_escaped():
    lines = TABLE.markdown().splitlines()
    assert lines[0] == "**Order**"
    rows = [line for line in lines if line.startswith("|")]
    assert len({len(line) for line in rows}) == 1
    assert rows[0].split("|")[1].strip() == "method"
    assert rows[1].startswith("| :---")
    assert rows[1].count("-:") == 2
    assert "| 0.796 [0.70, 0.90] |" in rows[2]
    assert "a\\|b" in rows[3]
    assert lines[-1] == "5 scenes"


def test_json_is_strict_and_keeps_counts(tmp_path):
    write([TABLE, TABLE], tmp_path / "t.json")
    content = json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))
    assert content[0] == content[1]
    assert content[0]["columns"] == ["method", "pairs", "acc", "note"]
    assert content[0]["rows"][0]["acc"] == {
        "value": 0.7959, "low": 0.7, "high": 0.9, "numerator": 39, "denominator": 49
    }  # fmt: skip
    nothing = Table("", ({"x": float("nan"), "y": Estimate(float("nan"))},))
    row = nothing.as_plain()["rows"][0]
    assert row["x"] is None
    assert row["y"]["value"] is None
    write([TABLE], tmp_path / "t.md")
    assert (tmp_path / "t.md").read_text(encoding="utf-8") == TABLE.markdown()


def test_a_difference_is_over_the_same_scenes():
    rng = np.random.default_rng(1)
    hits = rng.integers(0, 6, 40)
    first, second = Ratio.of((h, 6) for h in hits), Ratio.of((h - 0.6, 6) for h in hits)
    paired = difference(first, second)
    assert paired.value == pytest.approx(0.1)
    assert paired.high - paired.low < 1e-9 < first.estimate().high - first.estimate().low
    assert math.isnan(difference(first, second, samples=0).low)
    assert math.isnan(difference(Ratio.of([(1, 2)]), Ratio.of([(1, 2)])).low)
    with pytest.raises(ValueError, match="40 scenes against 1"):
        difference(first, Ratio.of([(1, 2)]))
