"""The peer pipeline of `benchmarks/bench_case.py` has the shipped models' inputs and limits."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from spinalcord import _core
from spinalcord.models.folder import find_models

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def peer(monkeypatch):
    """Import the program from its folder."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "case_peer", raising=False)
    import case_peer

    return case_peer


@pytest.mark.parametrize("step_mm", [0.9, 3.5, 4.4])
def test_context_of_the_peer_is_that_of_the_core(peer, step_mm):
    slices = np.random.default_rng(0).random((5, 8, 6), np.float32)
    found = peer.with_context(slices, 3.5, step_mm)
    np.testing.assert_allclose(found, _core.with_context(slices, 3.5 / step_mm), atol=1e-6)
    assert found.std() > 0.1


def test_a_model_of_one_slice_gets_one_channel(peer):
    assert peer.with_context(np.ones((5, 8, 6), np.float32), None, 3.0).shape == (5, 1, 8, 6)


@pytest.mark.slow
@pytest.mark.parametrize("role", ["segmentation", "ms_vs_nmosd"])
def test_the_peer_takes_the_shipped_weights(peer, role):
    torch = pytest.importorskip("torch")
    model = find_models(None).model(role)
    module = peer._module(model)
    channels = model.metadata["in_channels"]
    with torch.inference_mode():
        found = module(torch.full((1, channels, 64, 64), 0.5)).numpy()
    from spinalcord import Network

    ours = Network.open(model.path)(np.full((1, channels, 64, 64), 0.5, np.float32))
    np.testing.assert_allclose(found, ours, atol=1e-4)
    assert 0 < found.mean() < 1
