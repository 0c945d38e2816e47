"""The STARD checklist."""

from __future__ import annotations

from report import cohorts

from spinalcord import Cohort
from spinalcord.report.claim import OPEN
from spinalcord.report.stard import ITEMS, stard_table


def test_what_the_cohort_knows():
    cohort = Cohort(cohorts.drawn(40))
    table = stard_table(cohort, {"table2": cohort.table("table2")}, "1.0")
    answers = {row["item"]: row["answer"] for row in table.rows}
    assert len(ITEMS) == len(answers) == 34  # 30 items, of which four have two parts
    assert answers["24"] == "see table 2"
    assert "tumor or demyelination: 0.5" in answers["12a"]
    assert answers["20"] == OPEN
    assert answers["28"] == OPEN
    filled = sum(answer != OPEN for answer in answers.values())
    assert table.notes[0].startswith(f"{filled} of 34 items")


def test_newer_methods_are_named_where_they_were_used():
    cohort = Cohort(cohorts.drawn(40))
    names = ("table2", "operating", "reader_group", "subgroups", "adjusted")
    table = stard_table(cohort, {name: cohort.table(name) for name in names}, "1.0")
    answers = {row["item"]: row["answer"] for row in table.rows}
    assert answers["24"] == "see table 2 and the operating points"
    assert "Obuchowski-Rockette" in answers["14"]
    assert answers["17"].endswith("exploratory; adjusted for each other below")
