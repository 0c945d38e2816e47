"""Every table by its name."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.catalogue import TABLES, cohort_table


def test_names_are_those_of_the_tables():
    cohort = Cohort(cohorts.explained(cohorts.drawn(40)))
    for name in TABLES:
        if name != "scans":
            assert cohort_table(cohort, name).name == name


def test_another_name():
    with pytest.raises(InputError, match="no table 'x'"):
        cohort_table(Cohort(cohorts.drawn(20)), "x")
