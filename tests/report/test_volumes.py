"""Lesion volumes against the reference."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.volumes import volumes

pytest.importorskip("scipy", reason="these intervals need SciPy, of the extra stats")


def test_bias_is_the_mean_difference():
    cohort = Cohort(cohorts.drawn(40))
    rows = cohort.table("volumes").rows
    gap = cohort.cases.numbers("volume_difference_mm3") / 1000
    assert [row["figure"] for row in rows] == [
        "bias", "lower limit of agreement", "upper limit of agreement", "ICC(2, 1)",
    ]  # fmt: skip
    assert rows[0]["estimate"] == pytest.approx(gap.mean())
    assert 0.9 < rows[3]["estimate"] < 1


def test_too_few():
    table = cohorts.drawn(40)
    del table["volume_difference_mm3"]
    with pytest.raises(InputError, match="0 cases have lesion_volume_mm3"):
        volumes(Cohort(table).cases)
