from __future__ import annotations

import numpy as np
import pytest

from deocclude.content.agreement import NOWHERE
from deocclude.content.blend import NONE, BlendSettings, Picture, blend, shares
from deocclude.geometry import Size

SIZE = Size(40, 60)


def flat(level, source, valid=None):
    shown = np.ones(SIZE, bool) if valid is None else valid
    return Picture(np.full((*SIZE, 3), level, np.float32), shown, source)


def costs(*values):
    return np.stack([np.full((10, 15), value, np.float32) for value in values])


def test_shares_add_up_and_follow_the_cost():
    found = shares(costs(100, 200, NOWHERE), 1.0)
    assert found[:, 0, 0] == pytest.approx([2 / 3, 1 / 3, 0])
    assert shares(costs(100, 101), np.inf)[:, 0, 0].tolist() == [1, 0]
    assert shares(costs(NOWHERE, NOWHERE), 2.0).sum() == 0
    assert shares(costs(1, 1e5), 3.0)[1].max() == 0, "hardly any weight is none"


def test_equal_hypotheses_are_averaged_and_the_larger_share_is_named():
    rgb, source = blend([flat(10, 0), flat(30, 1), flat(30, 1)], costs(100, 100, 100), SIZE)
    assert rgb == pytest.approx(np.full((*SIZE, 3), 70 / 3), abs=1e-3)
    assert (source == 1).all()


def test_where_nothing_is_shown_there_is_no_source():
    valid = np.zeros(SIZE, bool)
    valid[:, :30] = True
    rgb, source = blend([flat(10, 4, valid)], costs(5), SIZE)
    assert (source[:, :30] == 4).all()
    assert (source[:, 30:] == NONE).all()
    assert (rgb[:, 30:] == 0).all()


def test_fine_detail_is_that_of_the_best():
    rng = np.random.default_rng(0)
    one, other = (Picture(rng.uniform(0, 255, (*SIZE, 3)).astype(np.float32), np.ones(SIZE, bool), k) for k in (0, 1))
    total = costs(100, 101)
    sharp, _ = blend([one, other], total, SIZE)
    dull, _ = blend([one, other], total, SIZE, BlendSettings(fine=False))

    def steps(picture):
        return float(np.abs(np.diff(picture, axis=1)).mean())

    assert steps(sharp) > 1.2 * steps(dull)
    assert sharp.mean() == pytest.approx(dull.mean(), rel=0.02)
    alone, _ = blend([one, other], total, SIZE, BlendSettings(power=np.inf))
    assert alone == pytest.approx(one.rgb, abs=0.01)
