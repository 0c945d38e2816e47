"""Dice scores and lesions found: every case is there."""

from __future__ import annotations

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import figures
from spinalcord.report.cases import Cases


def test_every_patient_is_shown(axes):
    table = cohorts.drawn(41)
    table["dice"][0] = "n/a"
    figures.draw_dice(Cohort(table), ax=axes)
    shown = [np.asarray(c.get_offsets())[:, 1] for c in axes.collections if len(c.get_offsets())]
    shown = [y for y in shown if y.size > 1]
    assert [y.size for y in shown] == [10, 10, 10, 10]
    np.testing.assert_allclose(np.sort(shown[1]), np.sort(table["dice"][1::4]))
    labels = [tick.get_text() for tick in axes.get_xticklabels()]
    assert labels[0] == "astrocytoma\nn = 10"


def test_lesions_found_by_size(axes):
    cohort = Cohort(cohorts.drawn(40))
    n = 48
    volume = np.arange(1, n + 1)
    columns = {
        "case_id": [f"sub-{i % 40:05d}" for i in range(n)],
        "mask": ["reference"] * n,
        "volume_mm3": [str(v) for v in volume],
        "overlap_fraction": ["0.5" if v > 24 else "0.0" for v in volume],
    }
    cohort.lesions = Cases({k: np.array(v, object) for k, v in columns.items()}, n)
    figures.draw_recall(cohort, ax=axes)
    y = axes.containers[0].lines[0].get_ydata()
    assert list(y) == [0, 0, 1, 1]
    assert axes.get_xscale() == "log"
    assert axes.get_title().startswith("24 of 48 lesions found")
    shown = sum(len(c.get_offsets()) for c in axes.collections if len(c.get_offsets()) > 4)
    assert shown == n


def test_lesions_of_one_size_have_a_decade_around_them(axes):
    cohort = Cohort(cohorts.drawn(8))
    columns = {
        "case_id": [f"sub-{i:05d}" for i in range(8)],
        "mask": ["reference"] * 8,
        "volume_mm3": ["304.128004"] * 4 + ["304.128005"] * 4,
        "overlap_fraction": ["0.0"] * 8,
    }
    cohort.lesions = Cases({k: np.array(v, object) for k, v in columns.items()}, 8)
    figures.draw_recall(cohort, ax=axes)
    low, high = axes.get_xlim()
    assert high / low == pytest.approx(10)
    assert low < 304.128 < high


def test_refusals(axes):
    with pytest.raises(InputError, match="no case has a Dice score"):
        figures.draw_dice(Cohort(cohorts.of_letter()), ax=axes)
    with pytest.raises(InputError, match="no lesions of reference masks"):
        figures.draw_recall(Cohort(cohorts.drawn(8)), ax=axes)
