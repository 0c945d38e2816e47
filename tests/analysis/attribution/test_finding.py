"""Evidence on a scan's slices: everything at once, with what each part was given."""

from __future__ import annotations

import numpy as np
import pytest

import spinalcord as sc
from spinalcord.analysis.attribution import ExplanationOptions, find_attribution
from spinalcord.scans.preparation import LesionSlices, Stopwatch, WorkingScan

from .networks import Answers


@pytest.fixture
def lesion(scan):
    from stand_ins import lesion_of

    working = WorkingScan(scan)
    return LesionSlices(working, lesion_of(working.array))


@pytest.fixture
def network(model_folder):
    """Answers with how bright the middle of a slice is."""
    network = Answers(lambda image: 0.1 + 0.8 * float(image[1, 24:40, 24:40].mean()))
    network.model = sc.Pipeline(model_folder).network("ms_vs_nmosd").model
    return network


def test_map_lies_in_the_working_orientation_and_is_judged(lesion, network):
    watch = Stopwatch()
    options = ExplanationOptions("occlusion", of="probability", curves=True)
    found = find_attribution(lesion, network, options, index=1, watch=watch)
    assert found.map.shape == lesion.mask.shape
    assert found.map.dtype == np.float32
    with_lesion = lesion.mask.any(axis=(1, 2))
    assert np.abs(found.map[with_lesion]).max() > 0.01
    assert not found.map[~with_lesion].any()
    assert found.focus.inside_fraction > found.focus.flat_inside_fraction
    assert found.curves.deletion[0] == pytest.approx(found.probability, abs=1e-6)
    assert found.curves.deletion_auc < found.probability
    assert found.agreement == {}
    assert list(watch.seconds) == ["prepare", "network", "restore", "measure", "curves"]


def test_the_other_answer_has_the_opposite_evidence(lesion, network):
    options = ExplanationOptions("occlusion", of="probability")
    both = [find_attribution(lesion, network, options, index=i, watch=Stopwatch()) for i in (0, 1)]
    np.testing.assert_allclose(both[0].map, -both[1].map, atol=1e-6)
    assert both[0].probability == pytest.approx(1 - both[1].probability)


def test_what_is_known_is_used(lesion, network):
    options = ExplanationOptions("occlusion")
    found = find_attribution(lesion, network, options, positive=0.9, watch=Stopwatch())
    assert (found.index, found.probability) == (1, 0.9)
