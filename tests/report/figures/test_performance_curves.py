"""ROC, calibration and decision curves: what is drawn is what was computed."""

from __future__ import annotations

import numpy as np
import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report import figures
from spinalcord.report.cases import ask
from spinalcord.report.figures.performance_curves import sensitivity_band
from spinalcord.stats import auc, decision_curve, roc_curve

pytest.importorskip("matplotlib", reason="figures need matplotlib, of the extra report")


@pytest.fixture(scope="module")
def cohort():
    return Cohort(cohorts.drawn(80))


def test_roc_has_curves_areas_and_readers(cohort, axes):
    assert figures.draw_roc(cohort, ax=axes) is axes
    asked = ask(cohort.cases, "ms_vs_nmosd")
    want = roc_curve(asked.truth, asked.probability)
    drawn = [line.get_xydata() for line in axes.lines]
    assert any(
        xy.shape == (want.threshold.size, 2) and np.allclose(xy[:, 1], want.sensitivity)
        for xy in drawn
    )
    words = [text.get_text() for text in axes.get_legend().get_texts()]
    assert f"{auc(asked.truth, asked.probability).estimate:.2f}" in words[2]
    assert words[3:] == ["reader 1", "reader 2", "model, at its threshold"]
    points = [line for line in axes.lines if line.get_marker() in "sD" and len(line.get_xdata())]
    assert len(points) == 6


def test_bands_hold_the_curve_and_depend_on_the_seed_alone():
    rng = np.random.default_rng(0)
    truth = np.arange(90) % 2 == 0
    scores = rng.normal(0, 1, 90) + truth
    options = {"level": 0.95, "replicates": 300}
    low, high = sensitivity_band(truth, scores, seed=1, **options)
    curve = roc_curve(truth, scores)
    grid = np.linspace(0, 1, 101)
    place = np.searchsorted(curve.false_positive_rate, grid + 1e-12, side="right") - 1
    middle = curve.sensitivity[place]
    assert ((low <= middle) & (middle <= high)).mean() > 0.97
    assert (high - low).max() > 0.1
    np.testing.assert_array_equal(low, sensitivity_band(truth, scores, seed=1, **options)[0])
    wider = sensitivity_band(truth, scores, seed=1, level=0.99, replicates=300)[0]
    assert (wider <= low).all()
    assert (wider < low).any()


def test_reliability_of_each_bin(cohort, axes):
    figures.draw_reliability(cohort, "ms_vs_nmosd", ax=axes, bins=4)
    line = axes.containers[0].lines[0]
    asked = ask(cohort.cases, "ms_vs_nmosd")
    ranked = np.argsort(asked.probability)
    want = [asked.truth[part].mean() for part in np.array_split(ranked, 4)]
    np.testing.assert_allclose(line.get_ydata(), want)
    assert axes.get_xlabel() == "probability of NMOSD"


def test_decision_curve(cohort, axes):
    figures.draw_decision_curve(cohort, "ms_vs_nmosd", ax=axes)
    asked = ask(cohort.cases, "ms_vs_nmosd")
    want = decision_curve(asked.truth, asked.probability)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), want.model)
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), want.treat_all)


def test_without_axes_one_gets_a_figure(cohort):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    ax = figures.draw_decision_curve(cohort, "ms_vs_nmosd")
    assert pyplot.fignum_exists(ax.figure.number)
    pyplot.close(ax.figure)


@pytest.mark.parametrize("draw", [figures.draw_reliability, figures.draw_decision_curve])
def test_refusals(draw, axes):
    with pytest.raises(InputError, match="no task 'x'"):
        draw(Cohort(cohorts.drawn(8)), "x", ax=axes)
    with pytest.raises(InputError, match="has a probability of ms_vs_nmosd"):
        draw(Cohort(cohorts.of_letter()), "ms_vs_nmosd", ax=axes)
    with pytest.raises(InputError, match="no task has probabilities"):
        figures.draw_roc(Cohort(cohorts.of_letter()), ax=axes)
