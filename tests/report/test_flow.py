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


def test_quality_control_is_told_apart_from_other_exclusions(tmp_path):
    reasons = [
        "quality control: fail",
        "quality control: artefact: moved",
        "quality control: artefact",
        "no consent",
    ]
    excluded = {
        "case_id": [f"out-{i}" for i in range(4)],
        "participant_id": [f"out-{i}" for i in range(4)],
        "split": ["test"] * 4,
        "reference_diagnosis": ["MS"] * 4,
        "reason": reasons,
    }
    none = {"case_id": [], "participant_id": [], "split": [], "reference_diagnosis": []}
    folder = cohorts.write_run(
        tmp_path / "run", cohorts.drawn(20), excluded=excluded, failures=none, lesions=none
    )
    left = dict(Cohort(folder).flow[0].left)
    left.pop("not yet run")
    assert left == {
        "quality control: fail": 1,
        "quality control: artefact": 2,
        "left out on request": 1,
    }
