"""Whole figures: slices in order, what is said above and below, and the colour bar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import spinalcord as sc
from spinalcord.errors import InputError
from spinalcord.pictures.plots import plot_scene
from spinalcord.pictures.scene import Scene


def slice_titles(figure):
    return [ax.get_title() for ax in figure.axes if "slice" in ax.get_title()]


@pytest.fixture
def explanation(segmentation, model_folder):
    scan, mask = segmentation.scan, segmentation.mask
    return sc.explain(scan, mask=mask, task="ms_vs_nmosd", models=model_folder)


def drawn(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()
    return figure


def test_slices_run_from_left_to_right(figure, segmentation):
    assert segmentation.plot(figure=figure) is figure
    # Stored from right to left: 3 is the patient's left.
    assert slice_titles(figure) == ["L ← slice 3", "slice 2", "slice 1 → R"]
    shown = figure.get_suptitle()
    assert shown.startswith("1 lesion, 84 mm³\nall 3 slices with lesion")
    legend = figure.legends[0]
    assert [t.get_text() for t in legend.get_texts()] == ["lesion", "cord"]
    assert legend.get_title().get_text() == "only a test"
    drawn(figure)
    places = [ax.get_position() for ax in figure.axes]
    order = [(-round(p.y0, 3), p.x0) for p in places]
    assert order == sorted(order)


def test_all_slices_have_one_scale(figure, segmentation):
    segmentation.plot(figure=figure)
    limits = {ax.images[0].get_clim() for ax in figure.axes}
    extents = {tuple(ax.images[0].get_extent()) for ax in figure.axes}
    assert len(limits) == len(extents) == 1


def test_chosen_slices(figure, segmentation):
    segmentation.plot(slices=[0, 5, 2], figure=figure, margin_mm=None)
    assert slice_titles(figure) == ["L ← slice 5", "slice 2", "slice 0 → R"]
    assert "3 of 6 slices, from the patient's left to the right" in figure.get_suptitle()
    with pytest.raises(InputError, match="slices contains 6"):
        segmentation.plot(slices=[6])
    with pytest.raises(InputError, match="margin_mm is -1"):
        segmentation.plot(margin_mm=-1)


def test_axes_get_one_slice_and_nothing_else(figure, segmentation):
    ax = figure.add_subplot()
    assert segmentation.plot(ax=ax) is ax
    assert figure.axes == [ax]
    assert ax.get_title() == "L ← slice 2 → R"  # most lesion
    assert segmentation.plot(ax=figure.add_subplot(), slices=[1]).get_title() == "L ← slice 1 → R"


def test_probability_has_a_bar_from_0_to_1(figure, segmentation):
    segmentation.plot(probability=True, figure=figure)
    (bar,) = [ax for ax in figure.axes if ax.get_ylabel()]
    assert bar.get_ylabel() == "probability of lesion"
    assert bar.get_ylim() == (0, 1)


def test_map_has_a_bar_with_its_raw_values(figure, explanation):
    explanation.plot(figure=figure)
    (bar,) = [ax for ax in figure.axes if ax.get_ylabel()]
    assert bar.get_ylabel() == "attribution for NMOSD, in the logit's units"
    limit = float(np.abs(explanation.map.array).max())
    assert limit > 0
    assert bar.get_ylim() == pytest.approx((-limit, limit))
    share = f"{explanation.inside_fraction:.1%}"
    assert figure.get_suptitle().startswith(
        f"ms_vs_nmosd: NMOSD (p = {explanation.probability:.2f}), Grad-CAM\n{share} of the"
    )
    assert slice_titles(figure) == ["L ← slice 3", "slice 2", "slice 1 → R"]
    drawn(figure)


def test_a_map_of_zeros_says_so(figure, explanation):
    zeros = explanation.scan.like(np.zeros(explanation.scan.shape, np.float32))
    replace(explanation, map=zeros).plot(figure=figure)
    assert any("0 everywhere" in t.get_text() for ax in figure.axes for t in ax.texts)
    assert len(figure.axes) == 3  # no bar


def test_diagnosis_beside_its_slices(figure, diagnosis):
    assert diagnosis.plot(figure=figure) is figure
    bars, mosaic = figure.subfigs
    assert [ax.get_title(loc="left") for ax in bars.axes] == [
        "Questions and thresholds",
        "Diagnoses",
    ]
    assert slice_titles(mosaic) == ["L ← slice 3", "slice 2 → R", "L ← slice 1 → R"]  # two rows
    assert mosaic.get_suptitle().startswith("decided: NMOSD")
    drawn(figure)


def test_diagnosis_on_axes(figure, diagnosis):
    ax = figure.add_subplot()
    assert diagnosis.plot(ax=ax) is ax
    assert ax.get_title(loc="left") == "Questions and thresholds"


def test_nothing_found(figure, nothing_found):
    seg, diagnosis = nothing_found
    one, other = figure.subfigures(1, 2)
    seg.plot(figure=one)
    diagnosis.plot(figure=other)
    assert one.get_suptitle() == "No lesion found\n1 of 6 slices, none with lesion"
    assert other.get_suptitle().startswith("No lesion found: nothing to classify\n")
    assert slice_titles(one) == slice_titles(other) == ["L ← slice 2 → R"]
    with pytest.raises(InputError, match="nothing was classified"):
        diagnosis.plot(ax=figure.add_subplot())


def test_no_lesion_to_explain(figure, nothing_found, model_folder):
    seg, _ = nothing_found
    none = sc.explain(seg.scan, mask=seg.mask, task="ms_vs_nmosd", models=model_folder)
    none.plot(figure=figure)
    assert figure.get_suptitle().startswith("No lesion found: nothing to explain")
    assert len(figure.axes) == 1


@pytest.mark.slow
def test_many_slices_fill_rows_evenly(pyplot, scene):
    lesion = np.zeros((30, 60, 40), np.uint8)
    lesion[3:28, 20:26, 10:13] = 1
    scan = np.random.default_rng(0).random(lesion.shape, np.float32)
    tall = Scene(
        type(scene.scan)(scan, scene.scan.affine), type(scene.scan)(lesion, scene.scan.affine)
    )
    figure = plot_scene(tall)
    titles = slice_titles(figure)
    assert len(titles) == 12
    assert "12 of 25 slices with lesion" in figure.get_suptitle()
    assert sum(title.startswith("L ←") for title in titles) == sum("→ R" in t for t in titles) > 1
    assert figure.get_figwidth() < 11
    assert figure.number in pyplot.get_fignums()
    drawn(figure)
