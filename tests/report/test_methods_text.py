"""The paragraph on statistical methods."""

from __future__ import annotations

from report import cohorts

from spinalcord import Cohort
from spinalcord.report.methods_text import methods_paragraph


def paragraph(*names, n=60):
    cohort = Cohort(cohorts.drawn(n))
    tables = {name: cohort.table(name) for name in names}
    return methods_paragraph(tables, level=0.95, version="1.0")


def test_only_what_was_used_is_named():
    text, references = paragraph("four_class")
    assert "Wilson" in text
    assert "McNemar" not in text
    assert not any("McNemar" in reference for reference in references)
    text, references = paragraph("readers", "operating")
    assert "McNemar's test" in text
    assert "Holm's method" in text
    assert any("Zhou XH" in reference for reference in references)


def test_numbers_lead_to_the_references():
    text, references = paragraph("readers", "operating", "calibration", "agreement", "benefit")
    for i in range(1, len(references) + 1):
        assert f"[{i}]" in text or f"[{i}, " in text or f", {i}]" in text, i
    assert len({*references}) == len(references) > 8
    assert text.endswith("All was computed with spinalcord 1.0.")
