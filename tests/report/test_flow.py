"""Where patients go between the cohort and the tables."""

from __future__ import annotations

from itertools import pairwise

from report import cohorts

from spinalcord import Cohort
from spinalcord.report.cases import ask
from spinalcord.report.diagnoses import confusion
from spinalcord.report.flow import diagnosis_counts, evaluated_counts
from spinalcord.tasks import TASKS


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
        "excluded on request": 1,
    }


def test_the_last_box_is_what_the_four_diagnoses_are_counted_of():
    table = cohorts.drawn(40)
    table["reference_diagnosis"][0:4] = ["M.S.", "tumor", "healthy", "n/a"]
    table["diagnosis"][5] = "unclear"
    cohort = Cohort(table)
    steps = cohort.flow
    for step, after in pairwise(steps):
        assert step.n - sum(n for _, n in step.left) == after.n
    assert steps[-1].n == confusion(cohort.cases)[0].n
    assert dict(steps[-2].left) == {
        "no reference": 1, "reference 'M.S.', not known": 1, "reference tumor": 1,
        "reference healthy": 1,
    }  # fmt: skip
    assert dict(steps[-3].left) == {"answer of another word": 1}
    assert "M.S." not in diagnosis_counts(cohort)


def test_each_task_counts_its_own_patients():
    table = cohorts.drawn(40)
    table["reference_diagnosis"][0] = "tumor"
    cohort = Cohort(table)
    counts = evaluated_counts(cohort)
    assert counts == {name: int(ask(cohort.cases, name).answered.sum()) for name in TASKS}
    rows = cohort.table("table2").rows
    for name, n in counts.items():
        own = next(
            r for r in rows if (r["task"], r["cases"], r["figure"]) == (name, "all", "accuracy")
        )
        assert own["n"] == n
    table["ms_vs_nmosd_label"] = ["unclear"] * 40
    assert "ms_vs_nmosd" not in evaluated_counts(Cohort(table))
