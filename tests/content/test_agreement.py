from __future__ import annotations

import numpy as np
import pytest
from two_views import HEIGHT, WIDTH, hole, photo

from deocclude.content.agreement import NOWHERE, AgreementSettings, compare, expected_error
from deocclude.content.cells import shrunk
from deocclude.content.overlay import make_target
from deocclude.content.sampling import pixel_grid
from deocclude.content.stitch_model import StitchModel, bundled
from deocclude.content.target import Aligned
from deocclude.geometry import Size
from deocclude.references.features import empty

TRUTH = photo().astype(np.float32)
INSIDE = shrunk(hole()) > 0.9


@pytest.fixture(scope="module")
def target():
    return make_target(photo(), hole(), ~hole(), empty(Size(HEIGHT, WIDTH)))


def hypothesis(rgb, reference, valid=None, rehearsal=None):
    shown = np.ones((HEIGHT, WIDTH), bool) if valid is None else valid
    return Aligned(rgb, shown, rgb if rehearsal is None else rehearsal, pixel_grid(HEIGHT, WIDTH), np.eye(3), "made",
                   reference, 20)  # fmt: skip


def test_expected_error_is_that_on_the_band(target):
    everywhere = np.ones((HEIGHT, WIDTH), bool)
    found = expected_error(target, TRUTH + 10, everywhere, AgreementSettings())
    assert np.allclose(found[INSIDE], 100, rtol=0.01)
    assert expected_error(target, TRUTH, everywhere, AgreementSettings()).max() < 1e-3
    unseen = expected_error(target, TRUTH, hole(), AgreementSettings())
    assert (unseen == AgreementSettings().largest ** 2).all()


def test_errors_speak_for_what_is_near(target):
    half = TRUTH.copy()
    half[:, : WIDTH // 2] += 30
    costs = compare(target, [hypothesis(half, 0), hypothesis(TRUTH + 15, 1)], AgreementSettings(consensus=0))
    label = costs.total.argmin(0)
    columns = np.flatnonzero(INSIDE.any(0))
    rows = INSIDE.any(1)
    assert (label[rows][:, columns[0]] == 1).all()
    assert (label[rows][:, columns[-1]] == 0).all()


def test_the_odd_one_out_loses(target):
    spoilt = np.where(hole()[..., None], TRUTH[::-1], TRUTH)
    costs = compare(target, [hypothesis(spoilt, 0), hypothesis(TRUTH + 1, 1), hypothesis(TRUTH - 1, 2)])
    assert (costs.total.argmin(0)[INSIDE] != 0).all()
    assert costs.dissent[0][INSIDE].mean() > 1.8 * costs.dissent[1][INSIDE].mean()


def test_nothing_is_chosen_where_nothing_is_shown(target):
    valid = np.ones((HEIGHT, WIDTH), bool)
    valid[:, WIDTH // 2 :] = False
    costs = compare(target, [hypothesis(TRUTH, 0, valid), hypothesis(TRUTH + 20, 1)])
    assert (costs.total[0][:, WIDTH // 8 + 1 :] == NOWHERE).all()
    assert (costs.total.argmin(0)[:, WIDTH // 8 + 1 :] == 1).all()


def test_model_prefers_small_errors():
    good = {"error": 4.0, "plain": 6.5, "dissent": 4.0, "inliers": 4.0, "unseen_band": 0.0, "lonely": 0.0}
    bad = good | {"error": 8.0}
    assert bundled().confidence(good) > 0.9 > 0.3 > bundled().confidence(bad)
    assert StitchModel(1000.0, {}).confidence(good) == pytest.approx(1)
    assert StitchModel(-1000.0, {}).confidence(good) == pytest.approx(0)
