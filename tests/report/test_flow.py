"""Where patients go between the cohort and the tables."""

from __future__ import annotations

from itertools import pairwise

from report import cohorts

from spinalcord import Cohort
from spinalcord.report.flow import diagnosis_counts


def test_every_box_is_the_one_before_less_who_left():
    table = cohorts.drawn(40)
    table["split"][30:] = ["train"] * 10
    table["participant_id"][1] = table["participant_id"][0]
    table["found"][3], table["diagnosis"][3] = "false", "n/a"
    table["reference_diagnosis"][5] = "n/a"
    cohort = Cohort(table)
    steps = cohort.flow
    assert [step.n for step in steps] == [40, 40, 29, 28, 27]
    for step, after in pairwise(steps):
        assert step.n - sum(n for _, n in step.left) == after.n
    assert dict(steps[1].left) == {"of other splits": 10, "further scans of the same patients": 1}
    assert dict(steps[2].left) == {"no lesion found": 1}
    assert dict(steps[3].left) == {"no reference": 1}
    assert sum(diagnosis_counts(cohort).values()) == 28
