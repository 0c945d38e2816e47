"""Tables as DataFrames."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.report.frames import Frames

pytest.importorskip("pandas", reason="needs pandas, of the extra report")


def test_methods_give_the_tables_of_their_name():
    cohort = Cohort(cohorts.drawn(40))
    for name in ("operating", "paired", "benefit", "planning"):
        frame = getattr(cohort, name)()
        assert frame.attrs["title"] == cohort.table(name).title
        assert len(frame) == len(cohort.table(name).rows)


def test_the_class_alone_makes_none():
    with pytest.raises(NotImplementedError):
        Frames().operating()
