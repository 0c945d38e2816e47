"""The checklist: 44 items, filled where known and nowhere else."""

from __future__ import annotations

from report import cohorts

from spinalcord import Cohort
from spinalcord.report.claim import ITEMS, OPEN, claim_table


def answers(cohort, *names):
    tables = {name: cohort.table(name) for name in names}
    return {row["item"]: row["answer"] for row in claim_table(cohort, tables, "1.2.3").rows}


def test_items_are_numbered_without_gap():
    assert [number for number, _, _ in ITEMS] == list(range(1, 45))


def test_what_a_run_knows_is_filled_in(tmp_path):
    table = cohorts.drawn(40) | {"ms_vs_nmosd_inside_fraction": ["0.5", "0.7"] + ["n/a"] * 38}
    table["diagnosis"][0] = "n/a"
    run = cohorts.write_run(
        tmp_path / "out",
        table,
        description={
            "settings": {"precision": "f32", "explanation": {"method": "layercam"}},
            "models": [{"role": "lesion", "network": "multiresunet", "name": "m", "version": "2"}],
        },
    )
    got = answers(Cohort(run), "table1", "table2", "agreement", "subgroups")
    assert "precision f32" in got[9]
    assert got[12].startswith("patients without an answer, excluded: 1;")
    assert got[19] == "as the cohort says; the split test was evaluated"
    assert got[20].startswith("the patient")
    assert got[22].startswith("lesion: multiresunet, m 2;")
    assert "1.2.3" in got[23]
    assert got[31].startswith("LayerCAM; mean share")
    assert got[31].endswith("ms_vs_nmosd 60 % (n = 2)")
    assert "patients of the split test: 40" in got[35]
    assert (got[18], got[36]) == ("see kappa and AC1 of readers", "see table 1")
    for item in (1, 5, 14, 24, 25, 33, 34, 40, 44):
        assert got[item] == OPEN


def test_a_table_knows_less():
    got = answers(Cohort(cohorts.of_letter()))
    for item in (9, 18, 19, 22, 31, 36, 37, 39):
        assert got[item] == OPEN


def test_newer_methods_are_named_where_they_were_used():
    cohort = Cohort(cohorts.drawn(40))
    bare = answers(cohort, "table2")
    assert "Obuchowski" not in bare[29]
    assert "net benefit" not in bare[28]
    names = ("table2", "operating", "reader_group", "subgroups", "adjusted", "benefit", "planning")
    got = answers(cohort, *names)
    assert "readers as a random group (Obuchowski-Rockette)" in got[29]
    assert "Benjamini-Hochberg" in got[29]
    assert "partial AUC" in got[28]
    assert "net benefit" in got[28]
    assert got[30] == "see subgroups with interactions, each factor adjusted for the others"
    assert got[21].endswith("see the table of patients for a next study")
