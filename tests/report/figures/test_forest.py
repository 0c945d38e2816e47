"""Subgroups as a forest."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import figures


@pytest.mark.parametrize("figure", ["accuracy", "sensitivity", "auc"])
def test_a_line_for_all_and_for_each_subgroup(axes, figure):
    cohort = Cohort(cohorts.drawn(120))
    figures.draw_subgroups(cohort, figure, ax=axes)
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert len(labels) == 3 * (1 + 4 * 2)
    assert labels[:3] == ["tumor or demyelination", "adults", "children"]
    label = "AUC" if figure == "auc" else figure
    assert axes.get_xlabel() == label
    (row,) = [
        r
        for r in cohort.table("table2").rows
        if (r["task"], r["cases"], r["figure"]) == ("tumor_vs_demyelination", "all", label)
    ]
    marks = [line for line in axes.lines if line.get_marker() == "D"]
    assert marks[0].get_xdata()[0] == row["estimate"]
    tests = [t.get_text() for t in axes.texts if t.get_text().startswith("p ")]
    assert len(tests) == 12


def test_refusals(axes):
    with pytest.raises(InputError, match="no figure 'x'"):
        figures.draw_subgroups(Cohort(cohorts.drawn(8)), "x", ax=axes)
    with pytest.raises(InputError, match="no subgroups"):
        figures.draw_subgroups(Cohort(cohorts.of_letter()), ax=axes)
