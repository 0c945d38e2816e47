"""The smooth calibration curve."""

from __future__ import annotations

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import figures
from spinalcord.stats import calibration_curve

pytest.importorskip("matplotlib", reason="figures need matplotlib, of the extra report")


def test_the_line_is_that_of_the_statistics():
    cohort = Cohort(cohorts.drawn(60))
    ax = figures.draw_calibration_curve(cohort, "tumor_vs_demyelination")
    truth = [w in ("MS", "NMOSD") for w in cohort.cases.words("reference_diagnosis")]
    p = cohort.cases.numbers("tumor_vs_demyelination_probability")
    curve = calibration_curve(truth, p)
    line = next(line for line in ax.lines if line.get_label() == "loess")
    assert line.get_xdata() == pytest.approx(curve.probability)
    assert line.get_ydata() == pytest.approx(curve.observed)
    assert ax.get_title() == "tumor or demyelination"


@pytest.mark.parametrize(("n", "shown"), [(40, True), (120, False)])
def test_a_band_of_few_cases_is_labelled(n, shown):
    ax = figures.draw_calibration_curve(Cohort(cohorts.drawn(n)), "tumor_vs_demyelination")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert ("band too narrow: fewer than 50 cases" in labels) is shown


def test_too_few_cases():
    with pytest.raises(InputError, match="too few for a smooth curve"):
        figures.draw_calibration_curve(Cohort(cohorts.drawn(12)), "tumor_vs_demyelination")
