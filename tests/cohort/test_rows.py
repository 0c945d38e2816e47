"""Rows of one case, checked against the stand-ins' known answers."""

from __future__ import annotations

import numpy as np
import pytest
from stand_ins import SPACING, StandInNetwork, cord_of, lesion_of, stored, working_array

from spinalcord.analysis.attribution import Agreement, ExplanationOptions
from spinalcord.analysis.case import CaseResults
from spinalcord.analysis.classification import classify_slices
from spinalcord.analysis.pipeline import Pipeline
from spinalcord.analysis.segmentation import segment_scan
from spinalcord.cohort.rows import attribution_columns, attribution_row, case_rows
from spinalcord.scans.preparation import LesionSlices, Stopwatch, WorkingScan
from spinalcord.stats.segmentation_metrics import score_segmentation
from spinalcord.tasks import TASKS


@pytest.fixture
def rows(cord_folder):
    def make(reference=None, unannotated=(), **how):
        pipeline = Pipeline(cord_folder)
        scan = WorkingScan(stored(working_array(), **how))
        found = segment_scan(scan, pipeline.network("segmentation"), watch=Stopwatch())
        lesion = LesionSlices(scan, scan.working(found.mask.array))
        networks = {task: pipeline.network(task) for task in TASKS}
        diagnosis = classify_slices(lesion, networks, segmentation=found, watch=Stopwatch())
        results = CaseResults(found, diagnosis, {}, lesion)
        return found, diagnosis, case_rows(scan, results, reference, unannotated)

    return make


def test_lesions_are_those_of_the_segmentation(rows):
    found, _, made = rows()
    assert len(found.lesions) == len(made["lesions"]) == made["case"]["n_lesions"] == 3
    for lesion, row in zip(found.lesions, made["lesions"], strict=True):
        expected = lesion.to_dict()
        centroid = expected.pop("centroid_mm")
        assert {key: row[key] for key in expected} == expected
        assert [row[f"centroid_{axis}_mm"] for axis in "xyz"] == list(centroid)
    assert made["case"]["lesion_volume_mm3"] == found.volume_mm3 > 0
    assert "dice" not in made["case"]
    assert "overlap_fraction" not in made["lesions"][0]


def test_lesions_outside_the_cord_are_counted_apart(rows, monkeypatch):
    def without_front(self, x):
        maps = np.concatenate([x, cord_of(x)], axis=1)[:, : self.outputs]
        maps[:, 1:, :, 50:] = 0  # no cord in front of column 50, where the smallest lesion lies
        return maps if self.kind == "multiresunet" else self._answers(x)

    assert rows()[2]["case"]["n_dropped"] == rows()[2]["case"]["dropped_volume_mm3"] == 0
    monkeypatch.setattr(StandInNetwork, "__call__", without_front)
    found, _, made = rows()
    assert made["case"]["n_lesions"] == 2
    assert made["case"]["n_dropped"] == len(found.dropped) == 1
    assert made["case"]["dropped_volume_mm3"] == 18
    assert "were dropped" in made["case"]["warnings"]


def test_a_reference_gives_dice_and_overlaps(rows):
    truth = lesion_of(working_array())
    reference = truth.copy()
    reference[5] = 0  # the small one is a false alarm
    reference[0, 90:94, 10:14] = 1  # and this one was missed
    found, _, made = rows(reference)
    ours = np.count_nonzero(truth)
    both = np.count_nonzero(truth & reference)
    assert np.count_nonzero(found.mask.array) == ours
    expected = 2 * both / (ours + np.count_nonzero(reference))
    assert made["case"]["dice"] == pytest.approx(expected, abs=1e-12)
    assert 0.5 < expected < 1
    overlaps = [(row["mask"], row["label"], row["overlap_fraction"]) for row in made["lesions"]]
    assert overlaps == [
        ("found", 1, 1.0),
        ("found", 2, 1.0),
        ("found", 3, 0.0),
        ("reference", 1, 1.0),
        ("reference", 2, 1.0),
        ("reference", 3, 0.0),
    ]
    assert made["case"]["reference_n_lesions"] == 3


def test_a_reference_gives_distances_in_millimetres(rows):
    reference = np.roll(lesion_of(working_array()), 3, axis=1)
    reference[5] = 0
    found, _, made = rows(reference)
    other = stored(reference).array
    score = score_segmentation(other, found.mask.array, found.mask.spacing_mm)
    assert 0 < score.assd_mm < score.hd95_mm < 100
    for name in ("dice", "hd95_mm", "assd_mm", "volume_difference_mm3"):
        assert made["case"][name] == pytest.approx(getattr(score, name), rel=1e-9)
    gained = made["case"]["lesion_volume_mm3"] - made["case"]["reference_volume_mm3"]
    assert made["case"]["volume_difference_mm3"] == pytest.approx(gained) != 0


def test_slices_that_nobody_annotated_do_not_count(rows):
    reference = lesion_of(working_array())
    whole = rows(reference)[2]["case"]
    assert (whole["dice"], whole["hd95_mm"], whole["volume_difference_mm3"]) == (1, 0, 0)
    reference[5] = 0
    part = rows(reference, unannotated=(5,))[2]["case"]
    assert (part["dice"], part["hd95_mm"], part["assd_mm"]) == (1, 0, 0)
    assert "volume_difference_mm3" not in part


def test_slices_are_counted_as_stored(rows):
    _, diagnosis, made = rows()
    truth = lesion_of(working_array())
    area = SPACING[1] * SPACING[2]
    expected = {s: np.count_nonzero(truth[s]) * area for s in range(7) if truth[s].any()}
    assert {row["slice"]: row["lesion_mm2"] for row in made["slices"]} == expected
    for name, answer in diagnosis.tasks.items():
        assert [(r["slice"], r[name]) for r in made["slices"]] == [
            (s.index, s.probability) for s in answer.slices
        ]
        assert made["case"][f"{name}_probability"] == answer.probability
    assert sum(made["case"][f"{d}_probability"] for d in diagnosis.probabilities) == (
        pytest.approx(1, abs=1e-12)
    )
    flipped = rows(axes=(0, 1, 2), flips=(True, False, False))[2]
    assert {row["slice"]: row["lesion_mm2"] for row in flipped["slices"]} == {
        6 - index: mm2 for index, mm2 in expected.items()
    }


def test_nothing_found_and_nothing_there_agree(rows):
    empty = np.zeros((7, 96, 80), np.uint8)
    _, _, made = rows(empty)
    assert made["case"]["dice"] == 0
    assert made["case"]["reference_volume_mm3"] == 0
    assert made["case"]["hd95_mm"] is made["case"]["assd_mm"] is None
    volume = made["case"]["lesion_volume_mm3"]
    assert made["case"]["volume_difference_mm3"] == pytest.approx(volume)
    assert volume > 0


def test_every_part_of_an_explanation_has_a_column(model_folder):
    options = ExplanationOptions(curves=True, compare=("hirescam", "occlusion"))
    pipeline = Pipeline(model_folder)
    shown = pipeline.explain(
        stored(working_array()),
        task="ms_vs_nmosd",
        mask=stored(lesion_of(working_array())),
        curves=options.curves,
        compare=options.compare,
    )
    row = attribution_row(shown)
    assert row["ms_vs_nmosd_inside_fraction"] == shown.inside_fraction > 0
    assert row["ms_vs_nmosd_ring_fraction"] == shown.ring_fraction > 0
    assert row["ms_vs_nmosd_flat_ring_fraction"] == shown.focus.flat_ring_fraction
    assert row["ms_vs_nmosd_deletion_auc"] == shown.curves.deletion_auc
    assert row["ms_vs_nmosd_insertion_auc"] == shown.curves.insertion_auc
    assert row["ms_vs_nmosd_hirescam_spearman"] == pytest.approx(1)
    assert row["ms_vs_nmosd_occlusion_top_iou"] is None
    columns = attribution_columns(options)
    assert len(columns) == len(set(columns)) == 3 * (4 + 2 + 2 * 2)
    assert {name for name in columns if name.startswith("ms_vs_nmosd_")} == set(row)
    assert len(attribution_columns(ExplanationOptions())) == 12


def test_columns_name_a_method_s_other_layer(model_folder):
    names = attribution_columns(ExplanationOptions(compare=["layercam:block3"]))
    assert names[-1] == "ms_vs_nmosd_layercamBlock3_top_iou"
    assert Agreement(0.5, None).to_dict().keys() == {"spearman", "top_iou"}
